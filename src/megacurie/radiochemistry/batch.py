"""Many sets of streams side by side: pseudo-extractions thrown and fitted at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError
from megacurie.radiochemistry.counting import DROP
from megacurie.radiochemistry.streams import Stream

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Sets of streams, each set with one production rate.

    Attributes
    ----------
    times : array (n_events,), time
        Of the candidates, stream after stream.
    first : integer array (n_streams + 1,)
        Where the events of each stream begin.
    begin : array (n_streams,), time
        Of the live time.
    weight, offset, live_time, decay_sum : array (n_streams,)
        As in ``Stream``.
    sets : integer array (n_sets + 1,)
        Where the streams of each set begin.
    """

    times: Array
    first: Integers
    begin: Array
    weight: Array
    offset: Array
    live_time: Array
    decay_sum: Array
    sets: Integers

    @property
    def candidates(self) -> Integers:
        """Of each stream."""
        found: Integers = np.diff(self.first)
        return found

    def __getitem__(self, which: slice) -> Batch:
        """Some of the sets, one after the other."""
        begin, end, _ = which.indices(len(self.sets) - 1)
        sets = self.sets[begin : max(begin, end) + 1]
        streams = slice(sets[0], sets[-1])
        first = self.first[sets[0] : sets[-1] + 1]
        columns = {name: getattr(self, name)[streams] for name in ("begin", "weight", "offset", "live_time", "decay_sum")}
        return Batch(times=self.times[first[0] : first[-1]], first=first - first[0], sets=sets - sets[0], **columns)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fits:
    """Fitted rates of the sets of a batch, as ``counting.CountFit`` has them.

    Attributes
    ----------
    rate, plus, minus : array (n_sets,), rate
    log_likelihood : array (n_sets,)
    backgrounds : array (n_streams,), rate
    """

    rate: Array
    plus: Array
    minus: Array
    log_likelihood: Array
    backgrounds: Array


def pack(sets: Sequence[Sequence[Stream]]) -> Batch:
    """Streams side by side."""
    flat = [stream for one in sets for stream in one]
    columns = {name: np.array([getattr(stream, name) for stream in flat], float) for name in ("weight", "offset", "live_time", "decay_sum")}
    return Batch(
        times=np.concatenate([np.empty(0), *(stream.times for stream in flat)]),
        begin=np.array([stream.begin[0] for stream in flat]),
        first=_starts([len(stream.times) for stream in flat]),
        sets=_starts([len(one) for one in sets]),
        **columns,
    )


def throw(streams: Sequence[Stream], amplitudes: Array, backgrounds: Array, decay: float, n: int, rng: np.random.Generator) -> Batch:
    """``n`` sets like one, with numbers and times of events thrown.

    Decays and background are independent Poisson numbers a D / l and b T; times by inversion over the live intervals.

    Parameters
    ----------
    streams : sequence of Stream
        Their events are not used.
    amplitudes : array (n_streams,) or (n_streams, n), 1/time
        Of each set its own, where there are n.
    backgrounds : array (n_streams,), 1/time
    decay : float, rate
        Decay constant l of 71Ge.
    n : int
    rng : Generator

    Examples
    --------
    >>> live = {"begin": np.zeros(1), "end": np.ones(1), "live_time": 1.0, "decay_sum": 1 - np.exp(-0.5)}
    >>> one = Stream(zone="inner", run=1, peak="K", times=np.empty(0), weight=1.0, offset=0.0, **live)
    >>> made = throw([one], np.array([20.0]), np.array([5.0]), 0.5, 1000, np.random.default_rng(1))
    >>> print(abs(made.candidates.mean() - 20 * one.decay_sum / 0.5 - 5) < 0.5)
    True
    """
    size = len(streams)
    times, owner = [], []
    for s, (stream, a, b) in enumerate(zip(streams, amplitudes, backgrounds, strict=True)):
        if not stream.begin.size:
            raise RangeError(f"{stream.zone} {stream.run} {stream.peak}: no live intervals, only their sums: expected intervals to throw events in")
        lengths, early, late = stream.end - stream.begin, np.exp(-decay * stream.begin), np.exp(-decay * stream.end)
        decays, flat = rng.poisson(a * stream.decay_sum / decay, n), rng.poisson(b * stream.live_time, n)
        i, within = _interval(early - late, int(decays.sum()), rng)
        times.append(-np.log(early[i] - within) / decay)
        i, within = _interval(lengths, int(flat.sum()), rng)
        times.append(stream.begin[i] + within)
        owner += [np.repeat(np.arange(n) * size + s, decays), np.repeat(np.arange(n) * size + s, flat)]
    all_times, of = np.concatenate(times), np.concatenate(owner)
    columns = {name: np.tile([getattr(stream, name) for stream in streams], n) for name in ("weight", "offset", "live_time", "decay_sum")}
    return Batch(
        times=all_times[np.lexsort((all_times, of))], first=_starts(np.bincount(of, minlength=n * size)), sets=np.arange(n + 1) * size,
        begin=np.tile([stream.begin[0] for stream in streams], n), **columns,
    )  # fmt: skip


def fit(batch: Batch, decay: float, *, drop: float = DROP, signed: bool = False) -> Fits:
    """The rate of each set: ``counting.fit`` for all at once, compiled.

    Parameters
    ----------
    batch : Batch
    decay : float, rate
    drop : float
        How far ln L falls at the ends of the errors.
    signed : bool
        Whether rates may be below zero.

    Raises
    ------
    RangeError
        If a set does not depend on the rate.
    """
    from megacurie.radiochemistry import _fast  # numba takes its time to load: only where many fits are asked for

    per_rate = batch.weight * batch.decay_sum / decay
    if not np.all(np.add.reduceat(np.append(per_rate, 0.0), batch.sets[:-1]) > 0) or np.any(np.diff(batch.sets) == 0):
        raise RangeError("no stream depends on the production rate: expected one with a weight above zero in each set")
    rate, plus, minus, height = np.empty((4, len(batch.sets) - 1))
    background = np.empty(len(batch.weight))
    _fast.fits(*_columns(batch, decay), drop, signed, rate, plus, minus, height, background)
    return Fits(rate=rate, plus=plus, minus=minus, log_likelihood=height, backgrounds=background)


def log_likelihood(batch: Batch, rates: Array, decay: float) -> tuple[Array, Array]:
    """ln L of each set at some rates, backgrounds at their best, and its slope: ``counting.log_likelihood`` for all at once, compiled.

    Parameters
    ----------
    batch : Batch
    rates : array (n, n_sets), rate
    decay : float, rate

    Returns
    -------
    tuple of array (n, n_sets)
    """
    from megacurie.radiochemistry import _fast

    rates = np.ascontiguousarray(rates, dtype=float)
    height, slope = np.empty((2, *rates.shape))
    _fast.heights(*_columns(batch, decay), rates, height, slope)
    return height, slope


def _columns(batch: Batch, decay: float) -> tuple[Array | Integers, ...]:
    """What the compiled loops read."""
    falling = np.exp(-decay * batch.times)
    begins = np.minimum(batch.first[:-1], len(falling))
    largest, smallest = (at.reduceat(np.append(falling, end), begins) for at, end in ((np.maximum, 0.0), (np.minimum, np.inf)))
    early, decays = np.exp(-decay * batch.begin), batch.decay_sum / decay
    return falling, batch.first, early, largest, smallest, batch.weight, batch.offset, batch.live_time, decays, batch.sets


def _starts(sizes: Sequence[int] | Integers) -> Integers:
    found: Integers = np.concatenate([[0], np.cumsum(np.asarray(sizes, dtype=np.int64))]).astype(np.int64)
    return found


def _interval(shares: Array, n: int, rng: np.random.Generator) -> tuple[Integers, Array]:
    """Which interval, and how far into its share, for numbers even over all shares."""
    ends = np.cumsum(shares)
    u = rng.random(n) * ends[-1]
    i = np.minimum(np.searchsorted(ends, u, side="right"), len(shares) - 1)
    return i, u - (ends - shares)[i]
