"""Values and truths that are unknown: what is unknown in a value, and Kleene's `any` and `all`."""

from __future__ import annotations

from collections.abc import Sequence

from ...snapshot.model import Json, Unknown

Truth = bool | Unknown


class UnknownLength(Unknown, frozen=True):
    """How long a list is, where some of its items may not be there; at least `known` are."""

    known: int = 0


def unknown_in(value: Json) -> Unknown | None:
    """Every unknown anywhere in a value, merged; None where all of it is known."""
    if value.__class__ in _ATOMS:  # most are: these are told at once
        return None
    if isinstance(value, dict):
        value = value.values()
    elif isinstance(value, Unknown):
        return value
    elif not isinstance(value, list):
        return None
    if _ATOMS.issuperset(map(type, value)):
        return None
    gaps = [gap for item in value if item.__class__ not in _ATOMS and (gap := unknown_in(item)) is not None]
    return Unknown.merge(gaps) if gaps else None


_ATOMS = frozenset({str, int, float, bool, type(None)})


def known_items(items: list[Json]) -> list[Json]:
    return [item for item in items if not isinstance(item, Unknown)]


def maybe_items(items: list[Json]) -> list[Unknown]:
    """The items of a list that may or may not be there: rows whose condition, or whose listing, is unknown."""
    return [item for item in items if isinstance(item, Unknown)]


def kleene_any(truths: Sequence[Truth]) -> Truth:
    if any(truth is True for truth in truths):
        return True
    return Unknown.merge(maybe_items(list(truths))) if maybe_items(list(truths)) else False


def kleene_all(truths: Sequence[Truth]) -> Truth:
    if any(truth is False for truth in truths):
        return False
    return Unknown.merge(maybe_items(list(truths))) if maybe_items(list(truths)) else True
