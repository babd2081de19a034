"""The envelope of fixed models: laws of a union, and one made by brute force from printed numbers."""

from dataclasses import replace

import numpy as np
import pytest

import megacurie as mci
from megacurie.foundation.errors import DataError, RangeError
from megacurie.report import figures, listings

AXES = {"sin2_2theta": mci.linspace(0, 1, 21), "dm2": mci.geomspace("0.1 eV2", "30 eV2", 15)}
MODELS = ("bahcall-1997", "haxton-1998", "kostensalo-2019")
LEVELS = ({"confidence": 0.68}, {"confidence": 0.9}, {"sigma": 2})


def thrown(model, axes=AXES, **options):
    data = mci.gallium.datasets(cross_section=model, cross_section_error=False)
    return mci.feldman_cousins(data.likelihood(mci.Sterile()), axes, **{"toys": 2000, "seed": 3, **options})


@pytest.fixture(scope="module")
def models():
    return {model: thrown(model) for model in MODELS}


@pytest.fixture(scope="module")
def whole(models):
    return mci.envelope(models)


@pytest.mark.parametrize("level", LEVELS)
def test_a_point_is_inside_where_one_model_allows_it(models, whole, level):
    each = [one.region(**level).inside for one in models.values()]
    inside = whole.region(**level).inside
    np.testing.assert_array_equal(inside, np.logical_or.reduce(each))
    assert all(one.sum() < inside.sum() for one in each)  # no model is the envelope by itself: the law is put to the test


def test_the_p_value_is_the_largest_and_says_the_same_as_the_region(models, whole):
    each = [one.p_value for one in models.values()]
    assert (whole.p_value >= each).all()
    assert (whole.p_value == each).any(axis=0).all()
    np.testing.assert_array_equal(whole.region(confidence=0.9).inside, whole.p_value > 1 - 0.9)


@pytest.mark.parametrize("level", LEVELS)
def test_of_one_model_it_is_that_region(models, level):
    one = models["haxton-1998"]
    alone, region = mci.envelope({"haxton-1998": one}), one.region(**level)
    np.testing.assert_array_equal(alone.p_value, one.p_value)
    np.testing.assert_array_equal(alone.region(**level).delta_chi2, region.delta_chi2)
    assert replace(alone.region(**level), delta_chi2=region.delta_chi2) == region


def test_the_order_of_models_does_not_matter_and_one_more_takes_nothing_away(models, whole):
    other = mci.envelope(dict(reversed(models.items())))
    np.testing.assert_array_equal(other.region(confidence=0.9).delta_chi2, whole.region(confidence=0.9).delta_chi2)
    fewer = mci.envelope({name: models[name] for name in MODELS[:2]})
    assert (fewer.region(confidence=0.9).inside <= whole.region(confidence=0.9).inside).all()
    assert whole.region(confidence=0.9).references == frozenset().union(*(one.references for one in models.values()))


# printed: BEST's rates, lower and systematic errors, predictions per day at Bahcall's cross section; cross sections in 1e-45 cm2
RATE, ERROR, SYSTEMATIC, PREDICTED = np.array([54.9, 55.6]), np.array([2.4, 2.6]), np.array([1.4, 1.4]), np.array([69.41, 72.59])
SIGMA = {"bahcall-1997": 5.81, "haxton-1998": 6.39}


def by_brute_force(sigma, at, toys):
    """p-value of a point: BEST's rates thrown about its prediction, every toy fitted on a grid; the model enters by the size of its cross section alone."""
    kernel = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile()).model
    expected = PREDICTED * sigma / SIGMA["bahcall-1997"]
    s, dm2 = (axis.ravel() for axis in np.meshgrid(np.linspace(0, 1, 201), AXES["dm2"]))
    root = np.linalg.inv(np.linalg.cholesky(np.diag(ERROR**2) + np.outer(SYSTEMATIC, SYSTEMATIC)))
    grid, here = ((expected * kernel({"sin2_2theta": x, "dm2": y})) @ root.T for x, y in ((s, dm2), at))
    thrown = here + np.random.default_rng(99).standard_normal((toys, 2))

    def delta(data):
        best = [((one - grid) ** 2).sum(-1).min() for one in data]
        return ((data - here) ** 2).sum(-1) - np.array(best)

    return float(np.mean(delta(thrown) >= delta((RATE @ root.T)[None])))


@pytest.mark.parametrize(("i", "j"), [(5, 6), (6, 8), (13, 9), (14, 14)])
def test_against_brute_force(i, j):
    """Steps of .005 in the mixing move Delta chi2 by at most (29 sigma x .0025)^2 for each rate, p by a hundredth of it: far below what the toys know."""
    axes = {"sin2_2theta": AXES["sin2_2theta"][i : i + 1], "dm2": AXES["dm2"][j : j + 1]}
    found = {}
    for model in SIGMA:
        data = mci.gallium.datasets(only=["best"], cross_section=model, cross_section_error=False)
        found[model] = mci.feldman_cousins(data.likelihood(mci.Sterile()), axes, toys=20_000, seed=5, minimise_on={"dm2": AXES["dm2"]})
    slow = [by_brute_force(sigma, (axes["sin2_2theta"][0], axes["dm2"][0]), 2000) for sigma in SIGMA.values()]
    p = max(slow)
    assert min(slow) < 0.6 * p  # the models do not agree: the largest is put to the test
    assert mci.envelope(found).p_value.item() == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) * (1 / 2000 + 1 / 20_000)))


def test_models_on_other_points_are_refused(models):
    shorter = {**AXES, "dm2": AXES["dm2"][:-1]}
    bad = {**models, "a": thrown("frekers-2015", dict(reversed(AXES.items())), toys=100), "b": thrown("frekers-2015", shorter, toys=100)}
    with pytest.raises(DataError) as caught:
        mci.envelope(bad)
    assert str(caught.value) == (
        "a has 15 of dm2 from 0.1 eV2 to 30 eV2 x 21 of sin2_2theta from 0 to 1; b has 21 of sin2_2theta from 0 to 1 x 14 of dm2 from 0.1 eV2 to 19.96 eV2: "
        "expected the very points of bahcall-1997, 21 of sin2_2theta from 0 to 1 x 15 of dm2 from 0.1 eV2 to 30 eV2"
    )
    same_ends = {**AXES, "dm2": mci.linspace("0.1 eV2", "30 eV2", 15)}
    with pytest.raises(DataError, match="expected the very points of bahcall-1997"):
        mci.envelope({**models, "a": thrown("frekers-2015", same_ends, toys=100)})
    with pytest.raises(DataError, match="no models: expected at least one"):
        mci.envelope({})


def test_levels_that_cannot_be_had(models):
    few = mci.envelope({**models, "few": thrown("frekers-2015", toys=100)})
    assert few.region(confidence=0.9).label == "90 %, Feldman-Cousins"  # unlike numbers of toys
    with pytest.raises(DataError, match="toys are beyond it"):
        few.region(sigma=2)
    with pytest.raises(RangeError, match="a region needs its level"):
        few.region()


def test_json_holds_the_p_values_and_what_is_inside_at_each_level(whole):
    found = whole.to_dict([0.9, 0.68])
    assert found.keys() == {"p_value", "inside"}
    np.testing.assert_array_equal(found["p_value"], whole.p_value)
    for name, inside in found["inside"].items():
        np.testing.assert_array_equal(inside, whole.region(confidence=float(name)).inside)


def test_tables_have_a_row_for_each_model_and_the_envelope(models, whole):
    heads = [row[0] for row in listings.envelope_table(whole, [0.9, 0.68]).rows]
    assert heads == [*MODELS, *(f"{level} %, {name}" for level in (90, 68) for name in (*MODELS, "envelope"))]
    ((name, best, about),) = mci.envelope({"kostensalo-2019": models["kostensalo-2019"]}).table().rows
    at = np.unravel_index(models[name].delta_chi2.argmin(), (21, 15))
    assert best.startswith(f"best sin2_2theta = {AXES['sin2_2theta'][at[0]]:.4g}, dm2 = ")
    assert about == "21 x 15 points, 2000 toys each, seed 3; closed form"
    assert str(whole).splitlines()[0] == "Feldman-Cousins, each model taken as exact"


def test_the_envelope_is_drawn_below_the_regions(models, whole):
    figure = figures.envelope(whole, confidence=0.9)
    assert tuple(dict.fromkeys(figure.data["region"])) == ("envelope", *MODELS)
    assert len(figure.axes[0].collections) == 1 + len(MODELS)
    assert "taken as exact" in figure.caption
    assert figure.references == whole.region(confidence=0.9).references
