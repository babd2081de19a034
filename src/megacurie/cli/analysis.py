"""``megacurie predict``, ``fit`` and ``scan``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from megacurie.cli.options import (
    Conventions,
    CrossSection,
    HypothesisName,
    Json,
    Output,
    Settings,
    check_output,
    emit,
    emit_json,
    hypothesis,
    read_axis,
    read_parameters,
    split_settings,
    warn,
)
from megacurie.foundation.errors import DataError

if TYPE_CHECKING:
    from megacurie.studies.gallium import Datasets

Data = Annotated[list[str], typer.Argument(help="gallium, best, sage-cr ..., or a card with a [measurement] table.", metavar="DATA...")]

_POINTS = 10_000_000  # of a scan: what memory holds


def predict(
    card: Annotated[str, typer.Argument(help="A file or the name of a built-in card.", metavar="CARD")],
    name: HypothesisName = "no-oscillation",
    settings: Settings = None,
    days: Annotated[list[float] | None, typer.Option("--days", help="Events in so many days from the reference time; may be repeated.")] = None,
    as_json: Json = False,
    output: Output = None,
) -> None:
    """What an experiment must see: mean paths, rates, counts and the ratio to no new physics."""
    if output is not None:
        check_output(output)
    from megacurie.experiments import cards
    from megacurie.foundation.units import day
    from megacurie.studies import prediction

    on_card, texts = split_settings(settings)
    chosen = hypothesis(name)
    theta = read_parameters(chosen.parameters, texts, every=True)
    wrong = [value for value in days or () if not 0 < value < math.inf]
    if wrong:
        raise DataError(f"--days {wrong[0]}: expected a positive number of days, such as --days 30")
    experiment = cards.load(card, on_card)
    result = prediction.predict(experiment, chosen, theta, days=[value * day for value in days or ()])
    warn(experiment.warnings)
    if as_json:
        emit_json({**result.to_dict(), "card": card}, output)
    else:
        emit(str(result), output)


def _datasets(data: list[str], cross_section: str, conventions: str, on_card: dict[str, str]) -> Datasets:
    from megacurie.studies import gallium

    return gallium.datasets(only=data, cross_section=cross_section, conventions=conventions, settings=on_card)


def _about(datasets: Datasets, name: str) -> dict[str, Any]:
    return {"data": list(datasets.names), "hypothesis": name, "cross_section": datasets.cross_section, "conventions": datasets.conventions}


def fit(
    data: Data,
    name: HypothesisName,
    settings: Settings = None,
    cross_section: CrossSection = "bahcall-1997",
    conventions: Conventions = "schwetz-2023",
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Fit a hypothesis to data: the global minimum, every other one near it, significance; --set fixes a parameter."""
    if output is not None:
        check_output(output)
    from megacurie.statistics import inference

    on_card, texts = split_settings(settings)
    chosen = hypothesis(name)
    datasets = _datasets(data, cross_section, conventions, on_card)
    result = inference.fit(datasets.likelihood(chosen), fixed=read_parameters(chosen.parameters, texts, every=False))
    if as_json:
        emit_json({**_about(datasets, name), **result.to_dict()}, output)
    else:
        emit(f"{', '.join(datasets.names)}: {name} (cross section {cross_section}, conventions {conventions})\n{result}", output)


def scan(
    data: Data,
    name: HypothesisName,
    axis: Annotated[list[str], typer.Option("--axis", help='"dm2=0.1 eV2:30 eV2:61:log"; once per axis.', metavar="NAME=LOW:HIGH:POINTS[:log]")],
    settings: Settings = None,
    sigma: Annotated[list[float] | None, typer.Option("--sigma", help="Level of a region, in sigma; may be repeated.")] = None,
    level: Annotated[list[float] | None, typer.Option("--cl", help="Level of a region, as a probability; may be repeated.")] = None,
    cross_section: CrossSection = "bahcall-1997",
    conventions: Conventions = "schwetz-2023",
    as_json: Json = False,
    output: Output = None,
) -> None:
    """chi2 on a grid, the other parameters profiled; regions under Wilks' theorem."""
    if output is not None:
        check_output(output)
    from megacurie.report.listings import scan_table
    from megacurie.statistics import inference

    on_card, texts = split_settings(settings)
    chosen = hypothesis(name)
    fixed = read_parameters(chosen.parameters, texts, every=False)
    axes = dict(read_axis(text, chosen.parameters) for text in axis)
    if len(axes) < len(axis):
        raise DataError("two --axis of the same parameter: expected each once")
    if (points := math.prod(map(len, axes.values()))) > _POINTS:
        raise DataError(f"{points} points on the grid of all --axis: expected at most {_POINTS}")
    datasets = _datasets(data, cross_section, conventions, on_card)
    likelihood = datasets.likelihood(chosen)
    result = inference.scan(likelihood, axes, fixed=fixed)
    lowest = inference.fit(likelihood, fixed=fixed).chi2  # regions are about the best fit, which a coarse grid may miss
    regions = [result.region(sigma=s, minimum=lowest) for s in (sigma or ([] if level else [1, 2, 3]))]
    regions += [result.region(confidence=c, minimum=lowest) for c in level or ()]
    if as_json:
        emit_json({**_about(datasets, name), **result.to_dict(), "chi2_best_fit": lowest, "thresholds": {r.label: r.threshold for r in regions}}, output)
    else:
        emit(f"{', '.join(datasets.names)}: {name} (cross section {cross_section}, conventions {conventions})\n{scan_table(result, regions)}", output)
