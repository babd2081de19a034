"""``megacurie design``, and what ``predict`` says of scintillators."""

import csv
import json
import math

import pytest

CENTER = "ciuffoli-2025/juno-center"


def refused(run, message):
    assert run.err.rstrip("\n") == message
    assert (run.code, run.out, run.written) == (2, "", frozenset())


def test_text_has_both_significances_the_activity_and_the_radius(megacurie):
    run = megacurie("design", CENTER, "--deficit", "0.2")
    assert (run.code, run.err) == (0, "")
    for words in (
        "find it if it is there",
        "exclude it if it is not",
        "optimal radius",
        "activity to find at 5 sigma",
        "activity by rule published      0.144 MCi",
    ):
        assert words in run.out


def test_json(megacurie):
    found = megacurie("design", CENTER, "--deficit", "0.2", "--json").json
    assert found["card"] == CENTER
    assert found["significance"].keys() == {"find", "exclude", "counting_formula"}
    assert found["required_activity_by_rule"].keys() == {"published", "hole", "optimal"}
    assert found["signal_counts"] == pytest.approx(271777.2, rel=2e-5)  # 30 days, as printed
    n, b = found["signal_counts"], found["background_counts"]
    assert found["significance"]["counting_formula"] == pytest.approx(0.2 * n / math.sqrt(n + b), rel=1e-9)
    assert megacurie("design", CENTER, "--rule", "hole", "--json").json["required_activity_by_rule"].keys() == {"hole"}


def test_a_variation_is_drawn(megacurie, tmp_path):
    """The precision on the flux against the mass of a bolometer: with 1/N of a counting experiment it falls as the square root of the mass."""
    target = tmp_path / "mass.svg"
    megacurie("design", "benato-2026/lif6-cr51", "--measure", "flux", "--vary", "mass=0.5:2:2", "-o", str(target))
    assert "</svg>" in target.read_text()
    _, low, high = (tmp_path / "mass.csv").read_text().splitlines()
    assert float(low.split(",")[-1]) / float(high.split(",")[-1]) == pytest.approx(2, rel=0.02)  # the activity is known to 1 %
    megacurie("design", "benato-2026/lif6-cr51", "--vary", "mass=0.5:2:2", "-o", str(tmp_path / "deficit.png"))
    assert (tmp_path / "deficit.txt").read_text().startswith("Significance")


def test_vary(megacurie):
    found = megacurie("design", "jne-1t-cr51-outside", "--vary", "activity=0.5:5:3:log", "--json").json
    assert found["values"] == [pytest.approx(0.5), pytest.approx(math.sqrt(2.5)), pytest.approx(5)]
    finds = [one["significance"]["find"] for one in found["results"]]
    assert finds == sorted(finds)
    text = megacurie("design", "jne-1t-cr51-outside", "--vary", "threshold=200:500:4").out
    assert text.splitlines()[1].split() == ["threshold", "[keV]", "signal", "background", "find", "exclude", "formula"]


def test_measure(megacurie):
    arguments = ("design", "ciuffoli-2025/jne-1t-center", "--measure", "sin2thetaW")
    found = megacurie(*arguments, "--json").json
    assert (found["measure"], found["toys"], found["error"]["toys"]) == ("sin2_theta_w", 0, None)
    thrown = megacurie(*arguments, "--toys", "500", "--seed", "4", "--json").json
    assert thrown["error"]["toys"] == pytest.approx(thrown["error"]["fisher"], rel=5 / math.sqrt(1000))  # five sigma
    assert megacurie(*arguments, "--toys", "500", "--seed", "4", "--json").json == thrown
    assert "error, Fisher" in megacurie(*arguments).out


def test_exclusion_and_reach(megacurie):
    curve = megacurie("design", "ciuffoli-2025/jne-1t-center", "-H", "sterile", "--json").json
    assert len(curve["dm2_eV2"]) == len(curve["sin2_2theta"]) == 121
    assert None in curve["sin2_2theta"]  # at the smallest dm2 nothing is excluded
    axes = ("--axis", "dm2=0.5 eV2:5 eV2:6:log", "--axis", "sin2_2theta=0:1:5")
    plane = megacurie("design", "ciuffoli-2025/jne-1t-center", "-H", "sterile", *axes, "--cl", "0.9", "--json").json
    assert plane["axes"].keys() == {"dm2_eV2", "sin2_2theta"}
    assert plane["delta_chi2"][0][0] == pytest.approx(0, abs=1e-9)
    assert "excluded" in megacurie("design", "ciuffoli-2025/jne-1t-center", "-H", "sterile", *axes).out


def test_no_sensitivity_is_not_an_error(megacurie):
    run = megacurie("design", CENTER, "--set", "detector.threshold=600 keV")
    assert run.code == 0
    assert "no events, no sensitivity" in run.err
    assert "no sensitivity" in run.out
    run = megacurie("predict", CENTER, "--set", "detector.threshold=600 keV", "--json")
    assert run.code == 0
    assert run.json["counts"] == 0
    assert any("no sensitivity" in note for note in run.json["notes"])
    assert run.err.startswith("warning: ")


def test_a_threshold_that_means_nothing_is_a_warning(megacurie):
    run = megacurie("predict", "jne-1t-cr51-center", "--set", "detector.resolution=60 % / sqrt(MeV)", "--json")
    assert run.code == 0
    assert "more than a third of the threshold" in run.err
    assert any("it means little" in note for note in run.json["notes"])


def test_output_to_a_file(megacurie, folder):
    run = megacurie("design", CENTER, "--json", "-o", "d.json")
    assert (run.code, run.out, run.written) == (0, "", {"d.json"})
    assert json.loads((folder / "d.json").read_text())["card"] == CENTER


# --- predict


def test_predict_by_days(megacurie):
    found = megacurie("predict", CENTER, "--json", "--days", "10", "--days", "30").json
    assert found["rate_per_day_initial"] == pytest.approx(12881.1, abs=0.26)  # 2e-5
    assert found["counts_by_days"] == {"10": pytest.approx(113959.1, rel=2e-5), "30": pytest.approx(271777.2, rel=2e-5)}
    assert found["counts"] == pytest.approx(found["counts_by_days"]["30"], rel=1e-12)  # the schedule of the card
    assert found["background_counts"] == pytest.approx(47000 * 30)
    assert "events in 10 d from the reference time" in megacurie("predict", CENTER, "--days", "10").out


def test_spectrum(megacurie):
    found = megacurie("predict", "jne-500t-cr51-center", "--json").json
    bins = found["spectrum"]
    assert len(bins) == 40
    assert sum(one["counts"] for one in bins) == pytest.approx(found["counts"], rel=2e-3)  # beyond the last bin, three sigma above the end
    assert sum(one["background_counts"] for one in bins) == pytest.approx(found["background_counts"], rel=1e-9)
    assert set(found["backgrounds"]) == {"14C", "7Be", "210Bi", "85Kr", "11C", "source gammas"}


def test_settings_of_place_and_threshold(megacurie):
    outside = "ciuffoli-2025/juno-outside"
    far = megacurie("predict", outside, "--set", "zone.source_at=25 m", "--json").json
    near = megacurie("predict", outside, "--json").json
    assert 0 < far["counts"] < near["counts"]
    high = megacurie("predict", outside, "--set", "detector.threshold=250 keV", "--json").json
    assert 0 < high["counts"] < near["counts"]


# --- wrong input

BAD = {
    "source inside where the card says outside": (
        "zone.source_at=3 m",
        "ciuffoli-2025/juno-outside: zone[0]: placement = 'outside', but the source, with source_at = 3 m, is inside the target. Correct one of the two",
    ),
    "negative fiducial radius": ("zone.fiducial=-1 m", "ciuffoli-2025/juno-outside: zone[0].fiducial: '-1 m': expected a positive value"),
    "fiducial radius that is too large": (
        "zone.fiducial=20 m",
        "ciuffoli-2025/juno-outside: zone[0]: fiducial = 20 m: expected at most the 17.2 m of the ball",
    ),
    "cut that holds nothing": ("zone.within=1 m", "ciuffoli-2025/juno-outside: zone[0]: within = 1 m: no target lies so near to the source. Expected more"),
    "resolution of no kind": (
        "detector.resolution=5 m",
        (
            "ciuffoli-2025/juno-outside: detector.resolution: '5 m': '5 m' is not a term of a resolution in energy; expected such as "
            '"5 % / sqrt(MeV) + 1 % + 2 keV", added in quadrature'
        ),
    ),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["predict", "design"])
def test_bad_settings(megacurie, command, name):
    setting, message = BAD[name]
    refused(megacurie(command, "ciuffoli-2025/juno-outside", "--set", setting), message)


CARD = """\
name = "mine"
base = "jne-1t-cr51-center"
[detector]
threshold = "200 keV"
{detector}
{background}
"""

WRONG_CARDS = {
    "threshold beyond the bins": (
        'bins = { recoil = ["100 keV", "150 keV", 5] }',
        "",
        "my.toml: detector: threshold 200 keV: expected below the last recoil bin, which ends at 150 keV",
    ),
    "bins that do not increase": (
        'bins = { recoil = ["300 keV", "250 keV"] }',
        "",
        (
            "my.toml: detector.bins.recoil: ['300 keV', '250 keV']: expected a number of bins, "
            '["1 MeV", "2 MeV", 10] or edges ["1 MeV", "2 MeV", ...], increasing'
        ),
    ),
    "spectrum of no kind": (
        "",
        '[[background]]\nname = "x"\nspectrum = "15C"\nper_day = 1',
        "my.toml: background[6] 'x': spectrum '15C' is not known. Did you mean '15O'? A spectrum of your own is a .csv file",
    ),
    "two rates": (
        "",
        '[[background]]\nname = "x"\nper_day = 1\nper_day_per_t = 2',
        "my.toml: background[6] 'x': per_day, per_day_per_t: expected one of per_day (in the whole target) and per_day_per_t",
    ),
    "no rate": ("", '[[background]]\nname = "x"', "my.toml: background[6] 'x': no rate: expected one of per_day (in the whole target) and per_day_per_t"),
    "a rate for the sun": (
        "",
        '[[background]]\nname = "7Be"\nper_day = 3',
        "my.toml: background[1] '7Be': per_day: the rate follows from the flux of the sun; expected no other. Leave it out, or change error",
    ),
    "negative rate": ("", '[[background]]\nname = "x"\nper_day = -1', "my.toml: background[6].per_day: -1: expected a number, zero or more"),
    "shield of no kind": (
        "",
        '[[background]]\nname = "source gammas"\nshield = { material = "gold", thickness = "1 cm" }',
        "my.toml: background[5] 'source gammas': shield.material 'gold' is not known. Known: scintillator, tungsten.",
    ),
    "no such file": (
        "",
        '[[background]]\nname = "x"\nspectrum = "absent.csv"\nper_day = 1',
        (
            "my.toml: background[6] 'x': absent.csv: cannot be read: No such file or directory. Expected a header 'energy_keV,per_keV' and below it numbers, "
            "energies increasing, densities of zero or more"
        ),
    ),
    "wrong columns": (
        "",
        '[[background]]\nname = "x"\nspectrum = "wrong.csv"\nper_day = 1',
        (
            "my.toml: background[6] 'x': wrong.csv: line 1: columns energy, rate. Expected a header 'energy_keV,per_keV' and below it numbers, "
            "energies increasing, densities of zero or more"
        ),
    ),
}


@pytest.mark.parametrize("name", WRONG_CARDS)
def test_wrong_cards(megacurie, folder, name):
    detector, background, message = WRONG_CARDS[name]
    (folder / "my.toml").write_text(CARD.format(detector=detector, background=background))
    with (folder / "wrong.csv").open("w", newline="") as text:
        csv.writer(text).writerows([("energy", "rate"), (1, 2)])
    refused(megacurie("design", "my.toml"), message)


def test_a_card_over_itself_or_over_nothing(megacurie, folder):
    (folder / "a.toml").write_text('name = "a"\nbase = "b.toml"\n')
    (folder / "b.toml").write_text('name = "b"\nbase = "a.toml"\n')
    run = megacurie("predict", "a.toml")
    assert run.code == 2
    assert "base: a.toml -> b.toml -> a.toml: expected the name of another card" in run.err
    (folder / "a.toml").write_text('name = "a"\nbase = "absent.toml"\n')
    assert megacurie("predict", "a.toml").err.startswith("absent.toml: no such file")


def test_a_user_spectrum_beside_the_card(megacurie, folder):
    (folder / "own.csv").write_text("energy_keV,per_keV\n100,1\n300,1\n")
    (folder / "my.toml").write_text(CARD.format(detector='resolution = "0 %"', background='[[background]]\nname = "x"\nspectrum = "own.csv"\nper_day = 10'))
    found = megacurie("predict", "my.toml", "--json").json
    assert found["backgrounds"]["x"] == pytest.approx(10 * 30 / 2, rel=1e-3)  # half of it lies above 200 keV


def test_what_a_radiochemical_card_cannot_say(megacurie):
    refused(
        megacurie("predict", "best", "--set", "detector.resolution=5 %"),
        "best: detector.resolution: nothing to a radiochemical experiment, which counts atoms; expected with scattering only. Leave it out",
    )
    refused(
        megacurie("predict", "best", "--set", "target.corrections=tree"),
        "best: target: corrections says nothing of ga71-capture; expected it with electron-scattering only. Leave it out",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--deficit", "0.2", "--measure", "sin2thetaW"), "megacurie: --deficit and --measure: expected one of the three"),
        (("--axis", "dm2=0.1 eV2:1 eV2:3"), "megacurie: --axis: expected with -H, whose parameters it spans"),
        (("--toys", "5"), "megacurie: --toys: expected with --measure"),
        (("--toys", "-5", "--measure", "sin2thetaW"), "megacurie: --toys -5: expected 0 to 1000000"),
        (("--set", "dm2=1 eV2"), "megacurie: --set dm2: expected a key of the card, with a dot"),
        (
            ("-o", "x.pdf"),
            "megacurie: -o x.pdf: a figure is drawn of what varies: expected --vary NAME without --json. For text or JSON name a file such as design.json",
        ),
        (("--vary", "colour"), "megacurie: cannot vary 'colour'. Known: activity, angular, days, distance, mass, resolution, threshold."),
        (
            ("--vary", "activity=1:2"),
            (
                "megacurie: --vary activity=1:2: expected NAME, or NAME=LOW:HIGH:POINTS or NAME=LOW:HIGH:POINTS:log in the unit of the table, such as "
                "--vary activity=0.1:10:21:log"
            ),
        ),
        (("--deficit", "1.5"), "megacurie: deficit 1.5: expected a fraction between 0 and 1"),
        (("--rule", "hloe"), "megacurie: no rule 'hloe'. Did you mean 'hole'?"),
        (("--measure", "spin"), "megacurie: cannot measure 'spin'. Known: axial-strength, branching-ratio, flux, magnetic-moment, sin2thetaW."),
        (("-H", "sterile", "--cl", "1.5"), "megacurie: --cl 1.5: expected a probability between 0 and 1"),
    ],
)
def test_wrong_options(megacurie, arguments, message):
    refused(megacurie("design", CENTER, *arguments), message)


def test_wrong_days(megacurie):
    refused(megacurie("predict", CENTER, "--days", "-3"), "megacurie: --days -3.0: expected a positive number of days, such as --days 30")
