"""Batches fetched ahead of the step that needs them, by threads."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import queue

END: Any = object()  # what a job returns where there is nothing more

_LOOK_SECONDS = 0.5  # how often a wait looks for Ctrl-C, where a system does not interrupt it
_PATIENCE_SECONDS = 1.0  # for a job that is running when nobody wants its result any more


class _Job:
    """A call whose result another thread waits for."""

    __slots__ = ("_call", "_done", "_error", "_value")

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._done = threading.Event()
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._value = self._call()
        except BaseException as error:  # it comes out of `result`
            self._error = error
        finally:
            self._done.set()

    def result(self) -> Any:
        while not self._done.wait(_LOOK_SECONDS):
            pass
        if self._error is not None:
            raise self._error
        return self._value


def fetched_ahead(jobs: Iterator[Callable[[], Any]], workers: int, window: int) -> Iterator[Any]:
    """The results of jobs in their order, of which up to `window` are begun before they are needed.

    Args:
        jobs: functions; their results end where one returns END.
        workers: threads that run them; 0 for none: a job then runs when its result is needed. One thread runs
            them in their order.
        window: at least 1.

    Yields:
        The results. What a job raises is raised here.
    """
    if workers == 0:
        for job in jobs:
            if (value := job()) is END:
                return
            yield value
        return
    import queue

    waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
    begun: deque[_Job] = deque()

    def begin(count: int) -> None:
        for call in islice(jobs, count):
            begun.append(_Job(call))
            waiting.put(begun[-1])

    stopped = threading.Event()

    def work() -> None:
        while (job := waiting.get()) is not None and not stopped.is_set():
            job.run()

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(work,), name="pycnn data", daemon=True)
        for _ in range(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        begin(window)
        while begun:
            value = begun.popleft().result()
            if value is END:
                return
            begin(1)
            yield value
    finally:
        stopped.set()
        for _ in threads:
            waiting.put(None)
        for thread in threads:
            thread.join(_PATIENCE_SECONDS)
