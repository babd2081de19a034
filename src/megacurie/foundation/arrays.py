"""Array types and the array module that belongs to given arrays (NumPy or JAX)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def namespace(*arrays: object) -> Any:
    """The array module of the arguments: the first that is not NumPy, else NumPy.

    Plain numbers have no say. The result is typed ``Any`` here, once, so that array code reads the same for every module.

    Examples
    --------
    >>> namespace(1.0, np.ones(2)) is np
    True
    """
    for array in arrays:
        if isinstance(array, float | np.ndarray | np.generic):
            continue
        found = getattr(array, "__array_namespace__", None)
        if found is not None:
            return found()
    return np


def blocks(size: int, row: int, budget: int = 131072) -> Iterator[slice]:
    """Slices of ``range(size)`` such that ``row`` numbers per step stay within ``budget`` numbers (1 MB of float64: the cache).

    Examples
    --------
    >>> [(s.start, s.stop) for s in blocks(5, row=2, budget=4)]
    [(0, 2), (2, 4), (4, 5)]
    """
    step = max(1, budget // max(1, row))
    for start in range(0, size, step):
        yield slice(start, min(start + step, size))
