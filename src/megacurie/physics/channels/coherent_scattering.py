"""Coherent elastic neutrino-nucleus scattering: nu + A -> nu + A; vector and axial parts, all flavours."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
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
        return self._charges(_target(self, isotope), recoil)

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
        parts = self._parts(("coupling:vector", "coupling:axial"), _target(self, isotope), energy, recoil[:, None])
        return parts["coupling:vector"] + parts["coupling:axial"]

    def component_differentials(self, isotope: str, energy: Array, recoil: Array) -> dict[str, Array]:
        """The parts: "coupling:axial"; the vector part by powers of sin^2(theta_W), Q_V(s) = Q_V(s_0) - 2 rho Z (s - s_0); and "coupling:magnetic".

        Magnetic: (pi alpha^2 Z^2/m_e^2) (mu/mu_B)^2 (1/T - 1/E) F^2 at 1e-11 Bohr magnetons, alike for all flavours.

        Returns
        -------
        dict of str to array (2, n, n_lines)
        """
        tags = ("coupling:1", "coupling:s", "coupling:s2", "coupling:axial", "coupling:magnetic")
        return self._parts(tags, _target(self, isotope), energy, recoil[:, None])

    def _end(self, one: _Target, energy: Array) -> Array:
        return 2 * energy * energy / (one.mass + (2 * energy if self.kinematics == "exact" else 0.0))

    def _charges(self, one: _Target, recoil: Array) -> Array:
        """Q_V at each recoil (...): array (2, ...)."""
        neutrons = one.nucleons - one.charge
        if self.couplings == "tree":
            return np.broadcast_to(0.5 * (1 - 4 * self.mixing) * one.charge - 0.5 * neutrons, (2, *recoil.shape))
        proton, neutron = _radiative()
        charges = np.empty((2, *recoil.shape))
        charges[0] = (proton[0] - _charge_radius(2 * one.mass * recoil)) * one.charge + neutron * neutrons
        charges[1] = proton[1] * one.charge + neutron * neutrons
        return charges

    def _parts(self, tags: Sequence[str], one: _Target, energy: Array, recoil: Array) -> dict[str, Array]:
        """d(sigma)/dT of each part asked for: arrays (2, ...); energies, recoils and the properties of nuclei broadcast against each other."""
        spread = np.where(
            recoil <= self._end(one, energy), nuclei.form_factor(self.form_factor, np.sqrt(2 * one.mass * np.maximum(recoil, 0.0)), one.nucleons) ** 2, 0.0
        )
        front = _fermi() ** 2 / math.pi * one.mass * spread
        fall = one.mass * recoil / (2 * energy**2)
        rest = 1 - recoil / energy if self.kinematics == "exact" else 1.0
        charge = self._charges(one, recoil)
        shape = front * (rest - fall)
        found: dict[str, Array] = {}
        if "coupling:vector" in tags:
            found["coupling:vector"] = charge**2 * shape
        if "coupling:s" in tags:
            rho = 1.0 if self.couplings == "tree" else provenance.datum(f"{_COUPLINGS}.rho", "dimensionless").value
            slope = -2 * rho * one.charge * self.mixing
            constant = charge - slope
            squares = {"coupling:1": constant**2, "coupling:s": 2 * constant * slope, "coupling:s2": np.ones_like(constant) * slope**2}
            found |= {tag: square * shape for tag, square in squares.items()}
        if "coupling:axial" in tags:
            axial = 0.25 * one.axial * front * (rest + fall)
            found["coupling:axial"] = np.stack([axial, axial])
        if "coupling:magnetic" in tags:
            moment = provenance.datum(_MOMENT, "dimensionless").value * one.charge
            alpha, mass = provenance.datum("constant.fine_structure_constant", "dimensionless"), provenance.datum("constant.electron_mass", "energy")
            radius = alpha.value * units.hbarc / mass.value
            magnetic = math.pi * (radius * moment) ** 2 * spread * (1 / np.where(recoil > 0, recoil, np.inf) - 1 / energy)
            found["coupling:magnetic"] = np.stack([magnetic, magnetic])
        return found

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
            parts = self._integrated(("coupling:vector", "coupling:axial"), _target(self, isotope), energy, edges)
            return parts["coupling:vector"] + parts["coupling:axial"]
        vector, axial, mass = _strengths(self, isotope)
        last = 2 * energy * energy / (mass + (2 * energy if self.kinematics == "exact" else 0.0))
        t = np.minimum(np.maximum(edges, 0.0)[:, None], last)
        square = t * t
        fall = mass / (4 * energy * energy) * square
        both = t - square / (2 * energy) if self.kinematics == "exact" else t
        integral = vector * (both - fall) + axial * (both + fall)
        sigma = np.empty((2, len(edges) - 1, len(energy)))
        sigma[:] = integral[1:] - integral[:-1]
        return sigma

    def _integrated(self, tags: Sequence[str], one: _Target, energy: Array, edges: Array) -> dict[str, Array]:
        """Each part integrated over bins (2, ..., n_bins, n_lines): all lines, and all nuclei if ``one`` is several, in one go."""
        t = np.minimum(edges[:, None, None], self._end(one, energy[:, None]))  # (..., edges, lines, 1)
        half = 0.5 * (t[..., 1:, :, :] - t[..., :-1, :, :])
        parts = self._parts(tags, one, energy[:, None], t[..., :-1, :, :] + half * (1 + _NODES))
        return {tag: half[..., 0] * (density @ _WEIGHTS) for tag, density in parts.items()}

    def parts(self, source: Source, detector: Detector) -> tuple[Part, ...]:
        """For each isotope its vector part (or its components) and, where there is one, its axial part.

        Raises
        ------
        RangeError
            If the magnetic part is asked for without a threshold.
        """
        if self.components == "magnetic" and not detector.threshold > 0:
            raise RangeError("magnetic moment: the cross section goes as 1/T and has no end at zero recoil energy; expected a positive threshold")
        tags = ["coupling:1", "coupling:s", "coupling:s2"] if self.components == "mixing" else ["coupling:vector"]
        tags += ["coupling:axial"] if any(_target(self, isotope).axial for isotope in self.isotopes) else []
        tags += ["coupling:magnetic"] if self.components == "magnetic" else []
        binned = self._integrated(tags, _targets(self), source.energies, np.array(detector.recoil)) if detector.sharp else None
        found = []
        for k, isotope in enumerate(self.isotopes):
            one = _target(self, isotope)
            for tag in tags:
                if tag == "coupling:axial" and not one.axial:
                    continue
                sigma = self._folded(tag, one, source.energies, detector) if binned is None else binned[tag][:, k]
                found.append(Part(tag=tag, also=(f"isotope:{isotope.lower()}",), target=isotope, cross_section=sigma))
        return tuple(found)

    def _folded(self, tag: str, one: _Target, energy: Array, detector: Detector) -> Array:
        """A part as a detector with a resolution or an efficiency curve records it (2, bins, n_lines)."""

        def density(line: Array, recoil: Array) -> Array:
            return self._parts((tag,), one, line, recoil[:, None])[tag]

        def closed(line: Array, edges: Array) -> Array:
            return self._integrated((tag,), one, line, edges)[tag]

        return detector.lines(energy, closed, density, functools.partial(self._end, one))

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


@dataclass(frozen=True, slots=True)
class _Target:
    """What the cross section needs of a nucleus, or of several as arrays."""

    mass: Array | float
    charge: Array | float
    nucleons: Array | float
    axial: Array | float


@functools.cache
def _target(channel: CoherentScattering, isotope: str) -> _Target:
    one = nucleus(isotope)
    return _Target(one.mass, one.charge, one.nucleons, channel.axial_strength(isotope))


@functools.cache
def _targets(channel: CoherentScattering) -> _Target:
    """All isotopes of a channel along the first of four axes: isotope, bin, line, node."""
    every = [_target(channel, isotope) for isotope in channel.isotopes]
    mass, charge, nucleons, axial = (
        np.array([getattr(one, name) for one in every], dtype=float)[:, None, None, None] for name in ("mass", "charge", "nucleons", "axial")
    )
    return _Target(mass, charge, nucleons, axial)


@functools.cache
def _fermi() -> float:
    """G_F hbar c."""
    return provenance.datum("constant.fermi", "fermi-constant").value * units.hbarc


@functools.cache
def _radiative() -> tuple[tuple[float, float], float]:
    """Couplings at Q = 0 of protons to nu_e and nu_x, and of neutrons."""
    electron, muon, tau, neutron = (
        provenance.datum(f"{_COUPLINGS}.{name}", "dimensionless").value for name in ("proton_e", "proton_mu", "proton_tau", "neutron")
    )
    return (electron, 0.5 * (muon + tau)), neutron


@functools.cache
def _strengths(channel: CoherentScattering, isotope: str) -> tuple[float, float, float]:
    """G_F^2 M/pi times Q_V^2 at tree level and times F_A/4, and M: what the closed form needs, looked up once."""
    mass = nucleus(isotope).mass
    front = _fermi() ** 2 * mass / math.pi
    return front * float(channel.weak_charge(isotope, np.zeros(1))[0, 0]) ** 2, 0.25 * front * channel.axial_strength(isotope), mass


def _charge_radius(momentum_squared: Array) -> Array:
    """By how much the proton coupling of nu_e falls from Q = 0: (alpha/3 pi) 6 Int x (1 - x) ln(1 + x (1 - x) Q^2/m_e^2) dx."""
    x, w = 0.5 * (1 + _NODES), 0.5 * _WEIGHTS
    ratio = momentum_squared / provenance.datum("constant.electron_mass", "energy").value ** 2
    alpha = provenance.datum("constant.fine_structure_constant", "dimensionless").value
    integral: Array = np.log1p(np.multiply.outer(ratio, x * (1 - x))) @ (w * x * (1 - x))
    return 2 * alpha / math.pi * integral
