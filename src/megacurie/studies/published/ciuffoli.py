"""JHEP 07 (2025) 017 and the talk of 28 January 2026 (ciuffoli-2025): rates, activities and backgrounds of 51Cr beside JNE and JUNO."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import cast

import numpy as np

from megacurie.experiments import cards
from megacurie.foundation import provenance, units
from megacurie.physics.channels.electron_scattering import ElectronScattering
from megacurie.physics.detectors import Resolution
from megacurie.physics.sources import source
from megacurie.studies import design
from megacurie.studies.prediction import ExperimentPrediction, predict

_DAYS = {"10d": 10, "30d": 30}


def rate(card: str, what: str, scale: str = "") -> float:
    """Events above 200 keV: per "day" at the start, in "10d" or "30d"; ``scale = "1"`` for first principles."""
    found = _rates(card, scale)
    return cast(float, found.rate) if what == "day" else found.days[_DAYS[what] * units.day]


@cache
def _rates(card: str, scale: str) -> ExperimentPrediction:
    """Six rows read one prediction."""
    experiment = cards.load(f"ciuffoli-2025/{card}", {"target.scale": scale} if scale else None)
    return predict(experiment, days=[n * units.day for n in _DAYS.values()])


def required(card: str, days: str, part: str, rule: str = "published") -> float:
    """Activity, or radius of the part of the detector, for N = B = 1250."""
    experiment = cards.load(f"ciuffoli-2025/{card}", {"schedule.exposures": f'[{{ start = "0 d", stop = "{_DAYS[days]} d" }}]'})
    (found,) = design.deficit(experiment, rules=(rule,)).requirements
    return cast(float, found.activity if part == "activity" else found.depth)


def events(equal_background: bool) -> float:
    """Events for five sigma on a deficit of 20 %."""
    return design.events_needed(0.2, equal_background=equal_background)


def branching_events() -> float:
    """Events in which the branching ratio that explains 20 %, .125 instead of .10, is three sigma away: recoil spectrum alone, free normalisation."""
    settings = {"detector.resolution": "5 % / sqrt(MeV)", "detector.bins.recoil": "94", "background": "[]"}  # bins of 5 keV to three sigma beyond the end
    found = design.measure(cards.load("ciuffoli-2025/jne-500t-center", settings), "branching-ratio")
    shift = found.truth * 0.25  # a fifth fewer neutrinos than b says: b 1.25 times as large
    return found.events * (3 * cast(float, found.fisher) / shift) ** 2


def angle() -> float:
    """Half of the mean angle between the recoils of the two lines at equal recoil energy, from the threshold of 200 keV to the lower end point."""
    channel = ElectronScattering(corrections="tree")
    lines = source("51Cr", lines="two-seed-000").energies
    recoil = np.linspace(0.2 * units.MeV, float(channel.end_point(lines).min()), 2001)
    high, low = np.arccos(np.minimum(channel.cosine(lines, recoil), 1.0)).T
    return float(0.5 * np.mean(high - low))


def end_point(kev: float) -> float:
    """Largest recoil, 2 E^2 / (2 E + m); the talk prints 2 E^2 / (2 E^2 + m)."""
    return float(ElectronScattering(corrections="tree").end_point(np.array([kev * units.keV]))[0])


def half_life() -> float:
    """Of 51Cr."""
    return provenance.datum("nuclide.cr51.half_life", "time").value


def background(card: str, name: str, window: bool) -> float:
    """Events per time of one background of a card: all of them, or those recorded in the window of the 51Cr recoils, 200 to 560 keV, without resolution."""
    experiment = replace(cards.load(card), schedule=None)
    edges = (0.2 * units.MeV, 0.56 * units.MeV) if window else (0.0, np.inf)
    detector = replace(experiment.detector.counting(), recoil=edges, resolution=Resolution(), position=type(experiment.detector.position)())
    return float(replace(experiment, detector=detector).background_counts()[name].sum())
