"""Blocks and kernels: shapes, appending, superposing, scaling; kernels of the built-in experiments."""

from dataclasses import replace

import numpy as np
import pytest

import megacurie as mci
from megacurie.experiments.experiment import Experiment
from megacurie.experiments.kernel import Block, RateKernel
from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError
from megacurie.physics.detectors import Detector
from megacurie.physics.schedule import Exposure, Schedule
from megacurie.physics.shapes import Ball, Shell

ULPS = 1e-12  # sums over some hundred nodes
THETA = {"sin2_2theta": 0.33, "dm2": 1.25 * u.eV2}


def block(start: int, stop: int, weight_e: float, weight_x: float = 0.0, n: int = 3) -> Block:
    weight = np.stack([np.full((stop - start, n), weight_e), np.full((stop - start, n), weight_x)])
    return Block(bins=slice(start, stop), energy=np.full(n, 0.75 * u.MeV), baseline=np.linspace(0.1, 1, n) * u.m, weight=weight)


ONE = RateKernel(labels=("a", "b"), blocks=(block(0, 2, 1.0), block(1, 2, 2.0)), background=np.array([0.5, 0.0]), reach=2.0, references=frozenset({"x"}))
TWO = RateKernel(labels=("c",), blocks=(block(0, 1, 4.0, 1.0),), background=np.array([0.25]), reach=1.0, references=frozenset({"y"}))


def test_without_new_physics() -> None:
    """Three nodes of weight 1 and background .5; three of 1 and three of 2; the flavour x does not arrive."""
    assert ONE.without_new_physics().tolist() == [3.5, 9.0]
    assert TWO.without_new_physics().tolist() == [12.25]
    assert ONE.background.tolist() == [0.5, 0.0]  # not written to
    assert ONE.n_bins == 2


def test_appending() -> None:
    both = ONE + TWO
    assert both.labels == ("a", "b", "c")
    assert both.without_new_physics().tolist() == [3.5, 9.0, 12.25]
    assert [(b.bins.start, b.bins.stop) for b in both.blocks] == [(0, 2), (1, 2), (2, 3)]
    assert both.reach == 1.0
    assert both.references == {"x", "y"}
    assert ((ONE + TWO) + ONE).without_new_physics().tolist() == (ONE + (TWO + ONE)).without_new_physics().tolist()


def test_superposing() -> None:
    other = replace(ONE, background=np.array([1.0, 2.0]), reach=0.5, references=frozenset({"z"}))
    both = ONE.superpose(other)
    assert both.labels == ONE.labels
    assert both.without_new_physics().tolist() == [3.5 + 4.0, 9.0 + 11.0]
    assert both.reach == 0.5
    assert both.references == {"x", "z"}
    with pytest.raises(RangeError) as caught:
        ONE.superpose(TWO)
    assert str(caught.value) == "superpose: bins ('a', 'b') and ('c',) differ; expected the same"


def test_scaling_scales_signal_and_background() -> None:
    scaled = ONE.scaled(np.array([2.0, 0.5]))
    assert scaled.without_new_physics().tolist() == [7.0, 4.5]
    assert scaled.background.tolist() == [1.0, 0.0]
    assert ONE.without_new_physics().tolist() == [3.5, 9.0]


def test_the_reach_as_dm2() -> None:
    kernel = replace(ONE, reach=30 * u.eV2 / (4 * u.hbarc))
    assert kernel.dm2_reach / u.eV2 == pytest.approx(30, rel=ULPS)


@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 1, 3), (2, 2, 4), (2, 3)])
def test_weights_fit_flavours_bins_and_nodes(shape: tuple[int, ...]) -> None:
    with pytest.raises(RangeError, match=r"expected \(2, 2, 3\) and \(3,\)"):
        Block(bins=slice(0, 2), energy=np.ones(3), baseline=np.ones(3), weight=np.ones(shape))


def test_baselines_fit_energies() -> None:
    with pytest.raises(RangeError, match=r"baseline \(4,\): expected \(2, 1, 3\) and \(3,\)"):
        Block(bins=slice(0, 1), energy=np.ones(3), baseline=np.ones(4), weight=np.ones((2, 1, 3)))


# --- laws of the kernels of experiments


@pytest.fixture(scope="module")
def best() -> Experiment:
    return mci.load("best")


def rates(experiment: Experiment) -> np.ndarray:
    """Under oscillation, so that distances and energies count as well."""
    return mci.Expectation(experiment.kernel(), mci.Sterile())(THETA)


def test_counts_scale_with_the_activity(best: Experiment) -> None:
    assert best.source.history is not None
    stronger = replace(best, source=replace(best.source, history=replace(best.source.history, activity=2.5 * best.source.history.activity)))
    np.testing.assert_allclose(rates(stronger), 2.5 * rates(best), rtol=ULPS)
    absent = replace(best, source=replace(best.source, history=replace(best.source.history, activity=0.0)))
    assert rates(absent).tolist() == [0, 0]


def test_counts_scale_with_the_density(best: Experiment) -> None:
    assert best.material is not None
    atoms = {name: 3.0 * n for name, n in best.material.atoms.items()}
    np.testing.assert_allclose(rates(replace(best, material=replace(best.material, atoms=atoms))), 3.0 * rates(best), rtol=ULPS)


def test_counts_scale_with_the_published_path(best: Experiment) -> None:
    zones = tuple(replace(zone, published_path=2.0 * (zone.published_path or 0.0)) for zone in best.zones)
    np.testing.assert_allclose(rates(replace(best, zones=zones)), 2.0 * rates(best), rtol=ULPS)


def test_counts_are_rates_times_decays(best: Experiment) -> None:
    """Counts over a schedule: the rate at the reference time, times decays over activity, times efficiency."""
    assert best.source.history is not None
    schedule = Schedule(exposures=(Exposure(start=u.day, stop=10 * u.day, live_fraction=0.9), Exposure(start=20 * u.day, stop=25 * u.day)))
    counted = replace(best, schedule=schedule, detector=Detector(efficiency=0.5))
    assert (best.quantity, counted.quantity) == ("rate", "counts")
    decays = sum(f * (2 ** (-a / 27.704) - 2 ** (-b / 27.704)) for a, b, f in [(1, 10, 0.9), (20, 25, 1)]) * 27.704 / np.log(2) * u.day
    np.testing.assert_allclose(rates(counted), rates(best) * decays * 0.5, rtol=ULPS)


def test_splitting_an_exposure_changes_no_count(best: Experiment) -> None:
    whole = Schedule(exposures=(Exposure(start=0.0, stop=9 * u.day),))
    split = Schedule(exposures=tuple(Exposure(start=a * u.day, stop=(a + 3) * u.day) for a in (0, 3, 6)))
    np.testing.assert_allclose(rates(replace(best, schedule=split)), rates(replace(best, schedule=whole)), rtol=ULPS)


def test_the_zones_sum_to_the_whole(best: Experiment) -> None:
    """A ball, and the same ball cut into a core and a shell."""

    def with_shapes(**shapes: Ball | Shell) -> Experiment:
        return replace(best, zones=tuple(replace(best.zones[0], name=name, shape=shape, published_path=None) for name, shape in shapes.items()))

    whole = rates(with_shapes(all=Ball(radius=0.7 * u.m)))
    parts = rates(with_shapes(core=Ball(radius=0.3 * u.m), shell=Shell(inner=0.3 * u.m, outer=0.7 * u.m)))
    assert parts.sum() == pytest.approx(whole[0], rel=2e-4)  # twice the accuracy 1e-4 of the kernel
    # the core is nearer, where less has oscillated away
    assert parts[0] / parts[1] > 0.3 / 0.4


def test_zones_do_not_see_each_other(best: Experiment) -> None:
    for i, zone in enumerate(best.zones):
        np.testing.assert_array_equal(rates(replace(best, zones=(zone,))), rates(best)[i : i + 1])


def test_blocks_say_what_they_are(best: Experiment) -> None:
    kernel = best.kernel()
    assert kernel.labels == ("inner", "outer")
    tags = [{"source:cr51", "activity:calorimetric", "channel:ga71", f"state:{s}"} for s in ("ground", "excited-175", "excited-500")]
    assert [set(b.tags) for b in kernel.blocks] == tags * 2
    assert kernel.references == best.references
    for b in kernel.blocks:
        assert (b.weight >= 0).all()
        assert set(b.energy) == {line.energy for line in best.source.lines}


@pytest.mark.parametrize("name", ["gallex-cr1", "gallex-cr2"])
def test_where_an_input_is_missing_only_ratios_follow(name: str) -> None:
    experiment = mci.load(name)
    assert experiment.missing == ("target.material (number of targets per volume)",)
    assert experiment.quantity == "ratio"
    assert experiment.rate_per_path() is None
    np.testing.assert_allclose(experiment.kernel().without_new_physics(), 1, rtol=ULPS)


@pytest.mark.parametrize("name", ["best", "sage-cr", "gallex-cr1"])
def test_nodes_are_exact_up_to_the_reach(name: str) -> None:
    """A kernel of accuracy 1e-4 against one of 1e-5, at random dm2 up to its reach."""
    experiment = mci.load(name)
    experiment = replace(experiment, zones=tuple(replace(zone, source_shape=None) for zone in experiment.zones))  # a point source takes less time
    theta = {"sin2_2theta": 1.0, "dm2": np.random.default_rng(1).uniform(0, 8, 100) * u.eV2}
    ratios = []
    for accuracy in (1e-4, 1e-5):
        kernel = experiment.kernel(dm2_max="8 eV2", accuracy=accuracy)
        ratios.append(mci.Expectation(kernel, mci.Sterile())(theta) / kernel.without_new_physics())
    np.testing.assert_allclose(*ratios, rtol=0, atol=1.1e-4)  # the two accuracies


@pytest.mark.parametrize("accuracy", [0.0, 1.0, -1e-4])
def test_accuracies_that_make_no_sense(best: Experiment, accuracy: float) -> None:
    with pytest.raises(RangeError, match="expected a number between 0 and 1"):
        best.kernel(accuracy=accuracy)


@pytest.mark.parametrize("dm2_max", ["0 eV2", "-1 eV2", 0.0])
def test_reaches_that_make_no_sense(best: Experiment, dm2_max: str | float) -> None:
    with pytest.raises(RangeError, match="expected a positive squared mass difference"):
        best.kernel(dm2_max=dm2_max)


def test_ratio_and_zone_ratios(best: Experiment) -> None:
    null = best.kernel().without_new_physics()
    zones = best.zone_ratios(mci.Sterile(), THETA)
    np.testing.assert_allclose(zones, rates(best) / null, rtol=ULPS)
    assert best.ratio(mci.Sterile(), THETA) == pytest.approx(zones @ null / null.sum(), rel=ULPS)
