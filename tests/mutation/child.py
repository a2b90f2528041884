"""Tests in a forked process: once to see what each of them runs, and once for each mutant, until one fails."""

from __future__ import annotations

import importlib
import os
import pickle
import resource
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType

import pytest

# What the tests import besides Stillframe itself: loaded once, before the forks.
_LIBRARIES = (
    "boto3",
    "botocore.session",
    "hypothesis.strategies",
    "jmespath",
    "jsonschema",
    "msgspec",
    "re2",
    "rich.console",
    "rich.table",
    "typer.testing",
    "xmlschema",
    "yaml",
    "multiprocessing.connection",
)
_STAND_IN = "server"  # a fixture that takes seconds
_MEMORY = 4 << 30


@dataclass
class Seen:
    """What a test was seen to do: how long it computed, and which lines of which files it ran."""

    seconds: float = 0.0
    lines: dict[str, set[int]] = field(default_factory=dict)


def warm_up() -> None:
    for name in _LIBRARIES:
        importlib.import_module(name)


def survey(files: Sequence[str], watched: Collection[str], scratch: Path) -> dict[str, Seen]:
    """Every test that passes as things are, but for those that need the stand-in, with the watched lines it runs."""
    notes = scratch / "seen"
    _forked(lambda: _pytest(files, scratch, _Survey(watched, notes)))
    seen = pickle.loads(notes.read_bytes())
    assert seen, f"none of the tests passes: {files}"
    return seen


def judge(module: str, code: CodeType, tests: Mapping[str, float], scratch: Path) -> str:
    """What becomes of a mutant."""

    def run() -> int:
        original = SourceFileLoader.get_code

        def get_code(loader: SourceFileLoader, name: str) -> CodeType | None:
            return code if name == module else original(loader, name)

        SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
        files = dict.fromkeys(test.partition("::")[0] for test in tests)
        return _pytest(tuple(files), scratch, _Chosen(tests))

    status = _forked(run)
    if os.WIFSIGNALED(status):
        return "timeout" if os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGPROF) else "killed"
    assert os.WEXITSTATUS(status) != pytest.ExitCode.NO_TESTS_COLLECTED
    return "survived" if os.WEXITSTATUS(status) == pytest.ExitCode.OK else "killed"


def _forked(run: Callable[[], int]) -> int:
    """How a process of its own ends that runs this. Nothing that it started is left."""
    process = os.fork()
    if not process:
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            os._exit(run())
        finally:
            os._exit(pytest.ExitCode.INTERNAL_ERROR)
    _, status = os.waitpid(process, 0)
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    return status


def _pytest(files: Sequence[str], scratch: Path, plugin: object) -> int:
    quiet = ("-q", "--tb=no", "-W", "ignore::pytest.PytestAssertRewriteWarning")
    return int(pytest.main([*quiet, f"--basetemp={scratch / 'tests'}", *files], plugins=[_Hurried(), plugin]))


class _Hurried:
    """Random examples are the same in every run, and a failing one is not made smaller."""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings

        hurried = settings(deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate))
        settings.register_profile("mutation", hurried)
        settings.load_profile("mutation")


class _Chosen:
    """Only these tests, in this order, until one fails or takes many times as long as it did."""

    def __init__(self, tests: Mapping[str, float]) -> None:
        self.tests = tests

    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        session.config.option.maxfail = 1
        found = {item.nodeid: item for item in items}
        items[:] = [found[test] for test in self.tests if test in found]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        signal.setitimer(signal.ITIMER_PROF, 15 + 10 * self.tests[item.nodeid])  # computing: others are busy, too
        signal.alarm(120 + int(10 * self.tests[item.nodeid]))  # waiting
        return (yield)


class _Survey:
    """Notes what each test runs."""

    def __init__(self, watched: Collection[str], notes: Path) -> None:
        self.watched, self.notes, self.seen = watched, notes, {}
        self.failed: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if _STAND_IN not in getattr(item, "fixturenames", ())]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.seen[item.nodeid] = now = Seen()

        def traced(frame: FrameType, event: str, _: object) -> object:
            name = frame.f_code.co_filename
            if name not in self.watched:
                return None
            lines = now.lines.setdefault(name, set())

            def line(frame: FrameType, event: str, _: object) -> object:
                lines.add(frame.f_lineno)
                return line

            return line

        started = time.process_time()
        sys.settrace(traced)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            now.seconds = time.process_time() - started

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed or report.skipped:
            self.failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self.notes.write_bytes(
            pickle.dumps({test: each for test, each in self.seen.items() if test not in self.failed})
        )
