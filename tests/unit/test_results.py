"""p-values and sigma against closed forms and printed numbers; what results say and write."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError
from megacurie.foundation.parameters import Parameter
from megacurie.statistics.results import Fit, Minimum, Region, Scan, finite, p_of, p_value, sigma_of, threshold, wilks

S = Parameter("sin2_2theta", "", low=0.0, high=1.0)
DM2 = Parameter("dm2", "eV2", low=0.1, high=10.0, scale="log")
ULPS = 1e-12  # special functions


# --- p-values


@pytest.mark.parametrize("x", [0.0, 0.5, 2.3, 11.83, 36.3, 300.0])
def test_p_values_in_closed_form(x: float) -> None:
    assert p_value(x, 1) == pytest.approx(math.erfc(math.sqrt(x / 2)), rel=ULPS)
    assert p_value(x, 2) == pytest.approx(math.exp(-x / 2), rel=ULPS)
    assert p_value(x, 4) == pytest.approx(math.exp(-x / 2) * (1 + x / 2), rel=ULPS)
    assert p_value(x, 6) == pytest.approx(math.exp(-x / 2) * (1 + x / 2 + (x / 2) ** 2 / 2), rel=ULPS)


@pytest.mark.parametrize(
    ("chi2", "dof", "p", "sigma"), [(36.3, 6, "2.4e-06", "4.7"), (32.1, 2, "1.1e-07", "5.3"), (34.7, 2, "2.9e-08", "5.5"), (38.4, 6, "9.4e-07", "4.9")]
)
def test_printed_p_values(chi2: float, dof: int, p: str, sigma: str) -> None:
    """Slide The gallium anomaly of T. Schwetz, 19 June 2023."""
    found = p_value(chi2, dof)
    assert f"{found:.1e}" == p
    assert abs(sigma_of(found) - float(sigma)) < 0.051  # the printed chi2 and sigma are both rounded


@pytest.mark.parametrize(("chi2", "dof"), [(-0.1, 2), (math.nan, 2), (1.0, 0), (1.0, -1)])
def test_p_values_that_do_not_exist(chi2: float, dof: int) -> None:
    with pytest.raises(RangeError, match="expected chi2 >= 0 and at least one degree of freedom"):
        p_value(chi2, dof)


def test_sigma_and_p_are_inverse() -> None:
    for sigma in (0.0, 1.0, 2.0, 5.0, 9.0):
        assert sigma_of(p_of(sigma)) == pytest.approx(sigma, rel=ULPS, abs=1e-15)
    assert p_of(1.0) == pytest.approx(0.3173105, rel=1e-6)  # printed in every table
    assert p_of(5.0) == pytest.approx(5.733e-7, rel=1e-4)
    assert (sigma_of(1.0), sigma_of(0.0)) == (0.0, math.inf)
    for p in (-0.1, 1.1, math.nan):
        with pytest.raises(RangeError, match=r"expected a number in \[0, 1\]"):
            sigma_of(p)


def test_wilks() -> None:
    for sigma in (0.5, 1.0, 3.0, 6.0):
        assert wilks(sigma**2, 1) == pytest.approx(sigma, rel=ULPS)
    assert wilks(32.4, 2) == pytest.approx(5.34, abs=0.005)  # physics note (e): 5.34 sigma with 2 dof
    assert wilks(-1e-9, 2) == 0  # rounding of a difference
    assert wilks(9.0, 2) < wilks(9.0, 1)


@pytest.mark.parametrize(("sigma", "printed"), [(1, 2.30), (2, 6.18), (3, 11.83)])
def test_thresholds_for_two_parameters(sigma: int, printed: float) -> None:
    assert abs(threshold(p_of(sigma), 2) - printed) < 0.005  # the PDG's two digits
    assert threshold(p_of(sigma), 1) == pytest.approx(sigma**2, rel=1e-9)
    assert threshold(math.exp(-2.0), 2) == pytest.approx(4.0, rel=1e-9)


@pytest.mark.parametrize("p", [0.0, 1.0, -0.5, 1.5, math.nan])
def test_thresholds_that_do_not_exist(p: float) -> None:
    with pytest.raises(RangeError, match="expected a number between 0 and 1"):
        threshold(p, 2)


def test_finite() -> None:
    assert (finite(1.5), finite(math.inf), finite(math.nan)) == (1.5, None, None)


# --- fits


def a_fit(**changes: Any) -> Fit:
    theta = {"sin2_2theta": 0.34, "dm2": 1.25 * u.eV2}
    other = {"sin2_2theta": 0.42, "dm2": 3.3 * u.eV2}
    base = Fit(
        parameters=(S, DM2), best=theta, fixed=(), intervals={"sin2_2theta": (0.25, 0.48), "dm2": (1.0 * u.eV2, None)}, chi2=3.0, null_chi2=32.0, n_data=6,
        minima=(Minimum(theta=theta, chi2=3.0), Minimum(theta=other, chi2=3.5)), pulls={"x": -0.25}, notes=("a note",), references=frozenset({"key"}),
    )  # fmt: skip
    return replace(base, **changes)


def test_a_fit_counts() -> None:
    found = a_fit()
    assert (found.dof, found.delta_chi2) == (4, 29.0)
    assert found.p_value == pytest.approx(math.exp(-1.5) * 2.5, rel=ULPS)
    assert found.significance == {"wilks_1": pytest.approx(math.sqrt(29), rel=ULPS), "wilks_2": wilks(29.0, 2)}
    assert a_fit(fixed=("dm2",)).dof == 5
    assert (a_fit(n_data=None).dof, a_fit(n_data=None).p_value) == (None, None)
    assert (a_fit(n_data=2).dof, a_fit(n_data=2).p_value) == (0, None)


def test_a_fit_writes_display_units() -> None:
    written = a_fit().to_dict()
    assert json.loads(json.dumps(written, allow_nan=False)) == written
    assert set(written) == {"best", "fixed", "intervals", "chi2", "dof", "p_value", "null_chi2", "delta_chi2", "significance", "minima", "pulls", "notes"}
    assert written["best"] == {"sin2_2theta": 0.34, "dm2_eV2": pytest.approx(1.25, rel=ULPS)}
    assert written["intervals"] == {"sin2_2theta": [0.25, 0.48], "dm2_eV2": [pytest.approx(1, rel=ULPS), None]}
    sigmas = {"wilks_1": pytest.approx(math.sqrt(29), rel=ULPS), "wilks_2": pytest.approx(wilks(29, 2), rel=ULPS)}
    assert written["significance"] == {**sigmas, "global": None, "global_error": None}
    assert a_fit(global_significance=(5.1, 0.01)).to_dict()["significance"] == {**sigmas, "global": 5.1, "global_error": 0.01}
    assert written["minima"][1] == {"sin2_2theta": 0.42, "dm2_eV2": pytest.approx(3.3, rel=ULPS), "chi2": 3.5, "delta_chi2": 0.5}
    assert (written["chi2"], written["dof"], written["null_chi2"], written["delta_chi2"]) == (3.0, 4, 32.0, 29.0)
    assert (written["pulls"], written["notes"]) == ({"x": -0.25}, ["a note", *written["notes"][1:]])
    assert "global significance is null" in written["notes"][1]


def test_a_significance_beyond_floating_point_is_null_in_json() -> None:
    written = a_fit(null_chi2=4000.0).to_dict()
    assert written["significance"]["wilks_2"] is None
    json.dumps(written, allow_nan=False)


def test_a_fit_prints_display_units() -> None:
    text = str(a_fit())
    for part in (
        "1.25 eV2",
        "+0.14 / -0.09",
        "to the bound / -0.25",
        "3.00 / 4",
        "Delta chi2 = 29.00",
        "pull x",
        "dm2 = 3.3 eV2",
        "Delta chi2 = 0.50",
        "a note",
    ):
        assert part in text
    assert "fixed" in str(a_fit(fixed=("dm2",)))
    assert "<table>" in a_fit()._repr_html_()


# --- scans and regions: a paraboloid in (s, log dm2)

S0, L0, DS, DL = 0.4, math.log(1.0), 0.1, 0.3
AXES = {"sin2_2theta": np.linspace(0, 1, 101), "dm2": np.geomspace(0.1, 10, 121) * u.eV2}


def paraboloid(level: float = 7.0) -> Scan:
    s, dm2 = np.meshgrid(*AXES.values(), indexing="ij")
    chi2 = level + ((s - S0) / DS) ** 2 + ((np.log(dm2 / u.eV2) - L0) / DL) ** 2
    return Scan(parameters=(S, DM2), axes=AXES, chi2=chi2, references=frozenset({"key"}))


@pytest.mark.parametrize("sigma", [1, 2, 3])
def test_contours_of_a_paraboloid_are_ellipses(sigma: int) -> None:
    region = paraboloid().region(sigma=sigma)
    (line,) = region.contours()
    radius = ((line[:, 0] - S0) / DS) ** 2 + ((np.log(line[:, 1]) - L0) / DL) ** 2
    # linear interpolation: at most (1/8) of the second derivative times the squared steps, .1^2 and .13^2 in units of the widths, each way
    assert np.abs(radius - threshold(p_of(sigma), 2)).max() < 2 / 8 * (0.1**2 + 0.13**2)
    np.testing.assert_array_equal(line[0], line[-1])  # closed


def test_bounds_are_the_outermost_grid_points_inside() -> None:
    region = paraboloid().region(sigma=2)
    reach = math.sqrt(region.threshold)
    low, high = region.bounds("sin2_2theta")
    assert S0 - reach * DS <= low < S0 - reach * DS + 0.01  # one step
    assert S0 + reach * DS - 0.01 < high <= S0 + reach * DS
    low, high = (math.log(x / u.eV2) for x in region.bounds("dm2"))
    step = math.log(100) / 120
    assert (low + reach * DL, reach * DL - high) == (pytest.approx(step / 2, abs=step / 2), pytest.approx(step / 2, abs=step / 2))
    np.testing.assert_array_equal(region.inside, region.delta_chi2 <= region.threshold)
    assert region.references == {"key"}


def test_levels_and_labels() -> None:
    scan = paraboloid()
    assert scan.region(sigma=2).label == "2 sigma, Wilks with 2 parameters"
    assert scan.region(confidence=0.9).label == "90 %, Wilks with 2 parameters"
    assert scan.region(confidence=0.9).threshold == pytest.approx(-2 * math.log(0.1), rel=1e-9)
    line = Scan(parameters=(S,), axes={"sin2_2theta": AXES["sin2_2theta"]}, chi2=scan.chi2[:, 60], references=frozenset())
    assert line.region(sigma=3).threshold == pytest.approx(9, rel=1e-9)
    assert line.region(sigma=3).label == "3 sigma, Wilks with 1 parameter"
    with pytest.raises(RangeError, match="contours of a region with 1 axes: expected 2"):
        line.region(sigma=3).contours()
    for wrong in ({}, {"sigma": 1.0, "confidence": 0.9}):
        with pytest.raises(RangeError, match="a region needs its level: either"):
            scan.region(**wrong)  # type: ignore[arg-type]
    for bad in (0.0, -1.0, math.nan):
        with pytest.raises(RangeError, match="expected a positive number"):
            scan.region(sigma=bad)
    for bad in (0.0, 1.0, -0.1, math.nan):
        with pytest.raises(RangeError, match="expected a number between 0 and 1"):
            scan.region(confidence=bad)
    for high in (9, 20):  # where 1 - p is 1 to double precision
        assert line.region(sigma=high).threshold == pytest.approx(high**2, rel=1e-9)


def test_a_region_may_be_relative_to_the_minimum_of_a_fit() -> None:
    scan = paraboloid()
    assert scan.delta_chi2().min() == 0
    np.testing.assert_allclose(scan.delta_chi2(6.0), scan.chi2 - 6.0, rtol=1e-12)
    np.testing.assert_array_equal(scan.delta_chi2(8.0), scan.delta_chi2())  # a grid below the fit: the grid is right
    assert scan.region(sigma=1, minimum=6.0).inside.sum() < scan.region(sigma=1).inside.sum()
    empty = scan.region(sigma=1, minimum=0.0)
    with pytest.raises(RangeError, match="the region is empty"):
        empty.bounds("dm2")
    assert empty.contours() == ()


def test_a_scan_writes_display_units() -> None:
    small = Scan(parameters=(DM2,), axes={"dm2": np.array([1.0, 2.0]) * u.eV2}, chi2=np.array([3.0, 5.0]), references=frozenset())
    written = small.to_dict()
    assert json.loads(json.dumps(written, allow_nan=False)) == written
    assert written == {"axes": {"dm2_eV2": pytest.approx([1, 2], rel=ULPS)}, "chi2": [3, 5], "chi2_min": 3, "delta_chi2": [0, 2]}


def test_results_are_frozen() -> None:
    region = Region(parameters=(S,), axes={"sin2_2theta": np.ones(1)}, delta_chi2=np.zeros(1), threshold=1.0, label="", references=frozenset())
    for result, name in ((a_fit(), "chi2"), (paraboloid(), "chi2"), (region, "threshold")):
        with pytest.raises(AttributeError):
            setattr(result, name, 0)
