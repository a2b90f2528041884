"""Every call of the catalogue, without a network: botocore's own models say what AWS would answer.

Each answer is made up from the shape of an operation's output: a text says where it stands, a list has one item, and
what has pages has two. So lists, pages, attached calls, documents and secrets of every type are seen in one run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from answering import CATALOG, REGIONS, SECRET, SECRETS, gather, has_pages
from builders import CALLER
from conftest import Once
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import ACCOUNT_TYPE, REGION_TYPE, Call, ResourceType
from stillframe.snapshot.collector.api_models import are_old
from stillframe.snapshot.collector.decode import REDACTED
from stillframe.snapshot.model import GLOBAL, Account, Collected, Resource, Unknown
from stillframe.snapshot.resource import names_in
from stillframe.snapshot.verify import verify


def refuse(errors: Mapping[tuple[str, str], tuple[str, str]], model: Any, **_: Any) -> Any:
    """Refuse some calls, by service and operation, each with a code and a message."""
    key = (model.service_model.service_name, model.name)
    if key not in errors:
        return None
    code, message = errors[key]
    return SimpleNamespace(status_code=400, raw=None), {"Error": {"Code": code, "Message": message}}


def key(call: Call) -> tuple[str, str]:
    return call.service, call.operation


def account(done: Collected) -> Account:
    return open_snapshot(done.path).account(CALLER.account)


# -------------------------------------------------------------------------------------------------- the tests


@pytest.fixture(scope="module")
def done(once: Once) -> Collected:
    """A collection in which every call is answered."""
    return once("every", lambda folder: gather(folder, regions=REGIONS))


def unknowns(node: Any, path: str = "") -> Iterator[tuple[str, Unknown]]:
    if isinstance(node, Unknown):
        yield path, node
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from unknowns(value, f"{path}.{name}".lstrip("."))
    elif isinstance(node, list):
        for value in node:
            yield from unknowns(value, f"{path}[]")


def resources(done: Collected, regions: Iterable[str] = REGIONS[1:]) -> Iterator[tuple[ResourceType, list[Resource]]]:
    """Each type with what was collected of it; of AWS::Region, those regions that were asked."""
    for kind, spec in CATALOG.items():
        found = account(done).read(kind)
        yield spec, [each for each in found if kind != REGION_TYPE or each.region in regions]


def is_lacking(cause: object) -> bool:
    """Whether something is unknown because botocore is older than what `kinds.json` was made from."""
    return are_old() and str(cause).startswith("UnknownMemberError: ")


def test_every_type_is_read_in_every_place_and_to_the_last_page(done):
    assert [cause for cause in done.gaps if not is_lacking(cause)] == []
    for spec, found in resources(done, REGIONS):
        coverage = account(done).coverage[spec.type]
        assert coverage.missing == {}
        assert set(coverage.read) == ({GLOBAL} if spec.scope == "account" else set(REGIONS))
        places = {resource.region for resource in found} if spec.region else coverage.read
        assert len(found) == pages(spec) * len(places), spec.type


def pages(spec: ResourceType) -> int:
    """How many resources there are in a place: one for each page, and for each owner that the id names."""
    of = spec.list.of
    owners = 2 if of and has_pages(of) and any(f"{{{name}:" in of.result for name in names_in(spec.id)) else 1
    return owners * (2 if has_pages(spec.list) else 1)


def test_nothing_is_unknown_but_what_is_redacted(done):
    for spec, found in resources(done, REGIONS):
        redacted = {".".join(path).replace(".[]", "[]").replace(".*", ".chosen") for path in spec.redact}
        for resource in found:
            unknown = {each for each in unknowns(resource.config) if not is_lacking(each[1])}
            assert unknown == {(path, REDACTED) for path in redacted}, spec.type


def test_no_secret_is_in_any_byte_that_is_written(done):
    assert len(SECRETS) >= 12
    written = b"".join(path.read_bytes() for path in done.path.rglob("*") if path.is_file())
    assert SECRET.encode() not in written
    assert b'"chosen":{"$missing":"redacted by the collector"}' in written, "the names of variables are kept"


def test_documents_in_text_are_parsed(done):
    for spec, found in resources(done, REGIONS):
        for path in spec.json:
            node: Any = found[0].config
            for step in path:
                node = node[0] if step == "[]" else next(iter(node.values())) if step == "*" else node[step]
            assert list(node) == ["Statement"], (spec.type, path)


def test_the_snapshot_is_as_its_schemas_say(done):
    assert list(verify(done.path)) == []


def test_a_denied_attached_call_is_unknown_in_its_place_alone(tmp_path):
    listed = {key(spec.list) for spec in CATALOG.values()}
    denied = {
        key(call): ("AccessDeniedException", "User is not authorized")
        for spec in CATALOG.values()
        for call in spec.attach.values()
    }
    done = gather(tmp_path, partial(refuse, {call: why for call, why in denied.items() if call not in listed}))
    for spec, found in resources(done):
        assert found
        for name, call in spec.attach.items():
            causes = {str(resource.config[name]) for resource in found}
            if key(call) not in listed and not call.found:
                assert all(cause.startswith("AccessDeniedException: ") for cause in causes), (spec.type, name, causes)
        if spec.tags and spec.tags.partition(".")[0] in spec.attach:
            assert {type(resource.tags) for resource in found} == {Unknown}


def test_a_denied_list_is_a_gap_in_every_place_and_never_an_empty_list(tmp_path):
    """With every code that means something else beside another message."""
    codes = {key(spec.list): "AccessDeniedException" for spec in CATALOG.values()}
    codes |= {
        key(spec.list): entry.partition(": ")[0]
        for spec in CATALOG.values()
        for entry in spec.list.absent
        if ": " in entry
    }
    del codes["ec2", "DescribeRegions"], codes["sts", "GetCallerIdentity"]
    done = gather(tmp_path, partial(refuse, {call: (code, "not authorized") for call, code in codes.items()}))
    for spec, found in resources(done):
        if spec.type not in (ACCOUNT_TYPE, REGION_TYPE):
            coverage = account(done).coverage[spec.type]
            first = spec.list.of if spec.list.of and key(spec.list.of) in codes else spec.list
            cause = f"{codes[key(first)]}: {first.action}"
            assert (found, list(coverage.read)) == ([], [])
            assert set(coverage.missing.values()) == {cause}
            assert set(coverage.missing) == {GLOBAL if spec.scope == "account" else "us-east-1"}


def test_the_call_that_goes_before_another_may_be_denied(tmp_path):
    spec = CATALOG["AWS::IAM::CredentialReport"]
    types = {kind: CATALOG[kind] for kind in (REGION_TYPE, spec.type)}
    done = gather(tmp_path, partial(refuse, {key(spec.list.after): ("AccessDenied", "not authorized")}), types=types)
    assert account(done).coverage[spec.type].missing == {GLOBAL: "AccessDenied: iam:GenerateCredentialReport"}


def test_what_lists_the_owners_may_be_denied(tmp_path):
    spec = CATALOG["AWS::ECS::Service"]
    types = {kind: CATALOG[kind] for kind in (REGION_TYPE, spec.type)}
    done = gather(tmp_path, partial(refuse, {key(spec.list.of): ("AccessDenied", "not authorized")}), types=types)
    assert account(done).coverage[spec.type].missing == {"us-east-1": "AccessDenied: ecs:ListClusters"}


def test_an_error_that_means_not_configured_is_null_or_an_empty_list(tmp_path):
    absent = {}
    for spec in CATALOG.values():
        for call in (spec.list, *spec.attach.values()):
            for entry in call.absent:
                code, _, text = entry.partition(": ")
                absent[key(call)] = (code, f"Account 1: {text}.")
    done = gather(tmp_path, partial(refuse, absent))
    for spec, found in resources(done):
        if spec.list.absent:
            coverage = account(done).coverage[spec.type]
            assert (found, coverage.missing) == ([], {}), spec.type
            assert coverage.read
        for name, call in spec.attach.items():
            if call.absent:
                assert {resource.config[name] for resource in found} <= {None}, (spec.type, name)


def test_an_answer_with_nothing_in_it_is_an_empty_list_only_where_aws_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("stillframe.snapshot.collector.call.time", SimpleNamespace(sleep=lambda _: None))

    def empty(model: Any, **_: Any) -> Any:
        if model.name in ("DescribeRegions", "GetCallerIdentity"):
            return None
        return SimpleNamespace(status_code=200, raw=None), {}

    done = gather(tmp_path, empty)
    for spec, found in resources(done):
        coverage = account(done).coverage[spec.type]
        if spec.list.optional:
            assert (found, coverage.missing) == ([], {}), spec.type
        elif spec.type not in (ACCOUNT_TYPE, REGION_TYPE):
            assert set(coverage.missing) == {GLOBAL if spec.scope == "account" else "us-east-1"}, spec.type
