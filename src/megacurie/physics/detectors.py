"""What is recorded of an interaction: bins in recoil energy, angle and distance, threshold, efficiency, resolutions.

Every resolution is Gaussian. Energy: sigma^2 = noise^2 + stochastic^2 T + (constant T)^2. Distance: sigma^2 = stochastic^2 / T + constant^2, T as recorded.
Angle: one width on each of the two axes across the true direction. Bins are ordered distance, recoil, angle: the last moves fastest.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import ive, ndtr

from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError
from megacurie.foundation.quadrature import gauss_legendre

_ORDER = 12  # Gauss-Legendre nodes of a panel that is two sigma wide: the Gaussian is integrated to 1e-9
_FAR = 7.0  # sigmas beyond which a Gaussian is nothing: 1e-12


class Histogram(Protocol):
    """A spectrum of visible energy in fine bins: what a background looks like."""

    @property
    def edges(self) -> Array: ...
    @property
    def fraction(self) -> Array: ...
    def below(self, energy: Array) -> Array: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Energy resolution: sigma^2 = noise^2 + stochastic^2 T + (constant T)^2.

    Attributes
    ----------
    stochastic : float, square root of energy
        Photon statistics: 5 % / sqrt(MeV) is 0.05 sqrt(MeV).
    constant : float
        Relative.
    noise : float, energy

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> width = Resolution(stochastic=0.05 * u.MeV**0.5).sigma(np.array([0.25 * u.MeV]))
    >>> print(f"{width[0] / u.keV:.1f} keV")
    25.0 keV
    """

    stochastic: float = 0.0
    constant: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        if not (self.stochastic >= 0 and self.constant >= 0 and self.noise >= 0):
            raise RangeError("energy resolution: expected widths of zero or more")

    @property
    def sharp(self) -> bool:
        """Whether energies are recorded as they are."""
        return self.stochastic == self.constant == self.noise == 0

    def sigma(self, energy: Array) -> Array:
        """Width at an energy (n,)."""
        return np.sqrt(self.noise**2 + self.stochastic**2 * energy + (self.constant * energy) ** 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionResolution:
    """Resolution of the distance from the source: sigma^2 = stochastic^2 / T + constant^2.

    Attributes
    ----------
    stochastic : float, length times square root of energy
        10 cm / sqrt(T/MeV) is 10 cm sqrt(MeV).
    constant : float, length
    """

    stochastic: float = 0.0
    constant: float = 0.0

    def __post_init__(self) -> None:
        if not (self.stochastic >= 0 and self.constant >= 0):
            raise RangeError("position resolution: expected widths of zero or more")

    def sigma(self, energy: Array) -> Array:
        """Width at a recorded energy (n,)."""
        return np.sqrt(self.stochastic**2 / energy + self.constant**2) if self.stochastic else np.full(len(energy), self.constant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """Bins, threshold, efficiency and resolutions.

    Attributes
    ----------
    recoil : tuple of float, energy
        Edges of the recorded recoil energy; the first is the threshold, the last may be infinite.
    angle : tuple of float
        Edges of the recorded angle between source and recoil.
    distance : int or tuple of float, length
        Number of equal bins of the recorded distance over the zone, the outermost open; or their edges, beyond which nothing is kept.
    efficiency : float
    efficiency_curve : tuple of (energy, fraction)
        Efficiency against the true recoil energy, linear between the points and constant outside; multiplies ``efficiency``.
    least : float, energy
        True recoils below it leave no trace (Cherenkov light).
    resolution : Resolution
    position : PositionResolution
    angular : float
        Width on each of two axes.

    Raises
    ------
    RangeError
        Edges that do not increase, efficiencies outside [0, 1].
    """

    recoil: tuple[float, ...] = (0.0, math.inf)
    angle: tuple[float, ...] = (0.0, math.pi)
    distance: int | tuple[float, ...] = 1
    efficiency: float = 1.0
    efficiency_curve: tuple[tuple[float, float], ...] = ()
    least: float = 0.0
    resolution: Resolution = Resolution()
    position: PositionResolution = PositionResolution()
    angular: float = 0.0

    def __post_init__(self) -> None:
        for what, edges, unit in (("recoil", self.recoil, "keV"), ("angle", self.angle, "deg"), ("distance", self.distance, "m")):
            if isinstance(edges, int):
                if edges < 1:
                    raise RangeError(f"{edges} bins of {what}: expected at least one")
            elif len(edges) < 2 or edges[0] < 0 or any(not a < b for a, b in itertools.pairwise(edges)):
                shown = ", ".join(units.format(edge, unit) for edge in edges)
                raise RangeError(f"edges of the {what} bins {shown}: expected at least two, none negative, increasing")
        curve = [x for x, _ in self.efficiency_curve]
        if curve != sorted(set(curve)) or not all(0 <= y <= 1 for y in (self.efficiency, *(y for _, y in self.efficiency_curve))):
            raise RangeError("efficiency: expected fractions in [0, 1] at increasing energies")
        if self.position.stochastic and not self.recoil[0] > 0:
            raise RangeError("position resolution that falls with the energy: expected a positive threshold, because it has no end at zero energy")

    @property
    def threshold(self) -> float:
        """Smallest recorded energy."""
        return self.recoil[0]

    @property
    def bins(self) -> int:
        """Number of bins of recoil and angle in one bin of distance."""
        return (len(self.recoil) - 1) * (len(self.angle) - 1)

    @property
    def sharp(self) -> bool:
        """Whether recoils are recorded as they are, in one bin of angle: their spectrum is then integrated bin by bin in closed form."""
        return self.resolution.sharp and self.every_direction and not self.efficiency_curve and self.least <= self.threshold

    @property
    def every_direction(self) -> bool:
        """Whether recoils of all directions are in one bin."""
        return len(self.angle) == 2 and self.angle[0] == 0 and self.angle[1] >= math.pi

    def counting(self) -> Detector:
        """The same detector when its events are only counted: one bin from the threshold to the end, within the same angles and distances."""
        return Detector(
            recoil=(self.threshold, self.recoil[-1]), angle=(self.angle[0], self.angle[-1]), angular=self.angular,
            distance=1 if isinstance(self.distance, int) else (self.distance[0], self.distance[-1]),
            efficiency=self.efficiency, efficiency_curve=self.efficiency_curve, least=self.least,
            resolution=self.resolution, position=self.position,
        )  # fmt: skip

    def seen(self, energy: Array) -> Array:
        """Efficiency at a true energy (n,), without the constant factor."""
        points = np.array(self.efficiency_curve)
        curve = np.interp(energy, points[:, 0], points[:, 1]) if self.efficiency_curve else np.ones_like(energy)
        return np.where(energy >= self.least, curve, 0.0)

    def migration(self, energy: Array) -> Array:
        """Probability (recoil bins, n) that a true energy (n,) is recorded in each bin of recoil; the efficiency curve is included."""
        edges = np.array(self.recoil)[:, None]
        below = (energy < edges).astype(float) if self.resolution.sharp else ndtr((edges - energy) / self.resolution.sigma(energy))
        recorded: Array = np.diff(below, axis=0) * self.seen(energy)
        return recorded

    def directions(self, angle: Array) -> Array:
        """Probability (angle bins, n) that a true angle (n,) between source and recoil is recorded in each bin.

        Two Gaussian axes across the direction give the density (a/s^2) exp(-(a^2 + a0^2)/(2 s^2)) I_0(a a0/s^2) of the recorded angle a (S. O. Rice, 1944).
        """
        edges = np.array(self.angle)
        if self.angular == 0:
            return ((angle >= edges[:-1, None]) & (angle < edges[1:, None])).astype(float)
        pieces = np.maximum(1, np.ceil(np.diff(edges) / self.angular)).astype(int)
        fine = np.concatenate([np.linspace(a, b, n, endpoint=False) for a, b, n in zip(edges, edges[1:], pieces, strict=False)] + [edges[-1:]])
        x, w = gauss_legendre(_ORDER)
        half = 0.5 * np.diff(fine)[:, None]
        a = (fine[:-1, None] + half * (1 + x))[..., None]
        s2 = self.angular**2
        density = a / s2 * np.exp(-((a - angle) ** 2) / (2 * s2)) * ive(0, a * angle / s2)
        panels = ((half * w)[..., None] * density).sum(1)
        binned: Array = np.add.reduceat(panels, np.cumsum(pieces) - pieces, axis=0)
        return binned

    def fold(self, density: Callable[[Array], Array], end: float, cosine: Callable[[Array], Array] | None = None) -> Array:
        """A recoil spectrum as it is recorded.

        Parameters
        ----------
        density : callable
            From true recoil energies (n,) to (..., n), per energy; smooth up to the end point, where it may diverge like a logarithm.
        end : float, energy
            End point: nothing lies above.
        cosine : callable, optional
            From true recoil energies (n,) to the cosine of the angle between source and recoil; needed with bins of angle.

        Returns
        -------
        array (..., bins)
            Integral of density x response over each bin of recoil and angle.

        Examples
        --------
        >>> box = Detector(recoil=(0.0, 1.0, 2.0), resolution=Resolution(constant=0.01))
        >>> print(box.fold(lambda t: np.ones_like(t), 1.5).round(3))
        [1.  0.5]
        """
        energy, weight = self._nodes(end)
        weighted = density(energy) * weight
        recorded = self.migration(energy)
        if self.every_direction:
            of_recoil: Array = weighted @ recorded.T
            return of_recoil
        if cosine is None:
            raise RangeError("bins of angle: this interaction gives no direction; expected electron scattering")
        directions = self.directions(np.arccos(np.clip(cosine(energy), -1.0, 1.0)))
        both = np.einsum("...n,tn,an->...ta", weighted, recorded, directions)
        binned: Array = both.reshape(*both.shape[:-2], self.bins)
        return binned

    def _nodes(self, end: float) -> tuple[Array, Array]:
        """Nodes and weights for true energies up to an end point, in pieces that a Gaussian of the resolution does not leave; T = end - (end - low) u^3."""
        low = self.least
        if not self.resolution.sharp:
            sigma = float(self.resolution.sigma(np.array([self.threshold]))[0])
            low = max(low, self.threshold - _FAR * sigma)
        else:
            low = max(low, self.threshold)
        if not low < end:
            return np.full(1, low), np.zeros(1)
        inside = [edge for edge in (*self.recoil, *(x for x, _ in self.efficiency_curve)) if low < edge < end]
        if self.resolution.sharp:
            breaks = np.array([low, *sorted(set(inside)), end])
            pieces = 4
        else:
            breaks = np.array([low, *sorted({x for x, _ in self.efficiency_curve if low < x < end}), end])
            narrow = float(self.resolution.sigma(np.array([low]))[0]) or float(self.resolution.sigma(np.array([end]))[0])
            pieces = math.ceil(3 * (end - low) / (2 * narrow)) + 4
        u = np.cbrt((end - breaks[::-1]) / (end - low))
        edges = np.concatenate([np.linspace(a, b, pieces, endpoint=False) for a, b in itertools.pairwise(u)] + [u[-1:]])
        x, w = gauss_legendre(_ORDER)
        half = 0.5 * np.diff(edges)[:, None]
        node: Array = (edges[:-1, None] + half * (1 + x)).ravel()
        return end - (end - low) * node**3, (half * w).ravel() * 3 * (end - low) * node**2

    def spectrum(self, background: Histogram) -> Array:
        """Fraction (bins,) of the events of a background in each bin of recoil and angle; directions are isotropic."""
        if self.resolution.sharp and not self.efficiency_curve and self.least <= self.threshold:
            recorded = np.diff(background.below(np.array(self.recoil)))
        else:
            middle = 0.5 * (background.edges[1:] + background.edges[:-1])
            recorded = self.migration(middle) @ background.fraction
        share = -0.5 * np.diff(np.cos(self.angle))
        binned: Array = np.outer(recorded, share).ravel()
        return binned

    def lines(
        self, energy: Array, closed: Callable[[Array, Array], Array], density: Callable[[Array, Array], Array], end: Callable[[Array], Array],
        cosine: Callable[[Array, Array], Array] | None = None,
    ) -> Array:  # fmt: skip
        """Cross section in recorded bins for the lines of a source.

        Parameters
        ----------
        energy : array (n_lines,), energy
            Of the neutrinos.
        closed : callable (energy, edges) -> array (2, n_bins, n_lines)
            Integrals over bins of true recoil energy, for a detector that records it as it is.
        density : callable (energy, recoil) -> array (2, n, n_lines)
            Differential cross section.
        end : callable (energy) -> array (n_lines,), energy
            End points.
        cosine : callable (energy, recoil) -> array (n, n_lines), optional
            Cosine of the angle between neutrino and recoil.

        Returns
        -------
        array (2, bins, n_lines), area
        """
        if self.sharp:
            return closed(energy, np.array(self.recoil))

        def of_line(one: Array) -> Array:
            angle = None if cosine is None else lambda t: cosine(one, t)[:, 0]
            return self.fold(lambda t: density(one, t)[..., 0], float(end(one)[0]), angle)

        return np.stack([of_line(energy[i : i + 1]) for i in range(len(energy))], -1)

    def distance_edges(self, near: float, far: float) -> Array:
        """Edges of the bins of distance for a zone that lies between two distances from the source."""
        if not isinstance(self.distance, int):
            return np.array(self.distance)
        inner = np.linspace(near, far, self.distance + 1)[1:-1]
        edges: Array = np.concatenate([[-math.inf], inner, [math.inf]])
        return edges

    def places(self, distance: Array, edges: Array) -> Array:
        """Probability (distance bins, bins, n) that an event of each bin at a true distance (n,) is recorded in each bin of distance."""
        recoil = np.array(self.recoil)
        middle = np.where(np.isfinite(recoil[1:]), 0.5 * (recoil[1:] + recoil[:-1]), recoil[:-1])
        sigma = np.repeat(self.position.sigma(middle), len(self.angle) - 1)[:, None]
        if not sigma.any():
            inside = (distance >= edges[:-1, None]) & (distance < edges[1:, None])
            return np.broadcast_to(inside[:, None, :].astype(float), (len(edges) - 1, self.bins, len(distance)))
        return np.diff(ndtr((edges[:, None, None] - distance) / sigma), axis=0)


def cherenkov_threshold(refractive_index: float) -> float:
    """Kinetic energy above which an electron gives Cherenkov light: m (1/sqrt(1 - 1/n^2) - 1).

    Raises
    ------
    RangeError
        If the index is not above one.

    Examples
    --------
    >>> print(*(units.format(cherenkov_threshold(n), "keV", 3) for n in (4 / 3, 1.49)))
    262 keV 178 keV
    """
    if not refractive_index > 1:
        raise RangeError(f"refractive index {refractive_index}: expected more than 1")
    mass = provenance.datum("constant.electron_mass", "energy").value
    return mass * (1 / math.sqrt(1 - refractive_index**-2) - 1)
