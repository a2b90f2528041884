"""Policies that extend another: what one does not say itself it takes from there, key by key, as text.

What is loaded is a whole document, which is evaluated, shown and remembered like any other. Its own lines keep their
numbers, and what is taken stands below them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from ..errors import EvaluationError, Problem
from ..model.policy import Extends
from .several import SHARED, Anchors, aliases_in, anchors_in

_EXTENDS = re.compile(rb"""^(["']?)extends\1[ \t]*:[ \t]*(?P<id>[^\s#]+)""", re.MULTILINE)
_ID = re.compile(rb"""^(?:\{[ \t]*)?(["']?)id\1[ \t]*:[ \t]*(?P<id>[^\s#,}]+)""", re.MULTILINE)
_KEY = re.compile(r"""(["']?)(?P<key>\w[\w-]*|<<)\1[ \t]*:""")
_END = re.compile(rb"^\.\.\.(?=[ \t\r]*$)", re.MULTILINE)  # of a document, below which nothing can stand
_OTHERWISE = re.compile(r"^(?:\{|\? )", re.MULTILINE)  # keys that do not begin their lines
OWN = frozenset({"id", "title", "frameworks", "excuse", "tests"})  # what a policy says of itself, or not at all


def identity_of(data: bytes) -> str | None:
    """The id that a file gives itself, if it does."""
    found = _ID.search(data)
    return _text(found) if found else None


def _text(found: re.Match[bytes]) -> str:
    return found["id"].decode(errors="replace").strip("'\"")


def extended(data: bytes) -> tuple[str, int] | None:
    """The id of the policy that a file extends, if it does, and the line that says so."""
    found = _EXTENDS.search(data)
    if not found:
        return None
    return _text(found), data.count(b"\n", 0, found.start()) + 1


def extend(data: bytes, base: bytes) -> tuple[bytes, Extends]:
    """A policy's file with all that it takes from another.

    Raises UnicodeDecodeError where one is no text, EvaluationError where nothing can be taken, or means something else
    here.
    """
    named = extended(data)
    assert named  # noqa: S101 - the caller looked
    lines = _lines(_EXTENDS.sub(rb"# \g<0>", data, count=1).rstrip(b"\n"))
    there = [*_blocks(_lines(base))]
    if _OTHERWISE.search(base.decode("utf-8-sig")):
        raise EvaluationError(f"{named[0]} has keys that do not begin a line, as in {{id: …}}: write each on its own")
    own = {key: "\n".join(block) for key, block in _blocks(lines)}
    taken = [(key, block) for key, block in there if key not in own.keys() | OWN and not key.startswith(SHARED)]
    shared = {key: "\n".join(block) for key, block in there if key.startswith(SHARED)}
    text = "\n".join(line for _, block in taken for line in block)
    used = Anchors(shared).used(text)
    if clash := _clash(own, {key: "\n".join(block) for key, block in there}, used, text):
        raise EvaluationError(f"{clash} stands here and in {named[0]}, whose keys use it: give this one another name")
    taken = [*((key, block) for key, block in there if key in used - own.keys()), *taken]
    below = ["", f"# From {named[0]}:", *(line for _, block in taken for line in block), ""]
    keys = frozenset(key for key, _ in taken)
    extends = Extends(id=named[0], keys=keys, own=frozenset(own), lines=len(lines), at=named[1])
    return "\n".join([*lines, *below]).encode(), extends


def _lines(data: bytes) -> list[str]:
    return _END.sub(rb"# \g<0>", data).decode("utf-8-sig").split("\n")


def _clash(own: Mapping[str, str], there: Mapping[str, str], used: set[str], text: str) -> str:
    """What keys that are taken use, and would find otherwise among the policy's own: a key or an anchor."""
    for key in sorted((used | {"<<"}) & own.keys() & there.keys()):
        if own[key] != there[key]:
            return key
    for name in sorted(aliases_in("\n".join([text, *(there[key] for key in used)]))):
        here, base = ([each for each in blocks.values() if name in anchors_in(each)] for blocks in (own, there))
        if here and base and here != base:
            return f"the anchor &{name}"
    return ""


def keys_of(data: bytes) -> frozenset[str]:
    """The keys that stand in a policy's own file. Raises UnicodeDecodeError where it is no text."""
    return frozenset(key for key, _ in _blocks(_lines(data)))


_TAKEN = "in what it takes from {}: "
_TAKEN_FROM = re.compile(rf"({_TAKEN.format('[^:]*')})+")


def origin(problem: Problem) -> str:
    """What is wrong, whichever policy took it from another."""
    return _TAKEN_FROM.sub("", problem.message, count=1)


def moved(problems: Sequence[Problem], extends: Extends) -> Iterator[Problem]:
    """Problems of what was taken, at the line that takes it."""
    for problem in problems:
        if problem.line <= extends.lines:
            yield problem
        else:
            message = _TAKEN.format(extends.id) + problem.message
            yield replace(problem, line=extends.at, column=1, message=message, source=f"extends: {extends.id}")


def _blocks(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The keys at the left margin, each with its lines; comments and blank lines between them are no one's."""
    key, block = "", list[str]()
    for line in lines:
        found = _KEY.match(line)
        if found and key:
            yield key, _trimmed(block)
        if found:
            key, block = found["key"], []
        block.append(line)
    if key:
        yield key, _trimmed(block)


def _trimmed(block: list[str]) -> list[str]:
    while block and (not block[-1].strip() or block[-1].startswith("#")):
        block.pop()
    return block
