"""Figures of design studies: recoil spectra, significance against what can be chosen, reach of experiments that see no new physics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PathCollection

from megacurie.foundation import units
from megacurie.foundation.errors import RangeError
from megacurie.report.canvas import Figure, filled, legend_above, scale_axis, stacked_axes, styled
from megacurie.report.output import cited, columns

if TYPE_CHECKING:
    from megacurie.statistics.results import Region
    from megacurie.studies.irradiation import ActivityCurve
    from megacurie.studies.prediction import ExperimentPrediction
    from megacurie.studies.sensitivity import Exclusion
    from megacurie.studies.variation import Variation

_DASHES = ("-", "--", "-.", ":")


@styled
def recoils(predictions: Mapping[str, ExperimentPrediction]) -> Figure:
    """Recorded recoil spectra: events of the source per keV over the schedule, and the background of the first as a shade.

    Parameters
    ----------
    predictions : mapping of name to ExperimentPrediction
        Of experiments with bins of recoil energy.

    Raises
    ------
    RangeError
        If there is none, or one has no spectrum.
    """
    if not predictions or not all(one.spectrum for one in predictions.values()):
        raise RangeError("recoils: nothing to draw: expected predictions with a spectrum, of experiments with bins of recoil energy")
    (ax,) = stacked_axes()
    rows: list[tuple[str, float, float, float, float]] = []
    highest = 0.0
    end = max(one.spectrum[-1].high for one in predictions.values())
    unit = "keV" if end > 2 * units.keV else "eV"  # electrons, nuclei
    handles = {}
    for i, (name, one) in enumerate(predictions.items()):
        edges = [units.to_display(x, unit) for x in (*(b.low for b in one.spectrum), one.spectrum[-1].high)]
        width = np.diff(edges)
        counts, background = (np.array([getattr(b, what) for b in one.spectrum]) / width for what in ("counts", "background"))
        handles[name] = ax.stairs(counts, edges, color=f"C{i}", linestyle=_DASHES[i % 4])
        if i == 0 and background.any():
            handles["background"] = ax.stairs(background, edges, fill=True, color="0.8")
        highest = max(highest, float(counts.max()))
        rows += [(name, a, b, float(n), float(r)) for a, b, n, r in zip(edges[:-1], edges[1:], counts, background, strict=True)]
    ax.set(xlabel=f"recoil energy [{unit}]", ylabel=f"events per {unit}", xlim=(min(r[1] for r in rows), max(r[2] for r in rows)))
    if unit == "eV":  # an excess at low energy, or tungsten, would hide all else
        ax.set(xscale="log", yscale="log", ylim=(3e-6 * highest, 3 * highest))
    else:
        ax.set_ylim(0, 1.2 * highest)
    legend_above(ax, handles)
    references = frozenset().union(*(one.references for one in predictions.values()))
    text = f"Recorded recoil spectra over the schedule: {', '.join(predictions)}. Steps and kinks are the end points of lines and isotopes."
    data = columns(("experiment", f"low_{unit}", f"high_{unit}", f"events_per_{unit}", f"background_per_{unit}"), rows)
    return Figure(axes=(ax,), data=data, caption=cited(text, references), references=references)


@styled
def above(predictions: Mapping[str, ExperimentPrediction]) -> Figure:
    """Events of the source above a threshold, against the threshold.

    Parameters
    ----------
    predictions : mapping of name to ExperimentPrediction
        Of experiments with bins of recoil energy, whose lower edges are the thresholds.

    Raises
    ------
    RangeError
        If there is none, or one has no spectrum.
    """
    if not predictions or not all(one.spectrum for one in predictions.values()):
        raise RangeError("above: nothing to draw: expected predictions with a spectrum, of experiments with bins of recoil energy")
    (ax,) = stacked_axes()
    handles = {}
    rows: list[tuple[str, float, float]] = []
    for i, (name, one) in enumerate(predictions.items()):
        left = np.cumsum([b.counts for b in one.spectrum][::-1])[::-1]
        threshold = np.array([units.to_display(b.low, "eV") for b in one.spectrum])
        some = left > 0
        (handles[name],) = ax.plot(threshold[some], left[some], color=f"C{i}", linestyle=_DASHES[i % 4])
        rows += [(name, float(x), float(y)) for x, y in zip(threshold[some], left[some], strict=True)]
    most = max(y for *_, y in rows)
    ax.set(xlabel="threshold [eV]", ylabel="events above it", xscale="log", yscale="log", xlim=(min(r[1] for r in rows), None), ylim=(1e-4 * most, 3 * most))
    legend_above(ax, handles)
    references = frozenset().union(*(one.references for one in predictions.values()))
    text = (
        f"Events of the source above a threshold, over the schedule, no background: {', '.join(predictions)}. Heavy nuclei scatter more often, and end sooner."
    )
    data = columns(("target", "threshold_eV", "events"), rows)
    return Figure(axes=(ax,), data=data, caption=cited(text, references), references=references)


@styled
def activities(curves: Mapping[str, ActivityCurve]) -> Figure:
    """Activity at the end of an irradiation against the mass of the target.

    Parameters
    ----------
    curves : mapping of name to ActivityCurve

    Raises
    ------
    RangeError
        If there is nothing to draw.
    """
    if not curves:
        raise RangeError("activities: nothing to draw: expected at least one curve")
    (ax,) = stacked_axes()
    handles = {}
    rows: list[tuple[str, float, float, float]] = []
    for i, (name, one) in enumerate(curves.items()):
        mass, activity = (np.array([units.to_display(float(x), unit) for x in values]) for values, unit in ((one.mass, "kg"), (one.activity, "PBq")))
        (handles[name],) = ax.plot(mass, activity, color=f"C{i}", linestyle=_DASHES[i % 4])
        rows += [(name, float(x), float(y), float(z)) for x, y, z in zip(mass, activity, one.shielding, strict=True)]
    ax.set(xlabel="mass of the target isotope [kg]", ylabel="activity [PBq]", xscale="log", yscale="log")
    legend_above(ax, handles)
    references = frozenset().union(*(one.references for one in curves.values()))
    text = f"Activity at the end of an irradiation against the mass of the pure target isotope, which burns: {', '.join(curves)}. A solid ball shades itself."
    data = columns(("curve", "mass_kg", "activity_PBq", "mean_flux"), rows)
    return Figure(axes=(ax,), data=data, caption=cited(text, references), references=references)


@styled
def precision(variations: Mapping[str, Variation]) -> Figure:
    """Precision on what is measured, such as the flux, against what can be chosen, such as the mass.

    Parameters
    ----------
    variations : mapping of name to Variation
        Of ``design.measure``, all of one thing.

    Raises
    ------
    RangeError
        If there is nothing to draw, or different things vary.
    """
    if not variations or len({one.name for one in variations.values()}) > 1:
        raise RangeError("precision: expected at least one variation, all of one thing, such as the mass")
    (ax,) = stacked_axes()
    handles = {}
    rows: list[tuple[str, float, float]] = []
    for i, (name, one) in enumerate(variations.items()):
        found = [result.columns() for result in one.results]
        if "fisher" not in found[0]:
            raise RangeError(f"precision: {name} is no variation of a precision; expected design.vary(..., study=design.measure)")
        reached = np.array([np.nan if point["fisher"] is None else point["fisher"] for point in found])
        (handles[name],) = ax.plot(one.values, reached, color=f"C{i}", linestyle=_DASHES[i % 4])
        rows += [(name, float(x), float(y)) for x, y in zip(one.values, reached, strict=True) if np.isfinite(y)]
    first = next(iter(variations.values()))
    ax.set(xlabel=f"{first.name} [{first.unit}]", ylabel="standard error", yscale="log")
    if max(first.values) > 20 * min(first.values) > 0:
        ax.set_xscale("log")
    legend_above(ax, handles)
    references = frozenset().union(*(one.references for one in variations.values()))
    text = f"Precision, one standard deviation, against {first.name}: {', '.join(variations)}."
    data = columns(("experiment", f"{first.name}_{first.unit.split()[0]}", "precision"), rows)
    return Figure(axes=(ax,), data=data, caption=cited(text, references), references=references)


@styled
def significance(variations: Mapping[str, Variation], *, goal: float = 5.0) -> Figure:
    """Significance of a deficit against what can be chosen, such as the activity.

    Parameters
    ----------
    variations : mapping of name to Variation
        Of ``design.deficit``, all of one thing.
    goal : float
        Significance to mark.

    Raises
    ------
    RangeError
        If there is nothing to draw, or different things vary.
    """
    if not variations or len({one.name for one in variations.values()}) > 1:
        raise RangeError("significance: expected at least one variation, all of one thing, such as the activity")
    (ax,) = stacked_axes()
    handles = {}
    rows: list[tuple[str, float, float, float, float]] = []
    for i, (name, one) in enumerate(variations.items()):
        found = [result.columns() for result in one.results]
        if "find" not in found[0]:
            raise RangeError(f"significance: {name} is no variation of a deficit; expected design.vary(..., study=design.deficit)")
        find, exclude, formula = (np.array([point[key] or 0.0 for point in found]) for key in ("find", "exclude", "formula"))
        (handles[name],) = ax.plot(one.values, find, color=f"C{i}")
        ax.plot(one.values, exclude, color=f"C{i}", linestyle="--")
        rows += [(name, float(x), float(a), float(b), float(c)) for x, a, b, c in zip(one.values, find, exclude, formula, strict=True)]
    first = next(iter(variations.values()))
    ax.axhline(goal, color="black", linestyle=":", linewidth=0.8)
    ax.set(xlabel=f"{first.name} [{first.unit}]", ylabel="significance [σ]", ylim=(0, None))
    if max(first.values) > 20 * min(first.values) > 0:
        ax.set_xscale("log")
    legend_above(ax, handles)
    references = frozenset().union(*(one.references for one in variations.values()))
    text = (
        f"Significance, one-sided, of a deficit against {first.name}: full lines, found if it is there; dashed, excluded if it is not. "
        f"Activity and backgrounds are as well known as the cards say: {', '.join(one.experiment for one in variations.values())}."
    )
    data = columns(("experiment", f"{first.name}_{first.unit.split()[0]}", "find_sigma", "exclude_sigma", "formula_sigma"), rows)
    return Figure(axes=(ax,), data=data, caption=cited(text, references), references=references)


@styled
def sensitivity(exclusions: Mapping[str, Exclusion], region: Region | None = None) -> Figure:
    """What experiments that see no new physics would exclude, over the region that gallium allows.

    Parameters
    ----------
    exclusions : mapping of name to Exclusion
        Everything to the right of a curve is excluded.
    region : Region, optional
        In the plane of strength and parameter, such as that of the gallium data.

    Raises
    ------
    RangeError
        If there is nothing to draw, or the parameters differ.
    """
    if not exclusions or len({(one.strength.name, one.parameter.name) for one in exclusions.values()}) > 1:
        raise RangeError("sensitivity: expected at least one exclusion, all of one strength and one parameter")
    first = next(iter(exclusions.values()))
    (ax,) = stacked_axes()
    rows: list[tuple[str, float, float]] = []
    if region is not None:
        if list(region.axes) != [first.strength.name, first.parameter.name]:
            raise RangeError(f"sensitivity: a region of {', '.join(region.axes)}: expected {first.strength.name}, {first.parameter.name}, in this order")
        ax.add_collection(PathCollection(filled(region), facecolor="0.8", linewidth=0), autolim=False)
        rows += [("allowed", float(x), float(y)) for line in region.contours() for x, y in line]
    handles = {}
    for i, (name, one) in enumerate(exclusions.items()):
        x, y = (np.array([units.to_display(float(v), p.unit) for v in values]) for p, values in ((one.strength, one.limits), (one.parameter, one.values)))
        (handles[name],) = ax.plot(x, y, color=f"C{i // 2 if len(exclusions) > 4 else i}", linestyle=_DASHES[i % 2 if len(exclusions) > 4 else 0])
        rows += [(name, float(a), float(b)) for a, b in zip(x, y, strict=True) if np.isfinite(a)]
    shown = [a for _, a, _ in rows if a > 0]
    scale_axis(ax, "y", first.parameter, min(b for *_, b in rows), max(b for *_, b in rows))
    ax.set(xscale="log", xlim=(min(shown, default=0.01) / 1.5, units.to_display(first.strength.upper, first.strength.unit)), xlabel=first.strength.label)
    legend_above(ax, handles)
    references = frozenset().union(*(one.references for one in exclusions.values()), frozenset() if region is None else region.references)
    text = f"Excluded at {100 * first.level:g} % ({first.dof} dof), to the right of each curve, if nothing is there: {', '.join(exclusions)}." + (
        "" if region is None else f" Grey: allowed by the gallium data, {region.label}."
    )
    data = columns(("curve", first.strength.json_key, first.parameter.json_key), rows)
    return Figure(axes=(ax,), data=data, caption=cited(text, references), references=references)
