"""Oscillation into a sterile neutrino that is damped: wave packets that separate, decay, a mass that is not sharp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from megacurie.foundation import units
from megacurie.foundation.arrays import Array, namespace
from megacurie.foundation.parameters import Parameter, Theta
from megacurie.physics.hypotheses.base import Hypothesis

_DM2 = Parameter("dm2", "eV2", low=0.05, high=30.0, scale="log", label=r"$\Delta m^2_{41}$ [eV$^2$]")
_UE4 = Parameter("ue4_squared", "", low=0.0, high=0.5, label=r"$|U_{e4}|^2$")


@final
@dataclass(frozen=True)
class WavePacketSterile(Hypothesis):
    """3+1 oscillation with separating wave packets: P_e = 1 - (s/2) [1 - cos(2 Delta) D], D = exp[-(dm2 L sigma_en / (2 hbar c E^2))^2 / 2].

    The same as D = exp[-(L/L_coh)^2] with L_coh = 4 sqrt(2) E^2 sigma_x / dm2 and sigma_en = hbar c / (2 sigma_x).

    Sources
    -------
    arXiv:2303.15524 for sigma_en (``xi_en``); C. Arguelles et al., arXiv:2201.05108. sigma_en -> 0: Sterile; large: 1 - s/2.
    """

    name = "wave-packet-sterile"
    parameters = (
        Parameter("sin2_2theta", "", low=0.0, high=1.0, label=r"$\sin^2 2\theta_{ee}$"),
        _DM2,
        Parameter("sigma_en", "MeV", low=1e-3, high=10.0, scale="log", label=r"$\sigma_\mathrm{en}$ [MeV]"),
    )
    affine = "sin2_2theta"
    references = frozenset({"Arguelles:2022bvt", "Krueger:2023skk"})

    def probabilities(self, theta: Theta, L: Array, E: Array, *, particle: str = "neutrino") -> tuple[Array, Array]:
        xp = namespace(L, E, *theta.values())
        turn = theta["dm2"] * (L / (2 * units.hbarc * E))  # 2 Delta
        P_e = 1 - 0.5 * theta["sin2_2theta"] * (1 - xp.cos(turn) * xp.exp(-0.5 * (turn * theta["sigma_en"] / E) ** 2))
        return P_e, xp.zeros_like(P_e)

    def phase(self, theta: Theta) -> float:
        return float(np.max(np.abs(theta["dm2"]))) / (4 * units.hbarc)


@final
@dataclass(frozen=True)
class DecayingSterile(Hypothesis):
    """A fourth state that decays into what is not seen: P_e = (1-U)^2 + U^2 e^-G + 2 U (1-U) e^(-G/2) cos(2 Delta), G = (m4/tau4) L / (hbar c E).

    Visible decay is not a function of L and E alone (the daughter has another energy) and is not built.

    Sources
    -------
    Z. Moss et al., Phys. Rev. D 97, 055017 (2018). G = 0: Sterile; G -> infinity: (1-U)^2.
    """

    name = "decaying-sterile"
    references = frozenset({"Moss:2017pur"})
    parameters = (_UE4, _DM2, Parameter("m_over_tau", "eV2", low=1e-3, high=1e2, scale="log", label=r"$m_4/\tau_4$ [eV$^2$]"))

    def probabilities(self, theta: Theta, L: Array, E: Array, *, particle: str = "neutrino") -> tuple[Array, Array]:
        xp = namespace(L, E, *theta.values())
        clock = L / (2 * units.hbarc * E)
        u = theta["ue4_squared"]
        kept = xp.exp(-theta["m_over_tau"] * clock)  # of the amplitude: e^(-G/2)
        P_e = (1 - u) ** 2 + (u * kept) ** 2 + 2 * u * (1 - u) * kept * xp.cos(theta["dm2"] * clock)
        return P_e, xp.zeros_like(P_e)

    def phase(self, theta: Theta) -> float:
        return float(np.max(np.abs(theta["dm2"]))) / (4 * units.hbarc)


@final
@dataclass(frozen=True)
class BroadSterile(Hypothesis):
    """A fourth state without a sharp mass: P_e = |(1-U) + U Int rho(m^2) exp(-i m^2 L / (2 hbar c E)) dm^2|^2, rho flat over dm2 (1 - w) to dm2 (1 + w).

    The integral is exp(-i 2 Delta) sin(x)/x with x = 2 w Delta.

    Sources
    -------
    arXiv:2311.06352. w = 0: Sterile; fast: (1-U)^2.
    """

    name = "broad-sterile"
    references = frozenset({"Banks:2023qgd"})
    parameters = (_UE4, _DM2, Parameter("width", "", low=0.0, high=1.0, label=r"relative width $w$"))

    def probabilities(self, theta: Theta, L: Array, E: Array, *, particle: str = "neutrino") -> tuple[Array, Array]:
        xp = namespace(L, E, *theta.values())
        turn = theta["dm2"] * (L / (2 * units.hbarc * E))  # 2 Delta
        u, left = theta["ue4_squared"], xp.sinc(theta["width"] * turn / np.pi)
        P_e = (1 - u) ** 2 + (u * left) ** 2 + 2 * u * (1 - u) * left * xp.cos(turn)
        return P_e, xp.zeros_like(P_e)

    def phase(self, theta: Theta) -> float:
        return float(np.max(np.abs(theta["dm2"] * (1 + theta["width"])))) / (4 * units.hbarc)
