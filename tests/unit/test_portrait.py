"""Numbers behind the figures of a campaign."""

import numpy as np
import pytest

from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError
from megacurie.radiochemistry import tables
from megacurie.radiochemistry.simulate import simulate
from megacurie.radiochemistry.streams import streams
from megacurie.studies import portrait

BEST = tables.built_in("best-2022")
MADE, _ = simulate(BEST, seed=4)


def test_bins_of_time_hold_every_candidate_and_all_live_time() -> None:
    of = streams(MADE)
    for one in portrait.event_times(MADE):
        own = [stream for stream in of if stream.peak == one.peak]
        assert one.candidates.sum() == sum(len(stream.times) for stream in own)
        assert one.live.sum() == pytest.approx(sum(stream.live_time for stream in own), rel=1e-12)
        assert np.all(one.expected >= one.background)
        pull = (one.candidates - one.expected) / np.sqrt(np.maximum(one.expected, 1))
        assert np.sum(pull**2) < len(pull) + 5 * np.sqrt(2 * len(pull))


def test_narrower_bins_add_to_wide_ones() -> None:
    (wide, *_), (narrow, *_) = (portrait.event_times(MADE, ["inner"], width=w * u.day) for w in (8, 4))
    n = 2 * (len(narrow.live) // 2)
    for name in ("live", "candidates", "expected", "background"):
        assert np.allclose(getattr(narrow, name)[:n].reshape(-1, 2).sum(1), getattr(wide, name)[: n // 2], rtol=1e-9)


@pytest.mark.parametrize("campaign", [BEST, MADE], ids=["rates", "events"])
def test_curves_fall_by_a_half_at_the_errors(campaign) -> None:
    """The same as the fit says, for zones and single extractions; between points of the grid a parabola is good to a few per mille."""
    from megacurie.studies import radiochemistry

    result = radiochemistry.measure(campaign, ["inner"])
    said = {None: result.zones[0], **{one.run: one for one in result.extractions}}
    for curve in portrait.likelihood_curves(campaign, ["inner"], points=401):
        one = said[curve.run]
        assert curve.log_likelihood.max() == 0
        for rate in (one.rate + one.plus, one.rate - one.minus):
            if rate > 0:
                assert np.interp(rate / u.day**-1, curve.rate / u.day**-1, curve.log_likelihood) == pytest.approx(-0.5, abs=5e-3)


def test_activity_halves_in_a_half_life() -> None:
    found = portrait.timeline(BEST)
    early, late = np.interp(np.array([10.0, 10.0 + BEST.history.half_life / u.day]), found.time / u.day, found.activity / found.activity[0])
    assert late / early == pytest.approx(0.5, rel=1e-4)  # linear between 200 points


def test_zones_are_chosen_and_checked() -> None:
    assert {curve.zone for curve in portrait.likelihood_curves(BEST, ["outer"])} == {"outer"}
    with pytest.raises(DataError, match="no zone 'iner'"):
        portrait.event_times(MADE, ["iner"])
    with pytest.raises(DataError, match="no event times"):
        portrait.spectrum(BEST)
