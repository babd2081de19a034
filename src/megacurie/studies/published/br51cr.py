"""The branching ratio of 51Cr: mean of its measurements, and the value that would explain the anomaly."""

from __future__ import annotations

from functools import cache

import numpy as np

from megacurie.experiments import cards
from megacurie.experiments.expectation import Expectation
from megacurie.foundation import provenance
from megacurie.physics.hypotheses import BranchingRatioShift


def average(part: str) -> float:
    """Weighted mean of the five measurements ("value"), its "error" without scale factor, or "chi2"."""
    measured = tuple(provenance.walk(provenance.look_up("nuclide.cr51.gamma.branching_ratio.measured")))
    value, weight = np.array([m.value for m in measured]), np.array([m.plus**-2 for m in measured])
    mean = float(value @ weight / weight.sum())
    return {"value": mean, "error": float(weight.sum() ** -0.5), "chi2": float(weight @ (value - mean) ** 2)}[part]


def to_explain(assay: str, part: str) -> float:
    """Branching ratio at which BEST would have measured .80 of the expectation ("value"), and its distance from the mean in unscaled errors ("pull")."""
    found = _solution(assay)
    reference = provenance.datum("nuclide.cr51.gamma.branching_ratio", "dimensionless")
    return found if part == "value" else (found - reference.value) / reference.plus


@cache
def _solution(assay: str) -> float:
    """Two rows read one root."""
    from scipy.optimize import brentq

    mu = Expectation(cards.load("best", {"source.calibration": assay}).kernel(), BranchingRatioShift())
    reference = provenance.datum("nuclide.cr51.gamma.branching_ratio", "dimensionless").value
    expected = float(mu({"branching": reference})[0])
    high = mu.parameters[0].upper
    return float(brentq(lambda b: float(mu({"branching": b})[0]) / expected - 0.8, reference, high, xtol=1e-12, rtol=1e-12))
