"""How precisely an experiment measures a parameter of a hypothesis: Fisher information, Asimov likelihood and toys, three ways to one number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from megacurie.experiments.expectation import Expectation, Hypothesis
from megacurie.experiments.experiment import Experiment
from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.display import Table
from megacurie.foundation.errors import DataError, RangeError, did_you_mean
from megacurie.foundation.parameters import Parameter
from megacurie.physics.channels.coherent_scattering import CoherentScattering
from megacurie.physics.channels.electron_scattering import ElectronScattering
from megacurie.physics.hypotheses import ActivityScale, AxialStrength, BranchingRatioShift, MagneticMoment, WeakMixingAngle
from megacurie.statistics.poisson import profile
from megacurie.studies.expected import ExpectedCounts, expected_counts, steady_kernel

MEASURES = ("flux", "branching-ratio", "sin2thetaW", "magnetic-moment", "axial-strength")
"""What can be measured by name."""

_SINGULAR = 1e-12  # smallest eigenvalue of a correlation matrix: rounding is a few 1e-16 for each of some dozen nuisances
_STEP = 1e-3  # of a parameter's range, for derivatives
_BATCH = 2**17  # numbers of toys at once: 1 MB, the cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Result of ``precision``.

    Attributes
    ----------
    experiment : str
    parameter : Parameter
    truth : float
        Internal units.
    events, background : float
    normalisation : "free" or "card"
        Whether the activity is fitted with the parameter, or known as the card says.
    fisher : float or None
        Standard error from the Fisher information; None where nothing is learnt.
    below, above : float or None
        Distances at which the Asimov likelihood has risen by one; None where it does not inside the parameter's bounds.
    toys : float or None
        Scatter of fits to toy data; None without toys.
    n_toys : int
    notes : tuple of str
    references : frozenset of str
    """

    experiment: str
    parameter: Parameter
    truth: float
    events: float
    background: float
    normalisation: str
    fisher: float | None
    below: float | None
    above: float | None
    toys: float | None
    n_toys: int
    notes: tuple[str, ...]
    references: frozenset[str]

    def columns(self) -> Mapping[str, float | None]:
        """What is drawn and tabulated against something that varies."""
        return {"events": self.events, "background": self.background, "fisher": self.fisher, "below": self.below, "above": self.above}

    def to_dict(self) -> dict[str, Any]:
        """Display units, keys carry them."""

        def shown(value: float | None) -> float | None:
            return None if value is None else units.to_display(value, self.parameter.unit)

        return {
            "experiment": self.experiment,
            "measure": self.parameter.json_key,
            "truth": shown(self.truth),
            "signal_counts": self.events,
            "background_counts": self.background,
            "normalisation": self.normalisation,
            "error": {"fisher": shown(self.fisher), "asimov_below": shown(self.below), "asimov_above": shown(self.above), "toys": shown(self.toys)},
            "toys": self.n_toys,
            "notes": list(self.notes),
        }

    def table(self) -> Table:
        """Rows of what a person reads."""

        def shown(value: float | None) -> str:
            return "not known" if value is None else self.parameter.show(value, 3)

        known = "free" if self.normalisation == "free" else "known as the card says"
        rows = [
            ("events", f"{self.events:.5g}", f"and {self.background:.5g} of background; normalisation {known}"),
            (self.parameter.name, self.parameter.show(self.truth), ""),
            ("error, Fisher", shown(self.fisher), ""),
            ("error, Asimov", f"-{shown(self.below)} +{shown(self.above)}", ""),
        ]
        if self.toys is not None:
            rows.append(("error, toys", shown(self.toys), f"{self.n_toys} toys"))
        return Table(title=f"{self.experiment}: precision on {self.parameter.name}", rows=tuple(rows), notes=self.notes)

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def measure(experiment: Experiment, name: str, *, slices: int = 1, toys: int = 0, seed: int = 0) -> Precision:
    """Precision on a quantity by its name.

    flux: whatever the card knows of the activity; branching-ratio: normalisation free; sin2thetaW, magnetic-moment, axial-strength: the activity as well known
    as the card says. ``slices`` as of ``precision``.

    Raises
    ------
    DataError
        If there is no such name, or the experiment cannot measure it.

    Examples
    --------
    >>> import megacurie as mci
    >>> result = measure(mci.load("ciuffoli-2025/jne-500t-center"), "sin2thetaW")
    >>> print(result.parameter.name, result.fisher < 0.01)
    sin2_theta_w True
    """
    if seed < 0:
        raise RangeError(f"seed {seed}: expected zero or more")
    if name not in MEASURES:
        raise DataError(f"cannot measure {name!r}. {did_you_mean(name, MEASURES)}")
    if name == "branching-ratio":
        low = [line.intensity for line in experiment.source.lines if line.energy < 0.8 * max(line.energy for line in experiment.source.lines)]
        if experiment.source.nuclide != "51Cr":
            raise DataError(f"{experiment.name}: the branching ratio is that of 51Cr, the source is {experiment.source.nuclide}")
        return precision(experiment, BranchingRatioShift(reference=sum(low)), sum(low), normalisation="free", slices=slices, toys=toys, seed=seed)
    if name == "flux":
        unknown = replace(experiment, source=replace(experiment.source, activity_error=0.0))
        return precision(unknown, ActivityScale(), 1.0, slices=slices, toys=toys, seed=seed)
    channel = experiment.channel
    if not isinstance(channel, CoherentScattering if name == "axial-strength" else ElectronScattering | CoherentScattering):
        where = "coherent scattering" if name == "axial-strength" else "electron and in coherent scattering"
        raise DataError(f"{experiment.name}: {name} is measured in {where}; {channel.describe(experiment.source)} does not show it")
    if name == "axial-strength":
        return precision(experiment, AxialStrength(), 1.0, slices=slices, toys=toys, seed=seed)
    assert isinstance(channel, ElectronScattering | CoherentScattering)
    if name == "sin2thetaW":
        split = replace(experiment, channel=replace(channel, components="mixing"))
        return precision(split, WeakMixingAngle(reference=channel.mixing), channel.mixing, slices=slices, toys=toys, seed=seed)
    split = replace(experiment, channel=replace(channel, components="magnetic"))
    return precision(split, MagneticMoment(), 0.0, slices=slices, toys=toys, seed=seed)


def precision(
    experiment: Experiment, hypothesis: Hypothesis, truth: float, *, normalisation: str = "card", slices: int = 1, toys: int = 0, seed: int = 0
) -> Precision:  # fmt: skip
    """Precision on the one parameter of a hypothesis.

    Parameters
    ----------
    experiment : Experiment
        With activity, material and schedule.
    hypothesis : Hypothesis
        With one parameter.
    truth : float
        Its value, internal units.
    normalisation : "card" or "free"
    slices : int
        Equal times into which each exposure is cut: a source that decays is told from a background that does not.
    toys : int
        Toy experiments to fit, linear in the parameter about the truth.
    seed : int

    Raises
    ------
    RangeError
        If the hypothesis has not just one parameter, the truth is outside its bounds, or there is not at least one slice.
    """
    if len(hypothesis.parameters) != 1:
        raise RangeError(f"{hypothesis.name} has {len(hypothesis.parameters)} parameters: expected one to measure")
    (parameter,) = hypothesis.parameters
    parameter.check(truth)
    expectation = Expectation(steady_kernel(experiment), hypothesis)
    decays, live = _shares(experiment, slices)
    ambient = expectation.kernel.background
    expected = replace(expected_counts(experiment), signal=expectation({parameter.name: truth}) - ambient).in_time(decays, live)
    signal, background = expected.signal, expected.background

    def counts(value: float) -> Array:
        return np.outer(decays, expectation({parameter.name: value}) - ambient).ravel() + background

    slope = np.outer(decays, _slope(expectation, parameter, truth)).ravel()
    columns, free = _nuisances(expected, normalisation)
    used = signal + background > 0
    fisher = _fisher(slope[used], columns[used], (signal + background)[used], free) if signal.any() else None
    below, above = (_rise(counts, parameter, truth, side, columns[used], free, used) if fisher else None for side in (-1, 1))
    scatter = None
    if toys and fisher:
        scatter = float(np.std(fits(slope[used], columns[used], (signal + background)[used], free, toys, seed)))
    notes = list(experiment.warnings)
    if fisher is None:
        notes.append("no sensitivity: nothing that is counted tells it from what is free")
    if isinstance(hypothesis, MagneticMoment) and fisher:
        limit = 1e-11 * math.sqrt(float(ndtri(0.9)) * fisher)
        notes.append(f"if none is there: moment below {limit:.2g} Bohr magnetons, 90 % confidence, one-sided")
    return Precision(
        experiment=experiment.name, parameter=parameter, truth=truth, events=float(signal.sum()), background=float(background.sum()),
        normalisation=normalisation, fisher=fisher, below=below, above=above, toys=scatter, n_toys=toys, notes=tuple(notes),
        references=experiment.references | hypothesis.references,
    )  # fmt: skip


def _shares(experiment: Experiment, slices: int) -> tuple[Array, Array]:
    """Shares of the decays and of the live time in each slice of the schedule."""
    if slices < 1:
        raise RangeError(f"{slices} slices of time: expected at least one")
    if experiment.schedule is None or experiment.source.history is None:  # refused where counts are asked for
        return np.ones(1), np.ones(1)
    history = experiment.source.history
    parts = experiment.schedule.cut(slices) if slices > 1 else (experiment.schedule,)
    return np.array([one.decays(history) for one in parts]) / experiment.decays, np.array([one.live_time for one in parts]) / experiment.live


def _slope(expectation: Expectation, parameter: Parameter, truth: float) -> Array:
    """d mu / d parameter at the truth (n_bins,): exact where mu is affine in it."""
    if expectation.affine == parameter.name:
        return expectation.split({})[1]
    step = _STEP * (parameter.upper - parameter.lower)
    low, high = max(truth - step, parameter.lower), min(truth + step, parameter.upper)
    slope: Array = (expectation({parameter.name: high}) - expectation({parameter.name: low})) / (high - low)
    return slope


def _nuisances(expected: ExpectedCounts, normalisation: str) -> tuple[Array, int]:
    """Events per unit of each nuisance (n_bins, k), the free ones first, and how many are free; a run without the source tells the backgrounds."""
    columns = expected.normalisations()
    if normalisation == "free":
        return np.concatenate([expected.signal[:, None], columns], 1), 1
    if expected.activity_error:
        columns = np.concatenate([columns, expected.activity_error * expected.signal[:, None]], 1)
    return columns, 0


def _fisher(slope: Array, columns: Array, mu: Array, free: int) -> float | None:
    """Standard error of the parameter with the nuisances fitted: root of the first element of the inverse Fisher matrix."""
    size = float(np.sqrt((slope**2 / mu).sum()))
    if not size > 0:
        return None
    together = np.concatenate([slope[:, None] / size, columns], 1)
    information = together.T @ (together / mu[:, None])
    information[range(1 + free, len(information)), range(1 + free, len(information))] += 1.0
    scale = 1 / np.sqrt(np.diag(information))
    correlation = information * np.outer(scale, scale)
    if np.linalg.eigvalsh(correlation)[0] < _SINGULAR:  # what is measured cannot be told from what is not known
        return None
    return float(np.sqrt(np.linalg.inv(correlation)[0, 0]) * scale[0]) / size


def _rise(
    expectation: Callable[[float], Array], parameter: Parameter, truth: float, side: int, columns: Array, free: int, used: NDArray[np.bool_]
) -> float | None:  # fmt: skip
    """Distance from the truth at which the Asimov likelihood, nuisances profiled, has risen by one; None if it has not at the parameter's bound."""
    from scipy.optimize import brentq

    counts = expectation(truth)[used]
    room = (parameter.upper - truth) if side > 0 else (truth - parameter.lower)
    if not room > 0:
        return None

    def excess(distance: float) -> float:
        mu = expectation(truth + side * distance * room)[used]
        return float(profile(mu, columns, counts, free=free)[0]) - 1.0

    return float(brentq(excess, 0.0, 1.0, xtol=1e-12, rtol=1e-8)) * room if excess(1.0) > 0 else None


def fits(slope: Array, columns: Array, mu: Array, free: int, toys: int, seed: int) -> Array:
    """Fitted distances from the truth (toys,) in Poisson data, the parameter and all free nuisances unbounded.

    With a free normalisation c the model is c (mu_0 + d slope): linear in c and c d, so every fit is a convex minimum.

    Parameters
    ----------
    slope, mu : array (n,)
    columns : array (n, k)
        The free nuisances first.
    free, toys, seed : int
    """
    size = float(np.sqrt((slope**2 / mu).sum()))
    together = np.concatenate([slope[:, None] / size, columns], 1)
    rng = np.random.default_rng(seed)
    batch = max(1, _BATCH // len(mu))
    found = []
    for start in range(0, toys, batch):
        counts = rng.poisson(mu, (min(batch, toys - start), len(mu))).astype(float)
        x = profile(mu, together, counts, free=1 + free)[1]
        found.append(x[:, 0] / size / (1 + x[:, 1] if free else 1.0))
    return np.concatenate(found)
