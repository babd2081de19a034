"""Materials: number densities from density, molar mass and composition."""

import math
import re

import pytest

from megacurie.foundation import provenance
from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError, RangeError
from megacurie.physics import nuclei
from megacurie.physics.materials import Material, composition, material, names


def test_gallium_71_as_in_best() -> None:
    # the number in use for BEST (arXiv:2201.07364), printed with five digits
    assert material("gallium").number_density("71Ga") * u.cm3 == pytest.approx(2.1001e22, rel=0.5e-4 / 2.1)


def test_isotopes_are_all_there_is() -> None:
    """Masses of the atoms sum to the density: shares sum to one, and their mean mass is the molar mass."""
    gallium = material("gallium")
    masses = {"69Ga": 68.925574, "71Ga": 70.924703}  # AME2020, in daltons
    dalton = 1e-3 * u.kg / u.mol
    assert sum(gallium.atoms[name] * mass * dalton for name, mass in masses.items()) == pytest.approx(gallium.density, rel=1e-5)  # 0.001/69.7


ATOMS = {"gallium": 1, "lab": 30, "carbon-electrons": 0, "pseudocumene": 12, "water": 2}  # per formula unit, of isotopes that are told apart
COMPOUNDS = {"lif6": 2, "lif7": 2, "li2wo4-6": 7, "li2wo4-7": 7, "sapphire": 5, "cawo4": 6, "pbwo4": 6, "germanium": 1, "silicon": 1}  # atoms per formula unit


def test_every_material_is_tested() -> None:
    assert set(names()) == {*ATOMS, *COMPOUNDS}


@pytest.mark.parametrize("name", COMPOUNDS)
def test_compounds_have_their_atoms_their_mass_and_their_sources(name: str) -> None:
    made, data = material(name), provenance.look_up(f"material.{name}")
    mass = {isotope: provenance.look_up(f"nuclei.{isotope}")["atomic_mass"].value * u.g / u.mol for isotope in made.atoms}
    assert math.fsum(number * mass[isotope] for isotope, number in made.atoms.items()) == pytest.approx(made.density, rel=1e-12)
    # no spin, no charge radius enters a density: the sources are those of density, enrichment, masses and abundances
    assert {datum.ref for datum in provenance.walk(data)} < made.references
    assert made.references <= {datum.ref for datum in provenance.walk(data)} | {"Wang:2021xhn", "Meija:2016abundances"}
    unit = made.density / math.fsum(n * mass[isotope] for isotope, n in composition(data["formula"], _enriched(data)).items())
    assert math.fsum(made.atoms.values()) / unit == pytest.approx(COMPOUNDS[name], rel=1e-4)  # abundances have four digits


def _enriched(data) -> dict[str, dict[str, float]]:  # type: ignore[no-untyped-def]
    return {symbol: {key: share.value for key, share in of.items() if key[0].isdigit()} for symbol, of in data.get("enriched", {}).items()}


@pytest.mark.parametrize(("name", "weight"), [("sapphire", 101.961), ("cawo4", 287.92), ("pbwo4", 455.04), ("germanium", 72.630), ("silicon", 28.085)])
def test_natural_isotopes_have_the_standard_atomic_weight(name: str, weight: float) -> None:
    """Standard weights (abridged), an independent table: 26.982, 15.999, 40.078, 183.84, 207.2, 72.630, 28.085."""
    atoms = composition(provenance.look_up(f"material.{name}")["formula"])
    mean = math.fsum(number * provenance.look_up(f"nuclei.{isotope}")["atomic_mass"].value for isotope, number in atoms.items())
    assert mean == pytest.approx(weight, rel=1e-4)  # germanium's weight is uncertain by 8 in the last digit, abundances by more


def test_formula_counts_repeated_elements_together() -> None:
    assert composition("OLiO") == composition("LiO2")
    water_like = composition("Li2O")
    assert math.fsum(water_like[isotope] for isotope in ("6Li", "7Li")) == pytest.approx(2, rel=1e-4)
    assert math.fsum(water_like[isotope] for isotope in ("16O", "17O", "18O")) == pytest.approx(1, rel=1e-4)


def test_partial_enrichment() -> None:
    """Shares are of atoms: 95 % 6Li."""
    atoms = composition("Li2WO4", {"Li": {"6Li": 0.95, "7Li": 0.05}})
    assert (atoms["6Li"], atoms["7Li"]) == pytest.approx((1.9, 0.1), rel=1e-12)
    assert {isotope for isotope in atoms if isotope.endswith("W")} == {isotope for isotope in nuclei.names() if isotope.endswith("W")}


@pytest.mark.parametrize(
    ("formula", "enriched", "message"),
    [
        ("li2wo4", None, "expected elements and numbers"),
        ("Li2(WO4)", None, "expected elements and numbers"),
        ("Li0F", None, "expected elements and numbers"),
        ("Li2 WO4", None, "expected elements and numbers"),
        ("LiXe", None, "no isotopes of 'Xe'"),
        ("LiF", {"Na": {"23Na": 1.0}}, "enrichment of Na: not in LiF"),
        ("LiF", {"Li": {"6Li": 1.5, "7Li": -0.5}}, "expected fractions of 6Li, 7Li that sum to 1"),
        ("LiF", {"Li": {"6Li": math.nan, "7Li": 0.5}}, "expected fractions of 6Li, 7Li that sum to 1"),
        ("LiF", {"Li": {"8Li": 1.0}}, "expected fractions of 6Li, 7Li that sum to 1"),
    ],
)
def test_what_is_no_formula(formula: str, enriched: dict[str, dict[str, float]] | None, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        composition(formula, enriched)


@pytest.mark.parametrize("name", ATOMS)
def test_isotopes_are_counted_per_formula_unit_and_sources_are_cited(name: str) -> None:
    made = material(name)
    shares = [datum.value for datum in provenance.walk(provenance.look_up(f"material.{name}.isotopes"))]
    assert math.fsum(shares) == pytest.approx(ATOMS[name], abs=1e-6)  # six printed digits
    assert made.references == {datum.ref for datum in provenance.walk(provenance.look_up(f"material.{name}"))}


def test_electrons_of_linear_alkyl_benzene() -> None:
    lab = material("lab")
    assert set(lab.atoms) == {"electron", "carbon", "1H"}
    carbon, hydrogen = 12.011, 1.008  # g/mol, abridged standard weights
    by_hand = (18 * 6 + 30) / (18 * carbon + 30 * hydrogen) * 6.02214076e23
    assert lab.number_density("electron") / lab.density * u.g == pytest.approx(by_hand, rel=1e-4)  # four digits of hydrogen's weight, an eighth of the mass
    # per ton, as in the note on scattering: half a unit of its last digit
    assert lab.number_density("electron") / lab.density * u.t == pytest.approx(3.3724e29, rel=0.5e-4 / 3.3724)


def test_lithium_fluoride_has_one_atom_of_each() -> None:
    lif = material("lif7")
    assert set(lif.atoms) == {"7Li", "19F"}
    assert lif.number_density("7Li") == lif.number_density("19F")
    masses = {"7Li": 7.016003, "19F": 18.998403}  # AME2020, in daltons
    dalton = 1e-3 * u.kg / u.mol
    assert sum(lif.atoms[name] * mass * dalton for name, mass in masses.items()) == pytest.approx(lif.density, rel=0.5e-3 / 26.014)  # printed digits


def test_what_is_refused() -> None:
    with pytest.raises(DataError, match="no material 'galium'. Did you mean 'gallium'"):
        material("galium")
    with pytest.raises(DataError, match="material 'gallium' has no '70Ga'. Did you mean '7?1?6?9?.*Ga'"):
        material("gallium").number_density("70Ga")
    with pytest.raises(DataError, match="material 'gallium' has no 'electron'. Known: 69Ga, 71Ga"):
        material("gallium").number_density("electron")
    for density in (0.0, -1.0, math.nan):
        with pytest.raises(RangeError, match="expected a positive density"):
            Material(name="x", density=density * u.g / u.cm3, atoms={}, references=frozenset())
