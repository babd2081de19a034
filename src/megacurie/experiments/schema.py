"""What an experiment file may say: every table and key of a TOML card.

``megacurie show --schema`` prints the same as JSON Schema.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from megacurie.experiments.fields import (
    Activity,
    ActivityError,
    Angle,
    AngleBins,
    AnyQuantity,
    Duration,
    EfficiencyCurve,
    Energy,
    EnergyBins,
    EnergyWidth,
    Factor,
    Flux,
    Fraction,
    Height,
    Length,
    LengthBins,
    Mass,
    MassSquared,
    Moment,
    One,
    PositionWidth,
    Reference,
    Relative,
    Switch,
    Time,
    Value,
    one_of,
)
from megacurie.foundation.errors import MegacurieError
from megacurie.physics import activation, materials, nuclei, sources
from megacurie.physics.channels import nuclear_capture

Model = Annotated[str, one_of(nuclear_capture.models, "cross-section model")]


class Table(BaseModel):
    """A table of the card; where its numbers come from may be said in each."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    ref: Reference | None = None
    where: str | None = None
    status: Literal["measured", "calculated", "assumed", "digitised", "unverified"] | None = None
    note: str | None = None

    def doubts(self, path: str = "") -> tuple[str, ...]:
        """A line for every table from here on that is assumed or unverified."""
        lines = []
        if self.status in ("assumed", "unverified"):
            lines.append(f"† {path}: {self.status}. {self.note or ''}".rstrip())
        for name in type(self).model_fields:
            value = getattr(self, name)
            for i, item in enumerate(value) if isinstance(value, tuple) else ((None, value),):
                if isinstance(item, Table):
                    label = getattr(item, "name", i)
                    lines += item.doubts(f"{path}{'.' if path else ''}{name}{'' if i is None else f'.{label}'}")
        return tuple(lines)

    def references(self) -> frozenset[str]:
        """Every ``ref`` from here on."""
        found = {self.ref} if self.ref else set()
        for name in type(self).model_fields:
            value = getattr(self, name)
            for item in value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,):
                if isinstance(item, Table):
                    found |= item.references()
        return frozenset(found)


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
    """A ball, a shell, a cylinder or a ring about the axis; a target, a cavity or a source."""

    kind: Literal["ball", "shell", "cylinder", "ring"]
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
    "ball": (({"radius"}, {"mass"}), ({"mass"}, set())),
    "shell": (({"inner", "outer"}, set()),),
    "ring": (({"inner", "height", "mass"}, set()), ({"inner", "outer", "height"}, set())),
    "cylinder": (({"radius", "height"}, {"bottom", "fill"}), ({"radius", "from", "to"}, {"fill"}), ({"radius", "bottom", "fill"}, set())),
}


class IrradiationTable(Table):
    """A pure target isotope in a reactor, which makes the source: 50Cr for 51Cr, 36Ar for 37Ar."""

    mass: Mass
    flux: Flux
    duration: Duration
    cooling: Duration = 0.0
    shielding: Fraction = 1.0
    burn_up: Switch = True
    destruction: Switch = True
    capture: Literal["published", "evaluated"] = "published"


class SourceTable(Table):
    """A nuclide in a container."""

    nuclide: Annotated[str, one_of(sources.names, "source nuclide")]
    lines: str = "four"
    half_life: str = ""
    activity: Annotated[ActivityTable, Value] | None = None
    irradiate: IrradiationTable | None = None
    at: Moment | None = None
    calibration: Literal["calorimetric", "gamma"] | None = None
    shape: ShapeTable | None = None

    @model_validator(mode="after")
    def _known_nuclide(self) -> SourceTable:
        try:
            sources.source(self.nuclide, lines=self.lines, half_life=self.half_life)
        except MegacurieError as error:
            raise ValueError(str(error)) from None
        if self.irradiate is not None and self.activity is not None:
            raise ValueError("activity and irradiate: expected one of them")
        if self.irradiate is not None and self.nuclide not in activation.products():
            raise ValueError(f"irradiate: no production data for {self.nuclide}. Known: {', '.join(activation.products())}; expected an activity")
        return self


class FactorTable(Table):
    """A factor that stands for what is not understood of a published number; the number alone stands for it."""

    value: Factor


class TargetTable(Table):
    """What the neutrinos meet, and how they interact."""

    channel: Annotated[str, one_of(lambda: CHANNELS, "channel")] = "ga71-capture"
    material: Annotated[str, one_of(materials.names, "material")] | None = None
    cross_section: Model = "bahcall-1997"
    corrections: Literal["radiative", "tree"] = "radiative"
    sin2_theta_w: Fraction | None = None
    scale: Annotated[FactorTable, Value] = FactorTable(value=1.0)

    @model_validator(mode="after")
    def _of_the_channel(self) -> TargetTable:
        for key, channels in (("cross_section", CHANNELS[:1]), ("corrections", CHANNELS[1:2]), ("sin2_theta_w", CHANNELS[1:2])):
            if key in self.model_fields_set and self.channel not in channels:
                raise ValueError(f"{key} says nothing of {self.channel}; expected it with {' or '.join(channels)} only. Leave it out")
        return self


CHANNELS = ("ga71-capture", "electron-scattering", "cevns", "inverse-beta")


class ConventionTable(Table):
    """Choices that proposals for coherent scattering make without saying so."""

    flux: Literal["shell", "point"] = "shell"
    distance: Length | None = None
    factor: Factor = 1.0
    decay: Switch = True
    couplings: Literal["radiative", "tree"] = "radiative"
    axial: Switch = True
    form_factor: Annotated[str, one_of(lambda: nuclei.FORM_FACTORS, "form factor")] = "klein-nystrand"
    kinematics: Literal["exact", "leading"] = "exact"

    @model_validator(mode="before")
    @classmethod
    def _without_distance(cls, table: Any) -> Any:
        """``distance = "none"`` takes that of a card away, which no other text can."""
        return {key: value for key, value in table.items() if (key, value) != ("distance", "none")} if isinstance(table, dict) else table

    @model_validator(mode="after")
    def _point(self) -> ConventionTable:
        if (self.flux == "point") != (self.distance is not None):
            raise ValueError(
                'flux = "point" and distance go together: all target as if it stood there; expected both or neither (distance = "none" takes away a card\'s)'
            )
        return self


class ZoneTable(Table):
    """A part of the target that is counted apart."""

    name: str
    shape: Annotated[tuple[ShapeTable, ...], Field(min_length=1), One]
    source_at: Length | None = None
    placement: Literal["inside", "outside"] | None = None
    without: tuple[ShapeTable, ...] = ()
    fiducial: Length | None = None
    within: Length | None = None
    mean_path: Annotated[PathTable, Value] | None = None


class BinsTable(Table):
    """Bins of what is recorded."""

    recoil: EnergyBins = 1
    distance: LengthBins = 1
    angle: AngleBins = 1


class DetectorTable(Table):
    """What is recorded of an interaction."""

    efficiency: Fraction = 1.0
    efficiency_curve: EfficiencyCurve = Field(default_factory=tuple)
    threshold: Energy = 0.0
    resolution: EnergyWidth = Field(default_factory=dict)
    position: PositionWidth = Field(default_factory=dict)
    angular: Angle = 0.0
    refractive_index: Factor | None = None
    bins: BinsTable = BinsTable()


class ShieldTable(Table):
    """What stands between the source and the target."""

    material: str
    thickness: Length


class BackgroundTable(Table):
    """Events that are not the source's neutrinos: a spectrum, a rate, an error."""

    name: str
    spectrum: str = "flat"
    range: tuple[Energy, Energy] | None = None
    per_day: Factor | None = None
    per_day_per_t: Factor | None = None
    abundance: Factor | None = None
    pile_up: Duration | None = None
    shield: ShieldTable | None = None
    error: Relative = 0.0
    index: Factor | None = None
    index_error: Relative = 0.0


class ExposureTable(Table):
    """A stretch of time with the source in place, counted from the reference time."""

    start: Time
    stop: Time
    live_fraction: Fraction = 1.0


class ScheduleTable(Table):
    """When it happens."""

    exposures: tuple[ExposureTable, ...] = Field(min_length=1)
    source_off: Duration = 0.0


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
    """An experiment file; with ``base``, what it says is laid over another card."""

    name: str
    base: str | None = None
    source: SourceTable
    target: TargetTable = TargetTable()
    convention: ConventionTable | None = None
    zone: tuple[ZoneTable, ...] = Field(min_length=1)
    detector: DetectorTable = DetectorTable()
    background: tuple[BackgroundTable, ...] = ()
    schedule: ScheduleTable | None = None
    measurement: MeasurementTable | None = None
    dm2_max: MassSquared | None = None

    @model_validator(mode="after")
    def _zones(self) -> Card:
        names = [zone.name for zone in self.zone]
        for what, given in (("zones", names), ("backgrounds", [one.name for one in self.background])):
            if len(set(given)) < len(given):
                raise ValueError(f"two {what} have one name: {', '.join(given)}; expected each once")
        if self.target.channel == "ga71-capture":
            said = self.detector.model_fields_set - {"efficiency", "threshold", "ref", "where", "status", "note"}
            if said or self.background:
                idle = ", ".join([*(f"detector.{key}" for key in sorted(said)), *(["background"] if self.background else [])])
                raise ValueError(f"{idle}: nothing to a radiochemical experiment, which counts atoms; expected with scattering only. Leave it out")
        if self.convention is not None and self.target.channel != "cevns":
            raise ValueError(f"convention: says nothing of {self.target.channel}; expected with cevns only. Leave it out")
        if self.target.channel == "cevns" and self.target.material is None:
            raise ValueError("target.material: missing; coherent scattering needs to know its nuclei")
        if self.measurement is not None:
            for what, table in (("values", self.measurement.values), ("predicted", self.measurement.predicted)):
                if table and set(table) != set(names):
                    raise ValueError(f"measurement.{what} has {', '.join(table)}: expected one entry per zone ({', '.join(names)})")
        return self
