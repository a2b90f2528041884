"""Filter patterns of CloudWatch Logs for events that are JSON: what one says, and whether others say at least that.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html. Patterns are compared by what
they mean: order, spacing, quotes and parentheses do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from ..errors import EvaluationError

DEPTH = 50  # how deep parentheses may be nested

Field = tuple[str, ...]  # of `$.items[0].id`: items, [0], id


class Glob(Struct, frozen=True):
    """Text to compare with, in which `*` stands for any text."""

    text: str


class Regex(Struct, frozen=True):
    """A regular expression to find."""

    text: str


class Test(Struct, frozen=True):
    """A condition on one field: an operator and what it compares with; or EXISTS, NOT EXISTS, or IS with a word."""

    field: Field
    operator: str
    operand: Glob | Regex | float | str = ""


class Every(Struct, frozen=True):
    """All of these."""

    parts: tuple[Pattern, ...]


class Some(Struct, frozen=True):
    """At least one of these."""

    parts: tuple[Pattern, ...]


Pattern = Test | Every | Some


def tests_of(pattern: Pattern) -> Iterator[Test]:
    """All the tests in a pattern."""
    if isinstance(pattern, Test):
        yield pattern
    else:
        for part in pattern.parts:
            yield from tests_of(part)


def quoted(text: str) -> str:
    """A text as an operand."""
    return '"' + re.sub(r'(["\\\\])', r"\\\1", text) + '"'


def read_pattern(text: str) -> Pattern | None:
    """What a pattern says of an event that is JSON; None where it looks for words, or columns, and not for fields.

    Raises EvaluationError for a text in braces that is no pattern, or has more to it than we know. A pattern of
    nothing matches every event, and so does `Every` of nothing.
    """
    stripped = text.strip()
    if not stripped:
        return Every(())
    if not (stripped.startswith("{") and stripped.endswith("}")):
        return None
    reader = _Reader(_tokens(stripped[1:-1]), text)
    found = reader.some(0)
    reader.end()
    return found


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<sign>&&|\|\||[()]|[!<>]=|[=<>])
      | (?P<field>\$(?:\.[\w\-*:@]+|\.?\["[^"]*"\]|\.?\['[^']*'\]|\[(?:\d+|\*)\])+)
      | "(?P<quoted>(?:[^"\\]|\\.)*)"
      | %(?P<regex>(?:[^%\\]|\\.)+)%
      | (?P<word>[^\s()=!<>&|"%{}$]+)
    )""",
    re.VERBOSE | re.ASCII,
)
_STEP = re.compile(r"""\.?\["([^"]*)"\]|\.?\['([^']*)'\]|(\[[^\]]*\])|\.([\w\-*:@]+)""", re.ASCII)
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORDS = ("NULL", "TRUE", "FALSE")

Token = tuple[str, str]  # kind and text; the last is ("", "")


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise EvaluationError(f"no filter pattern: {{{text}}}")
        yield str(found.lastgroup), found.group(str(found.lastgroup))
        at = found.end()
    yield "", ""


class _Reader:
    """Reads tokens: `||` of `&&` of conditions and parentheses."""

    def __init__(self, tokens: Iterator[Token], text: str) -> None:
        self._tokens = list(tokens)
        self._text = text
        self._at = 0

    def end(self) -> None:
        if self._tokens[self._at][0]:
            raise self._fault()

    def some(self, depth: int) -> Pattern:
        return self._joined("||", Some, lambda: self._joined("&&", Every, lambda: self._one(depth)))

    def _joined(self, sign: str, kind: type[Every | Some], read: Callable[[], Pattern]) -> Pattern:
        parts = [read()]
        while self._tokens[self._at] == ("sign", sign):
            self._at += 1
            parts.append(read())
        flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else [part])]
        return flat[0] if len(flat) == 1 else kind(tuple(flat))

    def _one(self, depth: int) -> Pattern:
        if depth > DEPTH:
            raise self._fault()
        kind, text = self._next()
        if (kind, text) == ("sign", "("):
            found = self.some(depth + 1)
            if self._next() != ("sign", ")"):
                raise self._fault()
            return found
        if kind != "field":
            raise self._fault()
        return self._test(_field(text))

    def _test(self, field: Field) -> Test:
        kind, text = self._next()
        word = text.upper() if kind == "word" else ""
        if word == "EXISTS":
            return Test(field, word)
        if word == "NOT" and self._word() == "EXISTS":
            return Test(field, "NOT EXISTS")
        if word == "IS" and (named := self._word()) in _WORDS:
            return Test(field, "IS", named)
        if kind == "sign" and text in ("=", "!="):
            return Test(field, text, self._operand(*self._next()))
        if kind == "sign" and text in ("<", "<=", ">", ">="):
            operand = self._operand(*self._next())
            if isinstance(operand, float):
                return Test(field, text, operand)
        raise self._fault()

    def _operand(self, kind: str, text: str) -> Glob | Regex | float:
        if kind == "word" and NUMBER.fullmatch(text):
            return float(text)
        if kind == "quoted":
            return Glob(re.sub(r"\\(.)", r"\1", text))
        if kind == "regex":
            return Regex(text)
        if kind == "word":
            return Glob(text)
        raise self._fault()

    def _word(self) -> str:
        kind, text = self._next()
        return text.upper() if kind == "word" else ""

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _fault(self) -> EvaluationError:
        return EvaluationError(f"no filter pattern: {self._text}")


def _field(text: str) -> Field:
    return tuple(next(filter(None, step.groups()), "") for step in _STEP.finditer(text[1:]))
