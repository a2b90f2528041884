"""What people see of what to fix first."""

from __future__ import annotations

from itertools import islice

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..console import counted, safe
from ..model.finding import Kind
from ..remediation.actions import Action, Remediation, grouped
from .findings import STYLES

_WORDS = {Kind.MITIGATED: "made up for by a compensating control", Kind.ACCEPTED: "accepted as a risk"}


def print_remediation(console: Console, remediation: Remediation, show: int) -> None:
    """Actions, best first, those that are worth the same in one line; `show` lines, or all if it is 0."""
    actions = remediation.actions()
    lines = list(grouped(actions, remediation.priorities))
    title = f"{counted(len(actions), 'action')} for {counted(remediation.failures, 'failure')}"
    console.print(safe(f"Snapshot {remediation.snapshot.id}: {title}", "bold"), soft_wrap=True)
    if not actions:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Score", "Actions", "Fixes"):
        table.add_column(name, justify="right")
    for name in ("Severity", "Effort", "Policy", "What"):
        table.add_column(name, overflow="fold")
    for group in islice(lines, show or None):
        first = group[0]
        table.add_row(
            f"{first.score(remediation.priorities):,.4g}",
            f"{len(group):,}",
            f"{sum(len(action.fingerprints) for action in group):,}",
            Text(first.severity, STYLES[first.severity]),
            first.effort,
            safe(", ".join(first.policies)),
            safe(_what(group)),
        )
    console.print(table)
    if show and len(lines) > show:
        console.print(Text(f"… and {len(lines) - show:,} more lines: --show 0 prints all", "dim"))


def print_rest(console: Console, remediation: Remediation) -> None:
    """What no action is for: failures that somebody answers for, by kind; and what may be failures."""
    for kind, words in _WORDS.items():
        if found := remediation.waived.get(kind):
            console.print(safe(f"{counted(len(found), 'failure')} {words}", "dim"), soft_wrap=True)
    if remediation.unknown:
        text = f"{counted(remediation.unknown, 'finding')} could not be evaluated: `stillframe evaluate` says why"
        console.print(safe(text, "yellow"), soft_wrap=True)


def _what(group: list[Action]) -> str:
    at = group[0].at
    named = f"{at.account} {at.region} {at.resource or at.type}"
    return named if len(group) == 1 else f"{named} and {len(group) - 1:,} more"
