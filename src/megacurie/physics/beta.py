"""Beta spectra: kinetic energies of electrons and positrons, energies of the neutrinos that come with them.

    dN/dT ~ p E (Q - T)^2 F(Z, E) L_0(Z, E) S(p, q),   q = Q - T

F is the Fermi function of a point charge at the nuclear radius, L_0 corrects it for the finite size of the charge, S is 1 for allowed decays and for
unique forbidden ones a polynomial of the two momenta. Screening, radiative corrections and weak magnetism (each a per cent at most over a spectrum) are not
included.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.special import loggamma

from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError
from megacurie.foundation.quadrature import gauss_legendre

_ORDER = 24  # averages of a cross section that begins like a root at its threshold are good to 1e-4

Shape = Literal["allowed", "unique-1", "unique-3"]
"""Allowed; unique first forbidden, p^2 + q^2; unique third forbidden, p^6 + q^6 + 7 p^2 q^2 (p^2 + q^2)."""


def fermi(kinetic: Array, charge: int, nucleons: int) -> Array:
    """F(Z, E) L_0(Z, E) of an electron; of a positron for a negative charge.

    F = 2 (1 + g) (2 p R)^(2g - 2) exp(pi y) |Gamma(g + i y)|^2 / Gamma(2g + 1)^2, g^2 = 1 - (alpha Z)^2, y = alpha Z E / p, R = 1.2 fm A^(1/3).

    Parameters
    ----------
    kinetic : array (n,), energy
        Positive.
    charge : int
        Of the daughter; negative for positrons.
    nucleons : int

    Returns
    -------
    array (n,)

    Sources
    -------
    E. Fermi, Z. Phys. 88, 161 (1934); D. H. Wilkinson, Nucl. Instrum. Meth. A 290, 509 (1990), for L_0 to first order in R.

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> bool(fermi(np.array([u.MeV]), 60, 144) > fermi(np.array([u.MeV]), 7, 14))
    True
    """
    m, alpha = _mass(), provenance.datum("constant.fine_structure_constant", "dimensionless").value
    w = kinetic / m + 1
    p = np.sqrt(kinetic * (kinetic + 2 * m)) / m
    size, g = alpha * abs(charge), np.sqrt(1 - (alpha * charge) ** 2)
    radius = 1.2 * units.fm * float(np.cbrt(nucleons)) * m / units.hbarc  # in electron Compton wavelengths
    y = alpha * charge * w / p
    log_f = (2 * g - 2) * np.log(2 * p * radius) + np.pi * y + 2 * (loggamma(g + 1j * y).real - loggamma(2 * g + 1)) + np.log(2 * (1 + g))
    sign = 1 if charge > 0 else -1
    bend = sign * size * radius * (w * (82 - 52 * g) + g * (17 - 2 * g) / w) / (30 * (2 * g - 1))
    result: Array = np.exp(log_f) * (1 + 13 * size**2 / 60 - bend)
    return result


def spectrum(kinetic: Array, endpoint: float, charge: int, nucleons: int, shape: Shape = "allowed") -> Array:
    """dN/dT of electrons (positrons for a negative charge), arbitrary normalisation; zero above the end point.

    Parameters
    ----------
    kinetic : array (n,), energy
        Positive.
    endpoint : float, energy
    charge, nucleons : int
        Of the daughter.
    shape : str

    Raises
    ------
    RangeError
        If the end point is not positive.

    Examples
    --------
    >>> print(spectrum(np.array([0.6 * units.MeV]), 0.5 * units.MeV, 7, 14))
    [0.]
    """
    if not endpoint > 0:
        raise RangeError(f"end point {units.format(endpoint, 'keV')}: expected a positive energy")
    m = _mass()
    p2, q = kinetic * (kinetic + 2 * m) / m**2, np.maximum(endpoint - kinetic, 0.0) / m
    form = {"allowed": np.ones_like(q), "unique-1": p2 + q * q, "unique-3": p2**3 + q**6 + 7 * p2 * q * q * (p2 + q * q)}[shape]
    found: Array = np.sqrt(p2) * (kinetic / m + 1) * q * q * fermi(kinetic, charge, nucleons) * form
    return found


def neutrino_lines(endpoint: float, charge: int, nucleons: int, *, threshold: float = 0.0) -> tuple[Array, Array]:
    """An allowed neutrino spectrum as lines: energies and probabilities (n,) of a Gauss-Legendre quadrature.

    Parameters
    ----------
    endpoint : float, energy
    charge, nucleons : int
    threshold : float, energy
        Where a cross section begins that is to be averaged: the quadrature begins there anew.

    Examples
    --------
    >>> energy, share = neutrino_lines(units.MeV, 7, 14)
    >>> print(f"{share.sum():.6f} {float(energy @ share) / units.MeV:.2f}")
    1.000000 0.61
    """
    x, w = gauss_legendre(_ORDER)
    edges = np.array([0.0, threshold, endpoint] if 0 < threshold < endpoint else [0.0, endpoint])
    half = 0.5 * np.diff(edges)[:, None]
    energy = (edges[:-1, None] + half * (1 + x)).ravel()
    share = (half * w).ravel() * spectrum(endpoint - energy, endpoint, charge, nucleons)
    return energy, share / share.sum()


def _mass() -> float:
    return provenance.datum("constant.electron_mass", "energy").value
