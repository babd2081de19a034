"""Experiment: rates, errors, ratios, domain."""

import math
from dataclasses import replace

import numpy as np
import pytest

import megacurie as mci
from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError, UnitError
from megacurie.physics.detectors import Detector
from megacurie.physics.shapes import Ball

EXACT = 1e-12  # the same numbers, multiplied in another order


@pytest.fixture(scope="module")
def best():
    return mci.load("best")


@pytest.fixture(scope="module")
def ball(best):
    """A point source in the middle of a ball of one metre."""
    zone = replace(best.zones[0], shape=Ball(radius=u.m), source_shape=None, published_path=None, path_error=0.0)
    return replace(best, name="ball", zones=(zone,), published=None)


def test_rate_per_path_is_activity_density_cross_section(best):
    assert best.rate_per_path() * u.cm / (1 / u.day) == pytest.approx(1.3317, abs=5e-5)  # A n sigma of the note, as printed
    source = best.source
    expected = source.history.activity * best.material.number_density("71Ga") * best.channel.average(source).value * source.intensities.sum()
    assert best.rate_per_path() == pytest.approx(expected, rel=EXACT)


def test_rate_is_rate_per_path_times_mean_path(best, ball):
    paths = np.array([zone.published_path for zone in best.zones])
    assert best.kernel().without_new_physics() == pytest.approx(best.rate_per_path() * paths, rel=EXACT)
    assert ball.kernel().without_new_physics() == pytest.approx([ball.rate_per_path() * u.m], rel=1e-9)  # <L> = R to rounding


def test_efficiency_enters_counts_and_not_rates(best):
    half = replace(best, detector=Detector(efficiency=0.5))
    assert half.rate_per_path() == best.rate_per_path()
    counts = mci.load("best", {"schedule.exposures": '[{ start = "0 d", stop = "9 d" }]'})
    assert replace(counts, detector=Detector(efficiency=0.5)).rate_per_path() == pytest.approx(0.5 * counts.rate_per_path(), rel=EXACT)


@pytest.mark.parametrize(
    ("without", "missing", "quantity"),
    [
        ((), (), "rate"),
        (("activity",), ("source.activity",), "ratio"),
        (("material",), ("target.material (number of targets per volume)",), "ratio"),
        (("activity", "material"), ("source.activity", "target.material (number of targets per volume)"), "ratio"),
    ],
)
def test_missing_inputs(best, without, missing, quantity):
    source = replace(best.source, history=None) if "activity" in without else best.source
    experiment = replace(best, source=source, material=None if "material" in without else best.material)
    assert (experiment.missing, experiment.quantity) == (missing, quantity)
    assert (experiment.rate_per_path() is None) == bool(missing)
    if missing:
        assert experiment.kernel().without_new_physics() == pytest.approx([1, 1], rel=EXACT)


def test_a_ratio_has_no_counts_even_with_a_schedule():
    experiment = mci.load("gallex-cr1", {"schedule.exposures": '[{ start = "0 d", stop = "9 d" }]'})
    assert experiment.quantity == "ratio"


def test_relative_errors_add_in_quadrature(best):
    up, down = best.relative_errors(best.zones[0])
    common = (0.008 / 3.414, 0.18 / 52.03)  # activity, path
    assert up == pytest.approx(math.hypot(0.21 / 5.81, *common), rel=EXACT)
    assert down == pytest.approx(math.hypot(0.16 / 5.81, *common), rel=EXACT)
    assert best.relative_errors(replace(best.zones[0], path_error=0.0))[0] == pytest.approx(math.hypot(0.21 / 5.81, common[0]), rel=EXACT)


@pytest.mark.parametrize("accuracy", [0.0, 1.0, -1e-4, math.nan, math.inf])
def test_accuracy_lies_between_0_and_1(best, accuracy):
    with pytest.raises(RangeError) as found:
        best.kernel(accuracy=accuracy)
    assert str(found.value) == f"accuracy {accuracy}: expected a number between 0 and 1"


@pytest.mark.parametrize("dm2_max", ["0 eV2", "-1 eV2", 0.0, -1.0, math.nan])
def test_reach_is_positive(best, dm2_max):
    with pytest.raises(RangeError) as found:
        best.kernel(dm2_max=dm2_max)
    assert str(found.value) == f"dm2_max {dm2_max}: expected a positive squared mass difference"


def test_reach_has_a_unit(best):
    with pytest.raises(UnitError, match=r"^'30': no unit; expected mass-squared \(eV2\)\. Write '30 eV2' if that is what you mean$"):
        best.kernel(dm2_max="30")
    with pytest.raises(UnitError, match=r"^'30 m': expected mass-squared \(eV2\), but 'm' is a unit of length$"):
        best.kernel(dm2_max="30 m")


def test_reach_is_stored(best):
    assert best.kernel(dm2_max="20 eV2").dm2_reach == pytest.approx(20 * u.eV2, rel=EXACT)
    assert best.kernel(dm2_max=20 * u.eV2).dm2_reach == pytest.approx(20 * u.eV2, rel=EXACT)
    assert best.kernel().dm2_reach == pytest.approx(30 * u.eV2, rel=EXACT)


def test_a_normalisation_is_its_own_ratio(best):
    theta = {"activity": 0.8}
    assert best.ratio(mci.ActivityScale(), theta) == pytest.approx(0.8, rel=EXACT)
    assert best.zone_ratios(mci.ActivityScale(), theta) == pytest.approx([0.8, 0.8], rel=EXACT)


def test_ratio_of_all_is_the_mean_of_the_zones_by_rate(best):
    theta = {"sin2_2theta": 0.4, "dm2": 1.3 * u.eV2}
    rates = best.kernel().without_new_physics()
    zones = best.zone_ratios(mci.Sterile(), theta)
    assert zones[0] != pytest.approx(zones[1], abs=0.01)  # BEST was built to see a difference there
    assert best.ratio(mci.Sterile(), theta) == pytest.approx(zones @ rates / rates.sum(), rel=EXACT)


@pytest.mark.parametrize("dm2", [0.1, 1.0, 10.0, 30.0])
def test_oscillation_in_a_ball_about_its_source(ball, dm2):
    # <sin^2 kr> over 0 < r < R is 1/2 - sin(2kR)/(4kR), line by line, weighted with intensity times cross section
    k = dm2 * u.eV2 / (4 * u.hbarc * ball.source.energies) * u.m
    share = ball.source.intensities * sum(state.cross_section for state in ball.channel.states(ball.source))
    expected = 1 - 0.5 * (0.5 - np.sin(2 * k) / (4 * k)) @ share / share.sum()
    found = ball.ratio(mci.Sterile(), {"sin2_2theta": 0.5, "dm2": dm2 * u.eV2})
    assert found == pytest.approx(expected, abs=1e-4)  # the accuracy of the kernel


def test_ratios_need_no_density_and_no_activity(best):
    theta = {"sin2_2theta": 0.4, "dm2": 3 * u.eV2}
    bare = replace(best, material=None, source=replace(best.source, history=None))
    assert bare.zone_ratios(mci.Sterile(), theta) == pytest.approx(best.zone_ratios(mci.Sterile(), theta), rel=EXACT)


@pytest.mark.parametrize(
    ("dm2", "message"),
    [(31, "dm2 = 31 eV2 is outside its range: expected 0.05 eV2 to 30 eV2"), (0.01, "dm2 = 0.01 eV2 is outside its range: expected 0.05 eV2 to 30 eV2")],
)
def test_ratio_outside_the_bounds(best, dm2, message):
    with pytest.raises(RangeError) as found:
        best.ratio(mci.Sterile(), {"sin2_2theta": 0.4, "dm2": dm2 * u.eV2})
    assert str(found.value) == message


def test_ratio_beyond_the_reach(best):
    with pytest.raises(RangeError) as found:
        best.ratio(mci.Sterile(), {"sin2_2theta": 0.4, "dm2": 20 * u.eV2}, dm2_max="10 eV2")
    assert str(found.value) == 'dm2 = 20 eV2 is beyond the reach of the kernel, 10 eV2: its nodes are too few. Build it with dm2_max="20 eV2" or more'


def test_one_block_per_zone_and_final_state(best):
    kernel = best.kernel()
    assert kernel.labels == ("inner", "outer")
    assert [(block.bins.start, block.bins.stop) for block in kernel.blocks] == [(0, 1)] * 3 + [(1, 2)] * 3
    for block in kernel.blocks:
        assert {"source:cr51", "activity:calorimetric", "channel:ga71"} < block.tags
        assert not block.weight[1].any()  # a neutrino of another flavour is not captured
        assert (block.weight[0] >= 0).all()
    assert not kernel.background.any()
    assert kernel.references == best.references
