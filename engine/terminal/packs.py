"""What people see of packs on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..console import safe
from ..model.pack import Pack
from ..packs.page import asked, tally
from ..packs.report import Outcome, PackReport
from ..packs.text import NUMBERS, summary, words
from .findings import STYLES

_STYLES = {
    **{outcome: STYLES.get(outcome.value, "") for outcome in Outcome},
    Outcome.MANUAL: "cyan",
    Outcome.ATTESTED: "green",
    Outcome.UNANSWERED: "magenta",
    Outcome.LEFT_OUT: "magenta",
}


def print_reports(console: Console, reports: Iterable[PackReport]) -> None:
    """Of each pack every control under its section, then the shares."""
    for report in reports:
        _print(console, report)


def _print(console: Console, report: PackReport) -> None:
    console.print(safe(report.pack.title, "bold"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Control", no_wrap=True)
    table.add_column("Title")
    table.add_column("Status", no_wrap=True)
    shown = [name for name in NUMBERS if name != "Waived" or any(answer.waived for answer in report.answers())]
    for name in shown:
        table.add_column(name, justify="right")
    for section, answers in report.sections:
        table.add_row(safe(section.number, "bold"), safe(section.title, "bold"))
        for answer in answers:
            numbers = [f"{getattr(answer, name.lower()):,}" if answer.rows else "" for name in shown]
            status = Text(words(answer.status), _STYLES[answer.status])
            table.add_row(safe(answer.control.number), safe(answer.control.title), status, *numbers)
    console.print(table)
    console.print(Text(summary(report), "bold"), soft_wrap=True)


def print_packs(console: Console, packs: Iterable[Pack]) -> None:
    """One line per pack: how many controls it has, and what answers them."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Pack", no_wrap=True)
    for name in ("Controls", "By policies", "By people", "Unanswered"):
        table.add_column(name, justify="right")
    table.add_column("Title")
    for pack in packs:
        counts = tally(pack)
        people = counts["people"]
        cells = (counts.total(), counts.total() - people - counts["nothing yet"], people, counts["nothing yet"])
        table.add_row(safe(pack.name), *(f"{number:,}" for number in cells), safe(pack.title))
    console.print(table)


def print_pack(console: Console, pack: Pack) -> None:
    """Every control under its section, with what answers it."""
    console.print(safe(pack.title, "bold"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Control", "Level", "Title", "Answered by"):
        table.add_column(name, no_wrap=name == "Control")
    for section in pack.sections:
        table.add_row(safe(section.number, "bold"), "", safe(section.title, "bold"))
        for control in section.controls:
            by = ", ".join([*map(asked, control.asks), *(["people"] if control.manual else [])])
            level = str(control.level or control.severity or "")
            answer = safe(by) if by else safe(f"nothing yet: {control.unanswered}", "yellow")
            table.add_row(safe(control.number), safe(level), safe(control.title), answer)
    console.print(table)
