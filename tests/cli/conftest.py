"""The real program, end to end in a temporary folder."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from megacurie.cli.main import main

TOY = """\
name = "toy"

[source]
nuclide = "51Cr"
activity = "1 MCi"

[target]
material = "gallium"

[[zone]]
name = "ball"
shape = { kind = "ball", radius = "1 m" }
"""


@dataclass(frozen=True)
class Run:
    """What a call of the program left: exit code, what it printed, and the files that it made or changed."""

    code: int
    out: str
    err: str
    written: frozenset[str]

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def _files(folder: Path) -> set[tuple[str, bytes]]:
    return {(str(path.relative_to(folder)), path.read_bytes()) for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in; modules imported from it are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    yield tmp_path
    for name, module in tuple(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def megacurie(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """The program in this process, in the temporary folder."""

    def run(*arguments: str) -> Run:
        monkeypatch.setattr(sys, "argv", ["megacurie", *arguments])
        importlib.invalidate_caches()
        capsys.readouterr()
        before, code = _files(folder), 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1  # as the interpreter reads it
        printed = capsys.readouterr()
        return Run(code, printed.out, printed.err, frozenset(name for name, _ in _files(folder) - before))

    return run


@pytest.fixture
def program(folder: Path) -> Callable[..., Run]:
    """The installed command in a process of its own, in the temporary folder."""

    def run(*arguments: str) -> Run:
        before = _files(folder)
        done = subprocess.run([Path(sys.executable).parent / "megacurie", *arguments], capture_output=True, text=True, check=False, timeout=120)
        return Run(done.returncode, done.stdout, done.stderr, frozenset(name for name, _ in _files(folder) - before))

    return run


@pytest.fixture
def toy(folder: Path) -> Callable[..., str]:
    """Writes the card of a ball of gallium, some of its text replaced or some appended, and gives its name."""

    def write(old: str = "", new: str = "", *, more: str = "", name: str = "my.toml") -> str:
        assert old in TOY
        (folder / name).write_text((TOY.replace(old, new) if old else TOY) + more, encoding="utf-8")
        return name

    return write
