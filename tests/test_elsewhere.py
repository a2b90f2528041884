"""Windows, and other places that have not all that Linux has."""

from __future__ import annotations

import errno
import io
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from builders import write_snapshot
from stillframe.snapshot import files
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.chain import LOCK, hold
from stillframe.snapshot.files import FILE, PLAN, lock, open_own, user_folder
from stillframe.snapshot.format import file_name, snapshot_id

# What Windows has not, of what we or the tools of our tests use. The standard library is loaded first: it knows.
HIDDEN = """
import os, pkgutil, shutil, signal, subprocess, sys, tempfile, multiprocessing.connection, importlib
shutil._use_fd_functions = False
for name in ("fcntl", "grp", "pty", "pwd", "readline", "resource", "termios", "tty"):
    sys.modules[name] = None
for name in ("fchmod", "fork", "geteuid", "getuid", "memfd_create", "mkfifo", "pread", "preadv", "pwrite", "readv"):
    delattr(os, name)
for name in ("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK"):
    delattr(os, name)
for name in ("SIGALRM", "SIGHUP", "SIGKILL", "SIGPIPE"):
    delattr(signal, name)
"""
IMPORTED = """
import stillframe
for module in pkgutil.walk_packages(stillframe.__path__, "stillframe."):
    if module.name.split(".")[1] in ("cli", "engine", "snapshot", "policies"):
        importlib.import_module(module.name)
"""
USED = """
from datetime import datetime
from pathlib import Path
from stillframe.cli import main
from stillframe.snapshot.model import Coverage
from stillframe.snapshot.collector.write import AccountData, SnapshotWriter
archive, id, kind = Path(sys.argv[1]), "111122223333", "AWS::EC2::FlowLog"
for hour in (1, 2):
    writer = SnapshotWriter(archive, datetime.fromisoformat(f"2026-01-01T0{hour}:00:00+00:00"))
    coverage = {kind: Coverage(read=frozenset({"us-east-1"}), missing={})}
    writer.add(AccountData(id=id, name=None, regions=["us-east-1"], coverage=coverage, resources={}))
    writer.finish({})
for words in (["evaluate", archive, "-v", "--cache"], ["diff", writer.path, archive], ["snapshot", "verify", archive],
              ["snapshot", "prune", archive, "--keep", "1"], ["policy", "list"]):
    sys.argv = ["stillframe", *map(str, words)]
    try:
        main()
    except SystemExit as stop:
        assert stop.code in (0, 4, None), (words, stop.code)
"""


def test_everything_is_imported_and_used_where_there_is_only_what_windows_has(tmp_path):
    script = HIDDEN + IMPORTED + USED
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "archive"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


NO_NAME = re.compile(r'[<>:"/\\|?*\x00-\x1f]|[ .]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)


def test_what_is_written_has_names_that_windows_takes(run, tmp_path):
    path = write_snapshot(tmp_path / "archive", {"AWS::EC2::VPC": [{"VpcId": "vpc-1"}], "AWS::EC2::FlowLog": []})
    outputs = [part for name in ("r.asff", "r.html", "r.csv") for part in ("-o", tmp_path / name)]
    run("evaluate", path, *outputs, "--cache", "--receipt", tmp_path / "receipt.json")
    names = [each.name for each in tmp_path.rglob("*")]
    assert len(names) > 9
    names += [*map(file_name, load_catalog()), snapshot_id(datetime.now(UTC)), LOCK, PLAN]
    assert [name for name in names if NO_NAME.search(name)] == []


class Locks:
    """Locks of bytes, as Windows has them."""

    LK_LOCK, LK_NBLCK = 1, 2

    def __init__(self) -> None:
        self.error, self.held, self.waits = errno.EACCES, set[tuple[int, int]](), 0

    def locking(self, file: int, mode: int, count: int) -> None:
        place = (os.fstat(file).st_ino, os.lseek(file, 0, os.SEEK_CUR))
        if place in self.held:
            if mode == self.LK_LOCK:
                self.waits += 1
                if self.waits == 3:
                    self.held.clear()  # the other process ends
                raise OSError(errno.EDEADLK, "ten seconds are over")
            raise OSError(self.error, "no")
        self.held.add(place)


@pytest.fixture
def locks(monkeypatch) -> Locks:
    found = Locks()
    monkeypatch.setattr(files, "fcntl", None)
    monkeypatch.setattr(files, "msvcrt", found)
    return found


def test_on_windows_a_byte_that_no_file_has_is_locked(tmp_path, locks):
    (tmp_path / "f").write_bytes(b"plan")
    with open_own(tmp_path / "f") as mine, open_own(tmp_path / "f") as other:
        assert lock(mine, wait=False)
        assert not lock(other, wait=False)
        assert [at for _, at in locks.held] == [FILE]
        assert (mine.read(), other.read()) == (b"plan", b"plan")


def test_on_windows_who_waits_for_a_lock_waits_until_it_is_free(tmp_path, locks):
    with open_own(tmp_path / LOCK) as mine:
        lock(mine, wait=True)
        with hold(tmp_path):
            assert locks.waits == 3


def test_on_windows_a_file_system_without_locks_keeps_nobody_out(tmp_path, locks):
    locks.error = errno.EINVAL
    with open_own(tmp_path / "f") as mine, open_own(tmp_path / "f") as other:
        assert lock(mine, wait=False)
        assert lock(other, wait=False)


def test_a_user_without_a_home_keeps_nothing_and_judges(run, monkeypatch, tmp_path):
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 987654)  # whom no list of users names
    with pytest.raises(RuntimeError):
        Path("~").expanduser()
    assert not user_folder("XDG_CACHE_HOME", "~/.cache").exists()
    path = write_snapshot(tmp_path / "archive", {"AWS::EC2::VPC": [], "AWS::EC2::FlowLog": []})
    done = run("evaluate", path, "--cache")
    assert done.code == 4, done.err


# Letters that some of the narrow encodings have, and none; and what a terminal would act on.
NAME = "vpc-é€→𝄞\x1b[31m"
COMMANDS = (
    "evaluate SNAPSHOT -v",
    "diff SNAPSHOT LATER",
    "drift SNAPSHOT LATER",
    "trend ARCHIVE",
    "backtest ARCHIVE",
    "remediate SNAPSHOT",
    "snapshot list ARCHIVE",
    "snapshot show SNAPSHOT",
    "snapshot verify ARCHIVE",
    "policy list",
    "policy show vpc-flow-logs",
    "policy explain SNAPSHOT vpc-flow-logs NAME",
    "policy test vpc-flow-logs --coverage",
    "policy lint",
    "resource list",
    "resource show AWS::EC2::VPC",
    "query SNAPSHOT AWS::EC2::VPC @",
    "pack list",
    "pack show cis-aws-5.0.0",
    "evaluate SNAPSHOT --pack cis-aws-5.0.0",
    "--help",
    "evaluate --help",
    "evaluate NAME",
)


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> dict[str, str]:
    archive = tmp_path_factory.mktemp("archive")
    vpc = {"VpcId": NAME, "OwnerId": "111122223333", "IsDefault": False, "State": "available", "$tags": {NAME: NAME}}
    given = {"AWS::EC2::VPC": [vpc], "AWS::EC2::FlowLog": []}
    first = write_snapshot(archive, given)
    given["AWS::EC2::VPC"] = [{**vpc, "State": NAME}]
    later = write_snapshot(archive, given, datetime(2027, 1, 1, tzinfo=UTC))
    return {"SNAPSHOT": str(first), "LATER": str(later), "ARCHIVE": str(archive), "NAME": NAME}


NARROW = [(words, each) for at, words in enumerate(COMMANDS) for each in ("ascii", ("latin-1", "cp1252")[at % 2])]


@pytest.mark.parametrize(("words", "encoding"), NARROW)
def test_what_a_stream_has_no_letters_for_is_spelled_out(run, monkeypatch, places, words, encoding):
    streams = SimpleNamespace(stdout=io.BytesIO(), stderr=io.BytesIO())
    for name, stream in vars(streams).items():
        monkeypatch.setattr(sys, name, io.TextIOWrapper(stream, encoding, write_through=True))
    done = run(*(places.get(word, word) for word in words.split()))
    assert done.code in (0, 1, 2, 4), streams.stderr.getvalue()
    assert streams.stdout.getvalue() + streams.stderr.getvalue()
