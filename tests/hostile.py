"""An endpoint that answers every call of the catalogue with the bytes that AWS would send, but for one harm.

It is in this process: what would be sent is answered before it is. Pages, retries, parsing and all checks are real.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest.mock import patch

import boto3
from answering import Answer
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, IncompleteReadError, ReadTimeoutError
from msgspec.structs import replace
from stillframe.snapshot.catalog import Call, load_catalog
from stillframe.snapshot.collector import clients as making
from stillframe.snapshot.collector.answers import _roots
from stillframe.snapshot.collector.call import ask
from stillframe.snapshot.collector.clients import Clients
from stillframe.snapshot.model import Json

CALLS = list(
    {
        (call.service, call.operation, call.result): call for spec in load_catalog().values() for call in spec.calls()
    }.values()
)


@dataclass
class Body:
    """What is read of an answer."""

    data: bytes

    def stream(self, **_: Any) -> Any:
        yield self.data

    def read(self, *_: Any) -> bytes:
        return self.data


@dataclass
class Endpoint:
    """What answers one call: well, but for the page that is harmed."""

    model: Any
    harm: Harm | None = None
    page: int = 0
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        self.asked.append(f"{request.url} {request.body}")
        number = 1 if "page-2" in self.asked[-1] else 0
        status, headers, body = honest(self.model, last=bool(number))
        if self.harm and number >= self.page:
            body = self.harm(body, self)
        return AWSResponse(request.url, status, headers, Body(body))


Harm = Callable[[bytes, Endpoint], bytes]


@cache
def honest(model: Any, *, last: bool) -> tuple[int, dict[str, str], bytes]:
    """A page as AWS would send it."""
    from moto.core.model import ServiceModel
    from moto.core.serialize import get_serializer_class

    service = model.service_model
    theirs = ServiceModel(service._service_description, service.service_name).operation_model(model.name)
    serializer = get_serializer_class(service.service_name, service.resolved_protocol)(operation_model=theirs)
    made = serializer.serialize(Answer(model.name, last=last).of(model.output_shape, ""))
    body = made["body"] if isinstance(made["body"], bytes) else made["body"].encode()
    for root in list(_roots(model))[:1] if service.service_name == "s3" else ():
        body = body.replace(f"{model.name}Response".encode(), root.encode())
    return made["status_code"], dict(made["headers"]), body


def _is_json(endpoint: Endpoint) -> bool:
    return "json" in endpoint.model.service_model.resolved_protocol


def _empty(body: bytes, endpoint: Endpoint) -> bytes:
    """The right document, with nothing in it."""
    if _is_json(endpoint):
        return b"{}"
    root = body.partition(b"?>")[2].lstrip() or body
    name = root.lstrip(b"<").split(b">")[0].split()[0]
    return b"<" + name + b"/>"


def _error(_: bytes, endpoint: Endpoint) -> bytes:
    """An error that comes as a success."""
    if _is_json(endpoint):
        return b'{"__type": "InternalFailure", "message": "sorry"}'
    return b"<ErrorResponse><Error><Code>InternalFailure</Code></Error></ErrorResponse>"


def _another(body: bytes, endpoint: Endpoint) -> bytes:
    """What another operation of the service answers."""
    service, mine = endpoint.model.service_model, set(endpoint.model.output_shape.members)
    for name in service.operation_names:
        model = service.operation_model(name)
        if model.output_shape and model.output_shape.members and not mine & set(model.output_shape.members):
            other = honest(model, last=True)[2]
            if len(other) > 50:
                return other
    return b"{}]"


def _raise(error: Callable[..., Exception]) -> Harm:
    def harm(_: bytes, __: Endpoint) -> bytes:
        raise error(endpoint_url="https://x", error="harm", actual_bytes=1, expected_bytes=2)

    return harm


def _endless(body: bytes, endpoint: Endpoint) -> bytes:
    """Another page, and another."""
    return honest(endpoint.model, last=False)[2].replace(b"page-2", f"page-2{len(endpoint.asked)}".encode())


HARMS: Mapping[str, Harm] = {
    "a page of HTML": lambda *_: b"<html><body>Please sign in</body></html>",
    "a text": lambda *_: b"Please sign in",
    "another root": lambda *_: b"<foo/>",
    "a list": lambda *_: b"[]",
    "null": lambda *_: b"null",
    "nothing": lambda *_: b"",
    "half of it": lambda body, _: body[: len(body) // 2],
    "all but the end": lambda body, _: body[:-1],
    "what is compressed": lambda body, _: gzip.compress(body),
    "an empty document": _empty,
    "an error as a success": _error,
    "another operation's": _another,
    "a connection that closes": _raise(ConnectionClosedError),
    "bytes that do not come": _raise(ReadTimeoutError),
    "fewer bytes than announced": _raise(IncompleteReadError),
}
LOOPS: Mapping[str, Harm] = {
    "the first page again": lambda _, endpoint: honest(endpoint.model, last=False)[2],
    "pages without an end": _endless,
}


@cache
def _clients() -> tuple[Clients, list[Endpoint]]:
    """Clients whose requests the last of some endpoints answers."""
    session, endpoints = boto3.Session("x", "x", region_name="us-east-1"), list[Endpoint]()
    session.events.register("before-send", lambda **given: endpoints[-1](**given))  # noqa: PLW0108 - of then
    return Clients(session, deadline=0.2), endpoints


def answer(call: Call, harm: Harm | None = None, page: int = 0) -> Json:
    """What is made of what such an endpoint answers."""
    clients, endpoints = _clients()
    client = clients(call.service, call.region or "us-east-1")
    model = client.meta.service_model.operation_model(call.operation)
    endpoints.append(Endpoint(model, harm, page))
    params = {name: _filled(shape) for name, shape in _needed(model, call)} | dict(call.params)
    alone = replace(call, params=params, arguments={}, when=None, after=None, of=None)
    with patch.object(making, "ATTEMPTS", 1):
        return ask(client, alone, deadline=0.2 if harm else 60)  # which a busy machine may need


def _needed(model: Any, call: Call) -> list[tuple[str, Any]]:
    if model.input_shape is None:
        return []
    members, named = model.input_shape.members, {*model.input_shape.required_members, *call.arguments}
    return [(name, members[name]) for name in sorted(named)]


def _filled(shape: Any) -> Any:
    match shape.type_name:
        case "list":
            return [_filled(shape.member)]
        case "structure":
            return {name: _filled(shape.members[name]) for name in shape.required_members}
        case "integer" | "long":
            return 1
        case "boolean":
            return True
    if getattr(shape, "enum", ()):
        return shape.enum[0]
    if shape.name == "ResourceARN" and shape.metadata.get("pattern", "").startswith("arn:aws.*:kinesis"):
        return "arn:aws:kinesis:us-east-1:111122223333:stream/a"
    return "111122223333".ljust(shape.metadata.get("min", 0), "1")
