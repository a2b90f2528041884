"""A whole account of the stand-in, with something of every type that it can make, and a secret wherever one can be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from builders import TIME, clients_of, collect_from, nine, shipped
from conftest import Once
from remembered import Memory
from stillframe.engine.findings.batch import finding_line
from stillframe.engine.judging.dependencies import is_idle, needed
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.loading.ruleset import load_rules
from stillframe.engine.model.finding import Status
from stillframe.snapshot import Snapshot, open_snapshot
from stillframe.snapshot.catalog import ResourceType
from stillframe.snapshot.choice import choose
from stillframe.snapshot.collector import clients as making
from stillframe.snapshot.collector.demo import MANAGEMENT
from stillframe.snapshot.collector.record import Recorder
from stillframe.snapshot.collector.recorded import import_recorded
from stillframe.snapshot.model import Account, Unknown
from stillframe.snapshot.verify import verify
from unasked import FINE
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


PACKS = {"logging": nine(), "cis-aws-5.0.0": load_rules(packs=["cis-aws-5.0.0"]).policies}


@dataclass(frozen=True)
class Taken:
    path: Path
    gaps: Mapping[str, int]
    calls: int

    @property
    def snapshot(self) -> Snapshot:
        return open_snapshot(self.path)


@pytest.fixture(scope="module")
def taken(once: Once, request: pytest.FixtureRequest) -> Mapping[str, Taken]:
    """The account collected as a whole, and for each of the packs."""
    return once("whole", lambda folder: take_all(folder, request.getfixturevalue("empty")))


def take_all(folder: Path, url: str) -> Mapping[str, Taken]:
    make(url)
    memory, clients = Memory(Recorder(folder / "answers").answers), clients_of(url)

    def take(name: str, types: Mapping[str, ResourceType]) -> Taken:
        calls: list[None] = []
        done = collect_from(
            clients,
            folder / (name or "archive"),
            types=types,
            regions=frozenset(["us-east-1"]),
            on_call=lambda: calls.append(None),
            answers=memory.but(),
        )
        return Taken(done.path, done.gaps, len(calls))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "ATTEMPTS", 1)  # what the stand-in does not know it answers with 500
        whole = take("", choose())
        return {"": whole} | {name: take(name, choose(reads=needed(policies))) for name, policies in PACKS.items()}


@pytest.fixture(scope="module")
def done(taken: Mapping[str, Taken]) -> Taken:
    return taken[""]


@pytest.fixture(scope="module")
def account(done: Taken) -> Account:
    return done.snapshot.account(MANAGEMENT)


def test_it_ends_well_and_what_the_stand_in_does_not_know_is_unknown(done):
    assert list(verify(done.path)) == []
    empty = {
        "MalformedDocument: es:DescribeDomain",
        "MalformedDocument: sns:GetTopicAttributes",
        "InvalidInputException: organizations:ListPolicies",
    }  # it sends no document, or knows no such policies
    others = {cause.partition(":")[0] for cause in done.gaps.keys() - empty}
    assert others <= {"404", "500", "ResponseParserError", "UnexpectedAnswer"}
    assert len(done.gaps) < 70


def test_what_was_recorded_meanwhile_gives_the_same_files(done, tmp_path):
    answers = Path(done.path).parents[1] / "answers"
    again = import_recorded(answers, tmp_path, as_of=TIME, regions=["us-east-1"])
    assert again.problems == ()
    assert again.collected.gaps == done.gaps
    live, imported = (files_of(Path(path)) for path in (done.path, again.collected.path))
    assert imported == live
    assert len(live) > 60


def files_of(snapshot: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (snapshot / MANAGEMENT).iterdir()}


def test_every_type_that_was_made_is_there(account):
    """Every one that policies read that ask something.

    Of the others every call is seen in tests/snapshot/collector/test_every_type.py.
    """
    read = {kind for policy in shipped() if not is_idle(policy) for kind in policy.kinds()}
    assert {kind for kind in read if not account.count(kind)} - ABSENT == set()


def test_no_secret_is_in_it(done):
    written = {path: path.read_bytes() for path in Path(done.path).parents[1].rglob("*") if path.is_file()}
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


# ------------------------------------------------------------------------------------- a collection for some policies


@pytest.mark.parametrize("pack", PACKS)
def test_what_they_find_is_the_same_byte_for_byte(taken, pack):
    whole, part = ([finding_line(each) for each in evaluate(taken[of].snapshot, PACKS[pack])] for of in ("", pack))
    assert part == whole
    assert {b"pass", b"fail"} <= {status for line in part for status in (b"pass", b"fail") if status in line}


@pytest.mark.parametrize("pack", PACKS)
def test_no_other_policy_passes_by_what_was_not_asked(taken, pack):
    whole, part = (
        {each.identity: each.status for each in evaluate(taken[of].snapshot, shipped())} for of in ("", pack)
    )
    assert {each for each, status in part.items() if status in FINE and whole.get(each) is not status} == set()
    lost = {status for each, status in part.items() if whole.get(each) in FINE and status not in FINE}
    assert lost == {Status.UNKNOWN}


def test_it_takes_a_fraction_of_the_calls(taken):
    assert taken["logging"].calls < taken[""].calls / 6
    assert taken["cis-aws-5.0.0"].calls < taken[""].calls / 2


def test_what_was_not_asked_says_so_and_is_no_gap(taken):
    key = next(iter(taken["logging"].snapshot.account(MANAGEMENT).read("AWS::KMS::Key")))
    cause = "NotAsked: kms:GetKeyPolicy, which the policies of this collection do not read"
    assert key.config["Policy"] == Unknown.because(cause)
    assert isinstance(key.tags, Unknown)
    assert key.config["Metadata"]["KeyId"]
    assert [cause for cause in taken["logging"].gaps if "NotAsked" in cause] == []
    assert list(verify(taken["logging"].path)) == []
