"""Explanation x experiment: each explanation fitted to the gallium data, what it predicts elsewhere, and which experiment tells two of them apart."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from megacurie.experiments.expectation import Expectation
from megacurie.experiments.experiment import Experiment
from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.display import Table
from megacurie.foundation.errors import DataError
from megacurie.physics import hypotheses as h
from megacurie.statistics import inference
from megacurie.statistics.covariance import whitening
from megacurie.statistics.likelihood import Likelihood
from megacurie.statistics.results import Fit
from megacurie.studies import gallium
from megacurie.studies.expected import LEAST, expected_counts

DEFAULT: tuple[type[h.Hypothesis], ...] = (
    h.NoOscillation,
    h.CrossSectionScale,
    h.ExcitedStateStrength,
    h.Ge71HalfLife,
    h.ActivityScale,
    h.BranchingRatioShift,
    h.ExtractionEfficiency,
    h.CountingEfficiency,
    h.Sterile,
    h.Sterile2,
    h.EnergyDependentMixing,
    h.WavePacketSterile,
    h.DecayingSterile,
    h.BroadSterile,
    h.LargeExtraDimension,
    h.CptViolation,
    h.Decoherence,
)
"""In the order of the table: wrong input, lost atoms, sterile neutrinos and their kin, active conversion."""

EXPERIMENTS = ("best", "jne-500t-cr51-center", "lif7-cr51")
"""Cards of the default comparison: capture, electron scattering, coherent scattering."""

_NEAR, _THROWN = 4, 8000  # cells of the grid within this Delta chi2, and points thrown into them
_POINTS = {0: (1, 1), 1: (401, 401), 2: (161, 81), 3: (41, 17), 4: (17, 7)}  # free parameters -> points on a log and on a linear scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One explanation with its fit to the gallium data.

    Attributes
    ----------
    hypothesis : Hypothesis
    fit : Fit
    allowed : dict of str to array (k,)
        Points of a grid with Delta chi2 <= 1, the best fit first: the range of a prediction is its range over them.
    """

    hypothesis: h.Hypothesis
    fit: Fit
    allowed: Mapping[str, Array]

    @property
    def name(self) -> str:
        """Name of the hypothesis."""
        return self.hypothesis.name

    @property
    def best(self) -> Mapping[str, float]:
        """Best fit, internal units."""
        return self.fit.best


def explanations(
    data: gallium.Datasets | None = None, hypotheses: Sequence[h.Hypothesis] | None = None, progress: Callable[[str], None] | None = None
) -> tuple[Explanation, ...]:
    """Each hypothesis fitted to the gallium data.

    Parameters
    ----------
    data : Datasets, optional
        By default all six measurements.
    hypotheses : sequence of Hypothesis, optional
        By default those of ``DEFAULT``.
    progress : callable (name), optional

    Examples
    --------
    >>> from megacurie.physics.hypotheses import ActivityScale
    >>> why, = explanations(hypotheses=[ActivityScale()])
    >>> print(f"{why.best['activity']:.2f}")
    0.80
    """
    data = gallium.datasets() if data is None else data
    found = []
    for hypothesis in [one() for one in DEFAULT] if hypotheses is None else hypotheses:
        if progress is not None:
            progress(hypothesis.name)
        likelihood = data.likelihood(hypothesis)
        fit = inference.fit(likelihood)
        found.append(Explanation(hypothesis=hypothesis, fit=fit, allowed=_allowed(likelihood, fit)))
    return tuple(found)


def _allowed(likelihood: Likelihood, fit: Fit) -> dict[str, Array]:
    """The best fit, and points with Delta chi2 <= 1: of a grid, and thrown into the cells of the grid near the minimum, which a coarse grid steps over."""
    free = [p for p in likelihood.parameters if p.name not in fit.fixed]
    best = {name: np.array([value]) for name, value in fit.best.items()}
    if not free:
        return best
    log, linear = _POINTS[len(free)]
    axes = [np.linspace(0, 1, log if p.scale == "log" else linear) for p in free]
    held = {name: fit.best[name] for name in fit.fixed}
    chi2 = inference.scan(likelihood, {p.name: np.asarray(p.at(u)) for p, u in zip(free, axes, strict=True)}, fixed=held).chi2
    steps = np.array([u[1] for u in axes])
    near = np.argwhere(chi2 <= fit.chi2 + _NEAR) * steps
    rng = np.random.default_rng(1)  # the same points each time
    cells = near[rng.integers(len(near), size=_THROWN)] if len(near) else np.zeros((0, len(free)))
    thrown = np.clip(cells + rng.uniform(-1, 1, cells.shape) * steps, 0, 1)
    inside = thrown[likelihood.minus_two_log({**{p.name: np.asarray(p.at(u)) for p, u in zip(free, thrown.T, strict=True)}, **held}) <= fit.chi2 + 1]
    points = np.concatenate([np.argwhere(chi2 <= fit.chi2 + 1) * steps, inside])
    moved = {p.name: np.asarray(p.at(u)) for p, u in zip(free, points.T, strict=True)}
    return {name: np.append(best[name], moved.get(name, np.full(len(points), value))) for name, value in fit.best.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What one explanation predicts for one experiment: ratio to no new physics of all zones together with its range, and zone by zone at the best fit."""

    ratio: float
    low: float
    high: float
    zones: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The table explanation x experiment.

    Attributes
    ----------
    explanations : tuple of Explanation
    experiments : tuple of str
    expected : dict of (explanation, experiment) to Expected
    separation : dict of experiment to dict of (explanation, explanation) to float or None
        In sigma, for the experiment's statistics and stated systematics; None where it has no statistics.
    errors : dict of experiment to str
        What the separation counts with.
    references : frozenset of str
    """

    explanations: tuple[Explanation, ...]
    experiments: tuple[str, ...]
    expected: Mapping[tuple[str, str], Expected]
    separation: Mapping[str, Mapping[tuple[str, str], float | None]]
    errors: Mapping[str, str]
    references: frozenset[str]

    def to_dict(self) -> dict[str, Any]:
        """JSON: explanations with fit and predicted ratios, separations by experiment."""
        return {
            "experiments": list(self.experiments),
            "explanations": [
                {
                    "name": why.name,
                    "best": {p.json_key: units.to_display(why.best[p.name], p.unit) for p in why.fit.parameters},
                    "chi2": why.fit.chi2,
                    "dof": why.fit.dof,
                    "p_value": why.fit.p_value,
                    "delta_chi2": why.fit.delta_chi2,
                    "ratios": {
                        name: {"ratio": one.ratio, "low": one.low, "high": one.high, "zones": one.zones.tolist()}
                        for name in self.experiments
                        for one in (self.expected[why.name, name],)
                    },
                }
                for why in self.explanations
            ],
            "separation_sigma": {name: [{"between": list(pair), "sigma": sigma} for pair, sigma in self.separation[name].items()] for name in self.experiments},
            "errors": dict(self.errors),
        }

    def table(self) -> Table:
        """Rows of what a person reads: chi2 and p of each explanation, and the ratio it predicts."""
        rows = []
        for why in self.explanations:
            cells = []
            for name in self.experiments:
                one = self.expected[why.name, name]
                spread = f" ({one.low:.3f} to {one.high:.3f})" if one.high - one.low > 5e-4 else ""
                cells.append(f"{one.ratio:.3f}{spread}")
            p = "" if why.fit.p_value is None else f"{why.fit.p_value:.2g}"
            rows.append((why.name, f"{why.fit.chi2:.1f}", p, f"{max(why.fit.delta_chi2, 0.0):.1f}", *cells))
        notes = ["ratio to no new physics at the best fit to gallium; in brackets its range for Delta chi2 <= 1"]
        for name in self.experiments:
            # between explanations that the gallium data allow: the others are told apart already
            fits = {why.name for why in self.explanations if why.fit.p_value is None or why.fit.p_value > 0.01}
            known = {pair: sigma for pair, sigma in self.separation[name].items() if sigma is not None and fits.issuperset(pair)}
            if known:
                (a, b), most = max(known.items(), key=lambda item: item[1])
                notes.append(f"{name}: of those that fit, tells {a} from {b} best, at {most:.1f} sigma ({self.errors[name]})")
            else:
                notes.append(f"{name}: {self.errors[name]}")
        return Table(title="Explanation x experiment", head=("explanation", "chi2", "p", "preference", *self.experiments), rows=tuple(rows), notes=tuple(notes))

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def compare(experiments: Sequence[Experiment], whys: Sequence[Explanation] | None = None) -> Comparison:
    """What each explanation predicts for each experiment, and how far apart any two are there.

    Parameters
    ----------
    experiments : sequence of Experiment
    whys : sequence of Explanation, optional
        By default all of ``explanations()``.

    Examples
    --------
    >>> import megacurie as mci
    >>> table = compare([mci.load("best")], explanations(hypotheses=[mci.NoOscillation(), mci.ActivityScale()]))
    >>> print(f"{table.expected['activity-scale', 'BEST'].ratio:.2f}")
    0.80
    """
    whys = explanations() if whys is None else tuple(whys)
    for what, given in (("experiments", [experiment.name for experiment in experiments]), ("explanations", [why.name for why in whys])):
        if len(set(given)) < len(given):
            raise DataError(f"{what} {', '.join(given)}: expected each once, under a name of its own")
    expected: dict[tuple[str, str], Expected] = {}
    separation: dict[str, dict[tuple[str, str], float | None]] = {}
    errors: dict[str, str] = {}
    for experiment in experiments:
        # the data may have been fitted with a kernel of longer reach than the experiment's own
        reach = max([experiment.reach, *(why.hypothesis.phase(why.allowed) * 4 * units.hbarc for why in whys)])
        kernel = replace(experiment.counting(), backgrounds=()).kernel(dm2_max=reach)
        null = kernel.without_new_physics()
        for why in whys:
            counts = Expectation(kernel, why.hypothesis)(why.allowed)
            counts = np.broadcast_to(counts, (max(len(v) for v in why.allowed.values()) if why.allowed else 1, len(null)))
            total = counts.sum(-1) / null.sum()
            expected[why.name, experiment.name] = Expected(ratio=float(total[0]), low=float(total.min()), high=float(total.max()), zones=counts[0] / null)
        apart, errors[experiment.name] = _separation(experiment, whys, expected, reach)
        separation[experiment.name] = {(a.name, b.name): apart(a.name, b.name) for a, b in itertools.combinations(whys, 2)}
    references = frozenset().union(*(why.fit.references for why in whys), *(experiment.references for experiment in experiments))
    names = tuple(experiment.name for experiment in experiments)
    return Comparison(explanations=tuple(whys), experiments=names, expected=expected, separation=separation, errors=errors, references=references)


def _separation(
    experiment: Experiment, whys: Sequence[Explanation], expected: Mapping[tuple[str, str], Expected], reach: float
) -> tuple[Callable[[str, str], float | None], str]:
    """How far apart the best fits of two explanations are, in sigma; and what that counts with, in words."""
    known = np.array([0.5 * sum(experiment.relative_errors(zone)) for zone in experiment.zones])
    systematics = f"cross section and activity to {100 * known.max():.1f} %"
    published = experiment.published
    if published is not None and published.predicted:
        statistics = np.array([0.5 * (published.plus[z.name] + published.minus[z.name]) / published.predicted[z.name] for z in experiment.zones])
        white = whitening(statistics, np.stack([known, *(pull.shape for pull in published.pulls)], -1))
        places = {why.name: expected[why.name, experiment.name].zones for why in whys}
        return lambda a, b: float(np.linalg.norm(white(places[a] - places[b]))), f"statistics as measured, {systematics}"
    if experiment.quantity != "counts":
        return lambda a, b: None, "no statistics: give the card a [schedule] or a [measurement]"
    counts = expected_counts(experiment)
    per_zone = len(counts.signal) // len(experiment.zones)
    columns = np.concatenate([counts.normalisations(), (np.repeat(known, per_zone) * counts.signal)[:, None]], 1)
    white = whitening(np.sqrt(np.maximum(counts.signal + counts.background, LEAST)), columns)
    kernel = experiment.kernel(dm2_max=reach)
    seen = {why.name: Expectation(kernel, why.hypothesis)({name: float(values[0]) for name, values in why.allowed.items()}) for why in whys}
    bins = f" in {len(counts.signal)} bins" if len(counts.signal) > len(experiment.zones) else ""
    return lambda a, b: float(np.linalg.norm(white(seen[a] - seen[b]))), f"{counts.signal.sum():.3g} events{bins}, {systematics}"
