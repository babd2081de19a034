"""Explanations without new neutrino physics: something expected has the wrong size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from megacurie.foundation import provenance
from megacurie.foundation.arrays import Array, namespace
from megacurie.foundation.parameters import Parameter, Theta
from megacurie.physics.hypotheses.base import Hypothesis


@final
@dataclass(frozen=True)
class CrossSectionScale(Hypothesis):
    """The capture cross section on 71Ga is another: every event of the channel is scaled by ``cross_section``."""

    name = "cross-section-scale"
    parameters = (Parameter("cross_section", "", low=0.5, high=1.5, label=r"$\sigma/\sigma_0$"),)
    affine = "cross_section"

    def scale(self, theta: Theta, E: Array, tags: frozenset[str]) -> Any:
        return theta["cross_section"] if "channel:ga71" in tags else 1.0


@final
@dataclass(frozen=True)
class ActivityScale(Hypothesis):
    """Every source is weaker or stronger than stated: all signals are scaled by ``activity``."""

    name = "activity-scale"
    parameters = (Parameter("activity", "", low=0.5, high=1.5, label=r"$A/A_0$"),)
    affine = "activity"

    def scale(self, theta: Theta, E: Array, tags: frozenset[str]) -> Any:
        return theta["activity"]


@final
@dataclass(frozen=True)
class ExtractionEfficiency(Hypothesis):
    """Germanium is lost in extraction: captures on 71Ga are scaled by ``efficiency``, at most 1."""

    name = "extraction-efficiency"
    parameters = (Parameter("efficiency", "", low=0.5, high=1.0, label=r"$\epsilon/\epsilon_0$"),)
    affine = "efficiency"

    def scale(self, theta: Theta, E: Array, tags: frozenset[str]) -> Any:
        return theta["efficiency"] if "channel:ga71" in tags else 1.0


@final
@dataclass(frozen=True)
class CountingEfficiency(Hypothesis):
    """Decays of germanium are missed in counting: captures on 71Ga are scaled by ``counting``, at most 1."""

    name = "counting-efficiency"
    parameters = (Parameter("counting", "", low=0.5, high=1.0, label=r"$\epsilon_c/\epsilon_{c,0}$"),)
    affine = "counting"

    def scale(self, theta: Theta, E: Array, tags: frozenset[str]) -> Any:
        return theta["counting"] if "channel:ga71" in tags else 1.0


@final
@dataclass(frozen=True)
class ExcitedStateStrength(Hypothesis):
    """Captures to the excited states of 71Ge are scaled by ``strength``; 0 leaves the ground state alone, negative strengths do not exist."""

    name = "excited-state-strength"
    parameters = (Parameter("strength", "", low=0.0, high=5.0, label=r"$B_{GT}/B_{GT,0}$"),)
    affine = "strength"

    def scale(self, theta: Theta, E: Array, tags: frozenset[str]) -> Any:
        return theta["strength"] if any(tag.startswith("state:excited") for tag in tags) else 1.0


@final
@dataclass(frozen=True)
class Ge71HalfLife(Hypothesis):
    """The half-life of 71Ge is another: the ground-state cross section goes as 1/T, excited states do not change.

    Sources
    -------
    The matrix element of capture to the ground state is that of the electron capture of 71Ge; V. Brdar, J. Gehrlein and J. Kopp, arXiv:2303.05528.
    """

    name = "ge71-half-life"
    references = frozenset({"Brdar:2023cms"})
    parameters = (Parameter("half_life", "d", low=8.0, high=20.0, label=r"$T_{1/2}(^{71}\mathrm{Ge})$ [d]"),)

    def scale(self, theta: Theta, E: Array, tags: frozenset[str]) -> Any:
        return _half_life() / theta["half_life"] if "state:ground" in tags else 1.0


@final
@dataclass(frozen=True)
class BranchingRatioShift(Hypothesis):
    """The 320 keV gamma of 51Cr has branching ratio b, not b0: line intensities become (1 - b, b) and the deduced activity changes.

    A gamma assay counts A b: A -> A b0/b. A calorimeter measures A (E_g b + E_0): A -> A (E_g b0 + E_0)/(E_g b + E_0), E_0 the heat of a decay without gamma.

    Parameters
    ----------
    reference : float, optional
        b0, the branching ratio in the line table of the source; None: the mean of the measured ones, which is in the default table.
    """

    reference: float | None = None

    name = "branching-ratio-shift"
    parameters = (Parameter("branching", "", low=0.05, high=0.2, label=r"$b(320\,\mathrm{keV})$"),)

    def scale(self, theta: Theta, E: Array, tags: frozenset[str]) -> Any:
        if "source:cr51" not in tags:
            return 1.0
        xp = namespace(E, *theta.values())
        b = theta["branching"]
        gamma = _cr51("gamma.energy", "energy")
        b0 = _cr51("gamma.branching_ratio", "dimensionless") if self.reference is None else self.reference
        # lines to the excited level of 51V lie lower by the energy of the gamma: half of it tells them apart
        to_excited = _highest_line() - 0.5 * gamma > E
        intensity = xp.where(to_excited, b / b0, (1 - b) / (1 - b0))
        if "activity:gamma" in tags:
            return intensity * (b0 / b)
        if "activity:calorimetric" in tags:
            heat = _cr51("heat_per_decay", "energy")
            return intensity * heat / (heat + gamma * (b - b0))
        return intensity


def _half_life() -> float:
    return provenance.datum("nuclide.ge71.half_life", "time").value


def _cr51(key: str, dimension: str) -> float:
    return provenance.datum(f"nuclide.cr51.{key}", dimension).value


def _highest_line() -> float:
    lines = provenance.look_up("nuclide.cr51.lines.four")
    highest: float = max(line["energy"].value for line in lines)
    return highest
