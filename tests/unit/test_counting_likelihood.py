"""Event times among other likelihoods: against the likelihood of counting, brute minimisation, and the Gaussian limit."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

import megacurie as mci
from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError, RangeError
from megacurie.foundation.measurement import Pull
from megacurie.radiochemistry import batch, counting, tables
from megacurie.radiochemistry.likelihood import CountingLikelihood
from megacurie.radiochemistry.simulate import simulate
from megacurie.statistics import general
from megacurie.studies import events, gallium

MADE, _ = simulate(tables.built_in("best-2022"), ratio=0.79, seed=1)
OTHERS = ["gallex-cr1", "gallex-cr2", "sage-cr", "sage-ar"]


@pytest.fixture(scope="module")
def likelihood() -> CountingLikelihood:
    return events.likelihood(MADE, mci.Sterile())


def at(sin2: float, dm2: float) -> dict[str, float]:
    return {"sin2_2theta": sin2, "dm2": dm2 * u.eV**2}


def test_its_curves_are_the_likelihood_of_counting(likelihood) -> None:
    """From no production at all to far above; the cubic between two of 3001 points is off by (step^4/384) d4 lnL, 1e-6 here at most."""
    for ratio in (0.0, 0.3, 0.79, 1.0, 1.7, 6.0):
        rates = ratio * likelihood.expected
        direct = sum(2 * (fit - counting.log_likelihood(zone, rate, likelihood.decay))
                     for fit, zone, rate in zip(likelihood.best.log_likelihood, likelihood.zones, rates, strict=True))  # fmt: skip
        assert likelihood._shifted(np.full(2, ratio), None)({"systematic": 0.0, "channel:ga71": 0.0}) == pytest.approx(direct, abs=1e-6)


def test_pulls_are_profiled(likelihood) -> None:
    theta = at(0.2, 3.0)
    shifted = likelihood.shifted(theta)
    found = minimize(lambda x: float(shifted({"systematic": x[0], "channel:ga71": x[1]}) + x @ x), [0.0, 0.0], method="BFGS", options={"gtol": 1e-9})
    assert float(likelihood.minus_two_log(theta)) == pytest.approx(found.fun, abs=1e-7)
    assert list(likelihood.best_pulls(theta).values()) == pytest.approx(found.x, abs=1e-4)


def test_a_sum_shares_the_error_of_the_cross_section(likelihood) -> None:
    others = gallium.datasets(only=OTHERS).likelihood(mci.Sterile())
    both, theta = others + likelihood, at(0.4, 2.0)
    parts = others.shifted(theta), likelihood.shifted(theta)
    found = minimize(
        lambda x: float(parts[0]({"channel:ga71": x[0]}) + parts[1]({"channel:ga71": x[0], "systematic": x[1]}) + x @ x), [0.0, 0.0], method="BFGS",
        options={"gtol": 1e-9},
    )  # fmt: skip
    assert float(both.minus_two_log(theta)) == pytest.approx(found.fun, abs=1e-7)
    assert both.n_data is None


def test_it_is_gaussian_near_the_best_rate(likelihood) -> None:
    """One sigma in one zone with the pulls held is a chi2 of 1."""
    ratio = likelihood.best.rate / likelihood.expected
    up = likelihood.best.plus / likelihood.expected
    chi2 = likelihood._shifted(ratio + np.array([up[0], 0.0]), None)
    assert float(chi2({"systematic": 0.0, "channel:ga71": 0.0})) == pytest.approx(1.0, abs=1e-6)


def test_toys_have_the_mean_of_the_model(likelihood) -> None:
    n, theta = 400, at(0.4, 2.0)
    made = likelihood.draw(theta, n, np.random.default_rng(1)).values
    rates = likelihood.model(theta) * likelihood.expected
    for zone, streams, rate in zip(made, likelihood.zones, rates, strict=True):
        first = zone.candidates.reshape(n, -1)[:, 0]
        flat = max(float(likelihood.best.backgrounds[0 if zone is made[0] else len(likelihood.zones[0])]), 0.0)
        mean = (streams[0].weight * rate + streams[0].offset) * streams[0].decay_sum / likelihood.decay + flat * streams[0].live_time
        assert abs(first.mean() - mean) < 3 * math.sqrt(mean / n)
    # each toy is fitted with its own events: the average of -2 ln L at the truth lies one per zone above its minimum, with pulls thrown at zero
    truth, best = likelihood._of_toys(rates, made), sum(2 * one.log_likelihood for one in (batch.fit(zone, likelihood.decay) for zone in made))
    assert abs(np.mean(truth + best) - 2) < 3 * 2 / math.sqrt(n)


def test_toys_are_fitted_about_their_auxiliary_measurements(likelihood) -> None:
    theta = at(0.4, 2.0)
    toys = likelihood.draw(theta, 4, np.random.default_rng(2), {"systematic": 1.0, "channel:ga71": -2.0})
    found = likelihood.minus_two_log(theta, toys)
    for t in (0, 3):
        a = np.array([toys.auxiliary[name][t] for name in ("systematic", "channel:ga71")])
        shifted = likelihood.shifted(theta, general.some(toys, slice(t, t + 1)))
        least = minimize(lambda x, f=shifted, a=a: float(f({"systematic": x[0], "channel:ga71": x[1]})[0]) + ((x - a) ** 2).sum(), a, options={"gtol": 1e-9})
        assert found[t] == pytest.approx(least.fun, abs=1e-6)  # where the minimiser stops


@pytest.mark.slow
def test_regions_from_event_times(likelihood) -> None:
    """No mixing is five sigma off, the best mixing is not; toys by toys of the same sets of events."""
    fixed = {"dm2": 2.0 * u.eV**2}
    fc = mci.feldman_cousins(likelihood, {"sin2_2theta": np.array([0.0, 0.4])}, fixed=fixed, toys=20, seed=1, minimise_on={"sin2_2theta": np.linspace(0, 1, 6)})
    assert fc.method == "thrown and fitted one by one"
    assert (fc.p_value[0], fc.p_value[1] > 0.2) == (0, True)


def test_what_is_refused(likelihood) -> None:
    with pytest.raises(RangeError, match="2 zones with streams, 2 ratios, 1 expected rates: expected one of each for a zone"):
        CountingLikelihood(likelihood.model, likelihood.zones, expected=likelihood.expected[:1], decay=likelihood.decay)
    with pytest.raises(RangeError, match="pull 'x': expected one relative to the prediction"):
        CountingLikelihood(likelihood.model, likelihood.zones, expected=likelihood.expected, decay=likelihood.decay,
                           pulls=(Pull(name="x", shape=np.ones(2), of="reference"),))  # fmt: skip
    zones = (replace(MADE.zones[0], predicted=None), MADE.zones[1])
    with pytest.raises(DataError, match="zone inner has no expected rate: expected predicted in campaign.toml"):
        events.likelihood(replace(MADE, zones=zones), mci.Sterile())
