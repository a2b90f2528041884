"""Values of the wrong kind: which they are, what becomes of them, and where the kinds come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError
from builders import write_snapshot
from stillframe.engine.linting.resource_types import config_types, kinds_table
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.collector.api_models import VERSION, output_type
from stillframe.snapshot.format import TOO_DEEP, digest
from stillframe.snapshot.kinds import config_kind, fits, malformed, read, written
from stillframe.snapshot.layout import Files
from stillframe.snapshot.model import Unknown
from stillframe.snapshot.resource_file import parse_line
from stillframe.snapshot.types import ANY, Kind
from stillframe.snapshot.verify import SHOWN, verify

ACCOUNT, HERE = "111122223333", Files(Path())
FILE = Path(__file__).parents[2] / "snapshot" / "kinds.json"
TABLE = json.loads(FILE.read_text())
THEIRS = config_types(output_type)
KEY, BUCKET, INSTANCE = "AWS::KMS::Key", "AWS::S3::Bucket", "AWS::EC2::Instance"
CLUSTER = "AWS::EMR::Cluster"


def theirs(kind):
    """The kinds that the installed models have; ANY for a service that they are too old for."""
    try:
        return THEIRS(kind)
    except UnknownServiceError:
        return ANY


def contradictions(ours, other, path, seen):
    """Where the table and AWS's models say different things. Either may have fields that the other has not.

    What holds itself is looked at once: `seen` are those that were.
    """
    if ours.kind is Kind.ANY or other.kind is Kind.ANY or id(ours) in seen:
        return
    seen = {**seen, id(ours): ours} if ours.kind is Kind.OBJECT else seen
    if ours.kind is not other.kind:
        yield ".".join(path), ours.kind, other.kind
    elif ours.kind is Kind.OBJECT:
        for name in ours.members.keys() & other.members.keys():
            yield from contradictions(ours.members[name], other.members[name], (*path, name), seen)
    else:
        yield from contradictions(ours.item, other.item, (*path, "[]"), seen)


def test_the_table_contradicts_none_of_the_installed_models():
    assert [
        each for kind in load_catalog() for each in contradictions(config_kind(kind), theirs(kind), (kind,), {})
    ] == []


def test_the_table_is_what_the_models_it_came_from_say():
    """`stillframe resource list --kinds > snapshot/kinds.json` writes it."""
    if TABLE["botocore"] == VERSION:
        assert FILE.read_text().splitlines() == "\n".join(kinds_table(THEIRS, VERSION)).splitlines()


def test_every_type_has_kinds_for_what_it_is_listed_with_and_what_is_attached():
    assert TABLE.keys() - {"botocore"} == load_catalog().keys()
    for spec in load_catalog().values():
        members = theirs(spec.type).members
        known = {name for name in spec.attach if name in members and members[name].kind is not Kind.ANY}
        assert known <= TABLE[spec.type].keys(), spec.type


@pytest.mark.parametrize(
    ("kind", "config", "what"),
    [
        (KEY, {"Rotation": {"KeyRotationEnabled": "false"}}, "Rotation.KeyRotationEnabled is text, not a boolean"),
        (KEY, {"Rotation": {"KeyRotationEnabled": 0}}, "Rotation.KeyRotationEnabled is a number, not a boolean"),
        (KEY, {"Rotation": "off"}, "Rotation is text, not an object"),
        (KEY, {"Rotation": []}, "Rotation is a list, not an object"),
        (KEY, {"Rotation": {"RotationPeriodInDays": "365"}}, "Rotation.RotationPeriodInDays is text, not a number"),
        (KEY, {"Rotation": {"RotationPeriodInDays": True}}, "Rotation.RotationPeriodInDays is a boolean, not a number"),
        (KEY, {"Metadata": {"CreationDate": 1.5}}, "Metadata.CreationDate is a number, not text"),
        (BUCKET, {"Acl": {"Grants": {}}}, "Acl.Grants is an object, not a list"),
        (BUCKET, {"Acl": {"Grants": ["READ"]}}, "Acl.Grants[] is text, not an object"),
        (BUCKET, {"Acl": {"Grants": [{"Permission": ["READ"]}]}}, "Acl.Grants[].Permission is a list, not text"),
        (INSTANCE, {"SecurityGroups": [{"GroupId": 1}]}, "SecurityGroups[].GroupId is a number, not text"),
        ("AWS::EKS::Cluster", {"Cluster": {"tags": {"team": 7}}}, "Cluster.tags.* is a number, not text"),
        (CLUSTER, {"Cluster": {"Configurations": [{"Configurations": [{"Properties": 1}]}]}},
         "Cluster.Configurations[].Configurations[].Properties is a number, not an object"),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_than_aws_sends_is_found(kind, config, what):
    assert malformed(config, kind) == [f"MalformedValue: {kind} {what}"]


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        (KEY, {"Rotation": None, "Metadata": {"KeyState": None}}),
        (KEY, {"Rotation": Unknown.because("AccessDenied: kms:GetKeyRotationStatus")}),
        (KEY, {"Rotation": {"RotationPeriodInDays": 22.0}}),
        (KEY, {"Rotation": {"RotationPeriodInDays": 10**30}}),
        (KEY, {"Metadata": {"KeyState": "AStateOfTomorrow"}}),
        (KEY, {"Metadata": {"AFieldOfTomorrow": [{"a": 1}]}, "Another": 1}),
        (BUCKET, {"Policy": {"Statement": "anything"}}),
        (BUCKET, {"Policy": [1]}),
        (BUCKET, {"Acl": {"Grants": []}}),
        ("Test::Some::One", {"a": object}),
    ],
)
def test_what_may_stand_there_is_left_alone(kind, config):
    assert malformed(config, kind) == []
    assert all(test is None or test(config) for test in [fits(config_kind(kind))])


def test_a_shape_that_holds_itself_is_known_at_any_depth():
    entry = {"a": "s", "more": [0], "deep": {"top": 1}}
    kind = read(entry)
    assert (kind.members["more"].item, kind.members["deep"].members["top"]) == (kind, kind)
    test = fits(kind)
    assert test({"more": [{"deep": {"top": {"a": "x"}}}]})
    assert not test({"more": [{"deep": {"top": {"a": 7}}}]})


def test_what_may_be_anything_is_null_in_the_table():
    assert (written(ANY), read(None)) == (None, ANY)


# --------------------------------------------------------------------------------------------- in a snapshot


@pytest.fixture
def snapshot(tmp_path):
    key = {"Metadata": {"Enabled": True, "KeyManager": "CUSTOMER"}, "$tags": {"team": "web"}}
    return write_snapshot(tmp_path, {KEY: [{**key, "$id": f"k{number:02}"} for number in range(30)]})


def edit(snapshot: Path, old: str, new: str, times: int = -1) -> None:
    """Change a file as somebody would who knows how to change the digests, too."""
    file = snapshot / ACCOUNT / "AWS-KMS-Key.jsonl"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, times))
    index = snapshot / ACCOUNT / "account.json"
    account = json.loads(index.read_text())
    account["types"][KEY]["sha256"] = digest(file.read_bytes())
    index.write_text(json.dumps(account))
    manifest = snapshot / "manifest.json"
    manifest.write_text(
        json.dumps({**json.loads(manifest.read_text()), "accounts": {ACCOUNT: digest(index.read_bytes())}})
    )


def keys(snapshot):
    return list(open_snapshot(snapshot).account(ACCOUNT).read(KEY))


def test_it_is_unknown_when_it_is_read(snapshot):
    edit(snapshot, '"Enabled":true', '"Enabled":"true"', 1)
    first, second, *_ = keys(snapshot)
    assert str(first.config["Metadata"]["Enabled"]) == f"MalformedValue: {KEY} Metadata.Enabled is text, not a boolean"
    assert second.config["Metadata"]["Enabled"] is True


def test_a_tag_that_is_no_text_is_unknown_when_it_is_read(snapshot):
    edit(snapshot, '"team":"web"', '"team":7', 1)
    assert str(keys(snapshot)[0].tags["team"]) == f"MalformedValue: {KEY} $tags.* is a number, not text"


def test_verify_lists_it_with_its_line_and_counts_what_is_too_much(snapshot):
    edit(snapshot, '"Enabled":true', '"Enabled":"very secret"')
    found = [fault for fault in verify(snapshot) if "MalformedValue" in fault]
    file = snapshot / ACCOUNT / "AWS-KMS-Key.jsonl"
    assert found[1] == f"{file}:2: MalformedValue: {KEY} Metadata.Enabled is text, not a boolean"
    assert found[SHOWN:] == [f"{file}: 10 more MalformedValue"]
    assert "secret" not in str(found)


def test_verify_ends_with_2_and_evaluate_with_unknown(run, snapshot):
    edit(snapshot, '"KeyManager":"CUSTOMER"', '"KeyManager":["CUSTOMER"]')
    assert run("snapshot", "verify", snapshot).code == 2
    judged = run("evaluate", snapshot, "--only", "policy=kms-key-rotation")
    assert (judged.code, f"MalformedValue: {KEY} Metadata.KeyManager is a list, not text" in judged.out) == (4, True)


def nested(deep):
    configurations = '[{"Configurations":' * deep + "1" + "}]" * deep
    return (
        f'{{"type":"{CLUSTER}","id":"j","account":"{ACCOUNT}","region":"us-east-1","name":null,'
        f'"config":{{"Cluster":{{"Configurations":{configurations}}}}}}}'
    ).encode()


def test_a_shape_that_holds_itself_is_looked_at_as_deep_as_a_line_may_be():
    assert "Configurations is a number, not a list" in str(parse_line(HERE, ACCOUNT, CLUSTER, nested(45), 1).config)


def test_one_that_is_deeper_is_unknown_from_there_on():
    found = str(parse_line(HERE, ACCOUNT, CLUSTER, nested(480), 1).config)
    assert f"MalformedValue: {TOO_DEEP}" in found
    assert "not a list" not in found


def test_tags_in_an_example_are_held_to_be_text():
    rows = fixture({KEY: [{"KeyId": "k", "$tags": {"team": 7}}]}).account(ACCOUNT).read(KEY)
    assert isinstance(rows[0].tags["team"], Unknown)
