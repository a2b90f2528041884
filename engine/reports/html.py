"""One HTML file that needs nothing else: no network, no server, no other file.

Here is no markup: the page, its style and its script are files of their own in `web/`, and all that comes from a
snapshot goes into it as data, which the script shows as text. A policy in the page's head lets the browser run that
script and nothing else.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from hashlib import sha256
from typing import Any

import stillframe

from ...snapshot.files import packaged
from ..findings.counts import Row, ranked
from ..findings.tags import Tags
from ..history.trend import Point
from ..model import priorities
from ..model.change import Change
from ..model.finding import Status
from ..model.policy import Lookup, Policy, Severity
from ..packs.report import PackReport
from ..packs.text import as_data
from . import places
from .causes import Causes, collecting
from .columns import CHANGES, SEVERITIES, STATUSES, Columns
from .report import Context, Lines, Totals
from .text import controls

SCRIPTS = (
    "data.js",
    "digest.js",
    "dom.js",
    "filters.js",
    "query.js",
    "overview.js",
    "causes.js",
    "packs.js",
    "trend.js",
    "where.js",
    "choice.js",
    "export.js",
    "findings.js",
    "detail.js",
    "main.js",
)


_UNKNOWN = (Status.UNKNOWN, Status.ERROR)


@dataclass(slots=True)
class Page:
    """One page. It keeps every finding, as deflated columns."""

    context: Context
    _columns: Columns = field(init=False)
    _causes: Causes = field(default_factory=Causes)

    def __post_init__(self) -> None:
        numbers = {policy.id: number for number, policy in enumerate(self.context.policies)}
        severities = [policy.severity for policy in self.context.policies]
        self._columns = Columns(numbers, severities, partial(places.tags, Tags(places.snapshots(self.context))))

    def begin(self) -> Iterator[bytes]:
        head, _ = _template()
        yield head

    def add(self, lines: Lines) -> Iterator[bytes]:
        self._columns.add(lines.records)
        for record in lines.records:
            if record.status in _UNKNOWN:
                self._causes.add(record)
        return iter(())

    def end(self, totals: Totals) -> Iterator[bytes]:
        blocks = {}
        for name, told, data in self._columns.blocks():
            blocks[name] = told
            yield b'<script type="text/plain" id="block-%s">' % name.encode()
            yield b64encode(data)
            yield b"</script>\n"
        said = {**_report(self.context, self._columns, totals), "causes": list(self._causes.data()), "blocks": blocks}
        report = json.dumps(said, separators=(",", ":"))
        # No text of a snapshot can end this element, or begin another.
        yield b'<script type="application/json" id="report">%s</script>\n' % report.replace("<", "\\u003c").encode()
        _, tail = _template()
        yield tail


@cache
def _template() -> tuple[bytes, bytes]:
    """The page before and after its data."""
    page, style, script = _asset("page.html"), _asset("style.css"), "\n".join(map(_asset, SCRIPTS))
    script = f"(() => {{\n'use strict';\n{script}}})();"
    parts = {"style": style, "script": script, "style-hash": _hash(style), "script-hash": _hash(script)}
    for name, text in parts.items():
        page = page.replace(f"{{{{{name}}}}}", text)
    head, tail = page.split("{{data}}\n")
    return head.encode(), tail.encode()


def _asset(name: str) -> str:
    return packaged("engine", "reports", "web", name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _report(context: Context, columns: Columns, totals: Totals) -> dict[str, Any]:
    known = dict(places.accounts(context, columns.accounts.numbers))
    rows = {now.policy: (was, now) for was, now in totals.pairs()}
    return {
        "tool": stillframe.__version__,
        "snapshot": {**_snapshot(context.snapshot), "evaluated": len(context.accounts)},
        "before": _snapshot(context.before) if context.before else None,
        "policies": [
            {
                **_policy(policy),
                **_counts(rows[policy.id][1]),
                "failing": _failing(rows[policy.id][1]),
                "severities": rows[policy.id][1].severities,
                "before": _counts(rows[policy.id][0]) if context.before else None,
                "changes": {change: totals.changes[policy.id, Change(change)] for change in CHANGES},
            }
            for policy in context.policies
        ],
        "order": [columns.policies[name] for name in rows],
        "weights": [priorities.SEVERITIES[severity] for severity in Severity],
        "fix": [columns.policies[row.policy] for row in ranked(totals.rows)],
        "packs": [as_data(report) for report in totals.packs] if context.named else [],
        "notes": list(totals.notes),
        "collect": collecting(context.packs if context.named else ()),
        "trend": [_point(point) for point in context.trend],
        "names": {
            "severity": SEVERITIES,
            "status": STATUSES,
            "change": CHANGES,
            "account": list(columns.accounts.numbers),
            "region": list(columns.regions.numbers),
            "type": list(columns.types.numbers),
        },
        "titles": {name: account.name for name, account in known.items() if account.name},
        "units": {name: units for name, account in known.items() if (units := places.units(account))},
    }


def _point(point: Point) -> dict[str, Any]:
    """A snapshot of an archive. Of packs the shares alone: their controls are those of the latest."""
    told = {row.policy: [row.population, row.failures, row.unknown, row.share, _failing(row)] for row in point.rows}
    return {"id": point.snapshot, "time": point.captured_at, "rows": told, "packs": list(map(_shares, point.packs))}


def _shares(report: PackReport) -> dict[str, Any]:
    found = as_data(report)
    return {**_share(found), "sections": list(map(_share, found["sections"]))}


def _share(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("counts", "decided", "score")}


def _snapshot(snapshot: Any) -> dict[str, Any]:
    return {"id": snapshot.id, "time": snapshot.captured_at, "accounts": len(snapshot.accounts)}


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "id": policy.id,
        "title": policy.title,
        "severity": policy.severity.value,
        "counts": policy.population(),
        "lookups": [[name, lookup.source, _matched(lookup)] for name, lookup in policy.lookups.items()],
        "description": policy.description,
        "rationale": policy.rationale,
        "remediation": policy.remediation,
        "controls": controls(policy),
        "references": list(policy.references),
    }


def _matched(lookup: Lookup) -> str:
    """How a lookup finds its rows: `theirs = ours`."""
    pairs = enumerate(zip(lookup.theirs, lookup.ours, strict=True))
    return ", ".join(f"{theirs.text} {lookup.sign(number)} {ours.text}" for number, (theirs, ours) in pairs)


def _failing(row: Row) -> list[int]:
    """Its failures of each severity."""
    found = {part.severity: part.failures for part in row.by_severity()}
    return [found.get(severity, 0) for severity in Severity]


def _counts(row: Row) -> dict[str, Any]:
    return {
        "population": row.population,
        "violations": row.failures,
        "waived": row.waived,
        "unknown": row.unknown,
        "passing": row.counts.get(Status.PASS, 0),
        "share": row.share,
    }
