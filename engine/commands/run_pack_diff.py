"""What changed for controls: between two packs, which is all of `stillframe pack diff`, and between two evaluations."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from ...snapshot.model import Snapshot
from ..assess import assess
from ..console import counted, safe
from ..model.pack import Pack
from ..model.ruleset import Ruleset
from ..packs.diff import Changed, compare
from ..packs.report import Answer, Outcome, PackReport
from ..packs.text import summary, words


def run_pack_diff(
    old: Pack, new: Pack, ruleset: Ruleset, snapshot: Snapshot | None, out: Console, *, json: bool
) -> None:
    """Print every control that differs, and with a snapshot the status of each by both packs."""
    reports = list[PackReport]()
    if snapshot:
        found = assess(snapshot, ruleset)
        deque(found, maxlen=0)  # for its counts
        reports = found.packs()
    changes = list(compare(old, new, *reports))
    if json:
        out.print(_as_json(old, new, changes), soft_wrap=True)
        return
    out.print(safe(f"From {old.name} to {new.name}", "bold"), soft_wrap=True)
    out.print(_table(changes, judged=bool(reports)))
    for pack, report in zip((old, new), reports, strict=False):
        out.print(safe(f"{pack.name}: {summary(report)}"), soft_wrap=True)


def print_changes(console: Console, before: Sequence[PackReport], after: Sequence[PackReport]) -> None:
    """Of each pack the controls whose status is not as it was, and the counts; packs pair by their framework."""
    earlier = {report.pack.framework: report for report in before}
    for now in after:
        if was := earlier.get(now.pack.framework):
            console.print(safe(now.pack.title, "bold"), soft_wrap=True)
            if changed := [each for each in compare(was.pack, now.pack, was, now) if each.before and each.differs]:
                console.print(_table(changed, judged=True))
            console.print(safe(_arrows(was, now)), soft_wrap=True)


def _arrows(was: PackReport, now: PackReport) -> str:
    old, new = was.counts(), now.counts()
    parts = [
        f"{new[each]} {words(each)}" if old[each] == new[each] else f"{old[each]} → {new[each]} {words(each)}"
        for each in Outcome
        if old[each] or new[each]
    ]
    return f"{counted(new.total(), 'control')}: {', '.join(parts)}"


def _table(changes: Sequence[Changed], *, judged: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Was", "Is", "Title", "Change", *(["Status"] if judged else [])):
        table.add_column(name, no_wrap=name in ("Was", "Is"))
    for changed in changes:
        cells = [control.number if control else "" for control in (changed.old, changed.new)]
        cells += [changed.title, "; ".join(changed.what)]
        if judged:
            statuses = [words(answer.status) for answer in (changed.before, changed.after) if answer]
            cells.append(" → ".join(dict.fromkeys(statuses)))
        table.add_row(*map(safe, cells))
    return table


def _as_json(old: Pack, new: Pack, changes: Sequence[Changed]) -> str:
    found = {"old": old.name, "new": new.name, "changes": list(map(_record, changes))}
    return json.dumps(found, indent=2, ensure_ascii=False)


def _record(changed: Changed) -> dict[str, Any]:
    return {
        "old": changed.old.number if changed.old else None,
        "new": changed.new.number if changed.new else None,
        "title": changed.title,
        "changes": list(changed.what),
        "before": _status(changed.before),
        "after": _status(changed.after),
    }


def _status(answer: Answer | None) -> str | None:
    return answer.status.value if answer else None
