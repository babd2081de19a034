"""The likelihood of event times: closed forms, a second implementation, laws, injected rates."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError
from megacurie.radiochemistry import counting
from megacurie.radiochemistry.streams import Stream

DECAY = math.log(2) / (11.43 * u.day)


def stream(times, *, begin=(0.0,), end=(100.0,), weight=0.05, offset=0.0, run=1) -> Stream:
    """Times, live intervals in days; the weight is the amplitude over the production rate."""
    a, b = np.array(begin) * u.day, np.array(end) * u.day
    return Stream(
        zone="inner", run=run, peak="K", times=np.sort(np.asarray(times, dtype=float)) * u.day, begin=a, end=b, weight=weight, offset=offset / u.day,
        live_time=float(np.sum(b - a)), decay_sum=float(np.sum(np.exp(-DECAY * a) - np.exp(-DECAY * b))),
    )  # fmt: skip


def draw(rng: np.random.Generator, like: Stream, rate: float, background: float) -> Stream:
    """Events of a stream, by thinning: a second way to the model."""
    amplitude = like.weight * rate + like.offset
    found = []
    for a, b in zip(like.begin, like.end, strict=True):
        most = amplitude * math.exp(-DECAY * a) + background
        t = rng.uniform(a, b, rng.poisson(most * (b - a)))
        found.append(t[rng.uniform(0, most, len(t)) < amplitude * np.exp(-DECAY * t) + background])
    return replace(like, times=np.sort(np.concatenate(found)))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20190705)


def test_candidates_at_the_zero_of_time_are_all_decays() -> None:
    """Where they all come at once, no background is left: a D / l = n, errors those of a Poisson number."""
    one = stream(np.full(40, 1e-3), end=(1000.0,))
    found = counting.fit([one], DECAY)
    per_rate = one.weight * one.decay_sum / DECAY
    assert found.backgrounds == (0.0,)
    assert found.rate * per_rate == pytest.approx(40, rel=1e-9)
    for side, error in ((1, found.plus), (-1, found.minus)):  # n ln(m/n) - m + n = -1/2
        m = 40 + side * error * per_rate
        assert 40 * math.log(m / 40) - m + 40 == pytest.approx(-0.5, rel=1e-2)  # a little background comes in below: it widens the lower error by less


def test_an_empty_stream_has_an_upper_error_alone() -> None:
    one = stream([])
    found = counting.fit([one], DECAY)
    assert (found.rate, found.minus) == (0.0, 0.0)
    assert found.plus * one.weight * one.decay_sum / DECAY == pytest.approx(0.5)


def test_the_background_is_where_its_slope_vanishes(rng) -> None:
    one = draw(rng, stream([]), 60 / u.day, 0.3 / u.day)
    amplitude = one.weight * 60 / u.day
    b = counting.background(one, amplitude, DECAY)
    assert b > 0
    assert np.sum(1 / (b + amplitude * np.exp(-DECAY * one.times))) == pytest.approx(one.live_time, rel=1e-10)
    assert counting.background(one, 0.0, DECAY) == pytest.approx(len(one.times) / one.live_time)


@pytest.mark.parametrize("start", [(0.1, 0.1), (1.0, 1.0), (3.0, 0.2)])
def test_a_minimiser_from_elsewhere_finds_the_same(rng, start) -> None:
    """All of (P, b1, b2) at once, with bounds, from several starts: the maximum is unique."""
    both = [draw(rng, stream([], run=i), 60 / u.day, b / u.day) for i, b in ((1, 0.5), (2, 0.1))]

    def deviance(x: np.ndarray) -> float:
        value = 0.0
        for b, one in zip(x[1:] / u.day, both, strict=True):
            a = one.weight * x[0] * 60 / u.day
            value += b * one.live_time + a * one.decay_sum / DECAY - np.sum(np.log((b + a * np.exp(-DECAY * one.times)) * one.live_time))
        return float(value)

    other = minimize(deviance, [start[0], start[1], start[1]], bounds=[(1e-6, None)] * 3, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-10})
    found = counting.fit(both, DECAY)
    assert found.rate * u.day == pytest.approx(60 * other.x[0], rel=1e-4)  # of the other minimiser
    assert found.log_likelihood == pytest.approx(-other.fun, rel=1e-9)
    assert np.array(found.backgrounds) * u.day == pytest.approx(other.x[1:], rel=1e-3)


def test_errors_are_where_the_likelihood_is_lower_by_a_half(rng) -> None:
    one = draw(rng, stream([]), 60 / u.day, 0.3 / u.day)
    found = counting.fit([one], DECAY)
    for rate in (found.rate + found.plus, found.rate - found.minus):
        assert found.log_likelihood - counting.log_likelihood([one], rate, DECAY) == pytest.approx(0.5, rel=1e-6)


def test_no_decay_in_the_data_is_a_rate_of_zero_not_below() -> None:
    late = counting.fit([stream([80, 90, 95, 99])], DECAY)
    assert (late.rate, late.minus) == (0.0, 0.0)
    assert late.plus > 0


def test_an_interval_in_two_and_a_zero_of_time_elsewhere_change_nothing(rng) -> None:
    one = draw(rng, stream([]), 60 / u.day, 0.3 / u.day)
    split = replace(stream([], begin=(0, 37), end=(37, 100)), times=one.times)
    later = 5 * u.day
    moved = replace(
        one, times=one.times + later, begin=one.begin + later, end=one.end + later, weight=one.weight * math.exp(DECAY * later),
        decay_sum=one.decay_sum * math.exp(-DECAY * later),
    )  # fmt: skip
    for other in (split, moved):
        a, b = counting.fit([one], DECAY), counting.fit([other], DECAY)
        assert (b.rate / a.rate, b.plus / a.plus, b.minus / a.minus) == pytest.approx((1, 1, 1), rel=1e-8)


def test_solar_production_is_taken_off(rng) -> None:
    """The same events with an offset: the rate is lower by offset over weight."""
    one = draw(rng, stream([]), 60 / u.day, 0.3 / u.day)
    sun = replace(one, offset=0.1 * one.weight * 60 / u.day)
    a, b = counting.fit([one], DECAY), counting.fit([sun], DECAY)
    assert (a.rate - b.rate) * u.day == pytest.approx(6, rel=1e-6)
    assert b.ge71 == pytest.approx(a.ge71, rel=1e-6)


def test_a_stream_that_cannot_tell_is_refused() -> None:
    with pytest.raises(RangeError, match="no stream depends on the production rate"):
        counting.fit([stream([1.0], weight=0.0)], DECAY)


@pytest.mark.parametrize("ratio", [1.0, 0.79, 0.0])
def test_injected_rates_come_out(rng, ratio) -> None:
    """Bias within three standard errors of the mean of 150 campaigns of six fillings; errors cover .683 within three binomial errors."""
    truth, n = ratio * 69.41 / u.day, 150
    like = [stream([], run=i, weight=0.5 * 0.8**i, offset=0.02) for i in range(6)]
    fits = [counting.fit([draw(rng, one, truth, 0.2 / u.day) for one in like], DECAY) for _ in range(n)]
    rates = np.array([one.rate for one in fits])
    if ratio:
        assert abs(rates.mean() - truth) < 3 * rates.std(ddof=1) / math.sqrt(n)
        covered = np.mean([one.rate - one.minus <= truth <= one.rate + one.plus for one in fits])
    else:  # at the bound half of the rates are zero, and one-sided intervals cover at least as often as two-sided ones
        assert 0.3 < np.mean(rates == 0) < 0.7
        covered = np.mean([one.rate - one.minus <= truth for one in fits])
        assert covered > 0.683
        return
    assert abs(covered - 0.683) < 3 * math.sqrt(0.683 * 0.317 / n)
