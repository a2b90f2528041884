"""Judge plain records some at a time: what is the same for many of them is done in one go, without Python's loops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

from .memo import KEPT
from .plain import NotPlain, encode, identify
from .program import ODD, STATUSES, Program, Rule

_STATUSES = [(number, status.value) for number, status in enumerate(STATUSES)]
Entry = tuple[int, str, str, tuple[str, str, bytes]]  # number of the line, region, id, and what a rollup folds


@dataclass(slots=True)
class Found:
    """What one policy finds in an account: three pieces of each line; what its rollup folds; what is only counted."""

    pieces: list[bytes] = field(default_factory=list)
    items: list[Entry] = field(default_factory=list)
    unwritten: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Judging:
    """The judging of one account by one program. `exactly` is told which line and which policy is left alone."""

    program: Program
    account: str
    snapshot_time: str
    finds: Sequence[Callable[..., Any]]
    found: Sequence[Found]
    exactly: Callable[[int, int], None]
    _region: str = ""
    _begins: bytes = b""
    _marks: str = ""

    def judge(self, before: int, rows: Sequence[Any]) -> None:
        """Judge records that are plain, with so many lines before them."""
        columns, names = _Columns(self, rows), _Names(self, rows)
        for position, rule in enumerate(self.program.rules):
            if rule is None:
                for number in range(before, before + len(rows)):
                    self.exactly(number, position)
                continue
            outcomes = self._outcomes(rule, rows, columns)
            if rule.word is None:
                self._fold(position, before, rows, outcomes)
            else:
                self._write(position, rule, before, rows, outcomes, names)

    def _outcomes(self, rule: Rule, rows: Sequence[Any], columns: _Columns) -> list[Any]:
        """What comes of each record, remembered or new."""
        memo, numbers, found = rule.memo, rule.columns, list[Any]()
        if numbers is None or not columns.have(numbers):
            return [self._outcome(rule, row) for row in rows]
        with suppress(KeyError):  # some are new
            return list(map(memo.__getitem__, columns.keys(numbers)))
        for key, row in zip(columns.keys(numbers), rows, strict=True):
            outcome = memo.get(key)
            if outcome is None:
                rule.new += 1
                outcome = self._outcome(rule, row)
                if outcome is not ODD:
                    if len(memo) >= KEPT:
                        memo.clear()  # what comes often comes again
                    memo[key] = outcome
            found.append(outcome)
        rule.met += len(rows)
        if rule.new > max(KEPT, rule.met // 2):
            rule.columns = None
            memo.clear()
        return found

    def _outcome(self, rule: Rule, row: Any) -> Any:
        try:
            return rule.decide(row, self.account, self.snapshot_time, self.finds)
        except Exception:  # whatever it is, the exact path says it
            return ODD

    def _fold(self, position: int, before: int, rows: Sequence[Any], outcomes: Sequence[Any]) -> None:
        items = self.found[position].items
        for number, (row, outcome) in enumerate(zip(rows, outcomes, strict=True), before):
            if outcome is ODD:
                self.exactly(number, position)
            elif outcome:
                items.append((number, row.region, row.id, outcome))

    def _write(
        self, position: int, rule: Rule, before: int, rows: Sequence[Any], outcomes: list[Any], names: _Names
    ) -> None:
        found = self.found[position]
        places: Sequence[int] = range(len(rows))
        if counted := [each for each in outcomes if each.__class__ is int]:
            for number, status in _STATUSES:
                if count := counted.count(number):
                    found.unwritten[status] += count
            places = [place for place in places if outcomes[place].__class__ is not int]
            outcomes = [outcomes[place] for place in places]
            if not outcomes:
                return
        fronts, rests = map(list, zip(*outcomes, strict=True))
        shared, start = names.of(places), 0

        def take(end: int) -> None:
            lines = zip(fronts[start:end], shared[start:end], rests[start:end], strict=True)
            found.pieces.extend(chain.from_iterable(lines))

        for number in [number for number, front in enumerate(fronts) if front is None]:
            try:
                fronts[number], rests[number] = rule.front, self._word(rule, rows[places[number]], rests[number])
            except Exception:  # whatever it is, the exact path says it
                take(number)
                self.exactly(before + places[number], position)
                start = number + 1
        take(len(fronts))

    def _word(self, rule: Rule, row: Any, told: Any) -> bytes:
        assert rule.word  # noqa: S101 - who folds has no lines
        if told is None:
            raise NotPlain
        return rule.word(row, self.account, self.snapshot_time, self.finds, told)

    def name(self, row: Any) -> bytes:
        """What all findings on a record share."""
        if row.region != self._region:
            kind, region = self.program.kind, row.region
            parts = encode(self.account), encode(region), encode(kind)
            self._begins = b',"account":%b,"region":%b,"type":%b,"resource":' % parts
            self._marks = f"{self.account}\0{region}\0{kind}\0"
            self._region = region
        return identify(self._begins, self._marks, row.id, row.name)


class _Columns:
    """The values of some records that decide something: made for the first policy that asks."""

    def __init__(self, judging: Judging, rows: Sequence[Any]) -> None:
        self._judging, self._rows = judging, rows
        self._made: dict[int, list[Hashable]] = {}

    def have(self, numbers: Sequence[int]) -> bool:
        """Whether each record has values that can be told from others."""
        for number in numbers:
            if number not in self._made:
                try:
                    column = self._judging.program.columns[number]
                    self._made[number] = column(self._rows, self._judging.account)
                except Exception:  # such as of a number that JSON of ours has no place for
                    return False
        return True

    def keys(self, numbers: Sequence[int]) -> Iterable[Hashable]:
        """What to remember outcomes by, for each record."""
        columns = [self._made[number] for number in numbers]
        if len(columns) == 1:
            return columns[0]
        return zip(*columns, strict=True) if columns else repeat((), len(self._rows))


class _Names:
    """What all findings on a record share: made for the first of them."""

    def __init__(self, judging: Judging, rows: Sequence[Any]) -> None:
        self._judging, self._rows = judging, rows
        self._made: list[bytes] = [b""] * len(rows)
        self._left = len(rows)

    def of(self, places: Sequence[int]) -> list[bytes]:
        made = self._made
        for place in places if self._left else ():
            if not made[place]:
                made[place] = self._judging.name(self._rows[place])
                self._left -= 1
        return made if len(places) == len(made) else [made[place] for place in places]
