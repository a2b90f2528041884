"""A receipt: what an evaluation was made of, so that another can be checked against it, byte for byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import stillframe
from msgspec import Struct, field

from ...snapshot.format import digest
from ...snapshot.model import Snapshot
from ..findings.batch import Batch
from ..findings.counts import Row
from ..findings.variants import Variants
from ..findings.waivers import Use
from ..functions.budget import BUDGET
from ..model.finding import Status
from ..model.policy import Policy, spoken
from ..model.ruleset import Ruleset
from ..packs.report import Outcome, PackReport

FORMAT = 1


class Receipt(Struct):
    """Takes every finding as it passes, and is made at the end."""

    _findings: Any = field(default_factory=hashlib.sha256)

    def add(self, batch: Batch) -> None:
        self._findings.update(batch.data)

    def data(
        self,
        snapshot: Snapshot,
        ruleset: Ruleset,
        rows: Sequence[Row],
        packs: Sequence[PackReport],
        uses: Sequence[Use],
        made: Variants,
    ) -> bytes:
        """The receipt as JSON."""
        record = {
            "format": FORMAT,
            "tool": f"stillframe {stillframe.__version__}",
            "snapshot": {"id": snapshot.id, "captured_at": snapshot.captured_at, "manifest": snapshot.digest},
            "config": ruleset.digest,
            "files": dict(sorted(ruleset.files.items())),
            "policies": _policies(ruleset, {row.policy: row for row in rows}, made),
            "packs": {report.pack.name: _pack(report) for report in packs},
            "idle": sorted({policy.id for policy in ruleset.policies} - {row.policy for row in rows}),
            "disabled": {name: setting.reason for name, setting in sorted(ruleset.disabled.items())},
            "waivers": [_waiver(use) for use in uses],
            "findings": self._findings.hexdigest(),
        }
        return json.dumps(record, indent=2, ensure_ascii=False).encode() + b"\n"


def _policies(ruleset: Ruleset, rows: Mapping[str, Row], made: Variants) -> dict[str, Any]:
    ordered = sorted(ruleset.policies, key=lambda policy: policy.id)
    return {policy.id: _policy(policy, rows[policy.id], made) for policy in ordered if policy.id in rows}


def _pack(report: PackReport) -> dict[str, Any]:
    counts = report.counts()
    return {
        "sha256": digest(report.pack.text.encode()),
        **({"extends": dict(report.pack.bases)} if report.pack.bases else {}),
        "counts": {outcome.value: counts[outcome] for outcome in Outcome if counts[outcome]},
    }


def _policy(policy: Policy, row: Row, made: Variants) -> dict[str, Any]:
    variants = [_variant(each) for each in made.evaluated if each.id != policy.id and spoken(each.id) == policy.id]
    return {
        "sha256": digest(policy.text.encode()),
        "severity": policy.severity.value,
        **({"severities": {part.severity.value: _counts(part) for part in row.parts}} if row.parts else {}),
        "params": dict(sorted(policy.params.items())),
        **({"variants": variants} if variants else {}),
        **({"budget": policy.budget} if policy.budget != BUDGET else {}),
        "counts": _counts(row),
    }


def _counts(row: Row) -> dict[str, int]:
    return {status.value: row.counts.get(status, 0) for status in Status} | {"waived": row.waived}


def _variant(policy: Policy) -> dict[str, Any]:
    asked = {"params": dict(sorted(policy.params.items()))} if policy.unsure is None else {"unsure": str(policy.unsure)}
    return {"accounts": sorted(policy.accounts or ()), **asked}


def _waiver(use: Use) -> dict[str, Any]:
    waiver = use.waiver
    return {
        "policy": waiver.policy,
        "account": None,
        "region": None,
        "resource": None,
        **waiver.scope.record(),
        "evidence": waiver.evidence,
        **waiver.waived.record(),
        "state": use.state.value,
        "findings": use.applied,
    }
