"""``megacurie compare``."""

import json

import pytest

import megacurie as mci

CHEAP = ("-H", "no-oscillation", "-H", "activity-scale")
NAMES = ["BEST", "JNE 500 t, 51Cr at the centre", "7LiF bolometers, 51Cr"]
SCHEDULE = '[schedule]\nexposures = [{ start = "0 d", stop = "5 d" }]\n'
MODULE = """\
from dataclasses import dataclass
import megacurie as mci

@dataclass(frozen=True)
class Faded(mci.Hypothesis):
    name = "faded"
    parameters = (mci.Parameter("active", "", low=0.5, high=1.0), mci.Parameter("other", "", low=0.0, high=1.0))
    def probabilities(self, theta, L, E, *, particle="neutrino"):
        xp = mci.namespace(L, E, *theta.values())
        P = theta["active"] * xp.ones_like(L)
        return P, (1 - P) * 1.0
"""


def refused(run, message):
    assert run.err.rstrip("\n") == message
    assert (run.code, run.out, run.written) == (2, "", frozenset())


def test_text_without_cards_takes_one_of_each_channel(megacurie):
    run = megacurie("compare", *CHEAP, "-H", "cross-section-scale")
    assert (run.code, run.err, run.written) == (0, "", frozenset())
    title, head, _, nothing, activity, _, *notes = run.out.splitlines()
    assert title == "Explanation x experiment"
    assert all(name in head for name in ("explanation", "chi2", "preference", *NAMES))
    assert nothing.split()[0] == "no-oscillation"
    assert nothing.split()[-3:] == ["1.000"] * 3
    assert activity.split()[0] == "activity-scale"
    assert notes[0].strip() == "ratio to no new physics at the best fit to gallium; in brackets its range for Delta chi2 <= 1"
    for name, note in zip(NAMES, notes[1:], strict=True):
        assert note.strip().startswith(f"{name}: of those that fit, tells activity-scale from cross-section-scale best, at ")


def test_json(megacurie):
    found = megacurie("compare", *CHEAP, "--json").json
    assert found["experiments"] == NAMES
    assert found.keys() == {"data", "cross_section", "conventions", "experiments", "explanations", "separation_sigma", "errors"}
    assert (len(found["data"]), found["cross_section"], found["conventions"]) == (6, "bahcall-1997", "schwetz-2023")
    nothing, activity = found["explanations"]
    assert (nothing["name"], nothing["best"], nothing["dof"]) == ("no-oscillation", {}, 6)
    fitted = megacurie("fit", "gallium", "-H", "activity-scale", "--json").json
    assert activity["best"] == pytest.approx(fitted["best"])
    assert activity["chi2"] == pytest.approx(fitted["chi2"])
    for name in NAMES:  # a weaker source is weaker everywhere
        assert nothing["ratios"][name]["ratio"] == pytest.approx(1, rel=1e-12)
        assert activity["ratios"][name]["ratio"] == pytest.approx(fitted["best"]["activity"], rel=1e-9)
        (pair,) = found["separation_sigma"][name]
        assert pair["between"] == ["no-oscillation", "activity-scale"]
        assert pair["sigma"] > 1


def test_options_of_the_fit(megacurie):
    arguments = ("--cross-section", "ground-state", "--conventions", "giunti-2022b")
    found = megacurie("compare", "best", *CHEAP, *arguments, "--json").json
    fitted = megacurie("fit", "gallium", "-H", "activity-scale", *arguments, "--json").json
    assert (found["cross_section"], found["conventions"]) == ("ground-state", "giunti-2022b")
    assert found["explanations"][1]["best"] == pytest.approx(fitted["best"])


def test_card_of_the_user(megacurie, toy):
    card = toy('"1 MCi"', '{ value = "1 MCi", plus = "0.02 MCi", minus = "0.02 MCi" }', more=SCHEDULE)
    found = megacurie("compare", card, "best", *CHEAP, "--json").json
    assert found["separation_sigma"].keys() == {"toy", "BEST"}
    events = sum(zone["counts"] for zone in megacurie("predict", card, "--json").json["zones"])
    ratio = found["explanations"][1]["ratios"]["toy"]["ratio"]
    # Bahcall's +3.6 -2.8 % and 2 % of activity beside the statistics
    known = 0.5 * sum(((error / 5.81) ** 2 + 0.02**2) ** 0.5 for error in (0.21, 0.16))
    assert found["separation_sigma"]["toy"][0]["sigma"] == pytest.approx((1 - ratio) / (1 / events + known**2) ** 0.5, rel=1e-6)


def test_card_without_statistics_says_so(megacurie, toy):
    run = megacurie("compare", toy(), *CHEAP)
    assert run.out.splitlines()[-1].strip() == "toy: no statistics: give the card a [schedule] or a [measurement]"
    found = megacurie("compare", "my.toml", *CHEAP, "--json").json
    assert found["separation_sigma"]["toy"] == [{"between": ["no-oscillation", "activity-scale"], "sigma": None}]


def test_one_explanation_is_compared_with_nothing(megacurie):
    found = megacurie("compare", "best", "-H", "activity-scale", "--json").json
    assert found["separation_sigma"] == {"BEST": []}


def test_output_to_a_file(megacurie, folder):
    run = megacurie("compare", "best", *CHEAP, "--json", "-o", "table.json")
    assert (run.code, run.out, run.written) == (0, "", {"table.json"})
    assert json.loads((folder / "table.json").read_text())["separation_sigma"].keys() == {"BEST"}


def test_hypothesis_of_the_user(megacurie, folder):
    """The share that is lost arrives as another flavour: capture misses it, coherent scattering does not, electron scattering sees some of it."""
    (folder / "mymodule.py").write_text(MODULE)
    found = megacurie("compare", "-H", "mymodule:Faded", "-H", "activity-scale", "--json").json
    faded, activity = found["explanations"]
    assert faded["name"] == "faded"
    ratios = [faded["ratios"][name]["ratio"] for name in NAMES]
    active = faded["best"]["active"]
    # the same factor on capture, found by a minimiser here and in closed form there; its error is 40 times larger
    assert active == pytest.approx(activity["best"]["activity"], abs=1e-3)
    # nu_x over nu_e with radiative corrections and the response of the detector; .2211 at tree level (tests/reference/test_dilution.py)
    electrons, nuclei = (_flavours(mci.load(card)) for card in ("jne-500t-cr51-center", "lif7-cr51"))
    assert 0.22 < electrons < 0.24
    # g_V^p is .008 larger for nu_e: Q_V = 3 g_V^p + 4 g_V^n of 7Li is -1.932 instead of -1.957, that of 19F -4.773 instead of -4.847
    assert 1.02 < nuclei < 1.04
    assert ratios == [pytest.approx(active, rel=1e-9), *(pytest.approx(active + (1 - active) * x, abs=1e-6) for x in (electrons, nuclei))]


def _flavours(experiment):
    """Rate of another flavour over that of nu_e."""
    parts = experiment.channel.parts(experiment.source, experiment.detector.counting())
    electron, other = sum(experiment.material.atoms[part.target] * part.cross_section[:, 0] @ experiment.source.intensities for part in parts)
    return other / electron


def test_installed_command_finds_the_module(program, folder):
    (folder / "mymodule.py").write_text(MODULE)
    run = program("compare", "best", "-H", "mymodule:Faded", "-H", "no-oscillation", "--json")
    assert (run.code, run.err) == (0, "")
    assert [one["name"] for one in run.json["explanations"]] == ["faded", "no-oscillation"]


WRONG = {
    ("bset", *CHEAP): "bset: neither a file nor a built-in card. Did you mean 'best'? 'megacurie show' lists the built-in ones",
    ("absent.toml", *CHEAP): "absent.toml: no such file; expected a TOML card. 'megacurie show --template gallium > my.toml' writes one to start from",
    ("best", "-H", "sterlie"): "megacurie: no hypothesis 'sterlie'. Did you mean 'sterile'? A class of your own is module:Class",
    ("best", *CHEAP, "--cross-section", "bahcal-1997"): "megacurie: no cross-section model 'bahcal-1997'. Did you mean 'bahcall-1997'?",
    ("best", *CHEAP, "--conventions", "schwetz"): "megacurie: no conventions 'schwetz'. Did you mean 'schwetz-2023'?",
    ("best", "best", *CHEAP): "megacurie: experiments BEST, BEST: expected each once, under a name of its own",
    ("best", *CHEAP[:2], *CHEAP): "megacurie: explanations no-oscillation, no-oscillation, activity-scale: expected each once, under a name of its own",
    ("best", *CHEAP, "-o", "no/table.txt"): "megacurie: no/table.txt: no folder 'no'. Make it first, or save into one that exists",
}


@pytest.mark.parametrize("arguments", WRONG, ids=lambda arguments: " ".join(arguments)[:40])
def test_what_is_refused(megacurie, arguments):
    refused(megacurie("compare", *arguments), WRONG[arguments])
