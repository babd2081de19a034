"""Parameters and axes: positions, bounds, reading."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError, UnitError
from megacurie.foundation.parameters import Parameter, geomspace, linspace

ULPS = 1e-13  # logarithms and powers over six decades lose a digit or two
DM2 = Parameter("dm2", "eV2", low=0.05, high=30.0, scale="log")
LENGTH = Parameter("length", "m", low=-2.0, high=3.0)
PURE = Parameter("sin2_2theta", "", low=0.0, high=1.0)


def test_bounds_in_internal_units() -> None:
    assert pytest.approx(0.05, rel=ULPS) == DM2.lower / u.eV**2
    assert pytest.approx(30, rel=ULPS) == DM2.upper / u.eV**2


@pytest.mark.parametrize("parameter", [DM2, LENGTH, PURE])
@given(where=st.floats(0, 1))
def test_position_is_the_inverse_of_at(parameter: Parameter, where: float) -> None:
    assert parameter.position(parameter.at(where)) == pytest.approx(where, abs=1e-12)  # a position is a pure number of size one
    assert parameter.at(0.0) == pytest.approx(parameter.lower, rel=ULPS)
    assert parameter.at(1.0) == pytest.approx(parameter.upper, rel=ULPS)


def test_middle_is_geometric_or_arithmetic() -> None:
    assert DM2.at(0.5) / u.eV2 == pytest.approx(math.sqrt(0.05 * 30), rel=ULPS)
    assert LENGTH.at(0.5) / u.m == pytest.approx(0.5, rel=ULPS)
    np.testing.assert_allclose(DM2.at(np.array([0, 0.5, 1])), [DM2.at(0.0), DM2.at(0.5), DM2.at(1.0)], rtol=ULPS)


def test_names_in_json() -> None:
    assert (DM2.json_key, PURE.json_key, Parameter("rate", "1/d", low=0, high=1).json_key) == ("dm2_eV2", "sin2_2theta", "rate_1_per_d")
    assert DM2.show(1.25 * u.eV2) == "1.25 eV2"
    assert PURE.show(0.25) == "0.25"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": 1.0, "high": 1.0}, "parameter 'x': bounds 1.0, 1.0: expected two finite increasing numbers"),
        ({"low": 2.0, "high": 1.0}, "parameter 'x': bounds 2.0, 1.0: expected two finite increasing numbers"),
        ({"low": 0.0, "high": math.inf}, "parameter 'x': bounds 0.0, inf: expected two finite increasing numbers"),
        ({"low": math.nan, "high": 1.0}, "parameter 'x': bounds nan, 1.0: expected two finite increasing numbers"),
        ({"low": 0.0, "high": 1.0, "scale": "log"}, "parameter 'x': lower bound 0.0 on a logarithmic scale: expected a positive number"),
    ],
)
def test_bounds_that_make_no_sense(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(RangeError) as caught:
        Parameter("x", "", **arguments)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_values_inside_pass() -> None:
    DM2.check(1.0 * u.eV2)
    DM2.check(np.array([DM2.lower, DM2.upper]))
    DM2.check(geomspace("0.05 eV2", "30 eV2", 201))  # an axis may end on the bound, whatever its rounding
    PURE.check(linspace(0, 1, 101))


@pytest.mark.parametrize("factor", [0.04, 31.0, -1.0, 0.0, math.nan, math.inf])
def test_values_outside_are_named(factor: float) -> None:
    for value in (factor * u.eV2, np.array([1.0, factor, 2.0]) * u.eV2):
        with pytest.raises(RangeError) as caught:
            DM2.check(value)
        assert str(caught.value) == f"dm2 = {factor:g} eV2 is outside its range: expected 0.05 eV2 to 30 eV2"


def test_values_outside_a_linear_range() -> None:
    with pytest.raises(RangeError, match=r"sin2_2theta = 1\.001 is outside its range: expected 0 to 1"):
        PURE.check(np.array([0.5, 1.001]))
    with pytest.raises(RangeError, match=r"sin2_2theta = nan is outside its range"):
        PURE.check(math.nan)


def test_reading() -> None:
    assert DM2.read("1.25 eV2") / u.eV2 == pytest.approx(1.25, rel=ULPS)
    assert LENGTH.read("-50 cm") / u.m == pytest.approx(-0.5, rel=ULPS)
    assert PURE.read("0.4") == PURE.read("40 %") == 0.4


@pytest.mark.parametrize(
    ("parameter", "text", "error", "message"),
    [
        (DM2, "1.25", UnitError, 'dm2 = 1.25: no unit. Write dm2="1.25 eV2"'),
        (DM2, "1 m", UnitError, "dm2 = 1 m: expected a unit of mass-squared (eV2), but 'm' is a unit of length"),
        (PURE, "1 m", UnitError, "sin2_2theta = 1 m: expected a plain number, but 'm' is a unit of length"),
        (DM2, "40 eV2", RangeError, "dm2 = 40 eV2 is outside its range: expected 0.05 eV2 to 30 eV2"),
        (DM2, "much", UnitError, "dm2 = 'much': expected a finite number, such as 1.2 eV2"),
    ],
)
def test_reading_says_what_is_wrong(parameter: Parameter, text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        parameter.read(text)
    assert str(caught.value) == message


def test_axes() -> None:
    np.testing.assert_allclose(linspace("0 cm", "2 m", 5) / u.m, [0, 0.5, 1, 1.5, 2], rtol=ULPS)
    np.testing.assert_allclose(geomspace("0.1 eV2", "10 eV2", 3) / u.eV2, [0.1, 1, 10], rtol=ULPS)
    np.testing.assert_allclose(geomspace(1, 100, 3), [1, 10, 100], rtol=ULPS)


def test_axes_with_ends_that_do_not_fit() -> None:
    with pytest.raises(UnitError) as dimensions:
        linspace("1 m", "2 s", 3)
    assert str(dimensions.value) == "axis from '1 m' to '2 s': the two ends have different dimensions"
    with pytest.raises(UnitError):
        linspace(0, "2 m", 3)
    with pytest.raises(RangeError) as positive:
        geomspace("0 eV2", "1 eV2", 3)
    assert str(positive.value) == "logarithmic axis from 0 eV2 to 1 eV2: expected two positive ends"
