"""Reference data: every number with its source and the place where it stood.

Files lie in ``megacurie/data``. A key names a file and a path inside it: ``nuclide.cr51.half_life``, ``channel.ga71-capture.cr51.bahcall-1997``,
``material.gallium.density``, ``constant.electron_mass``, ``conventions.schwetz-2023``. A table with a key ``value`` is a number; ``ref``, ``where``,
``status`` and ``note`` may stand on an enclosing table. A number without value, unit, source and place is refused, and so is a bare number.
"""

from __future__ import annotations

import functools
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from typing import Any, Literal, Protocol, get_args

from megacurie.foundation import units
from megacurie.foundation.errors import DataError, UnitError, did_you_mean

Status = Literal["measured", "calculated", "assumed", "digitised", "unverified"]
_INHERITED = ("ref", "where", "status", "note")
_SINGLE_FILES = {
    "material": "materials.toml",
    "constant": "constants.toml",
    "conventions": "measurements/conventions.toml",
    "nuclei": "nuclei.toml",
    "coherence": "coherence.toml",
    "background": "backgrounds.toml",
    "activation": "activation.toml",
    "counter": "counter.toml",
}
_FOLDERS = {"nuclide": "nuclides", "channel": "channels", "campaign": "campaigns"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Datum:
    """A number from a source.

    Attributes
    ----------
    key : str
        Where it stands in our data.
    value, plus, minus : float
        Value and errors, internal units; 0 where no error is given.
    unit, printed : str
        Display unit, and the number as it stood.
    ref, where : str
        Key in ``references.bib`` and the place in that reference.
    note, status : str
        Remarks; "measured", "calculated", "assumed", "digitised" or "unverified".
    """

    key: str
    value: float
    plus: float
    minus: float
    unit: str
    printed: str
    ref: str
    where: str
    note: str
    status: Status

    @property
    def references(self) -> frozenset[str]:
        """Keys of ``references.bib`` that this number needs."""
        return frozenset({self.ref})

    @property
    def dagger(self) -> str:
        """The mark of reports: a dagger where the number is assumed or unverified."""
        return "†" if self.status in ("assumed", "unverified") else ""

    def __str__(self) -> str:
        unit = "" if self.unit == "1" else f" {self.unit}"
        if not (self.plus or self.minus):
            return f"{self.printed}{unit}{self.dagger}"
        plus, minus = (f"{units.to_display(x, self.unit):.4g}" for x in (self.plus, self.minus))
        errors = f"+-{plus}" if plus == minus else f"+{plus} -{minus}"
        return f"{self.printed} {errors}{unit}{self.dagger}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One entry of ``references.bib``: its key, its BibTeX text and its fields (lower case)."""

    key: str
    bibtex: str
    fields: Mapping[str, str]

    def __str__(self) -> str:
        who = self.fields.get("collaboration") or self.fields.get("author", "").split(" and ")[0]
        return ", ".join(part for part in (who, self.fields.get("title", ""), self.fields.get("year", "")) if part)


class HasReferences(Protocol):
    """Anything that knows which references it needs."""

    @property
    def references(self) -> frozenset[str]: ...


Node = Any
"""What a data file holds after loading: Datum, str, bool, tuple of nodes, or mapping of nodes."""


def _root() -> Any:
    return resources.files("megacurie") / "data"


@functools.cache
def references() -> Mapping[str, Reference]:
    """All entries of ``references.bib`` by key.

    Examples
    --------
    >>> "Barinov:2021asz" in references()
    True
    """
    text = (_root() / "references.bib").read_text(encoding="utf-8")
    entries = {}
    for found in re.finditer(r"@\w+\{([^,]+),(.*?)\n\}", text, re.DOTALL):
        fields = {name.lower(): value.strip() for name, value in re.findall(r"(\w+)\s*=\s*[{\"](.*?)[}\"]\s*,?\s*(?=\n|$)", found[2])}
        entries[found[1].strip()] = Reference(key=found[1].strip(), bibtex=found[0], fields=fields)
    return entries


def check_reference(key: str, place: str) -> None:
    """Refuse a reference key that is not in ``references.bib``.

    Raises
    ------
    DataError
        With the nearest known key.
    """
    if key not in references():
        raise DataError(f"{place}: ref {key!r} is not in references.bib. {did_you_mean(key, references())}")


def read_toml(path: str) -> dict[str, Any]:
    """A file of ``megacurie/data`` as it stands, numbers as Decimal so that printed digits survive."""
    text = (_root() / path).read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Decimal)


def data_text(path: str) -> str:
    """The text of a file of ``megacurie/data``."""
    found: str = (_root() / path).read_text(encoding="utf-8")
    return found


@functools.cache
def names_in(folder: str) -> tuple[str, ...]:
    """Names of the TOML files in a folder of ``megacurie/data`` and the folders in it, without ending, sorted: ``ciuffoli-2025/juno-center``."""

    def below(place: Any, prefix: str) -> Iterator[str]:
        for entry in place.iterdir():
            if entry.is_dir():
                yield from below(entry, f"{prefix}{entry.name}/")
            elif entry.name.endswith(".toml"):
                yield prefix + entry.name.removesuffix(".toml")

    return tuple(sorted(below(_root() / folder, "")))


def _datum(raw: Mapping[str, Any], place: str, inherited: Mapping[str, str]) -> Datum:
    said = {**inherited, **raw}
    for need in ("unit", "ref", "where"):
        if not isinstance(said.get(need), str) or not said[need]:
            raise DataError(f"{place}: a number without '{need}'. Every number needs value, unit, ref and where")
    status = said.get("status", "measured")
    if status not in get_args(Status):
        raise DataError(f"{place}: status {status!r}. Known: {', '.join(get_args(Status))}")
    unknown = set(raw) - {"value", "plus", "minus", "error", "unit", "level", *_INHERITED}
    if unknown:
        raise DataError(
            f"{place}: {sorted(unknown)[0]!r} is not a key of a number. "
            + did_you_mean(sorted(unknown)[0], ("value", "plus", "minus", "error", "unit", *_INHERITED))
        )
    check_reference(said["ref"], place)
    try:
        size = units.unit(said["unit"])[0]
    except UnitError as error:
        raise DataError(f"{place}: {error}") from None
    both = raw.get("error", 0)
    numbers = {k: _number(raw.get(k, both), f"{place}: {k}") * size for k in ("value", "plus", "minus")}
    if numbers["plus"] < 0 or numbers["minus"] < 0:
        raise DataError(f"{place}: errors +{raw.get('plus', both)} -{raw.get('minus', both)}: expected zero or more")
    return Datum(
        key=place,
        unit=said["unit"],
        printed=str(raw["value"]).lower(),
        ref=said["ref"],
        where=said["where"],
        note=said.get("note", ""),
        status=status,
        **numbers,
    )


def _number(raw: Any, place: str) -> float:
    """A number as it stands in a file: TOML or text."""
    try:
        number = math.nan if isinstance(raw, bool) else float(raw)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"{place} {raw!s}: expected a finite number")
    return number


def _node(raw: Any, place: str, inherited: Mapping[str, str]) -> Node:
    if isinstance(raw, Mapping):
        if "value" in raw:
            return _datum(raw, place, inherited)
        said = {**inherited, **{k: raw[k] for k in _INHERITED if k in raw}}
        return {key: _node(item, f"{place}.{key}", said) for key, item in raw.items()}
    if isinstance(raw, list):
        return tuple(_node(item, f"{place}[{i}]", inherited) for i, item in enumerate(raw))
    if isinstance(raw, str | bool):
        return raw
    raise DataError(f"{place}: bare number {raw}. Write {{ value = {raw}, unit = ..., ref = ..., where = ... }}")


def from_text(text: str, name: str) -> Mapping[str, Node]:
    """Load reference data from TOML text under the rules of this module (used for files and in tests).

    Raises
    ------
    DataError
        If a number is bare, lacks unit, ref or where, or names an unknown reference.
    """
    loaded: Mapping[str, Node] = _node(tomllib.loads(text, parse_float=Decimal), name, {})
    return loaded


@functools.cache
def load(name: str) -> Mapping[str, Node]:
    """All data of one file: ``nuclide.cr51``, ``channel.ga71-capture``, ``material``, ``constant``, ``conventions``.

    Raises
    ------
    DataError
        If there is no such file (with the nearest name), or it breaks the rules.
    """
    if name in _SINGLE_FILES:
        return from_text(data_text(_SINGLE_FILES[name]), name)
    kind, _, stem = name.partition(".")
    if kind not in _FOLDERS or stem not in names_in(_FOLDERS[kind]):
        raise DataError(f"no reference data {name!r}. {did_you_mean(name, files())}")
    return from_text(data_text(f"{_FOLDERS[kind]}/{stem}.toml"), name)


@functools.cache
def files() -> tuple[str, ...]:
    """Names that ``load`` takes."""
    return tuple(f"{kind}.{stem}" for kind, folder in _FOLDERS.items() for stem in names_in(folder) if "/" not in stem) + tuple(_SINGLE_FILES)


def look_up(key: str) -> Node:
    """The datum, text or table at a key; a table that states a ``default`` stands for that entry when asked by ``datum``.

    Raises
    ------
    DataError
        If nothing stands there, with the nearest known key.
    """
    name = next((f for f in files() if key == f or key.startswith(f + ".")), None)
    if name is None:
        raise DataError(f"no reference data {key!r}. {did_you_mean('.'.join(key.split('.')[:2]), files())}")
    node: Node = load(name)
    place = name
    for step in key.removeprefix(name).strip(".").split(".") if key != name else ():
        if not isinstance(node, Mapping) or step not in node:
            known = [k for k in node if k not in (*_INHERITED, "default")] if isinstance(node, Mapping) else ()
            raise DataError(f"no reference data {key!r}: {place} has no {step!r}. {did_you_mean(step, known)}")
        node, place = node[step], f"{place}.{step}"
    return node


@functools.cache
def datum(key: str, dimension: str) -> Datum:
    """The number at a key, checked to be of a dimension.

    Raises
    ------
    DataError
        If there is no number at the key or its unit is of another dimension.

    Examples
    --------
    >>> print(datum("nuclide.cr51.half_life", "time").unit)
    d
    """
    node = look_up(key)
    if isinstance(node, Mapping) and isinstance(node.get("default"), str):
        node = look_up(f"{key}.{node['default']}")
    if not isinstance(node, Datum):
        raise DataError(
            f"{key} is not a number; give one of: {', '.join(k for k in node if k not in _INHERITED)}"
            if isinstance(node, Mapping)
            else f"{key} is not a number"
        )
    try:
        units.in_unit(node.unit, dimension)
    except UnitError as error:
        raise DataError(f"{key}: {error}") from None
    return node


def walk(node: Node) -> Iterator[Datum]:
    """Every number below a node, in the order of the file."""
    if isinstance(node, Datum):
        yield node
    elif isinstance(node, Mapping):
        for item in node.values():
            yield from walk(item)
    elif isinstance(node, tuple):
        for item in node:
            yield from walk(item)


def all_data(prefix: str = "") -> tuple[Datum, ...]:
    """Every number whose key begins with a prefix.

    Raises
    ------
    DataError
        If there is none.
    """
    found = tuple(d for name in files() for d in walk(load(name)) if d.key.startswith(prefix))
    if not found:
        keys = {".".join(d.key.split(".")[:n]) for name in files() for d in walk(load(name)) for n in (1, 2, 3)}
        raise DataError(f"no reference data begins with {prefix!r}. {did_you_mean(prefix, keys)}")
    return found


def cite(*results: HasReferences | Iterable[str]) -> str:
    """BibTeX of everything that entered some results: a pure function of their ``references``.

    Raises
    ------
    DataError
        If a result names a reference that is not in ``references.bib``.

    Examples
    --------
    >>> print(cite(["Barinov:2021asz"]).splitlines()[0])
    @article{Barinov:2021asz,
    """
    keys: set[str] = set()
    for result in results:
        keys |= set(result if isinstance(result, Iterable) else result.references)
    for key in keys:
        check_reference(key, "cite")
    return "\n\n".join(references()[key].bibtex for key in sorted(keys))
