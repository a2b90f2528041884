"""Evidence, messages and commands as Python that makes their bytes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from ...snapshot.format import encode, spelled
from ..language.parser import Expression
from ..language.paths import Path, begun, brief, get, label, reads
from ..language.template import Template
from ..model.policy import Assertion, Policy
from . import pyast, runtime
from .emitter import Emitter, Value
from .record_type import LineNeed

Pieces = list[ast.expr | bytes]  # of bytes: computed, or fixed


def joined(pieces: Sequence[ast.expr | bytes]) -> ast.expr:
    """Pieces as one."""
    merged: list[ast.expr] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if isinstance(piece, bytes) and isinstance(last, ast.Constant):
            merged[-1] = pyast.const(last.value + piece)  # type: ignore[operator]
        else:
            merged.append(pyast.const(piece) if isinstance(piece, bytes) else piece)
    return merged[0] if len(merged) == 1 else pyast.call(pyast.name("join"), pyast.tuple_(merged))


def encoded(text: ast.expr) -> ast.expr | bytes:
    return encode(text.value) if isinstance(text, ast.Constant) else pyast.call(pyast.name("encode"), text)


def evidence(emitter: Emitter, policy: Policy, expressions: Sequence[Expression], at: Value) -> Pieces:
    """What expressions read."""
    pieces: Pieces = [b"{"]
    for title, path in _paths(expressions, policy).items():
        if len(pieces) > 1:
            pieces.append(b",")
        pieces += [encode(title), b":", _seen(emitter, path, at)]
    return [*pieces, b"}"]


def evidence_of_failed(emitter: Emitter, policy: Policy, held: Sequence[ast.Name], at: Value) -> Pieces:
    """What the assertions read that do not hold."""
    if len(held) == 1:
        return evidence(emitter, policy, [policy.assertions[0].that], at)
    out = emitter.put(pyast.list_([]))
    for title, path in _paths([assertion.that for assertion in policy.assertions], policy).items():
        readers = [
            test
            for test, assertion in zip(held, policy.assertions, strict=True)
            if path in reads(assertion.that, policy.params)
        ]
        with emitter.block() as body:
            entry = joined([encode(title), b":", _seen(emitter, path, at)])
            body.append(pyast.do(pyast.call(pyast.attribute(out, "append"), entry)))
        emitter.body.append(pyast.when(pyast.negate(pyast.both(*readers)), body))
    return [b"{", pyast.call(pyast.attribute(pyast.const(b","), "join"), out), b"}"]


def messages(emitter: Emitter, policy: Policy, held: Sequence[ast.Name], at: Value) -> ast.expr:
    """What is wrong, of each assertion that does not hold."""
    if len(held) == 1:
        return _message(emitter, policy, policy.assertions[0], at)
    out = emitter.put(pyast.list_([]))
    for test, assertion in zip(held, policy.assertions, strict=True):
        with emitter.block() as body:
            words = _message(emitter, policy, assertion, at)
            body.append(pyast.do(pyast.call(pyast.attribute(out, "append"), words)))
        emitter.body.append(pyast.when(pyast.negate(test), body))
    return emitter.put(pyast.call(emitter.uses(runtime.sentence), out))


def _message(emitter: Emitter, policy: Policy, assertion: Assertion, at: Value) -> ast.expr:
    template = assertion.message or (None if policy.rollup else policy.message)
    return _text(emitter, template, at) if template else pyast.const(f"not so: {policy.title}")


def _text(emitter: Emitter, template: Template, at: Value) -> ast.expr:
    return _filled(emitter, template, at, _shown)


def command(emitter: Emitter, template: Template, at: Value) -> ast.expr:
    """A command, with values quoted for a shell."""
    return _filled(emitter, template, at, lambda emitter, found: pyast.call(emitter.uses(runtime.quoted), found.code))


def _shown(emitter: Emitter, found: Value) -> ast.expr:
    shown = pyast.call(emitter.uses(runtime.shown), found.code)
    return found.code if found.is_text else pyast.choose(pyast.is_a(found.code, "str"), found.code, shown)


def _filled(emitter: Emitter, template: Template, at: Value, show: Callable[[Emitter, Value], ast.expr]) -> ast.expr:
    parts: list[ast.expr] = []
    for part in template.parts:
        if isinstance(part, str):
            parts.append(pyast.const(part))
            continue
        found = emitter.atom(emitter.json(emitter.value(part.tree, at)))
        parts.append(pyast.FormattedValue(show(emitter, found), -1, None))
    if all(isinstance(part, ast.Constant) for part in parts):
        return pyast.const("".join(map(str, template.parts)))
    return emitter.put(pyast.JoinedStr(parts))


def worded(policy: Policy) -> Iterator[Expression]:
    """What the texts of a failure read; with a rollup, those of one resource."""
    texts = [assertion.message for assertion in policy.assertions]
    for template in texts if policy.rollup else (policy.message, policy.remediation_cli, *texts):
        if template:
            yield from template.expressions()


def _paths(expressions: Sequence[Expression], policy: Policy) -> dict[str, Path]:
    """What evidence shows: title → path, in order."""
    found = {spelled(label(path)): path for expression in expressions for path in reads(expression, policy.params)}
    return dict(sorted(found.items()))


def _seen(emitter: Emitter, path: Path, at: Value) -> ast.expr | bytes:
    variable, rest = begun(path)
    found = _at(emitter, emitter.variables[variable]() if variable else at, rest)
    fixed = emitter.known(found)
    if fixed is not ...:
        return encode(brief(fixed), ordered=False)
    return pyast.call(pyast.name("encode"), found.code)


def _at(emitter: Emitter, value: Value, path: Path) -> Value:
    """What a path leads to, as JSON; a joined resource is shown by its id."""
    while path and path[0] not in ("[]", "*") and (value.need is not None or emitter.known(value) is not ...):
        value, path = emitter.field(value, path[0]), path[1:]
    if isinstance(value.need, LineNeed) and not path:
        return emitter.field(value, "$id")
    rows = value.items if isinstance(value.items, LineNeed) else None
    listed = (value.need is not None or value.items is not None) and path[:1] == ("[]",)
    if listed or (rows and not path):
        base = emitter.atom(value)
        return Value(code=emitter.over(base, lambda item, add: add(_at(emitter, item, path[1:]).code)))
    return _below(emitter, emitter.json(value), path)


def _below(emitter: Emitter, value: Value, path: Path) -> Value:
    """What a path leads to below plain JSON, as `get` says it; the frequent steps without a call."""
    while path and path[0] not in ("[]", "*"):
        value, path = emitter.field(value, path[0]), path[1:]
    if not path:
        return value
    value = emitter.atom(value)
    other = pyast.call(emitter.uses(get), value.code, emitter.bind(path))
    if path[0] == "*":
        return Value(code=other)
    return Value(code=emitter.over(value, lambda item, add: add(_below(emitter, item, path[1:]).code), other))
