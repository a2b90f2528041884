"""Write the function of a program: policies on one resource type as Python."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

from ...snapshot.format import encode
from ..expression import Expression, walk
from ..model import Assertion, Lookup, Policy, Status, policy_mark
from ..reads import Path, brief, get, label, reads
from ..settle import settled
from ..template import Template
from . import code, plain
from .calls import LANGUAGE
from .emit import Emitter, Unsupported, Value
from .needs import LineNeed
from .program import STATUSES, Join, Program
from .target import on_row

TOO_MUCH = (Unsupported, RecursionError, ValueError, SyntaxError, MemoryError)
_FIXED = frozenset({"params", "snapshot_time"})
_PARAMETERS = ("lines", "decode", "lacks", "account", "snapshot_time", "heads", "adds", "finds", "exact", "disorder")


def write_programs(
    policies: Sequence[Policy], written: Collection[Status]
) -> tuple[dict[str, Program], dict[str, LineNeed]]:
    """A program for each type that is judged, and what of each type is needed."""
    needs: dict[str, LineNeed] = {}
    for policy in policies:
        for kind in (policy.resource, *(lookup.source for lookup in policy.lookups.values())):
            needs.setdefault(kind, LineNeed(kind))
    kinds = sorted({policy.resource for policy in policies})
    programs = {
        kind: Program(
            kind=kind, policies=[each for each in policies if each.resource == kind], needs=needs, written=written
        )
        for kind in kinds
    }
    noted = {kind: _Writer(program, recording=True) for kind, program in programs.items()}
    for writer in noted.values():
        writer.write()
    for kind, program in programs.items():
        _Writer(program, recording=False, noted=noted[kind].emitter).compile()
    return programs, needs


class _Writer:
    """Writes the function of a program. The first time it only notes what is needed."""

    def __init__(self, program: Program, *, recording: bool, noted: Emitter | None = None) -> None:
        self.program = program
        self.emitter = Emitter(
            root=program.needs[program.kind],
            namespace={"unset": object(), "encode": plain.encode, "join": b"".join, "sha256": hashlib.sha256},
            recording=recording,
            language=LANGUAGE,
        )
        if noted:
            self.emitter.counts = noted.counts
        self.rows: dict[str, Callable[[], Value]] = {}

    # The whole

    def write(self) -> list[ast.stmt]:
        """The judging of one record."""
        emitter, blocks = self.emitter, []
        for number, policy in enumerate(self.program.policies):
            joins, needed = len(self.program.joins), policy.id not in self.program.exact
            try:
                if not needed:
                    raise Unsupported(policy.id)
                with emitter.block() as body:
                    self._policy(number, policy)
            except TOO_MUCH:
                self.program.exact.add(policy.id)
                del self.program.joins[joins:]
                blocks.append(code.do(code.call(code.name("exact"), code.name("n"), code.const(number))))
                continue
            blocks.append(code.attempt(body, [self._give_up(number)]))
        return blocks

    def compile(self) -> None:
        self.program.joins.clear()
        blocks = self.write()
        emitter = self.emitter
        head: list[ast.stmt] = [
            _unpack([f"a{number}" for number in range(len(self.program.policies))], "adds"),
            _unpack([f"h{number}" for number in range(len(self.program.policies) * len(STATUSES))], "heads"),
            *(code.assign(self._count(number), code.const(0)) for number in self._counts()),
            _unpack([f"find{number}" for number in range(len(self.program.joins))], "finds"),
            *ast.parse('n = -1\nlast = ("", "")\nregion = None').body,
        ]
        begin = ast.parse(_BEGIN % {"type": self.program.kind}).body if blocks else []
        loop = begin[0]
        assert isinstance(loop, ast.For)  # noqa: S101
        attempt = next(each for each in loop.body if isinstance(each, ast.Try))
        attempt.body += [*self._places(), *(code.assign(kept, code.name("unset")) for kept in emitter.shared.values())]
        loop.body += blocks
        counts = code.give(code.tuple_([self._count(number) for number in self._counts()]))
        definition = code.define("judge", _PARAMETERS, [*head, loop, counts])
        self.program.begins = [
            b'{"policy":%b,"status":%b,"severity":%b,"account":'
            % tuple(map(encode, (policy.id, status.value, policy.severity.value)))
            for policy in self.program.policies
            for status in STATUSES
        ]
        self.program.run = code.compiled(definition, emitter.namespace)

    def _places(self) -> Iterator[ast.stmt]:
        """Local variables for the places that fields alone lead to."""
        wanted = self.emitter.locals

        def below(need: Any, holder: ast.Name, *, null: bool) -> Iterator[ast.stmt]:
            for child in need.fields.values():
                inner = list(below(child, code.name(wanted.get(id(child), f"w{id(child)}")), null=True))
                if id(child) not in wanted and not inner:
                    continue
                target = code.name(wanted.get(id(child), f"w{id(child)}"))
                found = code.attribute(holder, child.label)
                yield code.assign(target, code.choose(code.is_(holder, code.NONE), code.NONE, found) if null else found)
                yield from inner

        yield from below(self.emitter.root.config, code.name("c"), null=False)

    def _counts(self) -> range:
        return range(len(self.program.policies) * len(STATUSES))

    def _count(self, number: int) -> ast.Name:
        return code.name(f"n{number}")

    def _give_up(self, number: int) -> ast.stmt:
        return code.do(code.call(code.name("exact"), code.name("n"), code.const(number)))

    # One policy

    def _policy(self, number: int, policy: Policy) -> None:
        emitter, at = self.emitter, self.emitter.config()
        emitter.variables = self._variables(policy)
        self.bound: set[str] = set()
        if policy.where is None:
            self._asserted(number, policy, at)
            return
        self._bind(policy, [policy.where])
        test = emitter.truth(settled(policy.where, policy.params), at)
        with emitter.block() as applies:
            self._asserted(number, policy, at)
        with emitter.block() as not_applicable:
            if self._is_written(number, policy, Status.NOT_APPLICABLE):
                seen = self._evidence([policy.where], at)
                self._found(number, policy, Status.NOT_APPLICABLE, code.const(""), seen)
        emitter.body.append(code.when(test, applies, not_applicable))

    def _asserted(self, number: int, policy: Policy, at: Value) -> None:
        emitter = self.emitter
        self._bind(policy, [assertion.that for assertion in policy.assertions])
        held = [
            emitter.put(emitter.truth(settled(assertion.that, policy.params), at)) for assertion in policy.assertions
        ]
        everything = [assertion.that for assertion in policy.assertions]
        with emitter.block() as passes:
            if self._is_written(number, policy, Status.PASS):
                self._found(number, policy, Status.PASS, code.const(policy.title), self._evidence(everything, at))
        with emitter.block() as fails:
            if not self._is_written(number, policy, Status.FAIL):
                raise Unsupported("failures that nobody wants")
            self._bind_more(_worded(policy))
            message = self._messages(policy, held, at)
            single = len(held) == 1
            seen = self._evidence(everything, at) if single else self._evidence_of_failed(policy, held, at)
            self._found(number, policy, Status.FAIL, message, seen, at)
        emitter.body.append(code.when(code.both(*held) if len(held) > 1 else held[0], passes, fails))

    def _is_written(self, number: int, policy: Policy, status: Status) -> bool:
        """Whether a finding is wanted; if not, it is counted."""
        if policy.rollup or status in self.program.written:
            return True
        count = self._count(number * len(STATUSES) + STATUSES.index(status))
        self.emitter.body.append(ast.AugAssign(ast.Name(count.id, ast.Store()), ast.Add(), code.const(1)))
        return False

    def _messages(self, policy: Policy, held: Sequence[ast.Name], at: Value) -> ast.expr:
        emitter = self.emitter
        texts = [self._message(policy, assertion, at) for assertion in policy.assertions] if len(held) == 1 else []
        if texts:
            return texts[0]
        out = emitter.put(code.list_([]))
        for test, assertion in zip(held, policy.assertions, strict=True):
            with emitter.block() as body:
                text = self._message(policy, assertion, at)
                body.append(code.do(code.call(code.attribute(out, "append"), text)))
            emitter.body.append(code.when(code.negate(test), body))
        return emitter.put(code.call(emitter.uses(plain.sentence), out))

    def _message(self, policy: Policy, assertion: Assertion, at: Value) -> ast.expr:
        template = assertion.message or (None if policy.rollup else policy.message)
        return self._text(template, at) if template else code.const(f"not so: {policy.title}")

    def _text(self, template: Template, at: Value, shell: bool = False) -> ast.expr:
        show = self.emitter.uses(plain.quoted if shell else plain.shown)
        parts: list[ast.expr] = []
        for part in template.parts:
            if isinstance(part, str):
                parts.append(code.const(part))
            else:
                found = self.emitter.atom(self.emitter.json(self.emitter.value(part.tree, at)))
                shown = code.call(show, found.code)
                if not shell:
                    shown = (
                        found.code if found.is_text else code.choose(code.is_a(found.code, "str"), found.code, shown)
                    )
                parts.append(ast.FormattedValue(shown, -1, None))
        return self.emitter.put(ast.JoinedStr(parts))

    def _found(
        self,
        number: int,
        policy: Policy,
        status: Status,
        message: ast.expr,
        evidence: list[ast.expr | bytes],
        at: Value | None = None,
    ) -> None:
        """Add a finding; with a rollup, what it will fold."""
        emitter, add = self.emitter, code.name(f"a{number}")
        if policy.rollup and status is Status.NOT_APPLICABLE:
            return
        if policy.rollup:
            place = code.name("region"), code.attribute(code.name("r"), "id")
            item = code.tuple_([code.name("n"), *place, code.const(status.value), message, _joined(evidence)])
            emitter.body.append(code.do(code.call(add, item)))
            return
        words: ast.expr | bytes = (
            encode(message.value) if isinstance(message, ast.Constant) else code.call(code.name("encode"), message)
        )
        cli: ast.expr | bytes = b"null"
        if policy.remediation_cli and status is Status.FAIL and at:
            cli = code.call(code.name("encode"), self._text(policy.remediation_cli, at, shell=True))
        emitter.body.append(code.when(code.is_(code.name("identity"), code.NONE), ast.parse(_IDENTITY).body))
        pieces = [
            code.name(f"h{number * len(STATUSES) + STATUSES.index(status)}"),
            code.name("identity"),
            policy_mark(policy.id).encode() + b'","message":',
            words,
            b',"evidence":',
            *evidence,
            b',"remediation":',
            cli,
            b',"waiver":null}\n',
        ]
        emitter.body.append(code.do(code.call(add, _joined(pieces))))

    # Evidence

    def _evidence(self, expressions: Sequence[Expression], at: Value) -> list[ast.expr | bytes]:
        pieces: list[ast.expr | bytes] = [b"{"]
        for title, path in _paths(expressions, self.policy).items():
            if len(pieces) > 1:
                pieces.append(b",")
            pieces += [encode(title), b":", self._seen(path, at)]
        return [*pieces, b"}"]

    def _evidence_of_failed(self, policy: Policy, held: Sequence[ast.Name], at: Value) -> list[ast.expr | bytes]:
        """Only of the assertions that do not hold."""
        emitter = self.emitter
        out = emitter.put(code.list_([]))
        for title, path in _paths([assertion.that for assertion in policy.assertions], policy).items():
            readers = [
                test
                for test, assertion in zip(held, policy.assertions, strict=True)
                if path in reads(assertion.that, policy.params)
            ]
            with emitter.block() as body:
                entry = _joined([encode(title), b":", self._seen(path, at)])
                body.append(code.do(code.call(code.attribute(out, "append"), entry)))
            test = code.both(*readers) if len(readers) > 1 else readers[0]
            emitter.body.append(code.when(code.negate(test), body))
        return [b"{", code.call(code.attribute(code.const(b","), "join"), out), b"}"]

    def _seen(self, path: Path, at: Value) -> ast.expr | bytes:
        emitter = self.emitter
        variable = path[0].startswith("$")
        found = self._at(emitter.variables[path[0][1:]](), path[1:]) if variable else self._at(at, path)
        fixed = emitter.known(found)
        if fixed is not ...:
            return encode(brief(fixed), ordered=False)
        return code.call(code.name("encode"), found.code)

    def _at(self, value: Value, path: Path) -> Value:
        """What a path leads to, as JSON; a joined resource is shown by its id."""
        emitter = self.emitter
        while path and path[0] not in ("[]", "*") and (value.need is not None or emitter.known(value) is not ...):
            value, path = emitter.field(value, path[0]), path[1:]
        if isinstance(value.need, LineNeed) and not path:
            return Value(code=code.attribute(value.code, "id"))
        rows = value.items if isinstance(value.items, LineNeed) else None
        listed = (value.need is not None or value.items is not None) and path[:1] == ("[]",)
        if listed or (rows and not path):
            base = emitter.atom(value)
            return Value(code=emitter.over(base, lambda item, add: add(self._at(item, path[1:]).code)))
        value = emitter.json(value)
        return Value(code=code.call(emitter.uses(get), value.code, emitter.bind(path))) if path else value

    # Lookups and other variables

    def _variables(self, policy: Policy) -> dict[str, Callable[[], Value]]:
        emitter = self.emitter
        record = Value(code=code.name("r"), need=emitter.root, never_null=True)
        return {
            "account": lambda: Value(code=code.name("account"), is_text=True),
            "snapshot_time": lambda: Value(code=code.name("snapshot_time"), is_text=True),
            "params": lambda: emitter.constant(policy.params),
            **{name: partial(emitter.field, record, f"${name}") for name in ("region", "id", "name", "tags")},
        }

    def _bind(self, policy: Policy, expressions: Sequence[Expression]) -> None:
        """Make the lookups that expressions name, and before them those that these name."""
        self.policy = policy
        self.emitter.owner = policy.id
        self._bind_more(expressions)

    def _bind_more(self, expressions: Iterator[Expression] | Sequence[Expression]) -> None:
        for expression in expressions:
            tree = settled(expression, self.policy.params)
            for name in sorted({each["value"] for each in walk(tree) if each["type"] == "variable"}):
                lookup = self.policy.lookups.get(name)
                if lookup and name not in self.bound:
                    self._bind_more([*lookup.ours, *([lookup.where] if lookup.where else [])])
                    self.bound.add(name)
                    self.emitter.variables[name] = self._lookup(lookup)

    def _lookup(self, lookup: Lookup) -> Callable[[], Value]:
        emitter, at = self.emitter, self.emitter.config()
        ours = [emitter.json(emitter.value(expression.tree, at)).code for expression in lookup.ours]
        number, need = len(self.program.joins), self.program.needs[lookup.source]
        fixed = lookup.where is not None and lookup.where.variables() <= _FIXED
        self.program.joins.append(
            Join(
                lookup=lookup,
                theirs=on_row(need, lookup.theirs, recording=emitter.recording),
                keep=self._keep(need, lookup.where) if lookup.where and fixed else None,
            )
        )
        key = code.call(emitter.uses(plain.key), code.tuple_(ours))
        if len(ours) == 1:  # the frequent case, without a call
            single = emitter.put(ours[0])
            key = code.choose(code.is_a(single, "str"), code.tuple_([single]), _key_of(emitter, single))
        region = code.attribute(code.name("r"), "region")
        found = emitter.put(code.call(code.name(f"find{number}"), region, key))
        rows = Value(code=found, items=need)
        if lookup.where and not fixed:
            where = lookup.where

            def build(item: Value, add: Callable[[ast.expr], None]) -> None:
                with emitter.block() as kept:
                    add(item.code)
                emitter.body.append(code.when(emitter.truth(where.tree, item), kept))

            rows = Value(code=emitter.over(rows, build), items=need)
        if lookup.one:
            row = emitter.put(code.call(emitter.uses(plain.one), rows.code))
            return lambda: Value(code=row, need=need, never_null=True)
        return lambda: rows

    def _keep(self, need: LineNeed, where: Expression) -> Callable[[Any, str], Any]:
        emitter = self.emitter
        return on_row(
            need,
            [where],
            recording=emitter.recording,
            condition=True,
            variables={name: emitter.variables[name] for name in _FIXED},
            namespace=emitter.namespace,  # constants of its parameters are there
        )


def _worded(policy: Policy) -> Iterator[Expression]:
    """What the texts of a failure read."""
    texts = [policy.message, policy.remediation_cli, *(assertion.message for assertion in policy.assertions)]
    for template in texts:
        if template and not policy.rollup:
            yield from template.expressions()
    if policy.rollup:
        for assertion in policy.assertions:
            if assertion.message:
                yield from assertion.message.expressions()


def _paths(expressions: Sequence[Expression], policy: Policy) -> dict[str, Path]:
    """What evidence shows: title → path, in order."""
    found = {label(path): path for expression in expressions for path in reads(expression, policy.params)}
    return dict(sorted(found.items()))


def _joined(pieces: Sequence[ast.expr | bytes]) -> ast.expr:
    """Bytes of pieces that are fixed and pieces that are computed."""
    merged: list[ast.expr] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if isinstance(piece, bytes) and isinstance(last, ast.Constant):
            merged[-1] = code.const(last.value + piece)  # type: ignore[operator]
        else:
            merged.append(code.const(piece) if isinstance(piece, bytes) else piece)
    return merged[0] if len(merged) == 1 else code.call(code.name("join"), code.tuple_(merged))


def _key_of(emitter: Emitter, value: ast.expr) -> ast.expr:
    return code.call(emitter.uses(plain.key), code.tuple_([value]))


def _unpack(names: Sequence[str], source: str) -> ast.stmt:
    return ast.Assign([ast.Tuple([ast.Name(name, ast.Store()) for name in names], ast.Store())], code.name(source))


# What findings on one record share: its name, and its part of the fingerprint as model.py makes it.
_IDENTITY = """
identity = join((
    begins, encode(r.id), b',"name":', encode(r.name), b',"fingerprint":"',
    sha256((marks + r.id).encode()).hexdigest()[:28].encode(),
))
"""
_BEGIN = """
for line in lines:
    n += 1
    try:
        r = decode(line)
        c = r.config
        if r.account != account or lacks and lacks(c):
            raise ValueError
        place = r.region, r.id
        if r.region != region:
            region = r.region
            begins = encode(region) + b',"type":"%(type)s","resource":'
            marks = account + "\\0" + region + "\\0%(type)s\\0"
        identity = None
    except Exception:
        place = exact(n, None)
        if place <= last:
            disorder()
        last = place
        continue
    if place <= last:
        disorder()
    last = place
"""
