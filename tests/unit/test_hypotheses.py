"""Hypotheses: hand formulas, limits, the numbers of the notes, NumPy against JAX."""

import math
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from megacurie.foundation import provenance
from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError
from megacurie.physics.hypotheses import (
    BUILT_IN,
    ActivityScale,
    BranchingRatioShift,
    CrossSectionScale,
    ExcitedStateStrength,
    ExtractionEfficiency,
    Ge71HalfLife,
    Hypothesis,
    NoOscillation,
    Sterile,
    combine,
)
from megacurie.physics.sources import source

jax.config.update("jax_enable_x64", True)

ULPS = 1e-13  # arguments of the cosine up to 100 rad
L = np.array([0.1, 0.4, 0.53, 1.0, 2.4]) * u.m
E = np.array([0.427, 0.747, 0.752, 0.811, 0.432]) * u.MeV
GROUND = frozenset({"source:cr51", "channel:ga71", "state:ground"})
EXCITED = frozenset({"source:cr51", "channel:ga71", "state:excited-175"})
SCATTERING = frozenset({"source:cr51", "channel:electron"})
THETA = {
    "sin2_2theta": 0.33, "dm2": 1.25 * u.eV2, "cross_section": 0.9, "activity": 0.8, "efficiency": 0.7, "strength": 3.0, "half_life": 13.0 * u.day,
    "branching": 0.12,
}  # fmt: skip
MADE = [one() for one in BUILT_IN]
THETA |= {p.name: float(p.at(0.5)) for h in MADE for p in h.parameters if p.name not in THETA}
EVERY = pytest.mark.parametrize("hypothesis", MADE, ids=lambda h: h.name)


def test_sterile_in_practical_units() -> None:
    """1 - sin^2(2 theta) sin^2(1.26693 dm2 L/E): eV2, m, MeV."""
    for s, dm2 in [(0.33, 1.25), (1.0, 0.05), (0.1, 30.0)]:
        P_e, P_x = Sterile().probabilities({"sin2_2theta": s, "dm2": dm2 * u.eV2}, L, E)
        formula = 1 - s * np.sin(1.266932679 * dm2 * (L / u.m) / (E / u.MeV)) ** 2
        np.testing.assert_allclose(P_e, formula, rtol=0, atol=s * 2e-7)  # the printed coefficient, 4e-10, times a phase of up to 200 rad
        assert not P_x.any()


def test_sterile_at_its_extremes() -> None:
    wavelength = 4 * math.pi * u.hbarc * E / (1.25 * u.eV2)
    for turns, expected in [(0.5, 1 - 0.33), (1.0, 1.0), (0.25, 1 - 0.33 / 2), (7.5, 1 - 0.33)]:
        np.testing.assert_allclose(Sterile().probabilities(THETA, turns * wavelength, E)[0], expected, rtol=ULPS)


def test_sterile_limits() -> None:
    slow = Sterile().probabilities({"sin2_2theta": 1.0, "dm2": 1e-9 * u.eV2}, L, E)[0]
    np.testing.assert_allclose(slow, 1, atol=1e-15)  # sin^2 of 1e-8 rad
    fast = np.linspace(0, 1, 20000, endpoint=False) * 100 * 4 * math.pi * u.hbarc * E[0] / u.eV2  # 100 periods exactly
    average = Sterile().probabilities({"sin2_2theta": 0.6, "dm2": u.eV2}, fast, np.full(20000, E[0]))[0].mean()
    assert average == pytest.approx(1 - 0.6 / 2, rel=ULPS)
    assert (Sterile().probabilities({"sin2_2theta": 0.0, "dm2": u.eV2}, L, E)[0] == 1).all()


def test_sterile_phase_is_the_argument_of_the_sine_per_l_over_e() -> None:
    theta = {"sin2_2theta": 1.0, "dm2": 3.0 * u.eV2}
    argument = Sterile().phase(theta) * L / E
    np.testing.assert_allclose(Sterile().probabilities(theta, L, E)[0], np.cos(argument) ** 2, rtol=0, atol=ULPS)
    assert Sterile().phase({"dm2": np.array([1.0, 3.0, 2.0]) * u.eV2}) == Sterile().phase(theta)


def test_the_expectation_itself() -> None:
    P_e, P_x = NoOscillation().probabilities({}, L, E)
    assert (P_e == 1).all()
    assert (P_x == 0).all()
    assert NoOscillation().scale({}, E, GROUND) == 1
    assert NoOscillation().phase({}) == 0
    assert NoOscillation().parameters == ()


@pytest.mark.parametrize(
    ("hypothesis", "ground", "excited", "scattering"),
    [
        (CrossSectionScale(), 0.9, 0.9, 1),
        (ActivityScale(), 0.8, 0.8, 0.8),
        (ExtractionEfficiency(), 0.7, 0.7, 1),
        (ExcitedStateStrength(), 1, 3, 1),
        (Ge71HalfLife(), 11.43 / 13, 1, 1),
    ],
)
def test_scales_act_on_their_part_only(hypothesis: Hypothesis, ground: float, excited: float, scattering: float) -> None:
    for tags, expected in [(GROUND, ground), (EXCITED, excited), (SCATTERING, scattering)]:
        np.testing.assert_allclose(np.broadcast_to(hypothesis.scale(THETA, E, tags), E.shape), expected, rtol=ULPS)


@pytest.mark.parametrize(
    "hypothesis",
    [ActivityScale(), BranchingRatioShift(), CrossSectionScale(), ExcitedStateStrength(), ExtractionEfficiency(), Ge71HalfLife()],
    ids=lambda h: h.name,
)
def test_what_only_scales_leaves_the_neutrino_alone(hypothesis: Hypothesis) -> None:
    P_e, P_x = hypothesis.probabilities(THETA, L, E)
    assert (P_e == 1).all()
    assert (P_x == 0).all()
    assert hypothesis.phase(THETA) == 0


def test_half_life_at_the_reference_changes_nothing() -> None:
    reference = provenance.datum("nuclide.ge71.half_life", "time").value
    assert Ge71HalfLife().scale({"half_life": reference}, E, GROUND) == 1


def test_branching_ratio_by_hand() -> None:
    """b0 = .09895, 320.08 keV, 36.75 keV per decay: intensities (1 - b, b), and the activity that an assay deduces."""
    lines = source("51Cr").energies  # 747, 752 to the ground state; 427, 432 to the excited level
    b0, b = 0.09895, 0.12
    intensity = np.array([(1 - b) / (1 - b0)] * 2 + [b / b0] * 2)
    assay = {"activity:gamma": b0 / b, "activity:calorimetric": 36.75 / (36.75 + 320.08 * (b - b0))}
    for tag, factor in assay.items():
        np.testing.assert_allclose(BranchingRatioShift().scale(THETA, lines, GROUND | {tag}), intensity * factor, rtol=ULPS)
    np.testing.assert_allclose(BranchingRatioShift().scale(THETA, lines, GROUND), intensity, rtol=ULPS)
    assert BranchingRatioShift().scale(THETA, lines, frozenset({"source:ar37", "activity:gamma"})) == 1


@pytest.mark.parametrize("tag", ["activity:gamma", "activity:calorimetric", "activity:none"])
@pytest.mark.parametrize("table", ["four", "nine", "two-seed-001"])
def test_branching_ratio_at_its_reference_changes_nothing(tag: str, table: str) -> None:
    b0 = provenance.datum("nuclide.cr51.gamma.branching_ratio", "dimensionless").value
    np.testing.assert_allclose(BranchingRatioShift().scale({"branching": b0}, source("51Cr", lines=table).energies, GROUND | {tag}), 1, rtol=ULPS)


@pytest.mark.parametrize("branching", [0.05, 0.0988, 0.15, 0.2])
def test_intensities_with_another_branching_ratio_sum_to_one(branching: float) -> None:
    lines = source("51Cr")
    changed = lines.intensities * BranchingRatioShift().scale({"branching": branching}, lines.energies, GROUND)
    assert changed.sum() == pytest.approx(1, abs=2e-3 * branching)  # the lines' own branching is .0988, not .09895: .0002 relative to .1
    np.testing.assert_allclose(changed[2:].sum(), branching, rtol=2e-3)


@pytest.mark.parametrize(("tag", "printed"), [("activity:gamma", 0.1220), ("activity:calorimetric", 0.1254)])
def test_branching_ratio_that_would_explain_the_anomaly(tag: str, printed: float) -> None:
    """R = .80 from b0 = .09895 with Bahcall's per-line cross sections: physics/hypotheses.md."""
    lines, sigma = source("51Cr"), np.array([60.8, 61.5, 26.7, 27.1])

    def rate(b: float) -> float:
        return float(lines.intensities * sigma @ BranchingRatioShift().scale({"branching": b}, lines.energies, GROUND | {tag}))

    b0 = 0.09895
    found = brentq(lambda b: rate(b) / rate(b0) - 0.80, b0, 0.2)
    assert found == pytest.approx(printed, abs=0.5e-4)  # half a unit of the last digit


def test_names_are_unique_and_parameters_complete() -> None:
    assert len({h.name for h in MADE}) == len(MADE)
    for hypothesis in MADE:
        assert len({p.name for p in hypothesis.parameters}) == len(hypothesis.parameters)
        for parameter in hypothesis.parameters:
            parameter.check(THETA[parameter.name])
        assert hypothesis.affine is None or hypothesis.affine in {p.name for p in hypothesis.parameters}
        assert hypothesis.references <= set(provenance.references())


def test_combining_multiplies_scales_and_keeps_the_one_that_oscillates() -> None:
    parts = (ActivityScale(), Sterile(), Ge71HalfLife())
    both = combine(*parts)
    assert both.name == "activity-scale + sterile + ge71-half-life"
    assert [p.name for p in both.parameters] == ["activity", "sin2_2theta", "dm2", "half_life"]
    np.testing.assert_array_equal(both.probabilities(THETA, L, E)[0], Sterile().probabilities(THETA, L, E)[0])
    assert both.scale(THETA, E, GROUND) == pytest.approx(0.8 * 11.43 / 13, rel=ULPS)
    assert both.scale(THETA, E, EXCITED) == pytest.approx(0.8, rel=ULPS)
    assert both.phase(THETA) == Sterile().phase(THETA)
    assert both.affine == "sin2_2theta"
    assert combine(Sterile()) == Sterile()


def test_combining_what_cannot_be_combined() -> None:
    with pytest.raises(RangeError) as changing:
        combine(Sterile(), Sterile())
    assert str(changing.value) == "sterile and sterile both change probabilities: expected at most one hypothesis that does"
    with pytest.raises(RangeError) as twice:
        combine(ActivityScale(), ActivityScale())
    assert str(twice.value) == "parameter 'activity' stands in two of activity-scale, activity-scale: combine each hypothesis once"


def test_combining_only_scales_is_affine_in_each() -> None:
    assert combine(Ge71HalfLife(), ExcitedStateStrength()).affine == "strength"
    assert combine(NoOscillation(), BranchingRatioShift()).affine is None


@EVERY
def test_numpy_and_jax_agree(hypothesis: Hypothesis) -> None:
    tags = GROUND | {"activity:calorimetric"}
    theta = {p.name: p.at(np.linspace(0, 1, 40))[:, None] for p in hypothesis.parameters}
    ours = (*hypothesis.probabilities(theta, L, E), hypothesis.scale(theta, E, tags))
    jitted = jax.jit(lambda t: (*hypothesis.probabilities(t, jnp.asarray(L), jnp.asarray(E)), hypothesis.scale(t, jnp.asarray(E), tags)))
    for mine, theirs in zip(ours, jitted(theta), strict=True):
        # a few roundings; a probability is a number of size one, so its cancellation near zero counts absolutely
        np.testing.assert_allclose(mine, theirs, rtol=1e-15, atol=1e-15)


def test_jax_differentiates_the_probability() -> None:
    """d P/d s = -sin^2, d P/d dm2 = -s sin(2 x) dx/d dm2."""

    def probability(s: float, dm2: float) -> jax.Array:
        found: jax.Array = Sterile().probabilities({"sin2_2theta": s, "dm2": dm2}, jnp.asarray(L), jnp.asarray(E))[0][1]
        return found

    s, dm2 = 0.4, 2.0 * u.eV2
    x = dm2 * L[1] / (4 * u.hbarc * E[1])
    assert float(jax.grad(probability, 0)(s, dm2)) == pytest.approx(-(math.sin(x) ** 2), rel=ULPS)
    assert float(jax.grad(probability, 1)(s, dm2)) * dm2 == pytest.approx(-s * math.sin(2 * x) * x, rel=ULPS)


def test_jax_maps_over_theta() -> None:
    dm2 = np.geomspace(0.1, 20, 7) * u.eV2
    mapped = jax.vmap(lambda x: Sterile().probabilities({"sin2_2theta": 0.5, "dm2": x}, jnp.asarray(L), jnp.asarray(E))[0])(jnp.asarray(dm2))
    broadcast = Sterile().probabilities({"sin2_2theta": 0.5, "dm2": dm2[:, None]}, L, E)[0]
    np.testing.assert_allclose(mapped, broadcast, rtol=0, atol=1e-15)


def test_averaging_over_a_shell_in_closed_form() -> None:
    """Uniform in L from a to b: <P> = 1 - s/2 [1 - (sin 2kb - sin 2ka)/(2k(b - a))]."""
    a, b = 0.4 * u.m, 0.9 * u.m
    theta = {"sin2_2theta": 0.7, "dm2": 5 * u.eV2}
    k = Sterile().phase(theta) / E[1]
    closed = 1 - 0.35 * (1 - (math.sin(2 * k * b) - math.sin(2 * k * a)) / (2 * k * (b - a)))
    edges = np.linspace(0, 1, 9)  # quad sees one oscillation at a time

    def probability(x: float) -> float:
        return float(Sterile().probabilities(theta, np.array([a + x * (b - a)]), E[1:2])[0][0])

    total = sum(quad(probability, *ends, epsabs=0, epsrel=1e-10)[0] for ends in pairwise(edges))
    assert total == pytest.approx(closed, rel=1e-9)  # quad's 1e-10 per piece
