"""Target materials: density and composition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from megacurie.foundation import provenance, units
from megacurie.foundation.errors import DataError, RangeError, did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a target is made of.

    Attributes
    ----------
    name : str
    density : float, density
    atoms : mapping of isotope, "electron" or "carbon" (all its isotopes), to number density
        Per volume.
    references : frozenset of str
    """

    name: str
    density: float
    atoms: Mapping[str, float]
    references: frozenset[str]

    def __post_init__(self) -> None:
        if not self.density > 0:
            raise RangeError(f"material {self.name!r}: density {units.format(self.density, 'g/cm3')}: expected a positive density")

    def number_density(self, target: str) -> float:
        """Targets per volume, for an isotope such as ``"71Ga"``.

        Raises
        ------
        DataError
            If the material does not contain it.

        Examples
        --------
        >>> from megacurie.foundation import units as u
        >>> f"{material('gallium').number_density('71Ga') * u.cm3:.4g}"
        '2.1e+22'
        """
        if target not in self.atoms:
            raise DataError(f"material {self.name!r} has no {target!r}. {did_you_mean(target, self.atoms)}")
        return self.atoms[target]


def material(name: str) -> Material:
    """A material of our data.

    Raises
    ------
    DataError
        If there is no such material, with the nearest name.
    """
    if name not in names():
        raise DataError(f"no material {name!r}. {did_you_mean(name, names())}")
    density = provenance.datum(f"material.{name}.density", "density")
    molar = provenance.datum(f"material.{name}.molar_mass", "molar-mass")
    isotopes = {
        key: provenance.datum(f"material.{name}.isotopes.{key}", "dimensionless") for key in provenance.look_up(f"material.{name}.isotopes") if key[0].isdigit()
    }
    for key, of in (("electron", "electrons"), ("carbon", "carbon")):
        if of in provenance.look_up(f"material.{name}"):
            isotopes[key] = provenance.datum(f"material.{name}.{of}", "dimensionless")
    per_volume = density.value / molar.value  # of formula units: mol is a number, so molar mass is mass per unit
    return Material(
        name=name,
        density=density.value,
        atoms=MappingProxyType({key: per_volume * share.value for key, share in isotopes.items()}),
        references=density.references.union(molar.references, *(share.references for share in isotopes.values())),
    )


def names() -> tuple[str, ...]:
    """Names of the materials of our data.

    Examples
    --------
    >>> "gallium" in names()
    True
    """
    return tuple(key for key, item in provenance.load("material").items() if isinstance(item, Mapping))
