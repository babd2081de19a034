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
_ROUNDING = 1e-9  # of chi2
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
def _ends(a):  # type: ignore[no-untyped-def]
    """Least and largest of a batch; four at a time, because each comparison waits for the last."""
    u0, u1, u2, u3 = a[0], a[1], a[2], a[3]
    d0, d1, d2, d3 = u0, u1, u2, u3
    for i in range(_FOUR, LANES, _FOUR):
        b0, b1, b2, b3 = a[i], a[i + 1], a[i + 2], a[i + 3]
        u0, u1, u2, u3 = max(u0, b0), max(u1, b1), max(u2, b2), max(u3, b3)
        d0, d1, d2, d3 = min(d0, b0), min(d1, b1), min(d2, b2), min(d3, b3)
    return min(min(d0, d1), min(d2, d3)), max(max(u0, u1), max(u2, u3))


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
            low[j], top[j] = _ends(a)
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
def _profiled(s, p, q, r, d0, low, square, cross, d1, d2):  # type: ignore[no-untyped-def]
    """chi2 less that of the data alone, and half of its first and second derivative in s, with the pull at its best value above its bound."""
    count = r + s * (q - s * cross)
    width = d0 + s * (d1 + d1 + s * d2)
    inverse = 1 / width
    x = max(count * inverse, low)
    bend = q - (s + s) * cross - x * (d1 + d1 + (s + s) * d2)
    value = s * (s * square - p - p) - x * (count + count - x * width)
    slope = s * square - p - x * q + (x + x) * s * cross + x * x * (d1 + s * d2)
    curve = square + (x + x) * cross + x * x * d2
    free = curve - bend * bend * inverse
    # where the pull rests on its bound it does not follow; where the curve is not that of a valley, the one without the pull leads down
    return value, slope, curve if (x == low) | (free <= 0) else free


@_compiled
def _lower(j, best, projection, own, pull, d0, low, candidates):  # type: ignore[no-untyped-def]
    """Takes the least chi2 of candidate j where it is below the best of each toy: two steps from the minimum of the
    linear model, the second to where a parabola is least."""
    square, cross, d1, d2, lean = candidates[j, 0], candidates[j, 1], candidates[j, 2], candidates[j, 3], candidates[j, 4]
    height, turn, share, floor = candidates[j, 5], candidates[j, 6], candidates[j, 7], candidates[j, 8]
    if height <= 0:  # without effect it is the null hypothesis, which every candidate holds
        return
    v0, q0 = own[j, 0], own[j, 1] - lean
    short, inverse, width = 1 / height, 1 / square, 1 / d0
    for i in range(LANES):
        r, v = pull[i], projection[j, 0, i] + v0
        p = height * v + lean * width * r
        q = projection[j, 1, i] + q0 + turn * p + share * r
        free = max(v, 0.0) * short
        x = (r - free * lean) * width
        s = free if x >= floor else max((p - floor * lean) * inverse, 0.0)
        s = min(max(s / (1 + turn * max(x, floor)), 0.0), 1.0)
        _, slope, curve = _profiled(s, p, q, r, d0, low, square, cross, d1, d2)
        s = min(max(s - slope / curve, 0.0), 1.0)
        value, slope, curve = _profiled(s, p, q, r, d0, low, square, cross, d1, d2)
        step = min(max(s - slope / curve, 0.0), 1.0) - s
        best[i] = min(best[i], value + step * (slope + slope + step * curve))


@_compiled
def _better(j, best, projection, own, pull, reach, far, d0, candidates, most):  # type: ignore[no-untyped-def]
    """Whether candidate j can be better than the best of some toy: whether the linear model is, which ``moving.Moving.linear`` bounds."""
    square, lean, height, turn, floor = candidates[j, 0], candidates[j, 4], candidates[j, 5], candidates[j, 6], candidates[j, 8]
    stretch = abs(turn) * most
    if height <= 0 or stretch >= 1:
        return height > 0
    v0, e0 = own[j, 0], own[j, 1]
    high, whole = height * (1 + stretch), np.sqrt(square) * (1 + stretch)
    tilt, inverse, short, width = lean / height, 1 / np.sqrt(square), 1 / (height * (1 - stretch)), 1 / d0
    edge, better = floor * d0, 0
    for i in range(LANES):
        r, v = pull[i], projection[j, 0, i] + v0
        w = (height * v + lean * (width * r - floor)) * inverse
        x, y = min(max(v, 0.0), high), min(max(w, 0.0), whole)
        free, bound = x * (v + v - x) + width * r * r, y * (w + w - y) + floor * (r + r - edge)  # the pull at its best value, and on its bound
        odd = projection[j, 1, i] + e0
        rest = max(odd, -odd) * reach[i] * min(far[i] * short, 1.0)
        better += (free if r - x * tilt >= edge else bound) + rest + rest + best[i] > _ROUNDING
    return better > 0


@_compiled
def moving(normals, onto, start, candidates, place, size, truth, own, observed, low, per_unit, valid, beyond, histogram):  # type: ignore[no-untyped-def]
    """Toys of points of an affine model with one pull relative to the prediction; repeats ``moving.Moving.delta_chi2`` and tallies.

    Parameters
    ----------
    normals : array (n, toys)
        Padded to whole batches; ``valid`` of them count.
    onto : array (candidates, 2, n)
        u_j and e_j of ``moving.Moving.linear``: what toys are projected on.
    start : array (n,)
        c_0.
    candidates : array (candidates, 9)
        g.g, g.c, c_0.c, c.c, c_0.g, and h, d, b and the bound of x'.
    place, size : arrays (points,)
        Candidate and s of each point.
    truth : array (points, n)
        t_k, what toys are thrown about.
    own : array (points, candidates, 2)
        Its projections.
    """
    limit = float(histogram.shape[1] - 1)
    count, _, n = onto.shape
    projection, middle = np.empty((count, 2, LANES)), np.empty(count)
    begin, best, true_chi2 = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    whole, pull, reach, far = np.empty(LANES), np.empty(LANES), np.empty(LANES), np.empty(LANES)
    # neighbours are alike: some of all first, so that there is a good one early
    coarse = np.concatenate((np.arange(0, count, 4), np.arange(2, count, 4), np.arange(1, count, 2)))
    bins = np.empty(LANES, np.int32)
    d0 = (start * start).sum()
    for first in range(0, valid, LANES):
        here = min(LANES, valid - first)
        begin[:] = 0.0
        for d in range(n):
            for i in range(LANES):
                begin[i] += start[d] * normals[d, first + i]
        projection[:] = 0.0
        for j in range(count):
            for one in range(2):
                a = projection[j, one]
                for d in range(n):
                    u = onto[j, one, d]
                    for i in range(LANES):
                        a[i] += u * normals[d, first + i]
            lower, upper = _ends(projection[j, 0])
            middle[j] = 0.5 * (lower + upper)
        for k in range(len(place)):
            true, s, o, t = place[k], size[k], own[k], truth[k]
            r0 = (start * t).sum()
            square, cross, d1, d2, lean = candidates[true, 0], candidates[true, 1], candidates[true, 2], candidates[true, 3], candidates[true, 4]
            height, turn, share = candidates[true, 5], candidates[true, 6], candidates[true, 7]
            whole[:] = 0.0
            for d in range(n):
                for i in range(LANES):
                    whole[i] += (normals[d, first + i] + t[d]) * (normals[d, first + i] + t[d])
            for i in range(LANES):
                r = begin[i] + r0
                p = height * (projection[true, 0, i] + o[true, 0]) + lean / d0 * r
                q = projection[true, 1, i] + o[true, 1] + turn * p + share * r - lean
                value, _, _ = _profiled(s, p, q, r, d0, low, square, cross, d1, d2)
                pull[i], true_chi2[i], best[i] = r, value, value
            # the candidate that is best in the middle of the batch leaves out most others
            most, j = -1.0, true
            for i in range(count):
                gain = _gain(middle[i] + o[i, 0], 0.0, candidates[i, 5])
                if gain > most:
                    most, j = gain, i
            _lower(j, best, projection, o, pull, d0, low, candidates)
            # no pull of interest is further from its auxiliary measurement than the distance to beat, no effect longer than that and what there is
            most = 0.0
            for i in range(LANES):
                distance = np.sqrt(max(whole[i] + best[i], 0.0))
                reach[i] = abs(normals[n - 1, first + i] + t[n - 1]) + distance
                far[i] = np.sqrt(max(whole[i] - pull[i] * pull[i] / d0, 0.0)) + distance
                most = max(most, reach[i])
            for j in coarse:
                if _better(j, best, projection, o, pull, reach, far, d0, candidates, most):
                    _lower(j, best, projection, o, pull, d0, low, candidates)
            seen, found = observed[k], 0
            for i in range(LANES):
                delta = true_chi2[i] - best[i]
                found += (delta >= seen) & (i < here)
                bins[i] = np.int32(min(delta * per_unit, limit))
            beyond[k] += found
            counts = histogram[k]
            for i in range(here):
                counts[bins[i]] += 1
