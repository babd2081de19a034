"""Exposures and decays during them."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError
from megacurie.physics.schedule import Exposure, Schedule
from megacurie.physics.sources import ActivityHistory

ULPS = 1e-12  # exponentials and sums of three
HISTORY = ActivityHistory(activity=3.414 * u.MCi, half_life=27.704 * u.day)
# arXiv:2201.07364 (BEST, Phys. Rev. C 105, 065502): begin and end of the exposures to the source, day of the year 2019, Tables I and II
# (the same for both zones)
BEST = [
    (186.585, 196.376),
    (197.362, 206.372),
    (207.282, 216.374),
    (217.286, 226.371),
    (227.258, 236.458),
    (237.342, 246.369),
    (247.243, 256.368),
    (257.241, 266.369),
    (267.240, 276.369),
    (277.201, 286.367),
]


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
    schedule = Schedule(exposures=tuple(Exposure(start=(a - zero) * u.day, stop=(b - zero) * u.day) for a, b in BEST))
    begins, ends = np.array(BEST).T - zero
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
