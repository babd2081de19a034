"""How the cost of a Feldman-Cousins map grows: ``python benchmarks/fc_cost.py [-o docs/figures/fc-cost.svg]``.

Six gallium data, best of three calls, all that a call does, in seconds of one core: toys from 1000 to 100 000 at 10 x 100 points, and points from 10 x 10 to
100 x 100 at 10 000 toys. Every toy is minimised over the same 397 values of dm2. The slope is that of a straight line through the logarithms; what is
done once (predictions on the grid, drawing the toys) makes it less than 1, and is told apart by the best a + b x fits.
"""

from __future__ import annotations

import argparse
import platform
import time
import timeit
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from speed import shown

import megacurie as mci
from megacurie.foundation.arrays import Array
from megacurie.foundation.display import Table
from megacurie.report.canvas import Figure, legend_above, stacked_axes, styled
from megacurie.report.output import check_suffix, columns

Row = tuple[str, int, int, float]  # what grows, toys, points, seconds
_TOYS = 10_000  # while the points grow
_GROWING = {"toys": [(10, 100, toys) for toys in (1_000, 3_000, 10_000, 30_000, 100_000)], "points": [(n, n, _TOYS) for n in (10, 17, 32, 56, 100)]}


def rows() -> list[Row]:
    """Seconds of every call."""
    likelihood = mci.gallium.datasets().likelihood(mci.Sterile())
    candidates = mci.geomspace("0.1 eV2", "30 eV2", 397)  # four steps per step of a hundred values

    def call(mixings: int, values: int, toys: int) -> float:
        axes = {"sin2_2theta": (np.arange(mixings) + 0.5) / mixings, "dm2": candidates[np.linspace(0, 396, values).round().astype(int)]}
        run = partial(mci.feldman_cousins, likelihood, axes, toys=toys, seed=1, minimise_on={"dm2": candidates})
        return min(timeit.repeat(run, number=1, repeat=3, timer=time.process_time))

    call(1, 1, 100)  # compiles
    return [(what, toys, mixings * values, call(mixings, values, toys)) for what, sizes in _GROWING.items() for mixings, values, toys in sizes]


@dataclass(frozen=True, kw_only=True)
class Law:
    """How seconds grow with fits = toys x points: slope of the logarithms; best once + each x fits, and how far a call is from it at most (relative)."""

    fits: Array
    seconds: Array
    slope: float
    once: float
    each: float
    off: float


def laws(found: list[Row]) -> dict[str, Law]:
    """By what grows."""
    result = {}
    for what in _GROWING:
        fits, seconds = np.array([(toys * points, seconds) for one, toys, points, seconds in found if one == what]).T
        design = np.stack([1 / seconds, fits / seconds], -1)
        once, each = np.linalg.lstsq(design, np.ones(len(fits)))[0]
        slope = np.polyfit(np.log(fits), np.log(seconds), 1)[0]
        result[what] = Law(fits=fits, seconds=seconds, slope=float(slope), once=once, each=each, off=float(np.abs(design @ (once, each) - 1).max()))
    return result


def machine() -> str:
    """What it was measured on."""
    return f"{platform.processor() or platform.machine()}, {platform.system()}, Python {platform.python_version()}, NumPy {np.__version__}"


def table(found: list[Row]) -> Table:
    """Seconds, and the slopes below."""
    cells = tuple((what, str(toys), str(points), shown(seconds), f"{1e9 * seconds / (toys * points):.0f} ns") for what, toys, points, seconds in found)
    notes = tuple(
        f"{what}: slope {law.slope:.2f}; {1e3 * law.once:.0f} ms and {1e9 * law.each:.0f} ns a fit, within {100 * law.off:.0f} %"
        for what, law in laws(found).items()
    )
    return Table(title=machine(), head=("growing", "toys", "points", "one core", "a fit"), rows=cells, notes=notes)


@styled
def figure(found: list[Row]) -> Figure:
    """Seconds against the number of fits, and the line of each law."""
    (ax,) = stacked_axes()
    handles = {}
    for i, (what, law) in enumerate(laws(found).items()):
        x = np.geomspace(law.fits.min(), law.fits.max(), 50)
        (line,) = ax.loglog(x, law.once + law.each * x, color=f"C{i}", linestyle=("-", "--")[i], linewidth=0.8)
        (mark,) = ax.loglog(law.fits, law.seconds, ("o", "D")[i], color=f"C{i}", fillstyle=("full", "none")[i])
        handles[f"more {what}: {1e3 * law.once:.0f} ms + {1e9 * law.each:.0f} ns a fit, slope {law.slope:.2f}"] = (mark, line)
    ax.set(xlabel="toys x points", ylabel="seconds on one core")
    legend_above(ax, handles)
    caption = (
        f"Time of a Feldman-Cousins map of the six gallium data on one core, best of three ({machine()}): as toys grow at 10 x 100 points, and as points grow "
        f"from 10 x 10 to 100 x 100 at {_TOYS} toys. Lines: what is done once, and a time for each toy at each point."
    )
    return Figure(axes=(ax,), data=columns(("growing", "toys", "points", "seconds"), found), caption=caption)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="draw it: PDF, SVG or PNG")
    output = parser.parse_args().output
    if output:
        check_suffix(output)
    measured = rows()
    print(table(measured))
    if output:
        figure(measured).save(output)
