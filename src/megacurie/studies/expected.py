"""Expected events of an experiment, bin by bin, with what is known of them: what design studies scale and compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from megacurie.experiments.expectation import Expectation, Hypothesis
from megacurie.experiments.experiment import Experiment
from megacurie.experiments.kernel import RateKernel
from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import DataError
from megacurie.foundation.measurement import Measurement, Pull
from megacurie.statistics.likelihood import GaussianLikelihood
from megacurie.statistics.poisson import profile

STEADY = 1e-3 * units.eV2
"""dm2 for which nothing oscillates: a kernel of few nodes."""

_FREE = 1e3  # relative error of a background of which nothing is known
LEAST = 1e-9
"""Events of a bin that nothing is expected in: it tells nothing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExpectedCounts:
    """Events over a schedule.

    Attributes
    ----------
    signal : array (n_bins,)
    backgrounds : dict of name to array (n_bins,)
    errors : dict of name to float
        Relative error of each background, infinite where it is free.
    activity_error : float
        Relative.
    tilts : dict of name to (array (n_bins,), float)
        Events by which one more of its index changes a background, and the error of the index.
    off : float
        Time without the source over live time with it; 0 if there is none.
    of_source : frozenset of str
        Backgrounds that the source makes: they grow with its decays and are absent without it.
    """

    signal: Array
    backgrounds: Mapping[str, Array]
    errors: Mapping[str, float]
    activity_error: float
    off: float
    tilts: Mapping[str, tuple[Array, float]] = field(default_factory=dict)
    of_source: frozenset[str] = frozenset()

    @property
    def background(self) -> Array:
        """All backgrounds together (n_bins,)."""
        return sum(self.backgrounds.values(), np.zeros_like(self.signal))

    def scaled(self, *, activity: float = 1.0, decays: float = 1.0, live: float = 1.0) -> ExpectedCounts:
        """With more activity, decays per activity, or live time, by a factor each; the time without the source stays."""
        backgrounds = {name: counts * (activity * decays if name in self.of_source else live) for name, counts in self.backgrounds.items()}
        tilts = {name: (counts * live, error) for name, (counts, error) in self.tilts.items()}
        return replace(self, signal=self.signal * activity * decays, backgrounds=backgrounds, tilts=tilts, off=self.off / live)

    def in_time(self, decays: Array, live: Array) -> ExpectedCounts:
        """The same in parts of the schedule, one after the other, with the shares (k,) of the decays and of the live time in each: (k n_bins,) events."""
        backgrounds = {name: np.outer(decays if name in self.of_source else live, counts).ravel() for name, counts in self.backgrounds.items()}
        tilts = {name: (np.outer(live, counts).ravel(), error) for name, (counts, error) in self.tilts.items()}
        return replace(self, signal=np.outer(decays, self.signal).ravel(), backgrounds=backgrounds, tilts=tilts)

    @property
    def _ambient(self) -> Array:
        """Expected events (n_bins,) of the backgrounds that are there without the source too."""
        return sum((counts for name, counts in self.backgrounds.items() if name not in self.of_source), np.zeros_like(self.signal))

    @property
    def _unknowns(self) -> list[tuple[Array, float]]:
        """What the backgrounds may differ by: events per unit (n_bins,), and the error beforehand, infinite where there is none."""
        rates = [(counts, self.errors[name]) for name, counts in self.backgrounds.items()]
        return [(counts, error) for counts, error in (*rates, *self.tilts.values()) if error > 0 and counts.any()]

    def shifts(self, tested: float = 1.0) -> tuple[Array, Array, int]:
        """Events per sigma of each pull, with and without the source (n_bins, k), and how many of them, the first, are free.

        Free are backgrounds of which nothing is known beforehand. The activity scales ``tested`` times the expected signal.
        """
        known = [error for _, error in self._unknowns]
        order = sorted(range(len(known)), key=lambda i: not np.isinf(known[i]))
        scale = [1.0 if np.isinf(known[i]) else known[i] for i in order]
        columns = [one * self._unknowns[i][0] for one, i in zip(scale, order, strict=True)]
        quiet = [one * self._quiet[i] for one, i in zip(scale, order, strict=True)]
        if self.activity_error:
            columns.append(self.activity_error * tested * self.signal)
            quiet.append(np.zeros_like(self.signal))
        nothing = np.zeros((len(self.signal), 0))
        return np.stack(columns, -1) if columns else nothing, np.stack(quiet, -1) * self.off if quiet else nothing, int(np.isinf(known).sum())

    @property
    def _quiet(self) -> list[Array]:
        """What the unknowns of the backgrounds are in a run without the source that lasts as long."""
        rates = [(counts * (name not in self.of_source), counts, self.errors[name]) for name, counts in self.backgrounds.items()]
        tilts = [(counts, counts, error) for counts, error in self.tilts.values()]
        return [dark for dark, counts, error in (*rates, *tilts) if error > 0 and counts.any()]

    def normalisations(self) -> Array:
        """Events per sigma of independent combinations of the backgrounds (n_bins, k): what was known beforehand and what the run without the source tells.

        The scale factors f of the backgrounds b have the inverse covariance diag(1/error^2) + off sum_i b_i b_i^T / sum(b_i), Gaussian statistics.
        """
        if not self._unknowns:
            return np.zeros((len(self.signal), 0))
        columns = np.stack([counts for counts, _ in self._unknowns], -1)
        quiet = np.stack(self._quiet, -1)
        total = np.maximum(self._ambient, LEAST)[:, None]
        inverse = np.diag([min(error, _FREE) ** -2 for _, error in self._unknowns]) + self.off * quiet.T @ (quiet / total)
        combined: Array = columns @ np.linalg.cholesky(np.linalg.inv(inverse))
        return combined

    def separation(self, seen: float, tested: float) -> float:
        """One-sided significance at which a signal of ``tested`` times the expected one is excluded if ``seen`` times it is there; pulls are profiled.

        Sources
        -------
        Median significance of Asimov data, root of the profile likelihood ratio: G. Cowan et al., arXiv:1007.1727.
        """
        columns, quiet, free = self.shifts(tested)
        counts, mu = (factor * self.signal + self.background for factor in (seen, tested))
        if self.off:  # the same backgrounds, without the source
            dark = self._ambient * self.off
            counts, mu, columns = np.concatenate([counts, dark]), np.concatenate([mu, dark]), np.concatenate([columns, quiet])
        used = mu > 0
        if not used.any():
            return 0.0
        value, _ = profile(mu[used], columns[used], counts[used], free=free)
        return float(np.sqrt(max(float(value), 0.0)))


def steady_kernel(experiment: Experiment) -> RateKernel:
    """A kernel for hypotheses that do not oscillate; with an extended source, whose lines are thrown, to 1e-4."""
    point = all(zone.source_shape is None for zone in experiment.zones)
    return experiment.kernel(dm2_max=STEADY, accuracy=1e-6 if point else 1e-4)


def expected_counts(experiment: Experiment) -> ExpectedCounts:
    """Events over the schedule of an experiment, without new physics.

    Raises
    ------
    DataError
        If no counts follow: activity, material or schedule are missing.

    Examples
    --------
    >>> import megacurie as mci
    >>> print(f"{expected_counts(mci.load('ciuffoli-2025/jne-1t-outside')).signal.sum():.0f}")
    1498
    """
    if experiment.quantity != "counts":
        missing = ", ".join((*experiment.missing, *(() if experiment.schedule else ("schedule",))))
        raise DataError(f"{experiment.name}: no counts follow without {missing}: expected a card that states them")
    backgrounds, tilts = experiment.background_counts(), experiment.background_tilts()
    kernel = steady_kernel(experiment)
    return ExpectedCounts(
        signal=kernel.without_new_physics() - kernel.background, backgrounds=backgrounds, errors={one.name: one.error for one in experiment.backgrounds},
        activity_error=experiment.source.activity_error, off=experiment.source_off / experiment.live,
        of_source=frozenset(one.name for one in experiment.backgrounds if one.per_decay),
        tilts={one.name: (tilts[one.name], one.tilt_error) for one in experiment.backgrounds if one.name in tilts},
    )  # fmt: skip


def asimov(experiment: Experiment, hypothesis: Hypothesis) -> GaussianLikelihood:
    """The likelihood of an experiment that sees just what is expected without new physics.

    Pearson's chi2 with the statistical errors of the expectation, pulls for the activity and the backgrounds: chi2 = s^2 q with a hypothesis affine in s.

    Examples
    --------
    >>> import megacurie as mci
    >>> likelihood = asimov(mci.load("ciuffoli-2025/jne-1t-outside"), mci.Sterile())
    >>> print(f"{likelihood.null():.6f}")
    0.000000
    """
    counts = expected_counts(experiment)
    expectation = Expectation(experiment.kernel(), hypothesis)
    safe = np.maximum(counts.signal + counts.background, LEAST)
    columns = counts.normalisations()
    pulls = [Pull(name=f"{experiment.name}: background {k}", shape=columns[:, k] / safe) for k in range(columns.shape[1])]
    if counts.activity_error:
        pulls.append(Pull(name=f"{experiment.source.nuclide} activity", shape=counts.activity_error * counts.signal / safe))
    measurement = Measurement(
        names=expectation.kernel.labels, values=expectation.null, plus=np.sqrt(safe), minus=np.sqrt(safe), reference=safe, pulls=tuple(pulls),
        references=experiment.references,
    )  # fmt: skip
    return GaussianLikelihood(expectation, measurement)
