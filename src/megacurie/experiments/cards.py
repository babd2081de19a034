"""Experiment files: reading a card, its errors (file, key path, found, expected, way out; all at once), and the experiment it describes.

This and the reference data are the only places where text becomes floats.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from megacurie.experiments.experiment import Experiment, Published, Zone
from megacurie.experiments.fields import quantity
from megacurie.experiments.schema import Card, MeasurementTable, ShapeTable, ZoneTable
from megacurie.foundation import provenance, units
from megacurie.foundation.errors import CardError, DataError, MegacurieError, RangeError, did_you_mean
from megacurie.foundation.measurement import Pull
from megacurie.physics import materials, shapes, sources
from megacurie.physics.channels import coherent_scattering, electron_scattering, nuclear_capture
from megacurie.physics.channels.base import Channel
from megacurie.physics.schedule import Exposure, Schedule


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
    if isinstance(card, str) and card in built_in():
        name, text = card, provenance.data_text(f"experiments/{card}.toml")
    else:
        path = Path(card)
        name = str(card)
        try:
            text = path.read_text(encoding="utf-8-sig")  # some editors begin UTF-8 with a mark
        except (FileNotFoundError, NotADirectoryError):
            if path.suffix == ".toml" or len(path.parts) > 1:
                raise CardError(name, ["no such file; expected a TOML card. 'megacurie show --template gallium > my.toml' writes one to start from"]) from None
            raise CardError(name, [f"neither a file nor a built-in card. {did_you_mean(name, built_in())}"]) from None
        except UnicodeDecodeError:
            raise CardError(name, ["not a text file: expected TOML in UTF-8"]) from None
        except OSError as error:
            raise CardError(name, [f"cannot be read: {error.strerror}; expected a TOML file"]) from None
    if not text.strip():
        raise CardError(name, ["the file is empty: expected a TOML card. 'megacurie show --template gallium' prints one"])
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CardError(name, [f"not TOML: {error}"]) from None
    for key, value in (settings or {}).items():
        _apply(name, raw, key, value)
    return name, raw


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
    return resolve(name, parse(name, raw))


def resolve(file: str, card: Card) -> Experiment:
    """From a checked card to the experiment it describes.

    Raises
    ------
    CardError
        If sizes do not fit together (a fill that overflows, a quantity of the wrong kind).
    """
    problems: list[str] = []
    activity = card.source.activity
    source = sources.source(
        card.source.nuclide, lines=card.source.lines, activity=None if activity is None else activity.value,
        activity_error=0.0 if activity is None or not activity.value else max(activity.plus, activity.minus) / activity.value,
        reference_time=card.source.at or "", calibration=card.source.calibration or "",
    )  # fmt: skip
    material = None if card.target.material is None else materials.material(card.target.material)
    body = None
    try:
        body = None if card.source.shape is None else _source_shape(card.source.shape)
    except MegacurieError as error:
        problems.append(f"source.shape: {error}")
    zones = []
    for i, zone in enumerate(card.zone):
        try:
            zones.append(_zone(zone, body, material))
        except MegacurieError as error:
            problems.append(f"zone[{i}]: {error}")
    schedule = None
    try:
        if card.schedule is not None:
            schedule = Schedule(exposures=tuple(Exposure(start=e.start, stop=e.stop, live_fraction=e.live_fraction) for e in card.schedule.exposures))
    except MegacurieError as error:
        problems.append(f"schedule.exposures: {error}")
    channel = _channel(card, material)
    references = source.references | channel.references(source) | _references(card)
    experiment = Experiment(
        name=card.name, source=source, material=material, channel=channel, zones=tuple(zones), schedule=schedule, efficiency=card.detector.efficiency,
        notes=_doubts(card), references=references if material is None else references | material.references,
    )  # fmt: skip
    published = None
    if card.measurement is not None:
        published = _published(card.measurement, [zone.name for zone in card.zone], None if problems else experiment, problems)
    if problems:
        raise CardError(file, problems)
    return replace(experiment, published=published)


def _channel(card: Card, material: materials.Material | None) -> Channel:
    if card.target.channel == "electron-scattering":
        return electron_scattering.ElectronScattering(threshold=card.detector.threshold)
    if card.target.channel == "cevns":
        isotopes = () if material is None else tuple(isotope for isotope in material.atoms if isotope in coherent_scattering.nuclei())
        return coherent_scattering.CoherentScattering(isotopes=isotopes, threshold=card.detector.threshold)
    return nuclear_capture.NuclearCapture(model=card.target.cross_section)


def _doubts(model: BaseModel, path: str = "") -> tuple[str, ...]:
    """A line for every table of the card that is assumed or unverified."""
    lines = []
    status = getattr(model, "status", None)
    if status in ("assumed", "unverified"):
        lines.append(f"† {path}: {status}. {getattr(model, 'note', None) or ''}".rstrip())
    for name in type(model).model_fields:
        value = getattr(model, name)
        for i, item in enumerate(value) if isinstance(value, tuple) else ((None, value),):
            if isinstance(item, BaseModel):
                label = getattr(item, "name", i)
                lines += _doubts(item, f"{path}{'.' if path else ''}{name}{'' if i is None else f'.{label}'}")
    return tuple(lines)


def _references(model: BaseModel) -> frozenset[str]:
    """Every ``ref`` below a table of the card."""
    found: set[str] = set()
    for name in type(model).model_fields:
        value = getattr(model, name)
        if name == "ref" and value:
            found.add(value)
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,):
            if isinstance(item, BaseModel):
                found |= _references(item)
    return frozenset(found)


def _zone(zone: ZoneTable, source: shapes.Shape | None, material: materials.Material | None) -> Zone:
    without = tuple(_shape(cavity, None, material, ()) for cavity in zone.without)
    bodies = tuple(_shape(part, zone.source_at, material, without) for part in zone.shape)
    target = bodies[0] if len(bodies) == 1 else shapes.Union(parts=bodies)
    if without:
        target = shapes.Difference(target=target, without=without[0] if len(without) == 1 else shapes.Union(parts=without))
    if not 0 < target.volume < math.inf:
        found = units.format(target.volume, "m3")
        raise RangeError(f"a target of {found}: expected a positive finite volume. Do the cavities swallow it, has it a bottom and a top?")
    path = zone.mean_path
    if path is None:
        return Zone(name=zone.name, shape=target, source_shape=source)
    error = max(path.plus or 0.0, path.minus or 0.0) / path.value
    return Zone(name=zone.name, shape=target, source_shape=source, published_path=path.value, path_error=error)


def _source_shape(card: ShapeTable) -> shapes.Shape:
    """Where the decays are: about the origin unless the card says otherwise."""
    if card.mass is not None or (card.fill is not None and card.fill.mass is not None):
        raise RangeError("a mass; expected sizes, because the density of the source is not known")
    shape = _shape(card, None if card.height is None else 0.5 * card.height, None, ())
    if card.kind == "shell" or not math.isfinite(shape.reach):
        raise RangeError(f"a {card.kind} with a reach of {units.format(shape.reach, 'm')}; expected a ball or a finite cylinder")
    return shape


def _shape(card: ShapeTable, source_at: float | None, material: materials.Material | None, without: tuple[shapes.Shape, ...]) -> shapes.Shape:
    """A shape about the source: balls and shells have it at a distance from their centre, cylinders at a height above their bottom."""
    if card.kind == "ball":
        return shapes.Ball(radius=card.radius if card.radius is not None else shapes.ball_of_volume(_volume(card.mass, material)).radius, z=-(source_at or 0.0))
    if card.kind == "shell":
        assert card.inner is not None
        assert card.outer is not None
        return shapes.Shell(inner=card.inner, outer=card.outer, z=-(source_at or 0.0))
    assert card.radius is not None
    bottom = card.bottom if card.bottom is not None else card.start if card.start is not None else -(source_at or 0.0)
    top = card.to if card.to is not None else bottom + card.height if card.height is not None else None
    if card.fill is None:
        assert top is not None
        return shapes.Cylinder(radius=card.radius, bottom=bottom, top=top)
    if card.fill.height is not None:
        tank = shapes.Cylinder(radius=card.radius, bottom=bottom, top=bottom + card.fill.height if top is None else top)
        return shapes.filled_to_height(tank, card.fill.height)
    volume = _volume(card.fill.mass, material)
    tank = shapes.Cylinder(radius=card.radius, bottom=bottom, top=top if top is not None else bottom + 100 * volume / card.radius**2)
    return shapes.filled_to_volume(tank, shapes.Union(parts=without), volume) if without else shapes.filled_to_height(tank, volume / (np.pi * card.radius**2))


def _volume(mass: float | None, material: materials.Material | None) -> float:
    if mass is None or material is None:
        raise DataError("a mass needs a density to become a volume: set target.material")
    return mass / material.density


def _published(card: MeasurementTable, zones: list[str], experiment: Experiment | None, problems: list[str]) -> Published:
    """The measurement of a card; what is wrong with it is added to the problems. Where no prediction was published, the experiment gives it."""

    def number(place: str, text: str, *, positive: bool = True) -> float:
        try:
            value: float = quantity("rate" if card.quantity == "rate" else "dimensionless", positive=positive).read(text)
        except (MegacurieError, ValueError) as error:
            problems.append(f"measurement.{place}: {error}")
            return 1.0  # goes no further than the list of problems
        return value

    value, plus, minus = (
        {zone: number(f"values.{zone}.{key}", getattr(card.values[zone], key), positive=key != "value") for zone in zones} for key in ("value", "plus", "minus")
    )
    predicted = dict.fromkeys(zones, 1.0) if card.quantity == "ratio" else {zone: number(f"predicted.{zone}", text) for zone, text in card.predicted.items()}
    if not predicted and experiment is not None:
        predicted = _own_prediction(card, experiment)
        if not predicted and not experiment.missing:
            problems.append("measurement.predicted: missing, and without a [schedule] no counts follow; expected one of the two")
    pulls = []
    for i, pull in enumerate(card.pulls):
        if pull.relative is not None:
            pulls.append(Pull(name=pull.name, shape=np.full(len(zones), pull.relative), of=pull.of))
        elif pull.absolute is not None:
            size = number(f"pulls[{i}].absolute", pull.absolute, positive=False)
            pulls.append(Pull(name=pull.name, shape=np.array([size / predicted.get(zone, 1.0) for zone in zones]), of=pull.of))
            if not predicted and experiment is not None and experiment.missing:
                inputs = " and ".join(experiment.missing)
                problems.append(f"measurement.pulls[{i}].absolute: nothing to compare it with; expected measurement.predicted, or {inputs}")
    return Published(
        quantity=card.quantity, value=value, plus=plus, minus=minus, predicted=predicted,
        cross_section=card.cross_section, pulls=tuple(pulls), cross_section_error=any(pull.taken for pull in card.pulls), ref=card.ref or "",
    )  # fmt: skip


def _own_prediction(card: MeasurementTable, experiment: Experiment) -> dict[str, float]:
    """What the experiment expects of the measured quantity, by zone; empty where an input is missing."""
    channel = nuclear_capture.NuclearCapture(model=card.cross_section)
    own = replace(experiment, channel=channel, schedule=None if card.quantity == "rate" else experiment.schedule)
    return dict(zip((zone.name for zone in own.zones), own.kernel().without_new_physics().tolist(), strict=True)) if own.quantity == card.quantity else {}
