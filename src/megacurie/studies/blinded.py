"""Results of a blinded campaign: every rate times a hidden factor of its zone, and nothing that would give it away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from megacurie.foundation.errors import DataError
from megacurie.radiochemistry import blinding
from megacurie.radiochemistry.campaign import Campaign
from megacurie.studies.portrait import Curve
from megacurie.studies.radiochemistry import CampaignResult, ExtractionRate
from megacurie.studies.rates import ZoneRate, outer_over_inner

_Row = TypeVar("_Row", ZoneRate, ExtractionRate)

NOTE = "BLINDED: rates and ratios are multiplied by hidden factors, counts are not shown"
_SHOWN = frozenset(("campaign", "extractions", "zones", "outer_over_inner", "notes", "references"))
_SCALED = ("rate", "plus", "minus", "systematic_plus", "systematic_minus", "ratio", "ratio_error", "upper")
_KEPT = frozenset(("zone", "run", "nw2_p", "chi2", "dof", "predicted"))  # shapes of distributions, and what was known before
_WITHOUT: Mapping[str, Any] = {"candidates": 0, "ge71": 0.0}  # fields without a default; left out of what is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Blinded:
    """A result as it may be shown; ``first`` is when these data were first unblinded, None if they never were."""

    result: CampaignResult
    first: str | None

    def to_dict(self) -> dict[str, Any]:
        """The object of ``count --json``: keys that say nothing are left out."""
        said = self.result.to_dict()
        shown = {key: said[key] for key in ("campaign", "extractions", "zones", "outer_over_inner", "notes")}
        shown["extractions"] = [{key: value for key, value in one.items() if key not in _WITHOUT} for one in said["extractions"]]
        return {"blinded": True, "first_unblinded": self.first, **shown}

    def __str__(self) -> str:
        rates, zones, *others = self.result.tables()
        columns = [i for i, name in enumerate(rates.head) if name not in ("candidates", "71Ge")]
        rates = replace(rates, head=tuple(rates.head[i] for i in columns), rows=tuple(tuple(row[i] for i in columns) for row in rates.rows))
        return "\n\n".join([NOTE, *map(str, (rates, zones, *others)), NOTE])


def blind(result: CampaignResult, campaign: Campaign, first: str | None = None) -> Blinded:
    """The result of a blinded campaign as it may be shown.

    Rates, ratios and their errors are multiplied by the factor of their zone. Counts and whatever else a result has (limits, diagnostics: a fitted
    scatter says the ratio) are taken away: what is not known to be harmless is not shown.

    Parameters
    ----------
    result : CampaignResult
    campaign : Campaign
        With blinding.
    first : str, optional
        When these data were first unblinded.

    Raises
    ------
    DataError
        If the campaign is not blinded.
    """
    factors = _factors(campaign)
    zones = tuple(_scaled(one, factors[one.zone]) for one in result.zones)
    hidden: dict[str, Any] = {item.name: item.default for item in fields(CampaignResult) if item.name not in _SHOWN}
    hidden["diagnostics"] = None
    two = result.outer_over_inner is not None and len(zones) == 2
    extractions = tuple(_scaled(one, factors[one.zone]) for one in result.extractions)
    shown = replace(result, **hidden, zones=zones, extractions=extractions, outer_over_inner=outer_over_inner(*zones) if two else None)
    return Blinded(result=shown, first=first)


def blind_curves(curves: Sequence[Curve], campaign: Campaign) -> tuple[Curve, ...]:
    """Likelihood curves against blinded rates."""
    factors = _factors(campaign)
    return tuple(replace(one, rate=one.rate * factors[one.zone]) for one in curves)


def _factors(campaign: Campaign) -> dict[str, float]:
    if campaign.blinding is None:
        raise DataError(f"{campaign.name}: is not blinded: expected [blinding] in campaign.toml")
    data = blinding.fingerprint(campaign)
    return {zone.name: blinding.factor(campaign.blinding, data, zone.name) for zone in campaign.zones}


def _scaled(one: _Row, by: float) -> _Row:
    changes: dict[str, Any] = {}
    for item in fields(one):
        value = getattr(one, item.name)
        if item.name in _SCALED:
            changes[item.name] = None if value is None else value * by
        elif item.name not in _KEPT:
            changes[item.name] = _WITHOUT.get(item.name, item.default)
    return replace(one, **changes)
