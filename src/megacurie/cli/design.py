"""``megacurie design``: what an experiment can tell, and what it takes."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from megacurie.cli.options import Json, Output, Settings, check_output, emit, emit_json, hypothesis, progress, read_axis, read_values, split_settings, warn
from megacurie.foundation.errors import DataError

if TYPE_CHECKING:
    from megacurie.experiments.experiment import Experiment
    from megacurie.studies.variation import Result, Variation

_DRAWN = (".pdf", ".svg", ".png")


def design(
    card: Annotated[str, typer.Argument(help="A file or the name of a built-in card.", metavar="CARD")],
    deficit: Annotated[float | None, typer.Option(help="Relative deficit to find or exclude; 0.2 unless something else is asked for.")] = None,
    sigma: Annotated[float, typer.Option(help="Significance that activity, cut and days are given for.")] = 5.0,
    rule: Annotated[list[str] | None, typer.Option(help="Of the required activity: published, hole, optimal; may be repeated.")] = None,
    measure: Annotated[str | None, typer.Option(help="Precision instead: flux, branching-ratio, sin2thetaW, magnetic-moment or axial-strength.")] = None,
    slices: Annotated[int, typer.Option(help="With --measure: parts in time of each exposure, fitted together.")] = 1,
    toys: Annotated[int, typer.Option(help="With --measure: toy experiments fitted beside.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the toys.")] = 1,
    vary: Annotated[
        str | None,
        typer.Option(
            help="The same for several values: activity, days, mass, distance, threshold, resolution, angular.", metavar="NAME[=LOW:HIGH:POINTS[:log]]"
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--hypothesis", "-H", help="Exclusion of a hypothesis from distance and recoil instead.")] = None,
    axis: Annotated[
        list[str] | None,
        typer.Option("--axis", help="With -H: once per axis; none gives the curve in the first parameter.", metavar="NAME=LOW:HIGH:POINTS[:log]"),
    ] = None,
    level: Annotated[float, typer.Option("--cl", help="With -H: confidence level.")] = 0.95,
    settings: Settings = None,
    as_json: Json = False,
    output: Output = None,
) -> None:
    """What a source in a detector can tell: a deficit found or excluded, activity and days needed, precision, reach.

    With --vary and -o FILE.pdf, .svg or .png the variation is drawn, and its numbers and caption are written beside.
    """
    if output is not None:
        check_output(output)
    drawn = output if output is not None and output.suffix.lower() in _DRAWN else None
    if drawn is not None and (as_json or vary is None):
        raise DataError(f"-o {output}: a figure is drawn of what varies: expected --vary NAME without --json. For text or JSON name a file such as design.json")
    asked = [option for option, given in (("--deficit", deficit), ("--measure", measure), ("-H", name)) if given is not None]
    if len(asked) > 1:
        raise DataError(f"{' and '.join(asked)}: expected one of the three")
    if axis and name is None:
        raise DataError("--axis: expected with -H, whose parameters it spans")
    for option, given, fits in (("--vary", vary, name is None), ("--rule", rule, name is None and measure is None)):
        if given and not fits:
            raise DataError(f"{option}: nothing to {'-H' if name is not None else '--measure'}; leave one of them out")
    if toys and measure is None:
        raise DataError("--toys: expected with --measure")
    if slices != 1 and measure is None:
        raise DataError("--slices: expected with --measure")
    if not 1 <= slices <= 1000:
        raise DataError(f"--slices {slices}: expected 1 to 1000")
    if not 0 <= toys <= 1_000_000:
        raise DataError(f"--toys {toys}: expected 0 to 1000000")
    on_card, parameters = split_settings(settings)
    if parameters:
        raise DataError(f"--set {next(iter(parameters))}: expected a key of the card, with a dot")
    from megacurie.studies import design as studies

    result: Any
    if name is not None:
        result = _reach(card, on_card, name, axis or [], level)
    elif measure is not None:
        result = _study(card, on_card, vary, functools.partial(studies.measure, name=measure, slices=slices, toys=toys, seed=seed))
    else:
        rules = tuple(rule or studies.RULES)
        result = _study(card, on_card, vary, functools.partial(studies.deficit, deficit=0.2 if deficit is None else deficit, sigma=sigma, rules=rules))
    if drawn is not None:
        from megacurie.report import designs

        draw = designs.significance if measure is None else designs.precision
        draw({card: result}).save(drawn)
        return
    if as_json:
        emit_json({**result.to_dict(), "card": card}, output)
    else:
        emit(str(result), output)


def _study(card: str, on_card: dict[str, str], vary: str | None, study: Callable[[Experiment], Result]) -> Result | Variation:
    from megacurie.experiments import cards
    from megacurie.studies import variation

    if vary is None:
        experiment = cards.load(card, on_card)
        warn(experiment.warnings)
        return study(experiment)
    name, values = read_values(vary)
    with progress(f"varying {name}") as move:
        return variation.vary(card, name, values, study=study, settings=on_card, progress=move)


def _reach(card: str, on_card: dict[str, str], name: str, axis: list[str], level: float) -> Any:
    from megacurie.experiments import cards
    from megacurie.studies import sensitivity

    if not (0 < level < 1 and math.isfinite(level)):
        raise DataError(f"--cl {level}: expected a probability between 0 and 1")
    chosen = hypothesis(name)
    axes = dict(read_axis(text, chosen.parameters) for text in axis)
    experiment = cards.load(card, on_card)
    warn(experiment.warnings)
    return sensitivity.reach(experiment, chosen, axes, level=level)
