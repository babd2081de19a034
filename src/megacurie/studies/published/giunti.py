"""arXiv:2212.09722 (giunti-2022) and arXiv:2209.00916 (giunti-2022b): ratios, their mean and its significance for six cross-section models."""

from __future__ import annotations

import math
from functools import cache

from megacurie.foundation import units
from megacurie.physics.hypotheses import ActivityScale, Ge71HalfLife, combine
from megacurie.statistics.inference import fit
from megacurie.studies import gallium


def ratio(measurement: str, model: str, part: str) -> float:
    """Measured over expected for one measurement and model: the value, or its error."""
    data = gallium.datasets(only=[measurement], cross_section=model, conventions="giunti-2022").measurement
    return float(data.values[0] if part == "value" else data.minus[0])


def mean(model: str, conventions: str, part: str) -> float:
    """R-bar of the six measurements ("value", "plus", "minus") or its "significance"."""
    return float(getattr(_mean(model, conventions), part))


@cache
def _mean(model: str, conventions: str) -> gallium.MeanRatio:
    """Four rows read one mean."""
    return gallium.mean_ratio(gallium.datasets(cross_section=model, conventions=conventions))


def half_life(days: str) -> float:
    """Significance of the ground-state anomaly if the half-life of 71Ge were another: the cross section goes as 1/T."""
    likelihood = gallium.datasets(cross_section="ground-state", conventions="giunti-2022").likelihood(combine(ActivityScale(), Ge71HalfLife()))
    fixed = {"half_life": units.parse(days, "time")}
    excess = float(likelihood.minus_two_log({**fixed, "activity": 1.0})) - fit(likelihood, fixed=fixed).chi2
    return math.sqrt(max(excess, 0.0))
