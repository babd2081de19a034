"""The hot path against the formula written out as loops; shapes, reach, JAX."""

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import megacurie as mci
from megacurie.experiments.expectation import Expectation
from megacurie.experiments.kernel import Block, RateKernel
from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError
from megacurie.foundation.parameters import Parameter
from megacurie.physics.hypotheses import (
    ActivityScale,
    BranchingRatioShift,
    ExcitedStateStrength,
    ExtractionEfficiency,
    Ge71HalfLife,
    Hypothesis,
    NoOscillation,
    Sterile,
    combine,
)

jax.config.update("jax_enable_x64", True)

ULPS = 1e-13  # sums of some dozen products


@dataclass(frozen=True)
class Conversion(Hypothesis):
    """For the tests: neutrinos become another flavour, antineutrinos twice as slowly, and one component is scaled per node."""

    name = "conversion"
    parameters = (Parameter("length", "m", low=0.1, high=10.0, scale="log"), Parameter("tilt", "", low=0.0, high=1.0))

    def probabilities(self, theta: Any, L: Any, E: Any, *, particle: str = "neutrino") -> Any:
        xp = mci.namespace(L, E, *theta.values())
        P = xp.exp(-L / (theta["length"] * (2.0 if particle == "antineutrino" else 1.0)))
        return P, 0.5 * (1 - P)

    def scale(self, theta: Any, E: Any, tags: frozenset[str]) -> Any:
        return 1 + theta["tilt"] * E / u.MeV if "part:tilted" in tags else 1.0


def block(start: int, stop: int, n: int, seed: int, *, particle: str = "neutrino", tags: tuple[str, ...] = (), x: bool = True) -> Block:
    rng = np.random.default_rng(seed)
    weight = rng.uniform(0.1, 1, (2, stop - start, n))
    weight[1] *= x
    energy, baseline = rng.uniform(0.4, 0.8, n) * u.MeV, rng.uniform(0.1, 2, n) * u.m
    return Block(bins=slice(start, stop), energy=energy, baseline=baseline, weight=weight, particle=particle, tags=frozenset(tags))


def kernel(seed: int) -> RateKernel:
    """Seven bins: 0-1 nothing but background, 2-4 four blocks in two particles and with tags, 5 a gap, 6 one block."""
    rng = np.random.default_rng(seed)
    first = block(2, 5, 4, seed)
    same_nodes = replace(first, weight=rng.uniform(0.1, 1, first.weight.shape), tags=frozenset({"part:tilted"}))
    merged = replace(first, weight=rng.uniform(0.1, 1, first.weight.shape))
    anti = block(2, 5, 3, seed + 1, particle="antineutrino", tags=("part:tilted",))
    source = ("source:cr51", "channel:ga71", "activity:gamma")
    last = block(6, 7, 5, seed + 2, x=False, tags=(*source, "state:ground")), block(6, 7, 2, seed + 3, x=False, tags=(*source, "state:excited-175"))
    return RateKernel(
        labels=tuple("abcdefg"), blocks=(last[0], first, same_nodes, anti, merged, last[1]), background=rng.uniform(0, 1, 7), reach=np.inf
    )  # fmt: skip


KERNEL = kernel(1)
HYPOTHESES = {
    h.name: h
    for h in (
        NoOscillation(), Sterile(), Conversion(), ActivityScale(), ExtractionEfficiency(), Ge71HalfLife(), BranchingRatioShift(),
        combine(Sterile(), BranchingRatioShift(), ExcitedStateStrength()),
    )
}  # fmt: skip
EVERY = pytest.mark.parametrize("hypothesis", HYPOTHESES.values(), ids=HYPOTHESES)


def by_hand(kernel: RateKernel, hypothesis: Hypothesis, theta: dict[str, float]) -> np.ndarray:
    """mu[b] = background[b] + sum over blocks, flavours, nodes of scale W P: one number at a time."""
    mu = [float(x) for x in kernel.background]
    for one in kernel.blocks:
        for n in range(len(one.energy)):
            L, E = one.baseline[n : n + 1], one.energy[n : n + 1]
            P = hypothesis.probabilities(theta, L, E, particle=one.particle)
            scale = float(np.asarray(hypothesis.scale(theta, E, one.tags)).reshape(-1)[0])
            for f in range(2):
                for b in range(one.bins.start, one.bins.stop):
                    mu[b] += scale * float(one.weight[f, b - one.bins.start, n]) * float(P[f][0])
    return np.array(mu)


def point(hypothesis: Hypothesis, where: float = 0.3) -> dict[str, float]:
    return {p.name: float(p.at(where + 0.1 * i)) for i, p in enumerate(hypothesis.parameters)}


@EVERY
@pytest.mark.parametrize("where", [0.0, 0.3, 0.7])
def test_the_formula(hypothesis: Hypothesis, where: float) -> None:
    theta = point(hypothesis, where)
    np.testing.assert_allclose(Expectation(KERNEL, hypothesis)(theta), by_hand(KERNEL, hypothesis, theta), rtol=ULPS)


@EVERY
def test_appending_superposing_and_scaling_commute_with_the_expectation(hypothesis: Hypothesis) -> None:
    theta, other = point(hypothesis), replace(kernel(10), labels=KERNEL.labels)
    one, two = (Expectation(k, hypothesis)(theta) for k in (KERNEL, other))
    np.testing.assert_allclose(Expectation(KERNEL + other, hypothesis)(theta), np.concatenate([one, two]), rtol=ULPS)
    np.testing.assert_allclose(Expectation(KERNEL.superpose(other), hypothesis)(theta), one + two, rtol=ULPS)
    factor = np.arange(1.0, 8.0)
    np.testing.assert_allclose(Expectation(KERNEL.scaled(factor), hypothesis)(theta), factor * one, rtol=ULPS)


@EVERY
@pytest.mark.parametrize("shapes", [((),), ((3,),), ((3, 2),), ((3, 1), (2,)), ((), (4,)), ((4,), ()), ((2, 1, 1), (3, 1), (2,)), ((1,),), ((0,),)])
def test_theta_broadcasts(hypothesis: Hypothesis, shapes: tuple[tuple[int, ...], ...]) -> None:
    theta = {p.name: p.at(np.random.default_rng(i).uniform(0, 1, shapes[i % len(shapes)])) for i, p in enumerate(hypothesis.parameters)}
    lead = np.broadcast_shapes(*(np.shape(x) for x in theta.values()))
    expectation = Expectation(KERNEL, hypothesis)
    mu = expectation(theta)
    assert mu.shape == (*lead, 7)
    full = {name: np.broadcast_to(x, lead) for name, x in theta.items()}
    for i in np.ndindex(lead):
        np.testing.assert_allclose(mu[i], expectation({name: float(x[i]) for name, x in full.items()}), rtol=ULPS)


@pytest.mark.parametrize("hypothesis", [h for h in HYPOTHESES.values() if h.parameters], ids=lambda h: h.name)
def test_the_grid_in_blocks_is_the_small_grid(hypothesis: Hypothesis) -> None:
    """A grid too large for the cache is evaluated in parts; the parts are those of small grids."""
    expectation = Expectation(KERNEL, hypothesis)
    rows, columns = 150, 101
    assert rows * columns * 14 > 2**17  # 14 distinct nodes: more than one part
    theta = {p.name: p.at(np.linspace(0, 1, rows))[:, None] if i % 2 else p.at(np.linspace(0, 1, columns)) for i, p in enumerate(hypothesis.parameters)}
    if len(hypothesis.parameters) == 1:
        (name,) = theta
        theta = {name: np.broadcast_to(theta[name], (rows, columns))}
    mu = expectation(theta)
    assert mu.shape == (rows, columns, 7)
    for i in (0, 77, 149):
        part = {name: x[i] if np.ndim(x) == 2 else x for name, x in theta.items()}
        np.testing.assert_allclose(mu[i], np.broadcast_to(expectation(part), (columns, 7)), rtol=ULPS)


def test_null_is_the_prediction_without_new_physics() -> None:
    np.testing.assert_allclose(Expectation(KERNEL, Sterile()).null, by_hand(KERNEL, NoOscillation(), {}), rtol=ULPS)


@pytest.mark.parametrize("hypothesis", [h for h in HYPOTHESES.values() if h.affine], ids=lambda h: h.name)
def test_split(hypothesis: Hypothesis) -> None:
    expectation = Expectation(KERNEL, hypothesis)
    name = expectation.affine
    assert name == hypothesis.affine
    rest = {key: p.at(np.linspace(0.1, 0.9, 5)) for key, p in ((p.name, p) for p in hypothesis.parameters) if key != name}
    zero, slope = expectation.split(rest)
    for s in (0.0, 0.37, 1.0):
        np.testing.assert_allclose(zero + s * slope, expectation({**rest, str(name): s}), rtol=ULPS)


@pytest.mark.parametrize("bins", [[(0, 2), (1, 3)], [(0, 3), (1, 2)], [(0, 2), (1, 2)], [(2, 4), (0, 3)]])
def test_blocks_that_overlap_in_part_are_refused(bins: list[tuple[int, int]]) -> None:
    overlapping = replace(KERNEL, blocks=tuple(block(a, b, 2, seed=1) for a, b in bins))
    with pytest.raises(RangeError, match="blocks overlap in part: bins of two blocks must be the same or apart"):
        Expectation(overlapping, NoOscillation())


def test_a_kernel_of_background_alone() -> None:
    empty = replace(KERNEL, blocks=())
    np.testing.assert_array_equal(Expectation(empty, Sterile())(point(Sterile())), KERNEL.background)
    assert Expectation(empty, Sterile())({"sin2_2theta": np.zeros(3), "dm2": u.eV2}).shape == (3, 7)


def test_arguments_are_not_written_to() -> None:
    theta = {"sin2_2theta": np.array([0.1, 0.2]), "dm2": np.array([1.0, 2.0]) * u.eV2}
    kept = {name: x.copy() for name, x in theta.items()}
    expectation = Expectation(KERNEL, Sterile())
    first = expectation(theta)
    first[:] = 0
    assert (expectation(theta) > 0).all()
    for name, x in theta.items():
        np.testing.assert_array_equal(x, kept[name])
    assert (KERNEL.background > 0).all()


# --- reach

LIMITED = replace(KERNEL, reach=8 * u.eV2 / (4 * u.hbarc), references=frozenset({"Barinov:2021asz"}))


def test_beyond_the_reach_is_an_error_that_names_both_numbers() -> None:
    expectation = Expectation(LIMITED, Sterile())
    expectation.check({"sin2_2theta": 1.0, "dm2": 8 * u.eV2})
    for dm2 in (12 * u.eV2, np.array([1.0, 12.0, 3.0]) * u.eV2):
        with pytest.raises(RangeError) as caught:
            expectation.check({"sin2_2theta": 0.0, "dm2": dm2})
        expected = 'dm2 = 12 eV2 is beyond the reach of the kernel, 8 eV2: its nodes are too few. Build it with dm2_max="12 eV2" or more'
        assert str(caught.value) == expected
    with pytest.raises(RangeError, match="beyond the reach"):
        expectation.prediction({"sin2_2theta": 0.0, "dm2": 12 * u.eV2})
    with pytest.raises(RangeError, match="dm2 = 31 eV2 is outside its range"):
        expectation.prediction({"sin2_2theta": 0.0, "dm2": 31 * u.eV2})


@pytest.mark.parametrize("hypothesis", [Sterile(), combine(ActivityScale(), Sterile())], ids=lambda h: h.name)
def test_parameters_are_bounded_by_the_reach(hypothesis: Hypothesis) -> None:
    expectation = Expectation(LIMITED, hypothesis)
    bounds = {p.name: p for p in expectation.parameters}
    for before in hypothesis.parameters:
        if before.name == "dm2":
            assert bounds["dm2"].upper / u.eV2 == pytest.approx(8, rel=1e-12)  # bisection of the position to 2^-60
            assert replace(bounds["dm2"], high=before.high) == before
            expectation.check({p.name: p.upper for p in expectation.parameters})
        else:
            assert bounds[before.name] == before
    assert expectation.limited == ("dm2",)
    assert Expectation(KERNEL, hypothesis).parameters == hypothesis.parameters
    assert Expectation(KERNEL, hypothesis).limited == ()


def test_a_prediction_has_labels_and_references() -> None:
    theta = {"sin2_2theta": 0.3, "dm2": 1.25 * u.eV2}
    prediction = Expectation(LIMITED, Sterile()).prediction(theta)
    assert prediction.labels == KERNEL.labels
    assert prediction.references == {"Barinov:2021asz"} | Sterile().references
    np.testing.assert_array_equal(prediction.counts, Expectation(KERNEL, Sterile())(theta))


# --- JAX


@EVERY
@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
def test_numpy_and_jax_agree(hypothesis: Hypothesis, shape: tuple[int, ...]) -> None:
    expectation = Expectation(KERNEL, hypothesis)
    theta = {p.name: p.at(np.random.default_rng(3).uniform(0, 1, shape)) for p in hypothesis.parameters}
    jitted = jax.jit(lambda t: jnp.asarray(expectation(t)))({name: jnp.asarray(x) for name, x in theta.items()})
    assert jitted.dtype == np.float64
    np.testing.assert_allclose(expectation(theta), jitted, rtol=2e-15)  # 1e-15 per probability, and sums of a dozen in another order


def test_jax_gradient_is_the_slope() -> None:
    expectation = Expectation(KERNEL, Sterile())
    theta = {"sin2_2theta": 0.4, "dm2": 2.0 * u.eV2}
    gradient = jax.grad(lambda t: expectation(t).sum())({name: jnp.asarray(x) for name, x in theta.items()})
    assert float(gradient["sin2_2theta"]) == pytest.approx(expectation.split({"dm2": theta["dm2"]})[1].sum(), rel=ULPS)
    step = 1e-5 * theta["dm2"]
    up, down = (expectation({**theta, "dm2": theta["dm2"] + sign * step}).sum() for sign in (1, -1))
    # central difference: third derivatives of phases of 15 rad times 1e-10, and rounding of 1e-16 over 1e-5
    assert float(gradient["dm2"]) == pytest.approx((up - down) / (2 * step), rel=1e-6)


def test_jax_maps_over_theta() -> None:
    expectation = Expectation(KERNEL, Sterile())
    theta = {"sin2_2theta": np.linspace(0, 1, 6), "dm2": np.geomspace(0.1, 20, 6) * u.eV2}
    mapped = jax.vmap(expectation)({name: jnp.asarray(x) for name, x in theta.items()})
    np.testing.assert_allclose(mapped, expectation(theta), rtol=2e-15)  # as above
