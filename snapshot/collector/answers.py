"""What an answer of AWS must look like before botocore reads it: it takes much for an answer with nothing in it.

A proxy's page, an error that comes as a success, half an answer or none would read as an empty list, and an empty list
as "there is none".
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from botocore.parsers import ResponseParserError

from ..format import too_deep
from .decode import ANSWER

_JSON = frozenset({"json", "rest-json"})  # what botocore calls the protocols of services that answer in it
_ROOT = re.compile(rb"(?>\s|<\?.*?\?>|<!--.*?-->)*+<(?:[\w.-]+:)?([\w.-]+)", re.DOTALL)
_TAG = re.compile(rb"<(?:[\w.-]+:)?([\w.-]+)")
_FAULTS = ("Error", "Exception", "Failure", "Fault")  # how the names of errors end
_NEVER = frozenset({"html", "error", "errorresponse", "errors"})


def refuse_what_is_none(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """A handler of botocore's `before-parse`. Raises ResponseParserError."""
    if response_dict["status_code"] >= 300 or not _has_body(operation_model):
        return
    body, protocol = response_dict["body"].strip(), operation_model.service_model.resolved_protocol
    plain = protocol in _JSON or _is_text(operation_model)
    if not (_is_object(body, operation_model) if plain else _is_document(body, operation_model)):
        raise ResponseParserError("the answer is not AWS's")


def _has_body(operation: Any) -> bool:
    """Whether something is sent in the body, and not in headers alone."""
    shape = operation.output_shape
    return shape is not None and any("location" not in each.serialization for each in shape.members.values())


def _is_object(body: bytes, operation: Any) -> bool:
    """Whether it is JSON, which botocore would take for an empty answer where it is not, and this operation's."""
    if too_deep(body, ANSWER):
        return False
    try:
        found = json.loads(body)
    except ValueError:
        return False
    if not isinstance(found, dict) or str(found.get("__type", "")).endswith(_FAULTS):
        return False
    return not found or _is_text(operation) or not found.keys().isdisjoint(_members(operation))


def _members(operation: Any) -> Collection[str]:
    """What the object of an answer may have, as it is spelled there."""
    shape = operation.output_shape
    if payload := shape.serialization.get("payload"):
        shape = shape.members[payload]
    return {_spelt(name, each) for name, each in shape.members.items()}


def _spelt(name: str, shape: Any) -> str:
    flat = shape.type_name == "list" and shape.serialization.get("flattened")
    spelt: str = (flat and shape.member.serialization.get("name")) or shape.serialization.get("name", name)
    return spelt


def _is_text(operation: Any) -> bool:
    """Whether the body is a policy as it is."""
    payload = operation.output_shape.serialization.get("payload")
    return payload is not None and operation.output_shape.members[payload].type_name == "string"


def _is_document(body: bytes, operation: Any) -> bool:
    found = _ROOT.match(body)
    root = found[1].decode() if found else "html"
    expected = _roots(operation)
    right = root in expected if expected else root.lower() not in _NEVER
    return right and found is not None and _has_members(body[found.end() :], operation)


def _has_members(inner: bytes, operation: Any) -> bool:
    """Whether it has something of this operation's, or nothing at all: all else would read as nothing."""
    known, around, others = _members(operation), _around(operation), False
    for tag in _TAG.finditer(inner):
        name = tag[1].decode()
        if name in known:
            return True
        others = others or name not in around
    return not others


def _around(operation: Any) -> Collection[str]:
    """What may stand in an answer in XML beside its members."""
    return {"ResponseMetadata", "RequestId", "requestId", operation.output_shape.serialization.get("resultWrapper")}


def _roots(operation: Any) -> Collection[str]:
    """What the root of an answer in XML can be; empty where nobody says what it is."""
    service, shape = operation.service_model, operation.output_shape
    after_the_call = {f"{operation.name}Response", f"{operation.name}Result"}
    if service.resolved_protocol != "rest-xml":
        return after_the_call
    if payload := shape.serialization.get("payload"):
        return after_the_call | {shape.members[payload].name}
    known = _known_roots().get(service.service_name)
    return () if known is None else after_the_call | {known.get(operation.name, "")}


@cache
def _known_roots() -> Mapping[str, Mapping[str, str]]:
    found: Mapping[str, Mapping[str, str]] = yaml.safe_load(
        (files("stillframe.snapshot.collector") / "roots.yaml").read_text("utf-8")
    )
    return found
