"""Making a source: neutron activation with burn-up of the target and destruction of the product, and what a thick target lets in.

    dN_t/dt = -k N_t,   dN/dt = r N_t - Lambda N,   A = lambda N

r = sigma phi is the rate of capture, k that at which the target burns (r, or 0 where burn-up is left out), Lambda = lambda + sigma_destroy phi. The solution is

    A(t) = lambda N_0 r exp(-k t) [1 - exp(-(Lambda - k) t)] / (Lambda - k)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from megacurie.foundation import provenance, units
from megacurie.foundation.errors import DataError, RangeError, did_you_mean
from megacurie.physics.sources import ActivityHistory

Capture = Literal["published", "evaluated"]
"""Which cross section makes the source: the rounded one of the proposal, or that of an evaluation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Irradiation:
    """A target in a thermal neutron flux.

    Parameters
    ----------
    atoms : float
        Of the target isotope at the start.
    flux : float, rate per area
        Of thermal neutrons, unperturbed.
    capture : float, area
        Cross section that makes the source.
    half_life : float, time
        Of the source.
    destruction : float, area
        Cross section that destroys it.
    burn_up : bool
        Whether the target is used up.
    shielding : float
        Mean flux in the target over the unperturbed one, in (0, 1]; ``mean_flux`` estimates it.

    Raises
    ------
    RangeError
        If a number is out of range.

    Examples
    --------
    One kilogram of 50Cr in the high-flux reactor of Grenoble for a cycle, with the target burning:

    >>> from megacurie.foundation import units as u
    >>> atoms = u.kg / (50 * u.g / u.mol)
    >>> run = Irradiation(atoms=atoms, flux=1.5e15 / (u.cm2 * u.s), capture=15 * u.barn, half_life=27.7 * u.day)
    >>> print(units.format(run.activity(61 * u.day), "PBq", 3))
    197 PBq
    """

    atoms: float
    flux: float
    capture: float
    half_life: float
    destruction: float = 0.0
    burn_up: bool = True
    shielding: float = 1.0

    def __post_init__(self) -> None:
        for name, unit in (("atoms", "1"), ("flux", "1/(cm2 s)"), ("capture", "b"), ("half_life", "d")):
            if not 0 < getattr(self, name) < math.inf:
                raise RangeError(f"irradiation: {name} is not a positive finite number: {units.format(getattr(self, name), unit)}")
        if not 0 <= self.destruction < math.inf:
            raise RangeError(f"irradiation: destruction {units.format(self.destruction, 'b')}: expected a cross section of zero or more")
        if not 0 < self.shielding <= 1:
            raise RangeError(f"irradiation: shielding = {self.shielding}: expected the mean flux over the unperturbed one, in (0, 1]")

    @property
    def _rates(self) -> tuple[float, float, float]:
        """lambda, r and Lambda."""
        flux = self.flux * self.shielding
        decay = math.log(2) / self.half_life
        return decay, self.capture * flux, decay + self.destruction * flux

    def activity(self, duration: float, cooling: float = 0.0) -> float:
        """Activity after an irradiation, and after some time without neutrons.

        Raises
        ------
        RangeError
            If a time is negative or not finite.
        """
        if not (0 <= duration < math.inf and 0 <= cooling < math.inf):
            raise RangeError(f"irradiation of {units.format(duration, 'd')}, cooling of {units.format(cooling, 'd')}: expected times of zero or more")
        decay, rate, loss = self._rates
        burn = rate if self.burn_up else 0.0
        # symmetric in k and Lambda: with the slower of the two in front nothing overflows, and expm1 keeps the digits where they are nearly alike
        slow, gap = min(burn, loss), abs(loss - burn)
        grown = duration if gap == 0 else -math.expm1(-gap * duration) / gap
        return decay * self.atoms * rate * math.exp(-slow * duration) * grown * math.exp(-decay * cooling)

    def best_duration(self) -> float:
        """Irradiation after which the activity is largest: ln(Lambda/k)/(Lambda - k); infinite without burn-up.

        Examples
        --------
        >>> from megacurie.foundation import units as u
        >>> run = Irradiation(atoms=1.0, flux=1.0 / (u.cm2 * u.s), capture=u.cm2, half_life=math.log(2) * u.s, destruction=0.0)
        >>> print(units.format(run.best_duration(), "s"))  # both vanish at 1/s: the maximum of t exp(-t)
        1 s
        """
        _, rate, loss = self._rates
        if not self.burn_up:
            return math.inf
        return math.log1p((loss - rate) / rate) / (loss - rate) if loss != rate else 1 / rate

    def history(self, duration: float, cooling: float = 0.0, reference_time: str = "") -> ActivityHistory:
        """The source that comes out, its activity at the end of cooling."""
        return ActivityHistory(activity=self.activity(duration, cooling), half_life=self.half_life, reference_time=reference_time)


def products() -> tuple[str, ...]:
    """Nuclides whose production is in our data.

    Examples
    --------
    >>> products()
    ('37Ar', '51Cr')
    """
    return tuple(key for key in provenance.load("activation") if key[0].isdigit())


def irradiation(
    product: str, *, mass: float, flux: float, half_life: float, burn_up: bool = True, destruction: bool = True, shielding: float = 1.0,
    capture: Capture = "published",
) -> Irradiation:  # fmt: skip
    """A pure target of our data in a thermal neutron flux: 36Ar for 37Ar, 50Cr for 51Cr.

    Parameters
    ----------
    product : str
        Of ``products()``.
    mass : float, mass
        Of the target isotope.
    flux : float, rate per area
    half_life : float, time
        Of the product.
    burn_up, destruction : bool
        Whether the target is used up, and whether neutrons destroy the product where that is known.
    shielding : float
        As of ``Irradiation``.
    capture : "published" or "evaluated"
        Cross section that makes the source: 5 b and 15 b as the proposal rounds them, or those of an evaluation.

    Raises
    ------
    DataError
        If there is no such product or capture.
    RangeError
        If a number is out of range.

    Examples
    --------
    What the published 86 PBq of 37Ar leave out: neutrons destroy it seven times as fast as it decays.

    >>> from megacurie.foundation import units as u
    >>> conditions = {"mass": u.kg, "flux": 1.5e15 / (u.cm2 * u.s), "half_life": 35 * u.day}
    >>> for destruction in (False, True):
    ...     print(units.format(irradiation("37Ar", destruction=destruction, **conditions).activity(61 * u.day), "PBq", 3))
    86 PBq
    14.7 PBq
    """
    if product not in products():
        raise DataError(f"no production data for {product!r}. {did_you_mean(product, products())}")
    if capture not in get_args(Capture):
        raise DataError(f"no capture {capture!r}. {did_you_mean(capture, get_args(Capture))}")
    data = provenance.look_up(f"activation.{product}")
    return Irradiation(
        atoms=mass / provenance.datum(f"activation.{product}.target_mass", "molar-mass").value,
        flux=flux,
        capture=provenance.datum(f"activation.{product}.capture{'_evaluated' if capture == 'evaluated' else ''}", "area").value,
        half_life=half_life,
        destruction=sum(datum.value for datum in provenance.walk(data.get("destruction", {}))) if destruction else 0.0,
        burn_up=burn_up,
        shielding=shielding,
    )


def ball_shielding(product: str, mass: float) -> float:
    """Mean flux in a ball of the solid target over the unperturbed one, by its own capture alone.

    Parameters
    ----------
    product : str
        Of ``products()``; the density of its target is in our data for 51Cr.
    mass : float, mass

    Raises
    ------
    DataError
        If there is no such product, or its target is a gas.
    RangeError
        If the mass is not positive.

    Examples
    --------
    The mean flux falls with the mass, so the activity grows little faster than the surface:

    >>> from megacurie.foundation import units as u
    >>> for kilograms in (0.1, 1, 4):
    ...     print(f"{ball_shielding('51Cr', kilograms * u.kg):.2f}")
    0.34
    0.17
    0.11
    """
    if product not in products():
        raise DataError(f"no production data for {product!r}. {did_you_mean(product, products())}")
    if not 0 < mass < math.inf:
        raise RangeError(f"mass of the target, {units.format(mass, 'kg')}: expected a positive finite mass")
    if "density" not in provenance.look_up(f"activation.{product}"):
        raise DataError(f"target of {product}: no density in our data, it is a gas; expected a shielding of your own")
    density = provenance.datum(f"activation.{product}.density", "density").value
    atoms = density / provenance.datum(f"activation.{product}.target_mass", "molar-mass").value
    radius = math.cbrt(3 * mass / (4 * math.pi * density))
    return mean_flux_ball(atoms * provenance.datum(f"activation.{product}.capture", "area").value, radius)


def mean_flux(absorption: float, chord: float) -> float:
    """Mean flux in a convex absorber over the unperturbed one, in the approximation of one mean chord: (1 - exp(-Sigma l))/(Sigma l).

    Exact in the two limits of a thin and of a black convex body in an isotropic flux; for a ball in between it is up to 5.2 % high. l = 4 V/S, 4R/3 for a ball.

    Parameters
    ----------
    absorption : float, inverse length
        Macroscopic absorption cross section Sigma.
    chord : float, length
        Mean chord.

    Examples
    --------
    >>> print(f"{mean_flux(0.0, 1.0):.3f} {mean_flux(6.0, 1.0):.3f}")
    1.000 0.166
    """
    if absorption < 0 or not chord > 0:
        raise RangeError("mean flux: expected an absorption of zero or more and a positive chord")
    depth = absorption * chord
    return 1.0 if depth == 0 else -math.expm1(-depth) / depth


def mean_flux_ball(absorption: float, radius: float) -> float:
    """Mean flux in a purely absorbing ball in an isotropic flux, over the unperturbed one: 3/(8 x^3) [2 x^2 - 1 + (1 + 2 x) exp(-2 x)], x = Sigma R; exact.

    By reciprocity it is the probability that a neutron born anywhere in the ball leaves it: what is absorbed of those that enter, S/4 per flux, over V Sigma.

    Parameters
    ----------
    absorption : float, inverse length
    radius : float, length

    Sources
    -------
    K. M. Case, F. de Hoffmann and G. Placzek, Introduction to the Theory of Neutron Diffusion (1953), escape probability of a sphere.

    Examples
    --------
    >>> print(f"{mean_flux_ball(1e-6, 1.0):.3f} {mean_flux_ball(4.5, 1.0):.3f}")
    1.000 0.163
    """
    if absorption < 0 or not radius > 0:
        raise RangeError("mean flux: expected an absorption of zero or more and a positive radius")
    x = absorption * radius
    if x < 1e-2:  # the closed form loses digits: series
        return 1 - 3 * x / 4 + 2 * x * x / 5 - x**3 / 6
    return 3 / (8 * x**3) * (2 * x * x - 1 + (1 + 2 * x) * math.exp(-2 * x))
