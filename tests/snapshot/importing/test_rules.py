"""The blocks `config` of the catalogue, against the kinds of values, and against AWS's own list of what it records."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from config_items import Encoder, deliver, items
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot.catalog import load_catalog, steps
from stillframe.snapshot.importing.folding import NOT_RECORDED
from stillframe.snapshot.importing.items import Item
from stillframe.snapshot.importing.resources import resource_of
from stillframe.snapshot.kinds import config_kind
from stillframe.snapshot.types import Kind

RULES = {spec.type: spec for spec in load_catalog().values() if spec.config}
EACH = pytest.mark.parametrize("kind", RULES)
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
    for path in (*rule.fields, *rule.words, *rule.values, *rule.absent):
        assert there(kind, path), path


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


def test_the_commands_import_and_say_how_old_it_is(tmp_path, run):
    vpc = {"VpcId": "vpc-1", "OwnerId": "111122223333", "IsDefault": False, "State": "available"}
    deliver(tmp_path, items(fixture({"AWS::EC2::VPC": [vpc]}), Encoder(), TIME), TIME)
    into = tmp_path / "past"
    done = run("import", "aws-config", tmp_path / "AWSLogs", "--as-of", "2026-01-11", "--into", into)
    assert done.code == 0, done.err
    shown = run("snapshot", "show", into)
    assert "its snapshot of 2026-01-01T00:00:00Z, 10 days old" in shown.out
    refused = run("import", "aws-config", "s3://bucket/AWSLogs", "--into", into)
    assert refused.code == 2
    assert "not from URLs" in refused.err
