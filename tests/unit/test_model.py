"""How two models and two measurements stand one after the other."""

import math
from typing import Any

import numpy as np
import pytest

from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError
from megacurie.foundation.measurement import Measurement, Pull
from megacurie.foundation.parameters import Parameter
from megacurie.statistics.model import Stacked, stacked, union

A = Parameter("a", "", low=0.0, high=2.0)
B = Parameter("b", "", low=-1.0, high=1.0)
LENGTH = Parameter("length", "m", low=0.1, high=10.0, scale="log")


class Lines:
    """mu_i = offset + sum over parameters of slope_i theta, for the tests."""

    def __init__(self, slopes: dict[str, list[float]], parameters: tuple[Parameter, ...], *, affine: str | None = None, limited: tuple[str, ...] = ()) -> None:
        self.slopes, self.parameters, self.affine, self.limited = slopes, parameters, affine, limited
        self.references = frozenset(slopes)
        self.null = np.ones(len(next(iter(slopes.values()))))

    def __call__(self, theta: Any) -> Any:
        assert set(theta) <= {p.name for p in self.parameters}  # a stack hands on what a part knows, no more
        return 1.0 + sum(np.asarray(theta[name])[..., None] * np.array(slope) for name, slope in self.slopes.items())

    def split(self, theta: Any) -> Any:
        raise NotImplementedError

    def check(self, theta: Any) -> None:
        if theta[self.parameters[0].name] > 1.5:
            raise RangeError(f"{self.parameters[0].name} too far")


ONE = Lines({"a": [1.0, 2.0], "b": [0.5, 0.0]}, (A, B), affine="a", limited=("a",))
TWO = Lines({"a": [3.0]}, (A,), affine="a", limited=("a", "b"))
OTHER = Lines({"b": [1.0, 1.0, 1.0]}, (B,), affine="b")


def test_a_stack_is_one_after_the_other() -> None:
    both = Stacked(ONE, TWO)
    assert both.parameters == (A, B)
    assert (both.affine, both.limited, both.references) == ("a", ("a", "b"), {"a", "b"})
    np.testing.assert_array_equal(both.null, np.ones(3))
    np.testing.assert_array_equal(both({"a": 0.5, "b": 1.0}), [2.0, 2.0, 2.5])


def test_a_stack_broadcasts_over_what_each_part_depends_on() -> None:
    both = Stacked(OTHER, TWO)
    mu = both({"a": np.array([[0.0], [1.0]]), "b": np.array([0.0, 0.5, 1.0])})
    assert mu.shape == (2, 3, 4)
    np.testing.assert_array_equal(mu[1, 2], [2, 2, 2, 4])
    np.testing.assert_array_equal(mu[0, 1], [1.5, 1.5, 1.5, 1])


def test_split_is_value_at_zero_and_slope() -> None:
    zero, slope = Stacked(ONE, TWO).split({"b": np.array([0.0, 1.0])})
    np.testing.assert_array_equal(zero, [[1, 1, 1], [1.5, 1, 1]])
    np.testing.assert_array_equal(slope, [[1, 2, 3], [1, 2, 3]])


def test_affine_needs_every_part_that_depends_on_it() -> None:
    assert Stacked(ONE, OTHER).affine == "a"  # OTHER does not depend on a; in b ONE does not claim to be affine
    assert Stacked(TWO, OTHER).affine == "a"
    assert Stacked(OTHER, TWO).affine == "b"
    assert Stacked(Lines({"a": [1.0]}, (A,)), TWO).affine is None


def test_a_stack_checks_both_parts() -> None:
    for both in (Stacked(TWO, OTHER), Stacked(OTHER, TWO)):
        both.check({"a": 1.0, "b": 1.0})
        with pytest.raises(RangeError, match="a too far"):
            both.check({"a": 1.6, "b": 1.0})


def test_union_takes_the_tighter_bounds() -> None:
    wide, far = Parameter("a", "", low=-1.0, high=1.0), Parameter("length", "m", low=1.0, high=100.0, scale="log")
    a, length, b = union((A, LENGTH), (wide, far, B))
    assert (a.low, a.high, b) == (0.0, 1.0, B)
    assert (length.lower / u.m, length.upper / u.m) == pytest.approx((1, 10), rel=1e-13)
    assert union((A,), (A,)) == (A,)
    assert union() == ()


@pytest.mark.parametrize(
    "other",
    [
        Parameter("length", "cm", low=1.0, high=10.0, scale="log"),
        Parameter("length", "m", low=1.0, high=10.0),
        Parameter("length", "m", low=1.0, high=10.0, scale="log", prior=(2.0, 1.0)),
    ],
)
def test_union_refuses_two_declarations_of_one_name(other: Parameter) -> None:
    with pytest.raises(RangeError, match="parameter 'length' is declared in two ways"):
        union((LENGTH,), (other,))


def test_union_refuses_bounds_that_are_apart() -> None:
    with pytest.raises(RangeError, match="parameter 'a': bounds"):
        union((A,), (Parameter("a", "", low=2.5, high=3.0),))


def measured(n: int, *pulls: Pull) -> Measurement:
    values = np.arange(1.0, n + 1)
    return Measurement(
        names=tuple(f"m{n}-{i}" for i in range(n)), values=values, plus=0.1 * values, minus=0.2 * values, reference=2 * values, pulls=pulls,
        references=frozenset({f"ref{n}"}),
    )  # fmt: skip


def test_stacked_measurements_share_pulls_of_one_name() -> None:
    shared = "shared"
    a = measured(2, Pull(name="own", shape=np.array([0.1, 0.2])), Pull(name=shared, shape=np.array([0.3, 0.4])))
    b = measured(1, Pull(name=shared, shape=np.array([0.5])), Pull(name="last", shape=np.array([0.6]), of="prediction", low=-1.0))
    both = stacked(a, b)
    assert both.names == ("m2-0", "m2-1", "m1-0")
    np.testing.assert_array_equal(both.values, [1, 2, 1])
    np.testing.assert_array_equal(both.plus, [0.1, 0.2, 0.1])
    np.testing.assert_array_equal(both.minus, [0.2, 0.4, 0.2])
    np.testing.assert_array_equal(both.reference, [2, 4, 2])
    assert both.references == {"ref1", "ref2"}
    assert [(p.name, p.shape.tolist(), p.of, p.low) for p in both.pulls] == [
        ("own", [0.1, 0.2, 0], "reference", -math.inf),
        (shared, [0.3, 0.4, 0.5], "reference", -math.inf),
        ("last", [0, 0, 0.6], "prediction", -1.0),
    ]


@pytest.mark.parametrize("other", [Pull(name="x", shape=np.ones(1), of="prediction"), Pull(name="x", shape=np.ones(1), low=-1.0)], ids=["of", "bound"])
def test_stacked_measurements_refuse_one_pull_of_two_kinds(other: Pull) -> None:
    with pytest.raises(
        RangeError, match=f"pull 'x' is of 'reference', bound -inf, in one measurement and of '{other.of}', bound {other.low}, in the other: expected the same"
    ):
        stacked(measured(2, Pull(name="x", shape=np.ones(2))), measured(1, other))
