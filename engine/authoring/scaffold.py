"""Draft a policy for a resource type: complete, tested, and there to be changed."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path as File
from typing import Any

from msgspec import Struct

from ...snapshot.catalog import ResourceType
from ...snapshot.errors import ArgumentError
from ...snapshot.types import Kind, Type
from ..loading.policy_reader import policy_schema
from .fields import first_sentence
from .plausible import Path, example, flow, noun, put, type_at, usual
from .resources import pick_type

STDOUT = "-"
_DEPTH = 3
_BAD = re.compile(r"^(Is)?(Default|Public)|Disabled|Deletion|Error|Skip")  # what is better false
_ID = ("$id",)


class Question(Struct, frozen=True, kw_only=True):
    """What the draft asks: a field, and what it must be, in another spelling as well, and what it must not."""

    path: Path
    good: Any
    bad: Any
    also: tuple[str, ...] = ()

    @property
    def field(self) -> str:
        return ".".join(self.path)

    @property
    def condition(self) -> str:
        if self.good is True:
            return self.field
        if self.good is False:
            return f"!{self.field}" if len(self.path) == 1 else f"!({self.field})"
        if self.also:
            either = ", ".join(f"'{each}'" for each in (self.good, *self.also))
            return f"contains([{either}], {self.field})"
        return f"{self.field} == '{self.good}'"


def draft(identity: str, kind: str, config_type: Callable[[str], Type], folder: File) -> str:
    """The text of a policy of a folder. Raises ArgumentError for an id that no policy can have, or an unknown type."""
    pattern = policy_schema()["properties"]["id"]["pattern"]
    if not re.fullmatch(pattern, identity):
        raise ArgumentError(f"{identity} cannot be a policy's id", "write it in lower case, digits and hyphens")
    spec = pick_type(kind)
    config = config_type(kind)
    question = _question(spec, config)
    return "\n".join([_schema(folder), *_head(identity, spec, config, question), *_tests(spec, config, question), ""])


def write_draft(text: str, target: File) -> None:
    """Write a draft to a new file. Raises ArgumentError where there is one already."""
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ArgumentError(f"{target} is there already", "name another file with --output") from None
    except OSError as error:
        raise ArgumentError(f"{target}: cannot be written ({error.strerror})") from None


def _schema(folder: File) -> str:
    """For editors: where our schema is from a folder, so that it holds for all who have both at the same places."""
    there = File(str(files("stillframe.policies") / "schema.json")).resolve()
    with suppress(ValueError):  # they are on two drives
        between = File(os.path.relpath(there, folder.resolve()))
        if len(folder.resolve().parts) - 1 > between.parts.count(".."):  # no way by the root leads elsewhere, too
            there = between
    return f"# yaml-language-server: $schema={there.as_posix()}"


def _head(identity: str, spec: ResourceType, config: Type, question: Question) -> Iterator[str]:
    one = noun(spec)
    doc = "" if question.path == _ID else first_sentence(type_at(config, question.path).doc)
    yield f"id: {identity} # part of every finding's identity: do not change it later"
    yield f"title: {_title(one, question)} # what is true where the policy passes"
    yield "severity: medium # critical, high, medium, low or informational"
    yield "description: >-"
    yield _folded(f"Evaluates {question.field}. {doc}".strip())
    yield "rationale: >-"
    yield _folded("Say why it matters, to whoever must act on a failure.")
    yield ""
    yield f"resource: {spec.type} # `stillframe resource show {spec.type}` lists its fields"
    yield "# where: $region != 'global' # which resources the policy is about; all of them if there is no where"
    hint = " # put the value that you want" if isinstance(question.good, str) else ""
    yield f"assert: {_expression(question.condition)}{hint}"
    yield f"message: {one} {{{{ $id }}}} has {question.field} {{{{ {question.field} }}}}"
    yield "remediation:"
    yield "  text: Say how to fix a failure."
    yield "  # cli: aws SERVICE COMMAND --region {{ $region }} --name {{ $id }}"


def _tests(spec: ResourceType, config: Type, question: Question) -> Iterator[str]:
    good = _resource(spec, config, question, question.good)
    bad = _resource(spec, config, question, question.bad)
    top = question.path[0]
    yield ""
    yield "# `stillframe policy test` runs these. What AWS always sends is unknown where an example leaves it out."
    yield "tests:"
    yield from _test("as it should be", [f"{spec.type}:", *_row("&example", good)], "pass")
    yield from _test("as it should not be", [f"{spec.type}:", *_row("<<: *example", {top: bad[top]})], "fail")
    if call := spec.attach.get(top):
        missing = {top: {"$missing": f"AccessDenied: {call.action}"}}
        yield from _test(f"{top} could not be read", [f"{spec.type}:", *_row("<<: *example", missing)], "unknown")
    listing = flow({"$missing": f"AccessDenied: {spec.list.action}"})
    yield from _test("the list could not be read", [f"{spec.type}: {listing}"], "unknown")


def _row(first: str, fields: dict[str, Any]) -> Iterator[str]:
    yield f"  - {first}"
    for name, value in fields.items():
        yield f"    {name}: {flow(value)}"


def _test(name: str, given: list[str], expect: str) -> Iterator[str]:
    yield f"  - name: {name}"
    yield "    given:"
    for line in given:
        yield f"      {line}"
    yield f"    expect: {expect}"


def _resource(spec: ResourceType, config: Type, question: Question, value: Any) -> dict[str, Any]:
    found = {} if question.path == _ID else example(spec, config, question.path)
    put(found, question.path, value)
    return found


def _question(spec: ResourceType, config: Type) -> Question:
    """The field that says most of a type: a boolean that is always there if there is one, else the next best."""
    kept = [each for each in _scalars(config, (), sure=True) if ".".join(each[0]) not in spec.volatile]
    if not kept:
        return Question(path=_ID, good="example", bad="another")
    path, found, _ = min(kept, key=lambda each: (_rank(spec, *each), len(each[0])))
    if found.kind is Kind.BOOLEAN:
        good = not _BAD.search(path[-1])
        return Question(path=path, good=good, bad=not good)
    if not found.enum:
        return Question(path=path, good="example", bad="another")
    good_one = usual(found.enum)
    also = tuple(other for pair in found.spellings if good_one in pair for other in pair if other != good_one)
    bad = next((value for value in found.enum if value not in (good_one, *also)), None)
    return Question(path=path, good=good_one, bad=bad, also=also)


def _scalars(config: Type, above: Path, *, sure: bool) -> Iterator[tuple[Path, Type, bool]]:
    """Each boolean and text that is reached through objects alone, and whether all above it is always there."""
    for name, found in config.members.items():
        path = (*above, name)
        if found.kind in (Kind.BOOLEAN, Kind.STRING) and re.fullmatch(r"\w+", name):
            yield path, found, sure
        elif found.kind is Kind.OBJECT and len(path) < _DEPTH:
            yield from _scalars(found, path, sure=sure and not found.nullable)


def _rank(spec: ResourceType, path: Path, found: Type, sure: bool) -> tuple[int, bool]:
    always, boolean = not found.nullable, found.kind is Kind.BOOLEAN
    if always and boolean:
        return (0 if sure else 1), False
    if always and found.enum:
        return 2, not sure
    if boolean and sure:
        return 3, False
    named = ".".join(path) in (spec.id, spec.name, spec.region) or path[-1].lower().endswith(("id", "arn"))
    state = re.search(r"stat(us|e)$", path[-1], re.IGNORECASE) is not None
    return (5 if boolean else 6 if named or not always else 4), not state


def _title(one: str, question: Question) -> str:
    if isinstance(question.good, bool):
        return f"{'Every' if question.good else 'No'} {one} has {question.field} set"
    return f"Every {one} has {question.field} {question.good}"


def _expression(text: str) -> str:
    return f'"{text}"' if text.startswith("!") else text


def _folded(text: str) -> str:
    return textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
