"""One judgement and one comparison, for the tests of reports: every status, every change, and a hostile name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from builders import TIME, write_snapshot
from rich.console import Console
from stillframe.engine.commands.run_diff import run_diff
from stillframe.engine.commands.run_evaluate import run_evaluate
from stillframe.engine.findings.gate import Limits
from stillframe.engine.loading.ruleset import load_rules
from stillframe.engine.model.policy import Severity
from stillframe.engine.reports.formats import FORMATS, targets
from stillframe.snapshot import open_snapshot

A, B = "111122223333", "444455556666"
HOSTILE = "</script><img src=x onerror=alert(1)>\"'`|@all\n::error::=cmd()\x1b[31m\u202e\x00\ud800 ]]>&amp;${x}"
POLICY = """\
id: keys
title: Keys rotate | <b>always</b>
severity: high
description: Old keys are known to more people.
frameworks: {cis-aws-5.0.0: ["3.6"], aws-security-hub: [KMS.4]}
params:
  longest: {type: integer, default: 365, description: Days}
references: [https://example.com/keys]
resource: AWS::KMS::Key
where: KeyId != 'skip'
assert: Rotation.KeyRotationEnabled && length(Description) > `0`
message: Key {{ KeyId }} named {{ $name }} does not rotate
remediation: {text: Turn rotation on., cli: "aws kms enable-key-rotation --region {{ $region }} --key-id {{ KeyId }}"}
"""
PUBLIC = """\
id: buckets
title: Buckets have names
severity: low
resource: AWS::S3::Bucket
assert: Name == 'good'
"""
CONFIG = f"""\
shipped: false
policies: [keys.yaml, buckets.yaml]
waivers:
  - {{policy: keys, account: "{B}", reason: "It goes, soon", owner: platform, expires: 2027-01-01, kind: mitigated}}
"""
UNREAD = {"$missing": "AccessDenied: kms:GetKeyRotationStatus"}


def key(account: str, name: str, rotation: Any, description: Any = "d", shown: str | None = None) -> dict[str, Any]:
    state = {"KeyRotationEnabled": rotation} if isinstance(rotation, bool) else rotation
    arn = f"arn:aws:kms:us-east-1:{account}:key/{name}"
    named = {"$name": shown} if shown else {}
    return {"$account": account, "KeyId": name, "KeyArn": arn, "Rotation": state, "Description": description, **named}


def estate(*, later: bool) -> dict[str, Any]:
    """One of each status and, compared with how it is later, of each change."""
    return {
        "AWS::KMS::Key": [
            key(A, "stays", False),
            key(A, "mended", later),
            key(A, "broken", not later, shown=HOSTILE),
            key(A, "unread", UNREAD if later else True),
            key(A, "known", True if later else UNREAD),
            key(A, "wrong", True, description=5),
            key(A, "skip", True),
            key(A, "fine", True),
            key(B, "borne", False),
            key(A, "came" if later else "went", later),
        ],
        "AWS::S3::Bucket": {"$missing": "AccessDenied: s3:ListBuckets"},
    }


def prepare(folder: Path) -> None:
    """Policies, stillframe.yaml and an archive of two snapshots."""
    for name, text in (("keys.yaml", POLICY), ("buckets.yaml", PUBLIC), ("stillframe.yaml", CONFIG)):
        (folder / name).write_text(text)
    write_snapshot(folder / "archive", estate(later=False), TIME)
    write_snapshot(folder / "archive", estate(later=True), TIME.replace(day=8))


def write_report(folder: Path, kind: str, form: str) -> Path:
    """Of a prepared folder, a report of the judgement (`findings`) or the comparison (`differences`), in a format."""
    target = folder / f"{kind}{FORMATS[form].ending or '.txt'}"
    before, after = (open_snapshot(path) for path in sorted((folder / "archive").glob("20*")))
    rules, quiet = load_rules(folder / "stillframe.yaml"), Console(quiet=True)
    written, limits = targets([str(target)], form), Limits(fail_on=Severity.LOW)
    if kind == "findings":
        assert run_evaluate(after, rules, quiet, quiet, targets=written, limits=limits) == 1
    else:
        assert run_diff(before, after, rules, quiet, quiet, targets=written, limits=limits).code == 1
    return target


def records(path: Path) -> list[dict[str, Any]]:
    """The lines of a file as JSON."""
    return [json.loads(line) for line in path.read_text().splitlines()]
