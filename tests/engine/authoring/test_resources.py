"""What a policy may read: every type is listed, and every field is shown with what is known of it."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from rich.console import Console
from stillframe.engine.authoring.fields import fields_of, first_sentence
from stillframe.engine.authoring.resources import show_type
from stillframe.engine.linting.resource_types import config_types
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.collector.api_models import output_type
from stillframe.snapshot.types import ANY, BOOLEAN, NUMBER, STRING, Kind, Type, array, mapping, maybe, struct
from together import together

TYPES = config_types(output_type)
KEY = struct(
    {
        "KeyArn": replace(STRING, doc="The ARN. It is long. " + "x" * 200),
        "Labels": mapping(STRING),
        "Metadata": struct(
            {
                "State": maybe(Type(Kind.STRING, enum=("On", "Off"), doc="Whether it is on .")),
                "Rules": array(struct({"Open": BOOLEAN, "Ports": array(NUMBER)})),
            }
        ),
        "Rotation": struct({"KeyRotationEnabled": BOOLEAN, "NextRotationDate": maybe(STRING)}, nullable=True),
        "Anything": ANY,
    },
    "AWS::KMS::Key",
)
SHOWN = """\
AWS::KMS::Key
Listed in every region by kms:ListKeys. Each is identified by KeyArn.
From AWS Config: imported, in part: keys that AWS manages may not be there.
Beside its fields there are $account, $region, $id, $name, $tags.
├─ KeyArn  string, always there
│     The ARN.
├─ Labels  map of string, always there
├─ Anything  any, may be null
├─ Metadata  object, always there
│  │  attached by kms:DescribeKey
│  ├─ State  string, may be null
│  │     one of On, Off
│  │     Whether it is on.
│  └─ Rules  array of object, always there, more below
└─ Rotation  object, may be null
   │  attached by kms:GetKeyRotationStatus
   ├─ KeyRotationEnabled  boolean, always there
   └─ NextRotationDate  string, may be null, volatile
"""


@pytest.fixture
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_every_type_is_listed(run, narrow):
    result = run("resource", "list")
    lines = result.out.splitlines()
    assert result.code == 0
    assert lines[::2] == list(load_catalog())
    assert "    in every region by ec2:DescribeVpcs; with names and tags" in lines
    assert "    once per account by s3:ListAllMyBuckets; with names and tags" in lines


def test_a_type_is_shown_as_a_tree(capsys):
    show_type(Console(width=80, highlight=False), "AWS::KMS::Key", lambda _: KEY, depth=2, json=False)
    assert capsys.readouterr().out == SHOWN


@together("kind", load_catalog())
def test_every_type_is_readable_at_80_columns(run, narrow, kind):
    result = run("resource", "show", kind, "--depth", 9)
    assert result.code == 0
    assert max(map(len, result.out.splitlines())) <= 80
    for name in load_catalog()[kind].attach:
        assert f"─ {name}  " in result.out


def test_json_has_every_field(run):
    shown = json.loads(run("resource", "show", "AWS::S3::Bucket", "--json").out)
    fields = {field["name"]: field for field in shown["fields"]}
    assert fields.keys() == TYPES("AWS::S3::Bucket").members.keys()
    block = fields["PublicAccessBlock"]
    assert (block["call"], block["action"]) == ("s3:GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock")
    assert [field["always"] for field in block["fields"] if field["name"] == "IgnorePublicAcls"] == [True]
    assert block["always"] is False, "null where none is configured"
    assert shown["action"] == "s3:ListAllMyBuckets"


def test_what_is_never_written_says_so(run, narrow):
    shown = run("resource", "show", "AWS::Lambda::Function").out
    assert "Variables  map of string, may be null, never written" in shown
    assert "Runtime  string, may be null\n" in shown


def test_depth_cuts_the_tree(run):
    shown = run("resource", "show", "AWS::CloudTrail::Trail", "--depth", 1).out
    assert "├─ Status  object, always there, more below" in shown
    assert "IsLogging" not in shown


def test_a_shape_inside_itself_ends():
    node = Type(Kind.OBJECT, name="Node", of_members=lambda: {"Below": node})
    fields = fields_of(load_catalog()["AWS::KMS::Key"], struct({"Root": node}), 50)
    depth = 0
    while fields:
        depth, last, fields = depth + 1, fields[0], fields[0].fields
    assert (depth, last.cut) == (2, True)


@pytest.mark.parametrize(
    ("doc", "sentence"),
    [
        ("", ""),
        ("One. Two.", "One."),
        ("As in e.g. this. Two", "As in e.g. this."),
        ("By CreateTrail . More", "By CreateTrail."),
    ],
)
def test_documentation_is_its_first_sentence(doc, sentence):
    assert first_sentence(doc) == sentence


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("AWS::EC2::VCP",), "did you mean AWS::EC2::VPC?"),
        (("nonsense",), "`stillframe resource list` lists them"),
        (("AWS::EC2::VPC", "--depth", "0"), "--depth"),
    ],
)
def test_wrong_input_is_explained(run, arguments, message):
    result = run("resource", "show", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert "Traceback" not in result.err
