"""arXiv:2212.09722 (giunti-2022) and arXiv:2209.00916 (giunti-2022b): ratios, their mean and its significance for six cross-section models."""

from __future__ import annotations

from functools import cache

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
