"""A campaign: what was exposed, extracted and counted, and what was published of it.

Times are in internal units from the reference time of the source. ``files`` reads and writes campaigns as folders, ``tables`` holds published ones.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError, did_you_mean
from megacurie.physics.sources import ActivityHistory

PEAKS = ("K", "L")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PeakWindow:
    """One peak of the spectrum of one counter filling: the window in which decays are counted.

    Attributes
    ----------
    efficiency : float
        Probability that a decay in the counter falls into the window and passes all cuts.
    begin, end : array (n_intervals,), time
        Live intervals in the order of time; empty where only their sums are known.
    live_time : float, time
    decay_sum : float
        Delta = sum over live intervals of exp(-l (begin - t_r)) - exp(-l (end - t_r)), with l of 71Ge and t_r the end of the exposure to the source.
    events : array (n,), time, or None
        Times of the candidates, increasing; None where they are not public.
    rise_time_cut : float, time, or None
        Longest rise time of a candidate.
    """

    efficiency: float
    live_time: float
    decay_sum: float
    begin: Array = field(default_factory=lambda: np.empty(0))
    end: Array = field(default_factory=lambda: np.empty(0))
    events: Array | None = None
    rise_time_cut: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.efficiency <= 1:
            raise RangeError(f"efficiency {self.efficiency:.6g} is outside (0, 1]")
        if not (math.isfinite(self.live_time) and self.live_time > 0):
            raise RangeError(f"live time {units.format(self.live_time, 'd')}: expected a positive time")
        if not 0 < self.decay_sum <= 1:
            raise RangeError(f"decay sum {self.decay_sum:.6g} is outside (0, 1]: it is the share of the atoms that decay while the counter is live")
        if self.begin.shape != self.end.shape or np.any(self.end <= self.begin) or np.any(self.begin[1:] < self.end[:-1]):
            raise RangeError("live intervals: expected each to end after it begins, in the order of time, without overlap")
        if self.events is not None and not np.all(self.is_live(self.events)):
            raise RangeError("an event lies outside the live intervals")

    def is_live(self, time: Array) -> NDArray[np.bool_]:
        """Whether the counter was live at some times (n,), as an array of bool."""
        if not self.begin.size:
            return np.zeros(np.shape(time), dtype=bool)
        i = np.searchsorted(self.begin, time, side="right") - 1
        return (i >= 0) & (np.asarray(time) < self.end[np.maximum(i, 0)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pulses:
    """What was recorded of each pulse of a counter filling, in and out of the peaks; arrays (n,).

    Attributes
    ----------
    time : array, time
    energy : array, energy
    rise_time : array, time
        The time T_N that tells a point-like deposit from an extended one.
    adp : array
        Amplitude of the differentiated pulse over the energy.
    nai : array, energy
        Coincident energy in the NaI crystal around the counter; 0 for none.
    flags : tuple of str
        Why a pulse is not used; empty for a good one.
    peak : tuple of str
        "K", "L", or empty for a pulse in no window.
    """

    time: Array
    energy: Array
    rise_time: Array
    adp: Array
    nai: Array
    flags: tuple[str, ...]
    peak: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counting:
    """One filling of a proportional counter.

    Attributes
    ----------
    counter : str
    start : float, time
    peaks : mapping of "K" and "L" to PeakWindow
        At least one.
    pulses : Pulses or None
        Details of the events, where they are known.
    """

    counter: str
    start: float
    peaks: Mapping[str, PeakWindow]
    pulses: Pulses | None = None

    def __post_init__(self) -> None:
        for name in self.peaks:
            if name not in PEAKS:
                raise RangeError(f"counter {self.counter}: peak {name!r}: expected K or L")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Extraction:
    """One exposure of one zone, and the extraction of 71Ge at its end.

    Attributes
    ----------
    zone : str
    run : int
        From 1.
    source_in, source_out : float, time
        Begin and end of the exposure to the source.
    solar_begin : float, time
        Begin of the exposure to the sun: the extraction before.
    extracted : float, time
        Mean time of extraction.
    mass : float, mass
        Of gallium.
    efficiency, efficiency_error : float
        Of all chemistry, from the gallium into the GeH4 of the counter.
    efficiency_from_gallium, efficiency_from_gallium_error : float
        Of the first step alone: what it leaves is carried over into the next extraction.
    countings : tuple of Counting
    """

    zone: str
    run: int
    source_in: float
    source_out: float
    solar_begin: float
    extracted: float
    mass: float
    efficiency: float
    efficiency_error: float
    efficiency_from_gallium: float
    efficiency_from_gallium_error: float
    countings: tuple[Counting, ...] = ()

    def __post_init__(self) -> None:
        here = f"{self.zone} {self.run}"
        times = [self.source_in, self.source_out, self.extracted]
        if not times == sorted(times) or self.source_in == self.source_out or not self.solar_begin < self.extracted:
            raise RangeError(f"{here}: expected source in before source out before the extraction, and the solar exposure to begin before it")
        if not self.mass > 0:
            raise RangeError(f"{here}: mass {units.format(self.mass, 't')}: expected a positive mass")
        for name in ("efficiency", "efficiency_from_gallium"):
            if not 0 < getattr(self, name) <= 1:
                raise RangeError(f"{here}: {name} {getattr(self, name):.6g} is outside (0, 1]")
            if not 0 <= getattr(self, f"{name}_error") < 1:
                raise RangeError(f"{here}: {name}_error {getattr(self, f'{name}_error'):.6g} is outside [0, 1)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignZone:
    """A zone of gallium: the production rate by the source that is expected at the reference time.

    Attributes
    ----------
    name : str
    predicted, plus, minus : float or None, rate
        Expected rate without new physics and its errors; None where there is none.
    solar : float, rate per mass
        Production by solar neutrinos.
    """

    name: str
    solar: float
    predicted: float | None = None
    plus: float = 0.0
    minus: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Systematic:
    """A systematic error of the measured rate: relative, upwards and downwards (both positive)."""

    name: str
    plus: float
    minus: float

    def __post_init__(self) -> None:
        if not (0 <= self.plus < 1 and 0 <= self.minus < 1):
            raise RangeError(f"systematic {self.name!r}: +{self.plus:.6g} -{self.minus:.6g}: expected relative errors in [0, 1)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blinding:
    """That rates are to be shown multiplied by a hidden factor, within ``range`` of 1, which a salt decides."""

    salt: str
    range: float

    def __post_init__(self) -> None:
        if not self.salt:
            raise RangeError("blinding: salt: expected text")
        if not 0 < self.range < 1:
            raise RangeError(f"blinding: range {self.range:.6g}: expected a number above 0 and below 1, such as 0.2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One calibration of a counter: the line that was seen, where its peak lay (channel) and its width (fwhm over the position)."""

    counter: str
    time: float
    energy: float
    channel: float
    resolution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRate:
    """A row of a published table of results.

    Attributes
    ----------
    zone : str
    run : int or None
        None for all runs together.
    peak : str
        "K", "L" or "KL" for both.
    candidates : int
    fitted, source, solar, carried : float
        Events: fitted 71Ge, and the parts of it from the source, from the sun and carried over from the extraction before.
    rate, plus, minus : float, rate
        Production by the source at the reference time; "K" and "L" alone may have it at the start of the exposure (``at_start``).
    nw2, probability : float or None
        Goodness of fit: N w^2 and the probability of a larger one.
    at_start : bool
    """

    zone: str
    run: int | None
    peak: str
    candidates: int
    fitted: float
    source: float
    solar: float
    carried: float
    rate: float
    plus: float
    minus: float
    nw2: float | None = None
    probability: float | None = None
    at_start: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Campaign:
    """Exposures of gallium to a source, extractions, countings, and what was published of them.

    Attributes
    ----------
    name : str
    nuclide : str
        Of the source.
    history : ActivityHistory
        Its activity from the reference time, which is an ISO-8601 time with UTC offset.
    activity_error : float
        Relative.
    germanium_half_life : float, time
    zones : tuple of CampaignZone
    extractions : tuple of Extraction
    systematics : tuple of Systematic
        Of the measured rate, common to all extractions.
    calibrations : tuple of Calibration
    rates : tuple of PublishedRate
        The published table of results, where there is one.
    notes : tuple of str
        Printed slips that were corrected, and other remarks.
    references : frozenset of str
    blinding : Blinding or None
        Whether ``count`` is to hide the rates.
    """

    name: str
    nuclide: str
    history: ActivityHistory
    germanium_half_life: float
    zones: tuple[CampaignZone, ...]
    extractions: tuple[Extraction, ...]
    activity_error: float = 0.0
    systematics: tuple[Systematic, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    rates: tuple[PublishedRate, ...] = ()
    notes: tuple[str, ...] = ()
    references: frozenset[str] = frozenset()
    blinding: Blinding | None = None

    def __post_init__(self) -> None:
        if not self.germanium_half_life > 0:
            raise RangeError(f"half-life of 71Ge {units.format(self.germanium_half_life, 'd')}: expected a positive time")
        names = [zone.name for zone in self.zones]
        for extraction in self.extractions:
            if extraction.zone not in names:
                raise RangeError(f"extraction {extraction.run}: zone {extraction.zone!r}. {did_you_mean(extraction.zone, names)}")
        for name in names:
            of = self.of_zone(name)
            if not all(one.run < two.run and one.extracted <= two.source_in and one.source_out <= two.solar_begin for one, two in itertools.pairwise(of)):
                raise RangeError(f"zone {name}: expected runs in the order of time, each exposure after the extraction before it")

    @property
    def source_decay(self) -> float:
        """Decay constant of the source."""
        return math.log(2) / self.history.half_life

    @property
    def germanium_decay(self) -> float:
        """Decay constant of 71Ge."""
        return math.log(2) / self.germanium_half_life

    @property
    def reference_time(self) -> datetime:
        """The zero of all times."""
        return datetime.fromisoformat(self.history.reference_time)

    @property
    def has_events(self) -> bool:
        """Whether the times of candidates are known, so that the counting can be fitted."""
        return any(window.events is not None for one in self.extractions for counting in one.countings for window in counting.peaks.values())

    def moment(self, time: float) -> datetime:
        """The calendar time of a time after the reference, with the UTC offset of the reference time."""
        return self.reference_time + timedelta(seconds=time / units.s)

    def zone(self, name: str) -> CampaignZone:
        """A zone by its name.

        Raises
        ------
        RangeError
            With the nearest name.
        """
        for zone in self.zones:
            if zone.name == name:
                return zone
        raise RangeError(f"no zone {name!r}. {did_you_mean(name, [zone.name for zone in self.zones])}")

    def of_zone(self, name: str) -> tuple[Extraction, ...]:
        """The extractions of a zone, in the order of time."""
        return tuple(one for one in self.extractions if one.zone == name)
