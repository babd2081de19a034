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
        BranchingRatioShift,
        CrossSectionScale,
        ExcitedStateStrength,
        ExtractionEfficiency,
        Ge71HalfLife,
        Hypothesis,
        NoOscillation,
        Sterile,
        combine,
    )
    from megacurie.report import figures
    from megacurie.statistics.inference import fit, parameter_goodness, scan
    from megacurie.studies import gallium
    from megacurie.studies.prediction import predict
    from megacurie.studies.published import reproduce

    __version__: str

_HYPOTHESES = (
    "ActivityScale", "BranchingRatioShift", "CrossSectionScale", "ExcitedStateStrength", "ExtractionEfficiency", "Ge71HalfLife", "Hypothesis",
    "NoOscillation", "Sterile", "combine",
)  # fmt: skip
_ERRORS = ("CardError", "DataError", "FitError", "MegacurieError", "RangeError", "StoreError", "UnitError")
_MODULES = {"units": "foundation.units", "gallium": "studies.gallium", "figures": "report.figures", "report": "report"}
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
    "fit": "statistics.inference",
    "predict": "studies.prediction",
    "reproduce": "studies.published",
    "parameter_goodness": "statistics.inference",
    "scan": "statistics.inference",
}

__all__ = [
    "ActivityScale",
    "BranchingRatioShift",
    "CardError",
    "CrossSectionScale",
    "DataError",
    "ExcitedStateStrength",
    "Expectation",
    "Experiment",
    "ExtractionEfficiency",
    "FitError",
    "Ge71HalfLife",
    "Hypothesis",
    "MegacurieError",
    "NoOscillation",
    "Parameter",
    "RangeError",
    "Sterile",
    "StoreError",
    "UnitError",
    "cite",
    "combine",
    "figures",
    "fit",
    "gallium",
    "geomspace",
    "linspace",
    "load",
    "namespace",
    "parameter_goodness",
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
