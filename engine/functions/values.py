"""Functions of values of any kind."""

from __future__ import annotations

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from .arguments import kind, text
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


def items(found: Json) -> list[list[Json]]:
    """The names and values of an object, in pairs."""
    if not isinstance(found, dict):
        raise EvaluationError(f"items() takes an object, not {kind(found)}")
    return [[name, value] for name, value in found.items()]


def from_items(pairs: Json) -> dict[str, Json]:
    """The object of such pairs; of one name, the last."""
    if not isinstance(pairs, list) or not all(isinstance(each, list) and len(each) == 2 for each in pairs):
        raise EvaluationError("from_items() takes a list of [name, value]")
    if wrong := [name for name, _ in pairs if not isinstance(name, str)]:
        raise EvaluationError(f"from_items() takes texts for names, not {kind(wrong[0])}")
    return dict(pairs)


def get(found: Json, name: Json) -> Json:
    """A field whose name is computed; null where it is not there."""
    for each in (found, name):
        if isinstance(each, Unknown):
            return each
    if not isinstance(found, dict):
        raise EvaluationError(f"get() takes an object, not {kind(found)}")
    if not isinstance(name, str):
        raise EvaluationError(f"get() takes text for a name, not {kind(name)}")
    return found.get(name)


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


def unknown(cause: Json) -> Unknown:
    """What a policy cannot decide, with its cause, which must say something."""
    if not (said := text("unknown", cause).strip()):
        raise EvaluationError("unknown() takes the cause, not an empty text")
    return Unknown.because(said)
