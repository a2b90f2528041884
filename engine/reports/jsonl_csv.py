"""Findings as they are: JSON Lines, JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Struct

from .report import Context, Lines, Record, Totals

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class Stream(Struct):
    """A report whose findings stand one after the other, and depend on nothing but themselves."""

    each: Callable[[Lines], Iterable[bytes]]
    first: bytes = b""
    between: bytes = b""
    last: bytes = b""
    _begun: bool = False

    def begin(self) -> Iterator[bytes]:
        yield self.first

    def add(self, lines: Lines) -> Iterator[bytes]:
        if found := self.between.join(self.each(lines)):
            yield self.between + found if self._begun else found
            self._begun = True

    def end(self, totals: Totals) -> Iterator[bytes]:  # noqa: ARG002 - a stream has no summary
        yield self.last


def json_lines(_: Context) -> Stream:
    return Stream(lambda lines: (lines.data,))


def json_array(_: Context) -> Stream:
    return Stream(lambda lines: lines.data.splitlines(), first=b"[\n", between=b",\n", last=b"\n]\n")


def csv_rows(context: Context) -> Stream:
    """Our own fields, under their own names; and what the policy is called and answers."""
    values: Callable[[Record], Iterable[Any]] = attrgetter(*context.fields)
    more = _of_policies(context)

    def each(lines: Lines) -> Iterator[bytes]:
        return (csv_row((*values(record), *more[record.policy])) for record in lines.records)

    return Stream(each, first=csv_row((*context.fields, *POLICY_COLUMNS)))


POLICY_COLUMNS = ("title", "frameworks", "controls", "sections")


def _of_policies(context: Context) -> Mapping[str, Sequence[str]]:
    """The columns that are the same for all findings of a policy. Of several controls each has its place in each."""
    sections = {
        (name, control.number): " ".join(filter(None, (section.number, section.title)))
        for pack in context.packs
        for section in pack.sections
        for control in section.controls
        for name in (pack.name, pack.key)
    }
    found = {}
    for policy in context.policies:
        pairs = [(framework, control) for framework, named in policy.frameworks.items() for control in named]
        columns = ([framework for framework, _ in pairs], [f"{framework} {control}" for framework, control in pairs])
        found[policy.id] = [policy.title, *("; ".join(dict.fromkeys(each)) for each in columns)]
        found[policy.id].append("; ".join(dict.fromkeys(sections[pair] for pair in pairs if pair in sections)))
    return found


def csv_row(cells: Iterable[Any]) -> bytes:
    """One row, as RFC 4180 has it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([_cell(cell) for cell in cells])
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()
    # A spreadsheet would run a cell that begins like a formula: names in a snapshot are not ours to trust.
    return f"'{text}" if text.startswith(_FORMULAS) else text
