"""Figures of ``megacurie figure`` that are drawn of a radiochemical campaign."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from megacurie.foundation.errors import DataError

if TYPE_CHECKING:
    from megacurie.radiochemistry.campaign import Campaign
    from megacurie.report.figures import Figure


def _event_times(campaign: Campaign, hidden: bool) -> Figure:
    """Candidates against the time since extraction with the fit of 71Ge on background (needs events)."""
    from megacurie.report import countings
    from megacurie.studies import portrait

    _need_open("event-times", campaign, hidden)
    return countings.event_times(campaign, portrait.event_times(campaign))


def _event_spectrum(campaign: Campaign, hidden: bool) -> Figure:
    """Energies of pulses with the K and L peaks of 71Ge (needs events with energies)."""
    from megacurie.report import countings
    from megacurie.studies import portrait

    _need_open("event-spectrum", campaign, hidden)
    return countings.event_spectrum(campaign, portrait.spectrum(campaign))


def _extraction_rates(campaign: Campaign, hidden: bool) -> Figure:
    """Rates of the extractions with the combined rate of each zone as a band."""
    from megacurie.report import countings
    from megacurie.studies import radiochemistry
    from megacurie.studies.blinded import blind

    result = radiochemistry.measure(campaign)
    return countings.blinded(countings.extraction_rates(blind(result, campaign).result)) if hidden else countings.extraction_rates(result)


def _rate_likelihoods(campaign: Campaign, hidden: bool) -> Figure:
    """Likelihood of the rate of each zone, and of single extractions."""
    from megacurie.report import countings
    from megacurie.studies import portrait
    from megacurie.studies.blinded import blind_curves

    curves = portrait.likelihood_curves(campaign)
    return countings.blinded(countings.rate_likelihoods(campaign, blind_curves(curves, campaign))) if hidden else countings.rate_likelihoods(campaign, curves)


def _activity(campaign: Campaign, hidden: bool) -> Figure:
    """Activity of the source through a campaign, with exposures and extractions."""
    from megacurie.report import countings
    from megacurie.studies import portrait

    return countings.activity(campaign, portrait.timeline(campaign))


def _need_open(name: str, campaign: Campaign, hidden: bool) -> None:
    """Refuse what shows counts of a campaign that was never unblinded."""
    if hidden:
        raise DataError(
            f"{campaign.name}: {name} shows counts, and the campaign is blinded. extraction-rates and rate-likelihoods can be drawn blinded; "
            "after 'megacurie count FOLDER --unblind REASON' all can be drawn"
        )


CAMPAIGN_FIGURES: dict[str, Callable[[Campaign, bool], Figure]] = {
    "event-times": _event_times,
    "event-spectrum": _event_spectrum,
    "extraction-rates": _extraction_rates,
    "rate-likelihoods": _rate_likelihoods,
    "activity": _activity,
}
