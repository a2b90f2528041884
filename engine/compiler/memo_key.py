"""What a judgement depends on, as a key: where it comes again, so does the outcome.

Of all records of a type few differ in what one policy reads. So outcomes are remembered, finished down to the bytes of
their evidence, by the values they came from: for many records at once in stretch.py, or, where rows that lookups find
are among these values, by the function that makes the lookups.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Hashable, Iterable, Iterator

from . import pyast
from .emitter import Emitter, Value
from .record_type import Kind, LineNeed, Need

KEPT = 256  # outcomes of one policy: memory is not to grow with the fleet
_OWN = frozenset({"$id", "$name"})  # no two records have the same


def key(emitter: Emitter, touched: Collection[Hashable], lookups: Iterable[Value]) -> ast.expr | None:
    """The key of what is written after `touched` was noted; None where it would hardly come again."""
    root = parts(emitter, touched)
    if root is None:
        return None
    found = [part.code if part.is_text or part.is_truth else emitter.told(part) for part in root]
    for each in lookups:
        if isinstance(each.items, LineNeed):
            rows = emitter.over(each, lambda row, add: add(pyast.tuple_(list(_row(emitter, row, touched)))))
            found.append(pyast.call(pyast.name("tuple"), rows))
        else:
            found += _row(emitter, each, touched)
    return found[0] if len(found) == 1 else pyast.tuple_(found)


def parts(emitter: Emitter, touched: Collection[Hashable]) -> list[Value] | None:
    """What of a record itself makes the key."""
    root = emitter.root
    if root.config.kind is not Kind.STRUCT or any((id(root), name) in touched for name in _OWN):
        return None
    found = [Value(code=pyast.name("account"), is_text=True)] if "$account" in touched else []
    if (id(root), "$region") in touched:
        found.append(Value(code=pyast.attribute(pyast.name("r"), "region"), is_text=True))
    found += _parts(emitter, root.config, emitter.config(), touched)
    if id(root.tags) in touched:
        record = Value(code=pyast.name("r"), need=root, never_null=True, anchored=True)
        found += _parts(emitter, root.tags, emitter.field(record, "$tags"), touched)
    return found


def _row(emitter: Emitter, row: Value, touched: Collection[Hashable]) -> Iterator[ast.expr]:
    need = row.need
    assert isinstance(need, LineNeed)  # noqa: S101 - what lookups find
    for name in ("$account", "$region", "$id", "$name"):
        if (id(need), name) in touched:
            yield emitter.field(row, name).code
    for place in (need.config, need.tags):
        if id(place) in touched:
            inner = Value(code=emitter.member(row, place.label), need=place, never_null=True)
            for part in _parts(emitter, place, inner, touched):
                yield part.code if part.is_truth else emitter.told(part)


def _parts(emitter: Emitter, place: Need, value: Value, touched: Collection[Hashable]) -> Iterator[Value]:
    """Below an object, what was touched; anything else as a whole."""
    if place.kind is not Kind.STRUCT:
        yield value
        return
    value = emitter.atom(value)
    if not value.never_null:
        yield Value(code=pyast.is_(value.code, pyast.NONE), is_truth=True)
    for name, child in place.fields.items():
        if id(child) in touched:
            yield from _parts(emitter, child, emitter.field(value, name), touched)
