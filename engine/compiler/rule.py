"""One policy as Python: a function that decides, or remembers what came of the same values, and one that words."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from ...snapshot.format import encode
from ..language.parser import Expression
from ..language.simplify import settled
from ..model.finding import OF_VERDICT, Status, of_policy, policy_mark
from ..model.policy import Policy
from . import memo_key, pyast, texts
from .emitter import Emitter, Unsupported, Value
from .lookups import Lookups
from .program import COUNTED, Program

_END = b',"remediation":null,"waiver":null}\n'


class Judgement:
    """Writes the functions of one policy's rule. `begin` gives an emitter for each of them."""

    def __init__(self, program: Program, policy: Policy, begin: Callable[[str], Emitter]) -> None:
        self.program, self.policy, self.begin = program, policy, begin
        self.asserted = [assertion.that for assertion in policy.assertions]

    def decide(self) -> Emitter:
        """The function that gives an outcome."""
        policy, emitter = self.policy, self._begin("decide")
        if policy.where is not None:
            self.lookups.bind([policy.where])
        if policy.where is None or not self.lookups.unbound(self.asserted):
            self._decided(policy.where)
            return emitter
        test = emitter.truth(settled(policy.where, policy.params), emitter.config())
        with emitter.block() as applies:
            self._decided(None)
        with emitter.block() as not_applicable:
            seen = self._finished(Status.NOT_APPLICABLE, "", [policy.where])
            emitter.body.append(pyast.give(seen))
        emitter.body.append(pyast.when(test, applies, not_applicable))
        return emitter

    def word(self) -> Emitter:
        """The function that gives the second piece of a failure's line."""
        policy, emitter = self.policy, self._begin("word")
        at, held, seen = emitter.config(), [emitter.temp() for _ in self.asserted], emitter.temp()
        emitter.body.append(pyast.unpack([*_unclear(held), seen], pyast.name("told")))
        self.lookups.bind(texts.worded(policy))
        words = texts.encoded(texts.messages(emitter, policy, held, at))
        cli: ast.expr | bytes = b"null"
        if policy.remediation_cli:
            cli = texts.encoded(texts.command(emitter, policy.remediation_cli, at))
        rest = [self._mark(), words, b',"evidence":', seen, b',"remediation":', cli, b',"waiver":null}\n']
        emitter.body.append(pyast.give(texts.joined(rest)))
        return emitter

    def front(self, status: Status) -> bytes:
        """The first piece of a line."""
        values = {**of_policy(self.policy), "status": status}
        return b"{" + b",".join(b"%b:%b" % (encode(name), encode(values[name])) for name in OF_VERDICT)

    def _begin(self, part: str) -> Emitter:
        self.emitter = self.begin(part)
        self.lookups = Lookups(self.program, self.emitter, self.policy)
        return self.emitter

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
                    emitter.body.append(pyast.assign(outcome, seen))
                emitter.body.append(pyast.when(test, applies, not_applicable))
        if emitter.recording:
            self.program.touched[policy.id], emitter.touched = emitter.touched, set()
        bound = [emitter.variables[name]() for name in sorted(self.lookups.bound)]
        touched = self.program.touched[policy.id]
        key = memo_key.key(emitter, touched, bound) if bound and not emitter.recording else None
        if key is None:
            emitter.body += new
        else:
            self._remembered(outcome, key, new)
        emitter.body.append(pyast.give(outcome))

    def _remembered(self, outcome: ast.Name, key: ast.expr, new: list[ast.stmt]) -> None:
        """What lookups found is a part of the key: nobody knows it before they are made."""
        emitter = self.emitter
        outcomes: dict[object, object] = {}
        kept, asked = emitter.bind(outcomes), emitter.put(key)
        emitter.body.append(pyast.assign(outcome, pyast.call(emitter.bind(outcomes.get), asked)))
        many = pyast.compare(pyast.call(pyast.name("len"), kept), ast.GtE(), pyast.const(memo_key.KEPT))
        forget = pyast.when(many, [pyast.do(pyast.call(pyast.attribute(kept, "clear")))])
        emitter.body.append(pyast.when(pyast.is_(outcome, pyast.NONE), [*new, forget, pyast.put(kept, asked, outcome)]))

    def _asserted(self, outcome: ast.Name, at: Value) -> None:
        policy, emitter = self.policy, self.emitter
        trees = [settled(expression, policy.params) for expression in self.asserted]
        held = [emitter.put(emitter.truth(tree, at)) for tree in trees]
        with emitter.block() as passes:
            passed = self._finished(Status.PASS, policy.title, self.asserted)
            emitter.body.append(pyast.assign(outcome, passed))
        with emitter.block() as fails:
            if Status.FAIL not in self.program.written and not policy.rollup:
                raise Unsupported("failures that nobody wants")
            words = texts.messages(emitter, policy, held, at) if policy.rollup else pyast.NONE
            seen = texts.joined(texts.evidence_of_failed(emitter, policy, held, at))
            if policy.rollup:
                failed = pyast.tuple_([pyast.const(Status.FAIL.value), words, seen])
            else:
                failed = pyast.tuple_([pyast.NONE, pyast.tuple_([*_unclear(held), seen])])
            emitter.body.append(pyast.assign(outcome, failed))
        emitter.body.append(pyast.when(pyast.both(*held), passes, fails))

    def _finished(self, status: Status, message: str, read: Sequence[Expression]) -> ast.expr:
        """The outcome where no text has to be filled."""
        policy, emitter = self.policy, self.emitter
        if policy.rollup and status is Status.NOT_APPLICABLE:
            return pyast.tuple_([])
        if not policy.rollup and status not in self.program.written:
            return pyast.const(COUNTED[status])
        seen = texts.evidence(emitter, policy, read, emitter.config())
        if policy.rollup:
            return pyast.tuple_([pyast.const(status.value), pyast.const(message), texts.joined(seen)])
        rest = [self._mark(), encode(message), b',"evidence":', *seen, _END]
        return pyast.tuple_([pyast.const(self.front(status)), texts.joined(rest)])

    def _mark(self) -> bytes:
        return policy_mark(self.policy.id).encode() + b'","message":'


def _unclear(held: Sequence[ast.Name]) -> Sequence[ast.Name]:
    """Whether each assertion holds, where it is not clear that the only one does not."""
    return held if len(held) > 1 else ()
