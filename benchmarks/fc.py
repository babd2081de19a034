"""How fast toys are thrown and fitted: ``python benchmarks/fc.py [-o benchmarks/results/NAME.txt]``.

Six gallium data, 100 x 100 points, 10 000 toys each: 1e8 fits of two parameters. Best of five with the workers up, on an idle machine. Beside it stands the
ceiling of the machine from the same run: the plain loop over candidates, each clipped on both sides, with 64, 128 and 256 toys that stay in the nearest cache.
"""

from __future__ import annotations

import concurrent.futures
import os
import resource
import time
from typing import Any

import numba
import numpy as np
from speed import best_of_five, table

import megacurie as mci
from megacurie import units as u
from megacurie.statistics import general
from megacurie.statistics.likelihood import GaussianLikelihood
from megacurie.statistics.toys import Affine, Study

TOYS, SIDE = 10_000, 100
AXES = {"sin2_2theta": np.linspace(0, 1, SIDE), "dm2": mci.geomspace("0.1 eV2", "30 eV2", SIDE)}
NEAR = 16  # candidates that stay in the nearest cache


@numba.njit(nogil=True, fastmath={"contract", "nnan", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def ceiling(projection, shift, height, zero, best, times):  # type: ignore[no-untyped-def]
    """The plain loop: no candidate is left out."""
    for _ in range(times):
        for j in range(0, len(height), 4):
            a0, a1, a2, a3 = projection[j], projection[j + 1], projection[j + 2], projection[j + 3]
            s0, s1, s2, s3 = shift[j], shift[j + 1], shift[j + 2], shift[j + 3]
            h0, h1, h2, h3 = height[j], height[j + 1], height[j + 2], height[j + 3]
            for i in range(len(best)):
                p0, p1, p2, p3 = a0[i] + s0, a1[i] + s1, a2[i] + s2, a3[i] + s3
                x0, x1, x2, x3 = min(max(p0, zero), h0), min(max(p1, zero), h1), min(max(p2, zero), h2), min(max(p3, zero), h3)
                f0, f1, f2, f3 = x0 * (p0 + p0 - x0), x1 * (p1 + p1 - x1), x2 * (p2 + p2 - x2), x3 * (p3 + p3 - x3)
                best[i] = max(max(max(f0, f1), max(f2, f3)), best[i])


def plain(real: Any, candidates: int) -> tuple[float, int]:
    """Seconds of the 1e8 fits on one core at the ceiling, and the number of lanes that reached it."""
    found = []
    for lanes in (64, 128, 256):
        rng = np.random.default_rng(1)
        arrays = [rng.uniform(0, 3, shape).astype(real) for shape in ((NEAR, lanes), NEAR, NEAR)]
        best, times = np.zeros(lanes, real), 20_000
        seconds = best_of_five(lambda a=arrays, b=best, t=times: ceiling(*a, real(0), b, t))  # type: ignore[misc]
        found.append((seconds / (NEAR * lanes * times) * candidates * SIDE**2 * TOYS, lanes))
    return min(found)


def shared(study: Study, cores: int) -> float:
    """Seconds of all shards on threads: compiled calls hold no lock, so that threads show what workers reach once they are up."""
    shards = study.shards()
    with concurrent.futures.ThreadPoolExecutor(cores) as pool:
        return best_of_five(lambda: list(pool.map(study.tally, shards)))


def once(**options: Any) -> float:
    """Seconds of one call, workers started and all."""
    start = time.perf_counter()
    mci.feldman_cousins(**options)
    return time.perf_counter() - start


def rows() -> list[tuple[str, float, str, str]]:
    """(what, seconds, target, remark)."""
    likelihood = mci.gallium.datasets().likelihood(mci.Sterile())
    cores = min(os.cpu_count() or 1, 2)
    result = []
    for name, single, target in (("double", False, "2.0 s"), ("single", True, "1.0 s")):
        study, _ = general.study(likelihood, AXES, toys=TOYS, seed=1, single=single)
        assert isinstance(study, Affine)
        candidates = len(study.height)
        top, lanes = plain(np.float32 if single else np.float64, candidates)
        alone, both = shared(study, 1), shared(study, cores)
        result += [
            (f"1e8 fits, {name} precision, {cores} cores", both, target, f"{candidates} candidates each; {alone / both:.2f} times as fast as one core"),
            (f"  plain loop in the nearest cache, {name}", top / cores, "", f"{lanes} lanes; reached {100 * top / cores / both:.0f} % of its speed"),
        ]
        scan, _ = general.study(likelihood, AXES, toys=TOYS, seed=1, single=single, minimise_on={"dm2": AXES["dm2"]})
        result.append((f"  minimised on the scan axis alone, {name}", shared(scan, cores), "", "100 candidates each"))
    whole = {"likelihood": likelihood, "axes": AXES, "toys": TOYS, "seed": 1}
    result.append(
        (
            f"the same call, {cores} workers started for it",
            once(**whole, workers=cores),
            "",
            f"pool and all; {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB in the parent",
        )
    )
    small = {"sin2_2theta": AXES["sin2_2theta"][::10], "dm2": AXES["dm2"]}
    for toys in (1_000, 10_000, 100_000):
        study, _ = general.study(likelihood, small, toys=toys, seed=1)
        result.append((f"{toys} toys on 10 x 100 points", shared(study, 1), "", "one core"))
    active = mci.gallium.datasets(only=["best"]).likelihood(mci.Decoherence())
    lengths = {"lambda12": np.geomspace(0.1, 50, 100) * u.m}
    fixed = {p.name: float(p.at(0.5)) for p in active.parameters if p.name != "lambda12"}
    result.append(("decoherence, not affine, 100 points x 10 000 toys", once(likelihood=active, axes=lengths, fixed=fixed, toys=TOYS, seed=1), "10 s", ""))
    moving = mci.gallium.datasets(conventions="giunti-2022").likelihood(mci.Sterile())
    whole["likelihood"] = moving
    result.append((f"1e8 fits with a pull relative to the prediction, {cores} cores", once(**whole, workers=cores), "100 s", "workers started for it"))
    split = GaussianLikelihood(moving.model, moving.measurement, asymmetric="split-normal")
    few = {"sin2_2theta": np.array([0.3]), "dm2": AXES["dm2"][50:51]}
    per_toy = once(likelihood=split, axes=few, toys=500, seed=1, minimise_on={"dm2": AXES["dm2"]}) / 500
    result.append(("thrown and fitted one by one, one toy at one point", per_toy, "", "errors of two sides; 100 candidates; one core"))
    return result


if __name__ == "__main__":
    table(__doc__ or "", rows(), ("", "measured", "target", ""))
