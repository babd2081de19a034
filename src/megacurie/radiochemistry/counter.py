"""The response of a proportional counter to decays of 71Ge and to background: energies, rise times, windows."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from megacurie.foundation import provenance
from megacurie.foundation.arrays import Array
from megacurie.radiochemistry.campaign import PEAKS, PeakWindow

_FWHM = math.sqrt(8 * math.log(2))  # full width at half maximum of a Gaussian over its sigma


@functools.cache
def number(key: str) -> float:
    """A number of the data of counters, such as ``resolution.fwhm``, or of 71Ge, as ``nuclide.ge71.deposit.k``."""
    found = provenance.look_up(key if key.startswith("nuclide.") else f"counter.{key}")
    assert isinstance(found, provenance.Datum)  # the keys are ours
    return found.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """How a counter shows the decays of 71Ge.

    A decay in the gas by K capture leaves 10.367 keV, unless its x ray escapes: then its Auger electrons alone are seen, with the energy of an L or
    an M capture. The share of x rays that are absorbed follows from the efficiencies of both peaks, the rest of an efficiency is the active volume.

    Attributes
    ----------
    resolution : float
        fwhm over the position of the 55Fe line.
    cuts : dict of peak to float, time
        Longest rise time accepted.
    absorbed : float
        Share of the x rays that are absorbed in the gas.
    """

    resolution: float
    cuts: dict[str, float]
    absorbed: float

    def width(self, energy: float) -> float:
        """Standard deviation at some energy: it grows as the root.

        Examples
        --------
        >>> counter = Response(resolution=0.2, cuts={}, absorbed=0.1)
        >>> print(f"{counter.width(4 * number('fe55.energy')) / counter.width(number('fe55.energy')):.3f}")
        2.000
        """
        line = number("fe55.energy")
        return self.resolution * math.sqrt(line * energy) / _FWHM

    def window(self, peak: str) -> tuple[float, float]:
        """Lowest and highest energy of a peak, two fwhm apart.

        Examples
        --------
        >>> from megacurie.foundation import units
        >>> low, high = Response(resolution=0.2, cuts={}, absorbed=0.1).window("K")
        >>> print(f"{low / units.keV:.2f} {high / units.keV:.2f}")
        8.80 11.93
        """
        energy = deposit(peak)
        half = number("window.half_width") * _FWHM * self.width(energy)
        return energy - half, energy + half

    @property
    def inside(self) -> float:
        """Share of a peak that is in its window."""
        return float(1 - 2 * ndtr(-number("window.half_width") * _FWHM))

    def energies(self, peak: str, rng: np.random.Generator, n: int, *, inside: bool) -> Array:
        """Energies (n,) of decays in a peak that fall into its window, or that do not: Gaussian, by inversion."""
        tail = 0.5 * (1 - self.inside)
        u = rng.random(n)
        level = tail + self.inside * u if inside else np.where(u < 0.5, 2 * tail * u, 1 - 2 * tail * (1 - u))
        # a pulse from far below the threshold of the L peak has no negative energy
        return np.maximum(deposit(peak) + self.width(deposit(peak)) * ndtri(level), 0.0)

    def rise_times(self, peak: str, rng: np.random.Generator, n: int, *, inside: bool) -> Array:
        """Rise times (n,) of point-like pulses below the cut of a peak, or above it: Rayleigh, with the accepted share below."""
        share = number("rise_time.accepted")
        scale = self.cuts[peak] / math.sqrt(-2 * math.log1p(-share))
        u = rng.random(n)
        return rayleigh(scale, share * u if inside else share + (1 - share) * u)

    def extended(self, peak: str) -> float:
        """Share of the pulses of tracks that have a rise time below the cut of a peak."""
        return -math.expm1(-0.5 * (self.cuts[peak] / number("rise_time.extended")) ** 2)

    def tracks(self, rng: np.random.Generator, n: int, low: float = 0.0, high: float = 1.0) -> Array:
        """Rise times (n,) of tracks, between two quantiles."""
        return rayleigh(number("rise_time.extended"), low + (high - low) * rng.random(n))

    def shares(self) -> dict[str, dict[str, float]]:
        """Of all decays in the gas: by where they are seen (K, L, or M below the threshold) and by the shell of the capture.

        Examples
        --------
        >>> seen = Response(resolution=0.2, cuts={}, absorbed=0.0).shares()
        >>> print(f"{seen['K']['K']:.3f} {seen['L']['K']:.3f} {seen['L']['L']:.3f}")
        0.415 0.412 0.103
        """
        auger, alpha, beta, shell_l, shell_m = (_capture(name) for name in ("k_auger", "k_xray_alpha", "k_xray_beta", "l", "m"))
        escapes = 1 - self.absorbed
        return {
            "K": {"K": auger + self.absorbed * (alpha + beta)},
            "L": {"K": escapes * alpha, "L": shell_l},
            "M": {"K": escapes * beta, "M": shell_m},
        }


def response(peaks: Mapping[str, PeakWindow], resolution: float) -> Response:
    """The response that has the ratio of the efficiencies of a filling; with one peak alone, no x ray is absorbed.

    K : L = [auger + p (alpha + beta)] : [l + (1 - p) alpha], solved for the share p of x rays absorbed; 0 or 1 where no share would do.
    """
    cuts = {}
    for peak in PEAKS:
        own = peaks[peak].rise_time_cut if peak in peaks else None
        cuts[peak] = number(f"rise_time.cut_{peak.lower()}") if own is None else own
    absorbed = 0.0
    if set(peaks) == set(PEAKS):
        auger, alpha, beta, shell_l = (_capture(name) for name in ("k_auger", "k_xray_alpha", "k_xray_beta", "l"))
        ratio = peaks["K"].efficiency / peaks["L"].efficiency
        absorbed = min(max((ratio * (shell_l + alpha) - auger) / (alpha + beta + ratio * alpha), 0.0), 1.0)
    return Response(resolution=resolution, cuts=cuts, absorbed=absorbed)


def deposit(peak: str) -> float:
    """Energy of a peak: K, L or M."""
    return number(f"nuclide.ge71.deposit.{peak.lower()}")


def adp(rise_time: Array, rng: np.random.Generator) -> Array:
    """Amplitude of the differentiated pulse over the energy: it falls as 1 / (1 + T_N / time of the differentiation)."""
    noise = 1 + number("adp.noise") * rng.standard_normal(len(rise_time))
    found: Array = noise / (1 + rise_time / number("adp.time"))
    return found


def rayleigh(scale: float, level: Array) -> Array:
    """Quantiles of T exp(-T^2 / 2 s^2)."""
    found: Array = scale * np.sqrt(-2 * np.log1p(-level))
    return found


def pick(shares: dict[str, float], rng: np.random.Generator, n: int) -> NDArray[np.str_]:
    """Names (n,) thrown in proportion to their shares."""
    names, sizes = np.array(list(shares)), np.array(list(shares.values()))
    found: NDArray[np.str_] = names[np.minimum(np.searchsorted(np.cumsum(sizes) / sizes.sum(), rng.random(n), side="right"), len(names) - 1)]
    return found


def _capture(name: str) -> float:
    return number(f"nuclide.ge71.capture.{name}")
