"""What people see on a terminal: tables and findings, with nothing from a snapshot that could act on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...snapshot.format import encode
from ..console import counted, safe
from ..findings.counts import Row, Tally
from ..model.change import Change
from ..model.finding import Finding, Status
from ..model.policy import Policy, Severity
from ..printable import printable
from ..reports.summary import first_steps, totals

WAIVED = "waived"
STYLES: dict[str, str] = {
    WAIVED: "dim",
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFORMATIONAL: "dim",
    Status.FAIL: "red",
    Status.ERROR: "magenta",
    Status.UNKNOWN: "yellow",
    Status.PASS: "green",
    Status.NOT_APPLICABLE: "dim",
    Change.NEW: "bold red",
    Change.PERSISTING: "red",
    Change.UNKNOWN: "yellow",
    Change.KNOWN: "green",
    Change.RESOLVED: "green",
    Change.APPEARED: "dim",
    Change.VANISHED: "dim",
}
INDENT = " " * 11


def print_summary(console: Console, title: str, rows: Sequence[Row]) -> None:
    """The summary, one line per policy: population, failures, per cent, waived if anything is, unknown."""
    waived = any(row.waived for row in rows)
    line(console, safe(title, "bold"))
    if not rows:
        return
    table = _table()
    table.add_column("Policy", no_wrap=True)
    table.add_column("Severity")
    for name in ("Population", "Failures", "%", *(["Waived"] if waived else []), "Unknown"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            Text(row.policy),
            Text(", ".join(row.severities), STYLES[row.severity]),
            f"{row.population:,}",
            _count(row.failures, "red"),
            _percent(row),
            *([_count(row.waived, "")] if waived else []),
            _count(row.unknown, "yellow"),
        )
    console.print(table)


def print_totals(
    console: Console, rows: Sequence[Row], accounts: Mapping[str, Counter[Severity]], *, hint: bool
) -> None:
    """The totals, where to begin, and as a `hint` to a person what to type next."""
    line(console, Text(totals(rows), "bold"))
    for step in first_steps(rows, accounts):
        line(console, Text(step))
    if accounts and hint and console.is_terminal:
        line(console, Text("next: -v shows the evidence and what fixes each, -o report.html all of them", "dim"))


def print_notes(console: Console, notes: Iterable[str]) -> None:
    """What somebody should see to, one line each."""
    for note in notes:
        line(console, safe(note, "yellow"))


def print_findings(console: Console, tally: Tally, *, verbose: bool = False) -> None:
    """The worst findings of a tally, and how many more there are."""
    worst = tally.worst()
    marked = [(WAIVED if each.waived else each.status.value, each) for each in worst]
    for first, *others in alike(marked, verbose=verbose):
        mark, finding = marked[first]
        print_finding(console, finding, mark, len(others), verbose=verbose)
    more = tally.total(Status.FAIL, Status.UNKNOWN, Status.ERROR) - len(worst)
    if more > 0 and worst:
        line(console, Text(f"… and {more:,} more: --show 0 prints all, -o report.html has all", "dim"))


def alike(found: Iterable[tuple[str, Finding]], *, verbose: bool) -> list[list[int]]:
    """Findings by their numbers, those together of which one region speaks for all: of a list it is as true of them."""
    groups: dict[object, list[int]] = {}
    for number, (mark, finding) in enumerate(found):
        said = (mark, finding.policy, finding.account, finding.message.replace(finding.region, ""))
        groups.setdefault(said if finding.resource == finding.type and not verbose else number, []).append(number)
    return list(groups.values())


def print_diff_summary(
    console: Console,
    title: str,
    before: Sequence[Row],
    after: Sequence[Row],
    counts: Counter[tuple[str, Change]],
) -> None:
    """The diff, one line per policy: population, failures and unknown before and after, then what became of findings.

    A share needs its denominator, and a failure that cannot be seen any more is not fixed.
    """
    seen = [change for change in Change if any(kind is change for _, kind in counts)]
    line(console, safe(title, "bold"))
    table = _table()
    waived = any(row.waived for row in (*before, *after))
    table.add_column("Policy", no_wrap=True)
    for name in (
        "Population",
        "Failures",
        *(["Waived"] if waived else []),
        "Unknown",
        *(change.heading for change in seen),
    ):
        table.add_column(name, justify="right")
    was, now = ({row.policy: row for row in rows} for rows in (before, after))
    for policy in [*now, *(each for each in was if each not in now)]:  # a policy may be in force on one side only
        pair = [side.get(policy) for side in (was, now)]
        table.add_row(
            safe(policy),
            _arrow(*(row.population if row else 0 for row in pair)),
            _arrow(*(row.failures if row else 0 for row in pair)),
            *([_arrow(*(row.waived if row else 0 for row in pair))] if waived else []),
            _arrow(*(row.unknown if row else 0 for row in pair)),
            *(_count(counts[policy, change], STYLES[change]) for change in seen),
        )
    console.print(table)


def print_finding(console: Console, finding: Finding, mark: str, more: int, *, verbose: bool) -> None:
    """One finding, with its mark, and what so `more` regions have as well."""
    head = Text.assemble(
        (f"{mark:<11}", STYLES[mark]),
        (f"{finding.severity.value:<8} ", STYLES[finding.severity]),
        (f"{finding.policy}  ", "bold"),
        f"{finding.account} {printable(finding.region)} ",
        f"and {counted(more, 'more region')} " if more else "",
        printable(finding.resource),
    )
    line(console, head)
    if finding.message:
        line(console, safe(INDENT + finding.message))
    if waived := finding.waived:
        text = f"{waived.kind} by {waived.owner} until {waived.expires}: {waived.reason}"
        line(console, safe(INDENT + text, STYLES[WAIVED]))
    if verbose:
        for path, value in finding.evidence.items():
            line(console, safe(f"{INDENT}{path} = {encode(value).decode()}", "dim"))
        if finding.remediation:
            line(console, safe(f"{INDENT}$ {finding.remediation}", "dim"))


def line(console: Console, text: Text) -> None:
    """A line, however long."""
    console.print(text, soft_wrap=True)


def _table() -> Table:
    return Table(box=None, pad_edge=False, header_style="bold")


def _percent(row: Row) -> str:
    return "–" if row.share is None else f"{row.share:.1f}"


def _arrow(old: int, new: int) -> str:
    return f"{new:,}" if old == new else f"{old:,} → {new:,}"


def _count(count: int, style: str) -> Text:
    return Text(f"{count:,}", style if count else "dim")


def print_policies(console: Console, policies: Iterable[Policy]) -> None:
    table = _table()
    for name in ("Policy", "Severity", "Counts", "Title"):
        table.add_column(name, no_wrap=name == "Policy")
    for policy in policies:
        severity = Text(policy.severity, STYLES[policy.severity])
        table.add_row(safe(policy.id), severity, safe(policy.population()), safe(policy.title))
    console.print(table)
