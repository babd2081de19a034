"""Toys with a pull relative to the prediction: the likelihood itself, and the compiled loop against its definition."""

import sys

import numpy as np
import pytest

import megacurie as mci
from megacurie.foundation.measurement import Measurement, Pull
from megacurie.statistics import general, toys
from megacurie.statistics.likelihood import GaussianLikelihood
from megacurie.statistics.moving import Moving

AXES = {"sin2_2theta": np.linspace(0, 1, 4), "dm2": mci.geomspace("0.1 eV2", "30 eV2", 5)}


@pytest.fixture(scope="module", params=["giunti-2022", "two pulls"])
def likelihood(request):
    """The convention with a bounded pull; and a wide one of another shape per value beside one that is relative to the reference."""
    if request.param == "giunti-2022":
        return mci.gallium.datasets(conventions="giunti-2022").likelihood(mci.Sterile())
    return two_pulls(np.linspace(0.05, 0.1, 6))


def two_pulls(shape):
    six = mci.gallium.datasets().likelihood(mci.Sterile())
    pulls = (Pull(name="moves", shape=shape, of="prediction"), Pull(name="stays", shape=np.array([0, 0, 0.05, 0.05, 0.02, 0.02])))
    m = six.measurement
    measurement = Measurement(
        names=m.names, values=m.values, plus=m.plus, minus=m.minus, reference=m.reference, pulls=pulls, references=frozenset()
    )  # fmt: skip
    return GaussianLikelihood(six.model, measurement)


@pytest.fixture(scope="module")
def study(likelihood):
    found, order = general.study(likelihood, AXES, toys=500, seed=4)
    assert isinstance(found, Moving)
    return found, order


def thetas(order):
    mesh = np.meshgrid(*AXES.values(), indexing="ij")
    return {name: one.ravel()[order] for name, one in zip(AXES, mesh, strict=True)}


def test_data_have_the_delta_chi2_of_their_likelihood(likelihood, study):
    one, order = study
    least = likelihood.profile_affine({"dm2": one.minimised_on["dm2"]})[1].min()
    # the likelihood searches s to 1e-9 of its range; chi2 is flat there
    np.testing.assert_allclose(one.observed, likelihood.minus_two_log(thetas(order)) - least, atol=1e-8)


def test_toys_have_the_delta_chi2_of_their_likelihood(likelihood, study):
    """Thrown as ratios with an auxiliary measurement of the pull, fitted on a fine grid of amplitudes: nothing of the polynomials."""
    one, order = study
    z = one.normals(0, 60)
    found = one.delta_chi2(z)
    (moves,) = [pull for pull in likelihood.measurement.pulls if pull.of == "prediction"]
    still = [pull.shape for pull in likelihood.measurement.pulls if pull.of == "reference"]
    white = _white(likelihood, still)
    root = np.linalg.inv(white)
    where = thetas(order)
    fine = {"sin2_2theta": np.linspace(0, 1, 2001), "dm2": one.minimised_on["dm2"]}

    def chi2(theta, data, auxiliary):
        mu = likelihood.model(theta) @ white
        shift = (moves.shape * likelihood.model(theta)) @ white
        residual = (data @ white) - mu[..., None, :]
        along = np.einsum("...tn,...n->...t", residual, shift)
        square = (shift * shift).sum(-1)[..., None]
        x = np.maximum((along + auxiliary) / (square + 1), moves.low)
        return (residual * residual).sum(-1) + x * (x * square - 2 * along) + (x - auxiliary) ** 2

    for k in range(0, len(order), 3):
        theta = {name: float(values[k]) for name, values in where.items()}
        true = likelihood.best_pulls(theta)[moves.name]
        assert one.pull[k] == pytest.approx(true, abs=1e-9)
        mu = likelihood.model(theta)
        data, auxiliary = mu * (1 + moves.shape * true) + z[:, :-1] @ root, true + z[:, -1]
        here = chi2({name: np.asarray(value) for name, value in theta.items()}, data, auxiliary)
        least = np.minimum(here, np.min([chi2({**fine, "dm2": dm2}, data, auxiliary).min(0) for dm2 in fine["dm2"]], 0))
        # a step of the grid is 5e-4 of an effect of at most twenty sigma, its half misses 2.5e-5; two steps of Newton's method miss as little
        np.testing.assert_allclose(found[k], here - least, atol=5e-5)


def _white(likelihood, still):
    from megacurie.statistics.covariance import whitening

    shifts = np.stack(still, -1) if still else np.zeros((6, 0))
    return whitening(likelihood.errors(likelihood.measurement.reference), shifts)(np.eye(6))


def test_compiled_loop_repeats_the_definition(study, monkeypatch):
    one, _ = study
    compiled = one.tally(slice(None))
    monkeypatch.setitem(sys.modules, "megacurie.statistics._fast", None)
    monkeypatch.delattr("megacurie.statistics._fast", raising=False)
    for found, wanted in zip(compiled, one.tally(slice(None)), strict=True):
        assert np.abs(found.astype(int) - wanted.astype(int)).max() <= 1  # a toy on an edge
    assert compiled[1].shape[1] == toys.BINS


@pytest.mark.parametrize("low", [-np.inf, -1.0])
def test_the_widest_pull_is_fitted_to_its_minimum(low):
    """Of all amplitudes, in steps so fine that the best of them misses less than the tolerance: effects of at most 25 sigma, (25 x 1e-4)^2."""
    rng = np.random.default_rng(8)
    s = np.linspace(0, 1, 5001)
    for _ in range(20):
        effect = np.append(-rng.uniform(0, 1, 6) / 0.1, 0.0)
        one = Moving(
            observed=np.zeros(1), toys=1, seed=1, effect=effect[None], shift=general._WIDE * effect[None],
            start=np.append(general._WIDE / 0.1 * np.ones(6), 1.0), place=np.zeros(1, int), size=rng.uniform(0, 1, 1),
            pull=np.maximum(rng.standard_normal(1), low), low=low,
        )  # fmt: skip
        y = rng.standard_normal((50, 7)) + one.truth()[0]
        shift = one.start + s[:, None] * one.shift[0]
        along, square = (y[:, None] * shift).sum(-1) - s * (shift @ effect), (shift * shift).sum(-1)
        x = np.maximum(along / square, low)
        wanted = (s * s * (effect @ effect) - 2 * s * (y @ effect)[:, None] - 2 * x * along + x * x * square).min(-1)
        np.testing.assert_allclose(one.best(y @ one.effect.T, y @ one.shift.T, y @ one.start), wanted, atol=1e-3)


def test_a_wider_pull_is_thrown_and_fitted_one_by_one():
    for shape, form in ((general._WIDE, Moving), (1.01 * general._WIDE, general.General)):
        assert isinstance(general.study(two_pulls(np.full(6, shape)), AXES, toys=1, seed=1)[0], form)


@pytest.mark.parametrize("low", [-np.inf, -1.0, 0.0])
@pytest.mark.parametrize("error", [0.02, 0.05])
def test_compiled_loop_repeats_the_definition_of_a_wide_pull(error, low):
    """A pull of a tenth, several times what the data are known to: from one step to the next its own weight changes by factors, or it reaches its bound."""
    rng = np.random.default_rng(7)
    for n, count in ((2, 5), (6, 33), (12, 5)):
        effect = -rng.uniform(0, 1, (count, n)) / error
        shape, none = rng.uniform(0, 0.2, n), np.zeros((count, 1))
        pull = np.maximum(rng.standard_normal(20), low)
        one = Moving(
            observed=np.full(20, 2.0), toys=500, seed=3, effect=np.hstack([effect, none]), shift=np.hstack([shape * effect, none]),
            start=np.append(shape / error, 1.0), place=np.sort(rng.integers(0, count, 20)), size=rng.uniform(0, 1, 20), pull=pull, low=low,
        )  # fmt: skip
        delta = one.delta_chi2(one.normals(0, toys.BLOCK)[:500])
        beyond, histogram = one.tally(slice(None))
        wanted = np.array([toys.binned(each) for each in delta])
        assert np.abs(beyond - (delta >= 2.0).sum(-1)).max() <= 1  # a toy on an edge
        assert np.abs(histogram.cumsum(-1, dtype=int) - wanted.cumsum(-1, dtype=int)).max() <= 1


def test_the_linear_model_is_never_worse(study):
    """What leaves out candidates: at no amplitude and no pull is chi2 below the bound of ``linear`` for that pull."""
    one, _ = study
    rng = np.random.default_rng(5)
    unit, odd, height, turn, _, floor = one.linear()
    for _ in range(20):
        k, j = int(rng.integers(len(one.place))), int(rng.integers(len(one.effect)))
        y = rng.standard_normal((200, len(one.start))) + one.truth(slice(k, k + 1))
        s, x = rng.uniform(0, 1, 200), np.maximum(rng.standard_normal(200) * 3, one.low)
        g, c, start = one.effect[j], one.shift[j], one.start
        shift = start + s[:, None] * c
        chi2 = ((y - s[:, None] * g - x[:, None] * shift) ** 2).sum(-1)
        longest = 1 + np.abs(turn[j] * x)
        along, pull = y @ unit[j], y @ start
        a = np.clip(along, 0, longest * height[j])
        free = a * (2 * along - a) + pull**2 / (start @ start)
        square = g @ g
        sigma = np.clip((y @ g - floor[j] * (g @ start)) / square, 0, longest)
        bound = sigma * (2 * (y @ g - floor[j] * (g @ start)) - sigma * square) + floor[j] * (2 * pull - floor[j] * (start @ start))
        gain = np.where(pull - a / height[j] * (g @ start) >= floor[j] * (start @ start), free, bound)
        rest = np.abs(s * x * (y @ odd[j]))
        assert (chi2 >= (y * y).sum(-1) - gain - 2 * rest - 1e-9).all()
