"""What an experiment must see under a hypothesis: paths, rates and ratios, zone by zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from megacurie.experiments.expectation import Expectation, Hypothesis
from megacurie.experiments.experiment import DM2_MAX, Experiment
from megacurie.foundation import units
from megacurie.foundation.display import Table
from megacurie.foundation.parameters import Parameter
from megacurie.physics.hypotheses import NoOscillation


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonePrediction:
    """One zone: mean paths (used, and of the shape alone), rate at the reference time, counts over the schedule, ratio to no new physics."""

    name: str
    mean_path: float
    mean_path_shape: float
    rate: float | None
    counts: float | None
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentPrediction:
    """Result of ``predict``; None where an input is missing, which ``notes`` names."""

    experiment: str
    hypothesis: str
    parameters: tuple[Parameter, ...]
    theta: Mapping[str, float]
    zones: tuple[ZonePrediction, ...]
    notes: tuple[str, ...]
    references: frozenset[str]

    def to_dict(self) -> dict[str, Any]:
        """Display units, keys carry them."""

        def per_day(rate: float | None) -> float | None:
            return None if rate is None else units.to_display(rate, "1/d")

        return {
            "card": self.experiment,
            "hypothesis": self.hypothesis,
            "parameters": {p.json_key: units.to_display(self.theta[p.name], p.unit) for p in self.parameters},
            "zones": [
                {
                    "name": z.name,
                    "mean_path_m": units.to_display(z.mean_path, "m"),
                    "mean_path_shape_m": units.to_display(z.mean_path_shape, "m"),
                    "rate_per_day": per_day(z.rate),
                    "counts": z.counts,
                    "ratio": z.ratio,
                }
                for z in self.zones
            ],
            "notes": list(self.notes),
        }

    def table(self) -> Table:
        """Rows of what a person reads."""
        counted = any(z.counts is not None for z in self.zones)
        head = ("zone", "mean path", "from the shape", "rate at start", *(("counts",) if counted else ()), "ratio")
        rows = tuple(
            (
                z.name,
                units.format(z.mean_path, "cm", 4),
                units.format(z.mean_path_shape, "cm", 4),
                "not known" if z.rate is None else units.format(z.rate, "1/d", 4),
                *((f"{z.counts:.5g}",) if z.counts is not None else ()),
                f"{z.ratio:.4f}",
            )
            for z in self.zones
        )
        at = ", ".join(f"{p.name} = {p.show(self.theta[p.name])}" for p in self.parameters)
        return Table(title=f"{self.experiment}: {self.hypothesis}{f' ({at})' if at else ''}", head=head, rows=rows, notes=self.notes)

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def predict(experiment: Experiment, hypothesis: Hypothesis | None = None, theta: Mapping[str, float] | None = None) -> ExperimentPrediction:
    """Rates and ratios of an experiment under a hypothesis (none: no new physics).

    Parameters
    ----------
    experiment : Experiment
    hypothesis : Hypothesis, optional
    theta : dict of str to float, optional
        Value of every parameter, internal units.

    Raises
    ------
    RangeError
        If a value is outside its bounds or beyond the reach of the kernel.

    Examples
    --------
    >>> import megacurie as mci
    >>> print(f"{predict(mci.load('best'), mci.ActivityScale(), {'activity': 0.8}).zones[0].ratio:.3f}")
    0.800
    """
    chosen: Hypothesis = NoOscillation() if hypothesis is None else hypothesis
    theta = dict(theta or {})
    rates = replace(experiment, schedule=None).kernel(dm2_max=DM2_MAX)
    expectation = Expectation(rates, chosen)
    counts = expectation.prediction(theta).counts
    ratios = counts / expectation.null
    absolute = not experiment.missing
    over_schedule = Expectation(experiment.kernel(dm2_max=DM2_MAX), chosen)(theta) if absolute and experiment.schedule else None
    notes = () if absolute else (f"no rate: {', '.join(experiment.missing)} missing",)
    zones = []
    for i, zone in enumerate(experiment.zones):
        shape = experiment.paths(zone).mean_path
        zones.append(
            ZonePrediction(
                name=zone.name,
                mean_path=zone.published_path or shape,
                mean_path_shape=shape,
                rate=float(counts[i]) if absolute else None,
                counts=None if over_schedule is None else float(over_schedule[i]),
                ratio=float(ratios[i]),
            )
        )
    return ExperimentPrediction(
        experiment=experiment.name, hypothesis=chosen.name, parameters=chosen.parameters, theta=theta, zones=tuple(zones),
        notes=notes, references=expectation.references,
    )  # fmt: skip
