"""The review of Elliott, Gavrin and Haxton, the cross section of Haxton and Rule, and what was known before BEST."""

from __future__ import annotations

from megacurie.foundation import provenance
from megacurie.studies import gallium


def mean(part: str) -> float:
    """Uncorrelated mean ratio of the six measurements ("value" or "error") for the cross section of Haxton and Rule."""
    found = gallium.mean_ratio(gallium.datasets(cross_section="haxton-rule-2023", conventions="elliott-2024"))
    return found.value if part == "value" else 0.5 * (found.plus + found.minus)


def pre_best(part: str) -> float:
    """Mean ratio of the four measurements before BEST ("rbar") and its distance from 1 ("sigma"): uncorrelated, statistical, Bahcall."""
    found = gallium.mean_ratio(gallium.datasets(only=["gallex-cr1", "gallex-cr2", "sage-cr", "sage-ar"], conventions="elliott-2024"))
    return found.value if part == "rbar" else found.significance


def haxton_rule_sigma() -> float:
    """The cross section of Haxton and Rule for 51Cr as our data hold it."""
    return provenance.datum("channel.ga71-capture.cr51.haxton-rule-2023", "area").value
