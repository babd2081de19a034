"""Curves through space, what lies inside along them, and the surfaces that divide them.

Every surface of the package is a sphere about a point of the z axis, a cylinder wall about the axis, or a horizontal plane. Along
each curve it needs (the spheres about the source, straight lines, horizontal planes) rho^2 is quadratic and z linear in one parameter, so
what lies inside is bounded by the roots of quadratics.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from megacurie.foundation.arrays import Array

__all__ = ["Curve", "Intervals", "Surfaces"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Intervals:
    """Disjoint intervals of the parameter of n curves, at most m on each.

    Attributes
    ----------
    lower, upper : array (m, n)
        Ends of the intervals, increasing along the first axis; where a curve has fewer than m, the rest is empty and sits at ``stop``.
    start, stop : float
        Range of the parameter.
    """

    lower: Array
    upper: Array
    start: float
    stop: float

    @property
    def length(self) -> Array:
        """Total length on each curve, array (n,)."""
        total: Array = (self.upper - self.lower).sum(axis=0)
        return total

    def complement(self) -> Intervals:
        """The rest of the range, from ``start`` to ``stop``."""
        edge = np.ones((1, self.lower.shape[1]))
        return self._tidy(np.vstack([self.start * edge, self.upper]), np.vstack([self.lower, self.stop * edge]))

    def __and__(self, other: Intervals) -> Intervals:
        """Intersection: each interval of the one with each of the other."""
        n = self.lower.shape[1]
        lower = np.maximum(self.lower[:, None], other.lower).reshape(-1, n)
        upper = np.minimum(self.upper[:, None], other.upper).reshape(-1, n)
        return self._tidy(lower, upper)

    def _tidy(self, lower: Array, upper: Array) -> Intervals:
        """Move the empty intervals to the end and drop the rows that hold no other."""
        empty = lower >= upper
        # The intervals are disjoint, so sorting their two ends separately keeps them together.
        lower = np.sort(np.where(empty, self.stop, lower), axis=0)
        upper = np.sort(np.where(empty, self.stop, upper), axis=0)
        rows = len(empty) - int(empty.sum(axis=0).min(initial=len(empty)))
        return Intervals(lower=lower[:rows], upper=upper[:rows], start=self.start, stop=self.stop)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """Curves with parameter s, on which rho^2 = square s^2 + 2 linear s + constant and z = slope s + height.

    Attributes
    ----------
    square, linear, constant, slope, height : array (n,)
        Coefficients, one curve each.
    start, stop : float
        Range of s.
    """

    square: Array
    linear: Array
    constant: Array
    slope: Array
    height: Array
    start: float
    stop: float

    @classmethod
    def sphere(cls, distance: Array) -> Curve:
        """Spheres about the origin; s = cos(theta), so equal steps of s are equal solid angles."""
        zero = np.zeros_like(distance)
        area = distance * distance
        return cls(square=-area, linear=zero, constant=area, slope=distance, height=zero, start=-1.0, stop=1.0)

    @classmethod
    def plane(cls, height: Array, reach: float) -> Curve:
        """Horizontal planes out to rho = ``reach``; s = rho^2, so equal steps of s are equal areas."""
        zero = np.zeros_like(height)
        return cls(square=zero, linear=zero + 0.5, constant=zero, slope=zero, height=height, start=0.0, stop=reach * reach)

    @classmethod
    def line(cls, rho: Array, z: Array, cosine: Array, azimuth: Array, reach: float) -> Curve:
        """Straight lines through (rho, 0, z) in the direction (cosine, azimuth), to ``reach`` both ways; s is the distance from there."""
        sine = np.sqrt((1 - cosine) * (1 + cosine))
        linear = rho * sine * np.cos(azimuth)
        return cls(square=sine * sine, linear=linear, constant=rho * rho, slope=cosine, height=z, start=-reach, stop=reach)

    def where(self, a: Array, b: Array, c: Array) -> Intervals:
        """The part of the curves where a s^2 + 2 b s + c <= 0; a is negative on all curves or on none."""
        if (a < 0).any():
            return self.where(-a, -b, -c).complement()
        discriminant = b * b - a * c
        crossing = discriminant > 0
        # The root that adds numbers of equal sign is exact, the other follows from the product c/a. Where a = 0 the first is infinite,
        # which leaves a half line.
        adding = -(b + np.copysign(np.sqrt(np.where(crossing, discriminant, 0.0)), b))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            one, two = adding / np.abs(a), c / adding
        everywhere = (a == 0) & (c <= 0)
        lower = np.where(crossing, np.minimum(one, two), np.where(everywhere, self.start, self.stop)).clip(self.start, self.stop)
        upper = np.where(crossing, np.maximum(one, two), self.stop).clip(self.start, self.stop)
        return Intervals(lower=lower[None], upper=upper[None], start=self.start, stop=self.stop)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surfaces:
    """The surfaces that bound a shape: spheres (z, radius), walls (radius of a cylinder about the axis) and floors (height of a plane)."""

    spheres: tuple[tuple[float, float], ...] = ()
    walls: tuple[float, ...] = ()
    floors: tuple[float, ...] = ()

    def __add__(self, other: Surfaces) -> Surfaces:
        return Surfaces(spheres=self.spheres + other.spheres, walls=self.walls + other.walls, floors=self.floors + other.floors)

    def corners(self) -> Array:
        """Points (rho, z), array (m, 2), where surfaces meet each other or the axis, and the point of each wall nearest to the origin.

        Between the heights of neighbouring corners the cross-section is a polynomial of z; between their distances from the origin the
        fraction of directions is a smooth function of the distance.
        """
        walls = (0.0, *self.walls)  # the axis is a wall of radius zero
        spheres = sorted(set(self.spheres))
        meeting = [0.5 * (z1 + z2) + 0.5 * (r1 - r2) * (r1 + r2) / (z2 - z1) for (z1, r1), (z2, r2) in combinations(spheres, 2) if z1 != z2]
        heights = sorted({*self.floors, *meeting})
        points = [*product(walls, heights), *product(self.walls, [0.0])]
        for z, radius in spheres:
            for rho in walls:
                if rho <= radius:
                    half = math.sqrt((radius - rho) * (radius + rho))
                    points += [(rho, z - half), (rho, z + half)]
            # Where a plane just touches a sphere, rounding may make the product negative.
            points += [(math.sqrt(max((radius - h + z) * (radius + h - z), 0.0)), h) for h in heights if abs(h - z) <= radius]
        return np.array(points)
