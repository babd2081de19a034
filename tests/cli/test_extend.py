"""What a user adds: an experiment is one file, a hypothesis is one class, both in the working folder."""

import math

import pytest

DECAY = """\
from dataclasses import dataclass
import megacurie as mci
from megacurie import units as u

@dataclass(frozen=True)
class NeutrinoDecay(mci.Hypothesis):
    name = "invisible decay"
    parameters = (mci.Parameter("m_over_tau", "eV2", low=1e-3, high=1e2, scale="log", label=r"$m/\\tau$"),)
    def probabilities(self, theta, L, E, *, particle="neutrino"):
        xp = mci.namespace(L, E, *theta.values())            # the first namespace that is not NumPy, else NumPy
        P = xp.exp(-theta["m_over_tau"] * L / (E * u.hbarc))
        return P, xp.zeros_like(P)
"""
NO_PROBABILITY = "hypothesis 'mine' at s = 0.25: expected P_e and P_x in [0, 1], their sum at most 1, and a finite scale. Correct its formula"
MEASUREMENT = """
[measurement]
quantity = "rate"
values = { ball = { value = "30 1/d", plus = "2 1/d", minus = "2 1/d" } }
pulls = [{ name = "toy.systematic", relative = "3 %" }, { name = "channel:ga71", from = "cross_section" }]
"""


@pytest.fixture
def decay(folder):
    (folder / "mymodule.py").write_text(DECAY)
    return "mymodule:NeutrinoDecay"


def test_hypothesis_predicts(megacurie, decay, toy):
    # a ball about its source: the average of exp(-x r/R) over 0 < r < R is (1 - exp(-x))/x; at 0.1 eV2, x = 0.1 eV2 x 1 m/(E hbarc), about 0.67
    run = megacurie("predict", toy(), "-H", decay, "--set", "m_over_tau=0.1 eV2", "--json").json
    assert (run["hypothesis"], run["parameters"]) == ("invisible decay", {"m_over_tau_eV2": pytest.approx(0.1)})
    x = 0.1 / (0.74e6 * 1.973e-7)  # E of about .74 MeV, weighted with the cross section
    assert run["zones"][0]["ratio"] == pytest.approx(-math.expm1(-x) / x, rel=0.01)  # the four lines lie around that energy


def test_hypothesis_fits(megacurie, decay):
    found = megacurie("fit", "gallium", "-H", decay, "--json").json
    assert found["hypothesis"] == decay
    assert found["best"].keys() == {"m_over_tau_eV2"}
    assert found["delta_chi2"] > 16  # the six data lie 20 % low: decay, which thins out with distance, fits them four sigma better than nothing
    assert found["dof"] == 5


def test_hypothesis_scans(megacurie, decay):
    found = megacurie("scan", "best", "-H", decay, "--axis", "m_over_tau=0.01 eV2:1 eV2:5:log", "--json").json
    assert found["axes"].keys() == {"m_over_tau_eV2"}
    best = megacurie("fit", "best", "-H", decay, "--json").json
    assert found["chi2_min"] >= best["chi2"] - 1e-9  # a grid does not beat the fit
    assert list(found["thresholds"].values()) == [pytest.approx(value, abs=1e-9) for value in (1, 4, 9)]  # one parameter: sigma squared


def test_hypothesis_joins_a_built_in_one(megacurie, decay):
    arguments = ("--set", "m_over_tau=0.001 eV2", "--set", "activity=0.9", "--json")
    run = megacurie("predict", "best", "-H", f"{decay}+activity-scale", *arguments).json
    assert run["hypothesis"] == "invisible decay + activity-scale"
    for zone in run["zones"]:
        assert zone["ratio"] == pytest.approx(0.9, rel=0.01)  # decay at the lower bound takes less than 1 %


def test_installed_command_finds_the_module(program, decay):
    run = program("predict", "best", "-H", decay, "--set", "m_over_tau=0.1 eV2", "--json")
    assert (run.code, run.err) == (0, "")
    assert all(0.5 < zone["ratio"] < 0.8 for zone in run.json["zones"])


def test_card_predicts_under_the_name_it_was_given(megacurie, toy):
    run = megacurie("predict", toy(), "--json").json
    assert run["card"] == "my.toml"
    (zone,) = run["zones"]
    assert zone["mean_path_m"] == zone["mean_path_shape_m"] == pytest.approx(1, rel=1e-9)  # exact for a ball about its source
    assert zone["rate_per_day"] == pytest.approx(1.3317 / 3.414 * 100, rel=1e-4)  # A n sigma of the note, five digits, scaled to 1 MCi and 1 m


def test_card_fits_relative_to_its_own_prediction(megacurie, toy):
    found = megacurie("fit", toy(more=MEASUREMENT), "-H", "activity-scale", "--json").json
    assert found["data"] == ["toy"]
    assert found["best"]["activity"] == pytest.approx(30 / (1.3317 / 3.414 * 100), rel=1e-3)  # search grid of the fit, polished; the note's five digits
    assert found["pulls"].keys() == {"toy.systematic", "channel:ga71"}


def test_card_joins_the_published_data(megacurie, toy):
    found = megacurie("fit", "best", toy(more=MEASUREMENT), "-H", "activity-scale", "--json").json
    assert sorted(found["data"]) == ["best-inner", "best-outer", "toy"]
    assert found["dof"] == 2


@pytest.mark.parametrize("schedule", ["", '\n[schedule]\nexposures = [{ start = "0 d", stop = "10 d" }]\n'])
def test_a_measured_rate_is_compared_with_a_rate_whatever_the_schedule(megacurie, toy, schedule):
    found = megacurie("fit", toy(more=MEASUREMENT + schedule), "-H", "no-oscillation", "--json").json
    ratio, error = 30 / (1.3317 / 3.414 * 100), 2 / (1.3317 / 3.414 * 100)
    # Bahcall's lower error 2.8 %, 3 % of the toy's own: chi2 is (1 - R)^2 over the sum of squares; the note's five digits
    assert found["chi2"] == pytest.approx((1 - ratio) ** 2 / (error**2 + 0.03**2 + (0.16 / 5.81) ** 2), rel=2e-3)


def test_template_is_ready_to_use(megacurie):
    megacurie("show", "--template", "gallium", "-o", "my.toml")
    run = megacurie("predict", "my.toml", "--json").json
    assert [zone["name"] for zone in run["zones"]] == ["inner", "outer"]
    assert all(zone["counts"] > 0 for zone in run["zones"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "L * 0 + 1 + theta['s'], L * 0",
            NO_PROBABILITY,
        ),
        (
            "L * float('nan'), L * 0",
            NO_PROBABILITY,
        ),
        ("L * 0 + theta['q'], L * 0", "hypothesis 'mine' reads theta['q'], which is not one of its parameters (s). Declare it in 'parameters'"),
    ],
    ids=["above one", "not a number", "unknown parameter"],
)
def test_a_class_that_gives_no_probabilities_is_refused(megacurie, folder, body, message):
    (folder / "wrong.py").write_text(
        "import megacurie as mci\n\n\nclass Mine(mci.Hypothesis):\n    name = 'mine'\n    parameters = (mci.Parameter('s', '', low=0, high=1),)\n\n"
        f"    def probabilities(self, theta, L, E, *, particle='neutrino'):\n        return {body}\n",
        encoding="utf-8",
    )
    import sys

    sys.modules.pop("wrong", None)
    run = megacurie("fit", "best", "-H", "wrong:Mine")
    assert (run.code, run.out, run.err) == (2, "", f"megacurie: {message}\n")


def test_a_dm2_without_a_declared_phase_stays_within_the_reach(megacurie, folder):
    """An oscillation up to 100 eV2 whose class says nothing of its phase must not be fitted where the nodes are too few."""
    (folder / "undeclared.py").write_text(
        "import megacurie as mci\n\n\nclass Wave(mci.Hypothesis):\n    name = 'wave'\n"
        "    parameters = (mci.Parameter('s', '', low=0, high=1), mci.Parameter('d', 'eV2', low=0.05, high=100, scale='log'))\n\n"
        "    def probabilities(self, theta, L, E, *, particle='neutrino'):\n"
        "        return mci.Sterile().probabilities({'sin2_2theta': theta['s'], 'dm2': theta['d']}, L, E)\n",
        encoding="utf-8",
    )
    found = megacurie("fit", "gallium", "-H", "undeclared:Wave", "--json").json
    known = megacurie("fit", "gallium", "-H", "sterile", "--json").json
    assert found["best"]["d_eV2"] == pytest.approx(known["best"]["dm2_eV2"], rel=1e-3)  # the same minimum, polished from another grid
    assert any("reach of the kernel" in note for note in found["notes"])


@pytest.mark.parametrize("setting", ["source.activity=1 MCi", "zone.mean_path=1 m", "detector.efficiency=0.5", "target.cross_section=kostensalo-2019"])
def test_a_setting_without_effect_on_a_fit_is_refused(megacurie, folder, setting):
    run = megacurie("fit", "best", "-H", "sterile", "--set", setting)
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith(f"megacurie: --set {setting.partition('=')[0]}: no effect on a fit, whose data are ratios to the published prediction.")
