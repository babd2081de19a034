"""Compiled loops that repeat, one each, a NumPy function of ``toys``; constants come as arguments, nothing is imported from the package.

One loop of toys is innermost, so that a vector unit works on many at once; candidates of the minimum are taken four at a time, points two at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

LANES = 128
"""Toys of the innermost loop; whoever calls pads to a multiple of it."""

_FOUR = 4
_REST = 0  # kinds of four candidates: none can be the best, none is clipped, all are clipped at their height, some are
_PLAIN = 1
_LINEAR = 2
_MIXED = 3


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
def _kinds(kind, top, low, height, overlap, m0, m1, zero, least0, least1):  # type: ignore[no-untyped-def]
    """What has to be done with each four candidates for two points, from the largest and smallest projection of the toys."""
    for g in range(len(kind)):
        plain, linear, rest = True, True, True
        for i in range(_FOUR):
            j = _FOUR * g + i
            shift0, shift1, high = m0 * overlap[j], m1 * overlap[j], height[j]
            above0, above1 = top[j] + shift0, top[j] + shift1
            plain &= max(above0, above1) <= high
            linear &= low[j] + min(shift0, shift1) >= high
            rest &= (_gain(above0, zero, high) <= least0) & (_gain(above1, zero, high) <= least1)
        kind[g] = _REST if rest else (_PLAIN if plain else (_LINEAR if linear else _MIXED))


@_compiled
def _mixed(a0, a1, a2, a3, s0, s1, s2, s3, h0, h1, h2, h3, zero, best):  # type: ignore[no-untyped-def]
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
        Padded to whole lanes; ``valid`` of them count.
    direction : array (candidates, n)
        Padded to a multiple of four.
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
    much = height.dtype.type(1e30)
    limit = height.dtype.type(histogram.shape[1] - 1)
    projection = np.empty((len(height), LANES), height.dtype)
    top, low = np.empty_like(height), np.empty_like(height)
    kind = np.empty(len(height) // _FOUR, np.uint8)
    squares, roots = np.empty((2, LANES), height.dtype), np.empty((2, LANES), height.dtype)
    bins = np.empty(LANES, np.int32)
    for start in range(0, valid, LANES):
        here = min(LANES, valid - start)
        for j in range(len(height)):
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
        k = 0
        while k < len(row):
            two = k + 1 < len(row) and row[k + 1] == row[k]
            m0 = size[k]
            m1 = size[k + 1] if two else m0
            c, j = overlap[row[k]], place[k]
            q0, q1, w0, w1 = squares[0], squares[1], roots[0], roots[1]
            a, c0, h0 = projection[j], c[j], height[j]
            least0, least1 = much, much  # the gain of the true candidate: no other with less matters
            for i in range(LANES):
                q0[i] = _gain(a[i] + m0 * c0, zero, h0)
                q1[i] = _gain(a[i] + m1 * c0, zero, h0)
                least0, least1 = min(least0, q0[i]), min(least1, q1[i])
                w0[i] = zero
                w1[i] = zero
            _kinds(kind, top, low, height, c, m0, m1, zero, least0, least1)
            for g in range(len(kind)):
                what = kind[g]
                if what == _REST:
                    continue
                j = _FOUR * g
                a0, a1, a2, a3 = projection[j], projection[j + 1], projection[j + 2], projection[j + 3]
                s0, s1, s2, s3 = m0 * c[j], m0 * c[j + 1], m0 * c[j + 2], m0 * c[j + 3]
                r0, r1, r2, r3 = m1 * c[j], m1 * c[j + 1], m1 * c[j + 2], m1 * c[j + 3]
                if what == _PLAIN:  # the largest amplitude is the best, its square the gain
                    for i in range(LANES):
                        b0, b1, b2, b3 = a0[i], a1[i], a2[i], a3[i]
                        w0[i] = max(max(max(b0 + s0, b1 + s1), max(b2 + s2, b3 + s3)), w0[i])
                        w1[i] = max(max(max(b0 + r0, b1 + r1), max(b2 + r2, b3 + r3)), w1[i])
                    continue
                h0, h1, h2, h3 = height[j], height[j + 1], height[j + 2], height[j + 3]
                if what == _LINEAR:  # h (2 p - h)
                    g0, g1, g2, g3 = h0 + h0, h1 + h1, h2 + h2, h3 + h3
                    s0, s1, s2, s3 = g0 * s0 - h0 * h0, g1 * s1 - h1 * h1, g2 * s2 - h2 * h2, g3 * s3 - h3 * h3
                    r0, r1, r2, r3 = g0 * r0 - h0 * h0, g1 * r1 - h1 * h1, g2 * r2 - h2 * h2, g3 * r3 - h3 * h3
                    for i in range(LANES):
                        b0, b1, b2, b3 = g0 * a0[i], g1 * a1[i], g2 * a2[i], g3 * a3[i]
                        q0[i] = max(max(max(b0 + s0, b1 + s1), max(b2 + s2, b3 + s3)), q0[i])
                        q1[i] = max(max(max(b0 + r0, b1 + r1), max(b2 + r2, b3 + r3)), q1[i])
                    continue
                _mixed(a0, a1, a2, a3, s0, s1, s2, s3, h0, h1, h2, h3, zero, q0)
                if two:
                    _mixed(a0, a1, a2, a3, r0, r1, r2, r3, h0, h1, h2, h3, zero, q1)
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
