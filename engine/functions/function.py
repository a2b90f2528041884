"""What is known of one function of the language: all that interpreter, compiler, type checker and pages ask of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from msgspec import Struct

from ...snapshot.model import Json
from ...snapshot.types import BOOLEAN, Kind, Type

Run = Callable[..., Json]
Check = Callable[[Json], object]
Gives = Callable[[Sequence[Type]], Type]
Fields = tuple[str, ...]


class Cost(Struct, frozen=True, kw_only=True):
    """How many steps a call takes where one for each part of its arguments is not enough.

    `place` is the argument of which it may take long where that is made of others, and `built` says that a program is
    made of it. `long` says that it may take long whatever is read.
    """

    parts: int = 1  # for each part of its arguments
    product: int = 0  # for each part of one and each of the other
    pairs: int = 0  # for each item of a list and each of another
    expands: int = 1  # what it gives may have so many times the values of its arguments
    place: int | None = None
    built: bool = False
    long: bool = False


class Argument(Struct, frozen=True, kw_only=True):
    """What one argument may be: of some kinds, or anything if there are none.

    `check` raises EvaluationError for a literal that can never be right. `rows` are the fields that are read of the
    rows in it, and `members` those of an object; all, if none are named. A field that is not there is null to it.
    """

    name: str
    kinds: frozenset[Kind]
    check: Check | None
    rows: Fields
    members: Fields

    @property
    def is_expression(self) -> bool:
        return self.name.startswith("&")


class Function(Struct, frozen=True, kw_only=True):
    """A function. It sees plain values, and where one of its arguments is unknown, however deep, it is unknown too.

    But one that is `aware` decides what it can from what is known. One that is `timed` gets the snapshot's time as
    well. `may_be_unknown` says that known arguments, too, may tell nothing. Without `run` it is jmespath.py's own.
    `compares` says that it asks whether its first argument is like its second.
    """

    name: str
    call: str  # as people read it
    takes: tuple[Argument, ...]
    least: int
    most: int | None  # None for any number: the last argument repeats
    gives: Type | Gives
    run: Run | None
    aware: bool
    timed: bool
    may_be_unknown: bool
    compares: bool
    narrows: bool
    cost: Cost
    section: str
    says: str
    example: tuple[str, Json]

    def argument(self, position: int) -> Argument:
        return self.takes[min(position, len(self.takes) - 1)]

    @property
    def is_test(self) -> bool:
        """Whether its &expression, if it takes one, is asked whether it holds."""
        return self.gives is BOOLEAN

    def given(self, types: Sequence[Type]) -> Type:
        """What it gives for arguments of some types."""
        return self.gives(types) if callable(self.gives) else self.gives


def function(
    section: str,
    call: str,
    takes: str,
    gives: Type | Gives,
    run: Run | None = None,
    *,
    says: str = "",
    example: tuple[str, Json],
    aware: bool = False,
    timed: bool = False,
    may_be_unknown: bool = False,
    compares: bool = False,
    checks: Mapping[str, Check] = {},
    rows: Mapping[str, Fields] = {},
    members: Mapping[str, Fields] = {},
    cost: Cost = Cost(),
) -> Function:
    """An entry of the table. `call` is as people read it, such as `name(first, second?)` or `name(each, …)`.

    `takes` has the kinds of each argument, such as `array|string any`; what else is said of arguments names them.
    """
    name, _, written = call.removesuffix(")").partition("(")
    names = written.split(", ")
    repeats = names[-1] == "…"
    if wrong := {*checks, *rows, *members} - {each.rstrip("?") for each in names}:
        raise ValueError(f"{name}() has no argument {', '.join(sorted(wrong))}")
    arguments = tuple(
        Argument(
            name=each,
            kinds=frozenset(Kind(kind) for kind in kinds.split("|") if kind != "any"),
            check=checks.get(each),
            rows=rows.get(each, ()),
            members=members.get(each, ()),
        )
        for each, kinds in zip((each.rstrip("?") for each in names if each != "…"), takes.split(), strict=True)
    )
    return Function(
        name=name,
        call=call,
        takes=arguments,
        least=sum(not each.endswith(("?", "…")) for each in names),
        most=None if repeats else len(arguments),
        gives=gives,
        run=run,
        aware=aware,
        timed=timed,
        may_be_unknown=may_be_unknown,
        compares=compares,
        narrows=any(each.rows or each.members for each in arguments),
        cost=cost,
        section=section,
        says=says,
        example=example,
    )


def later(module: str, name: str) -> Callable[..., Any]:
    """A function of a module beside this that is imported when it is first called: few policies ask for what takes
    long to read."""
    found: list[Callable[..., Any]] = []

    def call(*arguments: Any) -> Any:
        if not found:
            found.append(getattr(import_module(f".{module}", __package__), name))
        return found[0](*arguments)

    call.__module__, call.__name__ = module, name  # by which compiled code tells it from others
    return call
