"""The blocks `config` of the catalogue, against the kinds of values, and against AWS's own list of what it records."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from config_items import Encoder, deliver, items
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot.catalog import load_catalog, steps
from stillframe.snapshot.format import write_line
from stillframe.snapshot.importing.folding import NOT_RECORDED
from stillframe.snapshot.importing.items import Item
from stillframe.snapshot.importing.resources import resource_of
from stillframe.snapshot.kinds import config_kind
from stillframe.snapshot.types import Kind
from together import together

RULES = {spec.type: spec for spec in load_catalog().values() if spec.config}
EACH = together("kind", RULES)
A = "111122223333"
TIME = datetime(2026, 1, 1, tzinfo=UTC)
# A copy of the property list of awslabs/aws-config-resource-schema: type → path → kind.
LISTED = os.environ.get("STILLFRAME_CONFIG_PROPERTIES", "")
# What cannot be queried is not in that list; it was seen in items.
NOT_QUERIED = {
    "supplementaryConfiguration.BucketPolicy.policyText",
    "supplementaryConfiguration.AccessControlList.grantList",
    "supplementaryConfiguration.Policy",
    "supplementaryConfiguration.Tags",
}


def there(kind: str, path: str) -> bool:
    """Whether a path is one of a resource's."""
    at, spec = config_kind(kind), RULES[kind]
    for number, step in enumerate(steps(path)):
        if not number and step in spec.attach and step not in at.members:
            return True  # a document, which may be anything
        at = at.item if step == "[]" and at.kind is Kind.ARRAY else at.members.get(step)
        if at is None:
            return False
    return True


@EACH
def test_every_path_of_a_block_is_one_of_its_type(kind):
    rule = RULES[kind].config
    for path in (*rule.fields, *rule.words, *rule.values, *rule.absent, *([rule.latest] if rule.latest else ())):
        assert there(kind, path), path
    assert rule.where.keys() <= rule.fields.keys()


@EACH
def test_an_item_without_anything_has_nothing_but_what_is_not_known(kind):
    spec = RULES[kind]
    body = {"accountId": "111122223333", "configurationItemStatus": "OK", "configuration": {}}
    item = Item(account="111122223333", region="us-east-1", type="", id="x", moment=TIME, gone=False, body=body)
    if kind == "AWS::Account":
        assert {*resource_of(spec, item).config["PublicAccessBlock"].values()} == {NOT_RECORDED}
        return
    with pytest.raises(Exception, match="which identifies it"):
        resource_of(spec, item)


@pytest.mark.skipif(not LISTED, reason="set STILLFRAME_CONFIG_PROPERTIES to a copy of AWS's list")
@EACH
def test_aws_lists_the_type_and_each_path_of_its_block(kind):
    listed = json.loads(Path(LISTED).read_text())
    rule = RULES[kind].config
    assert rule.type in listed
    for path in rule.fields.values():
        if path.startswith(("configuration.", "supplementaryConfiguration.")) and path not in NOT_QUERIED:
            assert any(each == path or each.startswith(f"{path}.") for each in listed[rule.type]), path


SECRET = "correct-horse-battery-staple"
HEADER = {"headerName": "x-origin", "headerValue": SECRET}
WITH_SECRETS = {
    "AWS::CloudFront::Distribution": {
        "arn": f"arn:aws:cloudfront::{A}:distribution/E1",
        "distributionConfig": {"origins": {"items": [{"id": "1", "customHeaders": {"items": [HEADER]}}]}},
    },
    "AWS::CodeBuild::Project": {
        "name": "site",
        "source": {"type": "GITHUB", "location": f"https://{SECRET}@example.com", "auth": {"resource": SECRET}},
        "environment": {"environmentVariables": [{"name": "KEY", "type": "PLAINTEXT", "value": SECRET}]},
    },
    "AWS::CloudFormation::Stack": {
        "stackId": "s",
        "parameters": [{"parameterKey": "Password", "parameterValue": SECRET}],
        "outputs": [{"outputKey": "Url", "outputValue": SECRET}],
    },
    "AWS::Lambda::Function": {"functionArn": "arn:1", "environment": {"variables": {"KEY": SECRET}}},
}


@pytest.mark.parametrize("kind", WITH_SECRETS)
def test_no_secret_of_an_item_is_imported(kind):
    configuration = WITH_SECRETS[kind]
    for each in (configuration, json.dumps(configuration)):
        body = {"accountId": A, "arn": "arn:aws:x", "configurationItemStatus": "OK", "configuration": each}
        item = Item(account=A, region="us-east-1", type="", id="x", moment=TIME, gone=False, body=body)
        line = write_line(resource_of(RULES[kind], item))
        assert SECRET.encode() not in line
        assert b"redacted" in line or kind == "AWS::CodeBuild::Project"  # of which no more is taken


@pytest.mark.parametrize("odd", [{"A": SECRET}, [f"A={SECRET}"], [{"A": SECRET}], [[SECRET]], SECRET])
@pytest.mark.parametrize(
    ("kind", "identity", "path"),
    [
        ("AWS::CodeBuild::Project", {"name": "site"}, ("environment", "environmentVariables")),
        ("AWS::CodeBuild::Project", {"name": "site"}, ("environment",)),
        ("AWS::CloudFormation::Stack", {"stackId": "s"}, ("parameters",)),
        ("AWS::Lambda::Function", {"functionArn": "arn:1"}, ("environment", "variables")),
        ("AWS::Lambda::Function", {"functionArn": "arn:1"}, ("environment",)),
        ("AWS::AppSync::GraphQLApi", {"Arn": "a", "ApiId": "a"}, ("AdditionalAuthenticationProviders",)),
        ("AWS::EKS::Cluster", {"Name": "c"}, ("ResourcesVpcConfig",)),
        ("AWS::S3::AccessPoint", {"Arn": "a", "Name": "a"}, ("VpcConfiguration",)),
    ],
)
def test_what_is_not_of_its_form_is_unknown_and_not_written(kind, identity, path, odd):
    value = odd
    for step in reversed(path):
        value = {step: value}
    body = {"accountId": A, "arn": "arn:aws:x", "configurationItemStatus": "OK", "configuration": {**identity, **value}}
    item = Item(account=A, region="us-east-1", type="", id="x", moment=TIME, gone=False, body=body)
    assert SECRET.encode() not in write_line(resource_of(RULES[kind], item))


def test_of_a_detector_and_of_brokers_it_is_known_what_they_are():
    def config(kind, configuration):
        body = {"accountId": A, "arn": "arn:aws:x", "configurationItemStatus": "OK", "configuration": configuration}
        item = Item(account=A, region="us-east-1", type="", id="x", moment=TIME, gone=False, body=body)
        return resource_of(RULES[kind], item).config

    for given, status in ((True, "ENABLED"), ("false", "DISABLED"), (None, NOT_RECORDED)):
        assert config("AWS::GuardDuty::Detector", {"Id": "1", "Enable": given})["Detector"]["Status"] == status
    assert config("AWS::MSK::Cluster", {"Arn": "arn:1"})["ClusterType"] == "PROVISIONED"


def test_the_commands_import_and_say_how_old_it_is(tmp_path, run):
    vpc = {"VpcId": "vpc-1", "OwnerId": "111122223333", "IsDefault": False, "State": "available"}
    deliver(tmp_path, items(fixture({"AWS::EC2::VPC": [vpc]}), Encoder(), TIME), TIME)
    into = tmp_path / "past"
    done = run("import", "aws-config", tmp_path / "AWSLogs", "--as-of", "2026-01-11", "--into", into)
    assert done.code == 0, done.err
    shown = run("snapshot", "show", into)
    assert "its snapshot of 2026-01-01T00:00:00Z, 10 days old" in shown.out
    evaluated = run("evaluate", into, "--pack", "logging", "-o", tmp_path / "report.html", "-o", tmp_path / "report.md")
    note = f"imported from AWS Config: the state of {A} us-east-1 is 10 days old"
    for text in (evaluated.err, *((tmp_path / name).read_text() for name in ("report.html", "report.md"))):
        assert note in text


def test_files_are_read_from_a_bucket_and_nothing_else_there_is_asked_for(tmp_path, bucket, run):
    vpc = {"VpcId": "vpc-1", "OwnerId": A, "IsDefault": False, "State": "available"}
    deliver(tmp_path, items(fixture({"AWS::EC2::VPC": [vpc]}), Encoder(), TIME), TIME)
    store = boto3.client("s3")
    name = bucket.removeprefix("s3://")
    for path in (tmp_path / "AWSLogs").rglob("*.json.gz"):
        store.upload_file(str(path), name, path.relative_to(tmp_path).as_posix())
    store.put_object(Bucket=name, Key=f"AWSLogs/{A}/CloudTrail/us-east-1/2026/1/1/events.json", Body=b"{}")
    for given in (bucket, f"{bucket}/AWSLogs", f"{bucket}/AWSLogs/{A}/Config"):
        into = tmp_path / f"past-{len(given)}"
        done = run("import", "aws-config", given, "--as-of", "2026-01-11", "--into", into)
        assert (done.code, "not used" in done.err) == (0, False), done.err
        local = tmp_path / f"local-{len(given)}"
        assert run("import", "aws-config", tmp_path / "AWSLogs", "--as-of", "2026-01-11", "--into", local).code == 0
        one, other = (json.loads(next(folder.glob("2*/manifest.json")).read_bytes()) for folder in (into, local))
        assert one["accounts"] == other["accounts"]
    refused = run("import", "aws-config", f"{bucket}/elsewhere", "--into", tmp_path / "none")
    assert refused.code in (2, 3)
