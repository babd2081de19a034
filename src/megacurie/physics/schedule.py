"""When it happens: exposures, and decays during them."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

from megacurie.foundation import units
from megacurie.foundation.errors import RangeError
from megacurie.physics.sources import ActivityHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """A stretch of time with the source in place: start and stop after the reference time, and the fraction that is live."""

    start: float
    stop: float
    live_fraction: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and math.isfinite(self.stop) and self.stop > self.start):
            raise RangeError(f"exposure from {units.format(self.start, 'd')} to {units.format(self.stop, 'd')}: expected stop after start")
        if not 0 < self.live_fraction <= 1:
            raise RangeError(f"exposure: live fraction {self.live_fraction} is outside (0, 1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A list of exposures.

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> schedule = Schedule(exposures=(Exposure(start=0.0, stop=30 * u.day),))
    >>> round(schedule.live_time / u.day, 6)
    30.0
    """

    exposures: tuple[Exposure, ...]

    def __post_init__(self) -> None:
        ordered = sorted(self.exposures, key=lambda one: one.start)
        for before, after in itertools.pairwise(ordered):
            if after.start < before.stop:
                until, since = units.format(before.stop, "d"), units.format(after.start, "d")
                raise RangeError(f"exposures: one until {until} and one from {since} overlap: expected each decay to be counted once")

    @property
    def live_time(self) -> float:
        """Sum of the live times."""
        return sum((e.stop - e.start) * e.live_fraction for e in self.exposures)

    def cut(self, parts: int) -> tuple[Schedule, ...]:
        """Each exposure in equal parts, one after the other.

        Raises
        ------
        RangeError
            If there is not at least one part.

        Examples
        --------
        >>> whole = Schedule(exposures=(Exposure(start=0.0, stop=9.0),))
        >>> [part.exposures[0].stop for part in whole.cut(3)]
        [3.0, 6.0, 9.0]
        """
        if parts < 1:
            raise RangeError(f"{parts} parts of an exposure: expected at least one")
        cut = []
        for one in self.exposures:
            edges = [one.start + (one.stop - one.start) * i / parts for i in range(parts)] + [one.stop]
            cut += [Schedule(exposures=(replace(one, start=a, stop=b),)) for a, b in itertools.pairwise(edges)]
        return tuple(cut)

    def decays(self, history: ActivityHistory) -> float:
        """Decays of a source while the detector is live."""
        return sum(e.live_fraction * history.decays(e.start, e.stop) for e in self.exposures)
