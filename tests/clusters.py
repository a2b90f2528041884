"""Clusters for tests: a scheduler and workers of this machine, each a process that can be killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# Each looks at itself a hundred times a second, and nobody here looks at that.
QUIETLY = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "10s",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
}


@dataclass
class Processes:
    """A scheduler, and the workers that were begun for it."""

    folder: Path
    address: str = ""
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def begin(self) -> None:
        log = self.folder / "scheduler.log"
        given = ("--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0")
        scheduler = self._run("distributed.cli.dask_scheduler", log, *given)
        while not (found := re.search(r"tcp://127\.0\.0\.1:\d+", log.read_text())):
            assert scheduler.poll() is None, log.read_text()
        self.address = found[0]

    def worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """One more: as it is begun by hand, but that nobody begins another in its place."""
        log = self.folder / f"worker-{len(self.running)}.log"
        given = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(self.folder))
        return self._run("distributed.cli.dask_worker", log, self.address, *given, **environment)

    def _run(self, module: str, log: Path, *given: str, **environment: str) -> subprocess.Popen[bytes]:
        command, env = [sys.executable, "-m", module, *given], {**os.environ, **QUIETLY, **environment}
        with log.open("wb") as out:
            self.running.append(subprocess.Popen(command, stdout=out, stderr=out, env=env))
        return self.running[-1]


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[Processes]:
    found = Processes(folder)
    try:
        found.begin()
        for _ in range(workers):
            found.worker()
        yield found
    finally:
        for process in found.running:
            process.kill()
            process.wait()


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
