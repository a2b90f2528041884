"""SARIF 2.1.0: what code scanners write and code hosts read.

Passes, gaps and what does not apply are there too, as kinds of results, so that a gap cannot be taken for a pass. A
resource has no line in a file: its place is its line's file in the snapshot, and it is named as a logical location.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import stillframe

from ..model.policy import Policy, Severity
from .jsonl_csv import Stream
from .report import Context, Lines, Record
from .text import answered, controls, reasons, remediation

_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "informational": "note"}
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "informational": "0.0"}
_KINDS = {"fail": "fail", "pass": "pass", "not_applicable": "notApplicable", "unknown": "open", "error": "open"}
_BASELINES = {"new": "new", "appeared": "new", "persisting": "unchanged", "vanished": "absent"}
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def log(context: Context) -> Stream:
    """A log of one run, with a rule per policy and a result per finding."""
    index = {policy.id: number for number, policy in enumerate(context.policies)}

    def results(lines: Lines) -> Iterator[bytes]:
        return (msgspec.json.encode(_result(context, index[record.policy], record)) for record in lines.records)

    return Stream(results, first=_head(context), between=b",\n", last=b"\n]}]}\n")


def _head(context: Context) -> bytes:
    driver = {
        "name": "Stillframe",
        "semanticVersion": stillframe.__version__,
        "rules": [_rule(policy) for policy in context.policies],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "endTimeUtc": context.snapshot.captured_at}],
        "automationDetails": {"id": f"stillframe/{context.snapshot.id}"},
    }
    text = msgspec.json.encode({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})
    return text.removesuffix(b"}]}") + b',"results":[\n'


def _rule(policy: Policy) -> dict[str, Any]:
    tags = ["security", *controls(policy)]
    given = {
        "id": policy.id,
        "shortDescription": {"text": policy.title},
        "fullDescription": {"text": policy.description or policy.title},
        "defaultConfiguration": {"level": _LEVELS[policy.severity]},
        "properties": {"tags": tags, "security-severity": _SCORES[policy.severity], "precision": "very-high"},
    }
    if policy.rationale or policy.remediation:
        given["help"] = {"text": "\n\n".join(filter(None, (policy.rationale, policy.remediation)))}
    if policy.references:
        given["helpUri"] = policy.references[0]
    return given


def _result(context: Context, rule: int, record: Record) -> dict[str, Any]:
    kind, policy = _KINDS[record.status], context.policies[rule]
    result: dict[str, Any] = {
        "ruleId": record.policy,
        "ruleIndex": rule,
        "kind": kind,
        "level": _LEVELS[Severity(record.severity)] if kind == "fail" else "none",
        "message": {"text": record.message or policy.title},
        "locations": [_location(context, record)],
        "partialFingerprints": {"stillframe/v1": record.fingerprint},
        "properties": {
            "account": record.account,
            "region": record.region,
            "status": record.status,
            "evidence": record.evidence,
        },
    }
    if record.change:
        result["baselineState"] = _BASELINES.get(record.change, "updated" if record.before else "new")
    if causes := reasons(record):
        result["properties"]["why"] = causes
    if record.waiver:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": answered(record)}]
    if record.status == "fail" and (words := remediation(policy, record)):
        result["properties"]["remediation"] = words
    return result


def _location(context: Context, record: Record) -> dict[str, Any]:
    file = f"{context.snapshot.id}/{record.account}/{record.type.replace('::', '-')}.jsonl"
    named = {"name": record.name or record.resource, "fullyQualifiedName": record.resource, "kind": "resource"}
    return {
        # Code hosts show no result without a line.
        "physicalLocation": {"artifactLocation": {"uri": file, "uriBaseId": "ARCHIVE"}, "region": {"startLine": 1}},
        "logicalLocations": [named],
    }
