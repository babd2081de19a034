"""Shards of a study on this process, on a process pool or on a Dask cluster: the same result, bit for bit.

Only the parent opens the store. Workers start fresh (spawn), with one thread each, do not see Ctrl-C and end with their parent. What they
are given and what they return goes through files: through a pipe go only messages so short that they are written whole or not at all. A
worker that is killed in the middle of a longer one would leave its half in the pipe, and whoever reads it waiting for ever.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import pickle
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np

from megacurie.foundation.errors import DataError, MegacurieError
from megacurie.statistics.store import Store
from megacurie.statistics.toys import BINS, Counts, Histogram, Study

Progress = Callable[[int, int], None]
"""Told of (points done, points in all)."""
Done = Generator[tuple[int, Counts, Histogram], None, None]
_RETRIES = 5  # workers lost in a row, nothing done between: something kills them all
_STUDY = "study"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def check_workers(workers: int) -> None:
    """Refuse a number of workers that is none (DataError)."""
    if not isinstance(workers, int) or workers < 1:
        raise DataError(f"{workers} workers: expected a whole number, at least one")


def run(
    study: Study, *, workers: int = 1, cluster: str | None = None, store: Store | None = None, progress: Progress | None = None
) -> tuple[Counts, Histogram]:
    """Every shard of a study, those of the store not again.

    Parameters
    ----------
    study : Study
    workers : int
        Processes; 1 works in this one.
    cluster : str, optional
        Address of a Dask scheduler, or ``"local"`` for one on this machine.
    store : Store, optional
        Open; keeps every shard as soon as it is done.
    progress : callable, optional

    Returns
    -------
    array (points,), array (points, BINS)
        Toys not below the observed Delta chi2, and histograms.

    Raises
    ------
    MegacurieError
        If workers are lost one after the other, or the cluster does not answer.
    StoreError
        If the store cannot be written; it keeps what was done.
    """
    check_workers(workers)
    shards = study.shards()
    points = len(study.observed)
    beyond, histogram = np.zeros(points, np.int64), np.zeros((points, BINS), np.uint32)
    left = set(range(len(shards)))
    if store is not None:
        for index, one, counts in store.shards():
            beyond[shards[index]], histogram[shards[index]] = one, counts
            left.discard(index)

    def tell() -> None:
        if progress is not None:
            progress(points - sum(shards[i].stop - shards[i].start for i in left), points)

    tell()
    if not left:
        return beyond, histogram
    done = _on_cluster(study, left, workers, cluster) if cluster is not None else _in_pool(study, left, workers) if workers > 1 else _here(study, left)
    with contextlib.closing(done):
        for index, one, counts in done:
            if store is not None:
                store.keep(index, one, counts)
            beyond[shards[index]], histogram[shards[index]] = one, counts
            left.discard(index)
            tell()
    return beyond, histogram


def _here(study: Study, left: set[int]) -> Done:
    shards = study.shards()
    for index in sorted(left):
        yield (index, *study.tally(shards[index]))


def _begin(folder: Path) -> None:
    """First thing in a worker: it ends when its parent does, however that ended, and takes the files of both away."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        for _ in range(_RETRIES):  # another may be writing into it
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextlib.contextmanager
def _starting() -> Iterator[None]:
    """Processes started inside have one thread each in their linear algebra, and never see Ctrl-C: it is the business of the parent."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited, unlike a handler
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _in_pool(study: Study, left: set[int], workers: int) -> Done:
    """On a process pool; when a worker is lost, its pool is made anew and what was not done is done again."""
    pickled = pickle.dumps(study)
    _refuse_main(pickled)
    with tempfile.TemporaryDirectory(prefix="megacurie-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / _STUDY).write_bytes(pickled)
        yield from _by_files(folder, left, workers)


def _by_files(folder: Path, left: set[int], workers: int) -> Done:
    context = multiprocessing.get_context("spawn")
    todo, lost = set(left), 0
    while todo:
        others, started = set(multiprocessing.active_children()), set[BaseProcess]()
        pool = ProcessPoolExecutor(min(workers, len(todo)), mp_context=context, initializer=_begin, initargs=(folder,))
        try:
            with _starting():
                try:
                    pending = {pool.submit(_shard_to_file, folder, index) for index in sorted(todo)}
                except OSError as error:
                    if error.errno is not None:
                        raise
                    raise BrokenProcessPool from None  # a worker was lost and the pipes closed while another was started
                finally:
                    started = set(multiprocessing.active_children()) - others
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    index = future.result()
                    counts, histogram = pickle.loads((folder / f"{index}").read_bytes())
                    (folder / f"{index}").unlink()
                    todo.remove(index)
                    lost = 0
                    yield index, counts, histogram
        except BrokenProcessPool:
            lost += 1
            if lost > _RETRIES:
                raise MegacurieError(
                    f"{lost} times in a row a worker ended before it had done anything. In a script, call feldman_cousins under "
                    "if __name__ == '__main__':, because every worker imports the script; else memory may be short: take fewer workers, or one"
                ) from None
        finally:
            if todo:  # interrupted: nothing that a worker holds is worth waiting for
                for process in started:
                    process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)


def _refuse_main(pickled: bytes) -> None:
    """Other processes cannot find a class that was made in the program itself; only studies that hold a hypothesis can need one."""
    if b"__main__" in pickled:
        raise DataError(
            "a class of this study, such as the hypothesis, is defined in __main__, where worker processes do not find it. "
            "Move it into a module of its own, or take workers=1"
        )


def _shard_to_file(folder: Path, index: int) -> int:
    """Work of a worker: the shard is in a file of its number when this returns."""
    study = _study(folder)
    part = folder / f"{index}.{os.getpid()}"
    part.write_bytes(pickle.dumps(study.tally(study.shards()[index]), protocol=pickle.HIGHEST_PROTOCOL))
    part.replace(folder / f"{index}")
    return index


@functools.lru_cache(maxsize=1)
def _study(folder: Path) -> Study:
    found: Study = pickle.loads((folder / _STUDY).read_bytes())
    return found


def _shard(study: Study, index: int) -> tuple[int, Counts, Histogram]:
    return (index, *study.tally(study.shards()[index]))


def _on_cluster(study: Study, left: set[int], workers: int, address: str) -> Done:
    """On a Dask cluster, which gives the work of lost workers to others; a task that was on each of several lost ones is submitted again."""
    try:
        import distributed
    except ImportError:
        raise MegacurieError("a cluster needs the package distributed: install megacurie[cluster]") from None
    dask: Any = distributed  # has no types
    with contextlib.ExitStack() as stack:
        try:
            if address == "local":
                local = stack.enter_context(dask.LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None))
                client = stack.enter_context(dask.Client(local))
            else:
                client = stack.enter_context(dask.Client(address, timeout=5))
        except (OSError, ValueError, TimeoutError) as error:
            raise MegacurieError(f"cluster {address}: {error}; expected the address of a running scheduler, such as tcp://host:8786, or local") from None
        everywhere = client.scatter(study, broadcast=True, hash=False)
        futures = {client.submit(_shard, everywhere, index, pure=False, retries=_RETRIES): index for index in sorted(left)}
        stack.callback(client.cancel, list(futures))
        running, lost = dask.as_completed(futures), 0
        for future in running:
            try:
                result = future.result()
            except dask.KilledWorker:
                lost += 1
                if lost > _RETRIES * len(left):
                    raise MegacurieError(f"cluster {address}: workers are lost one after the other; look at their logs") from None
                again = client.submit(_shard, everywhere, futures[future], pure=False, retries=_RETRIES)
                futures[again] = futures[future]
                running.add(again)
                continue
            future.release()
            yield result
