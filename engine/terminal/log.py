"""What happens as lines with times, for a run that nobody watches: as text, or as JSON for a machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

from msgspec import Struct

from ..printable import harmless, printable

FORMATS = ("text", "json")
EVERY = 15.0  # seconds between two lines of progress


class Log(Struct, frozen=True):
    """Says what happens on standard error, a line each."""

    form: str = "text"

    def __call__(self, event: str, text: str, **facts: Any) -> None:
        """One line: of JSON, it has the facts as well."""
        time = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        line = f"{time} {event}: {printable(text)}"
        if self.form == "json":
            line = harmless(json.dumps({"time": time, "event": event, "message": text, **facts}, ensure_ascii=False))
        print(line, file=sys.stderr, flush=True)

    def errors(self, said: Iterable[tuple[str, Sequence[str]]], advice: str, code: int) -> None:
        """What is wrong, each with the lines of a file where it is; what helps, and the exit code that it leads to."""
        for text, excerpt in said:
            if self.form == "json":
                self("error", text, help=advice, code=code, **({"excerpt": excerpt} if excerpt else {}))
                continue
            for line in (*text.splitlines(), *excerpt):
                self("error", line)
        if advice and self.form != "json":
            self("help", advice)


@contextmanager
def repeating(say: Callable[[], None], every: float = EVERY) -> Iterator[None]:
    """Say something again and again, while the block runs."""
    done = Event()

    def follow() -> None:
        while not done.wait(every):
            say()

    follower = Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield
    finally:
        done.set()
        follower.join()
