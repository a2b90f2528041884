"""Explanations for people: the finding, then a tree of truths and values for each resource it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from ...snapshot.format import encode
from ...snapshot.model import Json, Snapshot, Unknown
from ..assess import assess
from ..authoring.explain import Candidate, Explained, LookupTrace, decides, explain, gap_of
from ..authoring.subjects import find
from ..console import safe
from ..execution.judge import Method
from ..findings.places import Places
from ..functions.unknowns import Truth
from ..language.trace import Step
from ..loading.policies import pick
from ..model.finding import Finding
from ..model.ruleset import Ruleset
from ..printable import printable
from .findings import STYLES, WAIVED

FOLDED = 10  # resources of a rollup to show in full; naming one shows it
_STYLES = {"true": "green", "false": "red", "unknown": "yellow", "error": "magenta", "–": "dim", "": ""}
_SHORTEST = 24  # what a value gets, however narrow the terminal


def run_explain(snapshot: Snapshot, ruleset: Ruleset, name: str, wanted: str, out: Console) -> None:
    """Explain the finding of a policy on a resource."""
    policy = pick(ruleset.policies, name)
    judged = assess(snapshot, replace(ruleset, policies=[policy]), method=Method(exact=True))
    findings = [finding for batch in judged for finding in batch.findings()]
    finding, only = find(snapshot, policy, findings, wanted)
    place = finding.account, finding.region, finding.type, finding.resource
    policy = judged.variants.of(policy.id, Places(snapshot), *place) or policy
    explained = explain(snapshot, policy, finding, only)
    for text in _finding(finding):
        out.print(text, soft_wrap=True)
    gap = gap_of(snapshot, policy, finding)
    if gap is not None:
        kinds = ", ".join(policy.subjects()) if policy.rollup else finding.type
        out.print(safe(f"{kinds} was not read everywhere: {gap}", "yellow"), soft_wrap=True)
        if not policy.is_wide():
            out.print(safe(f"from {finding.account}/account.json", "dim"), soft_wrap=True)
    full = [each for each in explained if only or decides(finding, each)][:FOLDED]
    for each in full:
        out.print()
        for text in _resource(each, out.width, folded=policy.rollup is not None):
            out.print(text, soft_wrap=True)
    if briefly := [each for each in explained if each not in full]:
        out.print()
        for each in briefly:
            out.print(_brief_line(each), soft_wrap=True)


def _finding(finding: Finding) -> Iterator[Text]:
    yield Text.assemble(
        (f"{finding.status.value}  ", STYLES[finding.status]),
        (f"{finding.severity.value}  ", STYLES[finding.severity]),
        (f"{finding.policy}  ", "bold"),
        f"{finding.account} {printable(finding.region)} {printable(finding.resource)}",
    )
    if finding.message:
        yield safe(finding.message)
    if finding.waived:
        waived = finding.waived
        yield safe(f"{waived.kind} by {waived.owner} until {waived.expires}: {waived.reason}", STYLES[WAIVED])
    yield Text(f"fingerprint {finding.fingerprint}", "dim")


def _resource(each: Explained, width: int, *, folded: bool) -> Iterator[Text]:
    named = f" {each.resource.name}" if each.resource.name not in (None, each.resource.id) else ""
    status = (f"{each.verdict.status.value}  ", STYLES[each.verdict.status]) if folded else ""
    yield Text.assemble(status, (printable(f"{each.resource.type} {each.resource.id}{named}"), "bold"))
    if folded and each.verdict.message:
        yield safe(each.verdict.message)
    yield safe(f"from {each.place}", "dim")
    if each.where:
        yield from _condition("where", each.where, width)
    for number, step in enumerate(each.assertions, 1):
        yield from _condition("assert" if len(each.assertions) == 1 else f"assert {number}", step, width)
    if each.where and not each.assertions:
        unsure = each.where.held is not False  # unknown, or an error
        about = (
            "whether the policy is about this resource is unknown"
            if unsure
            else "the policy is not about this resource"
        )
        yield Text(f"assert is not asked: {about}", "dim")
    for lookup in each.lookups:
        yield from _lookup(lookup, width)


def _brief_line(each: Explained) -> Text:
    status = each.verdict.status
    return Text.assemble(
        (f"{status.value}  ", STYLES[status]),
        printable(f"{each.resource.type} {each.resource.id}"),
        ("  from " + printable(each.place), "dim"),
    )


def _condition(heading: str, step: Step, width: int) -> Iterator[Text]:
    yield Text(heading, "bold")
    yield from _steps((step,), "", width)


def _steps(steps: Sequence[Step], indent: str, width: int) -> Iterator[Text]:
    for step in steps:
        word = _word(step)
        line = Text.assemble(
            ("▶ " if step.decides else "  ", "bold"),
            (f"{word:<8}", _STYLES[word] if step.decides or word in ("–", "error") else f"{_STYLES[word]} dim".strip()),
            indent,
            (_text(step, width - 10 - len(indent)), "dim" if step.skipped else ""),
        )
        said = _said(step)
        if said:
            room = max(width - line.cell_len - 3, _SHORTEST)
            line.append(" = " if not step.error else "   ", "dim")
            line.append(short(said, room), _STYLES["unknown"] if isinstance(step.found, Unknown) else "cyan")
        yield line
        yield from _steps(step.below, indent + "  ", width)


def _text(step: Step, room: int) -> str:
    """What a node says; where its parts follow, no more than fits."""
    text = printable(step.text)
    return short(text, max(room, _SHORTEST)) if step.below or step.skipped else text


def _word(step: Step) -> str:
    if step.error:
        return "error"
    if step.skipped:
        return "–"
    return "" if step.held is None else _truth(step.held)


def _truth(held: Truth) -> str:
    return "unknown" if isinstance(held, Unknown) else "true" if held else "false"


def _said(step: Step) -> str:
    """A node's value, unless its truth says it all."""
    if step.error or step.skipped:
        return step.error
    told = isinstance(step.found, bool) or (step.below and (step.found is None or isinstance(step.found, Unknown)))
    return "" if step.held is not None and told else shown(step.found)


def _lookup(trace: LookupTrace, width: int) -> Iterator[Text]:
    lookup = trace.lookup
    reach = {"region": "in this region", "account": "in this account", "snapshot": "in the snapshot"}[lookup.within]
    one = ", exactly one" if lookup.one else ", which exist" if lookup.refers else ""
    yield Text.assemble((printable(f"${trace.name}"), "bold"), f"  {lookup.source} {reach}{one}")
    for number, (theirs, ours, found) in enumerate(trace.keys):
        head = f"{'':<10}{theirs} {lookup.sign(number)} {ours}"
        yield Text.assemble(
            printable(head), (" = ", "dim"), (short(shown(found), max(width - len(head) - 3, _SHORTEST)), "cyan")
        )
    if trace.error:
        yield safe(f"{'':<10}{trace.error}", "magenta")
    for row in trace.rows:
        yield from _row(row, width)
    if trace.more:
        yield Text(f"{'':<10}… and {trace.more:,} more rows", "dim")
    if not trace.rows and not trace.error:
        yield Text(f"{'':<10}no row was found", "dim")
    if trace.gap is not None:
        yield safe(f"  unknown {trace.gap}", "yellow")


def _row(row: Candidate, width: int) -> Iterator[Text]:
    word = {"true": "counts", "false": "not so", "unknown": "unknown"}[_truth(row.kept)]
    yield Text.assemble(
        (f"  {word:<8}", _STYLES[_truth(row.kept)]), printable(row.id), ("  from " + printable(row.place), "dim")
    )
    if row.where and row.kept is not True:
        yield from _steps(tuple(_deciding((row.where,))), "  ", width)


def _deciding(steps: Sequence[Step]) -> Iterator[Step]:
    """Only what decides, with the values that it rests on."""
    for step in steps:
        if step.decides or step.held is None:
            yield replace(step, below=tuple(_deciding(step.below)))


def shown(found: Json) -> str:
    """A value as JSON, an unknown one by its causes, a joined resource by its id."""
    return f"unknown: {found}" if isinstance(found, Unknown) else printable(encode(_brief(found)).decode())


def short(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def _brief(found: Json) -> Json:
    if isinstance(found, list):
        return [_brief(item) for item in found]
    return found["$id"] if isinstance(found, dict) and "$id" in found else found
