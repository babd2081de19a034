"""The envelope of Feldman-Cousins regions: what any of several models allows.

What to use when: an error of theory has no distribution that toys could be thrown from. Take each published model as exact and find its region; if one of
the models is right, the union of the regions holds the truth at least as often as promised, whichever it is. An average over models promises nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from megacurie.foundation.arrays import Array
from megacurie.foundation.display import Table
from megacurie.foundation.errors import DataError
from megacurie.statistics.confidence import FeldmanCousins
from megacurie.statistics.results import Region, level


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Envelope:
    """Result of ``envelope``: several models on the same points.

    Attributes
    ----------
    models : dict of str to FeldmanCousins
    """

    models: Mapping[str, FeldmanCousins]

    @property
    def p_value(self) -> Array:
        """Largest p-value of the models, at each point."""
        largest: Array = np.max([one.p_value for one in self.models.values()], axis=0)
        return largest

    def region(self, *, sigma: float | None = None, confidence: float | None = None) -> Region:
        """Points that at least one model allows, at a level in sigma (two-sided) or as a probability.

        ``delta_chi2`` is the least of the models' regions, whose one threshold holds everywhere; each is relative to the best fit of its own model:
        how well a model describes the data at its best does not enter.

        Raises
        ------
        RangeError
            Unless exactly one of the two is given, inside its range.
        DataError
            If fewer than ten toys of a model are beyond the level.
        """
        regions = [one.region(sigma=sigma, confidence=confidence) for one in self.models.values()]
        labels = {one.label for one in regions}
        return replace(
            regions[0], delta_chi2=np.min([one.delta_chi2 for one in regions], axis=0), references=frozenset().union(*(one.references for one in regions)),
            label=labels.pop() if len(labels) == 1 else f"{level(sigma, confidence)[1]}, Feldman-Cousins",
        )  # fmt: skip

    def to_dict(self, confidences: Sequence[float] = (0.9,)) -> dict[str, Any]:
        """p-values, and which points are inside at each level; what each model says is in ``models``."""
        return {"p_value": self.p_value.tolist(), "inside": {f"{one:g}": self.region(confidence=one).inside.tolist() for one in confidences}}

    def table(self) -> Table:
        """The best point and the toys of each model."""
        rows = []
        for name, one in self.models.items():
            at = np.unravel_index(int(one.delta_chi2.argmin()), one.delta_chi2.shape)
            best = ", ".join(f"{p.name} = {p.show(float(one.axes[p.name][i]))}" for p, i in zip(one.parameters, at, strict=True))
            points = " x ".join(str(len(axis)) for axis in one.axes.values())
            rows.append((name, f"best {best}", f"{points} points, {one.toys} toys each, seed {one.seed}; {one.method}"))
        return Table(title="Feldman-Cousins, each model taken as exact", rows=tuple(rows))

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def envelope(models: Mapping[str, FeldmanCousins]) -> Envelope:
    """The envelope of several models: a point is allowed where one of them allows it, and its p-value is the largest.

    Parameters
    ----------
    models : dict of str to FeldmanCousins
        By name, on the same axes; each without the error that stands between the models.

    Returns
    -------
    Envelope

    Raises
    ------
    DataError
        If there is no model, or their axes differ.

    Examples
    --------
    >>> import megacurie as mci
    >>> axes = {"sin2_2theta": mci.linspace(0, 1, 3), "dm2": mci.geomspace("0.1 eV2", "10 eV2", 3)}
    >>> models = {}
    >>> for name in ("bahcall-1997", "haxton-1998"):
    ...     data = mci.gallium.datasets(only=["best"], cross_section=name, cross_section_error=False)
    ...     models[name] = mci.feldman_cousins(data.likelihood(mci.Sterile()), axes, toys=500, seed=1)
    >>> print(bool((mci.envelope(models).p_value >= models["haxton-1998"].p_value).all()))
    True
    """
    if not models:
        raise DataError("no models: expected at least one, such as envelope({'bahcall-1997': fc})")
    (name, first), *others = models.items()
    different = [f"{other} has {_points(one)}" for other, one in others if not _same(first, one)]
    if different:
        raise DataError(f"{'; '.join(different)}: expected the very points of {name}, {_points(first)}")
    return Envelope(models=dict(models))


def _same(one: FeldmanCousins, other: FeldmanCousins) -> bool:
    return list(one.axes) == list(other.axes) and all(np.array_equal(axis, other.axes[name]) for name, axis in one.axes.items())


def _points(one: FeldmanCousins) -> str:
    axes = ((p, one.axes[p.name]) for p in one.parameters)
    return " x ".join(f"{len(axis)} of {p.name} from {p.show(float(axis.min()))} to {p.show(float(axis.max()))}" for p, axis in axes)
