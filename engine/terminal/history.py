"""What people see of configurations and findings through time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...snapshot.format import encode
from ..console import counted, safe
from ..findings.counts import Row
from ..history.backtest import Case, Trial, Verdict
from ..history.drift import Change, Drift
from ..history.trend import Point
from ..model.cause import READ, why_lines
from ..packs.report import Outcome, PackReport, decided, score, statuses
from .findings import STYLES

_BARS = "▁▂▃▄▅▆▇█"
_NONE = "·"
_DATES = 5  # a terminal has room for no more
_INDENT = " " * 10
_STYLES = {
    Change.ADDED: "green",
    Change.REMOVED: "red",
    Change.CHANGED: "yellow",
    Change.UNKNOWN: "magenta",
    Change.KNOWN: "dim",
    Verdict.FLAGGED: "red",
    Verdict.CLEARED: "green",
    Verdict.LOST: "yellow",
}


def sparkline(values: Sequence[float | None], most: float | None = None) -> str:
    """Numbers as bars, a full one for `most` or else for the highest of them; a dot where there is none."""
    most = most or max((value for value in values if value is not None), default=0) or 1
    last = len(_BARS) - 1
    return "".join(_NONE if value is None else _BARS[min(last, round(last * value / most))] for value in values)


def print_drift(console: Console, found: Drift) -> None:
    """One resource, and each of its fields that differs."""
    place = " ".join(part for part in (found.type, found.account, found.region, found.resource) if part)
    named = f"  {found.name}" if found.name and found.name != found.resource else ""
    line = Text.assemble((f"{found.change:<10}", _STYLES[found.change]), safe(place), safe(named, "dim"))
    console.print(line, soft_wrap=True)
    for path, before, after in found.fields:
        values = (value if value == READ else encode(value).decode() for value in (before, after))
        console.print(safe(f"{_INDENT}{f'{path} ' if path else ''}{' → '.join(values)}"), soft_wrap=True)


def print_drift_summary(console: Console, title: str, counts: Counter[tuple[str, Change]]) -> None:
    """How many resources of each type differ, and how."""
    console.print(safe(title, "bold"), soft_wrap=True)
    if not counts:
        console.print("no difference")
        return
    seen = [change for change in Change if any(kind is change for _, kind in counts)]
    table = _table("Type", *(change.capitalize() for change in seen))
    for kind in sorted({kind for kind, _ in counts}):
        table.add_row(safe(kind), *(_number(counts[kind, change], _STYLES[change]) for change in seen))
    console.print(table)


def print_trend(console: Console, points: Sequence[Point]) -> None:
    """One line per policy: its failures in per cent as bars, and its numbers, first and last."""
    first, last = points[0], points[-1]
    console.print(
        safe(f"{counted(len(points), 'snapshot')}, {first.snapshot} to {last.snapshot}", "bold"), soft_wrap=True
    )
    table = _table("Policy", "Severity", "Trend", "Population", "Failures", "%", "Unknown", left=3)
    told = [{row.policy: row for row in point.rows} for point in points]
    for now in last.rows:
        rows = [each[now.policy] for each in told if now.policy in each]
        was, shares = rows[0], [row.share for row in rows]
        table.add_row(
            safe(now.policy),
            Text(", ".join(now.severities), STYLES[now.severity]),
            sparkline(shares),
            _moved(was.population, now.population),
            _moved(was.failures, now.failures),
            _moved(_share(was), _share(now)),
            _moved(was.unknown, now.unknown),
        )
    console.print(table)


def print_pack_trend(console: Console, points: Sequence[Point]) -> None:
    """Of each pack a line per section: the share of its decided controls that pass, as bars and at some dates."""
    dates = [points[number] for number in _spread(len(points))]
    for number, latest in enumerate(points[-1].packs):
        table = _table("Section", "0–100 %", *(point.captured_at[:10] for point in dates), "Decided", "Unknown", left=2)
        told = {point.snapshot: _counts(point.packs[number]) for point in points}
        for row, name in enumerate(["All sections", *(section.heading for section, _ in latest.sections)]):
            series = {snapshot: counts[row] for snapshot, counts in told.items()}
            was, now = series[points[0].snapshot], series[points[-1].snapshot]
            table.add_row(
                safe(name),
                sparkline([score(counts) for counts in series.values()], 100),
                *(_whole(score(series[point.snapshot])) for point in dates),
                _moved(decided(was), decided(now)),
                _moved(was[Outcome.UNKNOWN], now[Outcome.UNKNOWN]),
            )
        console.print(
            safe(f"{latest.pack.title}: of the controls that are decided those that pass", "bold"), soft_wrap=True
        )
        console.print(table)


def _counts(report: PackReport) -> list[Counter[Outcome]]:
    """How many controls have which status: of the pack, and of each section."""
    return [report.counts(), *(statuses(answers) for _, answers in report.sections)]


def _spread(number: int) -> list[int]:
    """The first, the last, and some between them that are as far from each other."""
    most = min(number, _DATES)
    return sorted({round(each * (number - 1) / max(most - 1, 1)) for each in range(most)})


def _whole(share: float | None) -> str:
    return "–" if share is None else f"{int(share)} %"  # never up: 100 % is all


def print_backtest(console: Console, trials: Sequence[Trial]) -> None:
    """One line per policy: its failures in the latest snapshot, and what the new policies would have said of all."""
    latest = trials[-1]
    span = f"{trials[0].captured_at} to {latest.captured_at}"
    title = f"{counted(len(trials), 'snapshot')}, {span}, by old and by new policies"
    console.print(safe(title, "bold"), soft_wrap=True)
    was, now = ({row.policy: row for row in rows} for rows in (latest.before, latest.after))
    table = _table("Policy", "Flagged", "Cleared", "Lost", "Population", "Failures", "Unknown", "Flagged then")
    for policy in [*now, *(each for each in was if each not in now)]:
        pair = [side.get(policy) for side in (was, now)]
        flagged = [trial.verdicts[policy, Verdict.FLAGGED] for trial in trials]
        table.add_row(
            safe(policy),
            *(_number(latest.verdicts[policy, each], _STYLES[each]) for each in Verdict),
            _moved(*(row.population if row else 0 for row in pair)),
            _moved(*(row.failures if row else 0 for row in pair)),
            _moved(*(row.unknown if row else 0 for row in pair)),
            sparkline([float(each) for each in flagged]) if any(flagged) else "",
        )
    console.print(table)


def print_case(console: Console, case: Case) -> None:
    """One finding with a new verdict: where, since when, and why."""
    found = case.finding
    words = f"{found.policy}  {found.account} {found.region} {found.resource}"
    console.print(Text.assemble((f"{case.verdict:<10}", _STYLES[case.verdict]), safe(words)), soft_wrap=True)
    console.print(safe(f"{_INDENT}{found.message}"), soft_wrap=True)
    span = case.first if case.first == case.last else f"{case.first} to {case.last}"
    console.print(safe(f"{_INDENT}{counted(case.snapshots, 'snapshot')}, {span}", "dim"), soft_wrap=True)
    for line in why_lines(case.why):
        console.print(safe(f"{_INDENT}{line}", "italic"), soft_wrap=True)


def _table(*names: str, left: int = 1) -> Table:
    """A table whose columns after the first are numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(names):
        table.add_column(name, no_wrap=number == 0, justify="left" if number < left else "right")
    return table


def _share(row: Row) -> str:
    return "–" if row.share is None else f"{row.share:.1f}"


def _moved(was: object, now: object) -> str:
    texts = [f"{each:,}" if isinstance(each, int) else str(each) for each in (was, now)]
    return texts[1] if was == now else " → ".join(texts)


def _number(count: int, style: str) -> Text:
    return Text(f"{count:,}", style if count else "dim")
