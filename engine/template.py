"""Texts with `{{ expression }}` in them: messages and remediation commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from ..snapshot.model import Json
from .errors import EvaluationError
from .expression import Expression, parse
from .functions import unknown_in
from .interpret import Scope, evaluate

_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Template:
    """Literal text and expressions in turn."""

    parts: tuple[str | Expression, ...]

    def expressions(self) -> Iterator[Expression]:
        return (part for part in self.parts if isinstance(part, Expression))


def parse_template(text: str) -> Template:
    """Raises EvaluationError for an expression that does not parse or a hole that does not close."""
    pieces = _HOLE.split(text)
    if any("{{" in piece for piece in pieces[::2]):
        raise EvaluationError("a {{ without its }}")
    return Template(tuple(parse(piece.strip()) if number % 2 else piece for number, piece in enumerate(pieces)))


def render(template: Template, at: Json, scope: Scope, *, shell: bool = False) -> str:
    """Fill the holes. With `shell`, each value is quoted: names in a snapshot are not ours to trust."""
    return "".join(part if isinstance(part, str) else _shown(part, at, scope, shell=shell) for part in template.parts)


def _shown(expression: Expression, at: Json, scope: Scope, *, shell: bool) -> str:
    try:
        found = evaluate(expression, at, scope)
    except EvaluationError as error:
        found = f"({error})"
    if unknown_in(found) is not None:
        text = "(unknown)"
    else:
        text = found if isinstance(found, str) else msgspec.json.encode(found, order="sorted").decode()
    return shlex.quote(text) if shell else text
