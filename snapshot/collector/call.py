"""One AWS call: its pages, its absent answer, and what remains unknown when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from ..catalog import Call
from ..error_kinds import code_of
from ..model import Json, Unknown
from ..resource import compiled, gap_in
from .clients import DEADLINE
from .decode import rows
from .pages import Page, whole_answer

# Who answers a call of some parameters, within a deadline for each request. Raises what `whole_answer` raises.
Answer = Callable[[Any, Call, Mapping[str, Json], float], Page]


class UnknownParameterError(Exception):
    """The installed botocore is too old to know a parameter: the name is what a snapshot says."""


# Seconds between two looks at what AWS is still making: a minute in all.
WAITS = (0.5, 1.0, 2.0, *[4.0] * 14)


def ask(
    client: Any,
    call: Call,
    config: Json = None,
    deadline: float = DEADLINE,
    answer: Answer = whole_answer,
) -> Json:
    """The answer to a call about a resource; null where it means "not configured"; Unknown where it failed.

    `deadline` is that of each of its requests, in seconds. It is AWS that answers, if nobody else is named.
    """
    for expression in (call.when, *call.arguments.values()):
        if expression and (gap := gap_in(expression, config)) is not None:
            return gap
    if call.when and not compiled(call.when).search(config):
        return None
    if call.after and (gap := _ready(client, call.after, deadline, answer)) is not None:
        return gap
    try:
        arguments = _arguments(call, config)
        if isinstance(arguments, Unknown):
            return arguments
        given = {**call.params, **arguments}
        _check_known(client, call, given)
        return part(call, answer(client, call, given, deadline))
    except ClientError as error:
        code, message = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
        return None if _means_absent(call, code, message) else Unknown.because(f"{code}: {call.action}")
    except Exception as error:
        # No endpoint, a time-out, an answer botocore cannot parse: whatever it was, one call must not cost
        # the run, and its value is unknown.
        return Unknown.because(f"{type(error).__name__}: {call.action}")


def part(call: Call, answer: Json) -> Json:
    """What of an answer a call is made for."""
    try:
        found = compiled(call.result).search(answer)
    except Exception as error:  # garbage
        return Unknown.because(f"{type(error).__name__}: {call.action}")
    if found is None:
        # An answer without what was asked for: garbage, or how AWS says "none" where the catalogue knows it.
        return None if call.optional else Unknown.because(f"UnexpectedAnswer: {call.action}")
    return rows(found, call.columns, call.action) if call.columns else found


def _means_absent(call: Call, code: str, message: str) -> bool:
    """Whether an error is one of those that mean "not configured": CODE, or CODE: TEXT of its message."""
    expected = (entry.partition(": ") for entry in call.absent)
    return any(code == name and text in message for name, _, text in expected)


def _ready(client: Any, call: Call, deadline: float, answer: Answer) -> Unknown | None:
    """Ask until the answer says that something is ready. Unknown where it never does."""
    for wait in WAITS:
        found = ask(client, call, deadline=deadline, answer=answer)
        if isinstance(found, Unknown):
            return found
        if compiled(call.until or "@").search(found):
            return None
        time.sleep(wait)
    return Unknown.because(f"NotReady: {call.action}")


def _arguments(call: Call, config: Json) -> Mapping[str, Json] | Unknown:
    arguments = {name: compiled(expression).search(config) for name, expression in call.arguments.items()}
    absent = [name for name, value in arguments.items() if value is None]
    return Unknown.because(f"{call.action} needs {', '.join(absent)}, which AWS did not send") if absent else arguments


def _check_known(client: Any, call: Call, given: Mapping[str, Json]) -> None:
    """Raise where the installed botocore has no such operation, or no such parameter of it.

    A parameter that were left out would take something from the answer, and nobody would know.
    """
    shape = client.meta.service_model.operation_model(call.operation).input_shape
    if not given.keys() <= (shape.members.keys() if shape else set()):
        raise UnknownParameterError
