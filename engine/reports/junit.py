"""JUnit XML: a test suite per policy and account, a test case per finding.

What could not be known is an error and never a skipped test, as those look green. What is waived, and in a comparison
what failed before, is skipped: neither makes the exit code 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct, field

from .report import Context, Lines, Record, Totals
from .text import answered, one_line

_FAILS = {"fail": "failure", "unknown": "error", "error": "error", "not_applicable": "skipped"}
_TOTALS = ("failure", "error", "skipped")


class Suites(Struct):
    """The suites of one file. It keeps the findings of one policy in one account."""

    context: Context
    _kept: list[Record] = field(default_factory=list)
    _errors: Counter[str] = field(default_factory=Counter)  # of each policy

    def begin(self) -> Iterator[bytes]:
        yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name={_quoted(_name(self.context))}>\n'.encode()

    def add(self, lines: Lines) -> Iterator[bytes]:
        for record in lines.records:
            if self._kept and _suite(self._kept[0]) != _suite(record):
                yield self._written()
            self._kept.append(record)

    def end(self, totals: Totals) -> Iterator[bytes]:
        if self._kept:
            yield self._written()
        for row in totals.rows if self.context.before else ():
            if (same := row.unknown - self._errors[row.policy]) > 0:
                yield _still_unknown(row.policy, same)
        yield b"</testsuites>\n"

    def _written(self) -> bytes:
        policy, account = _suite(self._kept[0])
        counts = Counter(_outcome(record)[0] for record in self._kept)
        failures, errors, skipped = (counts[name] for name in _TOTALS)
        self._errors[policy] += errors
        time = self.context.snapshot.captured_at.removesuffix("Z")
        head = (
            f'<testsuite name={_quoted(policy)} hostname="{account}" timestamp="{time}" tests="{len(self._kept)}"'
            f' failures="{failures}" errors="{errors}" skipped="{skipped}">\n'
        )
        cases = "".join(map(_case, self._kept))
        self._kept.clear()
        return f"{head}{cases}</testsuite>\n".encode()


def _still_unknown(policy: str, number: int) -> bytes:
    """Of what both snapshots do not know a comparison has no lines, and yet it is not green."""
    message = f"{number:,} unknown, as before"
    return (
        f'<testsuite name={_quoted(policy)} tests="1" failures="0" errors="1" skipped="0">\n'
        f'<testcase classname={_quoted(policy)} name="unknown in both"><error type="unknown" message="{message}"/>'
        "</testcase>\n</testsuite>\n"
    ).encode()


def _name(context: Context) -> str:
    return f"{context.before.id} to {context.snapshot.id}" if context.before else context.snapshot.id


def _suite(record: Record) -> tuple[str, str]:
    return record.policy, record.account


def _outcome(record: Record) -> tuple[str, str]:
    """The element of a finding that did not pass, and the reason in a word."""
    if record.waiver:
        return "skipped", "waived"
    if record.change in ("persisting", "vanished"):
        return "skipped", record.change
    return _FAILS.get(record.status, ""), record.status


def _case(record: Record) -> str:
    named = f"{record.resource} ({record.name})" if record.name else record.resource
    place = f"{record.account}.{record.region}.{record.type}"
    head = f"<testcase classname={_quoted(place)} name={_quoted(named)}"
    element, why = _outcome(record)
    if not element:
        return f"{head}/>\n"
    message = answered(record) or record.message
    lines = filter(None, (record.message, record.remediation, f"fingerprint {record.fingerprint}"))
    body = "" if element == "skipped" else escape("\n".join(map(one_line, lines)))
    return f"{head}><{element} type={_quoted(why)} message={_quoted(message)}>{body}</{element}></testcase>\n"


def _quoted(text: str) -> str:
    return quoteattr(one_line(text))
