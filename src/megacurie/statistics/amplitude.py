"""Least chi2 over an amplitude s between bounds, mu = zero + s slope, of a Gaussian likelihood whose covariance may move with the prediction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from megacurie.foundation.arrays import Array

_INSIDE = 1e-9  # of a piece: at its very end the error is that of the next
_COARSE, _FINE, _ROUNDS = 81, 11, 8  # values tried where there is no closed form, and ever finer ones about the best of them


def pieces(zero: Array, slope: Array, jumps: Array | None, lower: float, upper: float) -> Array:
    """Ends (..., pieces + 1) of the ranges of s in which no prediction crosses a value of ``jumps`` (n,)."""
    lead = np.broadcast_shapes(zero.shape, slope.shape)[:-1]
    bounds = np.full((*lead, 1), lower), np.full((*lead, 1), upper)
    if jumps is None:
        return np.concatenate(bounds, -1)
    at = np.divide(jumps - zero, slope, out=np.full((*lead, len(jumps)), lower), where=slope != 0)
    return np.sort(np.concatenate([*bounds, np.clip(at, lower, upper)], -1), -1)


def exact(
    zero: Array, slope: Array, residual: Array, a: Array, *, shifts: Array, errors: Callable[[Array], Array], ends: Array, bound: tuple[int, float] | None,
    prior: tuple[Array, float],
) -> tuple[Array, Array]:  # fmt: skip
    """Best s and chi2 there, errors constant in each piece and pulls relative to the reference: the least of one parabola per piece.

    With V the covariance in a piece and y = K C^T r/sigma^2 the best pulls less a, K = (1 + C^T C/sigma^2)^-1,

        chi2(s) = r V^-1 r + min(y_b + a_b - low, 0)^2/K_bb + weight (s - centre)^2,   r = residual - s slope

    which is convex: its minimum is that of the parabola with pull b free or with it held, clipped to the piece.

    Parameters
    ----------
    zero, slope : array (..., n)
    residual : array (..., n)
        d - zero - C a.
    a : array (..., pulls)
        Auxiliary measurements.
    shifts : array (n, pulls)
        C.
    errors : callable
        Statistical errors at a prediction.
    ends : array (..., pieces + 1)
        Of ``pieces``.
    bound : (index, low) or None
        Of the pull with a lower bound.
    prior : (centre, weight)
        Of s; a weight of zero where there is none.
    """
    shape = np.broadcast_shapes(residual.shape[:-1], slope.shape[:-1])
    best, least = np.zeros(shape), np.full(shape, np.inf)
    centre, weight = prior
    for p in range(ends.shape[-1] - 1):
        width = _INSIDE * (ends[..., p + 1] - ends[..., p])
        low = ends[..., p] + (width if p else 0.0)
        high = ends[..., p + 1] - (width if p < ends.shape[-1] - 2 else 0.0)
        inverse = 1 / errors(zero + 0.5 * (low + high)[..., None] * slope) ** 2
        scaled = shifts * inverse[..., None]
        K = np.linalg.inv(np.swapaxes(shifts, -1, -2) @ scaled + np.eye(shifts.shape[-1]))
        # of the slope once, of the residuals of all toys by products that the toys share
        onto = (K @ (np.swapaxes(scaled, -1, -2) @ slope[..., None]))[..., 0]
        weighted = slope * inverse - (scaled @ onto[..., None])[..., 0]
        c2 = (slope * weighted).sum(-1) + weight
        c1 = (residual * weighted).sum(-1) + weight * centre
        pull = np.einsum("...i,...ik->...k", residual, scaled)
        y = np.einsum("...k,...kl->...l", pull, K)
        c0 = (residual * residual * inverse).sum(-1) - (pull * y).sum(-1) + weight * centre**2
        tried = [(c1, c2)]
        if bound is not None:
            b, least_pull = bound
            start, turn, stiff = y[..., b] + a[..., b] - least_pull, onto[..., b], 1 / K[..., b, b]
            tried.append((c1 + stiff * start * turn, c2 + stiff * turn * turn))
        for linear, square in tried:
            s = np.clip(np.divide(linear, square, out=np.zeros(shape), where=square > 0), low, high)
            chi2 = c0 - 2 * s * c1 + s * s * c2
            if bound is not None:
                chi2 = chi2 + stiff * np.minimum(start - s * turn, 0.0) ** 2
            best, least = np.where(chi2 < least, s, best), np.minimum(chi2, least)
    return best, least


def search(chi2: Callable[[Array], Array], ends: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Best s and chi2 there by trial: even steps and both sides of every end of a piece, the same for all toys; then ever finer steps about the best.

    Parameters
    ----------
    chi2 : callable
        Of s (trials, ...).
    ends : array (..., pieces + 1)
        Of ``pieces``.
    shape : tuple of int
        Of the result.
    """
    ends = ends.reshape(*(1 for _ in range(len(shape) - ends.ndim + 1)), *ends.shape)
    lower, upper, inside = ends[..., 0], ends[..., -1], np.moveaxis(ends[..., 1:-1], -1, 0)
    margin = _INSIDE * (upper - lower)
    trial = np.concatenate([np.linspace(lower, upper, _COARSE), np.maximum(inside - margin, lower), np.minimum(inside + margin, upper)])
    found = chi2(trial)
    best = np.take_along_axis(np.broadcast_to(trial, found.shape), found.argmin(0)[None], 0)[0]
    least = found.min(0)
    width = (upper - lower) / (_COARSE - 1)
    for _ in range(_ROUNDS):  # no derivatives: chi2 may bend or jump
        tried = np.clip(best + width * np.linspace(-1, 1, _FINE).reshape(-1, *(1 for _ in shape)), lower, upper)
        values = chi2(tried)
        nearer = np.take_along_axis(tried, values.argmin(0)[None], 0)[0]
        best, least = np.where(values.min(0) <= least, nearer, best), np.minimum(values.min(0), least)
        width = width * 2 / (_FINE - 1)
    return best, least
