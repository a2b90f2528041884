"""The rows of one type of an account: those that are plain as structs, the others as the exact path reads them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import partial
from itertools import chain, groupby
from operator import lt

from ...snapshot.model import Account, Lines, Resource, count_lines
from .target import Decoder, Row, Target, exact_key, key_reader


def read_rows(account: Account, kind: str, text: Lines, decoder: Decoder) -> Iterator[tuple[int, Sequence[Row]]]:
    """The rows in order, some at a time, each time all plain or all not; with the number of lines before them.

    Raises SnapshotError where the exact path does.
    """
    decoder = decoder.for_lines(text)
    before, last = 0, ("", "")
    for data in text.parts():
        rows = decoder.together(data)
        alike = rows is not None and {row.account for row in rows} == {account.id}
        if rows is None or not alike:
            end = before + count_lines(bytes(data))
            rows = _one_by_one(account, kind, decoder, text, range(before, end))
        places = [(row.region, row.id) for row in rows]
        if not all(map(lt, chain([last], places), places)):
            _refuse(account, kind)
        last = places[-1]
        yield from [(before, rows)] if alike else _stretches(before, rows)
        before += len(rows)
    if before != text.number:  # a record is longer than a line
        _refuse(account, kind)


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


def keyed(account: Account, target: Target, text: Lines) -> Iterator[tuple[Hashable, int]]:
    """Every row of an account that a target may find: its key, and the number of its line from 0."""
    decoder, key_of = key_reader(target)
    for before, rows in read_rows(account, target.source, text, decoder):
        for number, row in enumerate(rows, before):
            try:
                key = exact_key(row, target.theirs) if row.__class__ is Resource else key_of(row)
            except Exception:  # whatever it is, the exact path knows it
                key = exact_key(exact_row(account, target.source, text, number), target.theirs)
            if key is not None:
                yield key, number
