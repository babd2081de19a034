"""Benato et al. (benato-2026): coherent scattering of electron-capture neutrinos on lithium bolometers, and how their sources are made."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
from scipy.optimize import brentq

from megacurie.experiments import cards
from megacurie.foundation import provenance, units
from megacurie.physics import nuclei
from megacurie.physics.activation import irradiation
from megacurie.physics.channels.coherent_scattering import CoherentScattering
from megacurie.physics.materials import composition, material
from megacurie.physics.shapes import Cylinder, ball_of_volume
from megacurie.physics.sources import source
from megacurie.studies import design
from megacurie.studies.expected import expected_counts


def activity(nuclide: str, days: float, kilograms: float = 1.0, destruction: bool = False, flux: float = 1.0) -> float:
    """After some days in the reactor, target burning; ``flux`` in units of that of the proposal."""
    run = irradiation(
        nuclide,
        mass=kilograms * units.kg,
        flux=flux * provenance.datum("activation.reactor-flux", "flux").value,
        half_life=source(nuclide).half_life,
        destruction=destruction,
    )
    return run.activity(days * units.day)


def end_point(isotope: str, kev: float) -> float:
    """Largest recoil, 2 E^2/M."""
    return float(CoherentScattering(isotopes=(isotope,), kinematics="leading").end_point(isotope, np.array([kev * units.keV]))[0])


def tungsten() -> float:
    """Largest recoil of any isotope of tungsten from the main line of 51Cr."""
    return max(end_point(isotope, 747) for isotope in composition("W"))


def form_factor(isotope: str, kev: float) -> float:
    """F^2 at the end point."""
    momentum = 2 * kev * units.keV
    return float(nuclei.form_factor("klein-nystrand", np.array([momentum]), round(provenance.look_up(f"nuclei.{isotope}")["nucleons"].value))[0] ** 2)


def precision(card: str, kilograms: float, threshold: str) -> float:
    """On the neutrino flux: statistics only."""
    experiment = cards.load(f"benato-2026/{card}", {"zone.shape.mass": f"{kilograms} kg", "detector.threshold": threshold})
    return cast(float, design.measure(experiment, "flux").fisher)


def useful_threshold(card: str, kilograms: float, deficit: float = 0.2, sigma: float = 2.0) -> float:
    """Highest threshold at which a deficit is excluded; above it too few events are left."""

    def excess(threshold: float) -> float:
        found = cards.load(f"benato-2026/{card}", {"zone.shape.mass": f"{kilograms} kg", "detector.threshold": f"{threshold} eV"})
        return expected_counts(found).separation(1.0, 1 - deficit) - sigma

    return float(brentq(excess, 20, 195, xtol=0.01)) * units.eV


def lithium_per_mass() -> float:
    """Lithium atoms in a kilogram of 6LiF over those in a kilogram of 6Li2WO4."""
    fluoride, tungstate = (material(name) for name in ("lif6", "li2wo4-6"))
    return fluoride.atoms["6Li"] / fluoride.density / (tungstate.atoms["6Li"] / tungstate.density)


def half_lives(nuclide: str) -> float:
    """In 90 days."""
    return 90 * units.day / source(nuclide).half_life


def half_life(nuclide: str) -> float:
    """Of a source."""
    return source(nuclide).half_life


def intensity(nuclide: str, kev: float) -> float:
    """Share of the decays whose neutrino is within 2 % of an energy: lines of two shells together."""
    return math.fsum(line.intensity for line in source(nuclide).lines if abs(line.energy / (kev * units.keV) - 1) < 0.02)


def with_activity(percent: float) -> float:
    """A precision of 3 % with an activity that is known as well as this, in quadrature."""
    return math.hypot(3, percent) / 100


def bottle_radius(kilograms: float, bar: float, kelvin: float) -> float:
    """Of a ball of 36Ar, as an ideal gas."""
    atoms = kilograms * units.kg / provenance.datum("activation.37Ar.target_mass", "molar-mass").value
    pressure = bar * 1e5 * units.J / units.m**3
    return ball_of_volume(atoms * units.k_B * kelvin * units.K / pressure).radius


def shield() -> float:
    """Tungsten of 8 cm around a source as wide as that of BEST."""
    shape = cards.load("best").zones[0].source_shape
    assert isinstance(shape, Cylinder)
    return 8 * units.cm + shape.radius


def sage_activity() -> float:
    """Of the 37Ar source of SAGE."""
    history = cards.load("sage-ar").source.history
    assert history is not None
    return history.activity
