"""What a second worker gains, beside what two whole runs at once do: the most that this machine has to give."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median

from .rounds import Contender, measure
from .run import DENSE, NINE, OURS, Settings, contenders, types, warm
from .snapshots import dense_of, fleet_of
from .tables import Table, seconds

TWO = f"{OURS}, 2 workers"


def scaling(settings: Settings) -> Table:
    instances = 2_000 if settings.quick else 100_000
    workloads = {
        "the nine over the fleet": (fleet_of(settings.into, settings.scale(1.0)), NINE),
        "twenty over the dense type": (dense_of(settings.into, instances), DENSE),
    }
    rows = [(name, *_workload(settings, *each)) for name, each in workloads.items()]
    title = f"Time, medians of {settings.runs}; the gain is how many times as much is done in it:"
    columns = ("", "One worker, s", "Two workers, s", "Gain", "Two runs at once, s", "Gain")
    return Table(name="scaling", title=title, columns=columns, rows=rows)


def _workload(settings: Settings, snapshot: Path, policies: Path) -> tuple[str, ...]:
    warm(snapshot, types(policies))
    named = {each.name: each for each in contenders(settings, snapshot, policies)}
    one, two, both = [], [], []
    for number in range(settings.runs):
        settings.say(f"round {number + 1} of {settings.runs}: {policies.stem}")
        one.append(measure(named[OURS]).wall)
        two.append(measure(named[TWO]).wall)
        both.append(_at_once(named[OURS]))
    alone, crew, pair = map(median, (one, two, both))
    return seconds(alone), seconds(crew), f"{alone / crew:.2f}", seconds(pair), f"{2 * alone / pair:.2f}"


def _at_once(contender: Contender) -> float:
    """Two runs that know nothing of each other."""
    assert contender.out is not None  # noqa: S101 - it writes
    other = contender.out.with_stem("other")
    command = [str(other) if each == str(contender.out) else each for each in contender.command]
    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(measure, (contender, replace(contender, command=command, out=other))))
    taken = time.perf_counter() - start
    for out in (contender.out, other):
        out.unlink()
    return taken
