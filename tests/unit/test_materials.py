"""Materials: number densities from density, molar mass and composition."""

import math

import pytest

from megacurie.foundation import provenance
from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError, RangeError
from megacurie.physics.materials import Material, material, names


def test_gallium_71_as_in_best() -> None:
    # the number in use for BEST (arXiv:2201.07364), printed with five digits
    assert material("gallium").number_density("71Ga") * u.cm3 == pytest.approx(2.1001e22, rel=0.5e-4 / 2.1)


def test_isotopes_are_all_there_is() -> None:
    """Masses of the atoms sum to the density: shares sum to one, and their mean mass is the molar mass."""
    gallium = material("gallium")
    masses = {"69Ga": 68.925574, "71Ga": 70.924703}  # AME2020, in daltons
    dalton = 1e-3 * u.kg / u.mol
    assert sum(gallium.atoms[name] * mass * dalton for name, mass in masses.items()) == pytest.approx(gallium.density, rel=1e-5)  # 0.001/69.7


ATOMS = {"gallium": 1, "lif7": 2, "lab": 30, "carbon-electrons": 0, "pseudocumene": 12, "water": 2}  # per formula unit, of isotopes that are told apart


@pytest.mark.parametrize("name", names())
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
