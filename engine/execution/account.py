"""Evaluate one account: compiled code for what is plain, the exact path for the rest, one record at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Struct

from ...snapshot.model import Account, Resource, Snapshot
from ..compiler.compile import write_programs
from ..compiler.join_key import Decoder, decoder
from ..compiler.program import Join, Program
from ..findings.batch import Batch, finding_line
from ..functions.budget import Purse
from ..judging.evaluate import folded, gaps, wide_findings
from ..judging.rollup import Item
from ..model.finding import Finding, Status
from ..model.policy import Policy, Within
from .batched import Entry, Found, Judging
from .exact import Exact, Part
from .local_join import Find, Near, referred
from .records import exact_row, read_rows, text_of
from .remote_join import Far

PIECES = 3  # of each line
EVERY = frozenset(Status)
STATUSES = {status.value: status for status in Status}


class Compiled(Struct, frozen=True, kw_only=True):
    """Policies, ready to evaluate."""

    policies: Sequence[Policy]
    programs: Mapping[str, Program]
    decoders: Mapping[str, Decoder]
    written: Collection[Status]


def compile_policies(policies: Sequence[Policy], written: Collection[Status] = EVERY) -> Compiled:
    """Policies as functions, one for each resource type. Findings with another status than `written` are counted."""
    ordered = sorted(policies, key=lambda policy: policy.id)
    try:
        return _compiled(ordered, written, [policy.id for policy in ordered if policy.unsure is not None])
    except Exception:  # nothing that one policy says ends the run of the others: it takes the exact path
        odd = [policy.id for policy in ordered if not _is_compiled(policy, written)]
        return _compiled(ordered, written, odd or [policy.id for policy in ordered])


def _is_compiled(policy: Policy, written: Collection[Status]) -> bool:
    try:
        _compiled([policy], written)
    except Exception:  # whatever it is
        return False
    return True


def _compiled(ordered: Sequence[Policy], written: Collection[Status], exact: Collection[str] = ()) -> Compiled:
    narrow = [policy for policy in ordered if not policy.is_wide()]
    programs, needs = write_programs(narrow, written, exact)
    decoders = {kind: decoder(need) for kind, need in needs.items()}
    return Compiled(policies=ordered, programs=programs, decoders=decoders, written=written)


def judge_account(
    compiled: Compiled, snapshot: Snapshot, identity: str, far: Far, known: Collection[str] = ()
) -> Iterator[tuple[str, Batch | None]]:
    """The findings of an account by policy, in order of the policies' ids; None where there are none.

    Policies whose findings are `known` need not be evaluated. Each batch becomes one piece when it is its turn: it is
    written while it is in the processor's cache, and they are never all there at once.
    """
    account = snapshot.account(identity)
    exact = Exact(account, snapshot, far)
    near = Near(account, compiled.decoders, snapshot.captured_at)
    parts: dict[str, list[Part]] = {}
    for program in compiled.programs.values():
        if any(policy.id not in known and policy.is_of(identity) for policy in program.policies):
            for part in _run(program, compiled.decoders[program.kind], near, exact):
                parts.setdefault(part.policy.id, []).append(part)
    for policy in compiled.policies:
        if policy.is_wide():
            late = wide_findings(policy, snapshot, identity, far.speaker(compiled.policies))
            whole = Found()
            _add(late, whole, compiled.written, sort=False)
            yield policy.id, Batch(identity, policy.id, whole.counts, b"".join(whole.pieces)) if late else None
        elif policy.id in parts:
            found = _whole(policy, parts.pop(policy.id))
            counts, data = found.counts, b"".join(found.pieces)
            yield policy.id, Batch(identity, policy.id, counts, data) if counts else None


def _run(program: Program, decoder: Decoder, near: Near, exact: Exact) -> list[Part]:
    """What each policy of a program finds."""
    account, far, kind = exact.account, exact.far, program.kind
    text = text_of(account, kind)
    parts = [
        Part(policy, exact, text, program.written, program.toll(policy) if rule else None)
        if policy.is_of(account.id)
        else None
        for policy, rule in zip(program.policies, program.rules, strict=True)
    ]
    there = [part for part in parts if part]
    finds = [_finder(join, near, far) for join in program.joins.values()]
    judging = Judging(program, account.id, exact.snapshot.captured_at, finds, text, parts)
    for before, rows in read_rows(account, kind, text, decoder):
        if rows[0].__class__ is not Resource:
            judging.judge(before, rows)
            continue
        for number, resource in enumerate(rows, before):
            for part in there:
                part.judge(number, resource)
    return there


def _whole(policy: Policy, parts: Sequence[Part]) -> Found:
    """What a policy finds of each of its types, with the findings that no record has."""
    first, late = parts[0], list[Finding]()
    for part in parts:
        if part.is_spent():
            part.again()
    if policy.rollup:
        late, purse = _folded(policy, parts)
        if first.toll and purse.left <= 0:
            first.again()
            late, _ = _folded(policy, parts)
    elif any(first.exact.has_gaps(part.policy.resource) for part in parts):
        late = list(gaps(policy, first.exact.account))
    found = first.found if len(parts) == 1 else _together([part.found for part in parts])
    _add(late, found, first.written, sort=len(parts) > 1)
    return found


def _together(several: Sequence[Found]) -> Found:
    found = Found()
    for each in several:
        found.pieces += each.pieces
        for status, number in each.counts.items():
            found.count(status, number)
    return found


def _folded(policy: Policy, parts: Sequence[Part]) -> tuple[list[Finding], Purse]:
    exact, purse = parts[0].exact, parts[0].fold()
    items = [_item(exact.account, part.policy.resource, entry) for part in parts for entry in part.found.items]
    return list(folded(policy, exact.account, items, exact.snapshot.captured_at, purse)), purse


def _finder(join: Join, near: Near, far: Far) -> Find:
    find = (far if join.lookup.within is Within.SNAPSHOT else near).find(join)
    return referred(find) if join.lookup.refers else find


def _item(account: Account, kind: str, entry: Entry) -> Item:
    text, number, region, resource, (status, message, evidence) = entry
    return Item(
        resource=partial(exact_row, account, kind, text, number),
        type=kind,
        region=region,
        id=resource,
        status=STATUSES[status],
        message=message,
        evidence=msgspec.Raw(evidence),  # type: ignore[arg-type]  # it only goes into the finding's
    )


def _add(late: Iterable[Finding], found: Found, written: Collection[Status], *, sort: bool) -> None:
    """Put findings that no record has into their places among the others; with `sort`, those are in no order."""
    others = []
    for each in late:
        found.count(each.status.value)
        if each.status in written:
            others.append(finding_line(each))
    if others or sort:
        pieces = found.pieces
        lines = [b"".join(pieces[start : start + PIECES]) for start in range(0, len(pieces), PIECES)]
        found.pieces = sorted([*lines, *others], key=_place)


class _Place(msgspec.Struct):
    region: str
    type: str
    resource: str


def _place(line: bytes) -> tuple[str, str, str]:
    place = _read_place(line)
    return place.region, place.type, place.resource


_read_place = msgspec.json.Decoder(_Place).decode
