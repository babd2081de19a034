"""From a campaign to a rate and its ratio to expectation: the result of ``megacurie count``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from megacurie.foundation import units
from megacurie.foundation.display import Table
from megacurie.foundation.errors import DataError, did_you_mean
from megacurie.radiochemistry import counting, goodness, tables
from megacurie.radiochemistry.campaign import Campaign
from megacurie.radiochemistry.combination import combine
from megacurie.radiochemistry.streams import Stream, streams
from megacurie.studies.assumptions import Assumptions, HalfLife, assumptions, source_half_life, source_half_life_p
from megacurie.studies.constancy import Constancy, Scatter, Slope, against_exposure, constancy, permutation_p, scatter
from megacurie.studies.rates import Chain, Rates, ZoneRate, chain, outer_over_inner, published_rates, with_systematics, zone_rate

_FEW = 4  # runs below which rates say nothing of their scatter


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionRate:
    """The rate of one extraction.

    Attributes
    ----------
    zone : str
    run, candidates : int
    ge71 : float
        Decays of 71Ge among the candidates.
    rate, plus, minus : float, rate
        Of production at the reference time, with errors.
    nw2_p : float or None
        Probability of a larger N w^2; None without candidates.
    upper : float or None, rate
        Limit at 90 %, where the error reaches to zero.
    """

    zone: str
    run: int
    candidates: int
    ge71: float
    rate: float
    plus: float
    minus: float
    nw2_p: float | None
    upper: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Keys of ``count --json``."""
        day = units.day
        return {
            "zone": self.zone, "run": self.run, "candidates": self.candidates, "ge71": self.ge71,
            "rate_per_day": self.rate * day, "plus": self.plus * day, "minus": self.minus * day, "nw2_p": self.nw2_p,
            "upper_limit_90": None if self.upper is None else self.upper * day,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """What the rates of two zones say beside their mean. Looked at after the data were known; nothing is corrected by it."""

    constancy: Constancy
    permutation_p: float
    scatter_common: Scatter | None
    scatter_single: Scatter | None
    half_life: HalfLife
    exposure: Slope

    def to_dict(self) -> dict[str, Any]:
        """Keys of ``count --json``."""
        return {
            "constancy": {**self.constancy.to_dict(), "permutation_p": self.permutation_p},
            "scatter": {name: one and one.to_dict() for name, one in (("common", self.scatter_common), ("single", self.scatter_single))},
            "source_half_life": self.half_life.to_dict(),
            "against_exposure": self.exposure.to_dict(),
        }

    def table(self) -> Table:
        """One line each."""
        h = self.half_life
        up, down = (f"{units.to_display(x, 'd'):.1f}" for x in (h.plus, h.minus))
        toys = "" if h.p is None else f", p = {h.p:.2g} from toys"
        rows = [
            ("outer and inner in step, p of permutations", f"{self.permutation_p:.2g}"),
            ("half-life of the source from the rates", f"{units.to_display(h.value, 'd'):.1f} +{up} -{down} d, {h.sigma:.1f} sigma from the assumed one{toys}"),
            ("mean rate against efficiency x saturation", f"p = {self.exposure.p:.2g} (chosen after looking)"),
        ]
        rows += [
            (
                f"scatter {name}",
                f"{one.size:.3f}, -2 ln L {max(one.delta, 0.0):.1f} lower, p = {one.p:.2g}; ratio then {one.ratio:.2f} +{one.plus:.2f} -{one.minus:.2f}",
            )
            for name, one in (("common to an exposure", self.scatter_common), ("of each extraction", self.scatter_single))
            if one is not None
        ]
        return Table(title="Diagnostics (nothing is corrected by them)", rows=tuple(rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignResult:
    """Rates of a campaign: extraction by extraction, zone by zone, and the ratio of the two zones where there are two.

    Attributes
    ----------
    campaign : str
    extractions : tuple of ExtractionRate
    zones : tuple of ZoneRate
    outer_over_inner : dict or None
        ``ratio`` and ``ratio_error`` of the second zone over the first.
    diagnostics : Diagnostics or None
        None for one zone or few runs.
    notes : tuple of str
    references : frozenset of str
    assumptions : Assumptions or None
        Of a published campaign.
    chains : tuple of Chain
        The systematic errors of a published campaign, paper by paper.
    joint : dict or None
        One ratio to expectation for all zones: ``ratio``, statistical ``plus`` and ``minus``, and ``ratio_error`` with systematics and expectation.
    """

    campaign: str
    extractions: tuple[ExtractionRate, ...]
    zones: tuple[ZoneRate, ...]
    outer_over_inner: dict[str, float] | None
    diagnostics: Diagnostics | None
    notes: tuple[str, ...]
    references: frozenset[str]
    assumptions: Assumptions | None = None
    chains: tuple[Chain, ...] = ()
    joint: dict[str, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The object of ``count --json``."""
        return {
            "campaign": self.campaign,
            "extractions": [one.to_dict() for one in self.extractions],
            "zones": {one.zone: one.to_dict() for one in self.zones},
            "outer_over_inner": self.outer_over_inner,
            "joint": self.joint,
            "diagnostics": self.diagnostics and self.diagnostics.to_dict(),
            "assumptions": self.assumptions and self.assumptions.to_dict(),
            "systematics": {one.paper: one.to_dict() for one in self.chains},
            "notes": list(self.notes),
        }

    def tables(self) -> tuple[Table, ...]:
        """What ``count`` prints."""
        day = units.day
        rates = Table(
            title=f"{self.campaign}: production of 71Ge by the source at the reference time",
            head=("extraction", "candidates", "71Ge", "per day", "p(N w2)"),
            rows=tuple(
                (f"{one.zone} {one.run}", str(one.candidates), f"{one.ge71:.1f}",
                 f"{one.rate * day:.1f} +{one.plus * day:.1f} -{one.minus * day:.1f}" + ("" if one.upper is None else f" (< {one.upper * day:.1f} at 90 %)"),
                 "" if one.nw2_p is None else f"{one.nw2_p:.2f}")
                for one in self.extractions
            ),
        )  # fmt: skip
        zones = Table(
            title="Zones",
            head=("zone", "per day", "systematic", "chi2/dof", "expected", "ratio"),
            rows=tuple(
                (one.zone, f"{one.rate * day:.2f} +{one.plus * day:.2f} -{one.minus * day:.2f}",
                 f"+{one.systematic_plus * day:.2f} -{one.systematic_minus * day:.2f}", f"{one.chi2:.1f}/{one.dof}",
                 *(("", "") if one.predicted is None or one.ratio is None or one.ratio_error is None
                   else (f"{one.predicted * day:.2f}", f"{one.ratio:.3f} +- {one.ratio_error:.3f}")))
                for one in self.zones
            ),
            notes=self._ratio_note(),
        )  # fmt: skip
        more = () if self.diagnostics is None else (self.diagnostics.constancy.table(), self.diagnostics.table())
        notes = () if not self.notes else (Table(title="Notes", rows=tuple((note,) for note in self.notes)),)
        effects = () if self.assumptions is None else (self.assumptions.table(),)
        mean = float(np.mean([one.rate for one in self.zones]))
        return (rates, zones, *(one.table(mean) for one in self.chains), *effects, *more, *notes)

    def _ratio_note(self) -> tuple[str, ...]:
        found = self.outer_over_inner
        names = " over ".join(one.zone for one in reversed(self.zones))
        over = () if found is None else (f"{names}: {found['ratio']:.3f} +- {found['ratio_error']:.3f}",)
        one = self.joint
        together = () if one is None else (f"one ratio: {one['ratio']:.3f} +{one['plus']:.3f} -{one['minus']:.3f} (stat.), +- {one['ratio_error']:.3f} in all",)
        return over + together

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.tables()))


def measure(campaign: Campaign, zones: Sequence[str] = (), *, joint: bool = False) -> CampaignResult:
    """The rates of a campaign: fitted to the times of its events, or combined from its table of rates where it has none.

    Parameters
    ----------
    campaign : Campaign
    zones : sequence of str
        Empty for all.
    joint : bool
        Whether to fit one ratio to expectation to all zones too.

    Raises
    ------
    DataError
        If there is no such zone, no two with an expected rate to be joint, or the campaign has neither events nor rates of single extractions.

    Examples
    --------
    >>> found = measure(tables.built_in("best-2022"))
    >>> print(f"{found.zones[0].ratio:.2f} {found.zones[1].ratio:.2f}")
    0.80 0.77
    """
    wanted = chosen(campaign, zones)
    if joint:
        return replace(measure(campaign, zones), joint=_joint(campaign, wanted))
    if campaign.has_events:
        return _counted(campaign, wanted)
    rates = published_rates(campaign)
    names = [zone for zone in rates.zones if zone in wanted]
    found = [zone_rate(rates, zone, campaign.zone(zone), campaign.systematics) for zone in names]
    rows = [row for row in campaign.rates if row.peak == "KL" and row.run is not None and row.zone in names]
    two = len(names) == 2
    return CampaignResult(
        campaign=campaign.name,
        extractions=tuple(
            ExtractionRate(zone=row.zone, run=row.run or 0, candidates=row.candidates, ge71=row.fitted, rate=row.rate, plus=row.plus, minus=row.minus,
                           nw2_p=row.probability) for row in rows
        ),
        zones=tuple(found),
        outer_over_inner=outer_over_inner(*found) if two else None,
        diagnostics=_diagnostics(campaign, rates) if two else None,
        notes=campaign.notes,
        references=campaign.references,
    )  # fmt: skip


def _counted(campaign: Campaign, names: Sequence[str]) -> CampaignResult:
    """The result of a campaign with events: each extraction alone, and all of a zone with one rate."""
    decay = campaign.germanium_decay
    by_run: dict[tuple[str, int], list[Stream]] = {}
    for stream in streams(campaign):
        if stream.zone in names:
            by_run.setdefault((stream.zone, stream.run), []).append(stream)
    single = {key: counting.fit(of, decay) for key, of in by_run.items()}
    zones, notes = [], list(campaign.notes)
    for name in names:
        keys = [key for key in by_run if key[0] == name]
        if not keys:
            notes.append(f"{name}: no counting, no rate")
            continue
        found = counting.fit([stream for key in keys for stream in by_run[key]], decay)
        # twice the gain of a rate for each extraction: about a chi2 of that many degrees of freedom less one
        gain = 2 * (sum(single[key].log_likelihood for key in keys) - found.log_likelihood)
        rate = ZoneRate(zone=name, rate=found.rate, plus=found.plus, minus=found.minus, chi2=max(gain, 0.0), dof=len(keys) - 1,
                        systematic_plus=0.0, systematic_minus=0.0)  # fmt: skip
        zones.append(with_systematics(rate, campaign.zone(name), campaign.systematics))
    rates = _rates(names, single)
    return CampaignResult(
        campaign=campaign.name,
        extractions=tuple(
            ExtractionRate(
                zone=zone, run=run, candidates=one.candidates, ge71=one.ge71, rate=one.rate, plus=one.plus, minus=one.minus,
                nw2_p=goodness.probability(by_run[zone, run], decay, seed=i),
                upper=goodness.upper_limit(by_run[zone, run], decay) if one.minus == one.rate else None,
            ) for i, ((zone, run), one) in enumerate(single.items())
        ),
        zones=tuple(zones),
        outer_over_inner=outer_over_inner(*zones) if len(zones) == 2 and all(one.rate > 0 for one in zones) else None,
        diagnostics=_diagnostics(campaign, rates) if rates is not None else None,
        notes=tuple(notes),
        references=campaign.references,
    )  # fmt: skip


def _joint(campaign: Campaign, names: Sequence[str]) -> dict[str, float]:
    """One ratio to expectation for several zones: events fitted with it, or rates combined."""
    zones = [campaign.zone(name) for name in names]
    expected = {zone.name: zone.predicted for zone in zones if zone.predicted is not None}
    if len(expected) < max(2, len(zones)):
        raise DataError(f"{campaign.name}: one ratio for {', '.join(names)}: expected two zones or more with an expected rate")
    if campaign.has_events:
        scaled = [replace(one, weight=one.weight * expected[one.zone]) for one in streams(campaign) if one.zone in expected]
        fit = counting.fit(scaled, campaign.germanium_decay)
        ratio, plus, minus = fit.rate, fit.plus, fit.minus
    else:
        rates = published_rates(campaign)
        rows = [rates.zones.index(name) for name in names]
        size = np.array([expected[name] for name in names])[:, None]
        found = combine(*((x[rows] / size).ravel() for x in (rates.value, rates.plus, rates.minus)))
        ratio, plus, minus = found.rate, found.plus, found.minus
    common = [0.5 * (one.plus + one.minus) for one in campaign.systematics]
    theory = np.mean([0.5 * (zone.plus + zone.minus) / expected[zone.name] for zone in zones])
    return {"ratio": ratio, "plus": plus, "minus": minus, "ratio_error": math.hypot(0.5 * (plus + minus), ratio * math.hypot(theory, *common))}


def published(name: str, zones: Sequence[str] = (), *, joint: bool = False) -> CampaignResult:
    """The result of a published campaign, with what its assumptions do to it and its systematic errors item by item.

    Examples
    --------
    >>> print(len(published("best-2022", ["inner"]).extractions))
    10
    """
    return replace(
        measure(tables.built_in(name), zones, joint=joint), assumptions=assumptions(name), chains=tuple(chain(name, paper) for paper in ("prl", "prc"))
    )


def chosen(campaign: Campaign, zones: Sequence[str]) -> tuple[str, ...]:
    """The names of zones asked for, all where none is.

    Raises
    ------
    DataError
        With the nearest name.
    """
    names = [zone.name for zone in campaign.zones]
    for zone in zones:
        if zone not in names:
            raise DataError(f"{campaign.name}: no zone {zone!r}. {did_you_mean(zone, names)}")
    return tuple(name for name in names if not zones or name in zones)


def _diagnostics(campaign: Campaign, rates: Rates) -> Diagnostics | None:
    """None for few runs, or where a rate has no error on one side."""
    if len(rates.runs) < _FEW or not (np.all(rates.plus > 0) and np.all(rates.minus > 0)):
        return None
    predicted = [campaign.zone(name).predicted for name in rates.zones]
    known = np.array([p for p in predicted if p is not None])
    scatters = [scatter(rates, known, common=common) if len(known) == len(rates.zones) else None for common in (True, False)]
    return Diagnostics(
        constancy=constancy(rates),
        permutation_p=permutation_p(rates),
        scatter_common=scatters[0],
        scatter_single=scatters[1],
        half_life=replace(source_half_life(campaign, rates), p=source_half_life_p(campaign, rates) if np.all(rates.plus > rates.minus) else None),
        exposure=against_exposure(campaign, rates),
    )


def _rates(names: Sequence[str], single: Mapping[tuple[str, int], counting.CountFit]) -> Rates | None:
    """The rates of single extractions side by side, where two zones have the same runs."""
    runs = [tuple(run for zone, run in single if zone == name) for name in names]
    if len(names) != 2 or runs[0] != runs[1]:
        return None
    value, plus, minus = (np.array([[getattr(single[name, run], what) for run in runs[0]] for name in names]) for what in ("rate", "plus", "minus"))
    return Rates(zones=tuple(names), runs=runs[0], value=value, plus=plus, minus=minus)
