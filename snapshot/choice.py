"""What a collection asks: which resource types, and which of the answers that are attached to them.

Who collects for some policies says which fields they read. What else would be attached is not asked, and unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase

from msgspec.structs import replace

from .catalog import ACCOUNT_TYPE, REGION_TYPE, ResourceType, load_catalog
from .errors import ArgumentError
from .nearest import nearest
from .resource import names_in

TAGS = "$tags"  # a field that is read wherever a type's tags are

Reads = Mapping[str, Collection[str]]  # resource type → the fields that are read of it
ALWAYS: Reads = {ACCOUNT_TYPE: (), REGION_TYPE: ()}


def choose(
    names: Collection[str] = (), reads: Reads | None = None, catalog: Mapping[str, ResourceType] | None = None
) -> Mapping[str, ResourceType]:
    """The resource types of these names, which may be patterns, as a whole; all of them if nothing is said.

    Of the types in `reads` what is attached is only asked where it brings one of the fields, or what the calls for
    these need; so is what is costly of any type. AWS::Account and AWS::Region are always collected. Raises
    ArgumentError.
    """
    whole = catalog or load_catalog()
    named = {each for name in names for each in _named(name, whole)}
    parts = {kind: fields for kind, fields in ({**ALWAYS, **reads} if reads else {}).items() if kind not in named}
    for kind in parts:
        _check(kind, whole)
    if not parts:
        named = named | ALWAYS.keys() if named else set(whole)
    return {
        kind: _part(spec, (reads or {}).get(kind, ()), whole=kind not in parts)
        for kind, spec in whole.items()
        if kind in parts or kind in named
    }


def asked_in_part(types: Mapping[str, ResourceType]) -> dict[str, list[str]]:
    """Of each type of which not everything is asked, or would not be by its name, the names of the answers that are."""
    return {
        kind: sorted(name for name, call in spec.attach.items() if call.asked)
        for kind, spec in sorted(types.items())
        if not all(call.asked and not call.costly for call in spec.attach.values())
    }


def _named(name: str, whole: Mapping[str, ResourceType]) -> Collection[str]:
    found = [kind for kind in whole if fnmatchcase(kind, name)] if "*" in name else []
    if not found:
        _check(name, whole)
    return found or (name,)


def _check(name: str, whole: Mapping[str, ResourceType]) -> None:
    if name not in whole:
        close = nearest(name, whole)
        hint = f"did you mean {close}?" if close else "`stillframe resource list` lists them"
        raise ArgumentError(f"unknown resource type {name}", hint)


def _part(spec: ResourceType, fields: Collection[str], *, whole: bool) -> ResourceType:
    """A type with the calls for these fields; the `whole` of it but for what is costly and not among them."""
    needed = {*_needed(spec, fields)}
    left = [name for name, call in spec.attach.items() if name not in needed and (call.costly or not whole)]
    return replace(spec, attach={**spec.attach, **{name: replace(spec.attach[name], asked=False) for name in left}})


def _needed(spec: ResourceType, fields: Collection[str]) -> Iterator[str]:
    """The names of what must be attached for some fields to be known, and for the resource to be told from others."""
    texts = (spec.id, spec.name, spec.region, spec.tags if TAGS in fields else None)
    queue, seen = {*fields, *_names(texts)}, set[str]()
    while queue:
        name = queue.pop()
        call = spec.attach.get(name)
        if call is not None and name not in seen:
            seen.add(name)
            yield name
            queue |= {*_names((call.when, *call.arguments.values()))}


def _names(expressions: Collection[str | None]) -> Iterator[str]:
    for expression in expressions:
        yield from names_in(expression) if expression else ()
