"""Nuclei as targets: mass, charge, spin, and how far the charge is spread."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import DataError, RangeError, did_you_mean
from megacurie.foundation.provenance import Datum

FORM_FACTORS = ("klein-nystrand", "helm", "none")
"""Names of the form factors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nucleus:
    """A nucleus.

    Attributes
    ----------
    name : str
        Such as "7Li".
    mass : float, energy
        Without its electrons.
    charge, nucleons : int
    spin : float
    spin_proton, spin_neutron : float or None
        Spin expectation values; None where none is known or there is no spin.
    """

    name: str
    mass: float
    charge: int
    nucleons: int
    spin: float
    spin_proton: float | None
    spin_neutron: float | None


def names() -> tuple[str, ...]:
    """Nuclei of our data.

    Examples
    --------
    >>> "7Li" in names()
    True
    """
    return tuple(key for key in provenance.load("nuclei") if key[0].isdigit())


@functools.cache
def nucleus(name: str) -> Nucleus:
    """A nucleus of our data; M = m_atom - Z m_e + B_e, B_e = 14.4381 eV Z^2.39 + 1.55468e-6 eV Z^5.35 being the binding energy of all electrons.

    Raises
    ------
    DataError
        If there is none of that name, with the nearest one.

    Sources
    -------
    Masses: AME2020. B_e: D. Lunney, J. Pearson and C. Thibault, Rev. Mod. Phys. 75, 1021 (2003), Eq. A4.

    Examples
    --------
    >>> print(units.format(nucleus("6Li").mass, "MeV", 8))
    5601.5187 MeV
    """
    if name not in names():
        raise DataError(f"no nuclear data for {name!r}. {did_you_mean(name, names())}")
    data = provenance.look_up(f"nuclei.{name}")
    charge = round(data["charge"].value)
    binding = sum(
        provenance.datum(f"nuclei.electron_binding.{term}", "energy").value
        * charge ** provenance.datum(f"nuclei.electron_binding.{power}", "dimensionless").value
        for term, power in (("first", "first_power"), ("second", "second_power"))
    )
    dalton = provenance.datum("constant.dalton", "energy").value
    mass = data["atomic_mass"].value * dalton - charge * provenance.datum("constant.electron_mass", "energy").value + binding
    spins = [data[key].value if key in data else None for key in ("spin_proton", "spin_neutron")]
    return Nucleus(
        name=name, mass=float(mass), charge=charge, nucleons=round(data["nucleons"].value), spin=data["spin"].value, spin_proton=spins[0], spin_neutron=spins[1]
    )  # fmt: skip


def data_of(name: str) -> tuple[Datum, ...]:
    """Every number that enters a nucleus."""
    binding = provenance.walk(provenance.look_up("nuclei.electron_binding"))
    return (*provenance.walk(provenance.look_up(f"nuclei.{name}")), *binding, provenance.datum("constant.dalton", "energy"))


def form_factor(name: str, momentum: Array, nucleons: Array | float) -> Array:
    """Form factor F(q), 1 at q = 0.

    Klein-Nystrand: 3 j_1(qR)/(qR) / (1 + a^2 q^2), R = 1.23 fm A^(1/3), a = 0.7 fm. Helm: 3 j_1(qR)/(qR) exp(-(q s)^2/2), R^2 = c^2 + 7/3 pi^2 a^2 - 5 s^2.

    Parameters
    ----------
    name : str
        Of ``FORM_FACTORS``.
    momentum : array (n,), energy
        Momentum transfer q.
    nucleons : int or array (n,)

    Raises
    ------
    RangeError
        If there is no form factor of that name.

    Sources
    -------
    S. Klein and J. Nystrand, Phys. Rev. C 60, 014903 (1999); J. Lewin and P. Smith, Astropart. Phys. 6, 87 (1996).

    Examples
    --------
    >>> print(form_factor("helm", np.array([0.0, 1.0]) * units.MeV, 7).round(4))
    [1. 1.]
    """
    if name not in FORM_FACTORS:
        raise RangeError(f"no form factor {name!r}. {did_you_mean(name, FORM_FACTORS)}")
    if name == "none":
        return np.ones_like(momentum)

    def size(key: str) -> float:
        return provenance.datum(f"channel.coherent-scattering.{name}.{key}", "length").value

    q = momentum / units.hbarc
    root = np.cbrt(nucleons)
    if name == "klein-nystrand":
        return _sphere(q * size("radius") * root) / (1 + (size("range") * q) ** 2)
    c = size("radius") * root - size("offset")
    radius = np.sqrt(c * c + 7 * (np.pi * size("a")) ** 2 / 3 - 5 * size("skin") ** 2)
    return _sphere(q * radius) * np.exp(-0.5 * (q * size("skin")) ** 2)


def _sphere(x: Array) -> Array:
    """3 j_1(x)/x of a ball with a sharp edge; a series where the closed form would lose digits."""
    safe = np.where(x > 1e-2, x, 1.0)
    closed = 3 * (np.sin(safe) - safe * np.cos(safe)) / safe**3
    found: Array = np.where(x > 1e-2, closed, 1 - x * x / 10 + x**4 / 280)
    return found
