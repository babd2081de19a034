"""Decoherence by quantum mechanics itself: formulas by hand in eV, nm and m, limits, the question whether it can be seen."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from megacurie.foundation import provenance
from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError, RangeError
from megacurie.physics import coherence, localisation
from megacurie.physics.coherence import Half, Particle, Spreads, Vertex, observable

HC = 197.3269804  # eV nm
EIGHT = 1e-8  # constants above and below have eight digits or more
sizes = st.floats(1e-2, 1e3)
velocities = st.floats(-1, 1)
particles = st.lists(st.tuples(sizes, velocities), min_size=1, max_size=5)
KT = 8.617333262e-5 * 293  # eV
ATOMIC = 931.49410372e6  # eV


def vertex_of(rows: list[tuple[float, float]]) -> Vertex:
    return Vertex(tuple(Particle.localised(str(i), x * u.nm, v) for i, (x, v) in enumerate(rows)))


@given(rows=particles)
def test_a_vertex_by_hand(rows: list[tuple[float, float]]) -> None:
    """sigma_p^2 = sum sigma_i^2, v and Sigma weighted by it, sigma_e^2 = sigma_p^2 (Sigma - v^2)."""
    sigma = [HC / (2 * x) for x, _ in rows]
    total = sum(s * s for s in sigma)
    v = sum(s * s * velocity for s, (_, velocity) in zip(sigma, rows, strict=True)) / total
    squares = sum(s * s * velocity**2 for s, (_, velocity) in zip(sigma, rows, strict=True)) / total
    vertex = vertex_of(rows)
    assert vertex.momentum_spread / u.eV == pytest.approx(math.sqrt(total), rel=EIGHT)
    assert vertex.velocity == pytest.approx(v, rel=EIGHT, abs=1e-15)
    assert vertex.velocity_squared == pytest.approx(squares, rel=EIGHT)
    # the difference loses digits, so absolute to 1e-15 of sigma_p^2
    assert (vertex.energy_spread / u.eV) ** 2 == pytest.approx(total * (squares - v * v), rel=1e-6, abs=1e-14 * total)


@given(rows=particles, common=velocities)
def test_particles_that_move_alike_do_not_spread_the_energy(rows: list[tuple[float, float]], common: float) -> None:
    vertex = vertex_of([(x, common) for x, _ in rows])
    assert vertex.energy_spread == 0
    assert vertex.velocity == pytest.approx(common, rel=1e-12, abs=1e-15)


@given(rows=particles)
def test_the_energy_spreads_less_than_the_momentum(rows: list[tuple[float, float]]) -> None:
    vertex = vertex_of(rows)
    assert vertex.energy_spread <= vertex.momentum_spread * (1 + 1e-12)


@pytest.mark.parametrize("experiment", coherence.experiments())
@pytest.mark.parametrize("half", ["production", "detection"])
def test_printed_spreads_are_conjugate_to_printed_sizes(experiment: str, half: Half) -> None:
    """sigma = hbar c/(2 delta_x), both printed with two digits (one for some): within the rounding of the two."""
    for particle in coherence.vertex(experiment, half).particles:
        assert particle.sigma == pytest.approx(coherence.conjugate(particle.delta_x), rel=0.03)  # .20 is .195 to .205


def test_restored_exponents_are_marked() -> None:
    for experiment in coherence.experiments():
        for datum in provenance.walk(provenance.look_up(f"coherence.{experiment}")):
            if datum.key.endswith("velocity"):
                assert ("exponent lost" in datum.note) == (datum.value < 0.1), datum.key


@pytest.mark.parametrize(("experiment", "expected"), [("gallium", 414.4), ("reactor", 500.3)])
def test_effective_spread_by_hand(experiment: str, expected: float) -> None:
    """From the printed spreads: gallium 480 twice against 370 twice and .32, reactor 410 twice and .38 against 990, 2e-5 and .3 eV."""
    spreads = {"gallium": ((480, 480), (370, 370, 0.32)), "reactor": ((410, 410, 0.38), (990, 2e-5, 0.3))}[experiment]
    by_hand = sum(1 / sum(s * s for s in half) for half in spreads) ** -0.5
    assert by_hand == pytest.approx(expected, abs=0.05)
    found = coherence.spreads(experiment)
    assert found.sigma_m / u.eV == pytest.approx(by_hand, rel=1e-12)
    assert found.delta_loc / u.nm == pytest.approx(HC / (2 * by_hand), rel=EIGHT)


@given(one=particles, other=particles)
def test_effective_spread_is_below_each(one: list[tuple[float, float]], other: list[tuple[float, float]]) -> None:
    a, b = vertex_of(one), vertex_of(other)
    found = coherence.sigma_m(a, b)
    assert found == pytest.approx(coherence.sigma_m(b, a), rel=1e-12)
    assert found < min(a.momentum_spread, b.momentum_spread)


# --- where the spreads come from


def test_velocities_by_hand() -> None:
    for nuclide, mass in (("51Cr", 50.94477), ("71Ga", 70.92470), ("1H", 1.007825)):
        assert localisation.rest_energy(nuclide) / u.eV == pytest.approx(mass * ATOMIC, rel=EIGHT)
        assert localisation.thermal_velocity(localisation.rest_energy(nuclide), 293 * u.K) == pytest.approx(math.sqrt(KT / (mass * ATOMIC)), rel=EIGHT)
    assert localisation.recoil_velocity(0.747 * u.MeV, localisation.rest_energy("51V")) == pytest.approx(0.747e6 / (50.94396 * ATOMIC), rel=EIGHT)
    captured = localisation.electron_velocity(0.747 * u.MeV - localisation.threshold())
    assert captured == pytest.approx(math.sqrt(1 - (0.510999 / (0.510999 + 0.514557)) ** 2), rel=1e-6)
    slow, fast = (localisation.electron_velocity(x * u.MeV) for x in (1e-9, 1e3))
    assert slow == pytest.approx(math.sqrt(2e-9 / 0.510999), rel=1e-6)  # sqrt(2 T/m)
    assert 1 - fast == pytest.approx(0.5 * (0.510999 / 1000.511) ** 2, rel=1e-5)


def test_distances_between_nuclei_by_hand() -> None:
    """n^(-1/3) with n = density/molar mass: 6.095 g/cm3 over 69.723, 7.19 over 51.9961."""
    for solid, n in (("gallium", 6.095 / 69.723), ("chromium", 7.19 / 51.9961), ("uranium-dioxide", 3 * 10.97 / 270.03)):
        by_hand = (n * 6.02214076e23) ** (-1 / 3) * 1e7  # nm
        assert localisation.spacing(localisation.nuclei(solid)) / u.nm == pytest.approx(by_hand, rel=1e-6)  # abundances of gallium add to one to 1e-6


def test_stopping_power_by_hand() -> None:
    """.1535 Z/A rho/beta^2 [...] MeV/cm at 514.6 keV in gallium: 8.22."""
    tau, excitation = 0.5146 / 0.510999, 334e-6 / 0.510999
    beta2 = tau * (tau + 2) / (tau + 1) ** 2
    f = 1 - beta2 + (tau * tau / 8 - (2 * tau + 1) * math.log(2)) / (tau + 1) ** 2
    by_hand = 0.1535375 * 31 / 69.723 * 6.095 / beta2 * (math.log(tau * tau * (tau + 2) / (2 * excitation**2)) + f)
    found = localisation.stopping_power(0.5146 * u.MeV, 31 * localisation.nuclei("gallium"), 334 * u.eV)
    assert found / (u.MeV / u.cm) == pytest.approx(by_hand, rel=1e-5)  # the coefficient has six digits
    path = localisation.electron_localisation(0.5146 * u.MeV, 31 * localisation.nuclei("gallium"), 334 * u.eV)
    assert path / u.nm == pytest.approx(334e-6 / by_hand * 1e7, rel=1e-5)


def test_one_excitation_energy_is_a_small_loss() -> None:
    """The path is I/S to first order; integrating dT/S over the loss changes it by less than 1e-3."""
    electrons, excitation, kinetic = 31 * localisation.nuclei("gallium"), 334 * u.eV, 0.5146 * u.MeV
    lost, _ = quad(lambda x: 1 / localisation.stopping_power(kinetic - x * excitation, electrons, excitation) * excitation, 0, 1, epsabs=0)
    assert localisation.electron_localisation(kinetic, electrons, excitation) == pytest.approx(lost, rel=1e-3)


def test_which_width_dominates() -> None:
    """Doppler .545 eV; the nuclear width and collisions are smaller, the K hole of vanadium is not: stated, not added."""
    doppler = coherence.spreads("gallium").sigma_en
    assert doppler / u.eV == pytest.approx(0.747e6 * math.sqrt(KT / (50.94477 * ATOMIC)), rel=EIGHT)
    nuclear = localisation.natural_width(27.704 * u.day)
    assert nuclear / u.eV == pytest.approx(6.582119569e-16 * math.log(2) / (27.704 * 86400), rel=EIGHT)
    velocity = localisation.thermal_velocity(localisation.rest_energy("51Cr"), localisation.room_temperature())
    collisions = localisation.collision_width(velocity, localisation.spacing(localisation.nuclei("chromium")))
    assert nuclear < collisions < 1e-2 * doppler
    hole = provenance.datum("coherence.hole.51V", "energy").value / math.sqrt(8 * math.log(2))
    assert 0.5 < hole / doppler < 1  # as a Gaussian of the same width at half maximum


# --- what they do to an oscillation


def test_exponents_by_hand() -> None:
    for dm2, energy, length in ((1.0, 1.0, 1.0), (2.5e-3, 4.0, 1800.0), (7.4e-5, 3.5, 5.3e4)):
        turns = length * u.m / coherence.oscillation_length(dm2 * u.eV2, energy * u.MeV)
        assert turns == pytest.approx(length * dm2 / (2.4796837 * energy), rel=1e-6)
        assert coherence.localisation_exponent(dm2 * u.eV2, energy * u.MeV, 500 * u.eV) == pytest.approx(0.5 * (dm2 / (4 * energy * 1e6 * 500)) ** 2, rel=1e-12)
        place = 2 * math.pi**2 * (coherence.conjugate(500 * u.eV) / coherence.oscillation_length(dm2 * u.eV2, energy * u.MeV)) ** 2
        assert coherence.localisation_exponent(dm2 * u.eV2, energy * u.MeV, 500 * u.eV) == pytest.approx(place, rel=1e-12)  # the second form of the slide
        by_hand = 0.5 * (dm2 * length / (HC * 1e-9) * 0.5 / (2 * (energy * 1e6) ** 2)) ** 2
        assert coherence.separation_exponent(turns, energy * u.MeV, 0.5 * u.eV) == pytest.approx(by_hand, rel=EIGHT)


def test_damping_is_the_exponential_of_its_exponent() -> None:
    assert coherence.xi_en(1.0, u.MeV, 0.1 * u.MeV) == pytest.approx(math.exp(-2 * math.pi**2 * 0.01), rel=1e-12)
    assert coherence.xi_loc(u.eV2, u.MeV, 5e-7 * u.eV) == pytest.approx(math.exp(-0.125), rel=1e-12)
    assert coherence.xi_en(1.0, u.MeV, 0.0 * u.eV) == 1


@given(quantum=sizes, classical=sizes, turns=st.floats(0.1, 3))
def test_widths_in_quadrature_multiply_dampings(quantum: float, classical: float, turns: float) -> None:
    both = coherence.separation_exponent(turns, u.MeV, coherence.in_quadrature(quantum, classical) * u.keV)
    parts = (coherence.separation_exponent(turns, u.MeV, width * u.keV) for width in (quantum, classical))
    assert both == pytest.approx(sum(parts), rel=1e-12)


def test_a_gaussian_average_over_energy_is_the_same_damping() -> None:
    """<cos(2 pi L/L_osc)> over a Gaussian in 1/E of relative width s/E is cos times xi_en: the classical and the quantum formula are one."""
    turns, s = 1.2, 0.02
    phase = 2 * math.pi * turns
    mean, _ = quad(lambda z: math.cos(phase * (1 + s * z)) * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi), -9, 9, epsabs=0, epsrel=1e-10)
    assert mean == pytest.approx(math.cos(phase) * coherence.xi_en(turns, u.MeV, s * u.MeV), rel=1e-8)


# --- can it be seen?

GALLIUM = {"energy": 0.747 * u.MeV, "baseline": 0.5 * u.m, "dm2": 1.25 * u.eV2}


def test_not_in_gallium_and_not_at_reactors() -> None:
    gallium = observable(coherence.spreads("gallium"), **GALLIUM, extent=0.2 * u.m)
    assert not gallium.observable
    assert gallium.reason.startswith("quantum decoherence takes 1e-12 of the interference, below the 0.001")
    juno = observable(coherence.spreads("reactor"), energy=4 * u.MeV, baseline=52.5e3 * u.m, dm2=2.5e-3 * u.eV2, resolution=0.06 * u.MeV)
    assert not juno.observable
    assert juno.classical == pytest.approx(2 * (math.pi * 52.5e3 * 2.5e-3 / (2.4796837 * 4) * 0.06 / 4) ** 2, rel=1e-6)
    assert juno.reason.endswith("the energy resolution is 1e+05 times sigma_en")
    assert str(juno).startswith("no: ")


def test_seen_when_packets_are_short_and_hidden_by_the_resolution() -> None:
    """At the reactor limit, sigma = .47 MeV, it would be seen with a perfect detector, and not behind a resolution of several MeV."""
    short = Spreads(sigma_m=500 * u.eV, sigma_en=0.47 * u.MeV)
    reactor = {"energy": 4 * u.MeV, "baseline": 1800 * u.m, "dm2": 2.5e-3 * u.eV2}
    seen, hidden = observable(short, **reactor), observable(short, **reactor, resolution=20 * u.MeV)
    assert seen.observable
    assert str(seen).startswith("yes: quantum decoherence takes")
    assert seen.lost == pytest.approx(1 - math.exp(-seen.separation), rel=1e-9)
    assert not hidden.observable
    assert hidden.reason.startswith("classical averaging leaves")


def test_more_averaging_never_helps() -> None:
    short = Spreads(sigma_m=500 * u.eV, sigma_en=0.1 * u.MeV)
    lost = [observable(short, **GALLIUM, extent=x * u.m).lost for x in (0.0, 0.1, 0.5, 2.0)]
    assert all(a > b for a, b in pairwise(lost))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(DataError, match="no particles of 'galium'. Did you mean 'gallium'?"):
        coherence.vertex("galium", "production")
    with pytest.raises(RangeError, match="expected positive energy"):
        observable(coherence.spreads("gallium"), energy=0.0, baseline=u.m, dm2=u.eV2)
    with pytest.raises(RangeError, match="expected a positive energy or length"):
        coherence.conjugate(0.0)
    with pytest.raises(RangeError, match="number density: expected a positive number"):
        localisation.spacing(-1.0)
    with pytest.raises(RangeError, match="a: velocity 1.5: expected at most the speed of light, 1"):
        Particle.localised("a", u.nm, 1.5)
    with pytest.raises(RangeError, match="a: delta_x and sigma: expected positive numbers"):
        Particle(name="a", delta_x=u.nm, sigma=0.0, velocity=0.0)
