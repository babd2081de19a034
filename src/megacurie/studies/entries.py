"""The measured values that a name stands for: zones of the built-in source experiments and of a reader's own files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from megacurie.experiments import cards
from megacurie.experiments.experiment import Experiment, Published
from megacurie.foundation.errors import CardError, DataError, did_you_mean
from megacurie.physics.channels.nuclear_capture import NuclearCapture

CARDS = ("gallex-cr1", "gallex-cr2", "sage-cr", "sage-ar", "best")
"""The built-in source measurements, in the order in which they were made (SAGE's argon run before BEST)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One measured value: a zone of an experiment."""

    name: str
    experiment: Experiment
    zone: int

    @property
    def published(self) -> Published:
        """What was published of the experiment."""
        assert self.experiment.published is not None
        return self.experiment.published

    @property
    def zone_name(self) -> str:
        """Name of the zone."""
        return self.experiment.zones[self.zone].name


def entries(only: tuple[str, ...], capture: NuclearCapture, settings: Mapping[str, str] | None) -> tuple[Entry, ...]:
    """Every zone asked for, once, in the order of ``CARDS``, files last; settings are applied to the cards asked for."""
    files = dict.fromkeys(name for name in only if name.endswith(".toml") or "/" in name)
    groups: dict[str, list[str]] = {card: [entry.name for entry in _zones(card, None, capture)] for card in CARDS}
    groups["gallium"] = [name for card in CARDS for name in groups[card]]
    for name in only:
        if name not in files and name not in groups and name not in groups["gallium"]:
            raise DataError(f"no data {name!r}. {did_you_mean(name, {*groups, *groups['gallium']})}")
    wanted = {entry for name in only if name not in files for entry in groups.get(name, [name])}
    chosen = {card: [e for e in _zones(card, settings, capture) if e.name in wanted] for card in CARDS if wanted & set(groups[card])}
    chosen |= {file: _zones(file, settings, capture) for file in files}
    for names in ([e.name for entries in chosen.values() for e in entries], [entries[0].experiment.name for entries in chosen.values()]):
        twice = [name for name, n in Counter(names).items() if n > 1]
        if twice:
            raise DataError(f"two of {', '.join(chosen)} are named {twice[0]!r}: expected each experiment once. Give the file another 'name'")
    return tuple(entry for entries in chosen.values() for entry in entries)


def refuse_idle(only: tuple[str, ...], capture: NuclearCapture, settings: Mapping[str, str]) -> None:
    """Refuse a setting that changes nothing here: the data are ratios to a prediction, so what scales every event alike has no effect."""
    whole = _fingerprint(entries(only, capture, settings))
    for key in settings:
        if _fingerprint(entries(only, capture, {other: value for other, value in settings.items() if other != key})) == whole:
            raise DataError(
                f"--set {key}: no effect on a fit, whose data are ratios to the published prediction. "
                "Expected a key of source.lines, zone shapes or measurement; --cross-section chooses the model; 'megacurie predict' shows rates"
            )


def _fingerprint(entries: tuple[Entry, ...]) -> list[object]:
    """What a likelihood sees of the cards."""
    seen: list[object] = []
    for entry in entries:
        zone, published = entry.experiment.zones[entry.zone], entry.published
        seen.append((entry.experiment.source.lines, entry.experiment.source.tags, zone.shape, zone.source_shape, published.cross_section))
        seen.append([(x[zone.name] / published.predicted.get(zone.name, 1.0)) for x in (published.value, published.plus, published.minus)])
        seen.append([(pull.name, pull.of, float(pull.shape[entry.zone])) for pull in published.pulls])
    return seen


def _zones(card: str, settings: Mapping[str, str] | None, capture: NuclearCapture) -> list[Entry]:
    """The measured values of one card: named after it, a file's after its experiment."""
    experiment = cards.load(card, settings)
    if experiment.published is None:
        raise CardError(card, ["no [measurement] table: expected one to fit to. 'megacurie predict' needs none"])
    name = card if card in CARDS else experiment.name
    return [
        Entry(name=name if len(experiment.zones) == 1 else f"{name}-{zone.name}", experiment=replace(experiment, channel=capture), zone=i)
        for i, zone in enumerate(experiment.zones)
    ]
