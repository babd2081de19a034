"""Coherent elastic neutrino-nucleus scattering, vector part at tree level: nu + A -> nu + A, the same for all flavours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import DataError, RangeError, did_you_mean
from megacurie.physics.channels.base import Part
from megacurie.physics.sources import Source

_MIXING = "constant.sin2_theta_w.low-energy"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoherentScattering:
    """Scattering on the nuclei of a material above a threshold in recoil energy.

    Parameters
    ----------
    isotopes : tuple of str
        Such as ("7Li", "19F").
    threshold : float, energy

    Raises
    ------
    DataError
        If an isotope has no mass in our data.
    RangeError
        If the threshold is negative.
    """

    isotopes: tuple[str, ...]
    threshold: float = 0.0

    def __post_init__(self) -> None:
        if not self.threshold >= 0:
            raise RangeError(f"threshold {units.format(self.threshold, 'eV')}: expected zero or more")
        for isotope in self.isotopes:
            if isotope not in nuclei():
                raise DataError(f"no nuclear data for {isotope!r}. {did_you_mean(isotope, nuclei())}")

    @property
    def tag(self) -> str:
        """Tag of the channel on the blocks of a kernel."""
        return "channel:cevns"

    def cross_section(self, isotope: str, energy: Array, edges: Array) -> Array:
        """Cross section of coherent scattering in recoil bins, in closed form for F = 1.

        d(sigma)/dT = (G_F^2 M / pi) Q_V^2 (1 - M T / (2 E^2)) with Q_V = g_p Z + g_n N, g_p = (1 - 4 s)/2, g_n = -1/2, up to 2 E^2/M.

        Parameters
        ----------
        isotope : str
        energy : array (n_lines,), energy
        edges : array (n_bins + 1,), energy

        Returns
        -------
        array (2, n_bins, n_lines), area
            Per nucleus; the same for both flavours.

        Sources
        -------
        D. Z. Freedman, Phys. Rev. D 9, 1389 (1974). Form factor, axial part and radiative couplings (flavours differ by them, at a per cent) are not included.

        Examples
        --------
        >>> from megacurie.foundation import units as u
        >>> channel = CoherentScattering(isotopes=("6Li",))
        >>> sigma = channel.cross_section("6Li", np.array([0.747 * u.MeV]), np.array([0.0, np.inf]))
        >>> print(f"{sigma[0, 0, 0] / u.cm2:.3e} cm2")
        1.928e-44 cm2
        """
        nucleus = provenance.look_up(f"nuclei.{isotope}")
        mass, charge, nucleons = nucleus["mass"].value, nucleus["charge"].value, nucleus["nucleons"].value
        s = provenance.datum(_MIXING, "dimensionless").value
        fermi = provenance.datum("constant.fermi", "fermi-constant").value * units.hbarc
        coupling = 0.5 * (1 - 4 * s) * charge - 0.5 * (nucleons - charge)
        e = energy[None, :]
        t = np.clip(edges[:, None], 0.0, 2 * e * e / mass)
        sigma = (fermi * coupling) ** 2 * mass / np.pi * np.diff(t - mass * (t / (2 * e)) ** 2, axis=0)
        return np.stack([sigma, sigma])

    def parts(self, source: Source) -> tuple[Part, ...]:
        """One part per isotope."""
        edges = np.array([self.threshold, np.inf])
        return tuple(
            Part(tag=f"isotope:{isotope.lower()}", target=isotope, cross_section=self.cross_section(isotope, source.energies, edges)[:, 0, :])
            for isotope in self.isotopes
        )

    def relative_errors(self, source: Source) -> tuple[float, float]:
        """None at this order."""
        return 0.0, 0.0

    def references(self, source: Source) -> frozenset[str]:
        """Keys of the constants and nuclear data that enter."""
        used = [datum for isotope in self.isotopes for datum in provenance.walk(provenance.look_up(f"nuclei.{isotope}"))]
        used += [provenance.datum(_MIXING, "dimensionless"), provenance.datum("constant.fermi", "fermi-constant")]
        return frozenset().union(*(datum.references for datum in used))

    def describe(self, source: Source) -> str:
        """One line for a person."""
        return f"coherent scattering on {', '.join(self.isotopes)}, vector part at tree level, recoils above {units.format(self.threshold, 'eV')}"


def nuclei() -> tuple[str, ...]:
    """Isotopes whose mass and charge are in our data.

    Examples
    --------
    >>> "7Li" in nuclei()
    True
    """
    return tuple(key for key in provenance.load("nuclei") if key[0].isdigit())
