"""Design studies: significance, required activity, cuts, days, precision, exclusion, variations."""

import math
from dataclasses import replace

import numpy as np
import pytest

import megacurie as mci
from megacurie import units as u
from megacurie.foundation.errors import CardError, DataError, RangeError
from megacurie.studies import design
from megacurie.studies.expected import ExpectedCounts, asimov, expected_counts
from megacurie.studies.fiducial import cuts
from megacurie.studies.precision import precision
from megacurie.studies.variation import vary

ALL = ("jne-1t", "jne-500t", "juno")


def counts(n: float, b: float = 0.0, *, activity_error: float = 0.0, error: float = 0.0, off: float = 0.0) -> ExpectedCounts:
    """One bin."""
    return ExpectedCounts(signal=np.array([n]), backgrounds={"b": np.array([b])}, errors={"b": error}, activity_error=activity_error, off=off)


# --- significance


@pytest.mark.parametrize(("n", "b", "seen", "tested"), [(582, 0, 0.8, 1.0), (540, 0, 1.0, 0.8), (1208, 1208, 0.8, 1.0), (1166, 1166, 1.0, 0.8)])
def test_events_of_the_likelihood_ratio(n: float, b: float, seen: float, tested: float) -> None:
    """540 to 582 without background, 1166 to 1208 with as much (note); the counting formula asks for 625 and 1250."""
    assert counts(n, b).separation(seen, tested) == pytest.approx(5, abs=5e-3)  # whole events


def test_an_activity_error_of_four_per_cent_makes_five_sigma_impossible() -> None:
    assert counts(1e9, activity_error=0.04).separation(0.8, 1.0) == pytest.approx(5, rel=1e-4)
    result = design.deficit(mci.load("ciuffoli-2025/juno-center", {"source.activity": '{ value = "3 MCi", plus = "0.12 MCi", minus = "0.12 MCi" }'}))
    assert result.find < 5
    assert result.find_activity is None
    assert result.days is None
    assert any("no detector can find this deficit at more than 5 sigma, or exclude it at more than 6.25" in note for note in result.notes)


def test_a_background_of_which_nothing_is_known_needs_another_bin_or_a_run_without_the_source() -> None:
    assert counts(1000, 1000, error=math.inf).separation(0.8, 1.0) == pytest.approx(0, abs=1e-6)
    # on/off with tau = 2: Z of Li and Ma for 1800 on, 2000 off and a signal of 1000 that is tested
    off = counts(1000, 1000, error=math.inf, off=2.0).separation(0.8, 1.0)

    def profile(b: float) -> float:
        on, dark = 1000 + b, 2 * b
        return 2 * (on - 1800 + 1800 * math.log(1800 / on) + dark - 2000 + 2000 * math.log(2000 / dark))

    best = min(profile(b) for b in np.linspace(800, 1100, 300_001))
    assert off == pytest.approx(math.sqrt(best), rel=1e-6)


def test_normalisations_are_those_of_the_stacked_run() -> None:
    """What a run without the source tells of two free backgrounds is the covariance of a fit to its bins."""
    a, b = np.array([30.0, 10.0, 5.0]), np.array([5.0, 10.0, 40.0])
    one = ExpectedCounts(signal=np.ones(3), backgrounds={"a": a, "b": b}, errors={"a": math.inf, "b": 0.1}, activity_error=0.0, off=3.0)
    columns = one.normalisations()
    design_matrix = np.stack([a, b], -1)
    inverse = 3 * design_matrix.T @ (design_matrix / (a + b)[:, None]) + np.diag([0, 0.1**-2])
    assert columns @ columns.T == pytest.approx(design_matrix @ np.linalg.inv(inverse) @ design_matrix.T, rel=1e-4)  # free is an error of a thousand


# --- cuts


@pytest.mark.parametrize("place", ["center", "outside"])
@pytest.mark.parametrize("detector", ALL)
def test_cuts_are_volumes_and_mean_paths(detector: str, place: str) -> None:
    experiment = mci.load(f"ciuffoli-2025/{detector}-{place}")
    cut = cuts(experiment, 1.0, 1.0)
    assert cut.inside == (place == "center")
    k = 2000
    inside = mci.load(f"ciuffoli-2025/{detector}-{place}", {"zone.within": f"{float(cut.distance[k] / u.m)!r} m"})
    whole, part = experiment.zones[0], inside.zones[0]
    assert cut.background[k] == pytest.approx(part.shape.volume / whole.shape.volume, rel=1e-4)  # steps of the grid
    assert cut.signal[k] == pytest.approx(part.coarse.mean_path / whole.coarse.mean_path, rel=1e-4)


def test_the_optimum_of_a_source_at_the_centre_is_where_signal_and_background_are_equal() -> None:
    """N ~ R - h and B ~ R^3: with x = R/(R - h) the minimum of the activity is at B = N x / (3 - 2 x), which is N = B without a hole (note)."""
    experiment = mci.load("ciuffoli-2025/juno-center", {"zone.without": '[{ kind = "ball", radius = "1 cm" }]'})
    (found,) = design.deficit(experiment, rules=("optimal",)).requirements
    x = found.distance / (found.distance - 0.01 * u.m)
    assert found.background / found.signal == pytest.approx(x / (3 - 2 * x), rel=2e-3)  # the place of a flat minimum on a grid of 4 mm
    assert found.signal == pytest.approx(1250, rel=0.01)


@pytest.mark.parametrize(
    ("card", "days", "activity", "depth"),
    [("jne-500t", 10, 0.837, 5.44), ("jne-500t", 30, 0.556, 4.59), ("juno", 10, 0.966, 8.08), ("juno", 30, 0.677, 7.25)],
)
def test_optimal_depths_of_the_note(card: str, days: int, activity: float, depth: float) -> None:
    experiment = mci.load(f"ciuffoli-2025/{card}-outside", {"schedule.exposures": f'[{{ start = "0 d", stop = "{days} d" }}]'})
    (found,) = design.deficit(experiment, rules=("optimal",)).requirements
    assert found.activity / u.MCi == pytest.approx(activity, abs=6e-4)  # half a unit of the last digit, and the factor K
    assert found.depth / u.m == pytest.approx(depth, abs=6e-3)


def test_what_a_rule_asks_for_is_enough() -> None:
    """The formula for the cut and activity of each rule gives the significance asked for."""
    experiment = mci.load("ciuffoli-2025/jne-500t-outside")
    for one in design.deficit(experiment, sigma=4.0, deficit=0.15).requirements:
        assert 0.15 * one.signal / math.sqrt(one.signal + one.background) == pytest.approx(4, rel=1e-6)
        at = mci.load("ciuffoli-2025/jne-500t-outside", {"source.activity": f"{one.activity / u.MCi!r} MCi", "zone.within": f"{one.distance / u.m!r} m"})
        expected = expected_counts(at)
        assert expected.signal.sum() == pytest.approx(one.signal, rel=1e-3)  # the grid of cuts
        assert at.backgrounds[0].density > experiment.backgrounds[0].density * 0.999  # per_day is that of the whole target


def test_no_background_needs_no_cut() -> None:
    result = design.deficit(mci.load("ciuffoli-2025/jne-1t-center"))
    assert {one.signal for one in result.requirements} == {625.0}
    assert {one.rule: one.background for one in result.requirements} == {"published": 0, "hole": 0, "optimal": 0}


def test_a_target_with_too_little_background_has_no_cut_with_as_much() -> None:
    result = design.deficit(mci.load("ciuffoli-2025/jne-1t-center", {"background": '[{ name = "few", per_day = 1 }]'}))
    published, hole, optimal = result.requirements
    assert (published.activity, hole.activity) == (None, None)
    assert optimal.activity is not None
    assert "no such cut" in str(result)


def test_days_and_activity_give_the_significance_back() -> None:
    experiment = mci.load("ciuffoli-2025/jne-500t-outside")
    result = design.deficit(experiment)
    there = mci.load("ciuffoli-2025/jne-500t-outside", {"schedule.exposures": f'[{{ start = "0 d", stop = "{result.days / u.day!r} d" }}]'})
    assert design.deficit(there).find == pytest.approx(5, rel=1e-6)
    for side, activity in (("find", result.find_activity), ("exclude", result.exclude_activity)):
        weaker = mci.load("ciuffoli-2025/jne-500t-outside", {"source.activity": f"{activity / u.MCi!r} MCi"})
        assert getattr(design.deficit(weaker), side) == pytest.approx(5, rel=1e-6)


def test_the_spectrum_helps_where_the_background_has_another() -> None:
    """All bins tell more than their sum, and a known background more than a free one."""
    card = "jne-500t-cr51-center"
    binned = design.deficit(mci.load(card, {"source.activity": "0.1 MCi"}))
    summed = design.deficit(mci.load(card, {"source.activity": "0.1 MCi", "detector.bins": "{ recoil = 1 }"}))
    assert binned.find > summed.find
    assert binned.signal == pytest.approx(summed.signal, rel=2e-3)  # what is recorded beyond three sigma above the end point


def test_nothing_above_the_threshold_is_said_in_words() -> None:
    result = design.deficit(mci.load("ciuffoli-2025/juno-center", {"detector.threshold": "600 keV"}))
    assert (result.signal, result.find, result.exclude, result.find_activity, result.days, result.requirements) == (0, 0, 0, None, None, ())
    assert any("no sensitivity" in note for note in result.notes)
    assert result.to_dict()["required_activity_MCi"] == {"find": None, "exclude": None}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: design.deficit(mci.load("best")), DataError, "BEST: no counts follow without schedule"),
        (lambda: design.deficit(mci.load("gallex-cr1")), DataError, "no counts follow without target.material"),
        (lambda: design.deficit(mci.load("ciuffoli-2025/juno-center"), deficit=1.2), RangeError, "deficit 1.2: expected a fraction between 0 and 1"),
        (lambda: design.deficit(mci.load("ciuffoli-2025/juno-center"), sigma=0), RangeError, "0 sigma: expected a number of at least 0.01"),
        (lambda: design.deficit(mci.load("ciuffoli-2025/juno-center"), rules=("best",)), RangeError, "no rule 'best'"),
        (lambda: vary("ciuffoli-2025/juno-center", "colour", study=design.deficit), DataError, "cannot vary 'colour'"),
        (lambda: vary("best", "threshold", study=design.deficit), DataError, "nothing is recorded that it would change"),
        (lambda: vary("ciuffoli-2025/juno-center", "activity", [-1.0], study=design.deficit), CardError, "source.activity.value: '-1.0 MCi'"),
        (lambda: design.measure(mci.load("ciuffoli-2025/juno-center"), "spin"), DataError, "cannot measure 'spin'"),
        (lambda: design.measure(mci.load("jne-1t-ar37-center"), "branching-ratio"), DataError, "that of 51Cr, the source is 37Ar"),
        (lambda: design.measure(mci.load("best"), "sin2thetaW"), DataError, "measured in electron and in coherent scattering"),
        (lambda: design.measure(mci.load("jne-1t-cr51-center"), "axial-strength"), DataError, "measured in coherent scattering"),
        (lambda: precision(mci.load("ciuffoli-2025/juno-center"), mci.Sterile(), 0.1), RangeError, "sterile has 2 parameters"),
        (lambda: design.exclusion(mci.load("ciuffoli-2025/jne-1t-center"), mci.Sterile2()), DataError, "give two axes instead"),
        (lambda: design.exclusion(mci.load("ciuffoli-2025/jne-1t-center"), mci.ActivityScale()), DataError, "one other parameter"),
    ],
)
def test_what_is_refused(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call()


# --- precision


def branching(settings: dict[str, str]):
    flat = {"background": "[]", "detector.bins.recoil": "94", "detector.resolution": "5 % / sqrt(MeV)"}
    return mci.load("ciuffoli-2025/jne-500t-center", {**flat, **settings})


@pytest.mark.parametrize(("percent", "stated"), [(0, 0.0081), (3, 0.0088), (5, 0.0094), (10, 0.0111)])
def test_branching_ratio_from_the_recoil_spectrum(percent: float, stated: float) -> None:
    """Errors of the note for 1e5 events above 200 keV in bins of 5 keV, free normalisation."""
    found = design.measure(branching({"detector.resolution": f"{percent} % / sqrt(MeV)"}), "branching-ratio")
    assert found.fisher * math.sqrt(found.events / 1e5) == pytest.approx(stated, abs=1e-4)  # a unit of the last digit: the bins are not the note's


@pytest.mark.parametrize(("degrees", "stated"), [(2, 0.0021), (5, 0.0023), (10, 0.0032), (13, 0.0040), (20, 0.0064), (46, 0.0089)])
def test_branching_ratio_from_recoil_and_angle(degrees: float, stated: float) -> None:
    """Errors of the note for 1e5 events, Gaussian on each of two axes; its bins of angle are not stated: two per cent."""
    found = design.measure(branching({"detector.bins": "{ recoil = 60, angle = 180 }", "detector.angular": f"{degrees} deg"}), "branching-ratio")
    assert found.fisher * math.sqrt(found.events / 1e5) == pytest.approx(stated, rel=0.02, abs=5e-5)


def test_fisher_asimov_and_toys_agree() -> None:
    found = design.measure(branching({}), "branching-ratio", toys=4000, seed=3)
    assert found.below == pytest.approx(found.fisher, rel=0.02)  # 8e4 events: curvature of the third order
    assert found.above == pytest.approx(found.fisher, rel=0.02)
    assert found.toys == pytest.approx(found.fisher, rel=5 / math.sqrt(2 * 4000))  # five sigma of a scatter
    again = design.measure(branching({}), "branching-ratio", toys=4000, seed=3)
    assert again.toys == found.toys


def test_mixing_angle_by_hand() -> None:
    """One bin and a known activity: error = rate error / (d ln rate / d s)."""
    card = mci.load("ciuffoli-2025/jne-1t-outside", {"source.activity": '{ value = "3 MCi", plus = "0.03 MCi", minus = "0.03 MCi" }'})
    found = design.measure(card, "sin2thetaW")
    n = found.events
    low, high = (mci.predict(mci.load("ciuffoli-2025/jne-1t-outside", {"target.sin2_theta_w": f"{0.2312 + step}"})).counts for step in (-1e-4, 1e-4))
    assert found.fisher == pytest.approx(math.hypot(math.sqrt(n), 0.01 * n) / ((high - low) / 2e-4), rel=1e-4)


def test_magnetic_moment_adds_events() -> None:
    found = design.measure(mci.load("jne-500t-cr51-center"), "magnetic-moment")
    assert found.truth == 0
    assert found.below is None  # there is nothing below zero
    assert "Bohr magnetons, 90 % confidence" in found.notes[-1]


def test_nothing_is_learnt_without_events() -> None:
    found = design.measure(branching({"detector.threshold": "600 keV", "detector.resolution": "0 %", "detector.bins": "{ recoil = 1 }"}), "branching-ratio")
    assert found.fisher is None
    assert any("no sensitivity" in note for note in found.notes)


# --- exclusion


@pytest.mark.parametrize(("card", "limits", "within"), [("jne-500t", (0.024, 0.025, 0.037, 0.044), 0.1), ("jne-1t", (0.57, 0.050, 0.050, 0.061), 0.05)])
def test_sterile_reach_of_the_note(card: str, limits: tuple[float, ...], within: float) -> None:
    """95 % limits at .3, 1.25, 3 and 10 eV2 with 5 % of background normalisation and 1 % of activity; ten per cent, because rates and bins are not stated."""
    flat = {"jne-500t": "1000", "jne-1t": "2"}[card]
    settings = {
        "background": f'[{{ name = "flat", per_day = {flat}, error = 0.05 }}]', "detector.resolution": "5 % / sqrt(MeV)",
        "detector.position": "10 cm / sqrt(MeV)", "detector.bins": "{ recoil = 40, distance = 20 }",
        "source.activity": '{ value = "3 MCi", plus = "0.03 MCi", minus = "0.03 MCi" }',
    }  # fmt: skip
    curve = design.exclusion(mci.load(f"ciuffoli-2025/{card}-center", settings), mci.Sterile(), np.array([0.3, 1.25, 3, 10]) * u.eV2)
    assert curve.limits == pytest.approx(limits, rel=within)


def test_limits_are_where_the_likelihood_says() -> None:
    experiment = mci.load("jne-1t-cr51-center")
    curve = design.exclusion(experiment, mci.Sterile(), np.array([1.25]) * u.eV2, level=0.9)
    likelihood = asimov(experiment, mci.Sterile())
    chi2 = likelihood.minus_two_log({"sin2_2theta": curve.limits[0], "dm2": 1.25 * u.eV2})
    assert chi2 == pytest.approx(2.7055, rel=1e-4)  # 90 %, one degree of freedom


def test_gaussian_and_poisson_agree_for_many_events() -> None:
    """The same deficit with Pearson's chi2 and with the likelihood ratio, activity and backgrounds profiled in both."""
    experiment = mci.load("jne-500t-cr51-center")
    chi2 = float(asimov(experiment, mci.ActivityScale()).minus_two_log({"activity": 0.99}))
    assert math.sqrt(chi2) == pytest.approx(expected_counts(experiment).separation(1.0, 0.99), rel=0.01)  # ten thousand events a bin at most


def test_nothing_is_excluded_where_nothing_is_seen() -> None:
    experiment = mci.load("jne-1t-cr51-center", {"source.activity": "1 Bq", "background": '[{ name = "much", per_day = 1e6 }]'})
    curve = design.exclusion(experiment, mci.Sterile())
    assert np.isnan(curve.limits).all()
    assert any("no sensitivity" in note for note in curve.notes)
    assert set(curve.to_dict()["sin2_2theta"]) == {None}


# --- variations


def test_more_activity_is_more_significant() -> None:
    found = vary("jne-500t-cr51-outside", "activity", [0.1, 0.3, 1.0], study=design.deficit)
    finds = [one.columns()["find"] for one in found.results]
    assert finds == sorted(finds)
    known = '{ value = "0.3 MCi", plus = "0.003 MCi", minus = "0.003 MCi" }'  # to one per cent, as the card says
    alone = design.deficit(mci.load("jne-500t-cr51-outside", {"source.activity": known}))
    assert found.results[1].columns() == pytest.approx(alone.columns(), rel=1e-9)
    assert found.to_dict()["unit"] == "MCi"


@pytest.mark.parametrize("knob", ["days", "threshold", "resolution", "distance", "mass"])
def test_usual_values_of_each_knob_fit_the_card(knob: str) -> None:
    card = "jne-1t-cr51-outside"
    found = vary(card, knob, study=lambda experiment: design.deficit(experiment, rules=()), settings={"detector.bins": "{ recoil = 4 }"})
    assert len(found.results) == len(found.values) > 10
    assert all(np.isfinite(list(one.columns().values())).all() for one in found.results)
    assert str(found).startswith("JNE 1 t, 51Cr outside: against")


def test_distance_moves_a_source_inside() -> None:
    found = vary("ciuffoli-2025/jne-1t-center", "distance", [0.1, 0.3], study=design.deficit, settings={"zone.without": "[]"})

    # the closed form of the mean path of a ball with its source at a distance from the centre
    def path(d: float, r: float = 0.65) -> float:
        return 0.5 * (r + (r * r - d * d) / (2 * d) * math.log((r + d) / (r - d)))

    a, b = (one.columns()["signal"] for one in found.results)
    assert a / b == pytest.approx(path(0.1) / path(0.3), rel=1e-6)


# --- geometry of the note


@pytest.mark.parametrize("size", [0.05, 0.2])
def test_a_uniform_ball_as_source_damps_the_oscillation(size: float) -> None:
    """The mean path is that of a point; for one line and target far away the wave is damped by 3 (sin ka - ka cos ka)/(ka)^3 (note)."""
    thin = '[{ kind = "shell", inner = "9.99 m", outer = "10.01 m" }]'
    settings = {
        "zone.shape": thin,
        "zone.without": "[]",
        "zone.placement": "outside",
        "detector.threshold": "300 keV",
        "dm2_max": "5 eV2",
        "detector.bins": "{ recoil = 1 }",
        "background": "[]",
    }
    point = mci.load("jne-1t-ar37-center", settings)
    wide = mci.load("jne-1t-ar37-center", {**settings, "source.shape": f'{{ kind = "ball", radius = "{size} m" }}'})
    assert wide.counting().kernel().without_new_physics() == pytest.approx(
        point.counting().kernel().without_new_physics(), rel=1e-3
    )  # (a/L)^2, and the lines thrown
    theta = {"sin2_2theta": 1.0, "dm2": 1.0 * u.eV2}
    waves = [1 - 2 * (1 - one.ratio(mci.Sterile(), theta)) for one in (point, wide)]  # <cos kL>
    ka = 2.534 * 1.0 / 0.811 * size
    damping = 3 * (math.sin(ka) - ka * math.cos(ka)) / ka**3
    assert waves[1] / waves[0] == pytest.approx(damping, abs=0.01)  # two lines .2 % apart, thrown lines, L varies by (a/L)^2


def test_lens_and_fiducial_volumes_in_closed_form() -> None:
    lens = mci.load("ciuffoli-2025/juno-outside", {"zone.within": "5 m"}).zones[0].shape.volume / u.m3
    r, a, d = 17.2, 5.0, 19.0
    closed = math.pi * (r + a - d) ** 2 * (d * d + 2 * d * a - 3 * a * a + 2 * d * r + 6 * a * r - 3 * r * r) / (12 * d)
    assert lens == pytest.approx(closed, rel=1e-9)
    ball = mci.load("ciuffoli-2025/juno-center", {"zone.fiducial": "10 m"}).zones[0].shape.volume / u.m3
    assert ball == pytest.approx(4 / 3 * math.pi * (10**3 - 0.2**3), rel=1e-9)


def test_counting_gives_the_sum_of_the_bins() -> None:
    for card in ("jne-500t-cr51-outside", "jne-500t-water", "borexino-sox-ce144"):
        experiment = mci.load(card)
        bins = experiment.kernel(dm2_max="1 eV2")
        total = replace(experiment, detector=replace(experiment.detector.counting(), recoil=(experiment.detector.recoil[0], experiment.detector.recoil[-1])))
        assert (bins.without_new_physics()).sum() == pytest.approx(total.kernel(dm2_max="1 eV2").without_new_physics().sum(), rel=1e-5)
