"""The fields of each resource type that a policy reads: those that decide, and those that its texts show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ...snapshot.catalog import ACCOUNT_TYPE, ResourceType, load_catalog
from ...snapshot.kinds import read, says, shipped_fields
from ...snapshot.model import Json, Snapshot
from ..language.node import walk
from ..language.parser import Expression
from ..language.paths import Path, reads
from ..language.simplify import is_never
from ..language.template import Template
from ..model.policy import Policy


def fields(policy: Policy, *, texts: bool = False) -> Mapping[str, tuple[Path, ...]]:
    """Resource type → the paths of its config that a policy reads. With `texts`, also those of its messages."""
    found: dict[str, set[Path]] = {}
    for kind, path in _paths(policy, _read(policy, texts=texts)):
        if not path[0].startswith("$"):
            found.setdefault(kind, set()).add(path)
    return {kind: tuple(sorted(paths)) for kind, paths in sorted(found.items())}


def needed(policies: Iterable[Policy]) -> Mapping[str, tuple[str, ...]]:
    """Resource type → the fields of its rows that policies read, also in their texts; `$tags` where they read tags."""
    found: dict[str, set[str]] = {}
    for policy in policies:
        for kind in (*policy.kinds(), *([policy.rollup.kind()] if policy.rollup else [])):
            found.setdefault(kind, set())
        if policy.is_wide():
            found[ACCOUNT_TYPE] |= {"Organization", "OrganizationalUnits"}
        for kind, path in _paths(policy, _read(policy, texts=True)):
            found[kind].add(path[0])
    return {kind: tuple(sorted(names)) for kind, names in sorted(found.items())}


def is_idle(policy: Policy) -> bool:
    """Whether a policy on many types asks nothing of any of them, until somebody sets its parameters.

    A rollup is never idle: over nothing it fails, or is unknown.
    """
    asks = policy.where if policy.types and policy.params and not policy.rollup else None
    return bool(asks and is_never(asks, dict(policy.params)))


def unread(policy: Policy, lacking: Callable[[ResourceType], Iterable[Path]]) -> Iterator[tuple[str, Path]]:
    """What of the fields that a policy reads the collector does not: resource types, and paths that are `lacking`."""
    for kind, paths in fields(policy).items():
        for lost in lacking(load_catalog()[kind]):
            if any(path[: len(lost)] == lost[: len(path)] for path in paths):
                yield kind, lost


def undescribed(policy: Policy, snapshot: Snapshot) -> Iterator[tuple[str, Path]]:
    """What a policy reads of types of somebody's own that a snapshot was collected without, and does not say so.

    What ships knows by its models what AWS may send, and by `always` what was lost. Of a type of one's own only the
    snapshot knows, so what it says nothing of would read as null.
    """
    catalog = load_catalog()
    for kind, carried in snapshot.types.items():
        there, ships = read(carried.kinds), shipped_fields(kind) if catalog.ships(kind) else None
        always = catalog[kind].always if kind in catalog else ()
        for path in fields(policy).get(kind, ()):
            ours = ships is None or (path[0] in there.members and path[0] not in ships)
            marked = any(path[: len(known)] == known and not says(there, known) for known in always)
            if ours and not says(there, path) and not marked:
                yield kind, path


def deciding(policy: Policy) -> Mapping[str, tuple[Path, ...]]:
    """Resource type → the paths of its rows that may decide under the policy's parameters: tags and names as well."""
    kinds = {*policy.kinds()}
    found: dict[str, set[Path]] = {kind: set() for kind in kinds}
    settled = _read(policy, texts=False, params=policy.params)
    named = [(kind, (path,)) for kind in policy.subjects() for path in _named(policy)]
    for kind, path in _paths(policy, [*settled, *named]):
        if not path[0].startswith("$") or path[0] in _OF_ROWS:
            found[kind].add(path)
    if policy.rollup and policy.rollup.unit:
        found.setdefault(ACCOUNT_TYPE, set()).add(("OrganizationalUnits",))
    return {kind: tuple(sorted(paths)) for kind, paths in sorted(found.items())}


_OF_ROWS = ("$tags", "$name")


def _named(policy: Policy) -> Iterator[Path]:
    """`$name`, which evidence leaves out, where the policy decides by it."""
    for kind, expression, _ in _expressions(policy, texts=False):
        nodes = walk(expression.tree) if kind in policy.subjects() else ()
        if any((node.type, node.value) == ("variable", "name") for node in nodes):
            yield ("$name",)


def _paths(policy: Policy, read: Iterable[tuple[str, Iterable[Path]]]) -> Iterator[tuple[str, Path]]:
    """Each path that is read, with the type of the resource in which it starts."""
    sources: dict[str, Sequence[str]] = {f"${name}": [lookup.source] for name, lookup in policy.lookups.items()}
    sources |= dict.fromkeys(("$self", "$failed", "$unknown", "$passed"), policy.subjects())
    for kind, paths in read:
        for path in paths:
            inside = path[1:] if path[0] in sources else path
            inside = inside[1:] if path[0] in sources and inside[:1] == ("[]",) else inside  # each row of a lookup
            if inside and (path[0] in sources or not path[0].startswith("$") or path[0] in _OF_ROWS):
                yield from ((each, inside) for each in sources.get(path[0], [kind]))


def _read(policy: Policy, *, texts: bool, params: Json = None) -> Iterator[tuple[str, Iterable[Path]]]:
    for kind, each, of_row in _expressions(policy, texts=texts):
        yield kind, reads(each, params, of_row=of_row)


def _expressions(policy: Policy, *, texts: bool) -> Iterator[tuple[str, Expression, bool]]:
    """Each expression, with the type of the resource at which it is evaluated, and whether that is a row's."""
    ours: list[Expression] = [assertion.that for assertion in policy.assertions]
    ours += [policy.where] if policy.where else []
    ours += [policy.rollup.by] if policy.rollup and policy.rollup.by else []
    for lookup in policy.lookups.values():
        ours += lookup.ours
        theirs = [*lookup.theirs, *([lookup.where] if lookup.where else [])]
        yield from ((lookup.source, expression, True) for expression in theirs)
    if texts:
        messages = [assertion.message for assertion in policy.assertions]
        ours += _holes([policy.message, policy.remediation_cli, *messages])
    yield from ((kind, expression, False) for kind in policy.subjects() for expression in ours)


def _holes(templates: Iterable[Template | None]) -> Iterator[Expression]:
    return (hole for template in templates if template for hole in template.expressions())
