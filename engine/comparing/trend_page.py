"""The page of an archive: the findings of its latest snapshot, and the numbers of all of them."""

from __future__ import annotations

from collections.abc import Sequence

from ...snapshot.model import Snapshot
from ..fast.run import Method, judge
from ..reports.formats import Target
from ..reports.report import Context, Totals
from ..reports.write import reports
from ..rules import Rules
from ..selection import Selection
from ..selection import notes as notes_of
from ..tally import Tally
from .history import Point


def write_trend(
    targets: Sequence[Target],
    latest: Snapshot,
    rules: Rules,
    chosen: Selection,
    points: Sequence[Point],
    method: Method,
) -> None:
    """Write the latest snapshot's findings to the targets, each with the numbers of every snapshot."""
    tally, waivers = Tally(rules.policies, priorities=rules.priorities), rules.waivers_for(latest)
    context = Context(snapshot=latest, policies=rules.spoken(), trend=points)
    with reports(targets, context) as written:
        for batch in tally.through(chosen.over(waivers.over(judge(latest, rules.policies, method)), latest)):
            written.add(batch.data)
        notes = [*notes_of(chosen, rules), *waivers.reports()]
        written.end(Totals(rows=tally.rows(), accounts=tally.accounts, notes=notes))
