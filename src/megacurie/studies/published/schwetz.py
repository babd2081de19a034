"""The talk of T. Schwetz, 19 June 2023, and arXiv:2306.09422: chi2 of the null hypothesis, and the fit of decoherence."""

from __future__ import annotations

from functools import cache

from megacurie.physics.hypotheses import Decoherence, NoOscillation
from megacurie.statistics.inference import fit
from megacurie.statistics.results import Fit, p_value, sigma_of, wilks
from megacurie.studies import gallium


def null_test(cross_section: str, data: str, part: str) -> float:
    """chi2 of no new physics ("chi2"), its p-value ("p") or the two-sided Gaussian equivalent ("sigma")."""
    likelihood = gallium.datasets(only=[data], cross_section=cross_section, conventions="schwetz-2023").likelihood(NoOscillation())
    chi2 = likelihood.null()
    p = p_value(chi2, likelihood.measurement.values.size)
    return {"chi2": chi2, "p": p, "sigma": sigma_of(p)}[part]


def decoherence(data: str, part: str) -> float:
    """Fit of decoherence with r = 12, cross section CS2.

    "chi2" and its "p" for one parameter (r is fixed), "delta-chi2" to no new physics, its "sigma" for two parameters as the slide counts, or "lambda12".
    """
    found = _decoherence(data)
    if part == "lambda12":
        return float(found.best["lambda12"])
    assert found.dof is not None
    delta = found.null_chi2 - found.chi2
    return {"chi2": found.chi2, "p": p_value(found.chi2, found.dof), "delta-chi2": delta, "sigma": wilks(delta, 2)}[part]


@cache
def _decoherence(data: str) -> Fit:
    """Five rows read one fit."""
    likelihood = gallium.datasets(only=[data], cross_section="schwetz-cs2", conventions="schwetz-2023").likelihood(Decoherence())
    return fit(likelihood, fixed={"r": 12.0})
