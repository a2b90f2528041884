"""What a snapshot holds, and what is not known of it, as people see it on a terminal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator

from msgspec import Struct, field
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...snapshot.catalog import load_catalog
from ...snapshot.error_kinds import NOT_ASKED, kind_of_cause
from ...snapshot.gaps import in_part, not_entered
from ...snapshot.model import Snapshot
from ..console import counted, kept_out, safe
from ..findings.source import source_lines
from .findings import line

_NAMED = 4
_UNASKED = "NotAsked: "


class _Held(Struct):
    """Of a snapshot: by type how many resources, lists not read, and resources known in part.

    And each cause, with of how many lists and resources it is one.
    """

    counts: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)
    in_part: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    regions: Counter[str] = field(default_factory=Counter)  # that were not asked, with how many lists
    unasked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # why → which calls

    def add(self, snapshot: Snapshot, identity: str) -> None:
        account = snapshot.account(identity)
        for kind, coverage in account.coverage.items():
            spec = load_catalog().get(kind)
            found = account.gaps(kind)
            self.counts[kind] += account.count(kind)
            self.gaps[kind] += len(found)
            self.causes.update(coverage.missing.values())
            self.regions.update(found.keys() - coverage.missing.keys())
            for _, causes in in_part(account, kind, spec.attach if spec else ()):
                self.in_part[kind] += self._add(causes)

    def _add(self, causes: list[str]) -> bool:
        """Count the causes of one resource; whether one of them is more than that it was not asked for."""
        unread = False
        for cause in causes:
            if cause.startswith(_UNASKED):
                call, _, why = cause.removeprefix(_UNASKED).partition(", ")
                self.unasked[why].add(call)
            elif kind_of_cause(cause) is not NOT_ASKED:  # as regions are, whose lists tell of them
                self.causes[cause] += 1
                unread = True
        return unread


def print_contents(console: Console, snapshot: Snapshot) -> None:
    """What a snapshot holds and what was not read, by type; then each cause, and what was not asked."""
    held = _Held()
    for identity in snapshot.accounts:
        held.add(snapshot, identity)
    accounts = counted(len(snapshot.accounts), "account")
    line(console, Text(f"Snapshot {snapshot.id}, taken {snapshot.captured_at}, {accounts}", "bold"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Type", overflow="fold")
    for name in ("Resources", "Lists not read", "Known in part"):
        table.add_column(name, justify="right")
    for kind in sorted(held.counts):
        unread = [
            Text(f"{number:,}", "yellow" if number else "dim") for number in (held.gaps[kind], held.in_part[kind])
        ]
        table.add_row(safe(kind), f"{held.counts[kind]:,}", *unread)
    console.print(table)
    if kept := not_entered(snapshot):
        line(console, safe(kept_out(kept), "yellow"))
    for text in _unknown(held):
        line(console, safe(text, "yellow"))
    for text in source_lines(snapshot):
        line(console, safe(text))


def _unknown(held: _Held) -> Iterator[str]:
    for cause, places in sorted(held.causes.items()):
        yield f"unknown: {cause} ({counted(places, 'time')})"
    for region, lists in sorted(held.regions.items()):
        yield f"not asked: {region} ({counted(lists, 'list')})"
    for why, calls in sorted(held.unasked.items()):
        yield f"not asked: {_few(calls)}" + f", {why}" * bool(why)
    lacking = {*load_catalog()} - held.counts.keys()
    if lacking:
        yield f"not collected: {counted(len(lacking), 'type')}, {_few(lacking)}"
    if lacking or held.unasked:
        yield "`stillframe collect` asks for all but what is costly; `--pack PACK` or `-p PATH` for what policies read"


def _few(names: Collection[str]) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(sorted(names)[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
