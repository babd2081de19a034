"""Likelihoods against the numerical minimum over the pulls, and their sums against one covariance matrix."""

import math
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

import megacurie as mci
from megacurie.foundation import units as u
from megacurie.foundation.errors import FitError, RangeError
from megacurie.foundation.measurement import Measurement, Pull
from megacurie.foundation.parameters import Parameter
from megacurie.statistics.general import some
from megacurie.statistics.likelihood import GaussianLikelihood, Joint, Likelihood

jax.config.update("jax_enable_x64", True)

ULPS = 1e-11  # solutions of well-conditioned systems of three to six equations
SEARCH = 1e-8  # of the numerical minimum: chi2 is flat to the square of the minimiser's 1e-6 or so
RATE = 1 / u.day
TREATMENTS = ("lower", "upper", "split-normal", "variable")
A = Parameter("a", "", low=0.0, high=2.0)
B = Parameter("b", "", low=-1.0, high=1.0)
EVERY = pytest.mark.parametrize("asymmetric", TREATMENTS)


class Lines:
    """mu = size (slope_a a + slope_b b), for the tests; size makes it a rate."""

    limited: tuple[str, ...] = ()

    def __init__(self, n: int, parameters: tuple[Parameter, ...] = (A,), *, seed: int = 0, affine: str | None = "a") -> None:
        self.parameters, self.affine = parameters, affine
        self.slopes = np.random.default_rng(seed).uniform(50, 80, (len(parameters), n)) * RATE
        self.null = self.slopes[0]
        self.references = frozenset({f"model-{seed}"})

    def __call__(self, theta: Any) -> Any:
        xp = mci.namespace(*theta.values())
        return sum(xp.asarray(theta[p.name])[..., None] * slope for p, slope in zip(self.parameters, self.slopes, strict=True))

    def split(self, theta: Any) -> Any:
        zero, one = self({**theta, self.affine: 0.0}), self({**theta, self.affine: 1.0})
        return zero, one - zero

    def check(self, theta: Any) -> None:
        pass


def measured(n: int, *pulls: tuple[str, str, float], seed: int = 0) -> Measurement:
    """Rates about 60 per day with errors of a few; pulls by name, kind and lower bound, of 2 to 6 %."""
    rng = np.random.default_rng(100 + seed)
    values, plus, minus = rng.uniform(45, 75, n), rng.uniform(1, 4, n), rng.uniform(1, 4, n)
    shapes = [Pull(name=name, shape=rng.uniform(0.02, 0.06, n), of=of, low=low) for name, of, low in pulls]  # type: ignore[arg-type]
    return Measurement(
        names=tuple(f"{seed}-{i}" for i in range(n)), values=values * RATE, plus=plus * RATE, minus=minus * RATE, reference=rng.uniform(60, 80, n) * RATE,
        pulls=tuple(shapes), references=frozenset({f"measurement-{seed}"}),
    )  # fmt: skip


FREE = -math.inf
PULLS: dict[str, tuple[tuple[str, str, float], ...]] = {
    "none": (),
    "reference": (("x", "reference", FREE),),
    "prediction": (("x", "prediction", FREE),),
    "mixed": (("x", "reference", FREE), ("y", "prediction", FREE)),
    "bounded": (("x", "prediction", -0.3),),
    "bounded and free": (("x", "prediction", -0.3), ("y", "reference", FREE)),
    "bounded above 0": (("y", "reference", FREE), ("x", "reference", 0.5)),
}
KINDS = pytest.mark.parametrize("pulls", PULLS.values(), ids=PULLS)


def by_search(likelihood: Likelihood, theta: dict[str, float], lows: dict[str, float]) -> tuple[float, np.ndarray]:
    """min over the pulls of ``at`` + sum x^2, numerically."""
    names = likelihood.pulls

    def total(x: np.ndarray) -> float:
        return float(likelihood.at(theta, dict(zip(names, x, strict=True)))) + float(x @ x)

    if not names:
        return total(np.zeros(0)), np.zeros(0)
    bounds = [(None if lows[name] == FREE else lows[name], None) for name in names]
    found = minimize(total, np.array([max(0.0, low or 0.0) for low, _ in bounds]), bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-9})
    return float(found.fun), found.x


@EVERY
@KINDS
@pytest.mark.parametrize("a", [0.6, 0.9, 1.4])
def test_profiled_chi2_is_the_numerical_minimum(asymmetric: Any, pulls: tuple[tuple[str, str, float], ...], a: float) -> None:
    likelihood = GaussianLikelihood(Lines(4), measured(4, *pulls), asymmetric=asymmetric)
    lowest, x = by_search(likelihood, {"a": a}, {name: low for name, _, low in pulls})
    assert float(likelihood.minus_two_log({"a": a})) == pytest.approx(lowest, rel=SEARCH)
    found = likelihood.best_pulls({"a": a})
    assert tuple(found) == likelihood.pulls
    np.testing.assert_allclose(list(found.values()), x, atol=1e-4)  # in sigma: the square root of the search's tolerance


@EVERY
@KINDS
def test_at_is_the_sum_written_out(asymmetric: Any, pulls: tuple[tuple[str, str, float], ...]) -> None:
    likelihood = GaussianLikelihood(Lines(4), m := measured(4, *pulls), asymmetric=asymmetric)
    mu = likelihood.model({"a": 1.1})
    strengths = {name: 0.7 * k - 0.2 for k, (name, _, _) in enumerate(pulls)}
    chi2 = 0.0
    for i in range(4):
        shift = sum(float(p.shape[i]) * strengths[p.name] * float(mu[i] if p.of == "prediction" else m.reference[i]) for p in m.pulls)
        chi2 += float((m.values[i] - mu[i] - shift) / np.broadcast_to(likelihood.errors(mu), 4)[i]) ** 2
    assert float(likelihood.at({"a": 1.1}, strengths)) == pytest.approx(chi2, rel=ULPS)


@EVERY
@pytest.mark.parametrize("pulls", [v for k, v in PULLS.items() if "bounded" not in k], ids=[k for k in PULLS if "bounded" not in k])
def test_chi2_is_that_of_the_printed_covariance(asymmetric: Any, pulls: tuple[tuple[str, str, float], ...]) -> None:
    likelihood = GaussianLikelihood(Lines(4), measured(4, *pulls), asymmetric=asymmetric)
    for a in (0.6, 0.9, 1.4):
        mu = likelihood.model({"a": a})
        r = likelihood.measurement.values - mu
        expected = r @ np.linalg.solve(likelihood.covariance(mu), r)
        assert float(likelihood.minus_two_log({"a": a})) == pytest.approx(expected, rel=ULPS)


def test_fixed_is_said_of_a_covariance_that_does_not_move() -> None:
    def fixed(kind: str, asymmetric: Any) -> bool:
        return GaussianLikelihood(Lines(4), measured(4, *PULLS[kind]), asymmetric=asymmetric).fixed

    assert [fixed(kind, "lower") for kind in PULLS] == [True, True, False, False, False, False, False]
    assert [fixed("reference", asymmetric) for asymmetric in TREATMENTS] == [True, True, False, False]


def test_a_bound_matters_only_where_it_is_reached() -> None:
    m = measured(4, ("x", "reference", FREE))
    low = GaussianLikelihood(Lines(4), replace(m, pulls=(replace(m.pulls[0], low=-0.5),)))
    free = GaussianLikelihood(Lines(4), m)
    for a in np.linspace(0.5, 1.5, 11):
        x = free.best_pulls({"a": a})["x"]
        if x < -0.5:
            assert low.best_pulls({"a": a})["x"] == pytest.approx(-0.5, rel=ULPS)
            assert low.minus_two_log({"a": a}) > free.minus_two_log({"a": a})
            assert float(low.minus_two_log({"a": a})) == pytest.approx(float(free.at({"a": a}, {"x": -0.5})) + 0.25, rel=ULPS)
        else:
            assert float(low.minus_two_log({"a": a})) == pytest.approx(float(free.minus_two_log({"a": a})), rel=ULPS)
    signs = {free.best_pulls({"a": a})["x"] < -0.5 for a in (0.5, 1.5)}
    assert signs == {True, False}  # both cases occurred


@EVERY
@KINDS
def test_chi2_broadcasts_over_theta_and_toys(asymmetric: Any, pulls: tuple[tuple[str, str, float], ...]) -> None:
    likelihood = GaussianLikelihood(Lines(4, (A, B)), measured(4, *pulls), asymmetric=asymmetric)
    a, b = np.linspace(0.5, 1.5, 3)[:, None], np.linspace(-0.2, 0.2, 2)
    grid = likelihood.minus_two_log({"a": a, "b": b})
    assert grid.shape == (3, 2)
    for i in range(3):
        for j in range(2):
            assert grid[i, j] == pytest.approx(float(likelihood.minus_two_log({"a": a[i, 0], "b": b[j]})), rel=ULPS)
    toys = likelihood.draw({"a": 1.0, "b": 0.0}, 5, np.random.default_rng(1)).values
    assert toys.shape == (5, 4)
    over = likelihood.minus_two_log({"a": a, "b": 0.0}, toys)  # theta (3, 1) against toys (5, 4)
    assert over.shape == (3, 5)
    for t in range(5):
        alone = GaussianLikelihood(likelihood.model, likelihood.measurement, asymmetric=asymmetric).minus_two_log({"a": a[2, 0], "b": 0.0}, toys[t])
        assert over[2, t] == pytest.approx(float(alone), rel=ULPS)
    np.testing.assert_allclose(
        likelihood.minus_two_log({"a": 1.0, "b": 0.0}, likelihood.measurement.values), likelihood.minus_two_log({"a": 1.0, "b": 0.0}), rtol=ULPS
    )


@EVERY
@pytest.mark.parametrize("kind", ["none", "reference", "prediction", "mixed"])
def test_toys_have_the_mean_and_covariance_of_the_likelihood(asymmetric: Any, kind: str) -> None:
    likelihood = GaussianLikelihood(Lines(3), measured(3, *PULLS[kind]), asymmetric=asymmetric)
    n, theta = 20_000, {"a": 0.8}
    pulls = {name: np.random.default_rng(k).standard_normal(n) for k, name in enumerate(likelihood.pulls)}  # from their prior
    toys = likelihood.draw(theta, n, np.random.default_rng(7), pulls).values
    mu, V = likelihood.model(theta), likelihood.covariance(likelihood.model(theta))
    error = np.sqrt(np.diag(V))
    # five sigma: of a mean of n, error/sqrt(n); of a covariance, sqrt((V_ii V_jj + V_ij^2)/n)
    assert np.all(np.abs(toys.mean(0) - mu) < 5 * error / math.sqrt(n))
    spread = np.sqrt((np.outer(error, error) ** 2 + V**2) / n)
    assert np.all(np.abs(np.cov(toys.T) - V) < 5 * spread)


def test_null_is_the_chi2_of_the_models_null() -> None:
    likelihood = GaussianLikelihood(Lines(4), measured(4, *PULLS["bounded and free"]))
    assert likelihood.null() == pytest.approx(float(likelihood.minus_two_log({"a": 1.0})), rel=ULPS)  # null is a = 1 of these models
    assert float(likelihood.null_shifted()({"x": 0.1, "y": 0.2})) == pytest.approx(float(likelihood.at({"a": 1.0}, {"x": 0.1, "y": 0.2})), rel=ULPS)


def test_what_a_likelihood_says_of_itself() -> None:
    likelihood = GaussianLikelihood(Lines(4), measured(4, *PULLS["bounded and free"]))
    assert (likelihood.parameters, likelihood.pulls, likelihood.n_data, likelihood.affine, likelihood.bounded) == ((A,), ("x", "y"), 4, "a", "x")
    assert likelihood.references == {"model-0", "measurement-0"}


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(RangeError, match="the model predicts 3 values, the measurement has 4"):
        GaussianLikelihood(Lines(3), measured(4))
    with pytest.raises(RangeError, match="pulls x, y all have a lower bound: expected at most one"):
        GaussianLikelihood(Lines(4), measured(4, ("x", "reference", -1.0), ("y", "reference", -2.0)))


# --- priors


def test_a_prior_is_a_penalty_in_display_units() -> None:
    plain = GaussianLikelihood(Lines(4, (A, B)), measured(4))
    with_prior = GaussianLikelihood(Lines(4, (replace(A, prior=(0.9, 0.1)), B)), measured(4))
    for a in (0.7, 1.2):
        theta = {"a": a, "b": 0.1}
        expected = float(plain.minus_two_log(theta)) + ((a - 0.9) / 0.1) ** 2
        assert float(with_prior.minus_two_log(theta)) == pytest.approx(expected, rel=ULPS)
        assert float(with_prior.at(theta, {})) == pytest.approx(expected, rel=ULPS)
    hours = Parameter("a", "h", low=0.0, high=10.0, prior=(2.0, 0.5))
    size = Lines(4, (hours,))
    size.slopes = size.slopes / u.hour
    plain = GaussianLikelihood(Lines(4), measured(4))
    difference = float(GaussianLikelihood(size, measured(4)).minus_two_log({"a": 3 * u.hour})) - float(plain.minus_two_log({"a": 3.0}))
    assert difference == pytest.approx(((3 - 2) / 0.5) ** 2, rel=1e-9)  # a difference of chi2 of some thousands


@pytest.mark.parametrize("asymmetric", ["lower", "split-normal"])
def test_a_shared_prior_counts_once(asymmetric: Any) -> None:
    p = replace(A, prior=(0.9, 0.1))
    one = GaussianLikelihood(Lines(3, (p,), seed=1), measured(3, seed=1))
    two = GaussianLikelihood(Lines(2, (p,), seed=2), measured(2, seed=2), asymmetric=asymmetric)
    bare = [GaussianLikelihood(Lines(n, seed=n_seed), measured(n, seed=n_seed), asymmetric=t) for n, n_seed, t in ((3, 1, "lower"), (2, 2, asymmetric))]  # type: ignore[arg-type]
    expected = sum(float(x.minus_two_log({"a": 1.2})) for x in bare) + 9.0
    assert isinstance(one + two, GaussianLikelihood if asymmetric == "lower" else Joint)
    assert float((one + two).minus_two_log({"a": 1.2})) == pytest.approx(expected, rel=ULPS)


# --- sums


def pair(*, second: Any = "lower", of: str = "reference") -> tuple[GaussianLikelihood, GaussianLikelihood]:
    """Two measurements that share the pull x, each with one of its own."""
    one = GaussianLikelihood(Lines(3, (A, B), seed=1), measured(3, ("x", of, FREE), ("y", "reference", FREE), seed=1))
    two = GaussianLikelihood(Lines(2, seed=2), measured(2, ("z", "prediction", FREE), ("x", of, FREE), seed=2), asymmetric=second)
    return one, two


@pytest.mark.parametrize("of", ["reference", "prediction"])
def test_a_sum_is_one_covariance_matrix_with_the_shared_column(of: str) -> None:
    one, two = pair(of=of)
    both = one + two
    assert isinstance(both, GaussianLikelihood)
    assert (both.parameters, both.pulls, both.n_data, both.affine) == ((A, B), ("x", "y", "z"), 5, "a")
    assert both.references == one.references | two.references
    theta = {"a": 0.9, "b": 0.05}
    mu = np.concatenate([one.model(theta), two.model({"a": 0.9})])
    values = np.concatenate([one.measurement.values, two.measurement.values])
    V = np.zeros((5, 5))
    V[:3, :3], V[3:, 3:] = one.covariance(mu[:3]), two.covariance(mu[3:])
    x1, x2 = one.measurement.pulls[0].shape, two.measurement.pulls[1].shape
    first = x1 * (mu[:3] if of == "prediction" else one.measurement.reference)
    V[:3, 3:] = np.outer(first, x2 * (mu[3:] if of == "prediction" else two.measurement.reference))
    V[3:, :3] = V[:3, 3:].T
    np.testing.assert_allclose(both.covariance(mu) / RATE**2, V / RATE**2, rtol=ULPS)
    assert float(both.minus_two_log(theta)) == pytest.approx((values - mu) @ np.linalg.solve(V, values - mu), rel=ULPS)
    assert float((two + one).minus_two_log(theta)) == pytest.approx(float(both.minus_two_log(theta)), rel=ULPS)
    assert both.null() == pytest.approx((two + one).null(), rel=ULPS)


def test_adding_profiled_chi2_is_another_thing() -> None:
    """Two values 10 % low with a common 10 % error: profiled apart each pulls by its own x, together they agree on one."""
    model = Lines(1)
    m = Measurement(
        names=("v",),
        values=0.8 * model.null,
        plus=0.01 * model.null,
        minus=0.01 * model.null,
        reference=model.null,
        pulls=(Pull(name="x", shape=np.array([0.1])),),
    )
    one = GaussianLikelihood(model, m)
    apart, together = 2 * float(one.minus_two_log({"a": 1.0})), float((one + one).minus_two_log({"a": 1.0}))
    assert apart == pytest.approx(2 * 0.04 / (0.0001 + 0.01), rel=ULPS)  # 2 x (0.2)^2/(s^2 + c^2)
    assert together == pytest.approx(2 * 0.04 / (0.0001 + 2 * 0.01), rel=ULPS)  # the common error does not average
    assert together < apart


@EVERY
def test_a_joint_of_two_that_could_merge_is_the_merged_one(asymmetric: Any) -> None:
    one, two = (GaussianLikelihood(x.model, x.measurement, asymmetric=asymmetric) for x in pair())
    theta = {"a": np.linspace(0.7, 1.3, 4)[:, None], "b": np.array([-0.1, 0.0, 0.2])}
    merged, joint = one + two, Joint(one, two)
    np.testing.assert_allclose(joint.minus_two_log(theta), merged.minus_two_log(theta), rtol=1e-8)  # differences of chi2 by steps of 0.01 sigma
    assert joint.null() == pytest.approx(merged.null(), rel=1e-8)
    assert (joint.parameters, joint.n_data, set(joint.pulls)) == (merged.parameters, merged.n_data, set(merged.pulls))
    assert joint.references == merged.references
    pulls, expected = joint.best_pulls({"a": 0.9, "b": 0.1}), merged.best_pulls({"a": 0.9, "b": 0.1})
    assert pulls == pytest.approx(expected, abs=1e-6)  # in sigma


@pytest.mark.parametrize("second", ["upper", "split-normal", "variable"])
def test_unlike_treatments_become_a_joint_with_common_pulls(second: Any) -> None:
    one, two = pair(second=second)
    joint = one + two
    assert isinstance(joint, Joint)
    assert joint.pulls == ("x", "y", "z")
    for theta in ({"a": 0.8, "b": 0.0}, {"a": 1.1, "b": 0.3}):
        lowest, x = by_search(joint, theta, dict.fromkeys(joint.pulls, FREE))
        assert float(joint.minus_two_log(theta)) == pytest.approx(lowest, rel=SEARCH)
        np.testing.assert_allclose(list(joint.best_pulls(theta).values()), x, atol=1e-4)  # in sigma
        strengths = {"x": 0.3, "y": -0.5, "z": 1.0}
        parts = float(one.at(theta, strengths)) + float(two.at({"a": theta["a"]}, strengths))
        assert float(joint.at(theta, strengths)) == pytest.approx(parts, rel=ULPS)
    assert float((two + one).minus_two_log(theta)) == pytest.approx(float(joint.minus_two_log(theta)), rel=1e-8)  # as above


def test_a_joint_grows_flat_and_broadcasts() -> None:
    one, two = pair(second="upper")
    third = GaussianLikelihood(Lines(2, seed=3), measured(2, ("y", "reference", FREE), seed=3), asymmetric="variable")
    joint = one + two + third
    assert isinstance(joint, Joint)
    assert joint.parts == (one, two, third)
    assert (third + (one + two)).parts == (third, one, two)  # type: ignore[attr-defined]
    assert joint.n_data == 7
    grid = joint.minus_two_log({"a": np.linspace(0.8, 1.2, 3)[:, None], "b": np.zeros(2)})
    assert grid.shape == (3, 2)
    assert grid[2, 1] == pytest.approx(float(joint.minus_two_log({"a": 1.2, "b": 0.0})), rel=1e-8)
    toys = joint.draw({"a": 1.0, "b": 0.0}, 4, np.random.default_rng(2))
    assert [part.shape for part in toys.values] == [(4, 3), (4, 2), (4, 2)]
    over = joint.minus_two_log({"a": 1.0, "b": 0.0}, toys)
    assert over.shape == (4,)
    assert over[1] == pytest.approx(float(joint.minus_two_log({"a": 1.0, "b": 0.0}, some(toys, np.s_[1]))), rel=1e-8)


def test_a_joint_without_pulls_is_the_plain_sum() -> None:
    one = GaussianLikelihood(Lines(3, seed=1), measured(3, seed=1))
    two = GaussianLikelihood(Lines(2, seed=2), measured(2, seed=2), asymmetric="upper")
    assert float((one + two).minus_two_log({"a": 0.9})) == pytest.approx(float(one.minus_two_log({"a": 0.9})) + float(two.minus_two_log({"a": 0.9})), rel=ULPS)
    assert (one + two).best_pulls({"a": 0.9}) == {}


def test_joints_refuse_what_they_cannot_do() -> None:
    free = GaussianLikelihood(Lines(2, seed=1), measured(2, seed=1))
    bounded = GaussianLikelihood(Lines(4, seed=2), measured(4, *PULLS["bounded"], seed=2), asymmetric="upper")
    with pytest.raises(RangeError, match=r"pull 'x' has a lower bound: expected free pulls in a sum of unlike likelihoods\. Give both the same 'asymmetric'"):
        free + bounded
    elsewhere = GaussianLikelihood(Lines(2, (replace(A, scale="log", low=0.1),)), measured(2), asymmetric="upper")
    for other in (elsewhere, GaussianLikelihood(elsewhere.model, elsewhere.measurement)):
        with pytest.raises(RangeError, match="parameter 'a' is declared in two ways"):
            (free + other).minus_two_log({"a": 1.0})
    with pytest.raises(RangeError, match="pull 'x' is of 'reference'.* and of 'prediction'"):
        pair()[0] + pair(of="prediction")[1]
    with pytest.raises(FitError, match="Joint has no affine parameter"):
        (free + GaussianLikelihood(Lines(2), measured(2), asymmetric="upper")).profile_affine({})


def test_a_sum_checks_both_parts() -> None:
    class Short(Lines):
        def check(self, theta: Any) -> None:
            if theta["a"] > 1.5:
                raise RangeError("too far")

    near = GaussianLikelihood(Short(2), measured(2))
    for second in ("lower", "upper"):
        far = GaussianLikelihood(Lines(3, (A, B)), measured(3), asymmetric=second)  # type: ignore[arg-type]
        for both in (near + far, far + near):
            both.check({"a": 1.4, "b": 0.0})
            with pytest.raises(RangeError, match="too far"):
                both.check({"a": 1.6, "b": 0.0})


# --- the affine parameter


@EVERY
@KINDS
def test_profile_of_the_affine_parameter_is_the_lowest_of_a_fine_grid(asymmetric: Any, pulls: tuple[tuple[str, str, float], ...]) -> None:
    likelihood = GaussianLikelihood(Lines(4, (A, B)), measured(4, *pulls), asymmetric=asymmetric)
    b = np.linspace(-1, 1, 9)
    best, chi2 = likelihood.profile_affine({"b": b})
    assert best.shape == chi2.shape == (9,)
    assert np.all((best >= 0) & (best <= 2))
    np.testing.assert_allclose(likelihood.minus_two_log({"a": best, "b": b}), chi2, rtol=ULPS)
    lowest = likelihood.minus_two_log({"a": np.linspace(0, 2, 2001)[:, None], "b": b}).min(0)
    assert np.all(chi2 <= lowest * (1 + 1e-9))
    a, alone = likelihood.profile_affine({"b": b[3]})
    assert (float(a), float(alone)) == pytest.approx((best[3], chi2[3]), rel=1e-9)


def test_profile_of_the_affine_parameter_stops_at_its_bounds() -> None:
    likelihood = GaussianLikelihood(Lines(4, (replace(A, high=0.5), B)), measured(4))
    best, _ = likelihood.profile_affine({"b": np.zeros(2)})
    np.testing.assert_array_equal(best, 0.5)


def test_profile_of_the_affine_parameter_with_a_prior() -> None:
    """Closed form of weighted least squares with one more datum, the prior."""
    likelihood = GaussianLikelihood(Lines(4, (replace(A, prior=(1.2, 0.02)),)), m := measured(4))
    slope, weight = likelihood.model.split({})[1], 1 / m.minus**2
    precision = (slope**2 * weight).sum() + 1 / 0.02**2
    expected = ((slope * weight * m.values).sum() + 1.2 / 0.02**2) / precision
    best, chi2 = likelihood.profile_affine({})
    assert float(best) == pytest.approx(expected, rel=1e-6)  # searched, not solved: chi2 is flat to the square of this
    assert float(chi2) == pytest.approx(float(likelihood.minus_two_log({"a": expected})), rel=1e-9)


# --- JAX


@EVERY
@KINDS
def test_numpy_and_jax_agree(asymmetric: Any, pulls: tuple[tuple[str, str, float], ...]) -> None:
    likelihood = GaussianLikelihood(Lines(4, (A, B)), measured(4, *pulls), asymmetric=asymmetric)
    theta = {"a": np.linspace(0.6, 1.4, 5), "b": np.linspace(-0.2, 0.2, 5)}
    traced = jax.jit(likelihood.minus_two_log)({name: jnp.asarray(x) for name, x in theta.items()})
    np.testing.assert_allclose(traced, likelihood.minus_two_log(theta), rtol=ULPS)
