"""Oscillation into sterile neutrinos, and no oscillation at all."""

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
    references = frozenset({"Giunti:2019aiy"})
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


@final
@dataclass(frozen=True)
class Sterile2(Hypothesis):
    """3+2: P_e = 1 - 4 sum_{i<j} |U_ei|^2 |U_ej|^2 sin^2(dm2_ij L / (4 hbar c E)) over the light states together, 4 and 5.

    Sources
    -------
    M. Sorel, J. Conrad and M. Shaevitz, Phys. Rev. D 70, 073004 (2004). With ue5_squared = 0 it is Sterile with sin^2(2 theta) = 4 U (1 - U).
    """

    name = "sterile-2"
    references = frozenset({"Sorel:2003hf"})
    parameters = (
        Parameter("ue4_squared", "", low=0.0, high=0.5, label=r"$|U_{e4}|^2$"),
        Parameter("dm2_41", "eV2", low=0.05, high=30.0, scale="log", label=r"$\Delta m^2_{41}$ [eV$^2$]"),
        Parameter("ue5_squared", "", low=0.0, high=0.5, label=r"$|U_{e5}|^2$"),
        Parameter("dm2_51", "eV2", low=0.05, high=30.0, scale="log", label=r"$\Delta m^2_{51}$ [eV$^2$]"),
    )

    def probabilities(self, theta: Theta, L: Array, E: Array, *, particle: str = "neutrino") -> tuple[Array, Array]:
        xp = namespace(L, E, *theta.values())
        clock = L / (2 * units.hbarc * E)
        u4, u5 = theta["ue4_squared"], theta["ue5_squared"]
        waves = [1 - xp.cos(dm2 * clock) for dm2 in (theta["dm2_41"], theta["dm2_51"], theta["dm2_51"] - theta["dm2_41"])]
        P_e = 1 - 2 * ((1 - u4 - u5) * (u4 * waves[0] + u5 * waves[1]) + u4 * u5 * waves[2])
        return P_e, xp.zeros_like(P_e)

    def phase(self, theta: Theta) -> float:
        return max(float(np.max(np.abs(theta[name]))) for name in ("dm2_41", "dm2_51")) / (4 * units.hbarc)


@final
@dataclass(frozen=True)
class CptViolation(Hypothesis):
    """3+1 oscillation with parameters of its own for antineutrinos; gallium and chromium see those of neutrinos only.

    Sources
    -------
    C. Giunti and M. Laveder, Phys. Rev. D 82, 113009 (2010). With equal parameters it is Sterile.
    """

    name = "cpt-violation"
    references = frozenset({"Giunti:2010zs"})
    parameters = (
        Parameter("sin2_2theta", "", low=0.0, high=1.0, label=r"$\sin^2 2\theta_{ee}$"),
        Parameter("dm2", "eV2", low=0.05, high=30.0, scale="log", label=r"$\Delta m^2_{41}$ [eV$^2$]"),
        Parameter("sin2_2theta_bar", "", low=0.0, high=1.0, label=r"$\sin^2 2\bar\theta_{ee}$"),
        Parameter("dm2_bar", "eV2", low=0.05, high=30.0, scale="log", label=r"$\Delta\bar m^2_{41}$ [eV$^2$]"),
    )

    def probabilities(self, theta: Theta, L: Array, E: Array, *, particle: str = "neutrino") -> tuple[Array, Array]:
        bar = "_bar" if particle == "antineutrino" else ""
        return Sterile().probabilities({name: theta[f"{name}{bar}"] for name in ("sin2_2theta", "dm2")}, L, E)

    def phase(self, theta: Theta) -> float:
        return max(float(np.max(np.abs(theta[name]))) for name in ("dm2", "dm2_bar")) / (4 * units.hbarc)


@final
@dataclass(frozen=True)
class EnergyDependentMixing(Hypothesis):
    """3+1 oscillation whose mixing runs with energy: sin^2(2 theta) = s_0 (E/E_0)^k, at most 1, E_0 = 0.75 MeV. With k = 0 it is Sterile."""

    name = "energy-dependent-mixing"
    parameters = (
        Parameter("sin2_2theta", "", low=0.0, high=1.0, label=r"$\sin^2 2\theta_{ee}(E_0)$"),
        Parameter("dm2", "eV2", low=0.05, high=30.0, scale="log", label=r"$\Delta m^2_{41}$ [eV$^2$]"),
        Parameter("power", "", low=-4.0, high=4.0, label=r"$k$"),
    )

    def probabilities(self, theta: Theta, L: Array, E: Array, *, particle: str = "neutrino") -> tuple[Array, Array]:
        xp = namespace(L, E, *theta.values())
        running = xp.minimum(theta["sin2_2theta"] * (E / (0.75 * units.MeV)) ** theta["power"], 1.0)
        return Sterile().probabilities({"sin2_2theta": running, "dm2": theta["dm2"]}, L, E)

    def phase(self, theta: Theta) -> float:
        return Sterile().phase(theta)
