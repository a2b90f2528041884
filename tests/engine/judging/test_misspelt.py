"""A field that nobody knows is no null: nothing passes by it, and nothing is left out by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import shipped, write_snapshot
from stillframe.engine.assess import assess
from stillframe.engine.execution.judge import Method
from stillframe.engine.judging.misspelt import misspelt
from stillframe.engine.loading.ruleset import load_rules
from stillframe.snapshot import open_snapshot

A = "111122223333"
VOLUME, KEY = "AWS::EC2::Volume", "AWS::KMS::Key"
PLACE = {"$account": A, "$region": "us-east-1"}
ROW = {"State": "in-use", "Encrypted": False, "KmsKeyId": "k", "Tags": [{"Key": "a", "Value": "b"}], "Iops": 3}
ESTATE = {
    VOLUME: [{**PLACE, "VolumeId": "vol-1", **ROW, "Brandnew": {"On": True}}, {**PLACE, "VolumeId": "vol-2", **ROW}],
    KEY: [{**PLACE, "KeyId": "k", "KeyArn": "k", "Metadata": {"Enabled": True}}],
}
LOOKUP = "lookup: {keys: {from: AWS::KMS::Key, match: {%s: KmsKeyId}}}\n"
MEANT = "nobody knows a field {} of {}; did you mean {}?"


@pytest.fixture(scope="module")
def estate(tmp_path_factory):
    return open_snapshot(write_snapshot(tmp_path_factory.mktemp("estate"), ESTATE))


def said(folder: Path, estate, text: str, method: Method, kinds: str = VOLUME) -> dict[str, tuple[str, str]]:
    (folder / "own.yaml").write_text(f"id: own\ntitle: t\nseverity: low\nresource: {kinds}\n{text}\n")
    found = assess(estate, load_rules(None, [folder / "own.yaml"]), method=method)
    return {each.resource: (each.status.value, each.message) for batch in found for each in batch.findings()}


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("assert: '!(Encryptd)'", MEANT.format("Encryptd", VOLUME, "Encrypted")),
        ("assert: '!(Tags.Owner)'", f"nobody knows a field Tags.Owner of {VOLUME}"),
        ("assert: '!(Tags[].Kye)'", MEANT.format("Tags[].Kye", VOLUME, "Key")),
        (
            'assert: State == "in-use"',
            f"nobody knows a field in-use of {VOLUME}; text is written in single quotes: 'in-use'",
        ),
        ("assert: '!(State.Name)'", f"nobody knows a field State.Name of {VOLUME}"),
        ("where: Encryptd\nassert: Encrypted", MEANT.format("Encryptd", VOLUME, "Encrypted")),
        ("let: {open: '!Encryptd'}\nassert: $open", MEANT.format("Encryptd", VOLUME, "Encrypted")),
        ("assert: '!Encryptd'\nrollup: {per: account, require: all}", MEANT.format("Encryptd", VOLUME, "Encrypted")),
        (LOOKUP % "KeyArnn" + "assert: '!$keys'", MEANT.format("KeyArnn", KEY, "KeyArn")),
        (LOOKUP % "KeyArn" + "assert: '!($keys[0].Metadata.Enabld)'", MEANT.format("Metadata.Enabld", KEY, "Enabled")),
    ],
)
def test_what_reads_a_field_that_nobody_knows_is_unknown(tmp_path, estate, text, cause):
    found = said(tmp_path, estate, text, Method(few=0))
    assert found == said(tmp_path, estate, text, Method(exact=True))
    assert found
    for status, message in found.values():
        assert status == "unknown"
        assert message.startswith(cause.removesuffix("?")), message


@pytest.mark.parametrize(
    ("text", "kinds", "statuses"),
    [
        ("assert: '!Encrypted'", VOLUME, ["pass", "pass"]),
        ("where: Iops == `4`\nassert: '!Encryptd'", VOLUME, ["not_applicable", "not_applicable"]),
        ("assert: '!(Brandnew.On)'", VOLUME, ["fail", "pass"]),  # AWS sends it since, and not for every volume
        ("assert: '!(Brandnew.Off)'", VOLUME, ["unknown", "unknown"]),
        ("assert: '!Encrypted || KeyArn'", f"[{VOLUME}, {KEY}]", ["pass", "pass", "pass"]),
    ],
)
def test_what_is_known_or_was_seen_is_evaluated(tmp_path, estate, text, kinds, statuses):
    for method in (Method(few=0), Method(exact=True)):
        found = said(tmp_path, estate, text, method, kinds)
        assert [status for _, (status, _) in sorted(found.items())] == statuses


def test_every_field_that_shipped_policies_read_is_known():
    assert [(each.id, *map(str, misspelt(each))) for each in shipped() if any(misspelt(each))] == []
