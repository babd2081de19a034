"""Neutrino-electron scattering: nu + e -> nu + e, all flavours, at tree level or with radiative corrections; magnetic moment."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError
from megacurie.foundation.quadrature import gauss_legendre
from megacurie.physics.channels import radiative
from megacurie.physics.channels.base import Part
from megacurie.physics.detectors import Detector
from megacurie.physics.sources import Source

_MIXING = "constant.sin2_theta_w.ms-bar"
_MOMENT = "channel.electron-scattering.magnetic_moment"
_ORDER = 48  # nodes of a bin where there is no closed form: 1e-8 with the logarithm at the end point
_BLOCK = 2**13  # recoils x lines that are evaluated together: a dozen arrays of that size stay in the cache

Corrections = Literal["radiative", "tree"]
Components = Literal["", "mixing", "magnetic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectronScattering:
    """Scattering on electrons.

    Parameters
    ----------
    corrections : "radiative" or "tree"
    sin2_theta_w : float, optional
        By default the MS-bar value at the Z, which belongs to the radiative corrections; at tree level the choice is a convention.
    components : "", "mixing" or "magnetic"
        Whether the parts are one; three, by powers of sin^2(theta_W); or two, the second with a magnetic moment of 1e-11 Bohr magnetons. Hypotheses
        (WeakMixingAngle, MagneticMoment) scale them.

    Raises
    ------
    RangeError
        If one of the three is something else.
    """

    corrections: Corrections = "radiative"
    sin2_theta_w: float | None = None
    components: Components = ""

    def __post_init__(self) -> None:
        for name, known in (("corrections", Corrections), ("components", Components)):
            if getattr(self, name) not in get_args(known):
                raise RangeError(f"{name} = {getattr(self, name)!r}: expected one of {', '.join(repr(one) for one in get_args(known))}")
        if self.sin2_theta_w is not None and not 0 <= self.sin2_theta_w <= 1:
            raise RangeError(f"sin2_theta_w = {self.sin2_theta_w}: expected a number in [0, 1]")

    @property
    def tag(self) -> str:
        """Tag of the channel on the blocks of a kernel."""
        return "channel:electron"

    @property
    def mixing(self) -> float:
        """sin^2(theta_W) in use."""
        return provenance.datum(_MIXING, "dimensionless").value if self.sin2_theta_w is None else self.sin2_theta_w

    def end_point(self, energy: Array) -> Array:
        """Largest recoil T_max = 2 E^2 / (2 E + m_e) for neutrino energies (n,).

        Examples
        --------
        >>> from megacurie.foundation import units as u
        >>> print(units.format(ElectronScattering().end_point(np.array([0.75 * u.MeV]))[0], "keV", 4))
        559.4 keV
        """
        return 2 * energy * energy / (2 * energy + _mass())

    def cosine(self, energy: Array, recoil: Array) -> Array:
        """Cosine of the angle between neutrino and electron, (1 + m_e/E) sqrt(T/(T + 2 m_e)); above 1 beyond the end point.

        Parameters
        ----------
        energy : array (n_lines,), energy
        recoil : array (n,), energy

        Returns
        -------
        array (n, n_lines)
        """
        t = recoil[:, None]
        result: Array = (1 + _mass() / energy) * np.sqrt(t / (t + 2 * _mass()))
        return result

    def differential(self, energy: Array, recoil: Array, *, particle: str = "neutrino") -> Array:
        """d(sigma)/dT per electron.

        (2 G_F^2 m_e / pi) [g_L^2 + g_R^2 (1 - T/E)^2 - g_L g_R m_e T / E^2] with g_L = s + 1/2 for nu_e, s - 1/2 for nu_x, g_R = s = sin^2(theta_W); g_L and
        g_R change places for antineutrinos. With radiative corrections as in ``channels.radiative``.

        Parameters
        ----------
        energy : array (n_lines,), energy
        recoil : array (n,), energy
        particle : "neutrino" or "antineutrino"

        Returns
        -------
        array (2, n, n_lines), area per energy
            First axis: flavour e, x. Zero above the end point.

        Sources
        -------
        G. 't Hooft, Phys. Lett. B 37, 195 (1971); J. Bahcall, M. Kamionkowski and A. Sirlin, Phys. Rev. D 51, 6146 (1995).

        Examples
        --------
        >>> from megacurie.foundation import units as u
        >>> at = np.array([0.75]) * u.MeV, np.array([0.3]) * u.MeV
        >>> tree, full = (ElectronScattering(corrections=c).differential(*at)[0, 0, 0] for c in ("tree", "radiative"))
        >>> print(f"{full / tree:.3f}")
        0.973
        """
        return self._sum(energy, recoil, particle, ("1", "s", "s2"))

    def component_differentials(self, energy: Array, recoil: Array, *, particle: str = "neutrino") -> dict[str, Array]:
        """The same by powers of sin^2(theta_W), "coupling:1", "coupling:s" and "coupling:s2", at its value here; and "coupling:magnetic".

        The magnetic part is (pi alpha^2 / m_e^2) (mu/mu_B)^2 (1/T - 1/E), alike for all flavours, at mu = 1e-11 Bohr magnetons.

        Returns
        -------
        dict of str to array (2, n, n_lines)

        Sources
        -------
        P. Vogel and J. Engel, Phys. Rev. D 39, 3378 (1989).
        """
        found = {f"coupling:{power}": self._sum(energy, recoil, particle, (power,)) for power in ("1", "s", "s2")}
        return found | {"coupling:magnetic": self._magnetic(energy, recoil)}

    def _sum(self, energy: Array, recoil: Array, particle: str, powers: tuple[str, ...]) -> Array:
        """Some powers of sin^2(theta_W), in blocks of recoils."""
        sigma = np.empty((2, len(recoil), len(energy)))
        step = max(1, _BLOCK // max(1, len(energy)))
        for start in range(0, len(recoil), step):
            part = slice(start, start + step)
            sigma[:, part] = self._block(energy, recoil[part], particle, powers)
        return sigma

    def _block(self, energy: Array, recoil: Array, particle: str, powers: tuple[str, ...]) -> Array:
        m, s, t = _mass(), self.mixing, recoil[:, None]
        z = t / energy
        first, second, third = np.ones_like(z), (1 - z) ** 2, m * z / energy
        # g_L = constant + slope s and g_R = slope s, for nu_e and nu_x; signs of both may change together
        constant, slope = (0.5, -0.5), (1.0, 1.0)
        if self.corrections == "radiative":
            strength = provenance.datum("constant.fine_structure_constant", "dimensionless").value / math.pi
            minus, plus, mixed = radiative.qed(energy, recoil)
            first, second, third = 1 + strength * minus, second + strength * plus, third * (1 + strength * mixed)
            rho = radiative.rho()
            constant, slope = (0.5 * rho - 1, 0.5 * rho), tuple(-rho * radiative.kappa(recoil, flavour)[:, None] for flavour in ("e", "mu"))  # type: ignore[assignment]
        if particle == "antineutrino":
            first, second = second, first
        sigma = np.zeros((2, *z.shape))
        for flavour, (a, b) in enumerate(zip(constant, slope, strict=True)):
            b = b * s
            if "1" in powers:
                sigma[flavour] += a * a * first
            if "s" in powers:
                sigma[flavour] += a * b * (2 * first - third)
            if "s2" in powers:
                sigma[flavour] += b * b * (first + second - third)
        return np.where(t <= self.end_point(energy), _scale() * sigma, 0.0)

    def _magnetic(self, energy: Array, recoil: Array) -> Array:
        t = recoil[:, None]
        moment = provenance.datum(_MOMENT, "dimensionless").value
        radius = provenance.datum("constant.fine_structure_constant", "dimensionless").value * units.hbarc / _mass()  # of the classical electron
        one = np.where(t <= self.end_point(energy), math.pi * (radius * moment) ** 2 * (1 / np.where(t > 0, t, np.inf) - 1 / energy), 0.0)
        return np.stack([one, one])

    def cross_section(self, energy: Array, edges: Array, *, particle: str = "neutrino") -> Array:
        """Cross section of neutrino-electron scattering in recoil bins: closed form at tree level, quadrature to 1e-8 with radiative corrections.

        Parameters
        ----------
        energy : array (n_lines,), energy
        edges : array (n_bins + 1,), energy
            Edges of the recoil bins, increasing; may end in infinity.
        particle : "neutrino" or "antineutrino"

        Returns
        -------
        array (2, n_bins, n_lines), area
            Per electron; the first axis is the flavour (e, x).

        Examples
        --------
        >>> from megacurie.foundation import units as u
        >>> sigma = ElectronScattering(corrections="tree").cross_section(np.array([0.75 * u.MeV]), np.array([0.2, np.inf]) * u.MeV)
        >>> print(f"{sigma[0, 0, 0] / u.cm2:.3e} cm2, nu_x/nu_e = {sigma[1, 0, 0] / sigma[0, 0, 0]:.3f}")
        3.037e-45 cm2, nu_x/nu_e = 0.220
        """
        if self.corrections == "radiative":
            return self._integrated(functools.partial(self.differential, particle=particle), energy, edges)
        mass, s, e = _mass(), self.mixing, energy[None, :]
        left, right = np.array([s + 0.5, s - 0.5])[:, None, None], np.array([s, s])[:, None, None]
        forward, backward = (right, left) if particle == "antineutrino" else (left, right)
        t = np.clip(edges[:, None], 0.0, self.end_point(e))  # (n_bins + 1, n_lines)
        integral = forward**2 * t - backward**2 * e / 3 * (1 - t / e) ** 3 - left * right * mass * t * t / (2 * e * e)
        sigma: Array = _scale() * np.diff(integral, axis=1)
        return sigma

    def _integrated(self, density: Callable[[Array, Array], Array], energy: Array, edges: Array) -> Array:
        """A differential cross section integrated over bins, line by line; T = T_max - (T_max - low) u^3 takes the logarithm out of the end point."""
        x, w = gauss_legendre(_ORDER)
        columns = []
        for i, last in enumerate(self.end_point(energy)):
            t = np.minimum(edges, last)
            span = (last - t[:-1])[:, None]
            low = np.cbrt((last - t[1:])[:, None] / np.where(span > 0, span, 1.0))
            u = low + 0.5 * (1 - low) * (1 + x)
            weight = 0.5 * (1 - low) * w * 3 * span * u * u
            sigma = density(energy[i : i + 1], (last - span * u**3).ravel())[..., 0]
            columns.append((sigma.reshape(2, *weight.shape) * weight).sum(-1))
        return np.stack(columns, -1)

    def parts(self, source: Source, detector: Detector) -> tuple[Part, ...]:
        """What is recorded: one part, or the components.

        Raises
        ------
        RangeError
            If the magnetic part is asked for without a threshold: it has no end at zero energy.
        """
        if self.components == "magnetic" and not detector.threshold > 0:
            raise RangeError("magnetic moment: the cross section goes as 1/T and has no end at zero recoil energy; expected a positive threshold")
        particle = source.particle

        def whole(energy: Array, recoil: Array) -> Array:
            return self.differential(energy, recoil, particle=particle)

        def component(tag: str, energy: Array, recoil: Array) -> Array:
            return self.component_differentials(energy, recoil, particle=particle)[tag]

        tags = {"": (), "mixing": ("coupling:1", "coupling:s", "coupling:s2"), "magnetic": ("coupling:magnetic",)}[self.components]
        densities = {} if self.components == "mixing" else {"recoil:all": whole}
        densities |= {tag: functools.partial(component, tag) for tag in tags}
        found = []
        for tag, density in densities.items():
            closed = functools.partial(self.cross_section, particle=particle) if tag == "recoil:all" else functools.partial(self._integrated, density)
            sigma = detector.lines(source.energies, closed, density, self.end_point, self.cosine)
            found.append(Part(tag=tag, target="electron", cross_section=sigma))
        return tuple(found)

    def largest(self, source: Source) -> float:
        """Largest recoil of any line."""
        return float(self.end_point(source.energies).max())

    def relative_errors(self, source: Source) -> tuple[float, float]:
        """None: the couplings are known to far better than a source's activity."""
        return 0.0, 0.0

    def references(self, source: Source) -> frozenset[str]:
        """Keys of the constants that enter."""
        used = [provenance.datum("constant.electron_mass", "energy"), provenance.datum("constant.fermi", "fermi-constant")]
        if self.sin2_theta_w is None:
            used.append(provenance.datum(_MIXING, "dimensionless"))
        if self.corrections == "radiative":
            used += provenance.walk(provenance.look_up("channel.electron-scattering.corrections"))
        if self.components == "magnetic":
            used.append(provenance.datum(_MOMENT, "dimensionless"))
        return frozenset().union(*(datum.references for datum in used))

    def describe(self, source: Source) -> str:
        """One line for a person."""
        how = "with radiative corrections" if self.corrections == "radiative" else "at tree level"
        return f"electron scattering {how}, sin2 theta_W = {self.mixing:g}"


def _mass() -> float:
    return provenance.datum("constant.electron_mass", "energy").value


def _scale() -> float:
    """2 G_F^2 m_e / pi, area per energy."""
    fermi = provenance.datum("constant.fermi", "fermi-constant").value * units.hbarc
    return 2 * fermi**2 * _mass() / math.pi
