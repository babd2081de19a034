"""Parameters of hypotheses: name, display unit, bounds and scale; and axes with units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError, UnitError

Theta = Mapping[str, "float | Array"]
"""A point (or an array of points) in parameter space: internal units, plain dict, so that it is a JAX pytree as it stands."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a hypothesis.

    Parameters
    ----------
    name : str
        Key in ``theta`` and on the command line.
    unit : str
        Display and JSON unit; ``""`` for a pure number.
    low, high : float
        Bounds, in the display unit.
    scale : "lin" or "log"
        How positions between the bounds are spread.
    label : str
        TeX label for figures.
    prior : (mean, sigma) or None
        Gaussian knowledge from elsewhere, in the display unit; enters fits as a penalty.

    Raises
    ------
    RangeError
        If the bounds are not finite and increasing, or not positive on a logarithmic scale.

    Examples
    --------
    >>> dm2 = Parameter("dm2", "eV2", low=0.05, high=30.0, scale="log")
    >>> print(dm2.show(dm2.at(1.0)))
    30 eV2
    >>> dm2.json_key
    'dm2_eV2'
    """

    name: str
    unit: str
    low: float
    high: float
    scale: Literal["lin", "log"] = "lin"
    label: str = ""
    prior: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise RangeError(f"parameter {self.name!r}: bounds {self.low}, {self.high}: expected two finite increasing numbers")
        if self.scale == "log" and self.low <= 0:
            raise RangeError(f"parameter {self.name!r}: lower bound {self.low} on a logarithmic scale: expected a positive number")

    @property
    def lower(self) -> float:
        """Lower bound, internal units."""
        return units.from_display(self.low, self.unit)

    @property
    def upper(self) -> float:
        """Upper bound, internal units."""
        return units.from_display(self.high, self.unit)

    @property
    def json_key(self) -> str:
        """Name with its unit, as it stands in JSON and column heads."""
        return f"{self.name}_{self.unit.replace('/', '_per_')}" if self.unit else self.name

    def at(self, position: float | Array) -> float | Array:
        """Value (internal) at a position between the bounds: 0 is the lower, 1 the upper."""
        if self.scale == "log":
            return self.lower * (self.high / self.low) ** position
        return self.lower + (self.upper - self.lower) * position

    def position(self, value: float | Array) -> float | Array:
        """Position between the bounds of a value (internal); the inverse of ``at``."""
        if self.scale == "log":
            return np.log(np.asarray(value) / self.lower) / math.log(self.high / self.low)
        return (np.asarray(value) - self.lower) / (self.upper - self.lower)

    def show(self, value: float | Array, digits: int = 4) -> str:
        """A value (internal) as text in the display unit."""
        return units.format(float(value), self.unit, digits)

    def check(self, value: float | Array) -> None:
        """Refuse values (internal) outside the bounds.

        Raises
        ------
        RangeError
            If any value is not a number or outside; names the value and the bounds.
        """
        values = np.atleast_1d(np.asarray(value, dtype=float))
        slack = 1e-9  # rounding of an axis that ends on the bound
        where = np.full(values.shape, -math.inf)
        defined = (values > 0) | (self.scale == "lin")  # a logarithm needs a positive value
        where[defined] = self.position(values[defined])
        outside = ~((where >= -slack) & (where <= 1 + slack))
        if outside.any():
            found = self.show(values[outside][0], digits=6)
            raise RangeError(
                f"{self.name} = {found} is outside its range: expected {units.format(self.lower, self.unit)} to {units.format(self.upper, self.unit)}"
            )

    def read(self, text: str) -> float:
        """Read a value with its unit, inside the bounds; internal units.

        Raises
        ------
        UnitError
            If a dimensional value lacks its unit (the message prints the corrected text) or has one of another dimension.
        RangeError
            If it is outside the bounds.
        """
        try:
            value, stood = units.parse_any(text)
        except UnitError as error:
            raise UnitError(f"{self.name} = {error}, such as {self.show(float(self.at(0.5)), 2)}") from None
        wanted = units.unit(self.unit or "1")[1]
        if units.unit(stood)[1] != wanted:
            if stood == "1":
                raise UnitError(f'{self.name} = {text.strip()}: no unit. Write {self.name}="{text.strip()} {self.unit}"')
            expected = f"a unit of {units.dimension_of(self.unit)} ({self.unit})" if self.unit else "a plain number"
            raise UnitError(f"{self.name} = {text.strip()}: expected {expected}, but {stood!r} is a unit of {units.dimension_of(stood)}")
        self.check(value)
        return value


def _edges(low: float | str, high: float | str) -> tuple[float, float]:
    ends = [units.parse_any(end) if isinstance(end, str) else (float(end), "1") for end in (low, high)]
    if units.unit(ends[0][1])[1] != units.unit(ends[1][1])[1]:
        raise UnitError(f"axis from {low!r} to {high!r}: the two ends have different dimensions")
    return ends[0][0], ends[1][0]


def linspace(low: float | str, high: float | str, n: int) -> Array:
    """``n`` equal steps between two values; text carries units.

    Returns
    -------
    array (n,)
        Internal units.

    Examples
    --------
    >>> print(linspace(0, 1, 3))
    [0.  0.5 1. ]
    """
    a, b = _edges(low, high)
    return np.linspace(a, b, n)


def geomspace(low: float | str, high: float | str, n: int) -> Array:
    """``n`` equal ratios between two positive values; text carries units.

    Returns
    -------
    array (n,)
        Internal units.

    Raises
    ------
    RangeError
        If an end is not positive.

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> print(np.round(geomspace("0.1 eV2", "10 eV2", 3) / u.eV2, 6))
    [ 0.1  1.  10. ]
    """
    a, b = _edges(low, high)
    if a <= 0 or b <= 0:
        raise RangeError(f"logarithmic axis from {low} to {high}: expected two positive ends")
    return np.geomspace(a, b, n)
