"""The policy that `collect --print-iam-policy` prints is enough, and no action in it is too much.

The stand-in enforces IAM. Some services it refuses whatever the policy says: what is missing there with a policy that
allows everything counts for nothing. And it asks for some actions by other names than AWS.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial

import boto3
import pytest
from msgspec.structs import replace
from stillframe.snapshot.catalog import ACCOUNT_TYPE, REGION_TYPE, ResourceType, load_catalog
from stillframe.snapshot.collector import demo
from stillframe.snapshot.collector.collect import collect
from stillframe.snapshot.permissions import actions, callers_actions, policy
from whole import make

SWEEP = bool(os.environ.get("STILLFRAME_SWEEP"))  # every action, not a few
CATALOG = load_catalog()
SAID = {
    "cloudwatch:DescribeAlarms": "monitoring:DescribeAlarms",
    "s3:GetAccountPublicAccessBlock": "s3:GetPublicAccessBlock",
    "s3:GetBucketOwnershipControls": "s3:ListBucket",
    "s3:GetBucketPublicAccessBlock": "s3:ListBucket",
    "s3:GetEncryptionConfiguration": "s3:ListBucket",
}
SERVICES = {"cloudtrail", "config", "iam", "kms", "logs", "s3", "sns", "sqs", "sts"}
FEW = ("cloudtrail:GetEventSelectors", "ec2:DescribeVpcs", "iam:GenerateCredentialReport", "kms:DescribeKey")
Take = Callable[..., dict[str, int]]


def plain(kind: str) -> ResourceType:
    """A type with nothing attached."""
    return replace(CATALOG[kind], attach={}, tags=None, region=CATALOG[kind].region)


BASE = {kind: plain(kind) for kind in (ACCOUNT_TYPE, REGION_TYPE)}


def enforce(url: str, after: float) -> None:
    """Let the stand-in enforce IAM after so many calls."""
    request = urllib.request.Request(f"{url}/moto-api/reset-auth", method="POST", data=str(after).encode())
    request.add_header("Content-Type", "text/plain")
    urllib.request.urlopen(request).close()


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory, empty: str) -> Iterator[Take]:
    """Collect types as a user who is allowed these actions; gives what could not be read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stillframe.snapshot.collector.clients.ATTEMPTS", 1)
        make(empty)
        iam = demo.session().client("iam", endpoint_url=empty)
        iam.create_user(UserName="reader")
        key = iam.create_access_key(UserName="reader")["AccessKey"]
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=demo.HOME)
        yield partial(taken, empty, iam, session, tmp_path_factory)


def taken(url, iam, session, folders, types, allowed=None) -> dict[str, int]:
    if allowed is not None:
        names = {*allowed, *(SAID[action] for action in allowed if action in SAID)}
        iam.put_user_policy(UserName="reader", PolicyName="least", PolicyDocument=policy(sorted(names)))
        enforce(url, 0)
    try:
        folder = folders.mktemp("taken")
        return dict(collect(folder, session=session, endpoint_url=url, regions=[demo.HOME], catalog=types).gaps)
    finally:
        enforce(url, 1e9)


def test_with_exactly_that_policy_nothing_is_missing(take):
    types = {kind: spec for kind, spec in CATALOG.items() if SWEEP or spec.service in SERVICES or kind in BASE}
    least, everything = take(types, actions(types.values())), take(types, ["*"])
    assert least.keys() - everything.keys() == set()
    assert not any(cause.startswith("AccessDenied") for cause in everything)


# Those that the stand-in takes for one are in the policy together or not at all; this it is never asked.
ALIKE = {action for action, said in SAID.items() if said == "s3:ListBucket"} | {"cloudtrail:GetEventDataStore"}
TRIED = [action for action in actions(CATALOG.values()) if action not in ALIKE]


@pytest.mark.parametrize("action", TRIED if SWEEP else FEW)
def test_without_one_action_exactly_its_answers_are_missing(take, action):
    using = {kind: spec for kind, spec in CATALOG.items() if any(call.action == action for call in spec.calls())}
    types = BASE | using
    allowed = actions(types.values())
    free = take(types, allowed)
    without = take(types, [each for each in allowed if each != action])
    new = {cause for cause in without if cause not in free}
    if not any(cause.endswith(f": {action}") for cause in free):  # the stand-in knows the call
        assert new
    assert {cause.partition(": ")[2].partition(" ")[0] for cause in new} <= {action}


def test_it_is_printed_for_the_types_that_are_asked_for(run):
    printed = json.loads(run("collect", "--print-iam-policy", "--types", "AWS::EC2::VPC").out)
    [statement] = printed["Statement"]
    assert "ec2:DescribeVpcs" in statement["Action"]
    assert "kms:ListKeys" not in statement["Action"]
    with_org = json.loads(run("collect", "--print-iam-policy", "--org").out)["Statement"][0]["Action"]
    assert {*callers_actions(CATALOG.values())} == {*with_org} - {*actions(CATALOG.values())}
