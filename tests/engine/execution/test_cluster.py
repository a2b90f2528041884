"""On a cluster the findings are the same bytes as in one process, whatever becomes of its workers."""

from __future__ import annotations

import errno
import json
import os
import pickle
from pathlib import Path
from shutil import copy, copytree, ignore_patterns
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from builders import shipped
from clusters import cluster, kill
from msgspec.structs import replace
from stillframe.engine.execution import on_cluster
from stillframe.engine.execution.judge import Method, judge
from stillframe.snapshot import cluster as clusters
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.cluster import ClusterError, reach
from stillframe.snapshot.errors import ArgumentError
from stillframe.snapshot.remote import find, put, remote_of

from bench import fleet

pytest.importorskip("distributed")
POLICIES = Path(on_cluster.__file__).parents[2] / "policies"
KMS, TRAILS = POLICIES / "kms/kms-key-rotation.yaml", POLICIES / "cloudtrail/cloudtrail-kms-encryption.yaml"
TAGS = POLICIES / "any/resource-tags-required.yaml"
SCALE = 0.01  # eleven accounts
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("fleet") / "archive"
    fleet.build(fleet.Fleet(scale=SCALE), folder)
    fleet.build(fleet.Fleet(scale=SCALE, changed=0.3), folder, fleet.TIME.replace(day=2))
    return folder


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("cluster"), 2) as found:
        yield found


@pytest.fixture
def reached(processes):
    found = reach(processes.address)
    yield found
    found.close()


def latest(archive):
    return open_snapshot(archive)


def two():
    """A policy that looks at an account alone, and one that looks across all of them."""
    return shipped("kms-key-rotation", "cloudtrail-kms-encryption")


@pytest.fixture(scope="module")
def expected(archive) -> bytes:
    return b"".join(batch.data for batch in judge(latest(archive), two(), Method(few=0)))


def both(run, command, archive, address, *more, ends=".jsonl"):
    """What a command writes and says, with its exit code, in one process and on a cluster."""
    results = []
    for name, given in (("one", ("--no-cache",)), ("cluster", ("--cluster", address))):
        out = archive.parent / f"{name}{ends}"
        result = run(command, *more, "-o", out, *given)
        said = [line for line in result.err.splitlines() if not line.startswith(address)]
        results.append((result.code, result.out, said, out.read_bytes()))
    return results


def test_every_command_that_evaluates_says_and_writes_the_same(run, archive, processes):
    first, second = sorted(archive.glob("2*"))
    by = ("-p", KMS, "-p", TRAILS)
    for command, given in {
        "evaluate": [archive, *by],
        "diff": [first, second, *by],
        "trend": [archive, *by],
        "backtest": [archive, *by],
    }.items():
        one, other = both(run, command, archive, processes.address, *given)
        assert one == other, command
        assert one[0] in (0, 1)
        assert one[3] or command == "backtest"


WAIVER = """policies: []
waivers:
  - {policy: kms-key-rotation, account: '100000000000', region: '*', reason: a, owner: b, expires: 2027-01-01}
  - {policy: kms-key-rotation, resource: absent, reason: a, owner: b, expires: 2027-01-01}
  - {policy: cloudtrail-kms-encryption, region: '*', reason: a, owner: b, expires: 2025-01-01}
"""


def test_workers_write_parts_and_send_what_they_came_to(run, archive, processes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sent, whole = [], clusters.Cluster.result
    monkeypatch.setattr(clusters.Cluster, "result", lambda *given: sent.append(whole(*given)) or sent[-1])
    (tmp_path / "stillframe.yaml").write_text(WAIVER)
    # TAGS asks nothing of anything, as nobody sets its parameters.
    for number, more in enumerate(((), ("--status", "fail,pass"), ("--only", "account=*1*", "--show", "3", "-v"))):
        given = ("evaluate", archive, "-p", KMS, "-p", TRAILS, "-p", TAGS, *more)
        one = run(*given, "-o", "one.jsonl", "--no-cache")
        here = run(*given, "-o", f"here-{number}/", "--no-cache")
        sent.clear()
        there = run(*given, "-o", f"there-{number}/", "--cluster", processes.address)
        assert not any(b'"policy":' in pickle.dumps(each) for each in sent)
        said = [line for line in there.err.splitlines() if not line.startswith(processes.address)]
        assert (there.code, there.out, said) == (one.code, one.out, one.err.splitlines())
        assert "waiver of" in there.err
        for folder, result in (("here", here), ("there", there)):
            assert result.code == one.code
            files = sorted(Path(f"{folder}-{number}").glob("part-*"))
            assert b"".join(path.read_bytes() for path in files) == Path("one.jsonl").read_bytes(), (folder, more)
        indices = [json.loads(Path(f"{each}-{number}/index.json").read_bytes()) for each in ("here", "there")]
        assert indices[0]["counts"] == indices[1]["counts"]
        assert len(indices[1]["parts"]) > 3


def test_what_needs_the_findings_themselves_has_them_come(run, archive, processes, tmp_path):
    given = ("evaluate", archive, "-p", KMS)
    run(*given, "-o", tmp_path / "one.jsonl", "--receipt", tmp_path / "one.json")
    there = ("--cluster", processes.address, "-o", f"{tmp_path}/parts/", "--receipt", tmp_path / "two.json")
    assert run(*given, *there).code == 1
    assert (tmp_path / "two.json").read_bytes() == (tmp_path / "one.json").read_bytes()
    (part,) = (tmp_path / "parts").glob("part-*")
    assert part.read_bytes() == (tmp_path / "one.jsonl").read_bytes()
    both = ("-o", f"{tmp_path}/more/", "-o", tmp_path / "two.jsonl", "--baseline", tmp_path / "one.jsonl")
    assert run(*given, *both, "--cluster", processes.address).code == 0
    assert (tmp_path / "two.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()


def test_workers_read_a_bucket_and_write_to_one_by_their_own_credentials(run, archive, expected, bucket, monkeypatch):
    secret = "a-secret-of-the-caller"
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    for path in sorted(archive.rglob("*")):
        if path.is_file():
            put(remote_of(f"{bucket}/{path.relative_to(archive)}"), path.read_bytes())
    asked, whole = [], clusters.Cluster.call

    def call(self, function, *given):
        asked.append(pickle.dumps([each for each in given if not hasattr(each, "release")]))
        return whole(self, function, *given)

    monkeypatch.setattr(clusters.Cluster, "call", call)
    given = ("-p", KMS, "-p", TRAILS, "--cluster", "local:1", "-o", f"{bucket}/out/")
    assert run("evaluate", bucket, *given).code == 1
    parts = [find(each)[0] for each in remote_of(f"{bucket}/out").iterdir() if each.name != "index.json"]
    assert b"".join(parts) == expected
    assert asked
    assert not any(secret.encode() in each for each in asked)


def test_shares_are_of_about_the_same_weight():
    accounts = [str(number) for number in range(1000)]
    weights = [10 * (number % 7) + (100_000 if number == 500 else 10) for number in range(1000)]
    shares = on_cluster.weighed(accounts, weights)
    assert [account for share in shares for account in share] == accounts
    sizes = [sum(weights[int(each)] for each in share) for share in shares]
    most = sum(weights) // on_cluster.SHARES
    assert all(size < most + 80 or "500" in share for size, share in zip(sizes, shares, strict=True))
    assert on_cluster.weighed(accounts[:3], [10, 10, 10]) == [["0"], ["1"], ["2"]]


def test_it_says_where_it_works_and_where_that_can_be_seen(run, archive, processes):
    err = run("evaluate", archive, "-p", KMS, "--cluster", processes.address).err
    assert err.startswith(f"{processes.address}: 2 workers; dashboard: http://127.0.0.1:")


def found(reached, archive, moment=None, doing=None) -> bytes:
    """The findings; at a moment, which is a number of batches, something happens."""
    pieces = []
    for number, batch in enumerate(judge(latest(archive), two(), Method(cluster=reached))):
        if number == moment:
            doing()
        pieces.append(batch.data)
    return b"".join(pieces)


def test_a_worker_that_is_killed_changes_no_byte(reached, archive, expected, processes, request):
    for moment in range(10) if request.config.getoption("--sweep") else (0, 6):
        processes.worker()
        reached._client.wait_for_workers(3, timeout=60)
        victims = iter(reached._client.run(os.getpid).values())
        assert found(reached, archive, moment, lambda victims=victims: kill(next(victims))) == expected
    assert reached.workers() == 2


def test_a_worker_that_comes_later_is_looked_at_as_well(reached, archive):
    """It has not been seen when the cluster was reached, so it looks at what it is asked by."""
    snapshot = latest(archive)
    other = replace(clusters.this_program(), policies="0" * 64)
    work = on_cluster.OnCluster(reached, snapshot, two(), (), None)
    order = replace(reached.result(work._order), program=other, name="other")
    with pytest.raises(ClusterError, match=r"worker tcp://127\.0\.0\.1:\d+ is not of the same Stillframe: policies "):
        reached.result(reached.call(on_cluster._step, "judge", order, snapshot.accounts[:1], None))


def test_a_worker_of_another_program_is_refused(run, archive, processes, reached, tmp_path):
    root = Path(on_cluster.__file__).parents[2]
    for part in ("engine", "snapshot", "policies"):
        copytree(root / part, tmp_path / "stillframe" / part, ignore=ignore_patterns("__pycache__"))
    copy(root / "__init__.py", tmp_path / "stillframe")
    with (tmp_path / "stillframe/policies/kms/kms-key-rotation.yaml").open("a") as file:
        file.write("# another\n")
    other = processes.worker(PYTHONPATH=str(tmp_path))
    reached._client.wait_for_workers(3, timeout=60)
    out = tmp_path / "refused.jsonl"
    refused = run("evaluate", archive, "-p", KMS, "--cluster", processes.address, "-o", out)
    kill(other.pid)
    other.wait()
    assert refused.code == 2
    assert "is not of the same Stillframe: policies " in refused.err
    assert "install the same Stillframe on every worker" in refused.err
    assert not out.exists()


def test_an_archive_that_workers_do_not_see_is_refused(reached, archive):
    snapshot = replace(latest(archive), path=archive / "absent")
    with pytest.raises(ClusterError, match=r"worker tcp:.*absent: no such archive") as error:
        list(judge(snapshot, two(), Method(cluster=reached)))
    assert "in a shared folder, or in object storage" in error.value.help
    with pytest.raises(ClusterError, match="is another snapshot there"):
        list(judge(replace(latest(archive), digest="0" * 64), two(), Method(cluster=reached)))


def test_a_damaged_file_ends_it_as_it_ends_one_process(run, archive, processes, tmp_path):
    harmed = tmp_path / "harmed"
    copytree(archive, harmed)
    victim = max(harmed.glob("2*/*/AWS-KMS-Key.jsonl"))
    victim.write_bytes(victim.read_bytes()[:-1])
    one, other = (
        run("evaluate", harmed, "-p", KMS, *given) for given in (("--no-cache",), ("--cluster", processes.address))
    )
    assert one.code == other.code == 2
    assert one.err.splitlines()[-2:] == other.err.splitlines()[-2:]


def test_processes_that_are_begun_here_take_work_from_nobody_else():
    """Other users of the machine reach 127.0.0.1, too: they could have run what they like as whoever evaluates."""
    import distributed

    own = reach("local:1")
    try:
        address = own._own.scheduler_address
        assert address.startswith("tls://127.0.0.1:")
        for key in (None, distributed.Security.temporary()):
            with pytest.raises((OSError, TypeError)):
                distributed.Client(address, timeout=5, security=key, set_as_default=False)
        for page in ("status", "info/main/workers.html", "json/identity.json", "metrics", "api/v1/get_workers"):
            with pytest.raises(HTTPError, match="404"):
                urlopen(own._client.dashboard_link.replace("status", page))
        assert "dashboard" not in own.says()
    finally:
        own.close()


@pytest.mark.parametrize("address", ["nonsense", "local:0", "http://host:80", "tcp://host"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ArgumentError, match="is no cluster"):
        reach(address)


def test_a_scheduler_that_is_not_there_is_said_within_seconds(run, archive, monkeypatch):
    monkeypatch.setattr(clusters, "SCHEDULER", 1)
    result = run("evaluate", archive, "--cluster", "tcp://127.0.0.1:1")
    assert result.code == 2
    assert "tcp://127.0.0.1:1: no scheduler answers there" in result.err


def test_a_scheduler_without_workers_is_not_waited_for_for_ever_and_a_dead_one_leaves_no_file(
    run, archive, tmp_path, monkeypatch
):
    out = tmp_path / "findings.jsonl"
    with cluster(tmp_path, 0) as dying:
        monkeypatch.setattr(clusters, "PATIENCE", 0.2)
        with pytest.raises(ClusterError, match="it has no worker"):
            reach(dying.address)
        monkeypatch.setattr(clusters, "PATIENCE", 60)
        dying.worker()
        whole = clusters.Cluster.each

        def each(self, *given):
            for number, result in enumerate(whole(self, *given)):
                if number == 1:
                    kill(dying.running[0].pid)
                yield result

        monkeypatch.setattr(clusters.Cluster, "each", each)
        result = run("evaluate", archive, "-p", KMS, "--cluster", dying.address, "-o", out)
    assert result.code == 2
    assert "the scheduler is gone" in result.err
    assert not list(tmp_path.glob("*findings*"))


def test_a_connection_that_ends_is_told_from_a_call_that_fails():
    """Whoever connects in vain gets an OSError as well: a full disk of a worker is no scheduler that is gone."""

    def failing(error):
        return clusters.Cluster("tcp://there:1", SimpleNamespace(nthreads=lambda: throw(error)))

    def throw(error):
        raise error

    core = pytest.importorskip("distributed.comm.core")
    for error in (
        OSError("Timed out trying to connect"),
        TimeoutError(),
        core.CommClosedError(),
    ):
        with pytest.raises(ClusterError, match="the scheduler is gone"):
            failing(error).workers()
    with pytest.raises(OSError, match="No space"):
        failing(OSError(errno.ENOSPC, "No space")).workers()


def test_two_ways_at_once_are_refused(run, archive):
    for more in (("--workers", 2), ("--exact",)):
        result = run("evaluate", archive, "--cluster", "local", *more)
        assert result.code == 2
        assert "--cluster goes neither with --workers nor with --exact" in " ".join(result.err.split())


def test_a_cluster_is_not_sent_to_its_workers():
    with pytest.raises(TypeError, match="no argument"):
        pickle.dumps(clusters.Cluster("tcp://host:1", None))
