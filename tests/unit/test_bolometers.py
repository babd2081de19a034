"""Lithium bolometers as experiments: cards, conventions, exclusions; what two crystals measure together, and an excess at low energy."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import megacurie as mci
from megacurie.foundation import units as u
from megacurie.foundation.errors import CardError, DataError, RangeError
from megacurie.statistics.likelihood import GaussianLikelihood


def test_counts_of_a_card() -> None:
    found = mci.predict(mci.load("benato-2026/lif6-cr51", {"convention.factor": "1"}))
    assert found.counts == pytest.approx(864.885, rel=1e-5)
    half = mci.predict(mci.load("benato-2026/lif6-cr51"))
    assert half.counts == pytest.approx(0.5 * found.counts, rel=1e-9)


def test_conventions_change_what_they_say() -> None:
    card = "benato-2026/lif6-cr51"
    base = mci.predict(mci.load(card)).counts
    still = mci.predict(mci.load(card, {"convention.decay": "false"})).counts
    assert still / base == pytest.approx(90 * math.log(2) / 27.7 / (1 - 2 ** (-90 / 27.7)), rel=1e-6)
    assert mci.predict(mci.load(card, {"convention.axial": "true"})).counts > base
    # exact kinematics lowers the rows by 1.8e-4 to 9e-4 (note)
    assert 1e-4 < 1 - mci.predict(mci.load(card, {"convention.kinematics": "exact"})).counts / base < 1e-3
    shell = mci.predict(mci.load(card, {"convention": '{ couplings = "tree", axial = false, kinematics = "leading" }'})).counts
    assert shell / (2 * base) == pytest.approx(0.883, abs=5e-4)  # mean 1/d2 of 1 kg about a point (note)
    same = {"convention.flux": "shell", "convention.distance": "none", "convention.factor": "1"}
    assert mci.predict(mci.load(card, same)).counts == pytest.approx(shell, rel=1e-12)
    with pytest.raises(CardError, match='distance = "none" takes away'):
        mci.load(card, {"convention.flux": "shell"})


def test_no_events_is_said_in_words() -> None:
    found = mci.predict(mci.load("benato-2026/lif6-cr51", {"detector.threshold": "200 eV"}))
    assert found.counts == 0
    assert any("no events, no sensitivity" in note for note in found.notes)
    few = mci.predict(mci.load("benato-2026/lif6-cr51", {"detector.threshold": "200 eV", "source.lines": "four", "convention.factor": "1"}))
    assert 0 < few.counts < 0.5
    assert any("events expected: no sensitivity" in note for note in few.notes)


def test_a_resolution_lifts_events_above_a_threshold() -> None:
    """sigma = 20 eV at 100 eV: + 9 % (note)."""
    wide = mci.predict(mci.load("benato-2026/lif6-cr51", {"detector.threshold": "100 eV", "detector.resolution": "20 eV"})).counts
    sharp = mci.predict(mci.load("benato-2026/lif6-cr51", {"detector.threshold": "100 eV"})).counts
    assert 1.05 < wide / sharp < 1.2


@pytest.mark.parametrize(("nuclide", "least", "at", "begins"), [("cr51", 0.085, 7.2, 1.36), ("ar37", 0.098, 7.9, 1.60)])
def test_exclusion_of_the_note(nuclide: str, least: float, at: float, begins: float) -> None:
    """2 sigma, 2 dof, 1 kg of 6LiF above 20 eV, point flux x 1."""
    experiment = mci.load(f"benato-2026/lif6-{nuclide}", {"convention.factor": "1"})
    curve = mci.design.exclusion(experiment, mci.Sterile(), mci.geomspace("1 eV2", "12 eV2", 600), level=0.9545, dof=2)
    k = int(np.nanargmin(curve.limits))
    assert curve.limits[k] == pytest.approx(least, abs=6e-4)
    assert curve.values[k] / u.eV2 == pytest.approx(at, abs=0.06)  # half a unit, and the grid
    assert curve.values[np.flatnonzero(np.isfinite(curve.limits))[0]] / u.eV2 == pytest.approx(begins, abs=0.015)


def test_two_rings_see_what_a_free_normalisation_hides() -> None:
    """With the normalisation free one thin ring has no sensitivity to an oscillation, two at 12 and 24 cm do (note)."""
    one = mci.load("benato-2026/lif6-cr51", {"source.activity": '{ value = "200 PBq", plus = "199 PBq", minus = "199 PBq" }'})
    near, far = (
        one.zones[0],
        mci.load("benato-2026/lif6-cr51", {"zone.shape.inner": "24 cm", "zone.shape.mass": "4 kg", "convention.distance": "24 cm"}).zones[0],
    )
    two = replace(one, zones=(near, replace(far, name="far")))
    values = np.array([2.0]) * u.eV2
    alone, both = (mci.design.exclusion(experiment, mci.Sterile(), values).limits[0] for experiment in (one, two))
    assert math.isnan(alone)
    assert both < 0.7


# --- what crystals measure: the numbers of the note; its conventions are the flux at 12 cm in full and, of the axial part, the strength of 7Li alone
WITH_AXIAL = {
    "convention.factor": "1",
    "convention.axial": "true",
    "detector.bins.recoil": "20",
    "source.activity": '{ value = "200 PBq", plus = "2 PBq", minus = "2 PBq" }',
}


def joint(
    hypothesis: mci.Hypothesis, kilograms: float, components: str = "", crystals: tuple[str, ...] = ("lif6", "lif7"), **settings: str
) -> GaussianLikelihood:  # fmt: skip
    found = []
    for crystal in crystals:
        card = mci.load(f"benato-2026/{crystal}-cr51", {**WITH_AXIAL, "zone.shape.mass": f"{kilograms} kg", **settings})
        found.append(mci.design.asimov(replace(card, channel=replace(card.channel, components=components)), hypothesis))
    return sum(found[1:], found[0])


def half_width(likelihood: GaussianLikelihood, name: str) -> float:
    low, high = mci.fit(likelihood).intervals[name]
    return 0.5 * (high - low)


@pytest.mark.parametrize(("kilograms", "stated"), [(1, 0.28), (5, 0.13), (10, 0.09)])
def test_axial_strength_of_7li_from_two_crystals(kilograms: float, stated: float) -> None:
    """28 / 13 / 9 % with as much of each crystal and an activity known to 1 %; the energy spectrum tells the axial part, the events alone give 71 %."""
    error = half_width(joint(mci.AxialStrength(isotope="7Li"), kilograms), "axial")
    assert error == pytest.approx(stated, abs=0.005)  # printed digits


def test_joint_fit_of_two_crystals_shares_the_source() -> None:
    """Where events are only counted the second crystal tells the activity: its .3 % from 100 kg instead of the 1 % that is known beforehand."""
    assert joint(mci.AxialStrength(), 1).pulls == ("51Cr activity",)
    counted = {"detector.bins.recoil": "1"}
    alone, both = (half_width(joint(mci.AxialStrength(isotope="7Li"), 100, "", crystals, **counted), "axial") for crystals in (("lif7",), ("lif6", "lif7")))
    assert both < 0.6 * alone


def test_joint_fit_is_the_fisher_information_by_hand() -> None:
    """Two parameters, axial strength and activity, in 40 bins: the inverse of a 2 x 2 matrix of event numbers."""
    information = np.diag([0.0, 0.01**-2])
    for crystal in ("lif6", "lif7"):
        kernel = mci.load(f"benato-2026/{crystal}-cr51", WITH_AXIAL).kernel(dm2_max="1e-3 eV2")
        all_events, axial = kernel.without_new_physics(), np.zeros(kernel.n_bins)
        for block in kernel.blocks:
            if {"coupling:axial", "isotope:7li"} <= block.tags:
                axial[block.bins] += block.weight[0].sum(-1)
        columns = np.stack([axial, all_events])
        information += (columns / np.maximum(all_events, 1e-9)) @ columns.T
    by_hand = math.sqrt(np.linalg.inv(information)[0, 0])
    assert half_width(joint(mci.AxialStrength(isotope="7Li"), 1), "axial") == pytest.approx(by_hand, rel=1e-4)  # accuracy of the kernels


def test_weak_mixing_angle_of_the_note() -> None:
    """+- .0046 for 1 kg of 6LiF and a flux known to 1 %, without the axial part; two crystals tell more."""
    plain = {"convention.axial": "false"}
    one, both = (half_width(joint(mci.WeakMixingAngle(), 1, "mixing", crystals, **plain), "sin2_theta_w") for crystals in (("lif6",), ("lif6", "lif7")))
    assert one == pytest.approx(0.0046, abs=5e-5)  # printed digits
    assert both < one


@pytest.mark.parametrize(("card", "settings"), [("lif7-cr51", {}), ("benato-2026/lif6-cr51", {"source.activity": WITH_AXIAL["source.activity"]})])
def test_magnetic_moment_of_the_note(card: str, settings: dict[str, str]) -> None:
    """1.5e-11 Bohr magnetons for 1 kg, 90 % confidence, one-sided.

    Of the cards it is met by the physical one of 7LiF and, with the flux at 12 cm times one half, that of 6LiF; that of the physical 6LiF is 1.4e-11.
    """
    found = mci.design.measure(mci.load(card, {"detector.bins.recoil": "20", **settings}), "magnetic-moment")
    assert math.sqrt(1.2816 * found.fisher) == pytest.approx(1.5, abs=0.05)  # in 1e-11; 1.2816 sigma are 90 %; printed digits


EDGES = "[" + ", ".join(f'"{20 + 5 * i} eV"' for i in range(57)) + "]"  # to 300 eV; finer ones change no printed digit


def with_excess(error: str, index_error: str, off: str, slices: int) -> float:
    """Relative error of the flux: 1 kg of 6LiF, an excess of 1e4 events above 20 eV as E^-3."""
    excess = f'name = "excess", spectrum = "power", range = ["20 eV", "300 eV"], index = 3, index_error = {index_error}, per_day = {1e4 / 90}, error = {error}'
    settings = {"convention.factor": "1", "background": f"[{{ {excess} }}]", "detector.bins.recoil": EDGES, "schedule.source_off": off}
    found = mci.design.measure(mci.load("benato-2026/lif6-cr51", settings), "flux", slices=slices).fisher
    assert found is not None
    return found


FREE = '"free"'


@pytest.mark.parametrize(("excess", "stated", "digit"), [((FREE, FREE, "0 d"), 15, 0.5), ((FREE, FREE, "90 d"), 11, 0.5), (("0", "0", "0 d"), 9.6, 0.05)])
def test_low_energy_excess_of_the_note(excess: tuple[str, str, str], stated: float, digit: float) -> None:
    """15 / 11 / 9.6 %: amplitude and index free, with a run without the source that is as long, and known.

    The fit is in energy and in time: 51Cr decays, the excess does not. Ten slices of time; by energy alone it would be 26 / 14 / 11 %.
    """
    assert 100 * with_excess(*excess, slices=10) == pytest.approx(stated, abs=digit)


def test_low_energy_excess_by_hand() -> None:
    """Known excess, n slices: the information is a sum of s^2/(s + b) over bins of energy and time."""
    edges = np.linspace(20, 300, 57)
    card = mci.load("benato-2026/lif6-cr51", {"convention.factor": "1", "detector.bins.recoil": EDGES})
    signal = card.kernel(dm2_max="1e-3 eV2").without_new_physics()
    excess = 1e4 * np.diff(-(edges**-2.0)) / (20**-2.0 - 300**-2.0)
    for slices in (1, 4):
        left = 2.0 ** (-90 / 27.7 * np.arange(slices + 1) / slices)
        information = sum(((a - b) / (1 - left[-1]) * signal) ** 2 @ (1 / ((a - b) / (1 - left[-1]) * signal + excess / slices)) for a, b in pairwise(left))
        assert with_excess("0", "0", "0 d", slices) == pytest.approx(information**-0.5, rel=1e-5)


def test_low_energy_excess_costs_precision() -> None:
    alone = mci.design.measure(mci.load("benato-2026/lif6-cr51", {"convention.factor": "1", "detector.bins.recoil": EDGES}), "flux")
    sliced = mci.design.measure(mci.load("benato-2026/lif6-cr51", {"convention.factor": "1", "detector.bins.recoil": EDGES}), "flux", slices=10)
    assert alone.fisher == pytest.approx(sliced.fisher, rel=1e-9)  # without a background time tells nothing
    known, free = with_excess(FREE, "0", "0 d", 1), with_excess(FREE, FREE, "0 d", 1)
    assert alone.fisher < known < free
    assert with_excess(FREE, FREE, "90 d", 1) < free
    assert with_excess(FREE, FREE, "0 d", 10) < free


def test_axial_and_mixing_are_measured() -> None:
    card = mci.load("lif7-cr51", {"detector.bins.recoil": "10"})
    assert 0 < mci.design.measure(card, "axial-strength").fisher < 1
    with pytest.raises(DataError, match="axial-strength is measured in coherent scattering"):
        mci.design.measure(mci.load("jne-1t-cr51-center"), "axial-strength")
    with pytest.raises(RangeError, match="0 slices of time: expected at least one"):
        mci.design.measure(card, "flux", slices=0)


# --- other targets


def above(material: str, threshold: str) -> float:
    """Events of 1 kg in 90 d, flux at 12 cm times one half."""
    return float(mci.predict(mci.load("benato-2026/lif6-cr51", {"target.material": material, "detector.threshold": threshold})).counts)


def test_heavier_targets() -> None:
    """At 1 eV the heaviest have most events, as N^2/A; at 90 eV lithium alone is left."""
    assert (
        above("pbwo4", "1 eV")
        > above("cawo4", "1 eV")
        > above("germanium", "1 eV")
        > above("silicon", "1 eV")
        > above("sapphire", "1 eV")
        > above("lif6", "1 eV")
    )
    assert above("pbwo4", "90 eV") == above("cawo4", "90 eV") == above("germanium", "90 eV") == above("silicon", "90 eV") == 0
    assert above("lif6", "90 eV") > above("li2wo4-6", "90 eV") > 0


def test_silicon_per_kilogram_by_hand() -> None:
    """28Si, 29Si, 30Si as they occur; sigma(> T0) = G^2 E^2/pi Q^2 (1 - T0/T_max)^2, form factor within 1 %."""
    decays = 200e15 * 86400 * 27.7 / math.log(2) * (1 - 2 ** (-90 / 27.7))
    flux = 0.5 * decays / (4 * math.pi * 12**2)
    total = 0.0
    for nucleons, share in ((28, 0.92223), (29, 0.04685), (30, 0.03092)):
        charge = 7 * (1 - 4 * 0.23857) - 0.5 * (nucleons - 14)
        for energy, intensity in ((0.747, 0.9007), (0.427, 0.0993)):
            end = 2 * energy**2 / (931.494 * nucleons) * 1e6  # eV; the defect of the mass is 1e-3
            kept = max(0.0, 1 - 20 / end) ** 2
            total += share * intensity * (1.1663788e-11 * 197.327e-13 * energy * charge) ** 2 / math.pi * kept
    assert above("silicon", "20 eV") == pytest.approx(flux * total * 1000 / 28.0855 * 6.02214e23, rel=0.01)
