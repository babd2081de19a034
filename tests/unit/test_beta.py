"""Beta spectra, the neutrinos that come with them, inverse beta decay, and spectra of backgrounds."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

import megacurie as mci
from megacurie import units as u
from megacurie.foundation.errors import DataError, RangeError
from megacurie.physics import beta, spectra
from megacurie.physics.channels.electron_scattering import ElectronScattering
from megacurie.physics.channels.inverse_beta import InverseBeta
from megacurie.physics.detectors import Detector, Resolution
from megacurie.physics.sources import source

M = 0.51099895  # MeV


def test_without_charge_it_is_phase_space() -> None:
    """F L_0 = 1 for Z = 0: p E (Q - T)^2."""
    t = np.array([0.1, 0.5, 0.9])
    found = beta.spectrum(t * u.MeV, u.MeV, 0, 1)
    by_hand = np.sqrt(t * (t + 2 * M)) * (t + M) * (1 - t) ** 2
    assert found / found[0] == pytest.approx(by_hand / by_hand[0], rel=1e-8)  # nine digits of the mass


def test_the_charge_pulls_electrons_down_and_positrons_up() -> None:
    t = np.linspace(0.01, 0.99, 99) * u.MeV
    means = []
    for charge in (-29, 0, 29):
        weight = beta.spectrum(t, u.MeV, charge, 65)
        means.append(float(t @ weight / weight.sum()))
    assert means[0] > means[1] > means[2]


def test_non_relativistic_limit_of_the_fermi_function() -> None:
    """2 pi y / (1 - exp(-2 pi y)), y = alpha Z / v, for a light nucleus and a slow electron."""
    t = 1e-3 * M
    v = math.sqrt(2 * t / M)
    y = 2 * math.pi * 7.2973525643e-3 * 1 / v
    assert beta.fermi(np.array([t]) * u.MeV, 1, 1)[0] == pytest.approx(y / (1 - math.exp(-y)), rel=3e-3)  # (alpha Z)^2 ln, and v^2


@pytest.mark.parametrize(("shape", "form"), [("unique-1", lambda p2, q2: p2 + q2), ("unique-3", lambda p2, q2: p2**3 + q2**3 + 7 * p2 * q2 * (p2 + q2))])
def test_unique_forbidden_shapes(shape, form) -> None:
    t = np.array([0.1, 0.4, 0.8])
    ratio = beta.spectrum(t * u.MeV, u.MeV, 20, 40, shape) / beta.spectrum(t * u.MeV, u.MeV, 20, 40)
    by_hand = form(t * (t + 2 * M), (1 - t) ** 2)
    assert ratio / ratio[0] == pytest.approx(by_hand / by_hand[0], rel=1e-7)


@pytest.mark.parametrize("threshold", [0.0, 1.8043])
def test_neutrino_lines_average_what_is_smooth(threshold: float) -> None:
    energy, share = beta.neutrino_lines(2.99744 * u.MeV, 60, 144, threshold=threshold * u.MeV)
    assert share.sum() == pytest.approx(1, rel=1e-12)
    grid = np.linspace(0, 2.99744, 200_001)[1:-1] * u.MeV
    fine = beta.spectrum(2.99744 * u.MeV - grid, 2.99744 * u.MeV, 60, 144)
    for power in (1, 2, 4):
        assert energy**power @ share == pytest.approx(grid**power @ fine / fine.sum(), rel=1e-5)  # the step of the grid


def test_cross_section_of_144pr() -> None:
    """4.73e-44 cm2 of the note: leading order in 1/M, finite size of the nucleus; nodes against a fine grid."""
    branch = beta.neutrino_lines(2.99744 * u.MeV, 60, 144, threshold=1.8043 * u.MeV)
    found = float(branch[1] @ InverseBeta().cross_section(branch[0]))
    grid = np.linspace(0, 2.99744, 400_001)[1:-1] * u.MeV
    fine = beta.spectrum(2.99744 * u.MeV - grid, 2.99744 * u.MeV, 60, 144)
    assert found == pytest.approx(fine @ InverseBeta().cross_section(grid) / fine.sum(), rel=1e-4)
    assert found / u.cm2 == pytest.approx(4.73e-44, abs=0.005e-44)  # printed digits


def test_inverse_beta_by_hand() -> None:
    """9.63e-44 cm2 p E / MeV2 for a lifetime of 878.4 s: 2 pi^2 (hbar c)^3 / (c tau f m^5)."""
    e = 3.0 - 1.29333
    by_hand = 2 * math.pi**2 * (197.327e-13) ** 3 / (2.99792e10 * 878.4 * 1.7152 * M**5) * math.sqrt(e * e - M * M) * e
    assert InverseBeta().cross_section(np.array([3.0]) * u.MeV)[0] / u.cm2 == pytest.approx(by_hand, rel=1e-4)
    assert InverseBeta().cross_section(np.array([1.80]) * u.MeV)[0] == 0
    assert InverseBeta().visible(np.array([3.0]) * u.MeV)[0] / u.MeV == pytest.approx(3 - 1.29333 + M, rel=1e-5)


def test_neutrinos_do_nothing_to_protons() -> None:
    (part,) = InverseBeta().parts(source("51Cr"), Detector())
    assert (part.cross_section == 0).all()
    assert part.target == "1H"


def test_antineutrinos_in_bins_are_all_of_them() -> None:
    cerium = source("144Ce")
    assert cerium.particle == "antineutrino"
    edges = tuple(float(x) * u.MeV for x in np.linspace(0.5, 3, 26))
    for detector in (Detector(recoil=edges), Detector(recoil=edges, resolution=Resolution(stochastic=0.05 * u.MeV**0.5))):
        (part,) = InverseBeta().parts(cerium, detector)
        assert (part.cross_section[1] == 0).all()
        assert part.cross_section[0].sum(0) == pytest.approx(InverseBeta().cross_section(cerium.energies), rel=1e-9)


@pytest.mark.parametrize(("nuclide", "decays"), [("65Zn", 1), ("58Co", 1), ("144Ce", 2)])
def test_neutrinos_per_decay(nuclide: str, decays: int) -> None:
    """As many neutrinos as decays, 144Ce and 144Pr counting two: the recalled intensities sum to that within a per mille."""
    assert source(nuclide).intensities.sum() == pytest.approx(decays, abs=1e-3)


def test_beta_plus_of_cobalt_above_200_kev() -> None:
    """24 nodes of the spectrum against 200 000: what scatters above the threshold is right to 1e-4 of all that 58Co gives."""
    channel, above = ElectronScattering(corrections="tree"), np.array([0.2, np.inf]) * u.MeV
    energy, share = beta.neutrino_lines(475 * u.keV, -26, 58)
    grid = np.linspace(0, 475, 20_001)[1:-1] * u.keV
    fine = beta.spectrum(475 * u.keV - grid, 475 * u.keV, -26, 58)
    exact = channel.cross_section(grid, above)[0, 0] @ fine / fine.sum()
    whole = source("58Co")
    of_all = channel.cross_section(whole.energies, above)[0, 0] @ whole.intensities
    assert channel.cross_section(energy, above)[0, 0] @ share == pytest.approx(exact, abs=1e-4 * of_all / 0.149)


def test_half_life_by_name() -> None:
    assert source("51Cr", half_life="ciuffoli-2025").half_life / u.day == pytest.approx(27.7, rel=1e-12)
    with pytest.raises(DataError, match="has no 'ciufoli'. Did you mean 'ciuffoli-2025'"):
        source("51Cr", half_life="ciufoli")


# --- spectra


def carbon() -> spectra.Spectrum:
    return spectra.electrons(156.476 * u.keV, 7, 14)


@pytest.mark.parametrize(("percent", "stated", "digits"), [(3, 0.11, 0.005), (6.5, 1.3e3, 50), (10, 1.9e4, 600)])
def test_leak_of_14c_through_the_resolution(percent: float, stated: float, digits: float) -> None:
    """Events above 200 keV per day of 2e7 decays. The last is 1.85e4 here, 1.9e4 in the note: 2.7 % in a tail of five in ten thousand."""
    detector = Detector(recoil=(200 * u.keV, math.inf), resolution=Resolution(stochastic=percent / 100 * u.MeV**0.5))
    assert 2e7 * detector.spectrum(carbon())[0] == pytest.approx(stated, abs=digits)


def test_pile_up_of_14c() -> None:
    """2.1 % of pairs lie above 200 keV (note); the folded spectrum has twice the mean energy."""
    one = carbon()
    both = one.with_pile_up(1.0)
    assert both.fraction.sum() == pytest.approx(2, rel=1e-12)
    pairs = both.fraction.copy()
    pairs[: len(one.fraction)] -= one.fraction
    middle = 0.5 * (both.edges[1:] + both.edges[:-1])
    mean = float(middle[: len(one.fraction)] @ one.fraction)
    assert middle @ pairs == pytest.approx(2 * mean, rel=1e-9)
    assert pairs[middle > 200 * u.keV].sum() == pytest.approx(0.021, abs=0.0005)
    with pytest.raises(RangeError, match="in equal bins from zero"):
        spectra.positrons(960 * u.keV, 5, 11).with_pile_up(0.1)


def test_spectra_below_an_energy() -> None:
    flat = spectra.flat(100 * u.keV, 300 * u.keV)
    assert flat.below(np.array([50, 100, 200, 300, 400]) * u.keV) == pytest.approx([0, 0, 0.5, 1, 1])
    both = spectra.together((0.9, flat), (0.1, spectra.line(1 * u.MeV)))
    assert both.below(np.array([300, 1100]) * u.keV) == pytest.approx([0.9, 1])
    positrons = spectra.positrons(960.4 * u.keV, 5, 11)
    assert positrons.below(np.array([1.0219]) * u.MeV)[0] == 0  # two gammas of the annihilation at least
    exact = quad(lambda t: float(beta.spectrum(np.array([t]) * u.keV, 960.4 * u.keV, -5, 11)[0]), 0, 400)[0]
    whole = quad(lambda t: float(beta.spectrum(np.array([t]) * u.keV, 960.4 * u.keV, -5, 11)[0]), 0, 960.4)[0]
    assert positrons.below((2 * M + np.array([0.4])) * u.MeV)[0] == pytest.approx(exact / whole, rel=1e-3)  # bins of .24 keV


def test_recoils_of_solar_beryllium() -> None:
    """The recoils of one line are its closed form, bin by bin."""
    channel = ElectronScattering(corrections="tree")
    line = np.array([0.8618]) * u.MeV
    end = float(channel.end_point(line)[0])
    found = spectra.recoils(lambda t: channel.differential(line, t)[0, :, 0], end)
    at = np.array([0.1, 0.3, 0.6]) * u.MeV
    exact = channel.cross_section(line, np.concatenate([[0.0], at, [math.inf]]))[0, :, 0]
    assert found.below(at) == pytest.approx(np.cumsum(exact)[:3] / exact.sum(), rel=1e-4)


FILE = "energy_keV,per_keV\n100,0\n200,4\n400,0\n"


def test_a_spectrum_of_the_user(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(FILE)
    found = spectra.from_csv(path)
    assert found.below(np.array([200, 400]) * u.keV) == pytest.approx([1 / 3, 1], rel=1e-3)  # triangles of 200 and 400


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: columns none"),
        ("energy,rate\n1,2\n", "line 1: columns energy, rate. Expected a header 'energy_keV,per_keV'"),
        ("energy_keV,per_keV\n1,x\n", "line 2: '1,x': not two numbers"),
        ("energy_keV,per_keV\n1,2,3\n", "line 2: '1,2,3': not two numbers"),
        ("energy_keV,per_keV\n1,2\n1,3\n", "line 3: '1,3'"),
        ("energy_keV,per_keV\n1,2\n2,-3\n", "line 3: '2,-3'"),
        ("energy_keV,per_keV\n1,2\nnan,3\n", "line 3: 'nan,3'"),
        ("energy_keV,per_keV\n1,2\n", "1 points, none above zero or fewer than two"),
        ("energy_keV,per_keV\n1,0\n2,0\n", "2 points, none above zero"),
    ],
)
def test_spectra_that_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(DataError) as found:
        spectra.from_csv(path)
    assert str(found.value).startswith(f"{path}: ")
    assert message in str(found.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        spectra.from_csv(tmp_path / "absent.csv")


# --- backgrounds of cards


def test_backgrounds_of_jne() -> None:
    """14C by its abundance (1.46e7 per day in 500 t, note), 7Be from its flux (239 per day in the note, its inputs not stated), 11C outside the window."""
    from megacurie.studies.published import ciuffoli

    assert ciuffoli.background("jne-500t-cr51-center", "14C", window=False) * u.day == pytest.approx(1.46e7, abs=0.005e7)
    assert ciuffoli.background("jne-500t-cr51-center", "7Be", window=False) * u.day == pytest.approx(239, rel=0.06)
    assert ciuffoli.background("juno-cr51-center", "11C", window=False) * u.day == pytest.approx(37000, rel=0.01)  # stated in the card, per t
    assert ciuffoli.background("juno-cr51-center", "11C", window=True) == 0


def test_backgrounds_grow_with_time_and_volume() -> None:
    card = mci.load("jne-500t-cr51-center")
    twice = mci.load("jne-500t-cr51-center", {"schedule.exposures": '[{ start = "0 d", stop = "60 d" }]'})
    for name, counts in card.background_counts().items():
        if name != "source gammas":
            assert twice.background_counts()[name] == pytest.approx(2 * counts, rel=1e-9)
    near = mci.load("jne-500t-cr51-center", {"zone.within": "2 m", "detector.bins": "{ recoil = 40 }"})
    ratio = near.zones[0].shape.volume / card.zones[0].shape.volume
    assert near.background_counts()["7Be"].sum() == pytest.approx(ratio * card.background_counts()["7Be"].sum(), rel=1e-4)  # nodes of both


def test_source_gammas_stop_in_the_shield() -> None:
    thin = mci.load("jne-1t-cr51-center", {"background": '[{ name = "g", spectrum = "source-gamma", shield = { material = "tungsten", thickness = "1 cm" } }]'})
    thick = mci.load(
        "jne-1t-cr51-center", {"background": '[{ name = "g", spectrum = "source-gamma", shield = { material = "tungsten", thickness = "2 cm" } }]'}
    )
    a, b = (one.background_counts()["g"].sum() for one in (thin, thick))
    assert b / a == pytest.approx(math.exp(-5.9), rel=1e-6)  # attenuation of the data, per cm
    # nearly all that pass are absorbed in half a metre of scintillator: 1 - exp(-.45 m x 9.9/m), and seen between 200 keV and the end of the bins
    passed = thin.decays * 0.09895 * math.exp(-5.9)
    assert a / passed == pytest.approx(1 - math.exp(-(thin.zones[0].shape.reach / u.m - 0.2) * 9.9), rel=1e-2)  # nodes of the coarse path lengths
