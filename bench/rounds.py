"""Whole processes, measured in turn: round after round, so that whatever else the machine does hits all alike."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent


class BenchError(Exception):
    """A command that failed, or verdicts that differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process and its children took: seconds, its own and the system's of CPU, bytes in the largest of them."""

    wall: float
    user: float
    system: float
    memory: float

    @property
    def cpu(self) -> float:
        return self.user + self.system


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A command to measure, and how often. `out` is the file it writes, which is removed after each run."""

    name: str
    command: Sequence[str]
    runs: int = 1
    out: Path | None = None


def measure(contender: Contender) -> Usage:
    """Run it once. Raises BenchError if it does not end well."""
    done = subprocess.run(  # noqa: S603 - commands of our own
        [sys.executable, "-I", "-S", HERE / "measure.py", *contender.command],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    code = done.stdout.split()[-1] if done.stdout else "none"
    if code != "0":
        raise BenchError(f"{contender.name}: exit code {code}\n{done.stderr[-2000:]}")
    wall, user, system, memory, _ = map(float, done.stdout.split())
    return Usage(wall=wall, user=user, system=system, memory=memory)


def interleaved(
    contenders: Sequence[Contender],
    *,
    first: Callable[[Contender], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Usage]:
    """Contender → medians of its runs. `first` sees what the first run of each wrote."""
    taken: dict[str, list[Usage]] = {contender.name: [] for contender in contenders}
    for number in range(max(contender.runs for contender in contenders)):
        for contender in contenders:
            if number >= contender.runs:
                continue
            say(f"run {number + 1} of {contender.runs}: {contender.name}")
            taken[contender.name].append(measure(contender))
            if number == 0:
                first(contender)
            if contender.out:
                contender.out.unlink(missing_ok=True)
    return {name: medians(usages) for name, usages in taken.items()}


def medians(usages: Sequence[Usage]) -> Usage:
    return Usage(
        wall=median(usage.wall for usage in usages),
        user=median(usage.user for usage in usages),
        system=median(usage.system for usage in usages),
        memory=median(usage.memory for usage in usages),
    )
