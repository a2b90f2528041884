"""The rows of one type of an account: those that are plain as structs, the others as the exact path reads them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import partial
from itertools import chain, groupby
from operator import lt

from ...snapshot.model import Account, Lines, Resource
from ..compiler.join_key import UNKNOWN, Decoder, Row, Target, exact_keys, key_reader
from ..errors import EvaluationError
from ..judging.growth import LIGHT


def read_rows(account: Account, kind: str, text: Lines, decoder: Decoder) -> Iterator[tuple[int, Sequence[Row]]]:
    """The rows in order, some at a time, each time all plain or all not; with the number of lines before them.

    Raises SnapshotError where the exact path does.
    """
    decoder = decoder.for_lines(text)
    before, last = 0, ("", "")
    for number, data in text.parts():
        rows = decoder.together(data) if text.neat and text.have_at_most(LIGHT) else None
        alike = rows is not None and len(rows) == number and {row.account for row in rows} == {account.id}
        if rows is None or not alike:
            rows = _one_by_one(account, kind, decoder, text, range(before, before + number))
        places = [(row.region, row.id) for row in rows]
        if not all(map(lt, chain([last], places), places)):
            _refuse(account, kind)
        last = places[-1]
        yield from [(before, rows)] if alike else _stretches(before, rows)
        before += number


def text_of(account: Account, kind: str) -> Lines:
    assert account.lines  # noqa: S101 - of a snapshot in files
    return account.lines(kind)


def exact_row(account: Account, kind: str, text: Lines, number: int) -> Resource:
    """A line, the `number`th from 0, as the exact path reads it. Raises SnapshotError where it does."""
    assert account.parse  # noqa: S101 - of a snapshot in files
    return account.parse(kind, text.lines[number], number + 1)


def _one_by_one(account: Account, kind: str, decoder: Decoder, text: Lines, numbers: range) -> list[Row]:
    found = []
    for number in numbers:
        parse = partial(exact_row, account, kind, text, number)
        row = decoder.row(text.lines[number], parse)
        found.append(row if row.account == account.id else parse())
    return found


def _stretches(before: int, rows: Sequence[Row]) -> Iterator[tuple[int, Sequence[Row]]]:
    for _, group in groupby(rows, key=lambda row: row.__class__ is Resource):
        stretch = list(group)
        yield before, stretch
        before += len(stretch)


def _refuse(account: Account, kind: str) -> None:
    """Let the exact path say what is wrong with a file."""
    raise AssertionError(f"the exact path reads {len(list(account.read(kind)))} of {kind}, the fast path does not")


def keyed(account: Account, target: Target, text: Lines, snapshot_time: str) -> Iterator[tuple[Hashable, int]]:
    """Every row of an account that a target may find: each of its keys, and the number of its line from 0.

    The key of a row that has no value is unknown too: who asks for rows meets the error, and nobody else.
    """
    decoder, key_of = key_reader(target)
    spread = target.spread is not None
    for before, rows in read_rows(account, target.source, text, decoder):
        for number, row in enumerate(rows, before):
            if row.__class__ is Resource:
                keys = _exactly_keyed(row, target, snapshot_time)
            else:
                try:
                    found = key_of(row, snapshot_time)
                    keys = found if spread else () if found is None else (found,)
                except Exception:  # whatever it is, the exact path knows it
                    keys = _exactly_keyed(exact_row(account, target.source, text, number), target, snapshot_time)
            for key in keys:
                yield key, number


def _exactly_keyed(resource: Resource, target: Target, snapshot_time: str) -> Sequence[Hashable]:
    try:
        return exact_keys(resource, target, snapshot_time)
    except EvaluationError:
        return [UNKNOWN]
