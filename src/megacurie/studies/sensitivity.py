"""What an experiment that sees no new physics would exclude: from distance, recoil energy and rate together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from megacurie.experiments.expectation import Hypothesis
from megacurie.experiments.experiment import Experiment
from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.display import Table
from megacurie.foundation.errors import DataError, RangeError
from megacurie.foundation.parameters import Parameter
from megacurie.statistics.inference import scan
from megacurie.statistics.results import Region, threshold
from megacurie.studies.expected import asimov

_POINTS = 121  # of the curve


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Smallest strength that is excluded at each value of another parameter.

    Attributes
    ----------
    experiment, hypothesis : str
    parameter, strength : Parameter
        Such as dm2, and sin2_2theta.
    level : float
        Confidence.
    dof : int
        Degrees of freedom of the threshold.
    values : array (n,)
        Of the parameter, internal units.
    limits : array (n,)
        Of the strength, internal units; NaN where even its largest value is not excluded.
    notes : tuple of str
    references : frozenset of str
    """

    experiment: str
    hypothesis: str
    parameter: Parameter
    strength: Parameter
    level: float
    dof: int
    values: Array
    limits: Array
    notes: tuple[str, ...]
    references: frozenset[str]

    def share_of(self, region: Region) -> float:
        """Share of a region, such as that which gallium allows, that is excluded: points of its grid, so area in the scale of its axes.

        Raises
        ------
        RangeError
            If the region is not in the plane of strength and parameter, in this order, or empty.

        Examples
        --------
        >>> import megacurie as mci
        >>> grid = mci.scan(
        ...     mci.gallium.datasets().likelihood(mci.Sterile()), {"sin2_2theta": mci.linspace(0, 1, 101), "dm2": mci.geomspace("1 eV2", "20 eV2", 41)}
        ... )
        >>> curve = exclusion(mci.load("lif6-cr51"), mci.Sterile(), mci.geomspace("1 eV2", "20 eV2", 41))
        >>> 0.5 < curve.share_of(grid.region(sigma=2)) < 1
        True
        """
        if list(region.axes) != [self.strength.name, self.parameter.name]:
            raise RangeError(f"a region of {', '.join(region.axes)}: expected {self.strength.name}, {self.parameter.name}, in this order")
        if not region.inside.any():
            raise RangeError(f"region, {region.label}: nothing is in it; expected a grid with allowed points")
        strength, parameter = region.axes.values()
        limits = np.where(np.isnan(self.limits), np.inf, self.limits)
        with np.errstate(invalid="ignore"):  # between an excluded point and none: no number, not excluded
            limit = np.interp(parameter, self.values, limits, left=np.inf, right=np.inf)
        return float((strength[:, None] > limit)[region.inside].mean())

    def to_dict(self) -> dict[str, Any]:
        """Display units; null where nothing is excluded."""
        return {
            "experiment": self.experiment,
            "hypothesis": self.hypothesis,
            "level": self.level,
            "dof": self.dof,
            self.parameter.json_key: [units.to_display(float(x), self.parameter.unit) for x in self.values],
            self.strength.json_key: [None if np.isnan(x) else units.to_display(float(x), self.strength.unit) for x in self.limits],
            "notes": list(self.notes),
        }

    def table(self) -> Table:
        """A dozen rows of what a person reads."""
        step = max(1, (len(self.values) - 1) // 12)
        rows = tuple(
            (self.parameter.show(float(x), 3), "nothing" if np.isnan(s) else f"> {self.strength.show(float(s), 3)}")
            for x, s in zip(self.values[::step], self.limits[::step], strict=True)
        )
        title = f"{self.experiment}: {self.strength.name} of {self.hypothesis} excluded at {100 * self.level:g} % ({self.dof} dof), if nothing is there"
        return Table(title=title, head=(self.parameter.name, self.strength.name), rows=rows, notes=self.notes)

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Region of a hypothesis that an experiment without new physics would allow: what lies outside is excluded."""

    experiment: str
    hypothesis: str
    region: Region
    notes: tuple[str, ...]

    @property
    def references(self) -> frozenset[str]:
        """Keys of everything that entered."""
        return self.region.references

    def to_dict(self) -> dict[str, Any]:
        """Axes and chi2 in display units."""
        axes = {p.json_key: [units.to_display(float(x), p.unit) for x in self.region.axes[p.name]] for p in self.region.parameters}
        return {
            "experiment": self.experiment, "hypothesis": self.hypothesis, "axes": axes, "delta_chi2": self.region.delta_chi2.tolist(),
            "threshold": self.region.threshold, "level": self.region.label, "notes": list(self.notes),
        }  # fmt: skip

    def table(self) -> Table:
        """How much of the scanned plane is excluded."""
        share = 1 - float(self.region.inside.mean())
        rows = (("excluded", f"{100 * share:.1f} % of the points of the grid"), ("level", self.region.label))
        return Table(title=f"{self.experiment}: {self.hypothesis}, if nothing is there", rows=rows, notes=self.notes)

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def exclusion(experiment: Experiment, hypothesis: Hypothesis, values: Array | None = None, *, level: float = 0.95, dof: int = 1) -> Exclusion:
    """The exclusion curve of a hypothesis with one strength in which counts are affine and one other parameter.

    With data that are the expectation, chi2 = s^2 q: the limit is sqrt(threshold / q), one q for each value of the other parameter.

    Parameters
    ----------
    experiment : Experiment
        With activity, material and schedule; bins of distance and recoil are used where the card states them.
    hypothesis : Hypothesis
        Such as Sterile.
    values : array (n,), optional
        Of the other parameter; by default 121 over its range within the reach of the kernel.
    level : float
        Confidence.
    dof : int
        Degrees of freedom of the threshold: 1 for a limit at each value, 2 for a contour in the plane.

    Raises
    ------
    DataError
        If the hypothesis is of another kind.

    Examples
    --------
    >>> import megacurie as mci
    >>> curve = exclusion(mci.load("ciuffoli-2025/jne-500t-center"), mci.Sterile(), np.array([1.0]) * units.eV2)
    >>> print(0.01 < curve.limits[0] < 0.2)
    True
    """
    others = [p for p in hypothesis.parameters if p.name != hypothesis.affine]
    if hypothesis.affine is None or len(others) != 1:
        raise DataError(f"{hypothesis.name}: an exclusion curve needs one strength in which counts are affine and one other parameter: give two axes instead")
    likelihood = asimov(experiment, hypothesis)
    parameter = next(p for p in likelihood.parameters if p.name == others[0].name)
    strength = next(p for p in likelihood.parameters if p.name == hypothesis.affine)
    values = np.asarray(parameter.at(np.linspace(0, 1, _POINTS))) if values is None else values
    likelihood.check({parameter.name: values, strength.name: strength.upper})
    model, null = likelihood.model, likelihood.model.null
    ends = model({parameter.name: values[[0, -1]], strength.name: 0.0})
    if not np.allclose(ends, null, rtol=1e-9, atol=0):
        raise DataError(f"{hypothesis.name}: with {strength.name} = 0 it is not the expectation without new physics: no exclusion curve. Give two axes instead")
    q = likelihood.quadratic(null, model({parameter.name: values, strength.name: 1.0}) - null)[2]
    with np.errstate(divide="ignore"):
        limits = np.sqrt(threshold(1 - level, dof) / q)
    limits = np.where(limits <= strength.upper, limits, np.nan)
    notes = list(experiment.warnings)
    if not np.isfinite(limits).any():
        notes.append("nothing is excluded: no sensitivity")
    return Exclusion(
        experiment=experiment.name, hypothesis=hypothesis.name, parameter=parameter, strength=strength, level=level, dof=dof, values=values, limits=limits,
        notes=tuple(notes), references=likelihood.references,
    )  # fmt: skip


def reach(experiment: Experiment, hypothesis: Hypothesis, axes: Mapping[str, Array], *, level: float = 0.95) -> Exclusion | Reach:
    """The exclusion curve without axes; with them, what would be allowed on their grid.

    Parameters
    ----------
    experiment : Experiment
    hypothesis : Hypothesis
    axes : dict of str to array
    level : float
    """
    if not axes:
        return exclusion(experiment, hypothesis, level=level)
    likelihood = asimov(experiment, hypothesis)
    region = scan(likelihood, axes).region(confidence=level, minimum=0.0)
    return Reach(experiment=experiment.name, hypothesis=hypothesis.name, region=region, notes=experiment.warnings)
