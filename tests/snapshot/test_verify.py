"""What the format forbids is never called whole, be every digest right."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import TIME, write_snapshot
from stillframe.snapshot.archive import open_snapshot
from stillframe.snapshot.errors import SnapshotError
from stillframe.snapshot.format import digest
from stillframe.snapshot.verify import verify

ACCOUNT, KIND = "111122223333", "AWS::EC2::VPC"
VPCS = [{"VpcId": name, "OwnerId": ACCOUNT, "IsDefault": False, "State": "available"} for name in ("vpc-1", "vpc-2")]
Change = Callable[[bytes], bytes]


@pytest.fixture
def snapshot(tmp_path) -> Path:
    return write_snapshot(tmp_path / "archive", {KIND: [*VPCS], "AWS::EC2::FlowLog": []})


def rewrite(snapshot: Path, change: Change, of: str) -> None:
    """Change the bytes of a file, and make every digest above it right."""
    lines, account, manifest = (
        snapshot / ACCOUNT / "AWS-EC2-VPC.jsonl",
        snapshot / ACCOUNT / "account.json",
        snapshot / "manifest.json",
    )
    if of == "lines":
        before = digest(lines.read_bytes())
        lines.write_bytes(change(lines.read_bytes()))
        account.write_text(account.read_text().replace(before, digest(lines.read_bytes())))
    before = digest(account.read_bytes()) if of == "account" else None
    old = json.loads(manifest.read_text())["accounts"][ACCOUNT]
    if of == "account":
        account.write_bytes(change(account.read_bytes()))
        assert before != digest(account.read_bytes())
    manifest.write_text(manifest.read_text().replace(old, digest(account.read_bytes())))
    if of == "manifest":
        manifest.write_bytes(change(manifest.read_bytes()))


def edited(**changes: Any) -> Change:
    def change(data: bytes) -> bytes:
        document = json.loads(data)
        for path, value in changes.items():
            *outer, last = path.split("__")
            place = document
            for step in outer:
                place = place[KIND if step == "vpc" else step]
            place[last] = value
        return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()

    return change


def swapped(old: bytes, new: bytes) -> Change:
    return lambda data: data.replace(old, new, 1)


FORMS = [  # what stands for the same data, and is not the form that it must have
    ("lines", swapped(b'{"account"', b'{ "account"')),
    ("lines", swapped(b"\n", b"\r\n")),
    ("lines", lambda data: data[:-1]),
    ("lines", swapped(b'"name":null,"region":"us-east-1"', b'"region":"us-east-1","name":null')),
    ("lines", swapped(b'"IsDefault":false,', b'"IsDefault":true,"IsDefault":false,')),
    ("lines", swapped(b'"available"', b'"\\u0061vailable"')),
    ("lines", swapped(b'"State":"available"', b'"State":{"$m\\u0069ssing":"denied"}')),
    ("lines", swapped(b'"State":"available"', b'"State":1.0e2')),
    ("account", lambda data: data[:-1]),
    ("account", lambda data: json.dumps(json.loads(data)).encode() + b"\n"),
    ("account", swapped(b'"count": 2', b'"count": 1,\n   "count": 2')),
    ("manifest", lambda data: data + b"\n"),
    ("manifest", swapped(b'"format": 1', b'"format":  1')),
]


@pytest.mark.parametrize(("of", "change"), FORMS)
def test_other_bytes_for_the_same_data_are_a_fault(snapshot, of, change):
    assert list(verify(snapshot)) == []
    rewrite(snapshot, change, of)
    faults = list(verify(snapshot))
    assert any("the one form" in fault or "end with a newline" in fault for fault in faults), faults


MEANINGS = [
    ("account", edited(types__vpc__read=["us-east-1", "eu-west-1"]), "not sorted"),
    ("account", edited(types__vpc__read=["../x"]), "is no place"),
    ("account", edited(types__vpc__missing={"../x": "denied"}), "is no place"),
    ("account", edited(types__vpc__read=["mars-1", "us-east-1"]), "is not enabled"),
    ("account", edited(regions=["us-east-1", "us-east-1"]), "one twice"),
]


@pytest.mark.parametrize(("of", "change", "said"), MEANINGS)
def test_what_cannot_be_is_a_fault(snapshot, of, change, said):
    rewrite(snapshot, change, of)
    faults = list(verify(snapshot))
    assert any(said in fault for fault in faults), faults


REFUSED = [
    ("account", edited(types__vpc__read=[]), "though nothing was read"),
    ("account", edited(types__vpc__missing={"us-east-1": "denied"}), "is both read and missing"),
    ("manifest", edited(captured_at="2026-13-01T00:00:00Z"), "there is no time"),
    ("manifest", edited(captured_at="2026-02-30T00:00:00Z"), "there is no time"),
    ("manifest", edited(captured_at="2026-01-01T25:00:00Z"), "there is no time"),
    ("manifest", edited(captured_at="2026-01-01T00:00:01Z"), "is not the time"),
    ("manifest", edited(captured_at="2025-01-01T00:00:00Z"), "is not the time"),
    ("manifest", edited(id="2025-01-01T00-00-00Z"), "it is the manifest of"),
    ("manifest", edited(format=0), "snapshot format 0"),
    ("account", edited(format=0), "snapshot format 0"),
    ("manifest", edited(format=-1), "snapshot format -1"),
]


@pytest.mark.parametrize(("of", "change", "said"), REFUSED)
def test_what_could_change_a_verdict_no_reader_takes(snapshot, of, change, said):
    rewrite(snapshot, change, of)
    assert any(said in fault for fault in verify(snapshot))
    with pytest.raises(SnapshotError, match=said):
        open_snapshot(snapshot).account(ACCOUNT).gap(KIND, "us-east-1")


def test_a_folder_that_is_no_time_is_no_end_of_a_run(run, snapshot):
    snapshot.rename(snapshot.with_name("2026-02-30T00-00-00Z"))
    for command in (
        ("snapshot", "list", snapshot.parent),
        ("snapshot", "prune", "--keep", "weekly=1", snapshot.parent),
        ("snapshot", "verify", "--archive", snapshot.parent),
        ("evaluate", snapshot.parent),
        ("trend", snapshot.parent),
    ):
        assert run(*command).code in (0, 2), command


def test_a_region_that_is_a_path_names_no_file(run, snapshot, tmp_path):
    rewrite(snapshot, lambda data: data.replace(b'"region":"us-east-1"', b'"region":"../../x"'), "lines")
    code = run("evaluate", snapshot, "-o", tmp_path / "out" / ".." / "r.asff").code
    assert code in (1, 2, 4)
    assert not list(tmp_path.rglob("x-*"))


@pytest.mark.parametrize("name", ["0", "copy"])
def test_a_snapshot_in_a_folder_of_another_name_is_told(snapshot, name):
    moved = snapshot.rename(snapshot.with_name(name))
    assert [fault for fault in verify(moved) if "it is the manifest of 2026-01-01T00-00-00Z" in fault]


@pytest.mark.parametrize("stray", ["notes.txt", "stillframe.yaml", ".hidden", "other/"])
def test_what_lies_in_a_snapshot_and_is_none_of_it_is_a_fault(snapshot, stray):
    (snapshot / stray).mkdir() if stray.endswith("/") else (snapshot / stray).write_text("")
    assert list(verify(snapshot)) == [f"{snapshot / stray}: not in manifest.json"]


def test_a_signature_beside_the_manifest_is_none(snapshot):
    (snapshot / "manifest.json.sig").write_text("")
    assert list(verify(snapshot)) == []


def test_verify_says_of_what_it_speaks(run, snapshot):
    said = f"{digest((snapshot / 'manifest.json').read_bytes())}  {snapshot / 'manifest.json'}\n"
    for path in (snapshot, snapshot.parent):
        assert run("snapshot", "verify", path).err == f"snapshot {snapshot.name} agrees with its manifest:\n{said}"
    assert run("snapshot", "verify", "--archive", snapshot.parent).err.endswith(said)
    wrong = run("snapshot", "verify", "--archive", snapshot)
    assert (wrong.code, "a snapshot, and no archive" in wrong.err) == (2, True)


def test_an_unfinished_snapshot_that_is_passed_over_is_named(run, snapshot):
    early, late = ((snapshot.parent / f"202{year}-01-02T00-00-00Z") for year in (5, 6))
    early.mkdir()
    late.mkdir()
    for words, named in [
        (("snapshot", "verify", snapshot.parent), [late]),
        (("snapshot", "verify", "--archive", snapshot.parent), [early, late]),
        (("snapshot", "verify", snapshot), []),
        (("evaluate", snapshot.parent), [late]),
        (("evaluate", snapshot), []),
    ]:
        lines = [line for line in run(*words).err.splitlines() if "is unfinished" in line]
        assert [line.split()[1] for line in lines] == [each.name for each in named], words
        assert all(f"complete it with `stillframe collect --resume --into {snapshot.parent}`" in line for line in lines)


def test_what_an_archive_hides_is_told_by_diff_too_and_so_is_a_latest_in_the_future(run, tmp_path):
    archive = tmp_path / "archive"
    ahead = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=30.5)
    for when in (TIME, ahead):
        write_snapshot(archive, {"AWS::KMS::Key": []}, when)
    (archive / "2999-01-01T00-00-00Z").mkdir()
    first = archive / "2026-01-01T00-00-00Z"
    for args in (("evaluate", archive), ("diff", first, archive), ("diff", archive, "--previous")):
        told = run(*args).err
        assert told.count("snapshot 2999-01-01T00-00-00Z is unfinished, and passed over") == 1
        assert "30.5 hours in the future: a clock is wrong" in told or "30.4 hours" in told
    assert "future" not in run("evaluate", first).err
