"""``megacurie``: the commands, and how errors leave the program.

Only typer is imported here, so that ``megacurie --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from megacurie.cli import analysis, compare, count, design, fc, figure, reference, reproduce
from megacurie.foundation.errors import CampaignError, CardError, FitError, MegacurieError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def _root(context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    """Analysis and design of experiments with megacurie neutrino sources."""
    if version:
        from importlib.metadata import version as installed

        print(installed("megacurie"))
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


for command in (
    reproduce.reproduce,
    reference.data,
    reference.show,
    analysis.predict,
    analysis.fit,
    analysis.scan,
    fc.fc,
    design.design,
    compare.compare,
    count.count,
    figure.figure,
):
    app.command()(command)


def main() -> None:
    """Run the command line; wrong input ends with a message on stderr and exit code 2."""
    try:
        app()
    except MegacurieError as error:
        # problems of a file begin with the file, as a compiler's do
        print(error if isinstance(error, CardError | CampaignError) else f"megacurie: {error}", file=sys.stderr)
        sys.exit(1 if isinstance(error, FitError) else 2)
    except BrokenPipeError:  # the reader of a pipe has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        print("megacurie: interrupted", file=sys.stderr)
        sys.exit(130)
