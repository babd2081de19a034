"""Backgrounds that an experiment file names, as rates and spectra."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from megacurie.experiments.schema import BackgroundTable
from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import DataError, did_you_mean
from megacurie.physics import beta, spectra
from megacurie.physics.backgrounds import TILT, Background
from megacurie.physics.channels.electron_scattering import ElectronScattering
from megacurie.physics.detectors import Detector
from megacurie.physics.materials import Material
from megacurie.physics.sources import Source
from megacurie.physics.spectra import Spectrum

SOURCE_GAMMA = "source-gamma"
"""The 320 keV gammas of 51Cr that leave the shield."""


def spectra_by_name() -> tuple[str, ...]:
    """Names that a background may have for its spectrum, beside a CSV file."""
    isotopes, solar = (
        tuple(key for key, item in provenance.look_up(f"background.{kind}").items() if isinstance(item, Mapping)) for kind in ("isotopes", "solar")
    )
    return ("flat", "power", SOURCE_GAMMA, *isotopes, *solar)


def background(card: BackgroundTable, volume: float, material: Material | None, source: Source, detector: Detector, folder: Path | None) -> Background:
    """A background of a card.

    Parameters
    ----------
    card : BackgroundTable
    volume : float, volume
        Of the whole target, over which ``per_day`` is spread.
    material : Material or None
    source : Source
    detector : Detector
    folder : Path or None
        Where a CSV file lies; None for a built-in card.

    Raises
    ------
    DataError
        If the spectrum is not known, its file is wrong, or the rate is not given in just one way.
    """
    if card.spectrum == SOURCE_GAMMA:
        return _gammas(card, source)
    solar = provenance.look_up("background.solar")
    isotopes = provenance.look_up("background.isotopes")
    references: frozenset[str] = frozenset()
    spectrum: Spectrum | None = None
    density = 0.0
    if card.spectrum in solar and isinstance(solar[card.spectrum], Mapping):
        _only(card, ())
        spectrum, density = _solar(solar[card.spectrum], material)
        references = frozenset().union(*(datum.references for datum in provenance.walk(solar[card.spectrum])))
    elif card.spectrum in isotopes:
        spectrum = _isotope(isotopes[card.spectrum])
        references = frozenset().union(*(datum.references for datum in provenance.walk(isotopes[card.spectrum])))
        if "half_life" in isotopes[card.spectrum] and card.abundance is not None:
            _only(card, ("abundance",))
            density = card.abundance * _decays(isotopes[card.spectrum], material)
        else:
            density = _stated(card, volume, material)
    elif card.spectrum.endswith(".csv"):
        spectrum, density = spectra.from_csv((folder or Path()) / card.spectrum), _stated(card, volume, material)
    elif card.spectrum == "power":
        return _power(card, _stated(card, volume, material))
    elif card.spectrum == "flat":
        spectrum, density = None if card.range is None else spectra.flat(*card.range), _stated(card, volume, material)
    else:
        raise DataError(f"spectrum {card.spectrum!r} is not known. {did_you_mean(card.spectrum, spectra_by_name())} A spectrum of your own is a .csv file")
    if (card.range is not None and card.spectrum != "flat") or card.index is not None:
        said = "range" if card.index is None else "index"
        raise DataError(f"{said}: nothing to a spectrum of {card.spectrum}; expected with {'flat or power' if said == 'range' else 'power'} only")
    if card.pile_up is not None:
        if spectrum is None or spectrum.edges[0] != 0:
            raise DataError(f"pile_up: not known of a spectrum {card.spectrum!r}; expected with one of electrons, such as 14C")
        pairs = density * volume * card.pile_up
        if not 0 <= pairs < 0.1:
            raise DataError(f"pile_up: {pairs:.3g} decays within {units.format(card.pile_up, 'ns')}: expected less than 0.1, because only pairs are counted")
        spectrum = spectrum.with_pile_up(pairs)
    return Background(name=card.name, spectrum=spectrum, density=density, error=card.error, references=references)


def _only(card: BackgroundTable, keys: tuple[str, ...]) -> None:
    """Refuse a rate that is stated beside one that follows."""
    said = [key for key in ("per_day", "per_day_per_t", "abundance") if getattr(card, key) is not None and key not in keys]
    if said:
        follows = "abundance" if keys else "the flux of the sun"
        raise DataError(f"{', '.join(said)}: the rate follows from {follows}; expected no other. Leave it out, or change error")


def _stated(card: BackgroundTable, volume: float, material: Material | None) -> float:
    given = [key for key in ("per_day", "per_day_per_t") if getattr(card, key) is not None]
    if len(given) != 1 or card.abundance is not None:
        found = ", ".join((*given, *(("abundance",) if card.abundance is not None else ()))) or "no rate"
        raise DataError(f"{found}: expected one of per_day (in the whole target) and per_day_per_t")
    if card.per_day is not None:
        return card.per_day / units.day / volume
    if material is None:
        raise DataError("per_day_per_t: needs a density: set target.material")
    assert card.per_day_per_t is not None
    return card.per_day_per_t / units.day / units.t * material.density


def _isotope(data: Mapping[str, Any]) -> Spectrum:
    """What is seen of the decays of an isotope."""
    if data["kind"] == "line":
        return spectra.line(data["visible"].value)
    charge, nucleons = round(data["charge"].value), round(data["nucleons"].value)
    if data["kind"] == "positrons":
        return spectra.positrons(data["endpoint"].value, charge, nucleons)
    one = spectra.electrons(data["endpoint"].value, charge, nucleons, data.get("shape", "allowed"))
    if "gamma" not in data:
        return one
    share = data["gamma_share"].value
    return spectra.together((1 - share, one), (share, spectra.line(data["gamma"].value)))


def _decays(data: Mapping[str, Any], material: Material | None) -> float:
    """Decays per volume and time for one atom of an isotope per atom of its element: 14C in the carbon of a target."""
    if material is None or "carbon" not in material.atoms:
        raise DataError("abundance: needs a target whose carbon is known: set target.material")
    return material.atoms["carbon"] * math.log(2) / float(data["half_life"].value)


def _solar(data: Mapping[str, Any], material: Material | None) -> tuple[Spectrum, float]:
    """Recoils of solar neutrinos, and their rate per volume; they arrive as nu_e with the probability of averaged three-flavour oscillation."""
    if material is None:
        raise DataError("solar neutrinos: need the electrons of a target: set target.material")
    if "lines" in data:
        energy, share = (np.array([line[key].value for line in data["lines"]]) for key in ("energy", "intensity"))
    else:
        energy, share = beta.neutrino_lines(data["endpoint"].value, -round(data["charge"].value), round(data["nucleons"].value))
    s12, s13 = (provenance.datum(f"constant.sin2_theta{name}", "dimensionless").value for name in ("12", "13"))
    electron = (1 - s13) ** 2 * (1 - 2 * s12 * (1 - s12)) + s13**2
    channel = ElectronScattering()
    flux = data["flux"].value * share

    def differential(recoil: Array) -> Array:
        sigma = channel.differential(energy, recoil)
        result: Array = (electron * sigma[0] + (1 - electron) * sigma[1]) @ flux
        return result

    end = float(channel.end_point(energy).max())
    sigma = channel.cross_section(energy, np.array([0.0, math.inf]))[:, 0]
    rate = float((electron * sigma[0] + (1 - electron) * sigma[1]) @ flux)
    return spectra.recoils(differential, end), rate * material.number_density("electron")


def _power(card: BackgroundTable, density: float) -> Background:
    """An excess at low energy: a power law whose amplitude and index may be free."""
    if card.range is None or card.index is None:
        raise DataError('a power law needs range and index; expected such as range = ["20 eV", "1 keV"], index = 3')
    one, other = (spectra.power(*card.range, card.index + step) for step in (0.0, TILT))
    return Background(name=card.name, spectrum=one, density=density, error=card.error, tilt=other if card.index_error else None, tilt_error=card.index_error)


def _gammas(card: BackgroundTable, source: Source) -> Background:
    """Gammas of the source that cross its shield; absorbed near the surface of the target, at their full energy."""
    _only(card, ())
    shields = {key: item for key, item in provenance.look_up("background.shields").items() if isinstance(item, Mapping)}
    gammas = provenance.load(f"nuclide.{source.key}").get("gamma")
    if gammas is None:
        return Background(name=card.name, error=card.error)  # this nuclide gives none
    if card.shield is None:
        raise DataError('shield: missing; expected such as shield = { material = "tungsten", thickness = "15 cm" }')
    if card.shield.material not in shields:
        raise DataError(f"shield.material {card.shield.material!r} is not known. {did_you_mean(card.shield.material, shields)}")
    energy = provenance.datum(f"nuclide.{source.key}.gamma.energy", "energy")
    share = provenance.datum(f"nuclide.{source.key}.gamma.branching_ratio", "dimensionless")
    shield, target = (shields[name]["attenuation"] for name in (card.shield.material, "scintillator"))
    return Background(
        name=card.name, spectrum=spectra.line(energy.value), per_decay=share.value * math.exp(-shield.value * card.shield.thickness),
        absorption=1 / target.value, error=card.error, references=energy.references | share.references | shield.references | target.references,
    )  # fmt: skip
