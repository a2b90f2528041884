"""Calls that several types begin with, and how each is made once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from ..catalog import Call, ResourceType
from ..model import Json


def repeated(types: Iterable[ResourceType]) -> frozenset[str]:
    """The calls with which more than one type begins, whatever each takes of the answer."""
    times = Counter(token(spec.first) for spec in types if spec.list.after is None)
    return frozenset(call for call, number in times.items() if number > 1)


def token(call: Call) -> str:
    return repr(call.whole())


class Once:
    """The answers of one account to such calls. Who asks while a call is under way waits for its answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, str], Future[Json]] = {}

    def __call__(self, call: str, region: str, make: Callable[[], Json]) -> Json:
        with self._lock:
            found = self._answers.get((call, region))
            mine = self._answers.setdefault((call, region), found or Future())
        if found is None:
            try:
                mine.set_result(make())
            except BaseException as error:
                mine.set_exception(error)
        return mine.result()
