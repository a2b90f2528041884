"""Fields that policies read and nobody has heard of: absent they would be null, and `!Encryptd` would pass for ever.

The kinds of values know the fields that AWS's API models and entries of one's own have. A field that they do not know
is taken for one that AWS added since if a resource of the snapshot has it. Else nobody knows what the policy asks.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from ...snapshot.kinds import config_kind, strange
from ...snapshot.model import Json, Snapshot, Unknown
from ..language.parser import Expression
from ..language.paths import HERE, Path, label
from ..language.slips import field_advice
from ..model.policy import Policy
from ..suggest import suggest
from .dependencies import fields


class Misspelt(Struct, frozen=True):
    """A path of which a resource type is not known to have some field."""

    kind: str
    path: Path

    def __str__(self) -> str:
        known, there = strange(config_kind(self.kind), self.path) or (self.path, ())
        name = known[-1]
        hint = field_advice(name, quoted=not name.isidentifier()) or suggest(name, there) if there else ""
        return f"nobody knows a field {label(known)} of {self.kind}{hint}"


def misspelt(policy: Policy) -> Iterator[Misspelt]:
    """What of the fields that decide is not known. Of several types that it is about, one has to know a field."""
    read, subjects = fields(policy), policy.subjects()
    for kind, paths in read.items():
        for path in paths:
            found = None if path[0] == HERE else strange(config_kind(kind), path)
            others = subjects if found and kind in subjects else ()
            if found and all(strange(config_kind(each), path) for each in others if path in read[each]):
                yield Misspelt(kind, path)


def settled(policy: Policy, snapshot: Snapshot) -> Policy:
    """The policy as it can be evaluated in a snapshot: unsure where it reads what nobody knows."""
    found = [each for each in misspelt(policy) if _lacks(snapshot, each)]
    if not found:
        return policy
    return replace(policy, where=_where(policy), unsure=Unknown.because(*map(str, found)))


def _where(policy: Policy) -> Expression | None:
    """What a policy is about, if it does not ask for what nobody knows."""
    if policy.where is None:
        return None
    lookups = policy.lookups if policy.where.variables() & policy.lookups.keys() else {}
    asking = replace(policy, assertions=(), rollup=None, lookups=lookups)
    return None if any(misspelt(asking)) else policy.where


def _lacks(snapshot: Snapshot, sought: Misspelt) -> bool:
    """Whether there are resources of the type, and none has the field."""
    rows = (row for account in snapshot.accounts for row in snapshot.account(account).read(sought.kind))
    first = next(rows, None)
    return (
        first is not None
        and not _has(first.config, sought.path)
        and not any(_has(row.config, sought.path) for row in rows)
    )


def _has(value: Json, path: Path) -> bool:
    for number, step in enumerate(path):
        if step in ("[]", "*") and isinstance(value, list | dict):
            items = value if isinstance(value, list) else value.values()
            return any(_has(item, path[number + 1 :]) for item in items)
        if not isinstance(value, dict) or step not in value:
            return False
        value = value[step]
    return True
