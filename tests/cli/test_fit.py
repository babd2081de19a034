"""``megacurie fit``."""

import json

import pytest

KEYS = {
    "data", "hypothesis", "cross_section", "conventions", "best", "fixed", "intervals", "chi2", "dof", "p_value", "null_chi2", "delta_chi2", "significance",
    "minima", "pulls", "notes",
}  # fmt: skip
SIX = ["gallex-cr1", "gallex-cr2", "sage-cr", "sage-ar", "best-inner", "best-outer"]


@pytest.fixture
def gallium(megacurie):
    run = megacurie("fit", "gallium", "-H", "sterile", "--json")
    assert (run.code, run.err, run.written) == (0, "", frozenset())
    return run.json


def test_six_measurements_and_a_sterile_neutrino(gallium):
    assert gallium.keys() == KEYS
    assert (gallium["data"], gallium["hypothesis"]) == (SIX, "sterile")
    assert (gallium["cross_section"], gallium["conventions"]) == ("bahcall-1997", "schwetz-2023")
    assert gallium["best"].keys() == {"sin2_2theta", "dm2_eV2"}
    assert 0.32 <= gallium["best"]["sin2_2theta"] <= 0.35  # ranges of the issue
    assert 1.24 <= gallium["best"]["dm2_eV2"] <= 1.33
    assert gallium["dof"] == 4
    assert gallium["significance"].keys() == {"wilks_1", "wilks_2", "global", "global_error"}
    assert gallium["delta_chi2"] == pytest.approx(gallium["null_chi2"] - gallium["chi2"], rel=1e-12)  # the same difference


def test_every_other_minimum_is_listed(gallium):
    minima = gallium["minima"]
    assert len(minima) > 3
    assert all(one.keys() == {"sin2_2theta", "dm2_eV2", "chi2", "delta_chi2"} for one in minima)
    assert minima[0]["chi2"] == gallium["chi2"]
    assert [one["chi2"] for one in minima] == sorted(one["chi2"] for one in minima)
    assert any(2.8 < one["dm2_eV2"] < 3.3 for one in minima[1:])  # the next half wave in BEST


def test_text_says_what_was_fitted(megacurie):
    out = megacurie("fit", "best", "-H", "sterile").out
    first, second, *lines = out.splitlines()
    assert first == "best-inner, best-outer: sterile (cross section bahcall-1997, conventions schwetz-2023)"
    assert second == "Best fit"
    assert sum(line.split()[0] == "also" for line in lines) >= 5
    assert any(line.strip().startswith("degenerate: ") for line in lines)
    assert lines[-1].strip() == "as many parameters as data: p_value is null"


def test_best_alone_has_degenerate_minima(megacurie):
    found = megacurie("fit", "best", "-H", "sterile", "--json").json
    assert (found["dof"], found["p_value"]) == (0, None)
    assert sum(one["delta_chi2"] < 0.05 for one in found["minima"]) > 3
    assert any(note.startswith("degenerate: ") for note in found["notes"])


def test_published_best_fit_of_best(megacurie):
    found = megacurie("fit", "best", "-H", "sterile", "--set", "dm2=3.3 eV2", "--set", "sin2_2theta=0.42", "--json").json
    assert found["chi2"] < 0.05  # the issue
    assert found["fixed"] == ["dm2", "sin2_2theta"]
    assert found["best"] == {"sin2_2theta": pytest.approx(0.42), "dm2_eV2": pytest.approx(3.3)}
    assert found["dof"] == 2


def test_one_fixed_parameter_leaves_the_other_free(megacurie):
    found = megacurie("fit", "gallium", "-H", "sterile", "--set", "dm2=20 eV2", "--json").json
    assert found["dof"] == 5
    assert found["intervals"].keys() == {"sin2_2theta"}
    # oscillation is averaged there: P = 1 - s/2 = .80, the mean ratio
    assert 1 - found["best"]["sin2_2theta"] / 2 == pytest.approx(0.80, abs=0.01)


def test_conventions_and_cross_section_are_named_in_the_result(megacurie):
    found = megacurie("fit", "sage-cr", "best-outer", "-H", "activity-scale", "--cross-section", "kostensalo-2019", "--conventions", "best-2022", "--json").json
    assert (found["data"], found["cross_section"], found["conventions"]) == (["sage-cr", "best-outer"], "kostensalo-2019", "best-2022")


def test_no_parameters_is_the_null_hypothesis(megacurie):
    found = megacurie("fit", "best", "-H", "no-oscillation", "--json").json
    assert (found["best"], found["dof"]) == ({}, 2)
    assert found["chi2"] == pytest.approx(found["null_chi2"], rel=1e-12)  # two ways to the same sum
    assert all(found["significance"][name] < 1e-6 for name in ("wilks_1", "wilks_2"))  # the root of that rounding


def test_output_to_a_file(megacurie, folder):
    run = megacurie("fit", "best", "-H", "activity-scale", "--json", "-o", "fit.json")
    assert (run.code, run.out, run.err, run.written) == (0, "", "", {"fit.json"})
    assert json.loads((folder / "fit.json").read_text()).keys() == KEYS


def test_same_answer_on_another_unit_system_and_in_a_process_of_its_own(program, megacurie):
    here, there = (one("fit", "best", "-H", "activity-scale", "--json").json for one in (megacurie, program))
    assert here["chi2"] == pytest.approx(there["chi2"], rel=1e-9)  # rounding
