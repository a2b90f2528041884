"""Evaluate plain records some at a time: what is the same for many is done in one go, without Python's loops."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from ...snapshot.model import Lines
from ..compiler.memo_key import KEPT
from ..compiler.program import COUNTED, ODD, Program, Rule
from ..compiler.runtime import encode, identify
from ..model.finding import Status

if TYPE_CHECKING:
    from .exact import Part

_PASS, _FAIL, _ASIDE = Status.PASS.value, Status.FAIL.value, Status.NOT_APPLICABLE.value
Entry = tuple[Lines, int, str, str, tuple[str, str, bytes]]  # the line, region, id, and what a rollup folds


class Found(Struct):
    """What one policy finds in an account: how often what, lines of three pieces each, and what its rollup folds."""

    counts: dict[str, int] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    items: list[Entry] = field(default_factory=list)

    def count(self, status: str, number: int = 1) -> None:
        if number:
            self.counts[status] = self.counts.get(status, 0) + number

    def add(self, fronts: Sequence[bytes], shared: Sequence[bytes], rests: Sequence[bytes]) -> None:
        self.pieces.extend(chain.from_iterable(zip(fronts, shared, rests, strict=True)))


class Judging(Struct):
    """The evaluation of one account by one program: a part for each policy that is of the account, told
    which lines are not plain."""

    program: Program
    account: str
    snapshot_time: str
    finds: Sequence[Callable[..., Any]]
    text: Lines
    parts: Sequence[Part | None]

    def judge(self, before: int, rows: Sequence[Any]) -> None:
        """Evaluate records that are plain, with so many lines before them."""
        columns, names = _Columns(self.program, self.account, rows), _Names(self.program.kind, self.account, rows)
        for position, rule in enumerate(self.program.rules):
            part = self.parts[position]
            if part is None:
                continue
            if rule is None:
                for number in range(before, before + len(rows)):
                    part.judge(number)
            if rule is None or part.is_spent():
                continue
            outcomes = self._outcomes(rule, rows, columns)
            if rule.word is None:
                self._fold(part, before, rows, outcomes)
            else:
                self._write(part, rule, rule.word, before, rows, outcomes, names)

    def _outcomes(self, rule: Rule, rows: Sequence[Any], columns: _Columns) -> list[Any]:
        """What comes of each record, remembered or new."""
        memo, keys = rule.memo, columns.keys(rule.columns) if rule.columns is not None else None
        if keys is None:
            return self._decided(rule, rows)
        rule.met += len(rows)
        try:
            return list(map(memo.__getitem__, keys))
        except KeyError:  # some are new
            pass
        found = list[Any]()
        for key, row in zip(keys, rows, strict=True):
            outcome = memo.get(key)
            if outcome is None:
                (outcome,) = self._decided(rule, [row])
                rule.new += 1
                if outcome is not ODD:
                    if len(memo) >= KEPT:
                        memo.clear()  # what comes often comes again
                    memo[key] = outcome
            found.append(outcome)
        if rule.new > max(KEPT, rule.met // 2):
            rule.columns = None
            memo.clear()
        return found

    def _decided(self, rule: Rule, rows: Sequence[Any]) -> list[Any]:
        decide, account, snapshot_time, finds = rule.decide, self.account, self.snapshot_time, self.finds
        found = list[Any]()
        for row in rows:
            try:
                found.append(decide(row, account, snapshot_time, finds))
            except Exception:  # whatever it is, the exact path says it
                found.append(ODD)
        return found

    def _fold(self, part: Part, before: int, rows: Sequence[Any], outcomes: Sequence[Any]) -> None:
        items = part.found.items
        for number, (row, outcome) in enumerate(zip(rows, outcomes, strict=True), before):
            if outcome is ODD:
                part.judge(number)
            elif outcome:
                items.append((self.text, number, row.region, row.id, outcome))

    def _write(
        self,
        part: Part,
        rule: Rule,
        word: Callable[..., bytes],
        before: int,
        rows: Sequence[Any],
        outcomes: list[Any],
        names: _Names,
    ) -> None:
        found, given = part.found, (self.account, self.snapshot_time, self.finds)
        places: Sequence[int] = range(len(rows))
        if self.program.counts:
            places = [place for place, outcome in enumerate(outcomes) if outcome.__class__ is not int]
            aside = outcomes.count(COUNTED[Status.NOT_APPLICABLE])
            found.count(_ASIDE, aside)
            found.count(_PASS, len(outcomes) - len(places) - aside)
            outcomes = [outcomes[place] for place in places]
            if not places:
                return
        fronts, rests = map(list, zip(*outcomes, strict=True))
        failed = [number for number, front in enumerate(fronts) if front is None]
        shared, start, odd = names.of(places), 0, 0
        for number in failed:
            try:
                rests[number] = word(rows[places[number]], *given, rests[number])  # which is None where it is odd
                fronts[number] = rule.front
            except Exception:  # whatever it is, the exact path says it
                found.add(fronts[start:number], shared[start:number], rests[start:number])
                part.judge(before + places[number])
                start, odd = number + 1, odd + 1
        found.add(fronts[start:], shared[start:], rests[start:])
        aside = fronts.count(rule.aside)
        found.count(_FAIL, len(failed) - odd)
        found.count(_ASIDE, aside)
        found.count(_PASS, len(fronts) - len(failed) - aside)


class _Columns:
    """The values of some records that decide something: made for the first policy that asks."""

    def __init__(self, program: Program, account: str, rows: Sequence[Any]) -> None:
        self._program, self._account, self._rows = program, account, rows
        self._made: dict[int, list[Hashable]] = {}

    def keys(self, numbers: Sequence[int]) -> Sequence[Hashable] | None:
        """What to remember outcomes by, for each record; None if one has a value that nothing tells from others."""
        made = self._made
        for number in numbers:
            if number not in made:
                try:
                    made[number] = self._program.columns[number](self._rows, self._account)
                except Exception:  # such as a number that our JSON has no place for
                    return None
        if len(numbers) == 1:
            return made[numbers[0]]
        columns = [made[number] for number in numbers]
        return list(zip(*columns, strict=True)) if columns else [()] * len(self._rows)


class _Names:
    """What all findings on a record share: made for the first of them."""

    def __init__(self, kind: str, account: str, rows: Sequence[Any]) -> None:
        self._kind, self._account, self._rows = kind, account, rows
        self._made: list[bytes] = []
        self._region: str | None = None

    def of(self, places: Sequence[int]) -> list[bytes]:
        rows, made = self._rows, self._made
        if len(places) == len(rows):
            if b"" in made or not made:
                self._made = made = list(map(self._name, rows))
            return made
        self._made = made = made or [b""] * len(rows)
        for place in places:
            made[place] = made[place] or self._name(rows[place])
        return [made[place] for place in places]

    def _name(self, row: Any) -> bytes:
        if row.region != self._region:
            self._region = region = row.region
            parts = encode(self._account), encode(region), encode(self._kind)
            self._begins = b',"account":%b,"region":%b,"type":%b,"resource":' % parts
            self._marks = sha256(f"{self._account}\0{region}\0{self._kind}\0".encode())
        return identify(self._begins, self._marks, row.id, row.name)
