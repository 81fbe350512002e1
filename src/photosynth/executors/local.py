"""LocalExecutor: units of work in processes of this machine, or in this process when one worker is asked for."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from photosynth.core.engine import UnitResult
from photosynth.core.errors import ConfigError, EngineError, PhotosynthError

MAX_POOL_RESTARTS = 3
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def available_cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


class LocalExecutor:
    """Runs units in `workers` processes (spawned, so that nothing is inherited but the code).

    None and 0 mean one for each core; ConfigError below 0.
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 0:
            raise ConfigError(f"workers must be 0 (one for each core) or more, got {workers}")
        self.workers = workers or available_cores()

    def map(
        self,
        function: Callable[[Any], Any],
        units: Sequence[Any],
        setup: Callable[..., None] | None = None,
        setup_args: tuple[Any, ...] = (),
    ) -> Iterator[UnitResult]:
        """Yield the result of each unit as it comes; a unit that raises is tried once more.

        Raises:
            PhotosynthError: if `setup` raises one (in the first worker).
            EngineError: if worker processes die again and again.
        """
        if self.workers == 1 or len(units) <= 1:
            if setup is not None:
                setup(*setup_args)
            for position, unit in enumerate(units):
                yield _attempt(function, position, unit)
            return
        yield from self._map_processes(function, units, setup, setup_args)

    def _map_processes(
        self,
        function: Callable[[Any], Any],
        units: Sequence[Any],
        setup: Callable[..., None] | None,
        setup_args: tuple[Any, ...],
    ) -> Iterator[UnitResult]:
        left = dict(enumerate(units))
        for restart in range(MAX_POOL_RESTARTS):
            context = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(
                min(self.workers, len(left)), context, initializer=_start_worker, initargs=(setup, setup_args)
            )
            try:
                for result in _drain(pool, function, left):
                    del left[result.position]
                    yield result
                return
            except BrokenProcessPool as error:
                if restart == MAX_POOL_RESTARTS - 1:
                    raise EngineError("worker pool", f"{len(left)} units", "worker processes keep dying") from error
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _drain(pool: ProcessPoolExecutor, function: Callable[[Any], Any], left: dict[int, Any]) -> Iterator[UnitResult]:
    """Submit a bounded number of units ahead, so that memory stays flat however many there are."""
    queue = iter(list(left.items()))
    pending: set[Future[UnitResult]] = set()
    ahead = 2 * pool._max_workers + 2
    while True:
        while len(pending) < ahead:
            item = next(queue, None)
            if item is None:
                break
            with _single_threaded_children():  # processes are started as units are handed in
                pending.add(pool.submit(_attempt, function, *item))
        if not pending:
            return
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


@contextlib.contextmanager
def _single_threaded_children() -> Iterator[None]:
    """Processes started inside use one thread for linear algebra: the workers already fill the cores."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_setup_error: str | None = None


def _start_worker(setup: Callable[..., None] | None, setup_args: tuple[Any, ...]) -> None:
    """Ctrl-C belongs to the parent; a failing setup is reported by the first unit instead of a dead pool."""
    global _setup_error
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        if setup is not None:
            setup(*setup_args)
    except Exception as error:
        _setup_error = _reason(error)


def _attempt(function: Callable[[Any], Any], position: int, unit: Any) -> UnitResult:
    if _setup_error is not None:
        return UnitResult(position, None, _setup_error)
    error: Exception | None = None
    for _ in range(2):
        try:
            return UnitResult(position, function(unit))
        except Exception as caught:
            error = caught
    return UnitResult(position, None, _reason(error))


def _reason(error: Exception | None) -> str:
    if isinstance(error, PhotosynthError):
        return str(error)
    return "".join(traceback.format_exception(error)[-4:]).strip()
