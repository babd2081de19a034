"""What an experiment file says was measured, as values, errors and pulls of its zones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from megacurie.experiments.experiment import Experiment, Published
from megacurie.experiments.fields import quantity
from megacurie.experiments.schema import MeasurementTable
from megacurie.foundation.errors import MegacurieError
from megacurie.foundation.measurement import Pull
from megacurie.physics.channels import nuclear_capture


def published(card: MeasurementTable, zones: list[str], experiment: Experiment | None, problems: list[str]) -> Published:
    """The measurement of a card; what is wrong with it is added to the problems. Where no prediction was published, the experiment gives it."""

    def number(place: str, text: str, *, positive: bool = True) -> float:
        try:
            value: float = quantity("rate" if card.quantity == "rate" else "dimensionless", positive=positive).read(text)
        except (MegacurieError, ValueError) as error:
            problems.append(f"measurement.{place}: {error}")
            return 1.0  # goes no further than the list of problems
        return value

    value, plus, minus = (
        {zone: number(f"values.{zone}.{key}", getattr(card.values[zone], key), positive=key != "value") for zone in zones} for key in ("value", "plus", "minus")
    )
    predicted = dict.fromkeys(zones, 1.0) if card.quantity == "ratio" else {zone: number(f"predicted.{zone}", text) for zone, text in card.predicted.items()}
    if not predicted and experiment is not None:
        predicted = _own_prediction(card, experiment)
        if not predicted and not experiment.missing:
            problems.append("measurement.predicted: missing, and without a [schedule] no counts follow; expected one of the two")
    pulls = []
    for i, pull in enumerate(card.pulls):
        if pull.relative is not None:
            pulls.append(Pull(name=pull.name, shape=np.full(len(zones), pull.relative), of=pull.of))
        elif pull.absolute is not None:
            size = number(f"pulls[{i}].absolute", pull.absolute, positive=False)
            pulls.append(Pull(name=pull.name, shape=np.array([size / predicted.get(zone, 1.0) for zone in zones]), of=pull.of))
            if not predicted and experiment is not None and experiment.missing:
                inputs = " and ".join(experiment.missing)
                problems.append(f"measurement.pulls[{i}].absolute: nothing to compare it with; expected measurement.predicted, or {inputs}")
    return Published(
        quantity=card.quantity, value=value, plus=plus, minus=minus, predicted=predicted,
        cross_section=card.cross_section, pulls=tuple(pulls), cross_section_error=any(pull.taken for pull in card.pulls), ref=card.ref or "",
    )  # fmt: skip


def _own_prediction(card: MeasurementTable, experiment: Experiment) -> dict[str, float]:
    """What the experiment expects of the measured quantity, by zone; empty where an input is missing."""
    channel = nuclear_capture.NuclearCapture(model=card.cross_section)
    own = replace(experiment, channel=channel, schedule=None if card.quantity == "rate" else experiment.schedule)
    return dict(zip((zone.name for zone in own.zones), own.kernel().without_new_physics().tolist(), strict=True)) if own.quantity == card.quantity else {}
