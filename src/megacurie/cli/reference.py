"""``megacurie data`` and ``megacurie show``: what the package knows."""

from __future__ import annotations

from typing import Annotated

import typer

from megacurie.cli.options import Json, Output, Settings, emit, emit_json, split_settings
from megacurie.foundation.errors import DataError, did_you_mean


def data(
    key: Annotated[str, typer.Argument(help="Beginning of a key: nuclide.cr51, channel.ga71, conventions", metavar="[KEY]")] = "",
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Reference data: every number with its error, its source and the place where it stood."""
    from megacurie.foundation import provenance, units
    from megacurie.report.listings import reference_data

    found = provenance.all_data(key)
    if as_json:
        rows = [
            {
                "key": d.key,
                "value": units.to_display(d.value, d.unit),
                "plus": units.to_display(d.plus, d.unit),
                "minus": units.to_display(d.minus, d.unit),
                "unit": d.unit,
                "printed": d.printed,
                "ref": d.ref,
                "where": d.where,
                "status": d.status,
                "note": d.note,
            }
            for d in found
        ]
        emit_json({"data": rows}, output)
    else:
        emit(str(reference_data(key, found)), output)


def show(
    card: Annotated[str | None, typer.Argument(help="A file or the name of a built-in card; none lists them.", metavar="[CARD]")] = None,
    settings: Settings = None,
    schema: Annotated[bool, typer.Option("--schema", help="The JSON Schema of experiment files.")] = False,
    template: Annotated[str | None, typer.Option("--template", help="A card to start from: gallium, scintillator.", metavar="NAME")] = None,
    as_json: Json = False,
    output: Output = None,
) -> None:
    """What an experiment resolves to: sizes, paths, targets, rates; without CARD, the built-in ones."""
    from megacurie.experiments import cards

    if schema:
        emit_json(cards.schema(), output)
        return
    if template is not None:
        if template not in cards.templates():
            raise DataError(f"no template {template!r}. {did_you_mean(template, cards.templates())}")
        emit(cards.template(template).rstrip(), output)
        return
    from megacurie.report.listings import card_list
    from megacurie.report.tables import summary
    from megacurie.studies.prediction import predict

    if card is None:
        experiments = {name: cards.load(name) for name in cards.built_in()}
        if as_json:
            emit_json({"cards": [{"card": name, "name": one.name, "zones": [zone.name for zone in one.zones]} for name, one in experiments.items()]}, output)
        else:
            emit(str(card_list(experiments)), output)
        return
    on_card, parameters = split_settings(settings)
    if parameters:
        raise DataError(f"--set {next(iter(parameters))}: expected a key of the card, with a dot; parameters belong to predict and fit")
    experiment = cards.load(card, on_card)
    if as_json:
        emit_json({**predict(experiment).to_dict(), "references": sorted(experiment.references)}, output)
    else:
        emit(str(summary(experiment)), output)
