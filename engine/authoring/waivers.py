"""Draft waivers of what fails, as YAML that stillframe.yaml takes as it is."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator

from msgspec.structs import replace

from ...snapshot.errors import ArgumentError
from ...snapshot.format import encode
from ...snapshot.model import Json, Snapshot
from ..assess import assess
from ..loading.policies import pick
from ..model.finding import Finding, Status
from ..model.glob import wild
from ..model.ruleset import Ruleset
from ..model.waiver import evidence_digest, is_day, is_over
from ..suggest import suggest

_LONG = 400  # bytes of evidence; more is bound by its digest
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def check_terms(snapshot: Snapshot, *, owner: str, reason: str, expires: str) -> None:
    """Raise ArgumentError for what no waiver of this snapshot's failures may say."""
    for name, text in (("owner", owner), ("reason", reason)):
        if not text.strip():
            raise ArgumentError(f"--{name} is empty", "a waiver says who answers for a failure, and why")
    if not is_day(expires):
        raise ArgumentError(f"--expires: {expires!r} is not a day", "write it as YYYY-MM-DD")
    if is_over(expires, snapshot.captured_at):
        raise ArgumentError(
            f"--expires: {expires} is before the snapshot, which is of {snapshot.captured_at}",
            "such a waiver would never apply: name a later day",
        )


def open_failures(snapshot: Snapshot, ruleset: Ruleset, *, policy: str = "", account: str = "") -> Iterator[Finding]:
    """The failures that no waiver covers, of one policy or account if it is named. Raises ArgumentError."""
    if policy in ruleset.disabled:
        place = ruleset.disabled[policy].place
        raise ArgumentError(f"{policy} is disabled in {place}", "what is not evaluated cannot fail")
    if account and account not in snapshot.accounts:
        raise ArgumentError(
            f"account {account} is not in this snapshot{suggest(account, snapshot.accounts)}",
            "`stillframe snapshot show` says what a snapshot holds",
        )
    policies = [pick(ruleset.policies, policy)] if policy else ruleset.policies
    for batch in assess(snapshot, replace(ruleset, policies=policies)):
        if account in ("", batch.account):
            yield from (finding for finding in batch.findings(Status.FAIL) if not finding.waived)


def draft(
    findings: Iterable[Finding],
    *,
    owner: str,
    reason: str,
    expires: str,
    bind: bool = False,
    wide: Collection[str] = (),
) -> Iterator[str]:
    """The lines of one waiver each, under the key `waivers`; those of policies that are `wide` are of no account."""
    for number, finding in enumerate(findings):
        if number == 0:
            yield "waivers:"
        yield f"  - policy: {finding.policy}"
        if finding.policy not in wide:
            yield f"    account: {quoted(finding.account)}"
        yield f"    region: {quoted(finding.region)}"
        if wild(finding.resource):
            yield "    # * and ? stand for other text too: see what else this waiver covers"
        yield f"    resource: {quoted(finding.resource)}"
        yield f"    reason: {quoted(reason)}"
        yield f"    owner: {quoted(owner)}"
        yield f"    expires: {quoted(expires)}"
        if bind:
            yield f"    evidence: {_evidence(finding)}"


def quoted(text: str) -> str:
    """Text between double quotes, as every version of YAML reads it. Nothing in it acts on a terminal."""
    return f'"{"".join(_ESCAPES.get(char) or _plain(char) for char in text)}"'


def _plain(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _evidence(finding: Finding) -> str:
    written = encode(finding.evidence)
    return quoted(evidence_digest(finding.evidence)) if len(written) > _LONG else _flow(json.loads(written))


def _flow(value: Json) -> str:
    match value:
        case str():
            return quoted(value)
        case dict():
            return "{" + ", ".join(f"{quoted(key)}: {_flow(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case _:
            return json.dumps(value)
