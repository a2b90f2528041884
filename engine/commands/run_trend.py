"""The page of an archive: the findings of its latest snapshot, and the numbers of all of them."""

from __future__ import annotations

from collections.abc import Sequence

from ...snapshot.model import Snapshot
from ..assess import assess
from ..execution.judge import Method
from ..findings.selection import Selection
from ..history.trend import Point
from ..model.ruleset import Ruleset
from ..packs.report import spoken
from ..reports.formats import Target
from ..reports.report import Context, Totals
from ..reports.write import reports


def write_trend(
    targets: Sequence[Target],
    latest: Snapshot,
    ruleset: Ruleset,
    chosen: Selection,
    points: Sequence[Point],
    method: Method,
) -> None:
    """Write the latest snapshot's findings to the targets, each with the numbers of every snapshot."""
    found = assess(latest, ruleset, chosen, method)
    context = Context(
        snapshot=latest,
        policies=spoken(ruleset),
        packs=ruleset.packs,
        named=ruleset.named,
        trend=points,
        chosen=chosen,
    )
    with reports(targets, context) as written:
        for batch in found:
            written.add(batch.data)
        rows, packs, notes = found.rows(), found.packs(), found.notes()
        written.end(Totals(rows=rows, accounts=found.tally.accounts, packs=packs, notes=notes))
    written.check()
