"""Show the resource types, and what a policy may read of each."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator

import msgspec
from rich.console import Console
from rich.text import Text

from ..snapshot.catalog import ResourceType, load_catalog
from ..snapshot.errors import ArgumentError
from ..snapshot.format import encode
from ..snapshot.types import Type
from .expression import suggest
from .fields import Field, fields_of
from .fields import record as field_record
from .resource_types import ENVELOPE
from .terminal import safe

_SCOPES = {"account": "once per account", "region": "in every region"}


def pick_type(name: str) -> ResourceType:
    """The resource type of that name. Raises ArgumentError."""
    if name not in load_catalog():
        raise ArgumentError(
            f"unknown resource type {name}{suggest(name, load_catalog())}", "`stillframe resource list` lists them"
        )
    return load_catalog()[name]


def list_types(console: Console) -> None:
    """Every resource type: how often it is listed and by what call, and whether names and tags are known."""
    for spec in load_catalog().values():
        kept = [name for name, known in (("names", spec.name), ("tags", spec.tags)) if known]
        has = f"; with {' and '.join(kept)}" if kept else ""
        console.print(safe(spec.type, "bold"), soft_wrap=True)
        console.print(safe(f"    {_SCOPES[spec.scope]} by {spec.list.action}{has}"), soft_wrap=True)


def show_type(console: Console, name: str, config_type: Callable[[str], Type], *, depth: int, json: bool) -> None:
    """The fields of a resource type, as a tree or as JSON."""
    spec = pick_type(name)
    fields = fields_of(spec, config_type(name), depth)
    if json:
        record = encode(_type_record(spec, fields), ordered=False)
        console.out(msgspec.json.format(record, indent=2).decode(), highlight=False)
        return
    console.print(Text(name, "bold"))
    for text in _about(spec):
        for part in textwrap.wrap(text, console.width):
            console.print(safe(part, "dim"), soft_wrap=True)
    for row in _tree(fields, "", console.width):
        console.print(row, soft_wrap=True)


def _about(spec: ResourceType) -> Iterator[str]:
    yield f"Listed {_SCOPES[spec.scope]} by {spec.list.action}. Each is identified by {spec.id}."
    envelope = [name for name in ENVELOPE if name != "tags" or spec.tags]
    names = ", ".join(f"${name}" for name in envelope)
    yield f"Beside its fields there are {names}{'' if spec.tags else '; its $tags are unknown'}."


def _tree(fields: tuple[Field, ...], indent: str, width: int) -> Iterator[Text]:
    for number, field in enumerate(fields, 1):
        last = number == len(fields)
        below = indent + ("   " if last else "│  ")
        yield Text.assemble((indent + ("└─ " if last else "├─ "), "dim"), (field.name, "bold"), "  ", *_facts(field))
        stem = below + ("│  " if field.fields else "   ")
        for text, style in _details(field, width - len(stem)):
            yield Text.assemble((stem, "dim"), (text, style))
        yield from _tree(field.fields, below, width)


def _facts(field: Field) -> Iterator[tuple[str, str]]:
    yield field.type, "cyan"
    yield (", always there", "green") if field.always else (", may be null", "yellow")
    if field.volatile:
        yield ", volatile", "magenta"
    if field.cut:
        yield ", more below", "dim"


def _details(field: Field, width: int) -> Iterator[tuple[str, str]]:
    if field.call:
        call = f"{field.call.service}:{field.call.operation}"
        allowed = "" if field.call.action == call else f", allowed by {field.call.action}"
        yield from ((text, "blue") for text in textwrap.wrap(f"attached by {call}{allowed}", width))
    if field.enum:
        values = ", ".join(field.enum)
        wrapped = textwrap.wrap(f"one of {values}", width, break_on_hyphens=False, max_lines=3, placeholder=" …")
        yield from ((text, "") for text in wrapped)
    if field.doc:
        yield textwrap.shorten(field.doc, width, placeholder=" …"), "dim"


def _type_record(spec: ResourceType, fields: tuple[Field, ...]) -> dict[str, object]:
    return {
        "type": spec.type,
        "scope": spec.scope,
        "call": f"{spec.list.service}:{spec.list.operation}",
        "action": spec.list.action,
        "id": spec.id,
        "name": spec.name,
        "tags": spec.tags is not None,
        "fields": [field_record(field) for field in fields],
    }
