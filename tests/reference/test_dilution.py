"""How far electron scattering dilutes a deficit when the lost neutrinos arrive as nu_mu or nu_tau: sigma_x/sigma_e for the lines of 51Cr.

Recipe: MeV, lines and mixing angle typed, differential formula integrated numerically; nothing of the package but the result is used. Tree level, s2w = .2312.
"""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from megacurie.foundation import units as u
from megacurie.physics.channels.electron_scattering import ElectronScattering
from megacurie.physics.detectors import Detector
from megacurie.physics.sources import source

MASS, MIXING = 0.51099895, 0.2312
CHROMIUM = [(0.747, 0.8163), (0.752, 0.0849), (0.427, 0.0895), (0.432, 0.0093)]  # MeV, per decay: Acero et al., arXiv:0711.4222


def per_line(energy: float, left: float, threshold: float) -> float:
    """Int [gL^2 + gR^2 (1 - T/E)^2 - gL gR m T/E^2] dT from the threshold to the end point."""
    end = 2 * energy**2 / (2 * energy + MASS)
    right = MIXING
    return quad(lambda t: left**2 + right**2 * (1 - t / energy) ** 2 - left * right * MASS * t / energy**2, threshold, end, epsabs=0, epsrel=1e-10)[0]


@pytest.mark.parametrize(("threshold", "stated"), [(0.2, 0.2211), (0.0, 0.2181)])
def test_dilution_by_electron_scattering(threshold: float, stated: float) -> None:
    """.2211 above 200 keV and .2181 above 0, of the note on explanations."""
    x, e = (sum(share * per_line(energy, MIXING + sign, threshold) for energy, share in CHROMIUM) for sign in (-0.5, 0.5))
    assert x / e == pytest.approx(stated, abs=0.5e-4)  # half a unit of the last digit
    chromium = source("51Cr")
    (part,) = ElectronScattering(corrections="tree").parts(chromium, Detector(recoil=(threshold * u.MeV, math.inf)))
    sigma_e, sigma_x = part.cross_section[:, 0] @ chromium.intensities
    assert sigma_x / sigma_e == pytest.approx(x / e, rel=1e-8)  # nine digits of the electron mass
    # in cm2 per decay: sigma_e of all lines together by the same integrals, 2 G^2 m/pi in front
    front = 2 * (1.1663788e-11 * 197.3269804e-13) ** 2 * MASS / math.pi
    assert sigma_e / u.cm2 == pytest.approx(front * e, rel=1e-8)
    assert np.all(sigma_x < sigma_e)
