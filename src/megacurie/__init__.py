"""megacurie: analysis and design of experiments with megacurie neutrino sources.

    import megacurie as mci

Names are resolved when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from megacurie import report
    from megacurie.experiments.cards import load
    from megacurie.experiments.expectation import Expectation
    from megacurie.experiments.experiment import Experiment
    from megacurie.foundation import units
    from megacurie.foundation.arrays import namespace
    from megacurie.foundation.errors import CardError, DataError, FitError, MegacurieError, RangeError, StoreError, UnitError
    from megacurie.foundation.parameters import Parameter, geomspace, linspace
    from megacurie.foundation.provenance import cite
    from megacurie.physics.hypotheses import (
        ActivityScale,
        AxialStrength,
        BranchingRatioShift,
        BroadSterile,
        CountingEfficiency,
        CptViolation,
        CrossSectionScale,
        DecayingSterile,
        Decoherence,
        EnergyDependentMixing,
        ExcitedStateStrength,
        ExtractionEfficiency,
        Ge71HalfLife,
        Hypothesis,
        LargeExtraDimension,
        MagneticMoment,
        NoOscillation,
        Sterile,
        Sterile2,
        WavePacketSterile,
        WeakMixingAngle,
        combine,
    )
    from megacurie.report import figures
    from megacurie.statistics.bayes import log_evidence, log_posterior, physical
    from megacurie.statistics.confidence import feldman_cousins
    from megacurie.statistics.coverage import coverage
    from megacurie.statistics.envelope import envelope
    from megacurie.statistics.inference import fit, parameter_goodness, scan
    from megacurie.studies import design, gallium
    from megacurie.studies.explanations import compare, explanations
    from megacurie.studies.prediction import predict
    from megacurie.studies.published import reproduce

    __version__: str

_HYPOTHESES = (
    "ActivityScale", "AxialStrength", "BranchingRatioShift", "BroadSterile", "CountingEfficiency", "CptViolation", "CrossSectionScale",
    "DecayingSterile", "Decoherence", "EnergyDependentMixing", "ExcitedStateStrength", "ExtractionEfficiency", "Ge71HalfLife", "Hypothesis",
    "LargeExtraDimension", "MagneticMoment", "NoOscillation", "Sterile", "Sterile2", "WavePacketSterile", "WeakMixingAngle", "combine",
)  # fmt: skip
_ERRORS = ("CardError", "DataError", "FitError", "MegacurieError", "RangeError", "StoreError", "UnitError")
_MODULES = {"units": "foundation.units", "design": "studies.design", "gallium": "studies.gallium", "figures": "report.figures", "report": "report"}
_WHERE = {
    **dict.fromkeys(_HYPOTHESES, "physics.hypotheses"),
    **dict.fromkeys(_ERRORS, "foundation.errors"),
    "load": "experiments.cards",
    "Experiment": "experiments.experiment",
    "Expectation": "experiments.expectation",
    "namespace": "foundation.arrays",
    "Parameter": "foundation.parameters",
    "geomspace": "foundation.parameters",
    "linspace": "foundation.parameters",
    "cite": "foundation.provenance",
    "coverage": "statistics.coverage",
    "envelope": "statistics.envelope",
    "feldman_cousins": "statistics.confidence",
    "fit": "statistics.inference",
    "log_evidence": "statistics.bayes",
    "log_posterior": "statistics.bayes",
    "physical": "statistics.bayes",
    "compare": "studies.explanations",
    "explanations": "studies.explanations",
    "predict": "studies.prediction",
    "reproduce": "studies.published",
    "parameter_goodness": "statistics.inference",
    "scan": "statistics.inference",
}

__all__ = [
    "ActivityScale",
    "AxialStrength",
    "BranchingRatioShift",
    "BroadSterile",
    "CardError",
    "CountingEfficiency",
    "CptViolation",
    "CrossSectionScale",
    "DataError",
    "DecayingSterile",
    "Decoherence",
    "EnergyDependentMixing",
    "ExcitedStateStrength",
    "Expectation",
    "Experiment",
    "ExtractionEfficiency",
    "FitError",
    "Ge71HalfLife",
    "Hypothesis",
    "LargeExtraDimension",
    "MagneticMoment",
    "MegacurieError",
    "NoOscillation",
    "Parameter",
    "RangeError",
    "Sterile",
    "Sterile2",
    "StoreError",
    "UnitError",
    "WavePacketSterile",
    "WeakMixingAngle",
    "cite",
    "combine",
    "compare",
    "coverage",
    "design",
    "envelope",
    "explanations",
    "feldman_cousins",
    "figures",
    "fit",
    "gallium",
    "geomspace",
    "linspace",
    "load",
    "log_evidence",
    "log_posterior",
    "namespace",
    "parameter_goodness",
    "physical",
    "predict",
    "report",
    "reproduce",
    "scan",
    "units",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"megacurie.{_MODULES[name]}")
    if name in _WHERE:
        return getattr(importlib.import_module(f"megacurie.{_WHERE[name]}"), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("megacurie")
    raise AttributeError(f"module 'megacurie' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
