"""Pseudo-campaigns: means and times of what is thrown, seeds, there and back through files."""

import math

import numpy as np
import pytest

from megacurie.foundation.errors import RangeError
from megacurie.radiochemistry import export, files, tables
from megacurie.radiochemistry.simulate import simulate
from megacurie.radiochemistry.streams import streams
from megacurie.studies import radiochemistry

BEST = tables.built_in("best-2022")


def windows(campaign):
    return {(one.zone, one.run, peak): window for one in campaign.extractions for c in one.countings for peak, window in c.peaks.items()}


def test_live_intervals_have_the_published_sums() -> None:
    made, _ = simulate(BEST)
    for key, window in windows(made).items():
        printed = windows(BEST)[key]
        assert np.sum(window.end - window.begin) == pytest.approx(printed.live_time, rel=1e-9)
        # printed with four digits after the point, live times to .001 d
        assert window.decay_sum == pytest.approx(printed.decay_sum, abs=1e-3), key


def test_fitted_numbers_of_the_published_campaign_come_out() -> None:
    """At the published combined rates 71Ge counts add to those of the tables, within three Poisson errors."""
    _, truth = simulate(BEST, ratio=0.785, seed=3)
    for zone in ("inner", "outer"):
        fitted = sum(row.fitted for row in BEST.rates if row.zone == zone and row.run and row.peak == "KL")
        found = sum(n for name, n in truth.decays.items() if name.startswith(zone))
        assert abs(found - fitted) < 3 * math.sqrt(2 * fitted)  # both fluctuate


def test_means_and_times_are_those_of_the_streams() -> None:
    """Hundred campaigns: decays and backgrounds add to a D / l and b T; decays are as old as the exponential says."""
    made = [simulate(BEST, seed=seed, pulses=False) for seed in range(100)]
    like, decay = streams(made[0][0]), BEST.germanium_decay
    for stream in like[:3]:
        name = f"{stream.zone} {stream.run} {stream.peak}"
        expected = (stream.weight * made[0][1].rates[stream.zone] + stream.offset) * stream.decay_sum / decay
        decays = sum(truth.decays[name] for _, truth in made)
        assert abs(decays - 100 * expected) < 3 * math.sqrt(100 * expected)
        window = (stream.zone, stream.run, stream.peak)
        events = sum(windows(campaign)[window].events.size for campaign, _ in made)
        flat = made[0][1].backgrounds[name] * stream.live_time
        assert abs(events - decays - 100 * flat) <= 3 * math.sqrt(100 * flat) + 1e-9
    b, rate = made[0][1].backgrounds["inner 1 K"], made[0][1].rates["inner"]
    stream, seen = like[0], np.concatenate([streams(campaign)[0].times for campaign, _ in made])
    amplitude, start, stop = stream.weight * rate + stream.offset, stream.begin, stream.end
    falling = np.exp(-decay * start) * (1 + decay * start) - np.exp(-decay * stop) * (1 + decay * stop)
    moment = np.sum(amplitude / decay**2 * falling + b * (stop**2 - start**2) / 2)
    mean = moment / (amplitude * stream.decay_sum / decay + b * stream.live_time)
    assert abs(seen.mean() - mean) < 3 * seen.std() / math.sqrt(len(seen))


def test_a_seed_is_a_campaign() -> None:
    one, two, three = (streams(simulate(BEST, seed=seed)[0])[5].times for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, three)


def test_there_and_back_through_files(tmp_path) -> None:
    made, _ = simulate(BEST, ratio=0.79, seed=1)
    export.write(made, tmp_path / "d")
    a, b = (radiochemistry.measure(one) for one in (made, files.read(tmp_path / "d")))
    for one, two in zip(a.zones, b.zones, strict=True):
        assert two.rate == pytest.approx(one.rate, rel=1e-6)  # times in files have a digit behind the microsecond's


@pytest.mark.parametrize(("arguments", "message"), [({"ratio": -0.1}, "ratio -0.1: expected zero or more"), ({"seed": -1}, "seed -1: expected zero or more")])
def test_what_is_refused(arguments, message) -> None:
    with pytest.raises(RangeError, match=message):
        simulate(BEST, **arguments)
