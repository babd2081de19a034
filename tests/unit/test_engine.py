"""The engine: the same result however the work is shared, and whatever happens to those who do it."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import megacurie as mci
from megacurie.foundation.errors import DataError, MegacurieError
from megacurie.statistics import engine, general
from megacurie.statistics.likelihood import GaussianLikelihood
from megacurie.statistics.store import Store, status

AXES = {"sin2_2theta": np.linspace(0, 1, 41), "dm2": mci.geomspace("0.1 eV2", "30 eV2", 41)}

SCRIPT = """
import sys
import numpy as np
import megacurie as mci

if __name__ == "__main__":
    likelihood = mci.gallium.datasets().likelihood(mci.Sterile())
    axes = {"sin2_2theta": np.linspace(0, 1, 41), "dm2": mci.geomspace("0.1 eV2", "30 eV2", 41)}
    told = lambda done, points: print(done, points, flush=True)
    workers, store, toys = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    fc = mci.feldman_cousins(likelihood, axes, toys=toys, seed=3, workers=workers, store=store, progress=told)
    np.savez(sys.argv[4], beyond=fc.beyond, histogram=fc.histogram)
"""


def study(toys=40_000, axes=AXES):
    likelihood = mci.gallium.datasets().likelihood(mci.Sterile())
    return general.study(likelihood, axes, toys=toys, seed=3)[0]


@pytest.fixture(scope="module")
def serial():
    return engine.run(study())


def same(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_workers_gives_the_same_bits(serial, workers):
    same(engine.run(study(), workers=workers), serial)


def test_progress_ends_at_all_points():
    told = []
    engine.run(study(200), progress=lambda done, points: told.append((done, points)))
    assert told[0] == (0, 1681)
    assert told[-1] == (1681, 1681)


def test_shards_cover_every_point_once():
    for toys in (1, 1000, 10**6):
        one = study(toys)
        points = [k for part in one.shards() for k in range(part.start, part.stop)]
        assert points == list(range(1681))


def test_no_shard_of_the_store_is_done_again(tmp_path, serial, monkeypatch):
    one = study()
    with Store(tmp_path / "a.sqlite", one.identity, shards=len(one.shards())) as store:
        engine.run(one, store=store)

    def never(*_):
        raise AssertionError("a shard was done twice")

    monkeypatch.setattr(type(one), "tally", never)
    with Store(tmp_path / "a.sqlite", one.identity, shards=len(one.shards())) as store:
        same(engine.run(one, store=store), serial)


def test_a_class_of_the_program_itself_does_not_reach_workers(monkeypatch):
    best = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    likelihood = GaussianLikelihood(best.model, best.measurement, asymmetric="split-normal")  # only the general form holds the hypothesis
    monkeypatch.setattr(mci.Sterile, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "Sterile", mci.Sterile, raising=False)
    with pytest.raises(DataError, match="__main__"):
        mci.feldman_cousins(likelihood, {"sin2_2theta": np.array([0.1]), "dm2": AXES["dm2"][:2]}, toys=10, seed=1, workers=2)


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced(serial):
    before, killed = set(multiprocessing.active_children()), []

    def told(done, points):
        if done > 300 * len(killed) and done < points and len(killed) < 3:
            child = next(iter(set(multiprocessing.active_children()) - before))
            os.kill(child.pid, signal.SIGKILL)
            killed.append(child.pid)

    found = engine.run(study(), workers=2, progress=told)
    assert len(killed) == 3
    same(found, serial)


@pytest.mark.slow
def test_workers_killed_at_random_moments_are_replaced(tmp_path, serial, monkeypatch):
    """kill -9 of a worker twenty times, while it starts, works, or hands over what it has done."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rng, killed = np.random.default_rng(1), 0
    before = set(multiprocessing.active_children())
    while killed < 20:
        advanced, over = threading.Event(), threading.Event()

        def killer(advanced=advanced, over=over):
            nonlocal killed
            while not over.is_set():
                if not advanced.wait(0.1):
                    continue
                advanced.clear()
                time.sleep(float(rng.uniform(0, 0.2)))
                mine = [child for child in multiprocessing.active_children() if child not in before]
                if mine and not over.is_set():
                    os.kill(mine[int(rng.integers(len(mine)))].pid, signal.SIGKILL)
                    killed += 1

        thread = threading.Thread(target=killer)
        thread.start()
        try:
            found = engine.run(study(), workers=2, progress=lambda done, points, advanced=advanced: advanced.set() if done else None)
        finally:
            over.set()
            thread.join()
        same(found, serial)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_workers_that_always_die_end_in_a_message(tmp_path):
    """A script that calls without the guard: every worker would begin the whole script again."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace('if __name__ == "__main__":', "if True:").replace("41", "141"))  # larger than the buffer of a pipe
    done = subprocess.run([sys.executable, script, "2", tmp_path / "a.sqlite", "20000", tmp_path / "a.npz"], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "if __name__ == '__main__'" in done.stderr


def started(folder: Path, workers: int, toys: int = 40_000):
    (folder / "script.py").write_text(SCRIPT)
    command = [sys.executable, folder / "script.py", str(workers), folder / "fc.sqlite", str(toys), folder / "fc.npz"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(one) for one in listed.split()]


@pytest.mark.slow
def test_the_parent_killed_at_random_moments_leaves_a_store_that_goes_on(tmp_path, serial):
    """kill -9, again and again: every shard is kept once, no worker survives its parent, and the end is that of an undisturbed run, bit for bit."""
    place = np.argsort(np.tile(np.arange(41), 41), kind="stable")  # a study has its points by dm2
    before, finished = 0, 0

    def finish():
        last = started(tmp_path, workers=1)
        last.communicate(timeout=60)
        assert last.returncode == 0
        with np.load(tmp_path / "fc.npz") as found:
            same((found["beyond"].ravel()[place], found["histogram"].reshape(1681, -1)[place]), serial)

    for i, moment in enumerate(np.random.default_rng(8).uniform(0.0, 0.4, 20)):
        process = started(tmp_path, workers=1 + i % 2)
        assert process.stdout is not None
        process.stdout.readline()  # it has opened the store
        if i % 2:
            time.sleep(0.8)  # workers need about so long to start
        if i % 4 == 2:
            process.stdout.readline()  # a shard is done, however slow the machine
        time.sleep(moment)
        workers = children(process.pid)
        process.kill()
        process.communicate()
        deadline = time.monotonic() + 5
        while any(map(alive, workers)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(alive, workers))
        now = status(tmp_path / "fc.sqlite").done
        assert now >= before
        before = now
        if now == 1681:  # killed too late: the next one begins anew
            finish()
            finished, before = finished + 1, 0
            (tmp_path / "fc.sqlite").unlink()
    if before:
        finish()
    assert finished or before


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_within_a_second_and_the_store_goes_on(tmp_path, workers, serial):
    process = started(tmp_path, workers)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.readline()  # a shard is done
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of the group
    begun = time.monotonic()
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - begun < 1.5  # the second, and the end of the interpreter
    assert errors.count("KeyboardInterrupt") == 1  # of the parent; workers say nothing
    done = status(tmp_path / "fc.sqlite").done
    assert done > 0
    again = started(tmp_path, workers=1)
    assert again.stdout is not None
    assert int(again.stdout.readline().split()[0]) == done
    again.communicate(timeout=60)
    assert again.returncode == 0


@pytest.mark.slow
def test_a_file_size_limit_is_a_full_disk(tmp_path):
    """RLIMIT_FSIZE: the store ends in a message, and goes on when there is room."""
    (tmp_path / "script.py").write_text("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, 1_200_000))\n" + SCRIPT)
    command = [sys.executable, tmp_path / "script.py", "1", tmp_path / "fc.sqlite", "40000", tmp_path / "fc.npz"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert "StoreError" in done.stderr
    assert "What was done is kept" in done.stderr
    kept = status(tmp_path / "fc.sqlite").done
    assert 0 < kept < 1681
    again = started(tmp_path, workers=1)
    assert again.stdout is not None
    assert int(again.stdout.readline().split()[0]) == kept
    again.communicate(timeout=60)
    assert again.returncode == 0


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # distributed warns of workers that are lost
def test_a_dask_cluster_with_a_worker_killed_gives_the_same(serial):
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        victim = next(iter(cluster.workers.values())).pid

        def told(done, points):
            if 0 < done < points and alive(victim):
                os.kill(victim, signal.SIGKILL)

        same(engine.run(study(), cluster=cluster.scheduler_address, progress=told), serial)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_cluster_that_does_not_answer():
    with pytest.raises(MegacurieError, match="expected the address of a running scheduler"):
        engine.run(study(100), cluster="tcp://127.0.0.1:9")
