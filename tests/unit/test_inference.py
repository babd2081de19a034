"""Fits and scans against closed forms, and what they refuse."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import megacurie as mci
from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError, FitError, RangeError
from megacurie.foundation.measurement import Measurement, Pull
from megacurie.foundation.parameters import Parameter
from megacurie.statistics.inference import fit, parameter_goodness, scan
from megacurie.statistics.likelihood import GaussianLikelihood, Likelihood
from megacurie.statistics.results import p_value, sigma_of

CHI2 = 1e-5  # of a polished minimum: the minimiser stops at an estimated distance of 2e-6
A = Parameter("a", "", low=0.0, high=2.0)
B = Parameter("b", "", low=-1.0, high=1.0)
LENGTH = Parameter("length", "m", low=0.1, high=10.0, scale="log")


class Lines:
    """mu = matrix theta, theta in display units, for the tests."""

    references: frozenset[str] = frozenset({"linear"})
    limited: tuple[str, ...] = ()

    def __init__(self, matrix: Any, parameters: tuple[Parameter, ...], *, affine: str | None = None) -> None:
        self.matrix, self.parameters, self.affine = np.asarray(matrix, dtype=float), parameters, affine
        self.null = self.matrix @ np.ones(len(parameters))

    def __call__(self, theta: Any) -> Any:
        shown = np.broadcast_arrays(*(np.asarray(theta[p.name]) / u.from_display(1.0, p.unit) for p in self.parameters))
        return np.stack(shown, -1) @ self.matrix.T

    def split(self, theta: Any) -> Any:
        zero, one = self({**theta, self.affine: 0.0}), self({**theta, self.affine: 1.0})
        return zero, one - zero

    def check(self, theta: Any) -> None:
        pass


def measured(values: Any, error: Any, *pulls: Pull) -> Measurement:
    values = np.asarray(values, dtype=float)
    errors = np.broadcast_to(np.asarray(error, dtype=float), values.shape).copy()
    return Measurement(names=tuple(f"v{i}" for i in range(len(values))), values=values, plus=errors, minus=errors, reference=np.ones(len(values)), pulls=pulls)


def solved(matrix: Any, values: Any, error: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Weighted least squares: best values, their errors, chi2."""
    matrix = np.asarray(matrix)
    V = np.linalg.inv(matrix.T @ matrix) * error**2
    best = V @ matrix.T @ values / error**2
    return best, np.sqrt(np.diag(V)), float((((values - matrix @ best) / error) ** 2).sum())


X = np.linspace(0, 1, 6)
SLOPED = np.stack([np.ones(6), X], 1)


# --- against the closed form of weighted least squares


@pytest.mark.parametrize("affine", [None, "a"])
@pytest.mark.parametrize("error", [0.2, 0.03, 0.003, 3e-4])
def test_a_line_is_fitted_as_least_squares_has_it(affine: str | None, error: float) -> None:
    """Intervals hold also where the error is far below the step of the search grid."""
    values = SLOPED @ [0.937, 0.213] + error * np.random.default_rng(1).standard_normal(6)
    best, errors, chi2 = solved(SLOPED, values, error)
    found = fit(GaussianLikelihood(Lines(SLOPED, (A, B), affine=affine), measured(values, error)))
    assert found.chi2 == pytest.approx(chi2, abs=CHI2)
    for i, name in enumerate("ab"):
        assert (found.best[name] - best[i]) / errors[i] == pytest.approx(0, abs=math.sqrt(CHI2))
        low, high = found.intervals[name]
        assert low is not None
        assert high is not None
        # the crossing is found to 1e-4 of its distance, and inherits the error of chi2
        assert [(low - best[i]) / errors[i], (high - best[i]) / errors[i]] == pytest.approx([-1, 1], abs=1e-3)
    assert (found.dof, len(found.minima), found.notes, found.fixed) == (4, 1, (), ())
    assert found.p_value == pytest.approx(p_value(chi2, 4), rel=CHI2)
    assert found.references == {"linear"}


@pytest.mark.parametrize("affine", [None, "a"])
@pytest.mark.parametrize("error", [0.1, 0.003])
def test_one_parameter(affine: str | None, error: float) -> None:
    values = 0.9371 + error * np.random.default_rng(2).standard_normal(6)
    found = fit(GaussianLikelihood(Lines(np.ones((6, 1)), (A,), affine=affine), measured(values, error)))
    mean, sigma = values.mean(), error / math.sqrt(6)
    low, high = found.intervals["a"]
    assert [(x - mean) / sigma for x in (low, found.best["a"], high)] == pytest.approx([-1, 0, 1], abs=3e-3)  # root of CHI2
    null = (((values - 1) / error) ** 2).sum()  # the null of this model is 1
    assert (found.null_chi2, found.delta_chi2) == (pytest.approx(null, rel=1e-9), pytest.approx(((mean - 1) / sigma) ** 2, abs=CHI2 + 1e-9 * null))


def test_a_logarithmic_parameter_with_a_unit() -> None:
    """mu = length / 1 m."""
    found = fit(GaussianLikelihood(Lines([[1.0], [1.0]], (LENGTH,)), measured([1.9, 2.1], 0.1)))
    low, high = found.intervals["length"]
    assert low is not None
    assert high is not None
    assert [x / u.m for x in (low, found.best["length"], high)] == pytest.approx(
        [2 - 0.1 / math.sqrt(2), 2, 2 + 0.1 / math.sqrt(2)], rel=1e-3
    )  # root of CHI2 times .07


def test_a_narrow_valley_is_followed_to_its_end() -> None:
    """Two nearly proportional columns: the best grid point lies cells away from the minimum."""
    rng = np.random.default_rng(4)
    for _ in range(20):
        matrix = rng.standard_normal((6, 1)) + 0.02 * rng.standard_normal((6, 2))
        values = matrix @ [0.9, 0.3] + 0.005 * rng.standard_normal(6)
        best, errors, chi2 = solved(matrix, values, 0.005)
        if not (0 < best[0] < 2 and -1 < best[1] < 1):
            continue
        for affine in (None, "a"):
            found = fit(GaussianLikelihood(Lines(matrix, (A, B), affine=affine), measured(values, 0.005)))
            assert found.chi2 == pytest.approx(chi2, abs=CHI2)
            assert found.best["b"] == pytest.approx(best[1], abs=0.01 * errors[1])


def test_common_pulls_enlarge_the_error() -> None:
    """A mean with a common error c of the reference: variance s^2/n + c^2."""
    values, s, c = np.array([0.75, 0.80, 0.85]), 0.04, 0.03
    found = fit(GaussianLikelihood(Lines(np.ones((3, 1)), (A,), affine="a"), measured(values, s, Pull(name="x", shape=np.full(3, c)))))
    low, high = found.intervals["a"]
    assert low is not None
    assert high is not None
    assert (found.best["a"], high - low) == pytest.approx((0.8, 2 * math.sqrt(s**2 / 3 + c**2)), rel=1e-3)
    assert found.pulls == {"x": pytest.approx(0, abs=1e-6)}  # the mean takes it all


def test_a_prior_is_one_more_datum() -> None:
    prior = replace(A, prior=(1.2, 0.1))
    found = fit(GaussianLikelihood(Lines(np.ones((4, 1)), (prior,), affine="a"), measured(np.full(4, 0.8), 0.2)))
    weight = 4 / 0.2**2 + 1 / 0.1**2
    assert found.best["a"] == pytest.approx((0.8 * 4 / 0.2**2 + 1.2 / 0.1**2) / weight, rel=1e-6)  # searched, not solved
    low, high = found.intervals["a"]
    assert low is not None
    assert high is not None
    assert 0.5 * (high - low) == pytest.approx(weight**-0.5, rel=1e-3)


# --- bounds, fixed parameters, degenerate minima


def test_a_minimum_on_the_bound_says_so() -> None:
    found = fit(GaussianLikelihood(Lines(np.ones((3, 1)), (A,), affine="a"), measured([-0.2, -0.1, -0.3], 0.2)))
    assert found.best["a"] == 0
    assert found.notes == ("a lies on the bound of its range",)
    low, high = found.intervals["a"]
    assert low is None
    # chi2(a) - chi2(0) = 3 (a^2 + 2 .2 a)/s^2 = 1
    assert high == pytest.approx(-0.2 + math.sqrt(0.04 + 0.04 / 3), rel=1e-3)


def test_fixed_parameters_are_held() -> None:
    likelihood = GaussianLikelihood(Lines(SLOPED, (A, B), affine="a"), measured(SLOPED @ [0.9, 0.3], 0.1))
    found = fit(likelihood, fixed={"b": 0.1})
    assert (found.best["b"], found.fixed, found.dof, set(found.intervals)) == (0.1, ("b",), 5, {"a"})
    assert found.best["a"] == pytest.approx(0.9 + 0.2 * X.mean(), rel=1e-9)
    other = fit(likelihood, fixed={"a": 0.8})
    assert (other.best["a"], other.fixed) == (0.8, ("a",))
    assert other.best["b"] == pytest.approx(((0.1 + 0.3 * X) @ X) / (X @ X), abs=1e-3)
    both = fit(likelihood, fixed={"b": 0.1, "a": 0.8})
    assert both.chi2 == pytest.approx(float(likelihood.minus_two_log({"a": 0.8, "b": 0.1})), rel=1e-12)
    assert (both.dof, both.intervals, dict(both.best)) == (6, {}, {"a": 0.8, "b": 0.1})
    assert fit(likelihood).chi2 < found.chi2 < both.chi2


def test_no_parameters_at_all() -> None:
    likelihood = mci.gallium.datasets(only=["best"]).likelihood(mci.NoOscillation())
    found = fit(likelihood)
    assert (found.chi2, found.delta_chi2, found.dof, dict(found.best)) == (pytest.approx(likelihood.null(), rel=1e-9), pytest.approx(0, abs=1e-9), 2, {})


def test_a_parameter_without_effect_is_no_degree_of_freedom() -> None:
    likelihood = GaussianLikelihood(Lines(SLOPED * [1, 0], (A, B), affine="a"), measured(np.full(6, 0.9), 0.1))
    found = fit(likelihood)
    assert (found.dof, set(found.intervals)) == (5, {"a"})
    assert "b has no effect on these data" in found.notes
    assert found.best["a"] == pytest.approx(0.9, rel=1e-9)


class Wave(Lines):
    """mu = sin(4 pi a), twice round over a in [0, 1]."""

    def __init__(self) -> None:
        super().__init__([[1.0]], (replace(A, high=1.0),))

    def __call__(self, theta: Any) -> Any:
        return np.sin(4 * np.pi * np.asarray(theta["a"]))[..., None]


def test_degenerate_minima_are_listed() -> None:
    found = fit(GaussianLikelihood(Wave(), measured([0.5], 0.1)))
    where = sorted(m.theta["a"] for m in found.minima)
    assert where == pytest.approx([1 / 24, 5 / 24, 13 / 24, 17 / 24], abs=1e-3)
    assert [m.chi2 for m in found.minima] == pytest.approx([0] * 4, abs=CHI2)
    assert found.minima[0].chi2 == found.chi2
    assert "degenerate: 4 minima within Delta chi2 = 1" in found.notes
    assert "as many parameters as data: p_value is null" in found.notes
    assert found.p_value is None


def test_more_distant_minima_are_left_out() -> None:
    """sin(4 pi a) (1 - a/2) reaches .8 near 1/8 only; near 5/8 it ends at .69."""

    class Damped(Wave):
        def __call__(self, theta: Any) -> Any:
            return super().__call__(theta) * (1 - 0.5 * np.asarray(theta["a"]))[..., None]

    near, far = (fit(GaussianLikelihood(Damped(), measured([0.9], error))) for error in (0.1, 0.03))
    assert len(near.minima) > len(far.minima)
    assert all(m.chi2 < near.chi2 + 9 for m in near.minima)
    assert [m.chi2 for m in near.minima] == sorted(m.chi2 for m in near.minima)


class Events(Likelihood):
    """A likelihood without a number of data, chi2 = ((a - 1)/.1)^2."""

    parameters, pulls, n_data, affine, limited, references = (A,), (), None, None, (), frozenset()

    def minus_two_log(self, theta: Any, data: Any = None) -> Any:
        return ((np.asarray(theta["a"]) - 1) / 0.1) ** 2

    def shifted(self, theta: Any, data: Any = None) -> Callable[[Any], Any]:
        return lambda pulls: self.minus_two_log(theta)

    def null_shifted(self) -> Callable[[Any], Any]:
        return lambda pulls: np.array(4.0)

    def null(self) -> float:
        return 4.0

    def best_pulls(self, theta: Any) -> dict[str, float]:
        return {}

    def check(self, theta: Any) -> None:
        pass

    def throw(self, theta: Any, pulls: Any, n: int, rng: Any) -> Any:
        raise NotImplementedError


def test_an_event_likelihood_has_no_degrees_of_freedom() -> None:
    found = fit(Events())
    assert (found.dof, found.p_value) == (None, None)
    assert found.best["a"] == pytest.approx(1, abs=1e-3)
    assert "an event likelihood has no degrees of freedom: dof and p_value are null" in found.notes
    joint = Events() + GaussianLikelihood(Lines(np.ones((1, 1)), (A,)), measured([0.8], 0.1))
    both = fit(joint)
    assert (both.dof, both.best["a"], both.chi2) == (None, pytest.approx(0.9, abs=1e-3), pytest.approx(2, abs=CHI2))


def test_too_many_parameters_to_search() -> None:
    names = tuple(replace(A, name=f"p{i}") for i in range(5))
    likelihood = GaussianLikelihood(Lines(np.eye(5), names), measured(np.ones(5), 0.1))
    with pytest.raises(FitError, match="5 parameters to search on a grid: expected at most 4. Fix some of them") as caught:
        fit(likelihood)
    assert caught.value.state == {}
    with pytest.raises(FitError, match="5 parameters to profile on a grid") as caught:
        scan(replace_data(likelihood), {})
    assert caught.value.state == {}


def replace_data(likelihood: GaussianLikelihood) -> GaussianLikelihood:
    return GaussianLikelihood(likelihood.model, replace(likelihood.measurement, values=likelihood.measurement.values + 0.1))


# --- scans


def two(of: Any = "reference", low: float = -math.inf, asymmetric: Any = "lower") -> GaussianLikelihood:
    m = measured(SLOPED @ [0.85, 0.2] + 0.03 * np.array([1, -1, 2, 0, -1, 1]), 0.05, Pull(name="x", shape=np.full(6, 0.03), of=of, low=low))
    return GaussianLikelihood(Lines(SLOPED, (A, B), affine="a"), replace(m, plus=0.7 * m.plus), asymmetric=asymmetric)


KINDS = pytest.mark.parametrize(
    "likelihood", [two(), two("prediction"), two("prediction", -0.1), two(asymmetric="variable")], ids=["fixed", "moving", "bounded", "variable"]
)


@KINDS
def test_a_scan_over_all_parameters_is_chi2_point_by_point(likelihood: GaussianLikelihood) -> None:
    axes = {"b": np.linspace(-0.5, 1, 4), "a": np.linspace(0, 1.5, 5)}  # either order
    result = scan(likelihood, axes)
    expected = [[float(likelihood.minus_two_log({"a": a, "b": b})) for a in axes["a"]] for b in axes["b"]]
    np.testing.assert_allclose(result.chi2, expected, rtol=1e-9)
    swapped = scan(likelihood, dict(reversed(axes.items())))
    np.testing.assert_allclose(swapped.chi2, np.transpose(expected), rtol=1e-9)
    assert [p.name for p in swapped.parameters] == ["a", "b"]
    for name in "ab":
        np.testing.assert_array_equal(result.axes[name], axes[name])
    one = scan(likelihood, {"a": axes["a"]}, fixed={"b": 0.25})
    np.testing.assert_allclose(one.chi2, [float(likelihood.minus_two_log({"a": a, "b": 0.25})) for a in axes["a"]], rtol=1e-9)


@KINDS
@pytest.mark.parametrize("name", ["a", "b"])
def test_a_scan_profiles_the_other_parameter(likelihood: GaussianLikelihood, name: str) -> None:
    best = fit(likelihood)
    low, high = best.intervals[name]
    assert low is not None
    assert high is not None
    axis = np.array([low, best.best[name], high])
    profile = scan(likelihood, {name: axis}).chi2
    # a: the other parameter lies on the grid of 201 points, at most .005 from its best; b: exact
    slack = 0.02 if name == "a" else 1e-3
    assert profile == pytest.approx([best.chi2 + 1, best.chi2, best.chi2 + 1], abs=slack)
    held = [fit(likelihood, fixed={name: float(x)}).chi2 for x in axis]
    assert np.all(profile >= np.array(held) - CHI2)
    assert profile == pytest.approx(held, abs=slack)


@KINDS
def test_chi2_never_rises_when_a_parameter_is_freed(likelihood: GaussianLikelihood) -> None:
    axis = np.linspace(0.5, 1.2, 8)
    free, held = scan(likelihood, {"a": axis}).chi2, scan(likelihood, {"a": axis}, fixed={"b": 0.25}).chi2
    assert np.all(free <= held + 1e-9)  # b = .25 lies on the grid
    assert fit(likelihood).chi2 <= free.min() + 1e-9


def test_scan_ends_and_empty_axes() -> None:
    likelihood = two()
    assert scan(likelihood, {}).chi2.shape == ()
    assert float(scan(likelihood, {}).chi2) == pytest.approx(fit(likelihood).chi2, abs=1e-2)  # on the grid only
    np.testing.assert_allclose(
        scan(likelihood, {"b": np.array([B.lower, B.upper])}).chi2, [fit(likelihood, fixed={"b": x}).chi2 for x in (-1.0, 1.0)], rtol=1e-9
    )


# --- what is refused, before anything is computed


class Silent(Lines):
    """A model that must not be asked."""

    def __init__(self) -> None:
        super().__init__(np.eye(2), (A, LENGTH))

    def __call__(self, theta: Any) -> Any:
        raise AssertionError("computed")

    def check(self, theta: Any) -> None:
        if np.max(theta["length"]) > 5 * u.m * (1 + 1e-12):
            raise RangeError(f"length = {u.format(np.max(theta['length']), 'm')} is beyond the reach, 5 m")


SILENT = GaussianLikelihood(Silent(), measured([1.0, 1.0], 0.1))


@pytest.mark.parametrize("length", [6.0, 11.0])
def test_beyond_the_reach_names_both_numbers(length: float) -> None:
    with pytest.raises(RangeError, match=f"length = {length:g} m is beyond the reach, 5 m"):
        fit(SILENT, fixed={"length": length * u.m})
    with pytest.raises(RangeError, match=f"length = {length:g} m is beyond the reach, 5 m"):
        scan(SILENT, {"length": np.array([1.0, length]) * u.m})


def test_out_of_bounds_is_refused() -> None:
    for ask in (
        lambda: fit(SILENT, fixed={"a": 2.5}),
        lambda: scan(SILENT, {"a": np.array([0.5, 2.5])}),
        lambda: scan(SILENT, {"length": np.ones(1) * u.m}, fixed={"a": 2.5}),
    ):
        with pytest.raises(RangeError, match=r"a = 2\.5 is outside its range: expected 0 to 2"):
            ask()
    with pytest.raises(RangeError, match="a = nan is outside its range"):
        scan(SILENT, {"a": np.array([0.5, math.nan])})


def test_unknown_names_are_refused() -> None:
    with pytest.raises(DataError, match="axis 'lenght' is not a parameter. Did you mean 'length'?"):
        scan(SILENT, {"lenght": np.ones(2)})
    with pytest.raises(DataError, match="'lenght' is not a parameter. Did you mean 'length'?"):
        fit(SILENT, fixed={"lenght": 1.0})
    without = GaussianLikelihood(mci.gallium.datasets(only=["best"]).likelihood(mci.NoOscillation()).model, measured([1.0, 1.0], 0.1))
    with pytest.raises(DataError, match="'a': the hypothesis has no parameters"):
        fit(without, fixed={"a": 1.0})
    with pytest.raises(DataError, match="axis 'a': the hypothesis has no parameters"):
        scan(without, {"a": np.ones(1)})


def test_axes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(RangeError, match="a is both an axis and fixed: expected one of the two"):
        scan(SILENT, {"a": np.ones(2)}, fixed={"a": 1.0})
    for axis in (np.ones((2, 2)), np.zeros(0), np.array(1.0)):
        with pytest.raises(RangeError, match="axis 'a' has shape .*: expected one dimension"):
            scan(SILENT, {"a": axis})


def test_the_reach_of_a_kernel_bounds_the_search() -> None:
    likelihood = mci.gallium.datasets(only=["best"], dm2_max="4 eV2", accuracy=1e-3).likelihood(mci.Sterile())
    found = fit(likelihood)
    assert found.best["dm2"] <= 4 * u.eV2 * (1 + 1e-9)
    assert found.notes[0] == "dm2 searched from 0.05 eV2 to 4 eV2 only: the reach of the kernel"
    for ask in (lambda: fit(likelihood, fixed={"dm2": 6 * u.eV2}), lambda: scan(likelihood, {"dm2": mci.geomspace("1 eV2", "6 eV2", 3)})):
        with pytest.raises(RangeError, match="dm2 = 6 eV2 is beyond the reach of the kernel, 4 eV2"):
            ask()
    with pytest.raises(RangeError, match=r"dm2 = 0\.01 eV2 is outside its range: expected 0\.05 eV2 to 4 eV2"):
        fit(likelihood, fixed={"dm2": 0.01 * u.eV2})


# --- oscillation


@pytest.mark.parametrize("conventions", ["schwetz-2023", "giunti-2022"])
def test_every_listed_minimum_is_one(conventions: str) -> None:
    likelihood = mci.gallium.datasets(only=["best"], conventions=conventions, dm2_max="8 eV2", accuracy=1e-3).likelihood(mci.Sterile())
    found = fit(likelihood)
    for m in found.minima:
        assert float(likelihood.minus_two_log(m.theta)) == pytest.approx(m.chi2, abs=1e-9)
        for ds, ddm2 in ((0.01, 1.0), (-0.01, 1.0), (0.0, 1.01), (0.0, 0.99), (0.01, 1.01), (-0.01, 0.99), (-0.01, 1.01), (0.01, 0.99)):
            near = {"sin2_2theta": m.theta["sin2_2theta"] + ds, "dm2": m.theta["dm2"] * ddm2}
            if 0 <= near["sin2_2theta"] <= 1 and 0.05 <= near["dm2"] / u.eV2 <= 8:
                assert float(likelihood.minus_two_log(near)) >= m.chi2 - CHI2


def test_two_explanations_at_once_fit_no_worse_than_one() -> None:
    data = mci.gallium.datasets(only=["best", "sage-cr"], dm2_max="5 eV2", accuracy=1e-3)
    alone, scale = fit(data.likelihood(mci.Sterile())), fit(data.likelihood(mci.CrossSectionScale()))
    both = fit(data.likelihood(mci.combine(mci.Sterile(), mci.CrossSectionScale())))
    assert both.chi2 <= min(alone.chi2, scale.chi2) + CHI2
    assert both.dof == alone.dof - 1 == scale.dof - 2  # type: ignore[operator]
    assert both.null_chi2 == pytest.approx(alone.null_chi2, rel=1e-9)


# --- parameter goodness of fit


def mean(value: float, error: float, name: str = "a") -> GaussianLikelihood:
    return GaussianLikelihood(Lines([[1.0]], (replace(A, name=name),), affine=name), measured([value], error))


def test_two_means_disagree_by_their_distance() -> None:
    found = parameter_goodness(mean(0.8, 0.03), mean(1.0, 0.04))
    assert (found.chi2, found.dof) == (pytest.approx((0.2 / 0.05) ** 2, rel=1e-9), 1)
    assert found.p_value == pytest.approx(p_value(16, 1), rel=1e-8)
    assert found.sigma == pytest.approx(4, rel=1e-9)
    assert found.sigma == pytest.approx(sigma_of(found.p_value), rel=1e-12)


def test_three_means_have_two_degrees_of_freedom() -> None:
    values, errors = np.array([0.8, 1.0, 0.9]), np.array([0.03, 0.04, 0.05])
    weight = errors**-2
    common = values @ weight / weight.sum()
    found = parameter_goodness(*(mean(v, e) for v, e in zip(values, errors, strict=True)))
    assert (found.chi2, found.dof) == (pytest.approx((((values - common) / errors) ** 2).sum(), rel=1e-9), 2)


def test_a_shared_pull_counts_in_the_disagreement() -> None:
    """Two values with a common error: their difference does not feel it."""
    one, other = (GaussianLikelihood(Lines([[1.0]], (A,), affine="a"), measured([v], 0.03, Pull(name="x", shape=np.array([0.2])))) for v in (0.8, 1.0))
    assert parameter_goodness(one, other).chi2 == pytest.approx((0.2 / (0.03 * math.sqrt(2))) ** 2, rel=1e-9)


def test_nothing_shared_is_refused() -> None:
    with pytest.raises(RangeError, match="the likelihoods share no parameter"):
        parameter_goodness(mean(0.8, 0.1), mean(0.9, 0.1, "b"))
    with pytest.raises(RangeError, match="the likelihoods share no parameter"):
        parameter_goodness(mean(0.8, 0.1))
