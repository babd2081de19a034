"""Feldman-Cousins regions: critical values, coverage, and the forms that need no fixed covariance."""

import math

import numpy as np
import pytest

import megacurie as mci
from megacurie.foundation.errors import DataError, RangeError
from megacurie.foundation.measurement import Measurement, Pull
from megacurie.foundation.parameters import Parameter
from megacurie.statistics import general
from megacurie.statistics.likelihood import GaussianLikelihood
from megacurie.statistics.poisson import PoissonLikelihood

AXES = {"sin2_2theta": np.linspace(0, 1, 21), "dm2": mci.geomspace("0.1 eV2", "30 eV2", 31)}


class Level:
    """One number, mu = a: a Gaussian near its bound is where Feldman and Cousins began."""

    parameters = (Parameter("a", "", low=0.0, high=50.0),)
    affine, limited, references = "a", (), frozenset[str]()
    null = np.zeros(1)

    def __init__(self, background=0.0):
        self.background = background

    def __call__(self, theta):
        return np.asarray(theta["a"], float)[..., None] + self.background

    def split(self, theta):
        return np.array([self.background]), np.ones(1)

    def check(self, theta):
        pass


def measured(value, **options):
    options = {"pulls": (), "plus": np.ones(1), "minus": np.ones(1), **options}
    return Measurement(names=("x",), values=np.array([value]), reference=np.ones(1), references=frozenset(), **options)


@pytest.fixture(scope="module")
def gallium():
    return mci.gallium.datasets().likelihood(mci.Sterile())


@pytest.fixture(scope="module")
def fc(gallium):
    return mci.feldman_cousins(gallium, AXES, toys=10_000, seed=11)


def test_published_intervals_of_a_gaussian_with_a_bound():
    """G. Feldman and R. Cousins, Phys. Rev. D 57, 3873 (1998), table X: 90 % intervals for x0 = -1, 0, 1, 2, printed to .01."""
    a = np.linspace(0, 5, 501)
    for x0, (low, high) in {-1.0: (0.0, 0.81), 0.0: (0.0, 1.64), 1.0: (0.0, 2.64), 2.0: (0.58, 3.64)}.items():
        likelihood = GaussianLikelihood(Level(), measured(x0))
        region = mci.feldman_cousins(likelihood, {"a": a}, toys=100_000, seed=2).region(confidence=0.9)
        # steps of .01, and 1e5 toys know a critical value to .02, which moves an end by .01
        assert region.bounds("a") == (pytest.approx(low, abs=0.03), pytest.approx(high, abs=0.03))


def test_published_intervals_of_counts_with_background():
    """The same paper, table IV: 90 % intervals for n0 = 0, 3 and 8 events over a background of 3."""
    a = np.arange(0, 16.01, 0.05)
    for n0, (low, high) in {0: (0.0, 1.08), 3: (0.0, 4.42), 8: (1.51, 10.99)}.items():
        model = Level(background=3.0)
        model.null = np.array([3.0])
        likelihood = PoissonLikelihood(model, np.array([float(n0)]), reference=np.ones(1))
        near = a[(np.abs(a - low) < 0.3) | (np.abs(a - high) < 0.3)]
        region = mci.feldman_cousins(likelihood, {"a": near}, toys=4000, seed=2).region(confidence=0.9)
        # counts are few: critical values stand at those of single counts, and a share of toys of .9 +- .005 moves an end by less than .15
        ends = region.bounds("a")
        assert ends[0] == pytest.approx(low, abs=0.15 if low else 1e-9)
        assert ends[1] == pytest.approx(high, abs=0.2)


def test_critical_values_of_the_gallium_data(fc):
    """The issue: at 90 % about 2.9 to 5.3, where Wilks' theorem says 4.61; an error of .06 at 10 000 common toys."""
    critical, error = fc.critical(0.9), fc.critical_error(0.9)
    assert 2.7 < critical.min() < 3.4
    assert 5.0 < critical.max() < 5.7
    assert 0.02 < error.mean() < 0.1
    coverage = fc.wilks_coverage(0.9)
    np.testing.assert_array_equal(coverage > 0.9, critical < 4.60517)  # two ways to the same toys: 2 ln 10


def test_critical_values_move_by_their_error_from_seed_to_seed(gallium):
    axes = {"sin2_2theta": np.array([0.0, 0.2, 0.5]), "dm2": mci.geomspace("0.2 eV2", "10 eV2", 4)}
    many = [mci.feldman_cousins(gallium, axes, toys=2000, seed=seed) for seed in range(30)]
    spread = np.std([one.critical(0.9) for one in many], axis=0, ddof=1)
    stated = np.mean([one.critical_error(0.9) for one in many], axis=0)
    assert np.exp(np.log(spread / stated).mean()) == pytest.approx(1, abs=0.15)  # 30 seeds know a spread to 13 %, 12 points on common toys to half


def test_p_value_and_region_say_the_same(fc):
    region, p = fc.region(confidence=0.9), fc.p_value
    np.testing.assert_array_equal(region.inside, p > 0.1)
    differ = region.inside != (fc.delta_chi2 <= fc.critical(0.9))
    assert (np.abs(fc.delta_chi2 - fc.critical(0.9))[differ] < 0.02).all()  # two bins of the histogram
    assert region.label == "90 %, Feldman-Cousins with 10000 toys"


def test_coverage_at_five_points(gallium, fc):
    points = [
        {"sin2_2theta": s, "dm2": float(mci.geomspace(dm2, "30 eV2", 2)[0])}
        for s, dm2 in ((0.0, "1 eV2"), (0.1, "0.3 eV2"), (0.34, "1.25 eV2"), (0.7, "5 eV2"), (0.4, "20 eV2"))
    ]
    found = mci.coverage(gallium, fc, points, confidence=0.9, toys=20_000, seed=12)
    for one in found:
        assert abs(one.feldman_cousins - 0.9) < 3.5 * one.error + 0.003  # five points; interpolation between those of the grid
    assert any(abs(one.wilks - 0.9) > 5 * one.error for one in found)  # and Wilks' regions do not


def test_coverage_refuses_the_toys_of_the_regions_and_points_elsewhere(gallium, fc):
    with pytest.raises(DataError, match="seed = 11"):
        mci.coverage(gallium, fc, [], toys=10, seed=11)
    with pytest.raises(DataError, match=r"toys = 0.*seed = -1"):
        mci.coverage(gallium, fc, [], toys=0, seed=-1)
    with pytest.raises(DataError, match=r"channel:ga71 = 1e\+300: expected a number from -10000 to 10000, in sigma"):
        mci.coverage(gallium, fc, [{"sin2_2theta": 0.3, "dm2": float(fc.axes["dm2"][0]), "channel:ga71": 1e300}], toys=10, seed=1)
    with pytest.raises(DataError, match="expected sin2_2theta, dm2"):
        mci.coverage(gallium, fc, [{"dm2": 1.0}], toys=10, seed=1)
    with pytest.raises(DataError, match="outside the grid"):
        mci.coverage(gallium, fc, [{"sin2_2theta": 0.1, "dm2": float(AXES["dm2"][0]) * 0.9}], toys=10, seed=1)


def test_single_precision_gives_the_same_map(gallium, fc):
    single = mci.feldman_cousins(gallium, AXES, toys=10_000, seed=11, precision="single")
    assert np.abs(single.beyond - fc.beyond).max() <= 20  # of 10 000: toys within 1e-5 of an edge
    assert np.abs(single.critical(0.9) - fc.critical(0.9)).max() < 0.01


def test_axes_in_any_order_give_the_same(gallium, fc):
    other = mci.feldman_cousins(gallium, dict(reversed(AXES.items())), toys=10_000, seed=11)
    np.testing.assert_array_equal(other.beyond.T, fc.beyond)


def test_the_general_form_agrees_with_the_closed_one():
    likelihood = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    axes = {"sin2_2theta": np.array([0.0, 0.4]), "dm2": mci.geomspace("0.5 eV2", "5 eV2", 5)}
    closed, order = general.study(likelihood, axes, toys=1000, seed=1)
    slow, _ = general.study(likelihood, axes, toys=1000, seed=2, named={"best.systematic": 0.5})
    np.testing.assert_allclose(slow.observed[order], closed.observed, atol=1e-9)
    a, b = (np.asarray(one.tally(slice(None))[0], float) for one in (closed, slow))
    p = 0.5 * (a + b[order]) / 1000
    assert (np.abs(a - b[order]) <= 4 * np.sqrt(2 * 1000 * p * (1 - p)) + 1).all()


def test_errors_that_depend_on_the_side_are_thrown_and_fitted():
    best = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    likelihood = GaussianLikelihood(best.model, best.measurement, asymmetric="split-normal")
    axes = {"sin2_2theta": np.array([0.0, 0.4]), "dm2": mci.geomspace("1 eV2", "3 eV2", 2)}
    fc = mci.feldman_cousins(likelihood, axes, toys=200, seed=1, minimise_on={"dm2": mci.geomspace("0.5 eV2", "5 eV2", 7)})
    assert fc.method == "thrown and fitted one by one"
    assert (fc.p_value[0] < 0.02).all()  # no mixing is excluded
    assert fc.p_value[1].max() > 0.3


def test_parameters_that_are_no_axes_are_profiled():
    likelihood = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    fc = mci.feldman_cousins(likelihood, {"sin2_2theta": np.array([0.0, 0.4, 1.0])}, toys=300, seed=1)
    assert fc.delta_chi2.shape == (3,)
    assert fc.p_value[1] > 0.5 > 0.05 > fc.p_value[2]
    assert fc.method == "fixed covariance, on a grid"


def test_pulls_enter_toys_and_fits():
    """A shift common to both values, three times the error of each: their difference alone tells; the sum of squares is chi2 with one degree of freedom."""
    shift = Pull(name="common", shape=np.array([3.0]))
    likelihood = GaussianLikelihood(Level(), measured(20.0, pulls=(shift,)))
    fc = mci.feldman_cousins(likelihood, {"a": np.array([20.0 - math.sqrt(10), 20.0])}, toys=20_000, seed=1)
    assert fc.delta_chi2 == pytest.approx([1.0, 0.0], abs=1e-9)  # error^2 = 1 + 9
    assert fc.critical(0.9) == pytest.approx([2.706, 2.706], abs=0.15)  # Wilks with one parameter; error .04


def test_bad_input_is_refused(gallium):
    with pytest.raises(DataError, match=r"toys = 0.*seed = -1"):
        mci.feldman_cousins(gallium, AXES, toys=0, seed=-1)
    with pytest.raises(DataError, match="no axes"):
        mci.feldman_cousins(gallium, {}, toys=10, seed=1)
    with pytest.raises(DataError, match="minimise_on 'dm'"):
        mci.feldman_cousins(gallium, AXES, toys=10, seed=1, minimise_on={"dm": AXES["dm2"]})
    with pytest.raises(RangeError, match="reach"):
        mci.feldman_cousins(gallium, {"dm2": mci.geomspace("1 eV2", "300 eV2", 3)}, toys=10, seed=1)
    with pytest.raises(DataError, match=r"toys = 1000.0: expected a whole number.*seed = 1.5.*precision = 'half': expected 'double' or 'single'"):
        mci.feldman_cousins(gallium, AXES, toys=1e3, seed=1.5, precision="half")
    with pytest.raises(DataError, match="0 workers"):
        mci.feldman_cousins(gallium, AXES, toys=10, seed=1, workers=0)


def test_too_few_toys_for_a_level(gallium):
    fc = mci.feldman_cousins(gallium, {"sin2_2theta": np.array([0.3]), "dm2": AXES["dm2"][:2]}, toys=1000, seed=1)
    with pytest.raises(DataError, match="3704 toys or more"):
        fc.region(sigma=3)
    assert np.isinf(fc.critical_error(0.99999)).all()  # no toy beyond


class Many(Level):
    """The same level in two bins."""

    null = np.zeros(2)

    def __call__(self, theta):
        return np.asarray(theta["a"], float)[..., None] + np.zeros(2)

    def split(self, theta):
        return np.zeros(2), np.ones(2)


def test_a_sum_of_counts_and_values_throws_a_shared_pull_once():
    """Common to both, the pull is what both differ from the truth by: their difference does not know it."""
    pull = Pull(name="common", shape=np.array([2.0]))
    gaussian = GaussianLikelihood(Level(), measured(20.0, pulls=(pull,)))
    model = Level()
    model.null = np.array([0.0])
    counts = PoissonLikelihood(model, np.array([20.0]), reference=np.ones(1), pulls=(pull,))
    joint = gaussian + counts
    n = 20_000
    values, events = joint.draw({"a": 20.0}, n, np.random.default_rng(1), {"common": np.random.default_rng(2).standard_normal(n)}).values
    difference, total = (values - events)[:, 0], (values + events)[:, 0]
    # variances: 1 of the value, 20 of the counts, and (2 x 2)^2 = 16 of the sum alone; to 1 % (20 000 toys), four times
    assert np.var(difference) == pytest.approx(21, rel=0.04)
    assert np.var(total) == pytest.approx(37, rel=0.04)
    at = joint.draw({"a": 20.0}, n, np.random.default_rng(1), {"common": 1.0})
    assert [float(one.mean()) for one in at.values] == [pytest.approx(22, abs=0.15)] * 2
    assert at.auxiliary["common"].mean() == pytest.approx(1, abs=5 / math.sqrt(n))  # five sigma
    fc = mci.feldman_cousins(joint, {"a": np.array([14.0, 20.0])}, toys=300, seed=1, minimise_on={"a": np.linspace(5, 40, 36)})
    assert fc.method == "thrown and fitted one by one"
    assert fc.p_value[1] == 1  # the best point
    assert 0.001 < fc.p_value[0] < 0.2


def test_coverage_at_true_values_of_a_pull():
    """Gaussian pulls relative to the reference are in the covariance: two values that a shift moves together still tell their common level."""
    shift = Pull(name="common", shape=np.array([0.5, 0.5]))
    two = Measurement(
        names=("x", "y"), values=np.array([20.0, 21.0]), plus=np.ones(2), minus=np.ones(2), reference=np.ones(2), pulls=(shift,), references=frozenset()
    )  # fmt: skip
    likelihood = GaussianLikelihood(Many(), two)
    fc = mci.feldman_cousins(likelihood, {"a": np.linspace(10, 30, 21)}, toys=5000, seed=1)
    (found,) = mci.coverage(likelihood, fc, [{"a": 19.5}], toys=5000, seed=2)
    assert abs(found.feldman_cousins - 0.9) < 4 * found.error
    assert abs(found.wilks - 0.9) < 4 * found.error  # far from bounds Wilks is right


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        (["0.5 eV2", "5 eV2"], r"axis 'dm2': .*expected numbers in internal units, such as megacurie\.geomspace gives"),
        ([math.nan], "dm2 = nan eV2 is outside its range"),
    ],
)
def test_an_axis_of_anything_but_numbers_is_refused(axis, message):
    best = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    with pytest.raises(RangeError, match=message):
        mci.feldman_cousins(best, {"sin2_2theta": np.array([0.1]), "dm2": np.array(axis)}, toys=10, seed=1)


def test_no_values_to_minimise_on_are_refused():
    best = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    with pytest.raises(DataError, match="minimise_on 'dm2': no values; expected at least one"):
        mci.feldman_cousins(best, {"dm2": mci.geomspace("0.5 eV2", "5 eV2", 3)}, toys=10, seed=1, minimise_on={"dm2": np.array([])})


def test_coverage_does_not_depend_on_the_order_of_an_axis():
    best = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    up = {"sin2_2theta": np.linspace(0, 1, 4), "dm2": mci.geomspace("0.5 eV2", "5 eV2", 4)}
    down = {**up, "sin2_2theta": up["sin2_2theta"][::-1].copy()}
    point = {"sin2_2theta": 0.4, "dm2": float(up["dm2"][1]) * 1.1}
    one, other = (mci.coverage(best, mci.feldman_cousins(best, axes, toys=500, seed=1), [point], toys=300, seed=2) for axes in (up, down))
    assert one == other
