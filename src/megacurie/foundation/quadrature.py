"""Gauss-Legendre nodes, found once for each order."""

from __future__ import annotations

import functools

import numpy as np

from megacurie.foundation.arrays import Array


@functools.cache
def gauss_legendre(order: int) -> tuple[Array, Array]:
    """Nodes and weights (order,) on [-1, 1], read-only.

    Examples
    --------
    >>> x, w = gauss_legendre(2)
    >>> print(round(float(w @ x**2), 12))  # 2/3
    0.666666666667
    """
    nodes, weights = np.polynomial.legendre.leggauss(order)
    for one in (nodes, weights):
        one.flags.writeable = False
    return nodes, weights
