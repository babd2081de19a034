"""The gallium measurements: every convention by hand arithmetic, the choice of data, user cards."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import megacurie as mci
from megacurie.foundation import provenance
from megacurie.foundation import units as u
from megacurie.foundation.errors import CardError, DataError
from megacurie.studies import gallium
from megacurie.studies.gallium import datasets

ULPS = 1e-12
NAMES = ("gallex-cr1", "gallex-cr2", "sage-cr", "sage-ar", "best-inner", "best-outer")
CHROMIUM = np.array([True, True, True, False, True, True])

# printed: ratios to Bahcall's cross section (arXiv:1006.3244), BEST's rates and predictions per day, cross sections in 1e-45 cm2 (51Cr, 37Ar)
INNER, OUTER = (54.9, 2.5, 2.4, 69.41), (55.6, 2.7, 2.6, 72.59)
BAHCALL, KOSTENSALO, CS1 = (5.81, 7.00), (5.67, 6.80), (5.71, 6.88)


def scaled(ratios: list[float], sigma: tuple[float, float]) -> np.ndarray:
    """Ratios to Bahcall as ratios to another cross section."""
    return np.array(ratios) * np.where(CHROMIUM, BAHCALL[0] / sigma[0], BAHCALL[1] / sigma[1])


def per_source(chromium: float, argon: float) -> np.ndarray:
    return np.where(CHROMIUM, chromium, argon)


RATES = [0.953, 0.812, 0.95, 0.791, INNER[0] / INNER[3], OUTER[0] / OUTER[3]]
LOWER = [0.11, 0.105, 0.12, 0.084, INNER[2] / INNER[3], OUTER[2] / OUTER[3]]
UPPER = [0.11, 0.10, 0.12, 0.084, INNER[1] / INNER[3], OUTER[1] / OUTER[3]]
SYSTEMATIC = np.array([0, 0, 0, 0, 1.4 / INNER[3], 1.4 / OUTER[3]])
GIUNTI = [0.95, 0.81, 0.95, 0.79, 0.7910, 0.7659], [0.11, 0.11, 0.12, 0.09, 0.05, 0.05]


# --- conventions


@pytest.mark.parametrize(
    ("model", "sigma", "lower"), [("bahcall-1997", BAHCALL, (0.16, 0.21)), ("kostensalo-2019", KOSTENSALO, (0.06, 0.08)), ("schwetz-cs1", CS1, (0.10, 0.13))]
)
def test_schwetz_2023_by_hand(model: str, sigma: tuple[float, float], lower: tuple[float, float]) -> None:
    """diag(lower statistical errors^2) + 1.4 per day common to BEST + d d^T."""
    data = datasets(cross_section=model, conventions="schwetz-2023")
    np.testing.assert_allclose(data.measurement.values, scaled(RATES, sigma), rtol=ULPS)
    common = per_source(BAHCALL[0] / sigma[0], BAHCALL[1] / sigma[1]) * SYSTEMATIC
    d = per_source(lower[0] / sigma[0], lower[1] / sigma[1])
    V = np.diag(scaled(LOWER, sigma) ** 2) + np.outer(common, common) + np.outer(d, d)
    np.testing.assert_allclose(data.covariance(), V, rtol=ULPS)
    assert [(p.name, p.of) for p in data.measurement.pulls] == [("best.systematic", "reference"), ("channel:ga71", "reference")]
    assert data.asymmetric == "lower"
    assert data.likelihood(mci.NoOscillation()).fixed


@pytest.mark.parametrize(("model", "sigma", "lower"), [("bahcall-1997", BAHCALL, (0.16, 0.21)), ("kostensalo-2019", KOSTENSALO, (0.06, 0.08))])
def test_giunti_2022_by_hand(model: str, sigma: tuple[float, float], lower: tuple[float, float]) -> None:
    """One pull on the prediction, bounded by the ground state; errors as printed, BEST .05."""
    m = datasets(cross_section=model, conventions="giunti-2022").measurement
    for array, printed in ((m.values, GIUNTI[0]), (m.minus, GIUNTI[1]), (m.plus, GIUNTI[1])):
        np.testing.assert_allclose(array, scaled(printed, sigma), rtol=ULPS)
    (pull,) = m.pulls
    assert (pull.name, pull.of) == ("channel:ga71", "prediction")
    relative = lower[0] / sigma[0], lower[1] / sigma[1]
    np.testing.assert_allclose(pull.shape, per_source(*relative), rtol=ULPS)
    # the ground state's 5.539 and 6.625 are reached at this x; the nearer of the two bounds
    assert pull.low == pytest.approx(max((5.539 / sigma[0] - 1) / relative[0], (6.625 / sigma[1] - 1) / relative[1]), rel=ULPS)


def test_giunti_2022_does_not_go_below_the_ground_state() -> None:
    (pull,) = datasets(cross_section="ground-state", conventions="giunti-2022").measurement.pulls
    assert pull.low == pytest.approx(0, abs=1e-12)  # in sigma
    np.testing.assert_allclose(pull.shape, per_source(0.019 / 5.539, 0.023 / 6.625), rtol=ULPS)


@pytest.mark.parametrize(("model", "sigma", "lower"), [("bahcall-1997", BAHCALL, (0.16, 0.21)), ("kostensalo-2019", KOSTENSALO, (0.06, 0.08))])
def test_giunti_2022b_by_hand(model: str, sigma: tuple[float, float], lower: tuple[float, float]) -> None:
    """Shift relative to the measured ratios; the error of 51Cr for all, what 37Ar has more in quadrature."""
    data = datasets(cross_section=model, conventions="giunti-2022b")
    m, values = data.measurement, scaled(GIUNTI[0], sigma)
    chromium, argon = lower[0] / sigma[0], lower[1] / sigma[1]
    residual = np.where(CHROMIUM, 0, math.sqrt(argon**2 - chromium**2)) * values
    assert residual[3] > 0
    np.testing.assert_allclose(m.values, values, rtol=ULPS)
    np.testing.assert_allclose(m.minus, np.hypot(scaled(GIUNTI[1], sigma), residual), rtol=1e-9)  # a difference of nearly equal squares
    d = chromium * values
    np.testing.assert_allclose(data.covariance(), np.diag(m.minus**2) + np.outer(d, d), rtol=ULPS)


@pytest.mark.parametrize(("model", "sigma"), [("bahcall-1997", BAHCALL), ("schwetz-cs1", CS1)])
def test_best_2022_by_hand(model: str, sigma: tuple[float, float]) -> None:
    """V = delta eps^2 + eps_CS eps_CS, eps_CS = 3.6 %; upper statistical and systematic errors in quadrature."""
    data = datasets(cross_section=model, conventions="best-2022")
    eps = scaled(list(np.hypot(UPPER, SYSTEMATIC)), sigma)
    np.testing.assert_allclose(data.measurement.values, scaled(RATES, sigma), rtol=ULPS)
    np.testing.assert_allclose(data.covariance(), np.diag(eps**2) + 0.036**2, rtol=ULPS)
    assert data.asymmetric == "upper"


def test_elliott_2024_by_hand() -> None:
    """Uncorrelated, no error of the cross section; BEST .05."""
    data = datasets(cross_section="kostensalo-2019", conventions="elliott-2024")
    values = scaled([0.953, 0.812, 0.95, 0.791, 0.7910, 0.7659], KOSTENSALO)
    errors = scaled([0.11, 0.105, 0.12, 0.084, 0.05, 0.05], KOSTENSALO)
    np.testing.assert_allclose(data.measurement.values, values, rtol=ULPS)
    np.testing.assert_allclose(data.covariance(), np.diag(errors**2), rtol=ULPS, atol=0)
    assert data.measurement.pulls == ()


DIAGONAL = np.diag(GIUNTI[1]) ** 2
ALONE = {  # covariance of ratios to Bahcall without the error of the cross section
    "schwetz-2023": np.diag(LOWER) ** 2 + np.outer(SYSTEMATIC, SYSTEMATIC),
    "giunti-2022": DIAGONAL,
    "giunti-2022b": DIAGONAL,
    "best-2022": np.diag(np.hypot(UPPER, SYSTEMATIC)) ** 2,
    "elliott-2024": np.diag([*LOWER[:4], 0.05, 0.05]) ** 2,
}


@pytest.mark.parametrize(("model", "sigma"), [("bahcall-1997", BAHCALL), ("kostensalo-2019", KOSTENSALO)])
@pytest.mark.parametrize("conventions", gallium.conventions())
def test_a_model_taken_as_exact_leaves_the_errors_of_the_measurements(conventions: str, model: str, sigma: tuple[float, float]) -> None:
    """Also no residual of 37Ar, no bound on the pull; ratios stay, and 51Cr and 37Ar each have their own."""
    usual, exact = (datasets(cross_section=model, conventions=conventions, cross_section_error=error) for error in (True, False))
    np.testing.assert_array_equal(exact.measurement.values, usual.measurement.values)
    k = scaled([1.0] * 6, sigma)
    np.testing.assert_allclose(exact.covariance(), ALONE[conventions] * np.outer(k, k), rtol=ULPS, atol=0)
    assert all(pull.name != "channel:ga71" for pull in exact.measurement.pulls)
    assert exact.likelihood(mci.NoOscillation()).fixed
    assert exact.conventions == conventions
    assert f"cross section {model} is taken as exact" in exact.notes
    assert not any("exact" in note for note in usual.notes)


@pytest.mark.parametrize("conventions", gallium.conventions())
def test_every_convention_names_its_source(conventions: str) -> None:
    data = datasets(conventions=conventions)
    assert (data.names, data.conventions, data.cross_section) == (NAMES, conventions, "bahcall-1997")
    assert provenance.look_up(f"conventions.{conventions}")["ref"] in data.references
    assert "Bahcall:1997eg" in data.references
    assert sum(f"conventions {conventions}" in note for note in data.notes) == (provenance.look_up(f"conventions.{conventions}")["status"] == "assumed")
    assert np.all(np.linalg.eigvalsh(data.covariance()) > 0)


def test_a_derived_argon_value_has_a_dagger() -> None:
    data = datasets(cross_section="haxton-rule-2023")
    assert [note for note in data.notes if "sage-ar" in note] == ["† sage-ar: haxton-rule-2023 has no value for 37Ar; Bahcall's ratio to 51Cr is taken"]
    # 5.69 x 7.00/5.81 for 37Ar: every ratio scales alike
    np.testing.assert_allclose(data.measurement.values, np.array(RATES) * 5.81 / 5.69, rtol=ULPS)
    rows = {row[0]: row for row in data.table().rows}
    assert rows["sage-ar"][4].endswith("†")
    assert not rows["sage-cr"][4].endswith("†")
    assert not any("sage-ar" in note for note in datasets().notes)


def test_the_table_shows_what_was_printed() -> None:
    rows = {row[0]: row for row in datasets().table().rows}
    assert rows["best-inner"][:4] == ("best-inner", "51Cr", "54.9 +2.5 -2.4 1/d", "69.41 1/d")
    assert rows["sage-ar"][1:4] == ("37Ar", "0.791 +0.084 -0.084", "1")
    assert rows["best-outer"][4].startswith("0.766 +- 0.037")
    assert "bahcall-1997, conventions schwetz-2023" in str(datasets())
    assert "<table>" in datasets()._repr_html_()


# --- choosing data


@pytest.mark.parametrize(
    ("only", "names"),
    [
        (None, NAMES),
        (["gallium"], NAMES),
        (["best"], NAMES[4:]),
        (["best-outer"], NAMES[5:]),
        (["best", "sage-cr"], ("sage-cr", "best-inner", "best-outer")),
        (["best-inner", "best", "best"], NAMES[4:]),
        (["best", "gallium"], NAMES),
    ],
)
def test_groups_and_measurements(only: Any, names: tuple[str, ...]) -> None:
    data, whole = datasets(only=only), datasets()
    assert data.names == names == tuple(entry.name for entry in data.entries)
    keep = [NAMES.index(name) for name in names]
    np.testing.assert_allclose(data.covariance(), whole.covariance()[np.ix_(keep, keep)], rtol=ULPS)
    part = whole.subset(names)
    np.testing.assert_array_equal(part.measurement.values, data.measurement.values)
    np.testing.assert_allclose(part.covariance(), data.covariance(), rtol=ULPS)
    assert part.names == names


def test_a_subset_drops_pulls_that_move_nothing() -> None:
    assert [p.name for p in datasets().subset(["sage-cr", "gallex-cr1"]).measurement.pulls] == ["channel:ga71"]
    with pytest.raises(DataError, match="no data 'sage'. Did you mean 'sage-"):
        datasets().subset(["sage"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"only": ["bset"]}, "no data 'bset'. Did you mean 'best'?"),
        ({"only": ["best", "gallex"]}, "no data 'gallex'. Did you mean 'gallex-cr"),
        ({"cross_section": "bahcal-1997"}, "no cross-section model 'bahcal-1997'. Did you mean 'bahcall-1997'?"),
        ({"conventions": "guinti-2022"}, "no conventions 'guinti-2022'. Did you mean 'giunti-2022'?"),
    ],
)
def test_unknown_names(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        datasets(**arguments)
    assert str(caught.value).startswith(message)


def test_the_default_is_not_a_convention() -> None:
    assert "default" not in gallium.conventions()
    assert provenance.look_up("conventions.default") == "schwetz-2023" == datasets().conventions


# --- kernel


def test_the_kernel_is_normalised_and_labelled() -> None:
    data = datasets(only=["sage-ar", "best"], dm2_max="5 eV2", accuracy=1e-3)
    kernel = data.kernel()
    np.testing.assert_allclose(kernel.without_new_physics(), np.ones(3), rtol=ULPS)
    assert kernel.labels == ("sage-ar", "best-inner", "best-outer")
    assert kernel.dm2_reach / u.eV2 == pytest.approx(5, rel=ULPS)
    outer = datasets(only=["best-outer"], dm2_max="5 eV2", accuracy=1e-3)
    theta = {"sin2_2theta": 0.4, "dm2": 1.25 * u.eV2}
    np.testing.assert_allclose(outer.likelihood(mci.Sterile()).model(theta), data.likelihood(mci.Sterile()).model(theta)[2:], rtol=ULPS)


# --- settings and user cards

CARD = """
name = "MINE"
[source]
nuclide = "51Cr"
activity = "3 MCi"
at = "2027-01-01T00:00+00:00"
[target]
material = "gallium"
[[zone]]
name = "near"
shape = { kind = "ball", radius = "50 cm" }
[[zone]]
name = "far"
shape = { kind = "shell", inner = "50 cm", outer = "1 m" }
[measurement]
quantity = "rate"
values = { near = { value = "40 1/d", plus = "2 1/d", minus = "3 1/d" }, far = { value = "45 1/d", plus = "2 1/d", minus = "3 1/d" } }
pulls = [{ name = "mine.efficiency", relative = 0.02 }, { name = "channel:ga71", from = "cross_section" }]
"""


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(CARD)
    return path


def test_a_user_card_is_compared_with_its_own_prediction(card: Path) -> None:
    data = datasets(only=[str(card)])
    assert data.names == ("MINE-near", "MINE-far")
    expected = mci.load(str(card)).kernel().without_new_physics() * u.day
    np.testing.assert_allclose(data.measurement.values, [40 / expected[0], 45 / expected[1]], rtol=1e-9)  # kernels of one accuracy
    np.testing.assert_allclose(data.measurement.minus, 3 / expected, rtol=1e-9)
    assert {p.name: p.shape.tolist() for p in data.measurement.pulls} == {
        "mine.efficiency": pytest.approx([0.02, 0.02], rel=ULPS),
        "channel:ga71": pytest.approx([0.16 / 5.81] * 2, rel=ULPS),
    }


def test_a_schedule_does_not_change_a_measured_rate(card: Path) -> None:
    before = datasets(only=[str(card)]).measurement.values
    card.write_text(CARD + '[schedule]\nexposures = [{ start = "0 d", stop = "10 d" }]\n')
    np.testing.assert_allclose(datasets(only=[str(card)]).measurement.values, before, rtol=1e-9)


def test_an_absolute_pull_is_relative_to_the_prediction(card: Path) -> None:
    card.write_text(CARD.replace("relative = 0.02", 'absolute = "1.5 1/d"'))
    expected = mci.load(str(card)).kernel().without_new_physics() * u.day
    np.testing.assert_allclose(datasets(only=[str(card)]).measurement.pulls[0].shape, 1.5 / expected, rtol=1e-9)


def test_another_cross_section_scales_a_user_card_too(card: Path) -> None:
    one, two = (datasets(only=[str(card)], cross_section=model).measurement for model in ("bahcall-1997", "kostensalo-2019"))
    np.testing.assert_allclose(two.values, one.values * 5.81 / 5.67, rtol=ULPS)


def test_a_published_prediction_has_the_last_word(card: Path) -> None:
    card.write_text(CARD + 'predicted = { near = "50 1/d", far = "50 1/d" }\n')
    np.testing.assert_allclose(datasets(only=[str(card)]).measurement.values, [0.8, 0.9], rtol=ULPS)


def test_user_cards_join_the_others_and_share_the_cross_section(card: Path) -> None:
    data = datasets(only=["best", str(card)], dm2_max="5 eV2", accuracy=1e-3)
    assert data.names == ("best-inner", "best-outer", "MINE-near", "MINE-far")
    pulls = {p.name: p.shape for p in data.measurement.pulls}
    assert np.all(pulls["channel:ga71"] > 0)
    np.testing.assert_array_equal(pulls["mine.efficiency"] > 0, [False, False, True, True])
    theta = {"sin2_2theta": 0.4, "dm2": 1.25 * u.eV2}
    alone = datasets(only=[str(card)], dm2_max="5 eV2", accuracy=1e-3).likelihood(mci.Sterile()).model(theta)
    np.testing.assert_allclose(data.likelihood(mci.Sterile()).model(theta)[2:], alone, rtol=ULPS)


def test_one_experiment_stands_once(card: Path) -> None:
    """A changed copy of BEST beside BEST would be taken for the same experiment."""
    for name in ("BEST", "best"):
        card.write_text(CARD.replace("MINE", name).replace('"near"', '"inner"').replace("near =", "inner ="))
        assert datasets(only=[str(card)]).names == (f"{name}-inner", f"{name}-far")
        with pytest.raises(DataError, match="are named '(BEST|best-inner)': expected each experiment once. Give the file another 'name'"):
            datasets(only=["best", str(card)])


def test_what_a_file_lacks_is_said(card: Path) -> None:
    card.write_text(CARD[: CARD.index("[measurement]")])
    with pytest.raises(CardError, match=r"no \[measurement\] table: expected one to fit to"):
        datasets(only=[str(card)])
    card.write_text(CARD.replace('activity = "3 MCi"\n', ""))
    with pytest.raises((CardError, DataError), match="source.activity"):
        datasets(only=[str(card)])
    with pytest.raises(CardError, match="no such file"):
        datasets(only=["absent.toml"])


def test_settings_change_the_cards_asked_for() -> None:
    theta = {"sin2_2theta": 0.4, "dm2": 0.5 * u.eV2}

    def survival(settings: dict[str, str] | None) -> np.ndarray:
        return datasets(only=["best"], settings=settings, dm2_max="5 eV2", accuracy=1e-3).likelihood(mci.Sterile()).model(theta)

    # a zone that only BEST has: the other cards are not asked
    changed, plain = survival({"zone.inner.shape.radius": "40 cm"}), survival(None)
    assert changed[0] > plain[0] + 0.01  # nearer: less of the first oscillation
    assert changed[1] == pytest.approx(plain[1], rel=ULPS)


# --- mean ratio and history


def test_the_mean_ratio_in_closed_form() -> None:
    """Fixed covariance: R = 1^T V^-1 r / 1^T V^-1 1."""
    data = datasets(cross_section="schwetz-cs1")
    W, r = np.linalg.inv(data.covariance()), data.measurement.values
    found = gallium.mean_ratio(data)
    assert found.value == pytest.approx(W.sum(0) @ r / W.sum(), rel=1e-9)
    assert (found.plus, found.minus) == (pytest.approx(W.sum() ** -0.5, rel=2e-4), pytest.approx(W.sum() ** -0.5, rel=2e-4))  # crossings to 1e-4
    assert found.chi2 == pytest.approx((r - found.value) @ W @ (r - found.value), rel=1e-9)
    assert found.significance == pytest.approx((1 - found.value) * math.sqrt(W.sum()), rel=1e-6)


def test_the_mean_ratio_of_precise_data_is_precise(card: Path) -> None:
    """An error of a tenth of the step of the search grid."""
    card.write_text(
        CARD.replace('plus = "2 1/d", minus = "3 1/d"', 'plus = "0.01 1/d", minus = "0.01 1/d"').replace('{ name = "mine.efficiency", relative = 0.02 }, ', "")
    )
    data = datasets(only=[str(card)], conventions="elliott-2024")
    weight = data.measurement.minus**-2
    found = gallium.mean_ratio(data)
    assert found.plus == pytest.approx(weight.sum() ** -0.5, rel=1e-3)
    assert found.value == pytest.approx(data.measurement.values @ weight / weight.sum(), rel=1e-9)


def test_history_goes_by_date_and_ends_with_all() -> None:
    data = datasets(dm2_max="5 eV2", accuracy=1e-3)
    steps = gallium.history(data)
    assert [(step.experiment, step.year) for step in steps] == [
        ("GALLEX-Cr1", 1994),
        ("SAGE-Cr", 1994),
        ("GALLEX-Cr2", 1995),
        ("SAGE-Ar", 2004),
        ("BEST", 2019),
    ]
    assert steps[-1].mean == gallium.mean_ratio(data)
    first = gallium.mean_ratio(data.subset(["gallex-cr1"]))
    assert steps[0].mean == first
    assert first.value == pytest.approx(0.953, rel=1e-9)
    assert steps[1].mean == gallium.mean_ratio(data.subset(["gallex-cr1", "sage-cr"]))


def test_history_needs_dates(card: Path) -> None:
    card.write_text(CARD.replace('at = "2027-01-01T00:00+00:00"\n', ""))
    with pytest.raises(DataError, match=r"source\.at is missing"):
        gallium.history(datasets(only=[str(card)], dm2_max="5 eV2", accuracy=1e-3))
