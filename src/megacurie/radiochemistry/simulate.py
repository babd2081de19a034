"""Pseudo-campaigns: what the counters of a campaign would have recorded, event by event."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import DataError, RangeError
from megacurie.radiochemistry.campaign import Campaign, Counting, Extraction, PeakWindow
from megacurie.radiochemistry.streams import Stream, streams

_FALLBACK = 0.1  # candidates of the background per day of live time, where no table says


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What a pseudo-campaign was made from.

    Attributes
    ----------
    seed : int
    ratio : float
        Of the rate to the expected one.
    rates : mapping of str to float, rate
        Production by the source at the reference time, by zone.
    backgrounds : mapping of str to float, rate
        By window, "zone run peak".
    decays : mapping of str to int
        Of 71Ge among the candidates, by window.
    """

    seed: int
    ratio: float
    rates: Mapping[str, float]
    backgrounds: Mapping[str, float]
    decays: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Rates per day; keys say so."""
        day = units.day
        return {
            "seed": self.seed,
            "ratio": self.ratio,
            "rates_per_day": {name: rate * day for name, rate in self.rates.items()},
            "backgrounds_per_day": {name: rate * day for name, rate in self.backgrounds.items()},
            "decays": dict(self.decays),
        }


def simulate(campaign: Campaign, *, ratio: float = 1.0, seed: int = 0) -> tuple[Campaign, Truth]:
    """A campaign like another, with event times thrown for a rate of ``ratio`` times the expected one.

    Atoms are made at random times and each goes its own way: extracted now, in a later extraction or never; decaying in a live
    interval or not; in the K window, the L window or neither. So the numbers in all windows are independent Poisson numbers with the
    means of the streams, carry-over and sun included, and their times are independent. Backgrounds are constant, at the rate that the
    table of the campaign leaves beside 71Ge (candidates less fitted, over the live time of all runs of a zone and peak).

    Where only sums of the live time are known, one live interval is made that has these sums: as long as the live time, beginning late enough to miss
    the decays that were missed.

    Parameters
    ----------
    campaign : Campaign
    ratio : float
        Zero or more.
    seed : int
        Zero or more. Window i throws from ``SeedSequence(seed, spawn_key=(i,))``.

    Returns
    -------
    Campaign
        With events and without a table of rates.
    Truth

    Raises
    ------
    RangeError
        If ratio or seed are below zero.
    DataError
        If a zone has no expected rate.

    Examples
    --------
    >>> from megacurie.radiochemistry import tables
    >>> made, truth = simulate(tables.built_in("best-2022"), ratio=0.8, seed=1)
    >>> print(made.has_events, f"{truth.rates['inner'] * units.day:.2f}")
    True 55.53
    """
    if not 0 <= ratio < math.inf:
        raise RangeError(f"ratio {ratio}: expected zero or more")
    if seed < 0:
        raise RangeError(f"seed {seed}: expected zero or more")
    rates = {zone.name: ratio * zone.predicted for zone in campaign.zones if zone.predicted is not None}
    for zone in campaign.zones:
        if zone.name not in rates:
            raise DataError(f"{campaign.name}: zone {zone.name} has no expected rate: expected predicted in campaign.toml")
    quiet = _with(campaign, lambda one, filling, _, window: replace(_live(campaign, one, filling, window), events=np.empty(0)))
    backgrounds, decays, times = {}, {}, {}
    like = streams(quiet)
    for i, stream in enumerate(like):
        key = (stream.zone, stream.run, stream.peak)
        name = f"{stream.zone} {stream.run} {stream.peak}"
        backgrounds[name] = _background(campaign, stream, like)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(i,)))
        found = _decays(stream, rates[stream.zone], campaign.germanium_decay, rng)
        times[key] = np.sort(np.concatenate([found, _flat(stream, backgrounds[name], rng)]))
        decays[name] = len(found)
    made = _with(quiet, lambda one, _, peak, window: replace(window, events=times[one.zone, one.run, peak] + one.source_out))
    notes = (f"simulated from {campaign.name}",)
    return replace(made, name=f"{campaign.name} simulated", rates=(), notes=notes), Truth(
        seed=seed, ratio=ratio, rates=rates, backgrounds=backgrounds, decays=decays
    )


def _with(campaign: Campaign, change: Callable[[Extraction, Counting, str, PeakWindow], PeakWindow]) -> Campaign:
    """A campaign with every window changed."""
    return replace(
        campaign,
        extractions=tuple(
            replace(
                one,
                countings=tuple(replace(c, peaks={peak: change(one, c, peak, window) for peak, window in c.peaks.items()}) for c in one.countings),
            )
            for one in campaign.extractions
        ),
    )


def _live(campaign: Campaign, one: Extraction, filling: Counting, window: PeakWindow) -> PeakWindow:
    """The window with live intervals; with one, from the sums of the live time, where these alone are known.

    D = exp(-l t) (1 - exp(-l T)), solved for the beginning t; not before the counter was filled.
    """
    if window.begin.size:
        return window
    decay = campaign.germanium_decay
    start = filling.start - one.source_out
    late = -math.log(window.decay_sum / -math.expm1(-decay * window.live_time)) / decay
    begin = np.array([one.source_out + max(start, late)])
    end = begin + window.live_time
    after = begin - one.source_out, end - one.source_out
    total = float(np.sum(np.exp(-decay * after[0]) - np.exp(-decay * after[1])))
    return replace(window, begin=begin, end=end, decay_sum=total)


def _background(campaign: Campaign, stream: Stream, like: tuple[Stream, ...]) -> float:
    """The mean over the runs of a zone and peak: single runs in which none was fitted would have none thrown, and a fit, never below zero, be biased."""
    rows = [row for row in campaign.rates if (row.zone, row.peak) == (stream.zone, stream.peak) and row.run is not None]
    live = math.fsum(one.live_time for one in like if (one.zone, one.peak) == (stream.zone, stream.peak))
    return max(math.fsum(row.candidates - row.fitted for row in rows), 0.0) / live if rows else _FALLBACK / units.day


def _decays(stream: Stream, rate: float, decay: float, rng: np.random.Generator) -> Array:
    """Times of recorded decays: exponential within each live interval, by inversion."""
    share = np.exp(-decay * stream.begin) - np.exp(-decay * stream.end)
    counts = rng.poisson((stream.weight * rate + stream.offset) * share / decay)
    return np.concatenate(
        [-np.log(np.exp(-decay * a) - rng.random(n) * part) / decay for a, part, n in zip(stream.begin, share, counts, strict=True)]
    )  # fmt: skip


def _flat(stream: Stream, background: float, rng: np.random.Generator) -> Array:
    counts = rng.poisson(background * (stream.end - stream.begin))
    return np.concatenate([a + (b - a) * rng.random(n) for a, b, n in zip(stream.begin, stream.end, counts, strict=True)])
