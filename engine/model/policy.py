"""A policy, and what it is made of: parameters, lookups, rollups, assertions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from ...snapshot.model import Json, Unknown
from ..functions.budget import BUDGET
from ..language.lets import Lets, bound, bound_text
from ..language.parser import Expression
from ..language.template import Template


class Severity(StrEnum):
    """From worst to least; `rank` orders them."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFORMATIONAL = "informational"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class Effort(StrEnum):
    """How much work it is to fix one failure."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Exposure(StrEnum):
    """From where a failure can be made use of: `PUBLIC` is from anywhere."""

    INTERNAL = "internal"
    PUBLIC = "public"


class Within(StrEnum):
    """How far a lookup reaches."""

    REGION = "region"
    ACCOUNT = "account"
    SNAPSHOT = "snapshot"


class Require(StrEnum):
    """What a rollup asks of the resources it folds."""

    ALL = "all"
    ANY = "any"


class Bound(StrEnum):
    """What a rollup that counts asks of the number of those that pass."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    SHARE = "share"


class Count(Struct, frozen=True, kw_only=True):
    """A bound, and the number that it is; or the parameter that says it."""

    bound: Bound
    number: float = 0
    param: str = ""


class Assertion(Struct, frozen=True, kw_only=True):
    """One thing that must hold. Its message, where it has one, replaces the policy's when it does not."""

    that: Expression
    message: Template | None


class Lookup(Struct, frozen=True, kw_only=True):
    """A join: the resources of another type whose `theirs` equal our `ours`, and that satisfy `where`.

    `among` is which of `ours` is a list, of which any item may be the equal one; `spread` the same of `theirs`.
    `one` says that exactly one exists: the variable is that resource, and unknown where it was not collected.
    `refers` says that what each of our keys names exists: one that was not collected makes an unknown item.
    """

    source: str
    theirs: tuple[Expression, ...]
    ours: tuple[Expression, ...]
    among: int | None = None
    spread: int | None = None
    where: Expression | None
    within: Within
    one: bool
    refers: bool = False

    def sign(self, number: int) -> str:
        """How one of `theirs` is compared with ours, for people."""
        return "in" if number == self.among else "contains" if number == self.spread else "="

    def rebound(self, lets: Lets) -> Lookup:
        """The same lookup, where names stand for something else."""
        where = self.where and bound(self.where, lets)
        return replace(self, ours=tuple(bound(each, lets) for each in self.ours), where=where)


def wanted_in(wanted: Any) -> tuple[str, ...]:
    """Where the expression is of a key of `match`: below `in` or `contains`, or itself."""
    return tuple(wanted) if isinstance(wanted, dict) else ()


class Rollup(Struct, frozen=True, kw_only=True):
    """Fold the verdicts on resources into one finding per account, per account and region, or for the whole snapshot;
    or, of an account or all of them, per value of an expression, `by`; or, of all, per organisational `unit`."""

    per: Within
    require: Require | Count
    by: Expression | None = None
    unit: bool = False

    def kind(self) -> str:
        """The type of its findings: a group is a part of its account."""
        return "AWS::Region" if self.per is Within.REGION else "AWS::Account"


class Excuse(Struct, frozen=True, kw_only=True):
    """Why examples need not see a condition `never` true or false, or tell it from what it `becomes`."""

    that: str
    never: bool | None
    becomes: str | None
    reason: str


class Base(Struct, frozen=True, kw_only=True):
    """A policy that another extends, and the keys that stand in its own file."""

    id: str
    keys: frozenset[str]


class Extends(Struct, frozen=True, kw_only=True):
    """What a policy takes from the one it extends: `keys`, which stand below its own `lines`; line `at` says so.

    `own` are the keys that it says itself. The other may extend a third: `bases` are all of which something is taken,
    the nearest first.
    """

    id: str
    keys: frozenset[str]
    own: frozenset[str]
    lines: int
    at: int
    bases: tuple[Base, ...] = ()


class Item(Struct, frozen=True, kw_only=True):
    """Where a policy stands that shares a `file` with others: for each line of its text that line there, from 0, and
    by how much it is indented more."""

    file: str
    lines: tuple[tuple[int, int], ...]

    def placed(self, place: tuple[int, int]) -> tuple[int, int]:
        """Where a line and column of the policy's text, from 1, are in the file."""
        line, indent = self.lines[min(place[0], len(self.lines)) - 1]
        return line + 1, place[1] + indent


class Policy(Struct, frozen=True, kw_only=True):
    """One policy. Where it is about several `types`, `resource` is one of them. `params` holds the effective values;
    `tests` its examples, also of the file beside it.

    `fixes` is the lookup whose row its remediation changes; None where that is the resource itself. `fill` and `each`
    say what the shell variables of its command stand for: one value for all failures, and one for each. `lets` are
    what its names stand for, each after those that it names. `budget` is how many steps it may take for one resource.
    It is evaluated in these `accounts`, or in all. `unsure` says why nobody knows what it asks: then all is unknown.
    """

    id: str
    title: str
    severity: Severity
    resource: str
    types: tuple[str, ...] = ()
    assertions: tuple[Assertion, ...]
    where: Expression | None = None
    lookups: Mapping[str, Lookup]
    lets: Lets = field(default_factory=dict)
    rollup: Rollup | None = None
    params: Mapping[str, Json]
    message: Template | None = None
    description: str = ""
    rationale: str = ""
    frameworks: Mapping[str, tuple[str, ...]]
    remediation: str = ""
    remediation_cli: Template | None = None
    fill: Mapping[str, str] = field(default_factory=dict)
    each: Mapping[str, str] = field(default_factory=dict)
    fixes: str | None = None
    effort: Effort = Effort.MEDIUM
    exposure: Exposure = Exposure.INTERNAL
    references: tuple[str, ...] = ()
    tests: tuple[Mapping[str, Any], ...] = ()
    excuses: tuple[Excuse, ...] = ()
    source: str
    text: str  # with what it takes from another
    budget: int = BUDGET
    accounts: frozenset[str] | None = None
    unsure: Unknown | None = None
    extends: Extends | None = None
    item: Item | None = None  # where it is not its file's only one
    beside: Mapping[str, str] = field(default_factory=dict)  # files of further examples: path → text

    def conditions(self) -> Iterator[Expression]:
        """Every expression that decides: what must hold, where, lookups, and which group it counts for."""
        yield from (assertion.that for assertion in self.assertions)
        yield from [self.where] if self.where else []
        yield from [self.rollup.by] if self.rollup and self.rollup.by else []
        for lookup in self.lookups.values():
            yield from (*lookup.theirs, *lookup.ours, *([lookup.where] if lookup.where else []))

    def expressions(self) -> Iterator[Expression]:
        """Every expression of the policy: conditions, names and texts."""
        yield from self.conditions()
        yield from self.lets.values()
        texts = (self.message, self.remediation_cli, *(assertion.message for assertion in self.assertions))
        for template in texts:
            yield from template.expressions() if template else ()

    def rebound(self, lets: Lets) -> Policy:
        """The same policy, whose names stand for something else."""

        def text(template: Template | None) -> Template | None:
            return template and bound_text(template, lets)

        return replace(
            self,
            lets=lets,
            where=self.where and bound(self.where, lets),
            assertions=tuple(
                Assertion(that=bound(each.that, lets), message=text(each.message)) for each in self.assertions
            ),
            lookups={name: each.rebound(lets) for name, each in self.lookups.items()},
            rollup=self.rollup and replace(self.rollup, by=self.rollup.by and bound(self.rollup.by, lets)),
            message=text(self.message),
            remediation_cli=text(self.remediation_cli),
        )

    def by_type(self) -> Sequence[Policy]:
        """The policy on each of its types. Asked again it gives the same ones, of which others remember something."""
        if not self.types:
            return (self,)
        known = _BY_TYPE.get(id(self))
        if known is None or known[0] is not self:
            if len(_BY_TYPE) > 1024:
                _BY_TYPE.clear()
            known = _BY_TYPE[id(self)] = self, [replace(self, resource=kind, types=()) for kind in self.types]
        return known[1]

    def is_of(self, account: str) -> bool:
        """Whether it is evaluated in an account."""
        return self.accounts is None or account in self.accounts

    def subjects(self) -> tuple[str, ...]:
        """Every type that the policy evaluates."""
        return self.types or (self.resource,)

    def kinds(self) -> tuple[str, ...]:
        """Every type that the policy reads: what it evaluates, and what it looks up."""
        return *self.subjects(), *(lookup.source for lookup in self.lookups.values())

    def files(self) -> Mapping[str, str]:
        """The text of its file, and of files of further examples, by their paths."""
        return {self.source: self.item.file if self.item else self.text, **self.beside}

    def placed(self, place: tuple[int, int]) -> tuple[int, int]:
        """Where a line and column of its text are in its file."""
        return self.item.placed(place) if self.item else place

    def is_wide(self) -> bool:
        """Whether it speaks of the whole snapshot, and not of each account by itself."""
        return self.rollup is not None and self.rollup.per is Within.SNAPSHOT

    def takes(self, key: str) -> bool:
        """Whether a key is not the policy's own, but of the one it extends."""
        return self.extends is not None and key in self.extends.keys

    def population(self) -> str:
        """What the policy counts, as a type: the denominator of its percentages."""
        kinds = ", ".join(self.subjects()) if len(self.subjects()) <= _NAMED else f"{len(self.subjects())} types"
        if self.rollup:
            by = self.rollup.by.text if self.rollup.by else "unit" if self.rollup.unit else ""
            return f"{by} of {kinds}" if by else "organisation" if self.is_wide() else self.rollup.kind()
        return kinds


_NAMED = 3  # types, where they are shown
_BY_TYPE: dict[int, tuple[Policy, Sequence[Policy]]] = {}
AT = "@"
VARIANT = "!"  # sorts before all that an id may have, so that the findings of variants come together


def spoken(policy: str) -> str:
    """The id in findings: of one that settings make different somewhere, that of the policy."""
    return policy.partition(VARIANT)[0]


def base(policy: str) -> str:
    """The id that a policy is written with: of POLICY@PACK, as a pack asks it with other parameters, POLICY."""
    return policy.partition(AT)[0]
