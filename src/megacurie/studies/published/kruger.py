"""arXiv:2303.15524 as shown in the talk of T. Schwetz, 19 June 2023, and the limit of arXiv:2104.05806: decoherence from first principles."""

from __future__ import annotations

import math

from megacurie.foundation import provenance, units
from megacurie.physics import coherence, localisation


def spread(experiment: str, half: str, particle: str) -> float:
    """Spread in momentum that follows from the printed localisation of a particle."""
    return coherence.conjugate(provenance.datum(f"coherence.{experiment}.{half}.{particle}.delta_x", "length").value)


def spacing(solid: str) -> float:
    """Distance between the nuclei of a solid."""
    return localisation.spacing(localisation.nuclei(solid))


def thermal(nuclide: str) -> float:
    """Thermal velocity of an atom at room temperature, of c."""
    return localisation.thermal_velocity(localisation.rest_energy(nuclide), localisation.room_temperature())


def recoil(nuclide: str) -> float:
    """Velocity of the recoil of 51V from a neutrino of 747 keV, or of 71Ge from the electron that such a neutrino makes, of c."""
    momentum = _line()
    if nuclide == "71Ge":
        electron = _electron_energy()
        momentum = math.sqrt(electron * (electron + 2 * provenance.datum("constant.electron_mass", "energy").value))
    return localisation.recoil_velocity(momentum, localisation.rest_energy(nuclide))


def electron(part: str) -> float:
    """The electron of a capture on 71Ga at 747 keV: its "velocity" or its localisation ("delta_x")."""
    if part == "velocity":
        return localisation.electron_velocity(_electron_energy())
    charge = provenance.datum("coherence.solid.gallium.charge", "dimensionless").value
    excitation = provenance.datum("coherence.solid.gallium.excitation", "energy").value
    return localisation.electron_localisation(_electron_energy(), charge * localisation.nuclei("gallium"), excitation)


def result(experiment: str, part: str) -> float:
    """A spread that results: "sigma_m", "delta_loc", "sigma_en" or "delta_en"."""
    return float(getattr(coherence.spreads(experiment), part))


def exponent(part: str) -> float:
    """-ln xi_loc at 1 eV2, 1 MeV and 500 eV ("loc"), or -ln xi_en at one oscillation length, 1 MeV and .5 eV ("en")."""
    if part == "loc":
        return coherence.localisation_exponent(units.eV2, units.MeV, 500 * units.eV)
    return coherence.separation_exponent(1.0, units.MeV, 0.5 * units.eV)


def resolution_ratio() -> float:
    """Orders of magnitude between the energy resolution of the slide and the width of the 51Cr line."""
    return math.log10(provenance.datum("coherence.resolution", "energy").value / coherence.spreads("gallium").sigma_en)


def wave_packet(sigma: str) -> float:
    """Length of a wave packet with a spread in energy."""
    return coherence.conjugate(units.parse(sigma, "energy"))


def _line() -> float:
    energy: float = provenance.look_up("nuclide.cr51.lines.four")[0]["energy"].value
    return energy


def _electron_energy() -> float:
    return _line() - localisation.threshold()
