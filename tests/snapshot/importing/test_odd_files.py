"""Files that AWS Config does not write so, or not yet: what each says is said once, what was fine is kept, and nothing
passes for what cannot be read."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import shipped
from config_items import file_name, recorder_item
from stillframe.engine.judging.evaluate import evaluate
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.importing.aws_config import import_aws_config
from stillframe.snapshot.verify import verify

A, B, EAST = "111122223333", "444455556666", "us-east-1"
TIME = datetime(2026, 1, 1, tzinfo=UTC)
VPC, LOG = "AWS::EC2::VPC", "AWS::EC2::FlowLog"


def item(kind: str, identity: str, configuration: Any, at: datetime = TIME, **more: Any) -> dict[str, Any]:
    return {
        "awsAccountId": A,
        "awsRegion": EAST,
        "resourceType": kind,
        "resourceId": identity,
        "configurationItemStatus": "OK",
        "configurationItemCaptureTime": at.isoformat(),
        "configuration": configuration,
        "supplementaryConfiguration": {},
        "tags": {},
        **more,
    }


def vpc(number: int, **more: Any) -> dict[str, Any]:
    name = f"vpc-{number}"
    return item(VPC, name, {"vpcId": name, "ownerId": A, "isDefault": False, "state": "available"}, **more)


def log(number: int, status: str = "ACTIVE", **more: Any) -> dict[str, Any]:
    body = {"flowLogId": f"fl-{number}", "flowLogStatus": status, "resourceId": f"vpc-{number}", "trafficType": "ALL"}
    return item(LOG, f"fl-{number}", body, **more)


def document(*items: Any) -> bytes:
    return json.dumps(
        {"fileVersion": "1.0", "configSnapshotId": "1", "configurationItems": items}, ensure_ascii=False
    ).encode()


WHOLE = [recorder_item(A, EAST, TIME), vpc(1), vpc(2), log(1)]  # of two VPCs one has a flow log


def imported(folder: Path, files: dict[str, bytes]) -> tuple[dict[str, str], list[str]]:
    """The verdicts of the VPCs by files of these names, and what is said to be wrong."""
    for name, data in files.items():
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "in" / name).write_bytes(data)
    done = import_aws_config([folder / "in"], folder / "into", regions=[EAST, WEST])
    assert [*verify(done.path)] == []
    found = evaluate(open_snapshot(done.path), shipped("vpc-flow-logs"))
    return {each.resource: each.status.value for each in found}, [each.rpartition("/")[2] for each in done.problems]


NAME = file_name(A, EAST, TIME)
PLAIN = NAME.removesuffix(".gz")
SOUND = {"vpc-1": "pass", "vpc-2": "fail"}
NOTHING = {VPC: "unknown"}


def later(minutes: int) -> datetime:
    return TIME + timedelta(minutes=minutes)


def history(at: datetime, kind: str = LOG) -> str:
    return file_name(A, EAST, at, "ConfigHistory", kind)


def test_a_sound_file_gives_both_verdicts(tmp_path):
    assert imported(tmp_path, {NAME: gzip.compress(document(*WHOLE)), **OTHER}) == (SOUND, [])


WEST = "eu-west-1"
OTHER = {file_name(A, WEST, TIME): gzip.compress(document(recorder_item(A, WEST, TIME)))}
CUT = {"vpc-1": "pass", "vpc-2": "unknown", VPC: "unknown"}  # whether there is more nobody knows
# What a whole file is like, the verdicts that come of it, and what is said of it. Packed its name ends with .gz.
FORMS: dict[str, tuple[bytes, dict[str, str], str]] = {
    "a mark of UTF-8 before it": (b"\xef\xbb\xbf" + document(*WHOLE), SOUND, ""),
    "UTF-16": (document(*WHOLE).decode().encode("utf-16"), NOTHING, "is in UTF-16 or UTF-32: save it as UTF-8"),
    "UTF-16 without a mark": (document(*WHOLE).decode().encode("utf-16-le"), NOTHING, "is in UTF-16 or UTF-32"),
    "UTF-32": (document(*WHOLE).decode().encode("utf-32"), NOTHING, "is in UTF-16 or UTF-32"),
    "Latin 1": (document(*WHOLE, vpc(3, tags={"N": "Zoë"})).decode().encode("latin-1"), NOTHING, "is no UTF-8"),
    "two members": (gzip.compress(document(*WHOLE)[:700]) + gzip.compress(document(*WHOLE)[700:]), SOUND, ""),
    "two documents": (gzip.compress(document(*WHOLE)) + gzip.compress(document(vpc(3))), CUT, "more than one list"),
    "zeros after it": (gzip.compress(document(*WHOLE)) + bytes(512), SOUND, ""),
    "something after it": (gzip.compress(document(*WHOLE)) + b"garbage", CUT, "cannot be read"),
    "a wrong checksum": (gzip.compress(document(*WHOLE))[:-8] + bytes(8), CUT, "cannot be read"),
    "cut in an item, packed whole": (gzip.compress(document(*WHOLE)[:-50]), CUT | {"vpc-1": "unknown"}, "is cut off"),
    "packed twice": (gzip.compress(gzip.compress(document(*WHOLE))), NOTHING, "is packed twice"),
    "two lists": (document(*WHOLE)[:-1] + b', "configurationItems": []}', CUT, "more than one list"),
    "items that are one object": (document(*WHOLE).replace(b"[", b"{", 1).replace(b"]}", b"}}"), NOTHING, "no list"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_in_another_form_is_read_or_said_to_be_wrong(tmp_path, form):
    data, expected, says = FORMS[form]
    found, problems = imported(tmp_path, {NAME if data.startswith(b"\x1f\x8b") else PLAIN: data, **OTHER})
    assert found == expected
    assert [says in each for each in problems] == [True] * bool(says), problems


# ------------------------------------------------------------------------------ files that do not agree with each other

GONE = {"configuration": None, "configurationItemStatus": "ResourceDeleted"}
AS_WHOLE = {NAME: document(*WHOLE)}
SAME = NAME.replace("0f1e2d3c", "9a8b7c6d")
# Beside the whole file: what other files are there, the verdicts, and what is said.
BESIDE: dict[str, tuple[dict[str, bytes], dict[str, str], str]] = {
    # Of two whole files of one moment that do not say the same nobody knows which is right.
    "another of the same moment": (
        {SAME: document(recorder_item(A, EAST, TIME), vpc(1), vpc(2), log(2))},
        NOTHING,
        "of the same moment as",
    ),
    "a copy of it": ({SAME: document(*WHOLE)}, SOUND, ""),
    "another of the same day": (
        {file_name(A, EAST, later(600)): document(*WHOLE[:3], log(2))},
        {"vpc-1": "fail", "vpc-2": "pass"},
        "",
    ),
    "a history that is older": ({history(later(-600)): document(log(2, at=later(-700)))}, SOUND, ""),
    "a history with what was before": ({history(later(600)): document(log(2, at=later(-700)))}, SOUND, ""),
    "an item without its time": (
        {history(later(600)): document({key: each for key, each in log(2).items() if "CaptureTime" not in key})},
        {"vpc-1": "unknown", "vpc-2": "unknown"},
        "without a capture time",
    ),
    "what was deleted before it was recorded": (
        {
            history(later(600)): document(
                {**log(1, at=later(500)), **GONE, "configurationItemStatus": "ResourceDeletedNotRecorded"}
            )
        },
        {"vpc-1": "fail", "vpc-2": "fail"},
        "",
    ),
    "what is there and not recorded any more": (
        {
            history(later(600)): document(
                {**log(1, at=later(500)), **GONE, "configurationItemStatus": "ResourceNotRecorded"}
            )
        },
        {"vpc-1": "unknown", "vpc-2": "unknown"},
        "",
    ),
    "one id of two types": (
        {
            history(later(600)): document(
                item("AWS::EC2::Host", "fl-1", None, later(500), configurationItemStatus="ResourceDeleted")
            )
        },
        SOUND,
        "",
    ),
    "one id twice in a file": (
        {history(later(600)): document(log(1, at=later(500)), {**log(1, at=later(400)), **GONE})},
        SOUND,
        "",
    ),
    "items of another account": (
        {history(later(600)): document(log(2, at=later(500)) | {"awsAccountId": B})},
        {"vpc-1": "unknown", "vpc-2": "unknown"},
        "of another account than the file's name",
    ),
    "items of another region": (
        {history(later(600)): document(log(2, at=later(500)) | {"awsRegion": WEST})},
        {"vpc-1": "unknown", "vpc-2": "unknown"},
        "of another region than the file's name",
    ),
    "items of another type": (
        {history(later(600), "AWS::EC2::Volume"): document({**log(1, at=later(500)), **GONE})},
        {"vpc-1": "fail", "vpc-2": "fail"},
        "",
    ),
}


@pytest.mark.parametrize("what", BESIDE)
def test_files_that_do_not_agree_decide_no_more_than_they_know(tmp_path, what):
    files, expected, says = BESIDE[what]
    found, problems = imported(
        tmp_path, {PLAIN: document(*WHOLE), **{name.removesuffix(".gz"): data for name, data in files.items()}, **OTHER}
    )
    assert found == expected
    assert [says in each for each in problems] == [True] * bool(says), problems
