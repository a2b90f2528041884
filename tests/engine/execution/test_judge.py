"""However a snapshot is judged, its findings are the same bytes: in one process or two, remembered or anew, exactly."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from builders import narrowed, nine, shipped, write_snapshot
from msgspec.structs import replace
from stillframe.engine.execution import account as judging
from stillframe.engine.execution import exact, tasks
from stillframe.engine.execution import judge as run
from stillframe.engine.execution.judge import judge
from stillframe.engine.execution.workers import Crew, shared
from stillframe.engine.loading.policies import override
from stillframe.engine.loading.ruleset import load_rules
from stillframe.engine.model.finding import Status
from stillframe.engine.testing.examples import ACCOUNT, TIME
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.errors import SnapshotError, StillframeError
from stillframe.snapshot.format import digest

from bench import fleet

SCALE = 0.01  # eleven accounts
Method = partial(run.Method, few=0)  # the compiler, however little there is


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """Two pictures of a fleet: in the later one some accounts are worse."""
    folder = tmp_path_factory.mktemp("fleet")
    fleet.build(fleet.Fleet(scale=SCALE), folder)
    fleet.build(fleet.Fleet(scale=SCALE, changed=0.3), folder, fleet.TIME.replace(day=2))
    return folder


def pictures(archive: Path):
    return [open_snapshot(path) for path in sorted(archive.glob("2*"))]


def found(snapshot, method=Method(), policies=None) -> bytes:
    return b"".join(batch.data for batch in judge(snapshot, policies or nine(), method))


@pytest.fixture(scope="module")
def expected(archive) -> list[bytes]:
    return [found(picture, Method(exact=True)) for picture in pictures(archive)]


@pytest.fixture
def judged(monkeypatch) -> list[str]:
    """The accounts that are judged, not remembered."""
    seen: list[str] = []
    whole = judging.judge_account

    def noting(compiled, snapshot, identity, *rest):
        seen.append(identity)
        return whole(compiled, snapshot, identity, *rest)

    monkeypatch.setattr("stillframe.engine.execution.tasks.judge_account", noting)
    return seen


@pytest.fixture
def kept(tmp_path) -> Path:
    """Where what was found is kept."""
    return tmp_path / "kept"


@pytest.fixture
def cache(kept):
    return Method(cache=kept)


def test_one_process_or_two_cold_or_warm(archive, expected, judged, kept, cache):
    for picture, findings in zip(pictures(archive), expected, strict=True):
        assert found(picture, Method()) == findings
        assert found(picture, Method(workers=2)) == findings
        assert found(picture, Method(cache=kept, workers=2)) == findings
        judged.clear()
        assert found(picture, cache) == findings
        assert judged == []


@pytest.mark.parametrize("forks", [False, True])
def test_other_systems_begin_their_workers_anew_and_have_no_files_in_memory(archive, expected, monkeypatch, forks):
    monkeypatch.setattr("stillframe.engine.execution.workers.FORKS", forks)
    monkeypatch.setattr("stillframe.engine.execution.workers.SPOOLS", False)
    assert found(pictures(archive)[0], Method(workers=2)) == expected[0]


def test_only_what_changed_is_judged_again(archive, expected, judged, cache):
    first, second = pictures(archive)
    changed = {account for account in first.accounts if first.digests[account] != second.digests[account]}
    assert 0 < len(changed) < len(first.accounts)
    found(first, cache)
    judged.clear()
    assert found(second, cache) == expected[1]
    assert set(judged) == changed
    judged.clear()
    assert found(first, cache) == expected[0]
    assert judged == []
    recorders = shipped("config-all-regions")
    here = found(first, cache, recorders)
    judged.clear()
    assert found(second, cache, recorders) == found(second, cache, recorders) == here
    assert judged == [], "nothing has changed that this policy reads"
    assert here == found(second, Method(), recorders)


def test_where_a_policy_is_asked_in_other_accounts_only_those_are_judged_anew(archive, judged, cache):
    (picture, _), policies = pictures(archive), shipped("kms-key-rotation", "vpc-flow-logs", "s3-bucket-lifecycle")
    first, second, *rest = picture.accounts
    before = frozenset()
    for accounts in map(frozenset, (rest, [first, *rest], [first, second], [first, *rest])):
        asked = [replace(policies[0], accounts=accounts), *policies[1:]]
        judged.clear()
        here = found(picture, cache, asked)
        anew = set(judged)
        assert here == found(picture, Method(), asked)
        assert not before or anew in (set(accounts ^ before), set())  # the last is of an evaluation as a whole
        before = accounts


def test_another_policy_or_parameter_is_judged_anew(archive, judged, cache):
    (picture, _), policies = pictures(archive), shipped("kms-key-rotation", "vpc-flow-logs")
    found(picture, cache, policies)
    stricter = [replace(each, params={**each.params, "max_period_days": 90}) for each in policies[:1]]
    judged.clear()
    assert found(picture, cache, [*stricter, policies[1]]) == found(picture, Method(), [*stricter, policies[1]])
    assert judged


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"", lambda data: b"\0" * len(data)])
def test_a_damaged_cache_is_no_cache(archive, expected, damage, kept, cache):
    picture = pictures(archive)[0]
    found(picture, cache)
    (file,) = kept.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert found(picture, cache) == expected[0]


def test_one_damaged_record_costs_only_what_comes_after(archive, expected, kept, cache):
    picture = pictures(archive)[0]
    found(picture, cache)
    (file,) = kept.iterdir()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert found(picture, cache) == expected[0]


def test_where_nothing_can_be_kept_judging_goes_on(archive, expected, kept, cache):
    kept.write_text("a file")
    assert found(pictures(archive)[0], cache) == expected[0]


def test_a_folder_that_others_may_write_to_is_no_cache(archive, expected, judged, kept, cache):
    picture = pictures(archive)[0]
    found(picture, cache)
    kept.chmod(0o770)
    judged.clear()
    assert found(picture, cache) == expected[0]
    assert judged


def test_a_link_to_a_folder_is_no_cache(archive, expected, judged, kept, cache):
    picture = pictures(archive)[0]
    found(picture, cache)
    kept.rename(kept.with_name("elsewhere"))
    kept.symlink_to(kept.with_name("elsewhere"))
    judged.clear()
    assert found(picture, cache) == expected[0]
    assert judged


def test_what_an_archive_brings_is_not_believed(archive, expected, judged, kept, cache):
    """Whoever made an archive can make the digests of a cache in it, too."""
    picture = pictures(archive)[0]
    found(picture, cache)
    before = sorted(archive.rglob("*"))
    shutil.copytree(kept, archive / ".cache")
    try:
        judged.clear()
        assert found(picture, Method(cache=kept.with_name("fresh"))) == expected[0]
        assert judged
    finally:
        shutil.rmtree(archive / ".cache")
    assert sorted(archive.rglob("*")) == before


def test_the_files_of_an_archive_are_few(archive, kept, cache):
    picture = pictures(archive)[0]
    for policy in nine()[:6]:
        found(picture, cache, [policy])
    assert len(list(kept.iterdir())) == 4


def test_the_bytes_of_all_archives_are_few(archive, kept, cache, monkeypatch):
    monkeypatch.setattr("stillframe.engine.execution.cache.MOST", 0)
    for picture in pictures(archive):
        found(picture, cache)
    assert len(list(kept.iterdir())) == 1


def test_statuses_that_nobody_wants_are_counted(archive):
    picture, wanted = pictures(archive)[0], frozenset({Status.FAIL})
    every = list(judge(picture, nine(), Method()))
    some = list(judge(picture, nine(), Method(written=wanted)))
    assert [batch.counts for batch in some] == [batch.counts for batch in every]
    assert b"".join(batch.data for batch in some) == b"".join(line for batch in every for line in batch.having(*wanted))


def test_nothing_in_a_whole_fleet_needs_the_exact_path(archive, monkeypatch):
    monkeypatch.setattr("stillframe.engine.execution.exact.Exact.judge", lambda *_: pytest.fail("not plain"))
    assert found(pictures(archive)[0], Method())


def test_a_whole_benchmark_is_judged_alike_and_only_closed_regions_need_the_exact_path(tmp_path, monkeypatch):
    picture = open_snapshot(fleet.build(fleet.Fleet(scale=SCALE / 3), tmp_path, whole=True))
    policies = load_rules(packs=["cis-aws-5.0.0"]).policies
    expected, slow, whole = found(picture, Method(exact=True), policies), set(), exact.Exact.judge

    def noting(self, policy, resource, purse):
        slow.add((policy.id, resource.type, resource.region in fleet.OPEN))
        return whole(self, policy, resource, purse)

    monkeypatch.setattr("stillframe.engine.execution.exact.Exact.judge", noting)
    assert found(picture, Method(), policies) == expected
    assert {(kind, enabled) for _, kind, enabled in slow} <= {("AWS::Region", False)}, slow


def test_the_examples_of_the_policies_are_judged_alike(tmp_path, monkeypatch, request):
    """Of each policy those that expect something that none before it did; with `--sweep` all.

    Each policy is compiled once for each time, so that what is remembered of one example is true of the next.
    """
    ready = {}
    compiled = tasks.compile_policies
    monkeypatch.setattr(
        tasks, "compile_policies", lambda *given: ready.get(key) or ready.setdefault(key, compiled(*given))
    )
    sweep = request.config.getoption("--sweep")
    for policy in shipped():
        seen = {str(number if sweep else test["expect"]): test for number, test in reversed([*enumerate(policy.tests)])}
        for test in seen.values():
            asked = [narrowed(override(policy, test.get("params", {})), {*test["given"], "AWS::KMS::Key"})]
            time, key = test.get("time", TIME), (policy.id, test.get("time"), str(asked[0].params), asked[0].types)
            folder = write_snapshot(tmp_path, test["given"], datetime.fromisoformat(time))
            picture = open_snapshot(folder)
            assert found(picture, Method(), asked) == found(picture, Method(exact=True), asked), test["name"]
            shutil.rmtree(folder)


def test_a_changed_file_is_refused_as_by_the_exact_path(archive, tmp_path):
    import shutil

    shutil.copytree(archive, tmp_path / "copy", ignore=shutil.ignore_patterns(".cache"))
    picture = pictures(tmp_path / "copy")[0]
    path = next((tmp_path / "copy").glob("2026-01-01*/1*/AWS-KMS-Key.jsonl"))
    path.write_bytes(path.read_bytes().replace(b"true", b"null", 1))
    for method in (Method(), Method(exact=True), Method(workers=2)):
        with pytest.raises(SnapshotError, match="its digest is not the one"):
            found(picture, method)


def test_rows_that_are_not_in_order_are_refused_as_by_the_exact_path(tmp_path):
    vpcs = [
        {"VpcId": name, "OwnerId": ACCOUNT, "IsDefault": False, "State": "available"} for name in ("v-1", "v-2", "v-3")
    ]
    snapshot = write_snapshot(tmp_path, {"AWS::EC2::VPC": vpcs, "AWS::EC2::FlowLog": []})
    file = snapshot / ACCOUNT / "AWS-EC2-VPC.jsonl"
    one, two, three = file.read_bytes().splitlines(keepends=True)
    rewrite(file, one + three + two)
    said = []
    for method in (Method(exact=True), Method()):
        with pytest.raises(SnapshotError) as error:
            found(open_snapshot(snapshot), method)
        said.append(str(error.value))
    assert said[0] == said[1]


def rewrite(file: Path, data: bytes) -> None:
    """Change a file of an account, and make every digest above it right."""
    for above in (file.parent / "account.json", file.parents[1] / "manifest.json"):
        before = digest(file.read_bytes())
        file.write_bytes(data)
        file, data = above, above.read_bytes().replace(before.encode(), digest(data).encode())
    file.write_bytes(data)


def test_a_worker_that_dies_is_an_error_with_advice(archive, monkeypatch):
    def dies(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr("stillframe.engine.execution.tasks.judge_account", dies)
    with pytest.raises(StillframeError, match="a worker process ended") as error:
        found(pictures(archive)[0], Method(workers=2))
    assert "--workers 1" in error.value.help


def test_a_worker_that_dies_before_it_is_given_anything_is_the_same_error():
    crew = Crew(1, SimpleNamespace(path=None))
    (process,) = crew._processes
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with pytest.raises(StillframeError, match="a worker process ended"):
        list(crew.each("survey", [["111122223333"]]))


STUCK = """
import sys, time
from types import SimpleNamespace
from stillframe.engine.execution import tasks, workers
tasks.STEPS["judge"] = lambda desk, task: time.sleep(600)
crew = workers.Crew(2, SimpleNamespace(path=None))
workers.Desk.set_up = classmethod(lambda *_: None)
print(*(process.pid for process in crew._processes), flush=True)
next(crew.each("judge", [1, 2]))
"""


def test_workers_end_with_the_process_that_they_work_for():
    with subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE, text=True) as process:
        workers = [int(each) for each in process.stdout.readline().split()]
        assert len(workers) == 2
        process.kill()
    deadline = time.monotonic() + 10
    while alive(workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(workers) == []


def alive(processes: list[int]) -> list[int]:
    """Those that still run; one that ended and that nobody has asked for is a zombie."""
    stats = {each: Path(f"/proc/{each}/stat") for each in processes}
    return [each for each, stat in stats.items() if stat.exists() and " Z " not in stat.read_text()]


def test_shares_cover_all_accounts_in_order():
    for count in (1, 5, 16, 300):
        accounts = [str(number) for number in range(count)]
        assert [each for share in shared(accounts) for each in share] == accounts
