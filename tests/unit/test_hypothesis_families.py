"""Every family of explanations against a hand formula in practical units, its limits, NumPy against JAX, and the Lindblad equation."""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq

import megacurie as mci
from megacurie.experiments.expectation import Expectation
from megacurie.experiments.kernel import Block, RateKernel
from megacurie.foundation import provenance
from megacurie.foundation import units as u
from megacurie.physics.hypotheses import (
    BroadSterile,
    CountingEfficiency,
    CptViolation,
    DecayingSterile,
    Decoherence,
    EnergyDependentMixing,
    Hypothesis,
    LargeExtraDimension,
    Sterile,
    Sterile2,
    WavePacketSterile,
    decoherence,
)

jax.config.update("jax_enable_x64", True)

ULPS = 1e-13  # phases of up to 100 rad
L = np.array([0.1, 0.4, 0.53, 1.0, 2.4]) * u.m
E = np.array([0.427, 0.747, 0.752, 0.811, 0.432]) * u.MeV
X = (L / u.m) / (E / u.MeV)  # m/MeV
K = 1.0 / (2 * 0.19732698)  # 2 Delta = K dm2 L/E with eV2, m, MeV: 2.5338
PRACTICAL = 1e-6  # the coefficient above has eight digits, times phases of up to 30 rad
FAMILIES = [
    Sterile2(), WavePacketSterile(), DecayingSterile(), BroadSterile(), LargeExtraDimension(), CptViolation(), Decoherence(), EnergyDependentMixing(),
    Decoherence(rates=decoherence.peaked),
]  # fmt: skip
EVERY = pytest.mark.parametrize("hypothesis", FAMILIES, ids=lambda h: f"{h.name}-{getattr(getattr(h, 'rates', None), '__name__', '')}")


def survival(hypothesis: Hypothesis, particle: str = "neutrino", **theta: float) -> np.ndarray:
    return hypothesis.probabilities(theta, L, E, particle=particle)[0]


# --- by hand


def test_two_sterile_states_by_hand() -> None:
    u4, u5, a, b = 0.1, 0.07, 1.3, 0.6
    sin2 = [np.sin(0.5 * K * d * X) ** 2 for d in (a, b, b - a)]
    formula = 1 - 4 * ((1 - u4 - u5) * (u4 * sin2[0] + u5 * sin2[1]) + u4 * u5 * sin2[2])
    np.testing.assert_allclose(survival(Sterile2(), ue4_squared=u4, dm2_41=a * u.eV2, ue5_squared=u5, dm2_51=b * u.eV2), formula, atol=PRACTICAL)


def test_wave_packets_by_hand() -> None:
    """D = exp[-(L/L_coh)^2], L_coh = 4 sqrt(2) E^2 sigma_x/dm2, sigma_x = hbar c/(2 sigma_en)."""
    dm2, sigma = 1.3, 0.3
    length = 4 * math.sqrt(2) * (E / u.MeV) ** 2 * 1e12 * (1.9732698e-7 / (2 * sigma * 1e6)) / dm2  # m
    formula = 1 - 0.2 * (1 - np.cos(K * dm2 * X) * np.exp(-((L / u.m / length) ** 2)))
    np.testing.assert_allclose(survival(WavePacketSterile(), sin2_2theta=0.4, dm2=dm2 * u.eV2, sigma_en=sigma * u.MeV), formula, atol=PRACTICAL)


def test_decay_by_hand() -> None:
    """Gamma = (m/tau)/E L: the amplitude of the fourth state has exp(-Gamma/2)."""
    u4, dm2, rate = 0.2, 1.3, 0.8
    gamma = 2 * K * rate * X
    formula = np.abs((1 - u4) + u4 * np.exp(-gamma / 2 + 1j * K * dm2 * X)) ** 2
    np.testing.assert_allclose(survival(DecayingSterile(), ue4_squared=u4, dm2=dm2 * u.eV2, m_over_tau=rate * u.eV2), formula, atol=PRACTICAL)


def test_broad_state_by_quadrature() -> None:
    """The mean of exp(-i m^2 L/2E) over a flat distribution of m^2."""
    u4, dm2, width = 0.2, 1.3, 0.4
    found = survival(BroadSterile(), ue4_squared=u4, dm2=dm2 * u.eV2, width=width)
    for i, x in enumerate(X):
        parts = [quad(lambda m2, f=f, x=x: f(K * m2 * x), dm2 * (1 - width), dm2 * (1 + width), epsabs=0)[0] / (2 * dm2 * width) for f in (math.cos, math.sin)]
        assert found[i] == pytest.approx(abs((1 - u4) + u4 * complex(*parts)) ** 2, abs=PRACTICAL)


def test_cpt_violation_by_hand() -> None:
    theta = {"sin2_2theta": 0.3, "dm2": 1.3 * u.eV2, "sin2_2theta_bar": 0.1, "dm2_bar": 0.7 * u.eV2}
    np.testing.assert_allclose(survival(CptViolation(), **theta), 1 - 0.3 * np.sin(0.5 * K * 1.3 * X) ** 2, atol=PRACTICAL)
    np.testing.assert_allclose(survival(CptViolation(), "antineutrino", **theta), 1 - 0.1 * np.sin(0.5 * K * 0.7 * X) ** 2, atol=PRACTICAL)


def test_running_mixing_by_hand() -> None:
    s = np.minimum(0.3 * (E / u.MeV / 0.75) ** -3.0, 1.0)
    found = survival(EnergyDependentMixing(), sin2_2theta=0.3, dm2=1.3 * u.eV2, power=-3.0)
    np.testing.assert_allclose(found, 1 - s * np.sin(0.5 * K * 1.3 * X) ** 2, atol=PRACTICAL)
    assert survival(EnergyDependentMixing(), sin2_2theta=1.0, dm2=1.3 * u.eV2, power=-4.0).min() >= 0  # the mixing stops at one


def test_decoherence_by_hand() -> None:
    """1 - sin^2(2 th13)/2 - cos^4 th13 sin^2(2 th12) (1 - exp(-gamma12 L))/2 with s12^2 = .303, s13^2 = .0222; solar oscillation is below 1e-6 at metres."""
    s12, s13 = 0.303, 0.0222
    gamma = (0.75 / (E / u.MeV)) ** 12 / 1.84
    formula = 1 - 2 * s13 * (1 - s13) - 2 * (1 - s13) ** 2 * s12 * (1 - s12) * (1 - np.exp(-gamma * (L / u.m)))
    np.testing.assert_allclose(survival(Decoherence(), lambda12=1.84 * u.m, r=12.0), formula, atol=1e-6)


def test_counting_efficiency_scales_captures_on_gallium_only() -> None:
    ga, electron = frozenset({"channel:ga71", "state:ground"}), frozenset({"channel:electron"})
    assert [CountingEfficiency().scale({"counting": 0.8}, E, tags) for tags in (ga, electron)] == [0.8, 1.0]


# --- limits


def test_limits_are_the_3_plus_1_formula() -> None:
    dm2, u4 = 1.3 * u.eV2, 0.1
    s = 4 * u4 * (1 - u4)
    sterile = survival(Sterile(), sin2_2theta=s, dm2=dm2)
    for limit in (
        survival(Sterile2(), ue4_squared=u4, dm2_41=dm2, ue5_squared=0.0, dm2_51=3 * dm2),
        survival(WavePacketSterile(), sin2_2theta=s, dm2=dm2, sigma_en=1e-9 * u.MeV),
        survival(DecayingSterile(), ue4_squared=u4, dm2=dm2, m_over_tau=0.0),
        survival(BroadSterile(), ue4_squared=u4, dm2=dm2, width=0.0),
        survival(CptViolation(), sin2_2theta=s, dm2=dm2, sin2_2theta_bar=s, dm2_bar=dm2),
        survival(CptViolation(), "antineutrino", sin2_2theta=s, dm2=dm2, sin2_2theta_bar=s, dm2_bar=dm2),
        survival(EnergyDependentMixing(), sin2_2theta=s, dm2=dm2, power=0.0),
    ):
        np.testing.assert_allclose(limit, sterile, rtol=0, atol=ULPS)


def test_limits_of_strong_damping() -> None:
    u4, dm2 = 0.1, 30 * u.eV2
    np.testing.assert_allclose(survival(WavePacketSterile(), sin2_2theta=0.4, dm2=dm2, sigma_en=10 * u.MeV), 1 - 0.4 / 2, atol=ULPS)  # exp(-2e3)
    np.testing.assert_allclose(survival(DecayingSterile(), ue4_squared=u4, dm2=dm2, m_over_tau=1e3 * u.eV2), (1 - u4) ** 2, atol=ULPS)  # exp(-5e2)
    broad = survival(BroadSterile(), ue4_squared=u4, dm2=1e6 * u.eV2, width=1.0)
    np.testing.assert_allclose(broad, (1 - u4) ** 2, atol=2 * u4 / (K * 1e6 * X.min()) * 1.2)  # |sin x/x| <= 1/x, and its square


def test_limits_of_decoherence() -> None:
    """No damping at metre scale: 1, but for the solar and atmospheric oscillations, 1e-4 at 2.4 m and .4 MeV."""
    slow = Decoherence(rates=lambda theta, energy: (0.0 * energy, 0.0 * energy, 0.0 * energy), parameters=())
    np.testing.assert_allclose(survival(slow), 1, atol=2e-4)
    a, b, c = decoherence.electron_row()
    everything = Decoherence(rates=lambda theta, energy: (np.inf * energy,) * 3, parameters=())
    np.testing.assert_allclose(survival(everything), a * a + b * b + c * c, rtol=ULPS)
    for hypothesis in (slow, everything):
        np.testing.assert_allclose(sum(hypothesis.probabilities({}, L, E)), 1, rtol=ULPS)  # what is lost stays active


def test_antineutrinos_may_decohere_apart() -> None:
    def none(theta: object, energy: np.ndarray) -> tuple[np.ndarray, ...]:
        return (0.0 * energy,) * 3

    apart = Decoherence(antineutrino_rates=none)
    np.testing.assert_allclose(survival(apart, "antineutrino", lambda12=0.1 * u.m, r=12.0), 1, atol=2e-4)
    np.testing.assert_array_equal(survival(apart, lambda12=0.1 * u.m, r=12.0), survival(Decoherence(), lambda12=0.1 * u.m, r=12.0))


# --- the Lindblad equation


@pytest.mark.parametrize(("rates", "length", "energy"), [("power_law", 1.84, 0.747), ("peaked", 0.4, 0.9)])
def test_decoherence_solves_the_lindblad_equation(rates: str, length: float, energy: float) -> None:
    """d rho/dt = i [rho, H] - {rho, D^2} + 2 D rho D, H = diag(m^2)/(2 E), D = diag(d): <e|rho|e> is the closed form. One metre is one unit."""
    hypothesis = Decoherence(rates=getattr(decoherence, rates))
    theta = {"lambda12": length * u.m, "r": 12.0}
    lengths, energies = np.linspace(0.05, 3, 8) * u.m, np.full(8, energy * u.MeV)
    gammas = [float(g[0]) * u.m for g in hypothesis.rates(theta, energies)]
    # d from gamma_ij = (d_i - d_j)^2: d_1 = 0; rates at once (infinite) are taken as 1e3 per metre
    d2, d3 = math.sqrt(gammas[0]), min(math.sqrt(gammas[1]), math.sqrt(1e3))
    finite = Decoherence(rates=lambda theta, x: (0 * x + d2**2 / u.m, 0 * x + d3**2 / u.m, 0 * x + (d2 - d3) ** 2 / u.m))
    D = np.diag([0.0, d2, d3])
    splits = [provenance.datum(f"constant.{key}", "mass-squared").value / u.eV2 for key in ("dm2_21", "dm2_31")]
    H = np.diag([0.0, *splits]) * K / energy
    state = np.sqrt(decoherence.electron_row())

    def rhs(t: float, flat: np.ndarray) -> np.ndarray:
        rho = flat.reshape(3, 3)
        return (1j * (rho @ H - H @ rho) - (rho @ D @ D + D @ D @ rho) + 2 * D @ rho @ D).ravel()

    solved = solve_ivp(rhs, (0, 3), np.outer(state, state).astype(complex).ravel(), method="DOP853", t_eval=lengths / u.m, rtol=1e-10, atol=1e-12)
    expected = [float((state @ rho.reshape(3, 3) @ state).real) for rho in solved.y.T]
    np.testing.assert_allclose(finite.probabilities(theta, lengths, energies)[0], expected, atol=1e-8)  # the solver's 1e-10 per step
    if all(map(math.isfinite, gammas)):
        np.testing.assert_allclose(hypothesis.probabilities(theta, lengths, energies)[0], expected, atol=1e-8)


# --- one large extra dimension


def test_roots_and_weights_by_bisection() -> None:
    """lambda = pi xi^2 cot(pi lambda) by brentq, P written out with complex numbers, in eV and um."""
    a, m0 = 0.3, 0.2
    towers = LargeExtraDimension().towers({"a": a * u.um, "m0": m0 * u.eV})
    inverse = 0.1973269804  # hbar c in eV um

    def root(n: int, xi2: float) -> float:
        return float(brentq(lambda x: x * math.sin(math.pi * x) - math.pi * xi2 * math.cos(math.pi * x), n, n + 0.5, xtol=1e-15))

    first = root(0, (m0 * a / inverse) ** 2)
    amplitude = np.zeros(len(L), dtype=complex)
    splits = [0.0, *(provenance.datum(f"constant.{key}", "mass-squared").value / u.eV2 for key in ("dm2_21", "dm2_31"))]
    for (squares, weights), split, mixing in zip(towers, splits, decoherence.electron_row(), strict=True):
        lightest = math.sqrt(first**2 + split * (a / inverse) ** 2)
        xi2 = lightest * math.tan(math.pi * lightest) / math.pi
        by_hand = np.array([root(n, xi2) for n in range(len(squares))])
        np.testing.assert_allclose(np.sqrt(squares), by_hand, rtol=1e-9)  # hbar c above has ten digits
        assert math.sqrt(squares[0]) == pytest.approx(lightest, rel=1e-9)
        w = 2 / (1 + (math.pi**2) * xi2 + by_hand**2 / xi2)
        np.testing.assert_allclose(weights, w, rtol=1e-9)
        amplitude += mixing * (w * np.exp(1j * K * X[:, None] * (by_hand * inverse / a) ** 2)).sum(-1)
    np.testing.assert_allclose(survival(LargeExtraDimension(), a=a * u.um, m0=m0 * u.eV), np.abs(amplitude) ** 2, atol=PRACTICAL)


@pytest.mark.parametrize("a", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("m0", [1e-3, 0.05, 0.5])
def test_weights_sum_to_one(a: float, m0: float) -> None:
    """sum W^2 = 1; what N modes leave out is below 2 xi^2/N, so twice as many leave half, and no lightest state reaches 1/2 inside the bounds."""
    theta = {"a": a * u.um, "m0": m0 * u.eV}
    some, many = (LargeExtraDimension(modes=n).towers(theta) for n in (1000, 2000))
    for (squares, few), (_, more) in zip(some, many, strict=True):
        missing = 1 - float(few.sum()), 1 - float(more.sum())
        assert 0 < missing[1] < missing[0] < 0.1
        assert missing[1] == pytest.approx(missing[0] / 2, rel=0.01, abs=1e-12)  # the tail of 1/n^2 but for 1/N of it; roundings of the sum
        assert math.sqrt(squares[0]) < 0.5
        assert (np.diff(np.sqrt(squares)) > 0).all()


def test_a_small_dimension_changes_nothing() -> None:
    """a -> 0 at fixed m0: xi -> 0, and the light states alone do nothing at metres (2e-4 as above)."""
    lost = [1 - survival(LargeExtraDimension(modes=8), a=a * u.um, m0=0.05 * u.eV) for a in (1e-2, 1e-3, 1e-4)]
    np.testing.assert_allclose(lost[2], 0, atol=2e-4)
    assert all(x.max() < 2e-3 for x in lost)


@EVERY
@given(where=st.lists(st.floats(0, 1), min_size=4, max_size=4), pairs=st.lists(st.tuples(st.floats(1e-3, 1e4), st.floats(0.1, 50)), min_size=1, max_size=5))
def test_probabilities_at_any_distance(hypothesis: Hypothesis, where: list[float], pairs: list[tuple[float, float]]) -> None:
    theta = {p.name: float(p.at(x)) for p, x in zip(hypothesis.parameters, where, strict=False)}
    lengths, energies = np.array(pairs).T
    for particle in ("neutrino", "antineutrino"):
        P_e, P_x = hypothesis.probabilities(theta, lengths * u.m, energies * u.MeV, particle=particle)
        for probability in (P_e, P_x, P_e + P_x):
            assert (np.abs(probability - 0.5) <= 0.5 + 4e-15).all()  # roundings of a sum of a dozen terms that is one


@EVERY
def test_numpy_and_jax_agree(hypothesis: Hypothesis) -> None:
    theta = {p.name: p.at(np.linspace(0, 1, 20))[:, None] for p in hypothesis.parameters}
    jitted = jax.jit(lambda t: hypothesis.probabilities(t, jnp.asarray(L), jnp.asarray(E)))
    for mine, theirs in zip(hypothesis.probabilities(theta, L, E), jitted(theta), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-15, atol=1e-15)


def test_jax_differentiates_through_the_roots() -> None:
    """The Newton steps are differentiated with them: against a central difference."""

    def lost(a: float) -> jax.Array:
        found: jax.Array = LargeExtraDimension().probabilities({"a": a * u.um, "m0": 0.1 * u.eV}, jnp.asarray(L), jnp.asarray(E))[0].sum()
        return found

    step = 1e-6
    # third derivatives of phases of up to 30 rad times 1e-12, and rounding of 1e-15 over 1e-6
    assert float(jax.grad(lost)(0.3)) == pytest.approx(float(lost(0.3 + step) - lost(0.3 - step)) / (2 * step), rel=1e-6)


# --- the reach of a kernel


def limited(dm2: float) -> RateKernel:
    block = Block(bins=slice(0, 1), energy=E, baseline=L, weight=np.stack([np.ones((1, 5)), np.zeros((1, 5))]))
    return RateKernel(labels=("all",), blocks=(block,), background=np.zeros(1), reach=dm2 * u.eV2 / (4 * u.hbarc))


def test_a_phase_that_falls_moves_the_lower_bound() -> None:
    hypothesis = LargeExtraDimension()
    expectation = Expectation(limited(30.0), hypothesis)
    a, m0 = expectation.parameters
    assert expectation.limited == ("a",)
    assert (a.high, m0) == (hypothesis.parameters[0].high, hypothesis.parameters[1])
    heaviest = math.sqrt(hypothesis.towers({"a": a.lower, "m0": m0.upper})[2][0][-1]) * 0.1973269804 / a.low
    assert heaviest**2 == pytest.approx(30, rel=1e-9)  # at the worst m0 the heaviest state kept has 30 eV2; bisection to 2^-60 of the range
    wide = Expectation(limited(1e6), hypothesis)
    assert (wide.parameters, wide.limited) == (hypothesis.parameters, ())


def test_the_note_names_both_ends() -> None:
    note = "a searched from 0.[0-9]+ um to 0.5 um only: the reach of the kernel"
    likelihood = mci.gallium.datasets(only=["best"], dm2_max="30 eV2", accuracy=1e-3).likelihood(LargeExtraDimension())
    with pytest.raises(mci.RangeError, match="beyond the reach of the kernel, 30 eV2"):
        mci.fit(likelihood, fixed={"a": 0.02 * u.um, "m0": 0.1 * u.eV})
    found = mci.fit(likelihood, fixed={"m0": 0.1 * u.eV})
    assert re.fullmatch(note, found.notes[0])
