"""Global significance of the null hypothesis: the chance that some point of a model fits pure noise as much better as the data say, without tail toys."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from megacurie.foundation.arrays import Array, blocks
from megacurie.statistics.likelihood import GaussianLikelihood, Likelihood
from megacurie.statistics.results import sigma_of

_SEED = 20220611  # of the directions: the same significance each time
_SMALL = 32  # data: more of them are reduced to the directions that predictions have
_NUMBERS = 2**19  # of one step: 4 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalSignificance:
    """Probability of a preference at least as large without new physics, and its error from the number of directions; as two-sided sigma."""

    p_value: float
    p_error: float

    @property
    def sigma(self) -> float:
        """Two-sided Gaussian significance."""
        return sigma_of(self.p_value)

    @property
    def error(self) -> float:
        """Error of ``sigma``: that of p over the density of two tails."""
        if self.p_value < 1e-300:  # below what a number can hold
            return math.inf
        return self.p_error * math.sqrt(math.pi / 2) * math.exp(0.5 * self.sigma**2)


def directions(effect: Array, residual: Array) -> tuple[Array, Array, Array]:
    """Unit vectors (candidates, n) and lengths of whitened effects (candidates, data), and the residual along them; many data are reduced to what they span.

    Examples
    --------
    >>> u, h, p = directions(np.array([[3.0, 4.0]]), np.array([1.0, 0.0]))
    >>> print(u, h, p)
    [[0.6 0.8]] [5.] [0.6]
    """
    height = np.sqrt((effect * effect).sum(-1))
    unit = effect / np.where(height > 0, height, 1.0)[:, None]
    projected = unit @ residual
    if effect.shape[1] > _SMALL:
        left, weight, _ = np.linalg.svd(unit, full_matrices=False)
        kept = weight > 1e-12 * weight[0]
        unit = left[:, kept] * weight[kept]
    return unit, height, projected


def tail(direction: Array, height: Array, preference: float, *, n: int = 100_000) -> GlobalSignificance:
    """Chance that max_j x_j (2 u_j.z - x_j), x_j = min(max(u_j.z, 0), h_j), exceeds a preference for standard normal z.

    With a direction omega uniform on the sphere and c_j = u_j . omega, the length of z beyond which it does is

        r = min over c_j > 0 of kappa_j / c_j,   kappa_j = sqrt(t) if sqrt(t) <= h_j, else (t + h_j^2)/(2 h_j)

    and p is the mean of the tail of the chi distribution beyond r: exact but for the finite number of directions, however small p is.

    Parameters
    ----------
    direction : array (candidates, dimensions)
        u_j.
    height : array (candidates,)
        h_j.
    preference : float
        t, Delta chi2 of the best fit over the null hypothesis.
    n : int
        Directions.

    Examples
    --------
    >>> one = tail(np.array([[1.0, 0.0]]), np.array([100.0]), 9.0)  # one amplitude that cannot be negative: half of the two-sided 3 sigma
    >>> print(abs(one.p_value - 0.00135) < 4 * one.p_error)
    True
    """
    used = height > 0
    root = math.sqrt(max(preference, 0.0))
    h = height[used]
    kappa = np.where(root <= h, root, (preference + h * h) / (2 * h))
    if not len(h) or root == 0:
        return GlobalSignificance(p_value=1.0, p_error=0.0)
    scaled = direction[used] / kappa[:, None]
    dimensions = direction.shape[1]
    omega = np.random.default_rng(_SEED).standard_normal((n, dimensions))
    omega /= np.sqrt((omega * omega).sum(-1))[:, None]
    inverse = np.concatenate([(omega[part] @ scaled.T).max(-1) for part in blocks(n, len(h), _NUMBERS)])
    p = np.where(inverse > 0, chdtrc(dimensions, 1 / np.maximum(inverse, 1e-150) ** 2), 0.0)
    return GlobalSignificance(p_value=float(p.mean()), p_error=float(p.std() / math.sqrt(n)))


def global_significance(
    likelihood: Likelihood, candidates: Mapping[str, Array], preference: float, *, fixed: Mapping[str, float] | None = None, n: int = 100_000
) -> GlobalSignificance | None:
    """Significance of a preference over the null hypothesis, the whole range of a model taken into account.

    Parameters
    ----------
    likelihood : Likelihood
        Gaussian with fixed covariance, affine in a parameter whose lower bound is the null hypothesis.
    candidates : dict of str to array (candidates,)
        Points of the other free parameters, internal units.
    preference : float
        Delta chi2 of the best fit over the null hypothesis.
    fixed : dict of str to float
        Parameters held at a value.
    n : int
        Directions.

    Returns
    -------
    GlobalSignificance, or None where the likelihood is of another kind.

    Examples
    --------
    >>> import megacurie as mci
    >>> best = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    >>> found = global_significance(best, {"dm2": mci.geomspace("0.1 eV2", "30 eV2", 201)}, 20.0)
    >>> print(f"{found.sigma:.1f}")  # between Wilks with two parameters, 4.1, and one, 4.5
    4.3
    """
    if not isinstance(likelihood, GaussianLikelihood) or not likelihood.fixed or likelihood.affine is None or any(p.prior for p in likelihood.parameters):
        return None
    parameter = next(p for p in likelihood.parameters if p.name == likelihood.affine)
    if parameter.name in (fixed or {}):
        return None
    zero, slope = (np.atleast_2d(part) for part in likelihood.model.split({**candidates, **(fixed or {})}))
    start, null = zero + parameter.lower * slope, likelihood.model.null
    if not np.allclose(start, null, rtol=1e-9, atol=1e-9 * float(np.abs(null).max(initial=0.0))):
        return None
    effect = likelihood.whitened((parameter.upper - parameter.lower) * slope)
    direction, height, _ = directions(effect, np.zeros(effect.shape[1]))
    return tail(direction, height, preference, n=n)
