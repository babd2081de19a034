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


@pytest.mark.parametrize("name", names())
def test_shares_sum_to_one_and_sources_are_cited(name: str) -> None:
    made = material(name)
    shares = [datum.value for datum in provenance.walk(provenance.look_up(f"material.{name}.isotopes"))]
    assert math.fsum(shares) == pytest.approx(1, abs=1e-6)  # six printed digits
    assert made.references == {datum.ref for datum in provenance.walk(provenance.look_up(f"material.{name}"))}


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
