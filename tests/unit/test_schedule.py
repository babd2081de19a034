"""Exposures, decays during them, saturation."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError
from megacurie.physics.schedule import Exposure, Schedule, saturation
from megacurie.physics.sources import ActivityHistory

ULPS = 1e-12  # exponentials and sums of three
HISTORY = ActivityHistory(activity=3.414 * u.MCi, half_life=27.704 * u.day)
# arXiv:2201.07364 (BEST, Phys. Rev. C 105, 065502): begin and end of the exposures to the source, day of the year 2019, Tables I and II
# (the same for both zones); saturation factor, Table XIII
BEST = [
    (186.585, 196.376, 0.3924),
    (197.362, 206.372, 0.3731),
    (207.282, 216.374, 0.3752),
    (217.286, 226.371, 0.3750),
    (227.258, 236.458, 0.3779),
    (237.342, 246.369, 0.3735),
    (247.243, 256.368, 0.3760),
    (257.241, 266.369, 0.3761),
    (267.240, 276.369, 0.3761),
    (277.201, 286.367, 0.3770),
]


@pytest.mark.parametrize(("begin", "end", "printed"), BEST)
def test_saturation_factors_of_best(begin: float, end: float, printed: float) -> None:
    found = saturation((end - begin) * u.day, 27.704 * u.day, 11.43 * u.day)
    # half a unit of the last digit, and times printed to 0.001 d: two roundings of 0.0005 d times dS/dT < ln 2/11.43 d
    assert found == pytest.approx(printed, abs=0.5e-4 + 2 * 0.0005 * math.log(2) / 11.43)


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


@given(cuts=st.lists(st.floats(0.05, 0.95), max_size=4, unique=True), live=st.floats(0.01, 1), start=st.floats(0, 50), length=st.floats(1, 50))
def test_splitting_an_exposure_changes_nothing(cuts: list[float], live: float, start: float, length: float) -> None:
    edges = [(start + x * length) * u.day for x in (0.0, *sorted(cuts), 1.0)]
    pieces = [pair for pair in pairwise(edges) if pair[0] < pair[1]]
    whole = Schedule(exposures=(Exposure(start=edges[0], stop=edges[-1], live_fraction=live),))
    split = Schedule(exposures=tuple(Exposure(start=a, stop=b, live_fraction=live) for a, b in pieces))
    assert split.decays(HISTORY) == pytest.approx(whole.decays(HISTORY), rel=ULPS)
    assert split.live_time == pytest.approx(whole.live_time, rel=ULPS)


@given(first=st.floats(0.1, 60), gap=st.floats(0, 60), live=st.floats(0.01, 1))
def test_decays_of_two_exposures_add(first: float, gap: float, live: float) -> None:
    one = Exposure(start=0.0, stop=first * u.day)
    two = Exposure(start=(first + gap) * u.day, stop=(first + gap + 5) * u.day, live_fraction=live)
    both = Schedule(exposures=(one, two)).decays(HISTORY)
    expected = HISTORY.decays(0.0, one.stop) + live * HISTORY.decays(two.start, two.stop)
    assert both == pytest.approx(expected, rel=ULPS)


def test_best_decays_in_closed_form() -> None:
    """Ten exposures against a direct sum in days."""
    zero = BEST[0][0]
    schedule = Schedule(exposures=tuple(Exposure(start=(a - zero) * u.day, stop=(b - zero) * u.day) for a, b, _ in BEST))
    begins, ends, _ = np.array(BEST).T - np.array([[zero], [zero], [0]])
    expected = 3.414e6 * 3.7e10 * 86400 * 27.704 / math.log(2) * (2 ** (-begins / 27.704) - 2 ** (-ends / 27.704)).sum()
    assert schedule.decays(HISTORY) == pytest.approx(expected, rel=ULPS)
    assert schedule.live_time / u.day == pytest.approx((ends - begins).sum(), rel=ULPS)


@pytest.mark.parametrize(("start", "stop"), [(1.0, 1.0), (2.0, 1.0), (0.0, math.inf), (math.nan, 1.0)])
def test_exposures_end_after_they_start(start: float, stop: float) -> None:
    with pytest.raises(RangeError, match="exposure from .* expected stop after start"):
        Exposure(start=start * u.day, stop=stop * u.day)


@pytest.mark.parametrize("live", [0.0, -0.1, 1.1, math.nan])
def test_live_fractions_lie_between_nothing_and_all(live: float) -> None:
    with pytest.raises(RangeError, match=r"live fraction .* is outside \(0, 1\]"):
        Exposure(start=0.0, stop=u.day, live_fraction=live)
