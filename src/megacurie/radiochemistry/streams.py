"""Where production meets counting: one stream of events for each peak of each counter filling, with the decay rate that a production rate means in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError
from megacurie.radiochemistry.campaign import Campaign
from megacurie.radiochemistry.production import production


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stream:
    """Events of one peak of one counter filling. Times are from the end of the exposure to the source.

    The rate of events at time t is b + a exp(-l t) while the counter is live, with a background b and a = weight x P + offset for a production rate P by
    the source at the reference time; a D / l decays are expected over all of the live time.

    Attributes
    ----------
    zone : str
    run : int
    peak : str
    times : array (n,), time
        Of the candidates, increasing.
    begin, end : array (n_intervals,), time
        Live intervals.
    weight : float, 1
        Amplitude a over the production rate.
    offset : float, 1/time
        Amplitude without the source: 71Ge made by the sun.
    live_time : float, time
    decay_sum : float
        D = sum of exp(-l begin) - exp(-l end).
    """

    zone: str
    run: int
    peak: str
    times: Array
    begin: Array
    end: Array
    weight: float
    offset: float
    live_time: float
    decay_sum: float


def streams(campaign: Campaign) -> tuple[Stream, ...]:
    """The streams of a campaign with event times, in the order of its extractions.

    Atoms left by the extractions before were made at the same rate P: they are in the weight.

    Raises
    ------
    RangeError
        If a counting has no event times: only sums of its live time were published.
    """
    decay = campaign.germanium_decay
    found = []
    for zone in campaign.zones:
        of = campaign.of_zone(zone.name)
        if not of:
            continue
        made = production(of, campaign.source_decay, decay)
        per_rate, from_sun = made.source + made.source_carried, zone.solar * np.array([one.mass for one in of]) * (made.solar + made.solar_carried)
        for one, source, sun in zip(of, per_rate, from_sun, strict=True):
            for counting in one.countings:
                for peak, window in counting.peaks.items():
                    if window.events is None:
                        raise RangeError(f"{campaign.name}: {one.zone} {one.run} {counting.counter} {peak}: no event times: expected events.csv")
                    seen = decay * one.efficiency * window.efficiency
                    found.append(
                        Stream(
                            zone=one.zone,
                            run=one.run,
                            peak=peak,
                            times=window.events - one.source_out,
                            begin=window.begin - one.source_out,
                            end=window.end - one.source_out,
                            weight=float(seen * source),
                            offset=float(seen * sun),
                            live_time=window.live_time,
                            decay_sum=window.decay_sum,
                        )
                    )
    order = {(one.zone, one.run): i for i, one in enumerate(campaign.extractions)}
    return tuple(sorted(found, key=lambda stream: order[stream.zone, stream.run]))
