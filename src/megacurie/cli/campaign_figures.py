"""Figures of ``megacurie figure`` that are drawn of a radiochemical campaign."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from megacurie.radiochemistry.campaign import Campaign
    from megacurie.report.figures import Figure


def _event_times(campaign: Campaign) -> Figure:
    """Candidates against the time since extraction with the fit of 71Ge on background (needs events)."""
    from megacurie.report import countings
    from megacurie.studies import portrait

    return countings.event_times(campaign, portrait.event_times(campaign))


def _event_spectrum(campaign: Campaign) -> Figure:
    """Energies of pulses with the K and L peaks of 71Ge (needs events with energies)."""
    from megacurie.report import countings
    from megacurie.studies import portrait

    return countings.event_spectrum(campaign, portrait.spectrum(campaign))


def _extraction_rates(campaign: Campaign) -> Figure:
    """Rates of the extractions with the combined rate of each zone as a band."""
    from megacurie.report import countings
    from megacurie.studies import radiochemistry

    return countings.extraction_rates(radiochemistry.measure(campaign))


def _rate_likelihoods(campaign: Campaign) -> Figure:
    """Likelihood of the rate of each zone, and of single extractions."""
    from megacurie.report import countings
    from megacurie.studies import portrait

    return countings.rate_likelihoods(campaign, portrait.likelihood_curves(campaign))


def _activity(campaign: Campaign) -> Figure:
    """Activity of the source through a campaign, with exposures and extractions."""
    from megacurie.report import countings
    from megacurie.studies import portrait

    return countings.activity(campaign, portrait.timeline(campaign))


CAMPAIGN_FIGURES: dict[str, Callable[[Campaign], Figure]] = {
    "event-times": _event_times,
    "event-spectrum": _event_spectrum,
    "extraction-rates": _extraction_rates,
    "rate-likelihoods": _rate_likelihoods,
    "activity": _activity,
}
