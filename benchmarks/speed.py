"""How fast the gallium analysis is: ``python benchmarks/speed.py [-o benchmarks/results/NAME.txt]``.

Best of five after a warm-up, on an idle machine. Beside it stands what a public analysis of BEST needs for the same (0/1 indicator functions inside dblquad).
"""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import megacurie as mci
from megacurie import units as u
from megacurie.experiments import response


def best_of_five(run: Callable[[], object], repeat: int = 1) -> float:
    """Seconds of one call."""
    run()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(repeat):
            run()
        times.append((time.perf_counter() - start) / repeat)
    return min(times)


def kernels() -> None:
    """All six kernels at an accuracy of 1e-4, nothing remembered from an earlier call."""
    response.whole_paths.cache_clear()
    response.line_paths.cache_clear()
    mci.gallium.datasets().kernel()


def rows() -> list[tuple[str, float, str, str]]:
    """(what, seconds, target, peer)."""
    theta = {"sin2_2theta": 0.33, "dm2": 1.3 * u.eV2}
    at_30 = mci.gallium.datasets().likelihood(mci.Sterile())
    at_100 = mci.gallium.datasets(dm2_max="100 eV2").likelihood(mci.Sterile())
    axes = {"sin2_2theta": np.linspace(0, 1, 100), "dm2": mci.geomspace("0.05 eV2", "30 eV2", 100)}
    program = shutil.which("megacurie", path=str(Path(sys.executable).parent)) or "megacurie"

    def shell(*command: str) -> Callable[[], object]:
        return lambda: subprocess.run(command, check=True, capture_output=True)

    return [
        ("chi2 of the six data at a new point, reach 30 eV2", best_of_five(lambda: at_30.minus_two_log(theta), 2000), "60 us", "1.7-3.3 s"),
        ("the same, reach 100 eV2", best_of_five(lambda: at_100.minus_two_log(theta), 1000), "150 us", ""),
        ("map of 100 x 100 points", best_of_five(lambda: mci.scan(at_30, axes), 10), "15 ms", "12 h for 22 500 points"),
        ("six kernels at 1e-4", best_of_five(kernels), "0.5 s", ""),
        ("fit with all minima and intervals", best_of_five(lambda: mci.fit(at_30)), "", ""),
        ("megacurie --help", best_of_five(shell(program, "--help")), "0.4 s", ""),
        ("import megacurie", best_of_five(shell(sys.executable, "-c", "import megacurie")), "0.5 s", ""),
        ("megacurie reproduce", best_of_five(shell(program, "reproduce")), "20 s", ""),
    ]


def shown(seconds: float) -> str:
    """With the unit that suits."""
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


def table(what: str, found: list[tuple[str, float, str, str]], heads: tuple[str, str, str, str]) -> None:
    """Print a table of (what, seconds, target, remark), and write it where ``-o`` says."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("-o", "--output", type=Path)
    output = parser.parse_args().output
    head = f"{platform.processor() or platform.machine()}, {platform.system()}, Python {platform.python_version()}, NumPy {np.__version__}"
    lines = [heads, *((name, shown(seconds), target, remark) for name, seconds, target, remark in found)]
    widths = [max(len(row[i]) for row in lines) for i in range(4)]
    text = "\n".join([head, *("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in lines)])
    print(text)
    if output:
        output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    table(__doc__ or "", rows(), ("", "measured", "target", "public BEST analysis"))
