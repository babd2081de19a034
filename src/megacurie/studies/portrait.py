"""What a campaign looks like: events against time with the fit, spectrum, likelihood curves, activity and exposures. The numbers behind its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import DataError
from megacurie.radiochemistry import combination, counting
from megacurie.radiochemistry.campaign import PEAKS, Campaign, Extraction
from megacurie.radiochemistry.streams import Stream, streams
from megacurie.studies.radiochemistry import chosen
from megacurie.studies.rates import published_rates

_WIDEST = 3.5  # sigma that likelihood curves reach to, on each side


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimeBins:
    """Candidates of one peak of all fillings, in bins of the time since extraction; arrays (n_bins,) but for the edges.

    Attributes
    ----------
    peak : str
    edges : array (n_bins + 1,), time
        After the mean time of extraction.
    live : array, time
        Live time of all fillings together.
    candidates : array of int
    expected : array
        Candidates that the fit expects, 71Ge and background.
    background : array
        Those of the background.
    """

    peak: str
    edges: Array
    live: Array
    candidates: NDArray[np.int64]
    expected: Array
    background: Array


def event_times(campaign: Campaign, zones: Sequence[str] = (), *, width: float = 5 * units.day) -> tuple[TimeBins, ...]:
    """Candidates against the time since extraction, peak by peak, with the fit of one rate for each zone and a background for each window.

    Bins in which no counter was live are left out at the end.

    Parameters
    ----------
    campaign : Campaign
    zones : sequence of str
        Empty for all.
    width : float, time
        Of a bin.

    Raises
    ------
    DataError
        If the campaign has no events.

    Examples
    --------
    >>> from megacurie.radiochemistry import simulate, tables
    >>> made, _ = simulate.simulate(tables.built_in("best-2022"), seed=1)
    >>> k, l = event_times(made)
    >>> print(k.peak, bool(abs(k.expected.sum() / k.candidates.sum() - 1) < 0.05))
    K True
    """
    by_zone = _by_zone(campaign, zones)
    decay = campaign.germanium_decay
    since = {(one.zone, one.run): one.extracted - one.source_out for one in campaign.extractions}
    every = [stream for of in by_zone.values() for stream in of]
    last = max(float((stream.end - since[stream.zone, stream.run]).max()) for stream in every)
    edges: Array = width * np.arange(int(np.ceil(last / width)) + 1.0)
    found = {peak: np.zeros((4, len(edges) - 1)) for peak in PEAKS}
    for of in by_zone.values():
        rate = counting.fit(of, decay)
        for stream, flat in zip(of, rate.backgrounds, strict=True):
            at = edges + since[stream.zone, stream.run]  # in the time of the stream
            at[0] = min(at[0], float(stream.begin.min()))  # counters are filled after the mean time of extraction; were one not, all in the first bin
            inside = np.clip(at, stream.begin[:, None], stream.end[:, None])  # (n_intervals, n_edges)
            live = np.diff(inside).sum(0)
            amplitude = stream.weight * rate.rate + stream.offset
            decays = amplitude / decay * np.diff(-np.exp(-decay * inside)).sum(0)
            background = flat * live
            found[stream.peak] += np.array([live, np.histogram(stream.times, at)[0], decays + background, background])
    return tuple(
        TimeBins(peak=peak, edges=edges, live=live, candidates=counts.astype(np.int64), expected=expected, background=background)
        for peak, (live, counts, expected, background) in found.items()
        if live.any()
    )


def _by_zone(campaign: Campaign, zones: Sequence[str]) -> dict[str, list[Stream]]:
    """The streams of each zone that was counted."""
    wanted = chosen(campaign, zones)
    need_events(campaign)
    found: dict[str, list[Stream]] = {}
    for stream in streams(campaign):
        if stream.zone in wanted:
            found.setdefault(stream.zone, []).append(stream)
    if not found:
        raise DataError(f"{campaign.name}: nothing was counted in {', '.join(wanted)}: expected rows in countings.csv")
    return found


def need_events(campaign: Campaign) -> None:
    """Refuse a campaign whose event times are not known.

    Raises
    ------
    DataError
        With the way to one that has them.
    """
    if not campaign.has_events:
        raise DataError(
            f"{campaign.name}: no event times, of which this is made. Take a folder with events.csv; "
            "'megacurie count --simulate d' writes one to practise on, and --campaign d takes it"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spectrum:
    """Pulses of all fillings in bins of energy.

    Attributes
    ----------
    edges : array (n_bins + 1,), energy
    pulses : array (n_bins,) of int
        Without flags, in and out of the windows.
    candidates : mapping of peak to array (n_bins,) of int
        Those in the windows.
    flagged : array (n_bins,) of int
        Pulses with a flag.
    """

    edges: Array
    pulses: NDArray[np.int64]
    candidates: dict[str, NDArray[np.int64]]
    flagged: NDArray[np.int64]


def spectrum(campaign: Campaign, zones: Sequence[str] = (), *, width: float = 0.25 * units.keV) -> Spectrum:
    """Energies of the pulses of a campaign.

    Parameters
    ----------
    campaign : Campaign
    zones : sequence of str
        Empty for all.
    width : float, energy
        Of a bin.

    Raises
    ------
    DataError
        If the energies of pulses are not known.
    """
    wanted = chosen(campaign, zones)
    need_events(campaign)
    known = [c.pulses for one in campaign.extractions for c in one.countings if one.zone in wanted and c.pulses is not None]
    if not known:
        raise DataError(f"{campaign.name}: events.csv has no column energy_keV: expected energy_keV, rise_time_ns, adp, nai_keV and flags")
    energy = np.concatenate([one.energy for one in known])
    good = np.array([not flags for one in known for flags in one.flags])
    peak = np.array([name for one in known for name in one.peak])
    edges: Array = width * np.arange(int(np.ceil(energy.max(initial=width) / width)) + 1.0)
    edges[-1] = max(edges[-1], energy.max(initial=0.0))  # against rounding

    def counts(which: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.histogram(energy[which], edges)[0].astype(np.int64)

    return Spectrum(edges=edges, pulses=counts(good), candidates={name: counts(good & (peak == name)) for name in PEAKS}, flagged=counts(~good))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """ln L against the rate, 0 at its highest; ``run`` is None for all of a zone. Arrays (n,), rate and dimensionless."""

    zone: str
    run: int | None
    rate: Array
    log_likelihood: Array


def likelihood_curves(campaign: Campaign, zones: Sequence[str] = (), *, points: int = 121) -> tuple[Curve, ...]:
    """How ln L depends on the rate: of each zone, and of each of its extractions alone.

    With events it is the likelihood of their times, backgrounds at their best; without, that of the published rates with their errors.

    Parameters
    ----------
    campaign : Campaign
    zones : sequence of str
        Empty for all.
    points : int
        Of each curve.

    Examples
    --------
    >>> from megacurie.radiochemistry import tables
    >>> zone = likelihood_curves(tables.built_in("best-2022"), ["inner"])[0]
    >>> print(f"{zone.rate[zone.log_likelihood.argmax()] * units.day:.1f}")
    55.5
    """
    return _of_events(campaign, zones, points) if campaign.has_events else _of_rates(campaign, zones, points)


def _grid(rate: float, plus: float, minus: float, points: int) -> Array:
    """From below to above by some errors, not below zero; the best rate is one of them."""
    low, high = max(rate - _WIDEST * minus, 0.0), rate + _WIDEST * plus
    return np.unique(np.append(np.linspace(low, high, points - 1), rate))


def _of_events(campaign: Campaign, zones: Sequence[str], points: int) -> tuple[Curve, ...]:
    decay = campaign.germanium_decay
    found = []
    for zone, of in _by_zone(campaign, zones).items():
        for run in (None, *dict.fromkeys(stream.run for stream in of)):
            own = of if run is None else [stream for stream in of if stream.run == run]
            best = counting.fit(own, decay)
            rate = _grid(best.rate, best.plus, best.minus, points)
            value = np.array([counting.log_likelihood(own, float(x), decay) for x in rate])
            found.append(Curve(zone=zone, run=run, rate=rate, log_likelihood=value - value.max()))
    return tuple(found)


def _of_rates(campaign: Campaign, zones: Sequence[str], points: int) -> tuple[Curve, ...]:
    wanted = chosen(campaign, zones)
    rates = published_rates(campaign)
    found = []
    for zone in (name for name in rates.zones if name in wanted):
        of = rates.zone(zone)
        value, plus, minus = of.value[0], of.plus[0], of.minus[0]
        best = combination.combine(value, plus, minus)
        whole = _grid(best.rate, best.plus, best.minus, points)
        total = combination.log_likelihood(whole[:, None], value, plus, minus).sum(-1)
        found.append(Curve(zone=zone, run=None, rate=whole, log_likelihood=total - total.max()))
        for run, x, up, down in zip(of.runs, value, plus, minus, strict=True):
            rate = _grid(float(x), float(up), float(down), points)
            found.append(Curve(zone=zone, run=run, rate=rate, log_likelihood=combination.log_likelihood(rate, x, up, down)))
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timeline:
    """The source through a campaign.

    Attributes
    ----------
    time : array (n,), time
        From the reference time, to the end of the last exposure.
    activity : array (n,), rate
    extractions : tuple of Extraction
        Whose exposures are drawn.
    """

    time: Array
    activity: Array
    extractions: tuple[Extraction, ...]


def timeline(campaign: Campaign, zones: Sequence[str] = (), *, points: int = 201) -> Timeline:
    """Activity of the source against time, and the exposures to it.

    Examples
    --------
    >>> from megacurie.radiochemistry import tables
    >>> found = timeline(tables.built_in("best-2022"))
    >>> print(f"{found.time[-1] / units.day:.1f} d, {found.activity[0] / units.MCi:.3f} MCi, {len(found.extractions)} exposures")
    99.8 d, 3.414 MCi, 20 exposures
    """
    wanted = chosen(campaign, zones)
    of = tuple(one for one in campaign.extractions if one.zone in wanted)
    first = min([0.0, *(one.source_in for one in of)])
    time = np.linspace(first, max(one.source_out for one in of), points)
    return Timeline(time=time, activity=np.asarray(campaign.history.at(time)), extractions=of)
