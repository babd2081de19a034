"""Sources: lines, nuclides, activity against time."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from megacurie.foundation import provenance
from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError, RangeError
from megacurie.physics.sources import ActivityHistory, Line, names, nuclide_key, source

ULPS = 1e-13  # exponentials of arguments up to ten lose a digit
CAPTURES = {"51Cr": "cr51", "37Ar": "ar37"}  # every decay gives one line
KEYS = {**CAPTURES, "65Zn": "zn65", "58Co": "co58", "144Ce": "ce144"}
TABLES = [(nuclide, name) for nuclide, key in CAPTURES.items() for name, rows in provenance.look_up(f"nuclide.{key}.lines").items() if isinstance(rows, tuple)]
days = st.floats(0.1, 300)


@pytest.mark.parametrize(("nuclide", "name"), TABLES)
def test_every_decay_emits_one_neutrino(nuclide: str, name: str) -> None:
    printed = [row["intensity"].printed for row in provenance.look_up(f"nuclide.{KEYS[nuclide]}.lines.{name}")]
    rounding = sum(0.5 * 10.0 ** -len(text.partition(".")[2]) for text in printed)  # half a unit of the last digit of each
    assert source(nuclide, lines=name).intensities.sum() == pytest.approx(1, abs=rounding)


@pytest.mark.parametrize(("nuclide", "name"), TABLES)
def test_the_mean_energy_does_not_depend_on_the_table(nuclide: str, name: str) -> None:
    """Tables split the same lines finer or coarser: their mean energies agree to the rounding of 3 keV and one per cent in the branching."""
    tables = [source(nuclide, lines=other) for other in ("four", name)]
    means = [float(one.energies @ one.intensities / one.intensities.sum()) for one in tables]
    assert means[1] == pytest.approx(means[0], rel=0.007)  # 3 keV of 750, and .01 x 320 keV of 720


def test_lines_to_the_excited_level_lie_lower_by_the_gamma() -> None:
    lines = sorted(source("51Cr", lines="nine").energies / u.keV, reverse=True)
    gamma = provenance.datum("nuclide.cr51.gamma.energy", "energy").value / u.keV
    np.testing.assert_allclose(np.array(lines[:3]) - lines[3:], gamma, atol=0.1)  # both printed to 0.1 keV


def test_every_nuclide_is_checked_here() -> None:
    assert sorted(names()) == sorted(KEYS)
    assert {nuclide: nuclide_key(nuclide) for nuclide in names()} == KEYS


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: source("52Cr"), "'52Cr' is not a known source nuclide. Did you mean '51Cr'?"),
        (lambda: source("uranium"), "'uranium' is not a known source nuclide. Known: 144Ce, 37Ar, 51Cr, 58Co, 65Zn."),
        (lambda: source("71Ge"), "'71Ge' is not a known source nuclide. Known: 144Ce, 37Ar, 51Cr, 58Co, 65Zn."),
        (lambda: source("Cr51"), "'Cr51' is not a known source nuclide. Known: 144Ce, 37Ar, 51Cr, 58Co, 65Zn."),
        (lambda: source("51Cr", lines="fuor"), "51Cr has no table of lines 'fuor'. Did you mean 'four'?"),
    ],
)
def test_unknown_nuclides_and_tables(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError) as caught:
        call()
    assert str(caught.value) == message


def test_tags_and_references() -> None:
    plain = source("51Cr")
    assert plain.tags == {"source:cr51"}
    assert plain.history is None
    used = [row[column] for row in provenance.look_up("nuclide.cr51.lines.four") for column in ("energy", "intensity")]
    assert plain.references == provenance.datum("nuclide.cr51.half_life", "time").references.union(*(datum.references for datum in used))
    full = source("37Ar", activity=u.MCi, calibration="gamma", references=frozenset({"Abdurashitov:2005tb"}))
    assert full.tags == {"source:ar37", "activity:gamma"}
    assert "Abdurashitov:2005tb" in full.references
    assert full.history is not None
    assert full.history.half_life == full.half_life == provenance.datum("nuclide.ar37.half_life", "time").value


@pytest.mark.parametrize(("energy", "intensity"), [(0.0, 0.5), (-1.0, 0.5), (0.7, -0.1), (0.7, 1.1), (math.nan, 0.5), (0.7, math.nan)])
def test_lines_that_make_no_sense(energy: float, intensity: float) -> None:
    with pytest.raises(RangeError, match="expected a positive energy and an intensity in"):
        Line(energy=energy * u.MeV, intensity=intensity)


@given(half_life=days, start=st.floats(-50, 300), first=days, second=days)
def test_decays_add(half_life: float, start: float, first: float, second: float) -> None:
    history = ActivityHistory(activity=2 * u.MCi, half_life=half_life * u.day)
    a, b, c = (x * u.day for x in (start, start + first, start + first + second))
    assert history.decays(a, b) + history.decays(b, c) == pytest.approx(history.decays(a, c), rel=1e-9)  # times of 300 d rounded against a part of 0.1 d


@given(half_life=days, start=st.floats(0, 100), length=days)
def test_decays_are_the_integral_of_the_activity(half_life: float, start: float, length: float) -> None:
    history = ActivityHistory(activity=2 * u.MCi, half_life=half_life * u.day)
    lifes = np.array([start, start + length]) / half_life
    integral, _ = quad(lambda t: history.at(t * history.half_life) / history.activity, *lifes, epsabs=0, epsrel=1e-10, limit=200)
    expected = history.decays(start * u.day, (start + length) * u.day) / (history.activity * history.half_life)
    assert expected == pytest.approx(integral, rel=1e-8)  # quad's 1e-10 and the difference of two rounded times


def test_halves_and_the_whole() -> None:
    history = ActivityHistory(activity=3 * u.MCi, half_life=10 * u.day)
    np.testing.assert_allclose(history.at(np.arange(-1, 4) * 10 * u.day) / u.MCi, [6, 3, 1.5, 0.75, 0.375], rtol=ULPS)
    whole = history.activity * history.half_life / math.log(2)
    assert history.decays(0.0, math.inf) == pytest.approx(whole, rel=ULPS)
    assert history.decays(0.0, history.half_life) == pytest.approx(whole / 2, rel=ULPS)
    assert history.decays(5 * u.day, 5 * u.day) == 0


def test_a_short_exposure_is_activity_times_time() -> None:
    history = ActivityHistory(activity=3 * u.MCi, half_life=10 * u.day)
    # to first order in 1 s / 10 d = 1e-6, half of which times ln 2 is left out
    assert history.decays(0.0, u.s) == pytest.approx(history.activity * u.s, rel=1e-6)


@pytest.mark.parametrize(("activity", "half_life"), [(-1.0, 1.0), (math.nan, 1.0), (math.inf, 1.0), (1.0, 0.0), (1.0, -1.0), (1.0, math.nan), (1.0, math.inf)])
def test_histories_that_make_no_sense(activity: float, half_life: float) -> None:
    with pytest.raises(RangeError, match="activity .* expected zero or more|half-life .* expected a positive time"):
        ActivityHistory(activity=activity * u.MCi, half_life=half_life * u.day)
