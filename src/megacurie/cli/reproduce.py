"""``megacurie reproduce``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from megacurie.cli.options import Json, Output, check_output, emit, emit_json, progress

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
    from megacurie.studies.published import reproduce as compute

    with progress("reproducing") as move:
        result = compute(ids or (), slow=everything, progress=move)
    if as_json:
        emit_json(result.to_dict(), output)
    else:
        emit(_text(result), output)
    if result.summary["failed"]:
        raise typer.Exit(1)


def _text(result: Reproduction) -> str:
    from megacurie.report.listings import reproduction

    return reproduction(result)
