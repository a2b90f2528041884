"""What an older botocore drops of answers: it is unknown, wherever it would have been, and never null."""

from __future__ import annotations

import json
from functools import cache
from types import SimpleNamespace

import boto3
import botocore.session
import pytest
from botocore.loaders import Loader
from builders import collect_from
from msgspec.structs import replace
from stillframe.engine.execution.judge import Method, judge
from stillframe.engine.loading.policies import load_policies
from stillframe.engine.terminal.collecting import advice
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import ACCOUNT_TYPE, REGION_TYPE, load_catalog
from stillframe.snapshot.collector.demo import MANAGEMENT
from stillframe.snapshot.collector.lacking import Lacking
from stillframe.snapshot.kinds import models_version
from stillframe.snapshot.model import Unknown

VPC, BUCKET = "AWS::EC2::VPC", "AWS::S3::Bucket"
TYPES = (ACCOUNT_TYPE, REGION_TYPE, VPC, BUCKET)
POLICY = """
id: absent
title: A field is not there
severity: low
resource: {resource}
assert: "{that}"
"""


def older(monkeypatch, service: str, shape: str, member: str) -> None:
    """Models as of a botocore that does not know a member yet."""
    load = Loader.load_service_model

    def lacking(self, service_name, type_name, api_version=None):
        model = load(self, service_name, type_name, api_version)
        if (service_name, type_name) == (service, "service-2"):
            shapes = model["shapes"]  # a model is large: no more of it is copied than what changes
            members = {name: it for name, it in shapes[shape]["members"].items() if name != member}
            assert members.keys() < shapes[shape]["members"].keys()
            model = {**model, "shapes": {**shapes, shape: {**shapes[shape], "members": members}}}
        return model

    monkeypatch.setattr(Loader, "load_service_model", lacking)


@pytest.mark.parametrize(
    ("service", "shape", "member", "resource", "that", "action"),
    [
        ("ec2", "Vpc", "CidrBlock", VPC, "!CidrBlock", "ec2:DescribeVpcs"),
        (
            "ec2",
            "VpcCidrBlockAssociation",
            "CidrBlock",
            VPC,
            "length(CidrBlockAssociationSet[?CidrBlock]) == `0`",
            "ec2:DescribeVpcs",
        ),
        ("s3", "GetBucketVersioningOutput", "Status", BUCKET, "!(Versioning.Status)", "s3:GetBucketVersioning"),
        ("s3", "GetBucketLoggingOutput", "LoggingEnabled", BUCKET, "!Logging", "s3:GetBucketLogging"),
        ("s3", "LoggingEnabled", "TargetBucket", BUCKET, "!(Logging.TargetBucket)", "s3:GetBucketLogging"),
    ],
)
def test_a_member_that_botocore_is_too_old_to_know_is_unknown_by_both_paths(
    aws_url, tmp_path, monkeypatch, service, shape, member, resource, that, action
):
    s3 = boto3.client("s3", endpoint_url=aws_url)
    for name in ("logs", "data"):
        s3.create_bucket(Bucket=name)
    s3.put_bucket_acl(Bucket="logs", ACL="log-delivery-write")
    s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_logging(
        Bucket="data", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "x"}}
    )
    older(monkeypatch, service, shape, member)
    done = collect_from(aws_url, tmp_path / "archive", types={kind: load_catalog()[kind] for kind in TYPES})
    alone = member == "Status"  # then nothing in the answer is known
    cause = f"{'ResponseParserError' if alone else 'UnknownMemberError'}: {action}"
    assert done.gaps[cause]
    assert any("too old" in text and action in text for text in advice(done.gaps))
    (tmp_path / "absent.yaml").write_text(POLICY.format(resource=resource, that=that))
    policies = load_policies([tmp_path / "absent.yaml"], shipped=False)
    for exact in (True, False):
        judgement = judge(open_snapshot(done.path), policies, Method(exact=exact, few=0))
        found = [json.loads(line) for batch in judgement for line in batch.lines()]
        found = [each for each in found if each["resource"] != "logs"]  # which logs nothing
        assert {each["status"] for each in found} == {"unknown"}, found
        assert [each["message"] for each in found if cause not in each["message"]] == []


def test_a_list_whose_items_botocore_is_too_old_to_know_is_not_empty(aws_url, tmp_path, monkeypatch):
    older(monkeypatch, "sqs", "ListQueuesResult", "QueueUrls")
    kind = "AWS::SQS::Queue"  # where there is none, there is no list

    def dropped(session):
        session.events.register("before-call.sqs.ListQueues", lambda **_: (SimpleNamespace(status_code=200), {}))
        return session

    types = {each: load_catalog()[each] for each in (*TYPES, kind)}
    done = collect_from(aws_url, tmp_path, each=dropped, types=types)
    gap = open_snapshot(done.path).account(MANAGEMENT).gap(kind, "us-east-1")
    assert gap == Unknown.because("UnknownMemberError: sqs:ListQueues")


def test_by_the_models_that_the_kinds_are_of_nothing_is_lacking():
    if models_version() == botocore.__version__:
        model = cache(botocore.session.Session().get_service_model)
        for spec in load_catalog().values():
            for each in (spec, replace(spec, attach={})):  # what is not asked for is not lacking
                lacking = Lacking(each, lambda call: model(call.service))
                assert (list(lacking.paths()), lacking.listing) == ([], None), spec.type
                assert each.attach or not spec.attach.keys() & {*lacking.listed}, spec.type


def test_what_holds_itself_has_an_end_and_is_marked_all_the_way(monkeypatch):
    """The configurations of an EMR cluster have configurations."""
    older(monkeypatch, "emr", "Configuration", "Properties")
    spec = load_catalog()["AWS::EMR::Cluster"]
    lacking = Lacking(spec, lambda call: botocore.session.Session().get_service_model(call.service))
    assert ("Cluster", "Configurations", "[]", "Properties") in list(lacking.paths())
    inner = {"Classification": "b"}
    config = {"Cluster": {"Configurations": [{"Classification": "a", "Configurations": [inner]}]}}
    lacking.mark(config, ["Cluster"])
    unknown = Unknown.because("UnknownMemberError: elasticmapreduce:DescribeCluster")
    outer = config["Cluster"]["Configurations"][0]
    assert outer["Properties"] == outer["Configurations"][0]["Properties"] == unknown
    assert inner == {"Classification": "b"}, "others may have it"
