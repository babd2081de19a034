"""Scattering on electrons at tree level: check values of the note, integrals of the formula as printed; and the parts of every channel."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from megacurie.foundation import provenance
from megacurie.foundation import units as u
from megacurie.physics.channels.base import Channel
from megacurie.physics.channels.coherent_scattering import CoherentScattering
from megacurie.physics.channels.electron_scattering import ElectronScattering
from megacurie.physics.channels.nuclear_capture import NuclearCapture
from megacurie.physics.detectors import Detector
from megacurie.physics.sources import source

CR, AR = source("51Cr"), source("37Ar")
ULPS = 1e-13  # sums of a dozen products
QUAD = 1e-9  # relative accuracy asked of the integrals below
HBARC_CM = 197.3269804e-13  # MeV cm, exact in the SI: ten digits
FERMI, MASS, MIXING = 1.1663788e-11, 0.51099895069, 0.2312  # 1/MeV2, MeV: typed from the tables
EVERY: tuple[Channel, ...] = (NuclearCapture(model="bahcall-1997"), ElectronScattering(corrections="tree"), CoherentScattering(isotopes=("7Li", "19F")))


def above(threshold: float) -> Detector:
    """Counts what lies above a threshold."""
    return Detector(recoil=(threshold, math.inf))


CHANNELS = pytest.mark.parametrize("channel", EVERY, ids=lambda channel: channel.tag)


# --- electrons, MeV and cm2


def on_electrons(energy: float, edges: list[float]) -> np.ndarray:
    """(2, n_bins) in cm2."""
    return ElectronScattering(corrections="tree").cross_section(np.array([energy]) * u.MeV, np.array(edges) * u.MeV)[:, :, 0] / u.cm2


def endpoint(energy: float) -> float:
    return 2 * energy**2 / (2 * energy + MASS)


def differential(recoil: float, energy: float, flavour: int) -> float:
    """2 G^2 m/pi [gL^2 + gR^2 (1 - T/E)^2 - gL gR m T/E^2], cm2/MeV."""
    left, right = MIXING + (0.5, -0.5)[flavour], MIXING
    bracket = left**2 + right**2 * (1 - recoil / energy) ** 2 - left * right * MASS * recoil / energy**2
    return 2 * (FERMI * HBARC_CM) ** 2 * MASS / math.pi * bracket


@pytest.mark.parametrize(
    ("energy", "threshold", "stated"),
    [(0.750, 0.0, 4.966637e-45), (0.750, 0.2, 3.037399e-45), (0.430, 0.0, 2.317475e-45)],
)
def test_electrons_as_in_the_note(energy: float, threshold: float, stated: float) -> None:
    # half a unit of the seventh digit; the note does not print its G_F: that of earlier tables, 1.1663787e-5, is 1.7e-7 lower in the square
    assert on_electrons(energy, [threshold, math.inf])[0, 0] == pytest.approx(stated, abs=0.5e-51 + 1.7e-7 * stated)


@pytest.mark.parametrize(("energy", "stated"), [(0.750, 0.559423), (0.430, 0.269730)])
def test_recoils_end_where_the_note_says(energy: float, stated: float) -> None:
    assert endpoint(energy) == pytest.approx(stated, abs=0.5e-6)  # printed digits
    below, above = on_electrons(energy, [0.0, stated - 1e-6, stated + 1e-6, math.inf])[0, [0, 2]]
    assert above == 0
    assert below == pytest.approx(on_electrons(energy, [0.0, math.inf])[0, 0], rel=1e-5)  # a millionth of an MeV of .56


@pytest.mark.parametrize("flavour", [0, 1], ids=["e", "x"])
@pytest.mark.parametrize("energy", [line.energy / u.MeV for line in (*CR.lines, *AR.lines)] + [0.05, 1.3427, 5.0])
def test_electrons_are_the_integral_of_the_differential_formula(energy: float, flavour: int) -> None:
    end = endpoint(energy)
    edges = [0.0, 0.1 * end, 0.55 * end, 0.8 * end, end]
    found = on_electrons(energy, edges)[flavour]
    for bin_, (low, high) in enumerate(pairwise(edges)):
        integral = quad(differential, low, high, args=(energy, flavour), epsabs=0, epsrel=QUAD)[0]
        assert found[bin_] == pytest.approx(integral, rel=2 * QUAD)


def test_bins_of_electron_recoils_sum_to_the_whole() -> None:
    edges = np.array([0.0, 0.03, 0.2, 0.27, 0.31, 0.6, 0.9]) * u.MeV  # beyond the end of every line
    bins = ElectronScattering(corrections="tree").cross_section(CR.energies, edges)
    whole = ElectronScattering(corrections="tree").cross_section(CR.energies, np.array([0.0, math.inf]))
    assert bins.shape == (2, 6, 4)
    assert (bins >= 0).all()
    np.testing.assert_allclose(bins.sum(axis=1), whole[:, 0], rtol=ULPS)
    assert (bins[:, -1] == 0).all()


def test_muon_neutrinos_scatter_on_electrons_less() -> None:
    """nu_x lacks the charged current, g_L = s - 1/2; in the limit of a light electron the ratio is (gLx^2 + s^2/3)/(gLe^2 + s^2/3)."""
    x, e = (on_electrons(1e6, [0.0, math.inf])[flavour, 0] for flavour in (1, 0))
    light = ((MIXING - 0.5) ** 2 + MIXING**2 / 3) / ((MIXING + 0.5) ** 2 + MIXING**2 / 3)
    assert x / e == pytest.approx(light, rel=1e-5)  # m_e/E = 5e-7, times coefficients of order ten


def test_threshold_above_the_end_leaves_nothing() -> None:
    (part,) = ElectronScattering().parts(CR, above(1 * u.MeV))
    assert (part.cross_section == 0).all()
    (part,) = ElectronScattering().parts(CR, above(0.3 * u.MeV))  # between the ends of the two pairs of lines, .27 and .56 MeV
    assert list((part.cross_section > 0).all(axis=(0, 1))) == [line.energy > 0.5 * u.MeV for line in CR.lines]


# --- parts of all channels


@CHANNELS
@pytest.mark.parametrize("isotope", [CR, AR], ids=["51Cr", "37Ar"])
def test_parts_are_cross_sections_by_flavour_and_line(channel: Channel, isotope) -> None:  # type: ignore[no-untyped-def]
    parts = channel.parts(isotope, above(20 * u.eV))
    assert len({(part.target, part.tag) for part in parts}) == len(parts) > 0
    for part in parts:
        assert part.cross_section.shape == (2, 1, len(isotope.lines))
        assert (part.cross_section >= 0).all()
    assert sum(part.cross_section[0].sum() for part in parts) > 0


def test_tags_targets_and_flavours_of_parts() -> None:
    capture, electrons, cevns = (channel.parts(CR, above(threshold * u.eV)) for channel, threshold in zip(EVERY, (0, 200e3, 20), strict=True))
    assert [channel.tag for channel in EVERY] == ["channel:ga71", "channel:electron", "channel:cevns"]
    assert {part.target for part in capture} == {"71Ga"}
    assert all((part.cross_section[1] == 0).all() for part in capture)  # only nu_e is captured
    assert [(part.tag, part.target) for part in electrons] == [("recoil:all", "electron")]
    assert [(part.tag, *part.also, part.target) for part in cevns] == [
        (f"coupling:{what}", f"isotope:{isotope.lower()}", isotope) for isotope in ("7Li", "19F") for what in ("vector", "axial")
    ]
    assert all((part.cross_section[0] == part.cross_section[1]).all() for part in cevns if part.tag == "coupling:axial")  # all flavours alike
    whole = ElectronScattering(corrections="tree").cross_section(CR.energies, np.array([0.2, math.inf]) * u.MeV)
    np.testing.assert_allclose(electrons[0].cross_section, whole, rtol=ULPS)


@CHANNELS
def test_references_and_description(channel: Channel) -> None:
    assert channel.references(CR) <= set(provenance.references())
    assert channel.references(CR)
    assert "\n" not in channel.describe(CR)
    up, down = channel.relative_errors(CR)
    assert (up > 0) == (down > 0) == (channel.tag == "channel:ga71")  # the others are given without an error
