"""Neutrino-electron scattering at tree level: nu + e -> nu + e, all flavours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError
from megacurie.physics.channels.base import Part
from megacurie.physics.sources import Source

_MIXING = "constant.sin2_theta_w.ms-bar"


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectronScattering:
    """Scattering on electrons above a threshold in recoil energy.

    Parameters
    ----------
    threshold : float, energy
        Recoils below it are not seen.

    Raises
    ------
    RangeError
        If the threshold is negative.
    """

    threshold: float = 0.0

    def __post_init__(self) -> None:
        if not self.threshold >= 0:
            raise RangeError(f"threshold {units.format(self.threshold, 'keV')}: expected zero or more")

    @property
    def tag(self) -> str:
        """Tag of the channel on the blocks of a kernel."""
        return "channel:electron"

    def cross_section(self, energy: Array, edges: Array) -> Array:
        """Cross section of neutrino-electron scattering in recoil bins.

        d(sigma)/dT = (2 G_F^2 m_e / pi) [g_L^2 + g_R^2 (1 - T/E)^2 - g_L g_R m_e T / E^2], integrated in closed form up to T_max = 2E^2/(2E + m_e).

        Parameters
        ----------
        energy : array (n_lines,), energy
        edges : array (n_bins + 1,), energy
            Edges of the recoil bins, increasing; may end in infinity.

        Returns
        -------
        array (2, n_bins, n_lines), area
            Per electron; the first axis is the flavour (e, x). g_L = s + 1/2 for nu_e, s - 1/2 for nu_x; g_R = s = sin^2(theta_W).

        Sources
        -------
        G. 't Hooft, Phys. Lett. B 37, 195 (1971). Tree level: radiative terms, about -2.8 % on what is above 200 keV, are not included.

        Examples
        --------
        >>> from megacurie.foundation import units as u
        >>> sigma = ElectronScattering().cross_section(np.array([0.75 * u.MeV]), np.array([0.2, np.inf]) * u.MeV)
        >>> print(f"{sigma[0, 0, 0] / u.cm2:.3e} cm2, nu_x/nu_e = {sigma[1, 0, 0] / sigma[0, 0, 0]:.3f}")
        3.037e-45 cm2, nu_x/nu_e = 0.220
        """
        mass = provenance.datum("constant.electron_mass", "energy").value
        s = provenance.datum(_MIXING, "dimensionless").value
        fermi = provenance.datum("constant.fermi", "fermi-constant").value * units.hbarc
        g_left = np.array([s + 0.5, s - 0.5])[:, None, None]
        e = energy[None, :]
        t = np.clip(edges[:, None], 0.0, 2 * e * e / (2 * e + mass))  # (n_bins + 1, n_lines)
        integral = g_left**2 * t - s * s * e / 3 * (1 - t / e) ** 3 - g_left * s * mass * t * t / (2 * e * e)
        sigma: Array = 2 * fermi**2 * mass / np.pi * np.diff(integral, axis=1)
        return sigma

    def parts(self, source: Source) -> tuple[Part, ...]:
        """One part: everything above the threshold."""
        sigma = self.cross_section(source.energies, np.array([self.threshold, np.inf]))
        return (Part(tag="recoil:all", target="electron", cross_section=sigma[:, 0, :]),)

    def relative_errors(self, source: Source) -> tuple[float, float]:
        """None: the couplings are known to far better than a source's activity."""
        return 0.0, 0.0

    def references(self, source: Source) -> frozenset[str]:
        """Keys of the constants that enter."""
        keys = {"constant.electron_mass": "energy", _MIXING: "dimensionless", "constant.fermi": "fermi-constant"}
        return frozenset().union(*(provenance.datum(key, dimension).references for key, dimension in keys.items()))

    def describe(self, source: Source) -> str:
        """One line for a person."""
        return f"electron scattering, tree level, recoils above {units.format(self.threshold, 'keV')}"
