"""Oscillation into the Kaluza-Klein towers of right-handed neutrinos that live in one large extra dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array, namespace
from megacurie.foundation.parameters import Parameter, Theta
from megacurie.physics.hypotheses.base import Hypothesis
from megacurie.physics.hypotheses.decoherence import electron_row

_STEPS = 7  # of Newton's method: from these starts six leave nothing but rounding


@final
@dataclass(frozen=True)
class LargeExtraDimension(Hypothesis):
    """P_e = |sum_i |U_ei|^2 sum_n W_in^2 exp(i lambda_in^2 hbar c L / (2 E a^2))|^2: each active state is the lightest of a tower of radius ``a``.

    lambda_in is the root of lambda = pi xi_i^2 cot(pi lambda) between n and n + 1/2, W_in^2 = 2/(1 + pi^2 xi_i^2 + lambda_in^2/xi_i^2),
    xi_i = m_i^D a/(hbar c).
    m_1^D is ``m0``; m_2^D and m_3^D are such that the lightest states reproduce dm2_21 and dm2_31 of our data (normal ordering):
    lambda_i0^2 = lambda_10^2 + dm2_i1 a^2/(hbar c)^2 and xi_i^2 = lambda_i0 tan(pi lambda_i0)/pi, valid for lambda_i0 < 1/2: the bounds ensure it.

    Parameters
    ----------
    modes : int
        States kept of each tower. The others carry little weight and oscillate too fast to be seen at metres: what is missing at L = 0 is lost here at once.
        They would add at most .015 to the mean of P_e (at the upper bounds of both parameters), and less than .002 where m0 < .2 eV.

    Sources
    -------
    H. Davoudiasl, P. Langacker and M. Perelstein, Phys. Rev. D 65, 105015 (2002); D. V. Forero, C. Giunti, C. A. Ternes and O. Tyagi, arXiv:2207.02790.
    a -> 0: 1 at metre scale.

    Examples
    --------
    >>> import numpy as np
    >>> from megacurie.foundation import units as u
    >>> theta = {"a": 0.3 * u.um, "m0": 0.2 * u.eV}
    >>> P_e, P_x = LargeExtraDimension().probabilities(theta, np.array([0.01, 1.0]) * u.m, np.array([0.75, 0.75]) * u.MeV)
    >>> print(bool(P_e[1] < P_e[0] < 1), P_x)
    True [0. 0.]
    """

    modes: int = 4

    name = "large-extra-dimension"
    references = frozenset({"Davoudiasl:2002fq", "Forero:2022skg"})
    parameters = (
        Parameter("a", "um", low=0.01, high=0.5, scale="log", label=r"$a$ [$\mu$m]"),
        Parameter("m0", "eV", low=1e-3, high=0.5, label=r"$m_1^D$ [eV]"),
    )

    def towers(self, theta: Theta) -> tuple[tuple[Any, Any], ...]:
        """lambda_in^2 and W_in^2 of the three towers, in the order i = 1, 2, 3.

        Parameters
        ----------
        theta : dict of str to float or array (...)

        Returns
        -------
        three pairs of arrays (modes, ...)

        Examples
        --------
        >>> from megacurie.foundation import units as u
        >>> many = LargeExtraDimension(modes=2000).towers({"a": 0.3 * u.um, "m0": 0.2 * u.eV})
        >>> print([round(float(weight.sum()), 3) for _, weight in many])
        [1.0, 1.0, 1.0]
        """
        xp = namespace(*theta.values())
        inverse = units.hbarc / theta["a"]
        n = xp.arange(float(self.modes)).reshape(-1, *(1,) * getattr(theta["a"] * theta["m0"], "ndim", 0))
        lightest = _roots(xp, n[:1], (theta["m0"] / inverse) ** 2)[0] ** 2
        towers = []
        for split in (0.0, *(provenance.datum(f"constant.{key}", "mass-squared").value for key in ("dm2_21", "dm2_31"))):
            first = xp.sqrt(lightest + split / inverse**2)
            xi2 = first * xp.tan(np.pi * first) / np.pi
            square = _roots(xp, n, xi2) ** 2
            towers.append((square, 2 / (1 + np.pi**2 * xi2 + square / xi2)))
        return tuple(towers)

    def probabilities(self, theta: Theta, L: Array, E: Array, *, particle: str = "neutrino") -> tuple[Array, Array]:
        xp = namespace(L, E, *theta.values())
        clock = L / (2 * units.hbarc * E) * (units.hbarc / theta["a"]) ** 2
        real = imaginary = xp.zeros_like(L)
        for u, (squares, weights) in zip(electron_row(), self.towers(theta), strict=True):
            for square, weight in zip(squares, weights, strict=True):  # over the modes
                real = real + u * weight * xp.cos(square * clock)
                imaginary = imaginary + u * weight * xp.sin(square * clock)
        P_e = real**2 + imaginary**2
        return P_e, xp.zeros_like(P_e)

    def phase(self, theta: Theta) -> float:
        heaviest = max(float(np.max(square[-1] * (units.hbarc / theta["a"]) ** 2)) for square, _ in self.towers(theta))
        return heaviest / (4 * units.hbarc)


def _roots(xp: Any, n: Any, xi2: Any) -> Any:
    """Roots lambda = n + x/pi of (pi n + x) tan x = pi^2 xi^2: Newton's method on x = arctan(k/(pi n + x)), k = pi^2 xi^2, which is convex."""
    k = np.pi**2 * xi2
    start = xp.sqrt(k / (1 + 4 * k / np.pi**2))  # of n = 0: right for small and for large k
    x = xp.where(n > 0, xp.arctan(k / (np.pi * xp.maximum(n, 1.0))), start)
    for _ in range(_STEPS):
        whole = np.pi * n + x
        x = x + (xp.arctan(k / whole) - x) / (1 + k / (whole**2 + k**2))
    return n + x / np.pi
