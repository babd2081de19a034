"""Options that several commands share, and how results leave."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, final

import typer

from megacurie.foundation.errors import DataError, MegacurieError, StoreError, UnitError, did_you_mean

if TYPE_CHECKING:
    from megacurie.foundation.arrays import Array
    from megacurie.foundation.parameters import Parameter
    from megacurie.physics.hypotheses import Hypothesis

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else there.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file instead of stdout.", metavar="FILE")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help='A parameter (dm2="1.25 eV2") or, with a dot, a key of the card (source.activity="1 MCi").', metavar="KEY=VALUE"),
]
HypothesisName = Annotated[str, typer.Option("--hypothesis", "-H", help="Built-in name, or module:Class of your own; join several with '+'.")]
CrossSection = Annotated[str, typer.Option(help="Cross-section model; 'megacurie data channel.ga71' lists them.")]
Conventions = Annotated[str, typer.Option(help="How errors are put together; 'megacurie data conventions' lists them.")]


@final
class Problems:
    """A context, entered once for each independent option: what is wrong with them is told together."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if isinstance(error, MegacurieError):
            self._found.append(str(error))
        return isinstance(error, MegacurieError)

    def refuse(self) -> None:
        """End here if there is any.

        Raises
        ------
        DataError
            One line each.
        """
        if self._found:
            raise DataError("\n".join(dict.fromkeys(self._found)))


def split_settings(settings: Sequence[str] | None) -> tuple[dict[str, str], dict[str, str]]:
    """``--set`` as keys of the card (with a dot) and parameters (without).

    Raises
    ------
    DataError
        If one is not KEY=VALUE, or a key is given twice.
    """
    card: dict[str, str] = {}
    parameters: dict[str, str] = {}
    for text in settings or ():
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise DataError(f'--set {text}: expected KEY=VALUE, such as --set dm2="1.25 eV2"')
        into = card if "." in key else parameters
        if key.strip() in into:
            raise DataError(f"--set {key.strip()} is given twice: expected each key once")
        into[key.strip()] = value.strip()
    return card, parameters


def hypothesis(name: str) -> Hypothesis:
    """The hypothesis of a name: built in, ``module:Class``, or several joined by ``+``.

    Raises
    ------
    DataError
        If there is none, with the nearest name; or the module cannot be imported or has no such class.
    """
    from megacurie.physics.hypotheses import combine

    return combine(*(_one(part.strip()) for part in name.split("+")))


def _one(name: str) -> Hypothesis:
    from megacurie.physics.hypotheses import BUILT_IN, Hypothesis

    if ":" not in name:
        known = {one().name: one for one in BUILT_IN}
        if name not in known:
            raise DataError(f"no hypothesis {name!r}. {did_you_mean(name, known)} A class of your own is module:Class")
        return known[name]()
    import importlib

    module, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path:  # a console script does not look into the folder where it is called
        sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except Exception as error:  # a module of the user's own may fail in any way
        raise DataError(f"hypothesis {name!r}: {type(error).__name__}: {error}; expected a module that can be imported from this folder") from error
    if not (isinstance(found, type) and issubclass(found, Hypothesis)):
        raise DataError(f"hypothesis {name!r}: {module} has no class {attribute!r} that derives from megacurie.Hypothesis")
    try:
        return found()
    except TypeError as error:
        raise DataError(f"hypothesis {name!r}: {error}; expected a class that is made without arguments") from error


def read_parameters(parameters: Sequence[Parameter], texts: Mapping[str, str], *, every: bool, option: str = "--set") -> dict[str, float]:
    """Values of parameters from the text of an option, checked; ``every`` asks for all of them.

    Raises
    ------
    DataError
        If a name is not a parameter, or one is missing.
    """
    known = {p.name: p for p in parameters}
    for name in texts:
        if name not in known:
            if not known:
                raise DataError(f"{option} {name}: the hypothesis has no parameters. Choose one with -H; a key of the card has a dot")
            raise DataError(f"{option} {name}: not a parameter of the hypothesis. {did_you_mean(name, known)}")
    missing = [p for p in parameters if p.name not in texts]
    if every and missing:
        raise DataError("; ".join(f'{p.name} is not set: add --set {p.name}="{p.show(float(p.at(0.5)), 2)}"' for p in missing))
    return {name: known[name].read(text) for name, text in texts.items()}


def read_axis(text: str, parameters: Sequence[Parameter]) -> tuple[str, Array]:
    """An axis such as ``dm2=0.1 eV2:30 eV2:61:log``.

    Raises
    ------
    DataError
        If it is malformed; the message shows the form.
    """
    from megacurie.foundation.parameters import geomspace, linspace

    form = 'expected NAME=LOW:HIGH:POINTS or NAME=LOW:HIGH:POINTS:log, such as --axis "dm2=0.1 eV2:30 eV2:61:log"'
    name, equals, rest = text.partition("=")
    parts = [part.strip() for part in rest.split(":")]
    known = {p.name: p for p in parameters}
    if not equals or len(parts) not in (3, 4) or (len(parts) == 4 and parts[3] not in ("log", "lin")):
        raise DataError(f"--axis {text}: {form}")
    if name.strip() not in known:
        raise DataError(f"--axis {text}: {name.strip()!r} is not a parameter of the hypothesis. {did_you_mean(name.strip(), known)}")
    if not parts[2].isdecimal() or len(parts[2]) > 6 or not 2 <= int(parts[2]) <= 100_000:
        raise DataError(f"--axis {text}: {parts[2]!r} points: expected a whole number from 2 to 100000")
    parameter = known[name.strip()]
    try:
        low, high = (parameter.read(end) for end in parts[:2])
    except UnitError as error:
        raise UnitError(f"--axis {text}: {error}") from None
    if not low < high:
        raise DataError(f"--axis {text}: from {parts[0]} to {parts[1]}: expected LOW below HIGH")
    return parameter.name, (geomspace if parts[-1] == "log" else linspace)(parts[0], parts[1], int(parts[2]))


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[..., None]]:
    """A bar on stderr while something long goes on, none where nobody looks; yields what moves it: (done, total, description if it changes)."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total, name=what: bar.update(task, completed=done, total=total, description=name)


def read_values(text: str) -> tuple[str, tuple[float, ...]]:
    """What is varied, such as ``activity`` or ``activity=0.1:10:21:log``: its name and values, none for the usual ones.

    Raises
    ------
    DataError
        If it is malformed; the message shows the form.
    """
    name, equals, rest = text.partition("=")
    if not equals:
        return name.strip(), ()
    parts = [part.strip() for part in rest.split(":")]
    form = "expected NAME, or NAME=LOW:HIGH:POINTS or NAME=LOW:HIGH:POINTS:log in the unit of the table, such as --vary activity=0.1:10:21:log"
    try:
        low, high, points = float(parts[0]), float(parts[1]), int(parts[2])
        spread = parts[3] if len(parts) == 4 else "lin"
    except (ValueError, IndexError):
        raise DataError(f"--vary {text}: {form}") from None
    if len(parts) > 4 or spread not in ("log", "lin") or not (0 < low < high < math.inf) or not 2 <= points <= 1000:
        raise DataError(f"--vary {text}: {form}; 0 < LOW < HIGH and 2 to 1000 points")
    if spread == "log":
        return name.strip(), tuple(low * (high / low) ** (i / (points - 1)) for i in range(points))
    return name.strip(), tuple(low + (high - low) * i / (points - 1) for i in range(points))


def warn(notes: Sequence[str]) -> None:
    """Warnings go to stderr, where they are in nobody's way."""
    for note in notes:
        print(f"warning: {note}", file=sys.stderr)


def emit(text: str, output: Path | None) -> None:
    """Print, or write to a file whole or not at all.

    Raises
    ------
    StoreError
        If the folder does not exist or cannot be written.
    """
    if output is None:
        print(text)
        return
    from megacurie.report.output import write_together

    write_together({output: f"{text}\n".encode()})


def check_output(output: Path) -> None:
    """Refuse an output file whose folder does not exist, before anything is computed.

    Raises
    ------
    StoreError
        Naming the folder.
    """
    if not output.parent.is_dir():
        raise StoreError(f"{output}: no folder {str(output.parent)!r}. Make it first, or save into one that exists")
    if output.is_dir():
        raise StoreError(f"{output}: {str(output)!r} is a folder; expected the name of a file. Save under another name")
    if not os.access(output.parent, os.W_OK):
        raise StoreError(f"{output}: cannot write into {str(output.parent)!r}. Save into a folder that you may write to")


def emit_json(result: Mapping[str, Any], output: Path | None) -> None:
    """Write a result as one JSON object; never NaN or infinity."""
    emit(json.dumps(result, indent=1, allow_nan=False, ensure_ascii=False), output)
