"""Workers: a few threads that answer, a bounded line before them, and a plain no when it is full."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from photosynth.serve.refusal import busy

T = TypeVar("T")
SMOOTHING = 0.1
"""Weight of the newest piece of work in the running mean of how long one takes."""


class Workers:
    """Runs work in `workers` threads. At most `workers + queue` requests are inside at a time.

    All methods but the work itself belong to the event loop's thread.

    Args:
        workers: threads.
        queue: requests that may wait beyond those being answered.
        timeout_s: how long one piece of work may take, waiting included.
    """

    def __init__(self, workers: int, queue: int, timeout_s: float) -> None:
        self.workers, self.capacity, self.timeout_s = workers, workers + queue, timeout_s
        self.inside = 0
        self._mean_s = 0.05
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="answer")

    @property
    def full(self) -> bool:
        """Whether the next request would be refused."""
        return self.inside >= self.capacity

    def check(self) -> None:
        """Raise Refusal (503, with the seconds after which there should be room) if the line is full."""
        if self.full:
            wait_s = math.ceil(self.inside * self._mean_s / self.workers)
            raise busy("the server is busy; come again in a moment", max(1, min(wait_s, 30)))

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place inside for one request. Raises Refusal as `check`."""
        self.check()
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """`function(*args)` in one of the threads; its errors are raised here.

        Raises:
            Refusal: 503 if it did not end in time. What still waits is dropped; what runs cannot be stopped, and
                its result is thrown away.
        """

        def timed() -> tuple[T, float]:
            began = time.monotonic()
            return function(*args), time.monotonic() - began

        try:
            async with asyncio.timeout(self.timeout_s):
                result, seconds = await asyncio.get_running_loop().run_in_executor(self._pool, timed)
        except TimeoutError as error:
            raise busy(f"no answer within {self.timeout_s:g} s; come again", 5) from error
        self._mean_s += SMOOTHING * (seconds - self._mean_s)
        return result

    async def run_all(self, function: Callable[..., T], items: list[Any]) -> list[T]:
        """`function(item)` for each, at most `workers` at once, in order. Raises what the first failing one raised."""
        results: list[T] = []
        for k in range(0, len(items), self.workers):
            tasks = [asyncio.ensure_future(self.run(function, item)) for item in items[k : k + self.workers]]
            try:
                results += await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
        return results

    def close(self) -> None:
        """Drop what waits, wait for what runs."""
        self._pool.shutdown(wait=True, cancel_futures=True)
