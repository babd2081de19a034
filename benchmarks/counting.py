"""How fast event times are fitted, and whether injected rates come out: ``python benchmarks/counting.py [-o benchmarks/results/NAME.txt]``.

Rates are those of two threads (compiled calls hold no lock), best of five, on an idle machine. The campaigns are those of BEST, with twenty windows in a zone.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import math
import os
from pathlib import Path

import numpy as np
from speed import best_of_five

import megacurie as mci
from megacurie.foundation import units as u
from megacurie.radiochemistry import batch, tables
from megacurie.radiochemistry.simulate import Truth, simulate
from megacurie.radiochemistry.streams import Stream, streams
from megacurie.studies import events

BEST = tables.built_in("best-2022")
DECAY = BEST.germanium_decay
CORES = min(os.cpu_count() or 1, 2)


def zone_streams(name: str) -> tuple[list[Stream], Truth]:
    """Windows of a zone, and the backgrounds thrown in them."""
    made, truth = simulate(BEST, seed=1)
    return [one for one in streams(made) if one.zone == name], truth


def throw(name: str, ratio: float, n: int, seed: int = 1) -> tuple[batch.Batch, float]:
    """``n`` campaigns of one zone, and the rate they were thrown for."""
    of, truth = zone_streams(name)
    rate = ratio * truth.rates[name]
    flat = np.array([truth.backgrounds[f"{name} {one.run} {one.peak}"] for one in of])
    return batch.throw(of, np.array([one.weight * rate + one.offset for one in of]), flat, DECAY, n, np.random.default_rng(seed)), rate


def per_second(made: batch.Batch) -> float:
    """Fits with both errors, on all cores."""
    batch.fit(made, DECAY)
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        seconds = best_of_five(lambda: list(pool.map(lambda _: batch.fit(made, DECAY), range(CORES))))
    return CORES * (len(made.sets) - 1) / seconds


def speeds() -> list[str]:
    """What is fast enough and what is not."""
    of, _ = zone_streams("inner")
    rate = 55 / u.day
    one = batch.throw(of[:1], np.array([of[0].weight * rate]), np.array([0.2 / u.day]), DECAY, 20_000, np.random.default_rng(1))
    whole, _ = throw("inner", 0.79, 1000)
    campaign = best_of_five(lambda: simulate(BEST, ratio=0.79, seed=1, pulses=True))
    injections = best_of_five(lambda: [batch.fit(throw(name, 0.79, 1800)[0], DECAY) for name in ("inner", "outer")])
    others = mci.gallium.datasets(only=["gallex-cr1", "gallex-cr2", "sage-cr", "sage-ar"]).likelihood(mci.Sterile())
    both = others + events.likelihood(simulate(BEST, ratio=0.79, seed=1)[0], mci.Sterile())
    grid = {"sin2_2theta": np.linspace(0, 1, 61)[:, None], "dm2": mci.geomspace("0.1 eV2", "30 eV2", 51)}
    mapped = best_of_five(lambda: both.minus_two_log(grid))
    return [
        f"single window of {one.candidates.mean():.0f} candidates, both errors   {per_second(one):10.0f} /s   target 50000",
        f"zone of 20 windows, both errors                {per_second(whole):10.0f} /s   target 6000",
        f"pseudo-campaign of 20 extractions              {1e3 * campaign:10.1f} ms   target 50",
        f"1800 campaigns thrown and fitted, both zones   {injections:10.1f} s    target 180",
        f"map of 61 x 51, event times and other gallium  {mapped:10.2f} s    target 10",
    ]


def injections(n: int = 4000) -> list[str]:
    """Bias and coverage."""
    lines = []
    for name in ("inner", "outer"):
        for ratio in (1.0, 0.79, 0.0):
            made, truth = throw(name, ratio, n, seed=5)
            found = batch.fit(made, DECAY, signed=True)
            covered = float(np.mean((found.rate - found.minus <= truth) & (truth <= found.rate + found.plus)))
            mean, error = (float(x) * u.day for x in (found.rate.mean() - truth, found.rate.std() / math.sqrt(n)))
            lines.append(f"{name}  R = {ratio:4.2f}   bias {mean:+.3f} +- {error:.3f} per day   coverage {covered:.3f} +- {math.sqrt(0.683 * 0.317 / n):.3f}")
    return lines


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    text = "\n".join([*speeds(), "", *injections()])
    output = parser.parse_args().output
    if output is None:
        print(text)
    else:
        output.write_text(text + "\n")


if __name__ == "__main__":
    main()
