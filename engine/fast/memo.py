"""What a judgement depends on, as a key: where it comes again, so does the outcome.

Of all records of a type few differ in what one policy reads. So a program remembers outcomes, finished down to the
bytes of their evidence, by the values they came from.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Hashable, Iterable, Iterator

from . import code
from .emit import Emitter, Value
from .needs import Kind, LineNeed, Need

KEPT = 256  # outcomes of one policy: memory is not to grow with the fleet
_OWN = frozenset({"$id", "$name"})  # no two records have the same


def key(emitter: Emitter, touched: Collection[Hashable], lookups: Iterable[Value]) -> ast.expr | None:
    """The key of what is written after `touched` was noted; None where it would hardly come again."""
    root = emitter.root
    if root.config.kind is not Kind.STRUCT or any((id(root), name) in touched for name in _OWN):
        return None
    parts: list[ast.expr] = [code.name("account")] if "$account" in touched else []
    if (id(root), "$region") in touched:
        parts.append(code.name("region"))
    parts += _parts(emitter, root.config, emitter.config(), touched)
    if id(root.tags) in touched:
        record = Value(code=code.name("r"), need=root, never_null=True, anchored=True)
        parts += _parts(emitter, root.tags, emitter.field(record, "$tags"), touched)
    for each in lookups:
        if isinstance(each.items, LineNeed):
            rows = emitter.over(each, lambda row, add: add(code.tuple_(list(_row(emitter, row, touched)))))
            parts.append(code.call(code.name("tuple"), rows))
        else:
            parts += _row(emitter, each, touched)
    return parts[0] if len(parts) == 1 else code.tuple_(parts)


def _row(emitter: Emitter, row: Value, touched: Collection[Hashable]) -> Iterator[ast.expr]:
    need = row.need
    assert isinstance(need, LineNeed)  # noqa: S101 - what lookups find
    for name in ("$account", "$region", "$id", "$name"):
        if (id(need), name) in touched:
            yield emitter.field(row, name).code
    for place in (need.config, need.tags):
        if id(place) in touched:
            inner = Value(code=emitter.member(row, place.label), need=place, never_null=True)
            yield from _parts(emitter, place, inner, touched)


def _parts(emitter: Emitter, place: Need, value: Value, touched: Collection[Hashable]) -> Iterator[ast.expr]:
    """Below an object, what was touched; anything else as a whole."""
    if place.kind is not Kind.STRUCT:
        yield emitter.told(value)
        return
    value = emitter.atom(value)
    if not value.never_null:
        yield code.is_(value.code, code.NONE)
    for name, child in place.fields.items():
        if id(child) in touched:
            yield from _parts(emitter, child, emitter.field(value, name), touched)
