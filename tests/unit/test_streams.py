"""Streams: what a production rate means in each peak of each counter filling."""

from dataclasses import replace

import numpy as np
import pytest

from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError
from megacurie.radiochemistry import production, tables
from megacurie.radiochemistry.campaign import Campaign, Counting, Extraction
from megacurie.radiochemistry.streams import streams
from megacurie.studies import assumptions

BEST = tables.built_in("best-2022")


def counted(one: Extraction) -> Extraction:
    """An extraction with made-up live intervals and an event in each peak."""
    edges = one.countings[0].start + np.array([0.0, 30.0, 31.0, 60.0]) * u.day
    begin, end = edges[::2], edges[1::2]
    total = np.exp(-BEST.germanium_decay * (begin - one.source_out)) - np.exp(-BEST.germanium_decay * (end - one.source_out))
    peaks = {
        peak: replace(window, begin=begin, end=end, live_time=float(np.sum(end - begin)), decay_sum=float(total.sum()), events=begin[:1] + u.day)
        for peak, window in one.countings[0].peaks.items()
    }
    return replace(one, countings=(Counting(counter="A", start=float(begin[0]), peaks=peaks),))


CAMPAIGN: Campaign = replace(BEST, extractions=tuple(counted(one) for one in BEST.extractions), rates=())


def test_expected_decays_of_all_streams_are_those_of_the_production() -> None:
    """a D / l summed over peaks = P K + carried + solar, extraction by extraction."""
    rate, decay = 60 / u.day, CAMPAIGN.germanium_decay
    for zone in ("inner", "outer"):
        k = production.counts_per_rate(CAMPAIGN, zone)
        expected = rate * k + assumptions.carried(CAMPAIGN, zone, rate) + assumptions.solar(CAMPAIGN, zone)
        of = [stream for stream in streams(CAMPAIGN) if stream.zone == zone]
        found = [sum((s.weight * rate + s.offset) * s.decay_sum / decay for s in of if s.run == run) for run in range(1, 11)]
        assert found == pytest.approx(expected, rel=1e-12)


def test_streams_in_the_order_of_extractions() -> None:
    found = streams(CAMPAIGN)
    assert [(s.zone, s.run, s.peak) for s in found[:3]] == [("inner", 1, "K"), ("inner", 1, "L"), ("inner", 2, "K")]
    assert len(found) == 40


def test_times_are_from_the_end_of_the_exposure() -> None:
    one, stream = CAMPAIGN.extractions[0], streams(CAMPAIGN)[0]
    assert stream.begin[0] == pytest.approx(one.countings[0].start - one.source_out, rel=1e-12)
    assert stream.times[0] == pytest.approx(stream.begin[0] + u.day, rel=1e-12)
    assert stream.decay_sum == pytest.approx(
        float(np.sum(np.exp(-CAMPAIGN.germanium_decay * stream.begin) - np.exp(-CAMPAIGN.germanium_decay * stream.end))), rel=1e-12
    )


def test_without_event_times_there_are_no_streams() -> None:
    with pytest.raises(RangeError, match="BEST: inner 1 YCT92 K: no event times: expected events.csv"):
        streams(BEST)
