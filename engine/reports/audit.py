"""The auditor's report: a document to be signed, as a page to print or as PDF, and its annex with every finding."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import chain
from typing import Any

from ...snapshot.files import packaged
from ...snapshot.gaps import Gap, gaps
from ..findings.counts import SHOWN
from ..judging.dependencies import needed
from ..model.finding import Status
from . import audit_controls, audit_front, audit_gaps, chromium
from .audit_topics import Kept, Topics
from .causes import Causes
from .jsonl_csv import csv_row
from .markup import Markup, element, join
from .report import Context, Lines, Record, Totals
from .targets import ANNEX, REPORT

MOST = 200  # findings that stand in the document, of all policies together; the annex has each
COLUMNS = (
    *("row", "kind", "policy", "status", "severity", "account", "region", "type", "resource", "name", "message"),
    *("evidence", "remediation", "waiver", "owner", "until", "reason", "times", "fingerprint"),
)
_UNKNOWN = (Status.UNKNOWN, Status.ERROR)
Piece = tuple[str, bytes]


@dataclass(slots=True)
class Audit:
    """One report. It keeps a few findings of each policy, counts of all, and the digest of its annex.

    `paper` is the page's size, or none, where whoever prints it chooses; `pdf` that it is printed here.
    """

    context: Context
    paper: str = ""
    pdf: bool = False
    _kept: dict[str, Kept] = field(default_factory=dict)
    _causes: Causes = field(default_factory=Causes)
    _digest: Any = field(default_factory=sha256)
    _rows: int = 0

    def begin(self) -> Iterator[Piece]:
        yield self._annexed(COLUMNS)

    def add(self, lines: Lines) -> Iterator[Piece]:
        for record in lines.records:
            if record.status in SHOWN:
                self._rows += 1
                self._kept.setdefault(record.policy, Kept()).add(record, self._rows, MOST)
                if record.status in _UNKNOWN:
                    self._causes.add(record)
                yield self._annexed((self._rows, "finding", *_cells(record)))

    def end(self, totals: Totals) -> Iterator[Piece]:
        there = frozenset(self.context.accounts)
        unread = [gap for gap in gaps(self.context.snapshot, needed(self.context.policies)) if gap.account in there]
        for cells in chain.from_iterable(map(_gap_rows, unread)):
            self._rows += 1
            yield self._annexed((self._rows, *cells))
        page = self._page(totals, unread)
        yield REPORT, chromium.printed(page, self.context.snapshot.captured_at) if self.pdf else page

    def _annexed(self, cells: Iterable[object]) -> Piece:
        row = csv_row(cells)
        self._digest.update(row)
        return ANNEX, row

    def _page(self, totals: Totals, unread: list[Gap]) -> bytes:
        topics = Topics(self.context, totals, self._kept)
        annex = audit_front.Annex(self._rows, self._digest.hexdigest())
        chapters = (
            audit_front.cover(self.context, totals, annex),
            audit_front.scope(self.context, totals),
            audit_front.results(topics),
            audit_gaps.chapter(topics, list(self._causes.data()), unread),
            audit_controls.chapter(topics, MOST),
            audit_front.answers(topics),
            audit_front.policies(self.context, totals),
        )
        return _document(audit_front.title(self.context), self._style(), join(chapters)).encode()

    def _style(self) -> str:
        style = packaged("engine", "reports", "web", "print.css").read_text("utf-8")
        said = "".join(each for each in self.context.snapshot.id if each.isascii() and (each.isalnum() or each == "-"))
        size = f"size: {self.paper}; " if self.paper else ""
        return style + f'@page {{ {size}@bottom-left {{ content: "Stillframe, snapshot {said}" }} }}\n'


view = Audit
a4 = partial(Audit, paper="A4", pdf=True)
letter = partial(Audit, paper="letter", pdf=True)


def _cells(record: Record) -> Iterator[object]:
    waiver = record.waiver or {}
    yield from (record.policy, record.status, record.severity, record.account, record.region, record.type)
    yield from (record.resource, record.name, record.message, record.evidence, record.remediation)
    yield from (waiver.get("kind"), waiver.get("owner"), waiver.get("expires"), waiver.get("reason"))
    yield from (None, record.fingerprint)


def _gap_rows(gap: Gap) -> Iterator[tuple[object, ...]]:
    """What could not be read, a row for each place and cause."""
    lists = [(region, str(cause), 1) for region, cause in sorted(gap.lists.items())]
    values = [(region, cause, times) for (region, cause), times in sorted(gap.within.items())]
    for region, cause, times in lists + values:
        place = (gap.account, region, gap.type, None, None, cause)
        yield ("not read", None, None, None, *place, *[None] * 6, times, None)


def _document(title: str, style: str, body: Markup) -> str:
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"{element('title', title)}\n<style>{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
