"""What the second run costs: nothing changed, a little changed, and two snapshots compared."""

from __future__ import annotations

import shutil
from pathlib import Path

from .rounds import BenchError, Contender, Usage, measure, medians
from .run import NINE, QUIET, STILLFRAME, Settings, types, warm
from .snapshots import CACHE, CHANGED, FIRST, LATER, series_of
from .tables import Table, megabytes, seconds

# Step → whether what earlier runs kept is removed first, the command, and the snapshots it is given.
STEPS: tuple[tuple[str, bool, str, tuple[int, ...]], ...] = (
    ("evaluate, nothing kept yet", True, "evaluate", (FIRST,)),
    ("again, nothing changed", False, "evaluate", (FIRST,)),
    ("a day later, 1 % of the accounts changed", False, "evaluate", (CHANGED,)),
    ("another day later, every trail has delivered", False, "evaluate", (LATER,)),
    ("diff, nothing kept yet", True, "diff", (FIRST, CHANGED)),
    ("diff again", False, "diff", (FIRST, CHANGED)),
)


def incremental(settings: Settings) -> Table:
    """Every step in order, the whole several times."""
    settings.say("three pictures of the fleet")
    scale = settings.scale(1.0)
    pictures = series_of(settings.into, scale)
    for picture in pictures:
        warm(picture, types(NINE))
    taken: dict[str, list[Usage]] = {name: [] for name, *_ in STEPS}
    rounds = max(1, settings.slow_runs)  # without the slow rows of other tables, too
    for number in range(rounds):
        for name, fresh, command, numbers in STEPS:
            if fresh:
                shutil.rmtree(settings.into / CACHE, ignore_errors=True)
            settings.say(f"round {number + 1} of {rounds}: {name}")
            step = _step(name, command, [pictures[each] for each in numbers], settings.into / "ours.jsonl")
            taken[name].append(measure(step))
            if number == 0 and not fresh:
                _same_without_cache(step)
    usages = {name: medians(found) for name, found in taken.items()}
    rows = [(name, seconds(usage.wall), seconds(usage.cpu), megabytes(usage.memory)) for name, usage in usages.items()]
    title = f"The nine policies over the fleet of {round(650_000 * scale):,} resources, medians of {rounds}:"
    return Table(name="incremental", title=title, columns=("", "Time, s", "CPU, s", "Memory, MB"), rows=rows)


def _step(name: str, command: str, snapshots: list[Path], out: Path) -> Contender:
    quiet = QUIET if command == "evaluate" else QUIET[2:]
    whole = (STILLFRAME, command, *map(str, snapshots), "-o", str(out), *quiet, "--workers", "1")
    return Contender(name=name, command=whole, out=out)


def _same_without_cache(step: Contender) -> None:
    """A cache may save time and nothing else."""
    assert step.out is not None  # noqa: S101 - each step writes
    kept = step.out.with_suffix(".kept.jsonl")
    step.out.rename(kept)
    measure(Contender(name=step.name, command=(*step.command, "--no-cache"), out=step.out))
    if kept.read_bytes() != step.out.read_bytes():
        raise BenchError(f"{step.name}: what was kept in the cache changed the findings")
    kept.unlink()
