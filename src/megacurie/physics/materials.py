"""Target materials: density and composition."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from megacurie.foundation import provenance, units
from megacurie.foundation.errors import DataError, RangeError, did_you_mean
from megacurie.physics import nuclei


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
    if "formula" in provenance.look_up(f"material.{name}"):
        return _compound(name)
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


def composition(formula: str, enriched: Mapping[str, Mapping[str, float]] | None = None) -> dict[str, float]:
    """Atoms of each isotope per formula unit; elements have their natural isotopes unless they are enriched.

    Parameters
    ----------
    formula : str
        Such as ``"Li2WO4"``; no brackets.
    enriched : dict of element to dict of isotope to fraction, optional
        Fractions of atoms in [0, 1] that sum to 1.

    Raises
    ------
    DataError
        If the formula cannot be read, an element has no isotopes in our data, what is enriched is not in the formula, or fractions do not sum to 1.

    Examples
    --------
    >>> {isotope: round(n, 4) for isotope, n in composition("LiF", {"Li": {"6Li": 0.95, "7Li": 0.05}}).items()}
    {'6Li': 0.95, '7Li': 0.05, '19F': 1.0}
    """
    parts = re.findall(r"([A-Z][a-z]?)([1-9]\d*|)", formula)
    if not parts or "".join(symbol + number for symbol, number in parts) != formula:
        raise DataError(f"formula {formula!r}: expected elements and numbers, such as Li2WO4")
    idle = sorted(set(enriched or {}) - {symbol for symbol, _ in parts})
    if idle:
        raise DataError(f"enrichment of {idle[0]}: not in {formula}. {did_you_mean(idle[0], [symbol for symbol, _ in parts])}")
    atoms: dict[str, float] = {}
    for symbol, number in parts:
        natural = {isotope: _natural(isotope) for isotope in nuclei.names() if isotope.lstrip(string.digits) == symbol}
        if not natural:
            known = sorted({isotope.lstrip(string.digits) for isotope in nuclei.names()})
            raise DataError(f"formula {formula!r}: no isotopes of {symbol!r} in our data. {did_you_mean(symbol, known)}")
        shares = (enriched or {}).get(symbol, natural)
        wrong = set(shares) - set(natural) or any(not 0 <= share <= 1 for share in shares.values())
        if wrong or not abs(sum(shares.values()) - 1) < 1e-4:  # abundances are printed with four digits
            raise DataError(f"enrichment of {symbol}: {dict(shares)}: expected fractions of {', '.join(natural)} that sum to 1")
        for isotope, share in shares.items():
            atoms[isotope] = atoms.get(isotope, 0.0) + share * int(number or 1)
    return atoms


def _natural(isotope: str) -> float:
    share: float = provenance.look_up(f"nuclei.{isotope}")["abundance"].value
    return share


def _compound(name: str) -> Material:
    """A material of our data that is given by its formula: number densities follow from the masses of its isotopes."""
    data = provenance.look_up(f"material.{name}")
    density = provenance.datum(f"material.{name}.density", "density")
    enriched = {
        symbol: {isotope: datum.value for isotope, datum in shares.items() if isotope[0].isdigit()} for symbol, shares in data.get("enriched", {}).items()
    }
    atoms = composition(data["formula"], enriched)
    weights = {isotope: provenance.look_up(f"nuclei.{isotope}")["atomic_mass"] for isotope in atoms}
    unit = sum(number * weights[isotope].value for isotope, number in atoms.items()) * units.g / units.mol
    natural = [provenance.look_up(f"nuclei.{isotope}")["abundance"] for isotope in atoms if isotope.lstrip(string.digits) not in enriched]
    used = [density, *provenance.walk(data.get("enriched", {})), *weights.values(), *natural]
    return Material(
        name=name, density=density.value, atoms=MappingProxyType({isotope: density.value / unit * number for isotope, number in atoms.items()}),
        references=frozenset().union(*(datum.references for datum in used)),
    )  # fmt: skip
