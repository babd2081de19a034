"""Decoherence of the three active neutrinos by new physics, without sterile ones: what is lost from nu_e arrives as nu_mu or nu_tau."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array, namespace
from megacurie.foundation.parameters import Parameter, Theta
from megacurie.physics.hypotheses.base import Hypothesis

Rates = Callable[[Theta, Array], tuple[Any, Any, Any]]
"""Damping rates (gamma_12, gamma_13, gamma_23) per length as functions of theta and energy; infinite where coherence is lost at once."""

_LAMBDA12 = Parameter("lambda12", "m", low=0.01, high=100.0, scale="log", label=r"$\lambda_{12}$ [m]")


def power_law(theta: Theta, E: Array) -> tuple[Any, Any, Any]:
    """gamma_12 = (1/lambda_12) (E_ref/E)^r with E_ref = 0.75 MeV; 13 and 23 lose coherence at once."""
    xp = namespace(E, *theta.values())
    gone = xp.full_like(E, np.inf)
    return (0.75 * units.MeV / E) ** theta["r"] / theta["lambda12"], gone, gone


def peaked(theta: Theta, E: Array) -> tuple[Any, Any, Any]:
    """d_1 = 0, d_2 a Gaussian peak at 0.75 MeV, d_3 one at 30 MeV, each of 20 % width: gamma_ij = (d_i - d_j)^2, d_2^2 = 1/lambda_12 at its peak.

    The choice of arXiv:2306.09422 that also explains LSND.
    """
    xp = namespace(E, *theta.values())
    size = theta["lambda12"] ** -0.5
    d2, d3 = (size * xp.exp(-0.5 * ((E / (peak * units.MeV) - 1) / 0.2) ** 2) for peak in (0.75, 30.0))
    return d2**2, d3**2, (d2 - d3) ** 2


@final
@dataclass(frozen=True)
class Decoherence(Hypothesis):
    """P_e = sum_i |U_ei|^4 + sum_{i != j} |U_ei|^2 |U_ej|^2 exp(-gamma_ij L) cos(dm2_ij L / (2 hbar c E)); P_x = 1 - P_e.

    At metre scale, 13 and 23 decohered: P_e = 1 - sin^2(2 th13)/2 - cos^4 th13 sin^2(2 th12) (1 - exp(-gamma_12 L))/2.

    Parameters
    ----------
    rates : callable (theta, E) -> (gamma_12, gamma_13, gamma_23)
        ``power_law`` (default), ``peaked``, or a function of your own.
    parameters : tuple of Parameter
        What the rates read from theta.
    antineutrino_rates : callable, optional
        Where antineutrinos differ.

    Sources
    -------
    Y. Farzan and T. Schwetz, arXiv:2306.09422; mixing angles from our data.

    Examples
    --------
    >>> import numpy as np
    >>> from megacurie.foundation import units as u
    >>> P_e, P_x = Decoherence().probabilities({"lambda12": 1.84 * u.m, "r": 12.0}, np.array([1.0 * u.m]), np.array([0.747 * u.MeV]))
    >>> print(f"{P_e[0]:.2f} {P_e[0] + P_x[0]:.2f}")
    0.78 1.00
    """

    rates: Rates = power_law
    parameters: tuple[Parameter, ...] = (_LAMBDA12, Parameter("r", "", low=0.0, high=20.0, label=r"$r$"))
    antineutrino_rates: Rates | None = field(default=None)

    name = "decoherence"
    references = frozenset({"Farzan:2023fqa"})

    def probabilities(self, theta: Theta, L: Array, E: Array, *, particle: str = "neutrino") -> tuple[Array, Array]:
        xp = namespace(L, E, *theta.values())
        rates = self.antineutrino_rates if particle == "antineutrino" and self.antineutrino_rates is not None else self.rates
        u = electron_row()
        dm21, dm31 = (provenance.datum(f"constant.{key}", "mass-squared").value for key in ("dm2_21", "dm2_31"))
        clock = L / (2 * units.hbarc * E)
        P_e: Any = sum(x * x for x in u)
        for (i, j), gamma, dm2 in zip(((0, 1), (0, 2), (1, 2)), rates(theta, E), (dm21, dm31, dm31 - dm21), strict=True):
            P_e = P_e + 2 * u[i] * u[j] * xp.exp(-gamma * L) * xp.cos(dm2 * clock)
        return P_e, 1 - P_e


def electron_row() -> tuple[float, float, float]:
    """|U_e1|^2, |U_e2|^2, |U_e3|^2 from the mixing angles of our data.

    Examples
    --------
    >>> round(sum(electron_row()), 12)
    1.0
    """
    s12, s13 = (provenance.datum(f"constant.sin2_theta{k}", "dimensionless").value for k in (12, 13))
    return (1 - s12) * (1 - s13), s12 * (1 - s13), s13
