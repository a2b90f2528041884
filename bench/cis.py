"""A whole benchmark beside the nine: CIS 5.0.0 over the fleet, and what parsing all that it reads costs."""

from __future__ import annotations

import sys

from .rounds import Contender, interleaved
from .run import NINE, QUIET, STILLFRAME, Settings, load, types, warm
from .snapshots import whole_of
from .tables import Table, megabytes, seconds

CIS = NINE.with_name("cis-aws-5.0.0.yaml")
WAYS = (("orjson, the nine's types", NINE), ("orjson, all that CIS reads", CIS))


def cis(settings: Settings) -> Table:
    """The nine and CIS by turns, with parsing beside each, on a fleet that has all that CIS reads."""
    scale = settings.scale(0.1)
    settings.say(f"the whole fleet at scale {scale:g}")
    snapshot = whole_of(settings.into, scale)
    warm(snapshot, types(CIS))
    judged = (STILLFRAME, "evaluate", str(snapshot), *QUIET, "--no-cache", "--workers", "1")
    contenders = [
        Contender(name="stillframe, the nine", command=judged, runs=settings.runs),
        Contender(name="stillframe, CIS 5.0.0", command=(*judged, "--pack", "cis-aws-5.0.0"), runs=settings.runs),
    ]
    for name, pack in WAYS:
        given = ("--snapshot", str(snapshot), "--policies", str(pack), "--types", ",".join(types(pack)))
        parsed = (sys.executable, "-m", "bench.contenders", "orjson", *given, "--out", str(settings.into / "none"))
        contenders.append(Contender(name=name, command=parsed, runs=settings.runs))
    taken = interleaved(contenders, say=settings.say)
    nine, all_types = taken[contenders[0].name].cpu, taken[contenders[-1].name].cpu
    rows = [
        (name, seconds(usage.cpu), f"{usage.cpu / nine:.2f}", f"{usage.cpu / all_types:.2f}", megabytes(usage.memory))
        for name, usage in taken.items()
    ]
    accounts = len(list(snapshot.iterdir())) - 1
    title = (
        f"{len(load(CIS))} policies of CIS 5.0.0 and the nine, over {accounts:,} accounts, medians of {settings.runs}:"
    )
    columns = ("", "CPU, s", "× the nine", "× parsing for CIS", "Memory, MB")
    return Table(name="cis", title=title, columns=columns, rows=rows)
