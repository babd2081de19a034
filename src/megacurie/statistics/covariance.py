"""Errors of a measurement at a prediction: treatments of asymmetric errors, pulls, covariance matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from megacurie.foundation.arrays import Array, namespace
from megacurie.foundation.measurement import Measurement

_SMALL = 32  # data: a matrix of their square is small

Treatment = Literal["lower", "upper", "split-normal", "variable"]
"""How asymmetric errors enter: one of the two; the one on the side of the prediction; or a width linear in it (R. Barlow, physics/0406120)."""


def statistical_errors(measurement: Measurement, mu: Array, asymmetric: Treatment) -> Array:
    """Statistical errors (..., n) of a measurement at a prediction (..., n), under a treatment of asymmetric errors."""
    plus, minus, d = measurement.plus, measurement.minus, measurement.values
    if asymmetric == "lower":
        return minus
    if asymmetric == "upper":
        return plus
    xp = namespace(mu)
    if asymmetric == "split-normal":
        chosen: Array = xp.where(mu > d, plus, minus)
        return chosen
    # a width that would reach zero far below the data stops at a tenth of the smaller error
    width = 2 * plus * minus / (plus + minus) + (plus - minus) / (plus + minus) * (mu - d)
    wide: Array = xp.maximum(width, 0.1 * xp.minimum(plus, minus))
    return wide


def columns(measurement: Measurement, mu: Array) -> Array:
    """Shift per sigma of each pull (..., n, pulls) at a prediction."""
    xp = namespace(mu)
    shifts = [pull.shape * (mu if pull.of == "prediction" else xp.broadcast_to(measurement.reference, mu.shape)) for pull in measurement.pulls]
    stacked: Array = xp.stack(shifts, -1) if shifts else xp.zeros((*mu.shape, 0))
    return stacked


def covariance(measurement: Measurement, mu: Array, asymmetric: Treatment = "lower") -> Array:
    """Covariance matrix (..., n, n) of a measurement at a prediction (..., n): statistical errors and pulls."""
    xp = namespace(mu)
    shifts = columns(measurement, mu)
    V: Array = statistical_errors(measurement, mu, asymmetric)[..., :, None] ** 2 * np.eye(len(measurement.values)) + shifts @ xp.swapaxes(shifts, -1, -2)
    return V


def whitening(errors: Array, shifts: Array) -> Callable[[Array], Array]:
    """What turns residuals (..., n) into independent ones of unit variance, for a fixed covariance diag(s^2) + C C^T: |W r|^2 = r^T V^-1 r.

    With y = r/s and the singular vectors U and values w of C/s it is y - U [1 - 1/sqrt(1 + w^2)] U^T y: as many steps as there are data times pulls, so that a
    thousand bins cost no matrix of a thousand squared.

    Parameters
    ----------
    errors : array (n,)
    shifts : array (n, pulls)

    Examples
    --------
    >>> white = whitening(np.array([3.0]), np.array([[4.0]]))
    >>> print(white(np.array([10.0])))
    [2.]
    """
    u, w, _ = np.linalg.svd(shifts / errors[:, None], full_matrices=False)
    inverse, left, right = 1 / errors, u * (1 - 1 / np.sqrt(1 + w * w)), u.T
    if len(errors) <= _SMALL:  # one product of matrices is faster than three steps
        matrix = (np.eye(len(errors)) - left @ right) * inverse[:, None]
        return lambda r: r @ matrix

    def white(r: Array) -> Array:
        y = r * inverse
        result: Array = y - (y @ left) @ right
        return result

    return white
