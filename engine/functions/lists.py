"""Functions that decide what they can of lists with unknown items.

An unknown item stands for any number of items. Each function here is sound: what it says holds whichever they are.
"""

from __future__ import annotations

from collections.abc import Hashable

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from .arguments import _Expression, kind
from .equality import among, key
from .standard import standard
from .unknowns import Truth, UnknownLength, kleene_all, kleene_any, known_items, maybe_items, unknown_in


def any_(items: Json, test: Json) -> Truth:
    return items if isinstance(items, Unknown) else kleene_any(_each("any", items, test))


def all_(items: Json, test: Json) -> Truth:
    return items if isinstance(items, Unknown) else kleene_all(_each("all", items, test))


def _each(name: str, items: Json, test: Json) -> list[Truth]:
    if not isinstance(items, list) or not isinstance(test, _Expression):
        raise EvaluationError(f"{name}() takes a list and an &expression, not {kind(items)} and {kind(test)}")
    return [item if isinstance(item, Unknown) else test.holds(item) for item in items]


def contains(subject: Json, wanted: Json) -> Json:
    if isinstance(subject, list) and unknown_in(wanted) is None:
        if among(wanted, known_items(subject)):
            return True
        gap = unknown_in(subject)
        return False if gap is None else gap
    if (gap := unknown_in([subject, wanted])) is not None:
        return gap
    if not isinstance(subject, str):
        raise EvaluationError(f"contains() takes a list or text, not {kind(subject)}")
    return isinstance(wanted, str) and wanted in subject


def length(subject: Json) -> Json:
    if isinstance(subject, Unknown):
        return subject
    if isinstance(subject, list) and (maybe := maybe_items(subject)):
        return UnknownLength(Unknown.merge(maybe).causes, len(subject) - len(maybe))
    return standard("length", [subject])


def map_(test: Json, items: Json) -> Json:
    if isinstance(items, Unknown):
        return items
    if not isinstance(items, list) or not isinstance(test, _Expression):
        raise EvaluationError(f"map() takes an &expression and a list, not {kind(test)} and {kind(items)}")
    return [item if isinstance(item, Unknown) else test.value(item) for item in items]


def difference(items: Json, others: Json) -> list[Json]:
    """The items that are not among the others, in their order. Where nobody can say, an item may be there."""
    return _kept("difference", items, others, if_among=False)


def intersection(items: Json, others: Json) -> list[Json]:
    """The items that are among the others, in their order. Where nobody can say, an item may be there."""
    return _kept("intersection", items, others, if_among=True)


def unique(items: Json) -> list[Json]:
    """Each value once, where it first stands."""
    seen: set[Hashable] = set()
    kept: list[Json] = []
    for item in _maybes("unique", items):
        if isinstance(item, Unknown):
            kept.append(item)
        elif (mark := key(item)) not in seen:
            seen.add(mark)
            kept.append(item)
    # What is unknown may be a value that comes later, so nobody can say which of those is the last.
    return kept + ([Unknown.merge(maybe)] if (maybe := maybe_items(kept)) else [])


def _kept(name: str, items: Json, others: Json, *, if_among: bool) -> list[Json]:
    candidates, against = _maybes(name, items), _maybes(name, others)
    marks = {key(other) for other in known_items(against)}
    maybe = maybe_items(against)
    kept: list[Json] = []
    for item in candidates:
        if isinstance(item, Unknown):
            if against or not if_among:  # nothing is among no others
                kept.append(item)
        elif key(item) in marks:
            kept += [item] if if_among else []
        elif maybe:
            kept.append(Unknown.merge(maybe))
        elif not if_among:
            kept.append(item)
    return kept


def _maybes(name: str, items: Json) -> list[Json]:
    """A list, with an unknown item for each that is unknown throughout: nobody can say what it is equal to."""
    if isinstance(items, Unknown):
        return [items]
    if not isinstance(items, list):
        raise EvaluationError(f"{name}() takes a list, not {kind(items)}")
    return [item if (gap := unknown_in(item)) is None else gap for item in items]
