"""Couplings of neutral-current scattering that a source may measure: weak mixing angle, axial strength, magnetic moment.

They act on channels that are split into components (``components`` of the channel), because a hypothesis scales blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from megacurie.foundation import provenance
from megacurie.foundation.arrays import Array
from megacurie.foundation.parameters import Parameter, Theta
from megacurie.physics.hypotheses.base import Hypothesis


@final
@dataclass(frozen=True)
class WeakMixingAngle(Hypothesis):
    """sin^2(theta_W) is another: the cross section is a polynomial of second degree in it, whose terms are blocks of their own.

    Parameters
    ----------
    reference : float, optional
        Value at which the channel evaluated them; None: its default, low-energy for nuclei, MS-bar at the Z for electrons.
    """

    reference: float | None = None

    name = "weak-mixing-angle"
    parameters = (Parameter("sin2_theta_w", "", low=0.1, high=0.4, label=r"$\sin^2\theta_W$"),)

    def scale(self, theta: Theta, E: Array, tags: frozenset[str]) -> Any:
        if "coupling:s" in tags or "coupling:s2" in tags:
            ratio = theta["sin2_theta_w"] / (_default(tags) if self.reference is None else self.reference)
            return ratio if "coupling:s" in tags else ratio * ratio
        return 1.0


@final
@dataclass(frozen=True)
class AxialStrength(Hypothesis):
    """The axial part of coherent scattering has another size: the square of its amplitude over what the spin expectation values give.

    Parameters
    ----------
    isotope : str, optional
        Such as "7Li": of this isotope alone; empty: of all together.
    """

    isotope: str = ""

    name = "axial-strength"
    parameters = (Parameter("axial", "", low=0.0, high=5.0, label=r"$F_A/F_{A,0}$"),)
    affine = "axial"

    def scale(self, theta: Theta, E: Array, tags: frozenset[str]) -> Any:
        meant = "coupling:axial" in tags and (not self.isotope or f"isotope:{self.isotope.lower()}" in tags)
        return theta["axial"] if meant else 1.0


@final
@dataclass(frozen=True)
class MagneticMoment(Hypothesis):
    """The neutrino has a magnetic moment: its square, in units of (1e-11 Bohr magnetons)^2, multiplies a cross section of its own, which adds."""

    name = "magnetic-moment"
    parameters = (Parameter("moment_squared", "", low=0.0, high=1e3, label=r"$(\mu_\nu/10^{-11}\mu_B)^2$"),)
    affine = "moment_squared"

    def scale(self, theta: Theta, E: Array, tags: frozenset[str]) -> Any:
        return theta["moment_squared"] if "coupling:magnetic" in tags else 1.0


def _default(tags: frozenset[str]) -> float:
    return provenance.datum(f"constant.sin2_theta_w.{'low-energy' if 'channel:cevns' in tags else 'ms-bar'}", "dimensionless").value
