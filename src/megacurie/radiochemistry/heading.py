"""``campaign.toml``: what a campaign says beside its tables."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from megacurie.foundation import provenance, units
from megacurie.foundation.errors import DataError, UnitError, did_you_mean
from megacurie.physics.sources import ActivityHistory, nuclide_key
from megacurie.radiochemistry import columns
from megacurie.radiochemistry.campaign import Blinding, Calibration, Campaign, CampaignZone, Extraction, PublishedRate, Systematic

SOLAR = "1/(d t)"
_KEYS = ("name", "references", "source", "germanium", "zone", "systematic", "blinding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A campaign without its tables; fields as in ``Campaign``."""

    name: str
    nuclide: str
    history: ActivityHistory
    activity_error: float
    germanium_half_life: float
    zones: tuple[CampaignZone, ...]
    systematics: tuple[Systematic, ...]
    references: frozenset[str]
    blinding: Blinding | None = None

    @property
    def reference_time(self) -> datetime:
        """The zero of all times."""
        return datetime.fromisoformat(self.history.reference_time)

    @property
    def germanium_decay(self) -> float:
        """Decay constant of 71Ge."""
        return math.log(2) / self.germanium_half_life

    def campaign(self, *, extractions: tuple[Extraction, ...], calibrations: tuple[Calibration, ...], rates: tuple[PublishedRate, ...]) -> Campaign:
        """The campaign with what its tables hold."""
        said = {name: getattr(self, name) for name in Heading.__slots__}
        return Campaign(**said, extractions=extractions, calibrations=calibrations, rates=rates)


def read_heading(path: Path, problems: list[str]) -> Heading | None:
    """Read and check ``campaign.toml``; what is wrong is added to ``problems``, and then None is returned."""
    text = columns.read_text(path, problems)
    if text is None:
        return None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path}: not TOML: {error}")
        return None
    said = len(problems)
    heading = _Checked(path, raw, problems).heading()
    return heading if len(problems) == said else None


class _Checked:
    """Takes keys out of the tables of a file, with the path of each problem."""

    def __init__(self, path: Path, raw: dict[str, Any], problems: list[str]) -> None:
        self.path, self.raw, self.problems = path, raw, problems

    def say(self, key: str, message: str) -> None:
        self.problems.append(f"{self.path}: {key}: {message}")

    def keys(self, key: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for name in table:
            if name not in known:
                self.say(f"{key}.{name}" if key else name, f"not a key of a campaign. {did_you_mean(name, known)}")

    def table(self, key: str, known: tuple[str, ...], *, needed: bool = False) -> Mapping[str, Any]:
        found = self.raw.get(key, {})
        if not isinstance(found, dict) or (needed and not found):
            self.say(key, f"expected a table [{key}] with {', '.join(known)}")
            return {}
        self.keys(key, found, known)
        return found

    def tables(self, key: str, known: tuple[str, ...]) -> list[Mapping[str, Any]]:
        found = self.raw.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self.say(key, f"expected tables [[{key}]] with {', '.join(known)}")
            return []
        for i, one in enumerate(found):
            self.keys(f"{key}[{i}]", one, known)
        return found

    def text(self, key: str, raw: Any, *, empty: bool = False) -> str:
        if not isinstance(raw, str) or not (raw or empty):
            self.say(key, "missing; a campaign needs it" if raw is None else f'{raw!r}: expected text, such as "inner"')
            return ""
        return raw

    def quantity(self, key: str, raw: Any, unit: str, *, positive: bool = True) -> float:
        if raw is None:
            self.say(key, f'missing; expected text such as "1 {unit}"')
            return 1.0
        if not isinstance(raw, str):
            self.say(key, f'{raw!r}: expected text with a unit, such as "1 {unit}"')
            return 1.0
        try:
            value, stood = units.parse_any(raw)
        except UnitError as error:
            self.say(key, str(error))
            return 1.0
        if units.unit(stood)[1] != units.unit(unit)[1]:
            self.say(key, f"{raw!r}: expected a unit such as {unit}, but {stood!r} is one of {units.dimension_of(stood)}")
        elif value < 0 or (positive and value == 0):
            self.say(key, f"{raw!r}: expected {'a positive value' if positive else 'zero or more'}")
        return value

    def measured(self, key: str, raw: Any, unit: str) -> tuple[float, float, float]:
        """Value, error up and error down: text, or a table with ``value``, ``plus`` and ``minus``."""
        if not isinstance(raw, dict):
            return self.quantity(key, raw, unit), 0.0, 0.0
        self.keys(key, raw, ("value", "plus", "minus"))
        value = self.quantity(f"{key}.value", raw.get("value"), unit)
        plus, minus = (self.quantity(f"{key}.{name}", raw.get(name, f"0 {unit}"), unit, positive=False) for name in ("plus", "minus"))
        return value, plus, minus

    def share(self, key: str, raw: Any) -> float:
        try:
            value = units.parse(raw, "dimensionless") if isinstance(raw, str) else math.nan
        except UnitError:
            value = math.nan
        if not 0 <= value < 1:
            self.say(key, f'{raw!r}: expected text with a relative error from 0 to below 1, such as "1.6 %"')
            return 0.0
        return value

    def heading(self) -> Heading:
        self.keys("", self.raw, _KEYS)
        source = self.table("source", ("nuclide", "activity", "at", "half_life"), needed=True)
        germanium = self.table("germanium", ("half_life",))
        nuclide = self.text("source.nuclide", source.get("nuclide"))
        activity, plus, minus = self.measured("source.activity", source.get("activity"), "MCi")
        half_life = self.half_life("source.half_life", source.get("half_life"), nuclide)
        return Heading(
            name=self.text("name", self.raw.get("name")),
            nuclide=nuclide,
            history=ActivityHistory(activity=abs(activity), half_life=half_life, reference_time=self.moment("source.at", source.get("at"))),
            activity_error=0.5 * (plus + minus) / activity if activity else 0.0,
            germanium_half_life=self.half_life("germanium.half_life", germanium.get("half_life"), "71Ge"),
            zones=self.zones(),
            systematics=self.systematics(),
            references=self.references(),
            blinding=self.blinding(),
        )

    def blinding(self) -> Blinding | None:
        if "blinding" not in self.raw:
            return None
        table = self.table("blinding", ("salt", "range"), needed=True)
        said = len(self.problems)
        salt, raw = self.text("blinding.salt", table.get("salt")), table.get("range")
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 < raw < 1:
            self.say("blinding.range", f"{'missing' if raw is None else repr(raw)}: expected a number above 0 and below 1, such as 0.2")
        return Blinding(salt=salt, range=float(raw)) if raw is not None and len(self.problems) == said else None

    def half_life(self, key: str, raw: Any, nuclide: str) -> float:
        """A half-life as given; the default of our data where none is."""
        if raw is not None:
            return abs(self.quantity(key, raw, "d")) or 1.0
        if nuclide == "71Ge":
            return provenance.datum("nuclide.ge71.half_life", "time").value
        try:
            return provenance.datum(f"nuclide.{nuclide_key(nuclide)}.half_life", "time").value
        except DataError as error:
            if nuclide:
                self.say("source.nuclide", str(error))
            return 1.0

    def moment(self, key: str, raw: Any) -> str:
        try:
            found = raw if isinstance(raw, datetime) else columns.moment(self.text(key, raw) or "1970-01-01T00:00Z")
            return columns.moment(found.isoformat()).isoformat()
        except ValueError as error:
            self.say(key, str(error))
            return "1970-01-01T00:00+00:00"

    def zones(self) -> tuple[CampaignZone, ...]:
        found: list[CampaignZone] = []
        for i, table in enumerate(self.tables("zone", ("name", "predicted", "solar"))):
            name = self.text(f"zone[{i}].name", table.get("name"))
            if name in [zone.name for zone in found]:
                self.say(f"zone[{i}].name", f"{name!r} stands twice; expected each zone once")
            predicted = self.measured(f"zone[{i}].predicted", table["predicted"], "1/d") if "predicted" in table else (None, 0.0, 0.0)
            solar = self.quantity(f"zone[{i}].solar", table.get("solar"), SOLAR, positive=False)
            found.append(CampaignZone(name=name, solar=solar, predicted=predicted[0], plus=predicted[1], minus=predicted[2]))
        if not self.raw.get("zone"):
            self.say("zone", "missing; expected a table [[zone]] with name, solar and, where there is one, predicted, for each zone")
        return tuple(found)

    def systematics(self) -> tuple[Systematic, ...]:
        return tuple(
            Systematic(
                name=self.text(f"systematic[{i}].name", table.get("name")),
                plus=self.share(f"systematic[{i}].plus", table.get("plus")),
                minus=self.share(f"systematic[{i}].minus", table.get("minus")),
            )
            for i, table in enumerate(self.tables("systematic", ("name", "plus", "minus")))
        )

    def references(self) -> frozenset[str]:
        raw = self.raw.get("references", [])
        if not isinstance(raw, list) or not all(isinstance(key, str) for key in raw):
            self.say("references", f"{raw!r}: expected a list of keys of references.bib")
            return frozenset()
        for key in raw:
            try:
                provenance.check_reference(key, "references")
            except DataError as error:
                self.say("references", str(error).removeprefix("references: "))
        return frozenset(raw)
