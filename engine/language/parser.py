"""Parse expressions: JMESPath as jmespath.py parses it, plus `$variables` (JEP-18 reference syntax).

`$name` is a variable; after a dot, as in `$bucket.$account`, it names what a joined resource is rather than
how it is configured: `$account`, `$region`, `$id`, `$name`, `$tags`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from math import isfinite
from typing import Any

from jmespath.exceptions import IncompleteExpressionError, JMESPathError, LexerError, ParseError
from jmespath.lexer import Lexer
from jmespath.parser import Parser
from msgspec import Struct

from ...snapshot.format import DEPTH, TOO_DEEP, too_deep
from ..errors import EvaluationError
from ..functions.table import FUNCTIONS
from ..suggest import suggest
from .node import Node, walk
from .slips import advice

LONGEST = 50_000  # characters: parsing takes several times over each
_Written = dict[str, Any]  # jmespath.ast: {"type", "children", "value"}, and where it stands: {"start", "end"}


class Expression(Struct, frozen=True, eq=False):
    """A parsed expression. Equal text, with equal `lets`, has the same tree. That of one that is `watched` is not for
    the others."""

    text: str
    tree: Node
    watched: bool = False
    lets: tuple[tuple[str, Expression], ...] = ()  # what its names stand for

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and (self.text, self.lets) == (other.text, other.lets)

    def __hash__(self) -> int:
        return hash((self.text, self.lets))

    def variables(self, *, through: bool = True) -> frozenset[str]:
        """The variables that it reads; where it is not `through` its names, those that are written in it."""
        nodes = walk(self.tree, into_lets=through)
        return frozenset(node.value for node in nodes if node.type in ("variable", "let"))


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Parse an expression. Raises EvaluationError: not JMESPath, or a function that is unknown or misused."""
    if len(text) > LONGEST:
        raise EvaluationError(f"the expression is longer than {LONGEST:,} characters")
    try:
        tree = _Parser().parse(text).parsed
    except JMESPathError as error:
        at = _character(error, text)
        said = _first_line(error)
        told = advice(text, at) if said.startswith(_OF_THE_GRAMMAR) else ""
        raise EvaluationError(f"not JMESPath: {told or said}").moved(at) from None
    _bound_depth(tree)
    for node in _walk({"type": "root", "children": [tree]}):
        try:
            _check(node)
            _check_value(node.get("value"))
        except EvaluationError as error:
            raise error.moved(node.get("start", 0)) from None
    return Expression(text, _node(tree))


def check_variables(expression: Expression, allowed: Collection[str], start: int = 0) -> None:
    """Raise EvaluationError for a `$variable` that is not in `allowed`, in a text where the expression starts."""
    for node in walk(expression.tree):
        if node.type == "variable" and node.value not in allowed:
            unknown = f"unknown variable ${node.value}{suggest(node.value, allowed, '$')}"
            raise EvaluationError(unknown).moved(start + node.start)
        if node.type == "chain" and (node.children[0].type, node.children[0].value) == ("variable", "self"):
            step = node.children[1]
            if step.type == "field" and step.value.startswith("$"):
                raise EvaluationError(f"write {step.value}, without $self").moved(start + node.start)


# What says the same has one name: whoever walks over expressions has no use for how it was written.
_NAMES = {"identity": "current", "index_expression": "chain", "pipe": "chain", "subexpression": "chain"}


def _node(written: _Written) -> Node:
    """A node as all know it."""
    kind: str = written["type"]
    children, value = written["children"], written.get("value")
    if kind == "slice":
        children, value = [], tuple(children)
    below = tuple(map(_node, children))
    start: int = written.get("start", min((each.start for each in below), default=0))
    end: int = written.get("end", start)
    return Node(_NAMES.get(kind, kind), below, value, start, end)


def _walk(node: Any) -> Iterator[_Written]:
    yield node
    for child in node["children"]:
        if isinstance(child, dict):  # a slice's children are numbers
            yield from _walk(child)


def _bound_depth(tree: _Written) -> None:
    """Raise EvaluationError for a tree that is too deep: whoever walks it has a stack that ends."""
    level = [tree]
    for _ in range(DEPTH):
        level = [child for node in level for child in node["children"] if isinstance(child, dict)]
        if not level:
            return
    raise _too_deep(level[0].get("start", 0))


def _too_deep(at: int) -> EvaluationError:
    return EvaluationError(f"the expression is {TOO_DEEP}").moved(at)


_OF_THE_GRAMMAR = ("Expecting", "Unexpected", "Unknown", "invalid token")  # what jmespath says, which helps nobody
_DIGITS = 15  # of a place in a list
_LONG = re.compile(r"[0-9]{4000}")
_WORDS = frozenset({"true", "false", "null"})
_AFTER_NOT = frozenset({"subexpression", "value_projection", "filter_projection", "flatten"})


class _Lexer(Lexer):  # type: ignore[misc]  # jmespath is untyped
    START_IDENTIFIER = Lexer.START_IDENTIFIER | {"$"}

    def _consume_number(self) -> str:
        start, number = self._position, str(super()._consume_number())
        if len(number) > _DIGITS:
            raise LexerError(lexer_position=start, lexer_value=number, message="no list is that long")
        return number

    def _consume_until(self, delimiter: str) -> str:
        start, found = self._position, str(super()._consume_until(delimiter))
        if delimiter == "`":
            deep, long = too_deep(found.encode(errors="replace")), _LONG.search(found)  # which would pass for text
            fault = TOO_DEEP if deep else "a number of too many digits" if long else ""
            if fault:
                raise LexerError(lexer_position=start, lexer_value=found, message=fault)
        return found


class _Parser(Parser):  # type: ignore[misc]
    _CACHE: dict[str, Any] = {}  # noqa: RUF012 - jmespath's own cache must not see our grammar

    def _parse(self, expression: str) -> Any:
        # As in the parent, with our lexer.
        self._text = expression
        self._tokens = list(_Lexer().tokenize(expression))
        self._index = self._depth = 0
        tree = self._expression(binding_power=0)
        if self._current_token() != "eof":
            token = self._lookahead_token(0)
            raise ParseError(token["start"], token["value"], token["type"], f"Unexpected token: {token['value']}")
        return _Parsed(tree)

    def _expression(self, binding_power: int = 0) -> _Written:
        # As in the parent, noting where each node stands. A node in parentheses stands between them.
        token = self._lookahead_token(0)
        self._depth += 1
        if self._depth > DEPTH:
            raise _too_deep(token["start"])
        self._advance()
        nud: Any = getattr(self, f"_token_nud_{token['type']}", self._error_nud_token)
        left: _Written = nud(token)
        if token["type"] != "lparen":
            self._place(left, token["start"])
        while binding_power < self.BINDING_POWER[self._current_token()]:
            led: Any = getattr(self, f"_token_led_{self._current_token()}", None)
            if led is None:
                self._error_led_token(self._lookahead_token(0))
            self._advance()
            left = led(left)
            self._place(left, token["start"])
        self._depth -= 1
        return left

    def _place(self, node: _Written, start: int) -> None:
        # The lexer's own "end" is wrong for literals: the text ends where the next token begins.
        end = self._lookahead_token(0)["start"]
        node["start"], node["end"] = start, len(self._text[:end].rstrip())

    def _token_nud_unquoted_identifier(self, token: dict[str, Any]) -> _Written:
        name: str = token["value"]
        after_dot = self._index > 1 and self._tokens[self._index - 2]["type"] == "dot"
        if name in _WORDS and not after_dot:
            raise ParseError(token["start"], name, token["type"], f"a field named {name}: write `{name}`")
        if name == "$":
            raise ParseError(token["start"], name, token["type"], "a variable needs a name after $")
        if name.startswith("$") and not after_dot:
            return {"type": "variable", "children": [], "value": name[1:]}
        return {"type": "field", "children": [], "value": name}


class _Parsed(Struct, frozen=True):
    parsed: _Written


def _check(node: _Written) -> None:
    if node["type"] == "function_expression":
        _check_call(node["value"], node["children"])
    elif any(isinstance(child, dict) and child["type"] == "expref" for child in node["children"]):
        raise EvaluationError("an &expression is an argument, as in any(list, &expression), and nothing else")
    if node["type"] in _AFTER_NOT and node["children"][0]["type"] == "not_expression":
        # JMESPath reads !a.b as (!a).b, which is always null; likewise !a[?b] and !a[].
        raise EvaluationError("! takes only the name that follows it: write !(a.b)")
    if node["type"] == "key_val_pair" and node["value"].startswith("$"):
        raise EvaluationError(f"{node['value']} cannot be the key of an object")
    if node["type"] == "slice" and node["children"][2] == 0:
        raise EvaluationError("the step of a slice cannot be 0")


def _check_call(name: str, arguments: list[_Written]) -> None:
    function, given = FUNCTIONS.get(name), len(arguments)
    if function is None:
        raise EvaluationError(f"unknown function {name}(){suggest(name, FUNCTIONS)}")
    least, most = function.least, function.most
    if given < least or (most is not None and given > most):
        wanted = str(least) if most == least else f"at least {least}" if most is None else f"{least} to {most}"
        raise EvaluationError(f"{name}() takes {wanted} argument{'s' * (wanted != '1')}, not {given}")
    for position, child in enumerate(arguments):
        argument = function.argument(position)
        if argument.is_expression is not (child["type"] == "expref"):
            raise EvaluationError(f"{name}() takes {'an' if argument.is_expression else 'no'} &expression here")
        if child["type"] == "literal" and argument.check:
            argument.check(child["value"])  # if it can never be right, the policy is wrong, not the data


def _check_value(value: Any) -> None:
    """Raise EvaluationError for a name or a literal that no JSON has."""
    match value:
        case str():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise EvaluationError("half of a surrogate pair is no text") from None
        case float() if not isfinite(value):
            raise EvaluationError("a number that is not finite")
        case list():
            for item in value:
                _check_value(item)
        case dict():
            for item in (*value, *value.values()):
                _check_value(item)
        case _:
            pass


def _first_line(error: JMESPathError) -> str:
    if not isinstance(error, ParseError):
        return str(error).splitlines()[0]
    ends = isinstance(error, IncompleteExpressionError)
    said = error.message if isinstance(error, LexerError) else error.msg
    return "something is missing at the end" if ends else str(said)


def _character(error: JMESPathError, text: str) -> int:
    position = error.lex_position if isinstance(error, ParseError) else getattr(error, "lexer_position", None) or 0
    return min(int(position), len(text))
