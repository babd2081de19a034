"""Inverse beta decay on free protons: anti-nu_e + p -> n + e+."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array
from megacurie.physics.channels.base import Part
from megacurie.physics.detectors import Detector
from megacurie.physics.sources import Source

_KEY = "channel.inverse-beta"
_DATA = (("neutron_lifetime", "time"), ("phase_space", "dimensionless"), ("mass_difference", "energy"))


@dataclass(frozen=True, slots=True, kw_only=True)
class InverseBeta:
    """Inverse beta decay, seen by its positron: visible energy E - (M_n - M_p) + m_e, annihilation included."""

    @property
    def tag(self) -> str:
        """Tag of the channel on the blocks of a kernel."""
        return "channel:ibd"

    def cross_section(self, energy: Array) -> Array:
        """Cross section per proton for antineutrino energies (n,); zero below threshold.

        sigma = 2 pi^2 (hbar c)^3 p_e E_e / (c tau_n f m_e^5), E_e = E - (M_n - M_p): leading order in 1/M, normalised to the lifetime of the neutron, whose
        radiative corrections are its own. Terms in 1/M lower it by about one per cent at 3 MeV.

        Sources
        -------
        P. Vogel and J. Beacom, Phys. Rev. D 60, 053003 (1999), Eqs. 8 and 9.

        Examples
        --------
        >>> from megacurie.foundation import units as u
        >>> print(*(f"{x / u.cm2:.2e}" for x in InverseBeta().cross_section(np.array([1.7, 3.0]) * u.MeV)))
        0.00e+00 2.68e-43
        """
        lifetime, phase_space, difference = (provenance.datum(f"{_KEY}.{name}", dimension).value for name, dimension in _DATA)
        mass = provenance.datum("constant.electron_mass", "energy").value
        e = energy - difference
        p = np.sqrt(np.maximum(e * e - mass**2, 0.0))
        found: Array = np.where(e > mass, 2 * math.pi**2 * units.hbarc**3 * p * e / (units.c * lifetime * phase_space * mass**5), 0.0)
        return found

    def visible(self, energy: Array) -> Array:
        """Energy that is seen of the positron and its annihilation, for antineutrino energies (n,)."""
        return energy - provenance.datum(f"{_KEY}.mass_difference", "energy").value + provenance.datum("constant.electron_mass", "energy").value

    def parts(self, source: Source, detector: Detector) -> tuple[Part, ...]:
        """One part; only anti-nu_e react, a source of neutrinos gives nothing."""
        sigma = self.cross_section(source.energies) if source.particle == "antineutrino" else np.zeros(len(source.lines))
        visible = np.where(sigma > 0, self.visible(source.energies), self.largest(source))  # below threshold there is none
        angles = len(detector.angle) - 1
        recorded = np.repeat(detector.migration(visible), angles, axis=0) / angles
        return (Part(tag="recoil:all", target="1H", cross_section=np.stack([sigma * recorded, np.zeros_like(recorded)])),)

    def largest(self, source: Source) -> float:
        """Largest visible energy."""
        return float(self.visible(source.energies).max())

    def relative_errors(self, source: Source) -> tuple[float, float]:
        """That of the lifetime of the neutron."""
        lifetime = provenance.datum(f"{_KEY}.neutron_lifetime", "time")
        return lifetime.plus / lifetime.value, lifetime.minus / lifetime.value

    def references(self, source: Source) -> frozenset[str]:
        """Keys of the constants that enter."""
        return frozenset().union(*(provenance.datum(f"{_KEY}.{name}", dimension).references for name, dimension in _DATA))

    def describe(self, source: Source) -> str:
        """One line for a person."""
        return "inverse beta decay on free protons, leading order in 1/M"
