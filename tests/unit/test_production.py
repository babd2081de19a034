"""Production, extraction and carry-over: closed forms, the differential equation, and what BEST printed."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from megacurie.foundation import units as u
from megacurie.radiochemistry import production as chain
from megacurie.radiochemistry import tables

ULPS = 1e-12  # exponentials and sums of three
BEST = tables.built_in("best-2022")


def saturation(duration: float, source: float, product: float) -> float:
    """Of an exposure that begins at the reference time, from half-lives."""
    return float(chain.saturation(0.0, duration, math.log(2) / source, math.log(2) / product))


@pytest.mark.parametrize(("source", "product"), [(27.704, 11.43), (35.011, 11.43), (11.43, 11.43), (5.0, 20.0), (1e9, 3.0)])
@pytest.mark.parametrize("duration", [0.5, 10.0, 100.0])
def test_saturation_solves_the_equation(source: float, product: float, duration: float) -> None:
    """dn/dt = exp(-l_s t) - l_p n: atoms over (rate at the start x mean life)."""
    a, b = math.log(2) / source, math.log(2) / product
    solution = solve_ivp(lambda t, n: math.exp(-a * t) - b * n, (0, duration), [0.0], rtol=1e-10, atol=1e-13)
    found = saturation(duration * u.day, source * u.day, product * u.day)
    assert found == pytest.approx(b * solution.y[0, -1], rel=1e-7)  # the solver's steps add up to some hundred times its 1e-10


@given(x=st.floats(1e-3, 20), y=st.floats(1e-3, 20))
def test_saturation_is_symmetric_but_for_the_prefactor(x: float, y: float) -> None:
    """The two-step decay chain has the same convolution in either order: S(a, b)/b = S(b, a)/a."""
    one, other = saturation(u.day, x * u.day, y * u.day), saturation(u.day, y * u.day, x * u.day)
    assert one * y == pytest.approx(other * x, rel=1e-9, abs=1e-300)  # arguments of exp up to ln2/1e-3 = 700 cost three digits; below 1e-300 underflow


@given(st.floats(-1e-9, 1e-9))
def test_saturation_is_smooth_where_the_half_lives_meet(shift: float) -> None:
    equal = saturation(10 * u.day, 11.43 * u.day, 11.43 * u.day)
    assert equal == pytest.approx(math.log(2) * 10 / 11.43 * 2 ** (-10 / 11.43), rel=ULPS)
    assert saturation(10 * u.day, 11.43 * (1 + shift) * u.day, 11.43 * u.day) == pytest.approx(equal, rel=1e-9)  # the shift itself


def test_saturation_limits() -> None:
    constant = saturation(10 * u.day, math.inf, 11.43 * u.day)
    assert constant == pytest.approx(1 - 2 ** (-10 / 11.43), rel=ULPS)
    assert saturation(1e6 * u.day, math.inf, 11.43 * u.day) == pytest.approx(1, rel=ULPS)
    # long after, production and decay are in transient equilibrium: n follows the source
    late = [saturation(t * u.day, 27.704 * u.day, 11.43 * u.day) for t in (1000, 1000 + 27.704)]
    assert late[1] / late[0] == pytest.approx(0.5, rel=1e-9)
    assert saturation(1e-6 * u.day, 27.704 * u.day, 11.43 * u.day) == pytest.approx(math.log(2) * 1e-6 / 11.43, rel=1e-6)  # next order: l T


# --- a schedule


def solved(zone: str, rate: float, sun: float) -> list[float]:
    """71Ge atoms in a zone before each extraction, by integrating dN/dt = P exp(-l_s t) (source in place) + S - l N from step to step; days."""
    runs, (a, b) = BEST.of_zone(zone), (BEST.source_decay * u.day, BEST.germanium_decay * u.day)
    atoms, now, found = 0.0, runs[0].solar_begin / u.day, []

    def until(end: float, source: float) -> None:
        nonlocal atoms, now
        if end > now:
            steps = solve_ivp(lambda t, n: source * rate * math.exp(-a * t) + sun - b * n, (now, end), [atoms], rtol=1e-11, atol=1e-14)
            atoms, now = float(steps.y[0, -1]), end

    for one in runs:
        until(one.source_in / u.day, 0.0)
        until(one.source_out / u.day, 1.0)
        until(one.extracted / u.day, 0.0)
        found.append(atoms)
        atoms *= 1 - one.efficiency_from_gallium
    return found


@pytest.mark.parametrize("zone", ["inner", "outer"])
def test_production_by_the_source_solves_the_equation(zone: str) -> None:
    runs = BEST.of_zone(zone)
    made = chain.production(runs, BEST.source_decay, BEST.germanium_decay)
    later = np.exp(-BEST.germanium_decay * np.array([one.extracted - one.source_out for one in runs]))
    found = (made.source + made.source_carried) * later / u.day
    assert found == pytest.approx(solved(zone, 1.0, 0.0), rel=1e-8)  # a hundred times the tolerance of the solver


@pytest.mark.parametrize("zone", ["inner", "outer"])
def test_production_by_the_sun_solves_the_equation(zone: str) -> None:
    """The tables let an exposure to the sun begin up to .05 d from the extraction before; in the equation the sun never stops, so here it begins there."""
    runs = BEST.of_zone(zone)
    runs = (runs[0], *(replace(two, solar_begin=one.extracted) for one, two in pairwise(runs)))
    made = chain.production(runs, BEST.source_decay, BEST.germanium_decay)
    later = np.exp(-BEST.germanium_decay * np.array([one.extracted - one.source_out for one in runs]))
    assert (made.solar + made.solar_carried) * later / u.day == pytest.approx(solved(zone, 0.0, 1.0), rel=1e-8)  # as above


def test_factors_of_single_exposures_are_linear() -> None:
    runs = BEST.of_zone("inner")
    whole = chain.production(runs, BEST.source_decay, BEST.germanium_decay)
    parts = [chain.production(runs, BEST.source_decay, BEST.germanium_decay, source_scale=row) for row in np.eye(len(runs))]
    assert sum(part.source_carried for part in parts) == pytest.approx(whole.source_carried, rel=ULPS)
    assert parts[0].source_carried[1] > 0
    assert not parts[0].source_carried[0]
    assert not parts[3].source[:3].any()


def test_nothing_is_carried_over_by_a_perfect_extraction() -> None:
    runs = tuple(replace(one, efficiency_from_gallium=1.0) for one in BEST.of_zone("outer"))
    made = chain.production(runs, BEST.source_decay, BEST.germanium_decay)
    assert not made.source_carried.any()
    assert not made.solar_carried.any()


def test_without_extraction_atoms_pile_up() -> None:
    """An extraction that takes almost nothing leaves what one long exposure makes, less the gaps: the source is put in where it is taken out."""
    cuts = np.array([0.0, 3.0, 7.0, 12.0]) * u.day
    one = replace(BEST.extractions[0], efficiency_from_gallium=1e-12, countings=())
    runs = tuple(replace(one, run=i + 1, source_in=a, source_out=b, extracted=b, solar_begin=a) for i, (a, b) in enumerate(pairwise(cuts)))
    made = chain.production(runs, BEST.source_decay, BEST.germanium_decay)
    whole = chain.from_source(0.0, cuts[-1], BEST.source_decay, BEST.germanium_decay)
    assert made.source[-1] + made.source_carried[-1] == pytest.approx(float(whole), rel=1e-10)  # what the extractions took
    assert made.solar[-1] + made.solar_carried[-1] == pytest.approx(float(chain.from_sun(cuts[-1], BEST.germanium_decay)), rel=1e-10)


# --- BEST's tables: Phys. Rev. C 105, 065502


@pytest.mark.parametrize("i", range(20))
def test_saturation_factors_as_printed(i: int) -> None:
    one, row = BEST.extractions[i], tables.corrected("best-2022", "countings")[i]
    found = float(chain.saturation(one.source_in, one.source_out, BEST.source_decay, BEST.germanium_decay))
    # half a unit of the last digit, and times printed to .001 d: two roundings of .0005 d times dS/dT < ln 2/11.43 d
    assert found == pytest.approx(float(row["saturation"]), abs=0.5e-4 + 2 * 0.0005 * math.log(2) / 11.43)


@pytest.mark.parametrize("peak", ["K", "L"])
@pytest.mark.parametrize("i", range(20))
def test_total_efficiencies_as_printed(i: int, peak: str) -> None:
    """Saturation x chemistry x counter x delta: "into GeH4" is all of the chemistry, and delta counts from the end of the exposure."""
    one, row = BEST.extractions[i], tables.corrected("best-2022", "countings")[i]
    found = float(row["saturation"]) * one.efficiency * one.countings[0].peaks[peak].efficiency * float(row[f"delta_{peak}_xiii"])
    printed = float(row[f"total_efficiency_{peak}"])
    assert found == pytest.approx(printed, abs=1e-4)  # half a unit of the last digit of the product, and as much from those of its factors


@pytest.mark.parametrize("zone", ["inner", "outer"])
def test_decays_counted_per_rate_as_printed(zone: str) -> None:
    """N_src/P with both printed to a digit; .4 % is what the roundings of the smallest counts allow."""
    rows = [row for row in BEST.rates if row.zone == zone and row.peak == "KL" and row.run]
    for found, row in zip(chain.counts_per_rate(BEST, zone), rows, strict=True):
        rounding = 0.05 / row.source + 0.05 / u.to_display(row.rate, "1/d") + 1e-3
        assert found == pytest.approx(row.source / row.rate, rel=min(rounding, 0.004))


@pytest.mark.parametrize("row", [row for row in BEST.rates if row.at_start], ids=lambda row: f"{row.zone}-{row.run}-{row.peak}")
def test_rates_of_single_peaks_are_those_at_the_start_of_the_exposure(row: tables.PublishedRate) -> None:
    one = next(one for one in BEST.of_zone(row.zone) if one.run == row.run)
    window = one.countings[0].peaks[row.peak]
    made = chain.saturation(one.source_in, one.source_out, BEST.source_decay, BEST.germanium_decay) / BEST.germanium_decay
    found = row.source / (made * one.efficiency * window.efficiency * window.decay_sum)
    assert float(found) == pytest.approx(row.rate, rel=0.002 + 0.05 / row.source + 0.05 / u.to_display(row.rate, "1/d"))  # two roundings
