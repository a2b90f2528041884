"""Texts with `{{ expression }}` in them: messages and remediation commands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from ...snapshot.model import Json
from ..errors import EvaluationError
from ..functions.budget import charge, charge_values
from ..functions.unknowns import unknown_in
from .interpret import Scope, evaluate
from .parser import Expression, parse

_CHARACTERS = 8  # for each step: it is written to every report


class Template(Struct, frozen=True):
    """Literal text and expressions in turn; `starts` has the character at which each expression begins."""

    parts: tuple[str | Expression, ...]
    starts: tuple[int, ...]

    def expressions(self) -> Iterator[Expression]:
        return (part for part in self.parts if isinstance(part, Expression))

    def holes(self) -> Iterator[tuple[int, Expression]]:
        """Each expression, and the character at which it begins."""
        return zip(self.starts, self.expressions(), strict=True)


def parse_template(text: str) -> Template:
    """Raises EvaluationError for an expression that does not parse or a hole that does not close."""
    parts: list[str | Expression] = []
    starts: list[int] = []
    end = 0
    while (opens := text.find("{{", end)) >= 0:  # a regular expression would look for each end from each blank
        closes = text.find("}}", opens + 2)
        if closes < 0:
            raise EvaluationError("a {{ without its }}").moved(opens)
        inner = text[opens + 2 : closes]
        start = closes - len(inner.lstrip())
        parts += [text[end:opens], _parsed(inner.strip(), start)]
        starts.append(start)
        end = closes + 2
    return Template((*parts, text[end:]), tuple(starts))


def _parsed(text: str, start: int) -> Expression:
    try:
        return parse(text)
    except EvaluationError as error:
        raise error.moved(start) from None


def render(template: Template, at: Json, scope: Scope, *, shell: bool = False) -> str:
    """Fill the holes. With `shell`, each value is quoted: names in a snapshot are not ours to trust."""
    parts = (part if isinstance(part, str) else _shown(part, at, scope, shell=shell) for part in template.parts)
    return "".join(map(_charged, parts))


def _charged(text: str) -> str:
    charge(len(text) // _CHARACTERS)
    return text


def _shown(expression: Expression, at: Json, scope: Scope, *, shell: bool) -> str:
    try:
        found = evaluate(expression, at, scope)
    except EvaluationError as error:
        found = f"({error})"
    charge_values(found)
    if unknown_in(found) is not None:
        text = "(unknown)"
    else:
        text = found if isinstance(found, str) else msgspec.json.encode(found, order="sorted").decode()
    return shlex.quote(text) if shell else text
