"""Do the times of events look like decays on a constant background? N w^2, calibrated by toys; and limits where nothing was seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError
from megacurie.radiochemistry import batch, counting
from megacurie.radiochemistry.batch import Batch
from megacurie.radiochemistry.streams import Stream

TOYS = 1000
"""Thrown for a probability: its own error is .016 at most."""
_NODES = 2001  # of the integral over the rate
_FAR = 30.0  # ln L below its maximum where nothing is left to integrate


def nw2(made: Batch, streams: Sequence[Stream], rate: Array, backgrounds: Array, decay: float) -> Array:
    """N w^2 of the sets of a batch whose sets are all like some streams.

    N w^2 = 1/(12 N) + sum_i [F(t_i) - (2 i - 1)/(2 N)]^2 of each stream, events in the order of time, with the fitted distribution
    F(t) = [b L(t) + a G(t)/l]/(b T + a D/l), where L is the live time and G the decay sum until t. Those of the streams of a set are added.

    Parameters
    ----------
    made : Batch
        n_sets x n_streams streams.
    streams : sequence of Stream
        Their live intervals are used, not their events.
    rate : array (n_sets,), rate
    backgrounds : array (n_sets x n_streams,), rate
    decay : float, rate
        Decay constant l of 71Ge.

    Returns
    -------
    array (n_sets,)
        0 for a set without candidates.

    Sources
    -------
    B. T. Cleveland, Nucl. Instrum. Meth. A 416 (1998) 405.
    """
    size = len(streams)
    candidates = made.candidates
    of = np.repeat(np.arange(len(candidates)), candidates)  # the stream of each event
    number = np.maximum(candidates, 1)
    rank = np.arange(len(of)) - made.first[:-1][of]
    amplitude = made.weight * np.repeat(rate, size) + made.offset
    live, gone = np.empty(len(of)), np.empty(len(of))
    for s, stream in enumerate(streams):
        mine = of % size == s
        live[mine], gone[mine] = _until(stream, made.times[mine], decay)
    total = backgrounds * made.live_time + amplitude * made.decay_sum / decay
    f = (backgrounds[of] * live + amplitude[of] * gone / decay) / total[of]
    squares = np.bincount(of, weights=(f - (rank + 0.5) / number[of]) ** 2, minlength=len(candidates))
    found: Array = np.where(candidates > 0, squares + 1 / (12 * number), 0.0).reshape(-1, size).sum(-1)
    return found


def _until(stream: Stream, times: Array, decay: float) -> tuple[Array, Array]:
    """Live time and decay sum of a stream until some of its live times."""
    lengths, shares = stream.end - stream.begin, np.exp(-decay * stream.begin) - np.exp(-decay * stream.end)
    before = np.cumsum(lengths) - lengths, np.cumsum(shares) - shares
    i = np.clip(np.searchsorted(stream.begin, times, side="right") - 1, 0, len(lengths) - 1)
    begin = stream.begin[i]
    return before[0][i] + times - begin, before[1][i] + np.exp(-decay * begin) - np.exp(-decay * times)


def probability(streams: Sequence[Stream], decay: float, *, toys: int = TOYS, seed: int = 0) -> float | None:
    """Probability of an N w^2 above that of some streams, if times are decays with one rate on constant backgrounds.

    Toys are thrown at the fitted rate and backgrounds (at zero where these are below) and fitted like the data. Quantiles of N w^2 for a known distribution do
    not hold for a fitted one.

    Parameters
    ----------
    streams : sequence of Stream
    decay : float, rate
    toys, seed : int

    Returns
    -------
    float or None
        None without candidates.

    Raises
    ------
    RangeError
        If there are no toys.

    Examples
    --------
    >>> live = {"begin": np.zeros(1), "end": np.full(1, 50.0), "live_time": 50.0, "decay_sum": -np.expm1(-3.0)}
    >>> clustered = Stream(zone="inner", run=1, peak="K", times=np.linspace(20, 21, 30), weight=1.0, offset=0.0, **live)
    >>> print(probability([clustered], 0.06))
    0.0
    """
    if toys < 1:
        raise RangeError(f"{toys} toys: expected at least one")
    if not any(len(stream.times) for stream in streams):
        return None
    data = batch.pack([streams])
    fitted = batch.fit(data, decay)
    amplitude = data.weight * fitted.rate[0] + data.offset
    made = batch.throw(streams, amplitude, np.maximum(fitted.backgrounds, 0.0), decay, toys, np.random.default_rng(seed))
    again = batch.fit(made, decay)
    observed = nw2(data, streams, fitted.rate, fitted.backgrounds, decay)[0]
    return float(np.mean(nw2(made, streams, again.rate, again.backgrounds, decay) >= observed))


def upper_limit(streams: Sequence[Stream], decay: float, *, confidence: float = 0.9) -> float:
    """A rate that the likelihood leaves below with some confidence: the share of its integral over all rates from zero, backgrounds at their best.

    Without candidates and production by the sun it is -ln(1 - confidence) decays, as for a Poisson number of zero.

    Parameters
    ----------
    streams : sequence of Stream
    decay : float, rate
    confidence : float
        Between 0 and 1.

    Raises
    ------
    RangeError
        If the confidence is none.

    Examples
    --------
    >>> live = {"begin": np.zeros(1), "end": np.ones(1), "live_time": 1.0, "decay_sum": 0.5}
    >>> empty = Stream(zone="inner", run=1, peak="K", times=np.empty(0), weight=1.0, offset=0.0, **live)
    >>> print(f"{upper_limit([empty], decay=0.25):.3f}")  # two decays per unit of rate
    1.151
    """
    if not 0 < confidence < 1:
        raise RangeError(f"confidence {confidence}: expected a probability between 0 and 1")
    found = counting.fit(streams, decay, drop=_FAR)
    rates = np.linspace(found.rate - found.minus, found.rate + found.plus, _NODES)
    height = np.array([counting.log_likelihood(streams, rate, decay) for rate in rates]) - found.log_likelihood
    density = np.exp(height)
    steps = 0.5 * (density[1:] + density[:-1])
    area = np.concatenate([[0.0], np.cumsum(steps)])
    return float(np.interp(confidence * area[-1], area, rates))
