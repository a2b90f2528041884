"""What a cluster costs and gains: processor time of an account and memory of a process, by accounts and by workers."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .rounds import BenchError, Contender, Usage, measure
from .run import QUIET, STILLFRAME, Settings
from .snapshots import fleet_of, small_of
from .tables import Table, megabytes, seconds

WORKERS = (1, 2)
SERVICE = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one evaluation took: the process that was typed, and seconds of CPU of the scheduler and of all workers."""

    client: Usage
    scheduler: float
    workers: float
    memory: float  # of the largest worker


@dataclass(slots=True)
class Processes:
    """A scheduler and its workers, begun by hand."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: Sequence[subprocess.Popen[bytes]]

    def measure(self, snapshot: Path, out: Path) -> Taken:
        command = (STILLFRAME, "evaluate", str(snapshot), "-o", f"{out}/", *QUIET, "--cluster", self.address)
        before = [_cpu(each) for each in (self.scheduler, *self.workers)]
        client = measure(Contender(name="cluster", command=command))
        scheduler, *workers = (
            _cpu(each) - was for each, was in zip((self.scheduler, *self.workers), before, strict=True)
        )
        return Taken(client=client, scheduler=scheduler, workers=sum(workers), memory=max(map(_most, self.workers)))


def cluster(settings: Settings) -> Table:
    """Workers are begun before, and have evaluated once: what is left is what each further night takes."""
    snapshots: Sequence[tuple[str, Callable[[], Path]]] = (
        ("a tenth of the fleet", lambda: fleet_of(settings.into, settings.scale(0.1))),
        ("the fleet", lambda: fleet_of(settings.into, settings.scale(1.0))),
        ("small accounts", lambda: small_of(settings.into, 100 if settings.quick else 10_000)),
    )
    rows = [row for name, build in snapshots for row in _rows(settings, name, build())]
    columns: tuple[str, ...] = ("", "Accounts", "Workers", "Time, s", "Gain", "Workers' CPU an account, ms")
    columns += ("Scheduler's, ms", "Client's, ms", "Worker's memory, MB", "Client's, MB")
    title = f"On a cluster of this machine, findings in parts, medians of {settings.runs}:"
    return Table(name="cluster", title=title, columns=columns, rows=rows)


def _rows(settings: Settings, name: str, snapshot: Path) -> Iterator[tuple[str, ...]]:
    accounts, alone = sum(1 for each in snapshot.iterdir() if each.is_dir()), 0.0
    for number in WORKERS:
        settings.say(f"{name}: {number} workers")
        with tempfile.TemporaryDirectory(dir=settings.into) as folder, processes(Path(folder), number) as begun:
            out = Path(folder) / "out"
            taken = [begun.measure(snapshot, out) for _ in range(settings.runs + 1)][1:]
        wall = median(each.client.wall for each in taken)
        alone = alone or wall
        each_account = (
            f"{1000 * median(of) / accounts:.2f}"
            for of in (
                [each.workers for each in taken],
                [each.scheduler for each in taken],
                [each.client.cpu for each in taken],
            )
        )
        memory = megabytes(max(each.memory for each in taken)), megabytes(median(each.client.memory for each in taken))
        settings.say(f"{wall:.2f} s, {1000 * median(each.workers for each in taken) / accounts:.2f} ms an account")
        yield name, f"{accounts:,}", str(number), seconds(wall), f"{alone / wall:.2f}", *each_account, *memory


@contextmanager
def processes(folder: Path, number: int) -> Iterator[Processes]:
    """A scheduler and workers of this machine."""
    begun: list[subprocess.Popen[bytes]] = []
    try:
        log = folder / "scheduler.log"
        begun.append(_begin(log, "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"))
        while not (found := re.search(r"tcp://127\.0\.0\.1:\d+", log.read_text())):
            if begun[0].poll() is not None:
                raise BenchError(log.read_text())
            time.sleep(0.1)
        logs = [folder / f"{each}.log" for each in range(number)]
        begun += [_begin(each, "dask_worker", found[0], *SERVICE, str(folder)) for each in logs]
        yield Processes(found[0], begun[0], begun[1:])
    finally:
        for process in begun:
            process.kill()
            process.wait()


def _begin(log: Path, module: str, *given: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        command = [sys.executable, "-m", f"distributed.cli.{module}", *given]
        return subprocess.Popen(command, stdout=out, stderr=out)


def _cpu(process: subprocess.Popen[bytes]) -> float:
    import psutil  # which comes with distributed

    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


def _most(process: subprocess.Popen[bytes]) -> float:
    """The most memory that a process had, where the system says so."""
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
        if found:
            return 1024.0 * int(found[1])
    import psutil

    return float(psutil.Process(process.pid).memory_info().rss)
