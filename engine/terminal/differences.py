"""What changed, on the terminal: the worst first, and one change that moved several findings only once."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappush, heappushpop

from msgspec import Struct, field
from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from ...snapshot.format import encode
from ..console import safe
from ..diff.diff import Difference
from ..model.cause import Place, Why, why_lines
from ..model.change import Change
from .findings import INDENT, alike, line, print_finding

WHYS = 5  # lines of causes of a difference
_ORDER = (
    Change.NEW,
    Change.PERSISTING,
    Change.UNKNOWN,
    Change.RESOLVED,
    Change.KNOWN,
    Change.VANISHED,
    Change.APPEARED,
)
_ALWAYS = frozenset({Change.NEW, Change.UNKNOWN, Change.RESOLVED, Change.KNOWN})


class Worst(Struct):
    """The `keep` worst of all differences that people should see."""

    keep: int
    total: int = 0
    _kept: list[tuple[tuple[int, int, int], Difference]] = field(default_factory=list)

    def add(self, difference: Difference) -> None:
        if difference.change not in _ALWAYS and not difference.why:
            return
        self.total += 1
        rank = (
            -_ORDER.index(difference.change),
            -difference.finding.severity.rank,
            -self.total,
        )  # the worst is highest
        if len(self._kept) < self.keep:
            heappush(self._kept, (rank, difference))
        elif self.keep:
            heappushpop(self._kept, (rank, difference))

    def print(self, console: Console, *, verbose: bool) -> None:
        """Each with why it changed, and how many more there are."""
        found = [each for _, each in sorted(self._kept, reverse=True, key=lambda pair: pair[0])]
        for group in _together(found, verbose=verbose):
            for each, more in group:
                print_finding(console, each.finding, each.change, more, verbose=verbose)
            for text in _why(group, verbose=verbose):
                line(console, safe(INDENT + text, "italic"))
        if self.total > len(found) and found:
            line(console, Text(f"… and {self.total - len(found):,} more: --show 0 prints all", "dim"))


Group = list[tuple[Difference, int]]  # each with the number of other regions of which it is as true


def _together(found: list[Difference], *, verbose: bool) -> Iterator[Group]:
    """Differences of one cause, where its worst stands."""
    groups: dict[object, Group] = {}
    for first, *others in alike([(each.change, each.finding) for each in found], verbose=verbose):
        each = found[first]
        key = (each.change, _spelt(each)) if each.why and not others else first
        groups.setdefault(key, []).append((each, len(others)))
    yield from groups.values()


def _why(group: Group, *, verbose: bool) -> list[str]:
    """The lines of a cause; where it is of several findings, with the place at which it happened."""
    first = group[0][0]
    found = list(why_lines(first.why if len(group) == 1 else _placed(first)))
    shown = found if verbose else found[:WHYS]
    return shown if len(group) == 1 else [*shown[:-1], f"{shown[-1]}, for all {len(group)}"]


def _spelt(difference: Difference) -> bytes:
    """A cause as one text, which is the same whichever of the findings it is said of."""
    return encode([[why.cause, *why_lines([why])] for why in _placed(difference)])


def _placed(difference: Difference) -> list[Why]:
    found = difference.finding
    own = Place(type=found.type, account=found.account, region=found.region, resource=found.resource)
    return [
        replace(why, details=tuple(replace(each, of=each.of or own) for each in why.details)) for why in difference.why
    ]
