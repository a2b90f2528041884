"""A queue of calls, and a bounded number of threads that make them. It knows nothing of AWS.

A job is a generator. It yields what to do next and in which lane, as a pair of a lane and a function, and is sent what
the function returned. So a job that waits holds no thread, and every call of every job goes through one queue.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Generator
from itertools import count
from typing import Any

from .rate_limit import Lane

Job = Generator[tuple[Lane, Callable[[], Any]], Any, None]


class Work:
    """Threads that work jobs off: `start` some, which may start others, and `wait`."""

    def __init__(self, threads: int) -> None:
        self._lock = threading.Lock()
        self._queued = threading.Condition(self._lock)
        self._ended = threading.Condition(self._lock)
        self._due: list[tuple[int, int, Lane]] = []  # by rank, then as they came
        self._waiting: list[tuple[float, int, Lane]] = []  # by the time at which they may go
        self._number = count()
        self._left = 0
        self._stopped = False
        self._error: BaseException | None = None
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def start(self, job: Job) -> None:
        """Run a job to its first call, and queue that."""
        with self._lock:
            self._left += 1
        self._advance(job, None)

    def wait(self) -> None:
        """Until every job has ended. Raises what a job raised, at which all the others are dropped."""
        with self._lock:
            while self._left and not self._error:
                self._ended.wait(1)  # without a limit no signal would be heard on some systems
        self.stop()
        if self._error:
            raise self._error

    def stop(self, patience: float = 5) -> None:
        """Start nothing more, and leave what is under way a few seconds to end."""
        with self._lock:
            self._stopped = True
            self._queued.notify_all()
        end = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0, end - time.monotonic()))

    def _serve(self) -> None:
        while (taken := self._take()) is not None:
            job, do = taken
            try:
                self._advance(job, do())
            except BaseException as error:
                with self._lock:
                    self._error = self._error or error
                    self._ended.notify_all()

    def _advance(self, job: Job, value: Any) -> None:
        try:
            lane, do = job.send(value)
        except StopIteration:
            with self._lock:
                self._left -= 1
                if not self._left:
                    self._ended.notify_all()
            return
        with self._lock:
            lane.jobs.append((job, do))
            if len(lane.jobs) == 1:
                self._queue(lane)

    def _queue(self, lane: Lane) -> None:
        ready = lane.ready()
        if ready <= time.monotonic():
            heapq.heappush(self._due, (lane.rank, next(self._number), lane))
        else:
            heapq.heappush(self._waiting, (ready, next(self._number), lane))
        self._queued.notify()

    def _take(self) -> tuple[Job, Callable[[], Any]] | None:
        with self._lock:
            while not self._stopped:
                now = time.monotonic()
                while self._waiting and self._waiting[0][0] <= now:
                    lane = heapq.heappop(self._waiting)[2]
                    heapq.heappush(self._due, (lane.rank, next(self._number), lane))
                if self._due:
                    lane = heapq.heappop(self._due)[2]
                    if lane.ready() > now:  # it was throttled meanwhile
                        self._queue(lane)
                        continue
                    taken: tuple[Job, Callable[[], Any]] = lane.jobs.popleft()
                    lane.sent(now)
                    if lane.jobs:
                        self._queue(lane)
                    return taken
                self._queued.wait(self._waiting[0][0] - now if self._waiting else None)
        return None
