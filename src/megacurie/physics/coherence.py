"""What quantum mechanics itself does to the coherence of a neutrino: localisation and wave packets from the particles it is made and detected with.

In quantum field theory the interference of two mass eigenstates is damped by xi_loc xi_en, two factors that follow from how well the external particles are
localised. Classical averages over place and energy look the same and add in quadrature; quantum mechanics is seen only where they are smaller.

Formulas: R. Krueger and T. Schwetz, arXiv:2303.15524, as on the slides of the talk of 19 June 2023. Velocities are fractions of c.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from megacurie.foundation import provenance, units
from megacurie.foundation.errors import DataError, RangeError, did_you_mean
from megacurie.physics import localisation

Half = Literal["production", "detection"]


def conjugate(width: float) -> float:
    """The spread conjugate to another: a length from an energy or an energy from a length, hbar c/(2 x).

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> print(units.format(conjugate(0.47 * u.MeV), "nm", 3))
    0.00021 nm
    """
    if not width > 0:
        raise RangeError(f"spread {width}: expected a positive energy or length")
    return units.hbarc / (2 * width)


@dataclass(frozen=True, slots=True, kw_only=True)
class Particle:
    """An external particle of a vertex.

    Attributes
    ----------
    name : str
    delta_x : float, length
        How well it is localised.
    sigma : float, energy
        Spread of its momentum; hbar c/(2 delta_x), here as printed.
    velocity : float
        Of the speed of light, in [-1, 1]; its sign is the side of the neutrino's direction.

    Raises
    ------
    RangeError
        If a spread is not positive or the velocity exceeds 1.
    """

    name: str
    delta_x: float
    sigma: float
    velocity: float

    def __post_init__(self) -> None:
        if not (self.delta_x > 0 and self.sigma > 0):
            raise RangeError(f"{self.name}: delta_x and sigma: expected positive numbers")
        if not -1 <= self.velocity <= 1:
            raise RangeError(f"{self.name}: velocity {self.velocity:g}: expected at most the speed of light, 1")

    @classmethod
    def localised(cls, name: str, delta_x: float, velocity: float) -> Particle:
        """A particle localised to ``delta_x``, with the momentum spread that follows.

        Examples
        --------
        >>> from megacurie.foundation import units as u
        >>> print(units.format(Particle.localised("Ga", 0.27 * u.nm, 6e-7).sigma, "eV", 3))
        365 eV
        """
        return cls(name=name, delta_x=delta_x, sigma=conjugate(delta_x), velocity=velocity)


@dataclass(frozen=True, slots=True)
class Vertex:
    """Production or detection: the external particles, initial and final, without the neutrino.

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> alike = Vertex((Particle.localised("a", 0.2 * u.nm, 0.0), Particle.localised("b", 0.2 * u.nm, 0.5)))
    >>> round(alike.velocity, 6), round(alike.energy_spread / alike.momentum_spread, 6)
    (0.25, 0.25)
    """

    particles: tuple[Particle, ...]

    @property
    def momentum_spread(self) -> float:
        """sigma_p = sqrt(sum sigma_i^2), energy."""
        return math.hypot(*(p.sigma for p in self.particles))

    @property
    def velocity(self) -> float:
        """v = sum sigma_i^2 v_i / sigma_p^2."""
        return sum(p.sigma**2 * p.velocity for p in self.particles) / self.momentum_spread**2

    @property
    def velocity_squared(self) -> float:
        """Sigma = sum sigma_i^2 v_i^2 / sigma_p^2."""
        return sum((p.sigma * p.velocity) ** 2 for p in self.particles) / self.momentum_spread**2

    @property
    def energy_spread(self) -> float:
        """sigma_e = sigma_p sqrt(Sigma - v^2), energy: the sum over pairs sigma_i^2 sigma_j^2 (v_i - v_j)^2, over sigma_p^2, which loses no digits."""
        pairs = (
            (a.sigma * b.sigma * (a.velocity - b.velocity)) ** 2 for i, a in enumerate(self.particles) for b in self.particles[i + 1 :]
        )  # fmt: skip
        return math.sqrt(sum(pairs)) / self.momentum_spread


def experiments() -> tuple[str, ...]:
    """Names of the tables of particles in our data.

    Examples
    --------
    >>> experiments()
    ('gallium', 'reactor')
    """
    return tuple(name for name, item in provenance.load("coherence").items() if isinstance(item, dict) and "production" in item)


def vertex(experiment: str, half: Half) -> Vertex:
    """The particles of production or detection as printed in the table of the slide.

    Parameters
    ----------
    experiment : str
        "gallium" or "reactor".
    half : "production" or "detection"

    Raises
    ------
    DataError
        If there is no such table.

    Examples
    --------
    >>> [particle.name for particle in vertex("gallium", "detection").particles]
    ['ga', 'ge', 'electron']
    """
    if experiment not in experiments():
        raise DataError(f"no particles of {experiment!r}. {did_you_mean(experiment, experiments())}")
    table = provenance.look_up(f"coherence.{experiment}.{half}")
    rows = {name: row for name, row in table.items() if isinstance(row, dict)}
    return Vertex(tuple(Particle(name=name, **{key: datum.value for key, datum in row.items()}) for name, row in rows.items()))


def sigma_m(production: Vertex, detection: Vertex) -> float:
    """Effective spread of the masses' momenta, 1/sigma_m^2 = 1/sigma_pP^2 + 1/sigma_pD^2 to leading order in the velocities; energy.

    Examples
    --------
    >>> print(units.format(sigma_m(vertex("gallium", "production"), vertex("gallium", "detection")), "eV", 3))
    414 eV
    """
    return math.hypot(1 / production.momentum_spread, 1 / detection.momentum_spread) ** -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Spreads:
    """The two spreads of a neutrino: ``sigma_m`` damps by localisation, ``sigma_en`` by separating wave packets; energies.

    Examples
    --------
    >>> gallium = spreads("gallium")
    >>> print(units.format(gallium.delta_loc, "nm", 2), units.format(gallium.delta_en, "nm", 3))
    0.24 nm 181 nm
    """

    sigma_m: float
    sigma_en: float

    @property
    def delta_loc(self) -> float:
        """Localisation of the vertices, hbar c/(2 sigma_m)."""
        return conjugate(self.sigma_m)

    @property
    def delta_en(self) -> float:
        """Length of the wave packet, hbar c/(2 sigma_en)."""
        return conjugate(self.sigma_en)


def spreads(experiment: str) -> Spreads:
    """Spreads of the table of an experiment: sigma_m of its vertices, and sigma_en.

    sigma_en of gallium is the Doppler width of the 747 keV line of 51Cr at room temperature; the nuclear width and collisions are smaller, the hole in the
    K shell of 51V (``coherence.hole.51V``) is of the same size and is not in the estimate of the talk. That of a reactor is our reading: the energy spreads
    of the two vertices in quadrature; how the talk combines them is not known.
    """
    made, seen = vertex(experiment, "production"), vertex(experiment, "detection")
    if experiment == "gallium":
        line = provenance.look_up("nuclide.cr51.lines.four")[0]["energy"].value
        energy_spread = localisation.doppler(line, localisation.rest_energy("51Cr"), localisation.room_temperature())
    else:
        energy_spread = math.hypot(made.energy_spread, seen.energy_spread)
    return Spreads(sigma_m=sigma_m(made, seen), sigma_en=energy_spread)


# --- what they do to an oscillation


def oscillation_length(dm2: float, energy: float) -> float:
    """L_osc = 4 pi hbar c E/dm2.

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> print(units.format(oscillation_length(u.eV2, u.MeV), "m", 3))
    2.48 m
    """
    return 4 * math.pi * units.hbarc * energy / dm2


def localisation_exponent(dm2: float, energy: float, sigma_m: float) -> float:
    """-ln xi_loc = (dm2/(4 E sigma_m))^2/2 = 2 pi^2 (delta_loc/L_osc)^2.

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> f"{localisation_exponent(u.eV2, u.MeV, 500 * u.eV):.3g}"
    '1.25e-19'
    """
    return 0.5 * (dm2 / (4 * energy * sigma_m)) ** 2


def separation_exponent(turns: float, energy: float, sigma_en: float) -> float:
    """-ln xi_en = 2 pi^2 (L/L_osc sigma_en/E)^2 = (dm2 L sigma_en/(2 hbar c E^2))^2/2.

    Parameters
    ----------
    turns : float
        L/L_osc, see ``oscillation_length``.
    energy, sigma_en : float, energy

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> f"{separation_exponent(1.0, u.MeV, 0.5 * u.eV):.3g}"
    '4.93e-12'
    """
    return 2 * (math.pi * turns * sigma_en / energy) ** 2


def xi_loc(dm2: float, energy: float, sigma_m: float) -> float:
    """Damping of the interference by localisation, exp(-``localisation_exponent``)."""
    return math.exp(-localisation_exponent(dm2, energy, sigma_m))


def xi_en(turns: float, energy: float, sigma_en: float) -> float:
    """Damping of the interference by separating wave packets, exp(-``separation_exponent``)."""
    return math.exp(-separation_exponent(turns, energy, sigma_en))


def in_quadrature(quantum: float, classical: float) -> float:
    """The width that is seen: delta_loc^2 + delta_clas^2 of place, or sigma_en^2 + sigma_clas^2 of energy."""
    return math.hypot(quantum, classical)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether quantum decoherence can be seen.

    Attributes
    ----------
    localisation, separation : float
        -ln xi_loc and -ln xi_en.
    classical : float
        The exponent of classical averaging over place and energy.
    lost : float
        Part of the interference that quantum decoherence takes from what classical averaging leaves.
    precision : float
        Smallest part that would be noticed.
    reason : str
    """

    localisation: float
    separation: float
    classical: float
    lost: float
    precision: float
    reason: str

    @property
    def observable(self) -> bool:
        """Yes or no."""
        return self.lost >= self.precision

    def __str__(self) -> str:
        return f"{'yes' if self.observable else 'no'}: {self.reason}"


def observable(
    spreads: Spreads, *, energy: float, baseline: float, dm2: float, resolution: float = 0.0, extent: float = 0.0, precision: float = 1e-3
) -> Verdict:
    """Is quantum decoherence observable here?

    Parameters
    ----------
    spreads : Spreads
        Of the source and the detection: ``spreads("gallium")``, or your own.
    energy, baseline, dm2 : float
        Of the oscillation; energy, length, energy squared.
    resolution : float, energy
        Classical spread of the energy: resolution of the detector, width of the spectrum in a bin.
    extent : float, length
        Classical spread of the baseline: sizes of source and detector, resolution in place.
    precision : float
        Smallest part of the interference that would be noticed, for the experiment's statistics and its knowledge of the classical spreads; .001 assumed.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> print(observable(spreads("gallium"), energy=0.747 * u.MeV, baseline=0.5 * u.m, dm2=1.25 * u.eV2))
    no: quantum decoherence takes 1e-12 of the interference, below the 0.001 that would be noticed
    """
    if not (energy > 0 and baseline > 0 and dm2 > 0 and precision > 0 and resolution >= 0 and extent >= 0):
        raise RangeError("observable: expected positive energy, baseline, dm2 and precision, and resolution and extent of zero or more")
    turns = baseline / oscillation_length(dm2, energy)
    place, packets = localisation_exponent(dm2, energy, spreads.sigma_m), separation_exponent(turns, energy, spreads.sigma_en)
    classical = 2 * (math.pi * extent / oscillation_length(dm2, energy)) ** 2 + separation_exponent(turns, energy, resolution)
    alone = -math.expm1(-place - packets)
    lost = math.exp(-classical) * alone
    if lost >= precision:
        reason = f"quantum decoherence takes {lost:.1g} of the interference, and {precision:g} would be noticed"
    elif alone < precision:
        reason = f"quantum decoherence takes {alone:.1g} of the interference, below the {precision:g} that would be noticed"
    else:
        left = math.exp(-classical)
        reason = f"classical averaging leaves {left:.1g} of the interference: too little to see the {alone:.1g} of it that quantum decoherence takes"
    if resolution > spreads.sigma_en:
        reason += f"; the energy resolution is {resolution / spreads.sigma_en:.1g} times sigma_en"
    return Verdict(localisation=place, separation=packets, classical=classical, lost=lost, precision=precision, reason=reason)
