"""One policy as Python: look up, judge or remember what came of the same values before, and write what was found.

An outcome is two pieces of a line, before and after what all findings on a record share. Of a failure it is None and
what its texts need; of what nobody wants to read, its number in `counts` and None. With a rollup it is what is folded.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ...snapshot.format import encode
from ..expression import Expression
from ..model import Policy, Status, policy_mark
from ..settle import settled
from . import code, memo, texts
from .emit import Emitter, Unsupported, Value
from .lookups import Lookups
from .program import STATUSES, Program

_END = b',"remediation":null,"waiver":null}\n'


class Judgement:
    """Writes the judging of a record by one policy, the `number`th of its program."""

    def __init__(self, program: Program, emitter: Emitter, number: int) -> None:
        self.program, self.emitter, self.number = program, emitter, number
        self.policy: Policy = program.policies[number]
        self.lookups = Lookups(program, emitter, self.policy)
        self.asserted = [assertion.that for assertion in self.policy.assertions]

    def write(self) -> None:
        policy, emitter = self.policy, self.emitter
        if policy.where is not None:
            self.lookups.bind([policy.where])
        if policy.where is None or not self.lookups.unbound(self.asserted):
            self._decided(policy.where)
            return
        test = emitter.truth(settled(policy.where, policy.params), emitter.config())
        with emitter.block() as applies:
            self._decided(None)
        with emitter.block() as not_applicable:
            self._found(self._finished(Status.NOT_APPLICABLE, "", [policy.where]))
        emitter.body.append(code.when(test, applies, not_applicable))

    def _decided(self, where: Expression | None) -> None:
        """The outcome, remembered or new."""
        policy, emitter, at = self.policy, self.emitter, self.emitter.config()
        self.lookups.bind(self.asserted)
        if policy.rollup:
            self.lookups.bind(texts.worded(policy))
        outcome, emitter.touched = emitter.temp(), set()
        with emitter.block() as new:
            if where is None:
                self._asserted(outcome, at)
            else:
                test = emitter.truth(settled(where, policy.params), at)
                with emitter.block() as applies:
                    self._asserted(outcome, at)
                with emitter.block() as not_applicable:
                    seen = self._finished(Status.NOT_APPLICABLE, "", [where])
                    emitter.body.append(code.assign(outcome, seen))
                emitter.body.append(code.when(test, applies, not_applicable))
        if emitter.recording:
            self.program.touched[policy.id], emitter.touched = emitter.touched, set()
        bound = [emitter.variables[name]() for name in sorted(self.lookups.bound)]
        key = None if emitter.recording else memo.key(emitter, self.program.touched[policy.id], bound)
        if key is None:
            emitter.body += new
        else:
            self._remembered(outcome, key, new)
        self._found(outcome)

    def _remembered(self, outcome: ast.Name, key: ast.expr, new: list[ast.stmt]) -> None:
        emitter = self.emitter
        outcomes: dict[object, object] = {}
        kept, asked = emitter.bind(outcomes), emitter.put(key)
        emitter.body.append(code.assign(outcome, code.call(emitter.bind(outcomes.get), asked)))
        many = code.compare(code.call(code.name("len"), kept), ast.GtE(), code.const(memo.KEPT))
        forget = code.when(many, [code.do(code.call(code.attribute(kept, "clear")))])  # what comes often comes again
        emitter.body.append(code.when(code.is_(outcome, code.NONE), [*new, forget, code.put(kept, asked, outcome)]))

    def _asserted(self, outcome: ast.Name, at: Value) -> None:
        policy, emitter = self.policy, self.emitter
        trees = [settled(expression, policy.params) for expression in self.asserted]
        self.held = [emitter.put(emitter.truth(tree, at)) for tree in trees]
        with emitter.block() as passes:
            passed = self._finished(Status.PASS, policy.title, self.asserted)
            emitter.body.append(code.assign(outcome, passed))
        with emitter.block() as fails:
            if Status.FAIL not in self.program.written and not policy.rollup:
                raise Unsupported("failures that nobody wants")
            words = texts.messages(emitter, policy, self.held, at) if policy.rollup else code.NONE
            seen = texts.joined(texts.evidence_of_failed(emitter, policy, self.held, at))
            if policy.rollup:
                failed = code.tuple_([code.const(Status.FAIL.value), words, seen])
            else:
                failed = code.tuple_([code.NONE, code.tuple_([*self._told(), seen])])
            emitter.body.append(code.assign(outcome, failed))
        emitter.body.append(code.when(code.both(*self.held), passes, fails))

    def _told(self) -> list[ast.Name]:
        """Which assertions hold, where that is not clear."""
        return self.held if len(self.held) > 1 else []

    def _finished(self, status: Status, message: str, read: Sequence[Expression]) -> ast.expr:
        """The outcome where no text has to be filled."""
        policy, emitter = self.policy, self.emitter
        if policy.rollup and status is Status.NOT_APPLICABLE:
            return code.tuple_([])
        if not policy.rollup and status not in self.program.written:
            number = self.number * len(STATUSES) + STATUSES.index(status)
            return code.tuple_([code.const(number), code.NONE])
        seen = texts.evidence(emitter, policy, read, emitter.config())
        if policy.rollup:
            return code.tuple_([code.const(status.value), code.const(message), texts.joined(seen)])
        rest = [self._mark(), encode(message), b',"evidence":', *seen, _END]
        return code.tuple_([code.const(self._front(status)), texts.joined(rest)])

    def _front(self, status: Status) -> bytes:
        policy = self.policy
        names = tuple(map(encode, (policy.id, status.value, policy.severity.value)))
        return b'{"policy":%b,"status":%b,"severity":%b' % names

    def _mark(self) -> bytes:
        return policy_mark(self.policy.id).encode() + b'","message":'

    def _found(self, outcome: ast.expr) -> None:
        """Add an outcome to the findings, or to what the rollup folds."""
        emitter, add = self.emitter, code.name(f"a{self.number}")
        if self.policy.rollup:
            outcome = emitter.atom(Value(code=outcome)).code
            item = code.tuple_([code.name("n"), code.name("region"), code.attribute(code.name("r"), "id"), outcome])
            emitter.body.append(code.when(outcome, [code.do(code.call(add, item))]))
            return
        front, rest = emitter.temp(), emitter.temp()
        emitter.body.append(code.unpack([front, rest], outcome))
        with emitter.block() as fails:
            self._failed(rest)
        counted = [code.count(code.name("counts"), front)]
        writes = [_IDENTIFIED, code.do(code.call(add, code.tuple_([front, code.name("identity"), rest])))]
        done = code.when(code.is_(rest, code.NONE), counted, writes)
        emitter.body.append(code.when(code.is_(front, code.NONE), fails, [done]))

    def _failed(self, rest: ast.Name) -> None:
        policy, emitter, at = self.policy, self.emitter, self.emitter.config()
        seen = emitter.temp()
        emitter.body.append(code.unpack([*self._told(), seen], rest))
        self.lookups.bind(texts.worded(policy))
        words = texts.encoded(texts.messages(emitter, policy, self.held, at))
        cli: ast.expr | bytes = b"null"
        if policy.remediation_cli:
            cli = texts.encoded(texts.command(emitter, policy.remediation_cli, at))
        emitter.body.append(_IDENTIFIED)
        front = code.const(self._front(Status.FAIL))
        line = [self._mark(), words, b',"evidence":', seen, b',"remediation":', cli, b',"waiver":null}\n']
        pieces = code.tuple_([front, code.name("identity"), texts.joined(line)])
        emitter.body.append(code.do(code.call(code.name(f"a{self.number}"), pieces)))


# What findings on one record share is made for the first of them.
_IDENTIFIED = ast.parse("identity = identity or identify(begins, marks, r.id, r.name)").body[0]
