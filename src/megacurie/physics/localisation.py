"""Where the particles around a neutrino are and how fast they move: what their spreads in momentum and energy follow from.

Velocities are fractions of c, momenta and masses are energies.
"""

from __future__ import annotations

import math

from megacurie.foundation import provenance, units
from megacurie.foundation.errors import RangeError
from megacurie.physics.materials import material


def spacing(number_density: float) -> float:
    """Distance between nuclei of a solid or liquid, n^(-1/3).

    Examples
    --------
    >>> print(units.format(spacing(nuclei("gallium")), "nm", 3), units.format(spacing(nuclei("chromium")), "nm", 3))
    0.267 nm 0.229 nm
    """
    if not number_density > 0:
        raise RangeError("number density: expected a positive number")
    return math.cbrt(1 / number_density)


def nuclei(solid: str) -> float:
    """Nuclei of all kinds per volume of gallium or of a solid of our data (chromium, uranium-dioxide)."""
    if solid == "gallium":
        return sum(material("gallium").atoms.values())
    density = provenance.datum(f"coherence.solid.{solid}.density", "density").value
    molar = provenance.datum(f"coherence.solid.{solid}.molar_mass", "molar-mass").value
    return density / molar * provenance.datum(f"coherence.solid.{solid}.atoms", "dimensionless").value


def rest_energy(nuclide: str) -> float:
    """M c^2 of an atom of our data ("51Cr", "71Ga", "1H").

    Examples
    --------
    >>> print(units.format(rest_energy("1H"), "MeV", 5))
    938.78 MeV
    """
    mass = provenance.datum(f"coherence.mass.{nuclide}", "molar-mass").value
    return mass / units.kg * (units.c * units.s / units.m) ** 2 * units.J


def thermal_velocity(rest: float, temperature: float) -> float:
    """Thermal velocity along one direction, sqrt(kT/M), of c.

    Examples
    --------
    >>> f"{thermal_velocity(rest_energy('51Cr'), room_temperature()):.2g}"
    '7.3e-07'
    """
    return math.sqrt(units.k_B * temperature / rest)


def room_temperature() -> float:
    """The temperature of our data."""
    return provenance.datum("coherence.temperature", "temperature").value


def recoil_velocity(momentum: float, rest: float) -> float:
    """Velocity p/(M c) of a heavy particle that takes a momentum (as energy), of c."""
    return momentum / rest


def electron_velocity(kinetic: float) -> float:
    """Velocity of an electron at a kinetic energy, sqrt(1 - (m/(T + m))^2), of c.

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> round(electron_velocity(0.747 * u.MeV - threshold()), 3)
    0.867
    """
    m = _electron()
    return math.sqrt(kinetic * (kinetic + 2 * m)) / (kinetic + m)


def threshold() -> float:
    """Q value of capture on 71Ga."""
    return provenance.datum("channel.ga71-capture.threshold", "energy").value


def stopping_power(kinetic: float, electrons: float, excitation: float) -> float:
    """Mean loss of energy per path of an electron by collisions, without the density effect (a few per cent at these energies).

    S = 2 pi r_e^2 m n / beta^2 [ln(T^2 (g + 1)/(2 I^2)) + (1 - beta^2) - (2 g - 1)/g^2 ln 2 + ((g - 1)/g)^2/8], g = 1 + T/m, r_e = alpha hbar c/m.

    Parameters
    ----------
    kinetic : float, energy
    electrons : float, number density
    excitation : float, energy
        Mean excitation energy I of the material.

    Returns
    -------
    float, energy per length

    Sources
    -------
    The Bethe formula for electrons: ICRU Report 37 (1984); Review of Particle Physics, section Passage of particles through matter.
    """
    m = _electron()
    g = 1 + kinetic / m
    beta2 = 1 - g**-2
    radius = provenance.datum("constant.fine_structure_constant", "dimensionless").value * units.hbarc / m
    logarithm = math.log(kinetic**2 * (g + 1) / (2 * excitation**2))
    bracket = logarithm + (1 - beta2) - (2 * g - 1) / g**2 * math.log(2) + ((g - 1) / g) ** 2 / 8
    return 2 * math.pi * radius**2 * m * electrons / beta2 * bracket


def electron_localisation(kinetic: float, electrons: float, excitation: float) -> float:
    """Path over which an electron loses one mean excitation energy, which is small against its energy: I/S(T).

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> I = provenance.datum("coherence.solid.gallium.excitation", "energy").value
    >>> print(units.format(electron_localisation(0.51 * u.MeV, 31 * nuclei("gallium"), I), "nm", 3))
    406 nm
    """
    return excitation / stopping_power(kinetic, electrons, excitation)


# --- widths in energy


def doppler(energy: float, rest: float, temperature: float) -> float:
    """Spread of a neutrino's energy from the thermal motion of its source, E sqrt(kT/M).

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> print(units.format(doppler(0.747 * u.MeV, rest_energy("51Cr"), room_temperature()), "eV", 3))
    0.545 eV
    """
    return energy * thermal_velocity(rest, temperature)


def natural_width(half_life: float) -> float:
    """Width of the decaying nucleus, hbar ln 2/T: 1.9e-22 eV for 51Cr."""
    return units.hbar * math.log(2) / half_life


def collision_width(velocity: float, distance: float) -> float:
    """Broadening by collisions, hbar v/d, of a particle that meets another every ``distance``: below 1e-3 eV for a thermal nucleus in a solid."""
    return units.hbarc * velocity / distance


def _electron() -> float:
    return provenance.datum("constant.electron_mass", "energy").value
