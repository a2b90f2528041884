"""Collecting where the network fails, credentials expire, and somebody stops it: what is lost, and what is twice."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from builders import TIME, furnish
from conftest import StandIn
from msgspec import structs
from stillframe.snapshot import ArgumentError, CollectError, SnapshotError, cluster, list_snapshots, open_snapshot
from stillframe.snapshot.catalog import ACCOUNT_TYPE, REGION_TYPE, ResourceType, catalog_digest, load_catalog
from stillframe.snapshot.collector import clients, write
from stillframe.snapshot.collector import session as aws
from stillframe.snapshot.collector.collect import Watch, collect, resume
from stillframe.snapshot.collector.demo import MANAGEMENT, session, types
from stillframe.snapshot.collector.kept import Kept, keep
from stillframe.snapshot.verify import verify, verify_archive

from bench.proxy import proxy, told

KILLS = int(os.environ.get("STILLFRAME_KILLS", "1"))
OTHERS = ("222222222222", "333333333333")
ACCOUNTS = (MANAGEMENT, *OTHERS)
REGIONS = ("us-east-1",)
KINDS = (ACCOUNT_TYPE, REGION_TYPE, "AWS::EC2::VPC", "AWS::KMS::Key", "AWS::S3::Bucket")
ASKED = {"accounts": ACCOUNTS, "regions": REGIONS}
FAULTS = {"latency": 0.03, "throttled": 0.3, "broken": 0.1, "reset": 0.05}


@pytest.fixture(scope="module")
def estate(stand_in: StandIn) -> Iterator[str]:
    """Something to collect in each of three accounts."""
    with stand_in() as url:
        furnish(url, ACCOUNTS)
        yield url


@pytest.fixture(scope="module")
def sound(estate, tmp_path_factory) -> Path:
    """A snapshot that nothing interfered with."""
    return take(estate, tmp_path_factory.mktemp("sound"))


def few() -> dict[str, ResourceType]:
    """Enough to go wrong, and little enough to go wrong often."""
    return {kind: types()[kind] for kind in KINDS}


def contents(path: Path) -> dict[str, bytes]:
    """Every byte of every account of a snapshot."""
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.glob("[0-9]*/*"))}


def take(url: str, archive: Path, **options: Any) -> Path:
    given = {"session": session(), "catalog": few(), "endpoint_url": url, **ASKED}
    return collect(archive, **given | options).path


# ------------------------------------------------------------------------------------------- networks that fail


def test_a_network_full_of_faults_costs_time_and_nothing_else(estate, sound, tmp_path, monkeypatch):
    """Every third call throttled, one in ten broken, some answers lost on their way, and all of them slow."""
    monkeypatch.setattr(clients, "LONGEST", 0.5)  # so many faults in a row would take minutes
    with proxy(estate, tmp_path / "log", **FAULTS) as url:
        faulty = take(url, tmp_path / "faulty", accounts=ACCOUNTS[:2])
    assert contents(faulty) == {file: data for file, data in contents(sound).items() if OTHERS[1] not in file}
    assert open_snapshot(faulty).account(MANAGEMENT).gap_anywhere("AWS::S3::Bucket") is None
    fates = Counter(fate for fate, _, _ in told(tmp_path / "log"))
    assert min(fates[fate] for fate in ("throttled", "broken", "reset", "answered")) > 0


def test_without_faults_no_call_is_made_twice(estate, tmp_path):
    with proxy(estate, tmp_path / "log") as url:
        take(url, tmp_path / "s")
    calls = Counter((account, call) for _, account, call in told(tmp_path / "log"))
    assert len(calls) > 60
    twice = {call for (_, call), number in calls.items() if number > 1}
    assert {call for call in twice if "GetCallerIdentity" not in call} == set()  # also asked to see who is calling


def test_a_call_with_which_several_types_begin_is_made_once(estate, tmp_path):
    kinds = ("AWS::EKS::Cluster", "AWS::EKS::Nodegroup")
    catalog = {kind: load_catalog()[kind] for kind in (ACCOUNT_TYPE, REGION_TYPE, *kinds)}
    caller = aws._shared(session())
    asked = []
    caller.events.register("before-send.eks", lambda request, **_: asked.append(request.url))
    done = take(estate, tmp_path, session=caller, catalog=catalog, accounts=[MANAGEMENT])
    assert len(asked) == 1
    assert [open_snapshot(done).account(MANAGEMENT).gap(kind, "us-east-1") for kind in kinds] == [None, None]


def test_a_service_that_throttles_for_ever_is_unknown_when_the_deadline_is_over(estate, tmp_path):
    def throttle(request, **_):
        return AWSResponse(request.url, 400, {}, Body('{"__type": "ThrottlingException"}'))

    caller = aws._shared(session())
    caller.events.register("before-send.kms.ListKeys", throttle)
    begun = time.monotonic()
    done = collect(tmp_path, session=caller, catalog=few(), regions=REGIONS, endpoint_url=estate, deadline=3)
    assert done.gaps == {"ThrottlingException: kms:ListKeys": len(REGIONS)}
    assert time.monotonic() - begun < 30


class Body:
    """A body as urllib3 gives it to botocore."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()

    def stream(self, **_):
        yield self._text


# --------------------------------------------------------------------------------------------------- stopped


START = f"""
import sys
from stillframe.snapshot.collector import collect, demo
few = {{kind: demo.types()[kind] for kind in {KINDS}}}
given = {{"session": demo.session(), "endpoint_url": sys.argv[2], "catalog": few}}
if sys.argv[3:]:
    collect.resume(sys.argv[1], **given)
else:
    collect.collect(sys.argv[1], accounts={ACCOUNTS}, regions={REGIONS}, **given)
"""


def start(url: str, archive: Path, *more: str) -> subprocess.Popen[str]:
    """A collector as a process of its own; with `more` one that completes what another left."""
    return subprocess.Popen([sys.executable, "-c", START, str(archive), url, *more], stderr=subprocess.PIPE, text=True)


def wait_for_plan(archive: Path, process: subprocess.Popen[str]) -> None:
    """Until a collector has begun, or ended."""
    while not list(archive.glob("2*/.plan.json")) and process.poll() is None:
        time.sleep(0.005)


def test_killed_at_any_moment_it_can_be_completed(estate, sound, tmp_path):
    """The result is that of an uninterrupted run, and no call of a complete account is made again."""
    with proxy(estate, tmp_path / "log", latency=0.02) as url:
        chance = random.Random(KILLS)
        for number in range(KILLS):
            archive = tmp_path / f"killed-{number}"
            process = start(url, archive)
            wait_for_plan(archive, process)
            time.sleep(chance.uniform(0, 1.5))
            process.kill()
            process.communicate()
            [folder] = archive.glob("2*")
            if not (folder / "manifest.json").exists():
                complete = {path.name for path in folder.glob("[0-9]*")}
                begun = len(told(tmp_path / "log"))
                again = start(url, archive, "resume")
                assert again.wait(60) == 0, again.stderr.read()
                again.stderr.close()
                asked = {account for _, account, _ in told(tmp_path / "log")[begun:]}
                assert not asked & complete - {MANAGEMENT}  # whose credentials also say who is calling
            assert contents(folder) == contents(sound)
            assert list(verify(folder)) == []


def test_interrupted_it_says_how_to_go_on(estate, tmp_path, run, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "demo")
    monkeypatch.setattr(clients, "ATTEMPTS", 1)  # what the stand-in does not know it answers with 500
    with proxy(estate, latency=0.05) as url:
        command = ["collect", "--endpoint-url", url, "--into", str(tmp_path / "s"), "--types", "AWS::EC2::VPC"]
        command += ["--regions", "us-east-1"]
        process = subprocess.Popen([sys.executable, "-m", "stillframe", *command], stderr=subprocess.PIPE, text=True)
        wait_for_plan(tmp_path / "s", process)
        process.send_signal(2)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"stillframe collect --resume --into {tmp_path / 's'}" in err
    result = run("collect", "--resume", "--endpoint-url", estate, "--into", tmp_path / "s")
    assert result.code == 0, result.err
    assert "resources of 1 account" in result.err
    assert not list(tmp_path.rglob(".plan.json"))


def test_there_must_be_something_to_complete(run, aws_url, tmp_path):
    result = run("collect", "--resume", "--endpoint-url", aws_url, "--into", tmp_path)
    assert (result.code, "no unfinished snapshot here" in result.err) == (3, True)
    result = run("collect", "--resume", "--dry-run")
    assert (result.code, "exclude each other" in result.err) == (2, True), result.err


# ------------------------------------------------------------------------------------------------- the archive


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_disk_that_takes_no_more_is_explained_and_nothing_is_left_of_the_account(tmp_path, monkeypatch, number):
    def refuse(path: Path, data: bytes) -> None:
        raise OSError(number, os.strerror(number), str(path))

    writer = write.SnapshotWriter(tmp_path, TIME)
    data = write.AccountData(id=MANAGEMENT, name=None, regions=REGIONS, coverage={}, resources={})
    monkeypatch.setattr(write, "write_file", refuse)
    with pytest.raises(CollectError, match=os.strerror(number)) as caught:
        writer.add(data)
    assert "--resume" in caught.value.help
    assert list(writer.path.iterdir()) == []
    monkeypatch.undo()
    writer.add(data)
    monkeypatch.setattr(write, "write_file", refuse)
    with pytest.raises(CollectError, match=os.strerror(number)):
        writer.finish({})
    assert [entry.accounts for entry in list_snapshots(tmp_path)] == [None]
    monkeypatch.undo()
    assert list(verify(writer.finish({}))) == []


def test_a_disk_that_fills_up_stops_all_of_it_and_it_can_be_completed(estate, tmp_path, monkeypatch):
    def refuse(path: Path, data: bytes) -> None:
        if OTHERS[1] in path.parent.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(path, data)

    original = write.write_file
    with monkeypatch.context() as full:
        full.setattr(write, "write_file", refuse)
        with pytest.raises(CollectError, match="No space left on device"):
            take(estate, tmp_path)
    path = resume(tmp_path, session=session(), endpoint_url=estate, catalog=few()).path
    assert list(verify(path)) == []
    assert len(open_snapshot(path).accounts) == len(ACCOUNTS)


def test_two_collectors_at_once_make_two_snapshots_and_one_chain(estate, tmp_path):
    both = [start(estate, tmp_path) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0], [process.communicate() for process in both]
    for process in both:
        process.stderr.close()
    assert [entry.accounts for entry in list_snapshots(tmp_path)] == [len(ACCOUNTS)] * 2
    assert list(verify_archive(tmp_path)) == []


def test_one_collector_at_a_time_completes_a_snapshot(estate, tmp_path):
    with proxy(estate, latency=0.05) as url:
        first = start(url, tmp_path)
        wait_for_plan(tmp_path, first)
        with pytest.raises(CollectError, match="another collector is at work on it"):
            resume(tmp_path, session=session(), endpoint_url=estate, catalog=few())
        assert first.wait(60) == 0
        first.stderr.close()
    assert list(verify_archive(tmp_path)) == []


OTHERS_PLAN = Kept(
    catalog=catalog_digest(),
    captured_at="2026-01-01T00:00:00Z",
    caller=OTHERS[0],
    accounts={MANAGEMENT: None},
    facts={},
    types=[],
    regions=None,
    roles=["reader"],
    external_id=None,
    scope={"accounts": "listed"},
)


def test_a_plan_of_another_catalogue_or_caller_is_not_followed(estate, tmp_path):
    folder = tmp_path / "2026-01-01T00-00-00Z"
    folder.mkdir()
    for plan, message in (
        (structs.replace(OTHERS_PLAN, catalog="0" * 64), "another catalogue"),
        (OTHERS_PLAN, f"credentials of account {OTHERS[0]}"),
    ):
        file, _ = keep(folder, plan)
        file.close()
        with pytest.raises(CollectError, match=message):
            resume(tmp_path, session=session(), endpoint_url=estate)
    (folder / ".plan.json").unlink()
    with pytest.raises(CollectError, match="keeps no plan"):
        resume(tmp_path, session=session(), endpoint_url=estate)


@pytest.mark.parametrize("whole", [(), ("--resume",)])
def test_answers_are_not_recorded_on_a_cluster(run, tmp_path, whole):
    """It is said before a cluster is reached: there is none at that address."""
    done = run("collect", *whole, "--record", tmp_path / "answers", "--cluster", "tcp://127.0.0.1:9")
    assert (done.code, "--record and --cluster exclude each other" in done.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_nor_where_a_program_completes_what_it_began(tmp_path):
    """Nobody is asked: neither a scheduler nor AWS, of which there is none here."""
    folder = tmp_path / "2026-01-01T00-00-00Z"
    folder.mkdir()
    file, _ = keep(folder, OTHERS_PLAN)
    file.close()
    given = {"record": tmp_path / "answers", "cluster": cluster.Cluster("tcp://127.0.0.1:9", None)}
    with pytest.raises(ArgumentError, match="answers are not recorded on a cluster"):
        resume(tmp_path, **given)
    assert not (tmp_path / "answers").exists()


@pytest.fixture(scope="module")
def left(estate, tmp_path_factory) -> Path:
    """An archive with a snapshot that ended after its first account, and what its user remembers of it."""

    def stop(_: str) -> None:
        raise KeyboardInterrupt

    folder = tmp_path_factory.mktemp("stopped")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        with pytest.raises(KeyboardInterrupt):
            take(estate, folder / "s", workers=1, watch=Watch(account=stop))
    return folder


@pytest.fixture
def stopped(left, tmp_path) -> Path:
    """A copy of it, and of what its user remembers."""
    shutil.copytree(left / "state", os.environ["XDG_STATE_HOME"])
    return Path(shutil.copytree(left / "s", tmp_path / "s"))


def again(estate: str, archive: Path, **options: Any) -> Path:
    return resume(archive, session=session(), endpoint_url=estate, catalog=few(), **options).path


def test_roles_are_not_taken_from_a_plan_that_somebody_wrote(estate, stopped):
    path = next(stopped.glob("*/.plan.json"))
    path.write_bytes(path.read_bytes().replace(b'"roles":["', b'"roles":["theirs-'))
    for options in ({}, ASKED):
        with pytest.raises(CollectError, match="not made by this user here, and asks for something else: "):
            again(estate, stopped, **options)


def test_a_plan_of_another_machine_is_completed_by_who_asks_for_the_same(estate, stopped, sound, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    with pytest.raises(CollectError, match="not made by this user here") as caught:
        again(estate, stopped)
    assert "the options with which it was begun" in caught.value.help
    path = again(estate, stopped, **ASKED)
    assert contents(path) == contents(sound)


@pytest.mark.parametrize("harm", ["changed", "forged", "removed"])
def test_a_complete_account_that_was_tampered_with_is_collected_again(estate, stopped, sound, harm):
    account = next(path.parent for path in stopped.glob("*/[0-9]*/account.json"))
    if harm == "changed":
        file = next(account.glob("*.jsonl"))
        file.write_bytes(file.read_bytes().replace(b'"', b"'", 1))
    elif harm == "forged":  # with digests that are right
        data = json.loads((account / "account.json").read_text()) | {"name": "forged"}
        (account / "account.json").write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")
    else:
        next(account.glob("*.jsonl")).unlink()
    assert contents(again(estate, stopped)) == contents(sound)


def test_an_account_that_nobody_asked_for_is_not_vouched_for(estate, stopped):
    folder = next(stopped.glob("*/.plan.json")).parent
    (folder / "999999999999").mkdir()
    with pytest.raises(CollectError, match="999999999999: no account that was asked for"):
        again(estate, stopped)


@pytest.mark.parametrize("account", ["/../../../PWN", "1234567890123", "12345678901", "", "12345678901a"])
def test_what_is_no_account_id_becomes_no_folder(estate, tmp_path, account):
    caller = aws._shared(session())
    caller.events.register(
        "after-call.organizations.ListAccounts", lambda parsed, **_: parsed.update(Accounts=[{"Id": account}])
    )
    given = {"session": caller, "endpoint_url": estate, "catalog": few()}
    caller.client("organizations", endpoint_url=estate, region_name="us-east-1")
    with pytest.raises(CollectError, match="is no account id"):
        collect(tmp_path / "s", organization=True, **given)
    caller.events.register("after-call.sts.GetCallerIdentity", lambda parsed, **_: parsed.update(Account=account))
    with pytest.raises(CollectError, match="not AWS"):
        collect(tmp_path / "s", **given)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("region", ["../x", "", "eu west", "EU-WEST-1"])
def test_what_is_no_region_becomes_none(estate, tmp_path, region):
    caller = aws._shared(session())
    caller.events.register(
        "after-call.ec2.DescribeRegions", lambda parsed, **_: parsed["Regions"][0].update(RegionName=region)
    )
    done = collect(tmp_path / "s", session=caller, endpoint_url=estate, catalog=few())
    assert done.gaps["UnexpectedAnswer: ec2:DescribeRegions"]


# ----------------------------------------------------------------------------------------------- credentials


def test_credentials_that_expire_for_good_end_it_and_it_can_be_completed(estate, sound, tmp_path):
    """As when a session of the caller ends in the night: what is complete stays."""
    expired = []

    def expire(**_):
        if expired:
            return SimpleNamespace(status_code=403, raw=None), {"Error": {"Code": "ExpiredToken"}}
        return None

    caller = aws._shared(session())
    caller.events.register("before-call", expire)
    with pytest.raises(CollectError, match=r"expired \(ExpiredToken.*: [12] of 3 accounts are not complete") as caught:
        take(estate, tmp_path / "s", session=caller, watch=Watch(account=expired.append), workers=1)
    assert "--resume" in caught.value.help
    [entry] = list_snapshots(tmp_path / "s")
    assert entry.accounts is None
    path = resume(tmp_path / "s", session=session(), endpoint_url=estate, catalog=few()).path
    assert contents(path) == contents(sound)


def test_an_option_that_nobody_knows_is_refused_whatever_the_plan_says(stopped, estate):
    with pytest.raises(TypeError, match="role"):
        resume(stopped, session=session(), endpoint_url=estate, catalog=few(), role="audit")


def test_a_plan_with_a_word_that_nobody_knows_is_refused(stopped, estate):
    (path,) = stopped.glob("*/.plan.json")
    path.write_text(path.read_text().replace("{", '{"excluded":[],', 1))
    with pytest.raises(SnapshotError, match="excluded"):
        resume(stopped, session=session(), endpoint_url=estate, catalog=few())
