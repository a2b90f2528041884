"""Files of several policies: each item of `policies` becomes a document of its own, with the `x-` keys that it uses.

So whatever reads, extends, shows or remembers a policy sees one document as always. An item is cut out by its lines
and moved to the left margin; `Item` says where each line stands in the file.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import yaml
from msgspec import Struct, field
from msgspec.structs import replace

from ..documents.named_files import MOST
from ..documents.reader import open_document
from ..documents.yaml_values import Loader
from ..errors import Problem
from ..model.policy import Item
from ..suggest import suggest

KEY = "policies"
SHARED = "x-"  # keys that begin so mean nothing: they hold anchors
POLICIES = 1000  # of a file
_Lines = list[tuple[str, int, int]]  # each with its number and how far it is indented in the file

_SEVERAL = re.compile(rb"^policies[ \t]*:", re.MULTILINE)
_LINE_ENDS = re.compile(r"(?<=[\n\x85\u2028\u2029])|(?<=\r)(?!\n)")  # as YAML has them
_ANCHOR, _ALIAS = re.compile(r"&([\w-]+)"), re.compile(r"\*([\w-]+)")
_ITEM = 2  # how deep in a document its policies stand
_DASH = re.compile(r"\s*-\s+\Z")
_LIST = f"{KEY} is a list: write each policy after a dash, on lines of its own"


class _Outline(Struct):
    """Events of a document: its keys, their values, and the items of its policies, each with what ends it; and the
    lines that end a quoted text, which may look like comments."""

    keys: list[Any] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    items: list[tuple[Any, Any]] = field(default_factory=list)
    quoted: set[int] = field(default_factory=set)


def policies_of(source: str, data: bytes, problems: list[Problem]) -> Iterator[tuple[bytes, Item | None]]:
    """The document of each policy of a file: of one policy the file itself, of several those of `policies`."""
    outline = None
    if _SEVERAL.search(data):
        try:
            text = data.decode("utf-8-sig")
            outline = _outline(text)
        except (UnicodeDecodeError, yaml.YAMLError):  # which the full reading tells with its place
            open_document(source, data, problems)
            return
    if outline is None:
        yield data, None
        return
    faults = [*_faults(outline)]
    problems += [_problem(source, text, event, message) for event, message in faults]
    if not faults:
        yield from _documents(source, text, outline, problems)


def aliases_in(text: str) -> set[str]:
    """The names that stand after an asterisk: those of aliases, and such as an expression may have."""
    return set(_ALIAS.findall(text))


def anchors_in(text: str) -> set[str]:
    """The names that stand after an ampersand: those of anchors, and such as an expression may have."""
    return set(_ANCHOR.findall(text))


class Anchors:
    """Texts by their keys, and which of them another text uses by its aliases: also by way of each other."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._aliases = {key: aliases_in(text) for key, text in texts.items()}
        self._owners: dict[str, set[str]] = {}
        for key, text in texts.items():
            for name in anchors_in(text):
                self._owners.setdefault(name, set()).add(key)

    def used(self, text: str) -> set[str]:
        """The keys of those that a text uses."""
        found = set[str]()
        wanted = aliases_in(text)
        while wanted:
            more = self._owners.get(wanted.pop(), set()) - found
            found |= more
            wanted.update(*(self._aliases[key] for key in more))
        return found


def placed(found: Sequence[Problem], item: Item | None) -> Iterator[Problem]:
    """Problems of a policy's document, where they stand in its file."""
    for problem in found:
        if item is None or not problem.line:
            yield problem
            continue
        line, column = item.placed((problem.line, problem.column))
        shown = " " * (column - problem.column) + problem.source
        message = problem.message
        if "undefined alias" in message:
            message = f"no anchor of this policy: what several use stands below a key that begins with {SHARED}"
        yield replace(problem, line=line, column=column, message=message, source=shown)


def _outline(text: str) -> _Outline | None:
    """None for a document that is no mapping with a key for each line, or has no policies: it is one policy, if any."""
    found = _Outline()
    depth = documents = 0
    for event in yaml.parse(text, Loader):
        documents += isinstance(event, yaml.DocumentStartEvent)
        ends = isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.ScalarEvent) and event.style in ("'", '"') and event.end_mark:
            found.quoted.add(event.end_mark.line)
        depth -= ends
        if isinstance(event, yaml.NodeEvent) and depth == 0:
            if not isinstance(event, yaml.MappingStartEvent) or event.flow_style:
                return None
        elif isinstance(event, yaml.NodeEvent) and depth == 1:
            (found.keys if len(found.keys) == len(found.values) else found.values).append(event)
        elif depth == _ITEM and len(found.keys) == len(found.values) and _is_list(found.keys[-1], found.values[-1]):
            if ends:
                found.items[-1] = found.items[-1][0], event
            else:
                found.items.append((event, event))
        depth += isinstance(event, yaml.CollectionStartEvent)
    return found if documents == 1 and any(_is_named(key) for key in found.keys) else None


def _is_named(key: Any) -> bool:
    return isinstance(key, yaml.ScalarEvent) and key.value == KEY


def _is_list(key: Any, value: Any) -> bool:
    return _is_named(key) and isinstance(value, yaml.SequenceStartEvent) and not value.flow_style


def _faults(outline: _Outline) -> Iterator[tuple[Any, str]]:
    seen = set[str]()
    for key, value in zip(outline.keys, outline.values, strict=True):
        name = key.value if isinstance(key, yaml.ScalarEvent) else ""
        if not name:
            yield key, "a key must be plain text"
        elif name in seen:
            yield key, f"duplicate key {name!r}"
        elif name == KEY and not (_is_list(key, value) and outline.items):
            yield value, _LIST
        elif name != KEY and not name.startswith(SHARED):
            hint = suggest(name, [KEY])
            yield key, f"unknown key {name!r} beside {KEY}: others begin with {SHARED}, and hold anchors{hint}"
        seen.add(name)
    for event, _ in outline.items[:POLICIES]:
        if isinstance(event, yaml.AliasEvent):
            yield event, "a policy cannot be an alias of another: let it say `extends: ID`"
        elif not isinstance(event, yaml.MappingStartEvent):
            yield event, "a policy is a mapping with id, title, severity, resource and assert"
    if len(outline.items) > POLICIES:
        yield outline.items[POLICIES][0], f"there are more than {POLICIES:,} policies in this file: make several of it"


def _documents(source: str, text: str, outline: _Outline, problems: list[Problem]) -> Iterator[tuple[bytes, Item]]:
    lines = _LINE_ENDS.split(text if text.endswith("\n") else f"{text}\n")
    shared = _shared(lines, outline)
    anchors = Anchors({key: _text(block) for key, block in shared.items()})
    total, above = 0, 0
    for start, end in outline.items:
        block = _item(lines, above, start.start_mark, end.end_mark, outline.quoted)
        above = start.start_mark.line + 1
        wanted = anchors.used(_text(block))
        whole = [*(line for key in shared if key in wanted for line in shared[key]), *block]
        data = _text(whole).encode()
        total += len(data)
        if total > MOST:
            message = f"with the {SHARED} keys that they use, the policies of this file are larger than {MOST} bytes"
            problems.append(_problem(source, text, start, message))
            return
        if wanted and start.flow_style:  # keys on lines of their own cannot stand above a mapping in braces
            message = f"a policy in braces uses no {SHARED} key: write it with each key on a line of its own"
            problems.append(_problem(source, text, start, message))
            continue
        yield data, Item(file=text, lines=tuple((line, indent) for _, line, indent in whole))


def _shared(lines: Sequence[str], outline: _Outline) -> dict[str, _Lines]:
    """The lines of each key but `policies`."""
    ends = [*(key.start_mark.line for key in outline.keys[1:]), len(lines)]
    return {
        key.value: _trimmed([(lines[at], at, 0) for at in range(key.start_mark.line, end)], 1, outline.quoted)
        for key, end in zip(outline.keys, ends, strict=True)
        if not _is_named(key)
    }


def _item(lines: Sequence[str], above: int, start: Any, end: Any, quoted: Container[int]) -> _Lines:
    """The lines of an item, at the left margin, and the comments directly above it, of which none is before `above`."""
    column = start.column
    until = end.line + (lines[end.line][: end.column].strip() != "")  # a block ends where what follows it begins
    first = start.line
    if _DASH.match(lines[first][:column]):
        while first > above and _is_comment(lines[first - 1], column):
            first -= 1
    block = [_at_margin(lines, at, column) for at in range(first, until)]
    block[start.line - first] = lines[start.line][column:], start.line, column
    return _trimmed(block, column, quoted)


def _at_margin(lines: Sequence[str], at: int, column: int) -> tuple[str, int, int]:
    indent = min(column, _indent(lines[at]))
    return lines[at][indent:], at, indent


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _is_comment(line: str, column: int) -> bool:
    """Whether a line is a comment that is indented less than what stands in a column."""
    return line.lstrip(" ").startswith("#") and _indent(line) < column


def _trimmed(block: _Lines, column: int, quoted: Container[int]) -> _Lines:
    """Without blank lines at the end, and comments there that are indented less: they are about what follows."""
    while (last := block[-1])[1] not in quoted:
        if last[0].strip() and not (last[0].startswith("#") and last[2] < column):
            break
        block.pop()
    return block


def _text(block: _Lines) -> str:
    return "".join(text for text, _, _ in block)


def _problem(source: str, text: str, event: Any, message: str) -> Problem:
    line, column = event.start_mark.line + 1, event.start_mark.column + 1
    shown = "".join(_LINE_ENDS.split(text)[line - 1 : line]).rstrip("\r\n")
    return Problem(path=source, line=line, column=column, message=message, source=shown)
