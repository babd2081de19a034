"""Explanation x experiment: fits, ranges, ratios and separations, by hand where a hand can."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import megacurie as mci
from megacurie.experiments import cards
from megacurie.experiments.experiment import Experiment
from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError
from megacurie.physics.hypotheses import ActivityScale, CrossSectionScale, Decoherence, NoOscillation, Sterile
from megacurie.studies import explanations as ex
from megacurie.studies import gallium

ACCURACY = 1e-4  # of the survival that a kernel is made for
EXACT = 1e-12  # the same numbers, summed in another order
SCALES = [NoOscillation(), ActivityScale(), CrossSectionScale()]
TOY = """\
name = "toy"
[source]
nuclide = "51Cr"
activity = {{ value = "1 MCi", plus = "{error} MCi", minus = "{error} MCi" }}
[target]
material = "{material}"
channel = "{channel}"
[[zone]]
name = "ball"
shape = {{ kind = "ball", radius = "1 m" }}
{more}
"""
SCHEDULE = '[schedule]\nexposures = [{ start = "0 d", stop = "5 d" }]'


@pytest.fixture
def toy(tmp_path: Path) -> Callable[..., Experiment]:
    def make(*, material: str = "gallium", channel: str = "ga71-capture", error: float = 0.03, more: str = SCHEDULE) -> Experiment:
        path = tmp_path / "toy.toml"
        path.write_text(TOY.format(material=material, channel=channel, error=error, more=more))
        return cards.load(path)

    return make


@pytest.fixture(scope="module")
def scales() -> tuple[ex.Explanation, ...]:
    return ex.explanations(hypotheses=SCALES)


def held(hypothesis: mci.Hypothesis, **values: float) -> ex.Explanation:
    """An explanation at parameters of our choice, without looking for a best fit: only the points it predicts at matter to ``compare``."""
    (why,) = ex.explanations(gallium.datasets(only=["best"]), [NoOscillation()])
    return replace(why, hypothesis=hypothesis, allowed={name: np.array([value]) for name, value in values.items()})


# --- fits and ranges


def test_each_is_fitted_in_order(scales: tuple[ex.Explanation, ...]) -> None:
    assert [why.name for why in scales] == ["no-oscillation", "activity-scale", "cross-section-scale"]
    nothing, activity, cross_section = scales
    assert (dict(nothing.best), dict(nothing.allowed)) == ({}, {})
    assert activity.fit.chi2 == mci.fit(gallium.datasets().likelihood(ActivityScale())).chi2
    # all six are captures: one factor on all of them, whatever its name
    assert activity.best["activity"] == pytest.approx(cross_section.best["cross_section"], rel=1e-6)


def test_progress_tells_each_name() -> None:
    told: list[str] = []
    ex.explanations(gallium.datasets(only=["sage-cr"]), SCALES[:2], progress=told.append)
    assert told == ["no-oscillation", "activity-scale"]


def test_points_of_a_range_are_allowed_and_the_best_is_first(scales: tuple[ex.Explanation, ...]) -> None:
    data = gallium.datasets()
    for why in (*scales[1:], *ex.explanations(data, [Sterile()])):
        for name, value in why.best.items():
            assert why.allowed[name][0] == value
        chi2 = data.likelihood(why.hypothesis).minus_two_log(why.allowed)
        assert len(chi2) > 10
        assert (chi2 <= why.fit.chi2 + 1 + 1e-9).all()  # rounding of the closed form on the grid


def test_range_of_a_scale_is_its_interval(scales: tuple[ex.Explanation, ...]) -> None:
    """The ratio is the factor itself, so its range is the interval of the fit, to a step of 1/400 of the bounds .5 to 1.5."""
    table = ex.compare([mci.load("best")], scales)
    for why in scales[1:]:
        one = table.expected[why.name, "BEST"]
        ((low, high),) = why.fit.intervals.values()
        assert low is not None
        assert high is not None
        assert one.ratio == pytest.approx(next(iter(why.best.values())), rel=EXACT)
        assert low - 1e-3 <= one.low < low + 1 / 400  # ends of intervals to 1e-4 of their distance, ranges to a step
        assert high - 1 / 400 < one.high <= high + 1e-3


@pytest.mark.parametrize("hypothesis", [*SCALES, Sterile(), Decoherence()], ids=lambda h: h.name)
def test_ranges_contain_the_best(hypothesis: mci.Hypothesis) -> None:
    table = ex.compare([mci.load(card) for card in ex.EXPERIMENTS], ex.explanations(gallium.datasets(only=["best"]), [hypothesis]))
    for one in table.expected.values():
        assert one.low <= one.ratio <= one.high
        assert min(one.zones) * (1 - EXACT) <= one.ratio <= max(one.zones) * (1 + EXACT)  # a mean of the zones


def test_default_explanations_have_names_of_their_own() -> None:
    names = [one().name for one in ex.DEFAULT]
    assert len(set(names)) == len(names)
    assert set(ex.EXPERIMENTS) <= set(cards.built_in())


# --- ratios: what is lost arrives as another flavour, or not at all


def test_scales_act_on_their_channel_only(scales: tuple[ex.Explanation, ...]) -> None:
    table = ex.compare([mci.load(card) for card in ex.EXPERIMENTS], scales)
    best, jne, lif = table.experiments
    for name, experiments in (("activity-scale", (best, jne, lif)), ("cross-section-scale", (best,))):
        factor = table.expected[name, best].ratio
        for experiment in (best, jne, lif):
            assert table.expected[name, experiment].ratio == pytest.approx(factor if experiment in experiments else 1, rel=EXACT)


LAMBDA, POWER = 1.84, 12.0  # m: arXiv:2306.09422, the best fit with r = 12
MASS, MIXING = 0.51099895, 0.2312  # MeV; typed
# MeV, decays that go there: the four lines
LINES = [(0.747, 0.8163), (0.752, 0.0849), (0.427, 0.0895), (0.432, 0.0093)]


def on_electrons(energy: float, flavour: int, threshold: float = 0.2) -> float:
    """Cross section above a threshold, arbitrary unit: the closed form of the note on scattering."""
    left, right = MIXING + (0.5, -0.5)[flavour], MIXING
    end = 2 * energy**2 / (2 * energy + MASS)
    if end < threshold:
        return 0.0
    cubes = (1 - threshold / energy) ** 3 - (1 - end / energy) ** 3
    return left**2 * (end - threshold) + right**2 * energy / 3 * cubes - left * right * MASS * (end**2 - threshold**2) / (2 * energy**2)


def plain_jne():
    """Electron scattering as by hand below: tree level, energies as they are, no background."""
    return mci.load("jne-500t-cr51-center", {"target.corrections": "tree", "detector.resolution": "0 %", "background": "[]"})


def jne_radii() -> tuple[float, float]:
    """Hole and radius of 500 t at .859 t/m3, m."""
    return 0.2, (500 / 0.859 / (4 / 3 * math.pi)) ** (1 / 3)


def decohered(energy: float) -> float:
    """P_e averaged over a ball about its source: distances are spread evenly, 1 - sin2(2 th13)/2 - c13^4 sin2(2 th12)/2 (1 - exp(-gamma L))."""
    s12, s13 = 0.303, 0.0222  # as in constants.toml
    gamma = (0.75 / energy) ** POWER / LAMBDA
    near, far = jne_radii()
    kept = (math.exp(-gamma * near) - math.exp(-gamma * far)) / gamma / (far - near)
    return 1 - 2 * s13 * (1 - s13) - 2 * (1 - s13) ** 2 * s12 * (1 - s12) * (1 - kept)


def test_decoherence_leaves_coherent_scattering_alone() -> None:
    """At tree level all flavours scatter alike; the charge radii tell them apart, by less than a per cent of the rate."""
    (one,) = ex.compare([mci.load("lif7-cr51")], [held(Decoherence(), lambda12=LAMBDA * u.m, r=POWER)]).expected.values()
    assert one.ratio == pytest.approx(1, abs=0.01)
    assert abs(one.ratio - 1) > 1e-4
    experiment = mci.load("benato-2026/lif7-cr51")
    table = ex.compare([experiment], [held(Decoherence(), lambda12=LAMBDA * u.m, r=POWER)])
    (one,) = table.expected.values()
    assert one.ratio == pytest.approx(1, abs=EXACT)
    # it is not that nothing happens: of the electron flavour alone a part is missing
    P_e, P_x = Decoherence().probabilities({"lambda12": LAMBDA * u.m, "r": POWER}, np.array([0.12 * u.m]), np.array([0.747 * u.MeV]))
    assert P_e[0] < 0.97
    assert P_e[0] + P_x[0] == pytest.approx(1, abs=EXACT)


def test_decoherence_is_diluted_in_electron_scattering_line_by_line() -> None:
    """N/N0 = P_e + (1 - P_e) sigma_x/sigma_e for each line, weighted with intensity x sigma_e."""
    rates = [intensity * on_electrons(energy, 0) for energy, intensity in LINES]
    by_hand = 0.0
    for rate, (energy, _) in zip(rates, LINES, strict=True):
        P = decohered(energy)
        by_hand += rate * (P + (1 - P) * on_electrons(energy, 1) / on_electrons(energy, 0)) / sum(rates)
    table = ex.compare([plain_jne()], [held(Decoherence(), lambda12=LAMBDA * u.m, r=POWER)])
    (one,) = table.expected.values()
    # lines of our data are those of the list; dm2_21 L/2E < 2e-3, whose cosine is 1 to 2e-6
    assert one.ratio == pytest.approx(by_hand, abs=ACCURACY)


def test_dilution_in_electron_scattering_where_no_line_is_special() -> None:
    """With r = 0 all lines lose alike, and the one ratio .2211 of the note does for them together."""
    s12, s13, (near, far) = 0.303, 0.0222, jne_radii()
    kept = LAMBDA * (math.exp(-near / LAMBDA) - math.exp(-far / LAMBDA)) / (far - near)
    P = 1 - 2 * s13 * (1 - s13) - 2 * (1 - s13) ** 2 * s12 * (1 - s12) * (1 - kept)
    table = ex.compare([plain_jne()], [held(Decoherence(), lambda12=LAMBDA * u.m, r=0.0)])
    (one,) = table.expected.values()
    assert one.ratio == pytest.approx(P + (1 - P) * 0.2211, abs=ACCURACY + 0.5e-4 * (1 - P))  # printed digits
    assert one.ratio > P + 0.05  # active neutrinos scatter: not what a sterile neutrino would do


@pytest.mark.parametrize("dm2", [0.3, 1.25, 8.0])
def test_sterile_neutrinos_do_neither(dm2: float) -> None:
    """In both channels the ratio is the survival probability, weighted with the rate of each line and nothing else."""
    s = 0.34
    jne, lif = plain_jne(), mci.load("benato-2026/lif7-cr51")
    table = ex.compare([jne, lif], [held(Sterile(), sin2_2theta=s, dm2=dm2 * u.eV2)])
    near, far = jne_radii()

    def sphere(energy: float) -> float:
        k = 2 * 1.26693268 * dm2 / energy  # sin^2 x = (1 - cos 2x)/2
        return 1 - 0.5 * s * (1 - (math.sin(k * far) - math.sin(k * near)) / k / (far - near))

    rates = [intensity * on_electrons(energy, 0) for energy, intensity in LINES]
    by_hand = sum(rate * sphere(energy) for rate, (energy, _) in zip(rates, LINES, strict=True)) / sum(rates)
    assert table.expected["sterile", jne.name].ratio == pytest.approx(by_hand, abs=ACCURACY)

    def coherent(energy: float) -> float:
        """Rate on 7Li and 19F above 20 eV, arbitrary unit: E^2 Q^2 (1 - T0/T_max)^2."""
        rate = 0.0
        for mass, protons, nucleons in ((6533.8330, 3, 7), (17692.30, 9, 19)):
            charge = 0.5 * (1 - 4 * 0.23857) * protons - 0.5 * (nucleons - protons)
            rate += (energy * charge * max(1 - 20e-6 * mass / (2 * energy**2), 0)) ** 2
        return rate

    paths = lif.paths(lif.zones[0], accuracy=1e-6)
    share, lengths = paths.weight / paths.weight.sum(), paths.baseline / u.m
    printed = ((0.747, 0.9007), (0.427, 0.0993))  # the lines of the proposal
    rates = [intensity * coherent(energy) for energy, intensity in printed]
    by_hand = sum(
        rate * (share * (1 - s * np.sin(1.26693268 * dm2 * lengths / energy) ** 2)).sum() for rate, (energy, _) in zip(rates, printed, strict=True)
    ) / sum(rates)
    assert table.expected["sterile", lif.name].ratio == pytest.approx(by_hand, abs=ACCURACY)


# --- separation


def test_separation_in_one_zone_by_hand(toy: Callable[..., Experiment], scales: tuple[ex.Explanation, ...]) -> None:
    """Difference over sqrt(1/N + relative errors squared); the errors of capture are Bahcall's +3.6 -2.8 % and the activity's 3 %."""
    experiment = toy()
    table = ex.compare([experiment], scales[:2])
    events = float(experiment.kernel().without_new_physics()[0])
    known = 0.5 * (math.hypot(0.21 / 5.81, 0.03) + math.hypot(0.16 / 5.81, 0.03))
    ratio = table.expected["activity-scale", "toy"].ratio
    found = table.separation["toy"]["no-oscillation", "activity-scale"]
    assert found == pytest.approx((1 - ratio) / math.sqrt(1 / events + known**2), rel=1e-9)
    assert table.errors["toy"] == f"{events:.3g} events, cross section and activity to {100 * known:.1f} %"


def test_separation_by_statistics_alone(toy: Callable[..., Experiment]) -> None:
    experiment = toy(material="lab", channel="electron-scattering", error=1e-9)
    table = ex.compare([experiment], [held(NoOscillation()), held(ActivityScale(), activity=0.9)])
    events = float(experiment.kernel().without_new_physics()[0])
    assert list(table.separation["toy"].values()) == [pytest.approx(0.1 * math.sqrt(events), rel=1e-6)]


def test_separation_in_two_zones_by_hand(scales: tuple[ex.Explanation, ...]) -> None:
    """BEST: statistics of each zone, a systematic common to both, and the cross section, activity and path, common to both."""
    experiment = mci.load("best")
    whys = (scales[0], held(Sterile(), sin2_2theta=0.34, dm2=1.25 * u.eV2))
    table = ex.compare([experiment], whys)
    a, b = (table.expected[name, "BEST"].zones for name in ("no-oscillation", "sterile"))
    inner, outer = 0.5 * (2.5 + 2.4) / 69.41, 0.5 * (2.7 + 2.6) / 72.59
    common = (1.4 / 69.41, 1.4 / 72.59)
    known = []
    for path in (0.18 / 52.03, 0.18 / 54.41):
        known.append(0.5 * sum(math.sqrt(error**2 + (0.008 / 3.414) ** 2 + path**2) for error in (0.21 / 5.81, 0.16 / 5.81)))
    v11 = inner**2 + common[0] ** 2 + known[0] ** 2
    v22 = outer**2 + common[1] ** 2 + known[1] ** 2
    v12 = common[0] * common[1] + known[0] * known[1]
    d1, d2 = a - b
    squared = (d1 * d1 * v22 - 2 * d1 * d2 * v12 + d2 * d2 * v11) / (v11 * v22 - v12**2)
    assert table.separation["BEST"]["no-oscillation", "sterile"] == pytest.approx(math.sqrt(squared), rel=1e-9)
    assert table.errors["BEST"] == f"statistics as measured, cross section and activity to {100 * max(known):.1f} %"


@pytest.mark.parametrize("card", ["toy", "gallex-cr1"])
def test_without_statistics_there_is_no_separation_and_a_reason(card: str, toy: Callable[..., Experiment], scales: tuple[ex.Explanation, ...]) -> None:
    experiment = toy(more="") if card == "toy" else replace(mci.load(card), published=None)
    table = ex.compare([experiment], scales)
    assert set(table.separation[experiment.name].values()) == {None}
    assert len(table.separation[experiment.name]) == 3  # pairs of three
    reason = "no statistics: give the card a [schedule] or a [measurement]"
    assert table.errors[experiment.name] == reason
    assert f"{experiment.name}: {reason}" in table.table().notes
    assert table.to_dict()["separation_sigma"][experiment.name][0] == {"between": ["no-oscillation", "activity-scale"], "sigma": None}


# --- what leaves


def test_json_and_table(scales: tuple[ex.Explanation, ...], toy: Callable[..., Experiment]) -> None:
    table = ex.compare([mci.load("best"), toy()], scales)
    found = json.loads(json.dumps(table.to_dict(), allow_nan=False))
    assert found["experiments"] == ["BEST", "toy"]
    assert found.keys() == {"experiments", "explanations", "separation_sigma", "errors"}
    assert [one["name"] for one in found["explanations"]] == [why.name for why in scales]
    for one, why in zip(found["explanations"], scales, strict=True):
        assert (one["chi2"], one["dof"], one["p_value"]) == (why.fit.chi2, why.fit.dof, why.fit.p_value)
        assert one["ratios"].keys() == {"BEST", "toy"}
        assert len(one["ratios"]["BEST"]["zones"]) == 2
    assert found["separation_sigma"].keys() == found["errors"].keys() == {"BEST", "toy"}
    head, *rows = table.table().head, *table.table().rows
    assert head == ("explanation", "chi2", "p", "preference", "BEST", "toy")
    assert [row[0] for row in rows] == [why.name for why in scales]
    assert rows[0][4:] == ("1.000", "1.000")  # without a range
    one = table.expected["activity-scale", "BEST"]
    assert rows[1][4] == f"{one.ratio:.3f} ({one.low:.3f} to {one.high:.3f})"
    assert {"Barinov:2021asz", "Bahcall:1997eg"} <= table.references


def test_notes_compare_what_gallium_allows(scales: tuple[ex.Explanation, ...]) -> None:
    """No oscillation is ruled out by gallium itself (p = 3e-5), so it is not what an experiment should tell others from."""
    table = ex.compare([mci.load(card) for card in ex.EXPERIMENTS], scales)
    for name, note in zip(table.experiments, table.table().notes[1:], strict=True):
        sigma = table.separation[name]["activity-scale", "cross-section-scale"]
        assert note == f"{name}: of those that fit, tells activity-scale from cross-section-scale best, at {sigma:.1f} sigma ({table.errors[name]})"
    assert table.separation["BEST"]["activity-scale", "cross-section-scale"] == pytest.approx(0, abs=1e-4)  # captures only: the same thing, fitted twice
    for name, note in zip(table.experiments, ex.compare([mci.load(card) for card in ex.EXPERIMENTS], scales[:2]).table().notes[1:], strict=True):
        assert note == f"{name}: {table.errors[name]}"


def test_names_must_differ(scales: tuple[ex.Explanation, ...]) -> None:
    best = mci.load("best")
    with pytest.raises(DataError, match="experiments BEST, BEST: expected each once, under a name of its own"):
        ex.compare([best, replace(best, zones=best.zones[:1])], scales)
    with pytest.raises(DataError, match="explanations activity-scale, activity-scale: expected each once"):
        ex.compare([best], [scales[1], scales[1]])


def test_no_p_value_without_degrees_of_freedom() -> None:
    whys = ex.explanations(gallium.datasets(only=["best"]), [Sterile()])  # two values, two parameters
    table = ex.compare([mci.load("best")], whys)
    (one,) = json.loads(json.dumps(table.to_dict(), allow_nan=False))["explanations"]
    assert one["p_value"] is None
    assert one["best"].keys() == {"sin2_2theta", "dm2_eV2"}
    assert table.table().rows[0][2] == ""


@pytest.mark.slow
def test_a_model_that_contains_another_has_at_least_its_range() -> None:
    """Decay with 1/tau -> 0 and a mass of no width are 3+1: their allowed ratios cover those of 3+1, but for the points that were thrown."""
    best = mci.load("best")
    table = ex.compare([best], ex.explanations(hypotheses=[mci.Sterile(), mci.DecayingSterile(), mci.BroadSterile(), mci.EnergyDependentMixing()]))
    inner = table.expected["sterile", "BEST"]
    for name in ("decaying-sterile", "broad-sterile", "energy-dependent-mixing"):
        outer = table.expected[name, "BEST"]
        slack = 0.15 * (inner.high - inner.low)  # 8000 points in three dimensions: the corners of the region are not all met
        assert outer.low < inner.low + slack
        assert outer.high > inner.high - slack
