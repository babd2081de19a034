"""Shapes of target zones and sources: solids of revolution about the z axis, and their unions and differences.

The origin is the centre of the neutrino source, z points up. A shape cuts each curve of `megacurie.physics.curves` into intervals, so set
algebra of shapes is algebra of intervals.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy.optimize import brentq

from megacurie.foundation import units as u
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError
from megacurie.physics.curves import Curve, Intervals, Surfaces

__all__ = ["Ball", "Cylinder", "Difference", "Shape", "Shell", "Union", "ball_of_volume", "filled_to_height", "filled_to_volume"]


def _metres(length: float) -> str:
    return f"{length / u.m:.6g} m"


def _cubic_metres(volume: float) -> str:
    return f"{volume / u.m**3:.6g} m3"


def _require_positive(name: str, length: float) -> None:
    if not 0 < length < math.inf:
        raise RangeError(f"{name}: {_metres(length)}: expected a positive finite length.")


def _require_finite(name: str, length: float) -> None:
    if not math.isfinite(length):
        raise RangeError(f"{name}: {_metres(length)}: expected a finite length.")


class Shape(ABC):
    """A solid of revolution about the z axis. Subclasses are final: `Ball`, `Shell`, `Cylinder`, `Ring`, `Union`, `Difference`."""

    __slots__ = ()

    @property
    @abstractmethod
    def reach(self) -> float:
        """Distance of its farthest point from the origin (an upper bound for a `Difference`), length."""

    @abstractmethod
    def cut(self, curve: Curve) -> Intervals:
        """The part of the curves that lies inside."""

    @abstractmethod
    def surfaces(self) -> Surfaces:
        """The surfaces that bound it."""

    @property
    def volume(self) -> float:
        """Volume; exact, because between two corners the cross-section is a polynomial of second degree in z.

        Raises
        ------
        RangeError
            The shape has no end.
        """
        if not math.isfinite(self.reach):
            raise RangeError(f"{type(self).__name__}: it has no end: expected a shape of finite extent. State its top and bottom.")
        heights = np.unique(self.surfaces().corners()[:, 1].clip(-self.reach, self.reach))
        middle, half = 0.5 * (heights[1:] + heights[:-1]), 0.5 * np.diff(heights)
        node = math.sqrt(3) / 3  # two nodes of Gauss-Legendre integrate a cubic exactly
        area = [math.pi * self.cut(Curve.plane(middle + sign * node * half, self.reach)).length for sign in (-1, 1)]
        return float((half * (area[0] + area[1])).sum())

    def fraction(self, distance: Array) -> Array:
        """Fraction of the directions from the origin in which the shape exists at a distance.

        Parameters
        ----------
        distance : array (n,), length
            Positive distances from the origin.

        Returns
        -------
        array (n,), dimensionless
            In [0, 1]. Its integral over distance is Int dV/(4 pi r^2), the mean path length of isotropic rays.

        Examples
        --------
        >>> shape = Cylinder(radius=1.0, bottom=-1.0, top=1.0)
        >>> print(shape.fraction(np.array([0.5, 1.25])).round(4))
        [1.  0.2]
        """
        # Rounding of the sum of several intervals may pass the bound by an ulp.
        return np.minimum(0.5 * self.cut(Curve.sphere(distance)).length, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ball(Shape):
    """A ball with its centre on the axis.

    Parameters
    ----------
    radius : float, length
        Positive.
    z : float, length
        Height of its centre.

    Examples
    --------
    >>> print(f"{Ball(radius=2.0).volume / Ball(radius=1.0).volume:.1f}")
    8.0
    """

    radius: float
    z: float = 0.0

    def __post_init__(self) -> None:
        _require_positive("radius of a ball", self.radius)
        _require_finite("height of the centre of a ball", self.z)

    @property
    def volume(self) -> float:
        return 4 * math.pi * self.radius**3 / 3

    @property
    def reach(self) -> float:
        return abs(self.z) + self.radius

    def cut(self, curve: Curve) -> Intervals:
        gap = curve.height - self.z
        return curve.where(
            curve.square + curve.slope * curve.slope,
            curve.linear + curve.slope * gap,
            curve.constant + gap * gap - self.radius * self.radius,
        )

    def surfaces(self) -> Surfaces:
        return Surfaces(spheres=((self.z, self.radius),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell(Shape):
    """The space between two concentric spheres with their centre on the axis.

    Parameters
    ----------
    inner, outer : float, length
        Radii, 0 < inner < outer.
    z : float, length
        Height of the centre.

    Examples
    --------
    >>> print(f"{Shell(inner=1.0, outer=2.0).volume / Ball(radius=1.0).volume:.1f}")
    7.0
    """

    inner: float
    outer: float
    z: float = 0.0

    def __post_init__(self) -> None:
        _require_positive("inner radius of a shell", self.inner)
        _require_positive("outer radius of a shell", self.outer)
        _require_finite("height of the centre of a shell", self.z)
        if not self.inner < self.outer:
            raise RangeError(f"shell: inner radius {_metres(self.inner)}: expected less than the outer radius {_metres(self.outer)}.")

    @property
    def _balls(self) -> tuple[Ball, Ball]:
        return Ball(radius=self.inner, z=self.z), Ball(radius=self.outer, z=self.z)

    @property
    def volume(self) -> float:
        # The factor (outer - inner) stands alone, so that a thin shell loses no digits.
        return 4 * math.pi * (self.outer - self.inner) * (self.outer**2 + self.outer * self.inner + self.inner**2) / 3

    @property
    def reach(self) -> float:
        return abs(self.z) + self.outer

    def cut(self, curve: Curve) -> Intervals:
        hole, ball = self._balls
        return ball.cut(curve) & hole.cut(curve).complement()

    def surfaces(self) -> Surfaces:
        return Surfaces(spheres=((self.z, self.inner), (self.z, self.outer)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cylinder(Shape):
    """A cylinder about the axis.

    Parameters
    ----------
    radius : float, length
        Positive.
    bottom, top : float, length
        Heights of its ends, bottom < top; may be infinite for a cavity that passes through whatever it is cut from.

    Examples
    --------
    >>> print(f"{Cylinder(radius=1.0, bottom=-1.0, top=3.0).volume / math.pi:.1f}")
    4.0
    """

    radius: float
    bottom: float
    top: float

    def __post_init__(self) -> None:
        _require_positive("radius of a cylinder", self.radius)
        if not self.bottom < self.top:
            raise RangeError(f"cylinder: top at {_metres(self.top)}: expected above its bottom at {_metres(self.bottom)}.")

    @property
    def volume(self) -> float:
        return math.pi * self.radius**2 * (self.top - self.bottom)

    @property
    def reach(self) -> float:
        return math.hypot(self.radius, max(abs(self.bottom), abs(self.top)))

    def cut(self, curve: Curve) -> Intervals:
        inside = curve.where(curve.square, curve.linear, curve.constant - self.radius * self.radius)
        level, tilt = np.zeros_like(curve.slope), 0.5 * curve.slope
        if math.isfinite(self.top):
            inside &= curve.where(level, tilt, curve.height - self.top)
        if math.isfinite(self.bottom):
            inside &= curve.where(level, -tilt, self.bottom - curve.height)
        return inside

    def surfaces(self) -> Surfaces:
        return Surfaces(walls=(self.radius,), floors=tuple(z for z in (self.bottom, self.top) if math.isfinite(z)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring(Shape):
    """The space between two cylinders about the axis, of one height: crystals around a source.

    Parameters
    ----------
    inner, outer : float, length
        Radii, 0 < inner < outer.
    bottom, top : float, length
        Heights of its ends, bottom < top.

    Examples
    --------
    >>> print(f"{Ring(inner=1.0, outer=2.0, bottom=0.0, top=1.0).volume / math.pi:.1f}")
    3.0
    """

    inner: float
    outer: float
    bottom: float
    top: float

    def __post_init__(self) -> None:
        _require_positive("inner radius of a ring", self.inner)
        _require_positive("outer radius of a ring", self.outer)
        for end in (self.bottom, self.top):
            _require_finite("height of an end of a ring", end)
        if not self.inner < self.outer:
            raise RangeError(f"ring: inner radius {_metres(self.inner)}: expected less than the outer radius {_metres(self.outer)}.")
        if not self.bottom < self.top:
            raise RangeError(f"ring: top at {_metres(self.top)}: expected above its bottom at {_metres(self.bottom)}.")

    @property
    def volume(self) -> float:
        # The factor (outer - inner) stands alone, so that a thin ring loses no digits.
        return math.pi * (self.outer - self.inner) * (self.outer + self.inner) * (self.top - self.bottom)

    @property
    def reach(self) -> float:
        return math.hypot(self.outer, max(abs(self.bottom), abs(self.top)))

    def cut(self, curve: Curve) -> Intervals:
        hole = Cylinder(radius=self.inner, bottom=-math.inf, top=math.inf)
        return Cylinder(radius=self.outer, bottom=self.bottom, top=self.top).cut(curve) & hole.cut(curve).complement()

    def surfaces(self) -> Surfaces:
        return Surfaces(walls=(self.inner, self.outer), floors=(self.bottom, self.top))


@dataclass(frozen=True, slots=True, kw_only=True)
class Union(Shape):
    """Everything that lies in at least one of its parts, which may overlap.

    Parameters
    ----------
    parts : tuple of Shape
        At least one.

    Examples
    --------
    >>> lens = Union(parts=(Ball(radius=1.0), Ball(radius=1.0, z=1.0)))
    >>> print(f"{lens.volume / math.pi:.4f}")  # 2 x 4/3 - 5/12
    2.2500
    """

    parts: tuple[Shape, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise RangeError("union: 0 parts: expected at least one shape.")

    @property
    def reach(self) -> float:
        return max(part.reach for part in self.parts)

    def cut(self, curve: Curve) -> Intervals:
        return reduce(Intervals.__and__, (part.cut(curve).complement() for part in self.parts)).complement()

    def surfaces(self) -> Surfaces:
        return reduce(Surfaces.__add__, (part.surfaces() for part in self.parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Shape):
    """Everything that lies in the target and not in the cavity; the cavity may reach beyond the target.

    Parameters
    ----------
    target, without : Shape
        Take a `Union` where there are several cavities.

    Examples
    --------
    >>> tank = Difference(target=Cylinder(radius=2.0, bottom=-1.0, top=1.0), without=Cylinder(radius=1.0, bottom=0.0, top=math.inf))
    >>> print(f"{tank.volume / math.pi:.4f}")
    7.0000
    """

    target: Shape
    without: Shape

    @property
    def reach(self) -> float:
        return self.target.reach

    def cut(self, curve: Curve) -> Intervals:
        return self.target.cut(curve) & self.without.cut(curve).complement()

    def surfaces(self) -> Surfaces:
        return self.target.surfaces() + self.without.surfaces()


def ball_of_volume(volume: float) -> Ball:
    """The ball about the origin that holds a volume.

    Parameters
    ----------
    volume : float, volume
        Positive.

    Examples
    --------
    >>> print(f"{ball_of_volume(Ball(radius=2.0).volume).radius:.4f}")
    2.0000
    """
    if not 0 < volume < math.inf:
        raise RangeError(f"volume of a ball: {_cubic_metres(volume)}: expected a positive finite volume.")
    return Ball(radius=math.cbrt(0.75 * volume / math.pi))


def filled_to_height(tank: Cylinder, height: float) -> Cylinder:
    """The part of a tank that is full when the level stands at a height above its bottom.

    Parameters
    ----------
    tank : Cylinder
        With a finite bottom.
    height : float, length
        Above the bottom; at most the height of the tank.

    Raises
    ------
    RangeError
        The height is not positive or the tank is lower.

    Examples
    --------
    >>> print(filled_to_height(Cylinder(radius=1.0, bottom=-1.0, top=2.0), 1.5).top)
    0.5
    """
    _require_finite("bottom of a tank", tank.bottom)
    if not 0 < height <= (tank.top - tank.bottom) * (1 + 1e-12):  # a full tank is one in any unit
        room = _metres(tank.top - tank.bottom)
        raise RangeError(f"fill height: {_metres(height)}: expected more than 0 and at most the {room} of the tank.")
    return Cylinder(radius=tank.radius, bottom=tank.bottom, top=min(tank.bottom + height, tank.top))


def filled_to_volume(tank: Cylinder, without: Shape, volume: float) -> Cylinder:
    """The part of a tank that is full when it holds a volume beside the cavities in it.

    Parameters
    ----------
    tank : Cylinder
        Of finite height.
    without : Shape
        The cavities, where nothing can be filled in.
    volume : float, volume
        What is filled in.

    Returns
    -------
    Cylinder
        The tank up to the level; the target is ``Difference(target=this, without=without)``.

    Raises
    ------
    RangeError
        The volume is not positive or does not fit.

    Examples
    --------
    >>> tank, cavity = Cylinder(radius=2.0, bottom=0.0, top=4.0), Cylinder(radius=1.0, bottom=0.0, top=1.0)
    >>> print(f"{filled_to_volume(tank, cavity, 7 * math.pi).top:.4f}")
    2.0000
    """
    room = Difference(target=tank, without=without).volume
    if not 0 < volume <= room:
        found, most = _cubic_metres(volume), _cubic_metres(room)
        raise RangeError(f"fill volume: {found}: expected more than 0 and at most the {most} beside the cavities.")

    def to_level(level: float) -> Cylinder:
        return Cylinder(radius=tank.radius, bottom=tank.bottom, top=tank.bottom + level * (tank.top - tank.bottom))

    def excess(level: float) -> float:
        filled = Difference(target=to_level(level), without=without).volume if level > 0 else 0.0
        return filled / volume - 1

    if excess(1.0) <= 0:  # full to the brim, up to rounding
        return tank
    return to_level(float(brentq(excess, 0.0, 1.0, xtol=1e-15)))
