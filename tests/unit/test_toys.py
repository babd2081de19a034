"""Toys of Feldman-Cousins regions: the closed forms against brute force, and the compiled loop against its definition."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import chdtrc

import megacurie as mci
from megacurie.statistics import general, toys
from megacurie.statistics.toys import BINS, PER_UNIT, Affine, Grid

AXES = {"sin2_2theta": np.linspace(0, 1, 6), "dm2": mci.geomspace("0.1 eV2", "30 eV2", 7)}


@pytest.fixture(scope="module")
def gallium():
    return mci.gallium.datasets().likelihood(mci.Sterile())


def made(likelihood, n=300, axes=AXES, **options):
    return general.study(likelihood, axes, toys=n, seed=5, **options)


def test_closed_form_is_the_minimum_over_a_fine_grid_of_amplitudes(gallium):
    study, _ = made(gallium)
    z = study.normals(0, 40)
    found = study.delta_chi2(z)
    s = np.linspace(0, 1, 2001)
    g = study.direction * study.height[:, None]
    for k in range(len(study.size)):
        y = z + study.size[k] * study.direction[study.place[k]]
        # |y - s g|^2 of every candidate and amplitude
        chi2 = (y * y).sum(-1)[:, None, None] - 2 * (y @ g.T)[..., None] * s + study.height[:, None] ** 2 * s**2
        here = ((y - study.size[k] * study.direction[study.place[k]]) ** 2).sum(-1)
        brute = here - chi2.min((1, 2))
        # a parabola of curvature h^2 missed by half a step, 1/4000, of an amplitude; h below 20: 2.5e-5
        assert study.height.max() < 20
        assert np.all(found[k] - brute > -1e-9)
        assert np.all(found[k] - brute < 2.5e-5)


def test_independent_brute_force_of_the_likelihood_gives_the_same_counts(gallium):
    """Toys thrown as ratios by the covariance, chi2 by its inverse at every candidate: nothing of the closed form."""
    n = 600
    study, place = made(gallium, n)
    beyond, _ = study.tally(slice(None))
    mesh = [axis.ravel() for axis in np.meshgrid(*AXES.values(), indexing="ij")]
    V = gallium.covariance(gallium.measurement.reference)
    inverse, root = np.linalg.inv(V), np.linalg.inv(gallium.whitened(np.eye(6)))
    fine = study.minimised_on["dm2"]
    s = np.linspace(0, 1, 1001)
    zero, slope = gallium.model.split({"dm2": fine})
    mu = zero[:, None] + s[:, None] * slope[:, None]  # (dm2, s, data)
    flat = mu.reshape(-1, 6)
    z = study.normals(0, n)
    for k in (3, 9, 20, 33, 41):
        theta = {name: float(values[place[k]]) for name, values in zip(AXES, mesh, strict=True)}
        truth = gallium.model(theta)
        least = np.array([np.einsum("ij,jk,ik->i", d - flat, inverse, d - flat).min() for d in (truth + z @ root)])
        data = gallium.measurement.values
        observed = gallium.minus_two_log(theta) - np.einsum("ij,jk,ik->i", data - flat, inverse, data - flat).min()
        delta = np.einsum("ij,jk,ik->i", z @ root, inverse, z @ root) - least
        # half a step of s, 1/2000, moves chi2 by up to (14/2000)^2 = 5e-5: a toy so near to the edge may fall on either side
        sure = np.abs(delta - observed) > 1e-4
        assert abs(int(beyond[k]) - int((delta >= observed).sum())) <= int((~sure).sum())
        assert int((~sure).sum()) <= 2


@pytest.mark.parametrize("single", [False, True])
def test_compiled_loop_repeats_the_definition(gallium, single):
    study, _ = made(gallium, 5000, single=single)  # two blocks, the last not full
    beyond, histogram = study.tally(slice(None))
    wanted_beyond, wanted = toys._tally(replace(study, single=False), slice(None))
    assert (histogram.sum(-1) == 5000).all()
    # rounding moves a toy over an edge: 1e-13 of a width of .01 in double, 1e-5 of it in single precision
    moved = np.abs(np.cumsum(histogram.astype(int) - wanted.astype(int), -1)).max(-1)
    allowed = 20 if single else 1
    assert np.abs(beyond - wanted_beyond).max() <= allowed
    assert moved.max() <= allowed


def test_compiled_loop_with_every_kind_of_candidate():
    """Heights from nothing to much: amplitudes that are free, clipped below, clipped above; an odd number of candidates and of points."""
    rng = np.random.default_rng(3)
    direction = rng.standard_normal((37, 3))
    direction /= np.sqrt((direction**2).sum(-1))[:, None]
    height = np.concatenate([[0.0], np.geomspace(1e-3, 30, 36)])
    place = np.sort(rng.integers(0, 37, 23))
    study = Affine(
        observed=np.full(23, 2.0), toys=1000, seed=7, direction=direction, height=height, place=place, size=rng.uniform(0, 1, 23) * height[place]
    )  # fmt: skip
    for found, wanted in zip(study.tally(slice(None)), toys._tally(study, slice(None)), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("n", [1, 127, 5000])
def test_toys_that_stand_together_are_all_there_and_alike(gallium, n):
    study, _ = made(gallium)
    z = study.normals(0, 5000)[:n]
    order = toys.grouped(z, study.direction, 128)
    assert len(order) % 128 == 0
    assert sorted(order[:n]) == list(range(n))
    if n == 5000:  # forty groups along two or three axes: a third of the range of toys in any order, or less
        spread = [np.ptp((z[which] @ study.direction.T)[:4992].reshape(39, 128, -1), axis=1).mean() for which in (order, np.arange(n))]
        assert spread[0] < spread[1] / 3


def test_parts_of_the_points_give_the_same_as_all(gallium):
    study, _ = made(gallium)
    whole = study.tally(slice(None))
    for part in (slice(0, 5), slice(5, 6), slice(6, 42)):
        for one, all_ in zip(study.tally(part), whole, strict=True):
            np.testing.assert_array_equal(one, all_[part])


def test_more_toys_keep_those_that_were_there(gallium):
    few, many = (made(gallium, n)[0].tally(slice(None))[1].astype(int) for n in (100, 5000))
    assert (many >= few).all()


def test_a_free_amplitude_is_chi2_with_one_degree_of_freedom():
    """One candidate, far from both bounds: Wilks' theorem is exact."""
    n = 100_000
    study = Affine(
        observed=np.array([2.706]), toys=n, seed=1, direction=np.eye(1), height=np.array([1e3]), place=np.zeros(1, dtype=int), size=np.array([500.0])
    )  # fmt: skip
    beyond, histogram = study.tally(slice(None))
    assert abs(beyond[0] / n - 0.1) < 4 * np.sqrt(0.09 / n)
    above = 1 - np.cumsum(histogram[0]) / n
    edges = np.arange(1, BINS) / PER_UNIT
    assert np.abs(above[:-1] - chdtrc(1, edges)).max() < 2.3 / np.sqrt(n)  # Kolmogorov-Smirnov: exceeded once in 20 000


def test_loss_against_continuous_dm2_falls_with_the_square_of_the_step(gallium):
    """Minimised on four steps per step of 50 points from .1 to 30 eV2, Delta chi2 is .003 too small on average: a thousandth of a critical value."""
    axes = {"sin2_2theta": np.array([0.3]), "dm2": mci.geomspace("0.1 eV2", "30 eV2", 50)}
    continuous, _ = made(gallium, axes=axes, minimise_on={"dm2": mci.geomspace("0.1 eV2", "30 eV2", 49 * 64 + 1)})
    z = continuous.normals(0, 200)
    best = continuous.delta_chi2(z)
    losses = []
    for steps in (2, 4, 8):
        study, _ = made(gallium, axes=axes, minimise_on={"dm2": mci.geomspace("0.1 eV2", "30 eV2", 49 * steps + 1)})
        lost = best - study.delta_chi2(z)
        assert lost.min() > -1e-9  # rounding: the finer grid holds the coarser
        losses.append(float(lost.mean()))
    default = best - made(gallium, axes=axes)[0].delta_chi2(z)
    assert float(default.mean()) == pytest.approx(losses[1], rel=1e-6)
    assert losses[1] < 0.005
    # a parabola at its top: four times less for half the step, to a fifth from 10 000 toys of which some have their minimum on a bound
    assert losses[0] / losses[1] == pytest.approx(4, rel=0.2)
    assert losses[1] / losses[2] == pytest.approx(4, rel=0.2)


def test_without_numba_the_definition_does_the_work(gallium, monkeypatch):
    study, _ = made(gallium)
    compiled = study.tally(slice(None))
    monkeypatch.setitem(sys.modules, "megacurie.statistics._fast", None)
    monkeypatch.delattr("megacurie.statistics._fast", raising=False)
    for one, other in zip(study.tally(slice(None)), compiled, strict=True):
        assert np.abs(one.astype(int) - other.astype(int)).max() <= 1  # a toy on an edge


@pytest.mark.parametrize("shape", [(1, 40), (3, 25)])
def test_grid_is_the_smallest_chi2_of_its_candidates(shape):
    profiled, points = shape
    rng = np.random.default_rng(2)
    prediction = rng.standard_normal((profiled * points + 13, 4)) * 2
    study = Grid(
        observed=np.full(points, 1.5), toys=64, seed=3, prediction=prediction, profiled=profiled, truth=np.arange(points) * profiled + profiled - 1
    )  # fmt: skip
    z = study.normals(0, 64)
    for k, found in enumerate(study.delta_chi2(z)):
        y = z + prediction[study.truth[k]]
        chi2 = ((y[:, None] - prediction) ** 2).sum(-1)
        brute = chi2[:, profiled * k : profiled * (k + 1)].min(1) - chi2.min(1)
        np.testing.assert_allclose(found, brute, atol=1e-10)  # rounding of sums of some hundred


def test_decoherence_is_a_grid_whose_counts_are_those_of_its_likelihood():
    likelihood = mci.gallium.datasets(only=["best"]).likelihood(mci.Decoherence())
    axes = {"lambda12": mci.geomspace("0.1 m", "50 m", 9)}
    fixed = {"r": 2.0} if "r" in [p.name for p in likelihood.parameters] else {}
    study, _ = general.study(likelihood, axes, fixed=fixed, toys=200, seed=1)
    assert isinstance(study, Grid)
    beyond, _ = study.tally(slice(None))
    root = np.linalg.inv(likelihood.whitened(np.eye(2)))
    z = study.normals(0, 4096)[:200]
    fine = {"lambda12": study.minimised_on["lambda12"][:, None], **fixed}
    for k, at in enumerate(axes["lambda12"]):
        theta = {"lambda12": float(at), **fixed}
        data = likelihood.model(theta) + z @ root
        delta = likelihood.minus_two_log(theta, data) - likelihood.minus_two_log(fine, data).min(0)
        seen = likelihood.minus_two_log(theta) - likelihood.minus_two_log({"lambda12": study.minimised_on["lambda12"], **fixed}).min()
        assert abs(int(beyond[k]) - int((delta >= seen - 1e-9).sum())) <= 1  # rounding at an edge


def test_histogram_keeps_what_is_beyond_its_end():
    counts = toys.binned(np.array([0.0, 0.0099, 0.01, 29.999, 30.0, 1e9]))
    assert (counts[0], counts[1], counts[-2], counts[-1], counts.sum()) == (2, 1, 1, 2, 6)
