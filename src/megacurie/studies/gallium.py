"""The gallium source measurements together: data, conventions, cross-section models, likelihood.

Values are ratios of measured to expected events. A measurement stands in its card relative to the prediction of one cross-section model; another model
scales it by the ratio of the cross sections. The kernel is normalised to 1 without new physics.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from megacurie.experiments.expectation import Expectation, Hypothesis
from megacurie.experiments.experiment import DM2_MAX
from megacurie.experiments.kernel import RateKernel
from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array
from megacurie.foundation.display import Table
from megacurie.foundation.errors import DataError, RangeError, did_you_mean
from megacurie.foundation.measurement import Measurement, Pull
from megacurie.physics.channels.nuclear_capture import NuclearCapture
from megacurie.physics.hypotheses import ActivityScale
from megacurie.physics.sources import Source, source
from megacurie.statistics.covariance import Treatment, covariance
from megacurie.statistics.inference import fit
from megacurie.statistics.likelihood import GaussianLikelihood
from megacurie.studies.entries import Entry, refuse_idle
from megacurie.studies.entries import entries as entries_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasets:
    """Gallium measurements under one cross-section model and one convention.

    Attributes
    ----------
    entries : tuple of Entry
    cross_section, conventions : str
    measurement : Measurement
        Ratios to the prediction of the cross-section model.
    asymmetric : str
        Treatment of asymmetric statistical errors.
    dm2_max, accuracy
        Reach and accuracy of the kernel.
    notes : tuple of str
        What a reader must know: values derived, inputs assumed.
    """

    entries: tuple[Entry, ...]
    cross_section: str
    conventions: str
    measurement: Measurement
    asymmetric: Treatment
    dm2_max: str | float
    accuracy: float
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the measured values."""
        return self.measurement.names

    @property
    def references(self) -> frozenset[str]:
        """Keys of ``references.bib``."""
        return self.measurement.references

    def kernel(self) -> RateKernel:
        """Kernel of all values, 1 without new physics."""
        kernel = None
        for experiment in dict.fromkeys(entry.experiment.name for entry in self.entries):
            one = next(entry.experiment for entry in self.entries if entry.experiment.name == experiment)
            wanted = tuple(one.zones[entry.zone] for entry in self.entries if entry.experiment.name == experiment)
            part = replace(one, zones=wanted).kernel(dm2_max=self.dm2_max, accuracy=self.accuracy)
            part = replace(part.scaled(1 / part.without_new_physics()), references=self.references)
            kernel = part if kernel is None else kernel + part
        assert kernel is not None
        return replace(kernel, labels=self.names)

    def likelihood(self, hypothesis: Hypothesis) -> GaussianLikelihood:
        """The likelihood of a hypothesis.

        Examples
        --------
        >>> from megacurie.physics.hypotheses import NoOscillation
        >>> print(f"{datasets(cross_section='schwetz-cs1', only=['best']).likelihood(NoOscillation()).null():.1f}")
        32.2
        """
        return GaussianLikelihood(Expectation(self.kernel(), hypothesis), self.measurement, asymmetric=self.asymmetric)

    def subset(self, names: Sequence[str]) -> Datasets:
        """Some of the measured values, under the same model and convention.

        Raises
        ------
        DataError
            If a name is not one of them, with the nearest.
        """
        for name in names:
            if name not in self.names:
                raise DataError(f"no data {name!r}. {did_you_mean(name, self.names)}")
        keep = [i for i, name in enumerate(self.names) if name in names]
        m = self.measurement
        part = replace(
            m, names=tuple(m.names[i] for i in keep), values=m.values[keep], plus=m.plus[keep], minus=m.minus[keep], reference=m.reference[keep],
            pulls=tuple(replace(pull, shape=pull.shape[keep]) for pull in m.pulls if pull.shape[keep].any()),
        )  # fmt: skip
        return replace(self, entries=tuple(self.entries[i] for i in keep), measurement=part)

    def covariance(self) -> Array:
        """Covariance matrix (n, n) of the ratios at a prediction of 1."""
        return covariance(self.measurement, self.measurement.reference, self.asymmetric)

    def table(self) -> Table:
        """Measured, predicted, ratio, pull and source of each value."""
        m = self.measurement
        total = np.sqrt(np.diag(self.covariance()))
        rows = []
        for i, entry in enumerate(self.entries):
            published, zone = entry.published, entry.zone_name
            unit, size = ("1/d", 1 / units.day) if published.quantity == "rate" else ("", 1.0)
            measured = f"{published.value[zone] / size:.4g} +{published.plus[zone] / size:.2g} -{published.minus[zone] / size:.2g} {unit}".strip()
            predicted = published.predicted.get(zone)
            dagger = "†" if NuclearCapture(model=self.cross_section).derived(entry.experiment.source) else ""
            rows.append(
                (
                    entry.name,
                    entry.experiment.source.nuclide,
                    measured,
                    "" if predicted is None else f"{predicted / size:.4g} {unit}".strip(),
                    f"{m.values[i]:.3f} +- {0.5 * (m.plus[i] + m.minus[i]):.3f}{dagger}",
                    f"{(m.values[i] - 1) / total[i]:+.1f}",
                    published.ref,
                )
            )
        head = ("measurement", "source", "measured", "predicted", "ratio", "sigma from 1", "reference")
        title = f"Gallium source measurements (cross section {self.cross_section}, conventions {self.conventions})"
        return Table(title=title, head=head, rows=tuple(rows), notes=(f"statistical errors enter as: {self.asymmetric}", *self.notes))

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def conventions() -> tuple[str, ...]:
    """Names of the conventions.

    Examples
    --------
    >>> "giunti-2022" in conventions()
    True
    """
    return tuple(key for key, item in provenance.load("conventions").items() if isinstance(item, Mapping))


def datasets(
    *,
    only: Sequence[str] | None = None,
    cross_section: str = "bahcall-1997",
    conventions: str = "schwetz-2023",
    settings: Mapping[str, str] | None = None,
    cross_section_error: bool = True,
    dm2_max: str | float = DM2_MAX,
    accuracy: float = 1e-4,
) -> Datasets:
    """The gallium measurements under a cross-section model and a convention.

    Parameters
    ----------
    only : list of str
        Measurements (``best-inner``), experiments (``best``, ``sage-cr``), the group ``gallium``, or experiment files with a [measurement] table.
    cross_section : str
        Model to which the ratios are relative; ``nuclear_capture.models()`` lists them.
    conventions : str
        How errors are put together; ``conventions()`` lists them.
    settings : dict of str to str
        Keys of the cards to change.
    cross_section_error : bool
        False takes the model as exact, for ``envelope``: its error is left out, whatever the convention says of it.
    dm2_max, accuracy
        Reach and accuracy of the kernel.

    Raises
    ------
    DataError
        Unknown measurement, model or convention, with the nearest name; two experiments of one name.
    CardError
        A file with mistakes.

    Examples
    --------
    >>> print(datasets(only=["best"]).names)
    ('best-inner', 'best-outer')
    """
    rules = _rules(conventions)
    if not cross_section_error:
        rules = {**rules, "cross_section_error": "none"}
    capture = NuclearCapture(model=cross_section)
    if settings:
        refuse_idle(tuple(only or ("gallium",)), capture, settings)
    entries = entries_of(tuple(only or ("gallium",)), capture, settings)
    inputs = rules.get("inputs", {})
    values, plus, minus, notes = [], [], [], []
    pulls: dict[tuple[str, Literal["reference", "prediction"]], Array] = {}
    used: set[str] = set()
    for i, entry in enumerate(entries):
        published, zone, source = entry.published, entry.zone_name, entry.experiment.source
        model = NuclearCapture(model=published.cross_section)
        scale = model.average(source).value / capture.average(source).value
        own = inputs.get(entry.name)
        if own is not None:
            value, up, down = own.value, own.plus, own.minus
            used |= own.references
        else:
            if zone not in published.predicted:
                missing = " and ".join(entry.experiment.missing)
                raise DataError(f"{entry.name}: a measured {published.quantity} without a prediction: expected measurement.predicted, or {missing}")
            reference = published.predicted[zone]
            value, up, down = (x[zone] / reference for x in (published.value, published.plus, published.minus))
        for pull in published.pulls if own is None or rules["systematic"] != "included" else ():
            shift = float(pull.shape[entry.zone]) * scale
            if rules["systematic"] == "quadrature":
                up, down = (math.hypot(x, shift / scale) for x in (up, down))
            else:
                pulls.setdefault((pull.name, pull.of), np.zeros(len(entries)))[i] = shift
        extra = _residual(rules, capture, entry, value * scale)
        values.append(value * scale)
        plus.append(math.hypot(up * scale, extra))
        minus.append(math.hypot(down * scale, extra))
        if capture.derived(source):
            notes.append(f"† {entry.name}: {cross_section} has no value for {source.nuclide}; Bahcall's ratio to 51Cr is taken")
    shifts = [Pull(name=name, shape=shape, of=of) for (name, of), shape in pulls.items()]
    common = _cross_section_pull(rules, capture, entries, np.array(values))
    references = frozenset().union(*(entry.experiment.references | capture.references(entry.experiment.source) for entry in entries), used, {rules["ref"]})
    if not cross_section_error:
        notes.append(f"cross section {cross_section} is taken as exact")
    if rules["status"] == "assumed":
        notes.append(f"† conventions {conventions}: {rules.get('note', rules['what'])}")
    measurement = Measurement(
        names=tuple(entry.name for entry in entries), values=np.array(values), plus=np.array(plus), minus=np.array(minus), reference=np.ones(len(entries)),
        pulls=(*shifts, *common), references=references,
    )  # fmt: skip
    return Datasets(
        entries=entries, cross_section=cross_section, conventions=conventions, measurement=measurement, asymmetric=rules["asymmetric"], dm2_max=dm2_max,
        accuracy=accuracy, notes=tuple(notes),
    )  # fmt: skip


def _rules(name: str) -> Mapping[str, Any]:
    if name not in conventions():
        raise DataError(f"no conventions {name!r}. {did_you_mean(name, conventions())}")
    rules: Mapping[str, Any] = provenance.look_up(f"conventions.{name}")
    return rules


def _error(rules: Mapping[str, Any], capture: NuclearCapture, source: Source) -> float:
    """Relative error of the cross section under the rules."""
    up, down = capture.relative_errors(source)
    which: str = rules["cross_section_error"]
    return {"upper": up, "lower": down, "none": 0.0}[which] if which != "relative" else float(rules["cross_section_relative"].value)


def _base(rules: Mapping[str, Any], values: Any) -> Any:
    """What a shift is relative to, in units of the prediction without new physics."""
    return values if rules["cross_section_of"] == "measured" else 1.0


def _residual(rules: Mapping[str, Any], capture: NuclearCapture, entry: Entry, value: float) -> float:
    """The part of the error of 37Ar that is not common with 51Cr, where the rules keep it apart."""
    if rules["cross_section_argon"] != "residual":
        return 0.0
    own, common = _error(rules, capture, entry.experiment.source), _error(rules, capture, source("51Cr"))
    return math.sqrt(max(own**2 - common**2, 0.0)) * float(_base(rules, value))


def _cross_section_pull(rules: Mapping[str, Any], capture: NuclearCapture, entries: tuple[Entry, ...], values: Array) -> tuple[Pull, ...]:
    nuclides = [source("51Cr") if rules["cross_section_argon"] == "residual" else entry.experiment.source for entry in entries]
    errors = np.array([_error(rules, capture, one) if entry.published.cross_section_error else 0.0 for one, entry in zip(nuclides, entries, strict=True)])
    if not errors.any():
        return ()
    low = -math.inf
    if rules["bound"] == "ground-state":
        low = max((capture.ground_ratio(one) - 1) / error for one, error in zip(nuclides, errors, strict=True) if error)
    of: Literal["reference", "prediction"] = "prediction" if rules["cross_section_of"] == "prediction" else "reference"
    return (Pull(name="channel:ga71", shape=errors * _base(rules, values), of=of, low=low),)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanRatio:
    """The common ratio R-bar of several measurements, and its distance from 1.

    Attributes
    ----------
    value, plus, minus : float
        Best common factor on the prediction and its Delta chi2 = 1 interval.
    chi2 : float
    significance : float
        sqrt(chi2(1) - chi2_min).
    """

    value: float
    plus: float
    minus: float
    chi2: float
    significance: float


def mean_ratio(data: Datasets) -> MeanRatio:
    """R-bar: the factor on every expectation that fits best.

    Examples
    --------
    >>> print(f"{mean_ratio(datasets(conventions='giunti-2022')).value:.3f}")
    0.805
    """
    result = fit(data.likelihood(ActivityScale()))
    low, high = result.intervals["activity"]
    best = result.best["activity"]
    if low is None or high is None:
        raise RangeError("R-bar: its interval reaches the bounds 0.5 to 1.5")
    return MeanRatio(value=best, plus=high - best, minus=best - low, chi2=result.chi2, significance=result.significance["wilks_1"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The state of the anomaly after one more experiment: its card, the year of its source, and R-bar of all up to then."""

    experiment: str
    year: int
    mean: MeanRatio


def history(data: Datasets) -> tuple[Step, ...]:
    """R-bar and its significance after each experiment, in the order of their sources' dates.

    Examples
    --------
    >>> [step.experiment for step in history(datasets(only=["sage-cr", "best"]))]
    ['SAGE-Cr', 'BEST']
    """
    dates = {one.experiment.name: one.experiment.source.history.reference_time if one.experiment.source.history else "" for one in data.entries}
    undated = [name for name, date in dates.items() if not date]
    if undated:
        raise DataError(f"{undated[0]}: source.at is missing; expected the date of the source, by which experiments are ordered")
    steps, so_far = [], set()
    for name in sorted(dates, key=dates.__getitem__):
        so_far.add(name)
        part = data.subset([entry.name for entry in data.entries if entry.experiment.name in so_far])
        steps.append(Step(experiment=name, year=int(dates[name][:4]), mean=mean_ratio(part)))
    return tuple(steps)
