"""Records that are no findings, such as drift and trends, as JSON Lines, JSON or CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from ...snapshot.format import encode
from .jsonl_csv import Stream, csv_row
from .report import Lines, Totals
from .targets import STDOUT, OutputError, distinct, whole

ENDINGS = (".jsonl", ".json", ".csv")
Record = Mapping[str, Any]


def check_names(names: Sequence[str], *others: str) -> None:
    """Raise OutputError for a name that is there twice, or whose ending says no format, before any work is done.

    `others` are the endings of what somebody else writes, for the help.
    """
    distinct(names)
    for name in names:
        if name != STDOUT and Path(name).suffix not in ENDINGS:
            raise OutputError(
                f"{name}: no format is known for this name", f"use one of {', '.join([*ENDINGS, *others])}"
            )


@contextmanager
def records(names: Sequence[str], fields: Sequence[str]) -> Iterator[Callable[[Record], None]]:
    """Open every file (`-` is standard output, as JSON Lines); gives what writes one record to each.

    A record is a mapping with all `fields`. Raises OutputError.
    """
    check_names(names)
    with ExitStack() as stack:
        files = [(_stream(name, fields), stack.enter_context(whole(name))) for name in names]
        for stream, file in files:
            file.writelines(stream.begin())

        def write(record: Record) -> None:
            line = Lines(encode(record, ordered=False) + b"\n")
            for stream, file in files:
                file.writelines(stream.add(line))

        yield write
        for stream, file in files:
            file.writelines(stream.end(Totals(rows=())))


def _stream(name: str, fields: Sequence[str]) -> Stream:
    match Path(name).suffix:
        case ".json":
            return Stream(lambda lines: lines.data.splitlines(), first=b"[\n", between=b",\n", last=b"\n]\n")
        case ".csv":
            decode = msgspec.json.decode
            return Stream(lambda lines: (csv_row(decode(lines.data)[name] for name in fields),), first=csv_row(fields))
        case _:
            return Stream(lambda lines: (lines.data,))
