"""``megacurie scan``."""

import json

import pytest

AXES = ("--axis", "dm2=0.1 eV2:10 eV2:5:log", "--axis", "sin2_2theta=0:1:3")
KEYS = {"data", "hypothesis", "cross_section", "conventions", "axes", "chi2", "chi2_min", "chi2_best_fit", "delta_chi2", "thresholds"}


def test_json(megacurie):
    run = megacurie("scan", "gallium", "-H", "sterile", *AXES, "--json")
    assert (run.code, run.err, run.written) == (0, "", frozenset())
    found = run.json
    assert found.keys() == KEYS
    assert found["axes"].keys() == {"dm2_eV2", "sin2_2theta"}
    assert found["axes"]["dm2_eV2"] == pytest.approx([0.1, 10**-0.5, 1, 10**0.5, 10])  # equal ratios
    assert found["axes"]["sin2_2theta"] == pytest.approx([0, 0.5, 1])
    assert [len(row) for row in found["chi2"]] == [3] * 5
    lowest = min(min(row) for row in found["chi2"])
    assert found["chi2_min"] == lowest
    assert found["delta_chi2"] == [[value - lowest for value in row] for row in found["chi2"]]
    # 1, 2 and 3 sigma of chi2 with two degrees of freedom: -2 ln(p)
    assert found["thresholds"] == {
        "1 sigma, Wilks with 2 parameters": pytest.approx(2.2957, abs=1e-4),  # four printed digits
        "2 sigma, Wilks with 2 parameters": pytest.approx(6.1801, abs=1e-4),
        "3 sigma, Wilks with 2 parameters": pytest.approx(11.8292, abs=1e-4),
    }


def test_no_mixing_is_the_null_hypothesis_whatever_dm2(megacurie):
    null = megacurie("fit", "gallium", "-H", "no-oscillation", "--json").json["null_chi2"]
    for row in megacurie("scan", "gallium", "-H", "sterile", *AXES, "--json").json["chi2"]:
        assert row[0] == pytest.approx(null, rel=1e-9)  # another order of the same sums


def test_points_are_those_of_fit(megacurie):
    chi2 = megacurie("scan", "best", "-H", "sterile", *AXES, "--json").json["chi2"]
    fit = megacurie("fit", "best", "-H", "sterile", "--set", "dm2=1 eV2", "--set", "sin2_2theta=0.5", "--json").json
    assert chi2[2][1] == pytest.approx(fit["chi2"], rel=1e-9)  # another order of the same sums


def test_a_parameter_that_is_no_axis_is_profiled_or_fixed(megacurie):
    axis = ("--axis", "sin2_2theta=0:1:3")
    profiled = megacurie("scan", "best", "-H", "sterile", *axis, "--json").json["chi2"]
    fixed = megacurie("scan", "best", "-H", "sterile", *axis, "--set", "dm2=1 eV2", "--json").json["chi2"]
    assert len(profiled) == len(fixed) == 3
    assert all(p <= f + 1e-9 for p, f in zip(profiled, fixed, strict=True))  # rounding where they are equal, at no mixing


def test_levels_in_sigma_and_as_probabilities(megacurie):
    found = megacurie("scan", "best", "-H", "sterile", *AXES, "--sigma", "2", "--cl", "0.9", "--cl", "0.99", "--json").json["thresholds"]
    assert found == {
        "2 sigma, Wilks with 2 parameters": pytest.approx(6.1801, abs=1e-4),  # as above
        "90 %, Wilks with 2 parameters": pytest.approx(4.60517, abs=1e-5),  # 2 ln 10
        "99 %, Wilks with 2 parameters": pytest.approx(9.21034, abs=1e-5),  # 4 ln 10
    }
    only = megacurie("scan", "best", "-H", "sterile", *AXES, "--cl", "0.9", "--json").json["thresholds"]
    assert list(only) == ["90 %, Wilks with 2 parameters"]


def test_text(megacurie):
    lines = megacurie("scan", "gallium", "-H", "sterile", *AXES, "--sigma", "2").out.splitlines()
    assert lines[0].endswith("best-inner, best-outer: sterile (cross section bahcall-1997, conventions schwetz-2023)")
    assert lines[1].startswith("Scan: 5 x 3 points, smallest chi2 ")
    assert lines[2].split() == ["minimum", "of", "the", "grid", "dm2", "=", "3.162", "eV2,", "sin2_2theta", "=", "0.5"]
    assert lines[3].strip().startswith("2 sigma, Wilks with 2 parameters  ")
    assert lines[3].endswith("Delta chi2 < 6.18")


def test_output_to_a_file(megacurie, folder):
    run = megacurie("scan", "best", "-H", "sterile", *AXES, "--json", "-o", "scan.json")
    assert (run.code, run.out, run.err, run.written) == (0, "", "", {"scan.json"})
    assert json.loads((folder / "scan.json").read_text()).keys() == KEYS
