"""An archive over time: the chain that its snapshots form, what is stored once, and what pruning leaves."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders import TIME, write_snapshot
from stillframe.snapshot import list_snapshots
from stillframe.snapshot.chain import heads, links
from stillframe.snapshot.collector.anew import begin_anew
from stillframe.snapshot.collector.unfinished import unfinished
from stillframe.snapshot.errors import CollectError
from stillframe.snapshot.files import PLAN, lock
from stillframe.snapshot.prune import kept, parse_keep, prune
from stillframe.snapshot.verify import verify_archive

VPC = {"AWS::EC2::VPC": [{"VpcId": "vpc-1"}], "AWS::EC2::FlowLog": [{"FlowLogId": "fl-1"}]}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Five days of an estate in which nothing changes but the flow log's name."""
    for day in range(5):
        given = {**VPC, "AWS::EC2::FlowLog": [{"FlowLogId": f"fl-{day}"}]}
        write_snapshot(tmp_path / "a", given, TIME + timedelta(days=day))
    return tmp_path / "a"


def folders(archive: Path) -> list[Path]:
    return [entry.path for entry in list_snapshots(archive)]


def rewrite(path: Path, change) -> None:
    """Change a manifest as somebody would who knows the format."""
    document = json.loads(path.read_text())
    change(document)
    path.unlink()
    path.write_text(json.dumps(document, indent=1) + "\n")


def test_each_snapshot_names_the_one_before_it(archive):
    chain = links(archive)
    before = [link.previous.id if link.previous else None for _, link in sorted(chain.items())]
    assert before == [None, *sorted(chain)[:-1]]
    assert [link.id for link in heads(chain)] == [max(chain)]
    assert list(verify_archive(archive)) == []


@pytest.mark.parametrize("number", [0, 2])
def test_a_snapshot_that_was_changed_breaks_the_chain_although_all_its_digests_are_right(archive, number):
    manifest = folders(archive)[number] / "manifest.json"
    rewrite(manifest, lambda document: document["scope"].update(accounts="listed"))
    [fault] = verify_archive(archive)
    assert fault == f"{manifest}: changed since {folders(archive)[number + 1].name} was written after it"


def test_a_snapshot_that_was_taken_away_breaks_the_chain(archive):
    gone = folders(archive)[1]
    shutil.rmtree(gone)
    [fault] = verify_archive(archive)
    assert f"it follows {gone.name}, which is neither here nor among the pruned" in fault


def test_a_snapshot_that_was_slipped_in_breaks_the_chain(archive, tmp_path):
    other = write_snapshot(tmp_path / "b", VPC, TIME + timedelta(days=1, hours=1))
    shutil.copytree(other, archive / other.name)
    [fault] = verify_archive(archive)
    assert f"{archive / other.name}/manifest.json: it follows none" in fault
    rewrite(
        archive / other.name / "manifest.json",
        lambda document: document.update(previous={"id": folders(archive)[0].name, "sha256": "0" * 64}),
    )
    assert any("as " in fault and "does" in fault for fault in verify_archive(archive))


def test_what_is_from_before_there_were_chains_is_read_and_followed(archive):
    for manifest in archive.glob("*/manifest.json"):
        rewrite(manifest, lambda document: document.pop("previous"))
    assert list(verify_archive(archive)) == []
    write_snapshot(archive, VPC, TIME + timedelta(days=9))
    newest = links(archive)[folders(archive)[-1].name]
    assert newest.previous.id == folders(archive)[-2].name
    assert list(verify_archive(archive)) == []


def test_a_damaged_manifest_does_not_keep_the_next_snapshot_from_being_written(archive):
    damaged = folders(archive)[-1] / "manifest.json"
    damaged.write_text("{")
    write_snapshot(archive, VPC, TIME + timedelta(days=9))
    assert any(str(damaged) in fault for fault in verify_archive(archive))


def test_what_is_the_same_is_stored_once(archive):
    first, second = folders(archive)[:2]
    [account] = [path.name for path in first.iterdir() if path.is_dir()]
    same = {path.name: path.samefile(second / account / path.name) for path in (first / account).iterdir()}
    assert same == {"AWS-EC2-VPC.jsonl": True, "AWS-EC2-FlowLog.jsonl": False, "account.json": False}


def test_a_file_that_was_damaged_is_not_linked_to(archive):
    last = folders(archive)[-1]
    [damaged] = last.glob("*/AWS-EC2-VPC.jsonl")
    damaged.unlink()
    damaged.write_bytes(b"x" * 10)
    path = write_snapshot(archive, VPC, TIME + timedelta(days=9))
    assert b"vpc-1" in next(path.glob("*/AWS-EC2-VPC.jsonl")).read_bytes()


def test_where_links_are_not_possible_the_file_is_written(archive, monkeypatch):
    def refuse(*_):
        raise OSError(95, "not supported")

    monkeypatch.setattr(os, "link", refuse)
    write_snapshot(archive, VPC, TIME + timedelta(days=9))
    assert list(verify_archive(archive)) == []


# ---------------------------------------------------------------------------------------------------- pruning

IDS = [f"{year}-{month:02}-{day:02}T04-00-00Z" for year in (2025, 2026) for month in range(1, 13) for day in (1, 8, 15)]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("1", ["2026-12-15"]),
        ("3", ["2026-12-01", "2026-12-08", "2026-12-15"]),
        ("monthly=2", ["2026-11-15", "2026-12-15"]),
        ("yearly=9", ["2025-12-15", "2026-12-15"]),
        ("last=2,monthly=2", ["2026-11-15", "2026-12-08", "2026-12-15"]),
        ("weekly=2,yearly=2", ["2025-12-15", "2026-12-08", "2026-12-15"]),
        ("daily=999", [name[:10] for name in IDS]),
    ],
)
def test_the_latest_of_each_period_is_kept(rules, expected):
    assert sorted(name[:10] for name in kept(IDS, parse_keep(rules))) == sorted(expected)


def test_what_is_pruned_leaves_its_manifest_and_the_chain_holds(archive):
    ids = [path.name for path in folders(archive)]
    (archive / ids[1] / "manifest.json.sig").write_text("a signature")
    before = {path.parent.name: path.read_bytes() for path in archive.glob("*/manifest.json")}
    assert prune(archive, parse_keep("2")) == (ids[3:], ids[:3])
    assert [path.name for path in folders(archive)] == ids[3:]
    assert {path.stem: path.read_bytes() for path in archive.glob("pruned/*.json")} == {
        name: before[name] for name in ids[:3]
    }
    assert (archive / "pruned" / f"{ids[1]}.json.sig").read_text() == "a signature"
    assert list(verify_archive(archive)) == []
    assert sorted(path.name for path in archive.iterdir()) == [".lock", *ids[3:], "pruned"]
    rewrite(archive / "pruned" / f"{ids[1]}.json", lambda document: document["scope"].update(accounts="listed"))
    assert len(list(verify_archive(archive))) == 1


def test_a_prune_that_was_stopped_is_completed_by_the_next(archive):
    ids = [path.name for path in folders(archive)]
    prune(archive, parse_keep("4"))
    (archive / ids[1]).rename(archive / f".pruned-{ids[1]}")  # killed before it could remove this
    prune(archive, parse_keep("2"))
    assert not list(archive.glob(".pruned-*"))


def begun(archive: Path, name: str, days: float, *, plan: bool = True) -> Path:
    """An unfinished snapshot into which nothing was written for some days."""
    folder = archive / name
    folder.mkdir()
    if plan:
        (folder / PLAN).write_text("{}")
    then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    for each in (*folder.iterdir(), folder):
        os.utime(each, (then, then))
    return folder


def test_what_is_unfinished_goes_a_day_after_it_was_last_written_or_at_once_unless_somebody_holds_it(run, archive):
    ids = [path.name for path in folders(archive)]
    old, new = begun(archive, "2026-02-01T00-00-00Z", 1.1), begun(archive, "2026-02-02T00-00-00Z", 0.9)
    planless = begun(archive, "2026-02-03T00-00-00Z", 0.9, plan=False)
    held = begun(archive, "2026-02-04T00-00-00Z", 9)
    with (held / PLAN).open() as file:
        assert lock(file, wait=False)
        assert prune(archive, parse_keep("9"), dry_run=True)[1] == [old.name]
        assert old.is_dir()
        assert prune(archive, parse_keep("9"))[1] == [old.name]
        done = run("snapshot", "prune", archive, "--keep", "9", "--unfinished")
        assert (done.code, done.out.split()) == (0, [new.name]), done
        assert {held.name, planless.name} <= {path.name for path in archive.iterdir()}
    assert prune(archive, parse_keep("9"))[1] == [held.name]
    assert planless.is_dir()  # nobody could have held it: it is given its day
    assert not list(archive.glob(".pruned-*"))
    assert [path.name for path in folders(archive)] == [*ids, planless.name]
    assert list(verify_archive(archive)) == []


@pytest.mark.parametrize("exact", [True, False])
def test_what_an_import_is_at_work_on_is_not_abandoned(archive, exact):
    """However long it is silent; and nobody completes it."""
    writer = begin_anew(archive, TIME + timedelta(days=99), 1, exact=exact)
    stopped, path = begun(archive, "2026-02-03T00-00-00Z", 2, plan=False), writer.path
    then = (datetime.now(UTC) - timedelta(days=9)).timestamp()
    os.utime(path, (then, then))
    assert prune(archive, parse_keep("9"))[1] == [stopped.name]
    planned = begun(archive, "2026-02-02T00-00-00Z", 0)
    assert unfinished(archive) == planned
    shutil.rmtree(planned)
    assert unfinished(archive) == path
    del writer
    assert prune(archive, parse_keep("9"))[1] == [path.name]


def test_no_collection_and_no_import_take_the_same_second(archive):
    at = TIME + timedelta(days=99)
    first = begin_anew(archive, at, 1, exact=False)  # as a collection begins, before its plan is there
    with pytest.raises(CollectError, match="at work"):
        begin_anew(archive, at, 1)
    assert begin_anew(archive, at, 1, exact=False).path != first.path


def test_the_command_prunes_and_says_what(run, archive):
    ids = [path.name for path in folders(archive)]
    shown = run("snapshot", "prune", archive, "--keep", "2", "--dry-run")
    assert (shown.code, shown.out.split()) == (0, ids[:3])
    assert len(folders(archive)) == 5
    done = run("snapshot", "prune", archive, "--keep", "2")
    assert (done.code, done.out.split()) == (0, ids[:3])
    verified = run("snapshot", "verify", "--archive", archive)
    assert verified.code == 0
    assert "2 snapshots, and 3 manifests of pruned ones: all agree" in verified.err
    assert links(archive)[ids[4]].digest in verified.err
    wrong = run("snapshot", "prune", archive, "--keep", "hourly=3")
    assert (wrong.code, "is no rule" in wrong.err) == (2, True)
