"""What an experiment file may say: every table and key of a TOML card.

``megacurie show --schema`` prints the same as JSON Schema.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from megacurie.experiments.fields import (
    Activity,
    ActivityError,
    AnyQuantity,
    Energy,
    Fraction,
    Height,
    Length,
    Mass,
    Moment,
    One,
    Reference,
    Time,
    Value,
    one_of,
)
from megacurie.foundation.errors import MegacurieError
from megacurie.physics import materials, sources
from megacurie.physics.channels import nuclear_capture

Model = Annotated[str, one_of(nuclear_capture.models, "cross-section model")]


class Table(BaseModel):
    """A table of the card; where its numbers come from may be said in each."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    ref: Reference | None = None
    where: str | None = None
    status: Literal["measured", "calculated", "assumed", "digitised", "unverified"] | None = None
    note: str | None = None


class ActivityTable(Table):
    """Activity at the reference time, with its errors; the value alone stands for it."""

    value: Activity
    plus: ActivityError = 0.0
    minus: ActivityError = 0.0


class PathTable(Table):
    """A published mean path, with its errors; the value alone stands for it."""

    value: Length
    plus: Length | None = None
    minus: Length | None = None


class FillTable(Table):
    """How far a tank is full: to a height above its bottom, or to a mass."""

    height: Length | None = None
    mass: Mass | None = None

    @model_validator(mode="after")
    def _one(self) -> FillTable:
        if (self.height is None) == (self.mass is None):
            raise ValueError("expected either height or mass")
        return self


class ShapeTable(Table):
    """A ball, a shell or a cylinder; a target, a cavity or a source."""

    kind: Literal["ball", "shell", "cylinder"]
    radius: Length | None = None
    mass: Mass | None = None
    inner: Length | None = None
    outer: Length | None = None
    height: Length | None = None
    bottom: Height | None = None
    start: Height | None = Field(None, alias="from")
    to: Height | None = None
    fill: FillTable | None = None

    @model_validator(mode="after")
    def _complete(self) -> ShapeTable:
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


class SourceTable(Table):
    """A nuclide in a container."""

    nuclide: Annotated[str, one_of(sources.names, "source nuclide")]
    lines: str = "four"
    activity: Annotated[ActivityTable, Value] | None = None
    at: Moment | None = None
    calibration: Literal["calorimetric", "gamma"] | None = None
    shape: ShapeTable | None = None

    @model_validator(mode="after")
    def _known_nuclide(self) -> SourceTable:
        try:
            sources.source(self.nuclide, lines=self.lines)
        except MegacurieError as error:
            raise ValueError(str(error)) from None
        return self


class TargetTable(Table):
    """What the neutrinos meet, and how they interact."""

    channel: Annotated[str, one_of(lambda: ("ga71-capture", "electron-scattering", "cevns"), "channel")] = "ga71-capture"
    material: Annotated[str, one_of(materials.names, "material")] | None = None
    cross_section: Model = "bahcall-1997"


class ZoneTable(Table):
    """A part of the target that is counted apart."""

    name: str
    shape: Annotated[tuple[ShapeTable, ...], Field(min_length=1), One]
    source_at: Length | None = None
    without: tuple[ShapeTable, ...] = ()
    mean_path: Annotated[PathTable, Value] | None = None


class DetectorTable(Table):
    """What is recorded of an interaction."""

    efficiency: Fraction = 1.0
    threshold: Energy = 0.0


class ExposureTable(Table):
    """A stretch of time with the source in place, counted from the reference time."""

    start: Time
    stop: Time
    live_fraction: Fraction = 1.0


class ScheduleTable(Table):
    """When it happens."""

    exposures: tuple[ExposureTable, ...] = Field(min_length=1)


class ValueTable(Table):
    """A measured value of one zone, with its statistical errors as printed."""

    value: AnyQuantity
    plus: AnyQuantity
    minus: AnyQuantity


class PullTable(Table):
    """A named systematic shift: absolute, relative, or the error of the cross section."""

    name: str
    absolute: AnyQuantity | None = None
    relative: Fraction | None = None
    of: Literal["reference", "prediction"] = "reference"
    taken: Literal["cross_section"] | None = Field(None, alias="from")

    @model_validator(mode="after")
    def _one(self) -> PullTable:
        if sum(x is not None for x in (self.absolute, self.relative, self.taken)) != 1:
            raise ValueError('expected one of absolute, relative, from = "cross_section"')
        return self


class MeasurementTable(Table):
    """What was published, one value per zone."""

    quantity: Literal["rate", "counts", "ratio"]
    cross_section: Model = "bahcall-1997"
    values: dict[str, ValueTable]
    predicted: dict[str, AnyQuantity] = Field(default_factory=dict)
    pulls: tuple[PullTable, ...] = ()

    @model_validator(mode="after")
    def _pulls(self) -> MeasurementTable:
        names = [pull.name for pull in self.pulls]
        if len(set(names)) < len(names):
            raise ValueError(f"two pulls have one name: {', '.join(names)}; expected each once")
        return self


class Card(Table):
    """An experiment file."""

    name: str
    source: SourceTable
    target: TargetTable = TargetTable()
    zone: tuple[ZoneTable, ...] = Field(min_length=1)
    detector: DetectorTable = DetectorTable()
    schedule: ScheduleTable | None = None
    measurement: MeasurementTable | None = None

    @model_validator(mode="after")
    def _zones(self) -> Card:
        names = [zone.name for zone in self.zone]
        if self.target.channel == "cevns" and self.target.material is None:
            raise ValueError("target.material: missing; coherent scattering needs to know its nuclei")
        if len(set(names)) < len(names):
            raise ValueError(f"two zones have one name: {', '.join(names)}; expected each once")
        if self.measurement is not None:
            for what, table in (("values", self.measurement.values), ("predicted", self.measurement.predicted)):
                if table and set(table) != set(names):
                    raise ValueError(f"measurement.{what} has {', '.join(table)}: expected one entry per zone ({', '.join(names)})")
        return self
