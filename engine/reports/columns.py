"""Findings as columns: numbers, and texts that are each kept once, deflated as they come.

A text that repeats what its row says elsewhere, as most messages do, is kept as a pattern, which many rows share. So
650,000 findings are some megabytes. `web/data.js` reads what is made here.
"""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from operator import eq
from typing import Any

from msgspec import Struct, field

from ..model.change import Change
from ..model.finding import Status
from ..model.policy import Severity
from .report import Record
from .text import answered, reasons

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
    "severity",
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
_PLACES = ("account", "region", "type", "name", "tags", "mark")  # of a resource; a mark is its fingerprints' first byte
_TEXTS = ("resource", "name", "tags", "message", "evidence", "remediation", "waiver", "why")
STATUSES = [status.value for status in Status]
_STATUSES = {status: number for number, status in enumerate([*STATUSES, None])}  # None: there is no such finding
CHANGES = [change.value for change in Change]
SEVERITIES = [severity.value for severity in Severity]


_Parts = Sequence[tuple[str, str]]


class Texts(Struct):
    """Texts, deflated as they come. One that was seen lately keeps its number, and number 0 is none."""

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


class Names(Struct):
    """Few texts that many rows have."""

    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))


class Columns(Struct):
    """Every finding, column by column. A resource that several policies evaluate is kept once.

    Findings say their severities only if these are not those of their policies.
    """

    policies: dict[str, int]
    severities: Sequence[Severity] = ()
    tags: Callable[[Record], str] = lambda _: ""
    accounts: Names = field(default_factory=Names)
    regions: Names = field(default_factory=Names)
    types: Names = field(default_factory=Names)
    numbers: dict[str, array[int]] = field(default_factory=dict)
    texts: dict[str, Texts] = field(default_factory=dict)
    _account: str = ""
    _places: dict[tuple[str, str, str], tuple[int, _Parts]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.numbers = {name: array("I") for name in (*_FINDINGS, *_PLACES)}
        self.texts = {name: Texts() for name in _TEXTS}
        for name in _TEXTS[1:]:  # every place has a resource
            self.texts[name].add("")

    def add(self, records: Iterable[Record]) -> None:
        numbers = self.numbers
        for record in records:
            place, parts = self._place(record)
            numbers["policy"].append(self.policies[record.policy])
            numbers["status"].append(_STATUSES[record.status])
            numbers["severity"].append(SEVERITIES.index(record.severity))
            numbers["place"].append(place)
            self._say("message", record.message, parts)
            self._say("evidence", bytes(record.evidence).decode(), parts)
            self._say("remediation", record.remediation, parts)
            self._say("waiver", answered(record), parts)
            if record.change:
                numbers["change"].append(CHANGES.index(record.change))
                numbers["before"].append(_STATUSES[record.before])
                numbers["after"].append(_STATUSES[record.after])
                self._say("why", "\n".join(reasons(record)), parts)

    def _say(self, name: str, text: str | None, parts: _Parts) -> None:
        self.numbers[name].append(self.texts[name].number(_pattern(parts, text)) if text else 0)

    def _place(self, record: Record) -> tuple[int, _Parts]:
        if record.account != self._account:  # findings come by account, so no earlier resource comes again
            self._account = record.account
            self._places.clear()
        key = (record.region, record.type, record.resource)
        if found := self._places.get(key):
            return found
        parts = _parts(record)
        place = self.texts["resource"].add(_escaped(record.resource))
        self.numbers["account"].append(self.accounts.number(record.account))
        self.numbers["region"].append(self.regions.number(record.region))
        self.numbers["type"].append(self.types.number(record.type))
        tags = self.tags(record)
        self.numbers["tags"].append(self.texts["tags"].number(_escaped(tags)) if tags else 0)
        self._say("name", record.name, [pair for pair in parts if pair[1] != _NAME])
        self.numbers["mark"].append(int(record.fingerprint[:2], 16))
        self._places[key] = place, parts
        return place, parts

    def blocks(self) -> Iterator[tuple[str, dict[str, Any], bytes]]:
        """Each column that has anything in it: its name, what it is, and its bytes."""
        usual = [SEVERITIES.index(severity) for severity in self.severities]
        same = all(map(eq, map(usual.__getitem__, self.numbers["policy"]), self.numbers["severity"]))
        for name, column in self.numbers.items():
            if column and not (name == "severity" and same):
                packed = array(next((code for most, code in _BITS.items() if max(column) <= most), "I"), column)
                told = {"kind": f"u{8 * packed.itemsize}", "length": len(packed)}
                yield name, told, zlib.compress(packed.tobytes(), 7)
        for name, texts in self.texts.items():
            yield f"{name}Text", *texts.block()


def _parts(record: Record) -> _Parts:
    """What a row's other texts may repeat, and the marks for it."""
    resource = record.resource
    parts = (
        (resource, _RESOURCE),
        (resource[max(resource.rfind(":"), resource.rfind("/")) + 1 :], _TAIL),
        (record.name or "", _NAME),
        (record.account, _ACCOUNT),
        (record.region, _REGION),
    )
    return [pair for pair in parts if len(pair[0]) >= _SHORTEST]


def _pattern(parts: _Parts, text: str) -> str:
    if not text.isprintable() and _MARKS.search(text):
        return _escaped(text)  # somebody may have put our marks there: then they are text, and nothing else is a mark
    for part, mark in parts:
        text = text.replace(part, mark)
    return text


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return _MARKS.sub(lambda found: _ESCAPE + chr(ord("0") + ord(found[0])), text)
