"""Feldman-Cousins regions: confidence regions whose coverage is thrown, not assumed.

What to use when: regions under Wilks' theorem (``scan``) to look at data; these to publish, where a parameter has a bound or the model repeats itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.display import Table
from megacurie.foundation.errors import DataError
from megacurie.foundation.parameters import Parameter
from megacurie.statistics import engine, general
from megacurie.statistics.likelihood import Likelihood
from megacurie.statistics.moving import Moving
from megacurie.statistics.results import Region, finite, level, threshold
from megacurie.statistics.store import Store
from megacurie.statistics.toys import BINS, LARGEST, PER_UNIT, Affine, Counts, Grid, Histogram, Study

_LARGEST_SEED = 2**53  # what a number in a store holds exactly
_LARGEST_TOYS = 10**9
_ROUNDING = 1e-12  # of 1 - .9
_FEW = 10  # toys beyond a critical value, below which it is not known well
_METHODS = {Affine: "closed form", Grid: "fixed covariance, on a grid", Moving: "a pull relative to the prediction, profiled in each fit"}


def check_numbers(toys: int, seed: int) -> None:
    """Refuse a number of toys or a seed that is out of range, both at once (DataError)."""
    if problems := _wrong(toys, seed):
        raise DataError("; ".join(problems))


def _wrong(toys: int, seed: int) -> list[str]:
    """What is wrong with them; 1e4, which Python takes for a fraction, too."""
    known = isinstance(toys, int | np.integer) and 1 <= toys <= _LARGEST_TOYS, isinstance(seed, int | np.integer) and 0 <= seed < _LARGEST_SEED
    messages = f"toys = {toys}: expected a whole number from 1 to {_LARGEST_TOYS}", f"seed = {seed}: expected a whole number from 0 to 2^53"
    return [message for message, good in zip(messages, known, strict=True) if not good]


def check_toys(toys: int, *, sigma: float | None = None, confidence: float | None = None) -> None:
    """Refuse a level that too few toys lie beyond.

    Raises
    ------
    DataError
        Naming the number that is needed.
    """
    p, name = level(sigma, confidence)
    if toys >= 1 and p * toys < _FEW * (1 - _ROUNDING):
        enough = _FEW / p <= _LARGEST_TOYS
        way = f"Throw {_FEW / p:.0f} toys or more" if enough else f"Take a lower level: {_LARGEST_TOYS} toys, the most that can be thrown, are too few"
        raise DataError(f"{name}: {p * toys:.2g} of {toys} toys are beyond it: expected at least {_FEW}. {way}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeldmanCousins:
    """Result of ``feldman_cousins``: how Delta chi2 of toys is distributed at each point of a grid.

    Attributes
    ----------
    parameters : tuple of Parameter
        Of the axes.
    axes : dict of str to array
        Internal units.
    delta_chi2 : array
        Of the data, one dimension per axis; against the least chi2 of the candidates that toys have too.
    beyond : integer array
        Toys whose Delta chi2 is not below that of the data.
    histogram : integer array (..., bins)
        Of Delta chi2 in steps of 0.01; the last bin holds what is above 30.
    minimised_on : dict of str to array
        Values of each axis among which the minimum was sought, internal units.
    toys, seed : int
    method : str
        Which form was used.
    references : frozenset of str
    """

    parameters: tuple[Parameter, ...]
    axes: Mapping[str, Array]
    delta_chi2: Array
    beyond: Counts
    histogram: Histogram
    minimised_on: Mapping[str, Array]
    toys: int
    seed: int
    method: str
    references: frozenset[str]

    @property
    def p_value(self) -> Array:
        """Share of toys at least as far from their best fit as the data, at each point."""
        return self.beyond / self.toys

    @property
    def p_error(self) -> Array:
        """Binomial error of ``p_value``; one toy where there is none."""
        p = np.clip(self.p_value, 1 / self.toys, 1 - 1 / self.toys)
        error: Array = np.sqrt(p * (1 - p) / self.toys)
        return error

    def critical(self, confidence: float) -> Array:
        """Delta chi2 that a share ``confidence`` of the toys stays below, at each point; infinite beyond 30."""
        return self._quantile(np.asarray(level(None, confidence)[0]) * self.toys)

    def critical_error(self, confidence: float) -> Array:
        """Error of ``critical`` from the number of toys: half of what the quantile moves by when its count moves by a sigma up and down."""
        p = level(None, confidence)[0]
        sigma = np.sqrt(self.toys * p * (1 - p))
        if p * self.toys <= sigma:  # hardly a toy beyond: nothing is known
            return np.full(self.delta_chi2.shape, np.inf)
        low, high = (self._quantile(np.asarray(p * self.toys + side * sigma)) for side in (1, -1))
        error: Array = np.full(low.shape, np.inf)
        np.subtract(high, low, out=error, where=np.isfinite(high))
        return 0.5 * error

    def _quantile(self, above: Array) -> Array:
        """Delta chi2 with so many toys (broadcast over points) above it, linear inside a bin."""
        flat = self.histogram.reshape(-1, BINS)
        result = np.empty(len(flat))
        for start in range(0, len(flat), 256):  # of 6 MB each
            rows = flat[start : start + 256]
            below = np.cumsum(rows, axis=-1, dtype=np.int64)
            wanted = self.toys - float(above)
            bins = (below < wanted).sum(-1)
            here = np.minimum(bins, BINS - 1)[:, None]
            inside = np.take_along_axis(rows, here, -1)[:, 0]
            before = np.take_along_axis(below, here, -1)[:, 0] - inside
            value = (bins + (wanted - before) / np.maximum(inside, 1)) / PER_UNIT
            result[start : start + 256] = np.where(bins < BINS - 1, value, np.inf)
        return result.reshape(self.delta_chi2.shape)

    def region(self, *, sigma: float | None = None, confidence: float | None = None) -> Region:
        """Points whose Delta chi2 stays below the critical value there, at a level in sigma (two-sided) or as a probability.

        So that one threshold holds everywhere, ``delta_chi2`` of the region is shifted by Wilks' threshold less the critical value.

        Raises
        ------
        RangeError
            Unless exactly one of the two is given, inside its range.
        DataError
            If fewer than ten toys are beyond the level.
        """
        p, name = level(sigma, confidence)
        check_toys(self.toys, sigma=sigma, confidence=confidence)
        usual = threshold(p, len(self.axes))
        shifted = self.delta_chi2 - np.minimum(self.critical(1 - p), LARGEST) + usual
        # the exact counts decide on the edge, which matters where few values are possible
        inside = self.p_value > p
        shifted = np.where(inside, np.minimum(shifted, usual), np.maximum(shifted, np.nextafter(usual, np.inf)))
        return Region(
            parameters=self.parameters, axes=self.axes, delta_chi2=shifted, threshold=usual, label=f"{name}, Feldman-Cousins with {self.toys} toys",
            references=self.references,
        )  # fmt: skip

    def wilks(self, *, sigma: float | None = None, confidence: float | None = None) -> Region:
        """The region of the same level under Wilks' theorem with one parameter per axis."""
        p, name = level(sigma, confidence)
        dof = len(self.axes)
        return Region(
            parameters=self.parameters, axes=self.axes, delta_chi2=self.delta_chi2, threshold=threshold(p, dof),
            label=f"{name}, Wilks with {dof} parameter{'s' if dof > 1 else ''}", references=self.references,
        )  # fmt: skip

    def wilks_coverage(self, confidence: float) -> Array:
        """Share of toys whose region under Wilks' theorem holds the point that they come from."""
        edge = min(threshold(level(None, confidence)[0], len(self.axes)), LARGEST) * PER_UNIT
        whole = int(edge)
        part = (edge - whole) * self.histogram[..., whole] if whole < BINS - 1 else 0.0
        return np.asarray((self.histogram[..., :whole].sum(-1, dtype=np.int64) + part) / self.toys)

    def to_dict(self, confidences: Sequence[float] = (0.9,)) -> dict[str, Any]:
        """Display units; null where a critical value is above 30."""
        shape = self.delta_chi2.shape

        def nulls(values: Array) -> Any:
            return np.array([finite(value) for value in values.ravel()], dtype=object).reshape(shape).tolist()

        return {
            "axes": {p.json_key: [units.to_display(float(x), p.unit) for x in self.axes[p.name]] for p in self.parameters},
            "delta_chi2": self.delta_chi2.tolist(),
            "p_value": self.p_value.tolist(),
            "critical": {f"{one:g}": nulls(self.critical(one)) for one in confidences},
            "critical_error": {f"{one:g}": nulls(self.critical_error(one)) for one in confidences},
            "wilks_coverage": {f"{one:g}": self.wilks_coverage(one).tolist() for one in confidences},
            "toys": self.toys,
            "seed": self.seed,
            "method": self.method,
        }

    def table(self, confidences: Sequence[float] = (0.9,)) -> Table:
        """Where the best point is, and how critical values and coverage range over the grid."""
        best = np.unravel_index(int(self.delta_chi2.argmin()), self.delta_chi2.shape)
        rows = [("points", " x ".join(str(len(axis)) for axis in self.axes.values()), f"{self.toys} toys each, seed {self.seed}; {self.method}")]
        rows += [(f"best {p.name}", p.show(float(self.axes[p.name][i])), "") for p, i in zip(self.parameters, best, strict=True)]
        for one in confidences:
            usual = threshold(level(None, one)[0], len(self.axes))
            values, coverage, error = self.critical(one), self.wilks_coverage(one), self.critical_error(one)
            rows.append(
                (f"critical {100 * one:g} %", f"{values.min():.2f} to {values.max():.2f}", f"Wilks {usual:.2f}; error up to {error.max():.2f}"),
            )
            rows.append(("  Wilks covers", f"{100 * coverage.min():.1f} to {100 * coverage.max():.1f} %", f"instead of {100 * one:g} %"))
        return Table(title="Feldman-Cousins", rows=tuple(rows))

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def feldman_cousins(
    likelihood: Likelihood, axes: Mapping[str, Array], *, fixed: Mapping[str, float] | None = None, toys: int, seed: int, workers: int = 1,
    store: str | Path | None = None, cluster: str | None = None, minimise_on: Mapping[str, Array] | None = None,
    precision: Literal["double", "single"] = "double", progress: engine.Progress | None = None,
) -> FeldmanCousins:  # fmt: skip
    """Distribution of Delta chi2 at every point of a grid, from toys: p-values, critical values, regions.

    Nuisances: toys of a point are thrown at the best values of the pulls for the data there, and each measures them anew: a from N(x, 1), penalty (x - a)^2 in
    its fits (profile construction). Under a fixed covariance nothing depends on these values.

    Parameters
    ----------
    likelihood : Likelihood
    axes : dict of str to array
        Values of each parameter, internal units. Parameters that are neither axes nor fixed are profiled; toys come from their best values at each point.
    fixed : dict of str to float
        Parameters held at a value.
    toys : int
        Per point.
    seed : int
        The same seed gives the same result, bit for bit, for any number of workers.
    workers : int
        Processes; a script that takes more than one must call this under ``if __name__ == "__main__":``.
    store : path, optional
        SQLite file that keeps every shard; the same call goes on where it was interrupted.
    cluster : str, optional
        Address of a Dask scheduler, or ``"local"``.
    minimise_on : dict of str to array, optional
        Values of an axis among which the minimum of data and toys is sought, besides those of the axis; by default four steps per step of the one axis that
        is not affine, two of each where there are two. The affine parameter is minimised between its bounds.
    precision : "double" or "single"
        Of toys in the closed form; ``"single"`` takes two thirds of the time, and moves a toy in a million over an edge.
    progress : callable, optional
        Told of (points done, points in all).

    Returns
    -------
    FeldmanCousins

    Raises
    ------
    DataError
        If toys, seed, workers or precision are out of range, there is no axis, or ``minimise_on`` names something else.
    RangeError
        If an axis leaves its bounds or the reach of the model, before anything is computed.
    StoreError
        If the store is in use, was made from something else, or cannot be written.

    Sources
    -------
    G. Feldman and R. Cousins, Phys. Rev. D 57, 3873 (1998); nuisances: NOvA collaboration, JINST 20, T02001 (2025), arXiv:2207.14353.

    Examples
    --------
    >>> import megacurie as mci
    >>> best = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    >>> axes = {"sin2_2theta": mci.linspace(0, 1, 3), "dm2": mci.geomspace("0.1 eV2", "10 eV2", 3)}
    >>> fc = mci.feldman_cousins(best, axes, toys=500, seed=1)
    >>> print(fc.p_value.shape, bool(fc.critical(0.9).max() < 6))
    (3, 3) True
    """
    problems = _wrong(toys, seed)
    if not axes:
        problems.append("no axes: expected at least one")
    if precision not in ("double", "single"):
        problems.append(f"precision = {precision!r}: expected 'double' or 'single'")
    unknown = [name for name in minimise_on or {} if name not in axes]
    if unknown:
        problems.append(f"minimise_on {unknown[0]!r}: not an axis; expected one of {', '.join(axes)}")
    problems += [f"minimise_on {name!r}: no values; expected at least one" for name, values in (minimise_on or {}).items() if not np.size(values)]
    if problems:
        raise DataError("; ".join(problems))
    study, place = general.study(likelihood, axes, fixed=fixed, toys=toys, seed=seed, minimise_on=minimise_on, single=precision == "single")
    with contextlib.ExitStack() as stack:
        kept = None if store is None else stack.enter_context(Store(store, study.identity, shards=len(study.shards())))
        beyond, histogram = engine.run(study, workers=workers, cluster=cluster, store=kept, progress=progress)
    known = {p.name: p for p in likelihood.parameters}
    on_grid = _on_grid(study, place, beyond, histogram, tuple(map(len, axes.values())))
    return FeldmanCousins(
        parameters=tuple(known[name] for name in axes), axes=dict(axes), toys=toys, seed=seed, minimised_on=study.minimised_on,
        references=likelihood.references, method=_METHODS.get(type(study), "thrown and fitted one by one"), **on_grid,
    )  # fmt: skip


def _on_grid(study: Study, place: general.Places, beyond: Counts, histogram: Histogram, shape: tuple[int, ...]) -> dict[str, Any]:
    """Points in the order of the grid."""
    back = np.argsort(place)
    return {"delta_chi2": study.observed[back].reshape(shape), "beyond": beyond[back].reshape(shape), "histogram": histogram[back].reshape(*shape, BINS)}
