"""From an experiment to the weights of its kernel: target met at each distance x cross section in each bin x chance to be recorded there.

Bins are ordered zone, distance, recoil, angle.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from megacurie.experiments.kernel import Block
from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.physics.backgrounds import Background
from megacurie.physics.detectors import Detector
from megacurie.physics.geometry import fine_path_lengths, nearest, path_lengths
from megacurie.physics.paths import PathLengthDistribution
from megacurie.physics.shapes import Shape
from megacurie.physics.sources import Source

_VOLUME = 1e-6  # accuracy of the volume in a bin of distance
_NOTHING = 1e-7  # smaller chances to be recorded in a bin, and smaller parts of the events, are none: far below the accuracy of a kernel


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
    density : float or None, density
        Where it is not that of the material: a stated mass in a stated ball.
    """

    name: str
    shape: Shape
    source_shape: Shape | None = None
    published_path: float | None = None
    path_error: float = 0.0
    density: float | None = None

    @property
    def coarse(self) -> PathLengthDistribution:
        """Nodes that are good for what does not oscillate."""
        return _coarse(self.shape, self.source_shape)

    def edges(self, detector: Detector) -> Array:
        """Edges of the bins of recorded distance."""
        return detector.distance_edges(self.nearest, self.shape.reach)

    @property
    def nearest(self) -> float:
        """Smallest distance from the centre of the source at which there is target, length."""
        return nearest(self.shape)


@lru_cache(maxsize=64)
def _coarse(shape: Shape, source: Shape | None) -> PathLengthDistribution:
    return fine_path_lengths(shape, source=source, phase=0.0)


@lru_cache(maxsize=64)
def whole_paths(shape: Shape, source: Shape | None, phase: float, accuracy: float) -> PathLengthDistribution:
    """Shapes are frozen values: one geometry is integrated once per process."""
    return path_lengths(shape, source=source, phase=phase, accuracy=accuracy)


@lru_cache(maxsize=256)
def line_paths(shape: Shape, source: Shape | None, phase: float, accuracy: float, line_phase: float) -> PathLengthDistribution:
    """As many nodes as one line needs: a higher energy makes slower waves."""
    paths = whole_paths(shape, source, phase, accuracy)
    return paths if line_phase == phase else paths.compress_to(line_phase, accuracy)


@lru_cache(maxsize=64)
def binned_paths(shape: Shape, source: Shape | None, phase: float, accuracy: float, breaks: tuple[float, ...]) -> PathLengthDistribution:
    """Nodes that also follow the edges of bins of distance."""
    return fine_path_lengths(shape, source=source, phase=phase, accuracy=accuracy, breaks=breaks)


def zone_blocks(
    zone: Zone, source: Source, detector: Detector, strengths: Sequence[tuple[frozenset[str], Array]], *,
    target: float | None, first: int, dm2_max: float, accuracy: float,
) -> tuple[Block, ...]:  # fmt: skip
    """Blocks of one zone: for each bin of distance and each part of the channel, nodes for every line.

    Parameters
    ----------
    zone : Zone
    source : Source
    detector : Detector
    strengths : sequence of (tags, array (2, bins, n_lines))
        Events per length of mean path of each part of the channel.
    target : float or None, length
        Mean path; None for that of the shape.
    first : int
        Number of the zone's first bin.
    dm2_max, accuracy : float
        As in ``Experiment.kernel``.
    """
    used = seen_lines([strength for _, strength in strengths])
    lines = tuple(source.lines[i] for i in used)
    strengths = [(tags, strength[:, :, used]) for tags, strength in strengths]
    edges = zone.edges(detector)
    lowest = min(line.energy for line in lines)
    phases = [_phase(dm2_max, _nodes_of(line.energy, tuple(other.energy for other in lines))) for line in lines]
    if len(edges) == 2 and not np.isfinite(edges).any():
        shape = (zone.shape, zone.source_shape, _phase(dm2_max, lowest), 0.5 * accuracy)
        paths = [line_paths(*shape, phase) for phase in phases]
    else:
        breaks = _breaks(edges, detector)
        paths = [binned_paths(zone.shape, zone.source_shape, phase, 0.5 * accuracy, breaks) for phase in phases]
    finest = max(paths, key=lambda one: len(one.baseline))
    paths = [one.scaled_to(finest.mean_path if target is None else target) for one in paths]  # nodes differ between lines, the mean path does not
    places = [detector.places(one.baseline, edges) for one in paths]
    blocks = []
    for d in range(len(edges) - 1):
        seen = [_span(place[d]) for place in places]
        energy = np.concatenate([np.full(s.stop - s.start, line.energy) for line, s in zip(lines, seen, strict=True)])
        if not len(energy):
            continue
        baseline = np.concatenate([one.baseline[s] for one, s in zip(paths, seen, strict=True)])
        bins = slice(first + d * detector.bins, first + (d + 1) * detector.bins)
        recorded = [place[d][:, s] * one.weight[s] for place, one, s in zip(places, paths, seen, strict=True)]
        for tags, strength in strengths:
            # strength (2, bins, lines) x recorded (bins, nodes of one line)
            weight = np.concatenate([strength[:, :, i, None] * one for i, one in enumerate(recorded)], axis=2)
            blocks.append(Block(bins=bins, energy=energy, baseline=baseline, weight=weight, particle=source.particle, tags=tags))
    return tuple(blocks)


def seen_lines(strengths: Sequence[Array]) -> list[int]:
    """Lines that give anything: the others need no nodes. Where none does, the first stands for all."""
    size = sum((abs(strength).sum((0, 1)) for strength in strengths), np.zeros(1))
    return [int(i) for i in np.flatnonzero(size > _NOTHING * size.max())] or [0]


def _breaks(edges: Array, detector: Detector) -> tuple[float, ...]:
    """Distances between which the chance to be recorded in a bin is smooth: its edges; with a resolution, steps of two widths about them."""
    width = float(detector.position.sigma(np.array([detector.threshold]))[0])
    finite = edges[np.isfinite(edges)]
    if not width:
        return tuple(float(edge) for edge in finite)
    kept: list[float] = []
    for place in np.sort((finite[:, None] + 2 * width * np.array([-2, -1, 0, 1, 2])).ravel()):
        if not kept or place - kept[-1] > 1.9 * width:
            kept.append(float(place))
    return tuple(kept)


def _span(chance: Array) -> slice:
    """The nodes (of bins, n) that may be recorded in a bin."""
    seen = np.flatnonzero((chance > _NOTHING).any(0))
    return slice(int(seen[0]), int(seen[-1]) + 1) if len(seen) else slice(0, 0)


def _phase(dm2_max: float, energy: float) -> float:
    return dm2_max / (4 * units.hbarc * energy)


def _nodes_of(energy: float, lines: tuple[float, ...]) -> float:
    """The lowest line within five per cent below an energy: lines that are nearly one (K and L capture) share their nodes."""
    return min(other for other in lines if other > 0.95 * energy)


@lru_cache(maxsize=16)
def _volume(zone: Zone, detector: Detector) -> tuple[PathLengthDistribution, Array]:
    """The volume of a zone in nodes of distance, and where an event at each is recorded: the same for all backgrounds."""
    paths, edges = zone.coarse, zone.edges(detector)
    if len(edges) > 2 or np.isfinite(edges).any():  # the coarse nodes know nothing of bins of distance
        paths = binned_paths(zone.shape, zone.source_shape, 0.0, _VOLUME, _breaks(edges, detector))
    return paths, detector.places(paths.baseline, edges)


def background_counts(background: Background, zones: Sequence[Zone], detector: Detector, live: float, decays: float) -> Array:
    """Expected events of a background in every bin (n_bins,), for a live time and the decays of the source in it."""
    shape = _recorded(detector) if background.spectrum is None else detector.spectrum(background.spectrum) * detector.efficiency
    of_zones = []
    for zone in zones:
        paths, places = _volume(zone, detector)
        events = background.density * live * 4 * math.pi * paths.baseline**2 * paths.weight
        if background.per_decay:
            behind = np.exp(-(paths.baseline - paths.baseline.min()) / background.absorption) / background.absorption
            events = events + background.per_decay * decays * paths.weight * behind
        of_zones.append(((places @ events) * shape).ravel())
    return np.concatenate(of_zones)


def _recorded(detector: Detector) -> Array:
    """Share of a flat background in each bin of recoil and angle."""
    recoil = np.array(detector.recoil)
    width = np.diff(recoil) if len(recoil) > 2 else np.ones(1)
    flat: Array = np.outer(width / width.sum(), -0.5 * np.diff(np.cos(detector.angle))).ravel()
    return flat


def labels(zones: Sequence[Zone], detector: Detector) -> tuple[str, ...]:
    """A name for every bin: the zone, and where there are several its distance, recoil and angle."""
    names = []
    for zone in zones:
        parts = [_ranges(edges, unit) for edges, unit in ((zone.edges(detector), "m"), (detector.recoil, "keV"), (detector.angle, "deg"))]
        names += [", ".join([zone.name, *(text for text in texts if text)]) for texts in itertools.product(*parts)]
    return tuple(names)


def _ranges(edges: Sequence[float] | Array, unit: str) -> list[str]:
    """Each bin in words; nothing where there is but one."""
    if len(edges) == 2:
        return [""]
    shown = [f"{units.to_display(float(edge), unit):.4g}" for edge in edges]
    return [f"below {b} {unit}" if a == "-inf" else f"above {a} {unit}" if b == "inf" else f"{a}-{b} {unit}" for a, b in itertools.pairwise(shown)]
