"""Files as AWS Config delivers them, for the demo: a fortnight of an account in which two things went wrong."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..format import encode, timestamp

ACCOUNT, REGION = "123456789012", "us-east-1"
ASKED = ("kms-key-rotation", "vpc-flow-logs")  # what it is about
SPAN = "2025-12-01..2025-12-14"
BEGUN = datetime(2025, 12, 1, 6, tzinfo=UTC)
KEY, FLOW_LOG, VPC = "AWS::KMS::Key", "AWS::EC2::FlowLog", "AWS::EC2::VPC"
Item = Mapping[str, Any]


def deliver(folder: Path) -> Path:
    """Write a snapshot file of the first day, and history files of what changed later; gives the folder."""
    first = [
        _recorder(),
        *(_vpc(each) for each in (1, 2)),
        *(_flow_log(0, each) for each in (1, 2)),
        _key(0, fine=True),
    ]
    _write(folder, 0, "ConfigSnapshot", first)
    _write(folder, 3, f"ConfigHistory_{KEY}", [_key(3, fine=False)])
    _write(folder, 6, f"ConfigHistory_{FLOW_LOG}", [{**_flow_log(6, 2), "configurationItemStatus": "ResourceDeleted"}])
    _write(folder, 9, f"ConfigHistory_{KEY}", [_key(9, fine=True)])
    return folder


def _write(folder: Path, day: int, what: str, items: Iterable[Item]) -> None:
    at = BEGUN + timedelta(days=day, hours=6)
    path = folder / f"{ACCOUNT}_Config_{REGION}_{what}_{at:%Y%m%dT%H%M%SZ}_demo.json.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(encode({"fileVersion": "1.0", "configurationItems": list(items)}), mtime=0))


def _item(day: int, kind: str, identity: str, configuration: Mapping[str, Any], **more: Any) -> Item:
    return {
        "awsAccountId": ACCOUNT,
        "awsRegion": REGION,
        "resourceType": kind,
        "resourceId": identity,
        "configurationItemStatus": "OK",
        "configurationItemCaptureTime": timestamp(BEGUN + timedelta(days=day)),
        "configuration": configuration,
        "supplementaryConfiguration": more,
        "tags": {},
    }


def _recorder() -> Item:
    group = {"AllSupported": True, "IncludeGlobalResourceTypes": True, "ResourceTypes": []}
    recorder = {"Name": "default", "Recording": True, "RecordingGroup": group}
    return _item(0, "AWS::Config::ConfigurationRecorder", "default", recorder)


def _vpc(number: int) -> Item:
    name = f"vpc-{number}"
    return _item(0, VPC, name, {"vpcId": name, "ownerId": ACCOUNT, "isDefault": False, "state": "available"})


def _flow_log(day: int, number: int) -> Item:
    name = f"fl-{number}"
    log = {"flowLogId": name, "flowLogStatus": "ACTIVE", "resourceId": f"vpc-{number}", "trafficType": "ALL"}
    return _item(day, FLOW_LOG, name, log)


def _key(day: int, *, fine: bool) -> Item:
    key = {
        "arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/cards",
        "keyId": "cards",
        "keyManager": "CUSTOMER",
        "keyState": "Enabled",
        "keySpec": "SYMMETRIC_DEFAULT",
        "origin": "AWS_KMS",
    }
    return _item(day, KEY, "cards", key, KeyRotationStatus=fine)
