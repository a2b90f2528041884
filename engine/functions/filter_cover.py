"""Whether filter patterns of CloudWatch Logs match every event that another one matches.

They do unless there is an event that it matches and they do not. Such an event is looked for among one of each kind
that all of these patterns tell apart: so yes and no are both certain, and what is neither is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import prod

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from .arguments import kind, text
from .budget import Work, charge
from .filter_pattern import Every, Pattern, Some, Test, quoted, read_pattern, tests_of
from .filter_values import WORLDS, Value, World, holds, values
from .unknowns import Truth, kleene_all, kleene_any

CASES = 1000  # in how many ways an event may be what is required
STEPS = 5000  # how many parts of patterns are looked at for one of them
WORK = 300_000  # how much is tried for all of them,
_TRY = 60  # of which so much to begin with one
ACCOUNT = "recipientAccountId"  # in each of CloudTrail's events, the account that it is of

Case = tuple[Test, ...]  # what all holds of an event


def filter_covers(patterns: Json, required: Json, account: Json = None) -> Truth:
    """Whether each event that `required` matches is matched by one of some patterns, by what they say of its fields.

    Together they may do it. What looks for words says nothing of fields, and covers nothing. What cannot be read may
    cover all. With an account, the events are those that CloudTrail records in it.
    """
    for argument in (patterns, required, account):
        if isinstance(argument, Unknown):
            return argument
    if not isinstance(patterns, list):
        raise EvaluationError(f"filter_covers() takes a list of filter patterns, not {kind(patterns)}")
    known = [text("filter_covers", each) for each in patterns if not isinstance(each, Unknown)]
    found = _charged(tuple(dict.fromkeys(known)), _of_account(text("filter_covers", required), known, account))
    maybe = [each for each in patterns if isinstance(each, Unknown)]
    return kleene_all([kleene_any([one, *maybe]) for one in found])


def filter_covers_part(pattern: Json, required: Json, account: Json = None) -> Truth:
    """Whether a pattern does some of what `filter_covers` asks of several: one that does none need not be looked at."""
    for argument in (pattern, required, account):
        if isinstance(argument, Unknown):
            return argument
    known = text("filter_covers_part", pattern)
    return kleene_any(_charged((known,), _of_account(text("filter_covers_part", required), [known], account)))


def check_required(pattern: Json) -> None:
    """Raise EvaluationError for what cannot be required."""
    _cases(text("filter_covers", pattern))


def _of_account(required: str, patterns: Sequence[str], account: Json) -> str:
    """What is required of an account's events, where a pattern asks for an account: so others are decided only once."""
    check_required(required)
    if account is None or not any(ACCOUNT in pattern for pattern in patterns):
        return required
    return narrowed(required, [f"$.{ACCOUNT} = {quoted(text('filter_covers', account))}"])


def narrowed(pattern: str, tests: Sequence[str]) -> str:
    """A pattern for those of its events that pass some tests, too."""
    stripped = pattern.strip()
    inner = [f"({stripped[1:-1]})"] if stripped else []
    return f"{{ {' && '.join([*inner, *tests])} }}" if tests else pattern


def _charged(patterns: tuple[str, ...], required: str) -> Sequence[Truth]:
    found, steps = _covered(patterns, required)
    charge(steps)
    return found


@lru_cache(maxsize=4096)  # the same filters are asked about by policy after policy
def _covered(patterns: tuple[str, ...], required: str) -> tuple[Sequence[Truth], int]:
    """Of each case of what is required, whether the patterns match it; and how much was tried to know."""
    read: list[Pattern] = []
    unread: list[Unknown] = []
    for pattern in patterns:
        try:
            if (found := read_pattern(pattern)) is not None:
                read.append(found)
            elif pattern.strip().startswith("%"):
                raise EvaluationError(f"what is found in all of an event is unknown: {pattern}")
        except EvaluationError as error:
            unread.append(Unknown.because(str(error)))
    work = Work(WORK, "a filter pattern has too many alternatives")
    found_ = [kleene_any([_matched(case, Some(tuple(read)), work), *unread]) for case in _cases(required)]
    return found_, work.done


@lru_cache(maxsize=256)
def _cases(required: str) -> Sequence[Case]:
    found = read_pattern(required)
    if found is None:
        raise EvaluationError(f"filter_covers(): no pattern of fields is required, but {required!r}")
    if _count(found) > CASES:
        raise EvaluationError(f"filter_covers(): more than {CASES} alternatives are required")
    return _ways(found)


def _count(pattern: Pattern) -> int:
    match pattern:
        case Test():
            return 1
        case Some(parts):
            return sum(map(_count, parts))
        case Every(parts):
            return prod(map(_count, parts))


def _ways(pattern: Pattern) -> list[Case]:
    """The disjunctive normal form."""
    match pattern:
        case Test():
            return [(pattern,)]
        case Some(parts):
            return [way for part in parts for way in _ways(part)]
        case Every(parts):
            return [tuple(test for way in chosen for test in way) for chosen in product(*map(_ways, parts))]


def _matched(case: Case, pattern: Pattern, work: Work) -> Truth:
    """Whether a pattern matches all events of a case."""
    tests = [*case, *tests_of(pattern)]
    try:
        found = {not _missed(case, pattern, world, work) for world in WORLDS if world.differs(tests)}
    except EvaluationError as error:
        return Unknown.because(str(error))
    if len(found) > 1:
        return Unknown.because("AWS does not say what a * inside a text, or != of a field that is not there, matches")
    if found == {False} and _nested(tests):
        return Unknown.because("a filter pattern asks for a field and for what is in it")
    return found == {True}


def _missed(case: Case, pattern: Pattern, world: World, work: Work) -> bool:
    """Whether there is an event of a case that a pattern does not match."""
    tests = [*case, *tests_of(pattern)]
    fields = {test.field for test in tests}
    work.do(_TRY + len(tests) * len(fields))
    for exact in (False, True):  # examples are quick, and most often enough
        choices = {}
        for field in fields:
            asked = [test for test in case if test.field == field]
            others = [test for test in tests_of(pattern) if test.field == field]
            found = values(asked, others, world, work, exact=exact)
            choices[field] = [value for value in found if all(holds(test, value, world) for test in asked)]
        if all(choices.values()) and _escapes(pattern, choices, world, work, {}):
            return True
    return False


def _escapes(
    pattern: Pattern | bool,
    choices: dict[tuple[str, ...], list[Value]],
    world: World,
    work: Work,
    seen: dict[Pattern, bool],
) -> bool:
    """Whether some choice of values makes a pattern false."""
    if isinstance(pattern, bool):
        return not pattern
    if pattern not in seen:
        if len(seen) >= STEPS:
            raise EvaluationError("a filter pattern has too many alternatives")
        seen[pattern] = False
        tests = list(tests_of(pattern))
        field = min((test.field for test in tests), key=lambda each: len(choices[each]), default=())
        work.do(len(tests) * len(choices.get(field, [None])))
        left = {_reduced(pattern, field, value, world) for value in choices.get(field, [None])}
        seen[pattern] = any(_escapes(each, choices, world, work, seen) for each in left)
    return seen[pattern]


def _reduced(pattern: Pattern, field: tuple[str, ...], value: Value, world: World) -> Pattern | bool:
    """What is left of a pattern once the value of a field is known."""
    if isinstance(pattern, Test):
        return holds(pattern, value, world) if pattern.field == field else pattern
    decisive = isinstance(pattern, Some)
    left = []
    for part in pattern.parts:
        found = _reduced(part, field, value, world)
        if found is decisive:
            return decisive
        if not isinstance(found, bool):
            left.append(found)
    if not left:
        return not decisive
    return left[0] if len(left) == 1 else type(pattern)(tuple(left))


def _nested(tests: Sequence[Test]) -> bool:
    """Whether values of these fields depend on each other, so that there may be no event such as we think of."""
    fields = {test.field for test in tests}
    return any("[*]" in one or (one != other and other[: len(one)] == one) for one in fields for other in fields)
