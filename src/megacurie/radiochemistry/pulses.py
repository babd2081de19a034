"""Pulses of a counter filling thrown one by one, in and out of the windows, and the calibrations between them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.radiochemistry import counter
from megacurie.radiochemistry.campaign import Calibration, Campaign, Counting, PeakWindow, Pulses
from megacurie.radiochemistry.counter import Response, number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Thrown:
    """What was thrown for one window: candidates by their origin (times (n,) from the reference time), and the rates that they were thrown from.

    Attributes
    ----------
    window : PeakWindow
        With live intervals.
    decays, flat : array (n,), time
        Candidates that are decays of 71Ge, and those of the background.
    amplitude : float, rate
        Of the decays, at ``zero``.
    zero : float, time
    background : float, rate
    """

    window: PeakWindow
    decays: Array
    flat: Array
    amplitude: float
    zero: float
    background: float


@dataclass(slots=True)
class _Table:
    """Columns of pulses that grow group by group."""

    rng: np.random.Generator
    time: list[Array] = field(default_factory=list)
    energy: list[Array] = field(default_factory=list)
    rise: list[Array] = field(default_factory=list)
    nai: list[Array] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    peak: list[str] = field(default_factory=list)

    def add(self, time: Array, energy: Array, rise: Array, peak: str | Iterable[str] = "", flag: str = "") -> None:
        n = len(time)
        self.time.append(time)
        self.energy.append(energy)
        self.rise.append(rise)
        self.nai.append(number("nai.energy") * self.rng.exponential(size=n) if flag == "nai" else np.zeros(n))
        self.flags += [flag] * n
        self.peak += [peak] * n if isinstance(peak, str) else list(peak)

    def pulses(self) -> Pulses:
        time, energy, rise, nai = (np.concatenate(column) for column in (self.time, self.energy, self.rise, self.nai))
        kept = np.flatnonzero(energy >= number("window.threshold"))
        order = kept[np.argsort(time[kept], kind="stable")]
        return Pulses(
            time=time[order], energy=energy[order], rise_time=rise[order], adp=counter.adp(rise[order], self.rng), nai=nai[order],
            flags=tuple(self.flags[i] for i in order), peak=tuple(self.peak[i] for i in order),
        )  # fmt: skip


def pulses(response: Response, start: float, thrown: Mapping[str, Thrown], decay: float, rng: np.random.Generator) -> tuple[Pulses, dict[str, dict[str, int]]]:
    """All pulses of a filling above the threshold.

    The candidates are those given: each gets an energy in its window and a rise time below the cut, because the efficiency of a window has both cuts in
    it. Beside them: decays that a cut removes, tracks with long rise times (flat in energy, in and out of the windows), background in coincidence
    with the NaI crystal (flag ``nai``) and the radon after each opening of the shield (flag ``radon``). All are independent Poisson numbers.

    Parameters
    ----------
    response : Response
    start : float, time
        Of the counting.
    thrown : mapping of peak to Thrown
    decay : float, rate
        Decay constant of 71Ge.
    rng : Generator

    Returns
    -------
    Pulses
    dict
        Decays by where they are seen (K, L; M for those below the threshold) and the shell of the capture, cut decays left out.
    """
    table = _Table(rng)
    shares, shells = response.shares(), {}
    passed = response.inside * number("rise_time.accepted")
    density = _flatness(response, thrown)
    for peak, one in thrown.items():
        n = len(one.decays)
        table.add(one.decays, response.energies(peak, rng, n, inside=True), response.rise_times(peak, rng, n, inside=True), peak)
        shells[peak] = dict(Counter(counter.pick(shares[peak], rng, n).tolist()))
        slow = _decays(one, decay, response.inside / passed - 1, rng)
        table.add(slow, response.energies(peak, rng, len(slow), inside=True), response.rise_times(peak, rng, len(slow), inside=False))
        aside = _decays(one, decay, (1 - response.inside) / passed, rng)
        table.add(aside, response.energies(peak, rng, len(aside), inside=False), response.rise_times(peak, rng, len(aside), inside=True))
        _background(table, response, peak, one, density)
    first = next(iter(thrown))
    below = _decays(thrown[first], decay, sum(shares["M"].values()) / (sum(shares[first].values()) * passed), rng)
    shells["M"] = dict(Counter(counter.pick(shares["M"], rng, len(below)).tolist()))
    _beside(table, response, thrown[first].window, thrown, density)
    _radon(table, response, openings(start, thrown[first].window), tuple(thrown))
    return table.pulses(), shells


def _flatness(response: Response, thrown: Mapping[str, Thrown]) -> float:
    """Tracks per energy and time: as many as the quieter window allows. What a window has above it is point-like, as low-energy electrons are."""
    return min(one.background / (_width(response, peak) * response.extended(peak)) for peak, one in thrown.items())


def _width(response: Response, peak: str) -> float:
    low, high = response.window(peak)
    return high - low


def _background(table: _Table, response: Response, peak: str, one: Thrown, density: float) -> None:
    """Background in a window: the candidates given, those in coincidence, and those with long rise times."""
    rng, low, width, below = table.rng, response.window(peak)[0], _width(response, peak), response.extended(peak)
    tracks = density * width * below  # of the candidates
    points = max(one.background - tracks, 0.0)
    paired, slow = number("nai.share") / (1 - number("nai.share")), 1 / number("rise_time.accepted") - 1
    for time, flag in ((one.flat, ""), (flat(one.window, one.background * paired, rng), "nai")):
        n = len(time)
        is_track = rng.random(n) * one.background < tracks
        rise = np.where(is_track, response.tracks(rng, n, high=below), response.rise_times(peak, rng, n, inside=True))
        table.add(time, low + width * rng.random(n), rise, peak, flag)
    for scale, flag in ((1.0, ""), (paired, "nai")):
        time = flat(one.window, scale * density * width * (1 - below), rng)
        table.add(time, low + width * rng.random(len(time)), response.tracks(rng, len(time), low=below), "", flag)
        time = flat(one.window, scale * points * slow, rng)
        table.add(time, low + width * rng.random(len(time)), response.rise_times(peak, rng, len(time), inside=False), "", flag)


def _beside(table: _Table, response: Response, window: PeakWindow, peaks: Iterable[str], density: float) -> None:
    """Tracks outside the windows."""
    rng, paired = table.rng, number("nai.share") / (1 - number("nai.share"))
    low = number("window.threshold")
    for begin, end in (*sorted(response.window(peak) for peak in peaks), (number("window.top"), math.inf)):
        for scale, flag in ((1.0, ""), (paired, "nai")):
            time = flat(window, scale * density * max(begin - low, 0.0), rng)
            table.add(time, low + (begin - low) * rng.random(len(time)), response.tracks(rng, len(time)), "", flag)
        low = end


def _radon(table: _Table, response: Response, opened: Array, peaks: tuple[str, ...]) -> None:
    """Pulses of radon let in: they fall with the flushing of the shield, and all are inside the time cut."""
    rng, cut, falls = table.rng, number("radon.cut"), math.log(2) / number("radon.purged")
    n = rng.poisson(number("radon.pulses"), len(opened))
    time = np.repeat(opened, n) - np.log1p(rng.random(n.sum()) * math.expm1(-falls * cut)) / falls
    low, high = number("window.threshold"), number("window.top")
    energy, rise = low + (high - low) * rng.random(len(time)), response.tracks(rng, len(time))
    label = np.full(len(time), "", dtype="<U1")
    for peak in peaks:
        begin, end = response.window(peak)
        label[(energy >= begin) & (energy <= end) & (rise <= response.cuts[peak])] = peak
    table.add(time, energy, rise, label.tolist(), "radon")


def openings(start: float, window: PeakWindow) -> Array:
    """When the shield was opened (n,), time: as long as the radon cut before the counting goes on after a pause, and when it began."""
    cut = number("radon.cut")
    before = np.concatenate([[start], window.end[:-1]])
    found = window.begin - cut
    room = found >= before - 1e-9 * cut  # rounding: pauses are as long as the cut
    room[0] = window.begin[0] - start >= cut
    found[0] = start
    return found[room]


def flat(window: PeakWindow, rate: float, rng: np.random.Generator) -> Array:
    """Times (n,) of a constant rate in the live intervals, from the reference time."""
    n = rng.poisson(rate * window.live_time)
    along = np.concatenate([[0.0], np.cumsum(window.end - window.begin)])
    place = along[-1] * rng.random(n)
    i = np.clip(np.searchsorted(along, place, side="right") - 1, 0, len(window.begin) - 1)
    found: Array = np.minimum(window.begin[i] + (place - along[i]), np.nextafter(window.end[i], -math.inf))
    return found


def _decays(one: Thrown, decay: float, scale: float, rng: np.random.Generator) -> Array:
    return exponential(one.window, one.zero, scale * one.amplitude, decay, rng)


def exponential(window: PeakWindow, zero: float, amplitude: float, decay: float, rng: np.random.Generator) -> Array:
    """Times (n,) of decays in the live intervals at the rate a exp(-l (t - zero)), from the reference time."""
    first, last = np.exp(-decay * (window.begin - zero)), np.exp(-decay * (window.end - zero))
    along = np.concatenate([[0.0], np.cumsum(first - last)])
    n = rng.poisson(amplitude * along[-1] / decay)
    place = along[-1] * rng.random(n)
    i = np.clip(np.searchsorted(along, place, side="right") - 1, 0, len(first) - 1)
    time = zero - np.log(first[i] - (place - along[i])) / decay
    found: Array = np.clip(time, window.begin[i], np.nextafter(window.end[i], -math.inf))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """The gain of a counter: channels per energy at the reference time, its relative drift per time, and the resolution for 55Fe."""

    channel: float
    drift: float
    resolution: float

    def to_dict(self) -> dict[str, float]:
        """Keys of the truth."""
        return {"channels_per_keV": self.channel * units.keV, "drift_per_month": self.drift * number("gain.month"), "resolution": self.resolution}


def gains(campaign: Campaign, seed: int) -> dict[str, Gain]:
    """A gain and a resolution for each counter; counter j throws from ``SeedSequence(seed, spawn_key=(j, 1))``."""
    names = dict.fromkeys(c.counter for one in campaign.extractions for c in one.countings)
    found = {}
    for j, name in enumerate(names):
        normal = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(j, 1))).standard_normal(3)
        found[name] = Gain(
            channel=number("gain.channel") / units.keV * (1 + number("gain.spread") * float(normal[0])),
            drift=number("gain.drift") / number("gain.month") * float(normal[1]),
            resolution=number("resolution.fwhm") + number("resolution.spread") * float(normal[2]),
        )
    return found


def calibrations(filling: Counting, gain: Gain, rng: np.random.Generator) -> tuple[Calibration, ...]:
    """The 55Fe line whenever the shield is opened, with the errors of a calibration."""
    energy = number("fe55.energy")
    time = openings(filling.start, next(iter(filling.peaks.values())))
    place = gain.channel * energy * (1 + gain.drift * time) * (1 + number("gain.error") * rng.standard_normal(len(time)))
    width = gain.resolution + number("resolution.error") * rng.standard_normal(len(time))
    return tuple(
        Calibration(counter=filling.counter, time=float(t), energy=energy, channel=float(x), resolution=float(w))
        for t, x, w in zip(time, place, width, strict=True)
    )


def live_intervals(first: float, live: float, opened: Array, pause: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Begin and end of the live intervals (n,) of a counting from some time on, until it was live long enough; dead for a pause after each opening."""
    opened = opened[opened + pause > first]
    begin = np.concatenate([[first], opened + pause])
    end = np.concatenate([opened, [math.inf]])
    length = np.maximum(end - np.maximum(begin, first), 0.0)
    before = np.concatenate([[0.0], np.cumsum(length[:-1])])
    kept = (before < live) & (length > 0)
    begin, before = begin[kept], before[kept]
    return begin, begin + np.minimum(length[kept], live - before)
