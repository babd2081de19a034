"""Global significance by directions: brute force, limits, and the values found for the gallium data."""

import numpy as np
import pytest

import megacurie as mci
from megacurie.statistics.results import p_of, p_value
from megacurie.statistics.significance import global_significance, tail

DM2 = {"dm2": mci.geomspace("0.1 eV2", "30 eV2", 601)}


def test_one_amplitude_without_upper_bound_is_half_of_two_sides():
    for sigma in (1.0, 3.0, 6.0):
        found = tail(np.array([[0.6, 0.8, 0.0]]), np.array([1e6]), sigma**2)
        assert abs(found.p_value - 0.5 * p_of(sigma)) < 4 * found.p_error


@pytest.mark.parametrize("preference", [1.0, 4.61, 9.0])
def test_brute_force(preference):
    """As many toys as show a tail of some per mille."""
    likelihood = mci.gallium.datasets().likelihood(mci.Sterile())
    fine = {"dm2": mci.geomspace("0.1 eV2", "30 eV2", 101)}
    _, slope = likelihood.model.split(fine)
    g = likelihood.whitened(slope)
    h = np.sqrt((g * g).sum(-1))
    z = np.random.default_rng(1).standard_normal((100_000, 6))
    p = z @ (g / h[:, None]).T
    x = np.clip(p, 0, h)
    exceeded = (x * (2 * p - x)).max(-1) > preference
    found = global_significance(likelihood, fine, preference)
    error = np.hypot(found.p_error, np.sqrt(exceeded.mean() / len(z)))
    assert abs(found.p_value - exceeded.mean()) < 4 * error


@pytest.mark.parametrize(
    ("cross_section", "conventions", "only", "sigma"),
    [
        ("schwetz-cs1", "schwetz-2023", None, 5.62),
        ("schwetz-cs2", "schwetz-2023", None, 5.80),
        ("schwetz-cs1", "schwetz-2023", ["best"], 5.55),
        ("bahcall-1997", "elliott-2024", None, 6.70),  # BEST with errors of .05, nothing that moves
    ],
)
def test_gallium(cross_section, conventions, only, sigma):
    """Found before with toys and directions of another program, dm2 from .1 to 30 eV2; printed to .01, directions of both to .02."""
    likelihood = mci.gallium.datasets(cross_section=cross_section, conventions=conventions, only=only).likelihood(mci.Sterile())
    found = global_significance(likelihood, DM2, mci.fit(likelihood).delta_chi2)
    assert found.error < 0.01
    assert found.sigma == pytest.approx(sigma, abs=0.03)


def test_fit_reports_it_between_one_and_two_parameters():
    fit = mci.fit(mci.gallium.datasets().likelihood(mci.Sterile()))
    sigma, error = fit.global_significance
    assert fit.significance["wilks_2"] < sigma < fit.significance["wilks_1"]
    written = fit.to_dict()["significance"]
    assert (written["global"], written["global_error"]) == (sigma, error)
    assert "global" in str(fit)


def test_where_there_is_no_closed_form_it_is_null_with_a_reason():
    for fit in (
        mci.fit(mci.gallium.datasets(conventions="giunti-2022").likelihood(mci.Sterile())),
        mci.fit(mci.gallium.datasets().likelihood(mci.ActivityScale())),
    ):
        assert fit.global_significance is None
        assert fit.to_dict()["significance"]["global"] is None
        assert any("global" in note for note in fit.to_dict()["notes"])


def test_many_data_are_reduced_to_the_directions_of_the_predictions():
    rng = np.random.default_rng(5)
    g = rng.standard_normal((8, 3)) @ rng.standard_normal((3, 40))
    from megacurie.statistics.significance import directions

    unit, height, _ = directions(g, np.zeros(40))
    assert unit.shape == (8, 3)
    full = g / height[:, None]
    np.testing.assert_allclose(unit @ unit.T, full @ full.T, atol=1e-12)  # cosines to rounding
    for preference in (4.0, 16.0):
        few, many = (tail(one, height, preference) for one in (unit, full))
        assert abs(few.p_value - many.p_value) < 4 * np.hypot(few.p_error, many.p_error)


def test_no_preference_is_no_significance():
    assert tail(np.eye(2), np.ones(2), 0.0).p_value == 1
    assert p_value(0.0, 1) == 1
