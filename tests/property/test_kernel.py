"""Laws of kernels and of the expectation on random input."""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import megacurie as mci
from megacurie.experiments.expectation import Expectation
from megacurie.experiments.kernel import Block, RateKernel
from megacurie.foundation import units as u
from megacurie.physics.detectors import Detector
from megacurie.physics.hypotheses import ActivityScale, BranchingRatioShift, Ge71HalfLife, Hypothesis, NoOscillation, Sterile, combine
from megacurie.physics.schedule import Exposure, Schedule
from megacurie.physics.shapes import Ball, Cylinder, Difference, Shell

ULPS = 1e-11  # sums of a few dozen numbers between 1e-3 and 1e3
HYPOTHESIS: Hypothesis = combine(Sterile(), BranchingRatioShift(), Ge71HalfLife())
TAGS = [frozenset(t) for t in ((), ("source:cr51", "activity:gamma"), ("source:cr51", "activity:calorimetric", "state:ground"), ("state:excited-175",))]
positive = st.floats(1e-3, 1e3)
some = st.just(0.0) | positive  # not so small that products lose digits
thetas = st.fixed_dictionaries({p.name: st.floats(0, 1).map(p.at) for p in HYPOTHESIS.parameters})


@st.composite
def blocks(draw: Any, start: int, stop: int) -> Block:
    n = draw(st.integers(1, 4))

    def numbers(*shape: int, of: Any = positive) -> np.ndarray:
        size = int(np.prod(shape))
        return np.array(draw(st.lists(of, min_size=size, max_size=size))).reshape(shape)

    return Block(
        bins=slice(start, stop), energy=numbers(n, of=st.floats(0.4, 3)) * u.MeV, baseline=numbers(n, of=st.floats(0.05, 10)) * u.m,
        weight=numbers(2, stop - start, n), particle=draw(st.sampled_from(["neutrino", "antineutrino"])), tags=draw(st.sampled_from(TAGS)),
    )  # fmt: skip


@st.composite
def kernels(draw: Any, widths: tuple[int, ...] | None = None) -> RateKernel:
    """Some groups of bins, each with none to three blocks on exactly these bins."""
    widths = draw(st.lists(st.integers(1, 2), min_size=1, max_size=3)) if widths is None else widths
    made: list[Block] = []
    for i, width in enumerate(widths):
        start = sum(widths[:i])
        made += [draw(blocks(start, start + width)) for _ in range(draw(st.integers(0, 3)))]
    n = sum(widths)
    background = draw(st.lists(some, min_size=n, max_size=n))
    return RateKernel(labels=tuple(str(i) for i in range(n)), blocks=tuple(made), background=np.array(background), reach=draw(positive))


def mu(kernel: RateKernel, theta: Any, hypothesis: Hypothesis = HYPOTHESIS) -> np.ndarray:
    return Expectation(kernel, hypothesis)(theta)


@given(kernel=kernels(), theta=thetas)
def test_the_formula_as_a_literal_sum(kernel: RateKernel, theta: Any) -> None:
    total = kernel.background.copy()
    for block in kernel.blocks:
        for n, (E, L) in enumerate(zip(block.energy, block.baseline, strict=True)):
            P = HYPOTHESIS.probabilities(theta, np.array([L]), np.array([E]), particle=block.particle)
            scale = np.broadcast_to(HYPOTHESIS.scale(theta, np.array([E]), block.tags), 1)[0]
            for f in (0, 1):
                total[block.bins] += scale * block.weight[f, :, n] * P[f][0]
    np.testing.assert_allclose(mu(kernel, theta), total, rtol=ULPS)


@given(kernel=kernels(), theta=thetas, order=st.randoms())
def test_the_order_of_blocks_does_not_matter(kernel: RateKernel, theta: Any, order: Any) -> None:
    shuffled = list(kernel.blocks)
    order.shuffle(shuffled)
    np.testing.assert_allclose(mu(replace(kernel, blocks=tuple(shuffled)), theta), mu(kernel, theta), rtol=ULPS)


@given(kernel=kernels(), theta=thetas)
def test_cutting_a_block_into_nodes_changes_nothing(kernel: RateKernel, theta: Any) -> None:
    pieces = [
        replace(b, energy=b.energy[i : i + 1], baseline=b.baseline[i : i + 1], weight=b.weight[:, :, i : i + 1])
        for b in kernel.blocks
        for i in range(len(b.energy))
    ]
    np.testing.assert_allclose(mu(replace(kernel, blocks=tuple(pieces)), theta), mu(kernel, theta), rtol=ULPS)


@given(one=kernels(), two=kernels(), three=kernels(), theta=thetas)
def test_appending(one: RateKernel, two: RateKernel, three: RateKernel, theta: Any) -> None:
    np.testing.assert_allclose(mu(one + two + three, theta), np.concatenate([mu(k, theta) for k in (one, two, three)]), rtol=ULPS)
    np.testing.assert_array_equal(mu((one + two) + three, theta), mu(one + (two + three), theta))
    assert (one + two).reach == min(one.reach, two.reach)


@given(one=kernels(widths=(1, 2)), two=kernels(widths=(1, 2)), theta=thetas)
def test_superposing(one: RateKernel, two: RateKernel, theta: Any) -> None:
    np.testing.assert_allclose(mu(one.superpose(two), theta), mu(one, theta) + mu(two, theta), rtol=ULPS)
    np.testing.assert_allclose(mu(two.superpose(one), theta), mu(one.superpose(two), theta), rtol=ULPS)


@given(kernel=kernels(), theta=thetas, factor=st.lists(some, min_size=6, max_size=6))
def test_scaling(kernel: RateKernel, theta: Any, factor: list[float]) -> None:
    by = np.array(factor[: kernel.n_bins])
    np.testing.assert_allclose(mu(kernel.scaled(by), theta), by * mu(kernel, theta), rtol=ULPS)


@given(kernel=kernels(), s=st.floats(0, 1), dm2=st.floats(0.05, 30))
def test_oscillation_only_takes_away(kernel: RateKernel, s: float, dm2: float) -> None:
    """What arrives sterile is lost: at most the expectation, at least (1 - s) of its signal."""
    found = mu(kernel, {"sin2_2theta": s, "dm2": dm2 * u.eV2}, Sterile())
    null, background = kernel.without_new_physics(), kernel.background
    np.testing.assert_allclose(mu(kernel, {}, NoOscillation()), null, rtol=ULPS)
    assert (found <= null * (1 + ULPS)).all()
    assert (found >= (background + (1 - s) * (null - background)) * (1 - ULPS)).all()


@given(kernel=kernels(), activity=st.floats(0.5, 1.5), s=st.floats(0, 1))
def test_the_activity_scales_signal_not_background(kernel: RateKernel, activity: float, s: float) -> None:
    theta = {"sin2_2theta": s, "dm2": u.eV2}
    found = mu(kernel, {**theta, "activity": activity}, combine(ActivityScale(), Sterile()))
    background = kernel.background
    np.testing.assert_allclose(found, background + activity * (mu(kernel, theta, Sterile()) - background), rtol=ULPS, atol=1e-12)  # of counts up to 1e3


BEST = mci.load("best")


@settings(max_examples=25)
@given(cut=st.floats(0.05, 0.6), hole=st.floats(0.02, 0.3), s=st.floats(0, 1), dm2=st.floats(0.1, 5))
def test_the_zones_sum_to_the_whole(cut: float, hole: float, s: float, dm2: float) -> None:
    """A ball with a hole drilled to its centre, whole and cut at a radius."""
    drill = Cylinder(radius=hole * u.m, bottom=0.0, top=np.inf)

    def rates(*shapes: Ball | Shell) -> np.ndarray:
        plain = replace(BEST.zones[0], source_shape=None, published_path=None)
        zones = tuple(replace(plain, name=str(i), shape=Difference(target=x, without=drill)) for i, x in enumerate(shapes))
        kernel = replace(BEST, zones=zones).kernel(dm2_max="5 eV2")
        return Expectation(kernel, Sterile())({"sin2_2theta": s, "dm2": dm2 * u.eV2})

    whole, parts = rates(Ball(radius=0.7 * u.m)), rates(Ball(radius=cut * u.m), Shell(inner=cut * u.m, outer=0.7 * u.m))
    np.testing.assert_allclose(parts.sum(), whole[0], rtol=2e-4 / (1 - s / 2))  # the accuracies of two kernels, 1e-4 of the rate without oscillation


@settings(max_examples=25)
@given(activity=st.floats(1e-3, 1e3), density=st.floats(1e-3, 1e3), efficiency=st.floats(1e-3, 1))
def test_counts_scale_with_everything_that_multiplies(activity: float, density: float, efficiency: float) -> None:
    assert BEST.source.history is not None
    assert BEST.material is not None
    history = replace(BEST.source.history, activity=activity * BEST.source.history.activity)
    material = replace(BEST.material, atoms={name: density * n for name, n in BEST.material.atoms.items()})
    schedule = Schedule(exposures=(Exposure(start=0.0, stop=10 * u.day),))
    before = replace(BEST, schedule=schedule).kernel()
    after = replace(BEST, source=replace(BEST.source, history=history), material=material, schedule=schedule, detector=Detector(efficiency=efficiency)).kernel()
    np.testing.assert_allclose(after.without_new_physics(), activity * density * efficiency * before.without_new_physics(), rtol=ULPS)
