"""The explanations that ship with the package, by name."""

from __future__ import annotations

from megacurie.physics.hypotheses.base import Hypothesis, combine
from megacurie.physics.hypotheses.normalisation import (
    ActivityScale,
    BranchingRatioShift,
    CrossSectionScale,
    ExcitedStateStrength,
    ExtractionEfficiency,
    Ge71HalfLife,
)
from megacurie.physics.hypotheses.sterile import NoOscillation, Sterile

BUILT_IN: tuple[type[Hypothesis], ...] = (
    NoOscillation,
    Sterile,
    CrossSectionScale,
    BranchingRatioShift,
    ActivityScale,
    ExtractionEfficiency,
    ExcitedStateStrength,
    Ge71HalfLife,
)

__all__ = [
    "BUILT_IN",
    "ActivityScale",
    "BranchingRatioShift",
    "CrossSectionScale",
    "ExcitedStateStrength",
    "ExtractionEfficiency",
    "Ge71HalfLife",
    "Hypothesis",
    "NoOscillation",
    "Sterile",
    "combine",
]
