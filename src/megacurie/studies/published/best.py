"""BEST: predicted and measured rates, their ratio, mean path lengths and the oscillation fit."""

from __future__ import annotations

import math

from megacurie.experiments import cards
from megacurie.experiments.experiment import Experiment
from megacurie.physics.hypotheses import Sterile
from megacurie.statistics.inference import fit
from megacurie.studies import gallium


def _zone(zone: str) -> tuple[Experiment, int]:
    experiment = cards.load("best")
    return experiment, [one.name for one in experiment.zones].index(zone)


def rate(zone: str) -> float:
    """Expected production rate at the reference time, Bahcall's cross section."""
    experiment, i = _zone(zone)
    return float(experiment.kernel().without_new_physics()[i])


def measured(zone: str) -> float:
    """Measured production rate at the reference time."""
    published = _zone(zone)[0].published
    assert published is not None
    return published.value[zone]


def _total_error(zone: str) -> float:
    """Relative error of the measured rate: the mean statistical error and the systematic one in quadrature."""
    published = _zone(zone)[0].published
    assert published is not None
    systematic = float(published.pulls[0].shape[_zone(zone)[1]]) * published.predicted[zone]
    return math.hypot(0.5 * (published.plus[zone] + published.minus[zone]), systematic) / published.value[zone]


def ratio(zone: str, part: str) -> float:
    """Measured over expected rate: the "value", or its "error" from the measured rate and the mean error of the expected one."""
    experiment, i = _zone(zone)
    value = measured(zone) / rate(zone)
    if part == "value":
        return value
    expected = 0.5 * sum(experiment.relative_errors(experiment.zones[i]))
    return value * math.hypot(_total_error(zone), expected)


def sigma_below_unity(zone: str) -> float:
    """Distance of the ratio from 1 in units of its error."""
    return (1 - ratio(zone, "value")) / ratio(zone, "error")


def predicted_error(zone: str, side: str) -> float:
    """Error of the expected rate, upwards ("plus") or downwards ("minus")."""
    experiment, i = _zone(zone)
    up, down = experiment.relative_errors(experiment.zones[i])
    return rate(zone) * (up if side == "plus" else down)


def ratio_of_ratios(part: str) -> float:
    """Outer over inner ratio, or its "error" with the systematic errors of the two zones uncorrelated."""
    value = ratio("outer", "value") / ratio("inner", "value")
    return value if part == "value" else value * math.hypot(_total_error("inner"), _total_error("outer"))


def mean_path(card: str, well: str) -> float:
    """Mean path length that follows from the shape of the tank with a well for the source through it, of a radius given."""
    experiment = cards.load(card, {"zone.without": f'[{{ kind = "cylinder", radius = "{well}", from = "bottom", to = "top" }}]'})
    return experiment.paths(experiment.zones[0]).mean_path


def oscillation_fit(parameter: str) -> float:
    """Best fit of 3+1 oscillation to the six measurements with BEST's own covariance matrix."""
    return float(fit(gallium.datasets(conventions="best-2022").likelihood(Sterile())).best[parameter])
