"""Capture on 71Ga: averages are the data, states are their parts."""

import numpy as np
import pytest
from scipy.special import gamma

from megacurie.foundation import provenance
from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError
from megacurie.physics.channels.nuclear_capture import NuclearCapture, excited_states, models, phase_space, strength_ratio, summed_strengths
from megacurie.physics.sources import source

ULPS = 1e-13  # sums of a dozen products
CR, AR = source("51Cr"), source("37Ar")
BOTH = pytest.mark.parametrize("isotope", [CR, AR], ids=["51Cr", "37Ar"])
# 1e-45 cm2, 51Cr and 37Ar: arXiv:2209.00916, Table I; None where a model has no value
PRINTED = {
    "ground-state": (5.539, 6.625),
    "bahcall-1997": (5.81, 7.00),
    "haxton-1998": (6.39, 7.72),
    "frekers-2015": (5.92, 7.15),
    "kostensalo-2019": (5.67, 6.80),
    "semenov-2020": (5.938, 7.169),
    "haxton-rule-2023": (5.69, None),  # slide of a talk of 4 April 2024
    "schwetz-cs1": (5.71, 6.88),  # arXiv:2306.03299, Eq. 5.10
    "schwetz-cs2": (5.85, 7.01),
    "haxton-2023-ground": (5.39, 6.45),
}
CASES = [(name, isotope) for name in PRINTED for isotope in (CR, AR)]
EVERY = pytest.mark.parametrize(("model", "isotope"), CASES, ids=[f"{name}-{isotope.nuclide}" for name, isotope in CASES])


def average(model: str, isotope) -> float:  # type: ignore[no-untyped-def]
    """In 1e-45 cm2, from the states, weighted as the lines are."""
    states = NuclearCapture(model=model).states(isotope)
    return sum(float(isotope.intensities @ state.cross_section) for state in states) / isotope.intensities.sum() / (1e-45 * u.cm2)


def test_every_model_is_checked_here() -> None:
    assert set(models()) == set(PRINTED)


@EVERY
def test_averages_are_the_printed_values(model: str, isotope) -> None:  # type: ignore[no-untyped-def]
    chromium, argon = PRINTED[model]
    expected = chromium if isotope is CR else chromium * 7.00 / 5.81 if argon is None else argon
    assert average(model, isotope) == pytest.approx(expected, rel=ULPS)
    datum = NuclearCapture(model=model).average(isotope)
    assert datum.value / (1e-45 * u.cm2) == pytest.approx(expected, rel=ULPS)
    assert NuclearCapture(model=model).derived(isotope) == (isotope is AR and argon is None)


@EVERY
def test_states_are_parts_of_each_line(model: str, isotope) -> None:  # type: ignore[no-untyped-def]
    """None is negative; together the lines stand to each other as Bahcall's per-line values."""
    states = NuclearCapture(model=model).states(isotope)
    assert [state.tag for state in states] == ["state:ground", *(f"state:excited-{name}" for name in excited_states())]
    assert all(np.all(state.cross_section >= 0) for state in states)
    per_line = [row["cross_section"].value for row in provenance.look_up(f"channel.ga71-capture.per-line.{isotope.key}")]
    total = sum(state.cross_section for state in states)
    np.testing.assert_allclose(total / total[0], np.array(per_line) / per_line[0], rtol=ULPS)


@EVERY
def test_the_ground_state_part_is_the_one_the_model_is_built_on(model: str, isotope) -> None:  # type: ignore[no-untyped-def]
    built_on = "haxton-2023-ground" if model in ("haxton-rule-2023", "schwetz-cs1", "schwetz-cs2", "haxton-2023-ground") else "ground-state"
    ground = PRINTED[built_on][0 if isotope is CR else 1]
    assert ground is not None
    capture = NuclearCapture(model=model)
    part = float(isotope.intensities @ capture.states(isotope)[0].cross_section) / isotope.intensities.sum() / (1e-45 * u.cm2)
    assert part == pytest.approx(ground, rel=ULPS)
    assert capture.ground_ratio(isotope) == pytest.approx(ground / average(model, isotope), rel=ULPS)


@pytest.mark.parametrize("model", ["ground-state", "haxton-2023-ground"])
@BOTH
def test_a_ground_state_model_has_no_excited_part(model: str, isotope) -> None:  # type: ignore[no-untyped-def]
    assert NuclearCapture(model=model).ground_ratio(isotope) == 1
    for state in NuclearCapture(model=model).states(isotope)[1:]:
        assert not state.cross_section.any()


@pytest.mark.parametrize("model", ["bahcall-1997", "haxton-rule-2023", "semenov-2020"])
@BOTH
def test_excited_states_share_as_strength_times_phase_space(model: str, isotope) -> None:  # type: ignore[no-untyped-def]
    first, second = NuclearCapture(model=model).states(isotope)[1:]
    parts = [strength_ratio(name) * phase_space(isotope.energies, level) for name, level in excited_states().items()]
    reached = parts[1] > 0
    np.testing.assert_allclose(first.cross_section[reached] / second.cross_section[reached], parts[0][reached] / parts[1][reached], rtol=ULPS)
    assert not second.cross_section[~reached].any()


def test_the_lower_lines_of_chromium_do_not_reach_500_kev() -> None:
    """E - Q = 747 - 232 = 515 keV reaches the level at 500 keV, 427 - 232 = 195 keV only that at 175 keV."""
    for state, reached in zip(NuclearCapture(model="bahcall-1997").states(CR), ([1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0]), strict=True):
        assert [int(x > 0) for x in state.cross_section] == reached


@pytest.mark.parametrize(("isotope", "level", "xi"), [(CR, "175", 0.669), (CR, "500", 0.220), (AR, "175", 0.696), (AR, "500", 0.264)])
def test_phase_space_factors(isotope, level: str, xi: float) -> None:  # type: ignore[no-untyped-def]
    """Published coefficients xi (Bahcall 1997, Eq. 14) are ratios of our phase-space integrals."""
    share = isotope.intensities
    ours = share @ phase_space(isotope.energies, excited_states()[level]) / (share @ phase_space(isotope.energies))
    # half a unit of the last printed digit, and .4 % for what a point charge leaves out (screening, nuclear size, 0.25 keV in Q)
    assert ours == pytest.approx(xi, abs=0.0005 + 0.004 * xi)
    published = provenance.datum(f"channel.ga71-capture.excited.{level}.phase_space.{isotope.key}", "dimensionless")
    assert published.value == xi


def test_phase_space_with_the_gamma_function_written_out() -> None:
    """p W F(Z, W) from scipy's complex gamma function, relative to one energy; F -> 2 pi y/(1 - exp(-2 pi y)) without relativity."""
    energies = np.array([300, 427, 600, 747, 811]) * u.keV
    w = 1 + (energies / u.keV - 232.443) / 510.99895069
    p = np.sqrt(w**2 - 1)
    za = 32 / 137.035999177
    g = np.sqrt(1 - za**2)
    formula = p * w * p ** (2 * g - 2) * np.exp(np.pi * za * w / p) * np.abs(gamma(g + 1j * za * w / p)) ** 2
    ours = phase_space(energies)
    np.testing.assert_allclose(ours / ours[0], formula / formula[0], rtol=1e-9)  # ten digits of 1/alpha and of the mass
    sommerfeld = 2 * np.pi * za * w / p / (1 - np.exp(-2 * np.pi * za * w / p)) * p * w
    np.testing.assert_allclose(ours / ours[0], sommerfeld / sommerfeld[0], rtol=0.06)  # relativistic terms are of order (alpha Z)^2 ln p = 5 %


def test_phase_space_vanishes_below_threshold() -> None:
    q = provenance.datum("channel.ga71-capture.threshold", "energy").value
    assert phase_space(np.array([0.0, 0.5, 1.0]) * q).tolist() == [0, 0, 0]
    assert phase_space(np.array([1.001]) * q)[0] > 0
    assert np.all(np.diff(phase_space(np.linspace(1.01, 5, 50) * q)) > 0)


@pytest.mark.parametrize(("isotope", "ground", "whole"), [(CR, 5.539, 5.938), (AR, 6.625, 7.169)])
def test_semenov_is_the_ground_state_with_the_summed_strengths(isotope, ground: float, whole: float) -> None:  # type: ignore[no-untyped-def]
    # half units of the last digits of ground state, whole, and the two xi times strength ratios .04 and .21
    rounding = 0.0005 * (1.08 + 1) + ground * 0.0005 * (0.04 + 0.21)
    assert ground * summed_strengths(isotope) == pytest.approx(whole, abs=rounding)


def test_a_derived_value_says_so() -> None:
    capture = NuclearCapture(model="haxton-rule-2023")
    derived, own = capture.average(AR), capture.average(CR)
    assert (derived.status, derived.dagger, derived.note) == ("assumed", "†", "derived: no value of its own")
    assert own.status == "calculated"
    assert derived.ref == own.ref
    assert capture.relative_errors(AR) == pytest.approx(capture.relative_errors(CR), rel=ULPS)
    assert capture.relative_errors(CR) == pytest.approx((0.28 / 5.69, 0.06 / 5.69), rel=ULPS)


@pytest.mark.parametrize(
    ("model", "isotope", "own"),
    [
        ("bahcall-1997", CR, {"Bahcall:1997eg", "Semenov:2020xea"}),  # the model and its ground-state part
        ("kostensalo-2019", AR, {"Kostensalo:2019vmv", "Semenov:2020xea"}),
        ("haxton-rule-2023", CR, {"Elliott:2024talk"}),
        ("haxton-rule-2023", AR, {"Elliott:2024talk", "Bahcall:1997eg"}),  # derived with Bahcall's ratio
    ],
)
def test_what_a_cross_section_cites(model: str, isotope, own: set[str]) -> None:  # type: ignore[no-untyped-def]
    """The model, and what takes it apart: per-line values, levels, strengths, threshold, constants."""
    common = {"Acero:2007su", "Abusaleem:2011nds71", "Frekers:2011zz", "Elliott:2023xkb", "Mohr:2024kco"}
    assert NuclearCapture(model=model).references(isotope) == own | common


def test_the_nine_lines_average_to_the_same() -> None:
    """The model's value is an average over whatever lines the source has."""
    for isotope in (source("51Cr", lines="nine"), source("51Cr", lines="two-seed-000"), source("37Ar", lines="nine")):
        assert average("bahcall-1997", isotope) == pytest.approx(5.81 if isotope.key == "cr51" else 7.00, rel=ULPS)


def test_unknown_models() -> None:
    with pytest.raises(DataError) as caught:
        NuclearCapture(model="bahcall-1998")
    assert str(caught.value) == "no cross-section model 'bahcall-1998'. Did you mean 'bahcall-1997'?"
    with pytest.raises(DataError, match="no cross-section model 'x'. Known: bahcall-1997, "):
        NuclearCapture(model="x")
