"""Tables: what a result says, and what an experiment resolves to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np

from megacurie.experiments.experiment import Experiment
from megacurie.experiments.response import Zone
from megacurie.foundation import provenance, units
from megacurie.foundation.display import Table
from megacurie.foundation.errors import RangeError
from megacurie.foundation.provenance import Datum

__all__ = ["HasTable", "summary", "table"]

_DAGGER = "† assumed or unverified; 'megacurie data' says why"


@runtime_checkable
class HasTable(Protocol):
    """Any result that can be read as a table."""

    def table(self) -> Table: ...


def table(result: HasTable) -> Table:
    """The table of a result, such as data sets or a fit.

    Raises
    ------
    RangeError
        If the result has none.

    Examples
    --------
    >>> from megacurie.studies import gallium
    >>> print(table(gallium.datasets(only=["sage-ar"])).rows[0][0])
    sage-ar
    """
    if not isinstance(result, HasTable):
        way = "Use report.summary for an experiment" if isinstance(result, Experiment) else "Print it, or take one of its parts"
        raise RangeError(f"{type(result).__name__} has no table: expected data sets, a fit or another result with .table(). {way}")
    return result.table()


def summary(experiment: Experiment) -> Table:
    """What an experiment resolves to: source, target, cross section, and of each zone its size, paths and expectation.

    Where an input is missing, the expectation is null and the missing inputs are named.

    Examples
    --------
    >>> import megacurie as mci
    >>> print(*summary(mci.load("gallex-cr1")).rows[-2])
    tank: expected null: missing target.material (number of targets per volume)
    """
    rows = (*_source(experiment), *_target(experiment), *_schedule(experiment), *_zones(experiment), *_measurement(experiment))
    marked = any("†" in cell for row in rows for cell in row)
    return Table(title=experiment.name, rows=rows, notes=(*experiment.notes, *([_DAGGER] if marked else [])))


def _source(experiment: Experiment) -> Iterator[tuple[str, str]]:
    source = experiment.source
    table = provenance.look_up(f"nuclide.{source.key}.lines.{source.line_table}")
    half_life = provenance.datum(f"nuclide.{source.key}.half_life", "time")
    yield "source", f"{source.nuclide}, line table {source.line_table}"
    for datum in table:
        mark = _dagger(*provenance.walk(datum))
        yield f"line {units.format(datum['energy'].value, 'keV')}", f"{datum['intensity'].value:.6g} per decay{mark}"
    for datum in provenance.load(f"nuclide.{source.key}").get("beta", ()):
        mark = _dagger(*provenance.walk(datum))
        yield f"spectrum up to {units.format(datum['endpoint'].value, 'keV')}", f"{datum['intensity'].value:.6g} {source.particle}s per decay{mark}"
    yield "half-life", f"{units.format(source.half_life, 'd')}{_dagger(half_life)}"
    if source.history is None:
        yield "activity", "null: missing source.activity"
        return
    error = f" +- {units.format(source.activity_error * source.history.activity, 'MCi', 3)}" if source.activity_error else ""
    at = f" at {source.history.reference_time}" if source.history.reference_time else ""
    yield "activity", f"{units.format(source.history.activity, 'MCi')}{error}{at}"


def _target(experiment: Experiment) -> Iterator[tuple[str, str]]:
    channel, material, source = experiment.channel, experiment.material, experiment.source
    if material is None:
        yield "target", "null: missing target.material"
    else:
        mark = _dagger(*provenance.walk(provenance.look_up(f"material.{material.name}")))
        yield "target", f"{material.name} of {units.format(material.density, 'g/cm3')}{mark}"
        for target in dict.fromkeys(part.target for part in channel.parts(source, experiment.detector)):
            yield f"density of {target}", f"{units.format(material.number_density(target), '1/cm3')}{mark}"
    yield "cross section", channel.describe(source)
    yield from _detector(experiment)


def _detector(experiment: Experiment) -> Iterator[tuple[str, str]]:
    detector = experiment.detector
    if detector.efficiency != 1:
        yield "efficiency", f"{detector.efficiency:.6g}"
    largest = experiment.channel.largest(experiment.source)
    if largest is None:
        return
    unit = "keV" if largest > units.keV else "eV"
    yield "recoils", f"recorded above {units.format(detector.threshold, unit, 4)}, at most {units.format(largest, unit, 4)}"
    if not detector.resolution.sharp:
        width = float(detector.resolution.sigma(np.array([largest]))[0])
        yield "energy resolution", f"{units.format(width, unit, 3)} at {units.format(largest, unit, 4)}"
    if detector.position.stochastic or detector.position.constant:
        yield "position resolution", f"{units.format(float(detector.position.sigma(np.array([largest]))[0]), 'cm', 3)} at {units.format(largest, unit, 4)}"
    if detector.least:
        yield "no light below", units.format(detector.least, unit, 4)
    if experiment.scale != 1:
        yield "scale of the cross section", f"{experiment.scale:.7g}†"


def _schedule(experiment: Experiment) -> Iterator[tuple[str, str]]:
    schedule, history = experiment.schedule, experiment.source.history
    if schedule is None:
        return
    n = len(schedule.exposures)
    yield "schedule", f"{n} exposure{'s' if n > 1 else ''}, {units.format(schedule.live_time, 'd')} live"
    yield "decays", "null: missing source.activity" if history is None else f"{schedule.decays(history):.6g}"


def _zones(experiment: Experiment) -> Iterator[tuple[str, str]]:
    expected = None if experiment.missing else replace(experiment.counting(), backgrounds=()).kernel().without_new_physics()
    for i, zone in enumerate(experiment.zones):
        for label, text in _zone(experiment, zone, None if expected is None else float(expected[i])):
            yield f"{zone.name}: {label}", text
    for name, counts in experiment.background_counts().items():
        shown = f"{counts.sum():.5g} events" if experiment.quantity == "counts" else f"{units.format(float(counts.sum()), '1/d', 5)}"
        yield f"background {name}", f"{shown} recorded"


def _zone(experiment: Experiment, zone: Zone, expected: float | None) -> Iterator[tuple[str, str]]:
    paths, volume = experiment.paths(zone), zone.shape.volume
    yield "volume", units.format(volume, "m3", 5)
    if experiment.material is not None:
        yield "mass", units.format(volume * experiment.material.density, "t", 5)
    published = "" if zone.published_path is None else f"; published and used {units.format(zone.published_path, 'cm')}"
    yield "mean path", f"{units.format(paths.mean_path, 'cm', 5)} from the shape{published}"
    of_volume, of_flux = (units.format(distance, "cm", 5) for distance in (paths.mean_distance, paths.flux_weighted_distance))
    yield "mean distance", f"{of_volume} of the volume, {of_flux} weighted with the flux"
    if expected is None:
        yield "expected", f"null: missing {', '.join(experiment.missing)}"
    elif experiment.quantity == "rate":
        yield "expected", f"{units.format(expected, '1/d', 5)} at the reference time"
    else:
        yield "expected", f"{expected:.5g} events"


def _measurement(experiment: Experiment) -> Iterator[tuple[str, str]]:
    published = experiment.published
    if published is None:
        return
    unit = "1/d" if published.quantity == "rate" else ""
    for name, value in published.value.items():
        errors = " ".join(f"{sign}{units.to_display(size[name], unit):.3g}" for sign, size in (("+", published.plus), ("-", published.minus)))
        predicted = f"; predicted {units.format(published.predicted[name], unit)}" if name in published.predicted and published.quantity != "ratio" else ""
        source = f" [{published.ref}]" if published.ref else ""
        number = f"{units.to_display(value, unit):.6g} {errors} {unit}".strip()
        yield f"{name}: measured {published.quantity}", f"{number}{predicted} (cross section {published.cross_section}){source}"


def _dagger(*data: Datum) -> str:
    return "†" if any(datum.dagger for datum in data) else ""
