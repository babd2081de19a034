"""What an experiment must see under a hypothesis: paths, rates and ratios, zone by zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from megacurie.experiments.expectation import Expectation, Hypothesis
from megacurie.experiments.experiment import Experiment
from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.display import Table
from megacurie.foundation.parameters import Parameter
from megacurie.physics.hypotheses import NoOscillation
from megacurie.statistics.results import finite
from megacurie.studies.expected import STEADY


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonePrediction:
    """One zone: mean paths (used, and of the shape alone), rate at the reference time, counts over the schedule, ratio to no new physics."""

    name: str
    mean_path: float
    mean_path_shape: float
    rate: float | None
    counts: float | None
    ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectrumBin:
    """One bin of recorded recoil energy, all zones and distances together: edges (the upper may be infinite), events of the source and of backgrounds."""

    low: float
    high: float
    counts: float
    background: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentPrediction:
    """Result of ``predict``; None where an input is missing, which ``notes`` names.

    Attributes
    ----------
    experiment, hypothesis : str
    parameters : tuple of Parameter
    theta : dict of str to float
    zones : tuple of ZonePrediction
    days : dict of float (time) to float
        Events of the source from the reference time until then.
    backgrounds : dict of str to float
        Events of each background over the schedule.
    spectrum : tuple of SpectrumBin
        Over the schedule, for a detector that records energies.
    notes : tuple of str
    references : frozenset of str
    """

    experiment: str
    hypothesis: str
    parameters: tuple[Parameter, ...]
    theta: Mapping[str, float]
    zones: tuple[ZonePrediction, ...]
    days: Mapping[float, float]
    backgrounds: Mapping[str, float]
    spectrum: tuple[SpectrumBin, ...]
    notes: tuple[str, ...]
    references: frozenset[str]

    @property
    def rate(self) -> float | None:
        """Events per time at the reference time, all zones together."""
        return _total(zone.rate for zone in self.zones)

    @property
    def counts(self) -> float | None:
        """Events of the source over the schedule, all zones together."""
        return _total(zone.counts for zone in self.zones)

    def to_dict(self) -> dict[str, Any]:
        """Display units, keys carry them."""

        def per_day(rate: float | None) -> float | None:
            return None if rate is None else units.to_display(rate, "1/d")

        return {
            "rate_per_day_initial": per_day(self.rate),
            "counts": self.counts,
            "counts_by_days": {f"{units.to_display(time, 'd'):g}": counts for time, counts in self.days.items()},
            "background_counts": None if self.counts is None else sum(self.backgrounds.values()),
            "backgrounds": dict(self.backgrounds),
            "spectrum": [
                {
                    "low_keV": units.to_display(one.low, "keV"),
                    "high_keV": finite(units.to_display(one.high, "keV")),
                    "counts": one.counts,
                    "background_counts": one.background,
                }
                for one in self.spectrum
            ],
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
                "none" if z.ratio is None else f"{z.ratio:.4f}",
            )
            for z in self.zones
        )
        more = [f"{counts:.6g} events in {units.format(time, 'd')} from the reference time" for time, counts in self.days.items()]
        more += [f"background {name}: {counts:.5g} events" for name, counts in self.backgrounds.items()]
        at = ", ".join(f"{p.name} = {p.show(self.theta[p.name])}" for p in self.parameters)
        return Table(title=f"{self.experiment}: {self.hypothesis}{f' ({at})' if at else ''}", head=head, rows=rows, notes=(*more, *self.notes))

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def predict(
    experiment: Experiment, hypothesis: Hypothesis | None = None, theta: Mapping[str, float] | None = None, *, days: Sequence[float] = ()
) -> ExperimentPrediction:
    """Rates, counts and ratios of an experiment under a hypothesis (none: no new physics).

    Parameters
    ----------
    experiment : Experiment
    hypothesis : Hypothesis, optional
    theta : dict of str to float, optional
        Value of every parameter, internal units.
    days : sequence of float, time
        Give the events from the reference time until then, always live.

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
    counted = replace(experiment.counting(), schedule=None, backgrounds=())
    point = all(zone.source_shape is None for zone in experiment.zones)
    reach = STEADY if point and not chosen.phase(theta) > 0 else None  # where nothing oscillates few nodes are enough
    expectation = Expectation(counted.kernel(dm2_max=reach), chosen)
    rates, null = expectation.prediction(theta).counts, expectation.null
    absolute, history = not experiment.missing, experiment.source.history
    efficiency = experiment.detector.efficiency
    notes = [*experiment.warnings, *([] if absolute else [f"no rate: {', '.join(experiment.missing)} missing"])]
    zones = []
    for zone, rate, unchanged in zip(experiment.zones, rates, null, strict=True):
        shape = experiment.paths(zone, dm2_max=reach).mean_path
        counts = rate * experiment.decays / history.activity * efficiency if absolute and experiment.schedule and history else None
        zones.append(
            ZonePrediction(
                name=zone.name,
                mean_path=zone.published_path or shape,
                mean_path_shape=shape,
                rate=float(rate) if absolute else None,
                counts=None if counts is None else float(counts),
                ratio=float(rate / unchanged) if unchanged > 0 else None,
            )
        )
    until = {time: float(rates.sum()) * history.decays(0.0, time) / history.activity * efficiency for time in days} if absolute and history else {}
    spectrum: tuple[SpectrumBin, ...] = ()
    backgrounds: dict[str, float] = {}
    if experiment.quantity == "counts":
        of_bins = experiment.background_counts()
        backgrounds = {name: float(one.sum()) for name, one in of_bins.items()}
        if len(experiment.detector.recoil) > 2:
            spectrum = _spectrum(experiment, chosen, theta, reach, sum(of_bins.values(), np.zeros(1)))
    counted_events = _total(zone.counts for zone in zones)
    if counted_events == 0 and not any("no events" in note for note in notes):
        notes.append("no events, no sensitivity")
    elif counted_events is not None and 0 < counted_events < 0.5:
        notes.append(f"{counted_events:.2g} events expected: no sensitivity")
    return ExperimentPrediction(
        experiment=experiment.name, hypothesis=chosen.name, parameters=chosen.parameters, theta=theta, zones=tuple(zones), days=until,
        backgrounds=backgrounds, spectrum=spectrum, notes=tuple(notes), references=expectation.references,
    )  # fmt: skip


def _spectrum(experiment: Experiment, hypothesis: Hypothesis, theta: Mapping[str, float], reach: float | None, background: Array) -> tuple[SpectrumBin, ...]:
    """Recoil spectrum over the schedule, all zones, distances and angles that are recorded together."""
    counted = experiment.detector.counting()
    detector = replace(experiment.detector, distance=counted.distance, angle=counted.angle)
    counts = Expectation(replace(experiment, detector=detector, backgrounds=()).kernel(dm2_max=reach), hypothesis)(theta)
    n = len(detector.recoil) - 1
    signal = counts.reshape(-1, n).sum(0)
    rest = np.broadcast_to(background, (max(len(background), n),)).reshape(-1, n, len(experiment.detector.angle) - 1).sum((0, 2))
    edges = detector.recoil
    return tuple(
        SpectrumBin(low=a, high=b, counts=float(s), background=float(r)) for a, b, s, r in zip(edges[:-1], edges[1:], signal, rest, strict=True)
    )  # fmt: skip
