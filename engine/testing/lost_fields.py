"""Losses: whether an example that fails, or is unknown, passes once a field or a row that the policy reads is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from ...snapshot.model import Snapshot
from ..judging.dependencies import fields
from ..language.paths import Path, without
from ..model.finding import Finding, Status
from ..model.policy import Policy
from .examples import TIME, Case, fixture
from .lost_rows import lost_rows
from .mutants import NOTHING

_SOUND = frozenset({Status.FAIL, Status.UNKNOWN, Status.ERROR})


class Loss(Struct, frozen=True, kw_only=True):
    """An example that passes without a field or row. `was` and `becomes` are as a mutant's, for an excuse."""

    policy: str
    example: str
    was: str
    becomes: str = NOTHING

    def __str__(self) -> str:
        return f"{self.policy}: {self.example}: passes without {self.was}"


def losses(policy: Policy, examples: Sequence[Case]) -> Iterator[Loss]:
    """Every example for which a loss makes a pass of what is none."""
    read = {kind: _prefixes(paths) for kind, paths in fields(policy).items()}
    for case in examples:
        before = {found.identity: found.status for found in case.judge(policy)}
        for was, snapshot in _poorer(policy, case, read):
            lost = Case(test=case.test, snapshot=snapshot)
            if any(_is_worse(found, before, case.test["expect"]) for found in lost.judge(policy)):
                yield Loss(policy=policy.id, example=case.test["name"], was=was)


def _poorer(policy: Policy, case: Case, read: Mapping[str, Sequence[Path]]) -> Iterator[tuple[str, Snapshot]]:
    """The snapshot of an example without each field that the policy reads, and each joined row that another names."""
    for kind, path, given in _without(case.test["given"], read):
        yield f"{kind} {'.'.join(path).replace('.[]', '[]')}", fixture(given, case.test.get("time", TIME))
    for lost in lost_rows(policy, case.snapshot):
        if lost.named:
            yield f"{lost.row.type} {lost.row.id}", lost.rest


def _is_worse(found: Finding, before: Mapping[Any, Status], expected: object) -> bool:
    # Without its id a resource is another one: then what the example expects of all says what it was.
    was = before.get(found.identity) or (expected if isinstance(expected, str) else None)
    return found.status is Status.PASS and was in _SOUND


def _prefixes(paths: Sequence[Path]) -> list[Path]:
    """`A.B[]` is lost with A as well."""
    found = {path[:size] for path in paths for size in range(1, len(path) + 1)}
    return sorted(path for path in found if path[-1] not in ("[]", "*"))


def _without(
    given: Mapping[str, Any], read: Mapping[str, Sequence[Path]]
) -> Iterator[tuple[str, Path, Mapping[str, Any]]]:
    for kind, paths in read.items():
        rows = given.get(kind)
        if not isinstance(rows, list):
            continue
        for path in paths:
            cut = [without(row, path) for row in rows]
            if cut != rows:
                yield kind, path, {**given, kind: cut}
