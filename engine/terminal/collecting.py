"""How collecting goes, and what came of it, on the terminal."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from ...snapshot.error_kinds import KINDS, kind_of_cause
from ...snapshot.gaps import ENTER, action_of
from ...snapshot.model import Collected
from ..console import counted, kept_out, safe
from .log import Log, repeating

if TYPE_CHECKING:
    from ...snapshot.collector.forecast import Forecast


class Progress:
    """How far collecting is. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._before = 0  # accounts that were there already: they say nothing of the time that is left
        self.total = self.accounts = self.calls = 0
        self.errors: Counter[str] = Counter()

    def expect(self, accounts: int) -> None:
        self.total = accounts

    def account(self, _: str) -> None:
        with self._lock:
            self.accounts += 1
            self._before += not self.calls

    def call(self) -> None:
        with self._lock:
            self.calls += 1

    def error(self, kind: str) -> None:
        with self._lock:
            self.errors[kind] += 1

    def facts(self) -> dict[str, Any]:
        """The same for a machine."""
        with self._lock:
            return {"accounts": self.accounts, "of": self.total, "calls": self.calls, "errors": dict(self.errors)}

    def __str__(self) -> str:
        passed = max(time.monotonic() - self._begun, 0.001)
        parts = [f"{self.accounts} of {counted(self.total, 'account')}"] if self.total else []
        parts += [counted(self.calls, "call"), f"{self.calls / passed:,.0f} a second"]
        with self._lock:
            kinds = [f"{number:,} {kind}" for kind, number in self.errors.most_common()]
        parts += [f"{counted(self.errors.total(), 'error')} ({', '.join(kinds)})"] if kinds else []
        made = self.accounts - self._before
        if made and self.total > self.accounts:
            parts.append(f"{_span(passed / made * (self.total - self.accounts))} left")
        return ", ".join(parts)


@contextmanager
def collecting(console: Console, log: Log | None = None) -> Iterator[Progress]:
    """While the block runs a bar; where the console is no terminal, or there is a log, lines with times."""
    progress = Progress()
    if log or not console.is_terminal:
        say = log or Log()
        with repeating(lambda: say("collecting", str(progress), **progress.facts())):
            yield progress
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("collecting"), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True, refresh_per_second=4) as bar:
        task = bar.add_task("", total=None, state="")

        def show() -> None:
            bar.update(task, total=progress.total or None, completed=progress.accounts, state=str(progress))

        with repeating(show, 0.25):
            yield progress


def print_collected(console: Console, done: Collected) -> None:
    """What a collection brought, what it could not read, and what would help."""
    _line(console, Text(f"{counted(done.resources, 'resource')} of {counted(done.entered, 'account')} in {done.path}"))
    if done.skipped:
        _line(console, safe(f"not collected: {_left_out(done.skipped)}", "yellow"))
    if done.not_entered:
        _line(console, safe(kept_out(done.not_entered), "yellow"))
    for cause, places in done.gaps.items():
        _line(console, safe(f"unknown: {cause} ({counted(places, 'time')})", "yellow"))
    for text in advice(done.gaps):
        _line(console, safe(f"help: {text}", "cyan"))


def print_forecast(console: Console, seen: Forecast) -> None:
    """What a collection would ask, and how often."""
    _line(console, safe(f"{counted(len(seen.accounts), 'account')}: {', '.join(seen.accounts)}"))
    if seen.skipped:
        _line(console, safe(f"not collected: {_left_out(seen.skipped)}"))
    _line(console, safe(f"{counted(len(seen.regions), 'region')}: {', '.join(seen.regions)}"))
    _line(console, safe(f"{counted(seen.types, 'resource type')}"))
    _line(console, safe(f"{counted(seen.sure, 'call')} to list them, if every account has these regions enabled"))
    if seen.before:
        more = counted(seen.likely, "call")
        text = f"about {more} more about single resources, if there are as many as in {seen.before}"
    else:
        text = "more about single resources: how many, the next dry run can tell from a snapshot in this archive"
    _line(console, safe(text))


def advice(gaps: Iterable[str]) -> Iterator[str]:
    """What would help where something is unknown, once for each kind of reason."""
    causes = [(kind_of_cause(cause), action_of(cause)) for cause in gaps]
    if any(action == ENTER for _, action in causes):
        yield "let the role trust the caller, and the caller assume the role"
    for kind in KINDS:
        actions = sorted({action for found, action in causes if found is kind and action != ENTER})
        if actions and kind.advice:
            yield f"{kind.advice}: {', '.join(actions)}"


def _left_out(skipped: Mapping[str, str]) -> str:
    return ", ".join(f"{account} ({status})" for account, status in skipped.items())


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _line(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True)
