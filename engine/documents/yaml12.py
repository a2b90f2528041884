"""YAML 1.2 for people: no octal, no `on` or `yes` booleans, no dates, no duplicate keys, and a place for each value.

PyYAML parses; `yaml_values` gives plain text its meaning, so that `012345670123` stays an account and `on` a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import yaml
from msgspec import Struct, field

from .yaml_values import DEPTH, LIMIT, Loader, NotPlain, plain, value_of

Place = tuple[int, int]  # line and column, from 1
Path = tuple[str | int, ...]

_TOO_DEEP = "exceeded maximum nesting depth"  # libyaml's own bound, of 0.2.6 and later, which it looks ahead for
_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq"))


class YamlError(Exception):
    """Text that is not YAML as we read it; `places` has (line, column, message) of each fault."""

    def __init__(self, places: list[tuple[int, int, str]]) -> None:
        self.places = places
        super().__init__(str(places))


class Places(Struct):
    """Where each part of a document stands: its values, the keys of its mappings, and the nodes of its texts."""

    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    scalars: dict[tuple[Path, bool], Any] = field(default_factory=dict)  # nodes, by path and whether it is the key


class Document:
    """A value, and where each part of it stands: found when it is first asked for, as it seldom is."""

    def __init__(self, text: str, value: Any = None) -> None:
        self.text = text
        self.value = value

    @cached_property
    def places(self) -> Places:
        return _read(self.text)[1]

    @property
    def keys(self) -> Mapping[Path, Place]:
        """The place of each mapping's key."""
        return self.places.keys

    def place(self, path: Path) -> Place:
        """The nearest place for a path that may not exist."""
        while path not in self.places.values and path:
            path = path[:-1]
        return self.places.values.get(path, (1, 1))

    def locate(self, path: Path, offset: int, *, key: bool = False) -> Place:
        """Where one character of a text stands, however the text is written: quoted, folded, in a block, merged.

        A blank is where the next other character is; what is after the end is after the last.
        """
        node = self.places.scalars.get((self._written(path), key))
        if node is None:
            return self.place(path)
        visible = sum(not char.isspace() for char in node.value[:offset])
        after = node.start_mark.index
        for number, (start, end) in enumerate(_visible(self.text, node)):
            if number == visible:
                return _line_and_column(self.text, start)
            after = end
        return _line_and_column(self.text, after)

    def _written(self, path: Path) -> Path:
        """The path under which a value was read: one that `<<` merged in is below `<<`."""
        found: Path = ()
        for step in path:
            while (*found, step) not in self.places.values and (*found, "<<") in self.places.values:
                found = (*found, "<<")
            found = (*found, step)
        return found


def load(data: bytes) -> Document:
    """Read one document. Raises YamlError with every fault found."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise YamlError([(line, 1, "not UTF-8 text")]) from None
    try:
        return Document(text, value_of(text))
    except NotPlain:
        return Document(text, _read(text)[0])


def _read(text: str) -> tuple[Any, Places]:
    """The full reading. Raises YamlError with every fault found."""
    try:
        _bound_depth(text)
        node = yaml.compose(text, Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        hint = " (indent with spaces, not tabs)" if _at(text, line, column) == "\t" else ""
        if ": {{" in "".join(text.splitlines()[line - 1 : line]):
            hint = " (quote text that begins with {{)"
        fault = "nested too deeply" if error.problem == _TOO_DEEP else f"not YAML: {error.problem}{hint}"
        raise YamlError([(line, column, fault)]) from None
    except yaml.YAMLError as error:
        raise YamlError([(1, 1, f"not YAML: {str(error).splitlines()[0]}")]) from None
    reader = _Reader()
    value = None if node is None else reader.read(node, ())
    if reader.faults:
        raise YamlError(sorted(reader.faults))
    return value, reader.places


def _bound_depth(text: str) -> None:
    # libyaml composes by recursion, in C: too deep a document would end the process, not raise.
    depth = 0
    for event in yaml.parse(text, Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH:
            raise YamlError([(*_place(event), "nested too deeply")])


class _Reader:
    def __init__(self) -> None:
        self.places = Places()
        self.faults: list[tuple[int, int, str]] = []
        self._open: set[int] = set()
        self._count = 0

    def read(self, node: Any, path: Path) -> Any:
        self._count += 1
        if id(node) in self._open or self._count > LIMIT:
            reason = (
                "an alias that contains itself" if id(node) in self._open else "too large once its aliases are expanded"
            )
            raise YamlError([(*_place(node), reason)])
        self.places.values[path] = _place(node)
        if isinstance(node, yaml.ScalarNode):
            self.places.scalars[path, False] = node
            return self._scalar(node)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.read(item, (*path, number)) for number, item in enumerate(node.value)]
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_node, "a key must be plain text (quote text that begins with {{)")
                continue
            key = key_node.value
            if key == "<<" and not key_node.style:
                merged.update(self._merge(value_node, path))
                continue
            if key in found:
                self._fault(key_node, f"duplicate key {key!r}")
            self.places.keys[*path, key] = _place(key_node)
            self.places.scalars[(*path, key), True] = key_node
            found[key] = self.read(value_node, (*path, key))
        return {**merged, **found}

    def _merge(self, node: Any, path: Path) -> dict[str, Any]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in reversed(parts):
            if isinstance(part, yaml.MappingNode):
                merged.update(self.read(part, (*path, "<<")))
            else:
                self._fault(part, "<< takes a mapping, or a list of mappings")
        return merged

    def _scalar(self, node: Any) -> Any:
        text: str = node.value
        if node.tag not in _TAGS:
            self._fault(node, f"unknown tag {node.tag}: an expression that begins with ! goes after `>-`, or in quotes")
        return text if node.style else plain(text)  # with a style it is quoted, or a block

    def _fault(self, node: Any, message: str) -> None:
        self.faults.append((*_place(node), message))


_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_PROPERTIES = re.compile(r"(?:[&!]\S*(?:\s+|\Z)|#.*\s*)*")  # an anchor and a tag, before the text itself
_ESCAPE = re.compile(r"\\(?:x..|u.{4}|U.{8}|\r\n|.)", re.DOTALL)
_INVISIBLE = frozenset("tnrvfNLP_ \t\n\r\x85\u2028\u2029")  # after a backslash: they stand for a blank, or for nothing


def _visible(text: str, node: Any) -> Iterator[tuple[int, int]]:
    """Start and end in the source of each character of a scalar that is no blank.

    Styles differ in what they do to blanks and line ends. All else stands in the source as often as in the value,
    but for escapes, which are several characters for one.
    """
    at, end = _begin(text, node), node.end_mark.index
    while at < end:
        size, shown = 1, not text[at].isspace()
        if node.style == "'" and text[at] == "'":
            if text[at + 1 : at + 2] != "'":
                return
            size = 2
        elif node.style == '"' and text[at] == '"':
            return
        elif node.style == '"' and text[at] == "\\" and (escape := _ESCAPE.match(text, at)):
            size, shown = escape.end() - at, _stands_for_something(escape[0][1:])
        if shown:
            yield at, at + size
        at += size


def _begin(text: str, node: Any) -> int:
    match = _PROPERTIES.match(text, node.start_mark.index)
    start = match.end() if match and node.value else node.start_mark.index
    if node.style in ("|", ">"):  # the text begins below the header, which may have a comment
        header = _BREAK.search(text, start)
        return header.end() if header else len(text)
    return start + 1 if node.style else start


def _stands_for_something(escape: str) -> bool:
    if escape[0] in "xuU":
        return not chr(int(escape[1:], 16)).isspace()
    return escape[0] not in _INVISIBLE


def _line_and_column(text: str, index: int) -> Place:
    lines = _BREAK.split(text[:index])
    return len(lines), len(lines[-1]) + 1


def _at(text: str, line: int, column: int) -> str:
    return "".join(text.splitlines()[line - 1 : line])[column - 1 : column]


def _place(node: Any) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1
