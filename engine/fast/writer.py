"""Write the function of a program: policies on one resource type as Python."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence

from ..model import Policy, Status
from . import code, plain
from .calls import LANGUAGE
from .emit import Emitter, Unsupported
from .judgement import Judgement
from .needs import LineNeed, Need
from .program import STATUSES, Program

TOO_MUCH = (Unsupported, RecursionError, ValueError, SyntaxError, MemoryError)
_PARAMETERS = ("lines", "decode", "lacks", "account", "snapshot_time", "adds", "finds", "exact", "disorder")


def write_programs(
    policies: Sequence[Policy], written: Collection[Status]
) -> tuple[dict[str, Program], dict[str, LineNeed]]:
    """A program for each type that is judged, and what of each type is needed."""
    needs: dict[str, LineNeed] = {}
    for policy in policies:
        for kind in policy.kinds():
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
            namespace={"unset": object(), "encode": plain.encode, "join": b"".join, "identify": plain.identify},
            recording=recording,
            language=LANGUAGE,
        )
        if noted:
            self.emitter.counts = noted.counts

    def write(self) -> list[ast.stmt]:
        """The judging of one record."""
        emitter, blocks = self.emitter, []
        for number, policy in enumerate(self.program.policies):
            joins, needed = len(self.program.joins), policy.id not in self.program.exact
            exactly = code.do(code.call(code.name("exact"), code.name("n"), code.const(number)))
            try:
                if not needed:
                    raise Unsupported(policy.id)
                with emitter.block() as body:
                    Judgement(self.program, emitter, number).write()
            except TOO_MUCH:
                self.program.exact.add(policy.id)
                del self.program.joins[joins:]
                blocks.append(exactly)
                continue
            blocks.append(code.attempt(body, [exactly]))
        return blocks

    def compile(self) -> None:
        self.program.joins.clear()
        blocks = self.write()
        emitter = self.emitter
        head: list[ast.stmt] = [
            code.unpack([code.name(f"a{number}") for number in range(len(self.program.policies))], code.name("adds")),
            code.unpack([code.name(f"find{number}") for number in range(len(self.program.joins))], code.name("finds")),
            *ast.parse(_HEAD % (len(self.program.policies) * len(STATUSES))).body,
        ]
        (loop,) = ast.parse(_EACH % {"type": self.program.kind}).body
        assert isinstance(loop, ast.For)  # noqa: S101
        attempt = next(each for each in loop.body if isinstance(each, ast.Try))
        attempt.body += [
            *self._places(),
            *(code.assign(code.name(name), told) for name, told in emitter.keys.values()),
            *(code.assign(kept, code.name("unset")) for kept in emitter.shared.values()),
        ]
        loop.body += blocks
        definition = code.define("judge", _PARAMETERS, [*head, loop, code.give(code.name("counts"))])
        self.program.run = code.compiled(definition, emitter.namespace)

    def _places(self) -> Iterator[ast.stmt]:
        """Local variables for the places that fields alone lead to."""
        wanted = self.emitter.locals

        def below(need: Need, holder: ast.Name, *, null: bool) -> Iterator[ast.stmt]:
            for child in need.fields.values():
                target = code.name(wanted.get(id(child), f"w{id(child)}"))
                inner = list(below(child, target, null=True))
                if id(child) not in wanted and not inner:
                    continue
                found = code.attribute(holder, child.label)
                yield code.assign(target, code.choose(code.is_(holder, code.NONE), code.NONE, found) if null else found)
                yield from inner

        yield from below(self.emitter.root.config, code.name("c"), null=False)
        yield from below(self.emitter.root.tags, code.name("tags"), null=False)


_HEAD = """
n, counts, last, region = -1, [0] * %d, ("", ""), None
mine = b',"account":' + encode(account) + b',"region":'
"""
_EACH = """
for line in lines:
    n += 1
    try:
        r = decode(line)
        c = r.config
        tags = r.tags
        if r.account != account or lacks and lacks(c):
            raise ValueError
        place = r.region, r.id
        if r.region != region:
            region = r.region
            begins = mine + encode(region) + b',"type":"%(type)s","resource":'
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
