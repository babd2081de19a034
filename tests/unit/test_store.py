"""The store: what it keeps, what it refuses, and what it says when it cannot write."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from megacurie.foundation.errors import StoreError
from megacurie.statistics.store import Store, status
from megacurie.statistics.toys import BINS

IDENTITY = {"axis s": np.array([0.0, 0.5]), "axis dm2_eV2": np.array([1.0, 2.0, 4.0]), "toys": np.array(100.0), "seed": np.array(3.0)}


def shard(points=3, value=7):
    return np.full(points, value, np.int64), np.full((points, BINS), value, np.uint32)


def test_shards_come_back_as_they_were(tmp_path):
    with Store(tmp_path / "a.sqlite", IDENTITY, shards=2) as store:
        store.keep(1, *shard())
    with Store(tmp_path / "a.sqlite", IDENTITY, shards=2) as store:
        ((number, beyond, histogram),) = store.shards()
    assert number == 1
    for found, wanted in zip((beyond, histogram), shard(), strict=True):
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == wanted.dtype


def test_rounding_of_another_machine_is_the_same_study(tmp_path):
    with Store(tmp_path / "a.sqlite", IDENTITY, shards=2):
        pass
    with Store(tmp_path / "a.sqlite", {name: value * (1 + 1e-12) for name, value in IDENTITY.items()}, shards=2):
        pass


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": np.array(4.0)}, "made from another 'seed': 3 there, 4 here"),
        ({"axis s": np.array([0.0, 0.6])}, "made from another 'axis s': 0.5 there, 0.6 here"),
        ({"axis s": np.array([0.0])}, r"made from another 'axis s': shape \(2,\) there, \(1,\) here"),
        ({"data": np.array([1.0])}, "made without 'data'"),
    ],
)
def test_a_store_of_another_study_is_refused_by_what_differs(tmp_path, change, message):
    with Store(tmp_path / "a.sqlite", IDENTITY, shards=2):
        pass
    with pytest.raises(StoreError, match=message):
        Store(tmp_path / "a.sqlite", {**IDENTITY, **change}, shards=2)


def test_a_second_user_is_refused_and_may_ask_for_the_state(tmp_path):
    path = tmp_path / "a.sqlite"
    with Store(path, IDENTITY, shards=2) as store:
        store.keep(0, *shard())
        with pytest.raises(StoreError, match="another process works on it"):
            Store(path, IDENTITY, shards=2)
        found = status(path)
        assert (found.done, found.points, found.toys, found.seed, found.axes) == (3, 6, 100, 3, {"s": 2, "dm2_eV2": 3})
        store.keep(1, *shard())
    with Store(path, IDENTITY, shards=2) as store:
        assert len(list(store.shards())) == 2


def test_files_of_another_kind_are_left_alone(tmp_path):
    text, other = tmp_path / "a.txt", tmp_path / "b.sqlite"
    text.write_text("not a database " * 100)
    sqlite3.connect(other).executescript("CREATE TABLE a (b); INSERT INTO a VALUES (1)")
    for path in (text, other):
        before = path.read_bytes()
        with pytest.raises(StoreError, match="(not a store|not a database).* Take another file"):
            Store(path, IDENTITY, shards=2)
        with pytest.raises(StoreError, match="(not a store|not a database).* Take another file"):
            status(path)
        assert path.read_bytes() == before


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(StoreError, match="no folder"):
        Store(tmp_path / "none" / "a.sqlite", IDENTITY, shards=2)
    with pytest.raises(StoreError, match="no such file"):
        status(tmp_path / "a.sqlite")
    with pytest.raises(StoreError, match="/proc/a.sqlite: "):  # where even root may not write
        Store(Path("/proc/a.sqlite"), IDENTITY, shards=2)


def test_a_file_that_cannot_be_written_any_more(tmp_path):
    path = tmp_path / "a.sqlite"
    with Store(path, IDENTITY, shards=2) as store:
        store.keep(0, *shard())
        store._database.execute("PRAGMA query_only = 1")
        with pytest.raises(StoreError, match=r"readonly.*What was done is kept"):
            store.keep(1, *shard())
    assert status(path).done == 3


def test_a_full_disk_keeps_what_was_done(tmp_path):
    path = tmp_path / "a.sqlite"
    rng = np.random.default_rng(1)
    with Store(path, IDENTITY, shards=99) as store:
        store._database.execute("PRAGMA max_page_count = 60")
        done, message = 0, ""
        while done < 99 and not message:
            try:
                store.keep(done, np.zeros(3, np.int64), rng.integers(0, 2**30, (3, BINS), dtype=np.uint32))
                done += 1
            except StoreError as error:
                message = str(error)
    assert "full" in message
    assert "What was done is kept" in message
    assert 0 < done < 99
    with Store(path, IDENTITY, shards=99) as store:
        assert [number for number, *_ in store.shards()] == list(range(done))
