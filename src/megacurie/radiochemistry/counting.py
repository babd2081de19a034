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
DROP = 0.5
"""Of ln L at one sigma."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountFit:
    """A production rate fitted to event times.

    Attributes
    ----------
    rate : float, rate
        Of production by the source at the reference time; 0 where the likelihood falls from there and the rate may not be below.
    plus, minus : float, rate
        Where ln L is 1/2 below its maximum; ``minus`` reaches to a rate of 0 at most, where the rate may not be below.
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

    The root of sum_i 1/(b + a exp(-l t_i)) = T. It may lie below zero, as a fluctuation does: a background cut off at zero takes
    decays away in the mean (docs/counting.md). Two bounds keep it in reach. Where the amplitude is below zero, the rate of events may be so
    at no live time. Where it is not, and no candidate is late enough to hold the background (all have exp(-l t) above D/(l T), its mean
    over the live time, so that ln L would grow with a for ever), the background may not be below zero.

    The left side of the equation is convex and falls in b, and the root is at least n/T - max a exp(-l t_i): Newton's method from there never passes it.
    """
    return _background(stream, amplitude, decay)[0]


def _background(stream: Stream, amplitude: float, decay: float) -> tuple[float, float]:
    """The background, and its slope in the amplitude where it is at a bound that moves."""
    n, live = len(stream.times), stream.live_time
    part = amplitude * np.exp(-decay * stream.times)
    least, tilt = 0.0, 0.0
    if amplitude < 0:
        tilt = -math.exp(-decay * float(stream.begin[0]))
        least = amplitude * tilt
    elif n and math.exp(-decay * float(stream.times.max())) * live < stream.decay_sum / decay:
        least = 1 / live - float(part.min())  # not a bound: no term of the sum is above T
    if n == 0:
        return least, tilt
    b = max(least, n / live - float(part.max()))
    if b == least and b + float(part.min()) > 0 and float(np.sum(1 / (b + part))) <= live:
        return b, tilt
    size = n / live + float(np.abs(part).max())
    for _ in range(_STEPS):
        inverse = 1 / (b + part)
        step = float((inverse.sum() - live) / (inverse @ inverse))
        b += max(step, 0.0)
        if step <= _CONVERGED * size:
            return b, 0.0
    raise FitError(f"{stream.zone} {stream.run} {stream.peak}: background without convergence in {_STEPS} steps", {"step over background": step / size})


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
    """d ln L / dP: what the backgrounds do drops out where they are at their best, and is that of the bound where they are at one."""
    total = 0.0
    for stream in streams:
        amplitude = stream.weight * rate + stream.offset
        falling = np.exp(-decay * stream.times)
        b, tilt = _background(stream, amplitude, decay)
        total += stream.weight * (float(np.sum((falling + tilt) / (b + amplitude * falling))) - stream.decay_sum / decay - tilt * stream.live_time)
    return total


def fit(streams: Sequence[Stream], decay: float, *, drop: float = DROP, signed: bool = False) -> CountFit:
    """The production rate common to some streams: a single extraction (its K and L peak), a zone, or a campaign.

    The maximum is unique: ln L is concave. ``batch.fit`` does many at once.

    Parameters
    ----------
    streams : sequence of Stream
    decay : float, rate
        Decay constant of 71Ge.
    drop : float
        How far ln L falls at the ends of the errors.
    signed : bool
        Whether the rate may be below zero, as a mean over many fits without bias needs it.

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
    most = max(candidates, 1) / sensitivity  # the rate at which all candidates are decays; without any: the scale of the errors

    def slope(share: float) -> float:
        return _slope(streams, share * most, decay)

    def fallen(share: float) -> float:
        return log_likelihood(streams, share * most, decay) - top + drop

    best, rises = 0.0, slope(0.0) > 0
    if rises or signed:
        best = _root(slope, 0.0, _beyond(lambda share: (slope(share) > 0) == rises, 1.0 if rises else -1.0))
    top = log_likelihood(streams, best * most, decay)
    high = _root(fallen, best, best + _beyond(lambda by: fallen(best + by) >= 0, 1.0))
    if signed:
        low = _root(fallen, best + _beyond(lambda by: fallen(best + by) >= 0, -1.0), best)
    else:
        low = 0.0 if best == 0 or fallen(0.0) >= 0 else _root(fallen, 0.0, best)
    rate = best * most
    amplitudes = [stream.weight * rate + stream.offset for stream in streams]
    return CountFit(
        rate=rate, plus=(high - best) * most, minus=(best - low) * most, candidates=candidates, log_likelihood=top,
        ge71=math.fsum(a * stream.decay_sum / decay for a, stream in zip(amplitudes, streams, strict=True)),
        backgrounds=tuple(background(stream, a, decay) for a, stream in zip(amplitudes, streams, strict=True)),
    )  # fmt: skip


def _beyond(inside: Callable[[float], bool], step: float) -> float:
    """A step that leaves where something holds, doubled until it does."""
    for _ in range(_WIDEST):
        if not inside(step):
            break
        step *= 2
    return step


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """A root between two shares of the largest rate; the ends are roots where rounding hides the change of sign."""
    a, b = function(low), function(high)
    if a * b >= 0:
        return low if abs(a) < abs(b) else high
    return float(brentq(function, low, high, xtol=_TOLERANCE))
