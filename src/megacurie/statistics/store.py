"""The store of a long study: one SQLite file with what the study was made from and every shard that is done.

Only the process that leads a study writes, and it holds a lock while it does; anybody may read the state meanwhile. Arrays are stored as raw bytes in display
units, never as pickles.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NoReturn

import numpy as np

from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import StoreError
from megacurie.statistics.toys import BINS, Counts, Histogram

_KIND = 0x6D636669  # application_id of such a file: "mcfi"
_FORMAT = 1
_EQUAL = 1e-9  # relative: rounding between machines
_TABLES = """
CREATE TABLE input (name TEXT PRIMARY KEY, shape TEXT NOT NULL, data BLOB NOT NULL);
CREATE TABLE shard (number INTEGER PRIMARY KEY, points INTEGER NOT NULL, beyond BLOB NOT NULL, histogram BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How far a study is: points done and in all, toys per point, seed, and the axes with their numbers of points."""

    done: int
    points: int
    toys: int
    seed: int
    axes: Mapping[str, int]


class Store:
    """A store, open for one study; a context.

    Parameters
    ----------
    path : path
        Made if it does not exist.
    identity : dict of str to array
        What the study is made from; compared with what the file holds to a relative 1e-9.
    shards : int
        Their number.

    Raises
    ------
    StoreError
        If the file is in use, is not such a store, was made from something else (naming what), or cannot be read or written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/fc.sqlite", {"seed": np.array(1.0)}, shards=2) as store:
    ...     print(list(store.shards()))
    []
    """

    def __init__(self, path: str | Path, identity: Mapping[str, Array], *, shards: int) -> None:
        self.path, self._count = Path(path), shards
        if not self.path.parent.is_dir():
            raise StoreError(f"{path}: no folder {str(self.path.parent)!r}. Make it first, or keep the store in one that exists")
        self._lock = self._locked()
        try:
            self._database = sqlite3.connect(self.path, isolation_level=None, timeout=5)
            try:
                self._prepare(identity)
            except BaseException:
                self._database.close()
                raise
        except BaseException:
            os.close(self._lock)
            raise

    def _locked(self) -> int:
        """A lock of the operating system on the file: gone with the process, whatever happens to it."""
        try:
            lock = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror}. Keep the store where you may write") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise StoreError(f"{self.path}: another process works on it. Wait for it ('megacurie fc --status {self.path}'), or take another file") from None
        return lock

    def _fail(self, error: sqlite3.Error) -> NoReturn:
        if not isinstance(error, sqlite3.OperationalError):  # not the place but what is in it
            raise StoreError(f"{self.path}: {error}. Take another file") from None
        raise StoreError(f"{self.path}: {error}. What was done is kept; make room or choose a place that can be written, then call the same again") from None

    def _prepare(self, identity: Mapping[str, Array]) -> None:
        database = self._database
        try:
            kind = database.execute("PRAGMA application_id").fetchone()[0]
            tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if kind == 0 and not tables:
                database.execute("PRAGMA journal_mode = WAL")
                database.executescript(f"BEGIN; PRAGMA application_id = {_KIND}; PRAGMA user_version = {_FORMAT}; {_TABLES}")
                rows = [(name, ",".join(map(str, np.shape(value))), np.asarray(value, float).tobytes()) for name, value in identity.items()]
                database.executemany("INSERT INTO input VALUES (?, ?, ?)", rows)
                database.execute("COMMIT")
                return
            _check_kind(self.path, database)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.Error as error:
            self._fail(error)
        _compare(self.path, _inputs(database), identity)

    def shards(self) -> Iterator[tuple[int, Counts, Histogram]]:
        """Those that are done: number, toys beyond, histogram."""
        try:
            for number, points, beyond, histogram in self._database.execute("SELECT * FROM shard ORDER BY number"):
                counts = np.frombuffer(zlib.decompress(histogram), "<u4").astype(np.uint32).reshape(points, BINS)
                yield number, np.frombuffer(beyond, "<i8").astype(np.int64), counts
        except (sqlite3.Error, zlib.error, ValueError) as error:
            raise StoreError(f"{self.path}: cannot be read: {error}. Remove the file and begin anew") from None

    def keep(self, number: int, beyond: Counts, histogram: Histogram) -> None:
        """Store one shard, whole or not at all.

        Raises
        ------
        StoreError
            If it cannot be written; those before are kept.
        """
        row = (number, len(beyond), beyond.astype("<i8").tobytes(), zlib.compress(histogram.astype("<u4").tobytes(), 1))
        try:
            self._database.execute("INSERT INTO shard VALUES (?, ?, ?, ?)", row)
        except sqlite3.Error as error:
            self._fail(error)

    def close(self) -> None:
        """Give the file back."""
        self._database.close()
        os.close(self._lock)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def status(path: str | Path) -> Status:
    """How far the study of a store is, also while it is worked on.

    Raises
    ------
    StoreError
        If there is no such store.
    """
    file = Path(path)
    if not file.is_file():
        raise StoreError(f"{path}: no such file: expected a store that 'megacurie fc ... --store {path}' made")
    try:
        with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=5)) as database:
            _check_kind(file, database)
            inputs = _inputs(database)
            done = database.execute("SELECT coalesce(sum(points), 0) FROM shard").fetchone()[0]
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be read: {error}") from None
    axes = {name.removeprefix("axis "): value.size for name, value in inputs.items() if name.startswith("axis ")}
    points = int(np.prod(list(axes.values()), dtype=np.int64))
    return Status(done=done, points=points, toys=int(inputs["toys"]), seed=int(inputs["seed"]), axes=axes)


def _check_kind(path: Path, database: sqlite3.Connection) -> None:
    """Refuse a file of another kind, as it was made by another program or another format."""
    try:
        kind, version = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    except sqlite3.DatabaseError:
        kind, version = None, None
    if (kind, version) != (_KIND, _FORMAT):
        raise StoreError(f"{path}: not a store of Feldman-Cousins toys of format {_FORMAT}. Take another file")


def _inputs(database: sqlite3.Connection) -> dict[str, Array]:
    rows = database.execute("SELECT name, shape, data FROM input")
    return {name: np.frombuffer(data, float).reshape([int(n) for n in shape.split(",") if n]) for name, shape, data in rows}


def _compare(path: Path, there: Mapping[str, Array], here: Mapping[str, Array]) -> None:
    """Refuse a store that was made from something else, naming what differs."""
    for name in sorted({*there, *here}):
        if name not in there or name not in here:
            raise StoreError(f"{path}: made {'with' if name in there else 'without'} {name!r}, unlike this study. Take another file")
        a, b = there[name], np.asarray(here[name], float)
        if a.shape != b.shape:
            raise StoreError(f"{path}: made from another {name!r}: shape {a.shape} there, {b.shape} here. Take another file")
        scale = np.abs(a).max(initial=0.0)
        if not np.allclose(a, b, rtol=_EQUAL, atol=_EQUAL * scale):
            worst = np.unravel_index(int(np.abs(a - b).argmax()), a.shape)
            raise StoreError(f"{path}: made from another {name!r}: {a[worst]:.10g} there, {b[worst]:.10g} here. Take another file")
