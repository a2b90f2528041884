"""Archives in object storage: two writers at once, writers that are stopped, nights on which nothing changes."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import boto3
import pytest
from builders import TIME, write_snapshot
from conftest import BUCKET
from msgspec import structs
from stillframe.snapshot import CollectError, SnapshotError, abandoned, chain, list_snapshots, open_snapshot, remote
from stillframe.snapshot.catalog import catalog_digest
from stillframe.snapshot.chain import CLAIM, LAST, PRUNED, PRUNING, settle
from stillframe.snapshot.collector import write_objects
from stillframe.snapshot.collector.kept import Kept
from stillframe.snapshot.collector.write import AccountData, SnapshotWriter, row
from stillframe.snapshot.collector.write_objects import begin_objects, pick_up_objects, resume_objects
from stillframe.snapshot.files import PLAN
from stillframe.snapshot.format import timestamp
from stillframe.snapshot.layout import MANIFEST, OBJECTS, Files
from stillframe.snapshot.model import GLOBAL, Coverage, Resource
from stillframe.snapshot.prune import prune
from stillframe.snapshot.remote import Remote, every, put, read, remove
from stillframe.snapshot.verify import verify, verify_archive

from bench.proxy import proxy, told

ACCOUNTS = tuple(f"{number:012}" for number in range(1, 41))


def plan(moment: datetime = TIME, accounts: tuple[str, ...] = ACCOUNTS) -> Kept:
    return Kept(
        catalog=catalog_digest(),
        captured_at=timestamp(moment),
        caller=ACCOUNTS[0],
        accounts=dict.fromkeys(accounts),
        facts={},
        types=[],
        regions=None,
        roles=[],
        external_id=None,
        scope={"accounts": "listed"},
    )


def data(account: str, *names: str) -> AccountData:
    """An account with a VPC of each name, and a bucket."""
    vpcs = [_resource("AWS::EC2::VPC", "VpcId", account, "us-east-1", name) for name in names or ("vpc-1",)]
    buckets = [_resource("AWS::S3::Bucket", "Name", account, "us-east-1", f"bucket-{account}")]
    read = {"AWS::EC2::VPC": "us-east-1", "AWS::S3::Bucket": GLOBAL, "AWS::EC2::FlowLog": "us-east-1"}
    coverage = {kind: Coverage(read=frozenset({where}), missing={}) for kind, where in read.items()}
    resources = {"AWS::EC2::VPC": [row(each) for each in vpcs], "AWS::S3::Bucket": [row(each) for each in buckets]}
    return AccountData(id=account, name=None, regions=["us-east-1"], coverage=coverage, resources=resources)


def _resource(kind: str, key: str, account: str, region: str, name: str) -> Resource:
    config = {key: name, "OwnerId": account}
    return Resource(type=kind, id=name, account=account, region=region, name=None, tags={}, config=config)


def night(archive: Remote, days: int = 0, changed: tuple[str, ...] = ()) -> Remote:
    writer = begin_objects(archive, plan(TIME + timedelta(days=days)))
    for account in ACCOUNTS:
        writer.add(data(account, "vpc-2") if account in changed else data(account))
    return writer.finish({})


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Remote:
    """In memory: `place` is in the stand-in, too."""
    store = pytest.importorskip("obstore.store").MemoryStore()
    monkeypatch.setattr(remote, "_store", lambda _: store)
    return Remote("s3://memory", "here")


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The puts that are made: their keys and sizes."""
    made: list[tuple[str, int]] = []

    class Spy:
        def __getattr__(self, name):
            return getattr(obstore, name)

        def put(self, store, key, data, **how):
            made.append((key, len(data)))
            return obstore.put(store, key, data, **how)

    obstore = remote._obstore()
    monkeypatch.setattr(remote, "_obstore", lambda spy=Spy(): spy)
    return made


def test_what_is_collected_into_a_store_is_what_is_collected_into_a_folder(place, tmp_path):
    archive, place = place, night(place)
    assert list(verify(place)) == []
    writer = SnapshotWriter(tmp_path, TIME)
    for account in ACCOUNTS:
        writer.add(data(account))
    here, there = open_snapshot(writer.finish({})), open_snapshot(archive)
    assert dict(there.digests) == dict(here.digests)
    assert [each.name for each in archive.iterdir()] == [place.name, OBJECTS, LAST]
    assert [each.name for each in place.iterdir()] == [MANIFEST]


def test_an_unchanged_night_writes_no_file_again(archive, writes):
    night(archive)
    first, writes[:] = list(writes), []
    night(archive, days=1)
    assert len(writes) / len(first) < 0.4  # of forty small accounts; of a fleet it is a twentieth
    assert not [key for key, _ in writes if OBJECTS in key]
    writes.clear()
    night(archive, days=2, changed=ACCOUNTS[:1])
    assert len([key for key, _ in writes if OBJECTS in key]) == 2  # its VPCs, and its account file
    assert list(verify_archive(archive)) == []


def test_of_two_collectors_in_the_same_second_each_has_its_snapshot(archive):
    one, two = begin_objects(archive, plan()), begin_objects(archive, plan())
    assert one.path != two.path
    for writer in (one, two):
        for account in ACCOUNTS:
            writer.add(data(account))
    assert two.finish({}) != one.finish({})
    assert list(verify_archive(archive)) == []
    assert begin_objects(archive, plan()).path not in (one.path, two.path)


def test_many_who_finish_at_once_stand_in_one_chain(place, monkeypatch):
    """One conditional write after the other: the stand-in looks, and then writes, where a store does both at once."""
    archive, one = place, threading.Lock()

    def put_if(*given):
        with one:
            return remote.put_if(*given)

    for module in (write_objects, chain):
        monkeypatch.setattr(module, "put_if", put_if)
    writers = [begin_objects(archive, plan(accounts=ACCOUNTS[:1])) for _ in range(8)]
    for writer in writers:
        writer.add(data(ACCOUNTS[0]))
    threads = [threading.Thread(target=writer.finish, args=({},)) for writer in writers]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [entry.accounts for entry in list_snapshots(archive)] == [1] * 8
    assert list(verify_archive(archive)) == []


@pytest.mark.parametrize("moment", range(14))
def test_a_collector_that_is_killed_leaves_nothing_that_passes_for_whole(archive, monkeypatch, moment):
    """After each of its writes: what has a manifest is whole, the rest can be completed, also from elsewhere."""
    few = ACCOUNTS[:2]

    def kill(original):
        def write(*given):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return original(*given)

        return write

    def collect(writer) -> None:
        for account in few:
            if account not in writer.done:
                writer.add(data(account))
        writer.finish({})

    left = [moment]
    with monkeypatch.context() as killed:
        for name in ("put", "put_if", "remove"):
            for module in (write_objects, chain):
                killed.setattr(module, name, kill(getattr(remote, name)), raising=False)
        with suppress(KeyboardInterrupt):
            collect(begin_objects(archive, plan(accounts=few)))
    settle(archive)
    entries = list_snapshots(archive) if archive.is_dir() else []
    for entry in entries:
        if entry.accounts is not None:
            assert list(verify(entry.path)) == []
        elif (entry.path / PLAN).is_file():
            kept, _ = pick_up_objects(entry.path)
            collect(resume_objects(entry.path, kept, None))
            assert open_snapshot(archive).accounts == few
        else:
            with pytest.raises(CollectError, match="keeps no plan"):
                pick_up_objects(entry.path)
    night(archive, days=1)
    assert list(verify_archive(archive)) == []


def test_what_is_complete_is_not_collected_again_from_elsewhere_either(archive):
    first = begin_objects(archive, plan())
    for account in ACCOUNTS[:20]:
        first.add(data(account))
    first.pause()
    kept, journal = pick_up_objects(first.path)
    assert journal is not None
    for known in (journal, None):
        assert set(resume_objects(first.path, kept, known).done) == {*ACCOUNTS[:20]}
    del journal.done[ACCOUNTS[0]]  # what the journal does not know, somebody else wrote
    assert set(resume_objects(first.path, kept, journal).done) == {*ACCOUNTS[1:20]}
    damaged = next(each for each in every(archive / OBJECTS) if b'"bucket-' + ACCOUNTS[3].encode() in read(each))
    put(damaged, b"{}")
    assert set(resume_objects(first.path, kept, None).done) == {*ACCOUNTS[1:20]} - {ACCOUNTS[3]}
    with pytest.raises(CollectError, match="no account that was asked for"):
        resume_objects(first.path, structs.replace(kept, accounts={ACCOUNTS[0]: None}), None)


def test_who_was_taken_for_dead_is_told_and_writes_no_manifest(archive):
    first = begin_objects(archive, plan())
    first.add(data(ACCOUNTS[0]))
    first.pause()
    second = resume_objects(first.path, *pick_up_objects(first.path))
    with pytest.raises(CollectError, match="another collector has taken it over"):
        first.add(data(ACCOUNTS[1]))
    with pytest.raises(CollectError, match="another collector has taken it over"):
        first.finish({})
    assert [entry.accounts for entry in list_snapshots(archive)] == [None]
    for account in ACCOUNTS:
        second.add(data(account))
    assert list(verify(second.finish({}))) == []
    assert open_snapshot(archive).accounts == ACCOUNTS


def test_an_archive_that_was_copied_from_a_folder_goes_on(archive, tmp_path):
    source = tmp_path / "archive"
    before = write_snapshot(source, {"AWS::EC2::FlowLog": []}, TIME)
    for path in (path for path in source.rglob("*") if path.is_file()):
        put(archive / str(path.relative_to(source)), path.read_bytes())
    night(archive, days=1)
    assert list(verify_archive(archive)) == []
    assert [entry.id for entry in list_snapshots(archive)] == [before.name, "2026-01-02T00-00-00Z"]
    assert prune(archive, {"last": 1})[1] == [before.name]
    assert list(verify_archive(archive)) == []


def test_a_store_that_was_copied_to_a_folder_is_read_there(archive, tmp_path):
    night(archive)
    for each in every(archive):
        path = tmp_path / each.key.removeprefix(archive.key + "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(read(each))
    assert list(verify_archive(tmp_path)) == []
    assert open_snapshot(tmp_path).account(ACCOUNTS[0]).count("AWS::EC2::VPC") == 1
    (tmp_path / OBJECTS).rename(tmp_path / "other")
    (tmp_path / OBJECTS).symlink_to(tmp_path / "other")
    with pytest.raises(SnapshotError, match="no folder"):
        open_snapshot(tmp_path).account(ACCOUNTS[0])


def test_pruning_removes_what_nothing_refers_to_and_nothing_else(archive):
    for days in range(3):
        night(archive, days, changed=ACCOUNTS[:days])
    before = Counter(each.name for each in every(archive / OBJECTS))
    assert prune(archive, {"last": 1}, dry_run=True)[1] == ["2026-01-01T00-00-00Z", "2026-01-02T00-00-00Z"]
    assert Counter(each.name for each in every(archive / OBJECTS)) == before
    staying, going = prune(archive, {"last": 1})
    assert (len(staying), len(going)) == (1, 2)
    assert list(verify_archive(archive)) == []
    after = Counter(each.name for each in every(archive / OBJECTS))
    assert len(before) - len(after) == 2 * 2  # of two accounts, what was there before they changed
    assert [each.name for each in (archive / PRUNED).iterdir()] == [f"{name}.json" for name in going]
    night(archive, 4)
    assert list(verify_archive(archive)) == []


def test_nobody_prunes_while_somebody_collects_nor_the_other_way_round(archive):
    night(archive)
    night(archive, 1)
    writer = begin_objects(archive, plan(TIME + timedelta(days=2)))
    with pytest.raises(CollectError, match="unfinished"):
        prune(archive, {"last": 1})
    put(archive / PRUNING, b"")
    with pytest.raises(CollectError, match="it is being pruned"):
        begin_objects(archive, plan(TIME + timedelta(days=3)))
    with pytest.raises(CollectError, match="somebody else prunes it"):
        prune(archive, {"last": 1})
    writer.add(data(ACCOUNTS[0]))
    remove([archive / PRUNING, writer.path / PLAN, writer.path / CLAIM])
    assert len(prune(archive, {"last": 1})[1]) == 1
    with pytest.raises(CollectError, match="or it was removed"):
        writer.finish({})
    assert list(verify_archive(archive)) == []


def test_what_was_left_unfinished_does_not_stop_pruning_for_good(archive, monkeypatch):
    night(archive)
    night(archive, 1)
    left = begin_objects(archive, plan(TIME + timedelta(days=2), ACCOUNTS[:1]))
    left.add(data(ACCOUNTS[0], "vpc-of-it"))  # files that nothing else refers to
    with pytest.raises(CollectError, match="unfinished") as refused:
        prune(archive, {"last": 2})
    assert "snapshot prune --unfinished" in refused.value.help
    written = {each.name for each in every(archive / OBJECTS)}
    assert prune(archive, {"last": 2}, idle=timedelta(0), dry_run=True)[1] == [left.path.name]
    assert list(every(left.path))
    later = datetime.now(UTC) + timedelta(days=1, seconds=5)
    monkeypatch.setattr(abandoned, "datetime", SimpleNamespace(now=lambda _: later))
    staying, going = prune(archive, {"last": 1})  # by itself, after a day
    assert (staying, going) == (["2026-01-02T00-00-00Z"], ["2026-01-01T00-00-00Z", left.path.name])
    assert not list(every(left.path))
    assert len(written - {each.name for each in every(archive / OBJECTS)}) == 2
    with pytest.raises(CollectError, match="or it was removed"):
        left.finish({})
    assert list(verify_archive(archive)) == []


def test_what_cannot_be_read_is_not_pruned_around(archive):
    night(archive)
    last = night(archive, 1, changed=ACCOUNTS)
    account = open_snapshot(last).digests[ACCOUNTS[0]]
    remove([archive / OBJECTS / account])
    with pytest.raises(SnapshotError, match="missing"):
        prune(archive, {"last": 1})
    assert len(list_snapshots(archive)) == 2
    assert not (archive / PRUNING).is_file()


@pytest.mark.parametrize("digest", ["../../x", "0" * 63, "", "A" * 64])
def test_no_file_name_is_taken_from_a_snapshot(tmp_path, digest):
    (tmp_path / OBJECTS).mkdir()
    with pytest.raises(SnapshotError, match="is no digest"):
        Files(tmp_path / "2026-01-01T00-00-00Z", by_digest=True).resources(ACCOUNTS[0], "AWS::EC2::VPC", digest)


def test_from_the_command_line_and_completed_from_elsewhere(bucket, run, tmp_path, monkeypatch):
    at = f"{bucket}/nightly"
    given = "--types", "AWS::EC2::VPC,AWS::KMS::Key,AWS::S3::Bucket", "--regions", "us-east-1"
    assert run("collect", "--into", at, *given).code == 0
    local = tmp_path / "archive"
    assert run("collect", "--into", local, *given).code == 0
    for path in (local, at):
        run("evaluate", path, "-o", tmp_path / f"{'there' if path == at else 'here'}.jsonl", "--no-cache")
    assert (tmp_path / "there.jsonl").read_bytes() == (tmp_path / "here.jsonl").read_bytes() != b""
    assert run("collect", "--into", at, "--dry-run", *given).code == 0
    stopped = begin_objects(Remote(bucket, "other"), plan(datetime.now(UTC), ACCOUNTS[:1]))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    result = run("collect", "--resume", "--into", f"{bucket}/other", *given)
    assert result.code == 3
    assert "was not made by this user here, and asks for something else" in result.err
    assert [entry.accounts for entry in list_snapshots(stopped.path.parent)] == [None]


FAULTS = {"throttled": 0.3, "broken": 0.05, "reset": 0.05}


def test_a_store_that_is_out_of_breath_costs_time_and_nothing_else(bucket, aws_url, tmp_path, monkeypatch):
    """Of ten requests three are told to slow down, and one fails or is cut off: half of these after it was done."""
    with proxy(aws_url, tmp_path / "log", **FAULTS) as url:
        monkeypatch.setenv(remote.ENDPOINT, url)
        remote._store.cache_clear()
        archive, few = Remote(bucket, "a"), ACCOUNTS[:4]
        for days in range(2):
            writer = begin_objects(archive, plan(TIME + timedelta(days=days), few))
            for account in few:
                writer.add(data(account))
            writer.finish({})
        assert list(verify_archive(archive)) == []
        assert len(prune(archive, {"last": 1})[1]) == 1
        assert list(verify_archive(archive)) == []
    fates = Counter(fate for fate, _, _ in told(tmp_path / "log"))
    assert min(fates[fate] for fate in ("throttled", "broken", "reset", "answered")) > 0


@pytest.mark.parametrize("days", [-400, 400])
def test_clocks_that_disagree_break_no_chain(archive, days):
    night(archive)
    night(archive, days)
    night(archive, 1)
    assert list(verify_archive(archive)) == []
    assert len(list_snapshots(archive)) == 3


def test_the_least_that_is_allowed_is_enough_and_no_more(bucket, aws_url, run, monkeypatch):
    archive = Remote(bucket, "a")
    iam = boto3.client("iam", endpoint_url=aws_url)
    iam.create_user(UserName="they")
    key = iam.create_access_key(UserName="they")["AccessKey"]
    night(archive)
    night(archive, 1)

    def become(role: str) -> None:
        document = json.loads(run("snapshot", "iam", str(archive), "--for", role).out)
        removing = {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{BUCKET}"}
        document["Statement"] += [removing] if role != "reader" else []  # which only the stand-in asks for
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        enforce(aws_url, float("inf"))
        iam.put_user_policy(UserName="they", PolicyName="least", PolicyDocument=json.dumps(document))
        enforce(aws_url, 0)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        remote._store.cache_clear()

    try:
        become("reader")
        assert list(verify_archive(archive)) == []
        with pytest.raises(SnapshotError, match="AccessDenied"):
            begin_objects(archive, plan(TIME + timedelta(days=2)))
        become("writer")
        night(archive, 3)
        become("pruner")
        assert len(prune(archive, {"last": 1})[1]) == 2
    finally:
        enforce(aws_url, float("inf"))
    writer = json.loads(run("snapshot", "iam", str(archive), "--for", "writer", "--kms-key", "arn:KEY").out)
    removing = [each["Resource"] for each in writer["Statement"] if "s3:DeleteObject" in each["Action"]]
    assert removing == [[f"arn:aws:s3:::{BUCKET}/a/*/{name}" for name in (CLAIM, PLAN)]]
    assert writer["Statement"][-1]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert run("snapshot", "iam", "folder").code == run("snapshot", "iam", str(archive), "--for", "all").code == 2


def enforce(url: str, after: float) -> None:
    """Let the stand-in enforce IAM after so many calls."""
    request = urllib.request.Request(f"{url}/moto-api/reset-auth", method="POST", data=str(after).encode())
    request.add_header("Content-Type", "text/plain")
    urllib.request.urlopen(request).close()
