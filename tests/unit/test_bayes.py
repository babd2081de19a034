"""Posteriors over the unit cube, and evidence of models whose integral is known."""

import math
from typing import Any

import emcee
import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.special import erf

import megacurie as mci
from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError
from megacurie.foundation.measurement import Measurement
from megacurie.foundation.parameters import Parameter
from megacurie.statistics.bayes import log_evidence, log_posterior, physical
from megacurie.statistics.likelihood import GaussianLikelihood

A = Parameter("a", "", low=-1.0, high=3.0)
B = Parameter("b", "m", low=0.5, high=8.0, scale="log")
C = Parameter("c", "", low=0.0, high=1.0)
PRIOR = Parameter("a", "", low=-1.0, high=3.0, prior=(1.2, 0.2))


class Sums:
    """mu_i = sum of the parameters, in display units, times a matrix; for the tests."""

    affine, limited, references = None, (), frozenset()

    def __init__(self, matrix: Any, *parameters: Parameter) -> None:
        self.matrix, self.parameters = np.asarray(matrix, dtype=float), parameters
        self.null = np.zeros(len(self.matrix))

    def __call__(self, theta: Any) -> Any:
        shown = np.broadcast_arrays(*(np.asarray(theta[p.name]) / u.from_display(1.0, p.unit) for p in self.parameters))
        return np.stack(shown, -1) @ self.matrix.T

    def check(self, theta: Any) -> None:
        pass


def gaussian(values: list[float], errors: list[float], matrix: Any, *parameters: Parameter) -> GaussianLikelihood:
    n = len(values)
    names, size = tuple(f"d{i}" for i in range(n)), np.array(errors)
    measurement = Measurement(names=names, values=np.array(values), plus=size, minus=size, reference=np.ones(n))
    return GaussianLikelihood(Sums(matrix, *parameters), measurement)


# --- the posterior


def test_positions_are_spread_over_the_bounds_on_their_scale() -> None:
    likelihood = gaussian([1.0, 4.0], [0.5, 2.0], np.eye(2), A, B)
    posterior = log_posterior(likelihood)
    # a = -1 + 4 x .5 = 1; b = 0.5 x 16^.75 = 4: no deviation; then a = 0 (two sigma) and b = 2 (one sigma)
    assert float(posterior(np.array([0.5, 0.75]))) == pytest.approx(0, abs=1e-20)
    assert float(posterior(np.array([0.25, 0.75]))) == pytest.approx(-2, rel=1e-12)
    assert float(posterior(np.array([0.5, 0.5]))) == pytest.approx(-0.5, rel=1e-12)
    theta = physical(likelihood, np.array([[0.5, 0.5], [0.0, 1.0]]))
    np.testing.assert_allclose(theta["a"], [1, -1], rtol=1e-12)
    np.testing.assert_allclose(theta["b"] / u.m, [2, 8], rtol=1e-12)


def test_outside_the_cube_is_impossible() -> None:
    posterior = log_posterior(gaussian([1.0, 4.0], [0.5, 2.0], np.eye(2), A, B))
    inside = np.array([[0.0, 0.0], [1.0, 1.0], [0.5, 0.5]])
    outside = np.array([[-1e-12, 0.5], [0.5, 1.0 + 1e-12], [7.0, -3.0], [np.nan, 0.5], [0.5, np.inf]])
    assert np.isfinite(posterior(inside)).all()
    assert (posterior(outside) == -np.inf).all()


def test_one_call_for_many_positions() -> None:
    sterile = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    posterior = log_posterior(sterile)
    u_ = np.random.default_rng(3).uniform(-0.2, 1.2, (4, 5, 2))
    many = posterior(u_)
    assert many.shape == (4, 5)
    for i in np.ndindex(4, 5):
        assert many[i] == pytest.approx(float(posterior(u_[i])), rel=1e-10)  # the same products, added in blocks
    theta = {p.name: float(p.at(0.4)) for p in sterile.parameters}
    assert float(posterior(np.array([0.4, 0.4]))) == pytest.approx(-0.5 * float(sterile.minus_two_log(theta)), rel=1e-12)


def test_knowledge_of_a_parameter_counts_as_data() -> None:
    posterior = log_posterior(gaussian([1.0], [0.5], [[1.0]], PRIOR))
    # a = 1.6: 1.2 sigma of the datum, 2 of the prior
    assert float(posterior(np.array([0.65]))) == pytest.approx(-0.5 * (1.2**2 + 2**2), rel=1e-12)


# --- evidence


def normal_integral(mean: float, sigma: float, low: float, high: float) -> float:
    """Int exp(-(a - mean)^2/2 sigma^2) da/(high - low) between the bounds."""
    ends = (erf((end - mean) / (sigma * math.sqrt(2))) for end in (high, low))
    return sigma * math.sqrt(math.pi / 2) * (next(ends) - next(ends)) / (high - low)


@pytest.mark.parametrize("values", [[1.0, 1.3], [0.2, 1.9]])
def test_evidence_of_a_straight_line_in_closed_form(values: list[float]) -> None:
    """Two measurements .1 and .2 of one number: chi2 is its least value and a parabola of width 1/sqrt(125) about the weighted mean."""
    likelihood = gaussian(values, [0.1, 0.2], [[1.0], [1.0]], A)
    mean, sigma = (100 * values[0] + 25 * values[1]) / 125, 1 / math.sqrt(125)
    least = (values[0] - values[1]) ** 2 / (0.1**2 + 0.2**2)
    expected = math.log(normal_integral(mean, sigma, -1, 3)) - 0.5 * least
    # the trapezoid rule on a Gaussian away from the bounds errs by exp(-2 (pi sigma/h)^2) with h = sigma/9; the rest is rounding
    assert log_evidence(likelihood) == pytest.approx(expected, rel=1e-10)
    assert log_evidence(likelihood, points=81) == pytest.approx(expected, abs=1e-6)  # h = .56 sigma: exp(-63)


def test_evidence_where_the_bound_cuts() -> None:
    likelihood = gaussian([-1.05], [0.4], [[1.0]], A)  # the mean lies below the lower bound
    expected = math.log(normal_integral(-1.05, 0.4, -1, 3))
    # a cut Gaussian: h^2/12 f'(end), here (.01/.4)^2/12 x .125 of a peak, against an integral of 1.2 sigma
    assert log_evidence(likelihood) == pytest.approx(expected, abs=1e-5)
    assert abs(log_evidence(likelihood, points=41) - expected) < 1e-3  # ten times the step: a hundred times the error


def test_evidence_counts_the_knowledge_of_a_parameter() -> None:
    """A datum 1.0 +- .5 and a prior 1.2 +- .2: one parabola about their weighted mean."""
    mean, sigma = (1.0 / 0.25 + 1.2 / 0.04) / (1 / 0.25 + 1 / 0.04), (1 / 0.25 + 1 / 0.04) ** -0.5
    expected = math.log(normal_integral(mean, sigma, -1, 3)) - 0.5 * 0.2**2 / (0.25 + 0.04)
    assert log_evidence(gaussian([1.0], [0.5], [[1.0]], PRIOR)) == pytest.approx(expected, rel=1e-10)


def test_evidence_of_two_parameters() -> None:
    """Against an adaptive integral over the square of positions; the logarithmic scale makes it no Gaussian."""
    likelihood = gaussian([1.4, 3.1, 0.9], [0.8, 1.1, 1.5], [[1.0, 0.2], [0.3, 1.0], [-0.5, 0.7]], A, B)
    posterior = log_posterior(likelihood)
    integral, _ = dblquad(lambda y, x: math.exp(float(posterior(np.array([x, y])))), 0, 1, 0, 1, epsabs=0, epsrel=1e-6)
    errors = [abs(log_evidence(likelihood, points=points) - math.log(integral)) for points in (13, 25, 49)]
    assert errors[0] < 1e-2  # the rule of order two with steps of .08 under a peak .3 wide, which the bounds cut far down: less than (h/w)^2/12
    assert errors[1:] == pytest.approx([errors[0] / 4, errors[0] / 16], rel=0.1, abs=2e-6)  # order two; next order, and the integral's own error


def test_evidence_of_parts_is_a_product() -> None:
    both = log_evidence(gaussian([1.0, 0.4], [0.3, 0.2], np.eye(2), A, C))
    assert both == pytest.approx(log_evidence(gaussian([1.0], [0.3], [[1.0]], A)) + log_evidence(gaussian([0.4], [0.2], [[1.0]], C)), rel=1e-12)


def test_evidence_of_no_parameters_or_three_is_refused() -> None:
    third = Parameter("third", "", low=0.0, high=1.0)
    with pytest.raises(RangeError, match="evidence on a grid of 3 parameters: expected one or two. Give log_posterior to a nested sampler"):
        log_evidence(gaussian([1.0], [1.0], [[1.0, 1.0, 1.0]], A, C, third))
    with pytest.raises(RangeError, match="evidence on a grid of 0 parameters"):
        log_evidence(mci.gallium.datasets(only=["best"]).likelihood(mci.NoOscillation()))


# --- samplers


def test_emcee_finds_mean_and_width_of_a_linear_model() -> None:
    """Two parameters whose posterior is a Gaussian of known mean and covariance, far from the bounds."""
    matrix = np.array([[1.0, 0.5], [0.2, 1.0], [1.0, -1.0]])
    errors, values = np.array([0.05, 0.08, 0.1]), np.array([1.25, 0.7, 0.55])
    likelihood = gaussian(values.tolist(), errors.tolist(), matrix, A, C)
    normal = matrix.T @ np.diag(errors**-2) @ matrix
    covariance = np.linalg.inv(normal)
    mean = covariance @ matrix.T @ (values / errors**2)
    walkers, steps = 16, 3000
    start = np.random.default_rng(1).uniform(0.45, 0.55, (walkers, 2))
    sampler = emcee.EnsembleSampler(walkers, 2, log_posterior(likelihood), vectorize=True)
    state = emcee.State(start, random_state=np.random.RandomState(5).get_state())  # emcee draws from a state of its own
    sampler.run_mcmc(state, steps)
    burnt = 300
    sample = physical(likelihood, sampler.get_chain(discard=burnt, flat=True))
    length = sampler.get_autocorr_time(discard=burnt, tol=0)
    for i, name in enumerate(("a", "c")):
        effective = walkers * (steps - burnt) / length[i]
        assert effective > 300
        sigma = math.sqrt(covariance[i, i])
        assert abs(sample[name].mean() - mean[i]) < 5 * sigma / math.sqrt(effective)  # five sigma of a mean
        assert abs(sample[name].std() - sigma) < 5 * sigma / math.sqrt(2 * effective)  # and of a width
