"""Figures of a radiochemical campaign: events against time, spectrum, rates of extractions, likelihood curves, activity and exposures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import ticker

from megacurie.foundation import units
from megacurie.foundation.errors import RangeError
from megacurie.report.canvas import Figure, canvas_of, legend_above, stacked_axes, styled
from megacurie.report.output import cited, columns

if TYPE_CHECKING:
    from megacurie.radiochemistry.campaign import Campaign
    from megacurie.studies.portrait import Curve, Spectrum, TimeBins, Timeline
    from megacurie.studies.radiochemistry import CampaignResult

_ALPHA = 0.2  # of a band
_THIN = 0.5  # line of a single extraction
_MARKERS = ("o", "s", "D", "^")
_DASHES = ("-", "--", "-.", ":")


def _figure(axes: Sequence[Any], data: Mapping[str, tuple[str | float, ...]], text: str, references: Iterable[str]) -> Figure:
    keys = frozenset(references)
    return Figure(axes=tuple(axes), data=data, caption=cited(text, keys), references=keys)


def blinded(figure: Figure) -> Figure:
    """A figure of hidden rates that says so, on it and in its caption."""
    ax = figure.axes[0]
    ax.text(0.03, 0.95, "BLINDED", transform=ax.transAxes, va="top", color="C1", weight="bold")
    return replace(figure, caption=f"BLINDED: rates are multiplied by hidden factors. {figure.caption}")


@styled
def event_times(campaign: Campaign, bins: Sequence[TimeBins]) -> Figure:
    """Candidates per live day against the time since extraction, all fillings together, with the fit: one panel for each peak.

    Parameters
    ----------
    campaign : Campaign
    bins : sequence of TimeBins
        As ``studies.portrait.event_times`` gives them.

    Raises
    ------
    RangeError
        If there is no peak.
    """
    if not bins:
        raise RangeError("event_times: nothing to draw: expected the bins of at least one peak")
    axes = stacked_axes((1,) * len(bins))
    canvas_of(axes[0]).set_figheight(1.5 * len(bins) + 0.6)
    rows: list[tuple[str | float, ...]] = []
    handles: dict[str, Any] = {}
    for ax, one in zip(axes, bins, strict=True):
        edges, seen = one.edges / units.day, one.live > 0
        live = np.where(seen, one.live, np.nan) / units.day
        place, rate = 0.5 * (edges[1:] + edges[:-1]), one.candidates / live
        handles["background"] = ax.stairs(np.nan_to_num(one.background / live), edges, fill=True, color="0.85")
        handles["fit: ⁷¹Ge on background"] = ax.stairs(np.nan_to_num(one.expected / live), edges, color="C1", baseline=None)
        handles["candidates"] = ax.errorbar(
            place[seen], rate[seen], yerr=(np.sqrt(one.candidates) / live)[seen], xerr=(0.5 * np.diff(edges))[seen], fmt="o", color="black", markersize=2.5,
            elinewidth=0.7,
        )  # fmt: skip
        ax.text(0.97, 0.9, f"{one.peak} peak", transform=ax.transAxes, ha="right", va="top")
        ax.set(ylabel="per live day", ylim=(0, None), xlim=(0, edges[-1]))
        rows += [
            (one.peak, a, b, t, float(n), e, back)
            for a, b, t, n, e, back in zip(
                *(map(float, x) for x in (edges[:-1], edges[1:], one.live / units.day)), one.candidates, map(float, one.expected), map(float, one.background),
                strict=True,
            )
        ]  # fmt: skip
    axes[-1].set_xlabel("time since extraction [d]")
    canvas_of(axes[0]).align_ylabels()
    legend_above(axes[0], dict(reversed(handles.items())))
    data = columns(("peak", "low_d", "high_d", "live_d", "candidates", "expected", "background"), rows)
    text = (
        f"{campaign.name}: candidates per day of live time of a counter, mean of all fillings, against the time since extraction. Steps: fit of one production "
        "rate for each zone and a constant background for each peak of each filling. Bars are roots of the counts."
    )
    return _figure(axes, data, text, campaign.references)


@styled
def event_spectrum(campaign: Campaign, found: Spectrum) -> Figure:
    """Energies of all pulses without flags, and of those in the K and L windows.

    Parameters
    ----------
    campaign : Campaign
    found : Spectrum
        As ``studies.portrait.spectrum`` gives it.
    """
    (ax,) = stacked_axes()
    edges = found.edges / units.keV
    handles: dict[str, Any] = {"pulses": ax.stairs(found.pulses, edges, color="black", linewidth=0.7)}
    for i, (peak, counts) in enumerate(found.candidates.items()):
        handles[f"{peak} window"] = ax.stairs(counts, edges, fill=True, color=f"C{i}", alpha=0.6)
    if found.flagged.any():
        handles["flagged"] = ax.stairs(found.flagged, edges, color="C2", linestyle=":", linewidth=0.9)
    ax.set(xlabel="energy [keV]", ylabel=f"pulses per {edges[1] - edges[0]:.3g} keV", xlim=(0, edges[-1]), ylim=(0, None))
    legend_above(ax, handles)
    rows = zip(*(map(float, x) for x in (edges[:-1], edges[1:], found.pulses, *found.candidates.values(), found.flagged)), strict=True)
    data = columns(("low_keV", "high_keV", "pulses", *(f"in_{peak}" for peak in found.candidates), "flagged"), rows)
    text = (
        f"{campaign.name}: energies of the pulses of all fillings without flags. Filled: pulses in the K and L windows that pass the cut on the rise time. "
        "Dotted: pulses with a flag (after an opening of the shield, or in step with the NaI crystal)."
    )
    return _figure((ax,), data, text, campaign.references)


@styled
def extraction_rates(result: CampaignResult) -> Figure:
    """Rates of the extractions with their errors, and the combined rate of each zone as a band: one panel for each zone."""
    if not result.zones:
        raise RangeError("extraction_rates: nothing to draw: expected at least one zone that was counted")
    axes = stacked_axes((1,) * len(result.zones))
    canvas_of(axes[0]).set_figheight(1.3 * len(axes) + 0.7)
    day = units.day
    rows: list[tuple[str | float, ...]] = []
    handles: dict[str, Any] = {}
    top = max((one.rate + one.plus) * day for one in result.extractions)
    for i, (ax, zone) in enumerate(zip(axes, result.zones, strict=True)):
        of = [one for one in result.extractions if one.zone == zone.zone]
        run = [one.run for one in of]
        rate, plus, minus = (np.array([getattr(one, name) for one in of]) * day for name in ("rate", "plus", "minus"))
        band = ax.axhspan((zone.rate - zone.minus) * day, (zone.rate + zone.plus) * day, color=f"C{i}", alpha=_ALPHA, linewidth=0)
        handles[f"{zone.zone}: {zone.rate * day:.1f} +{zone.plus * day:.1f} -{zone.minus * day:.1f} /d"] = (band, ax.axhline(zone.rate * day, color=f"C{i}"))
        ax.errorbar(run, rate, yerr=(minus, plus), fmt=_MARKERS[i % len(_MARKERS)], color="black", zorder=3)
        if zone.predicted is not None:
            handles["expected"] = ax.axhline(zone.predicted * day, color="black", linestyle=":", linewidth=0.8)
        ax.set(ylabel="rate [1/d]", ylim=(0, 1.1 * top))
        ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
        ax.xaxis.set_minor_locator(ticker.NullLocator())
        rows += [(zone.zone, str(n), float(x), float(up), float(down)) for n, x, up, down in zip(run, rate, plus, minus, strict=True)]
        rows.append((zone.zone, "all", zone.rate * day, zone.plus * day, zone.minus * day))
    axes[-1].set_xlabel("extraction")
    legend_above(axes[0], handles)
    data = columns(("zone", "run", "rate_per_day", "plus", "minus"), rows)
    text = (
        f"{result.campaign}: production of 71Ge by the source at the reference time, extraction by extraction, with statistical errors. "
        "Bands: combined rate of each zone. Dotted: expected rate."
    )
    return _figure(axes, data, text, result.references)


@styled
def rate_likelihoods(campaign: Campaign, curves: Sequence[Curve]) -> Figure:
    """-2 ln L against the rate: of each zone (thick) and of single extractions (thin).

    Parameters
    ----------
    campaign : Campaign
    curves : sequence of Curve
        As ``studies.portrait.likelihood_curves`` gives them.
    """
    zones = list(dict.fromkeys(one.zone for one in curves))
    if not zones:
        raise RangeError("rate_likelihoods: nothing to draw: expected at least one curve")
    (ax,) = stacked_axes()
    handles, rows = {}, []
    for one in curves:
        i = zones.index(one.zone)
        x, y = one.rate * units.day, -2 * one.log_likelihood
        (line,) = ax.plot(x, y, color=f"C{i}", linestyle=_DASHES[i % len(_DASHES)], linewidth=1.4 if one.run is None else _THIN,
                          alpha=1.0 if one.run is None else 0.6)  # fmt: skip
        if one.run is None:
            handles[one.zone] = line
        rows += [(one.zone, "all" if one.run is None else str(one.run), float(a), float(b)) for a, b in zip(x, y, strict=True) if np.isfinite(b)]
    for level in (1, 4):
        ax.axhline(level, color="0.6", linestyle=":", linewidth=0.7)
    ax.set(xlabel="rate at the reference time [1/d]", ylabel=r"$-2\,\Delta\ln L$", xlim=(min(row[2] for row in rows), max(row[2] for row in rows)), ylim=(0, 9))
    legend_above(ax, handles)
    data = columns(("zone", "run", "rate_per_day", "minus_two_log"), rows)
    text = f"{campaign.name}: -2 ln of the likelihood of the production rate over its largest value. Thick: all extractions of a zone; thin: each alone. " + (
        "From the times of events, backgrounds at their best." if campaign.has_events else "From the published rates and their asymmetric errors."
    )
    return _figure((ax,), data, text, campaign.references)


@styled
def activity(campaign: Campaign, found: Timeline) -> Figure:
    """Activity of the source against time above; exposures, extractions and countings of each zone below."""
    above, below = stacked_axes((3, 2))
    day = units.day
    time, strength = found.time / day, np.asarray(found.activity) / units.MCi
    above.plot(time, strength, color="C0")
    zones = list(dict.fromkeys(one.zone for one in found.extractions))
    rows: list[tuple[str | float, ...]] = [("activity", campaign.nuclide, "", float(x), "", float(y)) for x, y in zip(time, strength, strict=True)]
    for one in found.extractions:
        i = zones.index(one.zone)
        begin, end, mean = (x / day for x in (one.source_in, one.source_out, one.extracted))
        below.barh(i, end - begin, left=begin, height=0.6, color=f"C{i + 1}", alpha=0.5, edgecolor="white", linewidth=0.4)
        below.plot(mean, i, marker="|", color="black", markersize=7)
        rows += [("exposure", one.zone, str(one.run), begin, end, ""), ("extraction", one.zone, str(one.run), mean, "", "")]
    above.set(ylabel="activity [MCi]", ylim=(0, None))
    below.set(xlabel=f"days after {campaign.history.reference_time}", xlim=(min(time[0], 0), max(one.extracted for one in found.extractions) / day + 1))
    below.set_yticks(range(len(zones)), zones)
    below.set_ylim(len(zones) - 0.5, -0.5)
    below.tick_params(axis="y", which="both", length=0)
    data = columns(("what", "name", "run", "time_d", "end_d", "activity_MCi"), rows)
    text = (
        f"{campaign.name}: activity of the source ({campaign.nuclide}) against time, and the exposures of each zone to it; ticks are mean times of extraction."
    )
    return _figure((above, below), data, text, campaign.references)
