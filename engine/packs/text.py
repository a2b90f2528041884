"""What a pack's report says, as Markdown and as plain data for JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..console import counted
from ..printable import printable
from .report import Answer, Outcome, PackReport, decided, score, statuses

NUMBERS = ("Population", "Failures", "Waived", "Unknown")


def words(outcome: Outcome) -> str:
    return outcome.value.replace("_", " ")


def summary(report: PackReport) -> str:
    """The share of each status: `63 controls: 31 pass (49.2 %), 4 manual (6.3 %)`."""
    counts = report.counts()
    parts = [f"{counts[each]:,} {words(each)} ({report.share(each):.1f} %)" for each in Outcome if counts[each]]
    return f"{counted(counts.total(), 'control')}: {', '.join(parts)}"


def as_markdown(report: PackReport) -> Iterator[str]:
    """Lines of Markdown: the shares, then a table per section, with what is behind each status."""
    yield f"## {_cell(report.pack.title)}"
    yield from ("", summary(report) + ".")
    for section, answers in report.sections:
        yield from ("", f"### {_cell(section.heading)}", "")
        yield "| Control | Title | Status | Population | Failures | Waived | Unknown | |"
        yield "|---|---|---|--:|--:|--:|--:|---|"
        for answer in answers:
            numbers = [f"{getattr(answer, name.lower()):,}" if answer.rows else "" for name in NUMBERS]
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
        **_scored(counts),
        "shares": {outcome.value: round(report.share(outcome), 1) for outcome in Outcome},
        "sections": [
            {
                "number": section.number or None,
                "title": section.title,
                **_scored(statuses(answers)),
                "controls": list(map(_answer, answers)),
            }
            for section, answers in report.sections
        ],
    }


def _scored(counts: Counter[Outcome]) -> dict[str, Any]:
    value = score(counts)
    return {
        "counts": {outcome.value: counts[outcome] for outcome in Outcome},
        "decided": decided(counts),
        "score": None if value is None else round(value, 1),
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
                "violations": row.failures,
                "waived": row.waived,
                "unknown": row.unknown,
            }
            for row in answer.rows
        ],
    }


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|").replace("<", "&lt;")
