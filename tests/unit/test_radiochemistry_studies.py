"""Rates of campaigns: combination, ratios, scatter, assumptions; on made-up rates whose answers are known, and on BEST's."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import norm

from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError, RangeError
from megacurie.radiochemistry import combination, production, tables
from megacurie.radiochemistry.campaign import PeakWindow
from megacurie.radiochemistry.simulate import simulate
from megacurie.studies import assumptions, constancy, radiochemistry
from megacurie.studies.rates import Rates, chain, outer_over_inner, published_rates, zone_rate

BEST = tables.built_in("best-2022")
RATES = published_rates(BEST)
PREDICTED = np.array([zone.predicted for zone in BEST.zones])
DIGITS = 1e-6  # minima found to 1e-9 of their place: errors of a function that is flat there


def symmetric(values: np.ndarray, errors: np.ndarray) -> Rates:
    """Rates with symmetric errors: everything is a Gaussian sum then."""
    runs = tuple(range(1, values.shape[1] + 1))
    return Rates(zones=("a", "b")[: len(values)], runs=runs, value=values / u.day, plus=errors / u.day, minus=errors / u.day)


def thrown(seed: int, common: float = 0.0, mean: float = 55.0, runs: int = 10) -> Rates:
    rng = np.random.default_rng(seed)
    errors = rng.uniform(4, 15, (2, runs))
    return symmetric(mean * (1 + common * rng.standard_normal(runs)) + errors * rng.standard_normal((2, runs)), errors)


# --- combination


def test_combination_as_published() -> None:
    """Phys. Rev. Lett. 128, 232501: 54.9 +2.5 -2.4 and 55.6 +2.7 -2.6. Tolerances of the rates are those of the method, .65 and .25; of the errors .1."""
    for zone, rate, plus, minus, tolerance in (("inner", 54.9, 2.5, 2.4, 0.65), ("outer", 55.6, 2.7, 2.6, 0.25)):
        found = zone_rate(RATES, zone, BEST.zone(zone), BEST.systematics)
        assert found.rate * u.day == pytest.approx(rate, abs=tolerance)
        assert (found.plus * u.day, found.minus * u.day) == pytest.approx((plus, minus), abs=0.1)
        assert found.ratio is not None
        assert found.ratio == pytest.approx(found.rate / BEST.zone(zone).predicted, rel=1e-12)


@given(st.integers(0, 1000))
def test_symmetric_errors_give_the_weighted_mean(seed: int) -> None:
    rates = thrown(seed)
    for i, zone in enumerate(rates.zones):
        found = zone_rate(rates, zone)
        w = rates.plus[i] ** -2
        assert found.rate == pytest.approx(np.sum(w * rates.value[i]) / w.sum(), rel=DIGITS)
        assert (found.plus, found.minus) == pytest.approx((w.sum() ** -0.5,) * 2, rel=1e-5)  # asymmetry of the Gaussian limit
        assert found.chi2 == pytest.approx(np.sum(w * (rates.value[i] - found.rate) ** 2), rel=1e-5, abs=1e-5)


def test_a_single_run_is_its_own_mean() -> None:
    one = replace(RATES.zone("inner"), runs=(1,), value=RATES.value[:1, :1], plus=RATES.plus[:1, :1], minus=RATES.minus[:1, :1])
    found = zone_rate(one, "inner")
    assert (found.rate, found.plus, found.minus) == pytest.approx((one.value[0, 0], one.plus[0, 0], one.minus[0, 0]), rel=DIGITS)
    assert found.chi2 == pytest.approx(0, abs=DIGITS)


def test_outer_over_inner_as_published() -> None:
    """.97 +- .07 from the printed rates; from ours, whose inner rate is 1 % higher, .957."""
    two = [zone_rate(RATES, zone, BEST.zone(zone), BEST.systematics) for zone in ("inner", "outer")]
    printed = [replace(one, ratio=rate / one.predicted * (1 / u.day)) for one, rate in zip(two, (54.9, 55.6), strict=True) if one.predicted]
    assert outer_over_inner(*printed)["ratio"] == pytest.approx(0.97, abs=0.005)
    assert outer_over_inner(*printed)["ratio_error"] == pytest.approx(0.07, abs=0.005)
    assert outer_over_inner(*two)["ratio"] == pytest.approx(two[1].rate / PREDICTED[1] / (two[0].rate / PREDICTED[0]), rel=1e-12)


def test_systematic_chain_adds_in_quadrature() -> None:
    found = chain("best-2022", "prc")
    assert found.plus == pytest.approx(math.sqrt(sum(item.plus**2 for item in found.items)), rel=1e-12)
    assert "in quadrature" in str(found.table(55 / u.day))


# --- constancy


@settings(max_examples=8)  # a minimisation each
@given(st.integers(0, 200))
def test_scatter_of_symmetric_rates_is_a_gaussian_sum(seed: int) -> None:
    """chi2 = that of exposures' means + that of differences about their mean, by closed forms."""
    rates = thrown(seed)
    x, e = rates.value * u.day, rates.plus * u.day
    w = 1 / np.sum(e**2, axis=0)
    d = x[1] - x[0]
    mean = np.sum(w * d) / w.sum()
    found = constancy.constancy(rates)
    assert found.difference * u.day == pytest.approx(mean, rel=1e-4, abs=1e-4)
    assert found.difference_plus * u.day == pytest.approx(w.sum() ** -0.5, rel=1e-4)
    assert found.difference_chi2 == pytest.approx(np.sum(w * (d - mean) ** 2), rel=1e-4)
    one = [np.sum((x[i] - np.sum(x[i] / e[i] ** 2) / np.sum(e[i] ** -2)) ** 2 / e[i] ** 2) for i in (0, 1)]
    assert found.chi2 == pytest.approx(sum(one), rel=1e-4)
    assert found.mean_chi2 == pytest.approx(sum(one) - found.difference_chi2, abs=1e-5 * sum(one))
    assert (found.dof, found.mean_dof, found.difference_dof) == (18, 9, 9)


def test_scatter_of_best() -> None:
    """What was found in an independent analysis of the same table: 37.9/18, all of it shared by the zones, none in outer - inner (-.25 +- 3.63)."""
    found = constancy.constancy(RATES)
    assert found.chi2 == pytest.approx(37.9, abs=0.05)
    assert found.mean_p < 0.01 < 0.1 < found.difference_p
    assert found.difference_chi2 == pytest.approx(11.0, abs=0.5)  # weights by printed errors or by those at the common rate
    assert found.difference * u.day == pytest.approx(-0.25, abs=1.0)  # the same: a third of its error
    assert found.difference_plus * u.day == pytest.approx(3.63, abs=0.05)
    assert found.corrected(0.01) == pytest.approx(1 - 0.99**3, rel=1e-12)


def test_leaving_out_is_combining_the_rest() -> None:
    found = constancy.leave_one_out(RATES)
    assert found[1]["outer"] * u.day == pytest.approx(59.8, abs=0.05)  # Phys. Rev. C 105, 065502, appendix B
    assert found[10]["inner"] == pytest.approx(zone_rate(RATES.without(10), "inner").rate, rel=1e-12)
    assert len(found) == 10


def test_permutations() -> None:
    """Zones that move together have a small p, independent ones any."""
    together = symmetric(np.array([[50.0, 60, 40, 70, 45, 65, 52, 58]] * 2), np.full((2, 8), 5.0))
    assert constancy.permutation_p(together) == pytest.approx(1 / math.factorial(8), abs=2e-4)
    apart = replace(together, value=together.value[:, :] * np.array([[1.0], [-1.0]]) + np.array([[0.0], [110 / u.day]]))
    assert constancy.permutation_p(apart) > 0.99
    ps = [constancy.permutation_p(thrown(seed), permutations=100) for seed in range(100)]
    assert np.mean(ps) == pytest.approx(0.5, abs=4 / math.sqrt(12 * 100))  # four standard deviations of a mean of uniform numbers


@pytest.mark.parametrize("common", [True, False])
def test_scatter_is_found_where_it_is(common: bool) -> None:
    """Against the closed form of Gaussian rates: a covariance of errors plus (s P)^2, shared or not."""
    rates = thrown(5, common=0.25)
    x, e = (rates.value * u.day / 70).ravel(), (rates.plus * u.day / 70).ravel()
    block = np.kron(np.ones((2, 2)), np.eye(10)) if common else np.eye(20)

    def minus_two_log(at: np.ndarray) -> float:
        ratio, size = at
        v = np.diag(e**2) + (size * ratio) ** 2 * block
        return float((x - ratio) @ np.linalg.solve(v, x - ratio) + np.linalg.slogdet(v)[1])

    best = minimize(minus_two_log, [0.8, 0.2], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    w = e**-2
    none = minus_two_log(np.array([np.sum(w * x) / w.sum(), 0.0]))
    found = constancy.scatter(rates, np.array([70.0, 70.0]) / u.day, common=common)
    # the rates of the integral are cut at zero, four scatters below their mean
    assert found.ratio == pytest.approx(best.x[0], rel=2e-3)
    assert found.size == pytest.approx(abs(best.x[1]), rel=1e-2)
    assert found.delta == pytest.approx(none - best.fun, rel=1e-2)
    assert found.without == pytest.approx(np.sum(w * x) / w.sum(), rel=1e-5)


def test_scatter_of_best_in_exposures() -> None:
    """An independent analysis found .128 common to an exposure, 6.8 in -2 ln L, and a ratio of .81."""
    found = constancy.scatter(RATES, PREDICTED, common=True)
    assert found.size == pytest.approx(0.128, abs=0.01)
    assert found.ratio == pytest.approx(0.81, abs=0.01)
    assert found.delta == pytest.approx(6.8, abs=1.5)  # which rates are free, and whether the scatter is linear or logarithmic
    assert found.p < 0.01


def test_exposure_diagnostic_of_best() -> None:
    assert constancy.against_exposure(BEST, RATES).p == pytest.approx(0.005, abs=0.0005)
    assert constancy.against_exposure(BEST, RATES).slope < 0


@pytest.mark.parametrize("study", [constancy.constancy, constancy.permutation_p, lambda rates: constancy.against_exposure(BEST, rates)])
def test_one_zone_has_no_exposures_in_common(study) -> None:
    with pytest.raises(RangeError, match="rates of inner: expected two zones"):
        study(RATES.zone("inner"))


# --- half-life of the source


@pytest.mark.parametrize("days", [20.0, 27.704, 40.0])
def test_half_life_is_found_again(days: float) -> None:
    """Rates that were worked out with 27.7 d from counts of a source with another half-life."""
    factor = np.array([
        [float(production.from_source(one.source_in, one.source_out, math.log(2) / (t * u.day), BEST.germanium_decay)) for one in BEST.of_zone("inner")]
        for t in (days, 27.704)
    ])  # fmt: skip
    rates = replace(RATES, value=np.full((2, 10), 60 / u.day) * factor[0] / factor[1])
    found = assumptions.source_half_life(BEST, rates)
    assert found.value / u.day == pytest.approx(days, rel=1e-5)


def test_half_life_of_51cr_from_bests_rates() -> None:
    """An independent analysis: 31.6 d, 29.9 to 33.4; 2.4 sigma."""
    found = assumptions.source_half_life(BEST, RATES)
    low, high = found.value - found.minus, found.value + found.plus
    assert (found.value / u.day, low / u.day, high / u.day) == pytest.approx((31.6, 29.9, 33.4), abs=0.05)
    assert found.sigma == pytest.approx(2.4, abs=0.1)


def test_a_half_life_that_may_be_infinite() -> None:
    """Two runs that do not fall at all."""
    rates = replace(
        RATES.zone("inner"), runs=(1, 2), value=RATES.value[:1, :2] * np.array([[0.5, 1.6]]), plus=RATES.plus[:1, :2] * 3, minus=RATES.minus[:1, :2] * 3
    )
    found = assumptions.source_half_life(BEST, rates)
    assert math.isinf(found.plus)
    assert found.to_dict()["plus_d"] is None


# --- assumptions


def test_effects_on_bests_rates() -> None:
    effects = {one.assumption: one.changes for one in assumptions.assumptions().effects}
    assert all(0 < abs(x) <= 0.001 for x in effects["71Ge half-life 11.468 d"].values())  # at most .1 %
    assert all(0.002 < x < 0.003 for x in effects["carry-over at the measured rate"].values())  # about .3 %
    assert all(x < -0.02 for x in effects["symmetric errors"].values())
    assert effects["without the first extraction"]["outer"] == pytest.approx(59.84 / 55.55 - 1, abs=2e-4)
    assert set(effects["decay sums of Table XIII"]) == {"inner", "outer"}


def test_carry_over_as_worked_out_independently() -> None:
    """9.70 and 6.59 at the predicted rates; 7.7 and 5.1 at the measured ones."""
    for zone, predicted, measured, at in (("inner", 9.70, 7.7, 54.9), ("outer", 6.59, 5.1, 55.6)):
        assert assumptions.carried(BEST, zone, BEST.zone(zone).predicted or 0.0).sum() == pytest.approx(predicted, abs=0.01)
        assert assumptions.carried(BEST, zone, at / u.day).sum() == pytest.approx(measured, abs=0.05)


def test_another_half_life_of_germanium() -> None:
    """Against a general minimiser and narrow bins: what a fit with another half-life and a free background finds in the expectation."""
    old, new, start, stop = 0.06, 0.05, 1.5, 60.0  # per day and days: far apart, so that the effect is large
    t, width = np.linspace(start, stop, 20001, retstep=True)
    t = 0.5 * (t[1:] + t[:-1])
    atoms, background = 100.0, 0.5
    expected = (atoms * old * np.exp(-old * t) + background) * width

    def minus_log(at: np.ndarray) -> float:
        mu = (at[0] * new * np.exp(-new * t) + at[1]) * width
        return float(np.sum(mu - expected * np.log(np.maximum(mu, 1e-300))))

    best = minimize(minus_log, [atoms, background], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 2000})
    share = math.exp(-old * start) - math.exp(-old * stop)
    live = PeakWindow(efficiency=1.0, live_time=(stop - start) * u.day, decay_sum=share)
    windows = [(live, start * u.day, atoms * share + background * (stop - start), atoms * share)]
    assert assumptions.atoms_refitted(windows, old / u.day, new / u.day) == pytest.approx(best.x[0] / atoms, rel=1e-5)  # of the minimiser
    assert abs(best.x[0] / atoms - 1) > 0.01


# --- the result of a campaign


def test_the_result_of_best() -> None:
    found = radiochemistry.published("best-2022")
    said = found.to_dict()
    assert {"zone", "run", "candidates", "ge71", "rate_per_day", "plus", "minus", "nw2_p", "upper_limit_90"} == set(said["extractions"][0])
    assert {"rate_per_day", "plus", "minus", "ratio", "ratio_error"} <= set(said["zones"]["inner"])
    assert len(said["extractions"]) == 20
    assert said["zones"]["outer"]["rate_per_day"] == pytest.approx(55.55, abs=0.005)
    assert "Effect of assumptions" in str(found)
    assert found.references == BEST.references


def test_one_zone_of_best() -> None:
    found = radiochemistry.measure(BEST, ["outer"])
    assert [one.zone for one in found.zones] == ["outer"]
    assert (found.outer_over_inner, found.diagnostics) == (None, None)


def test_campaigns_without_rates_are_refused() -> None:
    with pytest.raises(DataError, match="BEST: no rates of single extractions"):
        published_rates(replace(BEST, rates=()))
    with pytest.raises(DataError, match="rates of outer: runs .* but inner has .*: expected the same"):
        published_rates(replace(BEST, rates=tuple(row for row in BEST.rates if (row.zone, row.run) != ("outer", 7))))
    with pytest.raises(DataError, match="no zone 'iner'. Did you mean 'inner'?"):
        radiochemistry.measure(BEST, ["iner"])


def test_shapes_of_likelihoods() -> None:
    """Every likelihood of BEST's table falls by 1/2 where the errors say."""
    for side, sign in (("plus", 1.0), ("minus", -1.0)):
        rate = RATES.value + sign * getattr(RATES, side)
        assert combination.log_likelihood(rate, RATES.value, RATES.plus, RATES.minus) == pytest.approx(np.full((2, 10), -0.5), rel=1e-9)


def test_half_life_calibrated_by_toys() -> None:
    """2.4 sigma of the note, p = .016; with 4000 toys the error of p is .002, and .05 of a sigma; so is the note's last digit."""
    p = assumptions.source_half_life_p(BEST, RATES, toys=4000)
    assert norm.isf(p / 2) == pytest.approx(2.4, abs=0.1)


@pytest.mark.slow
def test_toys_of_the_half_life_are_even_where_it_is_true() -> None:
    """Rates thrown for the assumed half-life: p below .3 in three of ten, within three binomial errors."""
    rng, n = np.random.default_rng(1), 100
    g, size = combination.shape(RATES.plus, RATES.minus)
    p = []
    for _ in range(n):
        mean = size * (1 + g * (np.array([[55.5], [55.5]]) / u.day - RATES.value))
        counts = np.maximum(rng.poisson(mean), 1)
        wider = np.sqrt(counts / size)  # of the errors, as those of a Poisson number
        made = replace(RATES, value=RATES.value + (counts / size - 1) / g, plus=RATES.plus * wider, minus=RATES.minus * wider)
        p.append(assumptions.source_half_life_p(BEST, made, toys=100))
    assert abs(np.mean(np.array(p) < 0.3) - 0.3) < 3 * math.sqrt(0.3 * 0.7 / n)


def test_both_zones_with_one_ratio() -> None:
    """Between the two, with the error of both, and as a fit of the events has it when rates are of events."""
    found = radiochemistry.measure(BEST, joint=True)
    ratios = sorted(zone.ratio for zone in found.zones)
    assert ratios[0] < found.joint["ratio"] < ratios[1]
    alone = [0.5 * (zone.plus + zone.minus) / zone.predicted for zone in found.zones]
    assert 0.5 * (found.joint["plus"] + found.joint["minus"]) == pytest.approx(1 / math.hypot(*(1 / x for x in alone)), rel=0.02)
    made, _ = simulate(BEST, ratio=0.79, seed=2)
    events = radiochemistry.measure(made, joint=True)
    stat = 0.5 * (events.joint["plus"] + events.joint["minus"])
    weights = [(2 * zone.predicted / (zone.plus + zone.minus)) ** 2 for zone in events.zones]
    assert events.joint["ratio"] == pytest.approx(np.average([zone.ratio for zone in events.zones], weights=weights), abs=0.1 * stat)
    with pytest.raises(DataError, match="expected two zones or more with an expected rate"):
        radiochemistry.measure(BEST, ["inner"], joint=True)


def test_events_are_diagnosed_as_rates_are() -> None:
    """The rates of single extractions of a campaign with events go the same way as published ones."""
    made, _ = simulate(BEST, ratio=0.79, seed=3)
    found = radiochemistry.measure(made).diagnostics
    assert found is not None
    assert 0.001 < found.permutation_p <= 1
    assert found.half_life.value / u.day == pytest.approx(27.7, abs=4 * 2.0)  # thrown with it; the error of BEST's is about 2 d
    few, _ = simulate(BEST, ratio=0.02, seed=3)
    assert radiochemistry.measure(few).diagnostics is None  # rates of zero have no lower error
