"""Collected by workers of a cluster a snapshot has the same bytes, whatever becomes of them, and no secret travels."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import Processes, cluster, kill
from conftest import BUCKET, StandIn
from stillframe.engine.commands.collecting import Asked, completing
from stillframe.snapshot import cluster as clusters
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import ACCOUNT_TYPE, REGION_TYPE
from stillframe.snapshot.cluster import reach
from stillframe.snapshot.collector import run_on_cluster
from stillframe.snapshot.collector.collect import Watch, collect, resume
from stillframe.snapshot.collector.demo import MANAGEMENT, enter, session, types
from stillframe.snapshot.errors import ArgumentError, UnfinishedError
from stillframe.snapshot.verify import verify

pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
ACCOUNTS = (MANAGEMENT, "222222222222", "333333333333", "444444444444")
KINDS = (ACCOUNT_TYPE, REGION_TYPE, "AWS::KMS::Key", "AWS::S3::Bucket")
SECRET = "a-secret-of-the-worker"


@pytest.fixture(scope="module")
def estate(stand_in: StandIn) -> Iterator[str]:
    """Something to collect in each of four accounts."""
    with stand_in() as url:
        for account in ACCOUNTS:
            there = session() if account == MANAGEMENT else enter(session(), account, url)
            there.client("s3", endpoint_url=url).create_bucket(Bucket=f"bucket-{account}")
            there.client("kms", endpoint_url=url).create_key(Description="a key")
        session().client("s3", endpoint_url=url).create_bucket(Bucket=BUCKET)
        yield url


@pytest.fixture(scope="module")
def processes(tmp_path_factory, estate) -> Iterator[Processes]:
    """A scheduler, and a worker with credentials of its own."""
    with cluster(tmp_path_factory.mktemp("cluster"), 0) as found:
        found.worker(**credentials(estate))
        yield found


@pytest.fixture
def reached(processes):
    found = reach(processes.address)
    yield found
    found.close()


def credentials(url: str, key: str = "testing", secret: str = SECRET, token: str = "") -> dict[str, str]:
    found = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_ENDPOINT_URL": url}
    return {**found, "AWS_DEFAULT_REGION": "us-east-1", **({"AWS_SESSION_TOKEN": token} if token else {})}


def given(url: str, **options):
    few = {kind: types()[kind] for kind in KINDS}
    asked = {"accounts": ACCOUNTS, "regions": ("us-east-1",)}
    return {"session": session(), "catalog": few, "endpoint_url": url, **asked, **options}


def contents(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.glob("[0-9]*/*"))}


@pytest.fixture(scope="module")
def expected(estate, tmp_path_factory) -> dict[str, bytes]:
    return contents(collect(tmp_path_factory.mktemp("here"), **given(estate)).path)


def test_workers_collect_the_same_bytes_by_names_of_roles_alone(reached, estate, expected, tmp_path, monkeypatch):
    sent, whole = [], clusters.Cluster.call

    def call(self, function, *given):
        sent.append(pickle.dumps([each for each in given if not hasattr(each, "release")]))
        return whole(self, function, *given)

    monkeypatch.setattr(clusters.Cluster, "call", call)
    accounts, calls = [], []
    watch = Watch(account=accounts.append, call=lambda: calls.append(1))
    done = collect(tmp_path / "archive", **given(estate, cluster=reached, watch=watch))
    assert contents(done.path) == expected
    assert not list(verify(done.path))
    assert (sorted(accounts), done.accounts, done.entered) == (sorted(ACCOUNTS), 4, 4)
    assert len(calls) > 20
    assert not any(secret in each for each in sent for secret in (b"testing", SECRET.encode()))
    second = collect(tmp_path / "archive", **given(estate, cluster=reached))
    of_keys = f"{MANAGEMENT}/AWS-KMS-Key.jsonl"
    assert (second.path / of_keys).samefile(done.path / of_keys)


def test_workers_collect_into_a_bucket(reached, expected, bucket, estate, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", estate)  # the bucket is where the workers find AWS
    done = collect(f"{bucket}/a", **given(estate, cluster=reached))
    snapshot = open_snapshot(done.path)
    for account in ACCOUNTS:
        read = snapshot.account(account).lines
        assert bytes(read("AWS::KMS::Key").data) == expected[f"{account}/AWS-KMS-Key.jsonl"]
        assert snapshot.digests[account] == hashlib.sha256(expected[f"{account}/account.json"]).hexdigest()


def test_the_command_says_of_a_cluster_that_is_not_there_and_how_to_complete(run, tmp_path, monkeypatch):
    monkeypatch.setattr(clusters, "SCHEDULER", 1)
    result = run("collect", "--into", tmp_path / "a", "--cluster", "tcp://127.0.0.1:1")
    assert (result.code, list(tmp_path.iterdir())) == (2, [])
    assert "no scheduler answers there" in result.err
    again = completing("s3://bucket", Asked(), None, None, "tcp://host:8786")
    assert again == "stillframe collect --resume --into s3://bucket --cluster tcp://host:8786"


def test_a_worker_that_is_killed_changes_no_byte(reached, processes, estate, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(run_on_cluster, "TOGETHER", 1)
    processes.worker(**credentials(estate))
    reached._client.wait_for_workers(2, timeout=60)
    victims = list(reached._client.run(os.getpid).values())
    watch = Watch(account=lambda _: victims and kill(victims.pop()) if len(victims) == 2 else None)
    done = collect(tmp_path / "archive", **given(estate, cluster=reached, watch=watch))
    assert contents(done.path) == expected
    assert sorted(path.name for path in done.path.iterdir()) == sorted([*ACCOUNTS, "manifest.json"])


def test_what_a_cluster_cannot_do_is_refused(reached, estate, tmp_path):
    with pytest.raises(ArgumentError, match="answers are not recorded on a cluster"):
        collect(tmp_path / "a", **given(estate, cluster=reached, record=tmp_path / "b"))


def test_a_worker_of_another_account_is_refused_and_the_rest_can_be_completed(
    reached, processes, estate, expected, tmp_path
):
    own = enter(session(), ACCOUNTS[1], estate).get_credentials()
    other = processes.worker(**credentials(estate, own.access_key, own.secret_key, own.token))
    for process in processes.running[1:]:
        if process is not other:
            process.kill()
            process.wait()
    with pytest.raises(UnfinishedError, match=f"has credentials of account {ACCOUNTS[1]}, not {MANAGEMENT}"):
        collect(tmp_path, **given(estate, cluster=reached))
    few = given(estate)
    assert contents(resume(tmp_path, **{name: few[name] for name in ("session", "catalog", "endpoint_url")}).path) == (
        expected
    )
