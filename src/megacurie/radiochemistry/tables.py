"""Published campaigns: tables as they were printed, their slips corrected on the way in.

The tables of a campaign NAME are ``data/campaigns/NAME/*.csv``, each with a TOML file that says where it stood and what is wrong in it; single numbers
stand in ``data/campaigns/NAME.toml``.
"""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from megacurie.foundation import provenance, units
from megacurie.foundation.errors import DataError, did_you_mean
from megacurie.physics import materials
from megacurie.physics.sources import ActivityHistory, nuclide_key
from megacurie.radiochemistry.campaign import PEAKS, Campaign, CampaignZone, Counting, Extraction, PeakWindow, PublishedRate, Systematic

Row = Mapping[str, str]
TABLES = ("exposures", "countings", "rates", "peaks", "systematics")


def names() -> tuple[str, ...]:
    """Names of the published campaigns.

    Examples
    --------
    >>> print(*names())
    best-2022
    """
    return tuple(name.removeprefix("campaign.") for name in provenance.files() if name.startswith("campaign."))


@functools.cache
def printed(name: str, table: str) -> tuple[Row, ...]:
    """The rows of a table of a campaign as they were printed.

    Examples
    --------
    >>> print(printed("best-2022", "rates")[-1]["candidates"])
    1069
    """
    return tuple(csv.DictReader(io.StringIO(provenance.data_text(f"campaigns/{name}/{table}.csv"))))


def about(name: str, table: str) -> Mapping[str, Any]:
    """What the TOML file beside a table says: ``ref``, ``where``, ``columns``, slips."""
    return provenance.read_toml(f"campaigns/{name}/{table}.toml")


@functools.cache
def corrected(name: str, table: str) -> tuple[Row, ...]:
    """The rows of a table with its printed slips put right: single cells, and errors that stand in the wrong order.

    Raises
    ------
    DataError
        If a slip names a cell that does not hold what it says was printed.

    Examples
    --------
    >>> print(corrected("best-2022", "rates")[-1]["candidates"])
    1070
    """
    rows = [dict(row) for row in printed(name, table)]
    says = about(name, table)
    for slip in says.get("slip", ()):
        found = [row for row in rows if _label(row) == slip["row"]]
        if len(found) != 1 or found[0].get(slip["column"]) != slip["printed"]:
            raise DataError(f"campaigns/{name}/{table}.toml: slip in {slip['row']}, {slip['column']}: no such cell with {slip['printed']}")
        found[0][slip["column"]] = slip["corrected"]
    if "interchanged" in says:
        for row in rows:
            row["up_printed"], row["down_printed"] = row["down_printed"], row["up_printed"]
    return tuple(rows)


def _label(row: Row) -> str:
    return " ".join(row[key] for key in ("zone", "run", "peak") if key in row)


@functools.cache
def built_in(name: str) -> Campaign:
    """A published campaign.

    Raises
    ------
    DataError
        If there is none of that name, with the nearest one.

    Examples
    --------
    >>> best = built_in("best-2022")
    >>> print(len(best.extractions), best.extractions[0].countings[0].counter)
    20 YCT92
    """
    if name not in names():
        raise DataError(f"no published campaign {name!r}. {did_you_mean(name, names())}")
    data = provenance.load(f"campaign.{name}")
    key = nuclide_key(data["nuclide"])
    half_life = provenance.datum(f"nuclide.{key}.half_life.{data['source_half_life']}", "time")
    germanium = provenance.datum(f"nuclide.ge71.half_life.{data['germanium_half_life']}", "time")
    activity = data["source"]["activity"]
    gallium = materials.material("gallium")
    solar = data["solar"]["rate"]
    per_mass = solar.value * gallium.number_density("71Ga") / gallium.density
    used = [half_life, germanium, *provenance.walk(data)]
    clock = _Clock(data)
    extractions = tuple(_extraction(clock, row, counting) for row, counting in zip(corrected(name, "exposures"), corrected(name, "countings"), strict=True))
    return Campaign(
        name=data["name"],
        nuclide=data["nuclide"],
        history=ActivityHistory(activity=activity.value, half_life=half_life.value, reference_time=clock.moment(clock.reference).isoformat()),
        activity_error=activity.plus / activity.value,
        germanium_half_life=germanium.value,
        zones=tuple(
            CampaignZone(name=zone, solar=per_mass, predicted=datum.value, plus=datum.plus, minus=datum.minus)
            for zone, datum in data["predicted"].items()
            if zone not in ("ref", "where")
        ),
        extractions=extractions,
        systematics=systematics(name, "prl"),
        rates=(*(_rate(row) for row in corrected(name, "rates")), *(_rate(row) for row in corrected(name, "peaks"))),
        notes=tuple(_notes(name)),
        references=gallium.references.union(*(datum.references for datum in used), {about(name, table)["ref"] for table in TABLES}),
    )


class _Clock:
    """Days of the year, local time, as times after the reference time of the source."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.reference = units.to_display(data["source"]["reference_day"].value, "d")
        hours, minutes = data["offset"].split(":")
        self.first = datetime(int(data["year"]), 1, 1, tzinfo=timezone(timedelta(hours=int(hours), minutes=int(minutes))))

    def moment(self, day: float) -> datetime:
        return self.first + timedelta(days=day - 1)

    def day(self, text: str) -> float:
        return (float(text) - self.reference) * units.day

    def calendar(self, text: str) -> float:
        return (datetime.fromisoformat(text) - self.moment(self.reference)).total_seconds() * units.s


def _extraction(clock: _Clock, row: Row, counting: Row) -> Extraction:
    if _label(row) != _label(counting):
        raise DataError(f"exposures.csv has {_label(row)} where countings.csv has {_label(counting)}")
    return Extraction(
        zone=row["zone"],
        run=int(row["run"]),
        source_in=clock.day(row["source_in"]),
        source_out=clock.day(row["source_out"]),
        solar_begin=clock.day(row["solar_begin"]),
        extracted=clock.calendar(row["extraction"]),
        mass=float(row["mass_t"]) * units.t,
        efficiency=float(row["efficiency"]),
        efficiency_error=float(row["efficiency_error"]),
        efficiency_from_gallium=float(row["efficiency_from_gallium"]),
        efficiency_from_gallium_error=float(row["efficiency_from_gallium_error"]),
        countings=(
            Counting(
                counter=counting["counter"],
                start=clock.day(counting["start"]),
                peaks={
                    peak: PeakWindow(
                        efficiency=float(counting[f"efficiency_{peak}"]),
                        live_time=float(counting[f"live_time_{peak}_d"]) * units.day,
                        decay_sum=float(counting[f"delta_{peak}"]),
                        rise_time_cut=float(counting[f"rise_time_cut_{peak}_ns"]) * units.ns,
                    )
                    for peak in PEAKS
                },
            ),
        ),
    )


def _rate(row: Row) -> PublishedRate:
    per_day = 1 / units.day
    return PublishedRate(
        zone=row["zone"],
        run=None if row["run"] == "comb" else int(row["run"]),
        peak=row.get("peak", "KL"),
        candidates=int(row["candidates"]),
        fitted=float(row["fitted"]),
        source=float(row["source"]),
        solar=float(row["solar"]),
        carried=float(row["carried"]),
        rate=float(row["rate_per_day"]) * per_day,
        plus=float(row["up_printed"]) * per_day,
        minus=float(row["down_printed"]) * per_day,
        nw2=float(row["nw2"]),
        probability=float(row["probability_percent"]) / 100,
        at_start="peak" in row and row["run"] != "comb",
    )


def systematics(name: str, paper: str) -> tuple[Systematic, ...]:
    """The systematic errors of a campaign as the letter ("prl": sums by kind) or the long paper ("prc": each item) prints them, without negligible ones.

    Examples
    --------
    >>> print([item.name for item in systematics("best-2022", "prl")][0])
    chemical subtotal
    """
    found = []
    for row in printed(name, "systematics"):
        up, down = row[f"{paper}_up"], row[f"{paper}_down"]
        single = "total" not in row["item"] if paper == "prc" else row["item"] != "total"
        if single and up not in ("", "negligible"):
            found.append(Systematic(name=row["item"], plus=abs(float(up)) / 100, minus=abs(float(down)) / 100))
    return tuple(found)


def _notes(name: str) -> list[str]:
    notes = []
    for table in TABLES:
        says = about(name, table)
        notes += [
            f"{table}, {slip['row']}: {slip['column']} printed {slip['printed']}, read as {slip['corrected']}: {slip['why']}" for slip in says.get("slip", ())
        ]
        notes += [f"{table}: {says[key]}" for key in ("interchanged", "slips") if key in says]
    return notes
