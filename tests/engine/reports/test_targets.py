"""Where findings are written: nothing planted there is written through, and nothing that is no file is replaced."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from builders import write_snapshot
from stillframe.engine.reports.targets import OutputError, distinct, whole, whole_folder


@pytest.fixture
def snapshot(tmp_path) -> Path:
    return write_snapshot(tmp_path / "archive", {"AWS::EC2::VPC": [{"VpcId": "vpc-1"}]})


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def names(folder: Path | str = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def test_a_link_is_not_written_through(elsewhere):
    (elsewhere / "victim").write_text("mine")
    for name, target in (("r.jsonl", "victim"), ("s.jsonl", "nothing")):
        (elsewhere / name).symlink_to(target)
        with pytest.raises(OutputError, match="a link"), whole(name):
            pass
    assert (elsewhere / "victim").read_text() == "mine"


def test_the_name_of_an_unfinished_file_cannot_be_guessed(elsewhere):
    for process in range(os.getpid() - 2, os.getpid() + 3):
        (elsewhere / f".r.jsonl.{process}").symlink_to(elsewhere / "victim")
    with whole("r.jsonl") as file:
        file.write(b"findings")
    assert not (elsewhere / "victim").exists()
    assert Path("r.jsonl").read_bytes() == b"findings"


def test_a_pipe_is_written_into(elsewhere):
    os.mkfifo("r.jsonl")
    read = []
    reader = threading.Thread(target=lambda: read.append(Path("r.jsonl").read_bytes()))
    reader.start()
    with whole("r.jsonl") as file:
        file.write(b"findings")
    reader.join(10)
    assert read == [b"findings"]
    assert stat.S_ISFIFO(Path("r.jsonl").stat().st_mode)


def test_a_report_keeps_the_mode_that_its_file_had_and_metrics_are_for_their_exporter(elsewhere):
    def mode(name: str) -> int:
        with whole(name) as file:
            file.write(b"")
        return stat.S_IMODE(Path(name).stat().st_mode)

    assert (mode("r.html"), mode("r.prom")) == (0o600, 0o644)
    Path("r.html").chmod(0o640)
    Path("r.prom").chmod(0o600)
    assert (mode("r.html"), mode("r.prom")) == (0o640, 0o600)


def test_a_device_stays_what_it_is():
    with whole("/dev/null") as file:
        file.write(b"findings")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_full_device_is_an_error(run, snapshot):
    before = Path("/dev/full").stat()
    result = run("evaluate", snapshot, "--format", "jsonl", "-o", "/dev/full")
    assert (result.code, "No space left" in result.err) == (2, True)
    assert Path("/dev/full").stat().st_mode == before.st_mode


def test_one_file_is_not_named_twice(run, snapshot, elsewhere):
    for given in (("a.jsonl", "./a.jsonl"), ("-", "-"), ("a.jsonl", str(elsewhere / "a.jsonl"))):
        with pytest.raises(OutputError, match="named twice"):
            distinct(given)
    for options in (
        ("evaluate", snapshot, "-o", "a.jsonl", "-o", "a.jsonl"),
        ("evaluate", snapshot, "-o", "a.json", "--receipt", "a.json"),
        ("diff", snapshot, snapshot, "-o", "a.jsonl", "-o", "./a.jsonl"),
        ("trend", snapshot.parent, "-o", "a.csv", "--series", "a.csv"),
        ("remediate", snapshot, "-o", "a.csv", "-o", "a.csv"),
        ("drift", snapshot, snapshot, "-o", "a.csv", "-o", "a.csv"),
    ):
        result = run(*options)
        assert (result.code, "named twice" in result.err) == (2, True), options
    assert names(elsewhere) == []


def test_what_cannot_be_made_is_refused_before_anything_is_read(run, elsewhere):
    Path("file").write_text("")
    Path("folder.html").mkdir()
    for name, said in (
        ("absent/x.html", "No such file or directory"),
        ("file/x.html", "Not a directory"),
        ("absent/parts/", "No such file or directory"),
        ("folder.html", "a folder"),
    ):
        for words in (("evaluate", "no-archive"), ("nightly", "no-archive"), ("drift", "no-archive", "no-archive")):
            if words[0] == "drift" and not name.startswith("absent/x"):
                continue
            result = run(*words, "-o", name)
            assert (result.code, said in result.err) == (2, True), (words, name, result.err)
    assert not Path("no-archive").exists()


def test_a_folder_of_a_report_loses_only_what_is_of_such_a_report(elsewhere):
    with whole_folder("r.asff") as folder:
        folder.write(("111122223333-eu-west-1-1.json", b"[]"))
    with whole_folder("r.asff") as folder:
        folder.write(("111122223333-eu-west-1-2.json", b"[]"))
    assert names("r.asff") == ["111122223333-eu-west-1-2.json"]
    Path("r.asff/111122223333-eu-west-1-3.json").mkdir()
    with pytest.raises(OutputError, match="holds other things"), whole_folder("r.asff"):
        pass
    assert names("r.asff") == ["111122223333-eu-west-1-2.json", "111122223333-eu-west-1-3.json"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_is_told_to_end_leaves_nothing(snapshot, elsewhere, number):
    """The second target is a pipe that nobody reads: the run waits there, with the first one begun."""
    os.mkfifo("wait.jsonl")
    command = [sys.executable, "-m", "stillframe", "evaluate", snapshot, "-o", "r.jsonl", "-o", "wait.jsonl"]
    with subprocess.Popen([*map(str, command)], stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while len(names()) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(names()) == 2
        process.send_signal(number)
        said = process.stderr.read()
    assert (process.returncode, names()) == (128 + number, ["wait.jsonl"])
    assert b"interrupted" in said
