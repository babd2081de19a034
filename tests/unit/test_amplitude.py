"""The best amplitude by trial, and chi2 where errors are small beside the pulls."""

from fractions import Fraction

import numpy as np
import pytest

from megacurie.foundation.measurement import Measurement, Pull
from megacurie.foundation.parameters import Parameter
from megacurie.statistics import amplitude
from megacurie.statistics.likelihood import GaussianLikelihood


@pytest.mark.parametrize("where", [0.0, 0.1503, 0.39, 0.7779, 1.0])
@pytest.mark.parametrize(
    "valley",
    [lambda d: np.abs(d) ** 0.7, lambda d: np.where(d < 0, -40 * d, d), lambda d: np.minimum(d * d * 1e4, 3 + np.abs(d))],
    ids=["cusp", "bent", "narrow"],
)
def test_a_valley_that_is_no_parabola_is_found(valley, where):
    """To a last step of 1/80 x 5^-8 of the range: where a parabola through three points stops beside the minimum."""
    best, least = amplitude.search(lambda s: valley(s - where), np.array([0.0, 1.0]), ())
    assert best == pytest.approx(where, abs=4e-8)
    assert least <= valley(np.array(4e-8)) + valley(np.array(-4e-8))


class Line:
    """mu = a slope."""

    parameters, affine, limited, references = (Parameter("a", "", low=0.0, high=2.0),), "a", (), frozenset[str]()

    def __init__(self, slope):
        self.null = slope

    def __call__(self, theta):
        return np.asarray(theta["a"])[..., None] * self.null


def test_small_errors_beside_a_wide_pull_cost_no_digits():
    """By hand with rational numbers: r V^-1 r = sum r^2/s^2 - (sum r c/s^2)^2/(1 + sum c^2/s^2), two terms ten thousand times as large as what is left."""
    values, slope, error, share = (53.0, 61.0, 47.0), (64.0, 74.0, 57.0), 2.0**-10, 0.125
    pull = Pull(name="x", shape=np.full(3, share), of="prediction")
    measurement = Measurement(
        names=("a", "b", "c"), values=np.array(values), plus=np.full(3, error), minus=np.full(3, error), reference=np.array(slope), pulls=(pull,)
    )  # fmt: skip
    found = float(GaussianLikelihood(Line(np.array(slope)), measurement).minus_two_log({"a": 1.0}))
    r, c = [Fraction(d) - Fraction(m) for d, m in zip(values, slope, strict=True)], [Fraction(share) * Fraction(m) for m in slope]
    weight = 1 / Fraction(error) ** 2
    squares, onto, width = (weight * sum(a * b for a, b in zip(x, y, strict=True)) for x, y in ((r, r), (r, c), (c, c)))
    exact = squares - onto * onto / (1 + width)
    assert squares / exact > 10_000
    assert found == pytest.approx(float(exact), rel=1e-12)
