"""One-loop corrections to neutrino-electron scattering.

Bahcall, Kamionkowski and Sirlin, Phys. Rev. D 51, 6146 (1995): couplings that run with the recoil energy (Appendix A), and the QED functions of photons
that are exchanged or emitted (Appendix B). With z = T/q, E = T + m, l^2 = E^2 - m^2, beta = l/E and L(x) = Int_0^x ln|1 - t|/t dt:

    d(sigma)/dT = (2 G_F^2 m / pi) { g_L^2 [1 + (alpha/pi) f_-] + g_R^2 [(1 - z)^2 + (alpha/pi) (1 - z)^2 f_+] - g_L g_R (m z / q) [1 + (alpha/pi) f_+-] }

f_-, f_+ and f_+- fall like a logarithm at the end point, where 1 - z - m/(E + l) is zero. T is the kinetic energy of the electron; a detector that also
sees the photons records a little more.
"""

from __future__ import annotations

import numpy as np
from scipy.special import spence

from megacurie.foundation import provenance
from megacurie.foundation.arrays import Array

_DATA = "channel.electron-scattering.corrections"


def kappa(recoil: Array, flavour: str) -> Array:
    """Factor on sin^2(theta_W): kappa_e = a + b I(T) for nu_e, kappa_mu for the others (n,).

    I(T) = (1/6) {1/3 + (3 - x^2) [(x/2) ln((x + 1)/(x - 1)) - 1]}, x^2 = 1 + 2m/T. (A3, A5)

    Parameters
    ----------
    recoil : array (n,), energy
    flavour : "e" or "mu"

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> print(kappa(np.array([0.3 * u.MeV]), "e").round(4))
    [0.9794]
    """
    x2 = 1 + 2 * _mass() / np.maximum(recoil, 1e-9 * _mass())
    x = np.sqrt(x2)
    integral = (1 + 3 * (3 - x2) * (0.5 * x * np.log((x + 1) / (x - 1)) - 1)) / 18
    a, b = (provenance.datum(f"{_DATA}.kappa_{flavour}.{name}", "dimensionless").value for name in ("constant", "slope"))
    factor: Array = a + b * integral
    return factor


def rho() -> float:
    """Ratio of the strengths of neutral and charged currents."""
    return provenance.datum(f"{_DATA}.rho", "dimensionless").value


def qed(energy: Array, recoil: Array) -> tuple[Array, Array, Array]:
    """f_-, (1 - z)^2 f_+ and f_+- for recoils below the end point; elsewhere they are those of a point just below it.

    Parameters
    ----------
    energy : array (n_lines,), energy
    recoil : array (n,), energy

    Returns
    -------
    three arrays (n, n_lines)
    """
    m = _mass()
    q, t = energy, np.maximum(recoil, 1e-9 * m)[:, None]
    e = t + m
    length = np.sqrt(t * (t + 2 * m))
    beta, rest = length / e, m / (e + length)
    k = -np.log(rest) / beta - 1  # (E/l) ln((E + l)/m) - 1
    dilog_beta = _dilog(beta)
    log_t, log_q = np.log(t), np.log(q)
    z = t / q
    log_z = log_t - log_q
    y = np.maximum(1 - z, 1e-12)
    log_y = np.log(y)
    log_end = np.log(np.maximum(y - rest, 1e-12))
    dilog_z = _dilog(np.minimum(z, 1.0))
    dilog_y = log_z * log_y - np.pi**2 / 6 - dilog_z  # Euler's reflection
    photon = 2 * log_end - log_y - 0.5 * log_z
    minus = (
        k * (12 * photon - 5) / 12
        + 0.5 * (dilog_z - dilog_beta)
        - 0.5 * log_y**2
        - (11 + 6 * z) / 12 * log_y
        + z * (log_z + 0.5 * (np.log(2 / m) + log_q))
        - (62 + 3 * log_z) / 36 * beta
        - 11 * z / 12
        + z * z / 24
    )
    plus = (
        k * (y * y * (3 * photon - 2) / 3 - 0.5 * (z * z * log_z + y))
        - 0.5 * y * y * (log_y**2 + beta * (dilog_y - log_z * log_y))
        + log_y * (0.5 * z * z * log_z + y * (4 * z - 1) / 6)
        - 0.5 * z * z * dilog_y
        - z * (1 - 2 * z) / 3 * log_z
        - z * y / 6
        - beta / 12 * (log_z + y * (115 - 109 * z) / 6)
    )
    return minus, plus, 2 * k * log_end


def _dilog(x: Array) -> Array:
    """L(x) = -Li_2(x), scipy's spence being Li_2(1 - x)."""
    result: Array = -spence(1 - x)
    return result


def _mass() -> float:
    return provenance.datum("constant.electron_mass", "energy").value
