"""N w^2 against its definition event by event, its probability on data that are what they should be and on others, limits against a Poisson number."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError
from megacurie.radiochemistry import batch, counting, goodness
from megacurie.radiochemistry.streams import Stream

DECAY = math.log(2) / (11.43 * u.day)


def stream(begin=(1.0, 20.0, 45.0), end=(18.0, 44.0, 110.0), weight=0.05) -> Stream:
    a, b = np.array(begin) * u.day, np.array(end) * u.day
    return Stream(
        zone="inner", run=1, peak="K", times=np.empty(0), begin=a, end=b, weight=weight, offset=0.0,
        live_time=float(np.sum(b - a)), decay_sum=float(np.sum(np.exp(-DECAY * a) - np.exp(-DECAY * b))),
    )  # fmt: skip


def sets(n: int, seed: int) -> batch.Batch:
    one = stream()
    return batch.throw([one], np.array([one.weight * 60 / u.day]), np.array([0.15 / u.day]), DECAY, n, np.random.default_rng(seed))


def alone(made: batch.Batch, k: int) -> Stream:
    return replace(stream(), times=made.times[made.first[k] : made.first[k + 1]])


def test_it_is_the_sum_over_events_of_an_integrated_density() -> None:
    made = sets(3, 1)
    found = batch.fit(made, DECAY)
    statistic = goodness.nw2(made, [stream()], found.rate, found.backgrounds, DECAY)
    for k in range(3):
        one = alone(made, k)
        a, b = one.weight * found.rate[k], found.backgrounds[k]

        def until(t: float, one=one, a=a, b=b) -> float:
            parts = [(x, min(y, t)) for x, y in zip(one.begin, one.end, strict=True) if x < t]
            return sum(quad(lambda s: b + a * math.exp(-DECAY * s), x, y, epsabs=0, epsrel=1e-11)[0] for x, y in parts)

        n, whole = len(one.times), until(float(one.end[-1]))
        expected = 1 / (12 * n) + sum((until(t) / whole - (2 * i + 1) / (2 * n)) ** 2 for i, t in enumerate(one.times))
        assert statistic[k] == pytest.approx(expected, rel=1e-9)


def test_probabilities_of_good_data_are_even() -> None:
    """120 fillings: mean 1/2 and a tenth below .1, within three binomial errors."""
    made = sets(120, 2)
    p = np.array([goodness.probability([alone(made, k)], DECAY, toys=200, seed=k) for k in range(120)])
    assert abs(p.mean() - 0.5) < 3 / math.sqrt(12 * 120)
    assert abs(np.mean(p < 0.1) - 0.1) < 3 * math.sqrt(0.09 / 120)


def test_events_of_another_half_life_are_found_out() -> None:
    """Decays of 3 d instead of 11.43 d."""
    one, rng = stream(begin=(1.0,), end=(110.0,)), np.random.default_rng(3)
    times = np.sort(1 * u.day + rng.exponential(3 * u.day / math.log(2), 120))
    found = goodness.probability([replace(one, times=times[times < one.end[0]])], DECAY)
    assert found is not None
    assert found < 0.01


def test_without_candidates_there_is_no_probability() -> None:
    assert goodness.probability([stream()], DECAY) is None
    with pytest.raises(RangeError, match="0 toys: expected at least one"):
        goodness.probability([stream()], DECAY, toys=0)


@pytest.mark.parametrize("confidence", [0.683, 0.9, 0.95])
def test_a_limit_from_nothing_is_that_of_a_poisson_number(confidence) -> None:
    one = stream()
    decays = goodness.upper_limit([one], DECAY, confidence=confidence) * one.weight * one.decay_sum / DECAY
    assert decays == pytest.approx(-math.log(1 - confidence), rel=2e-4)  # of 2000 trapezes


def test_a_limit_grows_with_confidence_and_is_the_mean_and_more_for_many_decays() -> None:
    one = alone(sets(1, 4), 0)
    fit = counting.fit([one], DECAY)
    assert goodness.upper_limit([one], DECAY, confidence=0.5) == pytest.approx(fit.rate, abs=0.1 * fit.plus)
    assert goodness.upper_limit([one], DECAY, confidence=0.8413) == pytest.approx(fit.rate + fit.plus, abs=0.1 * fit.plus)


def test_a_confidence_of_one_is_none() -> None:
    with pytest.raises(RangeError, match="confidence 1: expected a probability between 0 and 1"):
        goodness.upper_limit([stream()], DECAY, confidence=1)
