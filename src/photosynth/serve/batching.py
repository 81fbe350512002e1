"""Together: concurrent questions answered in one go, which pays on a GPU and not on a CPU."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any


class Together:
    """Gathers the items of concurrent callers and hands them to one function.

    The first caller to come waits a moment for others, calls the function for all of them, and gives each its own
    result. While it computes, the next group forms.

    Args:
        function: takes several items, returns as many results.
        max_batch: most items in one go.
        wait_s: how long the first one waits for others.
    """

    def __init__(self, function: Callable[[Sequence[Any]], Sequence[Any]], max_batch: int, wait_s: float = 0.004):
        self._function, self._max_batch, self._wait_s = function, max_batch, wait_s
        self._changed = threading.Condition()
        self._group: list[tuple[Any, Future[Any]]] = []
        self._turn = threading.Lock()

    def __call__(self, item: Any) -> Any:
        """The function's result for this item, from whichever thread. Raises what the function raised."""
        mine: Future[Any] = Future()
        with self._changed:
            group = self._group
            group.append((item, mine))
            first = len(group) == 1
            if len(group) >= self._max_batch:
                self._group = []
                self._changed.notify_all()
        if first:
            self._lead(group)
        return mine.result()

    def _lead(self, group: list[tuple[Any, Future[Any]]]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._group is not group, self._wait_s)
        with self._turn:
            with self._changed:  # whoever came while the one before computed is still welcome
                if self._group is group:
                    self._group = []
            try:
                results = self._function([item for item, _ in group])
            except BaseException as error:
                for _, future in group:
                    future.set_exception(error)
                return
        for (_, future), result in zip(group, results, strict=True):
            future.set_result(result)
