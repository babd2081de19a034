"""How much source a reactor makes of how much target: a thick target shades itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from megacurie.foundation import provenance
from megacurie.foundation.arrays import Array
from megacurie.physics.activation import ball_shielding, irradiation
from megacurie.physics.sources import source


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ActivityCurve:
    """Result of ``activity_against_mass``.

    Attributes
    ----------
    product : str
    mass : array (n,), mass
        Of the target isotope.
    shielding : array (n,)
        Mean flux in the target over the unperturbed one; 1 where it is left out.
    activity : array (n,), rate
        At the end of the irradiation.
    references : frozenset of str
    """

    product: str
    mass: Array
    shielding: Array
    activity: Array
    references: frozenset[str]


def activity_against_mass(
    product: str, masses: Sequence[float] | Array, *, flux: float, duration: float, shielded: bool = True, destruction: bool = True
) -> ActivityCurve:  # fmt: skip
    """Activity of a source against the mass of its target, a solid ball in an isotropic flux of thermal neutrons, the target burning.

    Parameters
    ----------
    product : str
        51Cr or 37Ar.
    masses : array (n,), mass
        Of the pure target isotope.
    flux : float, rate per area
        Unperturbed.
    duration : float, time
    shielded : bool
        Whether the ball shades itself by its own capture, ``ball_shielding``; False: every atom is in the full flux, as in a thin target.
    destruction : bool
        Whether neutrons destroy the product where that is known.

    Raises
    ------
    DataError
        If there is no such product, or its target is a gas whose shape and density are not known.
    RangeError
        If a number is out of range.

    Examples
    --------
    Ten times the target makes five times the source:

    >>> from megacurie.foundation import units as u
    >>> conditions = {"flux": 1.5e15 / (u.cm2 * u.s), "duration": 60 * u.day}
    >>> curve = activity_against_mass("51Cr", [0.1 * u.kg, 1 * u.kg], **conditions)
    >>> print(f"{curve.activity[1] / curve.activity[0]:.1f}")
    5.2
    """
    half_life = source(product).half_life
    found = []
    for mass in masses:
        share = ball_shielding(product, float(mass)) if shielded else 1.0
        run = irradiation(product, mass=float(mass), flux=flux, half_life=half_life, destruction=destruction, shielding=share)
        found.append((share, run.activity(duration)))
    shielding, activity = np.array(found).reshape(-1, 2).T
    used = provenance.walk(provenance.look_up(f"activation.{product}"))
    references = source(product).references.union(*(datum.references for datum in used))
    return ActivityCurve(product=product, mass=np.array(masses, dtype=float), shielding=shielding, activity=activity, references=references)
