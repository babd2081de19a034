"""From a checked experiment file to the experiment it describes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from megacurie.experiments.events import background
from megacurie.experiments.experiment import DM2_MAX, Experiment
from megacurie.experiments.published import published
from megacurie.experiments.response import Zone
from megacurie.experiments.schema import Card, ConventionTable, DetectorTable, IrradiationTable, ShapeTable, ZoneTable
from megacurie.foundation import provenance, units
from megacurie.foundation.errors import CardError, DataError, MegacurieError, RangeError
from megacurie.physics import materials, nuclei, shapes, sources
from megacurie.physics.activation import irradiation
from megacurie.physics.backgrounds import Background
from megacurie.physics.channels import coherent_scattering, electron_scattering, inverse_beta, nuclear_capture
from megacurie.physics.channels.base import Channel
from megacurie.physics.detectors import Detector, PositionResolution, Resolution, cherenkov_threshold
from megacurie.physics.schedule import Exposure, Schedule
from megacurie.physics.sources import Source

_FOREVER = 1e9  # half-lives: an activity that does not fall
_LEAK = 3  # sigmas of resolution that the bins reach beyond the largest recoil


def resolve(file: str, card: Card, folder: Path | None = None) -> Experiment:
    """The experiment of a checked card.

    Parameters
    ----------
    file : str
        Its name in messages.
    card : Card
    folder : Path, optional
        Where files that the card names lie; None for a built-in card.

    Raises
    ------
    CardError
        If sizes do not fit together (a fill that overflows, a source inside where the card says outside), or a file that it names is wrong.
    """
    problems: list[str] = []
    activity = card.source.activity
    source = sources.source(
        card.source.nuclide, lines=card.source.lines, half_life=card.source.half_life,
        activity=activity.value if activity is not None else _made(card.source.nuclide, card.source.half_life, card.source.irradiate, problems),
        activity_error=0.0 if activity is None or not activity.value else max(activity.plus, activity.minus) / activity.value,
        reference_time=card.source.at or "", calibration=card.source.calibration or "",
    )  # fmt: skip
    if card.source.irradiate is not None:
        made = provenance.walk(provenance.look_up(f"activation.{card.source.nuclide}"))
        source = replace(source, references=source.references.union(*(datum.references for datum in made)))
    if card.convention is not None and not card.convention.decay and source.history is not None:
        source = replace(source, history=replace(source.history, half_life=_FOREVER * source.half_life))
    material = None if card.target.material is None else materials.material(card.target.material)
    body = None
    try:
        body = None if card.source.shape is None else _source_shape(card.source.shape)
    except MegacurieError as error:
        problems.append(f"source.shape: {error}")
    zones: list[Zone] = []
    volume = 0.0
    for i, zone in enumerate(card.zone):
        try:
            bodies = tuple(_shape(part, zone.source_at, material, _cavities(zone, material)) for part in zone.shape)
            whole = _target(zone, bodies, material)
            volume += whole.volume
            zones.append(_at_a_point(_zone(zone, bodies, whole, body), card.convention))
        except MegacurieError as error:
            problems.append(f"zone[{i}]: {error}")
    schedule = None
    try:
        if card.schedule is not None:
            schedule = Schedule(exposures=tuple(Exposure(start=e.start, stop=e.stop, live_fraction=e.live_fraction) for e in card.schedule.exposures))
    except MegacurieError as error:
        problems.append(f"schedule.exposures: {error}")
    detector, channel = Detector(), _channel(card, material)
    try:
        references = channel.references(source)
    except MegacurieError as error:
        raise CardError(file, [*problems, f"source.nuclide: {error}"]) from None
    try:
        detector = _detector(card.detector, channel.largest(source))
    except MegacurieError as error:
        problems.append(f"detector: {error}")
    backgrounds: list[Background] = []
    for i, one in enumerate(card.background):
        try:
            backgrounds.append(background(one, volume, _as_dense(material, zones), source, detector, folder))
        except MegacurieError as error:
            problems.append(f"background[{i}] {one.name!r}: {error}")
    references = references.union(
        source.references, card.references(), *(one.references for one in backgrounds), frozenset() if material is None else material.references
    )
    experiment = Experiment(
        name=card.name, source=source, material=material, channel=channel, zones=tuple(zones), schedule=schedule, detector=detector,
        backgrounds=tuple(backgrounds), scale=card.target.scale.value, source_off=0.0 if card.schedule is None else card.schedule.source_off,
        dm2_max=DM2_MAX if card.dm2_max is None else card.dm2_max, notes=card.doubts(), warnings=_warnings(channel, source, detector), references=references,
    )  # fmt: skip
    measured = None
    if card.measurement is not None:
        measured = published(card.measurement, [zone.name for zone in card.zone], None if problems else experiment, problems)
    if problems:
        raise CardError(file, problems)
    return replace(experiment, published=measured)


def _channel(card: Card, material: materials.Material | None) -> Channel:
    if card.target.channel == "electron-scattering":
        return electron_scattering.ElectronScattering(corrections=card.target.corrections, sin2_theta_w=card.target.sin2_theta_w)
    if card.target.channel == "cevns":
        isotopes = () if material is None else tuple(isotope for isotope in material.atoms if isotope in nuclei.names())
        said = card.convention or ConventionTable()
        return coherent_scattering.CoherentScattering(
            isotopes=isotopes, couplings=said.couplings, axial=said.axial, form_factor=said.form_factor, kinematics=said.kinematics
        )
    if card.target.channel == "inverse-beta":
        return inverse_beta.InverseBeta()
    return nuclear_capture.NuclearCapture(model=card.target.cross_section)


def _detector(card: DetectorTable, largest: float | None) -> Detector:
    """Bins of recoil reach three sigma beyond the largest recoil unless the card states their edges; what lies below the threshold is left out."""
    if largest is None:
        return Detector(efficiency=card.efficiency)
    resolution, least = Resolution(**card.resolution), 0.0 if card.refractive_index is None else cherenkov_threshold(card.refractive_index)
    recoil = card.bins.recoil
    if isinstance(recoil, int):
        top = max(largest + _LEAK * float(resolution.sigma(np.array([largest]))[0]), 2 * card.threshold)
        inner = (card.threshold + (top - card.threshold) * i / recoil for i in range(1, recoil))
        recoil = (card.threshold, *inner, top if recoil > 1 else math.inf)
    elif not card.threshold < recoil[-1]:
        raise RangeError(
            f"threshold {units.format(card.threshold, 'keV')}: expected below the last recoil bin, which ends at {units.format(recoil[-1], 'keV')}"
        )
    elif card.threshold > recoil[0]:
        recoil = (card.threshold, *(edge for edge in recoil if edge > card.threshold * (1 + 1e-9)))
    angle = card.bins.angle
    if isinstance(angle, int):
        angle = tuple(math.pi * i / angle for i in range(angle + 1))
    return Detector(
        recoil=recoil, angle=angle, distance=card.bins.distance, efficiency=card.efficiency, efficiency_curve=card.efficiency_curve, least=least,
        resolution=resolution, position=PositionResolution(**card.position), angular=card.angular,
    )  # fmt: skip


def _warnings(channel: Channel, source: Source, detector: Detector) -> tuple[str, ...]:
    """What is right but may surprise."""
    largest, said = channel.largest(source), []
    if largest is None:
        return ()
    unit = "keV" if largest > units.keV else "eV"
    width = float(detector.resolution.sigma(np.array([detector.threshold]))[0])
    if detector.threshold > 0 and 3 * width > detector.threshold:
        shown, threshold = units.format(width, unit, 3), units.format(detector.threshold, unit, 4)
        said.append(
            f"the resolution at the threshold, {shown}, is more than a third of the threshold, {threshold}: it means little, events of no energy pass it"
        )
    if largest <= detector.threshold:
        ends = f"{units.format(largest, unit, 4)}, not above the threshold of {units.format(detector.threshold, unit, 4)}"
        said.append(
            f"the largest recoil is {ends}: " + ("no events, no sensitivity" if detector.resolution.sharp else "only what the resolution lifts above it")
        )
    return tuple(said)


def _cavities(zone: ZoneTable, material: materials.Material | None) -> tuple[shapes.Shape, ...]:
    return tuple(_shape(cavity, None, material, ()) for cavity in zone.without)


def _target(zone: ZoneTable, bodies: tuple[shapes.Shape, ...], material: materials.Material | None) -> shapes.Shape:
    """The target of a zone with its cavities taken out."""
    target, without = _union(bodies), _cavities(zone, material)
    if without:
        target = shapes.Difference(target=target, without=_union(without))
    if not 0 < target.volume < math.inf:
        found = units.format(target.volume, "m3")
        raise RangeError(f"a target of {found}: expected a positive finite volume. Do the cavities swallow it, has it a bottom and a top?")
    return target


def _as_dense(material: materials.Material | None, zones: Sequence[Zone]) -> materials.Material | None:
    """The material at the mean density of the zones: a stated mass in a stated ball holds its own 14C."""
    if material is None or all(zone.density is None for zone in zones):
        return material
    volume = math.fsum(zone.shape.volume for zone in zones)
    ratio = math.fsum(zone.shape.volume * (zone.density or material.density) for zone in zones) / volume / material.density
    return replace(material, density=material.density * ratio, atoms={name: number * ratio for name, number in material.atoms.items()})


def _union(parts: Sequence[shapes.Shape]) -> shapes.Shape:
    return parts[0] if len(parts) == 1 else shapes.Union(parts=tuple(parts))


def _zone(zone: ZoneTable, bodies: tuple[shapes.Shape, ...], target: shapes.Shape, source: shapes.Shape | None) -> Zone:
    """A zone: what is used of its target, and whether the source is where the card says."""
    whole = _union(bodies)
    inside = bool(whole.fraction(np.array([1e-6 * whole.reach]))[0] > 0)
    if zone.placement is not None and inside != (zone.placement == "inside"):
        at = "no distance" if zone.source_at is None else units.format(zone.source_at, "m")
        side = "inside" if inside else "outside"
        raise RangeError(f"placement = {zone.placement!r}, but the source, with source_at = {at}, is {side} the target. Correct one of the two")
    if zone.fiducial is not None:
        ball = bodies[0] if len(bodies) == 1 else None
        if not isinstance(ball, shapes.Ball) or not zone.fiducial <= ball.radius:
            most = f"at most the {units.format(ball.radius, 'm')} of the ball" if isinstance(ball, shapes.Ball) else "a zone that is one ball"
            raise RangeError(f"fiducial = {units.format(zone.fiducial, 'm')}: expected {most}")
        target = _common(target, shapes.Ball(radius=zone.fiducial, z=ball.z))
        if not target.volume > 0:
            raise RangeError(f"fiducial = {units.format(zone.fiducial, 'm')}: no target is left, the cavities hold all of it. Expected more")
    if zone.within is not None:
        target = _common(target, shapes.Ball(radius=zone.within))
        if not target.volume > 0:
            raise RangeError(f"within = {units.format(zone.within, 'm')}: no target lies so near to the source. Expected more")
    density = None
    if len(zone.shape) == 1 and zone.shape[0].mass is not None and zone.shape[0].radius is not None:
        density = zone.shape[0].mass / shapes.Ball(radius=zone.shape[0].radius).volume
    path = zone.mean_path
    if path is None:
        return Zone(name=zone.name, shape=target, source_shape=source, density=density)
    error = max(path.plus or 0.0, path.minus or 0.0) / path.value
    return Zone(name=zone.name, shape=target, source_shape=source, density=density, published_path=path.value, path_error=error)


def _at_a_point(zone: Zone, said: ConventionTable | None) -> Zone:
    """The mean path of a zone if all of it stood at one distance, times a factor; its shape still spreads the baselines."""
    if said is None or (said.flux == "shell" and said.factor == 1):
        return zone
    path = zone.coarse.mean_path if said.distance is None else zone.shape.volume / (4 * math.pi * said.distance**2)
    return replace(zone, published_path=path * said.factor)


def _common(one: shapes.Shape, other: shapes.Shape) -> shapes.Shape:
    """What lies in both."""
    return shapes.Difference(target=one, without=shapes.Difference(target=one, without=other))


def _made(nuclide: str, half_life: str, card: IrradiationTable | None, problems: list[str]) -> float | None:
    """Activity at the end of the cooling, which is the reference time."""
    if card is None:
        return None
    try:
        run = irradiation(
            nuclide, mass=card.mass, flux=card.flux, half_life=sources.source(nuclide, half_life=half_life).half_life, burn_up=card.burn_up,
            destruction=card.destruction, shielding=card.shielding, capture=card.capture,
        )  # fmt: skip
        return run.activity(card.duration, card.cooling)
    except MegacurieError as error:
        problems.append(f"source.irradiate: {error}")
        return None


def _source_shape(card: ShapeTable) -> shapes.Shape:
    """Where the decays are: about the origin unless the card says otherwise."""
    if card.mass is not None or (card.fill is not None and card.fill.mass is not None):
        raise RangeError("a mass; expected sizes, because the density of the source is not known")
    shape = _shape(card, None if card.height is None else 0.5 * card.height, None, ())
    if card.kind == "shell" or not math.isfinite(shape.reach):
        raise RangeError(f"a {card.kind} with a reach of {units.format(shape.reach, 'm')}; expected a ball or a finite cylinder")
    return shape


def _shape(card: ShapeTable, source_at: float | None, material: materials.Material | None, without: tuple[shapes.Shape, ...]) -> shapes.Shape:
    """A shape about the source: balls and shells have it at a distance from their centre, cylinders at a height above their bottom."""
    if card.kind == "ball":
        return shapes.Ball(radius=card.radius if card.radius is not None else shapes.ball_of_volume(_volume(card.mass, material)).radius, z=-(source_at or 0.0))
    if card.kind == "ring":
        assert card.inner is not None
        assert card.height is not None
        low, high = -0.5 * card.height, 0.5 * card.height
        outer = card.outer if card.outer is not None else math.sqrt(card.inner**2 + _volume(card.mass, material) / (math.pi * card.height))
        return shapes.Ring(inner=card.inner, outer=outer, bottom=low, top=high)
    if card.kind == "shell":
        assert card.inner is not None
        assert card.outer is not None
        return shapes.Shell(inner=card.inner, outer=card.outer, z=-(source_at or 0.0))
    assert card.radius is not None
    bottom = card.bottom if card.bottom is not None else card.start if card.start is not None else -(source_at or 0.0)
    top = card.to if card.to is not None else bottom + card.height if card.height is not None else None
    if card.fill is None:
        assert top is not None
        return shapes.Cylinder(radius=card.radius, bottom=bottom, top=top)
    if card.fill.height is not None:
        tank = shapes.Cylinder(radius=card.radius, bottom=bottom, top=bottom + card.fill.height if top is None else top)
        return shapes.filled_to_height(tank, card.fill.height)
    volume = _volume(card.fill.mass, material)
    tank = shapes.Cylinder(radius=card.radius, bottom=bottom, top=top if top is not None else bottom + 100 * volume / card.radius**2)
    return shapes.filled_to_volume(tank, shapes.Union(parts=without), volume) if without else shapes.filled_to_height(tank, volume / (np.pi * card.radius**2))


def _volume(mass: float | None, material: materials.Material | None) -> float:
    if mass is None or material is None:
        raise DataError("a mass needs a density to become a volume: set target.material")
    return mass / material.density
