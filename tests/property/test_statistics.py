"""Laws of likelihoods and fits on random input."""

import math
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import megacurie as mci
from megacurie.foundation import units as u
from megacurie.foundation.measurement import Measurement, Pull
from megacurie.foundation.parameters import Parameter
from megacurie.statistics.inference import fit, scan
from megacurie.statistics.likelihood import GaussianLikelihood, Joint
from megacurie.statistics.results import p_of, p_value, sigma_of, threshold

ULPS = 1e-9  # solutions of systems of up to eight equations, errors a hundred times apart
A = Parameter("a", "", low=0.0, high=2.0)
RATE = 1 / u.day
TREATMENTS = ("lower", "upper", "split-normal", "variable")


class Line:
    """mu = a slope, for the tests."""

    parameters, affine, limited, references = (A,), "a", (), frozenset()

    def __init__(self, slope: Any) -> None:
        self.null = np.asarray(slope)

    def __call__(self, theta: Any) -> Any:
        return np.asarray(theta["a"])[..., None] * self.null

    def split(self, theta: Any) -> Any:
        return np.zeros_like(self.null), self.null

    def check(self, theta: Any) -> None:
        pass


ERROR = st.floats(0.5, 20)
SHARE = st.floats(-0.1, 0.1)


@st.composite
def likelihoods(draw: st.DrawFn, *, asymmetric: str | None = None, label: str = "") -> GaussianLikelihood:
    """Rates about 60 per day; pulls named x, y, or after the label, x and y of one kind wherever they stand."""
    n = draw(st.integers(1, 4))
    lists = lambda one: np.array(draw(st.lists(one, min_size=n, max_size=n)))  # noqa: E731
    kinds = {"x": "reference", "y": "prediction", f"own{label}": draw(st.sampled_from(("reference", "prediction")))}
    names = draw(st.lists(st.sampled_from(sorted(kinds)), unique=True, max_size=3))
    m = Measurement(
        names=tuple(f"{label}{i}" for i in range(n)), values=lists(st.floats(30, 90)) * RATE, plus=lists(ERROR) * RATE, minus=lists(ERROR) * RATE,
        reference=lists(st.floats(50, 80)) * RATE, pulls=tuple(Pull(name=name, shape=lists(SHARE), of=kinds[name]) for name in names),  # type: ignore[arg-type]
    )  # fmt: skip
    return GaussianLikelihood(Line(lists(st.floats(50, 80)) * RATE), m, asymmetric=asymmetric or draw(st.sampled_from(TREATMENTS)))  # type: ignore[arg-type]


@given(likelihoods(), st.floats(0.3, 1.7))
def test_chi2_is_that_of_the_covariance_and_lowest_at_the_best_pulls(likelihood: GaussianLikelihood, a: float) -> None:
    mu = likelihood.model({"a": a})
    r = (likelihood.measurement.values - mu) / RATE
    chi2 = float(likelihood.minus_two_log({"a": a}))
    assert chi2 == pytest.approx(r @ np.linalg.solve(likelihood.covariance(mu) / RATE**2, r), rel=ULPS)
    best = likelihood.best_pulls({"a": a})
    total = lambda pulls: float(likelihood.at({"a": a}, pulls)) + sum(x * x for x in pulls.values())  # noqa: E731
    assert total(best) == pytest.approx(chi2, rel=ULPS)
    for name in best:
        for step in (-0.01, 0.01):
            assert total({**best, name: best[name] + step}) >= chi2


@settings(max_examples=50)
@given(likelihoods(label="1"), likelihoods(label="2"), st.floats(0.3, 1.7))
def test_addition_commutes_and_sharing_never_lowers_chi2(one: GaussianLikelihood, two: GaussianLikelihood, a: float) -> None:
    both = float((one + two).minus_two_log({"a": a}))
    assert both == pytest.approx(float((two + one).minus_two_log({"a": a})), rel=1e-7)  # a Joint differentiates in steps of .01 sigma
    assert both == pytest.approx(float(Joint(one, two).minus_two_log({"a": a})), rel=1e-7)
    # what is shared costs its penalty once, but must serve both: between the parts at free pulls and at none
    assert both <= float(one.at({"a": a}, dict.fromkeys(one.pulls, 0.0))) + float(two.at({"a": a}, dict.fromkeys(two.pulls, 0.0))) + 1e-7 * both
    if not set(one.pulls) & set(two.pulls):
        assert both == pytest.approx(float(one.minus_two_log({"a": a})) + float(two.minus_two_log({"a": a})), rel=1e-7)


@settings(max_examples=25)
@given(*(likelihoods(asymmetric="lower", label=str(i)) for i in range(3)), st.floats(0.3, 1.7))
def test_addition_is_associative(one: GaussianLikelihood, two: GaussianLikelihood, three: GaussianLikelihood, a: float) -> None:
    assert float(((one + two) + three).minus_two_log({"a": a})) == pytest.approx(float((one + (two + three)).minus_two_log({"a": a})), rel=ULPS)


@settings(max_examples=50)
@given(likelihoods())
def test_a_fit_is_never_above_a_fine_grid(likelihood: GaussianLikelihood) -> None:
    found = fit(likelihood)
    lowest = float(likelihood.minus_two_log({"a": np.linspace(0, 2, 4001)}).min())
    assert found.chi2 <= lowest + 1e-6 * (1 + lowest)
    # c0 - 2 s c1 + s^2 c2 cancels: what is left of it is exact to the last digits of c0
    digits = 100 * np.finfo(float).eps * float(likelihood.minus_two_log({"a": 0.0}))
    assert found.chi2 == pytest.approx(float(likelihood.minus_two_log(found.best)), rel=ULPS, abs=digits)
    axis = np.linspace(0, 2, 9)
    np.testing.assert_allclose(scan(likelihood, {"a": axis}).chi2, likelihood.minus_two_log({"a": axis}), rtol=1e-7)  # c0 - 2 s c1 + s^2 c2 cancels


@settings(max_examples=25)
@given(likelihoods(asymmetric="lower"))
def test_intervals_end_where_chi2_has_risen_by_one(likelihood: GaussianLikelihood) -> None:
    found = fit(likelihood)
    for end in found.intervals["a"]:
        if end is not None:
            assert float(likelihood.minus_two_log({"a": end})) - found.chi2 == pytest.approx(1, abs=1e-3)  # crossings to 1e-4 of their distance


@cache
def oscillating(conventions: str) -> tuple[GaussianLikelihood, Any, Any]:
    likelihood = mci.gallium.datasets(conventions=conventions, dm2_max="10 eV2", accuracy=1e-3).likelihood(mci.Sterile())
    dm2 = mci.geomspace("0.05 eV2", "9.999 eV2", 701)
    return likelihood, *likelihood.model.split({"dm2": dm2})


@pytest.mark.parametrize("conventions", ["schwetz-2023", pytest.param("giunti-2022", marks=pytest.mark.slow)])
@settings(max_examples=8)
@given(toy=st.lists(st.floats(-3, 3), min_size=6, max_size=6), s=st.sampled_from((0.0, 0.3, 0.8)), dm2=st.floats(0.1, 9))
def test_no_brute_force_grid_finds_a_lower_chi2(conventions: str, toy: list[float], s: float, dm2: float) -> None:
    """A covariance that is fixed, and one that moves with a bounded pull."""
    likelihood, zero, slope = oscillating(conventions)
    mu = likelihood.model({"sin2_2theta": s, "dm2": dm2 * u.eV2})
    values = mu + np.sqrt(np.diag(likelihood.covariance(mu))) * np.array(toy)
    changed = GaussianLikelihood(likelihood.model, replace(likelihood.measurement, values=values), asymmetric=likelihood.asymmetric)
    found = fit(changed)
    lowest = min(float(changed.at_prediction(zero + x * slope).min()) for x in np.linspace(0, 1, 101))
    assert found.chi2 <= lowest + 1e-5
    assert found.chi2 <= float(changed.minus_two_log({"sin2_2theta": s, "dm2": dm2 * u.eV2})) + 1e-5
    assert found.chi2 <= found.null_chi2 + 1e-5  # the null lies on the edge of the model
    # freeing a parameter never raises chi2
    assert found.chi2 <= fit(changed, fixed={"dm2": dm2 * u.eV2}).chi2 + 1e-5


def test_coverage_of_a_gaussian_interval() -> None:
    """The Delta chi2 = 1 interval of a mean with a common error holds the truth in 68.27 % of toys."""
    m = Measurement(
        names=("p", "q"), values=np.array([0.9, 1.1]), plus=np.full(2, 0.05), minus=np.full(2, 0.05), reference=np.ones(2),
        pulls=(Pull(name="x", shape=np.full(2, 0.03)),),
    )  # fmt: skip
    likelihood = GaussianLikelihood(Line(np.ones(2)), m)
    n = 20_000
    rng = np.random.default_rng(11)
    toys = likelihood.draw({"a": 0.97}, n, rng, {"x": rng.standard_normal(n)}).values
    _, slope = likelihood.model.split({})
    c0, c1, c2 = likelihood.quadratic(np.zeros(2), slope)
    assert float(c0 - c1**2 / c2) == pytest.approx(fit(likelihood).chi2, rel=ULPS)
    lowest = likelihood.minus_two_log({"a": (toys.mean(-1))}, toys)  # equal errors: the best is the mean
    covered = (likelihood.minus_two_log({"a": 0.97}, toys) - lowest <= 1).mean()
    p = 1 - p_of(1.0)
    assert abs(covered - p) < 5 * math.sqrt(p * (1 - p) / n)  # five sigma of a binomial


@given(st.floats(0, 60), st.integers(1, 12))
def test_p_values_fall_with_chi2_and_rise_with_dof(chi2: float, dof: int) -> None:
    p = p_value(chi2, dof)
    assert 0 < p <= 1
    assert p_value(chi2 + 1, dof) < p
    assert p_value(chi2, dof + 1) >= p
    assert p_of(sigma_of(p)) == pytest.approx(p, rel=1e-9)
    if 1e-6 < p < 0.999:
        assert threshold(p, dof) == pytest.approx(chi2, rel=1e-9)  # two functions of one library, inverse to each other
