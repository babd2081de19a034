"""What fits and scans return: frozen values that print themselves, and p-values against sigma."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, chdtri, erfc, erfcinv, ndtri

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.display import Table
from megacurie.foundation.errors import RangeError
from megacurie.foundation.parameters import Parameter

_NO_GLOBAL = "global significance is null: it has a closed form for a fixed covariance and one amplitude that vanishes with the null hypothesis"


def p_value(chi2: float, dof: int) -> float:
    """Probability of a chi2 at least as large, for ``dof`` degrees of freedom.

    Raises
    ------
    RangeError
        If ``dof`` is not positive or chi2 is negative.

    Examples
    --------
    >>> f"{p_value(32.1, 2):.1e}"
    '1.1e-07'
    """
    if dof < 1 or not chi2 >= 0:
        raise RangeError(f"p-value of chi2 = {chi2} with {dof} degrees of freedom: expected chi2 >= 0 and at least one degree of freedom")
    return float(chdtrc(dof, chi2))


def sigma_of(p: float) -> float:
    """Two-sided Gaussian significance of a p-value.

    Examples
    --------
    >>> round(sigma_of(0.0027), 2)
    3.0
    """
    if not 0 <= p <= 1:
        raise RangeError(f"p-value {p}: expected a number in [0, 1]")
    return math.sqrt(2) * float(erfcinv(p))


def one_sided(p: float) -> float:
    """One-sided Gaussian significance of a p-value, zero at most probable.

    Examples
    --------
    >>> round(one_sided(0.00135), 2)
    3.0
    """
    return max(-float(ndtri(p)), 0.0)


def p_of(sigma: float) -> float:
    """Two-sided p-value of a Gaussian significance; the inverse of ``sigma_of``.

    Examples
    --------
    >>> round(sigma_of(p_of(5.0)), 10)
    5.0
    """
    return float(erfc(sigma / math.sqrt(2)))


def wilks(delta_chi2: float, dof: int) -> float:
    """Two-sided significance of a Delta chi2 if Wilks' theorem held with ``dof`` parameters.

    Examples
    --------
    >>> round(wilks(9.0, 1), 6), round(wilks(32.4, 2), 2)
    (3.0, 5.34)
    """
    return sigma_of(p_value(max(delta_chi2, 0.0), dof))


def threshold(p: float, dof: int) -> float:
    """Delta chi2 that is exceeded with probability p, for ``dof`` parameters.

    Examples
    --------
    >>> [round(threshold(p_of(n), 2), 2) for n in (1, 2, 3)]
    [2.3, 6.18, 11.83]
    """
    if not 0 < p < 1:
        raise RangeError(f"p-value {p}: expected a number between 0 and 1")
    return float(chdtri(dof, p))


def level(sigma: float | None, confidence: float | None) -> tuple[float, str]:
    """p-value and name of a level given in sigma (two-sided) or as a probability.

    Raises
    ------
    RangeError
        Unless exactly one of the two is given, inside its range.

    Examples
    --------
    >>> level(None, 0.5)
    (0.5, '50 %')
    """
    if (sigma is None) == (confidence is None):
        raise RangeError("a region needs its level: either sigma=... or confidence=...")
    if sigma is not None and not sigma > 0:
        raise RangeError(f"level {sigma} sigma: expected a positive number")
    if confidence is not None and not 0 < confidence < 1:
        raise RangeError(f"confidence level {confidence}: expected a number between 0 and 1")
    p = p_of(sigma) if sigma is not None else 1 - (confidence or 0.0)
    if not p > 0:
        raise RangeError(f"level {sigma} sigma: its p-value is not a number any more; expected less than 38")
    if not p < 1:
        raise RangeError(
            f"level {sigma} sigma: its p-value is 1: expected a higher one" if sigma is not None else f"confidence level {confidence}: expected more"
        )
    return p, f"{sigma:g} sigma" if sigma is not None else f"{100 * (1 - p):g} %"


def finite(value: float) -> float | None:
    """The value, or None (JSON null) where it is not finite."""
    return float(value) if math.isfinite(value) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """A local minimum: theta (internal units) and its chi2."""

    theta: Mapping[str, float]
    chi2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Result of ``fit``.

    Attributes
    ----------
    parameters : tuple of Parameter
        All of them, fixed ones too.
    best : dict of str to float
        Internal units; prints and goes to JSON in display units.
    fixed : tuple of str
        Held at a value, by the caller or because they have no effect on the data (``notes`` says so).
    intervals : dict of str to (low or None, high or None)
        Delta chi2 = 1 with the others profiled, internal units; None where it reaches the bound of the search.
    chi2, null_chi2 : float
    n_data : int or None
    minima : tuple of Minimum
        Every local minimum within Delta chi2 = 9 of the best, the best first.
    pulls : dict of str to float
        Profiled pulls at the best fit, in sigma.
    notes : tuple of str
    references : frozenset of str
    global_significance : (sigma, error) or None
        Two-sided, of the preference over the null hypothesis with the ranges of all parameters taken into account; None where there is no closed form.
    """

    parameters: tuple[Parameter, ...]
    best: Mapping[str, float]
    fixed: tuple[str, ...]
    intervals: Mapping[str, tuple[float | None, float | None]]
    chi2: float
    null_chi2: float
    n_data: int | None
    minima: tuple[Minimum, ...]
    pulls: Mapping[str, float]
    notes: tuple[str, ...]
    references: frozenset[str]
    global_significance: tuple[float, float] | None = None

    @property
    def dof(self) -> int | None:
        """Number of data less number of free parameters; None for event likelihoods."""
        return None if self.n_data is None else self.n_data - len(self.parameters) + len(self.fixed)

    @property
    def p_value(self) -> float | None:
        """Goodness of fit; None without degrees of freedom."""
        return p_value(max(self.chi2, 0.0), self.dof) if self.dof is not None and self.dof > 0 else None

    @property
    def delta_chi2(self) -> float:
        """Preference of the best fit over the null hypothesis."""
        return self.null_chi2 - self.chi2

    @property
    def significance(self) -> dict[str, float]:
        """Significance of the preference over the null hypothesis under Wilks' theorem, with one and with two parameters."""
        return {f"wilks_{k}": wilks(self.delta_chi2, k) for k in (1, 2)}

    def to_dict(self) -> dict[str, Any]:
        """Display units, keys carry them; null with a reason in "notes" where a number is not finite."""

        def shown(theta: Mapping[str, float]) -> dict[str, float | None]:
            return {p.json_key: finite(units.to_display(theta[p.name], p.unit)) for p in self.parameters}

        return {
            "best": shown(self.best),
            "fixed": list(self.fixed),
            "intervals": {
                p.json_key: [None if end is None else units.to_display(end, p.unit) for end in self.intervals[p.name]]
                for p in self.parameters
                if p.name in self.intervals
            },
            "chi2": self.chi2,
            "dof": self.dof,
            "p_value": self.p_value,
            "null_chi2": self.null_chi2,
            "delta_chi2": self.delta_chi2,
            "significance": {
                **{k: finite(v) for k, v in self.significance.items()},
                **dict(zip(("global", "global_error"), map(finite, self.global_significance or (math.nan, math.nan)), strict=True)),
            },
            "minima": [{**shown(m.theta), "chi2": m.chi2, "delta_chi2": m.chi2 - self.chi2} for m in self.minima],
            "pulls": dict(self.pulls),
            "notes": [*self.notes, *([] if self.global_significance else [_NO_GLOBAL])],
        }

    def table(self) -> Table:
        """Rows of what a person reads."""
        rows: list[tuple[str, ...]] = []
        for p in self.parameters:
            low, high = self.intervals.get(p.name, (None, None))
            value = units.to_display(self.best[p.name], p.unit)
            if p.name in self.fixed:
                error = "fixed"
            elif p.name in self.intervals:
                up = "to the bound" if high is None else f"+{units.to_display(high, p.unit) - value:.2g}"
                down = "to the bound" if low is None else f"-{value - units.to_display(low, p.unit):.2g}"
                error = f"{up} / {down}"
            else:
                error = ""
            rows.append((p.name, p.show(self.best[p.name]), error))
        dof = "" if self.dof is None else f" / {self.dof}"
        rows.append(("chi2 / dof", f"{self.chi2:.2f}{dof}", f"p = {self.p_value:.2g}" if self.p_value is not None else ""))
        rows.append(("chi2 without", f"{self.null_chi2:.2f}", f"Delta chi2 = {max(self.delta_chi2, 0.0):.2f}"))
        k = len(self.parameters) - len(self.fixed)
        if k:
            chance = p_value(max(self.delta_chi2, 0.0), k)
            sides = f"two-sided; one-sided {one_sided(chance):.2f}"
            rows.append(("significance", f"{sigma_of(chance):.2f} sigma", f"Wilks, {k} parameter{'s' if k > 1 else ''}, {sides}"))
        if self.global_significance is not None:
            sigma, spread = self.global_significance
            sides = f"two-sided; one-sided {one_sided(p_of(sigma)):.2f}"
            rows.append(("  global", f"{sigma:.2f} +- {spread:.2f} sigma", f"exact over the range of the parameters, {sides}"))
        rows += [(f"pull {name}", f"{x:+.2f}", "sigma") for name, x in self.pulls.items()]
        for m in self.minima[1:]:
            rows.append(
                (
                    "also",
                    ", ".join(f"{p.name} = {p.show(m.theta[p.name], 3)}" for p in self.parameters if p.name not in self.fixed),
                    f"Delta chi2 = {m.chi2 - self.chi2:.2f}",
                )
            )
        return Table(title="Best fit", rows=tuple(rows), notes=self.notes)

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Where Delta chi2 stays below a threshold.

    Attributes
    ----------
    parameters : tuple of Parameter
        Of the axes.
    axes : dict of str to array
        Internal units.
    delta_chi2 : array
        On the grid of the axes.
    threshold : float
    label : str
        How the threshold was found, such as "2 sigma, Wilks with 2 parameters".
    references : frozenset of str
    """

    parameters: tuple[Parameter, ...]
    axes: Mapping[str, Array]
    delta_chi2: Array
    threshold: float
    label: str
    references: frozenset[str]

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Mask of the grid points in the region."""
        return self.delta_chi2 <= self.threshold

    def contours(self) -> tuple[Array, ...]:
        """Border lines of a two-dimensional region, each (points, 2), in the display units of the axes.

        Interpolated between grid points in the scale of each axis. Raises RangeError unless there are two axes.
        """
        if len(self.axes) != 2:
            raise RangeError(f"contours of a region with {len(self.axes)} axes: expected 2")
        from contourpy import contour_generator

        x, y = (np.asarray(p.position(axis)) for p, axis in zip(self.parameters, self.axes.values(), strict=True))
        lines: list[Array] = contour_generator(x=x, y=y, z=self.delta_chi2.T).lines(self.threshold)  # type: ignore[assignment]
        return tuple(np.stack([units.to_display(1.0, p.unit) * np.asarray(p.at(line[:, i])) for i, p in enumerate(self.parameters)], -1) for line in lines)

    def bounds(self, name: str) -> tuple[float, float]:
        """Smallest and largest value (internal) of one axis inside the region.

        Raises
        ------
        RangeError
            If the region is empty.
        """
        k = list(self.axes).index(name)
        inside = self.inside.any(axis=tuple(i for i in range(self.inside.ndim) if i != k))
        if not inside.any():
            raise RangeError("the region is empty")
        values = self.axes[name][inside]
        return float(values.min()), float(values.max())


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Result of ``scan``: chi2 on a grid, the other parameters profiled.

    Attributes
    ----------
    parameters : tuple of Parameter
        Of the axes.
    axes : dict of str to array
        Internal units.
    chi2 : array
        One dimension per axis, in the order of ``axes``.
    references : frozenset of str
    """

    parameters: tuple[Parameter, ...]
    axes: Mapping[str, Array]
    chi2: Array
    references: frozenset[str]

    def delta_chi2(self, minimum: float | None = None) -> Array:
        """chi2 above the smallest of the grid, or above a fit's minimum where one is given."""
        lowest = float(self.chi2.min())
        difference: Array = self.chi2 - (lowest if minimum is None else min(lowest, minimum))
        return difference

    def region(self, *, sigma: float | None = None, confidence: float | None = None, minimum: float | None = None) -> Region:
        """Region at a level given in sigma (two-sided) or as a probability, under Wilks' theorem with one parameter per axis.

        Raises
        ------
        RangeError
            Unless exactly one of the two is given, inside its range.
        """
        p, name = level(sigma, confidence)
        dof = len(self.axes)
        return Region(
            parameters=self.parameters, axes=self.axes, delta_chi2=self.delta_chi2(minimum), threshold=threshold(p, dof),
            label=f"{name}, Wilks with {dof} parameter{'s' if dof > 1 else ''}", references=self.references,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Axes and chi2 in display units."""
        return {
            "axes": {p.json_key: [units.to_display(float(x), p.unit) for x in self.axes[p.name]] for p in self.parameters},
            "chi2": self.chi2.tolist(),
            "chi2_min": float(self.chi2.min()),
            "delta_chi2": self.delta_chi2().tolist(),
        }
