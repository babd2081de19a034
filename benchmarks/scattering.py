"""How fast electron scattering, coherent scattering and design studies are: ``python benchmarks/scattering.py [-o benchmarks/results/NAME.txt]``.

Best of five after a warm-up, on an idle machine.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from speed import best_of_five, table

import megacurie as mci
from megacurie import units as u
from megacurie.physics.channels.coherent_scattering import CoherentScattering
from megacurie.physics.channels.electron_scattering import ElectronScattering
from megacurie.studies import design
from megacurie.studies.expected import asimov
from megacurie.studies.prediction import predict

CARDS = ("jne-1t-cr51-center", "jne-500t-cr51-center", "juno-cr51-center", "jne-1t-cr51-outside", "jne-500t-cr51-outside", "juno-cr51-outside")


def _new_threshold(experiment: mci.Experiment) -> Callable[[], object]:
    thresholds = itertools.count(20, 0.001)

    def counts() -> object:
        detector = replace(experiment.detector, recoil=(next(thresholds) * u.eV, math.inf))
        return replace(experiment, detector=detector).kernel().without_new_physics()

    return counts


def rows() -> list[tuple[str, float, str, str]]:
    """(what, seconds, target, remark)."""
    energy, recoil = np.linspace(0.3, 1.5, 250) * u.MeV, np.linspace(0.001, 1.2, 4000) * u.MeV
    channel = ElectronScattering()
    found = [("1e6 radiative differential cross sections, two flavours", best_of_five(lambda: channel.differential(energy, recoil)), "300 ms", "")]
    dm2 = mci.geomspace("0.1 eV2", "20 eV2", 121)
    theta = {"sin2_2theta": 0.3, "dm2": 1.3 * u.eV2}
    for card in CARDS:
        experiment = mci.load(card)
        likelihood = asimov(experiment, mci.Sterile())
        model, null = likelihood.model, likelihood.model.null
        size = f"{len(null)} bins"
        found.append((f"{card}: prediction under 3+1 in all bins", best_of_five(lambda model=model: model(theta)), "20 ms", size))  # type: ignore[misc]
        found.append(
            (
                f"{card}: (L, T) contour of 121 dm2",
                best_of_five(lambda likelihood=likelihood, model=model, null=null: likelihood.quadratic(null, model({"dm2": dm2, "sin2_2theta": 1.0}) - null)),
                "200 ms",
                size,
            )
        )  # type: ignore[misc]
    settings = {"background": "[]", "detector.bins.recoil": "94", "detector.resolution": "5 % / sqrt(MeV)"}
    branching = mci.load("ciuffoli-2025/jne-500t-center", settings)
    found.append(
        ("16 000 branching-ratio toy fits", best_of_five(lambda: design.measure(branching, "branching-ratio", toys=16_000)), "1 s", "with throwing them")
    )
    closed = CoherentScattering(isotopes=("6Li",), couplings="tree", axial=False, form_factor="none", kinematics="leading")
    lines, above = np.array([0.747, 0.427]) * u.MeV, np.array([20, np.inf]) * u.eV
    found.append(("nuclear recoils above a threshold in closed form", best_of_five(lambda: closed.cross_section("6Li", lines, above)), "20 us", ""))
    for card in ("benato-2026/lif6-cr51", "lif6-cr51", "li2wo4-6-cr51"):
        found.append((f"{card} at a new threshold", best_of_five(_new_threshold(mci.load(card))), "1 ms", "card read before"))
    bolometer = mci.load("benato-2026/lif6-cr51")
    curve = mci.geomspace("0.1 eV2", "12 eV2", 200)
    found.append(("3+1 exclusion of a bolometer, 200 dm2", best_of_five(lambda: design.exclusion(bolometer, mci.Sterile(), curve)), "50 ms", ""))
    juno = mci.load("ciuffoli-2025/juno-center")
    found.append(("megacurie design ciuffoli-2025/juno-center, in Python", best_of_five(lambda: design.deficit(juno)), "", ""))
    found.append(("predict juno-cr51-center, no oscillation", best_of_five(lambda: predict(mci.load("juno-cr51-center"))), "20 ms", "card read anew"))
    return found


if __name__ == "__main__":
    table(__doc__ or "", rows(), ("", "measured", "target", ""))
