"""Pseudo-campaigns: what the counters of a campaign would have recorded, event by event."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import DataError, RangeError
from megacurie.radiochemistry.campaign import Calibration, Campaign, Counting, Extraction, PeakWindow
from megacurie.radiochemistry.counter import number, response
from megacurie.radiochemistry.pulses import Gain, Thrown, calibrations, exponential, gains, live_intervals
from megacurie.radiochemistry.pulses import flat as constant
from megacurie.radiochemistry.pulses import pulses as pulses_of
from megacurie.radiochemistry.streams import Stream, streams

_FALLBACK = 0.1  # candidates of the background per day of live time, where no table says
_EXACT = 1e-9  # of the beginning of live intervals, relative to where it can be


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
    shells : mapping
        Decays by filling, "zone run counter", by where they were seen (K, L; M is below the threshold), and by the shell of the capture.
    windows : mapping
        Lowest and highest energy of each window, by filling and peak.
    gains : mapping of str to Gain
        By counter.
    """

    seed: int
    ratio: float
    rates: Mapping[str, float]
    backgrounds: Mapping[str, float]
    decays: Mapping[str, int]
    shells: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
    windows: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    gains: Mapping[str, Gain] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Rates per day; keys say so."""
        day = units.day
        return {
            "seed": self.seed,
            "ratio": self.ratio,
            "rates_per_day": {name: rate * day for name, rate in self.rates.items()},
            "backgrounds_per_day": {name: rate * day for name, rate in self.backgrounds.items()},
            "decays": dict(self.decays),
            "shells": {name: {seen: dict(shells) for seen, shells in of.items()} for name, of in self.shells.items()},
            "windows_keV": {name: {peak: [x / units.keV for x in ends] for peak, ends in of.items()} for name, of in self.windows.items()},
            "counters": {name: gain.to_dict() for name, gain in self.gains.items()},
        }


def simulate(campaign: Campaign, *, ratio: float = 1.0, seed: int = 0, pulses: bool = True) -> tuple[Campaign, Truth]:
    """A campaign like another, with events thrown for a rate of ``ratio`` times the expected one.

    Atoms are made at random times and each goes its own way: extracted now, in a later extraction or never; decaying in a live
    interval or not; in the K window, the L window or neither. So the numbers in all windows are independent Poisson numbers with the
    means of the streams, carry-over and sun included, and their times are independent. Backgrounds are constant, at the rate that the
    table of the campaign leaves beside 71Ge (candidates less fitted, over the live time of all runs of a zone and peak).

    Where only sums of the live time are known, live intervals are made that have these sums: dead for the radon cut after each
    calibration, for which the shield is opened, and beginning late enough to miss the decays that were missed.

    Parameters
    ----------
    campaign : Campaign
    ratio : float
        Zero or more.
    seed : int
        Zero or more. Window i throws its times from ``SeedSequence(seed, spawn_key=(i,))``, filling k all else from ``spawn_key=(k, 0)``.
    pulses : bool
        Whether to throw energies, rise times, the pulses outside the windows and calibrations as well. The times of candidates are the same without.

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
    quiet, like, backgrounds = _quiet(campaign)
    ends = {(one.zone, one.run): one.source_out for one in quiet.extractions}
    live = {(one.zone, one.run, c.counter, peak): window for one in quiet.extractions for c in one.countings for peak, window in c.peaks.items()}
    decay = campaign.germanium_decay
    thrown: dict[tuple[str, int, str, str], Thrown] = {}
    for i, (stream, key) in enumerate(zip(like, live, strict=True)):  # both in the order of the extractions
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(i,)))
        window, zero, flat = live[key], ends[key[:2]], backgrounds[i]
        amplitude = stream.weight * rates[stream.zone] + stream.offset
        decays = exponential(window, zero, amplitude, decay, rng)
        thrown[key] = Thrown(window=window, decays=decays, flat=constant(window, flat, rng), amplitude=amplitude, zero=zero, background=flat)
    made = _with(quiet, lambda one, filling, peak, window: replace(window, events=_candidates(thrown[one.zone, one.run, filling.counter, peak])))
    made = replace(made, name=f"{campaign.name} simulated", rates=(), calibrations=(), notes=(f"simulated from {campaign.name}",))
    truth = Truth(
        seed=seed,
        ratio=ratio,
        rates=rates,
        backgrounds={_name(key): one.background for key, one in thrown.items()},
        decays={_name(key): len(one.decays) for key, one in thrown.items()},
    )
    return _detailed(made, truth, thrown) if pulses else (made, truth)


@functools.lru_cache(maxsize=4)
def _quiet(campaign: Campaign) -> tuple[Campaign, tuple[Stream, ...], tuple[float, ...]]:
    """What all campaigns like one have in common: live intervals without events, their streams and backgrounds."""
    quiet = _with(campaign, lambda one, filling, _, window: replace(_live(campaign, one, filling, window), events=np.empty(0)))
    like = streams(quiet)
    return quiet, like, tuple(_background(campaign, stream, like) for stream in like)


def _detailed(made: Campaign, truth: Truth, thrown: Mapping[tuple[str, int, str, str], Thrown]) -> tuple[Campaign, Truth]:
    """The campaign with pulses and calibrations."""
    gain = gains(made, truth.seed)
    calibrated: list[Calibration] = []
    found, shells, windows = [], {}, {}
    fillings = [(one, filling) for one in made.extractions for filling in one.countings]
    for k, (one, filling) in enumerate(fillings):
        rng = np.random.default_rng(np.random.SeedSequence(truth.seed, spawn_key=(k, 0)))
        own = {peak: thrown[one.zone, one.run, filling.counter, peak] for peak in filling.peaks}
        shown = response(filling.peaks, gain[filling.counter].resolution)
        details, by_shell = pulses_of(shown, filling.start, own, made.germanium_decay, rng)
        found.append(replace(filling, pulses=details))
        calibrated += calibrations(filling, gain[filling.counter], rng)
        here = f"{one.zone} {one.run} {filling.counter}"
        shells[here] = by_shell
        windows[here] = {peak: shown.window(peak) for peak in own}
    it = iter(found)
    extractions = tuple(replace(one, countings=tuple(next(it) for _ in one.countings)) for one in made.extractions)
    return replace(made, extractions=extractions, calibrations=tuple(calibrated)), replace(truth, shells=shells, windows=windows, gains=gain)


def _candidates(one: Thrown) -> Array:
    return np.sort(np.concatenate([one.decays, one.flat]))


def _name(key: tuple[str, int, str, str]) -> str:
    return f"{key[0]} {key[1]} {key[3]}"


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
    """The window with live intervals; with made ones, from the sums of the live time, where these alone are known.

    They are as long together as the live time, with a pause for the radon cut at each calibration, and begin where their decay sum, which falls with the
    beginning, is the known one; not before the counter was filled.
    """
    if window.begin.size:
        return window
    decay, zero = campaign.germanium_decay, one.source_out
    period, pause = number("radon.period"), number("radon.cut")
    opened = filling.start + period * np.arange(1.0, 2 + 2 * math.ceil(window.live_time / period))

    def total(first: float) -> float:
        begin, end = live_intervals(first, window.live_time, opened, pause)
        return float(np.sum(np.exp(-decay * (begin - zero)) - np.exp(-decay * (end - zero))))

    # with one interval: D = exp(-l t) (1 - exp(-l T)); pauses lower D, so that the true beginning is not later
    late = zero - math.log(window.decay_sum / -math.expm1(-decay * window.live_time)) / decay
    first = filling.start
    if late > first and total(first) > window.decay_sum:
        first = float(brentq(lambda t: total(t) - window.decay_sum, first, late, xtol=_EXACT * (late - first)))
    begin, end = live_intervals(first, window.live_time, opened, pause)
    return replace(window, begin=begin, end=end, live_time=float(np.sum(end - begin)), decay_sum=total(first))


def _background(campaign: Campaign, stream: Stream, like: tuple[Stream, ...]) -> float:
    """The mean over the runs of a zone and peak: single runs in which none was fitted would have none thrown, and a fit, never below zero, be biased."""
    rows = [row for row in campaign.rates if (row.zone, row.peak) == (stream.zone, stream.peak) and row.run is not None]
    live = math.fsum(one.live_time for one in like if (one.zone, one.peak) == (stream.zone, stream.peak))
    return max(math.fsum(row.candidates - row.fitted for row in rows), 0.0) / live if rows else _FALLBACK / units.day
