"""Design of an experiment: what a source in a detector can tell, and what it takes.

Two statements, each with its own hypotheses: *find a deficit if it is there* (data with the deficit, none tested) and *exclude it if it is not* (data
without, the deficit tested); one-sided, with the activity and the backgrounds as well known as the card says. Beside them stands the counting formula
deficit x N / sqrt(N + B).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from megacurie.experiments.experiment import Experiment
from megacurie.foundation import units
from megacurie.foundation.display import Table
from megacurie.foundation.errors import RangeError
from megacurie.studies.expected import ExpectedCounts, asimov, expected_counts
from megacurie.studies.fiducial import RULES, Requirement, cuts
from megacurie.studies.precision import measure, precision
from megacurie.studies.sensitivity import exclusion
from megacurie.studies.variation import vary

__all__ = ["RULES", "Deficit", "asimov", "deficit", "events_needed", "exclusion", "measure", "precision", "vary"]

SIGMA = 5.0
"""Significance that requirements are given for."""

_LEAST_SIGMA = 0.01
_WIDEST = 1e6  # factor on the activity that is looked through


@dataclass(frozen=True, slots=True, kw_only=True)
class Deficit:
    """Result of ``deficit``.

    Attributes
    ----------
    experiment : str
    deficit : float
        Relative.
    sigma : float
        Significance of the requirements.
    signal, background : float
        Events above the threshold over the schedule, without a deficit.
    find, exclude : float
        Significance, one-sided: a deficit that is there is found, one that is not is excluded.
    counting : float
        Of the formula deficit x N / sqrt(N + B) for the whole target.
    best_cut, best_counting : float
        Distance from the source within which the formula is largest (length), and its value.
    best_depth : float, length
        The same cut as a radius, or beyond the nearest target.
    activity : float, activity
        Of the card.
    find_activity, exclude_activity : float or None, activity
        At which the significance is ``sigma`` with everything used; None where no activity is enough.
    requirements : tuple of Requirement
        Of the counting formula, by rule.
    off : float
        Live time over time without the source; 0 where there is none or no background. The formula takes B (1 + off) for its error.
    days : float or None, time
        Of exposure, from the first start, after which a deficit would be found at ``sigma``; None where it never would.
    notes : tuple of str
    references : frozenset of str
    """

    experiment: str
    deficit: float
    sigma: float
    signal: float
    background: float
    find: float
    exclude: float
    counting: float
    best_cut: float
    best_depth: float
    best_counting: float
    activity: float
    find_activity: float | None
    exclude_activity: float | None
    requirements: tuple[Requirement, ...]
    off: float
    days: float | None
    notes: tuple[str, ...]
    references: frozenset[str]

    def columns(self) -> Mapping[str, float | None]:
        """What is drawn and tabulated against something that varies."""
        return {"signal": self.signal, "background": self.background, "find": self.find, "exclude": self.exclude, "formula": self.counting}

    @property
    def _off_said(self) -> str:
        return f" (1 + {self.off:.3g})" if self.off else ""

    def to_dict(self) -> dict[str, Any]:
        """Display units, keys carry them; null where no source or time is enough."""

        def shown(value: float | None, unit: str) -> float | None:
            return None if value is None else units.to_display(value, unit)

        return {
            "experiment": self.experiment,
            "deficit": self.deficit,
            "sigma": self.sigma,
            "signal_counts": self.signal,
            "background_counts": self.background,
            "significance": {"find": self.find, "exclude": self.exclude, "counting_formula": self.counting},
            "best_cut": {
                "distance_m": shown(self.best_cut, "m"), "depth_m": shown(self.best_depth, "m"), "counting_formula": self.best_counting,
            },
            "activity_MCi": shown(self.activity, "MCi"),
            "required_activity_MCi": {"find": shown(self.find_activity, "MCi"), "exclude": shown(self.exclude_activity, "MCi")},
            "required_activity_by_rule": {
                one.rule: {
                    "activity_MCi": shown(one.activity, "MCi"), "distance_m": shown(one.distance, "m"), "depth_m": shown(one.depth, "m"),
                    "signal_counts": one.signal, "background_counts": one.background,
                }
                for one in self.requirements
            },
            "days_needed": shown(self.days, "d"),
            "notes": list(self.notes),
        }  # fmt: skip

    def table(self) -> Table:
        """Rows of what a person reads."""

        def activity(value: float | None) -> str:
            return "no activity is enough" if value is None else units.format(value, "MCi", 3)

        goal = f"{self.sigma:g} sigma"
        size = "radius" if self.best_cut == self.best_depth else "depth"
        rows = [
            ("events expected", f"{self.signal:.5g}", f"and {self.background:.5g} of background, {units.format(self.activity, 'MCi', 4)}"),
            ("find it if it is there", f"{self.find:.2f} sigma", "one-sided; the whole spectrum, activity and backgrounds as stated"),
            ("exclude it if it is not", f"{self.exclude:.2f} sigma", ""),
            ("counting formula", f"{self.counting:.2f} sigma", f"deficit N / sqrt(N + B{self._off_said}), whole target"),
            (f"optimal {size}", units.format(self.best_depth, "m", 3), f"the formula gives {self.best_counting:.2f} sigma inside"),
            (f"activity to find at {goal}", activity(self.find_activity), "everything used"),
            (f"activity to exclude at {goal}", activity(self.exclude_activity), ""),
        ]
        for one in self.requirements:
            if one.depth is None:
                rows.append((f"activity by rule {one.rule}", "no such cut", "the whole target holds less background than N = B asks for"))
            else:
                place = f"{size} {units.format(one.depth, 'm', 3)}: N = {one.signal:.4g}, B = {one.background:.4g}"
                rows.append((f"activity by rule {one.rule}", activity(one.activity), place))
        beside = "from the first exposure" + (", with all of the time without the source" if self.off else "")
        rows.append((f"days to find at {goal}", "never" if self.days is None else units.format(self.days, "d", 3), beside))
        return Table(title=f"{self.experiment}: a deficit of {100 * self.deficit:g} %", rows=tuple(rows), notes=self.notes)

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def events_needed(deficit: float, sigma: float = SIGMA, *, equal_background: bool = False) -> float:
    """Events for which the counting formula tells a deficit: N = (sigma/deficit)^2, twice that where as much background is counted.

    Examples
    --------
    >>> print(round(events_needed(0.2), 6), round(events_needed(0.2, equal_background=True), 6))
    625.0 1250.0
    """
    return (sigma / deficit) ** 2 * (2 if equal_background else 1)


def deficit(experiment: Experiment, *, deficit: float = 0.2, sigma: float = SIGMA, rules: Sequence[str] = RULES) -> Deficit:
    """Whether an experiment tells a deficit of its source, and what it takes.

    Parameters
    ----------
    experiment : Experiment
        With activity, material and schedule.
    deficit : float
        Relative, between 0 and 1.
    sigma : float
        Significance that the requirements are given for.
    rules : sequence of str
        Of ``studies.fiducial``.

    Raises
    ------
    RangeError
        If the deficit or sigma is out of range.
    DataError
        If the card gives no counts.

    Examples
    --------
    >>> import megacurie as mci
    >>> result = mci.design.deficit(mci.load("ciuffoli-2025/juno-center"))
    >>> [f"{one.rule}: {units.format(one.activity, 'MCi', 2)} within {units.format(one.depth, 'm', 2)}" for one in result.requirements]
    ['published: 0.14 MCi within 1.7 m', 'hole: 0.16 MCi within 1.7 m', 'optimal: 0.16 MCi within 2 m']
    """
    if not 0 < deficit < 1:
        raise RangeError(f"deficit {deficit}: expected a fraction between 0 and 1")
    if not _LEAST_SIGMA <= sigma < math.inf:
        raise RangeError(f"{sigma} sigma: expected a number of at least {_LEAST_SIGMA:g}")
    expected = expected_counts(experiment)
    history = experiment.source.history
    assert history is not None  # expected_counts has refused a source without
    signal, background = float(expected.signal.sum()), float(expected.background.sum())
    cut = cuts(experiment, signal, background)
    off = 1 / expected.off if expected.off and background else 0.0
    best, best_sigma = cut.best(deficit, off)
    notes = list(experiment.warnings)
    if not signal > 0:
        notes.append("no events of the source above the threshold: no sensitivity")
        requirements: tuple[Requirement, ...] = ()
    else:
        requirements = tuple(cut.require(deficit, sigma, rule) for rule in rules)
    known = experiment.source.activity_error
    if known and signal > 0:
        find, exclude = deficit / known, deficit / (1 - deficit) / known
        notes.append(
            f"the activity is known to {100 * known:.3g} %: "
            f"no detector can find this deficit at more than {find:.3g} sigma, or exclude it at more than {exclude:.3g}"
        )
    find_activity, exclude_activity = (
        _solve(functools.partial(_at_activity, expected, *pair), sigma) if signal else None for pair in ((1 - deficit, 1.0), (1.0, 1 - deficit))
    )
    return Deficit(
        experiment=experiment.name, deficit=deficit, sigma=sigma, signal=signal, background=background, find=expected.separation(1 - deficit, 1.0),
        exclude=expected.separation(1.0, 1 - deficit), counting=float(cut.significance(deficit, off)[-1]), best_cut=best, best_depth=cut.depth(best),
        best_counting=best_sigma, activity=history.activity, find_activity=None if find_activity is None else find_activity * history.activity,
        exclude_activity=None if exclude_activity is None else exclude_activity * history.activity, requirements=requirements, off=off,
        days=_days(experiment, expected, deficit, sigma) if signal else None, notes=tuple(notes), references=experiment.references,
    )  # fmt: skip


def _at_activity(expected: ExpectedCounts, seen: float, tested: float, factor: float) -> float:
    return expected.scaled(activity=factor).separation(seen, tested)


def _solve(significance: Callable[[float], float], sigma: float) -> float | None:
    """The factor at which a rising significance reaches sigma; None where it never does."""
    from scipy.optimize import brentq

    low, high = -math.log(_WIDEST), math.log(_WIDEST)
    if significance(math.exp(high)) < sigma:
        return None
    if significance(math.exp(low)) >= sigma:
        return math.exp(low)
    return math.exp(float(brentq(lambda x: significance(math.exp(x)) - sigma, low, high, xtol=1e-10, rtol=1e-10)))


def _days(experiment: Experiment, expected: ExpectedCounts, deficit: float, sigma: float) -> float | None:
    """Time from the first exposure after which the deficit would be found, live as much of it as the schedule is on average."""
    schedule, history = experiment.schedule, experiment.source.history
    assert schedule is not None
    assert history is not None
    start = min(one.start for one in schedule.exposures)
    share = schedule.live_time / sum(one.stop - one.start for one in schedule.exposures)

    def found(duration: float) -> float:
        decays = share * history.decays(start, start + duration) / schedule.decays(history)
        return expected.scaled(decays=decays, live=share * duration / schedule.live_time).separation(1 - deficit, 1.0)

    unit = history.half_life
    # background goes on when the source has decayed: the significance has its maximum within a few half-lives
    steps = [unit * 2.0**k for k in range(-20, 4)]
    before = 0.0
    for after in steps:
        if found(after) >= sigma:
            from scipy.optimize import brentq

            return float(brentq(lambda x: found(x * unit) - sigma if x > 0 else -sigma, before / unit, after / unit, xtol=1e-9, rtol=1e-9)) * unit
        before = after
    return None
