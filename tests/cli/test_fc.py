"""``megacurie fc``."""

import json

import numpy as np
import pytest

AXES = ("--axis", "sin2_2theta=0:1:6", "--axis", "dm2=0.1 eV2:10 eV2:5:log")
KEYS = {
    "data", "hypothesis", "cross_section", "conventions", "axes", "delta_chi2", "p_value", "critical", "critical_error", "wilks_coverage", "toys", "seed",
    "method", "coverage",
}  # fmt: skip


def test_json_arrays_store_and_figure(megacurie, folder):
    options = ("fc", "best", "-H", "sterile", *AXES, "--toys", "2000", "--cl", "0.9", "--sigma", "2", "--store", "fc.sqlite", "--json")
    run = megacurie(*options, "--arrays", "fc.npz", "--figure", "fc.svg", "--coverage", "sin2_2theta=0.4,dm2=2 eV2")
    assert (run.code, run.err) == (0, "")
    assert run.written == {"fc.sqlite", "fc.npz", "fc.svg", "fc.csv", "fc.txt"}
    found = run.json
    assert found.keys() == KEYS
    assert found["axes"].keys() == {"sin2_2theta", "dm2_eV2"}
    assert found["critical"].keys() == {"0.9", "0.9545"}
    for name in ("delta_chi2", "p_value", *(("critical", level) for level in found["critical"])):
        values = found[name] if isinstance(name, str) else found[name[0]][name[1]]
        assert np.shape(values) == (6, 5)
    ((first, second), toys) = (found["coverage"], found["toys"])
    assert toys == 2000
    assert (first["sin2_2theta"], first["dm2_eV2"], first["confidence"]) == (pytest.approx(0.4), pytest.approx(2), 0.9)
    for one in (first, second):
        assert abs(one["feldman_cousins"] - one["confidence"]) < 5 * one["error"] + 0.02  # a coarse grid is interpolated
    with np.load(folder / "fc.npz") as arrays:
        assert arrays["histogram"].shape == (6, 5, 3001)
        np.testing.assert_allclose(arrays["dm2_eV2"], found["axes"]["dm2_eV2"])
        np.testing.assert_array_equal(arrays["p_value"], found["p_value"])
    again = megacurie(*options, "--coverage", "sin2_2theta=0.4,dm2=2 eV2")
    assert again.json == found
    other = megacurie(*options, "--set", "source.lines=nine")
    assert (other.code, "made from another" in other.err) == (2, True)
    state = megacurie("fc", "--status", "fc.sqlite")
    assert state.out.strip() == "fc.sqlite: 30 of 30 points done (6 sin2_2theta x 5 dm2_eV2), 2000 toys each, seed 20220611"
    assert megacurie("fc", "--status", "fc.sqlite", "--json").json == {
        "done": 30, "points": 30, "toys": 2000, "seed": 20220611, "axes": {"sin2_2theta": 6, "dm2_eV2": 5}
    }  # fmt: skip


def test_coverage_at_true_values_of_a_pull(megacurie):
    """A fixed covariance knows its pulls: the share is the same wherever they lie, and so says the table."""
    options = ("fc", "best", "-H", "sterile", *AXES, "--toys", "1000", "--seed", "5")
    points = [("--coverage", f"sin2_2theta=0.4,dm2=2 eV2,best.systematic={x}") for x in (0, -2)]
    first, second = megacurie(*options, *points[0], *points[1], "--json").json["coverage"]
    assert (first["pulls"]["best.systematic"], second["pulls"]["best.systematic"]) == (0, -2)
    assert first["pulls"]["channel:ga71"] == second["pulls"]["channel:ga71"]
    assert first["feldman_cousins"] == second["feldman_cousins"]
    (line,) = [line for line in megacurie(*options, *points[1]).out.splitlines() if "coverage at" in line]
    assert "coverage at 0.4, 2 eV2, best.systematic = -2 sigma, channel:ga71 = " in line


def test_text(megacurie):
    lines = megacurie("fc", "best", "-H", "sterile", *AXES, "--toys", "500").out.splitlines()
    assert lines[0] == "best-inner, best-outer: sterile (cross section bahcall-1997, conventions schwetz-2023)"
    assert lines[1] == "Feldman-Cousins"
    assert any(line.strip().startswith("90 %, Feldman-Cousins with 500 toys") for line in lines)
    assert any(line.strip().startswith("90 %, Wilks with 2 parameters") for line in lines)


TWO = ("--cross-section", "bahcall-1997", "--cross-section", "haxton-1998")


def test_several_cross_sections_give_a_region_each_and_their_envelope(megacurie, folder):
    options = ("fc", "best", "-H", "sterile", *AXES, "--toys", "2000", "--cl", "0.9", "--cl", "0.68", "--json")
    run = megacurie(*options, *TWO, "--store", "fc.sqlite", "--arrays", "fc.npz", "--figure", "fc.svg")
    assert (run.code, run.err) == (0, "")
    files = {f"fc-{model}.{suffix}" for model in TWO[1::2] for suffix in ("sqlite", "npz")}
    assert run.written == {*files, "fc.svg", "fc.csv", "fc.txt"}
    found = run.json
    assert found.keys() == {"data", "hypothesis", "cross_section", "conventions", "models", "envelope"}
    assert tuple(found["cross_section"]) == tuple(found["models"]) == TWO[1::2]
    for model, one in found["models"].items():
        assert one.keys() == KEYS | {"cross_section_error"}
        assert (one["cross_section"], one["cross_section_error"], one["coverage"]) == (model, False, [])
        with np.load(folder / f"fc-{model}.npz") as arrays:
            np.testing.assert_array_equal(arrays["p_value"], one["p_value"])
    a, b = (np.array(one["p_value"]) for one in found["models"].values())
    np.testing.assert_array_equal(found["envelope"]["p_value"], np.maximum(a, b))
    for level, inside in found["envelope"]["inside"].items():
        np.testing.assert_array_equal(inside, np.maximum(a, b) > 1 - float(level))
    assert found["envelope"]["inside"].keys() == {"0.9", "0.68"}
    assert "envelope" in (folder / "fc.csv").read_text()
    alone = megacurie(*options, *TWO[:2]).json
    assert (alone.keys(), alone["cross_section"]) == (KEYS, "bahcall-1997")
    assert alone["delta_chi2"] != found["models"]["bahcall-1997"]["delta_chi2"]  # the error of the cross section is in it
    again = megacurie(*options, *TWO, "--store", "fc.sqlite")
    assert (again.json, again.written) == (found, frozenset())
    state = megacurie("fc", "--status", "fc-haxton-1998.sqlite")
    assert state.out.startswith("fc-haxton-1998.sqlite: 30 of 30 points done")


def test_several_cross_sections_as_text(megacurie):
    lines = megacurie("fc", "best", "-H", "sterile", *AXES, "--toys", "500", *TWO).out.splitlines()
    assert lines[:2] == ["best-inner, best-outer: sterile (conventions schwetz-2023)", "Feldman-Cousins, each model taken as exact"]
    assert [line.split("  ")[1] for line in lines[2:]] == [
        "bahcall-1997", "haxton-1998", "90 %, bahcall-1997", "90 %, haxton-1998", "90 %, envelope"
    ]  # fmt: skip


def test_a_fixed_parameter_leaves_one_axis(megacurie):
    found = megacurie("fc", "best", "-H", "sterile", "--set", "dm2=2 eV2", "--toys", "200", "--json").json
    assert found["axes"].keys() == {"sin2_2theta"}
    assert np.shape(found["p_value"]) == (51,)


@pytest.mark.slow
def test_defaults_and_workers(program, folder):
    run = program("fc", "gallium", "-H", "sterile", "--toys", "10000", "--store", "fc.sqlite", "--workers", "2", "--json", "-o", "a.json")
    assert (run.code, run.out) == (0, "")
    alone = program("fc", "gallium", "-H", "sterile", "--toys", "10000", "--json")
    assert json.loads((folder / "a.json").read_text()) == alone.json


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "fc needs DATA and -H HYPOTHESIS"),
        (("best",), "fc needs DATA and -H HYPOTHESIS"),
        (("best", "-H", "sterile", "--toys", "50"), "90 %: 5 of 50 toys are beyond it: expected at least 10. Throw 100 toys or more"),
        (("best", "-H", "sterile", "--toys", "99"), "90 %: 9.9 of 99 toys are beyond it: expected at least 10. Throw 100 toys or more"),
        (("best", "-H", "sterile", "--toys", "-3"), "toys = -3: expected a whole number from 1"),
        (("best", "-H", "sterile", "--sigma", "5"), "toys or more"),
        (
            ("best", "-H", "sterile", "--coverage", "x=3"),
            "x: neither an axis nor a nuisance: expected sin2_2theta, dm2, and any of the pulls best.systematic, channel:ga71; sin2_2theta is missing",
        ),
        (("best", "-H", "sterile", "--coverage", "sin2_2theta=0.1,dm2=1 eV2,best.systematic=big"), "expected a number, the true value of the pull in sigma"),
        (
            ("best", "-H", "sterile", "--conventions", "giunti-2022", *AXES, "--coverage", "sin2_2theta=0.1,dm2=20 eV2,channel:ga71=-2"),
            "channel:ga71 = -2: expected -1.694 or more, its bound in the likelihood; dm2 lies outside the grid of the regions",
        ),
        (("best", "-H", "sterile", "--sigma", "nan"), "level nan sigma: expected a positive number"),
        (("best", "-H", "sterile", "--sigma", "40"), "level 40.0 sigma: its p-value is not a number any more; expected less than 38"),
        (("best", "-H", "sterile", "--sigma", "7"), "Take a lower level: 1000000000 toys, the most that can be thrown, are too few"),
        (("best", "-H", "sterile", "--cl", "1e-300"), "confidence level 1e-300: expected more"),
        (("best", "-H", "sterile", "--coverage", "sin2_2theta=0.1,dm2=1 eV2,dm2=2 eV2"), "a name is given twice"),
        (("best", "-H", "sterile", "--cl", "1.5"), "confidence level 1.5: expected a number between 0 and 1"),
        (("best", "-H", "sterile", "--axis", "dm=0:1:3"), "Did you mean 'dm2'?"),
        (("best", "-H", "sterile", "--axis", "dm2=1 eV2:2 eV2:3", "--axis", "dm2=1 eV2:2 eV2:3"), "two --axis of the same parameter"),
        (("best", "-H", "sterile", "--axis", "dm2=1 eV2:2 eV2:9999", "--axis", "sin2_2theta=0:1:9999"), "points on the grid"),
        (("best", "-H", "no-oscillation"), "0 free parameters"),
        (("best", "-H", "sterile", "--coverage", "dm2"), "--coverage dm2: expected NAME=VALUE"),
        (("best", "-H", "sterile", "--coverage", "sin2_2theta=0.1,dm2=1"), "no unit"),
        (("best", "-H", "sterile", "--seed", "-1"), "seed = -1"),
        (("best", "-H", "sterile", "--workers", "0"), "0 workers"),
        (("best", "-H", "sterile", "--store", "none/fc.sqlite"), "no folder"),
        (("best", "-H", "sterile", "--figure", "fc.jpg"), "expected .pdf, .svg or .png"),
        (("best", "-H", "sterile", *TWO, "--coverage", "sin2_2theta=0.3,dm2=1 eV2"), "--coverage with several --cross-section"),
        (("best", "-H", "sterile", *TWO, *TWO[2:]), "--cross-section haxton-1998 is given 2 times: expected each once"),
        (("best", "-H", "sterile", "--cross-section", "haxton"), "no cross-section model 'haxton'. Did you mean"),
        (("best", "-H", "sterile", *TWO, "--cross-section", "bahcal-1997"), "no cross-section model 'bahcal-1997'. Did you mean 'bahcall-1997'?"),
        (("best", "-H", "sterile", *TWO, "--figure", "fc.jpg"), "expected .pdf, .svg or .png"),
        (("best", "-H", "sterile", "--arrays", "fc.txt"), "fc.txt: expected a file that ends in .npz"),
        (("--status", "none.sqlite"), "no such file"),
    ],
)
def test_bad_input_ends_with_a_message(megacurie, options, message):
    run = megacurie("fc", *options)
    assert (run.code, run.out, run.written) == (2, "", frozenset())
    assert message in run.err


def test_all_wrong_cross_sections_are_named_at_once(megacurie):
    run = megacurie("fc", "best", "-H", "sterile", *TWO, "--cross-section", "bahcal-1997", "--cross-section", "frekers")
    assert run.code == 2
    for wrong, right in (("bahcal-1997", "bahcall-1997"), ("frekers", "frekers-2015")):
        assert f"no cross-section model '{wrong}'. Did you mean '{right}'?\n" in run.err


def test_all_problems_of_independent_options_are_told_at_once(megacurie):
    options = ("--toys", "0", "--seed", "-1", "--workers", "0", "--cl", "7", "--sigma", "-1", "--axis", "foo", "--axis", "dm2=1:2:3", "--figure", "fc.jpg")
    run = megacurie("fc", "best", "-H", "sterile", *options, "--cross-section", "nix", "--store", "none/fc.sqlite")
    assert (run.code, run.out, run.written) == (2, "", frozenset())
    for message in (
        "toys = 0", "seed = -1", "0 workers", "confidence level 7.0", "level -1.0 sigma", "--axis foo", "--axis dm2=1:2:3", ".pdf, .svg",
        "model 'nix'", "no folder 'none'",
    ):  # fmt: skip
        assert run.err.count(message) == 1
    run = megacurie("fc", "best", "-H", "sterile", "--coverage", "x=3", "--coverage", "dm2")
    assert "x: neither an axis nor a nuisance" in run.err
    assert "--coverage dm2: expected NAME=VALUE" in run.err


def test_as_many_toys_as_a_message_asks_for_are_enough(megacurie):
    axes = ("--axis", "dm2=1 eV2:2 eV2:2", "--axis", "sin2_2theta=0:1:2")
    assert megacurie("fc", "best", "-H", "sterile", "--toys", "100", *axes).code == 0
