"""Oscillation into a sterile neutrino, and no oscillation at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from megacurie.foundation import units
from megacurie.foundation.arrays import Array, namespace
from megacurie.foundation.parameters import Parameter, Theta
from megacurie.physics.hypotheses.base import Hypothesis


@final
@dataclass(frozen=True)
class NoOscillation(Hypothesis):
    """The expectation itself: P_e = 1, nothing scaled, no parameters."""

    name = "no-oscillation"


@final
@dataclass(frozen=True)
class Sterile(Hypothesis):
    """3+1 oscillation at short baselines: P_e = 1 - sin^2(2 theta) sin^2(dm2 L / (4 hbar c E)); what is lost is sterile.

    Sources
    -------
    The two-flavour limit for L much shorter than the active oscillation lengths; C. Giunti and T. Lasserre, Ann. Rev. Nucl. Part. Sci. 69, 163 (2019).

    Examples
    --------
    >>> import numpy as np
    >>> from megacurie.foundation import units as u
    >>> theta = {"sin2_2theta": 0.4, "dm2": 1.0 * u.eV2}
    >>> first_minimum = 2 * np.pi * u.hbarc * 0.75 * u.MeV / u.eV2
    >>> P_e, P_x = Sterile().probabilities(theta, np.array([first_minimum]), np.array([0.75 * u.MeV]))
    >>> print(round(float(P_e[0]), 6), float(P_x[0]))
    0.6 0.0
    """

    name = "sterile"
    parameters = (
        Parameter("sin2_2theta", "", low=0.0, high=1.0, label=r"$\sin^2 2\theta_{ee}$"),
        Parameter("dm2", "eV2", low=0.05, high=30.0, scale="log", label=r"$\Delta m^2_{41}$ [eV$^2$]"),
    )
    affine = "sin2_2theta"

    def probabilities(self, theta: Theta, L: Array, E: Array, *, particle: str = "neutrino") -> tuple[Array, Array]:
        xp = namespace(L, E, *theta.values())
        # sin^2 x = (1 - cos 2x)/2: one call of cos
        wave = xp.cos(theta["dm2"] * (L / (2 * units.hbarc * E)))
        P_e = 1 - 0.5 * theta["sin2_2theta"] * (1 - wave)
        return P_e, xp.zeros_like(P_e)

    def phase(self, theta: Theta) -> float:
        return float(np.max(np.abs(theta["dm2"]))) / (4 * units.hbarc)
