"""Coherent elastic neutrino-nucleus scattering: nu + A -> nu + A; vector and axial parts, all flavours."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError, did_you_mean
from megacurie.foundation.quadrature import gauss_legendre
from megacurie.physics import nuclei
from megacurie.physics.channels.base import Part
from megacurie.physics.detectors import Detector
from megacurie.physics.nuclei import FORM_FACTORS, nucleus
from megacurie.physics.sources import Source

_MIXING = "constant.sin2_theta_w.low-energy"
_COUPLINGS = "channel.coherent-scattering.couplings"
_AXIAL = "channel.coherent-scattering.axial"
_MOMENT = "channel.electron-scattering.magnetic_moment"
_NODES, _WEIGHTS = gauss_legendre(12)  # of a bin: the integrand is a quadratic but for a form factor and a coupling that hardly move

Couplings = Literal["radiative", "tree"]
Kinematics = Literal["exact", "leading"]
Components = Literal["", "mixing", "magnetic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoherentScattering:
    """Scattering on the nuclei of a material.

    Parameters
    ----------
    isotopes : tuple of str
        Such as ("7Li", "19F").
    couplings : "radiative" or "tree"
    axial : bool
        Whether nuclei with spin scatter by it too, where their spin expectation values are known.
    form_factor : str
        klein-nystrand, helm or none.
    kinematics : "exact" or "leading"
        T_max = 2 E^2/(M + 2 E) and 1 - T/T_max, or 2 E^2/M.
    components : "", "mixing" or "magnetic"
        Whether the vector part is one; three, by powers of sin^2(theta_W); or has a magnetic moment of 1e-11 Bohr magnetons beside it.

    Raises
    ------
    DataError
        If an isotope is not in our data.
    RangeError
        If an option is unknown.
    """

    isotopes: tuple[str, ...]
    couplings: Couplings = "radiative"
    axial: bool = True
    form_factor: str = "klein-nystrand"
    kinematics: Kinematics = "exact"
    components: Components = ""

    def __post_init__(self) -> None:
        for isotope in self.isotopes:
            nucleus(isotope)
        known = {"couplings": get_args(Couplings), "kinematics": get_args(Kinematics), "components": get_args(Components), "form_factor": FORM_FACTORS}
        for name, words in known.items():
            if getattr(self, name) not in words:
                raise RangeError(f"{name} = {getattr(self, name)!r}. {did_you_mean(str(getattr(self, name)), words)}")

    @property
    def tag(self) -> str:
        """Tag of the channel on the blocks of a kernel."""
        return "channel:cevns"

    @property
    def mixing(self) -> float:
        """sin^2(theta_W) in use."""
        return provenance.datum(_MIXING, "dimensionless").value

    def end_point(self, isotope: str, energy: Array) -> Array:
        """Largest recoil for neutrino energies (n,).

        Examples
        --------
        >>> from megacurie.foundation import units as u
        >>> print(units.format(CoherentScattering(isotopes=("6Li",)).end_point("6Li", np.array([0.747 * u.MeV]))[0], "eV", 4))
        199.2 eV
        """
        mass = nucleus(isotope).mass
        return 2 * energy * energy / (mass + (2 * energy if self.kinematics == "exact" else 0.0))

    def weak_charge(self, isotope: str, recoil: Array) -> Array:
        """Q_V = g_p Z + g_n N at each recoil (n,): array (2, n), flavours e and x.

        Tree: g_p = (1 - 4 s)/2, g_n = -1/2. With radiative corrections they depend on the flavour, and g_p of nu_e on Q^2 = 2 M T through its charge radius:
        -2 phi with phi = -(alpha/6 pi) [ln(M_W^2/m_e^2) + 3/2 - 6 Int x (1 - x) ln(1 + x (1 - x) Q^2/m_e^2) dx]. nu_x is the mean of nu_mu and nu_tau, whose
        masses are far above Q.

        Sources
        -------
        J. Erler and S. Su, Prog. Part. Nucl. Phys. 71, 119 (2013); M. Atzori Corona et al., JHEP 05 (2024) 271.

        Examples
        --------
        >>> lithium = CoherentScattering(isotopes=("7Li",))
        >>> print((lithium.weak_charge("7Li", np.array([1e-9]) * units.MeV) / -2).round(3)[:, 0])
        [0.966 0.982]
        """
        one = nucleus(isotope)
        if self.couplings == "tree":
            return np.full((2, len(recoil)), 0.5 * (1 - 4 * self.mixing) * one.charge - 0.5 * (one.nucleons - one.charge))
        proton = {name: provenance.datum(f"{_COUPLINGS}.proton_{name}", "dimensionless").value for name in ("e", "mu", "tau")}
        neutron = provenance.datum(f"{_COUPLINGS}.neutron", "dimensionless").value * (one.nucleons - one.charge)
        charges = np.stack([proton["e"] - _charge_radius(2 * one.mass * recoil), np.full(len(recoil), 0.5 * (proton["mu"] + proton["tau"]))])
        found: Array = charges * one.charge + neutron
        return found

    def axial_strength(self, isotope: str) -> float:
        """F_A = (4/3) ((J + 1)/J) [g_A^s (S_p + S_n) - g_A (S_p - S_n)]^2; zero without spin, or where its expectation values are not known.

        Sources
        -------
        M. Hoferichter, J. Menendez and A. Schwenk, Phys. Rev. D 102, 074018 (2020).

        Examples
        --------
        >>> print(f"{CoherentScattering(isotopes=('7Li',)).axial_strength('7Li'):.2f}")
        1.00
        """
        one = nucleus(isotope)
        if not self.axial or one.spin_proton is None or one.spin_neutron is None:
            return 0.0
        isovector, strange = (provenance.datum(f"{_AXIAL}.{name}", "dimensionless").value for name in ("isovector", "strange"))
        amplitude = strange * (one.spin_proton + one.spin_neutron) - isovector * (one.spin_proton - one.spin_neutron)
        return 4 * (one.spin + 1) / (3 * one.spin) * amplitude**2

    def differential(self, isotope: str, energy: Array, recoil: Array) -> Array:
        """d(sigma)/dT per nucleus.

        (G_F^2 M/pi) F^2 [Q_V^2 (1 - T/E - M T/(2 E^2)) + (F_A/4) (1 - T/E + M T/(2 E^2))]; without the terms T/E in leading kinematics.

        Parameters
        ----------
        isotope : str
        energy : array (n_lines,), energy
        recoil : array (n,), energy

        Returns
        -------
        array (2, n, n_lines), area per energy
            First axis: flavour e, x. Zero above the end point.

        Sources
        -------
        D. Z. Freedman, Phys. Rev. D 9, 1389 (1974); axial part as in ``axial_strength``.

        Examples
        --------
        >>> from megacurie.foundation import units as u
        >>> channel = CoherentScattering(isotopes=("6Li",))
        >>> print((channel.differential("6Li", np.array([0.747]) * u.MeV, np.array([150, 250]) * u.eV)[0, :, 0] > 0).tolist())
        [True, False]
        """
        return self._vector(isotope, energy, recoil) + self._axial(isotope, energy, recoil)

    def component_differentials(self, isotope: str, energy: Array, recoil: Array) -> dict[str, Array]:
        """The parts: "coupling:axial"; the vector part by powers of sin^2(theta_W), Q_V(s) = Q_V(s_0) - 2 rho Z (s - s_0); and "coupling:magnetic".

        Magnetic: (pi alpha^2 Z^2/m_e^2) (mu/mu_B)^2 (1/T - 1/E) F^2 at 1e-11 Bohr magnetons, alike for all flavours.

        Returns
        -------
        dict of str to array (2, n, n_lines)
        """
        one, s = nucleus(isotope), self.mixing
        charge = self.weak_charge(isotope, recoil)
        rho = 1.0 if self.couplings == "tree" else provenance.datum(f"{_COUPLINGS}.rho", "dimensionless").value
        slope = -2 * rho * one.charge * s
        constant = charge - slope
        front = self._front(isotope, energy, recoil)
        shape = front * self._recoil_shape(isotope, energy, recoil, -1)
        squares = {"coupling:1": constant**2, "coupling:s": 2 * constant * slope, "coupling:s2": np.full_like(constant, slope**2)}
        parts = {tag: square[:, :, None] * shape for tag, square in squares.items()}
        moment = provenance.datum(_MOMENT, "dimensionless").value * one.charge
        radius = (
            provenance.datum("constant.fine_structure_constant", "dimensionless").value
            * units.hbarc
            / provenance.datum("constant.electron_mass", "energy").value
        )
        t = recoil[:, None]
        inside = t <= self.end_point(isotope, energy)
        spread = nuclei.form_factor(self.form_factor, np.sqrt(2 * one.mass * recoil), one.nucleons)[:, None] ** 2
        magnetic = np.where(inside, math.pi * (radius * moment) ** 2 * spread * (1 / np.where(t > 0, t, np.inf) - 1 / energy), 0.0)
        return {**parts, "coupling:axial": self._axial(isotope, energy, recoil), "coupling:magnetic": np.stack([magnetic, magnetic])}

    def _front(self, isotope: str, energy: Array, recoil: Array) -> Array:
        """G_F^2 M/pi F^2 up to the end point (n, n_lines)."""
        one = nucleus(isotope)
        fermi = provenance.datum("constant.fermi", "fermi-constant").value * units.hbarc
        spread = nuclei.form_factor(self.form_factor, np.sqrt(2 * one.mass * np.maximum(recoil, 0.0)), one.nucleons)[:, None] ** 2
        inside: Array = np.where(recoil[:, None] <= self.end_point(isotope, energy), fermi**2 * one.mass / math.pi * spread, 0.0)
        return inside

    def _recoil_shape(self, isotope: str, energy: Array, recoil: Array, sign: int) -> Array:
        t = recoil[:, None]
        shape: Array = 1 + sign * nucleus(isotope).mass * t / (2 * energy**2) - (t / energy if self.kinematics == "exact" else 0.0)
        return shape

    def _vector(self, isotope: str, energy: Array, recoil: Array) -> Array:
        square = self.weak_charge(isotope, recoil)[:, :, None] ** 2
        found: Array = square * (self._front(isotope, energy, recoil) * self._recoil_shape(isotope, energy, recoil, -1))
        return found

    def _axial(self, isotope: str, energy: Array, recoil: Array) -> Array:
        one = 0.25 * self.axial_strength(isotope) * self._front(isotope, energy, recoil) * self._recoil_shape(isotope, energy, recoil, 1)
        return np.stack([one, one])

    def cross_section(self, isotope: str, energy: Array, edges: Array) -> Array:
        """Cross section of coherent scattering in recoil bins.

        In closed form at tree level without a form factor: with x = T/T_max the vector part is Q_V^2 T_max (x - x^2/2), the axial one follows likewise;
        otherwise by quadrature of each bin, cut at the end point, to 1e-10.

        Parameters
        ----------
        isotope : str
        energy : array (n_lines,), energy
        edges : array (n_bins + 1,), energy
            Increasing; may end in infinity.

        Returns
        -------
        array (2, n_bins, n_lines), area
            Per nucleus.

        Examples
        --------
        >>> from megacurie.foundation import units as u
        >>> channel = CoherentScattering(isotopes=("6Li",), couplings="tree", form_factor="none", kinematics="leading", axial=False)
        >>> sigma = channel.cross_section("6Li", np.array([0.747 * u.MeV]), np.array([0.0, np.inf]))
        >>> print(f"{sigma[0, 0, 0] / u.cm2:.3e} cm2")
        1.928e-44 cm2
        """
        if self.couplings == "radiative" or self.form_factor != "none":
            return self._integrated(functools.partial(self.differential, isotope), isotope, energy, edges)
        vector, axial = _strengths(self, isotope)
        t = np.minimum(np.maximum(edges, 0.0)[:, None], self.end_point(isotope, energy))
        fall = nucleus(isotope).mass * (t / (2 * energy)) ** 2
        both = t - t * t / (2 * energy) if self.kinematics == "exact" else t
        integral = vector * (both - fall) + axial * (both + fall)
        sigma = integral[1:] - integral[:-1]
        return np.array([sigma, sigma])

    def _integrated(self, density: Callable[[Array, Array], Array], isotope: str, energy: Array, edges: Array) -> Array:
        """A differential cross section integrated over bins, line by line."""
        columns = []
        for i, last in enumerate(self.end_point(isotope, energy)):
            t = np.minimum(edges, last)
            half = 0.5 * np.diff(t)[:, None]
            sigma = density(energy[i : i + 1], (t[:-1, None] + half * (1 + _NODES)).ravel())[..., 0]
            columns.append((sigma.reshape(2, len(half), -1) * (half * _WEIGHTS)).sum(-1))
        return np.stack(columns, -1)

    def parts(self, source: Source, detector: Detector) -> tuple[Part, ...]:
        """For each isotope its vector part (or its components) and, where there is one, its axial part.

        Raises
        ------
        RangeError
            If the magnetic part is asked for without a threshold.
        """
        if self.components == "magnetic" and not detector.threshold > 0:
            raise RangeError("magnetic moment: the cross section goes as 1/T and has no end at zero recoil energy; expected a positive threshold")
        found = []
        for isotope in self.isotopes:
            tags = ["coupling:1", "coupling:s", "coupling:s2"] if self.components == "mixing" else ["coupling:vector"]
            tags += ["coupling:axial"] if self.axial_strength(isotope) else []
            tags += ["coupling:magnetic"] if self.components == "magnetic" else []
            for tag in tags:
                density = functools.partial(self._component, isotope, tag)
                closed = functools.partial(self._integrated, density, isotope)
                sigma = detector.lines(source.energies, closed, density, functools.partial(self.end_point, isotope))
                found.append(Part(tag=tag, also=(f"isotope:{isotope.lower()}",), target=isotope, cross_section=sigma))
        return tuple(found)

    def _component(self, isotope: str, tag: str, energy: Array, recoil: Array) -> Array:
        if tag == "coupling:vector":
            return self._vector(isotope, energy, recoil)
        return self._axial(isotope, energy, recoil) if tag == "coupling:axial" else self.component_differentials(isotope, energy, recoil)[tag]

    def largest(self, source: Source) -> float:
        """Largest recoil of any nucleus."""
        return max(float(self.end_point(isotope, source.energies).max()) for isotope in self.isotopes)

    def relative_errors(self, source: Source) -> tuple[float, float]:
        """None: the vector part is known to a per mille; the axial part is not, scale it."""
        return 0.0, 0.0

    def references(self, source: Source) -> frozenset[str]:
        """Keys of the constants and nuclear data that enter."""
        used = [datum for isotope in self.isotopes for datum in nuclei.data_of(isotope)]
        used += [provenance.datum(_MIXING, "dimensionless"), provenance.datum("constant.fermi", "fermi-constant")]
        if self.couplings == "radiative":
            used += provenance.walk(provenance.look_up(_COUPLINGS))
        if any(self.axial_strength(isotope) for isotope in self.isotopes):
            used += provenance.walk(provenance.look_up(_AXIAL))
        if self.form_factor != "none":
            used += provenance.walk(provenance.look_up(f"channel.coherent-scattering.{self.form_factor}"))
        return frozenset().union(*(datum.references for datum in used))

    def describe(self, source: Source) -> str:
        """One line for a person."""
        spin = [isotope for isotope in self.isotopes if self.axial_strength(isotope)]
        unknown = [isotope for isotope in self.isotopes if self.axial and nucleus(isotope).spin and not self.axial_strength(isotope)]
        axial = f", axial part of {', '.join(spin)}" if spin else ", vector part only"
        left = f" (not of {', '.join(unknown)}: spin expectation values not known)" if unknown else ""
        return f"coherent scattering on {', '.join(self.isotopes)}, {self.couplings} couplings{axial}{left}, {self.kinematics} kinematics"


@functools.cache
def _strengths(channel: CoherentScattering, isotope: str) -> tuple[float, float]:
    """G_F^2 M/pi times Q_V^2 at tree level and times F_A/4: what the closed form needs, looked up once."""
    front = (provenance.datum("constant.fermi", "fermi-constant").value * units.hbarc) ** 2 * nucleus(isotope).mass / math.pi
    return front * float(channel.weak_charge(isotope, np.zeros(1))[0, 0]) ** 2, 0.25 * front * channel.axial_strength(isotope)


def _charge_radius(momentum_squared: Array) -> Array:
    """By how much the proton coupling of nu_e falls from Q = 0: (alpha/3 pi) 6 Int x (1 - x) ln(1 + x (1 - x) Q^2/m_e^2) dx."""
    x, w = 0.5 * (1 + _NODES), 0.5 * _WEIGHTS
    ratio = momentum_squared / provenance.datum("constant.electron_mass", "energy").value ** 2
    alpha = provenance.datum("constant.fine_structure_constant", "dimensionless").value
    integral: Array = np.log1p(np.multiply.outer(ratio, x * (1 - x))) @ (w * x * (1 - x))
    return 2 * alpha / math.pi * integral
