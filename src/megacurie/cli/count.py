"""``megacurie count``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from megacurie.cli.options import Json, Output, check_output, emit, emit_json

if TYPE_CHECKING:
    from megacurie.radiochemistry.campaign import Campaign


def count(
    campaign: Annotated[str, typer.Argument(help="A folder with campaign.toml, exposures.csv and countings.csv, or best-2022.", metavar="CAMPAIGN")],
    zone: Annotated[list[str] | None, typer.Option("--zone", help="Only this zone; may be repeated.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Read the files, say what is wrong in them or what they hold, and stop.")] = False,
    as_json: Json = False,
    output: Output = None,
) -> None:
    """From decays to a rate: every extraction of a radiochemical campaign, combined and divided by the expected rate."""
    if output is not None:
        check_output(output)
    from megacurie.radiochemistry import tables
    from megacurie.report import campaigns
    from megacurie.studies import radiochemistry

    found = _load(campaign)
    if check:
        (emit_json(campaigns.contents(found), output) if as_json else emit(str(campaigns.summary(found)), output))
        return
    result = radiochemistry.published(campaign, zone or ()) if campaign in tables.names() else radiochemistry.measure(found, zone or ())
    (emit_json(result.to_dict(), output) if as_json else emit(str(result), output))


def _load(name: str) -> Campaign:
    from megacurie.foundation.errors import DataError
    from megacurie.radiochemistry import files, tables

    if name in tables.names():
        return tables.built_in(name)
    if not Path(name).exists():
        raise DataError(f"{name}: neither a folder nor a published campaign. Published: {', '.join(tables.names())}")
    return files.read(name)
