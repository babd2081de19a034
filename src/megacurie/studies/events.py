"""A hypothesis fitted to the times of events of a campaign, with whatever else gallium has measured."""

from __future__ import annotations

import math

import numpy as np

from megacurie.experiments.expectation import Expectation, Hypothesis
from megacurie.foundation.errors import DataError
from megacurie.foundation.measurement import Pull
from megacurie.radiochemistry.campaign import Campaign
from megacurie.radiochemistry.likelihood import CountingLikelihood
from megacurie.radiochemistry.streams import streams
from megacurie.studies import gallium


def likelihood(campaign: Campaign, hypothesis: Hypothesis, *, data: gallium.Datasets | None = None) -> CountingLikelihood:
    """The likelihood of a hypothesis from the event times of a campaign in the zones of BEST.

    Its sum with the likelihood of other gallium data shares the error of the capture cross section.

    Parameters
    ----------
    campaign : Campaign
        With events, and with zones named as those of the data.
    hypothesis : Hypothesis
    data : Datasets, optional
        Measured ratios that the events stand for: their geometry and their common errors are used, not their values; BEST's unless given.

    Raises
    ------
    DataError
        If there is no measurement for a zone, or no expected rate.

    Examples
    --------
    >>> import megacurie as mci
    >>> from megacurie.radiochemistry import tables
    >>> from megacurie.radiochemistry.simulate import simulate
    >>> made, _ = simulate(tables.built_in("best-2022"), ratio=0.79, seed=1)
    >>> both = likelihood(made, mci.Sterile()) + mci.gallium.datasets(only=["gallex-cr1", "gallex-cr2", "sage-cr", "sage-ar"]).likelihood(mci.Sterile())
    >>> print(both.pulls)
    ('systematic', 'channel:ga71')
    """
    data = gallium.datasets(only=["best"]) if data is None else data
    names = [f"best-{zone.name}" for zone in campaign.zones]
    for zone, name in zip(campaign.zones, names, strict=True):
        if name not in data.names:
            raise DataError(f"{campaign.name}: zone {zone.name} is none of {', '.join(data.names)}: expected inner and outer, whose geometry is known")
        if zone.predicted is None:
            raise DataError(f"{campaign.name}: zone {zone.name} has no expected rate: expected predicted in campaign.toml")
    part = data.subset(names)
    order = [names.index(name) for name in part.names]
    zones = [campaign.zones[i] for i in order]
    size = math.hypot(*(0.5 * (one.plus + one.minus) for one in campaign.systematics), 0.0)
    shared = tuple(Pull(name=pull.name, shape=pull.shape, of="prediction") for pull in part.measurement.pulls if pull.name.startswith("channel:"))
    own = (Pull(name="systematic", shape=np.full(len(zones), size), of="prediction"),) if size else ()
    found = streams(campaign)
    return CountingLikelihood(
        Expectation(part.kernel(), hypothesis),
        [[stream for stream in found if stream.zone == zone.name] for zone in zones],
        expected=np.array([zone.predicted for zone in zones], float),
        decay=campaign.germanium_decay,
        pulls=own + shared,
        references=part.references | campaign.references,
    )
