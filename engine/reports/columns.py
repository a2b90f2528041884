"""Findings as columns: numbers, and texts that are each kept once, deflated as they come.

A text that repeats what its row says elsewhere, as most messages do, is kept as a pattern, which many rows share. So
650,000 findings are some megabytes. `web/data.js` reads what is made here.
"""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..diff import Change
from ..model import Severity, Status
from .report import Record
from .words import answered, reasons

# What stands in a pattern for the row's resource, its last part, its name, its account and its region.
_RESOURCE, _TAIL, _NAME, _ACCOUNT, _REGION = "\x01\x02\x03\x04\x05"
_ESCAPE, _END = "\x06", "\x00"
_MARKS = re.compile("[\x00-\x06]")
_SHORTEST = 6  # a shorter part would be found by chance in too many texts
_REMEMBERED = 50_000
_BITS = {255: "B", 65_535: "H"}
_FINDINGS = (
    "policy",
    "status",
    "change",
    "before",
    "after",
    "place",
    "message",
    "evidence",
    "remediation",
    "waiver",
    "why",
)
_PLACES = ("account", "region", "type", "name", "mark")  # of a resource; a mark is the first byte of its fingerprints
_TEXTS = ("resource", "name", "message", "evidence", "remediation", "waiver", "why")
STATUSES = [status.value for status in Status]
CHANGES = [change.value for change in Change]
SEVERITIES = [severity.value for severity in Severity]


@dataclass(slots=True)
class Texts:
    """Texts, deflated as they come. One that was seen lately keeps its number."""

    count: int = 0
    _known: dict[str, int] = field(default_factory=dict)
    _parts: list[bytes] = field(default_factory=list)
    _deflate: Any = field(default_factory=partial(zlib.compressobj, 7))

    def number(self, text: str) -> int:
        """The number of a text."""
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[text] = self.add(text)
        return known

    def add(self, text: str) -> int:
        """The number of a text that is not expected again."""
        self._parts.append(self._deflate.compress((text + _END).encode("utf-8", "replace")))
        self.count += 1
        return self.count - 1

    def block(self) -> tuple[dict[str, Any], bytes]:
        return {"kind": "text", "length": self.count}, b"".join(self._parts) + self._deflate.flush()


@dataclass(slots=True)
class Names:
    """Few texts that many rows have."""

    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))


@dataclass(slots=True)
class Columns:
    """Every finding, column by column. A resource that several policies judge is kept once."""

    policies: dict[str, int]
    accounts: Names = field(default_factory=Names)
    regions: Names = field(default_factory=Names)
    types: Names = field(default_factory=Names)
    numbers: dict[str, array[int]] = field(default_factory=dict)
    texts: dict[str, Texts] = field(default_factory=dict)
    _account: str = ""
    _places: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.numbers = {name: array("I") for name in (*_FINDINGS, *_PLACES)}
        self.texts = {name: Texts() for name in _TEXTS}
        for name in ("name", "remediation", "waiver"):
            self.texts[name].number("")  # number 0 is none

    def add(self, records: Iterable[Record]) -> None:
        numbers, texts = self.numbers, self.texts
        for record in records:
            short = _shortener(record)
            numbers["policy"].append(self.policies[record.policy])
            numbers["status"].append(STATUSES.index(record.status))
            numbers["place"].append(self._place(record))
            numbers["message"].append(texts["message"].number(short(record.message)))
            numbers["evidence"].append(texts["evidence"].number(short(bytes(record.evidence).decode())))
            numbers["remediation"].append(texts["remediation"].number(short(record.remediation or "")))
            numbers["waiver"].append(texts["waiver"].number(short(answered(record) or "")))
            if record.change:
                numbers["change"].append(CHANGES.index(record.change))
                numbers["before"].append(_status(record.before))
                numbers["after"].append(_status(record.after))
                numbers["why"].append(texts["why"].number(short("\n".join(reasons(record)))))

    def _place(self, record: Record) -> int:
        if record.account != self._account:  # findings come by account, so no earlier resource comes again
            self._account = record.account
            self._places.clear()
        key = (record.region, record.type, record.resource)
        place = self._places.get(key)
        if place is None:
            numbers, texts = self.numbers, self.texts
            place = self._places[key] = texts["resource"].add(_escaped(record.resource))
            numbers["account"].append(self.accounts.number(record.account))
            numbers["region"].append(self.regions.number(record.region))
            numbers["type"].append(self.types.number(record.type))
            numbers["name"].append(texts["name"].number(_shortener(record, named=False)(record.name or "")))
            numbers["mark"].append(int(record.fingerprint[:2], 16))
        return place

    def blocks(self) -> Iterator[tuple[str, dict[str, Any], bytes]]:
        """Each column that has anything in it: its name, what it is, and its bytes."""
        for name, column in self.numbers.items():
            if column:
                packed = array(next((code for most, code in _BITS.items() if max(column) <= most), "I"), column)
                told = {"kind": f"u{8 * packed.itemsize}", "length": len(packed)}
                yield name, told, zlib.compress(packed.tobytes(), 7)
        for name, texts in self.texts.items():
            yield f"{name}Text", *texts.block()


def _status(status: str | None) -> int:
    """A status, or that there is no such finding."""
    return STATUSES.index(status) if status else len(STATUSES)


def _shortener(record: Record, *, named: bool = True) -> Callable[[str], str]:
    """What makes patterns of a row's texts."""
    parts = (
        (record.resource, _RESOURCE),
        (re.split("[:/]", record.resource)[-1], _TAIL),
        ((named and record.name) or "", _NAME),
        (record.account, _ACCOUNT),
        (record.region, _REGION),
    )
    return partial(_pattern, [pair for pair in parts if len(pair[0]) >= _SHORTEST])


def _pattern(parts: Iterable[tuple[str, str]], text: str) -> str:
    if _MARKS.search(text):  # somebody may have put our marks there: then they are text, and nothing else is a mark
        return _escaped(text)
    for part, mark in parts:
        text = text.replace(part, mark)
    return text


def _escaped(text: str) -> str:
    return _MARKS.sub(lambda found: _ESCAPE + chr(ord("0") + ord(found[0])), text)
