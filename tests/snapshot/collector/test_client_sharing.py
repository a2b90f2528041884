"""Clients that share a service: what each sends is what a client of boto3 sends that was made for its region."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.collector.clients import Clients
from stillframe.snapshot.collector.session import open_session

REGIONS = ("eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1", "xx-new-9")  # the first is the one that is shared
CALLS = sorted({(call.service, call.operation) for spec in load_catalog().values() for call in spec.calls()})
EACH_ITS_OWN = {"Amz-Sdk-Invocation-Id", "X-Amz-Date", "User-Agent", "amz-sdk-request", "amz-sdk-invocation-id"}

Sent = tuple[str, str, Mapping[str, str], Any]


class Wire:
    """A session that sends nothing, and keeps what it would have sent."""

    def __init__(self) -> None:
        self.session = open_session(session=boto3.Session("AKIDEXAMPLE", "secret", "token"))
        self.session.events.register("before-send", self._keep)
        self.sent: list[Sent] = []

    def of(self, client: Any, operation: str) -> Sent | str:
        """The request that an operation is, or what botocore has against it."""
        self.sent.clear()
        try:
            getattr(client, xform_name(operation))(**example(client, operation))
        except Exception as error:
            if not self.sent:
                return f"{type(error).__name__}: {error}"
        return self.sent[0]

    def _keep(self, request: Any, **_: Any) -> AWSResponse:
        headers = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
            if name not in EACH_ITS_OWN
        }
        headers["Authorization"] = re.sub(r"/\d{8}/|Signature=\w+", "", headers["Authorization"])  # of this second
        self.sent.append((request.method, request.url, headers, request.body))
        return AWSResponse(request.url, 400, {}, Nothing())


class Nothing:
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield b""


def example(client: Any, operation: str) -> dict[str, Any]:
    """What an operation needs, whatever it is."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    return {name: value(shape.members[name]) for name in shape.required_members} if shape else {}


def value(shape: Any) -> Any:
    if shape.type_name == "structure":
        return {name: value(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [value(shape.member)]
    text = shape.enum[0] if getattr(shape, "enum", None) else "111122223333"
    text = text.ljust(shape.metadata.get("min", 0), "1") if shape.type_name == "string" else text
    return {"string": text, "boolean": True}.get(shape.type_name, 1)


@pytest.mark.parametrize("endpoint_url", [None, "http://localhost:4566"])
def test_every_service_is_asked_as_by_a_client_of_its_region(endpoint_url, request):
    """A service is asked in the region that is shared and in one of the others; with `--sweep` in all.

    At an address of somebody's own that is every third service, and those of which the collector has hosts to mend.
    """
    wire, seen = Wire(), Counter()
    regions = REGIONS if endpoint_url is None else REGIONS[:2]
    clients = Clients(wire.session, endpoint_url)
    sweep = request.config.getoption("--sweep")
    services = sorted({service for service, _ in CALLS})
    if endpoint_url and not sweep:
        services = sorted({*services[::3], "s3", "s3control"})
    home, *rest = regions
    others = len(rest) if sweep else 1
    asked = {
        (service, region): clients(service, region)
        for service in services
        for region in (home, *random.Random(service).sample(rest, others))
    }
    order = list(asked)
    random.Random(0).shuffle(order)
    for service, region in order:
        plain = wire.session.client(service, region_name=region, endpoint_url=endpoint_url)
        for operation in [operation for named, operation in CALLS if named == service][:2]:
            expected = wire.of(plain, operation)
            if endpoint_url and service == "s3control":
                seen[service] += 1
                continue  # its host is left alone on purpose
            assert wire.of(asked[service, region], operation) == expected, (service, operation, region)
            seen[service] += isinstance(expected, tuple)
    assert set(services) == set(+seen)
