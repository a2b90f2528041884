"""An archive that somebody made to do harm: no link, pipe or giant in it is followed, waited for or read."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from builders import write_snapshot
from stillframe.snapshot import files
from stillframe.snapshot.archive import find_snapshot, list_snapshots, open_snapshot
from stillframe.snapshot.chain import hold
from stillframe.snapshot.errors import SnapshotError
from stillframe.snapshot.files import read_file, write_file

ACCOUNT, KIND = "111122223333", "AWS::EC2::VPC"


@pytest.fixture
def snapshot(tmp_path) -> Path:
    return write_snapshot(tmp_path / "archive", {KIND: [{"VpcId": "vpc-1"}]})


def read_all(path: Path) -> None:
    picture = open_snapshot(path)
    for account in picture.accounts:
        list(picture.account(account).read(KIND))


FILES = ("manifest.json", f"{ACCOUNT}/account.json", f"{ACCOUNT}/AWS-EC2-VPC.jsonl")


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def sparse(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("harm", "said"), [(linked, "a link"), (piped, "not a regular file|unfinished"), (sparse, "the most that it may")]
)
def test_only_regular_files_of_a_size_are_read(snapshot, name, harm, said):
    harm(snapshot / name)
    with pytest.raises(SnapshotError, match=said):
        read_all(snapshot)


def test_an_account_that_is_a_link_is_none_of_the_snapshot(snapshot):
    linked(snapshot / ACCOUNT)
    with pytest.raises(SnapshotError, match="no folder of the snapshot"):
        read_all(snapshot)


def test_a_snapshot_in_an_archive_is_no_link(snapshot, tmp_path):
    other = write_snapshot(tmp_path / "other", {KIND: [{"VpcId": "vpc-2"}]})
    later = snapshot.with_name("2027-01-01T00-00-00Z")
    later.symlink_to(other)
    for find in (list_snapshots, find_snapshot):
        with pytest.raises(SnapshotError, match="a link"):
            find(snapshot.parent)
    assert find_snapshot(later) == later  # whoever names it means it


def test_a_file_has_no_more_than_a_lines_bytes_for_each_of_its_lines(snapshot, monkeypatch):
    monkeypatch.setattr("stillframe.snapshot.resource_file.LINE", 16)
    with pytest.raises(SnapshotError, match="16 are the most"):
        read_all(snapshot)


@pytest.mark.parametrize("length", [1, 15, 16, 17, 31, 40])
def test_what_is_larger_than_a_line_is_read_in_pieces(tmp_path, monkeypatch, length):
    monkeypatch.setattr(files, "LINE", 16)
    data = b"0123456789abcd\n" * length
    (tmp_path / "f").write_bytes(data)
    assert bytes(read_file(tmp_path / "f")) == data


def test_a_line_that_is_too_long_ends_reading(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LINE", 16)
    (tmp_path / "f").write_bytes(b"short\n" + b"x" * 40 + b"\n")
    with pytest.raises(SnapshotError, match="a line of more than 16 bytes"):
        read_file(tmp_path / "f")


def test_a_file_takes_its_name_when_it_is_whole_and_is_its_owners_alone(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"before")
    write_file(path, b"after")
    assert path.read_bytes() == b"after"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_finished_leaves_nothing(tmp_path):
    with pytest.raises(OSError, match="full"), files.replacing(tmp_path / "f"):
        raise OSError("full")
    assert list(tmp_path.iterdir()) == []


def test_writing_does_not_follow_a_link(tmp_path):
    (tmp_path / "victim").write_bytes(b"mine")
    (tmp_path / "f").symlink_to("victim")
    write_file(tmp_path / "f", b"theirs")
    assert (tmp_path / "victim").read_bytes() == b"mine"


def test_the_lock_of_an_archive_is_its_owners_alone_and_no_link(tmp_path):
    with hold(tmp_path):
        assert stat.S_IMODE((tmp_path / ".lock").stat().st_mode) == 0o600
    (tmp_path / ".lock").unlink()
    (tmp_path / "victim").touch()
    (tmp_path / ".lock").symlink_to("victim")
    with pytest.raises(OSError, match="symbolic link"), hold(tmp_path):
        pass


def test_what_an_earlier_version_remembered_beside_snapshots_is_pruned(run, snapshot):
    (snapshot.parent / ".cache").mkdir()
    (snapshot.parent / ".cache" / "0.findings").touch()
    assert run("snapshot", "prune", snapshot.parent, "--keep", "1").code == 0
    assert not (snapshot.parent / ".cache").exists()


def test_without_locks_of_the_system_nobody_is_kept_out(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "fcntl", None)
    with hold(tmp_path), hold(tmp_path):
        shutil.rmtree(tmp_path)
