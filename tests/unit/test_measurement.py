"""Measurements and pulls: what is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest

from megacurie.foundation.errors import RangeError
from megacurie.foundation.measurement import Measurement, Pull

PULL = Pull(name="scale", shape=np.array([0.02, 0.02]))
GOOD = Measurement(
    names=("a", "b"), values=np.array([0.8, 0.9]), plus=np.array([0.1, 0.1]), minus=np.array([0.1, 0.2]), reference=np.ones(2), pulls=(PULL,)
)  # fmt: skip


def test_defaults() -> None:
    assert PULL.of == "reference"
    assert PULL.low == -math.inf
    assert GOOD.references == frozenset()


@pytest.mark.parametrize("what", ["values", "plus", "minus", "reference"])
@pytest.mark.parametrize("array", [[1.0], [1.0, 2.0, 3.0], [1.0, math.nan], [math.inf, 1.0]])
def test_arrays_fit_the_names_and_are_finite(what: str, array: list[float]) -> None:
    with pytest.raises(RangeError, match=f"measurement a, b: {what} = .* expected 2 finite numbers"):
        replace(GOOD, **{what: np.array(array)})


@pytest.mark.parametrize("what", ["plus", "minus"])
@pytest.mark.parametrize("error", [0.0, -0.1])
def test_errors_are_positive(what: str, error: float) -> None:
    with pytest.raises(RangeError, match="expected positive numbers"):
        replace(GOOD, **{what: np.array([0.1, error])})


def test_values_and_reference_may_be_negative() -> None:
    assert replace(GOOD, values=np.array([-1.0, 0.0])).values[0] == -1


def test_pulls_fit_and_have_their_own_names() -> None:
    with pytest.raises(RangeError, match=r"pull 'scale' has shape \(3,\): expected \(2,\)"):
        replace(GOOD, pulls=(Pull(name="scale", shape=np.ones(3)),))
    with pytest.raises(RangeError, match="two pulls of one measurement have the same name; add their shapes"):
        replace(GOOD, pulls=(PULL, PULL))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_pulls_are_finite_and_of_something(bad: float) -> None:
    with pytest.raises(RangeError, match="pull 'scale': shape .*: expected finite relative shifts"):
        Pull(name="scale", shape=np.array([0.1, bad]))
    with pytest.raises(RangeError, match="of = 'data': expected 'reference' or 'prediction'"):
        Pull(name="scale", shape=np.ones(1), of="data")  # type: ignore[arg-type]
