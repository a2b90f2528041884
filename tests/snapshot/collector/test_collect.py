"""The collector as a process: killed, refused, and told wrong things. What it collects: tests/test_standin.py."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from builders import CALLER, TIME, collect_from, read_types
from msgspec.structs import replace
from stillframe.engine.terminal.collecting import advice
from stillframe.snapshot import CollectError, SnapshotError, list_snapshots, open_snapshot
from stillframe.snapshot.archive import read_account_file
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.collector.demo import MANAGEMENT
from stillframe.snapshot.collector.write import AccountData, SnapshotWriter
from stillframe.snapshot.format import digest
from stillframe.snapshot.layout import Files
from stillframe.snapshot.model import Coverage, Unknown
from stillframe.snapshot.verify import verify


def an_account(identity: str = MANAGEMENT) -> AccountData:
    coverage = {"AWS::EC2::VPC": Coverage(read=frozenset({"us-east-1"}), missing={})}
    return AccountData(id=identity, name=None, regions=["us-east-1"], coverage=coverage, resources={})


def no_role(error: Exception, session: boto3.Session) -> boto3.Session:
    """A session in which roles cannot be assumed."""

    def refuse(**_):
        raise error

    session.events.register("before-call.sts.AssumeRole", refuse)
    return session


def test_killed_at_any_moment_it_leaves_no_half_snapshot(aws_url, tmp_path, request):
    """Kill real collector processes at random moments: what has a manifest is whole, the rest is refused."""
    archive = tmp_path / "snapshots"
    script = (
        "import sys; from stillframe.snapshot.collector import collect, demo\n"
        "given = {'session': demo.session(), 'endpoint_url': sys.argv[1], 'catalog': demo.types()}\n"
        f"collect.collect(sys.argv[2], accounts=['{MANAGEMENT}', '222222222222'], regions=['us-east-1'], **given)"
    )
    command = [sys.executable, "-c", script, aws_url, str(archive)]

    def begin() -> subprocess.Popen:
        before = len(list(archive.glob("*")))
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while len(list(archive.glob("*"))) == before and process.poll() is None:
            time.sleep(0.002)
        return process

    process, started = begin(), time.monotonic()
    assert process.wait() == 0
    whole = time.monotonic() - started
    moments = (0, 0.3, 0.6, 0.8, 0.9) if request.config.getoption("--sweep") else (0, 0.8)
    for moment in moments:
        process = begin()
        time.sleep(whole * moment)
        process.kill()
        process.wait()
    entries = list_snapshots(archive)
    assert len(entries) == 1 + len(moments)
    assert entries[0].accounts == 2
    assert any(entry.accounts is None for entry in entries)
    for entry in entries:
        if entry.accounts is None:
            with pytest.raises(SnapshotError, match="unfinished"):
                open_snapshot(entry.path)
        else:
            assert list(verify(entry.path)) == []
        for account in entry.path.iterdir():
            if account.is_dir() and not account.name.startswith("."):
                read_account_file(Files(entry.path), account.name, digest((account / "account.json").read_bytes()))


def test_interrupted_it_ends_soon_and_says_so(aws_url, tmp_path):
    archive = tmp_path / "snapshots"
    command = [sys.executable, "-m", "stillframe", "collect", "--endpoint-url", aws_url, "--into", str(archive)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not list(archive.glob("*")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert [entry.accounts for entry in list_snapshots(archive)] == [None]


def test_an_account_that_fails_to_be_written_leaves_nothing_behind(tmp_path, monkeypatch):
    writer = SnapshotWriter(tmp_path, TIME)
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(CollectError, match="disk full"):
        writer.add(an_account())
    assert list(writer.path.iterdir()) == []


def test_two_collectors_in_one_second_get_two_folders(tmp_path):
    first, second = SnapshotWriter(tmp_path, TIME), SnapshotWriter(tmp_path, TIME)
    assert first.path != second.path
    assert second.captured_at > first.captured_at


def test_a_snapshot_of_nothing_is_an_error(tmp_path):
    with pytest.raises(CollectError, match="no account was collected"):
        SnapshotWriter(tmp_path, TIME).finish({})


def test_an_archive_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CollectError, match="cannot write a snapshot here"):
        SnapshotWriter(tmp_path / "file" / "below", TIME)


def test_a_run_that_reaches_no_account_leaves_no_snapshot(aws_url, tmp_path):
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "AssumeRole")
    with pytest.raises(CollectError, match="no account could be entered"):
        collect_from(aws_url, tmp_path, ["222222222222"], each=partial(no_role, denied))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyError("Credentials"), ResponseParserError("not XML")])
def test_an_account_whose_role_gets_a_garbled_answer_is_unknown_and_costs_no_other(aws_url, tmp_path, error):
    done = collect_from(aws_url, tmp_path, [MANAGEMENT, "222222222222"], each=partial(no_role, error))
    account = open_snapshot(done.path).account("222222222222")
    assert (done.accounts, done.entered, done.not_entered) == (2, 1, ["222222222222"])
    assert str(account.gap("AWS::EC2::VPC", "us-east-1")) == f"{type(error).__name__}: sts:AssumeRole"


def test_a_type_that_botocore_is_too_old_for_is_unknown_and_costs_no_other(aws_url, tmp_path):
    types, new = read_types(), load_catalog()["AWS::SQS::Queue"]
    types |= {
        "AWS::New::Service": replace(new, type="AWS::New::Service", list=replace(new.list, service="new")),
        "AWS::New::Call": replace(new, type="AWS::New::Call", list=replace(new.list, operation="ListNew")),
    }
    done = collect_from(aws_url, tmp_path, types=types)
    account = open_snapshot(done.path).account(MANAGEMENT)
    assert account.gap("AWS::New::Service", "us-east-1") == Unknown.because(f"UnknownServiceError: {new.list.action}")
    assert account.gap("AWS::New::Call", "us-east-1") == Unknown.because(f"OperationNotFoundError: {new.list.action}")
    assert account.gap("AWS::EC2::VPC", "us-east-1") is None
    assert [text for text in advice(done.gaps) if "upgrade boto3" in text and new.list.action in text]


def test_the_order_of_accounts_and_the_number_of_workers_change_nothing(aws_url, tmp_path):
    accounts = [MANAGEMENT, "222222222222", "333333333333"]
    one = collect_from(aws_url, tmp_path / "one", accounts, workers=1).path
    many = collect_from(aws_url, tmp_path / "many", accounts[::-1], workers=16).path
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(many) for path in many.rglob("*") if path.is_file())
    assert all((one / file).read_bytes() == (many / file).read_bytes() for file in files)


def test_regions_outside_the_scope_are_unknown_to_who_asks_for_them(aws_url, tmp_path):
    path = collect_from(aws_url, tmp_path, regions=frozenset(["eu-west-1"])).path
    account = open_snapshot(path).account(CALLER.account)
    assert set(account.regions) == {"us-east-1", "eu-west-1", "ap-south-1"}
    assert account.gap("AWS::EC2::VPC", "eu-west-1") is None
    assert account.gap("AWS::EC2::VPC", "us-east-1") is not None
    assert account.gaps("AWS::EC2::VPC").keys() == {"us-east-1", "ap-south-1"}
    assert account.gaps("AWS::S3::Bucket") == {}
