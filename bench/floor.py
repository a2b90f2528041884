"""The floor: what judging takes before the first record is judged, a step at a time.

`python -m bench.floor STEP SNAPSHOT POLICIES BYTES` takes the steps up to one of them; each is a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stillframe.engine.execution.account import Compiled, compile_policies
from stillframe.engine.execution.records import text_of
from stillframe.snapshot import open_snapshot

from .rounds import Contender, Usage, interleaved, measure
from .run import BASELINE, DENSE, NINE, OURS, Settings, contenders, load, types, warm
from .snapshots import dense_of, fleet_of
from .tables import Table, seconds

STEPS = {
    "start": "start, and compile the policies",
    "read": "… and read each file, with its digest",
    "decode": "… and decode the fields that are needed",
    "write": "… and write as many bytes as the findings have",
}
_PIECE = 1 << 20


def floor(settings: Settings) -> Table:
    """Both workloads: the steps of the floor, beside all of judging and beside parsing."""
    instances = 2_000 if settings.quick else 100_000
    workloads = ((fleet_of(settings.into, settings.scale(1.0)), NINE), (dense_of(settings.into, instances), DENSE))
    columns = [_workload(settings, *each) for each in workloads]
    rows = [
        (name, *(text for taken in columns for text in (seconds(taken[name].cpu), _times(taken, name))))
        for name in columns[0]
    ]
    titles = [f"{what}, {unit}" for what in ("the nine", "the dense type") for unit in ("CPU s", f"× {BASELINE}")]
    title = f"What must be done before anything is judged, and all of it, medians of {settings.runs}:"
    return Table(name="floor", title=title, columns=("", *titles), rows=rows)


def _times(taken: dict[str, Usage], name: str) -> str:
    return f"{taken[name].cpu / taken[BASELINE].cpu:.2f}"


def _workload(settings: Settings, snapshot: Path, policies: Path) -> dict[str, Usage]:
    warm(snapshot, types(policies))
    both = [each for each in contenders(settings, snapshot, policies) if each.name in (OURS, BASELINE)]
    (ours,) = (each for each in both if each.name == OURS)
    assert ours.out is not None  # noqa: S101 - it writes
    measure(ours)
    size = str(ours.out.stat().st_size)
    out, run = settings.into / "floor.out", (sys.executable, "-m", "bench.floor")
    given = (str(snapshot), str(policies))
    steps = [
        Contender(name=name, command=(*run, step, *given, size, str(out)), runs=settings.runs, out=out)
        for step, name in STEPS.items()
    ]
    return interleaved([*steps, *sorted(both, key=lambda each: each.name, reverse=True)], say=settings.say)


def main(step: str, snapshot: str, policies: str, size: str, out: str) -> None:
    compiled = compile_policies(load(Path(policies)))
    last = [*STEPS].index(step)
    if last >= 1:
        _read(compiled, Path(snapshot), decoding=last >= 2)
    if last >= 3:
        with Path(out).open("wb", buffering=0) as file:
            file.writelines(bytes(min(_PIECE, int(size) - start)) for start in range(0, int(size), _PIECE))


def _read(compiled: Compiled, path: Path, *, decoding: bool) -> None:
    snapshot = open_snapshot(path)
    for identity in snapshot.accounts:
        account = snapshot.account(identity)
        for kind, decoder in compiled.decoders.items():
            text = text_of(account, kind)
            for _, part in text.parts() if decoding else ():
                decoder.for_lines(text).together(part)


if __name__ == "__main__":
    main(*sys.argv[1:])
