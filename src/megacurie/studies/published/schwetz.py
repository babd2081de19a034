"""The talk of T. Schwetz, 19 June 2023, and arXiv:2306.09422: chi2 of the null hypothesis."""

from __future__ import annotations

from megacurie.physics.hypotheses import NoOscillation
from megacurie.statistics.results import p_value, sigma_of
from megacurie.studies import gallium


def null_test(cross_section: str, data: str, part: str) -> float:
    """chi2 of no new physics ("chi2"), its p-value ("p") or the two-sided Gaussian equivalent ("sigma")."""
    likelihood = gallium.datasets(only=[data], cross_section=cross_section, conventions="schwetz-2023").likelihood(NoOscillation())
    chi2 = likelihood.null()
    p = p_value(chi2, likelihood.measurement.values.size)
    return {"chi2": chi2, "p": p, "sigma": sigma_of(p)}[part]
