"""The fields of each resource type that a policy reads: those that decide, and those that its texts show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .expression import Expression
from .model import Policy
from .reads import Path, reads
from .template import Template


def fields(policy: Policy, *, texts: bool = False) -> Mapping[str, tuple[Path, ...]]:
    """Resource type → the paths of its config that a policy reads. With `texts`, also those of its messages."""
    found: dict[str, set[Path]] = {}
    sources = {f"${name}": lookup.source for name, lookup in policy.lookups.items()}
    sources |= {"$failed": policy.resource, "$unknown": policy.resource}
    for kind, expression in _expressions(policy, texts=texts):
        for path in reads(expression):
            owner = sources.get(path[0]) if path[0].startswith("$") else kind
            inside = path[1:] if path[0].startswith("$") else path
            inside = inside[1:] if inside[:1] == ("[]",) else inside  # each row of a lookup
            if owner and inside and not inside[0].startswith("$"):
                found.setdefault(owner, set()).add(inside)
    return {kind: tuple(sorted(paths)) for kind, paths in sorted(found.items())}


def _expressions(policy: Policy, *, texts: bool) -> Iterator[tuple[str, Expression]]:
    """Each expression, with the type of the resource at which it is evaluated."""
    ours: list[Expression] = [assertion.that for assertion in policy.assertions]
    ours += [policy.where] if policy.where else []
    for lookup in policy.lookups.values():
        ours += lookup.ours
        theirs = [*lookup.theirs, *([lookup.where] if lookup.where else [])]
        yield from ((lookup.source, expression) for expression in theirs)
    if texts:
        messages = [assertion.message for assertion in policy.assertions]
        ours += _holes([policy.message, policy.remediation_cli, *messages])
    yield from ((policy.resource, expression) for expression in ours)


def _holes(templates: Iterable[Template | None]) -> Iterator[Expression]:
    return (hole for template in templates if template for hole in template.expressions())
