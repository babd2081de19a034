"""Laws of every hypothesis on random input."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megacurie.experiments import cards
from megacurie.experiments.expectation import Expectation
from megacurie.experiments.experiment import Experiment
from megacurie.experiments.kernel import Block, RateKernel
from megacurie.foundation import units as u
from megacurie.physics.hypotheses import BUILT_IN, ActivityScale, BranchingRatioShift, ExcitedStateStrength, Ge71HalfLife, Hypothesis, Sterile, combine

MADE: list[Hypothesis] = [one() for one in BUILT_IN]
MADE += [combine(Sterile(), ActivityScale()), combine(BranchingRatioShift(), Sterile(), Ge71HalfLife()), combine(Ge71HalfLife(), ExcitedStateStrength())]
EVERY = pytest.mark.parametrize("hypothesis", MADE, ids=lambda h: h.name)
TAGS = [
    frozenset({source, assay, channel, state})
    for source in ("source:cr51", "source:ar37")
    for assay in ("activity:gamma", "activity:calorimetric")
    for channel, state in (("channel:ga71", "state:ground"), ("channel:ga71", "state:excited-500"), ("channel:electron", "part:vector"))
]
tags = st.sampled_from(TAGS)
positions = st.lists(st.floats(0, 1), min_size=8, max_size=8)  # of the parameters between their bounds
nodes = st.lists(st.tuples(st.floats(1e-3, 20), st.floats(0.1, 5)), min_size=1, max_size=6)  # m, MeV
ULPS = 1e-12  # phases up to 1.27 x 30 x 20/.1 rad lose four digits


def at(hypothesis: Hypothesis, where: list[float]) -> dict[str, float]:
    return {p.name: float(p.at(x)) for p, x in zip(hypothesis.parameters, where, strict=False)}


def arrays(pairs: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    lengths, energies = np.array(pairs).T
    return lengths * u.m, energies * u.MeV


@EVERY
@given(where=positions, pairs=nodes, particle=st.sampled_from(["neutrino", "antineutrino"]))
def test_probabilities_are_probabilities(hypothesis: Hypothesis, where: list[float], pairs: list[tuple[float, float]], particle: str) -> None:
    P_e, P_x = hypothesis.probabilities(at(hypothesis, where), *arrays(pairs), particle=particle)
    slack = 1e-15  # roundings of a sum of a few terms that is one
    for P in (P_e, P_x):
        assert P.shape == (len(pairs),)
        assert (np.abs(P - 0.5) <= 0.5 + slack).all()
    assert (P_e + P_x <= 1 + slack).all()


@EVERY
@given(where=positions, pairs=nodes, block=tags)
def test_scales_are_positive_numbers(hypothesis: Hypothesis, where: list[float], pairs: list[tuple[float, float]], block: frozenset[str]) -> None:
    scale = np.asarray(hypothesis.scale(at(hypothesis, where), arrays(pairs)[1], block))
    assert scale.shape in ((), (len(pairs),))
    assert ((scale >= 0) & np.isfinite(scale)).all()


@EVERY
@given(where=positions, pairs=nodes)
def test_theta_of_any_shape(hypothesis: Hypothesis, where: list[float], pairs: list[tuple[float, float]]) -> None:
    """Probabilities at an array of theta are those at each theta."""
    many = {p.name: p.at(np.array([[[x], [0.5]], [[0.1], [1 - x]]])) for p, x in zip(hypothesis.parameters, where, strict=False)}
    P = np.broadcast_to(hypothesis.probabilities(many, *arrays(pairs))[0], (2, 2, len(pairs)))
    lengths, energies = arrays(pairs)
    for i in np.ndindex(2, 2):
        theta = {name: float(values[i][0]) for name, values in many.items()}
        # Python squares a number by pow, NumPy an array by a product: a few roundings, of the phase also
        roundings = 1e-15 * (1 + hypothesis.phase(theta) * lengths / energies)
        assert (np.abs(P[i] - hypothesis.probabilities(theta, lengths, energies)[0]) <= roundings).all()


@pytest.mark.parametrize("hypothesis", [h for h in MADE if h.affine], ids=lambda h: h.name)
@given(where=positions, pairs=nodes, s=st.floats(0, 1), block=tags)
def test_affine_means_affine(hypothesis: Hypothesis, where: list[float], pairs: list[tuple[float, float]], s: float, block: frozenset[str]) -> None:
    """Expected counts at s lie on the straight line through those at 0 and 1."""
    lengths, energies = arrays(pairs)
    weight = np.stack([np.ones((1, len(pairs))), np.zeros((1, len(pairs)))])
    blocks = tuple(Block(bins=slice(0, 1), energy=energies, baseline=lengths, weight=weight, tags=one) for one in (block, TAGS[0], TAGS[1]))
    mu = Expectation(RateKernel(labels=("all",), blocks=blocks, background=np.array([0.5]), reach=np.inf), hypothesis)
    theta = at(hypothesis, where)
    assert hypothesis.affine is not None
    zero, one, between = (mu({**theta, hypothesis.affine: x}) for x in (0.0, 1.0, s))
    np.testing.assert_allclose(between, zero + s * (one - zero), rtol=ULPS)
    start, slope = mu.split({name: value for name, value in theta.items() if name != hypothesis.affine})
    np.testing.assert_allclose(between, start + s * slope, rtol=ULPS)


def oscillates(hypothesis: Hypothesis) -> bool:
    return hypothesis.phase({p.name: p.upper for p in hypothesis.parameters}) > 0


def damping(hypothesis: Hypothesis, theta: dict[str, float], energies: np.ndarray) -> Any:
    """Factor by which damping makes P steeper than the oscillation alone."""
    if hypothesis.name == "wave-packet-sterile":  # |(cos x exp(-k^2 x^2/2))'| <= sqrt(1 + k^2 max(t exp(-t^2/2))^2), k = sigma/E, max = exp(-1/2) < .61
        return np.hypot(1, 0.61 * theta["sigma_en"] / energies)
    if hypothesis.name == "decaying-sterile":  # |P'| <= 2 U^2 m + 2 U (1 - U) |m + i dm2| per clock, U <= 1/2
        return (theta["m_over_tau"] + np.hypot(theta["m_over_tau"], theta["dm2"])) / theta["dm2"]
    return 1.0


@pytest.mark.parametrize("hypothesis", [h for h in MADE if oscillates(h)], ids=lambda h: h.name)
@given(where=positions, pairs=nodes)
def test_the_phase_bounds_the_oscillation(hypothesis: Hypothesis, where: list[float], pairs: list[tuple[float, float]]) -> None:
    """|dP/d(L/E)| is at most the phase per L/E (sin^2 x has slope one at most) where nothing is damped: kernels rely on it."""
    theta = at(hypothesis, where)
    lengths, energies = arrays(pairs)
    step = 1e-3 * lengths
    change = np.abs(hypothesis.probabilities(theta, lengths + step, energies)[0] - hypothesis.probabilities(theta, lengths, energies)[0])
    steepest = hypothesis.phase(theta) * damping(hypothesis, theta, energies)
    assert (change <= steepest * step / energies * (1 + 1e-9) + 1e-15 * (1 + hypothesis.phase(theta) * lengths / energies) + ULPS).all()  # roundings of P


DAMPED = [h for h in MADE if h.name in ("wave-packet-sterile", "decaying-sterile", "broad-sterile", "decoherence")]


@pytest.fixture(scope="module")
def ball(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """A metre of gallium about its source: distances are spread evenly from nothing to 1 m, where damping begins."""
    path = tmp_path_factory.mktemp("ball") / "ball.toml"
    path.write_text('name = "x"\n[source]\nnuclide = "51Cr"\n[[zone]]\nname = "ball"\nshape = { kind = "ball", radius = "1 m" }\n')
    return cards.load(path)


@pytest.mark.parametrize("hypothesis", DAMPED, ids=lambda h: h.name)
@given(where=positions)
def test_kernels_are_exact_for_any_damping(ball: Experiment, hypothesis: Hypothesis, where: list[float]) -> None:
    """Nodes are made for oscillation up to the reach; between its bounds no damping parameter needs more of them than that."""
    mu = Expectation(ball.kernel(), hypothesis)
    theta = {p.name: float(p.at(x)) for p, x in zip(mu.parameters, where, strict=False)}
    if hypothesis.name == "broad-sterile":
        theta["dm2"] = theta["dm2"] / (1 + theta["width"])  # the reach is that of the largest mass
    edges = np.concatenate([[0.0], np.geomspace(1e-6, 1, 20_001)])
    middle, share = 0.5 * (edges[1:] + edges[:-1]) * u.m, np.diff(edges)
    strength = sum(part.cross_section[0, 0] for part in ball.channel.parts(ball.source, ball.detector)) * ball.source.intensities
    per_line = [(hypothesis.probabilities(theta, middle, np.full_like(middle, line.energy))[0] * share).sum() for line in ball.source.lines]
    assert mu(theta)[0] / mu.null[0] == pytest.approx(strength @ np.array(per_line) / strength.sum(), abs=1e-4)  # accuracy asked of the kernel


@given(pairs=nodes, s=st.floats(0, 1), dm2=st.floats(0.05, 30), factor=st.floats(0.1, 10))
def test_sterile_depends_on_l_over_e(pairs: list[tuple[float, float]], s: float, dm2: float, factor: float) -> None:
    theta = {"sin2_2theta": s, "dm2": dm2 * u.eV2}
    lengths, energies = arrays(pairs)
    one, other = (Sterile().probabilities(theta, k * lengths, k * energies)[0] for k in (1.0, factor))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-11)  # roundings of a phase of up to 1e4 rad
