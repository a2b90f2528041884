"""A collection for some policies: which types it asks, and which of the answers that are attached to them.

tests/snapshot/collector/test_whole_account.py has what comes of it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import stillframe
from stillframe.engine.commands.purpose import type_names
from stillframe.engine.judging.dependencies import needed
from stillframe.engine.loading.policies import parse_policy
from stillframe.engine.model.policy import Policy
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.archive import read_manifest
from stillframe.snapshot.catalog import ACCOUNT_TYPE, REGION_TYPE, load_catalog
from stillframe.snapshot.choice import asked_in_part, choose
from stillframe.snapshot.collector.collect import Watch, collect, prepare, resume
from stillframe.snapshot.collector.demo import HOME, MANAGEMENT, session
from stillframe.snapshot.errors import ArgumentError, CollectError
from stillframe.snapshot.model import Unknown
from stillframe.snapshot.resource import names_in

SHIPPED = Path(stillframe.__file__).parent / "policies"
BUCKET, KEY = "AWS::S3::Bucket", "AWS::KMS::Key"
# -------------------------------------------------------------------------------------------------- the choice


def test_nothing_said_is_all_and_a_type_that_is_named_is_whole():
    assert choose().keys() == load_catalog().keys()
    named = choose([BUCKET])
    assert named == {kind: load_catalog()[kind] for kind in (ACCOUNT_TYPE, REGION_TYPE, BUCKET)}
    assert asked_in_part(named) == {}


def test_what_is_costly_is_asked_for_policies_that_read_it_alone():
    group = "AWS::Logs::LogGroup"
    for names in [], [group], ["AWS::Logs::*"]:
        assert asked_in_part(choose(names)) == {group: []}
        chosen = choose(names, {group: ["Latest"]})
        assert asked_in_part(chosen)[group] == ["Latest"]
        # By what was written down of it, a collection is taken up again.
        assert choose(chosen.keys() - asked_in_part(chosen).keys(), asked_in_part(chosen)) == chosen
    assert asked_in_part(choose(reads={group: ["arn"]}))[group] == []


def test_a_type_that_is_named_and_read_is_whole_and_another_in_part():
    chosen = choose([BUCKET], {BUCKET: ["Acl"], KEY: ["$tags"]})
    assert chosen[BUCKET] == load_catalog()[BUCKET]
    assert asked_in_part(chosen)[KEY] == ["Metadata", "Tags"]
    assert [asked_in_part(chosen)[kind] for kind in (ACCOUNT_TYPE, REGION_TYPE)] == [[], []]


def test_tags_are_asked_for_where_they_are_read():
    assert "Tags" not in asked_in_part(choose(reads={BUCKET: ["Acl"]}))[BUCKET]
    assert "Tags" in asked_in_part(choose(reads={BUCKET: ["Acl", "$tags"]}))[BUCKET]


def test_policies_that_ask_nothing_read_nothing(run):
    given = ("collect", "-p", SHIPPED / "any/resource-tags-required.yaml", "--print-iam-policy")
    assert actions(run(*given).out) == ["ec2:DescribeRegions"]
    assert len(actions(run("collect", "--print-iam-policy").out)) > 100


def actions(policy: str) -> list[str]:
    return json.loads(policy)["Statement"][0]["Action"]


def test_patterns_name_types_and_one_that_names_none_is_an_error():
    found = choose(["AWS::EC2::Vol*", "AWS::KMS::*"]).keys()
    assert found == {ACCOUNT_TYPE, REGION_TYPE, "AWS::EC2::Volume", *(k for k in load_catalog() if "::KMS::" in k)}
    for names, reads in (["AWS::S4::*"], None), (["AWS::S3::Bukket"], None), ([], {"AWS::S3::Bukket": []}):
        with pytest.raises(ArgumentError, match="unknown resource type"):
            choose(names, reads)


def test_whatever_is_asked_brings_what_its_calls_need():
    """Also what tells a resource from others, and where it is."""
    for kind, spec in load_catalog().items():
        for name in spec.attach:
            asked = {each for each, call in choose(reads={kind: [name]})[kind].attach.items() if call.asked}
            texts = [spec.id, spec.name, spec.region]
            for each in {name, *asked}:
                texts += [spec.attach[each].when, *spec.attach[each].arguments.values()]
            assert {name} | {each for text in texts if text for each in names_in(text) & spec.attach.keys()} <= asked


# -------------------------------------------------------------------------------------------------- what is read


LOOKUP = f"""lookup: {{keys: {{from: {KEY}, match: {{Metadata.KeyId: Encryption.Id}}, where: Aliases}}}}
assert: $keys[0].Rotation || length($keys[?Policy]) > `0`"""


def policy(body: str) -> Policy:
    return parse_policy("p", f"id: p\ntitle: p\nseverity: low\nresource: {BUCKET}\n{body}\n")


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ("assert: Acl.Grants", {BUCKET: ("Acl",)}),
        ("assert: Acl\nmessage: '{{ $tags.team }} {{ Location }}'", {BUCKET: ("$tags", "Acl", "Location")}),
        ("assert: Acl\nremediation: {text: x, cli: 'aws {{ Policy.Id }}'}", {BUCKET: ("Acl", "Policy")}),
        (LOOKUP, {BUCKET: ("Encryption",), KEY: ("Aliases", "Metadata", "Policy", "Rotation")}),
        ("assert: Acl\nrollup: {per: region, require: any}", {BUCKET: ("Acl",), REGION_TYPE: ()}),
        ("assert: Acl\nrollup: {per: $tags.team, require: any}", {BUCKET: ("$tags", "Acl"), "AWS::Account": ()}),
        ("assert: $name == 'x'", {BUCKET: ()}),
    ],
)
def test_what_policies_read(body, read):
    assert needed([policy(body)]) == read


# -------------------------------------------------------------------------------------------------- the command


def asked_of(run, *options: object) -> set[str]:
    done = run("collect", "--print-iam-policy", *options)
    assert done.code == 0, done.err
    return set(json.loads(done.out)["Statement"][0]["Action"])


def test_the_least_that_a_role_needs_is_less(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stillframe.yaml").write_text("packs: [logging]\n")
    (tmp_path / "p.yaml").write_text(f"id: p\ntitle: p\nseverity: low\nresource: {KEY}\nassert: Rotation\n")
    everything, logging = asked_of(run), asked_of(run, "--pack", "logging")
    assert asked_of(run, "--needed") == logging < asked_of(run, "--shipped") < everything
    mine = asked_of(run, "-p", "p.yaml")
    assert mine == {"ec2:DescribeRegions", "kms:ListKeys", "kms:GetKeyRotationStatus"}
    assert asked_of(run, "-p", "p.yaml", "--types", "AWS::SQS::*") == mine | {
        "sqs:ListQueues",
        "sqs:GetQueueAttributes",
        "sqs:ListQueueTags",
    }
    assert "kms:GetKeyPolicy" not in asked_of(run, "--types", "@inventory") < everything
    assert asked_of(run, "--types", "@inventory,AWS::KMS::Key") >= {"kms:GetKeyPolicy", "sqs:ListQueueTags"}
    assert asked_of(run, "--shipped") <= asked_of(run, "--types", "@security") < everything


def test_names_complete():
    assert type_names("@") == ["@inventory", "@security"]
    assert type_names("AWS::KMS::Key,AWS::SQS") == ["AWS::KMS::Key,AWS::SQS::Queue"]


def test_a_program_that_gives_one_field_for_a_list_is_told():
    with pytest.raises(ArgumentError, match="reads of AWS::KMS::Key"):
        prepare(session=session(), reads={KEY: "Rotation"})


def test_the_manifest_says_what_was_asked_and_what_was_stopped_is_completed_likewise(aws_url, tmp_path):
    reads = {KEY: ["Rotation"]}
    boto = session().client("kms", endpoint_url=aws_url)
    boto.create_key()

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    given = {"session": session(), "endpoint_url": aws_url, "regions": [HOME]}
    with pytest.raises(KeyboardInterrupt):
        collect(tmp_path, reads=reads, watch=Watch(accounts=stop), **given)
    with pytest.raises(CollectError, match="asks for something else: attached"):
        resume(tmp_path, reads={KEY: ["Policy"]}, **given)
    done = resume(tmp_path, session=session(), endpoint_url=aws_url)
    assert read_manifest(done.path).scope["attached"] == {
        ACCOUNT_TYPE: [],
        REGION_TYPE: [],
        KEY: ["Rotation"],
    }
    [key] = open_snapshot(done.path).account(MANAGEMENT).read(KEY)
    assert {name for name, each in key.config.items() if isinstance(each, Unknown)} == {"Metadata", "Policy", "Tags"}
