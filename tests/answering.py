"""What AWS would answer to every call of the catalogue, made up from botocore's models of its operations.

A text says where it stands, a list has one item, and what has pages has two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
from botocore import xform_name
from builders import CALLER, TIME
from stillframe.snapshot.catalog import Call, ResourceType, load_catalog
from stillframe.snapshot.collector import session as aws
from stillframe.snapshot.collector.clients import Clients
from stillframe.snapshot.collector.pages import TOKENS as NAMED
from stillframe.snapshot.collector.plan import Plan
from stillframe.snapshot.collector.run import run
from stillframe.snapshot.collector.targets import Target
from stillframe.snapshot.collector.write import SnapshotWriter
from stillframe.snapshot.model import Collected

CATALOG = load_catalog()
SECRET = "hunter2"
REGIONS = ("eu-west-1", "us-east-1")
TOKENS = {"ContinuationToken", "LastEvaluatedTableName", "Marker", "NextMarker", "NextToken", "nextToken", "position"}
TOKENS |= {"NextPageMarker", "NextRecordIdentifier", "NextRecordName", "NextRecordType", "nextPageToken"}
# What must be so for there to be anything to ask: answers by operation, at paths.
SAID: dict[str, dict[str, Any]] = {
    "DescribeRegions": {"Regions": [{"RegionName": name, "OptInStatus": "opted-in"} for name in REGIONS]},
    "DescribeOrganization": {"Organization.MasterAccountId": CALLER.account},
    "DescribeTrails": {"trailList[].HomeRegion": "us-east-1"},
    "DescribeKey": {"KeyMetadata.KeyManager": "CUSTOMER"},
    "DescribeDeliveryStream": {"DeliveryStreamDescription.HasMoreDestinations": False},
    "GenerateCredentialReport": {"State": "COMPLETE"},
    # What is on one page alone is read; whatever announces another is unknown.
    "GetBuckets": {"nextPageToken": None},
    "GetCallerIdentity": {"Account": CALLER.account},
    "ListBuckets": {"Buckets[].BucketRegion": "eu-west-1"},
    "ListDeliveryStreams": {"HasMoreDeliveryStreams": False},
    "ListFunctions": {"FunctionList.NextMarker": None},
    "ListHostedZones": {"HostedZones[].Config.PrivateZone": False},
    "ListKeyGroups": {"KeyGroupList.NextMarker": None},
    "ListResponseHeadersPolicies": {"ResponseHeadersPolicyList.NextMarker": None},
    "ListStreams": {"StreamSummaries[].StreamARN": "arn:aws:kinesis:us-east-1:111122223333:stream/PAGE"},
    "ListTagsForDeliveryStream": {"HasMoreTags": False},
    "ListTagsForResource": {"NextMarker": None},
}


def answer_path(call: Call, listed: bool, rest: tuple[str, ...]) -> str:
    """Where in an answer a path of a resource's config is."""
    picked = re.sub(r"\[\?.*\]|^@|\{.*", "", call.result).rstrip(".")
    steps = [picked, *(["[]"] if listed and not picked.endswith("[]") and picked else []), *rest]
    return ".".join(step for step in steps if step).replace(".[]", "[]").replace("[0]", "[]")


def places_of(spec: ResourceType, paths: tuple[tuple[str, ...], ...]) -> Iterator[tuple[str, str]]:
    """The operation and the place in its answer of each path of a resource's config."""
    for first, *rest in paths:
        call = spec.attach.get(first)
        steps = (first, *rest) if call is None else tuple(rest)
        yield (call or spec.list).operation, answer_path(call or spec.list, call is None, steps)


SECRETS = {place for spec in CATALOG.values() for place in places_of(spec, spec.redact)}
DOCUMENTS = {place for spec in CATALOG.values() for place in places_of(spec, spec.json)}
COLUMNS = {call.operation: call.columns for spec in CATALOG.values() for call in spec.calls() if call.columns}


@dataclass(frozen=True)
class Answer:
    """One answer to an operation; its second page where `last`."""

    operation: str
    last: bool

    def of(self, shape: Any, path: str, above: tuple[str, ...] = ()) -> Any:
        said = SAID.get(self.operation, {})
        if path in said:
            text = said[path]
            return text.replace("PAGE", "2" if self.last else "1") if isinstance(text, str) else text
        name = path.rpartition(".")[2]
        match shape.type_name:
            case "structure":
                if shape.name in above:
                    return {}
                members = {
                    member: self.of(inner, f"{path}.{member}".lstrip("."), (*above, shape.name))
                    for member, inner in shape.members.items()
                }
                found = {member: value for member, value in members.items() if value is not None}
                return dict(list(found.items())[:1]) if shape.is_tagged_union else found
            case "list":
                return [self.of(shape.member, f"{path}[]", above)]
            case "map":
                return {key: self.of(shape.value, f"{path}.{star}", above) for key, star in keys(shape, path)}
            case "boolean":
                return not self.last if name in ("IsTruncated", "Truncated") or name.startswith("HasMore") else True
            case "timestamp":
                return datetime(2026, 1, 1, tzinfo=UTC)
            case "string" | "blob":
                return self.text(shape, path, name)
            case _:
                return 1

    def text(self, shape: Any, path: str, name: str) -> str | bytes | None:
        place = (self.operation, path)
        if name in TOKENS:
            return None if self.last else "page-2"
        if place in SECRETS:
            return SECRET
        if place in DOCUMENTS:
            return json.dumps({"Statement": [path]})
        if columns := COLUMNS.get(self.operation):
            return "\n".join(",".join(row) for row in (columns, columns)).encode()
        enum = getattr(shape, "enum", ())
        made = f"{re.sub('[^A-Za-z0-9]+', '-', path).lower()}-{2 if self.last else 1}"
        return enum[0] if enum else made.ljust(shape.metadata.get("min", 0), "x")


def keys(shape: Any, path: str) -> list[tuple[str, str]]:
    """The keys of a map: those that AWS has names for, and one that somebody chose."""
    named = [key for operation, place in SECRETS | DOCUMENTS if (key := child(place, path)) not in (None, "*")]
    return [(key, key) for key in dict.fromkeys([*getattr(shape.key, "enum", ()), *named])] or [("chosen", "*")]


def child(place: str, path: str) -> str | None:
    return place.removeprefix(f"{path}.") if place.startswith(f"{path}.") else None


Handler = Callable[..., tuple[Any, dict[str, Any]] | None]


def respond(model: Any, params: Mapping[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
    """Answer in AWS's place, before anything is sent."""
    answer = Answer(model.name, last="page-2" in str(params)).of(model.output_shape, "")
    return SimpleNamespace(status_code=200, raw=None), answer


@cache
def _client(service: str) -> Any:
    return aws._shared(boto3.Session("x", "x", region_name="us-east-1")).client(service)


def has_pages(call: Call) -> bool:
    client = _client(call.service)
    answer = client.meta.service_model.operation_model(call.operation).output_shape
    return client.can_paginate(xform_name(call.operation)) or bool({*NAMED} & set(answer.members))


@cache
def _clients() -> tuple[Clients, list[Handler]]:
    """Clients of every service, which take seconds to make, and the handlers by which they are answered for now."""
    session, answering = aws._shared(boto3.Session("x", "x", region_name="us-east-1")), list[Handler]()

    def first(**given: Any) -> Any:
        return next(found for each in answering if (found := each(**given)) is not None)

    session.events.register("before-call", first)
    return Clients(session, connections=16), answering


def gather(
    folder: Path, *handlers: Handler, types: Mapping[str, ResourceType] = CATALOG, regions: Iterable[str] = REGIONS[1:]
) -> Collected:
    """Collect from an AWS that answers by these handlers, the first that does."""
    clients, answering = _clients()
    answering[:] = [*handlers, respond]
    return run(
        [Target(account=CALLER.account, facts={"OrganizationalUnits": [{"Id": "r-1", "Name": "Root"}]})],
        SnapshotWriter(folder, TIME),
        clients=clients,
        caller=CALLER,
        plan=Plan(types=types, regions=frozenset(regions), organization=True),
        scope={},
    )
