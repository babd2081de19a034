"""``megacurie count``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from megacurie.cli.options import Json, Output, check_output, emit, emit_json

if TYPE_CHECKING:
    from megacurie.radiochemistry.campaign import Campaign
    from megacurie.studies.radiochemistry import CampaignResult


def count(
    campaign: Annotated[
        str, typer.Argument(help="A folder with campaign.toml, exposures.csv and countings.csv, or best-2022.", metavar="[CAMPAIGN]")
    ] = "best-2022",
    zone: Annotated[list[str] | None, typer.Option("--zone", help="Only this zone; may be repeated.")] = None,
    joint: Annotated[bool, typer.Option("--joint", help="Also one ratio to expectation for all zones.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Read the files, say what is wrong in them or what they hold, and stop.")] = False,
    simulate: Annotated[
        Path | None,
        typer.Option("--simulate", help="Write a campaign like this one with events thrown into a new folder, and what they were thrown from beside it."),
    ] = None,
    ratio: Annotated[float | None, typer.Option(help="Of the rate thrown to the expected one, 1 unless given.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the events thrown, 1 unless given.")] = None,
    unblind: Annotated[
        str | None, typer.Option(help="Show the true rates of a blinded campaign; the reason is written into its unblinding.log.", metavar="REASON")
    ] = None,
    as_json: Json = False,
    output: Output = None,
) -> None:
    """From decays to a rate: every extraction of a radiochemical campaign, combined and divided by the expected rate."""
    if output is not None:
        check_output(output)
    from megacurie.foundation.errors import DataError
    from megacurie.radiochemistry import tables
    from megacurie.report import campaigns
    from megacurie.studies import radiochemistry

    found = load(campaign)
    if simulate is not None:
        if zone or joint or check or as_json or output is not None or unblind is not None:
            raise DataError("--simulate writes a folder: leave --zone, --joint, --check, --unblind, --json and -o out")
        _simulate(found, simulate, 1.0 if ratio is None else ratio, 1 if seed is None else seed)
        return
    if ratio is not None or seed is not None:
        raise DataError("--ratio, --seed: expected with --simulate DIR")
    if unblind is not None:
        _may_be_unblinded(campaign, found, unblind, check=check)
    if check:
        (emit_json(campaigns.contents(found), output) if as_json else emit(str(campaigns.summary(found)), output))
        return
    if found.blinding is not None and joint and unblind is None:
        raise DataError(f"{campaign}: is blinded, each zone with a factor of its own: one ratio for all would mean nothing. Leave --joint out")
    result = (
        radiochemistry.published(campaign, zone or (), joint=joint) if campaign in tables.names() else radiochemistry.measure(found, zone or (), joint=joint)
    )
    if found.blinding is not None:
        _blinded(Path(campaign), found, result, unblind, as_json=as_json, output=output)
        return
    (emit_json(result.to_dict(), output) if as_json else emit(str(result), output))


def _may_be_unblinded(name: str, campaign: Campaign, why: str, *, check: bool) -> None:
    from megacurie.foundation.errors import DataError
    from megacurie.radiochemistry import blinding

    if campaign.blinding is None:
        raise DataError(f"{name}: is not blinded: leave --unblind out")
    if check:
        raise DataError("--check shows no rates: leave --unblind out")
    blinding.check_reason(why)


def _blinded(folder: Path, campaign: Campaign, result: CampaignResult, why: str | None, *, as_json: bool, output: Path | None) -> None:
    """The result of a blinded campaign: hidden, or, with a reason, logged first and then shown."""
    from megacurie.radiochemistry import blinding
    from megacurie.studies.blinded import blind

    data, log = blinding.fingerprint(campaign), blinding.read_log(folder)
    if why is None:
        hidden = blind(result, campaign, blinding.first(log, data))
        (emit_json(hidden.to_dict(), output) if as_json else emit(str(hidden), output))
        return
    now = blinding.unblind(folder, data, why)
    said = {"blinded": False, "first_unblinded": blinding.first((*log, now), data)}
    (emit_json({**said, **result.to_dict()}, output) if as_json else emit(f"Unblinded {now.when}: {now.why}\n\n{result}", output))


def _simulate(campaign: Campaign, folder: Path, ratio: float, seed: int) -> None:
    """A folder of events, and DIR.truth.json beside it."""
    from megacurie.foundation.errors import StoreError
    from megacurie.radiochemistry import export
    from megacurie.radiochemistry.simulate import simulate

    export.check_folder(folder)
    truth = folder.with_name(f"{folder.name}.truth.json")
    if truth.exists():
        raise StoreError(f"{truth}: is there already. Name another folder, or take it away")
    made, thrown = simulate(campaign, ratio=ratio, seed=seed)
    export.write(made, folder)
    emit_json(thrown.to_dict(), truth)
    print(f"{folder}: {len(made.extractions)} extractions; what they were thrown from is in {truth}. Next: megacurie count {folder}")


def is_hidden(name: str, campaign: Campaign) -> bool:
    """Whether a campaign is blinded, and its data were never unblinded."""
    from megacurie.radiochemistry import blinding

    return campaign.blinding is not None and blinding.first(blinding.read_log(Path(name)), blinding.fingerprint(campaign)) is None


def load(name: str) -> Campaign:
    """The campaign of a folder, or a published one by its name."""
    from megacurie.foundation.errors import DataError
    from megacurie.radiochemistry import files, tables

    if name in tables.names():
        return tables.built_in(name)
    if not Path(name).exists():
        raise DataError(f"{name}: neither a folder nor a published campaign. Published: {', '.join(tables.names())}")
    return files.read(name)
