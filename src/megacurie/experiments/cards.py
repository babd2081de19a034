"""The experiment file: what a TOML card may say, and how it becomes an Experiment.

Every key of a card is a field below; ``megacurie show --schema`` prints them as JSON Schema.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from megacurie.experiments.experiment import Experiment, Published, Zone
from megacurie.experiments.fields import Activity, AnyQuantity, Fraction, Height, Length, Mass, Moment, Reference, Time, one_of
from megacurie.foundation import provenance, units
from megacurie.foundation.errors import CardError, MegacurieError, did_you_mean
from megacurie.foundation.measurement import Pull
from megacurie.physics import materials, shapes, sources
from megacurie.physics.channels import nuclear_capture
from megacurie.physics.schedule import Exposure, Schedule

Model = Annotated[str, one_of(nuclear_capture.models, "cross-section model")]


class _Table(BaseModel):
    """A table of the card; where its numbers come from may be said in each."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    ref: Reference | None = None
    where: str | None = None
    status: Literal["measured", "calculated", "assumed", "digitised", "unverified"] | None = None
    note: str | None = None


class _Activity(_Table):
    value: Activity
    plus: Activity = 0.0
    minus: Activity = 0.0

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, raw: Any) -> Any:
        return raw if isinstance(raw, Mapping) else {"value": raw}


class _Path(_Table):
    value: Length
    plus: Length | None = None
    minus: Length | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, raw: Any) -> Any:
        return raw if isinstance(raw, Mapping) else {"value": raw}


class _Fill(_Table):
    height: Length | None = None
    mass: Mass | None = None

    @model_validator(mode="after")
    def _one(self) -> _Fill:
        if (self.height is None) == (self.mass is None):
            raise ValueError("expected either height or mass")
        return self


class _Shape(_Table):
    kind: Literal["ball", "shell", "cylinder"]
    radius: Length | None = None
    mass: Mass | None = None
    inner: Length | None = None
    outer: Length | None = None
    height: Length | None = None
    bottom: Height | None = None
    start: Height | None = Field(None, alias="from")
    to: Height | None = None
    fill: _Fill | None = None

    @model_validator(mode="after")
    def _complete(self) -> _Shape:
        given = {alias for name, alias in _SHAPE_KEYS.items() if getattr(self, name) is not None}
        ways = _SHAPES[self.kind]
        if not any(need <= given <= need | may for need, may in ways):
            expected = " or ".join(", ".join(sorted(need)) + (f" (and {', '.join(sorted(may))})" if may else "") for need, may in ways)
            raise ValueError(f"a {self.kind} with {', '.join(sorted(given)) or 'no size'}: expected {expected}")
        return self


_SHAPE_KEYS = {name: "from" if name == "start" else name for name in ("radius", "mass", "inner", "outer", "height", "bottom", "start", "to", "fill")}
_SHAPES: dict[str, tuple[tuple[set[str], set[str]], ...]] = {  # what a shape needs, and what may stand beside it
    "ball": (({"radius"}, set()), ({"mass"}, set())),
    "shell": (({"inner", "outer"}, set()),),
    "cylinder": (({"radius", "height"}, {"bottom", "fill"}), ({"radius", "from", "to"}, {"fill"}), ({"radius", "bottom", "fill"}, set())),
}


class _Source(_Table):
    nuclide: str
    lines: str = "four"
    activity: _Activity | None = None
    at: Moment | None = None
    calibration: Literal["calorimetric", "gamma"] | None = None
    shape: _Shape | None = None

    @model_validator(mode="after")
    def _known_nuclide(self) -> _Source:
        try:
            sources.source(self.nuclide, lines=self.lines)
        except MegacurieError as error:
            raise ValueError(str(error)) from None
        return self


class _Target(_Table):
    channel: Annotated[str, one_of(lambda: ("ga71-capture",), "channel")] = "ga71-capture"
    material: Annotated[str, one_of(materials.names, "material")] | None = None
    cross_section: Model = "bahcall-1997"


class _Zone(_Table):
    name: str
    shape: _Shape | tuple[_Shape, ...]
    source_at: Length | None = None
    without: tuple[_Shape, ...] = ()
    mean_path: _Path | None = None


class _Detector(_Table):
    efficiency: Fraction = 1.0


class _Exposure(_Table):
    start: Time
    stop: Time
    live_fraction: Fraction = 1.0


class _Schedule(_Table):
    exposures: tuple[_Exposure, ...] = Field(min_length=1)


class _Value(_Table):
    value: AnyQuantity
    plus: AnyQuantity
    minus: AnyQuantity


class _Pull(_Table):
    name: str
    absolute: AnyQuantity | None = None
    relative: Fraction | None = None
    of: Literal["reference", "prediction"] = "reference"
    taken: Literal["cross_section"] | None = Field(None, alias="from")

    @model_validator(mode="after")
    def _one(self) -> _Pull:
        if sum(x is not None for x in (self.absolute, self.relative, self.taken)) != 1:
            raise ValueError("expected one of absolute, relative, from = \"cross_section\"")
        return self


class _Measurement(_Table):
    quantity: Literal["rate", "counts", "ratio"]
    cross_section: Model = "bahcall-1997"
    values: dict[str, _Value]
    predicted: dict[str, AnyQuantity] = Field(default_factory=dict)
    pulls: tuple[_Pull, ...] = ()


class Card(_Table):
    """An experiment file."""

    name: str
    source: _Source
    target: _Target = _Target()
    zone: tuple[_Zone, ...] = Field(min_length=1)
    detector: _Detector = _Detector()
    schedule: _Schedule | None = None
    measurement: _Measurement | None = None

    @model_validator(mode="after")
    def _zones(self) -> Card:
        names = [zone.name for zone in self.zone]
        if len(set(names)) < len(names):
            raise ValueError(f"two zones have one name: {', '.join(names)}")
        if self.measurement is not None:
            for what, table in (("values", self.measurement.values), ("predicted", self.measurement.predicted)):
                if table and set(table) != set(names):
                    raise ValueError(f"measurement.{what} has {', '.join(table)}: expected one entry per zone ({', '.join(names)})")
        return self


# ---------------------------------------------------------------- reading


def built_in() -> tuple[str, ...]:
    """Names of the cards that ship with the package."""
    return provenance.names_in("experiments")


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
        if not path.exists():
            if path.suffix == ".toml" or len(path.parts) > 1:
                raise CardError(name, ["no such file; expected a TOML card. 'megacurie show --template gallium > my.toml' writes one to start from"])
            raise CardError(name, [f"neither a file nor a built-in card. {did_you_mean(name, built_in())}"])
        try:
            text = path.read_text(encoding="utf-8")
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
        elif len(rest) > 1 and rest[0] not in _Zone.model_fields:
            raise CardError(name, [f"{key}: no zone {rest[0]!r}. {did_you_mean(rest[0], [str(zone.get('name')) for zone in zones])}"])
        tables, path = zones, rest
    else:
        path = [first, *rest]
    for table in tables:
        for step in path[:-1]:
            inner = table.setdefault(step, {})
            table = inner if isinstance(inner, dict) else table.__setitem__(step, {"value": inner}) or table[step]
        if path:
            table[path[-1]] = _literal(value)


def _literal(text: str) -> Any:
    """TOML where the text is a TOML number, table or list; else the text itself."""
    if text[:1] in "[{" or text.replace(".", "", 1).replace("-", "", 1).isdigit():
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
        raise CardError(name, sorted({_problem(one) for one in error.errors()})) from None


def _problem(error: Any) -> str:
    loc = [step for step in error["loc"] if step not in ("_Shape", "tuple[_Shape, ...]")]
    path = ""
    for step in loc:
        path += f"[{step}]" if isinstance(step, int) else f"{'.' if path else ''}{step}"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"{path}: not a key of a card. {did_you_mean(str(loc[-1]), _keys(loc[:-1]))}"
    if error["type"] == "missing":
        return f"{path}: missing; expected {'a table' if path in ('source',) else 'a value'}"
    if error["type"] == "literal_error":
        names = [word.strip(" '") for word in error["ctx"]["expected"].replace(" or ", ", ").split(",")]
        return f"{path}: {error['input']!r} is not known. {did_you_mean(str(error['input']), names)}"
    if error["type"] == "value_error":
        return f"{path}: {message}" if path else message
    return f"{path}: {error['input']!r}: {message[0].lower()}{message[1:]}"


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
    zones = []
    for i, zone in enumerate(card.zone):
        try:
            zones.append(_zone(zone, card.source.shape, material))
        except MegacurieError as error:
            problems.append(f"zone[{i}]: {error}")
    try:
        schedule = None if card.schedule is None else Schedule(exposures=tuple(Exposure(start=e.start, stop=e.stop, live_fraction=e.live_fraction) for e in card.schedule.exposures))
    except MegacurieError as error:
        problems.append(f"schedule.exposures: {error}")
    published = None
    if card.measurement is not None:
        try:
            published = _published(card.measurement, [zone.name for zone in card.zone])
        except MegacurieError as error:
            problems.append(f"measurement: {error}")
    if problems:
        raise CardError(file, problems)
    channel = nuclear_capture.NuclearCapture(model=card.target.cross_section)
    references = source.references | channel.references(source) | _references(card)
    return Experiment(
        name=card.name, source=source, material=material, channel=channel, zones=tuple(zones), schedule=schedule, efficiency=card.detector.efficiency,
        published=published, references=references if material is None else references | material.references,
    )  # fmt: skip


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


def _zone(zone: _Zone, source_shape: _Shape | None, material: materials.Material | None) -> Zone:
    parts = zone.shape if isinstance(zone.shape, tuple) else (zone.shape,)
    without = tuple(_shape(cavity, None, None, ()) for cavity in zone.without)
    bodies = tuple(_shape(part, zone.source_at, material, without) for part in parts)
    target = bodies[0] if len(bodies) == 1 else shapes.Union(parts=bodies)
    if without:
        target = shapes.Difference(target=target, without=without[0] if len(without) == 1 else shapes.Union(parts=without))
    source = None
    if source_shape is not None:
        source = _shape(source_shape, None if source_shape.height is None else 0.5 * source_shape.height, None, ())
    path = zone.mean_path
    if path is None:
        return Zone(name=zone.name, shape=target, source_shape=source)
    error = max(path.plus or 0.0, path.minus or 0.0) / path.value
    return Zone(name=zone.name, shape=target, source_shape=source, published_path=path.value, path_error=error)


def _shape(card: _Shape, source_at: float | None, material: materials.Material | None, without: tuple[shapes.Shape, ...]) -> shapes.Shape:
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
        return shapes.filled_to_height(shapes.Cylinder(radius=card.radius, bottom=bottom, top=bottom + card.fill.height if top is None else top), card.fill.height)
    volume = _volume(card.fill.mass, material)
    tank = shapes.Cylinder(radius=card.radius, bottom=bottom, top=top if top is not None else bottom + 100 * volume / card.radius**2)
    return shapes.filled_to_volume(tank, shapes.Union(parts=without), volume) if without else shapes.filled_to_height(tank, volume / (np.pi * card.radius**2))


def _volume(mass: float | None, material: materials.Material | None) -> float:
    if mass is None or material is None:
        raise CardError("card", ["a mass needs target.material to become a volume"])
    return mass / material.density


def _published(card: _Measurement, zones: list[str]) -> Published:
    dimension = {"rate": "rate", "counts": "dimensionless", "ratio": "dimensionless"}[card.quantity]

    def numbers(key: str) -> dict[str, float]:
        return {zone: units.parse(getattr(card.values[zone], key), dimension) for zone in zones}

    predicted = {zone: units.parse(text, dimension) for zone, text in card.predicted.items()}
    if card.quantity == "ratio":
        predicted = dict.fromkeys(zones, 1.0)
    pulls = []
    for pull in card.pulls:
        if pull.taken is not None:
            continue
        size = [units.parse(pull.absolute, dimension) / predicted.get(zone, 1.0) if pull.absolute is not None else pull.relative for zone in zones]
        pulls.append(Pull(name=pull.name, shape=np.array(size, dtype=float), of=pull.of))
    return Published(
        quantity=card.quantity, value=numbers("value"), plus=numbers("plus"), minus=numbers("minus"), predicted=predicted,
        cross_section=card.cross_section, pulls=tuple(pulls), cross_section_error=any(pull.taken for pull in card.pulls), ref=card.ref or "",
    )  # fmt: skip
