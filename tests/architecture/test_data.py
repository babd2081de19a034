"""Every datum has a source, every source is used, every file is read."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

import megacurie
from megacurie.experiments import cards
from megacurie.foundation import provenance, units
from megacurie.radiochemistry import tables as campaigns

SRC = Path(megacurie.__file__).parent
DATA = SRC / "data"
PUBLISHED = sorted((DATA / "published").glob("*.toml"))
TEXT = {"id", "what", "unit", "ref", "where", "compute", "within", "because", "status"}
ROW = TEXT | {"value", "plus", "minus", "args", "slow", "reached", "why", "note"}


def tables(node: Any) -> Iterator[dict[str, Any]]:
    """Every table below a TOML value."""
    if isinstance(node, dict):
        yield node
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from tables(item)


def rows() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in PUBLISHED:
        for row in tomllib.loads(path.read_text(encoding="utf-8"))["number"]:
            yield path.stem, row


@pytest.mark.parametrize("name", provenance.files())
def test_reference_data_is_complete(name: str) -> None:
    found = list(provenance.walk(provenance.load(name)))
    assert found
    for datum in found:
        units.unit(datum.unit)
        assert datum.ref in provenance.references(), datum.key
        assert len(datum.where) >= 4, f"{datum.key}: where = {datum.where!r} names no place"
        assert datum.plus >= 0, datum.key
        assert datum.minus >= 0, datum.key


@pytest.mark.parametrize("path", [p.relative_to(DATA).as_posix() for p in sorted(DATA.rglob("*.toml"))])
def test_every_ref_is_in_the_bibliography(path: str) -> None:
    for table in tables(provenance.read_toml(path)):
        if "ref" in table:
            provenance.check_reference(table["ref"], path)


def test_every_bibliography_entry_is_used() -> None:
    used = {table["ref"] for path in DATA.rglob("*.toml") for table in tables(tomllib.loads(path.read_text(encoding="utf-8"))) if "ref" in table}
    in_code = "\n".join(
        node.value
        for path in SRC.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    unused = sorted(key for key in provenance.references() if key not in used and key not in in_code)
    assert not unused, f"in references.bib, but nothing names them: {', '.join(unused)}"


def test_bibliography_keys_are_unique_and_can_be_read() -> None:
    text = (DATA / "references.bib").read_text(encoding="utf-8")
    keys = re.findall(r"^@\w+\{([^,]+),", text, re.MULTILINE)
    assert len(keys) == len(set(keys))
    assert set(keys) == set(provenance.references())
    for entry in provenance.references().values():
        assert entry.fields["title"], entry.key
        assert entry.bibtex.count("{") == entry.bibtex.count("}"), entry.key


def test_every_data_file_is_in_the_package_and_read_by_something() -> None:
    assert Path(str(resources.files("megacurie"))) / "data" == DATA
    read = {"references.bib", *provenance._SINGLE_FILES.values()}
    for folder in ("nuclides", "channels", "experiments", "templates", "published", "campaigns"):
        read |= {f"{folder}/{name}.toml" for name in provenance.names_in(folder)}
    read |= {f"campaigns/{name}/{table}.csv" for name in campaigns.names() for table in campaigns.TABLES}
    there = {p.relative_to(DATA).as_posix() for p in DATA.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert there == read


@pytest.mark.parametrize("name", cards.built_in())
def test_cards_say_where_their_numbers_come_from(name: str) -> None:
    _, card = cards.read(name)  # with what it takes from its base
    parts = {"source": card["source"], **{f"zone {zone['name']}": zone for zone in card["zone"]}}
    if "measurement" in card:
        parts["measurement"] = card["measurement"]
    for part, table in parts.items():
        assert table.get("ref") in provenance.references(), f"{name}: {part}: ref"
        assert len(table.get("where", "")) >= 4, f"{name}: {part}: where"


def test_published_ids_are_unique_and_begin_with_their_file() -> None:
    names = [(stem, row["id"]) for stem, row in rows()]
    assert len({name for _, name in names}) == len(names)
    assert not [name for stem, name in names if not name.startswith(stem + ".")]


def test_published_rows_have_known_keys() -> None:
    wrong = []
    for _, row in rows():
        wrong += [f"{row['id']}: {key} is not a key of a row" for key in set(row) - ROW]
        wrong += [f"{row['id']}: {key} is missing" for key in TEXT if not isinstance(row.get(key), str) or not row[key]]
        if isinstance(row["value"], bool) or not isinstance(row["value"], int | float):
            wrong.append(f"{row['id']}: value {row['value']!r} is not a number")
    assert not wrong, "\n".join(sorted(wrong))


def test_published_rows_state_a_unit_a_tolerance_and_a_status() -> None:
    wrong = []
    for _, row in rows():
        name, status = row["id"], row["status"]
        units.unit(row["unit"])
        if not units.parse(row["within"], "dimensionless") > 0:
            wrong.append(f"{name}: within {row['within']!r}")
        if status not in ("reproduced", "explained", "open"):
            wrong.append(f"{name}: status {status!r}")
        # a difference is only allowed with what our chain gives, and an explained one with its reason
        if status != "reproduced" and row.get("reached", "") == "":
            wrong.append(f"{name}: {status} without reached")
        if status == "explained" and not row.get("why"):
            wrong.append(f"{name}: explained without why")
    assert not wrong, "\n".join(wrong)
