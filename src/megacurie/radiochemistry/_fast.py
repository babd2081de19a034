"""A compiled loop that repeats ``counting.fit`` for many sets of streams; constants come as arguments, nothing is imported from the package.

Newton's method stands where ``counting`` brackets roots: ln L is concave in the rate, so that from outside a root no step passes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

_STEPS = 100  # as many as a background may need; a rate takes five to ten
_CONVERGED = 1e-13
_EDGE = 1e-11  # of a step in the rate over the rate
_DROP = 0.5
_FEW = 16  # factors multiplied before a logarithm is taken


def _compiled(function: Callable[..., Any]) -> Any:
    # sums may be taken in another order, so that a vector unit does several terms at once: the same order in every call
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nnan", "nsz", "arcp"}}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to keep compiled code in
        return njit(**options)(function)


@_compiled
def _sums(falling, background, amplitude):  # type: ignore[no-untyped-def]
    """Sums of 1/y and 1/y^2 with y = b + a e."""
    first, second = 0.0, 0.0
    for i in range(len(falling)):
        y = 1.0 / (background + amplitude * falling[i])
        first += y
        second += y * y
    return first, second


@_compiled
def _background(falling, early, largest, smallest, amplitude, live, decays, start):  # type: ignore[no-untyped-def]
    """As ``counting.background``, from a guess: a step from above the root ends below it, none from below passes it.

    Also the slope of the background in the amplitude: that of the bound where it is at it, 0 elsewhere.
    """
    n = len(falling)
    if amplitude < 0.0:
        least, tilt = -amplitude * early, -early
    elif n > 0 and smallest * live < decays:
        least, tilt = 1.0 / live - amplitude * smallest, 0.0
    else:
        least, tilt = 0.0, 0.0
    if n == 0:
        return least, tilt
    if amplitude == 0.0:
        return n / live, 0.0
    size = n / live + abs(amplitude) * largest
    low = max(least, n / live - amplitude * (largest if amplitude > 0.0 else smallest))
    b = max(start, low)
    for _ in range(_STEPS):
        if b == 0.0 and amplitude * smallest == 0.0:
            b = 1.0 / live
        first, second = _sums(falling, b, amplitude)
        step = (first - live) / second
        if b == least and step <= 0.0:
            return b, tilt
        new = max(b + step, low)
        if abs(new - b) <= _CONVERGED * size:
            return new, tilt if new == least else 0.0
        b = new
    return b, 0.0


@_compiled
def _at(rate, falling, first, early, largest, smallest, weight, offset, live, decays, background):  # type: ignore[no-untyped-def]
    """Slope and curvature of ln L in the rate, backgrounds at their best; they are left in ``background``."""
    slope, curvature = 0.0, 0.0
    for s in range(len(weight)):
        a = weight[s] * rate + offset[s]
        of = falling[first[s] : first[s + 1]]
        b, tilt = _background(of, early[s], largest[s], smallest[s], a, live[s], decays[s], background[s])
        background[s] = b
        one, both, two, whole = 0.0, 0.0, 0.0, 0.0
        for i in range(len(of)):
            y = 1.0 / (b + a * of[i])
            z = (of[i] + tilt) * y
            one += y * y
            both += y * z
            two += z * z
            whole += z
        slope += weight[s] * (whole - decays[s] - tilt * live[s])
        free = len(of) > 0 and tilt == 0.0 and (b != 0.0 or a == 0.0)
        curvature -= weight[s] * weight[s] * (two - both * both / one if free else two)
    return slope, curvature


@_compiled
def _height(rate, falling, first, weight, offset, live, decays, background):  # type: ignore[no-untyped-def]
    """ln L at backgrounds that are at their best."""
    total = 0.0
    for s in range(len(weight)):
        a, b, scale = weight[s] * rate + offset[s], background[s], live[s]
        total -= b * scale + a * decays[s]
        low, high = first[s], first[s + 1]
        while low < high:
            last = min(low + _FEW, high)
            product = 1.0
            for i in range(low, last):
                product *= (b + a * falling[i]) * scale
            if 1e-250 < product < 1e250:
                total += math.log(product)
            else:
                for i in range(low, last):
                    total += math.log((b + a * falling[i]) * scale)
            low = last
    return total


@_compiled
def _crossing(rate, low, high, drop, top, falling, first, early, largest, smallest, weight, offset, live, decays, background):  # type: ignore[no-untyped-def]
    """Where ln L is lower by ``drop`` than at its maximum, from a guess on one side of it, between bounds."""
    for _ in range(_STEPS):
        slope = _at(rate, falling, first, early, largest, smallest, weight, offset, live, decays, background)[0]
        missing = _height(rate, falling, first, weight, offset, live, decays, background) - top + drop
        new = min(max(rate - missing / slope, low), high)
        if abs(new - rate) <= _EDGE * abs(rate) or new == rate:
            return new
        rate = new
    return rate


@_compiled
def fits(falling, first, early, largest, smallest, weight, offset, live, decays, of, drop, signed, rate, plus, minus, height, background):  # type: ignore[no-untyped-def]
    """Rates of largest likelihood with errors; repeats ``counting.fit`` for each set of streams.

    Parameters
    ----------
    falling : array (events,)
        exp(-l t), stream after stream.
    first : integer array (streams + 1,)
    early : array (streams,)
        exp(-l t) at the beginning of the live time.
    largest, smallest : array (streams,)
        Of ``falling``.
    weight, offset, live, decays : array (streams,)
        ``decays`` is D/l.
    of : integer array (sets + 1,)
        First stream of each set.
    drop : float
        How far ln L falls at the ends of the errors.
    signed : bool
        Whether the rate may be below zero.
    rate, plus, minus, height : array (sets,)
        Filled.
    background : array (streams,)
        Filled.
    """
    for k in range(len(of) - 1):
        m, n = of[k], of[k + 1]
        begin, e, x, y = first[m : n + 1], early[m:n], largest[m:n], smallest[m:n]
        w, o, t, d = weight[m:n], offset[m:n], live[m:n], decays[m:n]
        b = np.zeros(n - m)
        sensitivity = 0.0
        for s in range(n - m):
            sensitivity += w[s] * d[s]
        unit = 1.0 / sensitivity
        most = max(begin[-1] - begin[0], 1) * unit  # the rate at which all candidates are decays
        best, curvature = 0.0, 0.0
        slope = _at(0.0, falling, begin, e, x, y, w, o, t, d, b)[0]
        if slope > 0.0 or signed:
            under, over = 0.0, most if slope > 0.0 else -most
            while (_at(over, falling, begin, e, x, y, w, o, t, d, b)[0] > 0.0) == (slope > 0.0):
                under, over = over, 2.0 * over
            if over < under:
                under, over = over, under
            best = 0.5 * (under + over)
            for _ in range(_STEPS):
                slope, curvature = _at(best, falling, begin, e, x, y, w, o, t, d, b)
                if slope > 0.0:
                    under = best
                else:
                    over = best
                new = best - slope / curvature if curvature < 0.0 else over
                if not under < new < over:
                    new = 0.5 * (under + over)
                done = abs(new - best) <= 1e-14 * most or over - under <= 1e-14 * most
                best = new
                if done:
                    break
        slope, curvature = _at(best, falling, begin, e, x, y, w, o, t, d, b)
        top = _height(best, falling, begin, w, o, t, d, b)
        rate[k], height[k] = best, top
        background[m:n] = b
        # from outside the roots: where the parabola has them, or as far again
        width = min(math.sqrt(2.0 * drop / -curvature), most) if curvature < 0.0 else max(drop, 1.0) * unit
        for side in range(2):
            sign = 1.0 - 2.0 * side
            if side == 1 and not signed:
                minus[k] = 0.0
                if best == 0.0:
                    break
                b[:] = 0.0
                _at(0.0, falling, begin, e, x, y, w, o, t, d, b)
                if _height(0.0, falling, begin, w, o, t, d, b) - top + drop >= 0.0:
                    minus[k] = best
                    break
            low, high = (best, np.inf) if side == 0 else (-np.inf if signed else 0.0, best)
            guess = best + sign * width
            if side == 1 and not signed:
                guess = max(guess, 0.0)
            b[:] = background[m:n]
            while sign * _at(guess, falling, begin, e, x, y, w, o, t, d, b)[0] >= 0.0:
                guess += sign * width
            found = _crossing(guess, low, high, drop, top, falling, begin, e, x, y, w, o, t, d, b)
            if side == 0:
                plus[k] = found - best
            else:
                minus[k] = best - found


@_compiled
def heights(falling, first, early, largest, smallest, weight, offset, live, decays, of, rates, height, slope):  # type: ignore[no-untyped-def]
    """ln L and its slope at some rates; repeats ``counting.log_likelihood`` for each set of streams.

    Parameters
    ----------
    falling to of
        As in ``fits``.
    rates : array (points, sets)
    height, slope : array (points, sets)
        Filled.
    """
    for k in range(len(of) - 1):
        m, n = of[k], of[k + 1]
        begin = first[m : n + 1]
        b = np.zeros(n - m)
        for i in range(len(rates)):
            slope[i, k] = _at(rates[i, k], falling, begin, early[m:n], largest[m:n], smallest[m:n], weight[m:n], offset[m:n], live[m:n], decays[m:n], b)[0]
            height[i, k] = _height(rates[i, k], falling, begin, weight[m:n], offset[m:n], live[m:n], decays[m:n], b)
