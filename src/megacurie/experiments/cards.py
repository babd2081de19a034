"""Experiment files: reading a card, its errors (file, key path, found, expected, way out; all at once), and the experiment it describes.

This and the reference data are the only places where text becomes floats.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from megacurie.experiments import build
from megacurie.experiments.experiment import Experiment
from megacurie.experiments.schema import Card, ZoneTable
from megacurie.foundation import provenance
from megacurie.foundation.errors import CardError, did_you_mean


def built_in() -> tuple[str, ...]:
    """Names of the cards that ship with the package."""
    return provenance.names_in("experiments")


def schema() -> dict[str, Any]:
    """The JSON Schema of experiment files."""
    return Card.model_json_schema()


def templates() -> tuple[str, ...]:
    """Names of the cards to start from."""
    return provenance.names_in("templates")


def template(name: str) -> str:
    """The text of a card to start from, with a comment on each key."""
    return provenance.data_text(f"templates/{name}.toml")


def read(card: str | Path, settings: Mapping[str, str] | None = None) -> tuple[str, dict[str, Any]]:
    """The text of a card as TOML, with settings applied; and the name that messages give it.

    Parameters
    ----------
    card : str or Path
        A file, or the name of a built-in card.
    settings : dict of str to str
        ``source.activity = "1 MCi"`` and the like; ``zone.KEY`` sets a key in every zone, ``zone.NAME.KEY`` in one.

    Raises
    ------
    CardError
        If there is no such card, it cannot be read, or is not TOML.
    """
    name, raw = _with_base(card)
    for key, value in (settings or {}).items():
        _apply(name, raw, key, value)
    return name, raw


def _with_base(card: str | Path, seen: tuple[str, ...] = ()) -> tuple[str, dict[str, Any]]:
    """A card laid over the one that it names as its ``base``."""
    name, raw = _text(card)
    base = raw.pop("base", None)
    if base is None:
        return name, raw
    if not isinstance(base, str) or name in seen:
        found = " -> ".join((*seen, name)) if name in seen else repr(base)
        raise CardError(name, [f"base: {found}: expected the name of another card, a file or a built-in one, not this one again"])
    beside = Path(name).parent / base
    below = _with_base(base if base in built_in() else beside, (*seen, name))[1]
    return name, _over(below, raw)


def _over(below: Any, above: Any) -> Any:
    """One table laid over another, key by key; lists of tables with names are matched by them, anything else is replaced."""
    if isinstance(below, dict) and isinstance(above, dict):
        return {key: _over(below[key], above[key]) if key in below and key in above else above.get(key, below.get(key)) for key in {**below, **above}}
    lists = isinstance(below, list) and isinstance(above, list) and above
    if lists and all(isinstance(item, dict) and "name" in item for item in (*below, *above)):
        named = {item["name"]: item for item in above}
        old = [_over(item, named.pop(item["name"], {})) for item in below]
        return old + list(named.values())
    return above


def _text(card: str | Path) -> tuple[str, dict[str, Any]]:
    """A card as it stands, and its name in messages."""
    if isinstance(card, str) and card in built_in():
        name, text = card, provenance.data_text(f"experiments/{card}.toml")
    else:
        path = Path(card)
        name = str(card)
        try:
            text = path.read_text(encoding="utf-8-sig")  # some editors begin UTF-8 with a mark
        except (FileNotFoundError, NotADirectoryError):
            if path.suffix == ".toml" or len(path.parts) > 1:
                near = _near(name)
                raise CardError(
                    name, [f"no such file; expected a TOML card. {near}'megacurie show --template gallium > my.toml' writes one to start from"]
                ) from None
            raise CardError(name, [f"neither a file nor a built-in card. {_near(name)}'megacurie show' lists the built-in ones"]) from None
        except UnicodeDecodeError:
            raise CardError(name, ["not a text file: expected TOML in UTF-8"]) from None
        except OSError as error:
            raise CardError(name, [f"cannot be read: {error.strerror}; expected a TOML file"]) from None
    if not text.strip():
        raise CardError(name, ["the file is empty: expected a TOML card. 'megacurie show --template gallium' prints one"])
    try:
        return name, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CardError(name, [f"not TOML: {error}"]) from None


def _near(name: str) -> str:
    """The built-in card that a name may mean; nothing where none is near, because they are many."""
    said = did_you_mean(name, built_in())
    return f"{said} " if said.startswith("Did") else ""


def _apply(name: str, raw: dict[str, Any], key: str, value: str) -> None:
    """Set one dotted key of a card."""
    first, *rest = key.split(".")
    tables = [raw]
    if first == "zone":
        zones = [zone for zone in raw.get("zone", []) if isinstance(zone, dict)]
        named = [zone for zone in zones if rest and zone.get("name") == rest[0]]
        if named:
            zones, rest = named, rest[1:]
            if not rest:
                raise CardError(name, [f"{key}: a zone, not a key of one; expected such as {key}.mean_path"])
        elif len(rest) > 1 and rest[0] not in ZoneTable.model_fields:
            raise CardError(name, [f"{key}: no zone {rest[0]!r}. {did_you_mean(rest[0], [str(zone.get('name')) for zone in zones])}"])
        tables, path = zones, rest
    else:
        path = [first, *rest]
    for table in tables:
        for step in path[:-1]:
            if not isinstance(table.get(step), dict):  # a table replaces what stood there as bare text
                table[step] = {"value": table[step]} if step in table else {}
            table = table[step]
        table[path[-1]] = _literal(value)


def _literal(text: str) -> Any:
    """TOML where the text is a TOML table or list; else the text itself."""
    if text.startswith(("[", "{")):
        try:
            return tomllib.loads(f"x = {text}")["x"]
        except tomllib.TOMLDecodeError:
            pass
    return text


def parse(name: str, raw: Mapping[str, Any]) -> Card:
    """Check a card, all of it.

    Raises
    ------
    CardError
        With every problem: key path, what was found, what was expected, the way out.
    """
    try:
        return Card.model_validate(raw)
    except ValidationError as error:
        # an empty list of zones is only said where no zone is wrong: pydantic leaves wrong ones out before it counts
        found = [one for one in error.errors() if one["type"] != "too_short" or not one["input"]]
        raise CardError(name, sorted({_problem(one, raw) for one in found})) from None


_EXPECTED = {
    "string_type": 'expected text, such as "inner"',
    "model_type": "expected a table, such as { key = ... }",
    "dict_type": "expected a table, such as { key = ... }",
    "tuple_type": "expected a list, such as [{ key = ... }]",
}  # of the errors that pydantic puts in words of its own


def _problem(error: Any, card: Mapping[str, Any]) -> str:
    raw: Any = card
    path, loc = "", []
    for step in error["loc"]:  # as deep as the file goes: bare text may stand for a table, one table for a list of one
        if not isinstance(raw, dict | list):
            break
        if isinstance(step, int) != isinstance(raw, list):
            continue
        path += f"[{step}]" if isinstance(step, int) else f"{'.' if path else ''}{step}"
        loc.append(step)
        raw = raw[step] if isinstance(step, int) else dict(raw).get(step)
    if error["type"] == "too_short":
        return f"{path}: empty; expected at least one table"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"{path}: not a key of a card. {did_you_mean(str(loc[-1]), _keys(loc[:-1]))}"
    if error["type"] == "missing":
        return f"{path}: missing; a card needs it. 'megacurie show --template gallium' prints a whole one"
    if error["type"] == "literal_error":
        names = [word.strip(" '") for word in error["ctx"]["expected"].replace(" or ", ", ").split(",")]
        return f"{path}: {error['input']!r} is not known. {did_you_mean(str(error['input']), names)}"
    if error["type"] == "value_error":
        return f"{path}: {message}" if path else message
    found = "a table" if isinstance(error["input"], Mapping) else "a list" if isinstance(error["input"], list) else repr(error["input"])
    return f"{path}: {found}: {_EXPECTED.get(error['type'], message[0].lower() + message[1:])}"


def _keys(loc: list[str | int]) -> list[str]:
    """The keys that a table of the card may have."""
    model: Any = Card
    for step in loc:
        if isinstance(step, int) or not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        found = {field.alias or name: field.annotation for name, field in model.model_fields.items()}.get(step)
        tables = _models(found)
        model = tables[0] if tables else None
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _models(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models(part)]


def load(card: str | Path, settings: Mapping[str, str] | None = None) -> Experiment:
    """The experiment of a card: a file, or the name of a built-in one.

    Parameters
    ----------
    card : str or Path
    settings : dict of str to str
        Keys of the card to change, see ``read``.

    Raises
    ------
    CardError
        With every problem of the file at once.

    Examples
    --------
    >>> load("best").name
    'BEST'
    """
    name, raw = read(card, settings)
    folder = Path(name).parent if name not in built_in() else None
    return build.resolve(name, parse(name, raw), folder)
