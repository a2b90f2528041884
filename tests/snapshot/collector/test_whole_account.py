"""A whole account of the stand-in, with something of every type that it can make, and a secret wherever one can be."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from builders import collect_from
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.collector.demo import MANAGEMENT
from stillframe.snapshot.model import Account, Unknown
from stillframe.snapshot.verify import verify
from whole import ALL, ENCODED, OPEN, SECRET, make

# What the stand-in has no answer for: their lists are unknown. tests/snapshot/collector/test_every_type.py has them.
ABSENT = {
    "AWS::AccessAnalyzer::Analyzer",
    "AWS::BedrockAgentCore::BrowserCustom",
    "AWS::BedrockAgentCore::Gateway",
    "AWS::BedrockAgentCore::Runtime",
    "AWS::CloudTrail::EventDataStore",
    "AWS::RedshiftServerless::Workgroup",
    "AWS::SSM::PatchCompliance",
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("whole")
    urllib.request.urlopen(urllib.request.Request(f"{server}/moto-api/reset", method="POST")).close()
    make(server)
    with pytest.MonkeyPatch.context() as patch:  # what the stand-in does not know it answers with 500
        patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
        yield collect_from(server, folder, types=load_catalog(), regions=frozenset(["us-east-1"]))


@pytest.fixture(scope="module")
def account(done: Any) -> Account:
    return open_snapshot(done.path).account(MANAGEMENT)


def test_it_ends_well_and_what_the_stand_in_does_not_know_is_unknown(done):
    assert list(verify(done.path)) == []
    empty = {
        "MalformedDocument: es:DescribeDomain",
        "MalformedDocument: sns:GetTopicAttributes",
    }  # it sends no document
    others = {cause.partition(":")[0] for cause in done.gaps.keys() - empty}
    assert others <= {"404", "500", "ResponseParserError", "UnexpectedAnswer"}
    assert len(done.gaps) < 40


def test_every_type_that_was_made_is_there(account):
    assert {kind for kind in load_catalog() if not account.count(kind)} - ABSENT == set()


def test_no_secret_is_in_it(done):
    written = {path: path.read_bytes() for path in Path(done.path).rglob("*") if path.is_file()}
    assert [path for path, data in written.items() for form in (SECRET, ENCODED) if form.encode() in data] == []


def config(account: Account, kind: str, name: str = "") -> Any:
    return next(found for found in account.read(kind) if name in (found.name or found.id)).config


def test_the_report_of_credentials_is_one_resource_for_each_user(account):
    assert config(account, "AWS::IAM::CredentialReport", "ann")["mfa_active"] == "false"


def test_documents_are_parsed(account):
    assert config(account, "AWS::IAM::User", "ann")["UserPolicyList"][0]["PolicyDocument"] == json.loads(ALL)
    assert config(account, "AWS::SQS::Queue")["Attributes"]["Policy"] == json.loads(OPEN)
    assert config(account, "AWS::SNS::Topic")["Attributes"]["Policy"]["Statement"]


def test_what_a_region_has_once_is_attached_to_it(account):
    assert config(account, "AWS::Region", "us-east-1")["EbsEncryption"]["EbsEncryptionByDefault"] is True
    elsewhere = config(account, "AWS::Region", "eu-west-1")["EbsEncryption"]
    assert elsewhere == Unknown.because("RegionNotAsked: ec2:GetEbsEncryptionByDefault in eu-west-1")


def test_tags_come_in_every_form(account):
    for kind in ("AWS::IAM::User", "AWS::KMS::Key", "AWS::Lambda::Function", "AWS::S3::Bucket", "AWS::SQS::Queue"):
        assert {"team": "web"} in [found.tags for found in account.read(kind)], kind


def test_who_may_restore_a_snapshot_of_a_database_is_known(account):
    restore = config(account, "AWS::RDS::DBSnapshot", "kept")["Attributes"]
    assert {"AttributeName": "restore", "AttributeValues": ["all"]} in restore
