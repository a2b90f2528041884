"""The value of a YAML document that is in order, and nothing else: read in one pass, in a fraction of the time.

Most documents are in order, and nobody asks where their values stand. Whatever might be a fault, or is merely rare,
is left to the full reading of `yaml12`: it has the words and the places.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any, ClassVar

import yaml

DEPTH = 100
LIMIT = 100_000  # nodes of one document, aliases counted each time: a bomb ends here
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_NUMERIC = frozenset("+-.0123456789")  # what a number may begin with


class Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """PyYAML's parser. What plain text means is decided here, not there."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


class NotPlain(Exception):  # noqa: N818 - no error: the full reading says whether it is one
    """A document that only the full reading can evaluate."""


def plain(text: str) -> Any:
    """What text means that is neither quoted nor a block."""
    if text[:1] in _NUMERIC:
        return _number(text)
    lowered = text.lower()
    if lowered in _WORDS and text in (lowered, lowered.upper(), lowered.capitalize()):
        return _WORDS[lowered]
    return text


def _number(text: str) -> int | float | str:
    if _INTEGER.match(text):
        digits = text.lstrip("+-")
        return int(text) if (digits == "0" or not digits.startswith("0")) and len(text) < 300 else text
    return number if _FLOAT.match(text) and isfinite(number := float(text)) else text


def value_of(text: str) -> Any:
    """The value of a document. Aliases share it. Raises NotPlain."""
    try:
        return _Values(text).document()
    except yaml.YAMLError:
        raise NotPlain from None


class _Values:
    def __init__(self, text: str) -> None:
        self._next = Loader(text).get_event
        self._anchors: dict[str, tuple[Any, int]] = {}  # the value, and how many nodes it is
        self._count = 0
        self._depth = 0

    def document(self) -> Any:
        self._next()  # the stream begins
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        value = self._value(self._next())
        self._next()  # the document ends
        if not isinstance(self._next(), yaml.StreamEndEvent):
            raise NotPlain
        return value

    def _value(self, event: Any) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor)
        if event.tag is not None:
            raise NotPlain
        before = self._count
        self._add(1)
        if isinstance(event, yaml.ScalarEvent):
            value = event.value if event.style else plain(event.value)
        else:
            self._depth += 1
            if self._depth > DEPTH:
                raise NotPlain
            value = self._mapping() if isinstance(event, yaml.MappingStartEvent) else self._sequence()
            self._depth -= 1
        if event.anchor is not None:
            if event.anchor in self._anchors:
                raise NotPlain
            self._anchors[event.anchor] = value, self._count - before
        return value

    def _alias(self, anchor: str | None) -> Any:
        if anchor not in self._anchors:  # unknown, or still open: it would contain itself
            raise NotPlain
        value, count = self._anchors[anchor]
        self._add(count)
        return value

    def _add(self, nodes: int) -> None:
        self._count += nodes
        if self._count > LIMIT:
            raise NotPlain

    def _sequence(self) -> list[Any]:
        found = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            found.append(self._value(event))
        return found

    def _mapping(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(key := self._next(), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent) or key.tag is not None or key.anchor is not None:
                raise NotPlain
            value = self._value(self._next())
            if key.value == "<<" and not key.style:
                merged |= _merged(value)
            elif key.value in found:
                raise NotPlain
            else:
                found[key.value] = value
        return merged | found if merged else found


def _merged(value: Any) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in reversed(value if isinstance(value, list) else [value]):
        if not isinstance(part, dict):
            raise NotPlain
        merged |= part
    return merged
