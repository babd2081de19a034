"""Compiled loops that repeat, one each, a NumPy function of ``toys``; constants come as arguments, nothing is imported from the package.

One loop of toys is innermost, so that a vector unit works on many at once. Toys of such a batch lie close together (``toys.grouped``): bounds of what
a candidate can gain for any of them leave out most candidates, and what is found is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

LANES = 128
"""Toys of a batch, the innermost loop; whoever calls groups them, and pads to a multiple of it."""

_FOUR = 4
_RUN = 8  # points of one row that share a choice of candidates
# kinds of candidates: the amplitude stays below its upper bound for all toys of the batch, lies on it for all, for some; it cannot be the best
_FREE, _FULL, _EITHER, _NONE = 0, 1, 2, 3


def _compiled(function: Callable[..., Any]) -> Any:
    # contraction to fused operations and no care for NaN or the sign of zero: nothing that depends on how the work is shared
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nnan", "nsz"}}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to keep compiled code in
        return njit(**options)(function)


@_compiled
def _gain(p, low, high):  # type: ignore[no-untyped-def]
    """Gain in chi2 of a candidate whose unbounded best amplitude is p: x (2 p - x) with x between its bounds."""
    x = min(max(p, low), high)
    return x * (p + p - x)


@_compiled
def _chosen(chosen, count, kind, top, low, height, overlap, m0, m1, zero):  # type: ignore[no-untyped-def]
    """Candidates of each kind that can be the best for some toy of the batch and some size between two, and how many; lists are filled up to fours.

    Projections are linear in the size, gains do not fall with them: bounds at both ends hold between.
    """
    middle, best, least = (m0 + m1) / 2, 0, zero
    for j in range(len(height)):
        gain = _gain(low[j] + middle * overlap[j], zero, height[j])
        if gain > least:
            best, least = j, gain
    # every toy reaches at least this projection on one candidate, and gains at least so much by it
    p0, p1, h = low[best] + m0 * overlap[best], low[best] + m1 * overlap[best], height[best]
    least = min(_gain(p0, zero, h), _gain(p1, zero, h))
    if max(top[best] + m0 * overlap[best], top[best] + m1 * overlap[best]) <= h:
        h = np.inf
    for j in range(len(height)):
        high, s0, s1 = height[j], m0 * overlap[j], m1 * overlap[j]
        up0, up1 = top[j] + s0, top[j] + s1
        up = max(up0, up1)
        nothing = (up <= zero) | (_gain(up, zero, high) < least) | ((up0 < p0) & (up1 < p1) & (high <= h))
        kind[j] = np.uint8(_NONE if nothing else (_FREE if up <= high else (_FULL if low[j] + min(s0, s1) >= high else _EITHER)))
    n0 = n1 = n2 = 0
    for j in range(len(height)):
        what = kind[j]
        chosen[_FREE, n0], chosen[_FULL, n1], chosen[_EITHER, n2] = j, j, j
        n0 += what == _FREE
        n1 += what == _FULL
        n2 += what == _EITHER
    count[_FREE], count[_FULL], count[_EITHER] = n0, n1, n2
    for one in range(3):
        while count[one] % _FOUR:
            chosen[one, count[one]] = chosen[one, count[one] - 1]
            count[one] += 1


@_compiled
def _clipped(a0, a1, a2, a3, s0, s1, s2, s3, h0, h1, h2, h3, zero, best):  # type: ignore[no-untyped-def]
    """Four candidates for one point, each clipped where it must be."""
    for i in range(LANES):
        f0, f1 = _gain(a0[i] + s0, zero, h0), _gain(a1[i] + s1, zero, h1)
        f2, f3 = _gain(a2[i] + s2, zero, h2), _gain(a3[i] + s3, zero, h3)
        best[i] = max(max(max(f0, f1), max(f2, f3)), best[i])


@_compiled
def affine(normals, direction, height, overlap, row, place, size, observed, per_unit, valid, beyond, histogram):  # type: ignore[no-untyped-def]
    """Toys of points of an affine model; repeats ``toys.Affine.delta_chi2`` and tallies.

    Parameters
    ----------
    normals : array (n, toys)
        Padded to whole batches; ``valid`` of them count.
    direction : array (candidates, n)
    height : array (candidates,)
    overlap : array (rows, candidates)
    row, place : integer arrays (points,)
        Row of ``overlap`` and candidate of each point; points of one row stand together.
    size, observed : array (points,)
    per_unit : float
        Bins per unit of Delta chi2.
    beyond, histogram : integer arrays (points,), (points, bins)
        Added to.
    """
    zero = height.dtype.type(0)
    limit = height.dtype.type(histogram.shape[1] - 1)
    candidates = len(height)
    projection = np.empty((candidates, LANES), height.dtype)
    top, low, kind = np.empty_like(height), np.empty_like(height), np.empty(candidates, np.uint8)
    chosen, count = np.empty((3, candidates + _FOUR), np.int32), np.zeros(3, np.int32)
    squares, roots = np.empty((2, LANES), height.dtype), np.empty((2, LANES), height.dtype)
    bins = np.empty(LANES, np.int32)
    for start in range(0, valid, LANES):
        here = min(LANES, valid - start)
        for j in range(candidates):
            a = projection[j]
            a[:] = zero
            for d in range(direction.shape[1]):
                u, z = direction[j, d], normals[d, start : start + LANES]
                for i in range(LANES):
                    a[i] += u * z[i]
            up = down = a[0]
            for i in range(LANES):
                up, down = max(up, a[i]), min(down, a[i])
            top[j], low[j] = up, down
        k = stop = 0
        while k < len(row):
            c = overlap[row[k]]
            if k >= stop:
                m0 = m1 = size[k]
                stop = k
                while stop < len(row) and row[stop] == row[k] and stop - k < _RUN:
                    m0, m1 = min(m0, size[stop]), max(m1, size[stop])
                    stop += 1
                _chosen(chosen, count, kind, top, low, height, c, m0, m1, zero)
            two = k + 1 < stop
            m0 = size[k]
            m1 = size[k + 1] if two else m0
            a, own, high = projection[place[k]], c[place[k]], height[place[k]]
            q0, q1, w0, w1 = squares[0], squares[1], roots[0], roots[1]
            for i in range(LANES):
                q0[i] = _gain(a[i] + m0 * own, zero, high)
                q1[i] = _gain(a[i] + m1 * own, zero, high)
                w0[i] = zero
                w1[i] = zero
            for g in range(0, count[_FREE], _FOUR):  # the largest amplitude is the best, its square the gain
                j0, j1, j2, j3 = chosen[_FREE, g], chosen[_FREE, g + 1], chosen[_FREE, g + 2], chosen[_FREE, g + 3]
                a0, a1, a2, a3 = projection[j0], projection[j1], projection[j2], projection[j3]
                s0, s1, s2, s3 = m0 * c[j0], m0 * c[j1], m0 * c[j2], m0 * c[j3]
                r0, r1, r2, r3 = m1 * c[j0], m1 * c[j1], m1 * c[j2], m1 * c[j3]
                for i in range(LANES):
                    b0, b1, b2, b3 = a0[i], a1[i], a2[i], a3[i]
                    w0[i] = max(max(max(b0 + s0, b1 + s1), max(b2 + s2, b3 + s3)), w0[i])
                    w1[i] = max(max(max(b0 + r0, b1 + r1), max(b2 + r2, b3 + r3)), w1[i])
            for g in range(0, count[_FULL], _FOUR):  # h (2 p - h)
                j0, j1, j2, j3 = chosen[_FULL, g], chosen[_FULL, g + 1], chosen[_FULL, g + 2], chosen[_FULL, g + 3]
                a0, a1, a2, a3 = projection[j0], projection[j1], projection[j2], projection[j3]
                h0, h1, h2, h3 = height[j0], height[j1], height[j2], height[j3]
                g0, g1, g2, g3 = h0 + h0, h1 + h1, h2 + h2, h3 + h3
                s0, s1, s2, s3 = g0 * m0 * c[j0] - h0 * h0, g1 * m0 * c[j1] - h1 * h1, g2 * m0 * c[j2] - h2 * h2, g3 * m0 * c[j3] - h3 * h3
                r0, r1, r2, r3 = g0 * m1 * c[j0] - h0 * h0, g1 * m1 * c[j1] - h1 * h1, g2 * m1 * c[j2] - h2 * h2, g3 * m1 * c[j3] - h3 * h3
                for i in range(LANES):
                    b0, b1, b2, b3 = g0 * a0[i], g1 * a1[i], g2 * a2[i], g3 * a3[i]
                    q0[i] = max(max(max(b0 + s0, b1 + s1), max(b2 + s2, b3 + s3)), q0[i])
                    q1[i] = max(max(max(b0 + r0, b1 + r1), max(b2 + r2, b3 + r3)), q1[i])
            for g in range(0, count[_EITHER], _FOUR):
                j0, j1, j2, j3 = chosen[_EITHER, g], chosen[_EITHER, g + 1], chosen[_EITHER, g + 2], chosen[_EITHER, g + 3]
                a0, a1, a2, a3 = projection[j0], projection[j1], projection[j2], projection[j3]
                h0, h1, h2, h3 = height[j0], height[j1], height[j2], height[j3]
                _clipped(a0, a1, a2, a3, m0 * c[j0], m0 * c[j1], m0 * c[j2], m0 * c[j3], h0, h1, h2, h3, zero, q0)
                if two:
                    _clipped(a0, a1, a2, a3, m1 * c[j0], m1 * c[j1], m1 * c[j2], m1 * c[j3], h0, h1, h2, h3, zero, q1)
            for both in range(2 if two else 1):
                q, w, m, seen, found = squares[both], roots[both], size[k + both], observed[k + both], 0
                for i in range(LANES):
                    delta = max(max(q[i], w[i] * w[i]) - m * (m + a[i] + a[i]), zero)
                    found += (delta >= seen) & (i < here)
                    bins[i] = np.int32(min(delta * per_unit, limit))
                beyond[k + both] += found
                counts = histogram[k + both]
                for i in range(here):
                    counts[bins[i]] += 1
            k += 2 if two else 1


@_compiled
def _profiled(s, along, across, square, n0, n2, d0, d1, d2, low):  # type: ignore[no-untyped-def]
    """chi2 less that of the data alone, and its Newton step in s, with the pull at its best value above its bound."""
    count = n0 + s * (across - s * n2)
    width = d0 + s * (d1 + d1 + s * d2)
    x = max(count / width, low)
    bend = across - (s + s) * n2 - x * (d1 + d1 + (s + s) * d2)
    value = s * (s * square - along - along) - x * (count + count - x * width)
    slope = s * square - along - x * across + (x + x) * s * n2 + x * x * (d1 + s * d2)
    curve = square + (x + x) * n2 + x * x * d2
    free = curve - bend * bend / width
    # where the pull rests on its bound it does not follow; where the curve is not that of a valley, the one without the pull leads down
    step = slope / (curve if x == low or free <= 0 else free)
    return value, step


@_compiled
def moving(normals, g, c, start, square, cross, d0, d1, d2, place, size, constant, shift, own, observed, low, per_unit, valid, beyond, histogram):  # type: ignore[no-untyped-def]
    """Toys of points of an affine model with one pull relative to the prediction; repeats ``moving.Moving.delta_chi2`` and tallies.

    Parameters
    ----------
    normals : array (n + 1, toys)
        The last is the pull's.
    g, c : array (candidates, n)
        Effects of s = 1 on the prediction and on the shift of the pull.
    start : array (n,)
        Shift of the pull at s = 0.
    square, cross, d1, d2 : array (candidates,)
        g.g, g.c, start.c, c.c; ``d0`` is 1 + start.start and ``constant``, with start.g, the part of N that is linear in s.
    place, size : arrays (points,)
        Candidate and s of each point.
    shift, own : arrays (points, 2, candidates)
        What the thrown pull and the true effect add to the projections on g and on c; the last two columns of each are those on ``start``.
    """
    zero, one = start.dtype.type(0), start.dtype.type(1)
    limit = start.dtype.type(histogram.shape[1] - 1)
    count, n = g.shape
    along, across = np.empty((count, LANES)), np.empty((count, LANES))
    begin, best = np.empty(LANES), np.empty(LANES)
    bins = np.empty(LANES, np.int32)
    for first in range(0, valid, LANES):
        here = min(LANES, valid - first)
        begin[:] = zero
        for d in range(n):
            z = normals[d, first : first + LANES]
            for i in range(LANES):
                begin[i] += start[d] * z[i]
        for j in range(count):
            a, b = along[j], across[j]
            a[:] = zero
            b[:] = zero
            for d in range(n):
                z, gd, cd = normals[d, first : first + LANES], g[j, d], c[j, d]
                for i in range(LANES):
                    a[i] += gd * z[i]
                    b[i] += cd * z[i]
        x = normals[n, first : first + LANES]
        for k in range(len(place)):
            j = place[k]
            a, b, s = along[j], across[j], size[k]
            e0, e1 = shift[k, 0, count], own[k, 0, count]
            for i in range(LANES):
                value, _ = _profiled(
                    s, a[i] + x[i] * shift[k, 0, j] + own[k, 0, j], b[i] + x[i] * shift[k, 1, j] + own[k, 1, j] - constant[j], square[j],
                    begin[i] + x[i] * e0 + e1, cross[j], d0, d1[j], d2[j], low,
                )  # fmt: skip
                best[i] = value
            true = best.copy()
            for j in range(count):
                a, b = along[j], across[j]
                s0, s1, o0, o1 = shift[k, 0, j], shift[k, 1, j], own[k, 0, j], own[k, 1, j] - constant[j]
                gg, gc, dd1, dd2 = square[j], cross[j], d1[j], d2[j]
                inverse = one / gg if gg > zero else zero
                if gg <= zero:
                    continue
                for i in range(LANES):
                    p, q, r = a[i] + x[i] * s0 + o0, b[i] + x[i] * s1 + o1, begin[i] + x[i] * e0 + e1
                    t = min(max(p * inverse, zero), one)
                    _, step = _profiled(t, p, q, gg, r, gc, d0, dd1, dd2, low)
                    t = min(max(t - step, zero), one)
                    _, step = _profiled(t, p, q, gg, r, gc, d0, dd1, dd2, low)
                    t = min(max(t - step, zero), one)
                    _, step = _profiled(t, p, q, gg, r, gc, d0, dd1, dd2, low)
                    t = min(max(t - step, zero), one)
                    value, _ = _profiled(t, p, q, gg, r, gc, d0, dd1, dd2, low)
                    best[i] = min(best[i], value)
            seen, found = observed[k], 0
            for i in range(LANES):
                delta = true[i] - best[i]
                found += (delta >= seen) & (i < here)
                bins[i] = np.int32(min(delta * per_unit, limit))
            beyond[k] += found
            counts = histogram[k]
            for i in range(here):
                counts[bins[i]] += 1
