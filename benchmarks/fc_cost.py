"""How the cost of a Feldman-Cousins map grows: ``python benchmarks/fc_cost.py [-o docs/figures/fc-cost.svg]``.

Six gallium data, best of three calls, all that a call does, in seconds of one core: toys from 1000 to 100 000 at 10 x 100 points, and points from 1 x 100 to
100 x 100 at 10 000 toys. The 100 values of dm2 stay, so that every fit has the same candidates. The slope is that of a straight line through the logarithms:
1 is linear. What a call and its shards do once (predictions on the grid, drawing the toys) makes it smaller where there are few fits.
"""

from __future__ import annotations

import argparse
import platform
import time
import timeit
from pathlib import Path

import numpy as np
from speed import shown

import megacurie as mci
from megacurie.foundation.display import Table
from megacurie.report.canvas import Figure, legend_above, stacked_axes, styled
from megacurie.report.output import check_suffix, columns

Row = tuple[str, int, int, float]  # what grows, toys, points, seconds
_MIXINGS, _TOYS = 10, 10_000  # while the other number grows
_GROWING = {"toys": [(_MIXINGS, toys) for toys in (1_000, 3_000, 10_000, 30_000, 100_000)], "points": [(m, _TOYS) for m in (1, 3, 10, 30, 100)]}


def rows() -> list[Row]:
    """Seconds of every call."""
    likelihood = mci.gallium.datasets().likelihood(mci.Sterile())
    dm2 = mci.geomspace("0.1 eV2", "30 eV2", 100)

    def call(mixings: int, toys: int) -> float:
        axes = {"sin2_2theta": (np.arange(mixings) + 0.5) / mixings, "dm2": dm2}
        return min(timeit.repeat(lambda: mci.feldman_cousins(likelihood, axes, toys=toys, seed=1), number=1, repeat=3, timer=time.process_time))

    call(1, 100)  # compiles
    return [(what, toys, mixings * len(dm2), call(mixings, toys)) for what, sizes in _GROWING.items() for mixings, toys in sizes]


def slopes(found: list[Row]) -> dict[str, float]:
    """Of log(seconds) against log(toys x points), by what grows."""
    logs = {what: np.log([(toys * points, seconds) for one, toys, points, seconds in found if one == what]) for what in _GROWING}
    return {what: float(np.polyfit(*values.T, 1)[0]) for what, values in logs.items()}


def machine() -> str:
    """What it was measured on."""
    return f"{platform.processor() or platform.machine()}, {platform.system()}, Python {platform.python_version()}, NumPy {np.__version__}"


def table(found: list[Row]) -> Table:
    """Seconds, and the slopes below."""
    cells = tuple((what, str(toys), str(points), shown(seconds), f"{1e9 * seconds / (toys * points):.0f} ns") for what, toys, points, seconds in found)
    notes = tuple(f"slope with the number of {what}: {slope:.3f}" for what, slope in slopes(found).items())
    return Table(title=machine(), head=("growing", "toys", "points", "one core", "a fit"), rows=cells, notes=notes)


@styled
def figure(found: list[Row]) -> Figure:
    """Seconds against the number of fits, toys x points, beside a line that is linear."""
    (ax,) = stacked_axes()
    slope = slopes(found)
    handles = {}
    for i, (what, mark) in enumerate(zip(_GROWING, ("o", "D"), strict=True)):
        fits, seconds = np.array([(toys * points, seconds) for one, toys, points, seconds in found if one == what]).T
        (handles[f"more {what}: slope {slope[what]:.2f}"],) = ax.loglog(fits, seconds, mark, color=f"C{i}", fillstyle=("full", "none")[i])
    each = min(seconds / (toys * points) for _, toys, points, seconds in found)
    ends = np.array([fits.min(), fits.max()])
    (handles["linear"],) = ax.loglog(ends, each * ends, color="black", linestyle=":", linewidth=0.8)
    ax.set(xlabel="toys x points", ylabel="seconds on one core")
    legend_above(ax, handles)
    caption = (
        f"Time of a Feldman-Cousins map of the six gallium data on one core, best of three ({machine()}): as toys grow at {_MIXINGS} x 100 points, "
        f"and as points grow at {_TOYS} toys. Dotted: proportional, {1e9 * each:.0f} ns for a toy at a point."
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
