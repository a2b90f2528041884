"""Findings and differences as files: JSON Lines, JSON and CSV. A file is there whole, or not at all."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from ..snapshot.errors import StillframeError

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Format:
    """How records, which come as JSON Lines, become bytes. `begin` and `between` frame them; `rows` makes some."""

    rows: Callable[[bytes], bytes]
    begin: Callable[[Sequence[str]], bytes] = lambda _: b""
    between: bytes = b""
    end: bytes = b""


class OutputError(StillframeError):
    """A file that cannot be written, or whose format is not known."""


FINDING_FIELDS = (
    "policy",
    "status",
    "severity",
    "account",
    "region",
    "type",
    "resource",
    "name",
    "fingerprint",
    "message",
    "evidence",
    "remediation",
    "waiver",
)
DIFFERENCE_FIELDS = ("change", "before", "after", *FINDING_FIELDS)


Write = Callable[[bytes], None]


@contextmanager
def writers(targets: Sequence[str], fields: Sequence[str]) -> Iterator[Write]:
    """Open every target (`-` is standard output, as JSON Lines); gives a function that writes lines to all.

    Raises OutputError for a name whose ending is not a format, or a file that cannot be written.
    """
    with ExitStack() as stack:
        sinks = [stack.enter_context(_sink(target, fields)) for target in targets]

        def write(lines: bytes) -> None:
            for sink in sinks if lines else ():
                sink(lines)

        yield write


def check_targets(targets: Iterable[str]) -> None:
    """Raise OutputError for a target whose format is not known, before any work is done."""
    for target in targets:
        _format(target)


def _format(target: str) -> Format:
    ending = ".jsonl" if target == STDOUT else Path(target).suffix
    if ending not in FORMATS:
        raise OutputError(
            f"{target}: no format is known for {ending or 'this name'}", f"use one of {', '.join(FORMATS)}"
        )
    return FORMATS[ending]


@contextmanager
def _sink(target: str, fields: Sequence[str]) -> Iterator[Write]:
    form = _format(target)
    with whole(target) as file:
        file.write(form.begin(fields))
        first = True

        def write(lines: bytes) -> None:
            nonlocal first
            file.write(form.rows(lines) if first else form.between + form.rows(lines))
            first = False

        yield write
        file.write(form.end)


@contextmanager
def whole(target: str) -> Iterator[IO[bytes]]:
    """A file that takes its name when it is complete."""
    if target == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(target)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
        partial.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror})", "name a file in a folder that exists"
        ) from None
    finally:
        partial.unlink(missing_ok=True)


def _json(lines: bytes) -> bytes:
    return b",\n".join(lines.splitlines())


def _csv(lines: bytes) -> bytes:
    return b"".join(_csv_row(msgspec.json.decode(line).values()) for line in lines.splitlines())


def _csv_row(cells: Iterable[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([_cell(cell) for cell in cells])
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()
    # A spreadsheet would run a cell that begins like a formula: names in a snapshot are not ours to trust.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


FORMATS: Mapping[str, Format] = {
    ".jsonl": Format(rows=lambda lines: lines),
    ".json": Format(begin=lambda _: b"[\n", rows=_json, between=b",\n", end=b"\n]\n"),
    ".csv": Format(begin=_csv_row, rows=_csv),
}
