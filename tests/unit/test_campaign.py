"""Campaigns: what their parts refuse, and published tables with their slips."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from megacurie.foundation import provenance
from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError, RangeError
from megacurie.radiochemistry import tables
from megacurie.radiochemistry.campaign import CampaignZone, Counting, PeakWindow, Systematic

BEST = tables.built_in("best-2022")
FIRST = BEST.extractions[0]


def window(**changes: Any) -> PeakWindow:
    days = np.array([0.0, 1.0, 3.0, 6.0]) * u.day
    return PeakWindow(**{"efficiency": 0.4, "live_time": 4 * u.day, "decay_sum": 0.2, "begin": days[::2], "end": days[1::2], **changes})


# --- parts


def test_when_a_counter_is_live() -> None:
    """From the begin of an interval to before its end."""
    live = window().is_live(np.array([-0.1, 0.0, 0.99, 1.0, 2.9, 3.0, 5.9, 6.0]) * u.day)
    assert live.tolist() == [False, True, True, False, False, True, True, False]
    assert not window(begin=np.empty(0), end=np.empty(0)).is_live(np.array([1.0])).any()


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "efficiency": (lambda: window(efficiency=1.2), r"efficiency 1.2 is outside \(0, 1\]"),
    "live time": (lambda: window(live_time=-u.day), "live time -1 d: expected a positive time"),
    "decay sum": (lambda: window(decay_sum=1.5), r"decay sum 1.5 is outside \(0, 1\]: it is the share of the atoms that decay while the counter is live"),
    "overlap": (lambda: window(begin=np.array([0.0, 0.5]) * u.day), "live intervals: expected each to end after it begins, in the order of time"),
    "dead event": (lambda: window(events=np.array([2 * u.day])), "an event lies outside the live intervals"),
    "peak": (lambda: Counting(counter="A", start=0.0, peaks={"M": window()}), "counter A: peak 'M': expected K or L"),
    "order": (lambda: replace(FIRST, source_out=FIRST.source_in), "inner 1: expected source in before source out before the extraction"),
    "mass": (lambda: replace(FIRST, mass=0.0), "inner 1: mass 0 t: expected a positive mass"),
    "chemistry": (lambda: replace(FIRST, efficiency=0.0), r"inner 1: efficiency 0 is outside \(0, 1\]"),
    "error": (lambda: replace(FIRST, efficiency_from_gallium_error=1.0), r"inner 1: efficiency_from_gallium_error 1 is outside \[0, 1\)"),
    "systematic": (lambda: Systematic(name="x", plus=1.6, minus=0.1), r"systematic 'x': \+1.6 -0.1: expected relative errors in \[0, 1\)"),
    "half-life": (lambda: replace(BEST, germanium_half_life=0.0), "half-life of 71Ge 0 d: expected a positive time"),
    "zone": (lambda: replace(BEST, zones=(CampaignZone(name="innner", solar=0.0),)), "extraction 1: zone 'inner'. Did you mean 'innner'?"),
    "runs": (lambda: replace(BEST, extractions=BEST.extractions[::-1]), "zone inner: expected runs in the order of time"),
    "no zone": (lambda: BEST.zone("iner"), "no zone 'iner'. Did you mean 'inner'?"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_refused(case: str) -> None:
    make, message = WRONG[case]
    with pytest.raises(RangeError, match=message):
        make()


# --- BEST


def test_best_in_words() -> None:
    assert BEST.reference_time == datetime(2019, 7, 5, 11, 2, 24, tzinfo=UTC)  # 14:02 local time; day 186.585
    assert BEST.history.activity == pytest.approx(3.414 * u.MCi, rel=1e-12)
    assert [len(BEST.of_zone(zone.name)) for zone in BEST.zones] == [10, 10]
    assert (FIRST.source_in, FIRST.zone, FIRST.run) == (0.0, "inner", 1)
    assert FIRST.mass == pytest.approx(7.594 * u.t, rel=1e-12)
    assert BEST.moment(FIRST.extracted).isoformat() == "2019-07-15T16:01:00+03:00"
    assert not BEST.has_events
    assert {"Barinov:2021asz", "Barinov:2022wfh", "Elliott:2024talk", "Hampel:1985zz"} <= BEST.references


def test_solar_production_per_mass() -> None:
    """66.1 SNU: 66.1e-36/s x .39892/69.723 x 6.022e23/g of 71Ga."""
    assert BEST.zones[0].solar == pytest.approx(66.1e-36 * 0.398921 / 69.723 * 6.02214076e23 * 1e6 * 86400 / (u.day * u.t), rel=1e-9)


def test_the_sum_of_efficiencies_and_live_times_as_printed() -> None:
    """The means of the long paper's text: 98.06 and 98.77 % from gallium; 95 % into GeH4."""
    for zone, printed in (("inner", 0.9806), ("outer", 0.9877)):
        assert np.mean([one.efficiency_from_gallium for one in BEST.of_zone(zone)]) == pytest.approx(printed, abs=0.5e-4)
    assert np.mean([one.efficiency for one in BEST.extractions]) == pytest.approx(0.95, abs=0.016)  # its error


def test_printed_rows_stay_as_printed() -> None:
    for name in tables.TABLES:
        assert len(tables.printed("best-2022", name)) == len(tables.corrected("best-2022", name))
    changed = {
        (name, tables._label(before), column)
        for name in tables.TABLES
        for before, after in zip(tables.printed("best-2022", name), tables.corrected("best-2022", name), strict=True)
        for column in before
        if before[column] != after[column] and not column.endswith("_printed")
    }
    assert changed == {("exposures", "inner 7", "solar_end"), ("rates", "outer comb", "candidates"), ("peaks", "outer comb K", "candidates")}
    assert len(BEST.notes) == 7  # three slips, two tables with interchanged errors, two remarks


def test_a_slip_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    about = {"slip": [{"row": "inner 1", "column": "mass_t", "printed": "7.595", "corrected": "7.6", "why": "none"}]}
    monkeypatch.setattr(tables, "about", lambda name, table: about)
    with pytest.raises(DataError, match="exposures.toml: slip in inner 1, mass_t: no such cell with 7.595"):
        tables.corrected.__wrapped__("best-2022", "exposures")


def test_unknown_campaigns_are_refused() -> None:
    with pytest.raises(DataError, match="no published campaign 'best-2021'. Did you mean 'best-2022'?"):
        tables.built_in("best-2021")


@pytest.mark.parametrize("name", tables.TABLES)
def test_every_table_says_where_it_stood(name: str) -> None:
    says = tables.about("best-2022", name)
    provenance.check_reference(says["ref"], name)
    assert len(says["where"]) > 4
    for column in tables.printed("best-2022", name)[0]:
        assert column


def test_systematic_errors_are_printed_in_both_papers() -> None:
    assert [len(tables.systematics("best-2022", paper)) for paper in ("prl", "prc")] == [5, 11]
