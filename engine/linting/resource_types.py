"""The types of resources and variables: what the fields that a policy reads can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from msgspec.structs import replace

from ...snapshot.catalog import Call, ResourceType, load_catalog
from ...snapshot.format import encode
from ...snapshot.kinds import written
from ...snapshot.types import ANY, BOOLEAN, NULL, NUMBER, STRING, Kind, Type, array, mapping, maybe, struct
from ..language.infer import infer
from ..language.parser import parse
from ..model.policy import Policy

OutputOf = Callable[[Call], Type]  # what an API call answers; `snapshot.shapes` knows

ENVELOPE = {"account": STRING, "region": STRING, "id": STRING, "name": maybe(STRING), "tags": mapping(STRING)}
_JSON = {
    "array": array(ANY),
    "boolean": BOOLEAN,
    "integer": NUMBER,
    "null": NULL,
    "number": NUMBER,
    "object": ANY,
    "string": STRING,
}


def config_types(output_of: OutputOf, kind_of: Callable[[str], Type] = lambda _: ANY) -> Callable[[str], Type]:
    """A function that gives the type of a resource type's config: AWS's fields, and what the catalogue attaches.

    `kind_of` says what else is known of a resource type, where the models are too old to know it.
    """

    @cache
    def config_type(kind: str) -> Type:
        return type_of(load_catalog()[kind], output_of, kind_of(kind))

    return config_type


def kinds_table(config_type: Callable[[str], Type], models: str) -> Iterator[str]:
    """The lines of `snapshot/kinds.json`; `models` is the version of the API models that they come from."""
    entries = {"botocore": models, **{kind: written(config_type(kind)) for kind in load_catalog()}}
    lines = (f"{encode(name).decode()}:{encode(entry).decode()}" for name, entry in entries.items())
    yield from ("{", ",\n".join(lines), "}")


def row_type(config: Type) -> Type:
    """A joined resource: its config, and `$account` and the like."""
    return struct({**config.members, **{f"${name}": kind for name, kind in ENVELOPE.items()}}, config.name)


def variable_types(policy: Policy, params: Mapping[str, Any], config_type: Callable[[str], Type]) -> dict[str, Type]:
    """The type of each variable a policy's expressions may name. `params` are the declared ones: name → schema."""
    rows = {
        name: row_type(config_type(lookup.source)) if lookup.one else array(row_type(config_type(lookup.source)))
        for name, lookup in policy.lookups.items()
    }
    judged = array(row_type(config_type(policy.resource)) if not policy.types else ANY)
    declared = struct({name: _of_schema(schema) for name, schema in params.items()}, "$params")
    ours = config_type(policy.resource)
    fixed = {**ENVELOPE, **rows, "type": STRING, "self": ours, "params": declared, "snapshot_time": STRING}
    found = {**fixed, "failed": judged, "unknown": judged, "passed": judged}
    for name, expression in policy.lets.items():
        found[name] = infer(expression, ours, found)[0]
    return found


def type_of(spec: ResourceType, output_of: OutputOf, known: Type = ANY) -> Type:
    """The type of a resource type's config."""
    item = result_of(spec.list, output_of).item
    if item.kind is known.kind is Kind.ANY:
        return ANY
    if item.kind is Kind.ANY:
        item = _completed(item, known)
    attached = {
        # Any other null answer is unknown, not null.
        name: maybe(result_of(call, output_of), nullable=bool(call.absent) or call.optional or call.when is not None)
        for name, call in spec.attach.items()
    }
    owner = result_of(spec.list.of, output_of).item.members if spec.list.of else {}
    config = _completed(struct({**owner, **item.members, **attached}, spec.type), known)
    for path in spec.json:  # text for AWS, parsed in a snapshot
        config = _any(config, path)
    # `always` names what is attached too: it is never lost, but may be null where it is not configured.
    return _sure(config, tuple(path for path in spec.always if path not in {(name,) for name in spec.attach}))


def result_of(call: Call, output_of: OutputOf) -> Type:
    if call.columns:
        return array(struct(dict.fromkeys(call.columns, STRING)))
    found = infer(parse(call.result), output_of(call), {})[0]
    return struct(dict.fromkeys(call.keys, maybe(found.item)), found.name) if call.keys else found


def _completed(kind: Type, known: Type) -> Type:
    """The same type, with what it has not and is known of it.

    A field that an object of the models has not may be absent, as all that AWS sends. Where the models know nothing,
    nothing is said against what may be null either.
    """
    whole = kind.kind is not Kind.ANY
    kind = kind if whole else Type(known.kind)
    if kind.kind is not known.kind:
        return kind
    if kind.kind is not Kind.OBJECT:
        return replace(kind, of_item=lambda: maybe(_completed(kind.item, known.item), nullable=False))

    def members() -> Mapping[str, Type]:
        theirs, more = kind.members, known.members
        return {name: _completed(each, more[name]) if name in more else each for name, each in theirs.items()} | {
            name: maybe(_completed(ANY, more[name]), nullable=whole) for name in more if name not in theirs
        }

    return replace(kind, of_members=members)


def _any(kind: Type, path: tuple[str, ...]) -> Type:
    """The same type, in which nothing is known of what stands at a path."""
    if not path:
        return ANY
    step, rest = path[0], path[1:]
    if kind.kind is Kind.ARRAY:
        return replace(kind, of_item=lambda: _any(kind.item, rest))
    if kind.kind is Kind.MAP:  # whose values have one type, whatever their keys
        return replace(kind, of_item=lambda: ANY)
    return replace(kind, of_members=lambda: {**kind.members, step: _any(kind.members.get(step, ANY), rest)})


def _sure(kind: Type, paths: tuple[tuple[str, ...], ...]) -> Type:
    """The same type, in which these paths are never null: where one is lost, it is unknown."""
    if not paths:
        return kind
    below = {step: tuple(path[1:] for path in paths if path[0] == step and path[1:]) for step in {p[0] for p in paths}}
    if kind.kind is Kind.ARRAY:
        return replace(kind, of_item=lambda: _sure(kind.item, below.get("[]", ())))
    ends = {path[0] for path in paths if len(path) == 1}

    def members() -> Mapping[str, Type]:
        return {
            name: _sure(maybe(member, nullable=member.nullable and name not in ends), below.get(name, ()))
            for name, member in kind.members.items()
        }

    return replace(kind, of_members=members)


def _of_schema(schema: Mapping[str, Any]) -> Type:
    if "enum" in schema:
        values = schema["enum"]
        text = all(isinstance(value, str) for value in values)
        return Type(Kind.STRING, name="the parameter", enum=tuple(values)) if text else ANY
    names = schema.get("type", "object")
    listed = names if isinstance(names, list) else [names]
    kinds = [_JSON[name] for name in listed if name != "null"]
    return maybe(kinds[0] if len(kinds) == 1 else ANY, nullable="null" in listed)
