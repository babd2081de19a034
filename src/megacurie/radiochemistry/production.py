"""Production of 71Ge, its extraction and what is carried over: atoms per unit of rate, for any schedule.

A rate P of production by the source is that at the reference time; at time t it is P exp(-l_s t). Production by the sun is constant. Both are linear, so
that each has a weight of its own: atoms = P x source + solar rate x solar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import exprel

from megacurie.foundation.arrays import Array
from megacurie.radiochemistry.campaign import Campaign, Extraction

Times = Array | float


def from_source(begin: Times, end: Times, source_decay: float, germanium_decay: float) -> Array:
    """71Ge atoms at the end of an exposure over the rate of production at the reference time.

    f = [exp(-l_s t_r) - exp(-l_s t_s) exp(-l (t_r - t_s))] / (l - l_s), which becomes (t_r - t_s) exp(-l t_r) where both constants are equal.

    Parameters
    ----------
    begin, end : float or array (...), time
        Of the exposure, t_s and t_r, from the reference time.
    source_decay, germanium_decay : float, 1/time
        Decay constants l_s and l.

    Returns
    -------
    array (...), time

    Sources
    -------
    Solution of dN/dt = exp(-l_s t) - l N with N(t_s) = 0.

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> print(f"{from_source(0.0, 10 * u.day, 0.025 / u.day, 0.0606 / u.day) / u.day:.4f}")
    6.5526
    """
    begin, duration = np.asarray(begin), np.asarray(end) - np.asarray(begin)
    slow = min(source_decay, germanium_decay)  # the slower decay as the prefactor cannot overflow
    growth = duration * exprel(-abs(germanium_decay - source_decay) * duration)
    found: Array = np.exp(-source_decay * begin - slow * duration) * growth
    return found


def saturation(begin: Times, end: Times, source_decay: float, germanium_decay: float) -> Array:
    """The saturation factor as BEST prints it: atoms at the end of an exposure times l over the rate at its start; dimensionless, shape (...).

    Parameters and source as in ``from_source``; arXiv:2201.07364, Table XIII.

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> print(f"{saturation(0.0, 9.791 * u.day, 0.0250197 / u.day, 0.0606428 / u.day):.4f}")
    0.3924
    """
    begin = np.asarray(begin)
    found: Array = germanium_decay * from_source(0.0 * begin, np.asarray(end) - begin, source_decay, germanium_decay)
    return found


def from_sun(duration: Times, germanium_decay: float) -> Array:
    """71Ge atoms after an exposure at a constant rate, over that rate: g = (1 - exp(-l Theta)) / l, in units of time; shape (...).

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> print(f"{from_sun(1e4 * u.day, 0.0606 / u.day) * (0.0606 / u.day):.4f}")
    1.0000
    """
    found: Array = -np.expm1(-germanium_decay * np.asarray(duration)) / germanium_decay
    return found


def carried_over(own: Array, times: Array, left: Array, germanium_decay: float) -> Array:
    """Atoms that an extraction finds from the exposures before its own.

    With A_i = own_i + carried_i in the gallium before extraction i: carried_i = (1 - eps_(i-1)) A_(i-1) exp(-l (t_i - t_(i-1))), carried_1 = 0.

    Parameters
    ----------
    own : array (..., n)
        Atoms of each exposure's own at its extraction.
    times : array (n,), time
        Mean times of extraction.
    left : array (n,)
        Share 1 - eps that each extraction leaves in the gallium.
    germanium_decay : float, 1/time

    Returns
    -------
    array (..., n)

    Examples
    --------
    >>> print(carried_over(np.array([8.0, 8.0, 8.0]), np.array([0.0, 1.0, 2.0]), np.array([0.5, 0.5, 0.5]), np.log(2)))
    [0.  2.  2.5]
    """
    carried = np.zeros_like(own)
    for i in range(1, len(times)):
        before = own[..., i - 1] + carried[..., i - 1]
        carried[..., i] = left[i - 1] * before * np.exp(-germanium_decay * (times[i] - times[i - 1]))
    return carried


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Production:
    """Atoms of 71Ge of the extractions of one zone, per unit of rate; arrays (n,), time.

    All refer to the end of each exposure to the source, the zero of decay sums: atoms decayed since then are counted in.

    Attributes
    ----------
    source, source_carried : array
        Over the rate by the source at the reference time: of the exposure's own, and left by the extractions before.
    solar, solar_carried : array
        Over the rate by the sun at the time.
    """

    source: Array
    source_carried: Array
    solar: Array
    solar_carried: Array


def production(extractions: tuple[Extraction, ...], source_decay: float, germanium_decay: float, *, source_scale: Array | float = 1.0) -> Production:
    """What the extractions of one zone find, per unit of rate.

    Parameters
    ----------
    extractions : tuple of Extraction
        Of one zone, in the order of time.
    source_decay, germanium_decay : float, 1/time
    source_scale : array (n,) or float
        Factors on the production by the source in each exposure, where the rate is not the same in all.

    Examples
    --------
    >>> from megacurie.radiochemistry.tables import built_in
    >>> best = built_in("best-2022")
    >>> found = production(best.of_zone("inner"), best.source_decay, best.germanium_decay)
    >>> print(f"{found.source_carried[1] / found.source[1]:.4f}")
    0.0190
    """
    begin, end, extracted, sun = (np.array([getattr(one, name) for one in extractions]) for name in ("source_in", "source_out", "extracted", "solar_begin"))
    left = np.array([1 - one.efficiency_from_gallium for one in extractions])
    decay = np.exp(-germanium_decay * (extracted - end))
    own = np.array([
        source_scale * from_source(begin, end, source_decay, germanium_decay) * decay,
        from_sun(extracted - sun, germanium_decay) * np.ones_like(decay),
    ])  # fmt: skip
    carried = carried_over(own, extracted, left, germanium_decay)
    (source, solar), (source_carried, solar_carried) = own / decay, carried / decay
    return Production(source=source, source_carried=source_carried, solar=solar, solar_carried=solar_carried)


def counted(extraction: Extraction) -> float:
    """Share of the atoms at the end of an exposure that is counted: chemistry times the sum over peaks of efficiency times decay sum.

    Examples
    --------
    >>> from megacurie.radiochemistry.tables import built_in
    >>> print(f"{counted(built_in('best-2022').extractions[0]):.4f}")
    0.5488
    """
    windows = (window for counting in extraction.countings for window in counting.peaks.values())
    return extraction.efficiency * sum((window.efficiency * window.decay_sum for window in windows), 0.0)


def counts_per_rate(campaign: Campaign, zone: str) -> Array:
    """K_i: 71Ge decays counted from the source over the rate at the reference time, for each extraction of a zone (n,), time.

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> from megacurie.radiochemistry.tables import built_in
    >>> print(f"{counts_per_rate(built_in('best-2022'), 'inner').sum() / u.day:.2f}")
    12.90
    """
    extractions = campaign.of_zone(zone)
    own = production(extractions, campaign.source_decay, campaign.germanium_decay).source
    found: Array = own * np.array([counted(one) for one in extractions])
    return found
