"""Show the resource types, and what a policy may read of each.

docs/reference/resources.md is what `as_markdown` gives.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator

import msgspec
from rich.console import Console
from rich.text import Text

from ...snapshot.catalog import Call, ResourceType, load_catalog
from ...snapshot.errors import ArgumentError
from ...snapshot.format import encode
from ...snapshot.permissions import actions, policy
from ...snapshot.types import Type
from ..console import safe
from ..linting.resource_types import ENVELOPE
from ..suggest import suggest
from .fields import Field, fields_of, path_text
from .fields import record as field_record

_SCOPES = {"account": "once per account", "region": "in every region"}
_INTRODUCTION = (
    "What `stillframe collect` asks for, and what policies may read. `stillframe resource show TYPE` shows every",
    "field, with AWS's documentation. This page is what `stillframe resource list --markdown` prints.",
)
_PERMISSIONS = (
    "The actions that collecting all of it needs in each account, as a policy document for a role. They change",
    "nothing; for `iam:GenerateCredentialReport` AWS writes the report that the next call reads.",
    "`sts:GetCallerIdentity` needs no permission.",
)


def pick_type(name: str) -> ResourceType:
    """The resource type of that name. Raises ArgumentError."""
    if name not in load_catalog():
        raise ArgumentError(
            f"unknown resource type {name}{suggest(name, load_catalog())}",
            "`stillframe resource list` lists them; `--catalogue PATH` names types of your own",
        )
    return load_catalog()[name]


def list_types(console: Console) -> None:
    """Every resource type: how often it is listed and by what call, and whether names and tags are known."""
    for spec in load_catalog().values():
        console.print(safe(spec.type, "bold"), soft_wrap=True)
        console.print(safe(f"    {_SCOPES[spec.scope]} by {spec.list.action}{_kept(spec, '; ')}"), soft_wrap=True)


def as_markdown() -> Iterator[str]:
    """Lines of Markdown: a table of every resource type, a section for each, and the actions that collecting needs."""
    catalog = load_catalog()
    yield from ("# Resource types", "", *_INTRODUCTION, "")
    yield from ("| Type | Listed | Attached |", "|---|---|---|")
    for spec in catalog.values():
        yield f"| [{spec.type}](#{_anchor(spec)}) | {_SCOPES[spec.scope]} | {_codes(spec.attach)} |"
    for spec in catalog.values():
        yield from _section(spec)
    yield from ("", "## Permissions", "", *_PERMISSIONS, "", "```json")
    yield from (policy(actions(catalog.values())), "```")


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
    console.print(Text("\n").join(_tree(fields, "", console.width)), soft_wrap=True)


def _section(spec: ResourceType) -> Iterator[str]:
    yield from ("", f"## {spec.type}", "")
    yield f"Listed {_SCOPES[spec.scope]} by {_by(spec.list)}. Identified by `{spec.id}`{_kept(spec, '; ')}."
    if spec.attach:
        yield from ("", "| Attached | By |", "|---|---|")
        yield from (f"| `{name}` | {_by(call)} |" for name, call in spec.attach.items())
    yield from ("", f"From AWS Config: {_from_config(spec)}.")
    for call in spec.calls():
        for parameter, what in call.leaves_out.items():
            yield from ("", f"Left out, as `{call.operation}` is not asked with `{parameter}`: {what}.")
    for title, paths in (
        ("Never written", map(path_text, spec.redact)),
        ("Parsed, as it is JSON in text", map(path_text, spec.json)),
        ("Changes by itself", spec.volatile),
    ):
        if codes := _codes(paths):
            yield from ("", f"{title}: {codes}.")


def _from_config(spec: ResourceType) -> str:
    """What of a type an import of AWS Config brings."""
    rule = spec.config
    if rule is None:
        return "not imported"
    read = {path.partition(".")[0] for path in rule.fields}
    lacking = [name for name in spec.attach if name not in read]
    named = f"as {rule.type}" if rule.type != spec.type else "imported"
    part = f", in part: {rule.part}" if rule.part else ""
    return named + (f", without {_codes(lacking)}" if lacking else "") + part


def _name(call: Call) -> str:
    return f"{call.service}:{call.operation}"


def _by(call: Call) -> str:
    """A call, the action that allows it where that is called otherwise, and what goes before it."""
    allowed = "" if call.action == _name(call) else f", allowed by `{call.action}`"
    when = f", where `{call.when}`" if call.when else ""
    caller = ", asked by the caller with `--org`" if call.caller else ""
    before = "".join(
        f", {word} {_by(other)}" for word, other in (("for each of", call.of), ("after", call.after)) if other
    )
    costly = ", for policies that read it alone" if call.costly else ""
    return f"`{_name(call)}`{allowed}{when}{caller}{before}{costly}"


def _kept(spec: ResourceType, before: str) -> str:
    kept = [name for name, known in (("names", spec.name), ("tags", spec.tags)) if known]
    return f"{before}with {' and '.join(kept)}" if kept else ""


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _anchor(spec: ResourceType) -> str:
    return spec.type.replace(":", "").lower()


def _about(spec: ResourceType) -> Iterator[str]:
    yield f"Listed {_SCOPES[spec.scope]} by {spec.list.action}. Each is identified by {spec.id}."
    yield f"From AWS Config: {_from_config(spec)}.".replace("`", "")
    envelope = [name for name in ENVELOPE if name != "tags" or spec.tags]
    names = ", ".join(f"${name}" for name in envelope)
    yield f"Beside its fields there are {names}{'' if spec.tags else '; its $tags are unknown'}."


def _tree(fields: tuple[Field, ...], indent: str, width: int) -> Iterator[Text]:
    for number, field in enumerate(fields, 1):
        last = number == len(fields)
        below = indent + ("   " if last else "│  ")
        stem = below + ("│  " if field.fields else "   ")
        name = Text.assemble((indent + ("└─ " if last else "├─ "), "dim"), (field.name, "bold"))
        facts = Text.assemble(*_facts(field))
        if name.cell_len + 2 + facts.cell_len <= width:
            yield Text.assemble(name, "  ", facts)
        else:
            yield from (name, Text.assemble((stem, "dim"), facts))
        for text, style in _details(field, width - len(stem)):
            yield Text.assemble((stem, "dim"), (text, style))
        yield from _tree(field.fields, below, width)


def _facts(field: Field) -> Iterator[tuple[str, str]]:
    yield field.type, "cyan"
    yield (", always there", "green") if field.always else (", may be null", "yellow")
    if field.redacted:
        yield ", never written", "red"
    if field.volatile:
        yield ", volatile", "magenta"
    if field.cut:
        yield ", more below", "dim"


def _details(field: Field, width: int) -> Iterator[tuple[str, str]]:
    if field.call:
        call = _name(field.call)
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
        "call": _name(spec.list),
        "action": spec.list.action,
        "id": spec.id,
        "name": spec.name,
        "tags": spec.tags is not None,
        "fields": [field_record(field) for field in fields],
    }
