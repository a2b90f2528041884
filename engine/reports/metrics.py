"""Metrics of an evaluation in the text format of OpenMetrics, which Prometheus reads as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from ...snapshot.gaps import not_entered
from ..model.finding import Status
from ..packs.report import Outcome
from .report import Context, Lines, Totals
from .text import milliseconds

Samples = Iterable[tuple[dict[str, str], float]]


class Exposition(Struct, frozen=True):
    """One file, written at the end. Of time it has the snapshot's alone: how old that is, whoever reads it knows."""

    context: Context

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def add(self, lines: Lines) -> Iterator[bytes]:  # noqa: ARG002 - findings are counted, not listed
        return iter(())

    def end(self, totals: Totals) -> Iterator[bytes]:
        snapshot, rows, changes = self.context.snapshot, totals.rows, sorted(totals.changes.items())
        named = totals.packs if self.context.named else ()
        time = milliseconds(snapshot.captured_at) / 1000
        yield from _family("snapshot_timestamp_seconds", "When the snapshot was taken.", [({}, time)])
        yield from _family("accounts", "Accounts in the snapshot.", [({}, len(snapshot.accounts))])
        kept_out = len(not_entered(snapshot))
        yield from _family("accounts_not_entered", "Accounts that could not be entered.", [({}, kept_out)])
        yield from _family(
            "findings",
            "Findings of a policy with a status; a waived failure is a failure.",
            (
                ({"policy": row.policy, "severity": part.severity, "status": status}, part.counts.get(status, 0))
                for row in rows
                for part in row.by_severity()
                for status in Status
            ),
        )
        yield from _family(
            "waived",
            "Failures of a policy for which somebody answers.",
            (({"policy": row.policy}, row.waived) for row in rows),
        )
        yield from _family(
            "controls",
            "Controls of a pack with a status.",
            (
                ({"pack": report.pack.name, "status": outcome}, report.counts()[outcome])
                for report in named
                for outcome in Outcome
            ),
        )
        yield from _family(
            "changes",
            "Findings of a policy of which something became since the earlier snapshot.",
            (({"policy": policy, "change": change}, number) for (policy, change), number in changes),
        )
        yield b"# EOF\n"


def _family(name: str, says: str, samples: Samples) -> Iterator[bytes]:
    """A gauge with all that is known of it; nothing where there is nothing."""
    lines = [f"stillframe_{name}{_labels(labels)} {value:.15g}\n" for labels, value in samples]
    if lines:
        yield f"# HELP stillframe_{name} {says}\n# TYPE stillframe_{name} gauge\n{''.join(lines)}".encode()


def _labels(labels: dict[str, str]) -> str:
    pairs = [name + '="' + _escaped(str(value)) + '"' for name, value in labels.items()]
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
