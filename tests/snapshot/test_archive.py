"""Reading: nothing that is unfinished, changed or newer is ever judged."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from builders import TIME, shipped, write_snapshot
from stillframe.engine.judging.evaluate import evaluate
from stillframe.snapshot import SnapshotError, find_snapshot, list_snapshots, open_snapshot
from stillframe.snapshot.catalog import load_catalog, steps
from stillframe.snapshot.format import TOO_DEEP, digest
from stillframe.snapshot.model import Unknown
from stillframe.snapshot.names import REGIONS
from stillframe.snapshot.resource_file import complete
from stillframe.snapshot.verify import verify

ACCOUNT = "111122223333"
GIVEN = {
    "AWS::EC2::VPC": [
        {"VpcId": "vpc-1", "OwnerId": ACCOUNT, "IsDefault": False, "State": "available", "$tags": {"a": "b"}}
    ],
    "AWS::EC2::FlowLog": [
        {"FlowLogId": "fl-1", "FlowLogStatus": "ACTIVE", "ResourceId": "vpc-1", "TrafficType": "ALL"}
    ],
    "AWS::KMS::Key": {"$missing": "AccessDeniedException: kms:ListKeys"},
}


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    return write_snapshot(tmp_path / "snapshots", GIVEN)


def read_everything(path: Path) -> None:
    list(evaluate(open_snapshot(path), shipped()))


def test_a_snapshot_is_read_as_it_was_written(snapshot):
    picture = open_snapshot(snapshot)
    account = picture.account(ACCOUNT)
    assert picture.captured_at == "2026-01-01T00:00:00Z"
    assert [resource.id for resource in account.read("AWS::EC2::VPC")] == ["vpc-1"]
    assert str(account.gap("AWS::KMS::Key", "us-east-1")) == "AccessDeniedException: kms:ListKeys"
    assert account.gap("AWS::EC2::VPC", "us-east-1") is None
    assert "was not collected from eu-west-1" in str(account.gap("AWS::EC2::VPC", "eu-west-1"))
    assert "AWS::S3::Bucket was not collected" in str(account.gap("AWS::S3::Bucket", "global"))
    assert list(verify(snapshot)) == []


def test_files_are_for_their_owner_alone(snapshot):
    for path in [snapshot.parent, snapshot, *snapshot.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("name", ["manifest.json", f"{ACCOUNT}/account.json", f"{ACCOUNT}/AWS-EC2-VPC.jsonl"])
def test_one_changed_byte_anywhere_is_seen(snapshot, name):
    path = snapshot / name
    for position in range(0, path.stat().st_size, 37):
        data = bytearray(path.read_bytes())
        original = bytes(data)
        data[position] ^= 1
        path.write_bytes(data)
        if name != "manifest.json":  # nothing signs the manifest itself
            with pytest.raises(SnapshotError):
                read_everything(snapshot)
            assert list(verify(snapshot))
        path.write_bytes(original)
    read_everything(snapshot)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: (path / ACCOUNT / "account.json").unlink(),
        lambda path: (path / ACCOUNT / "AWS-EC2-VPC.jsonl").unlink(),
        lambda path: (path / ACCOUNT).rename(path / "999999999999"),
        lambda path: (path / "manifest.json").write_text("{"),
        lambda path: (path / "manifest.json").write_bytes(b"\xff\xfe"),
        lambda path: (path / "manifest.json").write_text("[]"),
        lambda path: (path / "manifest.json").write_text("{}"),
        lambda path: edit(path, accounts={}),
        lambda path: edit(path, captured_at="yesterday"),
        lambda path: edit(path, more=1),
    ],
)
def test_a_damaged_snapshot_is_refused(snapshot, spoil):
    spoil(snapshot)
    with pytest.raises(SnapshotError):
        read_everything(snapshot)


@pytest.mark.parametrize("name", ["../../etc", "..", "/etc", "1111222233334", "11112222333٣", "111122223333\n"])
def test_a_manifest_cannot_name_a_path(snapshot, name):
    edit(snapshot, accounts={name: "0" * 64})
    with pytest.raises(SnapshotError):
        read_everything(snapshot)


def test_a_marker_spelled_with_escapes_is_still_a_marker(snapshot):
    path = snapshot / ACCOUNT / "AWS-EC2-VPC.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"IsDefault":false', b'"IsDefault":{"$\\u006dissing":"x"}'))
    redigest(snapshot)
    (vpc,) = open_snapshot(snapshot).account(ACCOUNT).read("AWS::EC2::VPC")
    assert str(vpc.config["IsDefault"]) == "x"


def test_resources_without_a_digest_are_refused(snapshot):
    path = snapshot / ACCOUNT / "account.json"
    account = json.loads(path.read_text())
    account["types"]["AWS::EC2::VPC"]["sha256"] = None
    path.write_text(json.dumps(account, indent=1, sort_keys=True) + "\n")
    edit(snapshot, accounts={ACCOUNT: digest(path.read_bytes())})
    with pytest.raises(SnapshotError, match="1 of AWS::EC2::VPC without a digest"):
        read_everything(snapshot)


@pytest.mark.parametrize("count", [1, 3])
def test_resources_that_are_more_or_fewer_than_counted_are_refused(snapshot, count):
    file = snapshot / ACCOUNT / "AWS-EC2-VPC.jsonl"
    file.write_bytes(file.read_bytes() + file.read_bytes().replace(b"vpc-", b"vpc-z"))
    redigest(snapshot)
    path = snapshot / ACCOUNT / "account.json"
    path.write_text(path.read_text().replace('"count": 2', f'"count": {count}'))
    edit(snapshot, accounts={ACCOUNT: digest(path.read_bytes())})
    with pytest.raises(SnapshotError, match=f"2 resources where account.json counts {count}"):
        read_everything(snapshot)


def test_a_newer_format_is_refused_with_what_to_do(snapshot):
    edit(snapshot, format=3, unheard_of=True)
    with pytest.raises(SnapshotError, match="snapshot format 3, but this version reads up to 2") as error:
        open_snapshot(snapshot)
    assert "upgrade" in error.value.help


def test_a_resource_of_another_account_is_refused_though_its_digest_is_right(snapshot):
    path = snapshot / ACCOUNT / "AWS-EC2-VPC.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"account":"111122223333"', b'"account":"444455556666"'))
    redigest(snapshot)
    with pytest.raises(SnapshotError, match="it describes AWS::EC2::VPC of account 444455556666"):
        read_everything(snapshot)


def test_an_unfinished_snapshot_is_never_the_latest(tmp_path, snapshot):
    unfinished = tmp_path / "snapshots" / "2026-02-01T00-00-00Z"
    unfinished.mkdir()
    assert find_snapshot(tmp_path / "snapshots") == snapshot
    assert [entry.accounts for entry in list_snapshots(tmp_path / "snapshots")] == [1, None]
    with pytest.raises(SnapshotError, match="unfinished snapshot"):
        open_snapshot(unfinished)


def test_the_latest_snapshot_of_an_archive_is_opened(tmp_path, snapshot):
    later = write_snapshot(tmp_path / "snapshots", GIVEN, TIME.replace(year=2027))
    assert find_snapshot(tmp_path / "snapshots") == later != snapshot


@pytest.mark.parametrize("name", ["absent", "file", "empty"])
def test_where_there_is_no_snapshot_it_says_so(tmp_path, name):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SnapshotError) as error:
        open_snapshot(tmp_path / name)
    assert name in str(error.value)


def test_verify_sees_what_reading_does_not(snapshot):
    (snapshot / ACCOUNT / "notes.txt").write_text("")
    (snapshot / "444455556666").mkdir()
    faults = "\n".join(verify(snapshot))
    assert "notes.txt: not in account.json" in faults
    assert "444455556666: not in manifest.json" in faults


def test_verify_holds_lines_against_the_schema_and_their_order(snapshot):
    path = snapshot / ACCOUNT / "AWS-EC2-VPC.jsonl"
    path.write_bytes(path.read_bytes() * 2)
    redigest(snapshot)
    assert any("twice" in fault for fault in verify(snapshot))
    with pytest.raises(SnapshotError, match="or there twice"):
        read_everything(snapshot)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0].replace(b'"a":"b"', b'"a":7'))
    redigest(snapshot)
    assert any("$.tags" in fault for fault in verify(snapshot))


def test_a_line_nested_deeper_than_specified_is_found_by_verify(snapshot):
    path = snapshot / ACCOUNT / "AWS-EC2-VPC.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"available"', b"[" * 101 + b"]" * 101, 1))
    redigest(snapshot)
    assert any(TOO_DEEP in fault for fault in verify(snapshot))


@pytest.mark.parametrize("where", ["regions", "read", "missing"])
def test_an_account_of_more_regions_than_there_can_be_is_refused(snapshot, where):
    """Each that was not read would be a finding of each policy."""
    path = snapshot / ACCOUNT / "account.json"
    file = json.loads(path.read_text())
    many = sorted({"us-east-1", *(f"xx-north-{number}" for number in range(REGIONS))})
    if where == "regions":
        file["regions"] = many
    else:
        file["types"]["AWS::EC2::VPC"][where] = many if where == "read" else dict.fromkeys([*many[1:], "zz-1"], "lost")
    path.write_text(json.dumps(file))
    redigest(snapshot)
    with pytest.raises(SnapshotError, match=rf"length <= {REGIONS}.*{where}"):
        read_everything(snapshot)
    assert any(where in fault for fault in verify(snapshot))


@pytest.mark.parametrize("regions", [[], {}, {"$missing": 1}, {"$missing": "x", "more": "y"}, "us-east-1"])
def test_regions_that_are_none_are_refused(snapshot, regions):
    path = snapshot / ACCOUNT / "account.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "regions": regions}))
    redigest(snapshot)
    with pytest.raises(SnapshotError, match="regions"):
        read_everything(snapshot)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"read": []}, "1 resources, though nothing was read"),
        ({"read": [], "missing": {"us-east-1": "denied"}}, "1 resources, though nothing was read"),
        ({"missing": {"us-east-1": "denied"}}, "us-east-1 is both read and missing"),
        ({"read": ["*"]}, "'*' is read: name each region, or 'global'"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused_and_found_by_verify(snapshot, change, message):
    cover(snapshot, **change)
    assert [fault for fault in verify(snapshot) if message in fault]
    with pytest.raises(SnapshotError, match=re.escape(message)):
        read_everything(snapshot)


def test_a_resource_of_a_region_that_was_not_read_is_found_by_verify(snapshot):
    cover(snapshot, read=["eu-west-1"])
    assert any(
        fault.endswith("AWS-EC2-VPC.jsonl:1: it is in us-east-1, which was not read") for fault in verify(snapshot)
    )


def cover(snapshot: Path, **change) -> None:
    path = snapshot / ACCOUNT / "account.json"
    account = json.loads(path.read_text())
    account["types"]["AWS::EC2::VPC"] |= change
    path.write_text(json.dumps(account, indent=1, sort_keys=True) + "\n")
    edit(snapshot, accounts={ACCOUNT: digest(path.read_bytes())})


def test_a_field_that_aws_always_sends_is_unknown_where_it_is_not():
    from stillframe.engine.testing.examples import fixture

    vpc = next(iter(fixture({"AWS::EC2::VPC": [{"VpcId": "vpc-1"}]}).account(ACCOUNT).read("AWS::EC2::VPC")))
    assert str(vpc.config["OwnerId"]) == "AWS::EC2::VPC has no OwnerId"


def lines(*places: tuple[str, str], kind: str = "AWS::EC2::VPC") -> bytes:
    record = {"type": kind, "account": ACCOUNT, "name": None, "config": {"VpcId": "v"}, "tags": {}}
    return b"".join(json.dumps({**record, "region": at, "id": name}).encode() + b"\n" for at, name in places)


EAST, WEST = "us-east-1", "us-west-1"


@pytest.mark.parametrize(
    ("data", "changes", "message"),
    [
        (lines((EAST, "a"), (EAST, "b"), (WEST, "a")), {}, None),
        (lines((EAST, "b"), (EAST, "a")), {}, "VPC.jsonl:2: not in the order of region and id"),
        (lines((WEST, "a"), (EAST, "b")), {}, "VPC.jsonl:2: not in the order of region and id"),
        (lines((EAST, "a"), (EAST, "a")), {}, "VPC.jsonl:2: not in the order of region and id, or there twice"),
        (lines((EAST, "a"), (EAST, "b")), {"count": 1}, "2 resources where account.json counts 1"),
        (lines((EAST, "a"), (EAST, "b")), {"count": 3}, "2 resources where account.json counts 3"),
        (lines((EAST, "a"))[:-9], {}, "VPC.jsonl:1: "),
        (lines((EAST, "a")).replace(b"VpcId", b"$missing"), {}, "VPC.jsonl:1: `config` is a marker"),
        (lines((EAST, "a"), kind="AWS::KMS::Key"), {}, "VPC.jsonl:1: it describes AWS::KMS::Key of account"),
        (lines((EAST, "\xe9")).replace(b"\\u00e9", b"\xe9"), {}, "VPC.jsonl:1: "),  # not UTF-8
        (lines((EAST, "\xe9")).replace(b"\\u00e9", "\xe9".encode()), {}, None),
    ],
)
def test_a_file_that_is_not_as_specified_is_refused_where_its_digest_is_right(snapshot, data, changes, message):
    (snapshot / ACCOUNT / "AWS-EC2-VPC.jsonl").write_bytes(data)
    entry = {"read": [EAST, WEST], "sha256": digest(data), "count": data.count(b"\n") or 1, **changes}
    cover(snapshot, **entry)
    read = open_snapshot(snapshot).account(ACCOUNT).read
    if message is None:
        assert len(list(read("AWS::EC2::VPC"))) == data.count(b"\n")
    else:
        with pytest.raises(SnapshotError, match=re.escape(message)):
            list(read("AWS::EC2::VPC"))


@pytest.mark.parametrize(
    ("always", "given", "expected"),
    [
        ("A.B", {"A": {}}, {"A": {"B": "T has no A.B"}}),
        ("A.B", {"A": {"B": None}}, {"A": {"B": None}}),
        ("A.B", {}, {}),
        ("A.B", {"A": None}, {"A": None}),
        ("A[].B", {"A": [{"B": 1}, {}, 7]}, {"A": [{"B": 1}, {"B": "T has no A[].B"}, 7]}),
        ("A[].B", {"A": {"B": 1}}, {"A": {"B": 1}}),
        ("A", {}, {"A": "T has no A"}),
    ],
)
def test_what_aws_always_sends_is_marked_wherever_it_is_not(always, given, expected):
    complete(given, SimpleNamespace(type="T", attach={}, always=[steps(always)]))
    assert json.loads(json.dumps(given, default=str)) == expected


def edit(snapshot: Path, **changes) -> None:
    path = snapshot / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def redigest(snapshot: Path) -> None:
    """What somebody who knows the format would do to hide a change."""
    folder = snapshot / ACCOUNT
    account = json.loads((folder / "account.json").read_text())
    for kind, entry in account["types"].items():
        file = folder / (kind.replace("::", "-") + ".jsonl")
        if file.exists():
            data = file.read_bytes()
            entry |= {"sha256": digest(data), "count": len(data.splitlines())}
    (folder / "account.json").write_text(json.dumps(account))
    edit(snapshot, accounts={ACCOUNT: digest((folder / "account.json").read_bytes())})


def test_a_file_that_cannot_be_read_is_named(snapshot):
    (snapshot / ACCOUNT / "account.json").unlink()
    (snapshot / ACCOUNT / "account.json").mkdir()
    with pytest.raises(SnapshotError, match=r"account\.json: not a regular file"):
        read_everything(snapshot)


def test_the_stamp_of_an_account_is_of_it_alone(tmp_path):
    """What was evaluated of one account is never taken for another that has nothing either."""
    nobody = {"$missing": "AccessDenied: ec2:DescribeVpcs"}
    given = {"AWS::Account": [{"$account": each, "AccountId": each} for each in (ACCOUNT, "444455556666")]}
    opened = open_snapshot(write_snapshot(tmp_path / "archive", {**given, "AWS::EC2::VPC": nobody}))
    stamps = [opened.account(each).stamp(["AWS::EC2::VPC"]) for each in opened.accounts]
    assert len(stamps) == len(set(stamps)) == 2
    assert stamps == [opened.account(each).stamp(["AWS::EC2::VPC"]) for each in opened.accounts]


def test_what_a_line_lost_or_has_of_another_kind_is_unknown(tmp_path):
    vpcs = [{"VpcId": "vpc-1", "OwnerId": ACCOUNT, "State": "available", "IsDefault": "false"}]
    opened = write_snapshot(tmp_path / "archive", {"AWS::EC2::VPC": vpcs})
    path = opened / ACCOUNT / "AWS-EC2-VPC.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"OwnerId":"111122223333",', b""))
    redigest(opened)
    (found,) = open_snapshot(opened).account(ACCOUNT).read("AWS::EC2::VPC")
    assert found.config["OwnerId"] == Unknown.because("AWS::EC2::VPC has no OwnerId")
    assert "MalformedValue: AWS::EC2::VPC IsDefault is text, not a boolean" in str(found.config["IsDefault"])


def test_an_attached_answer_that_is_not_there_was_not_asked_for():
    config = {"AccountId": ACCOUNT}
    complete(config, load_catalog()["AWS::Account"])
    assert str(config["Summary"]) == "NotAsked: iam:GetAccountSummary, by whoever wrote the snapshot"
    assert str(config["Regions"]) == "NotAsked: ec2:DescribeRegions, by whoever wrote the snapshot"
