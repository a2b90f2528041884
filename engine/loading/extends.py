"""Policies that extend another: what one does not say itself it takes from there, key by key, as text.

What is loaded is a whole document, which is evaluated, shown and remembered like any other. Its own lines keep their
numbers, and what is taken stands below them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from ..errors import Problem
from ..model.policy import Extends
from .several import SHARED, Anchors

_EXTENDS = re.compile(rb"^extends:[ \t]*([^\s#]+)", re.MULTILINE)
_ID = re.compile(rb"^\{?id:[ \t]*([^\s#,}]+)", re.MULTILINE)
_KEY = re.compile(r"(\w[\w-]*)[ \t]*:")
OWN = frozenset({"id", "title", "frameworks", "excuse", "tests"})  # what a policy says of itself, or not at all


def identity_of(data: bytes) -> str | None:
    """The id that a file gives itself, if it does."""
    found = _ID.search(data)
    return _text(found) if found else None


def _text(found: re.Match[bytes]) -> str:
    return found[1].decode(errors="replace").strip("'\"")


def extended(data: bytes) -> tuple[str, int] | None:
    """The id of the policy that a file extends, if it does, and the line that says so."""
    found = _EXTENDS.search(data)
    if not found:
        return None
    return _text(found), data.count(b"\n", 0, found.start()) + 1


def extend(data: bytes, base: bytes) -> tuple[bytes, Extends]:
    """A policy's file with all that it takes from another. Raises UnicodeDecodeError where one is no text."""
    named = extended(data)
    assert named  # noqa: S101 - the caller looked
    lines = _EXTENDS.sub(rb"# \g<0>", data, count=1).decode("utf-8-sig").rstrip("\n").split("\n")
    own = {key for key, _ in _blocks(lines)} | OWN
    others = [(key, block) for key, block in _blocks(base.decode("utf-8-sig").split("\n")) if key not in own]
    taken = [(key, block) for key, block in others if not key.startswith(SHARED)]
    shared = [(key, block) for key, block in others if key.startswith(SHARED)]
    anchors = Anchors({key: "\n".join(block) for key, block in shared})
    used = anchors.used("\n".join(line for _, block in taken for line in block))
    taken = [*((key, block) for key, block in shared if key in used), *taken]
    below = ["", f"# From {named[0]}:", *(line for _, block in taken for line in block), ""]
    extends = Extends(id=named[0], keys=frozenset(key for key, _ in taken), lines=len(lines), at=named[1])
    return "\n".join([*lines, *below]).encode(), extends


def keys_of(data: bytes) -> frozenset[str]:
    """The keys that stand in a policy's own file. Raises UnicodeDecodeError where it is no text."""
    return frozenset(key for key, _ in _blocks(data.decode("utf-8-sig").split("\n")))


def moved(problems: Sequence[Problem], extends: Extends) -> Iterator[Problem]:
    """Problems of what was taken, at the line that takes it."""
    for problem in problems:
        if problem.line <= extends.lines:
            yield problem
        else:
            message = f"in what it takes from {extends.id}: {problem.message}"
            yield replace(problem, line=extends.at, column=1, message=message, source=f"extends: {extends.id}")


def _blocks(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The keys at the left margin, each with its lines; comments and blank lines between them are no one's."""
    key, block = "", list[str]()
    for line in lines:
        found = _KEY.match(line)
        if found and key:
            yield key, _trimmed(block)
        if found:
            key, block = found.group(1), []
        block.append(line)
    if key:
        yield key, _trimmed(block)


def _trimmed(block: list[str]) -> list[str]:
    while block and (not block[-1].strip() or block[-1].startswith("#")):
        block.pop()
    return block
