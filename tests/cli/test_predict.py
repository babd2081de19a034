"""``megacurie predict``."""

import json

import pytest

KEYS = {
    "card", "hypothesis", "parameters", "zones", "notes", "rate_per_day_initial", "counts", "counts_by_days", "background_counts", "backgrounds", "spectrum",
}  # fmt: skip
ZONE = {"name", "mean_path_m", "mean_path_shape_m", "rate_per_day", "counts", "ratio"}


def test_best_in_json(megacurie):
    run = megacurie("predict", "best", "--json")
    assert (run.code, run.err, run.written) == (0, "", frozenset())
    assert run.json.keys() == KEYS
    assert (run.json["card"], run.json["hypothesis"], run.json["parameters"], run.json["notes"]) == ("best", "no-oscillation", {}, [])
    inner, outer = run.json["zones"]
    assert inner.keys() == outer.keys() == ZONE
    assert (inner["name"], outer["name"]) == ("inner", "outer")
    assert inner["rate_per_day"] == pytest.approx(69.29, abs=0.005)  # the rounding of the number in the note
    assert outer["rate_per_day"] == pytest.approx(72.46, abs=0.005)
    assert (inner["mean_path_m"], outer["mean_path_m"]) == (pytest.approx(0.5203, rel=1e-12), pytest.approx(0.5441, rel=1e-12))  # units, there and back
    assert inner["mean_path_shape_m"] == pytest.approx(0.5203, rel=3e-3)  # tolerances of the note: the cavity and the level are not published
    assert outer["mean_path_shape_m"] == pytest.approx(0.5441, rel=1e-2)
    for zone in (inner, outer):
        assert zone["ratio"] == pytest.approx(1, abs=1e-12)  # a number over itself
        assert zone["counts"] is None


def test_best_in_text(megacurie):
    assert megacurie("predict", "best").out == (
        "BEST: no-oscillation\n"
        "  zone   mean path  from the shape  rate at start  ratio\n"
        "  -----  ---------  --------------  -------------  ------\n"
        "  inner  52.03 cm   52.03 cm        69.29 1/d      1.0000\n"
        "  outer  54.41 cm   54.87 cm        72.46 1/d      1.0000\n"
    )


def test_oscillation_changes_rate_and_ratio_alike(megacurie):
    free = megacurie("predict", "best", "--json").json["zones"]
    run = megacurie("predict", "best", "-H", "sterile", "--set", "dm2=3.3 eV2", "--set", "sin2_2theta=0.42", "--json").json
    assert (run["hypothesis"], run["parameters"]) == ("sterile", {"sin2_2theta": pytest.approx(0.42), "dm2_eV2": pytest.approx(3.3)})
    for zone, before, measured in zip(run["zones"], free, (0.791, 0.766), strict=True):
        assert zone["rate_per_day"] / before["rate_per_day"] == pytest.approx(zone["ratio"], rel=1e-12)  # the same quotient
        assert zone["ratio"] == pytest.approx(measured, abs=0.01)  # BEST's best fit meets its two data, whose errors are .05


def test_a_normalisation_is_its_own_ratio(megacurie):
    run = megacurie("predict", "best", "-H", "activity-scale + extraction-efficiency", "--set", "activity=0.9", "--set", "efficiency=90 %", "--json").json
    assert [zone["ratio"] for zone in run["zones"]] == [pytest.approx(0.81, rel=1e-12)] * 2  # a product


@pytest.mark.parametrize("card", ["gallex-cr1", "gallex-cr2"])
def test_a_ratio_only_card_says_what_is_missing(megacurie, card):
    run = megacurie("predict", card, "--json").json
    (zone,) = run["zones"]
    assert (zone["rate_per_day"], zone["counts"], zone["ratio"]) == (None, None, pytest.approx(1, abs=1e-12))
    assert "no rate: target.material (number of targets per volume) missing" in run["notes"]


def test_a_schedule_adds_counts(megacurie, toy):
    card = toy(more='\n[detector]\nefficiency = "50 %"\n[schedule]\nexposures = [{ start = "0 d", stop = "1 min" }]\n')
    (zone,) = megacurie("predict", card, "--json").json["zones"]
    assert zone["counts"] == pytest.approx(zone["rate_per_day"] / 1440 / 2, rel=1e-4)  # one minute of a half-life of four weeks: A falls by 2e-5


def test_output_to_a_file_is_what_would_be_printed(megacurie, folder):
    for arguments in (("predict", "best"), ("predict", "best", "--json")):
        printed = megacurie(*arguments).out
        run = megacurie(*arguments, "-o", "out")
        assert (run.code, run.out, run.err, run.written) == (0, "", "", {"out"})
        assert (folder / "out").read_text(encoding="utf-8") == printed


def test_installed_command(program):
    run = program("predict", "best", "--json")
    assert (run.code, run.err) == (0, "")
    assert json.loads(run.out)["zones"][0]["rate_per_day"] == pytest.approx(69.29, abs=0.005)  # as above
