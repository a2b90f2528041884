"""What the tests share: one AWS stand-in per worker, credentials that reach nothing else, and the command line."""

from __future__ import annotations

import fcntl
import gc
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
import stand_ins
import stillframe
from hypothesis import settings
from stillframe.cli import main
from stillframe.engine.errors import Problem
from stillframe.engine.loading import policies
from stillframe.engine.loading.policy_reader import read_policy
from stillframe.engine.model.policy import Policy
from stillframe.snapshot import own_types, remote
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.collector import rate_limit
from stillframe.snapshot.collector import session as aws
from stillframe.snapshot.remote import Remote

# Where this is installed, jsonschema has it make 38 grammars at each start, of formats that nobody here checks.
sys.modules.setdefault("rfc3987_syntax", ModuleType("rfc3987_syntax"))
# What tests write need not outlive a power cut: waiting for the disk took a tenth of their time.
os.fsync = lambda _: None

REGIONS = ("us-east-1", "eu-west-1", "ap-south-1")  # few, so that a collection takes a second
HOMES = count()
Once = Callable[[str, Callable[[Path], Any]], Any]
StandIn = Callable[[], AbstractContextManager[str]]
BUCKET = "archives"

# Python is started hundreds of times here, and would compile everything each time where bytecode is not kept.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Of AWS's models, and of thousands of tests, much is kept: looking for cycles in it took a third of the time.
gc.set_threshold(100_000, 20, 100)

settings.register_profile("default", deadline=None)
settings.load_profile("default")


def pytest_configure() -> None:
    """An environment that another checkout was installed into would silently test that one."""
    here, there = Path(__file__).parent.parent, Path(stillframe.__file__).parent
    if here.resolve() != there.resolve() and "site-packages" not in there.parts:
        pytest.exit(f"stillframe is installed from {there}: run `pip install -e .` here", 2)


def pytest_collection_finish() -> None:
    gc.freeze()  # what is imported and collected stays


# What a terminal is, which changes tables: a process that imports readline sets some of it for those it starts.
TERMINAL = ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


@pytest.fixture(autouse=True)
def no_real_aws(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No profile, no credentials, no metadata, no cache and no terminal of the machine that runs the tests."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "STILLFRAME_"))]:
        monkeypatch.delenv(name)
    for name in TERMINAL:
        monkeypatch.delenv(name, raising=False)
        os.unsetenv(name)  # readline sets it where `os.environ` does not see it
    home = tmp_path_factory.getbasetemp() / f"home-{next(HOMES)}"  # made by whoever writes to it: most tests do not
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(home / "absent"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / ".state"))


@pytest.fixture(autouse=True)
def shipped_types_alone() -> Iterator[None]:
    """The process has one catalogue: no test leaves types of its own to the next."""
    before = own_types.in_use()
    yield
    if own_types.in_use() is not before:
        own_types.apply(before)


@pytest.fixture(scope="session", autouse=True)
def policies_that_ship_are_read_once() -> Iterator[None]:
    """Commands that run in this process read them again and again: that was a fifth of all that tests took."""
    read: dict[tuple[str, bytes, bytes], Policy] = {}

    def once(source: str, data: bytes, problems: list[Problem]) -> Policy | None:
        if not source.startswith("policies/"):
            return read_policy(source, data, problems)
        key = source, data, load_catalog().own_data
        if key not in read and (policy := read_policy(source, data, problems)):
            read[key] = policy
        return read.get(key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policies, "read_policy", once)
        yield


@pytest.fixture(scope="session")
def stand_in(once: Once) -> Iterator[StandIn]:
    """Begin a stand-in of AWS, which lasts as long as the block."""
    own: list[subprocess.Popen[str]] = []

    def begin(_: Path | None = None) -> int:
        pytest.importorskip("moto.server")
        command = [sys.executable, stand_ins.__file__]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        own.append(subprocess.Popen(command, text=True, **pipes))
        return int(own[-1].stdout.readline())

    @contextmanager
    def stand_in() -> Iterator[str]:
        try:
            held = socket.create_connection((stand_ins.HOST, once("stand-ins", begin)))
        except ConnectionRefusedError:  # the worker that began them has ended
            held = socket.create_connection((stand_ins.HOST, begin()))
        with held:
            yield held.recv(100).decode()

    yield stand_in
    for process in own:
        process.communicate()


@pytest.fixture(scope="session")
def server(stand_in: StandIn) -> Iterator[str]:
    """The URL of a stand-in that lasts for the whole run."""
    with stand_in() as url:
        yield url


def emptied(url: str) -> str:
    """A stand-in without anything that was made in it."""
    urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST")).close()
    return url


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Once:
    """Make what takes long in the first worker that asks for it, in a folder of its own, and read it in the others."""
    folder = tmp_path_factory.getbasetemp().parent / f"once-{testrun_uid}"
    folder.mkdir(exist_ok=True)

    def made(name: str, make: Callable[[Path], Any]) -> Any:
        kept = folder / f"{name}.pickle"
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                place = Path(tempfile.mkdtemp(dir=folder))  # another each time, as making it may have failed
                kept.write_bytes(pickle.dumps(make(place)))
        return pickle.loads(kept.read_bytes())

    return made


@pytest.fixture(scope="module")
def empty(server: str) -> str:
    """The URL of a stand-in that is empty when a module begins to fill it."""
    return emptied(server)


@pytest.fixture
def aws_url(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty stand-in, with credentials for it and only REGIONS enabled."""
    emptied(server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    original = aws._shared

    def trimmed(session):
        session.events.register("after-call.ec2.DescribeRegions", enable_few)
        return original(session)

    monkeypatch.setattr(aws, "_shared", trimmed)
    monkeypatch.setattr(rate_limit, "limits", dict)  # the stand-in is asked as fast as it answers
    # What the stand-in does not know it answers with 500, which botocore asks again and again.
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    return server


@pytest.fixture
def bucket(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket on the stand-in, by its URL."""
    pytest.importorskip("obstore")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_url)
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    remote._store.cache_clear()
    yield f"s3://{BUCKET}"
    remote._store.cache_clear()


@pytest.fixture(params=["s3", "memory"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Remote:
    """A place in the stand-in, and one in memory."""
    if request.param == "s3":
        return Remote(request.getfixturevalue("bucket"), "here")
    store = pytest.importorskip("obstore.store").MemoryStore()
    monkeypatch.setattr(remote, "_store", lambda _: store)
    return Remote("s3://memory", "here")


def enable_few(parsed, **_) -> None:
    """Make all but REGIONS look as AWS shows regions that are not opted in."""
    for region in parsed.get("Regions", ()):
        region["OptInStatus"] = "opt-in-not-required" if region["RegionName"] in REGIONS else "not-opted-in"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run the command line in this process: `run("evaluate", path).code`."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["stillframe", *map(str, arguments)])
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sweep", action="store_true", help="break everything on the stand-in, not a sample of it")
    parser.addoption("--update-golden", action="store_true", help="accept what is printed now as what is expected")
