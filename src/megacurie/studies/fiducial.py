"""How much source a deficit asks for, and which part of the target to use: signal and background inside a cut in the distance from the source.

The signal inside a cut goes as the mean path, Int w dL, a uniform background as the volume, Int 4 pi L^2 w dL, w(L) being the fraction of directions in
which there is target. A ball about a source at its centre is such a cut, and so is the lens that a sphere about a source outside cuts off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from megacurie.experiments.experiment import Experiment
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError, did_you_mean

Rule = Literal["published", "hole", "optimal"]
"""published: N = B, the signal of a source inside grows in proportion to the radius; hole: N = B, exact; optimal: the cut that needs the weakest source."""

RULES: tuple[Rule, ...] = get_args(Rule)
_POINTS = 4001  # of the distance; between them sums are interpolated: 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a rule asks for.

    Attributes
    ----------
    rule : str
    activity : float or None, activity
        None where no activity is enough.
    distance : float or None, length
        Of the cut, from the source.
    depth : float or None, length
        Of the cut, from the nearest target; from the source where the target surrounds it, because that is how a radius is quoted.
    signal, background : float
        Events inside the cut.
    """

    rule: str
    activity: float | None
    distance: float | None
    depth: float | None
    signal: float
    background: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cuts:
    """Signal and background inside each cut.

    Attributes
    ----------
    distance : array (n,), length
    signal, background : array (n,)
        Events nearer than that.
    inside : bool
        Whether the target surrounds the source.
    activity : float, activity
        For which the signal is given.
    """

    distance: Array
    signal: Array
    background: Array
    inside: bool
    activity: float

    def significance(self, deficit: float, off: float = 0.0) -> Array:
        """Deficit x N / sqrt(N + B (1 + off)) at each cut (n,); ``off`` is live time over time without the source, 0 where the background is known."""
        return deficit * self.signal / np.sqrt(np.maximum(self.signal + self.background * (1 + off), 1e-300))

    def best(self, deficit: float, off: float = 0.0) -> tuple[float, float]:
        """The cut of the largest significance, and this."""
        sigma = self.significance(deficit, off)
        place = _lowest(-sigma)
        return self._at(self.distance, place), self._at(sigma, place)

    def _at(self, values: Array, place: float) -> float:
        return float(np.interp(place, np.arange(len(values)), values))

    def depth(self, distance: float) -> float:
        """A cut as a radius, or as a depth beyond the nearest target."""
        return distance if self.inside else distance - float(self.distance[0])

    def require(self, deficit: float, sigma: float, rule: str) -> Requirement:
        """Activity and cut for which a deficit would be told at a significance.

        Parameters
        ----------
        deficit : float
            Relative.
        sigma : float
            Of the counting formula deficit x N / sqrt(N + B).
        rule : str

        Raises
        ------
        RangeError
            If there is no such rule.
        """
        if rule not in RULES:
            raise RangeError(f"no rule {rule!r}. {did_you_mean(rule, RULES)}")
        least = (sigma / deficit) ** 2
        if rule == "optimal":
            # N^2 / (N + B) = least
            needed = 0.5 * least * (1 + np.sqrt(1 + 4 * self.background / least))
            with np.errstate(divide="ignore"):
                activity = np.where(self.signal > 0, self.activity * needed / self.signal, np.inf)
            place = _lowest(activity)
            return self._found(rule, *(self._at(values, place) for values in (self.distance, activity, needed, self.background)))
        both = 2 * least  # N = B: then deficit x N / sqrt(2 N) = sigma
        if not self.background[-1] > 0:
            return self._found(rule, float(self.distance[-1]), self.activity * least / float(self.signal[-1]), least, 0.0)
        if self.background[-1] < both:  # the whole target holds less background than that: there is no such cut
            return Requirement(rule=rule, activity=None, distance=None, depth=None, signal=0.0, background=float(self.background[-1]))
        if rule == "published" and self.inside:
            # a ball whose hole is left out of the growth: B as the cube of the radius, N in proportion to it
            distance = float(self.distance[-1] * np.cbrt(both / self.background[-1]))
            signal = float(self.signal[-1]) * distance / float(self.distance[-1])
        else:
            distance = float(np.interp(both, self.background, self.distance))
            signal = float(np.interp(distance, self.distance, self.signal))
        return self._found(rule, distance, self.activity * both / signal, both, both)

    def _found(self, rule: str, distance: float, activity: float, signal: float, background: float) -> Requirement:
        possible = math.isfinite(activity)
        return Requirement(
            rule=rule, activity=activity if possible else None, distance=distance, depth=self.depth(distance), signal=signal, background=background
        )  # fmt: skip


def cuts(experiment: Experiment, signal: float, background: float) -> Cuts:
    """Signal and background inside each cut in the distance from the source.

    Parameters
    ----------
    experiment : Experiment
        With an activity.
    signal, background : float
        Events in the whole target.

    Raises
    ------
    RangeError
        If the activity is not known.

    Examples
    --------
    >>> import megacurie as mci
    >>> inside = cuts(mci.load("ciuffoli-2025/juno-center"), 1000.0, 1000.0)
    >>> print(inside.inside, f"{inside.background[2000] / 1000:.3f}")  # half way from the hole to the wall: (8.7/17.2)^3
    True 0.129
    """
    if experiment.source.history is None:
        raise RangeError(f"{experiment.name}: the activity of the source is not known: expected source.activity")
    near = min(zone.nearest for zone in experiment.zones)
    far = max(zone.shape.reach for zone in experiment.zones)
    distance = np.linspace(near, far, _POINTS)
    middle = 0.5 * (distance[1:] + distance[:-1])
    fraction = sum((experiment.fraction(zone, middle) for zone in experiment.zones), np.zeros(len(middle)))
    path, volume = (np.concatenate([[0.0], np.cumsum(fraction * power)]) for power in (np.ones_like(middle), middle**2))
    inside = bool(sum(float(experiment.fraction(zone, np.array([near + 1e-3 * (far - near)]))[0]) for zone in experiment.zones) > 0.5)
    return Cuts(
        distance=distance, signal=signal * path / path[-1], background=background * volume / volume[-1], inside=inside,
        activity=experiment.source.history.activity,
    )  # fmt: skip


def _lowest(values: Array) -> float:
    """Where values on a grid are lowest, between its points: the minimum of the parabola through the lowest and its neighbours."""
    k = int(values.argmin())
    if not 0 < k < len(values) - 1 or not np.isfinite(values[k - 1 : k + 2]).all():
        return float(k)
    a, b, c = values[k - 1 : k + 2]
    bend = a - 2 * b + c
    return k + 0.5 * float((a - c) / bend) if bend > 0 else float(k)
