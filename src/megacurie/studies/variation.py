"""One thing about an experiment turned, the same study for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from megacurie.experiments import cards
from megacurie.experiments.experiment import Experiment
from megacurie.foundation import units
from megacurie.foundation.display import Table
from megacurie.foundation.errors import DataError, did_you_mean
from megacurie.physics.shapes import Ball, Difference, ball_of_volume


class Result(Protocol):
    """What a study returns: a deficit told, a precision."""

    @property
    def experiment(self) -> str: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def references(self) -> frozenset[str]: ...
    def columns(self) -> Mapping[str, float | None]: ...
    def to_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """Result of ``vary``.

    Attributes
    ----------
    experiment, name, unit : str
    values : tuple of float
        In the unit.
    results : tuple of results
        One for each value.
    """

    experiment: str
    name: str
    unit: str
    values: tuple[float, ...]
    results: tuple[Result, ...]

    @property
    def references(self) -> frozenset[str]:
        """Keys of everything that entered."""
        return frozenset().union(*(one.references for one in self.results))

    def to_dict(self) -> dict[str, Any]:
        """The values and what follows at each."""
        results = [one.to_dict() for one in self.results]
        return {"experiment": self.experiment, "vary": self.name, "unit": self.unit, "values": list(self.values), "results": results}

    def table(self) -> Table:
        """Rows of what a person reads."""
        names = tuple(self.results[0].columns())
        rows = []
        for value, one in zip(self.values, self.results, strict=True):
            found = one.columns()
            rows.append((f"{value:.4g}", *("" if x is None else f"{x:.4g}" for x in (found[name] for name in names))))
        notes = tuple(dict.fromkeys(note for one in self.results for note in one.notes))
        return Table(title=f"{self.experiment}: against {self.name}", head=(f"{self.name} [{self.unit}]", *names), rows=tuple(rows), notes=notes)

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """A key of the card that is turned, the unit of its values, the text that they become, and their usual values about an experiment, in the unit."""

    key: Callable[[Experiment], str]
    unit: Callable[[Experiment], str]
    text: Callable[[Experiment, float, str], str]
    usual: Callable[[Experiment], tuple[float, ...]]


def _activity(experiment: Experiment) -> tuple[float, ...]:
    history = experiment.source.history
    present = 1.0 if history is None else units.to_display(history.activity, "MCi")
    return tuple(present * 10 ** (i / 10 - 1.5) for i in range(21))


def _target_mass(experiment: Experiment) -> float:
    material = experiment.material
    return units.t if material is None else sum(zone.shape.volume * (zone.density or material.density) for zone in experiment.zones)


def _mass(experiment: Experiment) -> tuple[float, ...]:
    present = units.to_display(_target_mass(experiment), _mass_unit(experiment))
    zone = experiment.zones[0]
    near, far = zone.nearest, zone.shape.reach
    # a ball beside its source may grow until it reaches it
    beside = isinstance(zone.shape, Ball) and not _surrounds(experiment)
    most = min(10.0, 0.95 * ((far + near) / (far - near)) ** 3) if beside else 10.0
    return tuple(present * 0.1 * (10 * most) ** (i / 20) for i in range(21))


def _mass_unit(experiment: Experiment) -> str:
    return "kg" if _target_mass(experiment) < units.t / 2 else "t"


def _energy_unit(experiment: Experiment) -> str:
    largest = experiment.channel.largest(experiment.source)
    return "eV" if largest is not None and largest < units.keV else "keV"


def _surrounds(experiment: Experiment) -> bool:
    """Whether the target surrounds the source."""
    zone = experiment.zones[0]
    return float(experiment.fraction(zone, np.array([zone.nearest + 1e-3 * (zone.shape.reach - zone.nearest)]))[0]) > 0.5


def _distance(experiment: Experiment) -> tuple[float, ...]:
    zone = experiment.zones[0]
    near, far = (units.to_display(x, "m") for x in (zone.nearest, zone.shape.reach))
    inside = _surrounds(experiment)
    return tuple(far * i / 20 for i in range(1, 19)) if inside else tuple(0.5 * (near + far) * (1 + i / 10) for i in range(21))


def _threshold(experiment: Experiment) -> tuple[float, ...]:
    largest = experiment.channel.largest(experiment.source)
    return () if largest is None else tuple(units.to_display(largest, _energy_unit(experiment)) * i / 20 for i in range(2, 20))


def _as_well_known(experiment: Experiment, value: float, unit: str) -> str:
    """Another activity with the relative error of the present one."""
    error = f"{value * experiment.source.activity_error!r} {unit}"
    return f'{{ value = "{value!r} {unit}", plus = "{error}", minus = "{error}" }}'


def _exposure(experiment: Experiment, value: float, unit: str) -> str:
    return f'[{{ start = "0 d", stop = "{value!r} {unit}" }}]'


def _shape(experiment: Experiment, value: float, unit: str) -> str:
    """A ball of another mass: it grows, whatever its radius was; a stated density is kept."""
    density = experiment.zones[0].density
    if not _is_ball(experiment):
        return _plain(experiment, value, unit)
    radius = (
        ""
        if density is None
        else f', radius = "{units.to_display(ball_of_volume(units.parse(_plain(experiment, value, unit), "mass") / density).radius, "m")!r} m"'
    )
    return f'{{ kind = "ball", mass = "{value!r} {unit}"{radius} }}'


def _is_ball(experiment: Experiment) -> bool:
    """Whether the target is one ball, but for what is taken out."""
    shape = experiment.zones[0].shape
    while isinstance(shape, Difference):
        shape = shape.target
    return isinstance(shape, Ball)


def _plain(experiment: Experiment, value: float, unit: str) -> str:
    return f"{value!r} {unit}"


def _key(key: str) -> Callable[[Experiment], str]:
    return lambda _: key


def _always(unit: str) -> Callable[[Experiment], str]:
    return lambda _: unit


_KNOBS = {
    "activity": Knob(key=_key("source.activity"), unit=_always("MCi"), text=_as_well_known, usual=_activity),
    "days": Knob(key=_key("schedule.exposures"), unit=_always("d"), text=_exposure, usual=lambda _: tuple(5.0 * i for i in range(1, 21))),
    "mass": Knob(key=lambda e: "zone.shape" if _is_ball(e) else "zone.shape.mass", unit=_mass_unit, text=_shape, usual=_mass),
    "distance": Knob(key=_key("zone.source_at"), unit=_always("m"), text=_plain, usual=_distance),
    "threshold": Knob(key=_key("detector.threshold"), unit=_energy_unit, text=_plain, usual=_threshold),
    "resolution": Knob(key=_key("detector.resolution"), unit=_always("% / sqrt(MeV)"), text=_plain, usual=lambda _: tuple(float(i) for i in range(1, 16))),
    "angular": Knob(key=_key("detector.angular"), unit=_always("deg"), text=_plain, usual=lambda _: (2.0, 5.0, 10.0, 13.0, 20.0, 30.0, 46.0)),
}


def vary(
    card: str, name: str, values: Sequence[float] = (), *, study: Callable[[Experiment], Result], settings: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Variation:  # fmt: skip
    """The same study of a card for several values of one of its keys; an activity stays as well known as it was.

    Parameters
    ----------
    card : str
        A file, or the name of a built-in card.
    name : str
        activity, days, mass, distance, threshold, resolution or angular.
    values : sequence of float
        In MCi, d, t (kg below half a ton), m, keV (eV for nuclear recoils), % / sqrt(MeV) or deg; empty for the usual ones.
    study : callable
        From an experiment to a result, such as ``design.deficit``.
    settings : dict of str to str
        Other keys of the card to change.
    progress : callable (done, total), optional

    Raises
    ------
    DataError
        If there is nothing of that name to vary.
    CardError
        If a value does not fit the card.

    Examples
    --------
    >>> import megacurie as mci
    >>> table = vary("ciuffoli-2025/jne-500t-outside", "activity", [1.0, 3.0], study=mci.design.deficit)
    >>> print(table.results[0].signal < table.results[1].signal)
    True
    """
    if name not in _KNOBS:
        raise DataError(f"cannot vary {name!r}. {did_you_mean(name, _KNOBS)}")
    knob = _KNOBS[name]
    present = cards.load(card, settings)
    unit = knob.unit(present)
    chosen = tuple(float(value) for value in values) or knob.usual(present)
    if not chosen:
        raise DataError(f"cannot vary {name} of {card}: nothing is recorded that it would change")
    found = []
    for i, value in enumerate(chosen):
        if progress is not None:
            progress(i, len(chosen))
        found.append(study(cards.load(card, {**(settings or {}), knob.key(present): knob.text(present, value, unit)})))
    return Variation(experiment=found[0].experiment, name=name, unit=unit, values=chosen, results=tuple(found))
