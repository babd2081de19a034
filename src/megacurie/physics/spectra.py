"""Spectra of visible energy that backgrounds have, in fine bins."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import DataError, RangeError
from megacurie.physics import beta

_BINS = 4000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spectrum:
    """A histogram of visible energy.

    Attributes
    ----------
    edges : array (n + 1,), energy
        Increasing.
    fraction : array (n,)
        Of the events in each bin; their sum is 1 unless events are added whose rate is given relative to others.

    Raises
    ------
    RangeError
        If lengths do not fit, edges do not increase or a fraction is negative.
    """

    edges: Array
    fraction: Array

    def __post_init__(self) -> None:
        if len(self.edges) != len(self.fraction) + 1 or not (np.diff(self.edges) > 0).all() or not (self.fraction >= 0).all():
            raise RangeError("spectrum: expected one more edge than fractions, edges increasing, fractions of zero or more")

    def below(self, energy: Array) -> Array:
        """Fraction of the events below each energy (n,): linear inside a bin."""
        found: Array = np.interp(energy, self.edges, np.concatenate([[0.0], np.cumsum(self.fraction)]))
        return found

    def with_pile_up(self, chance: float) -> Spectrum:
        """This spectrum, and for each event with some chance the sum of two in its stead seen too: the spectrum folded with itself.

        Parameters
        ----------
        chance : float
            Rate x time in which two events are seen as one.
        """
        step = self.edges[1] - self.edges[0]
        if self.edges[0] != 0 or not np.allclose(np.diff(self.edges), step, rtol=1e-9, atol=0):
            raise RangeError("pile-up: expected a spectrum in equal bins from zero")
        pairs = np.convolve(self.fraction, self.fraction)
        # two events of bins i and j sum to the edge between bins i + j and i + j + 1: half of them on either side
        fraction = 0.5 * chance * (np.append(pairs, 0.0) + np.append(0.0, pairs))
        fraction[: len(self.fraction)] += self.fraction
        return Spectrum(edges=step * np.arange(len(fraction) + 1), fraction=fraction)


def _binned(density: Callable[[Array], Array], low: float, high: float) -> Spectrum:
    edges = np.linspace(low, high, _BINS + 1)
    fraction = density(0.5 * (edges[1:] + edges[:-1]))
    return Spectrum(edges=edges, fraction=fraction / fraction.sum())


def flat(low: float, high: float) -> Spectrum:
    """As many events everywhere between two energies.

    Examples
    --------
    >>> print(flat(100 * units.keV, 300 * units.keV).below(np.array([150 * units.keV])).round(6))
    [0.25]
    """
    if not 0 <= low < high:
        raise RangeError(f"flat spectrum from {units.format(low, 'keV')} to {units.format(high, 'keV')}: expected 0 <= low < high")
    return Spectrum(edges=np.linspace(low, high, _BINS + 1), fraction=np.full(_BINS, 1 / _BINS))


def power(low: float, high: float, index: float) -> Spectrum:
    """Events as E^-index between two energies: an excess at low energy.

    Examples
    --------
    >>> print(power(10 * units.eV, 1000 * units.eV, 3.0).below(np.array([20 * units.eV])).round(3))  # 1 - (10/20)^2
    [0.75]
    """
    if not 0 < low < high:
        raise RangeError(f"power law from {units.format(low, 'eV')} to {units.format(high, 'eV')}: expected 0 < low < high")
    edges = np.geomspace(low, high, _BINS + 1)
    x = edges / low
    below = np.log(x) if index == 1 else (x ** (1 - index) - 1) / (1 - index)
    return Spectrum(edges=edges, fraction=np.diff(below) / below[-1])


def line(energy: float) -> Spectrum:
    """One energy: an alpha, quenched, or a gamma that is absorbed whole."""
    return Spectrum(edges=np.array([energy * (1 - 1e-6), energy * (1 + 1e-6)]), fraction=np.ones(1))


def electrons(endpoint: float, charge: int, nucleons: int, shape: beta.Shape = "allowed") -> Spectrum:
    """Of a beta- decay: the kinetic energy of the electron.

    Examples
    --------
    >>> carbon = electrons(156.476 * units.keV, 7, 14)
    >>> print(f"{float(carbon.below(np.array([49.5 * units.keV]))[0]):.2f}")  # the mean energy is 49.5 keV
    0.55
    """
    return _binned(lambda t: beta.spectrum(t, endpoint, charge, nucleons, shape), 0.0, endpoint)


def positrons(endpoint: float, charge: int, nucleons: int) -> Spectrum:
    """Of a beta+ decay: kinetic energy and the two gammas of the annihilation, 2 m_e or more.

    Examples
    --------
    >>> print(f"{positrons(960 * units.keV, 5, 11).below(np.array([1 * units.MeV]))[0]:.1f}")
    0.0
    """
    rest = 2 * beta._mass()
    one = _binned(lambda t: beta.spectrum(t, endpoint, -charge, nucleons), 0.0, endpoint)
    return Spectrum(edges=one.edges + rest, fraction=one.fraction)


def together(*spectra: tuple[float, Spectrum]) -> Spectrum:
    """Several spectra, each with its share of the events.

    Examples
    --------
    >>> both = together((0.9, line(1.0)), (0.1, line(2.0)))
    >>> print(both.below(np.array([1.5])).round(3))
    [0.9]
    """
    edges = np.unique(np.concatenate([one.edges for _, one in spectra]))
    below = sum((share * one.below(edges) for share, one in spectra), np.zeros(len(edges)))
    return Spectrum(edges=edges, fraction=np.diff(below).clip(0.0))


def recoils(differential: Callable[[Array], Array], end: float) -> Spectrum:
    """Recoil electrons of other neutrinos.

    Parameters
    ----------
    differential : callable
        From recoil energies (n,) to events per energy (n,), all lines and flavours together.
    end : float, energy
        Largest recoil.
    """
    return _binned(differential, 0.0, end)


def from_csv(path: Path) -> Spectrum:
    """A spectrum of the user's own: columns ``energy_keV``, increasing, and ``per_keV``, the density there; linear between the points.

    Raises
    ------
    DataError
        Naming file and line.
    """
    way = "Expected a header 'energy_keV,per_keV' and below it numbers, energies increasing, densities of zero or more"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text in UTF-8"
        raise DataError(f"{path}: cannot be read: {reason}. {way}") from None
    rows = list(csv.reader(text.splitlines()))
    head = [cell.strip() for cell in rows[0]] if rows else []
    if head != ["energy_keV", "per_keV"]:
        raise DataError(f"{path}: line 1: columns {', '.join(head) or 'none'}. {way}")
    points: list[tuple[float, float]] = []
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        try:
            energy, density = (float(cell) for cell in row)
        except ValueError:
            raise DataError(f"{path}: line {number}: {','.join(row)!r}: not two numbers. {way}") from None
        if not (np.isfinite(energy) and np.isfinite(density) and density >= 0 and energy >= 0) or (points and energy <= points[-1][0]):
            raise DataError(f"{path}: line {number}: {','.join(row)!r}. {way}")
        points.append((energy, density))
    if len(points) < 2 or not any(density for _, density in points):
        raise DataError(f"{path}: {len(points)} points, none above zero or fewer than two. {way}")
    x, y = (np.array(column) for column in zip(*points, strict=True))
    return _binned(lambda t: np.interp(t / units.keV, x, y), float(x[0]) * units.keV, float(x[-1]) * units.keV)
