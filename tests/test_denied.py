"""What cannot be read never passes, and never goes missing: over every call and every field that the policies read.

A small estate, with passes and failures of every policy, is collected again and again, each time with one call
refused or broken. Whatever the first picture found must still be found, or stand as unknown. Calls that no shipped
policy reads are refused in tests/snapshot/collector/test_every_type.py, where no policy is needed to see what becomes
of them.
"""

from __future__ import annotations

import copy
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from builders import clients_of, collect_from, nine, read_types
from lost import Tried, sweep
from msgspec.structs import replace
from remembered import Memory
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.model.finding import Finding, Status
from stillframe.engine.model.policy import Policy
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import ACCOUNT_TYPE, REGION_TYPE, Call, load_catalog
from stillframe.snapshot.collector.clients import Clients, same_host
from stillframe.snapshot.collector.demo import ALL_EVENTS, HOME, LOG_BUCKET, MANAGEMENT, Organisation
from stillframe.snapshot.format import file_name, read_line
from stillframe.snapshot.model import EVERYWHERE, GLOBAL, Account, Resource, Snapshot, Unknown
from stillframe.snapshot.resource_file import complete

pytestmark = pytest.mark.xdist_group("denied")

EU = "eu-west-1"
DISABLED = "af-south-1"  # not opted in
REGIONS = {HOME: "opt-in-not-required", EU: "opted-in", DISABLED: "not-opted-in"}
POLICIES = nine()
CATALOG = read_types()
SAMPLE = 8  # of the resources that have a field, on one of so many it is lost

# ----------------------------------------------------------------------------------------------- the estate


def build(estate: Organisation) -> None:
    """One sound account, log-archive, and one that is wrong in most ways, management."""
    sound, wrong = estate.log_archive, MANAGEMENT
    s3 = estate.client(sound, "s3")
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    for name, options in {
        LOG_BUCKET: {"acl": "log-delivery-write"},
        "ignores-acls": {"acl": "public-read", "block": "IgnorePublicAcls"},
        "restricts-policies": {"policy": everyone, "block": "RestrictPublicBuckets"},
        "no-acls": {"acl": "public-read", "ownership": "BucketOwnerEnforced"},
        "open-by-acl": {"acl": "authenticated-read"},
        "open-by-policy": {"policy": everyone},
    }.items():
        s3.create_bucket(Bucket=name, ACL=options.get("acl", "private"))
        if "block" in options:
            s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={options["block"]: True})
        if "policy" in options:
            statement = {**options["policy"], "Resource": f"arn:aws:s3:::{name}/*"}
            s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        if "ownership" in options:
            rules = [{"ObjectOwnership": options["ownership"]}]
            s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": rules})
    target = {"TargetBucket": LOG_BUCKET, "TargetPrefix": ""}
    s3.put_bucket_logging(Bucket=LOG_BUCKET, BucketLoggingStatus={"LoggingEnabled": target})
    shield = estate.client(wrong, "s3control")
    shield.meta.events.register("before-sign.s3-control", same_host(estate._url))
    shield.put_public_access_block(
        AccountId=wrong, PublicAccessBlockConfiguration={"IgnorePublicAcls": True, "RestrictPublicBuckets": True}
    )
    estate.client(wrong, "s3").create_bucket(Bucket="open-but-shielded", ACL="public-read")

    kms = estate.client(sound, "kms")
    key = kms.create_key(Description="rotated")["KeyMetadata"]["Arn"]
    kms.enable_key_rotation(KeyId=key)
    kms.create_key(Description="not rotated")
    kms.create_key(Description="signing", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    estate.client(sound, "logs").create_log_group(logGroupName="trail")
    logs = {
        "CloudWatchLogsLogGroupArn": f"arn:aws:logs:{HOME}:{sound}:log-group:trail:*",
        "CloudWatchLogsRoleArn": f"arn:aws:iam::{sound}:role/trail",
    }
    estate.trail(sound, "sound", LOG_BUCKET, EnableLogFileValidation=True, KmsKeyId=key, **logs)
    for bucket in ("ignores-acls", "restricts-policies", "no-acls", "open-by-acl", "open-by-policy"):
        estate.client(sound, "cloudtrail").create_trail(Name=bucket, S3BucketName=bucket)
    trails = estate.client(wrong, "cloudtrail")
    trails.create_trail(Name="shielded", S3BucketName="open-but-shielded")
    estate.trail(wrong, "without-kms", LOG_BUCKET)
    excluding = [{**ALL_EVENTS[0], "ExcludeManagementEventSources": ["kms.amazonaws.com"]}]
    trails.put_event_selectors(TrailName="without-kms", EventSelectors=excluding)
    estate.trail(wrong, "reads", LOG_BUCKET)
    fields = {"eventCategory": ["Management"], "readOnly": ["true"]}
    selector = {"FieldSelectors": [{"Field": name, "Equals": equals} for name, equals in fields.items()]}
    trails.put_event_selectors(TrailName="reads", AdvancedEventSelectors=[selector])
    estate.trail(wrong, "stopped", LOG_BUCKET)
    trails.stop_logging(Name="stopped")

    for region in (HOME, EU):
        estate.record(sound, region)
    estate.record(wrong, HOME)
    estate.record(wrong, EU)
    estate.client(wrong, "config", EU).stop_configuration_recorder(ConfigurationRecorderName="default")
    estate.flow_log(sound, HOME, "ALL")
    estate.flow_log(wrong, HOME, "ACCEPT")


def few_regions(parsed: dict[str, Any], **_: Any) -> None:
    """AWS's answer with fewer regions in it: two that are enabled, and one that is not."""
    if "Regions" in parsed:
        parsed["Regions"] = [
            {"RegionName": name, "OptInStatus": status, "Endpoint": f"ec2.{name}.amazonaws.com"}
            for name, status in REGIONS.items()
        ]


class Breaks:
    """What is broken of all that clients send, for now: a handler of one event, or nothing."""

    def __init__(self) -> None:
        self.event, self.handler = "", None

    def __call__(self, event_name: str, **given: Any) -> AWSResponse | None:
        return self.handler(**given) if self.handler and event_name == self.event else None


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The estate in its stand-in, and its first picture, in which nothing is refused."""

    clients: Clients
    accounts: Sequence[str]
    path: Path
    findings: Findings
    memory: Memory
    breaks: Breaks

    def collect(self, folder: Path, target: Target, handler: Callable[..., Any]) -> Path:
        """Once more, with one call broken: what is asked by that call is asked, and all else remembered."""
        self.breaks.event, self.breaks.handler = target.event, handler
        answers = self.memory.but(target.call.service, target.call.operation)
        return collect_from(self.clients, folder, self.accounts, answers=answers).path

    def collect_anew(self, folder: Path) -> Path:
        self.breaks.handler = None
        return collect_from(self.clients, folder, self.accounts).path


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, empty: str) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("denied")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", str(folder / "absent"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        estate = Organisation(empty)
        build(estate)
        breaks, memory = Breaks(), Memory()

        def ours(session: Any) -> Any:
            session.events.register("after-call.ec2.DescribeRegions", few_regions)
            session.events.register("before-send", breaks)
            return session

        clients, accounts = clients_of(empty, ours), (MANAGEMENT, estate.log_archive)
        path = collect_from(clients, folder, accounts, answers=memory.but()).path
        yield Stage(
            clients=clients,
            accounts=accounts,
            path=path,
            findings=judged(open_snapshot(path)),
            memory=memory,
            breaks=breaks,
        )


# --------------------------------------------------------------------------------------------- the property

Findings = Mapping[tuple[str, ...], Finding]  # by identity
GAPS = (Status.UNKNOWN, Status.ERROR)


def judged(snapshot: Snapshot, policies: Sequence[Policy] = POLICIES) -> Findings:
    return {finding.identity: finding for finding in evaluate(snapshot, policies)}


def unsound(before: Findings, after: Findings) -> list[str]:
    """Where a picture that shows less says more: what newly passes, and what is gone without a gap in its place."""
    faults = []
    for identity, was in before.items():
        now = after.get(identity)
        gone = now is None or (now.status is Status.NOT_APPLICABLE and was.status is not Status.NOT_APPLICABLE)
        if gone and not any(stands_for(gap, was) for gap in after.values()):
            faults.append(f"{was.policy}: {was.resource} in {was.region}: {was.status}, then gone")
        elif now and now.status is Status.PASS and was.status is not Status.PASS:
            faults.append(f"{was.policy}: {was.resource} in {was.region}: {was.status}, then pass")
    faults += [
        f"{now.policy}: {now.resource} in {now.region}: newly there, and passes"
        for identity, now in after.items()
        if identity not in before and now.status is Status.PASS
    ]
    return faults


def blamed(before: Findings, after: Findings) -> list[str]:
    """Where a call that failed is held against the estate: what newly fails, though nothing there is worse."""
    return [
        f"{now.policy}: {now.resource} in {now.region}: newly fails"
        for identity, now in after.items()
        if now.status is Status.FAIL and (identity not in before or before[identity].status is not Status.FAIL)
    ]


def stands_for(gap: Finding, was: Finding) -> bool:
    """Whether an unknown finding says of another that it could not be evaluated."""
    if gap.status not in GAPS or (gap.policy, gap.account) != (was.policy, was.account):
        return False
    return gap.resource == was.resource or (
        gap.resource == gap.type == was.type and gap.region in (was.region, EVERYWHERE, GLOBAL)
    )


def changed(before: Findings, after: Findings) -> bool:
    return {key: found.status for key, found in before.items()} != {key: found.status for key, found in after.items()}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.id)
def test_the_estate_has_something_to_lose_for_each_policy(stage, policy):
    statuses = {found.status for found in stage.findings.values() if found.policy == policy.id}
    assert {Status.PASS, Status.FAIL} <= statuses


def test_the_first_picture_has_no_gap(stage):
    assert [found for found in stage.findings.values() if found.status in GAPS] == []


def test_the_same_estate_gives_the_same_findings_again(stage, tmp_path):
    again = judged(open_snapshot(stage.collect_anew(tmp_path)))
    assert unsound(stage.findings, again) == []
    assert not changed(stage.findings, again)


# ------------------------------------------------------------------------------------------- calls that fail


@dataclass(frozen=True, kw_only=True)
class Target:
    """Calls that fail: an operation, of all requests or of those that contain a text."""

    label: str
    call: Call
    containing: str = ""

    @property
    def event(self) -> str:
        return f"before-send.{model(self.call.service).service_id.hyphenize()}.{self.call.operation}"

    def matches(self, request: AWSPreparedRequest) -> bool:
        text = f"{request.url} {request.headers} {request.body}"
        return self.containing in text


def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def targets() -> Iterable[Target]:
    """Every call whose answer a policy reads, and what is listed by region in one region alone."""
    seen: dict[tuple[str, str], list[str]] = {}
    calls = {}
    for spec in CATALOG.values():
        for call in spec.calls():
            seen.setdefault((call.service, call.operation), []).append(spec.type)
            calls[call.service, call.operation] = call
    for key, kinds in seen.items():
        yield Target(label=f"{calls[key].action} ({', '.join(dict.fromkeys(kinds))})", call=calls[key])
    for spec in CATALOG.values():
        if spec.scope == "region":
            yield Target(label=f"{spec.list.action} in {EU}", call=spec.list, containing=f"/{EU}/")
    regions = CATALOG["AWS::Region"].list
    yield Target(label="ec2:DescribeRegions of all regions", call=regions, containing="AllRegions")


TARGETS = list(targets())
DENIED = {
    "json": ("AccessDeniedException", '{{"__type": "{code}", "message": "not authorized"}}'),
    "query": ("AccessDenied", "<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"),
    "ec2": (
        "UnauthorizedOperation",
        "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors></Response>",
    ),
    "rest-xml": ("AccessDenied", "<Error><Code>{code}</Code><Message>no</Message></Error>"),
    "s3control": ("AccessDenied", "<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"),
}


class Body:
    """A body as urllib3 gives it to botocore."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._text


def protocol(call: Call) -> str:
    return call.service if call.service in DENIED else model(call.service).resolved_protocol


def error(call: Call, code: str) -> str:
    """The body of an error in the protocol of a call's service."""
    return DENIED[protocol(call)][1].format(code=code)


def answer(target: Target, status: int, body: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
    """Answer in AWS's place."""
    return AWSResponse(request.url, status, {}, Body(body)) if target.matches(request) else None


def break_off(target: Target, exception: Exception, request: AWSPreparedRequest, **_: Any) -> None:
    """Fail as the network does."""
    if target.matches(request):
        raise exception


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.label)
def test_a_denied_call_makes_nothing_pass_and_nothing_vanish(stage, tmp_path, target):
    code, _ = DENIED[protocol(target.call)]
    path = stage.collect(tmp_path, target, partial(answer, target, 403, error(target.call, code)))
    check(stage.findings, path, f"{code}: {target.call.action}")


def check(before: Findings, path: Path, cause: str) -> None:
    """The property, and that the cause is in the snapshot and in what the policies say of it."""
    after = judged(open_snapshot(path))
    assert unsound(before, after) == []
    assert blamed(before, after) == []
    assert any(cause in cause_ for cause_ in causes(path)), cause
    if changed(before, after):
        messages = [found.message for found in after.values() if found.status in GAPS]
        assert any(cause in message for message in messages), messages


def causes(path: Path) -> list[str]:
    """Every cause that a snapshot gives: for what could not be listed, and for what could not be attached."""
    snapshot = open_snapshot(path)
    accounts = [snapshot.account(account) for account in snapshot.accounts]
    return [
        *(
            cause
            for account in accounts
            for coverage in account.coverage.values()
            for cause in coverage.missing.values()
        ),
        *(
            str(value)
            for account in accounts
            for kind in account.coverage
            for resource in account.read(kind)
            for value in resource.config.values()
            if isinstance(value, Unknown)
        ),
    ]


CHOSEN = {
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetTrailStatus",
    "config:DescribeConfigurationRecorders",
    "ec2:DescribeRegions",
    "ec2:DescribeFlowLogs",
    "ec2:DescribeVpcs",
    "kms:ListKeys",
    "kms:DescribeKey",
    "s3:ListAllMyBuckets",
    "s3:GetBucketAcl",
    "s3:GetBucketPolicyStatus",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetAccountPublicAccessBlock",
    "sts:GetCallerIdentity",
}
SOME = [target for target in TARGETS if target.call.action in CHOSEN and not target.containing]
# What botocore tries again before it gives up.
NETWORK = {
    "EndpointConnectionError": EndpointConnectionError(endpoint_url="https://aws.example"),
    "ConnectTimeoutError": ConnectTimeoutError(endpoint_url="https://aws.example"),
    "ReadTimeoutError": ReadTimeoutError(endpoint_url="https://aws.example"),
}


@pytest.fixture
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without their waits."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


@pytest.mark.usefixtures("in_no_time")
@pytest.mark.parametrize(
    ("target", "name"),
    [(target, list(NETWORK)[number % len(NETWORK)]) for number, target in enumerate(SOME[::3])],
    ids=lambda value: value if isinstance(value, str) else value.label,
)
def test_a_network_that_fails_makes_nothing_pass_and_nothing_vanish(stage, tmp_path, target, name):
    path = stage.collect(tmp_path, target, partial(break_off, target, NETWORK[name]))
    check(stage.findings, path, f"{name}: {target.call.action}")


@pytest.mark.usefixtures("in_no_time")
@pytest.mark.parametrize("target", SOME[1::4], ids=lambda target: target.label)
def test_throttling_without_end_makes_nothing_pass_and_nothing_vanish(stage, tmp_path, target):
    path = stage.collect(tmp_path, target, partial(answer, target, 400, error(target.call, "Throttling")))
    check(stage.findings, path, f"Throttling: {target.call.action}")


GARBAGE = {"an answer cut off": '<{"Trails": [', "a proxy's page": "<html><body>Sign in to the network</body></html>"}
MANGLED = [
    (target, name)
    for number, target in enumerate(SOME)
    for name in (GARBAGE if number % 3 == 0 else ["a proxy's page"])
]


@pytest.mark.usefixtures("in_no_time")
@pytest.mark.parametrize(
    ("target", "name"), MANGLED, ids=lambda value: value if isinstance(value, str) else value.label
)
def test_an_answer_that_is_none_makes_nothing_pass_and_nothing_vanish(stage, tmp_path, target, name):
    path = stage.collect(tmp_path, target, partial(answer, target, 200, GARBAGE[name]))
    after = judged(open_snapshot(path))
    assert unsound(stage.findings, after) == []
    assert blamed(stage.findings, after) == []


# -------------------------------------------------------------------------------------------- rows that are gone


def test_a_lost_row_that_another_names_makes_nothing_pass(stage):
    tried = Tried()
    sweep(open_snapshot(stage.path), POLICIES, tried)
    assert tried.faults == []
    assert tried.unnamed == set()
    assert tried.named > 10


# ------------------------------------------------------------------------------------------ fields that fail


def fields(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every key of every object, at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield (*path, key)
            yield from fields(value, (*path, key))
    elif isinstance(node, list):
        for number, item in enumerate(node):
            yield from fields(item, (*path, number))


def remove(config: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    return alter(config, path, lambda node, key: node.pop(key))


def mark(config: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    return alter(config, path, lambda node, key: node.__setitem__(key, Unknown.because("AccessDenied: test:Field")))


def alter(config: dict[str, Any], path: tuple[Any, ...], change: Callable[[Any, Any], Any]) -> dict[str, Any]:
    altered = copy.deepcopy(config)
    node = altered
    for step in path[:-1]:
        node = node[step]
    change(node, path[-1])
    return altered


class Picture:
    """A snapshot in memory, of which one resource at a time is another."""

    def __init__(self, path: Path) -> None:
        self._snapshot = open_snapshot(path)
        self.lines: dict[tuple[str, str], list[Resource]] = {}  # as written, not completed
        for account in self._snapshot.accounts:
            for kind in CATALOG:
                file = path / account / file_name(kind)
                lines = file.read_bytes().splitlines() if file.exists() else []
                self.lines[account, kind] = [read_line(line) for line in lines]
        self._whole = {key: [completed(line) for line in lines] for key, lines in self.lines.items()}

    def with_(self, key: tuple[str, str], number: int, config: dict[str, Any]) -> Snapshot:
        """The snapshot with another config in one line of one file."""
        rows = list(self._whole[key])
        rows[number] = completed(replace(self.lines[key][number], config=config))
        whole = {**self._whole, key: rows}

        def account(identity: str) -> Account:
            return replace(self._snapshot.account(identity), read=lambda kind: whole.get((identity, kind), []))

        return replace(self._snapshot, account=account)


def completed(resource: Resource) -> Resource:
    """As the archive's reader completes it."""
    config = copy.deepcopy(resource.config)
    complete(config, load_catalog()[resource.type])
    return replace(resource, config=config)


@pytest.fixture(scope="module")
def picture(stage: Stage) -> Picture:
    return Picture(stage.path)


@pytest.mark.parametrize("change", [remove, mark], ids=["removed", "unknown"])
@pytest.mark.parametrize("kind", CATALOG)
def test_a_lost_field_makes_nothing_pass_and_nothing_vanish(stage, picture, kind, change, request):
    about = [policy for policy in POLICIES if kind in (*policy.kinds(), ACCOUNT_TYPE, REGION_TYPE)]
    before = {key: found for key, found in stage.findings.items() if found.policy in {each.id for each in about}}
    faults, tried, met = [], 0, Counter[tuple[str, ...]]()
    of_each = 1 if request.config.getoption("--sweep") else SAMPLE
    for (account, of), lines in picture.lines.items():
        for number, line in enumerate(lines if of == kind else ()):
            for path in fields(line.config):
                field = tuple(step if isinstance(step, str) else "[]" for step in path)
                met[field] += 1  # each field is lost at least once, on the first resource that has it
                if met[field] % of_each != 1 % of_each:
                    continue
                tried += 1
                after = judged(picture.with_((account, kind), number, change(line.config, path)), about)
                faults += [f"{line.id} without {'.'.join(map(str, path))}: {fault}" for fault in unsound(before, after)]
    assert tried
    assert faults == []
