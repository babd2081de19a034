"""Coherent elastic neutrino-nucleus scattering, vector part at tree level: nu + A -> nu + A, the same for all flavours."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import DataError, did_you_mean
from megacurie.physics.channels.base import Part
from megacurie.physics.detectors import Detector
from megacurie.physics.sources import Source

_MIXING = "constant.sin2_theta_w.low-energy"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoherentScattering:
    """Scattering on the nuclei of a material.

    Parameters
    ----------
    isotopes : tuple of str
        Such as ("7Li", "19F").

    Raises
    ------
    DataError
        If an isotope has no mass in our data.
    """

    isotopes: tuple[str, ...]

    def __post_init__(self) -> None:
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
        mass, scale = self._nucleus(isotope)
        e = energy[None, :]
        t = np.clip(edges[:, None], 0.0, self.end_point(isotope, e))
        sigma = scale * np.diff(t - mass * (t / (2 * e)) ** 2, axis=0)
        return np.stack([sigma, sigma])

    def differential(self, isotope: str, energy: Array, recoil: Array) -> Array:
        """d(sigma)/dT per nucleus, array (2, n, n_lines), for recoils (n,) and neutrino energies (n_lines,); zero above the end point."""
        mass, scale = self._nucleus(isotope)
        t = recoil[:, None]
        sigma = np.where(t <= self.end_point(isotope, energy), scale * (1 - mass * t / (2 * energy**2)), 0.0)
        return np.stack([sigma, sigma])

    def end_point(self, isotope: str, energy: Array) -> Array:
        """Largest recoil 2 E^2 / M for neutrino energies (n,)."""
        return 2 * energy * energy / self._nucleus(isotope)[0]

    def _nucleus(self, isotope: str) -> tuple[float, float]:
        """Mass, and G_F^2 M Q_V^2 / pi."""
        nucleus = provenance.look_up(f"nuclei.{isotope}")
        mass, charge, nucleons = float(nucleus["mass"].value), nucleus["charge"].value, nucleus["nucleons"].value
        s = provenance.datum(_MIXING, "dimensionless").value
        fermi = provenance.datum("constant.fermi", "fermi-constant").value * units.hbarc
        coupling = 0.5 * (1 - 4 * s) * charge - 0.5 * (nucleons - charge)
        return mass, float((fermi * coupling) ** 2 * mass / np.pi)

    def parts(self, source: Source, detector: Detector) -> tuple[Part, ...]:
        """One part per isotope."""

        def recorded(isotope: str) -> Array:
            functions = (functools.partial(one, isotope) for one in (self.cross_section, self.differential, self.end_point))
            return detector.lines(source.energies, *functions)

        return tuple(Part(tag=f"isotope:{isotope.lower()}", target=isotope, cross_section=recorded(isotope)) for isotope in self.isotopes)

    def largest(self, source: Source) -> float:
        """Largest recoil of any nucleus."""
        return max(float(self.end_point(isotope, source.energies).max()) for isotope in self.isotopes)

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
        return f"coherent scattering on {', '.join(self.isotopes)}, vector part at tree level"


def nuclei() -> tuple[str, ...]:
    """Isotopes whose mass and charge are in our data.

    Examples
    --------
    >>> "7Li" in nuclei()
    True
    """
    return tuple(key for key in provenance.load("nuclei") if key[0].isdigit())
