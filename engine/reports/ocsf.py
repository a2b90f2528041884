"""OCSF Compliance Finding (class 2003), one event a line, and as rows whose headings are OCSF's field paths.

Written is version 1.5.0: the first in which a finding may be about a policy that no standard asks for, and the events
are valid under every later one. Times are milliseconds. `finding_info.uid` is the fingerprint, so one finding keeps
its uid from snapshot to snapshot, and a comparison says what became of it: create, update or close.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec
import stillframe
from msgspec.structs import replace

from ..model.policy import Policy
from .jsonl_csv import Stream, csv_row
from .report import Context, Lines, Record
from .text import answered, controls, milliseconds, partition, placed, reasons, remediation

VERSION = "1.5.0"
_CLASS = 2003
_ACTIVITIES = {1: "Create", 2: "Update", 3: "Close"}
_CREATE, _UPDATE, _CLOSE = _ACTIVITIES
_NEW, _SUPPRESSED, _RESOLVED = (1, "New"), (3, "Suppressed"), (4, "Resolved")
_SEVERITIES = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
# Unknown is not a warning: 2 would count as evaluated.
_STATUSES = {
    "pass": (1, "Pass"),
    "fail": (3, "Fail"),
    "unknown": (0, "Unknown"),
    "error": (0, "Unknown"),
    "not_applicable": (99, "Not Applicable"),
}
_CLOSING = frozenset({"resolved", "known", "vanished"})
COLUMNS = (
    "time",
    "activity_name",
    "severity",
    "status",
    "compliance.status",
    "compliance.control",
    "compliance.requirements",
    "cloud.account.uid",
    "cloud.region",
    "resources[0].type",
    "resources[0].uid",
    "resources[0].name",
    "finding_info.uid",
    "finding_info.title",
    "message",
    "remediation.desc",
    "resources[0].data",
    "comment",
)


def events(context: Context) -> Stream:
    """Compliance Findings as JSON Lines."""
    return Stream(lambda lines: (msgspec.json.encode(event) + b"\n" for event in _events(context, lines)))


def rows(context: Context) -> Stream:
    """The same as CSV."""
    return Stream(
        lambda lines: (csv_row(_at(event, path) for path in COLUMNS) for event in _events(context, lines)),
        first=csv_row(COLUMNS),
    )


def _events(context: Context, lines: Lines) -> Iterator[dict[str, Any]]:
    policies = {each.id: replace(each, params={}) if each.id in context.varied else each for each in context.policies}
    made = partial(_event, milliseconds(context.snapshot.captured_at))
    return (made(policies[record.policy], record) for record in lines.records)


def _event(time: int, policy: Policy, record: Record) -> dict[str, Any]:
    activity = _activity(record)
    status, name = _RESOLVED if activity == _CLOSE else _SUPPRESSED if record.waiver else _NEW
    return _some(
        {
            "activity_id": activity,
            "activity_name": _ACTIVITIES[activity],
            "category_uid": _CLASS // 1000,
            "category_name": "Findings",
            "class_uid": _CLASS,
            "class_name": "Compliance Finding",
            "type_uid": _CLASS * 100 + activity,
            "type_name": f"Compliance Finding: {_ACTIVITIES[activity]}",
            "time": time,
            "severity_id": _SEVERITIES[record.severity],
            "severity": record.severity.capitalize(),
            "status_id": status,
            "status": name,
            "message": record.message,
            "comment": "\n".join(filter(None, (answered(record), *reasons(record)))),
            "metadata": {
                "version": VERSION,
                "profiles": ["cloud"],
                "event_code": record.change or record.status,
                "product": {"name": "Stillframe", "vendor_name": "Stillframe", "version": stillframe.__version__},
            },
            "cloud": _some(
                {
                    "provider": "AWS",
                    "region": placed(record),
                    "account": {"uid": record.account, "type_id": 10, "type": "AWS Account"},
                }
            ),
            "finding_info": _some(
                {"uid": record.fingerprint, "title": policy.title, "desc": policy.description, "modified_time": time}
            ),
            "compliance": _compliance(policy, record),
            "remediation": _remediation(policy, record),
            "resources": [
                _some(
                    {
                        "uid": record.resource,
                        "name": record.name,
                        "type": record.type,
                        "region": placed(record),
                        "cloud_partition": partition(record),
                        "data": record.evidence,
                    }
                )
            ],
        }
    )


def _activity(record: Record) -> int:
    if record.change in _CLOSING:
        return _CLOSE
    return _UPDATE if record.before else _CREATE


def _compliance(policy: Policy, record: Record) -> dict[str, Any]:
    status, name = _STATUSES[record.status]
    return _some(
        {
            "control": policy.id,
            "status_id": status,
            "status": name,
            "status_details": [] if record.status in ("pass", "not_applicable") else [record.message],
            "standards": list(policy.frameworks),
            "requirements": controls(policy),
            "control_parameters": [{"name": name, "value": _text(value)} for name, value in policy.params.items()],
        }
    )


def _remediation(policy: Policy, record: Record) -> dict[str, Any] | None:
    words = remediation(policy, record) if record.status == "fail" else ""
    return _some({"desc": words, "references": list(policy.references)}) if words else None


def _some(given: dict[str, Any]) -> dict[str, Any]:
    """What has a value: OCSF leaves out the rest."""
    return {name: value for name, value in given.items() if value not in (None, "", [])}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _at(event: Any, path: str) -> Any:
    for name in path.replace("[0]", ".0").split("."):
        event = event[int(name)] if name.isdigit() else event.get(name) if event else None
    return event
