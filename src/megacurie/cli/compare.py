"""``megacurie compare``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from megacurie.cli.options import Conventions, CrossSection, Json, Output, check_output, emit, emit_json, hypothesis


def compare(
    card: Annotated[list[str] | None, typer.Argument(help="Experiments: files or built-in cards.", metavar="[CARD]...")] = None,
    name: Annotated[list[str] | None, typer.Option("--hypothesis", "-H", help="Only these explanations; may be repeated.")] = None,
    cross_section: CrossSection = "bahcall-1997",
    conventions: Conventions = "schwetz-2023",
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Explanation x experiment: each explanation fitted to gallium, what it predicts elsewhere, and which experiment tells two of them apart."""
    if output is not None:
        check_output(output)
    from rich.console import Console

    from megacurie.experiments import cards
    from megacurie.studies import explanations, gallium

    experiments = [cards.load(one) for one in card or explanations.EXPERIMENTS]
    data = gallium.datasets(cross_section=cross_section, conventions=conventions)
    chosen = None if name is None else [hypothesis(one) for one in name]
    with Console(stderr=True).status("fitting") as status:
        whys = explanations.explanations(data, chosen, progress=lambda one: status.update(f"fitting {one}") if sys.stderr.isatty() else None)
    result = explanations.compare(experiments, whys)
    if as_json:
        emit_json({"data": list(data.names), "cross_section": cross_section, "conventions": conventions, **result.to_dict()}, output)
    else:
        emit(str(result), output)
