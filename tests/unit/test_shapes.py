"""Shapes: closed forms of volumes, set algebra, filling, messages."""

import math

import numpy as np
import pytest

from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError
from megacurie.physics.curves import Curve
from megacurie.physics.shapes import Ball, Cylinder, Difference, Ring, Shape, Shell, Union, ball_of_volume, filled_to_height, filled_to_volume

ROUNDING = 1e-13  # volumes are exact: a few dozen roundings of double precision
TANK = Cylinder(radius=109 * u.cm, bottom=-110 * u.cm, top=124.5 * u.cm)
TUBE = Cylinder(radius=6.8 * u.cm, bottom=0.0, top=math.inf)


def cap(radius: float, height: float) -> float:
    return math.pi * height**2 * (radius - height / 3)


def test_volumes_in_closed_form() -> None:
    assert Ball(radius=2 * u.m).volume == pytest.approx(32 / 3 * math.pi * u.m**3, rel=ROUNDING)
    assert Shell(inner=1 * u.m, outer=2 * u.m, z=5 * u.m).volume == pytest.approx(28 / 3 * math.pi * u.m**3, rel=ROUNDING)
    assert Cylinder(radius=2 * u.m, bottom=-1 * u.m, top=4 * u.m).volume == pytest.approx(20 * math.pi * u.m**3, rel=ROUNDING)


def test_thin_shell_keeps_its_digits() -> None:
    thickness = 2.0**-20  # exact in binary
    assert Shell(inner=1 * u.m, outer=(1 + thickness) * u.m).volume / u.m**3 == pytest.approx(
        4 * math.pi * thickness * (1 + thickness + thickness**2 / 3),
        rel=1e-9,  # 2^20 times the rounding of the two radii, which are products with a unit
    )


@pytest.mark.parametrize(
    "shape",
    [
        Ball(radius=0.7 * u.m, z=-0.3 * u.m),
        Shell(inner=0.2 * u.m, outer=0.9 * u.m, z=0.4 * u.m),
        Cylinder(radius=u.m, bottom=-u.m, top=0.2 * u.m),
        Ring(inner=0.3 * u.m, outer=0.5 * u.m, bottom=-0.2 * u.m, top=u.m),
    ],
)
def test_slices_agree_with_the_closed_form(shape: Shape) -> None:
    """The slicing used for unions and differences gives the closed form of a single shape."""
    assert Union(parts=(shape,)).volume == pytest.approx(shape.volume, rel=ROUNDING)
    assert Union(parts=(shape, shape)).volume == pytest.approx(shape.volume, rel=ROUNDING)


def test_lens_of_two_balls() -> None:
    one, two, gap = 1.0 * u.m, 0.8 * u.m, 1.1 * u.m
    plane = (one**2 - two**2 + gap**2) / (2 * gap)
    lens = cap(one, one - plane) + cap(two, two - gap + plane)
    a, b = Ball(radius=one), Ball(radius=two, z=gap)
    assert Union(parts=(a, b)).volume == pytest.approx(a.volume + b.volume - lens, rel=ROUNDING)
    assert Difference(target=a, without=b).volume == pytest.approx(a.volume - lens, rel=ROUNDING)


def test_drilled_ball() -> None:
    """The napkin ring: what is left of a ball drilled through depends on the height of the ring only."""
    for radius in (1.0 * u.m, 3.0 * u.m):
        ring = 0.8 * u.m
        drill = Cylinder(radius=math.sqrt(radius**2 - ring**2 / 4), bottom=-math.inf, top=math.inf)
        left = Difference(target=Ball(radius=radius), without=drill).volume
        assert left == pytest.approx(math.pi * ring**3 / 6, rel=1e-12)  # the wall is where the ball is steep: 3^2 x 10 x rounding


def test_cavity_may_reach_beyond_and_contain_all() -> None:
    ball = Ball(radius=66.75 * u.cm)
    assert Difference(target=ball, without=Ball(radius=u.km)).volume == 0
    assert Difference(target=ball, without=Ball(radius=u.cm, z=u.m)).volume == pytest.approx(ball.volume, rel=ROUNDING)
    assert Difference(target=ball, without=TUBE).volume < ball.volume


def test_difference_of_difference_is_union_with_intersection() -> None:
    a, b, c = Ball(radius=u.m), Ball(radius=0.7 * u.m, z=0.2 * u.m), Cylinder(radius=0.3 * u.m, bottom=-2 * u.m, top=2 * u.m)
    nested = Difference(target=a, without=Difference(target=b, without=c))
    parts = Union(parts=(Difference(target=a, without=b), Difference(target=a, without=Difference(target=a, without=c))))
    assert nested.volume == pytest.approx(parts.volume, rel=ROUNDING)


def test_mass_of_best() -> None:
    """Gallium of 6.095 g/cm3: 7.4691 and 39.9593 t (physics note). Tank and cavity are fitted shapes, hence 0.02 and 1 %."""
    cavity = Union(parts=(Ball(radius=14.4 * u.cm), TUBE))
    density = 6.095 * u.g / u.cm**3
    inner = Difference(target=Ball(radius=66.75 * u.cm), without=cavity)
    outer = Difference(target=filled_to_height(TANK, 211.2 * u.cm), without=Union(parts=(Ball(radius=67.25 * u.cm), TUBE)))
    assert inner.volume * density == pytest.approx(7.4691 * u.t, rel=2e-4)
    assert outer.volume * density == pytest.approx(39.9593 * u.t, rel=1e-2)


def test_fraction_of_directions() -> None:
    ball = Ball(radius=66.75 * u.cm)
    assert ball.fraction(np.array([10.0, 66.0, 67.0, 200.0]) * u.cm).tolist() == [1, 1, 0, 0]
    # Sphere about the source cut by a ball at height d: cos(theta) >= (L^2 + d^2 - R^2) / (2 L d).
    assert Ball(radius=u.m, z=2 * u.m).fraction(np.array([1.5 * u.m]))[0] == pytest.approx(0.5 * (1 - 5.25 / 6), rel=ROUNDING)
    # A cylinder beyond its wall: c = sqrt(1 - R^2/L^2) <= |cos(theta)| <= h/L.
    cylinder = Cylinder(radius=3 * u.m, bottom=-4.5 * u.m, top=4.25 * u.m)
    assert cylinder.fraction(np.array([5 * u.m]))[0] == pytest.approx(0.5 * (0.9 + 0.85 - 1.6), rel=ROUNDING)


def test_line_through_a_ball() -> None:
    line = Curve.line(np.zeros(2), np.array([0.0, 0.5]) * u.m, np.array([0.0, 0.0]), np.array([0.0, 1.0]), 10 * u.m)
    assert (Ball(radius=u.m).cut(line).length / u.m).tolist() == pytest.approx([2, math.sqrt(3)], rel=ROUNDING)


def test_line_along_the_axis_is_inside_a_wall_or_not() -> None:
    line = Curve.line(np.array([0.5, 2.0]) * u.m, np.zeros(2), np.ones(2), np.zeros(2), 10 * u.m)
    tube = Cylinder(radius=u.m, bottom=-u.m, top=math.inf)
    assert (tube.cut(line).length / u.m).tolist() == pytest.approx([11, 0], rel=ROUNDING)


def test_ball_of_volume() -> None:
    assert ball_of_volume(Ball(radius=66.75 * u.cm).volume).radius == pytest.approx(66.75 * u.cm, rel=ROUNDING)


def test_filled_to_volume_is_the_inverse_of_volume() -> None:
    cavity = Union(parts=(Ball(radius=67.25 * u.cm), TUBE))
    wanted = 6.5561 * u.m**3
    filled = filled_to_volume(TANK, cavity, wanted)
    assert filled.bottom == TANK.bottom
    assert Difference(target=filled, without=cavity).volume == pytest.approx(wanted, rel=1e-12)  # the level is found to 1e-15 of the height
    assert filled_to_volume(TANK, cavity, Difference(target=TANK, without=cavity).volume) == TANK


def test_level_stands_above_a_cavity_at_the_bottom() -> None:
    """A cavity over the whole floor leaves no room below its top: V = pi R^2 (level - top)."""
    tank = Cylinder(radius=u.m, bottom=0.0, top=3 * u.m)
    plug = Cylinder(radius=2 * u.m, bottom=-u.m, top=1 * u.m)
    assert filled_to_volume(tank, plug, math.pi * u.m**3).top == pytest.approx(2 * u.m, rel=1e-12)  # as above


def test_shapes_are_values() -> None:
    assert Ball(radius=1.0) == Ball(radius=1.0, z=0.0)
    assert len({Ball(radius=1.0), Ball(radius=1.0), Cylinder(radius=1.0, bottom=0.0, top=1.0)}) == 2
    with pytest.raises(AttributeError):
        Ball(radius=1.0).radius = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Ball(radius=-u.m), "radius of a ball: -1 m: expected a positive finite length"),
        (lambda: Ball(radius=math.inf), "radius of a ball: inf m: expected a positive finite length"),
        (lambda: Ball(radius=math.nan), "radius of a ball: nan m"),
        (lambda: Ball(radius=u.m, z=math.nan), "height of the centre of a ball: nan m: expected a finite length"),
        (lambda: Shell(inner=2 * u.m, outer=u.m), "shell: inner radius 2 m: expected less than the outer radius 1 m"),
        (lambda: Shell(inner=0.0, outer=u.m), "inner radius of a shell: 0 m"),
        (lambda: Cylinder(radius=0.0, bottom=0.0, top=u.m), "radius of a cylinder: 0 m"),
        (lambda: Cylinder(radius=u.m, bottom=2 * u.m, top=u.m), "cylinder: top at 1 m: expected above its bottom at 2 m"),
        (lambda: Cylinder(radius=u.m, bottom=math.nan, top=u.m), "cylinder: top at 1 m: expected above its bottom at nan m"),
        (lambda: Ring(inner=u.m, outer=u.m, bottom=0.0, top=u.m), "ring: inner radius 1 m: expected less than the outer radius 1 m"),
        (lambda: Ring(inner=u.m, outer=2 * u.m, bottom=u.m, top=0.0), "ring: top at 0 m: expected above its bottom at 1 m"),
        (lambda: Ring(inner=u.m, outer=2 * u.m, bottom=0.0, top=math.inf), "height of an end of a ring: inf m: expected a finite length"),
        (lambda: Union(parts=()), "union: 0 parts: expected at least one shape"),
        (lambda: Difference(target=TUBE, without=Ball(radius=u.m)).volume, "Difference: it has no end: expected a shape of finite extent"),
        (lambda: ball_of_volume(0.0), "volume of a ball: 0 m3: expected a positive finite volume"),
        (lambda: filled_to_height(TANK, 3 * u.m), "fill height: 3 m: expected more than 0 and at most the 2.345 m of the tank"),
        (lambda: filled_to_height(TANK, 0.0), "fill height: 0 m: expected more than 0"),
        (lambda: filled_to_volume(TANK, Ball(radius=u.m), 5 * u.m**3), "fill volume: 5 m3: expected more than 0 and at most the 4.56"),
        (lambda: filled_to_volume(TANK, Ball(radius=u.m), -(u.m**3)), "fill volume: -1 m3: expected more than 0"),
    ],
)
def test_messages(make, message: str) -> None:
    with pytest.raises(RangeError) as error:
        make()
    assert message in str(error.value)
