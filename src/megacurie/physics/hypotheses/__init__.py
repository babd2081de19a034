"""The explanations that ship with the package, by name."""

from __future__ import annotations

from megacurie.physics.hypotheses.base import Hypothesis, combine
from megacurie.physics.hypotheses.couplings import AxialStrength, MagneticMoment, WeakMixingAngle
from megacurie.physics.hypotheses.damping import BroadSterile, DecayingSterile, WavePacketSterile
from megacurie.physics.hypotheses.decoherence import Decoherence
from megacurie.physics.hypotheses.extra_dimension import LargeExtraDimension
from megacurie.physics.hypotheses.normalisation import (
    ActivityScale,
    BranchingRatioShift,
    CountingEfficiency,
    CrossSectionScale,
    ExcitedStateStrength,
    ExtractionEfficiency,
    Ge71HalfLife,
)
from megacurie.physics.hypotheses.sterile import CptViolation, EnergyDependentMixing, NoOscillation, Sterile, Sterile2

BUILT_IN: tuple[type[Hypothesis], ...] = (
    NoOscillation,
    Sterile,
    Sterile2,
    WavePacketSterile,
    DecayingSterile,
    BroadSterile,
    LargeExtraDimension,
    CptViolation,
    Decoherence,
    EnergyDependentMixing,
    CrossSectionScale,
    BranchingRatioShift,
    ActivityScale,
    ExtractionEfficiency,
    CountingEfficiency,
    ExcitedStateStrength,
    Ge71HalfLife,
    WeakMixingAngle,
    AxialStrength,
    MagneticMoment,
)

__all__ = [
    "BUILT_IN",
    "ActivityScale",
    "AxialStrength",
    "BranchingRatioShift",
    "BroadSterile",
    "CountingEfficiency",
    "CptViolation",
    "CrossSectionScale",
    "DecayingSterile",
    "Decoherence",
    "EnergyDependentMixing",
    "ExcitedStateStrength",
    "ExtractionEfficiency",
    "Ge71HalfLife",
    "Hypothesis",
    "LargeExtraDimension",
    "MagneticMoment",
    "NoOscillation",
    "Sterile",
    "Sterile2",
    "WavePacketSterile",
    "WeakMixingAngle",
    "combine",
]
