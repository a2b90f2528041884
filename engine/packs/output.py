"""What a pack's report looks like: on a terminal, as Markdown, as plain data for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..console import counted, safe
from ..printable import printable
from ..terminal import STYLES
from .model import Pack
from .page import asked, tally
from .report import Answer, Outcome, PackReport

_STYLES = {
    **{outcome: STYLES.get(outcome.value, "") for outcome in Outcome},
    Outcome.MANUAL: "cyan",
    Outcome.ATTESTED: "green",
    Outcome.UNANSWERED: "magenta",
    Outcome.LEFT_OUT: "magenta",
}
_NUMBERS = ("Population", "Violations", "Waived", "Unknown")


def words(outcome: Outcome) -> str:
    return outcome.value.replace("_", " ")


def summary(report: PackReport) -> str:
    """The share of each status: `63 controls: 31 pass (49.2 %), 4 manual (6.3 %)`."""
    counts = report.counts()
    parts = [f"{counts[each]:,} {words(each)} ({report.share(each):.1f} %)" for each in Outcome if counts[each]]
    return f"{counted(counts.total(), 'control')}: {', '.join(parts)}"


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
    shown = [name for name in _NUMBERS if name != "Waived" or any(answer.waived for answer in report.answers())]
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


def as_markdown(report: PackReport) -> Iterator[str]:
    """Lines of Markdown: the shares, then a table per section, with what is behind each status."""
    yield f"## {_cell(report.pack.title)}"
    yield from ("", summary(report) + ".")
    for section, answers in report.sections:
        yield from ("", f"### {_cell(f'{section.number} {section.title}'.strip())}", "")
        yield "| Control | Title | Status | Population | Violations | Waived | Unknown | |"
        yield "|---|---|---|--:|--:|--:|--:|---|"
        for answer in answers:
            numbers = [f"{getattr(answer, name.lower()):,}" if answer.rows else "" for name in _NUMBERS]
            cells = (answer.control.number, answer.control.title, words(answer.status), *numbers, note(answer))
            yield f"| {' | '.join(map(_cell, cells))} |"


def note(answer: Answer) -> str:
    """What is behind a status: who said so, or what is left."""
    return str(answer.attestation) if answer.attestation else answer.why


def as_data(report: PackReport) -> dict[str, Any]:
    """The whole report as JSON has it."""
    counts, pack = report.counts(), report.pack
    return {
        "pack": pack.name,
        "framework": pack.framework,
        "version": pack.version or None,
        "title": pack.title,
        "controls": counts.total(),
        "counts": {outcome.value: counts[outcome] for outcome in Outcome},
        "shares": {outcome.value: round(report.share(outcome), 1) for outcome in Outcome},
        "sections": [
            {"number": section.number or None, "title": section.title, "controls": list(map(_answer, answers))}
            for section, answers in report.sections
        ],
    }


def _answer(answer: Answer) -> dict[str, Any]:
    control, said = answer.control, answer.attestation
    return {
        "control": control.number,
        "title": control.title,
        "level": control.level,
        "severity": control.severity.value if control.severity else None,
        "assessment": control.assessment.value,
        "status": answer.status.value,
        "why": answer.why or None,
        "attestation": said
        and {
            "status": said.status.value,
            "who": said.who,
            "when": said.when,
            "evidence": said.evidence,
            "expires": said.expires,
        },
        "policies": [
            {
                "policy": row.policy,
                "population": row.population,
                "violations": row.violations,
                "waived": row.waived,
                "unknown": row.unknown,
            }
            for row in answer.rows
        ],
    }


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|").replace("<", "&lt;")
