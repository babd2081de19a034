"""For those who ask for a posterior: any likelihood as a log posterior over the unit cube, and the evidence of small models on a grid.

The prior is flat in position between a parameter's bounds, on its scale: flat in ln(dm2) where dm2 is logarithmic. A parameter's own ``prior`` counts as data.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError
from megacurie.statistics.inference import scan
from megacurie.statistics.likelihood import Likelihood


def log_posterior(likelihood: Likelihood) -> Callable[[Array], Array]:
    """-chi2/2 as a function of positions u in the unit cube, -inf outside: what emcee and dynesty take.

    Returns
    -------
    callable
        u of shape (..., n_parameters) -> array (...).

    Examples
    --------
    >>> import megacurie as mci
    >>> posterior = log_posterior(mci.gallium.datasets().likelihood(mci.Sterile()))
    >>> print(posterior(np.array([[0.3, 0.5], [0.3, 1.5]])).shape, float(posterior(np.array([0.3, 1.5]))))
    (2,) -inf
    """
    parameters = likelihood.parameters

    def posterior(u: Array) -> Array:
        inside = ((u >= 0) & (u <= 1)).all(-1)
        safe = np.clip(u, 0.0, 1.0)
        theta = {p.name: np.asarray(p.at(safe[..., i])) for i, p in enumerate(parameters)}
        return np.where(inside, -0.5 * likelihood.minus_two_log(theta), -np.inf)

    return posterior


def physical(likelihood: Likelihood, u: Array) -> dict[str, Array]:
    """Positions (..., n_parameters) of a sample as parameters, internal units."""
    return {p.name: np.asarray(p.at(u[..., i])) for i, p in enumerate(likelihood.parameters)}


def log_evidence(likelihood: Likelihood, points: int = 401) -> float:
    """ln of the evidence, Int exp(-chi2/2) over the prior, by the trapezoid rule on a grid; for models with one or two parameters.

    The null hypothesis has ln Z = -chi2_null/2; the difference is the logarithm of the Bayes factor.

    Raises
    ------
    RangeError
        If there are no parameters or more than two: take a nested sampler.

    Examples
    --------
    >>> import megacurie as mci
    >>> sterile = mci.gallium.datasets().likelihood(mci.Sterile())
    >>> print(log_evidence(sterile) > -0.5 * sterile.null())
    True
    """
    if len(likelihood.parameters) not in (1, 2):
        raise RangeError(f"evidence on a grid of {len(likelihood.parameters)} parameters: expected one or two. Give log_posterior to a nested sampler")
    u = np.linspace(0, 1, points)
    chi2 = scan(likelihood, {p.name: np.asarray(p.at(u)) for p in likelihood.parameters}).chi2
    height = np.exp(-0.5 * (chi2 - chi2.min()))
    for _ in likelihood.parameters:
        height = np.trapezoid(height, u, axis=-1)
    return math.log(float(height)) - 0.5 * float(chi2.min())
