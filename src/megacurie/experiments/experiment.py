"""The composition of source, target, geometry, channel and schedule into one experiment and its kernel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from megacurie.experiments.expectation import Expectation, Hypothesis
from megacurie.experiments.kernel import Block, RateKernel
from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError
from megacurie.foundation.measurement import Pull
from megacurie.foundation.parameters import Theta
from megacurie.physics.channels.base import Channel
from megacurie.physics.geometry import PathLengthDistribution, path_lengths
from megacurie.physics.materials import Material
from megacurie.physics.schedule import Schedule
from megacurie.physics.shapes import Shape
from megacurie.physics.sources import Source

DM2_MAX = "30 eV2"
"""Default reach of a kernel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """One part of the target that is counted apart.

    Attributes
    ----------
    name : str
    shape : Shape
        The target about the source, cavities taken out.
    source_shape : Shape or None
        Where the decays are; None for a point.
    published_path : float, length, or None
        Mean path length as published; scales the weights, the shape gives the distribution.
    path_error : float
        Relative error of the published path.
    """

    name: str
    shape: Shape
    source_shape: Shape | None = None
    published_path: float | None = None
    path_error: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What an experiment measured, per zone, as published.

    Attributes
    ----------
    quantity : "rate", "counts" or "ratio"
    value, plus, minus : mapping of zone to float
        Internal units; statistical errors as printed.
    predicted : mapping of zone to float
        Published prediction without new physics, or the experiment's own where none was; 1 for a ratio.
    cross_section : str
        The model that the prediction or ratio is relative to.
    pulls : tuple of Pull
        Shapes are relative to the prediction, one number per zone.
    cross_section_error : bool
        Whether the error of the capture cross section is a pull of this measurement.
    ref : str
        Key in ``references.bib``; empty where none was given.
    """

    quantity: str
    value: Mapping[str, float]
    plus: Mapping[str, float]
    minus: Mapping[str, float]
    predicted: Mapping[str, float]
    cross_section: str
    pulls: tuple[Pull, ...] = ()
    cross_section_error: bool = True
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A source, a target around it, and what is recorded.

    Attributes
    ----------
    name : str
    source : Source
    material : Material or None
        None where the density of targets was not published: only ratios are then known.
    channel : Channel
        Capture on 71Ga, electron scattering or coherent scattering.
    zones : tuple of Zone
    schedule : Schedule or None
        With one, the kernel counts events; without, it is a rate at the reference time of the source.
    efficiency : float
        Of extraction and counting; enters counts, not production rates.
    published : Published or None
    notes : tuple of str
        What is assumed or unverified in the description, with the place.
    references : frozenset of str

    Examples
    --------
    >>> import megacurie as mci
    >>> best = mci.load("best")
    >>> [zone.name for zone in best.zones], best.quantity
    (['inner', 'outer'], 'rate')
    """

    name: str
    source: Source
    material: Material | None
    channel: Channel
    zones: tuple[Zone, ...]
    schedule: Schedule | None = None
    efficiency: float = 1.0
    published: Published | None = None
    notes: tuple[str, ...] = ()
    references: frozenset[str] = field(default_factory=frozenset)

    @property
    def missing(self) -> tuple[str, ...]:
        """Inputs without which no absolute rate follows."""
        return tuple(
            text
            for text, there in (
                ("source.activity", self.source.history is not None),
                ("target.material (number of targets per volume)", self.material is not None),
            )
            if not there
        )

    @property
    def quantity(self) -> str:
        """What the kernel gives: "counts", "rate" (at the reference time) or, where an input is missing, "ratio"."""
        if self.missing:
            return "ratio"
        return "rate" if self.schedule is None else "counts"

    def paths(self, zone: Zone, *, dm2_max: str | float = DM2_MAX, accuracy: float = 1e-4) -> PathLengthDistribution:
        """Path lengths of a zone from its shape alone, exact for oscillation up to dm2_max at the lowest line."""
        return _paths(zone.shape, zone.source_shape, self._phase(dm2_max), accuracy)

    def fraction(self, zone: Zone, distance: Array) -> Array:
        """Fraction (n,) of the directions from the centre of the source in which the zone exists at each distance: what to draw."""
        return zone.shape.fraction(distance)

    def _phase(self, dm2_max: str | float, energy: float | None = None) -> float:
        lowest = float(min(line.energy for line in self.source.lines)) if energy is None else energy
        return _dm2(dm2_max) / (4 * units.hbarc * lowest)

    def kernel(self, *, dm2_max: str | float = DM2_MAX, accuracy: float = 1e-4) -> RateKernel:
        """The kernel: one block per zone and final state, nodes for each line at each distance.

        Parameters
        ----------
        dm2_max : str or float, mass-squared
            Largest dm2 for which the nodes are exact.
        accuracy : float
            Of the survival probability averaged over a zone.

        Returns
        -------
        RateKernel
            Counts over the schedule, rates at the reference time, or ratios to no new physics; one bin per zone.

        Raises
        ------
        RangeError
            If dm2_max or accuracy is not positive.
        """
        if not 0 < accuracy < 1:
            raise RangeError(f"accuracy {accuracy}: expected a number between 0 and 1")
        strengths = self._strengths()
        blocks = []
        for i, zone in enumerate(self.zones):
            shape = self.paths(zone, dm2_max=dm2_max, accuracy=0.5 * accuracy)
            target = 1.0 if self.missing else zone.published_path or shape.mean_path
            whole = (zone.shape, zone.source_shape, self._phase(dm2_max), 0.5 * accuracy)
            lines = [_compressed(*whole, self._phase(dm2_max, _nodes_of(line.energy, self.source))).scaled_to(target) for line in self.source.lines]
            energy = np.concatenate([np.full(len(paths.baseline), line.energy) for line, paths in zip(self.source.lines, lines, strict=True)])
            baseline = np.concatenate([paths.baseline for paths in lines])
            for tag, strength in strengths:
                weight = np.concatenate([np.outer(per_line, paths.weight) for per_line, paths in zip(strength.T, lines, strict=True)], axis=1)
                tags = self.source.tags | {self.channel.tag, tag}
                blocks.append(Block(bins=slice(i, i + 1), energy=energy, baseline=baseline, weight=weight[:, None, :], tags=tags))
        return RateKernel(
            labels=tuple(zone.name for zone in self.zones), blocks=tuple(blocks), background=np.zeros(len(self.zones)),
            reach=_dm2(dm2_max) / (4 * units.hbarc), references=self.references,
        )  # fmt: skip

    def _strengths(self) -> list[tuple[str, Array]]:
        """Tag and events per length of mean path (2, n_lines) of each part of the channel; where an input is missing, scaled to a sum of 1."""
        parts = self.channel.parts(self.source)
        strengths = [(part.tag, part.cross_section * self.source.intensities) for part in parts]
        if self.source.history is None or self.material is None:
            whole = sum(float(strength[0].sum()) for _, strength in strengths)
            return [(tag, strength / whole) for tag, strength in strengths]
        decays = self.source.history.activity if self.schedule is None else self.schedule.decays(self.source.history) * self.efficiency
        return [(tag, strength * decays * self.material.number_density(part.target)) for part, (tag, strength) in zip(parts, strengths, strict=True)]

    def rate_per_path(self) -> float | None:
        """Expected events (or their rate) per length of mean path, A n sigma; None where an input is missing."""
        return None if self.missing else sum(float(strength[0].sum()) for _, strength in self._strengths())

    def relative_errors(self, zone: Zone) -> tuple[float, float]:
        """Relative errors (up, down) of the expected rate of a zone: cross section, activity and published path in quadrature."""
        up, down = self.channel.relative_errors(self.source)
        return math.hypot(up, self.source.activity_error, zone.path_error), math.hypot(down, self.source.activity_error, zone.path_error)

    def zone_ratios(self, hypothesis: Hypothesis, theta: Theta, *, dm2_max: str | float = DM2_MAX) -> Array:
        """Expected under a hypothesis over expected without new physics, per zone (n_zones,)."""
        expectation = Expectation(self.kernel(dm2_max=dm2_max), hypothesis)
        ratios: Array = expectation.prediction(theta).counts / expectation.null
        return ratios

    def ratio(self, hypothesis: Hypothesis, theta: Theta, *, dm2_max: str | float = DM2_MAX) -> float:
        """The same for all zones together.

        Examples
        --------
        >>> import megacurie as mci
        >>> round(mci.load("best").ratio(mci.ActivityScale(), {"activity": 0.8}), 6)
        0.8
        """
        expectation = Expectation(self.kernel(dm2_max=dm2_max), hypothesis)
        return float(expectation.prediction(theta).counts.sum() / expectation.null.sum())


@lru_cache(maxsize=64)
def _paths(shape: Shape, source: Shape | None, phase: float, accuracy: float) -> PathLengthDistribution:
    """Shapes are frozen values: one geometry is integrated once per process."""
    return path_lengths(shape, source=source, phase=phase, accuracy=accuracy)


@lru_cache(maxsize=256)
def _compressed(shape: Shape, source: Shape | None, phase: float, accuracy: float, line_phase: float) -> PathLengthDistribution:
    """As many nodes as one line needs: a higher energy makes slower waves."""
    paths = _paths(shape, source, phase, accuracy)
    return paths if line_phase == phase else paths.compress_to(line_phase, accuracy)


def _nodes_of(energy: float, source: Source) -> float:
    """The lowest line within five per cent below an energy: lines that are nearly one (K and L capture) share their nodes."""
    return min(line.energy for line in source.lines if line.energy > 0.95 * energy)


def _dm2(value: str | float) -> float:
    dm2 = units.parse(value, "mass-squared") if isinstance(value, str) else value
    if not dm2 > 0:
        raise RangeError(f"dm2_max {value}: expected a positive squared mass difference")
    return dm2
