"""One AWS call: its pages, its absent answer, and what remains unknown when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from botocore import xform_name
from botocore.exceptions import ClientError

from .catalog import Call, compiled
from .format import too_deep
from .model import Json, Unknown


def ask(client: Any, call: Call, config: Json = None) -> Json:
    """The answer to a call about a resource; null where it means "not configured"; Unknown where it failed."""
    try:
        arguments = _arguments(call, config)
        if isinstance(arguments, Unknown):
            return arguments
        answer = compiled(call.result).search(_send(client, call, {**call.params, **arguments}))
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "Unknown")
        return None if code in call.absent else Unknown.because(f"{code}: {call.action}")
    except Exception as error:
        # No endpoint, a time-out, an answer botocore cannot parse: whatever it was, one call must not cost
        # the run, and its value is not known.
        return Unknown.because(f"{type(error).__name__}: {call.action}")
    if answer is None:
        # An answer without what was asked for: garbage, or how AWS says "none" where the catalogue knows it.
        return None if call.optional else Unknown.because(f"UnexpectedAnswer: {call.action}")
    return _parsed(answer, call) if call.json else answer


def _arguments(call: Call, config: Json) -> Mapping[str, Json] | Unknown:
    arguments = {name: compiled(expression).search(config) for name, expression in call.arguments.items()}
    absent = [name for name, value in arguments.items() if value is None]
    return Unknown.because(f"{call.action} needs {', '.join(absent)}, which AWS did not send") if absent else arguments


def _send(client: Any, call: Call, params: Mapping[str, Json]) -> dict[str, Any]:
    method = xform_name(call.operation)
    if client.can_paginate(method):
        config = {"PageSize": call.page_size} if call.page_size else {}
        answer = client.get_paginator(method).paginate(**params, PaginationConfig=config).build_full_result()
    else:
        answer = getattr(client, method)(**params)
    answer.pop("ResponseMetadata", None)
    return dict(answer)


def _parsed(text: str, call: Call) -> Json:
    try:
        if not too_deep(text.encode()):
            return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        pass  # as unknown as what is too deep
    return Unknown.because(f"MalformedDocument: {call.action}")
