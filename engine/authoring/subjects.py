"""Find the finding that somebody means: by a resource's id or name, or by its fingerprint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import chain

from ...snapshot.errors import ArgumentError
from ...snapshot.model import Resource, Snapshot
from ..console import counted
from ..judging.recording_joins import is_about
from ..model.finding import Finding
from ..model.policy import Policy
from ..printable import printable

LISTED = 20  # findings that a name may mean


def find(
    snapshot: Snapshot, policy: Policy, findings: Sequence[Finding], wanted: str
) -> tuple[Finding, Resource | None]:
    """The finding on a resource's id or name, or of a fingerprint; with a rollup, also of a resource it folded.

    Raises ArgumentError where there is none, or more than one.
    """
    named = [(found, None) for found in findings if wanted == found.fingerprint or _means(wanted, found)]
    folded = [] if named or not policy.rollup else list(_folded(snapshot, policy, findings, wanted))
    matches: Sequence[tuple[Finding, Resource | None]] = named or folded
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ArgumentError(_ambiguous(wanted, matches), "name one by its fingerprint, or as 'ACCOUNT REGION ID'")
    known = {text for found in findings for text in (found.resource, found.name) if text}
    close = get_close_matches(wanted, sorted(known), 1, 0.6)
    hint = f"; did you mean {printable(close[0])}?" if close else ""
    raise ArgumentError(
        f"{policy.id} has no finding on {wanted}{hint}", "name a resource by its id or name, or a finding's fingerprint"
    )


def _folded(
    snapshot: Snapshot, policy: Policy, findings: Sequence[Finding], wanted: str
) -> Iterator[tuple[Finding, Resource]]:
    time = snapshot.captured_at
    for account in map(snapshot.account, snapshot.accounts):
        for resource in chain.from_iterable(map(account.read, policy.subjects())):
            if _means(wanted, resource):
                yield from ((each, resource) for each in findings if is_about(policy, each, resource, account, time))


def _ambiguous(wanted: str, matches: Sequence[tuple[Finding, Resource | None]]) -> str:
    lines = [f"{wanted} may be {counted(len(matches), 'finding')}:"]
    for found, resource in matches[:LISTED]:
        lines.append(f"{found.fingerprint} {resource.type if resource else found.type} {_key(resource or found)}")
    if len(matches) > LISTED:
        lines.append(f"… and {len(matches) - LISTED:,} more")
    return "\n".join(map(printable, lines))


def _key(subject: Finding | Resource) -> str:
    """What tells apart what has the same id in several places."""
    return f"{subject.account} {subject.region} {_id(subject)}"


def _id(subject: Finding | Resource) -> str:
    return subject.id if isinstance(subject, Resource) else subject.resource


def _means(wanted: str, subject: Finding | Resource) -> bool:
    return wanted in (_id(subject), subject.name, _key(subject))
