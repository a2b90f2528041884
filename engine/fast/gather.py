"""Gather what lookups across a snapshot need, before the first account is judged.

It goes in rounds: accounts ask, rows are fetched from where they are, and who was told something asks again, for what
one lookup found the next may ask with. Of accounts that have not changed it is remembered what they asked and what
they have; they are only opened for rows that another one needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...snapshot.model import Snapshot
from ..model import Policy
from .cache import Meta
from .far import Fetched, Keys, merged, ordered
from .offers import Board
from .steps import Survey, keys_of, targets_of, turns_of
from .target import Target
from .work import Workers

SHARE = 16  # accounts at a time, or fewer where there are few


@dataclass(slots=True)
class Gathered:
    """What is known of other accounts. Those in `answered` are told what they were told when they were judged."""

    board: Board
    surveys: Mapping[str, Survey] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)

    def complete(self, account: str, meta: Meta) -> None:
        """Say in what is kept of an account what it was told, and what it has for others."""
        meta.answer = self.board.answer(keys_of(meta.asked))
        if account in self.surveys:
            meta.offers, meta.gaps = self.surveys[account].offers, dict(self.surveys[account].gaps)


def gather(snapshot: Snapshot, workers: Workers, policies: Sequence[Policy], *, keeping: bool) -> Gathered:
    """Give the workers the rows of other accounts that judging will need. If `keeping`, answers will be asked for."""
    accounts = snapshot.accounts
    targets = targets_of(policies)
    if not targets:
        return Gathered(Board((), (), {}, ()))
    surveys: dict[str, Survey] = dict(zip(accounts, _each(workers, "survey", accounts), strict=True))
    offers = {account: survey.offers for account, survey in surveys.items()}
    board = Board(targets, accounts, offers, (survey.gaps for survey in surveys.values()))
    store = _Store(workers, board)
    gathered = Gathered(board, surveys)
    told = {account: survey for account, survey in surveys.items() if survey.answer is not None}
    if told:
        store.look(_together(survey.asked for survey in surveys.values()), unsaid=True)
        board.note(key for survey in told.values() for key in survey.names())
        gathered.answered = {name for name, each in told.items() if each.answer == board.answer(each.names())}
    # Who is remembered has not asked yet.
    asking = {
        account: survey.asked
        for account, survey in surveys.items()
        if account not in gathered.answered and (survey.asked or account in told)
    }
    for turn in range(turns_of(policies) + bool(told)):
        if turn:
            found = zip(asking, _each(workers, "ask", list(asking)), strict=True)
            asking = {account: keys for account, keys in found if keys}
            for account, asked in asking.items():
                surveys[account].asked.update(_together([surveys[account].asked, asked]))
        if not any(asking.values()):
            break
        store.look(_together(asking.values()))
        store.share()
    if keeping:
        board.note(key for survey in surveys.values() for key in survey.names())
    return gathered


@dataclass(slots=True)
class _Store:
    """The rows that were fetched."""

    workers: Workers
    board: Board
    fetched: dict[Target, Fetched] = field(default_factory=dict)
    _asked: dict[str, Keys] = field(default_factory=lambda: defaultdict(dict))  # account → what it was asked

    def look(self, wanted: Keys, *, unsaid: bool = False) -> None:
        """Fetch rows with some keys; if only the `unsaid`, from accounts that do not say what they have."""
        tasks: dict[str, Keys] = defaultdict(dict)
        for target, keys in wanted.items():
            for account in self.board.where(target, keys):
                if unsaid and target.name in self.board.offers[account]:
                    continue
                before = self._asked[account].get(target)
                if before is None:  # without any keys, rows whose own nobody knows are asked for
                    tasks[account][target] = self._asked[account][target] = keys  # not one copy for each account
                elif left := keys - before:
                    tasks[account][target], self._asked[account][target] = left, keys | before
        parts = _each(self.workers, "fetch", list(tasks.items()))
        for account, part in zip(tasks, parts, strict=True):
            self.fetched = merged(self.fetched, part)
            self.board.offers[account].update({target.name: each.offer for target, each in part.items() if each.offer})
        for target, keys in wanted.items() if not unsaid else ():
            known = self.fetched.get(target) or Fetched()
            self.fetched[target] = replace(known, keys=known.keys | keys, gap=self.board.gap(target.name))

    def share(self) -> None:
        self.workers.share(ordered(self.fetched))


def _together(asked: Iterable[Keys]) -> Keys:
    found: Keys = defaultdict(set)
    for keys in asked:
        for target, of_one in keys.items():
            found[target] |= of_one
    return dict(found)


def _each(workers: Workers, step: str, tasks: Sequence[Any]) -> list[Any]:
    return [each for share in workers.each(step, shared(tasks)) for each in share]


def shared(tasks: Sequence[Any]) -> list[Sequence[Any]]:
    """Tasks in shares."""
    size = max(1, min(SHARE, len(tasks) // 16))
    return [tasks[start : start + size] for start in range(0, len(tasks), size)]
