"""A pack itself, for people and programs: docs/reference/packs/NAME.md is what `as_page` gives for those that ship."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..model.pack import Ask, Control, Pack


def answered(control: Control) -> str:
    """What answers a control, in a word: policies, people as well or alone, or nothing yet."""
    if control.asks:
        return "policies and people" if control.manual else "policies"
    return "people" if control.manual else "nothing yet"


def tally(pack: Pack) -> Counter[str]:
    """How many controls are answered by what."""
    return Counter(answered(control) for control in pack.controls())


def as_page(pack: Pack, link: Callable[[str], str] = lambda policy: f"`{policy}`") -> Iterator[str]:
    """Lines of Markdown: what it is, how much of it is answered, and a table per section. `link` names a policy."""
    yield f"# {pack.title}"
    if pack.description:
        yield from ("", pack.description)
    counts = tally(pack)
    yield from ("", f"`stillframe evaluate --pack {pack.name}` evaluates it.", "")
    yield from ("| Answered by | Controls |", "|---|--:|")
    yield from (f"| {name} | {counts[name]} |" for name in _ORDER if counts[name])
    yield f"| all | {counts.total()} |"
    if severities := Counter(control.severity for control in pack.controls() if control.severity):
        yield from ("", "| Severity | Controls | Answered by policies |", "|---|--:|--:|")
        for severity, count in severities.items():
            asked = sum(1 for control in pack.controls() if control.severity is severity and control.asks)
            yield f"| {severity} | {count} | {asked} |"
    for section in pack.sections:
        yield from ("", f"## {section.heading}", "")
        yield "| Control | Title | Level | Assessed | Answered by |"
        yield "|---|---|---|---|---|"
        for control in section.controls:
            level = control.level or control.severity or ""
            yield f"| {control.number} | {control.title} | {level} | {control.assessment} | {_answer(control, link)} |"
    if pack.references:
        yield from ("", *(f"- <{reference}>" for reference in pack.references))


def as_json(pack: Pack) -> str:
    """The whole pack."""
    found = {
        "pack": pack.name,
        "framework": pack.framework,
        "version": pack.version or None,
        "title": pack.title,
        "answered": {name: tally(pack)[name] for name in _ORDER},
        "sections": [
            {
                "number": section.number or None,
                "title": section.title,
                "controls": list(map(_control, section.controls)),
            }
            for section in pack.sections
        ],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def asked(ask: Ask) -> str:
    """A policy with the parameters that a pack sets: `iam-password-length length=8`."""
    return " ".join([ask.policy, *(f"{name}={value}" for name, value in ask.params.items())])


def _control(control: Control) -> Mapping[str, Any]:
    return {
        "control": control.number,
        "title": control.title,
        "level": control.level,
        "severity": control.severity.value if control.severity else None,
        "assessment": control.assessment.value,
        "policies": {ask.policy: dict(ask.params) for ask in control.asks},
        "manual": control.manual or None,
        "unanswered": control.unanswered or None,
    }


def _answer(control: Control, link: Callable[[str], str]) -> str:
    asks = [
        " ".join([link(ask.policy), *(f"`{name}: {value}`" for name, value in ask.params.items())])
        for ask in control.asks
    ]
    left = f"people: {control.manual}" if control.manual else ""
    missing = f"nothing yet: {control.unanswered}" if control.unanswered else ""
    return "; ".join(filter(None, (", ".join(asks), left, missing)))


_ORDER = ("policies", "policies and people", "people", "nothing yet")
