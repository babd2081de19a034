"""What a campaign holds: its runs, countings and calibrations at a glance."""

from __future__ import annotations

from typing import Any

import numpy as np

from megacurie.foundation import units
from megacurie.foundation.display import Table
from megacurie.radiochemistry.campaign import Campaign, Extraction, PeakWindow


def _windows(one: Extraction) -> list[tuple[str, str, PeakWindow]]:
    return [(counting.counter, peak, window) for counting in one.countings for peak, window in counting.peaks.items()]


def summary(campaign: Campaign) -> Table:
    """One line per counting, with live times and candidates.

    Examples
    --------
    >>> from megacurie.radiochemistry.tables import built_in
    >>> print(*summary(built_in("best-2022")).rows[0], sep="; ")
    inner 1; 9.79 d; YCT92; K; 54.48 d; 0.810; -
    """
    rows = [
        (
            f"{one.zone} {one.run}",
            units.format(one.source_out - one.source_in, "d", 3),
            counter,
            peak,
            units.format(window.live_time, "d", 4),
            f"{window.decay_sum:.3f}",
            _candidates(campaign, window),
        )
        for one in campaign.extractions
        for counter, peak, window in _windows(one)
    ]
    activity = units.format(campaign.history.activity, "MCi")
    mean = np.mean([units.to_display(one.source_out - one.source_in, "d") for one in campaign.extractions])
    notes = [
        f"source {campaign.nuclide}, {activity} at {campaign.history.reference_time}",
        f"{len(campaign.extractions)} extractions, exposures of {mean:.2f} d on average",
        *(f"counter {name}: {line}" for name, line in _gains(campaign).items()),
        *campaign.notes,
        *(("blinded: candidates are not shown",) if campaign.blinding is not None else ()),
    ]
    head = ("extraction", "exposure", "counter", "peak", "live", "decay sum", "candidates")
    return Table(title=f"{campaign.name}: nothing wrong", head=head, rows=tuple(rows), notes=tuple(notes))


def _candidates(campaign: Campaign, window: PeakWindow) -> str:
    return "-" if window.events is None else "hidden" if campaign.blinding is not None else str(window.events.size)


def _gains(campaign: Campaign) -> dict[str, str]:
    """Calibrations of each counter: number, and the spread of the gain (channels per energy)."""
    found = {}
    for name in dict.fromkeys(one.counter for one in campaign.calibrations):
        of = [one for one in campaign.calibrations if one.counter == name]
        gains = np.array([one.channel / one.energy for one in of])
        found[name] = f"{len(of)} calibrations, gain within {100 * np.ptp(gains) / gains.mean():.1f} %, resolution {np.mean([c.resolution for c in of]):.2f}"
    return found


def contents(campaign: Campaign) -> dict[str, Any]:
    """The object of ``count --check --json``."""
    return {
        "campaign": campaign.name,
        "reference_time": campaign.history.reference_time,
        "zones": [zone.name for zone in campaign.zones],
        "extractions": [
            {
                "zone": one.zone,
                "run": one.run,
                "exposure_d": units.to_display(one.source_out - one.source_in, "d"),
                "countings": [
                    {
                        "counter": counter,
                        "peak": peak,
                        "live_time_d": units.to_display(window.live_time, "d"),
                        "decay_sum": window.decay_sum,
                        "candidates": None if window.events is None or campaign.blinding is not None else int(window.events.size),
                    }
                    for counter, peak, window in _windows(one)
                ],
            }
            for one in campaign.extractions
        ],
        "blinded": campaign.blinding is not None,
        "calibrations": len(campaign.calibrations),
        "notes": list(campaign.notes),
    }
