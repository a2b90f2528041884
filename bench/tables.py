"""Measurements as tables, for a terminal and for a page."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import rich.table
import stillframe

from .rounds import Contender, Usage

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table under the name that its place in the page has."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def contest(
    name: str, title: str, contenders: Sequence[Contender], taken: Mapping[str, Usage], ours: str, baseline: str
) -> Table:
    """Contenders by CPU time, with its ratios to us and to the baseline."""
    rows = [
        (
            contender.name,
            seconds(usage.wall),
            seconds(usage.cpu),
            seconds(usage.system),
            f"{usage.cpu / taken[baseline].cpu:.2f}",
            f"{usage.cpu / taken[ours].cpu:.2f}",
            megabytes(usage.memory),
            str(contender.runs),
        )
        for contender in sorted(contenders, key=lambda each: taken[each.name].cpu)
        for usage in [taken[contender.name]]
    ]
    columns = ("", "Time, s", "CPU, s", "System, s", f"× {baseline}", "× ours", "Memory, MB", "Runs")
    return Table(name=name, title=title, columns=columns, rows=rows)


def seconds(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def megabytes(value: float) -> str:
    return f"{value / 1e6:.0f}"


def on_terminal(table: Table) -> rich.table.Table:
    shown = rich.table.Table(title=table.title, box=None, title_justify="left")
    for number, column in enumerate(table.columns):
        shown.add_column(column, justify="right" if number else "left", no_wrap=True)
    for row in table.rows:
        shown.add_row(*row)
    return shown


def as_markdown(table: Table) -> str:
    lines = [table.title, "", *(f"| {' | '.join(row)} |" for row in (table.columns, *table.rows))]
    lines.insert(3, "|---|" + "---:|" * (len(table.columns) - 1))
    return "\n".join(lines)


def write(table: Table, page: Path = PAGE) -> None:
    """Put a table into its place in the page, which is between two comments; other places stay as they are."""
    text = page.read_text()
    for name, content in ((table.name, as_markdown(table)), ("machine", machine())):
        start, end = f"<!-- bench {name} -->\n", "<!-- end -->"
        before, found, rest = text.partition(start)
        if not found or end not in rest:
            raise ValueError(f"{page}: no place for {name}: {start}{end}")
        text = f"{before}{start}{content}\n{end}{rest.partition(end)[2]}"
    page.write_text(text)


def machine() -> str:
    """Where this is measured."""
    info = Path("/proc/cpuinfo")
    models = re.findall(r"^model name\s*: (.*)$", info.read_text(), re.MULTILINE) if info.exists() else []
    processor = models[0] if models else platform.processor() or platform.machine()
    where = f"{platform.system()}, {os.cpu_count()} cores of {processor}, Python {platform.python_version()}"
    return f"Stillframe {stillframe.__version__} on {where}."
