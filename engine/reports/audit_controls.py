"""The chapter of the auditor's report about what fails: each control with its text, its findings and their evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from ..console import counted
from ..findings.counts import Row
from ..model.policy import Policy
from .audit_front import CHAPTERS
from .audit_topics import Topic, Topics
from .markup import Inside, Markup, coded, element, join, link, paragraphs
from .report import Record
from .text import answered

_LONGEST = 700  # letters of a finding's evidence; what is longer is whole in the annex
_PART = 300  # letters of a value that alone is longer


def chapter(topics: Topics, most: int) -> Markup:
    """Every control that fails, and of all their findings at most about so many: as many of each policy as fit."""
    each = _level([len(topics.kept(policy).failing) for policy in topics.policies], most)
    told: dict[str, str] = {}
    parts: list[Inside] = []
    for heading, found in topics.chapters():
        failing = [topic for topic in found if topic.fails]
        parts += [element("h3", heading), *(_topic(topics, topic, each, told) for topic in failing)] if failing else []
    nothing = element("p", "Nothing fails in this part." if topics.context.chosen.partial else "Nothing fails.")
    return element("section", element("h2", dict(CHAPTERS)["failing"]), *(parts or [nothing]), at="failing")


def _level(sizes: list[int], most: int) -> int:
    """How many of each policy: all of those that have few, and as many of the others as fit; one at least."""
    level = max([1, *sizes])
    while level > 1 and sum(min(size, level) for size in sizes) > most:
        level -= 1
    return level


def _topic(topics: Topics, topic: Topic, each: int, told: dict[str, str]) -> Markup:
    answer = topic.answer
    said = answer.attestation if answer else None
    return element(
        "article",
        element("h4", topic.number, " ", topic.title),
        element("p", ". ".join(_facts(topic)), of="facts"),
        element("p", f"{said.status} by {said}", of="note") if said else None,
        element("p", answer.why) if answer and answer.why else None,
        *(_policy(topics, row, topic, each, told) for row in topic.rows if row.failures or row.waived),
    )


def _facts(topic: Topic) -> Iterator[str]:
    control = topic.answer.control if topic.answer else None
    yield topic.said.capitalize()
    if control and control.level:
        yield f"Level {control.level}, {control.assessment}"
    sums = (("population", "evaluated"), ("failures", "fail"), ("waived", "waived"), ("unknown", "unknown"))
    numbers = ((sum(getattr(row, name) for row in topic.rows), word) for name, word in sums)
    yield ", ".join(f"{number:,} {word}" for number, word in numbers if number)


def _policy(topics: Topics, row: Row, topic: Topic, each: int, told: dict[str, str]) -> Markup:
    """A policy with its findings, once: where another control asks it as well, a word on where they stand."""
    policy = topics.policies[row.policy]
    if before := told.get(row.policy):
        return element("p", f"{row.policy}: its text and its findings stand under ", link(f"#{row.policy}", before))
    told[row.policy] = topic.number
    kept = topics.kept(row.policy)
    shown = kept.failing[:each]
    every = row.failures + row.waived
    left = f"{len(shown):,} of {every:,} stand here; the annex has all of {row.policy}." if every > len(shown) else None
    return element(
        "div",
        element("p", element("b", policy.title), f" ({policy.id}, {', '.join(row.severities)})"),
        *_texts(policy),
        element("p", element("b", "Where: "), topics.where(kept.failures), of="small"),
        *(_finding(topics, number, record) for number, record in shown),
        element("p", left, of="small") if left else None,
        at=row.policy,
        of="policy",
    )


def _texts(policy: Policy) -> Iterator[Inside]:
    yield paragraphs(policy.description or "")
    yield paragraphs(policy.rationale or "")
    if policy.remediation:
        yield element("p", element("b", "To fix it: "), coded(policy.remediation))
    if policy.references:
        yield element("p", join((link(each, each) for each in policy.references), ", "), of="small")


def _finding(topics: Topics, number: int, record: Record) -> Markup:
    waiver = answered(record)
    place = "" if record.resource == record.account else f"{topics.account(record.account)} "
    evidence: Mapping[str, msgspec.Raw] = msgspec.json.decode(record.evidence, type=dict[str, msgspec.Raw])
    values = _values({name: bytes(raw).decode() for name, raw in evidence.items()}, number)
    return element(
        "div",
        element("p", element("b", record.resource), f" {place}{record.region}, row {number:,} of the annex"),
        element("p", f"waived, {waiver}", of="note") if waiver else None,
        element("p", record.message),
        element("p", *values, of="evidence"),
        of="finding",
    )


def _values(evidence: Mapping[str, str], number: int) -> Iterator[Inside]:
    """The values that decided: whole ones, as far as there is room, and a word on where the others are.

    Where not even the first has room, it stands there in part, with how much of it that is.
    """
    room, left, parted = _LONGEST, 0, False
    for name, text in evidence.items():
        room -= len(name) + len(text)
        if room >= 0:
            yield element("span", element("b", name), " ", text, " ")
        elif not parted and room == _LONGEST - len(name) - len(text):
            parted = True
            yield element("span", element("b", name), " ", text[:_PART], " ")
            yield element(
                "i", f"(the first {_PART} of its {len(text):,} letters; row {number:,} of the annex has all) "
            )
        else:
            left += 1
    if left:
        yield element("i", f"{counted(left, 'value')} in row {number:,} of the annex alone")
