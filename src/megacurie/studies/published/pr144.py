"""144Pr: the cross section of inverse beta decay for its antineutrinos."""

from __future__ import annotations

from megacurie.foundation import provenance
from megacurie.physics import beta
from megacurie.physics.channels.inverse_beta import InverseBeta


def cross_section() -> float:
    """Averaged over the antineutrinos of the transition to the ground state of 144Nd, the first branch of our data."""
    branch = provenance.load("nuclide.ce144")["beta"][0]
    charge, nucleons = round(branch["charge"].value), round(branch["nucleons"].value)
    energy, share = beta.neutrino_lines(branch["endpoint"].value, charge, nucleons, threshold=branch["threshold"].value)
    return float(share @ InverseBeta().cross_section(energy))
