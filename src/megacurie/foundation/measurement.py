"""What was published: values, errors as printed, named systematic shifts. No physics."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # arrays have no single truth value: identity it is
class Pull:
    """A named systematic shift with a standard normal strength x.

    Attributes
    ----------
    name : str
        Same name = same nuisance, across experiments.
    shape : array (n,)
        Relative shift of each value per unit of x (one sigma).
    of : "reference" or "prediction"
        Relative to the fixed prediction without new physics (the covariance is fixed), or to mu(theta) (it moves).
    low : float
        Smallest x allowed: a physical prior, such as a cross section not below its ground-state part.
    """

    name: str
    shape: Array
    of: Literal["reference", "prediction"] = "reference"
    low: float = -math.inf

    def __post_init__(self) -> None:
        if self.of not in ("reference", "prediction"):
            raise RangeError(f"pull {self.name!r}: of = {self.of!r}: expected 'reference' or 'prediction'")
        if not np.all(np.isfinite(self.shape)):
            raise RangeError(f"pull {self.name!r}: shape {self.shape}: expected finite relative shifts")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measurement:
    """Measured values with their errors.

    Attributes
    ----------
    names : tuple of str, length n
        One per value.
    values, plus, minus : array (n,)
        Values and statistical errors as printed (both positive).
    reference : array (n,)
        Prediction without new physics, to which pulls of "reference" are relative.
    pulls : tuple of Pull
    references : frozenset of str

    Raises
    ------
    RangeError
        If shapes differ, an error is not positive or a value is not finite.
    """

    names: tuple[str, ...]
    values: Array
    plus: Array
    minus: Array
    reference: Array
    pulls: tuple[Pull, ...] = ()
    references: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        n = len(self.names)
        for what in ("values", "plus", "minus", "reference"):
            array = getattr(self, what)
            if array.shape != (n,) or not np.all(np.isfinite(array)):
                raise RangeError(f"measurement {', '.join(self.names)}: {what} = {array}: expected {n} finite numbers")
        if not (np.all(self.plus > 0) and np.all(self.minus > 0)):
            raise RangeError(f"measurement {', '.join(self.names)}: errors {self.plus}, {self.minus}: expected positive numbers")
        for pull in self.pulls:
            if pull.shape.shape != (n,):
                raise RangeError(f"pull {pull.name!r} has shape {pull.shape.shape}: expected ({n},)")
        if len({pull.name for pull in self.pulls}) < len(self.pulls):
            raise RangeError("two pulls of one measurement have the same name; add their shapes")
