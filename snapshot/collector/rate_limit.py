"""How fast a service may be asked: as AWS publishes it, and slower for a while once it throttles.

A lane is what shares one limit: the calls to one service, or to one of its operations, in one region of one account.
"""

from __future__ import annotations

from collections import deque
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

SLOWEST = 0.2  # seconds between two calls, at most: calls that are throttled wait longer, each for itself
FIRST = 0.02  # the same, when AWS throttles for the first time
HARDER, EASIER = 1.5, 0.98  # at most once a second; with each answer


class Lane:
    """The pace of a lane, and the jobs that wait in it. Times are those of `time.monotonic`."""

    def __init__(self, rank: int = 0, rate: float | None = None, burst: int = 1) -> None:
        self.rank = rank  # of two lanes that may go, the lower one goes first
        self.jobs: deque[Any] = deque()
        self._least = self._interval = 1 / rate if rate else 0.0
        self._spare = (burst - 1) * self._interval
        self._next = self._calm = 0.0

    def ready(self) -> float:
        """When the next call may be sent."""
        return self._next - self._spare

    def sent(self, now: float) -> None:
        self._next = max(self._next, now) + self._interval

    def answered(self) -> None:
        eased = self._interval * EASIER
        self._interval = max(self._least, eased if eased > 0.001 else 0.0)

    def throttled(self, now: float) -> None:
        """Slow down, for all who share the lane; but once, where many calls are refused together."""
        if now >= self._calm:
            self._interval = max(self._least, min(SLOWEST, max(FIRST, self._interval * HARDER)))
            self._spare, self._calm = 0.0, now + 1


class Lanes:
    """The lanes of one account."""

    def __init__(self, rank: int, *, paced: bool = True) -> None:
        self._rank, self._limits = rank, limits() if paced else {}
        self._lanes: dict[tuple[str, ...], Lane] = {}

    def of(self, service: str, operation: str, region: str) -> Lane:
        limit = self._limits.get(service, {})
        own = limit.get("calls", {}).get(operation)
        key = (service, region, operation) if own or limit.get("each") else (service, region)
        lane = self._lanes.get(key)
        if lane is None:
            found = own or limit
            made = Lane(self._rank, found.get("rate"), found.get("burst", 1))
            lane = self._lanes.setdefault(key, made)  # of two threads that make one, one wins
        return lane


@cache
def limits() -> dict[str, Any]:
    """The published limits, by service as boto3 calls it."""
    found: dict[str, Any] = yaml.safe_load((files("stillframe.snapshot.collector") / "limits.yaml").read_text("utf-8"))
    return found
