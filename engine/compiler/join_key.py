"""What lookups find rows by: a type, and the fields that are matched."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr, replace

from ...snapshot.catalog import load_catalog
from ...snapshot.format import is_plain
from ...snapshot.model import Lines, Resource
from ..functions.table import FUNCTIONS
from ..functions.unknowns import unknown_in
from ..judging.growth import LIGHT
from ..judging.joins import Matched, keys_of, row
from ..language.interpret import evaluate
from ..language.node import walk
from ..language.parser import Expression
from ..language.simplify import settled
from ..model.policy import Lookup, Policy
from . import pyast, runtime
from .emitter import TOO_MUCH, Emitter, Value
from .functions import LANGUAGE
from .kind_checks import Test
from .record_type import LineNeed, Scalar
from .runtime import NotPlain

_SURE = frozenset({"@.$account", "@.$region", "@.$id", "@.$name"})  # what of a row is known, whatever else is not
UNKNOWN = "unknown"  # the key of a row that may match anything; others are tuples

Row = Any  # a struct of the fields needed, or the whole Resource where it is not plain


class Target(Struct, frozen=True, kw_only=True):
    """The rows of a type, by `theirs`."""

    source: str
    theirs: tuple[Expression, ...]
    spread: int | None = None  # which of these is a list, of whose items any may be the equal one
    name: str = ""  # made once: each account is asked by it

    def __post_init__(self) -> None:
        name = msgspec.json.encode([self.source, self.spread, *(each.text for each in self.theirs)]).decode()
        force_setattr(self, "name", name)

    @property
    def timed(self) -> bool:
        """Whether what rows are found by changes with time alone."""
        nodes = (node for expression in self.theirs for node in walk(expression.tree))
        return any(node.type == "function_expression" and FUNCTIONS[node.value].timed for node in nodes)

    def elsewhere(self, key: Hashable, accounts: Collection[str]) -> bool:
        """Whether a key names an account that is not among these."""
        texts = [each.text for each in self.theirs]
        return isinstance(key, tuple) and any(
            text == "@.$account" and value not in accounts for text, value in zip(texts, key, strict=False)
        )

    def owner(self) -> int | None:
        """Which part of a key is the account that the row is in, if any is and no other part can be unknown."""
        texts = [each.text for each in self.theirs]
        sure = self.spread is None and _SURE.issuperset(texts)
        return texts.index("@.$account") if "@.$account" in texts and sure else None


def looked_up(policy: Policy) -> list[Lookup]:
    """The lookups of a policy that its parameters do not turn off."""
    conditions = [assertion.that for assertion in policy.assertions] + ([policy.where] if policy.where else [])
    texts = (policy.message, policy.remediation_cli, *(assertion.message for assertion in policy.assertions))
    waiting = [*conditions, *(each for text in texts if text for each in text.expressions())]
    found: dict[str, Lookup] = {}
    for expression in waiting:
        for name in sorted(_named(expression, policy) & policy.lookups.keys() - found.keys()):
            lookup = found[name] = policy.lookups[name]
            waiting += [*lookup.ours, *([lookup.where] if lookup.where else [])]
    return list(found.values())


def _named(expression: Expression, policy: Policy) -> frozenset[str]:
    tree = settled(expression, policy.params)
    return frozenset(each.value for each in walk(tree) if each.type == "variable")


def target_of(lookup: Lookup) -> Target:
    return Target(source=lookup.source, theirs=lookup.theirs, spread=lookup.spread)


class Decoder(Struct, frozen=True, kw_only=True):
    """How the lines of one type are read: those that `decode` refuses, or that are `flawed`, are not plain."""

    decode: Callable[[bytes | memoryview], Any]
    several: Callable[[bytes | memoryview], list[Any]]
    scalars: Decoder | None  # the same, refusing more: nothing it gives can hold a marker
    flawed: Test | None
    names: Callable[[Any], bool]

    def read(self, line: bytes | memoryview) -> Any:
        """The struct of a line. Raises an exception where it is not plain."""
        found = self.decode(line)
        if self.flawed and self.flawed([found.config]):
            raise NotPlain
        return found

    def row(self, line: bytes | memoryview, parse: Callable[[], Resource]) -> Row:
        try:
            return self.read(line) if len(line) <= LIGHT else parse()
        except Exception:  # whatever it is, the exact path says it
            return parse()

    def together(self, data: bytes | memoryview) -> list[Any] | None:
        """The structs of some lines; None where not all of them are plain."""
        try:
            found = self.several(data)
            return None if self.flawed and self.flawed([each.config for each in found]) else found
        except Exception:  # each alone says what it is
            return None

    def for_lines(self, lines: Lines) -> Decoder:
        """The same for lines of which some are not plain."""
        return self if lines.plain else self.careful(utf8=lines.utf8)

    def careful(self, *, utf8: bool = False) -> Decoder:
        """The same, refusing lines of which what is decoded is not plain."""
        decode, scalars, names = self.decode, self.scalars, self.names
        assert scalars  # noqa: S101 - who is careful was not before

        def plain_(line: bytes | memoryview) -> Any:
            if utf8:
                with suppress(msgspec.ValidationError):
                    return scalars.decode(line)
            data = bytes(line)
            if not utf8:
                data.decode()  # what is skipped need not be text for the decoder
            found = decode(data)
            if not is_plain(data) and names(found):
                raise NotPlain
            return found

        return replace(self, decode=plain_, several=scalars.several if utf8 else _never)


def _never(*_: Any) -> Any:
    raise NotPlain


def decoder(need: LineNeed) -> Decoder:
    """The decoder of what is needed."""
    spec = load_catalog().get(need.resource)
    always, names = spec.always if spec else (), need.naming()
    any_, scalars = (msgspec.json.Decoder(need.line(always, leaf)) for leaf in (Any, Scalar))
    flawed = need.config.flawed()
    narrow = Decoder(decode=scalars.decode, several=scalars.decode_lines, scalars=None, flawed=flawed, names=names)
    return Decoder(decode=any_.decode, several=any_.decode_lines, scalars=narrow, flawed=flawed, names=names)


def key_reader(target: Target) -> tuple[Decoder, Callable[[Row, str], Any]]:
    """Reads no more of a line than what `on_row` gives of it."""
    return _key_reader(target, load_catalog().own_data)


@cache
def _key_reader(target: Target, _types: bytes) -> tuple[Decoder, Callable[[Row, str], Any]]:
    need = LineNeed(target.source)
    try:
        on_row(need, target.theirs, target.spread, recording=True)
        theirs = on_row(need, target.theirs, target.spread, recording=False)
    except TOO_MUCH:
        return decoder(LineNeed(target.source)), _never
    return decoder(need), theirs


def key(emitter: Emitter, values: Sequence[ast.expr]) -> ast.expr:
    """The key that values make; the frequent ones without a call."""
    if not values:
        return pyast.tuple_([])
    values = [emitter.put(value) for value in values]
    made = pyast.call(emitter.uses(runtime.key), pyast.tuple_(values))
    return pyast.choose(pyast.both(*(pyast.is_a(value, "str") for value in values)), pyast.tuple_(values), made)


def exact_keys(resource: Resource, by: Matched, snapshot_time: str) -> Sequence[Hashable]:
    """The keys of a row that is not plain, or UNKNOWN alone. Raises EvaluationError."""
    scope = {"snapshot_time": snapshot_time}
    values = [evaluate(expression, row(resource), scope) for expression in by.theirs]
    return [UNKNOWN] if unknown_in(values) is not None else keys_of(values, by.spread)


def on_row(
    need: LineNeed,
    expressions: Sequence[Expression],
    spread: int | None = None,
    *,
    recording: bool,
    condition: bool = False,
    variables: Mapping[str, Callable[[], Value]] | None = None,
    namespace: dict[str, object] | None = None,
) -> Callable[[Row, str], Any]:
    """A function of a row and the snapshot's time: its key, or None, or with `spread` a list of keys; or whether one
    `condition` holds for it."""
    emitter = Emitter(
        root=need, namespace={} if namespace is None else namespace, recording=recording, language=LANGUAGE
    )
    time = Value(code=pyast.name("snapshot_time"), is_text=True)
    emitter.variables = {"snapshot_time": lambda: time, **(variables or {})}
    at = Value(code=pyast.name("r"), need=need, never_null=True)
    if condition:
        result = emitter.truth(expressions[0].tree, at)
    else:
        values = [emitter.json(emitter.value(expression.tree, at)).code for expression in expressions]
        spread_out = (emitter.uses(keys_of), pyast.tuple_(values), pyast.const(spread))
        result = key(emitter, values) if spread is None else pyast.call(*spread_out)
    if recording:
        return lambda *_: None
    emitter.body.append(pyast.give(result))
    definition = pyast.define("row", ("r", "snapshot_time"), emitter.body)
    return pyast.compiled(definition, dict(emitter.namespace))
