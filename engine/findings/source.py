"""Of what a snapshot was made, if AWS itself was not asked, and how old what it tells was at its time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from ...snapshot.model import GLOBAL, Snapshot
from ...snapshot.names import moment_of
from ..console import counted

_SOURCES = {"aws-config": "AWS Config", "recorded": "recorded answers"}


class _Region(msgspec.Struct):
    """What the scope of a snapshot says of one region: the time of its whole file, and how many items came later."""

    snapshot: str | None = None
    later: int = 0


class _Filled(msgspec.Struct):
    at: str


class _Scope(msgspec.Struct):
    source: str
    accounts: Mapping[str, Mapping[str, _Region]] | str = ""
    filled: _Filled | None = None


def source_notes(*snapshots: Snapshot) -> Iterator[str]:
    """A line for each snapshot that was imported: of what, and how old its oldest state is."""
    for snapshot in snapshots:
        scope = _scope(snapshot)
        ages = dict(_ages(snapshot, scope))
        known = {place: age for place, age in ages.items() if age is not None}
        parts = []
        if known:
            oldest = max(known, key=lambda place: known[place])
            parts.append(f"the state of {' '.join(oldest)} is {_old(known[oldest])}")
        if lacking := len(ages) - len(known):
            parts.append(f"{counted(lacking, 'region')} without a whole file")
        if scope:
            yield f"snapshot {snapshot.id} was imported from {_named(scope)}" + f": {', '.join(parts)}" * bool(parts)


def source_lines(snapshot: Snapshot) -> Iterator[str]:
    """The same at length, with a line for each region."""
    scope = _scope(snapshot)
    if scope is None:
        return
    yield f"imported from {_named(scope)}"
    for (account, region), days in _ages(snapshot, scope):
        said = scope.accounts[account][region] if isinstance(scope.accounts, Mapping) else _Region()
        what = "no whole snapshot" if days is None else f"its snapshot of {said.snapshot}, {_old(days)}"
        yield f"{account} {region}: {what}" + (f", and {counted(said.later, 'item')} after it" if said.later else "")
    yield from _filled(snapshot, scope.filled.at) if scope.filled else ()


def _scope(snapshot: Snapshot) -> _Scope | None:
    """What is said of the source, if it is said as we do: a scope is a record, and anybody's."""
    try:
        scope = msgspec.convert(snapshot.scope, _Scope)
    except msgspec.ValidationError:
        return None
    return scope if scope.source in _SOURCES else None


def _named(scope: _Scope) -> str:
    return _SOURCES[scope.source] + ", and filled by AWS itself" * bool(scope.filled)


def _filled(snapshot: Snapshot, at: str) -> Iterator[str]:
    """A line for each account, and where it was asked: the types whose resources there are AWS's own word.

    Answers that are not stand behind the type.
    """
    for account in snapshot.accounts:
        asked: dict[tuple[str, ...], list[str]] = {}
        for kind, said in sorted((snapshot.account(account).filled or {}).items()):
            answers = f" ({', '.join(said['recorded'])} recorded)" if "recorded" in said else ""
            asked.setdefault(tuple(sorted({*said.get("in", ())} - {GLOBAL})), []).append(kind + answers)
        for places, kinds in sorted(asked.items()) or [((), ["nothing"])]:
            where = f" in {', '.join(places)}" if places else ""
            yield f"{account}: {', '.join(kinds)} by AWS itself{where}, {at}"


def _ages(snapshot: Snapshot, scope: _Scope | None) -> Iterator[tuple[tuple[str, str], int | None]]:
    """The age of each region's whole file in days; None where there is none."""
    if scope is None or not isinstance(scope.accounts, Mapping):
        return
    now = datetime.fromisoformat(snapshot.captured_at)
    for account, regions in sorted(scope.accounts.items()):
        for region, said in sorted(regions.items()):
            then = moment_of(said.snapshot or "")
            yield (account, region), max(0, (now - then).days) if then and then.tzinfo else None


def _old(days: int) -> str:
    return f"{counted(days, 'day')} old" if days else "of that day"
