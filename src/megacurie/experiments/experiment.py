"""The composition of source, target, geometry, channel and schedule into one experiment and its kernel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from megacurie.experiments import response
from megacurie.experiments.expectation import Expectation, Hypothesis
from megacurie.experiments.kernel import Block, RateKernel
from megacurie.experiments.response import Zone
from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError
from megacurie.foundation.measurement import Pull
from megacurie.foundation.parameters import Theta
from megacurie.physics.backgrounds import TILT, Background
from megacurie.physics.channels.base import Channel
from megacurie.physics.detectors import Detector
from megacurie.physics.geometry import PathLengthDistribution
from megacurie.physics.materials import Material
from megacurie.physics.schedule import Schedule
from megacurie.physics.sources import Source

DM2_MAX = "30 eV2"
"""Default reach of a kernel."""


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
    detector : Detector
        Bins, threshold, resolutions; its efficiency enters counts, not rates.
    backgrounds : tuple of Background
    scale : float
        Factor on the cross section, 1 unless a published normalisation is repeated.
    source_off : float, time
        Time of measurement without the source, which tells the background.
    dm2_max : str or float, mass-squared
        Reach of the kernel unless asked for another.
    published : Published or None
    notes : tuple of str
        What is assumed or unverified in the description, with the place.
    warnings : tuple of str
        What is right but may surprise: a threshold above every recoil.
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
    detector: Detector = field(default_factory=Detector)
    backgrounds: tuple[Background, ...] = ()
    scale: float = 1.0
    source_off: float = 0.0
    dm2_max: str | float = DM2_MAX
    published: Published | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
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

    @property
    def decays(self) -> float:
        """Decays of the source over the schedule; its activity at the reference time without one. Missing: 0."""
        history = self.source.history
        if history is None:
            return 0.0
        return history.activity if self.schedule is None else self.schedule.decays(history)

    @property
    def live(self) -> float:
        """Live time of the schedule; 1 without one, so that counts become rates."""
        return 1.0 if self.schedule is None else self.schedule.live_time

    def counting(self) -> Experiment:
        """The same experiment when events of each zone are only counted: one bin per zone."""
        return replace(self, detector=self.detector.counting())

    def paths(self, zone: Zone, *, dm2_max: str | float | None = None, accuracy: float = 1e-4) -> PathLengthDistribution:
        """Path lengths of a zone from its shape alone, exact for oscillation up to dm2_max at the lowest line."""
        used = response.seen_lines([strength for _, strength in self.strengths(zone)])
        lowest = min(self.source.lines[i].energy for i in used)
        return response.whole_paths(zone.shape, zone.source_shape, self._reach(dm2_max) / (4 * units.hbarc * lowest), accuracy)

    def fraction(self, zone: Zone, distance: Array) -> Array:
        """Fraction (n,) of the directions from the centre of the source in which the zone exists at each distance: what to draw."""
        return zone.shape.fraction(distance)

    @property
    def reach(self) -> float:
        """dm2 that its kernel reaches unless asked for another, mass-squared."""
        return _dm2(self.dm2_max)

    def _reach(self, dm2_max: str | float | None) -> float:
        return self.reach if dm2_max is None else _dm2(dm2_max)

    def kernel(self, *, dm2_max: str | float | None = None, accuracy: float = 1e-4) -> RateKernel:
        """The kernel: blocks for each zone, bin of distance and part of the channel; nodes for each line at each distance.

        Parameters
        ----------
        dm2_max : str or float, mass-squared
            Largest dm2 for which the nodes are exact; by default the experiment's own.
        accuracy : float
            Of the survival probability averaged over a zone.

        Returns
        -------
        RateKernel
            Counts over the schedule, rates at the reference time, or ratios to no new physics; bins by zone, distance, recoil and angle.

        Raises
        ------
        RangeError
            If dm2_max or accuracy is not positive.
        """
        if not 0 < accuracy < 1:
            raise RangeError(f"accuracy {accuracy}: expected a number between 0 and 1")
        blocks: list[Block] = []
        reach, first = self._reach(dm2_max), 0
        for zone in self.zones:
            strengths = [(self.source.tags | {self.channel.tag} | tags, strength) for tags, strength in self.strengths(zone)]
            target = 1.0 if self.missing else zone.published_path
            blocks += response.zone_blocks(zone, self.source, self.detector, strengths, target=target, first=first, dm2_max=reach, accuracy=accuracy)
            first += (len(zone.edges(self.detector)) - 1) * self.detector.bins
        backgrounds = self.background_counts()
        return RateKernel(
            labels=response.labels(self.zones, self.detector), blocks=tuple(blocks), background=sum(backgrounds.values(), np.zeros(first)),
            reach=reach / (4 * units.hbarc), references=self.references,
        )  # fmt: skip

    def background_counts(self) -> dict[str, Array]:
        """Expected events of each background in every bin (n_bins,), over the schedule; per time without one; none where only ratios are known."""
        if self.missing:
            return {}
        return {one.name: response.background_counts(one, self.zones, self.detector, self.live, self.decays) for one in self.backgrounds}

    def background_tilts(self) -> dict[str, Array]:
        """Events in every bin (n_bins,) by which one more of its index changes each background that has one."""
        tilted = [one for one in self.backgrounds if one.tilt is not None]
        if self.missing:
            return {}
        here, there = (
            [response.background_counts(replace(one, spectrum=shape), self.zones, self.detector, self.live, self.decays) for one, shape in pairs]
            for pairs in ([(one, one.spectrum) for one in tilted], [(one, one.tilt) for one in tilted])
        )
        return {one.name: (b - a) / TILT for one, a, b in zip(tilted, here, there, strict=True)}

    def strengths(self, zone: Zone) -> list[tuple[frozenset[str], Array]]:
        """Tags and events per length of mean path (2, bins, n_lines) of each part of the channel; where an input is missing, scaled to a sum of 1."""
        parts = self.channel.parts(self.source, self.detector)
        strengths = [(part.tags, part.cross_section * self.source.intensities * self.scale) for part in parts]
        if self.source.history is None or self.material is None:
            whole = sum(float(strength[0].sum()) for _, strength in strengths)
            return [(tags, strength / whole) for tags, strength in strengths]
        decays = self.decays * (1.0 if self.schedule is None else self.detector.efficiency)
        dense = 1.0 if zone.density is None else zone.density / self.material.density
        return [(tags, strength * decays * dense * self.material.number_density(part.target)) for part, (tags, strength) in zip(parts, strengths, strict=True)]

    def rate_per_path(self) -> float | None:
        """Expected events (or their rate) per length of mean path in the first zone, A n sigma; None where an input is missing."""
        return None if self.missing else sum(float(strength[0].sum()) for _, strength in self.strengths(self.zones[0]))

    def relative_errors(self, zone: Zone) -> tuple[float, float]:
        """Relative errors (up, down) of the expected rate of a zone: cross section, activity and published path in quadrature."""
        up, down = self.channel.relative_errors(self.source)
        return math.hypot(up, self.source.activity_error, zone.path_error), math.hypot(down, self.source.activity_error, zone.path_error)

    def zone_ratios(self, hypothesis: Hypothesis, theta: Theta, *, dm2_max: str | float | None = None) -> Array:
        """Expected of the source under a hypothesis over expected without new physics, per zone (n_zones,)."""
        expectation = Expectation(self._signal(dm2_max), hypothesis)
        ratios: Array = expectation.prediction(theta).counts / expectation.null
        return ratios

    def ratio(self, hypothesis: Hypothesis, theta: Theta, *, dm2_max: str | float | None = None) -> float:
        """The same for all zones together.

        Examples
        --------
        >>> import megacurie as mci
        >>> round(mci.load("best").ratio(mci.ActivityScale(), {"activity": 0.8}), 6)
        0.8
        """
        expectation = Expectation(self._signal(dm2_max), hypothesis)
        return float(expectation.prediction(theta).counts.sum() / expectation.null.sum())

    def _signal(self, dm2_max: str | float | None) -> RateKernel:
        """The kernel of the source alone, one bin per zone."""
        return replace(self.counting(), backgrounds=()).kernel(dm2_max=dm2_max)


def _dm2(value: str | float) -> float:
    dm2 = units.parse(value, "mass-squared") if isinstance(value, str) else value
    if not dm2 > 0:
        raise RangeError(f"dm2_max {value}: expected a positive squared mass difference")
    return dm2
