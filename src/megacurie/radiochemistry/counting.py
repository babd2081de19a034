"""The likelihood of event times: decays of 71Ge on a constant background, one background for each peak of each counter filling."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from megacurie.foundation.errors import FitError, RangeError
from megacurie.radiochemistry.streams import Stream

_STEPS = 100  # of Newton's method for a background
_CONVERGED = 1e-13  # of a background, relative
_TOLERANCE = 1e-12  # of a rate, relative to the largest that the events allow
_WIDEST = 60  # doublings of an upper error
_DROP = 0.5  # of ln L at one sigma


@dataclass(frozen=True, slots=True, kw_only=True)
class CountFit:
    """A production rate fitted to event times.

    Attributes
    ----------
    rate : float, rate
        Of production by the source at the reference time; 0 where the likelihood falls from there.
    plus, minus : float, rate
        Where ln L is 1/2 below its maximum; ``minus`` reaches to a rate of 0 at most.
    ge71 : float
        Fitted decays of 71Ge, those of the solar production included.
    candidates : int
    log_likelihood : float
        At the maximum, up to a constant of the events.
    backgrounds : tuple of float, rate
        One for each stream.
    """

    rate: float
    plus: float
    minus: float
    ge71: float
    candidates: int
    log_likelihood: float
    backgrounds: tuple[float, ...]


def background(stream: Stream, amplitude: float, decay: float) -> float:
    """The background rate of largest likelihood of a stream whose decays have some amplitude at its zero of time.

    The root of sum_i 1/(b + a exp(-l t_i)) = T, or 0 if there is none above. The left side is convex and falls in b, and the root
    is at least n/T - a max exp(-l t_i): Newton's method from there never passes it.
    """
    n = len(stream.times)
    if n == 0:
        return 0.0
    part = amplitude * np.exp(-decay * stream.times)
    b = max(0.0, n / stream.live_time - float(part.max()))
    if b == 0 and float(np.sum(1 / part)) <= stream.live_time:
        return 0.0
    for _ in range(_STEPS):
        inverse = 1 / (b + part)
        step = float((inverse.sum() - stream.live_time) / (inverse @ inverse))
        b += max(step, 0.0)
        if step <= _CONVERGED * b:
            return b
    raise FitError(f"{stream.zone} {stream.run} {stream.peak}: background without convergence in {_STEPS} steps", {"step over background": step / b})


def log_likelihood(streams: Sequence[Stream], rate: float, decay: float) -> float:
    """ln L of a production rate common to some streams, each background at its best.

    ln L = sum over streams of [- b T - a D / l + sum_i ln(b + a exp(-l t_i))], a = weight x P + offset; concave in P and all b together, hence in P.

    Parameters
    ----------
    streams : sequence of Stream
    rate : float, rate
    decay : float, rate
        Decay constant l of 71Ge.

    Sources
    -------
    B. T. Cleveland, Nucl. Instrum. Meth. 214 (1983) 451.
    """
    return math.fsum(_of_stream(stream, rate, decay) for stream in streams)


def _of_stream(stream: Stream, rate: float, decay: float) -> float:
    amplitude = stream.weight * rate + stream.offset
    b = background(stream, amplitude, decay)
    expected = b * stream.live_time + amplitude * stream.decay_sum / decay
    # logarithms of what one event in the live time would be: without unit
    return float(np.sum(np.log((b + amplitude * np.exp(-decay * stream.times)) * stream.live_time))) - expected


def _slope(streams: Sequence[Stream], rate: float, decay: float) -> float:
    """d ln L / dP: what the backgrounds do drops out, because they are at their best."""
    total = 0.0
    for stream in streams:
        amplitude = stream.weight * rate + stream.offset
        falling = np.exp(-decay * stream.times)
        b = background(stream, amplitude, decay)
        total += stream.weight * (float(np.sum(falling / (b + amplitude * falling))) - stream.decay_sum / decay)
    return total


def fit(streams: Sequence[Stream], decay: float) -> CountFit:
    """The production rate common to some streams: a single extraction (its K and L peak), a zone, or a campaign.

    The maximum is unique: ln L is concave. It lies between 0 and N / sum(weight D / l), the rate at which all N candidates would be decays.

    Parameters
    ----------
    streams : sequence of Stream
    decay : float, rate
        Decay constant of 71Ge.

    Raises
    ------
    RangeError
        Without streams, or where none is sensitive to the rate.

    Examples
    --------
    Nothing was seen in one counter that would see two decays per unit of the rate: half a decay is one sigma.

    >>> live = {"begin": np.zeros(1), "end": np.ones(1), "live_time": 1.0, "decay_sum": 0.5}
    >>> empty = Stream(zone="inner", run=1, peak="K", times=np.empty(0), weight=1.0, offset=0.0, **live)
    >>> found = fit([empty], decay=0.25)
    >>> print(found.rate, round(found.plus, 9), found.minus)
    0.0 0.25 0.0
    """
    sensitivity = math.fsum(stream.weight * stream.decay_sum / decay for stream in streams)
    if not sensitivity > 0:
        raise RangeError("no stream depends on the production rate: expected one with a weight above zero")
    candidates = sum(len(stream.times) for stream in streams)
    most = max(candidates, 1) / sensitivity  # without candidates: the scale of the errors

    def slope(share: float) -> float:
        return _slope(streams, share * most, decay)

    def fallen(share: float) -> float:
        return log_likelihood(streams, share * most, decay) - top + _DROP

    best = 0.0 if candidates == 0 or _falls(streams, decay) else _root(slope, 0.0, 1.0)
    top = log_likelihood(streams, best * most, decay)
    upper = max(2 * best, 1.0)
    for _ in range(_WIDEST):
        if fallen(upper) < 0:
            break
        upper *= 2
    low = 0.0 if best == 0 or fallen(0.0) >= 0 else _root(fallen, 0.0, best)
    high = _root(fallen, best, upper)
    rate = best * most
    amplitudes = [stream.weight * rate + stream.offset for stream in streams]
    return CountFit(
        rate=rate, plus=(high - best) * most, minus=(best - low) * most, candidates=candidates, log_likelihood=top,
        ge71=math.fsum(a * stream.decay_sum / decay for a, stream in zip(amplitudes, streams, strict=True)),
        backgrounds=tuple(background(stream, a, decay) for a, stream in zip(amplitudes, streams, strict=True)),
    )  # fmt: skip


def _falls(streams: Sequence[Stream], decay: float) -> bool:
    """Whether the likelihood falls from a rate of zero."""
    return _slope(streams, 0.0, decay) <= 0


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """A root between two shares of the largest rate; the ends are roots where rounding hides the change of sign."""
    a, b = function(low), function(high)
    if a * b >= 0:
        return low if abs(a) < abs(b) else high
    return float(brentq(function, low, high, xtol=_TOLERANCE))
