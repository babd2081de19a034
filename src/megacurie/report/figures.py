"""Figures: functions of results; each returns what it drew, a caption with citations and the data behind it.

Nothing is computed here. The look is in ``megacurie.mplstyle``, whatever the reader's own settings are; ``canvas`` saves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib import ticker
from matplotlib.collections import PathCollection
from matplotlib.patches import Patch

from megacurie.foundation import units
from megacurie.foundation.errors import RangeError, did_you_mean
from megacurie.report.canvas import Figure, canvas_of, filled, legend_above, scale_axis, stacked_axes, styled
from megacurie.report.designs import above, activities, precision, recoils, sensitivity, significance
from megacurie.report.output import cited, columns

if TYPE_CHECKING:
    from megacurie.foundation.arrays import Array
    from megacurie.foundation.parameters import Parameter
    from megacurie.statistics.envelope import Envelope
    from megacurie.statistics.results import Fit, Region
    from megacurie.studies.explanations import Comparison
    from megacurie.studies.gallium import Datasets, MeanRatio, Step

__all__ = [
    "Figure", "above", "activities", "envelope", "explanations", "history", "paths", "precision", "ratios", "recoils", "regions", "sensitivity", "significance",
]  # fmt: skip

_ALPHA = 0.2  # of a filled area; nested levels add up
_ALPHA_MANY = 0.1  # where areas of several colours overlap
_Dash = Literal["-", "--", "-.", ":"]
_DASHES: tuple[_Dash, ...] = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "D", "^")


def _nuclide(name: str) -> str:
    mass = "".join(ch for ch in name if ch.isdigit())
    return f"$^{{{mass}}}${name.removeprefix(mass)}"


@styled
def ratios(datasets: Datasets, mean: MeanRatio | None = None) -> Figure:
    """Measured over expected of each measurement, and a band for their mean.

    Parameters
    ----------
    datasets : Datasets
    mean : MeanRatio, optional

    Examples
    --------
    >>> from megacurie.studies import gallium
    >>> print(ratios(gallium.datasets(only=["best"])).data["measurement"])
    ('best-inner', 'best-outer')
    """
    m = datasets.measurement
    (ax,) = stacked_axes()
    handles: dict[str, Any] = {}
    nuclides = [entry.experiment.source.nuclide for entry in datasets.entries]
    for nuclide, marker in zip(dict.fromkeys(nuclides), _MARKERS, strict=False):
        own = [i for i, one in enumerate(nuclides) if one == nuclide]
        handles[_nuclide(nuclide)] = ax.errorbar(m.values[own], own, xerr=(m.minus[own], m.plus[own]), fmt=marker, color="black", zorder=3)
    ax.axvline(1, color="black", linestyle=":", linewidth=0.8)
    rows = list(zip(datasets.names, *(map(float, column) for column in (m.values, m.plus, m.minus)), strict=True))
    if mean is not None:
        band = ax.axvspan(mean.value - mean.minus, mean.value + mean.plus, color="C0", alpha=_ALPHA, linewidth=0)
        handles[rf"mean ${mean.value:.2f}^{{+{mean.plus:.2f}}}_{{-{mean.minus:.2f}}}$"] = (band, ax.axvline(mean.value, color="C0"))
        rows.append(("mean", mean.value, mean.plus, mean.minus))
    labels = [entry.experiment.name + (f" {entry.zone_name}" if len(entry.experiment.zones) > 1 else "") for entry in datasets.entries]
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.tick_params(axis="y", which="both", length=0)
    ax.xaxis.set_major_locator(ticker.MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.set_xlabel("measured / expected")
    legend_above(ax, handles)
    common = ", ".join(pull.name for pull in m.pulls)
    text = (
        f"Measured over expected capture rate in the gallium source experiments (cross section {datasets.cross_section}, conventions {datasets.conventions}). "
        "Bars are the errors of each measurement"
        + (f"; shifts with a pull of their own ({common}) are not in them." if common else ".")
        + ("" if mean is None else f" Band: common ratio of all, {mean.value:.3f} +{mean.plus:.3f} -{mean.minus:.3f}, {mean.significance:.1f} sigma from 1.")
    )
    data = columns(("measurement", "ratio", "plus", "minus"), rows)
    return Figure(axes=(ax,), data=data, caption=cited(text, datasets.references), references=datasets.references)


def _family(name: str) -> str:
    """``bahcall_1`` and ``bahcall_2`` are levels of ``bahcall``; ``frekers_2015`` is a name."""
    stem, _, level = name.rpartition("_")
    return stem if stem and level.isdigit() and len(level) == 1 else name


def _check(regions: Mapping[str, Region], best: Mapping[str, Fit]) -> tuple[Parameter, Parameter]:
    """The two axes that all regions share."""
    if not isinstance(best, Mapping):
        raise RangeError(f"best = a {type(best).__name__}: expected the best fits by name. A region of BEST needs another name, such as best_2")
    if not regions:
        raise RangeError("regions: nothing to draw: expected at least one region, such as regions(bahcall=scan.region(sigma=2))")
    first = next(iter(regions))
    for name, region in regions.items():
        if len(region.axes) != 2:
            raise RangeError(f"regions: {name} has {len(region.axes)} axes ({', '.join(region.axes)}): expected 2")
        if list(region.axes) != list(regions[first].axes):
            there, here = (", ".join(one.axes) for one in (regions[first], region))
            raise RangeError(f"regions: {name} has axes {here}, {first} has {there}: expected the same in the same order")
    known = {_family(name) for name in regions}
    for name, fit in best.items():
        if name not in known:
            raise RangeError(f"regions: the best fit {name!r} has no region. {did_you_mean(name, known)}")
        for axis in regions[first].axes:
            if axis not in fit.best:
                raise RangeError(f"regions: the best fit {name} has no {axis!r}. {did_you_mean(axis, fit.best)}")
    x, y = regions[first].parameters
    return x, y


@styled
def regions(best: Mapping[str, Fit] | None = None, **regions: Region) -> Figure:
    """Allowed regions in the plane of two parameters.

    Parameters
    ----------
    best : mapping of name to Fit, optional
        Best fits to mark, by the name of their regions.
    **regions : Region
        By name; levels of one scan are named ``bahcall_1``, ``bahcall_2`` and share a colour.

    Raises
    ------
    RangeError
        If there is no region, or they do not have the same two axes.

    Examples
    --------
    >>> import megacurie as mci
    >>> axes = {"sin2_2theta": mci.linspace(0, 1, 11), "dm2": mci.geomspace("0.1 eV2", "10 eV2", 11)}
    >>> scan = mci.scan(mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile()), axes)
    >>> print(*regions(bahcall_1=scan.region(sigma=1), bahcall_2=scan.region(sigma=2)).data)
    region curve sin2_2theta dm2_eV2
    """
    best = {} if best is None else best
    parameters = _check(regions, best)
    (ax,) = stacked_axes()
    families = list(dict.fromkeys(_family(name) for name in regions))
    looks = {family: (f"C{i}", _DASHES[i % len(_DASHES)]) for i, family in enumerate(families)}
    alpha = _ALPHA if len(families) == 1 else _ALPHA_MANY
    rows: list[tuple[str, str, float, float]] = []
    for name, region in sorted(regions.items(), key=lambda item: -item[1].threshold):
        colour, dash = looks[_family(name)]
        ax.add_collection(PathCollection(filled(region), facecolor=colour, alpha=alpha, linewidth=0), autolim=False)
        for i, line in enumerate(region.contours()):
            ax.plot(line[:, 0], line[:, 1], color=colour, linestyle=dash, linewidth=0.9)
            rows += [(name, f"contour {i + 1}", float(x), float(y)) for x, y in line]
    for name, fit in best.items():
        colour = looks[name][0]
        point = [float(units.to_display(fit.best[p.name], p.unit)) for p in parameters]
        ax.plot(*point, marker="*", markersize=8, markeredgecolor="white", markeredgewidth=0.6, color=colour, linestyle="", zorder=4)
        rows.append((name, "best fit", point[0], point[1]))
    for p, axis in zip(parameters, "xy", strict=True):
        ends = [units.to_display(float(end), p.unit) for region in regions.values() for end in (region.axes[p.name].min(), region.axes[p.name].max())]
        scale_axis(ax, axis, p, min(ends), max(ends))
    legend_above(ax, *_levels(regions, looks, alpha))
    references = frozenset().union(*(region.references for region in regions.values()), *(fit.references for fit in best.values()))
    named = "; ".join(f"{name.replace('_', ' ')}: {region.label}" for name, region in regions.items())
    stars = f" Stars: best fits ({', '.join(best)})." if best else ""
    data = columns(("region", "curve", *(p.json_key for p in parameters)), rows)
    text = f"Allowed regions of {' and '.join(p.name for p in parameters)}. {named}.{stars}"
    return Figure(axes=(ax,), data=data, caption=cited(text, references), references=references)


def envelope(models: Envelope, *, confidence: float) -> Figure:
    """Regions that several models allow, each taken as exact, and their envelope.

    Raises
    ------
    RangeError
        If there are not two axes, or ``confidence`` is not a probability.
    DataError
        If fewer than ten toys of a model are beyond the level.

    Examples
    --------
    >>> import megacurie as mci
    >>> axes = {"sin2_2theta": mci.linspace(0, 1, 3), "dm2": mci.geomspace("0.1 eV2", "10 eV2", 3)}
    >>> best = mci.gallium.datasets(only=["best"], cross_section_error=False).likelihood(mci.Sterile())
    >>> one = mci.envelope({"bahcall-1997": mci.feldman_cousins(best, axes, toys=500, seed=1)})
    >>> print(sorted(set(envelope(one, confidence=0.9).data["region"])))
    ['bahcall-1997', 'envelope']
    """
    each = {name: one.region(confidence=confidence) for name, one in models.models.items()}
    drawn = regions(None, envelope=models.region(confidence=confidence), **each)  # the envelope below the others, whose lines its border follows
    return replace(drawn, caption=f"What each model allows, taken as exact, and their envelope: what any of them allows. {drawn.caption}")


def _levels(regions: Mapping[str, Region], looks: Mapping[str, tuple[str, _Dash]], alpha: float) -> tuple[dict[str, Any], str]:
    """Legend of regions, and its title: the levels of one family; or the families, with what they do not share."""
    handles: dict[str, Any] = {}
    said: dict[str, list[str]] = {}
    for family, (colour, dash) in looks.items():
        own = sorted((region for name, region in regions.items() if _family(name) == family), key=lambda region: region.threshold)
        split = [region.label.replace(" sigma", "σ").partition(", ") for region in own]
        said[family] = [", ".join(dict.fromkeys(part)) for part in ([level for level, _, _ in split], [method for _, _, method in split])]
        depth = [1 - (1 - alpha) ** (len(own) - i) for i in range(len(own))]  # what the nested fills add up to
        if len(looks) == 1:
            handles = {level: Patch(facecolor=(colour, shade), edgecolor=colour) for (level, _, _), shade in zip(split, depth, strict=True)}
        else:
            handles[family] = Patch(facecolor=(colour, depth[0]), edgecolor=colour, linestyle=dash)
    if len(looks) == 1:
        return handles, ", ".join(filter(None, (family.replace("_", " "), said[family][1])))
    shared = [parts[0] for parts in zip(*said.values(), strict=True) if len(set(parts)) == 1]
    named = {", ".join([family.replace("_", " "), *(part for part in said[family] if part and part not in shared)]): handles[family] for family in looks}
    return named, ", ".join(filter(None, shared))


@styled
def paths(curves: Mapping[str, tuple[Array, Array]], *, references: Iterable[str] = ()) -> Figure:
    """Fraction of directions in which there is target, against the distance from the source.

    Parameters
    ----------
    curves : mapping of name to (distance, fraction)
        Arrays (n,), length, and (n,), as ``experiment.fraction`` gives it.
    references : iterable of str
        Keys of the works that the geometries come from, such as ``experiment.references``.

    Raises
    ------
    RangeError
        If there is no curve, or two arrays differ in length.

    Examples
    --------
    >>> figure = paths({"ball": (np.array([0.0, 0.5, 1.0]) * units.m, np.array([1.0, 1.0, 1.0]))})
    >>> print(figure.caption)
    Fraction of the directions from the source in which there is target at each distance: ball.
    """
    if not curves:
        raise RangeError("paths: nothing to draw: expected at least one curve, such as paths({'inner': (distance, fraction)})")
    (ax,) = stacked_axes()
    rows: list[tuple[str, float, float]] = []
    for i, (name, (distance, fraction)) in enumerate(curves.items()):
        if distance.ndim != 1 or distance.shape != fraction.shape:
            raise RangeError(f"paths: {name} has distances {distance.shape} and fractions {fraction.shape}: expected two equal shapes (n,)")
        metres = np.asarray(distance) / units.m
        ax.plot(metres, fraction, color=f"C{i}", linestyle=_DASHES[i % len(_DASHES)], label=name.replace("_", " "))
        rows += [(name, float(x), float(y)) for x, y in zip(metres, fraction, strict=True)]
    ax.set(xlabel="distance from the source [m]", ylabel="fraction of directions", xlim=(0, max(x for _, x, _ in rows)), ylim=(0, None))
    ax.legend(loc="upper right")
    data = columns(("curve", "distance_m", "fraction"), rows)
    text = f"Fraction of the directions from the source in which there is target at each distance: {', '.join(name.replace('_', ' ') for name in curves)}."
    return Figure(axes=(ax,), data=data, caption=cited(text, frozenset(references)), references=frozenset(references))


@styled
def history(steps: Sequence[Step], *, references: Iterable[str] = ()) -> Figure:
    """The anomaly through time: common ratio of all measurements up to each experiment, and its distance from 1.

    Parameters
    ----------
    steps : sequence of Step
        In the order of time.
    references : iterable of str
        Keys of the works behind the steps, such as ``datasets.references``.

    Raises
    ------
    RangeError
        If there is no step.

    Examples
    --------
    >>> from megacurie.studies import gallium
    >>> print(history(gallium.history(gallium.datasets(only=["sage-cr", "best"]))).data["year"])
    (1994, 2019)
    """
    if not steps:
        raise RangeError("history: nothing to draw: expected at least one step")
    above, below = stacked_axes((3, 2))
    place = np.arange(len(steps))
    value, plus, minus, sigma = (np.array([getattr(step.mean, name) for step in steps]) for name in ("value", "plus", "minus", "significance"))
    above.axhline(1, color="black", linestyle=":", linewidth=0.8)
    above.errorbar(place, value, yerr=(minus, plus), fmt="o", color="C0")
    above.set_ylabel("mean ratio")
    below.vlines(place, 0, sigma, color="C1", linewidth=0.8)
    below.plot(place, sigma, "o", color="C1")
    below.set(ylabel="significance [σ]", ylim=(0, 1.2 * sigma.max()), xlim=(-0.5, len(steps) - 0.5))
    below.set_yticks((0, 1, 3, 5))
    below.yaxis.set_minor_locator(ticker.NullLocator())
    below.yaxis.grid(True)
    below.set_xticks(place, [f"{step.year}\n" + step.experiment.replace("-", "\n") for step in steps])
    for ax in (above, below):
        ax.tick_params(axis="x", which="both", length=0)
    canvas_of(below).align_ylabels()
    rows = [(step.experiment, step.year, step.mean.value, step.mean.plus, step.mean.minus, step.mean.significance) for step in steps]
    data = columns(("experiment", "year", "ratio", "plus", "minus", "sigma"), rows)
    text = (
        "The gallium anomaly through time. Above: common ratio of measured to expected of all experiments up to the one named, with its interval "
        "of Delta chi2 = 1. Below: its distance from 1, the root of the difference in chi2. Years are those of the sources."
    )
    return Figure(axes=(above, below), data=data, caption=cited(text, frozenset(references)), references=frozenset(references))


@styled
def explanations(comparison: Comparison) -> Figure:
    """Explanation x experiment: the ratio that each explanation, fitted to gallium, predicts for each experiment, with its range.

    Examples
    --------
    >>> import megacurie as mci
    >>> table = mci.compare([mci.load("best")], mci.explanations(hypotheses=[mci.ActivityScale()]))
    >>> print(explanations(table).data["experiment"])
    ('BEST',)
    """
    (ax,) = stacked_axes()
    names = [why.name for why in comparison.explanations]
    canvas_of(ax).set_figheight(0.2 * len(names) + 0.8)
    shift = 0.6 / max(1, len(comparison.experiments))
    handles: dict[str, Any] = {}
    rows = []
    for k, experiment in enumerate(comparison.experiments):
        found = [comparison.expected[name, experiment] for name in names]
        place = np.arange(len(names)) + shift * (k - 0.5 * (len(comparison.experiments) - 1))
        ratio, low, high = (np.array([getattr(one, key) for one in found]) for key in ("ratio", "low", "high"))
        handles[experiment] = ax.errorbar(ratio, place, xerr=(ratio - low, high - ratio), fmt=_MARKERS[k % len(_MARKERS)], color=f"C{k}", markersize=3)
        rows += [(name, experiment, one.ratio, one.low, one.high) for name, one in zip(names, found, strict=True)]
    ax.axvline(1, color="black", linestyle=":", linewidth=0.8)
    ax.set(xlabel="ratio to no new physics", ylim=(len(names) - 0.5, -0.5))
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", which="both", length=0)
    legend_above(ax, handles)
    data = columns(("explanation", "experiment", "ratio", "low", "high"), rows)
    text = (
        "What each explanation of the gallium deficit predicts elsewhere: ratio to no new physics at its best fit to the gallium data, and its range for "
        "Delta chi2 <= 1."
    )
    return Figure(axes=(ax,), data=data, caption=cited(text, comparison.references), references=comparison.references)
