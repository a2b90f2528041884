from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from builders import TIME, write_snapshot
from stillframe.snapshot import ArgumentError, SnapshotError, find_snapshot, list_snapshots, open_snapshot, remote
from stillframe.snapshot.given import path_of, place_of
from stillframe.snapshot.remote import OvertakenError, Remote, every, get, get_range, put, put_if, read, remove

pytest.importorskip("obstore")

ACCOUNT = "111122223333"
FIRST = {
    "AWS::EC2::VPC": [{"VpcId": "vpc-1", "IsDefault": False, "OwnerId": ACCOUNT, "State": "available"}],
    "AWS::EC2::FlowLog": [],
    "AWS::KMS::Key": [],
}
SECOND = {**FIRST, "AWS::EC2::VPC": [*FIRST["AWS::EC2::VPC"], {**FIRST["AWS::EC2::VPC"][0], "VpcId": "vpc-2"}]}
BUCKET = "archives"


def s3() -> boto3.client:
    return boto3.client("s3")


@pytest.fixture
def copied(tmp_path: Path, bucket: str) -> tuple[Path, str]:
    """An archive of two snapshots in a folder, and the same in a bucket."""
    archive = tmp_path / "archive"
    write_snapshot(archive, FIRST)
    write_snapshot(archive, SECOND, TIME + timedelta(days=1))
    for path in (path for path in archive.rglob("*") if path.is_file()):
        s3().put_object(Bucket=BUCKET, Key=f"a/b/{path.relative_to(archive)}", Body=path.read_bytes())
    return archive, f"{bucket}/a/b"


def test_what_is_put_is_got(place):
    assert not place.is_file()
    with pytest.raises(SnapshotError, match=r"here: missing"):
        get(place)
    put(place / "x", b"one two")
    assert read(place / "x") == b"one two"
    assert get_range(place / "x", 4, 3) == b"two"
    assert (place / "x").is_file()
    assert not place.is_file()
    assert place.is_dir()
    put(place / "folder" / "y", b"")
    assert [each.name for each in place.iterdir()] == ["folder", "x"]
    assert {str(each) for each in every(place)} == {f"{place}/x", f"{place}/folder/y"}
    remove([place / "x", place / "folder" / "y", place / "never"])
    assert not place.is_dir()
    with pytest.raises(FileNotFoundError):
        place.iterdir()


def test_what_is_larger_than_it_may_be_is_refused_before_it_is_read(place):
    put(place, b"12345")
    with pytest.raises(SnapshotError, match="5 bytes, where 4 are the most"):
        read(place, 4)


def test_of_two_who_write_on_a_condition_one_is_told(place):
    first = put_if(place, b"one", None)
    with pytest.raises(OvertakenError):
        put_if(place, b"two", None)
    second = put_if(place, b"two", first)
    with pytest.raises(OvertakenError):
        put_if(place, b"three", first)
    assert get(place) == (b"two", second)
    remove([place])
    with pytest.raises(OvertakenError):
        put_if(place, b"three", second)
    assert not place.is_file()


def test_what_was_written_though_nobody_heard_of_it_is_taken_for_written(place):
    tag = put_if(place, b"one", None)
    assert put_if(place, b"one", None) == tag
    later = put_if(place, b"two", tag)
    assert put_if(place, b"two", tag) == later


@pytest.mark.parametrize(
    "url",
    [
        "http://a/b",
        "file:///a",
        "S3://a/b",
        "s3:/a/b",
        "s3://",
        "az://a",
        "s3://a/../b",
        "s3://a/b?c",
        "ftp://x",
        "s3:/",
    ],
)
def test_a_url_that_is_not_understood_is_refused(url):
    with pytest.raises(ArgumentError, match=r"no URL|no place"):
        place_of(url)


def test_what_is_no_url_is_a_local_path():
    for name in ("snapshots", "./s3://bucket", "/a/b", "a:b", "C:/x"):
        assert place_of(name) == Path(name)
    assert place_of("s3://bucket/a//b/") == Remote("s3://bucket", "a/b")
    assert str(place_of("az://account/container/x")) == "az://account/container/x"
    with pytest.raises(ArgumentError, match="a URL, where a local path belongs"):
        path_of(Path("s3://bucket/x"))


def test_a_bucket_that_is_not_there_is_said(bucket, run):
    result = run("evaluate", "s3://other/x")
    assert result.code == 2
    assert "NoSuchBucket" in result.err


def test_without_the_package_it_says_what_to_install(monkeypatch, run):
    monkeypatch.setitem(__import__("sys").modules, "obstore", None)
    remote._obstore.cache_clear()
    result = run("snapshot", "list", "s3://bucket")
    assert result.code == 2
    assert "pip install '.[s3]'" in result.err


COMMANDS: list[Callable[[str], tuple[str, ...]]] = [
    lambda at: ("evaluate", at, "-o", "-", "--format", "jsonl", "--no-cache"),
    lambda at: ("evaluate", at, "-o", "-", "--format", "jsonl"),
    lambda at: ("evaluate", at, "-o", "-", "--format", "jsonl", "--exact"),
    lambda at: ("evaluate", at, "-o", "-", "--format", "jsonl", "--baseline", f"{at}/2026-01-01T00-00-00Z"),
    lambda at: ("diff", f"{at}/2026-01-01T00-00-00Z", at, "-o", "-", "--format", "jsonl"),
    lambda at: ("drift", f"{at}/2026-01-01T00-00-00Z", at, "-o", "-"),
    lambda at: ("trend", at),
    lambda at: ("backtest", at, "-p", "policies/ec2/vpc-flow-logs.yaml"),
    lambda at: ("remediate", at),
    lambda at: ("query", at, "AWS::EC2::VPC", "State == 'available'"),
    lambda at: ("policy", "explain", at, "vpc-flow-logs", "vpc-1"),
    lambda at: ("snapshot", "list", at),
    lambda at: ("snapshot", "show", at),
    lambda at: ("snapshot", "verify", at),
    lambda at: ("snapshot", "verify", at, "--archive"),
    lambda at: ("policy", "test", "vpc-flow-logs", "--record", at, "vpc-1"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command("AT")[:2]))
def test_every_command_says_of_a_bucket_what_it_says_of_a_folder(command, copied, run):
    here, there = copied
    local, distant = run(*command(str(here))), run(*command(there))
    for text in ("out", "err"):
        assert getattr(distant, text).replace(there, "AT") == getattr(local, text).replace(str(here), "AT")
    assert (distant.code, local.code < 2 or local.code == 4) == (local.code, True)
    assert local.out + local.err


def test_several_processes_judge_a_bucket(copied, run):
    here, there = copied
    how = "-o", "-", "--format", "jsonl", "--no-cache", "--workers", "2"
    assert run("evaluate", there, *how).out == run("evaluate", here, *how).out != ""


def test_a_snapshot_of_a_bucket_that_was_changed_is_refused(copied):
    place = find_snapshot(copied[1]) / ACCOUNT / "AWS-EC2-VPC.jsonl"
    put(place, read(place).replace(b"available", b"avaiLable"))
    with pytest.raises(SnapshotError, match="its digest is not the one in"):
        list(open_snapshot(copied[1]).account(ACCOUNT).read("AWS::EC2::VPC"))
    assert [entry.accounts for entry in list_snapshots(copied[1])] == [1, 1]


def test_the_latest_snapshot_is_found_without_reading_all_others(copied, monkeypatch):
    read = []
    monkeypatch.setattr("stillframe.snapshot.archive.read", lambda place, *most: read.append(place) or get(place)[0])
    assert open_snapshot(copied[1]).id == "2026-01-02T00-00-00Z"
    assert [place.parent.name for place in read] == ["2026-01-02T00-00-00Z"]
