"""Functions of values of any kind."""

from __future__ import annotations

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from .arguments import kind
from .unknowns import unknown_in


def not_null(*arguments: Json) -> Json:
    return next((argument for argument in arguments if argument is not None), None)


def merge(*objects: Json) -> Json:
    merged: dict[str, Json] = {}
    for each in objects:
        if not isinstance(each, dict):
            raise EvaluationError(f"merge() takes objects, not {kind(each)}")
        merged |= each
    return merged


def known(*arguments: Json) -> Json:
    """The first argument that is known and not null; unknown if any was; else null."""
    gaps = []
    for argument in arguments:
        gap = unknown_in(argument)
        if gap is None and argument is not None:
            return argument
        if gap is not None:
            gaps.append(gap)
    return Unknown.merge(gaps) if gaps else None
