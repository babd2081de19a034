"""``megacurie reproduce``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from megacurie.cli.options import Json, Output, check_output, emit, emit_json

if TYPE_CHECKING:
    from megacurie.studies.published import Reproduction


def reproduce(
    ids: Annotated[list[str] | None, typer.Argument(help="Rows, or beginnings of their names up to a dot: giunti-2022.ratio", metavar="[ID]...")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also the rows that need more than two seconds.")] = False,
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Published numbers beside computed ones: deviation and reason. Exit 1 if a row fails."""
    if output is not None:
        check_output(output)
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from megacurie.studies.published import reproduce as compute

    with Progress(
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task("reproducing", total=None)
        result = compute(ids or (), slow=everything, progress=lambda i, n, name: bar.update(task, completed=i, total=n, description=name))
    if as_json:
        emit_json(result.to_dict(), output)
    else:
        emit(_text(result), output)
    if result.summary["failed"]:
        raise typer.Exit(1)


def _text(result: Reproduction) -> str:
    from megacurie.report.listings import reproduction

    return reproduction(result)
