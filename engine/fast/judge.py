"""Judge one account: compiled code for what is plain, the exact path for the rest, one record at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ...snapshot.format import encode
from ...snapshot.model import Account, Resource, Snapshot
from ..batch import Batch, batch, finding_line
from ..evaluate import finding, folded, gaps, judge
from ..join import Joins
from ..model import Finding, Policy, Status, Within
from ..rollup import Item
from .far import Far, Keys
from .near import Near, refuse
from .program import STATUSES, Program
from .target import Decoder, decoder
from .writer import write_programs

PIECES = 3  # of each line; what is told of the whole by its beginning is told by the first
NOWHERE = ("", "")
EVERY = frozenset(Status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """Policies, ready to judge by."""

    policies: Sequence[Policy]
    programs: Mapping[str, Program]
    decoders: Mapping[str, Decoder]
    written: Collection[Status]


def compile_policies(policies: Sequence[Policy], written: Collection[Status] = EVERY) -> Compiled:
    """Policies as functions, one for each resource type. Findings with another status than `written` are counted."""
    ordered = sorted(policies, key=lambda policy: policy.id)
    programs, needs = write_programs(ordered, written)
    decoders = {kind: decoder(need) for kind, need in needs.items()}
    return Compiled(policies=ordered, programs=programs, decoders=decoders, written=written)


@dataclass(slots=True)
class _Exact:
    """The exact path for single records of an account."""

    account: Account
    snapshot: Snapshot
    far: Far
    joins: Joins | None = None

    def resource(self, kind: str, number: int, line: bytes | memoryview) -> Resource:
        assert self.account.parse  # noqa: S101 - of a snapshot in files
        return self.account.parse(kind, line, number + 1)

    def judge(self, policy: Policy, resource: Resource) -> Any:
        if self.joins is None:
            self.joins = Joins(self.snapshot, self.far.across)
            self.joins.enter(self.account)
        return judge(policy, resource, self.joins, self.snapshot.captured_at)


def judge_account(
    compiled: Compiled, snapshot: Snapshot, identity: str, far: Far, known: Collection[str] = ()
) -> Iterator[tuple[str, Batch | None]]:
    """The findings of an account by policy, in order of the policies' ids; None where there are none.

    Policies whose findings are `known` need not be judged. Each batch becomes one piece when it is its turn: it is
    written while it is in the processor's cache, and they are never all there at once.
    """
    account = snapshot.account(identity)
    exact = _Exact(account, snapshot, far)
    near = Near(account, compiled.decoders, snapshot.captured_at)
    found: dict[str, tuple[list[Any], Counter[str]]] = {}
    for program in compiled.programs.values():
        if any(policy.id not in known for policy in program.policies):
            found |= _run(program, compiled.decoders[program.kind], near, exact)
    for policy in compiled.policies:
        if policy.id in found:
            entries, unwritten = found.pop(policy.id)
            late = folded(policy, account, entries, snapshot.captured_at) if policy.rollup else gaps(policy, account)
            lines = _with(late, [] if policy.rollup else entries, compiled.written, unwritten)
            yield policy.id, batch(identity, policy.id, lines, unwritten, pieces=PIECES)


def ask(compiled: Compiled, snapshot: Snapshot, account: Account, far: Far) -> Keys:
    """What the lookups of an account would ask of others, and `far` does not have."""
    far.asked = {}
    near = Near(account, compiled.decoders, snapshot.captured_at)
    for program in compiled.programs.values():
        if any(join.lookup.within is Within.SNAPSHOT for join in program.joins) or program.exact:
            _run(program, compiled.decoders[program.kind], near, _Exact(account, snapshot, far), asking=True)
    return far.asked


def _run(
    program: Program, decoder: Decoder, near: Near, exact: _Exact, *, asking: bool = False
) -> dict[str, tuple[list[Any], Counter[str]]]:
    """What each policy of a program finds: lines, or with a rollup items; and the numbers of what is not written."""
    account, far = exact.account, exact.far
    assert account.lines  # noqa: S101 - of a snapshot in files
    text = account.lines(program.kind)
    lines, decoder = text.lines, decoder.for_lines(text)
    found: list[list[Any]] = [[] for _ in program.policies]
    unwritten: list[Counter[str]] = [Counter() for _ in program.policies]

    def judge_exactly(number: int, which: int | None) -> tuple[str, str]:
        if asking and which is not None and far.missed:
            far.missed = False  # it asked
            return NOWHERE
        resource = exact.resource(program.kind, number, lines[number])
        for position in range(len(program.policies)) if which is None else (which,):
            policy = program.policies[position]
            verdict = exact.judge(policy, resource)
            if policy.rollup:
                seen = encode(verdict.evidence, ordered=False)
                outcome = verdict.status.value, verdict.message, seen
                found[position].append((number, resource.region, resource.id, outcome))
            elif verdict.status in program.written:
                found[position] += (finding_line(finding(policy, resource, verdict)), b"", b"")
            else:
                unwritten[position][verdict.status.value] += 1
        far.missed = False  # what it missed, it asked for
        return resource.region, resource.id

    counts = program.run(
        lines,
        decoder.decode,
        decoder.lacks,
        account.id,
        exact.snapshot.captured_at,
        [
            entries.append if policy.rollup else entries.extend
            for policy, entries in zip(program.policies, found, strict=True)
        ],
        [(far if join.lookup.within is Within.SNAPSHOT else near).find(join) for join in program.joins],
        judge_exactly,
        lambda: refuse(account, program.kind),
    )
    if asking:
        return {}
    for number, count in enumerate(counts or ()):
        if count:
            unwritten[number // len(STATUSES)][STATUSES[number % len(STATUSES)].value] += count
    return {
        policy.id: ([_item(exact, program.kind, lines, entry) for entry in entries] if policy.rollup else entries, rest)
        for policy, entries, rest in zip(program.policies, found, unwritten, strict=True)
    }


def _item(
    exact: _Exact, kind: str, lines: Sequence[bytes | memoryview], entry: tuple[int, str, str, tuple[str, str, bytes]]
) -> Item:
    number, region, resource, (status, message, evidence) = entry
    return Item(
        resource=lambda: exact.resource(kind, number, lines[number]),
        region=region,
        id=resource,
        status=Status(status),
        message=message,
        evidence=msgspec.Raw(evidence),  # type: ignore[arg-type]  # it only goes into the finding's
    )


def _with(
    findings: Iterator[Finding], pieces: list[bytes], written: Collection[Status], unwritten: Counter[str]
) -> list[bytes]:
    """Pieces of lines, which are in order, among them those of findings that no record has; or these are counted."""
    others = []
    for each in findings:
        if each.status in written:
            others.append(finding_line(each))
        else:
            unwritten[each.status.value] += 1
    if not others:
        return pieces
    lines = [b"".join(pieces[start : start + PIECES]) for start in range(0, len(pieces), PIECES)]
    return [piece for line in sorted([*lines, *others], key=_place) for piece in (line, b"", b"")]


class _Place(msgspec.Struct):
    region: str
    type: str
    resource: str


def _place(line: bytes) -> tuple[str, str, str]:
    place = _read_place(line)
    return place.region, place.type, place.resource


_read_place = msgspec.json.Decoder(_Place).decode
