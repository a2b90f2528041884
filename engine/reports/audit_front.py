"""Chapters of the auditor's report that are the same whatever was found: cover, scope, results, answers, policies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import stillframe

from ...snapshot.format import digest, encode
from ...snapshot.model import Account, Unknown
from ..console import counted
from ..findings.variants import Variants
from ..findings.waivers import State, Use
from ..model.policy import Policy, Severity
from ..packs.report import Answer, Outcome, PackReport, score, statuses
from ..packs.text import summary, words
from . import summary as short
from .audit_topics import Topic, Topics
from .markup import Inside, Markup, element, facts, join, link, table
from .report import Context, Totals


@dataclass(frozen=True, slots=True)
class Annex:
    """What is said of the annex: how many rows it has, and its digest."""

    rows: int
    sha256: str


def title(context: Context) -> str:
    named = [pack.title for pack in context.packs] if context.named else []
    part = "part of an " if context.chosen.partial else ""
    return f"{', '.join(named) or 'Policies'}: {part}evaluation of {context.counted('AWS account')}"


def cover(context: Context, totals: Totals, annex: Annex) -> Markup:
    """What was evaluated, by what, with the digests that prove it; what came of it; and where to sign."""
    snapshot, packs = context.snapshot, context.packs
    made = [
        ("Snapshot", f"{snapshot.id}, taken {snapshot.captured_at}"),
        ("SHA-256 of its manifest", _code(snapshot.digest)),
        ("Accounts", f"{context.counted('account')}, listed under Scope"),
        *((f"Pack {pack.name}", _code(f"{digest(pack.text.encode())}")) for pack in packs),
        ("Policies", f"{len(context.policies):,}, listed with their digests under Policies"),
        ("SHA-256 of stillframe.yaml", _code(context.config)),
        ("Program", f"stillframe {stillframe.__version__}"),
        ("SHA-256 of the receipt", _code(digest(totals.receipt)) if totals.receipt else "none: a part was evaluated"),
        ("SHA-256 of the annex", _code(annex.sha256)),
    ]
    return element(
        "section",
        element("p", "Stillframe", of="brand"),
        element("h1", title(context)),
        *(element("p", f"{note}. {_PART}", of="note") for note in context.chosen.notes()),
        element("p", short.totals(totals.rows), of="result"),
        *(element("p", f"{report.pack.title}: {summary(report)}") for report in totals.packs if context.named),
        facts(made),
        element("p", _PROOF, of="small"),
        element("p", f"The annex is a file of {counted(annex.rows, 'row')} as CSV: {_ANNEX}", of="small"),
        element("p", "Contents: ", join((link(f"#{at}", name) for at, name in CHAPTERS), ", "), of="small"),
        element("h2", "Signatures", of="plain"),
        table(("", "Name", "Date", "Signature"), [(each, "", "", "") for each in _SIGNERS], of="sign"),
        of="cover",
    )


CHAPTERS = (
    ("scope", "Scope"),
    ("results", "Results"),
    ("unknown", "What is unknown"),
    ("failing", "What fails"),
    ("answers", "Waivers and attestations"),
    ("policies", "Policies"),
)
_SIGNERS = ("Prepared by", "Reviewed by", "Accepted by")
_PROOF = (
    "Evaluating needs no network and no clock: the same snapshot, policies, settings and program give these findings "
    "again, byte for byte. The receipt is what evaluate --receipt FILE writes of them. What could not be known counts "
    "as unknown, and never as a pass."
)
_PART = "Nothing else was evaluated, and all that is said and counted here is of this part alone."
_ANNEX = "every finding that fails or is unknown, whole, and every place that was not read."


def scope(context: Context, totals: Totals) -> Markup:
    """The accounts, what was asked of them, and what was left out."""
    snapshot = context.snapshot
    accounts = [snapshot.account(each) for each in snapshot.accounts]
    regions = [each.regions for each in accounts if not isinstance(each.regions, Unknown)]
    skipped = snapshot.scope.get("skipped")
    told = [
        ("Regions that are enabled", ", ".join(sorted({each for those in regions for each in those}))),
        *((name, _said(snapshot.scope.get(key))) for key, name in _ASKED),
        ("Accounts left out", _said(skipped) or ("none" if skipped == {} else "not recorded")),
    ]
    # What is of all accounts stands in one, also where that is not chosen.
    evaluated = {*context.accounts, *(account for account, found in totals.accounts.items() if found.total())}
    rows = [_account_row(each, totals if each.id in evaluated else None) for each in accounts]
    return _chapter(
        "scope",
        facts(told),
        *(element("p", note, of="note") for note in totals.notes),
        table(("Account", "Name", "Regions#", *(f"{each.value}#" for each in Severity)), rows, of="accounts"),
        element("p", "Numbers are failures that nobody has waived.", of="small"),
    )


_ASKED = (
    ("source", "Made from"),
    ("regions", "Regions that were asked"),
    ("types", "Types that were asked"),
    ("attached", "Of types, what was asked"),
)


def _account_row(account: Account, totals: Totals | None) -> Iterator[Inside]:
    """An account with its failures; where it was not evaluated, there are no totals of it."""
    regions = f"unknown: {account.regions}" if isinstance(account.regions, Unknown) else f"{len(account.regions):,}"
    yield from (account.id, account.name or "", regions)
    if totals is None:
        yield from ("not evaluated", *[""] * (len(Severity) - 1))
        return
    failures = totals.accounts.get(account.id) or Counter[Severity]()
    yield from (f"{failures.get(severity, 0):,}" for severity in Severity)


def _said(value: Any) -> str:
    """A part of a scope, which is a record, and anybody's."""
    match value:
        case None:
            return ""
        case str():
            return value
        case list():
            return ", ".join(map(_said, value))
        case dict():
            return "; ".join(f"{key}: {_said(each)}" for key, each in value.items())
        case _:
            return encode(value).decode()


def results(topics: Topics) -> Markup:
    """Each pack's sections and controls with their status; or each policy's."""
    parts: list[Inside] = []
    for report in topics.packs:
        parts += [element("h3", report.pack.title), table(_OF_SECTIONS, _sections(report))]
        parts.append(element("p", _SCORE, of="small"))
    for heading, found in topics.chapters():
        parts += [element("h3", f"{heading}: each with its status"), table(_OF_TOPICS, map(_topic_row, found))]
    return _chapter("results", *parts)


_SCORE = "The score is the share of those that pass among those that policies decided: fail, waived and pass."
_OF_SECTIONS = ("Section", "Score#", "Controls#", *(f"{words(each)}#" for each in Outcome))
_OF_TOPICS = ("", "", "Status", "Population#", "Failures#", "Waived#", "Unknown#")


def _sections(report: PackReport) -> Iterator[tuple[Inside, ...]]:
    for section, answers in report.sections:
        counts = statuses(answers)
        share = score(counts)
        numbers = (f"{counts[each]:,}" if counts[each] else "" for each in Outcome)
        yield section.heading, "" if share is None else f"{share:.0f} %", f"{counts.total():,}", *numbers


def _topic_row(topic: Topic) -> Iterator[Inside]:
    yield from (topic.number, topic.title, element("span", topic.said, of=f"is {topic.status}"))
    sums = ("population", "failures", "waived", "unknown")
    yield from (f"{sum(getattr(row, name) for row in topic.rows):,}" if topic.rows else "" for name in sums)


def answers(topics: Topics) -> Markup:
    """Who answers for what fails, and for what no policy answers, and until when."""
    said = [
        (report.pack.name, answer)
        for report in topics.packs
        for answer in report.answers()
        if answer.attestation or answer.status in (Outcome.MANUAL, Outcome.UNANSWERED, Outcome.LEFT_OUT)
    ]
    uses, none = topics.totals.uses, element("p", "There are none.")
    return _chapter(
        "answers",
        element("h3", "Waivers"),
        table(_OF_WAIVERS, [_waiver(use, part=topics.context.chosen.partial) for use in uses]) if uses else none,
        element("h3", "Controls that people answer, or nobody"),
        table(_OF_ANSWERS, map(_attested, said)) if said else none,
    )


_OF_WAIVERS = ("Policy*", "Where*", "Owner", "Until=", "Why", "State", "Findings#")
_OF_ANSWERS = ("Control", "", "Status", "Who", "When=", "Until=", "Evidence, or what is left*")


def _waiver(use: Use, *, part: bool) -> tuple[Inside, ...]:
    waiver, given = use.waiver, use.waiver.waived
    where = "; ".join(f"{name} {_said(value)}" for name, value in waiver.scope.record().items()) or "everywhere"
    why = f"{given.kind}: {given.reason}"
    state = "nothing in this part" if part and use.state is State.UNUSED else use.state.value
    return waiver.policy, where, given.owner, given.expires, why, state, f"{use.applied:,}"


def _attested(said: tuple[str, Answer]) -> tuple[Inside, ...]:
    pack, answer = said
    named = f"{pack} {answer.control.number}", answer.control.title, words(answer.status)
    if not (given := answer.attestation):
        return *named, "nobody", "", "", answer.why
    return *named, given.who, given.when, given.expires, given.evidence


def policies(context: Context, totals: Totals) -> Markup:
    """Each policy by which it was evaluated, with its digest and its parameters."""
    ordered = sorted(context.policies, key=lambda each: each.id)
    severities = {row.policy: ", ".join(row.severities) for row in totals.rows}
    return _chapter(
        "policies",
        element("p", _DIGESTS, of="small"),
        element(
            "div",
            *(_policy(each, severities.get(each.id, each.severity), totals.variants) for each in ordered),
            of="policies",
        ),
    )


_DIGESTS = "Each with its severity, the SHA-256 of its file, and its parameters."


def _policy(policy: Policy, severities: str, variants: Variants | None) -> Markup:
    digits, held = _code(digest(policy.text.encode())), variants.where(policy.id) if variants else []
    told = "; ".join(f"in {', '.join(accounts)}: {_params(each)}" for accounts, each in held) or _params(policy)
    if sum(len(accounts) for accounts, _ in held) > len({each for accounts, _ in held for each in accounts}):
        told += "; where an account has several, by region or tag"
    return element("p", element("b", policy.id), f" {severities} ", digits, f" {told}" if told else None)


def _params(policy: Policy) -> str:
    if policy.unsure is not None:
        return f"unknown, {policy.unsure}"
    return ", ".join(f"{name} = {encode(value).decode()}" for name, value in sorted(policy.params.items()))


def _code(text: str | None) -> Markup | None:
    return element("code", text) if text else None


def _chapter(at: str, *parts: Inside) -> Markup:
    return element("section", element("h2", dict(CHAPTERS)[at]), *parts, at=at)
