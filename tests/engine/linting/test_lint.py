"""Lint: what AWS's models contradict is caught at its line and column, and nothing else is complained of."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import botocore.session
import pytest
import yaml
from botocore.exceptions import UnknownServiceError
from builders import shipped
from stillframe.engine.documents.yaml12 import load
from stillframe.engine.errors import PolicyError
from stillframe.engine.language.infer import infer
from stillframe.engine.language.node import walk
from stillframe.engine.language.parser import parse
from stillframe.engine.linting.controls import controls_of
from stillframe.engine.linting.lint import CODES, MOST, _sites, lint
from stillframe.engine.linting.resource_types import config_types
from stillframe.engine.loading.pack_files import load_packs
from stillframe.engine.loading.policies import parse_policy
from stillframe.snapshot.catalog import Call
from stillframe.snapshot.collector import api_models
from stillframe.snapshot.collector.api_models import output_type
from stillframe.snapshot.kinds import config_kind
from stillframe.snapshot.types import ANY
from together import together

TYPES = config_types(output_type)
ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs" / "lint"


def complaints(text: str) -> list[str]:
    policy = parse_policy("p.yaml", text)
    return [f"{each.line}:{each.column} {each.code}: {each.message}" for each in lint(policy, TYPES)]


def test_of_a_policy_no_more_complaints_are_told_than_can_be_read():
    head = "id: p\ntitle: P\nseverity: low\nresource: AWS::EC2::VPC\nassert:\n"
    each = "".join(f"  - {{that: Nope{number}, message: m}}\n" for number in range(5_000))
    started = time.process_time()
    found = complaints(head + each)
    assert [line.partition(" ")[2][:14] for line in found] == ["unknown-field:"] * MOST
    assert [int(line.partition(":")[0]) for line in found] == [*range(6, 6 + MOST)]
    assert time.process_time() - started < 5


def test_an_error_is_told_however_many_warnings_are_ignored():
    ignored = "".join(f"  - {{that: \"State == 's{number}'\", message: m}}\n" for number in range(2 * MOST))
    text = (
        "id: p\ntitle: P\nseverity: low\nresource: AWS::EC2::VPC\nlint: {ignore: {not-in-enum: x, untested: x}}\n"
        f"assert:\n{ignored}  - {{that: Nope, message: m}}\n"
    )
    assert [each.split()[1] for each in complaints(text)] == ["unknown-field:"]


@together("policy", shipped(), name=lambda policy: policy.id)
def test_the_shipped_policies_have_nothing_to_complain_of(policy):
    assert lint(policy, TYPES) == []


def fields(policy):
    """Every field name in every expression of a policy: where it stands in the file, and its name."""
    document = load(policy.text.encode())
    for site in _sites(policy, document.value, TYPES):
        for node in walk(site.expression.tree):
            if node.type == "field":
                line, column = document.locate(site.path, max(site.offset + node.start, 0), key=site.key)
                yield line, column, node.value


def misspelt(name: str, number: int) -> str:
    """One letter dropped, doubled, changed in case, or replaced."""
    at = number % len(name)
    ways = (
        name[:at] + name[at + 1 :],
        name[:at] + name[at] + name[at:],
        name[:at] + name[at].swapcase() + name[at + 1 :],
    )
    for way in (*ways[number % 3 :], *ways):
        if (
            way not in ("", name)
            and (way[0].isalpha() or way[0] == "$")
            and way.lower() not in ("true", "false", "null")
        ):
            return way
    return name + "x"


EXAMPLES = re.compile(r"^tests:\n(?:[ #-].*\n|\n)*", re.MULTILINE)


@together("given", enumerate(shipped()), name=lambda given: given[1].id)
def test_one_wrong_letter_in_any_field_of_any_expression_is_caught_where_it_is(request, given):
    """With `--sweep`; else in each third field."""
    start, policy = given
    step = 1 if request.config.getoption("--sweep") else 3
    alone = parse_policy("p.yaml", EXAMPLES.sub("", policy.text))  # they have no expressions, and are most of its text
    lines = alone.text.splitlines(keepends=True)
    found = sorted(set(fields(alone)))
    assert [name for *_, name in found] == [name for *_, name in sorted(set(fields(policy)))] != []
    for number, (line, column, name) in [*enumerate(found)][start % step :: step]:
        source = lines[line - 1]
        at = column - 1 + (source[column - 1] == '"')  # a name in quotes begins with the quote
        assert source[at:].startswith(name), (line, column, name)
        wrong = misspelt(name, number)
        changed = source[:at] + wrong + source[at + len(name) :]
        mutant = "".join([*lines[: line - 1], changed, *lines[line:]])
        caught = {(each.line, each.column, each.code) for each in lint(parse_policy("p.yaml", mutant), TYPES)}
        assert (line, column, "unknown-field") in caught, (line, column, name, wrong)


HEAD = (
    "id: p\ntitle: t\nseverity: low\nresource: {resource}\nassert: {assertion}\n"
    "lint: {{ignore: {{untested: a test}}}}\n"
)


def about(assertion: str, resource: str = "AWS::CloudTrail::Trail", more: str = "") -> list[str]:
    return complaints(HEAD.format(resource=resource, assertion=json.dumps(assertion)) + more)


@pytest.mark.parametrize(
    ("assertion", "expected"),
    [
        (
            "IsMultiReegionTrail",
            "5:10 unknown-field: AWS::CloudTrail::Trail has no field IsMultiReegionTrail; did you mean IsMultiReg",
        ),
        (
            "Status.IsLoging",
            "5:17 unknown-field: GetTrailStatusResponse has no field IsLoging; did you mean IsLogging?",
        ),
        ("Name && Selectors.EventSelectors[].ReadWritType", "unknown-field: EventSelector has no field ReadWritType"),
        (
            "Selectors.EventSelectors.ReadWriteType",
            "unknown-field: .ReadWriteType of an array of EventSelector is always null: write [] or [*]",
        ),
        ("Name.Length", ".Length of a string is always null"),
        ("Name[0]", "not-a-list: an index of a string is always null"),
        ("Status[?IsLogging]", "not-a-list: a filter of a GetTrailStatusResponse is always null"),
        ("Name[]", "not-a-list: [] of a string is always null"),
        ("[Status, Status][][?IsLogging]", "not-a-list: a filter of a GetTrailStatusResponse is always null"),
        ("[Status, Selectors][][?IsLogging]", "not-a-list: a filter of a map is always null"),
        ("[Status, Status][].IsLoging", "GetTrailStatusResponse has no field IsLoging; did you mean IsLogging?"),
        ("IsMultiRegionTrail == 'true'", "bad-comparison: a boolean is never equal to a string"),
        (
            "Selectors.EventSelectors[].ReadWriteType == 'All'",
            "bad-comparison: an array of string is never equal to a string",
        ),
        ("IsMultiRegionTrail > `0`", "bad-comparison: a boolean has no order"),
        ("Name < `3`", "bad-comparison: a string and a number cannot be ordered"),
        (
            "contains(Selectors.EventSelectors[].ReadWriteType || `[]`, `1`)",
            "bad-comparison: an array of string never contains a number",
        ),
        (
            "Selectors.EventSelectors[?ReadWriteType == 'all']",
            "not-in-enum: 'all' is no value of ReadWriteType; did you mean All?",
        ),
        (
            "Selectors.EventSelectors[?contains(['All', 'Read'], ReadWriteType)]",
            "not-in-enum: 'Read' is no value of ReadWriteType",
        ),
        ("lower(IsMultiRegionTrail)", "bad-argument: lower() takes string here, not a boolean"),
        ("any(Status, &@)", "bad-argument: any() takes array here, not a GetTrailStatusResponse"),
        (
            "starts_with(KmsKeyId, 'arn')",
            "nullable-argument: KmsKeyId may be null, which starts_with() does not take: write KmsKeyId || …",
        ),
        ("length(Selectors.EventSelectors) > `0`", "nullable-argument: Selectors.EventSelectors may be null"),
        ("hours_since(Status.LatestDeliveryTime) < `24`", "nullable-argument: Status.LatestDeliveryTime may be null"),
        ("arn(Name).acount", "unknown-field: ARN has no field acount; did you mean account?"),
        ("$params.x", "unknown-field: $params has no field x"),
        ("map(&Nmae, Selectors.EventSelectors || `[]`)", "unknown-field: EventSelector has no field Nmae"),
        ("[Name, Nmae]", "unknown-field"),
        ("{a: Nmae}.a", "unknown-field"),
        ("{a: Name}.b", "unknown-field: this object has no field b"),
        ("!(Nmae)", "unknown-field"),
        ("Nmae || Name", "unknown-field"),
        ("Name && Selectors.AdvancedEventSelectors[?starts_with(Name, 'A')]", "nullable-argument: Name may be null"),
        ("sort_by(Selectors.EventSelectors || `[]`, &Nmae)", "unknown-field"),
    ],
)
def test_what_cannot_be_is_complained_of(assertion, expected):
    found = about(assertion)
    assert len(found) == 1, found
    assert expected in found[0]


@pytest.mark.parametrize(
    "assertion",
    [
        "Selectors.EventSelectors[?ReadWriteType == DataResources[0].Type]",
        "[Status, Status][?IsLogging]",
        "[Status, Selectors][].IsLogging",
        "KmsKeyId && starts_with(KmsKeyId, 'arn')",
        "KmsKeyId != `null` && starts_with(KmsKeyId, 'arn')",
        "!(KmsKeyId) || starts_with(KmsKeyId, 'arn')",
        "KmsKeyId == `null` || starts_with(KmsKeyId, 'arn')",
        "starts_with(KmsKeyId || '', 'arn')",
        "starts_with(Name, 'a')",
        "Status.LatestDeliveryTime && hours_since(Status.LatestDeliveryTime) < `24`",
        "Selectors.EventSelectors[?ReadWriteType && starts_with(ReadWriteType, 'A')]",
        "known(Status.IsLogging, IsMultiRegionTrail)",
        "contains(['a'], Name)",
        "$tags.anything.is == 'possible'",
        "*.anything",
        "to_array(Name)[0] == 'a'",
        "Name == `null`",
        "length(keys(Status)) > `3`",
    ],
)
def test_what_may_be_is_not_complained_of(assertion):
    found = [each for each in about(assertion) if ".is of a string" not in each]
    assert found == []


@pytest.mark.parametrize(
    ("where", "rest", "complained"),
    [
        ("KmsKeyId", "assert: starts_with(KmsKeyId, 'arn')", []),
        ("KmsKeyId != `null` && Name", "assert: starts_with(KmsKeyId, 'arn')", []),
        ("'!(!KmsKeyId)'", "assert: starts_with(KmsKeyId, 'arn')", []),
        ("Status.LatestDeliveryTime", "assert: hours_since(Status.LatestDeliveryTime) < `9`", []),
        ("KmsKeyId", "assert: Name\nmessage: '{{ lower(KmsKeyId) }}'", []),
        ("KmsKeyId", "lookup: {k: {from: AWS::KMS::Key, match: {KeyId: lower(KmsKeyId)}}}\nassert: $k", ["loose"]),
        ("KmsKeyId || Name", "assert: starts_with(KmsKeyId, 'arn')", ["KmsKeyId may be null"]),
        ("'!KmsKeyId'", "assert: starts_with(KmsKeyId, 'arn')", ["KmsKeyId may be null"]),
        ("starts_with(KmsKeyId, 'a')", "assert: Name", ["KmsKeyId may be null"]),
        ("Name", "assert: Selectors.AdvancedEventSelectors[?starts_with(Name, 'A')]", ["Name may be null"]),
        (
            "KmsKeyId && $k",  # the lookup is made before anybody knows that it has one
            "lookup: {k: {from: AWS::KMS::Key, match: {KeyId: lower(KmsKeyId)}}}\nassert: Name",
            ["KmsKeyId may be null", "loose"],
        ),
    ],
)
def test_what_a_where_asks_for_is_there(where, rest, complained):
    text = "id: p\ntitle: t\nseverity: low\nresource: AWS::CloudTrail::Trail\nlint: {ignore: {untested: a test}}\n"
    found = complaints(f"{text}where: {where}\n{rest}\n")
    assert len(found) == len(complained), found
    assert all(any(each in one for one in found) for each in complained)


def test_what_is_inside_a_document_is_not_known_and_not_complained_of():
    assert about("Policy.Statement[?Effect == 'Allow'].Anything.at.all", "AWS::S3::Bucket") == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("where: Nmae\n", "7:8 unknown-field"),
        ("message: Trail {{ Name }} of {{ Nmae }}\n", "7:33 unknown-field"),
        ("remediation: {text: x, cli: 'aws {{  Nmae }}'}\n", "7:38 unknown-field"),
        (
            "lookup: {k: {from: AWS::KMS::Key, match: {KeyArm: KmsKeyId}}}\nwhere: $k\n",
            "7:43 unknown-field: AWS::KMS::Key has no field KeyArm; did you mean KeyArn?",
        ),
        ("lookup: {k: {from: AWS::KMS::Key, match: {KeyArn: KmsKeyID}, one: true}}\nwhere: $k\n", "7:51 unknown-field"),
        (
            "lookup: {k: {from: AWS::KMS::Key, match: {$acount: $account}}}\nwhere: $k\n",
            "7:43 unknown-field: AWS::KMS::Key has no field $acount; did you mean $account?",
        ),
        (
            "lookup: {k: {from: AWS::KMS::Key, match: {KeyArn: IsMultiRegionTrail}, one: true}}\nwhere: $k\n",
            "bad-comparison: string on their side is never equal to boolean on ours",
        ),
        (
            "lookup: {v: {from: AWS::EC2::Instance, match: {InstanceId: {contains: Name}}}}\nwhere: $v\n",
            "7:60 not-a-list: string on their side is no list that could contain something",
        ),
        (
            "lookup: {v: {from: AWS::EC2::Instance, match: {SecurityGroups: {contains: Name}}}}\nwhere: $v\n",
            "7:75 bad-comparison: GroupIdentifier on their side is never equal to string on ours",
        ),
        ("lookup: {k: {from: AWS::KMS::Key, where: Metadta}}\nwhere: $k\n", "7:42 unknown-field"),
        ("lookup: {k: {from: AWS::KMS::Key}}\n", "7:10 unused: $k is never read"),
        ("lookup: {k: {from: AWS::KMS::Key, one: true}}\nwhere: $k.Metadta\n", "8:11 unknown-field"),
        ("lookup: {k: {from: AWS::KMS::Key}}\nwhere: $k.Metadata\n", "8:11 unknown-field: .Metadata of an array"),
        ("params: {n: {type: integer, default: 1, description: d}}\n", "7:10 unused: $params.n is never read"),
        (
            "params: {n: {type: integer, default: 1, description: d}}\nwhere: $params.n == 'x'\n",
            "bad-comparison: a number is never equal to a string",
        ),
        ("rollup: {per: Nmae, require: any}\n", "7:15 unknown-field"),
        ("rollup: {per: account, require: any}\nmessage: '{{ Name }}'\n", "8:14 unknown-field: the text of a rollup"),
        ("rollup: {per: account, require: any}\nmessage: '{{ $failed[0].Nmae }}'\n", "8:25 unknown-field"),
        ("tests: [{name: a, given: {AWS::CloudTrail::Trail: [{Nmae: x}]}, expect: fail}]\n", "7:53 unknown-field"),
        (
            "tests: [{name: a, given: {AWS::CloudTrail::Trail: [{Status: {IsLogging: 'true'}}]}, expect: fail}]\n",
            "7:73 bad-fixture: AWS sends boolean here",
        ),
        (
            "tests: [{name: a, given: {AWS::CloudTrail::Trail: [{Status: [1]}]}, expect: fail}]\n",
            "bad-fixture: AWS sends object here",
        ),
        (
            """\
lookup: {k: {from: AWS::KMS::Key, match: {KeyId: Name}, refers: true}}
message: '{{ $k[0].KeyId }}'
tests: [{name: a, given: {AWS::KMS::Key: [{Metadata: {KeyState: enabled}}]}, expect: fail}]
""",
            "not-in-enum: 'enabled' is no value of KeyState; did you mean Enabled?",
        ),
    ],
)
def test_every_part_of_a_policy_is_checked(more, expected):
    found = about("Name", more=more)
    assert len(found) == 1, found
    assert expected in found[0]


@pytest.mark.parametrize(
    ("kind", "theirs", "says"),
    [
        ("KMS::Key", "KeyArn", True),  # its id
        ("KMS::Key", "KeyId", True),
        ("SNS::Topic", "TopicArn", True),
        ("EC2::SecurityGroup", "GroupName", True),  # its name
        ("S3::Bucket", "$id", True),
        ("S3::Bucket", "$name", True),
        ("EC2::FlowLog", "ResourceId", False),
        ("EC2::RouteTable", "VpcId", False),
        ("Logs::MetricFilter", "logGroupName", False),
        ("S3::Bucket", "$account", False),
        ("KMS::Key", "arn(KeyArn).account", False),
    ],
)
def test_a_lookup_by_what_identifies_says_whether_that_exists(kind, theirs, says):
    lookup = f"lookup: {{k: {{from: AWS::{kind}, match: {{{theirs}: Name}}{{}}}}}}\nwhere: $k\n"
    found = about("Name", more=lookup.replace("{}", ""))
    assert found == (
        [f"7:{lookup.index(theirs) + 1} loose-reference: {theirs} identifies an AWS::{kind}: {SAY}"] * says
    )
    for said in (", refers: true", ", refers: false", ", one: true"):
        assert about("Name", more=lookup.replace("{}", said)) == []


def test_what_all_rows_are_compared_by_is_a_reference_too():
    lookup = "lookup: {k: {from: AWS::KMS::Key, where: Tags}}\n"
    says = "7:10 loose-reference: $k[].KeyArn identifies each AWS::KMS::Key: `match` it, and say `refers: true` if"
    for compared in ("contains($k[].KeyArn, KmsKeyId)", "intersection($k[*].KeyArn, [KmsKeyId])"):
        (found,) = about(compared, more=lookup)
        assert found.startswith(says)
    assert about("contains($k[].Metadata.KeyState, 'Enabled')", more=lookup) == []
    assert about("$k", more=f"{lookup}message: '{{{{ $k[].KeyArn }}}}'\n") == []


def test_a_list_of_a_path_in_parentheses_is_none_of_a_lookup():
    lookup = "lookup: {k: {from: AWS::KMS::Key, where: Tags}}\n"
    said = about("([Status, $k] | [1])[*].KeyArn || `[]`", more=lookup)
    assert not [each for each in said if "loose-reference" in each]


SAY = "say `refers: true` if one that we name exists, `refers: false` if it need not"


def test_an_expression_in_a_block_is_located_in_its_own_line():
    block = "assert: >-\n  Name &&\n\n    (Status.IsLogging ||\n  Nmae)\n"
    text = HEAD.format(resource="AWS::CloudTrail::Trail", assertion="X").replace("assert: X\n", block)
    assert complaints(text)[0].startswith("9:3 unknown-field")


CERTIFICATE = "AWS::CertificateManager::Certificate"


@pytest.mark.parametrize(
    ("assertion", "sent"),
    [
        ("KeyAlgorithm == 'RSA_1024'", "'RSA_1024' as 'RSA-1024'"),
        ("KeyAlgorithm != 'RSA-1024'", "'RSA-1024' as 'RSA_1024'"),
        ("contains(['RSA_1024', 'RSA_2048', 'RSA-2048'], KeyAlgorithm)", "'RSA_1024' as 'RSA-1024'"),
        ('contains(`["RSA_1024"]`, KeyAlgorithm)', "'RSA_1024' as 'RSA-1024'"),
        ("starts_with(KeyAlgorithm, 'RSA_')", "'RSA_1024' as 'RSA-1024'"),
        ("matches(KeyAlgorithm, '_2048$')", "'RSA_2048' as 'RSA-2048'"),
        ("like(KeyAlgorithm, 'EC_*')", "'EC_prime256v1' as 'EC-prime256v1'"),
        ("starts_with(KeyAlgorithm, 'RSA') && KeyAlgorithm != 'RSA_1024'", "'RSA_1024' as 'RSA-1024'"),
    ],
)
def test_a_value_that_aws_spells_in_two_ways_is_asked_for_in_both(assertion, sent):
    (found,) = about(assertion, resource=CERTIFICATE)
    assert f"one-spelling: AWS sends {sent} as well" in found


@pytest.mark.parametrize(
    "assertion",
    [
        "KeyAlgorithm == 'RSA_1024' || KeyAlgorithm == 'RSA-1024'",
        "contains(['RSA_1024', 'RSA-1024'], KeyAlgorithm)",
        "starts_with(KeyAlgorithm, 'RSA')",
        "starts_with(KeyAlgorithm, 'RSA_') || starts_with(KeyAlgorithm, 'RSA-')",
        "matches(KeyAlgorithm, '^RSA.1024')",
        "Status == 'ISSUED'",
    ],
)
def test_both_spellings_are_right(assertion):
    assert about(assertion, resource=CERTIFICATE) == []


def test_the_table_of_spellings_names_members_and_values_of_awss_models():
    for service, members in yaml.safe_load((ROOT / "snapshot" / "spellings.yaml").read_text()).items():
        model = botocore.session.Session().get_service_model(service)
        for path, pairs in members.items():
            structure, member = path.split(".")
            assert set(pairs) <= set(model.shape_for(structure).members[member].enum), path


def test_a_warning_is_disabled_with_a_reason_and_an_error_never():
    text = HEAD.format(resource="AWS::CloudTrail::Trail", assertion="starts_with(KmsKeyId, Nmae)")
    text = text.replace("untested: a test", "untested: a test, nullable-argument: a reason")
    assert [each.split()[1] for each in complaints(text)] == ["unknown-field:"]
    with pytest.raises(PolicyError, match="is none of loose-reference"):
        complaints(text.replace("nullable-argument", "unknown-field"))


def test_a_disable_that_disables_nothing_is_reported():
    text = HEAD.format(resource="AWS::CloudTrail::Trail", assertion="Name").replace(
        "untested: a", "unused: a test, untested: a"
    )
    assert complaints(text) == ["6:17 unused-ignore: nothing here is unused: remove it"]


def test_a_policy_without_examples_is_untested():
    text = HEAD.format(resource="AWS::CloudTrail::Trail", assertion="Name").splitlines(keepends=True)
    assert complaints("".join(text[:-1])) == ["1:1 untested: no example expects pass or fail or unknown"]


@pytest.mark.parametrize(
    "service", ["ec2", "rds", "ecs", "lambda", "elbv2", "cloudformation", "dynamodb", "iam", "eks", "s3"]
)
def test_aws_own_expressions_are_not_complained_of(service):
    """botocore's waiters are JMESPath over the same models, written by AWS."""
    session = botocore.session.Session()
    client_model = session.get_waiter_model(service)
    count = 0
    for name in client_model.waiter_names:
        waiter = client_model.get_waiter(name)
        at = output_type(Call(service=service, operation=waiter.operation, action=""))
        for acceptor in waiter.acceptors:
            if acceptor.matcher.startswith("path"):
                errors = [each for each in infer(parse(acceptor.argument), at, {})[1] if CODES[each.code] == "error"]
                assert errors == [], acceptor.argument
                count += 1
    assert count or service in ("iam", "s3")


def test_an_example_is_somewhere_and_of_what_is_read(tmp_path):
    own = tmp_path / "own-1.yaml"
    own.write_text(PACK)
    text = HEAD.format(resource="AWS::KMS::Key", assertion="Rotation.KeyRotationEnabled") + ELSEWHERE
    found = lint(parse_policy("p.yaml", text), TYPES, controls_of(load_packs([str(own)])))
    assert [f"{each.line}:{each.column} {each.code}: {each.message}" for each in found if each.code != "untested"] == [
        "7:30 unknown-control: cis-aws-5.0.0 has no control 3.66; did you mean 3.6?",
        "7:66 unknown-control: own-1 has no control 2; there are 1",
        "11:62 bad-fixture: no region is called eu-westt-1; did you mean eu-west-1?",
        "11:84 bad-fixture: 1234 is not an account id: 12 digits, in quotes",
        "12:7 unused: nothing here reads AWS::S3::Bucket: it reads AWS::KMS::Key",
    ]


PACK = """\
framework: own
version: "1"
title: T
sections: [{title: S, controls: [{number: "1", title: V, manual: m}]}]
"""
ELSEWHERE = """\
frameworks: {cis-aws-5.0.0: ["3.66"], cis-9: ["1"], own-1: ["1", "2"]}
tests:
  - name: a
    given:
      AWS::KMS::Key: [{KeyId: a, $region: global}, {$region: eu-westt-1, $account: 1234, KeyId: b}]
      AWS::S3::Bucket: [{Name: x}]
      AWS::Account: [{AccountId: "111122223333"}]
    expect: pass
"""


def test_every_code_has_its_page_and_is_listed():
    assert {path.stem for path in DOCS.glob("*.md")} - {"README"} == set(CODES)
    index = (DOCS / "README.md").read_text()
    for code, level in CODES.items():
        page = (DOCS / f"{code}.md").read_text()
        assert f"Level: {level}." in page
        assert [line for line in page.splitlines() if line.startswith("## ")] == [
            "## Avoid",
            "## Prefer",
            "## Rationale",
        ]
        assert f"[{code}]({code}.md) | {level} |" in index


NO_FIELD = "AWS::CloudTrail::Trail has no field IsMultiReegionTrail; did you mean IsMultiRegionTrail?"
TYPO = HEAD.format(resource="AWS::CloudTrail::Trail", assertion="IsMultiReegionTrail")


def test_the_command_shows_the_line_and_a_caret(run, tmp_path):
    (tmp_path / "trail.yaml").write_text(TYPO)
    result = run("policy", "lint", "-p", tmp_path / "trail.yaml")
    assert result.code == 1
    assert result.out.splitlines() == [
        f"{tmp_path}/trail.yaml:5:9: error[unknown-field]: {NO_FIELD}",
        "    assert: IsMultiReegionTrail",
        "            ^",
    ]
    assert result.err == "1 policy: 1 error, 0 warnings\n"


def test_fixtures_beside_a_policy_are_checked_too(run, tmp_path):
    (tmp_path / "trail.yaml").write_text(TYPO.replace("Reegion", "Region"))
    (tmp_path / "trail.test.yaml").write_text(
        "tests:\n  - {name: a, given: {AWS::CloudTrail::Trail: [{Nmae: x}]}, expect: unknown}\n"
    )
    result = run("policy", "lint", "-p", tmp_path)
    where = f"{tmp_path}/trail.test.yaml:2:49"
    assert f"{where}: error[unknown-field]: AWS::CloudTrail::Trail has no field Nmae" in result.out
    assert "    - {name: a, given" in result.out


def test_the_command_speaks_to_programs(run, tmp_path):
    (tmp_path / "trail.yaml").write_text(TYPO)
    (record,) = json.loads(run("policy", "lint", "-p", tmp_path, "--format", "json").out)
    assert (record["line"], record["column"], record["level"], record["code"]) == (5, 9, "error", "unknown-field")
    annotation = run("policy", "lint", "-p", tmp_path, "--format", "github").out
    assert annotation.startswith("::error file=")
    assert ",line=5,col=9,title=unknown-field::AWS::CloudTrail::Trail has no field" in annotation
    wrong = run("policy", "lint", "--format", "jsn")
    assert (wrong.code, "did you mean json?" in wrong.err) == (2, True)


def test_the_shipped_policies_pass_the_command(run):
    result = run("policy", "lint")
    assert (result.code, result.out) == (0, "")
    assert result.err == f"{len(shipped())} policies: 0 errors, 0 warnings\n"


def test_a_policy_that_does_not_load_is_not_linted(run, tmp_path):
    (tmp_path / "bad.yaml").write_text("id: x\n")
    assert run("policy", "lint", "-p", tmp_path).code == 2


def older(call: Call):
    """What models that are too old for one service say of a call."""
    return ANY if call.service == "bedrock-agentcore-control" else output_type(call)


GATEWAY = "AWS::BedrockAgentCore::Gateway"
NEW_FIELDS = """\
id: gateway-authorized
title: x
severity: low
resource: AWS::BedrockAgentCore::Gateway
assert: authorizerType == 'CUSTOM_JWT'
message: Gateway {{ nme }}
"""


def test_of_what_the_models_are_too_old_to_know_the_kinds_are_checked():
    types = config_types(older, config_kind)
    policy = parse_policy("p.yaml", NEW_FIELDS)
    assert [each.message[:45] for each in lint(policy, types) if each.code != "untested"] == [
        "AWS::BedrockAgentCore::Gateway has no field n"
    ]


def test_nothing_is_said_against_what_neither_models_nor_kinds_know():
    policy = parse_policy("p.yaml", NEW_FIELDS)
    assert [each.code for each in lint(policy, config_types(older))] == ["untested"]


@pytest.mark.parametrize(
    "words",
    [
        ("policy", "lint", "--shipped"),
        ("resource", "show", GATEWAY),
        ("policy", "new", "x", "--resource", GATEWAY, "-o", "-"),
    ],
)
def test_botocore_that_knows_neither_service_nor_call_ends_no_command(run, monkeypatch, words):
    monkeypatch.setattr(api_models, "VERSION", "1.9.100")
    monkeypatch.setattr(api_models, "_service", unknown_service)
    done = run(*words)
    assert done.code == 0, done.err
    assert "note: botocore 1.9.100 is too old to know bedrock-agentcore:ListGateways: " in done.err
    assert "lint" in words or "authorizerType" in done.out


def unknown_service(name: str):
    raise UnknownServiceError(service_name=name, known_service_names="none")


def test_a_call_that_the_models_are_too_old_to_know_has_any_type():
    assert output_type(Call(service="sts", operation="ListNew", action="")) is ANY
    assert output_type(Call(service="new", operation="ListNew", action="")) is ANY


def test_a_field_that_the_models_are_too_old_to_know_is_noted_where_a_policy_reads_it(run, tmp_path, monkeypatch):
    monkeypatch.setattr(api_models, "VERSION", "1.9.100")
    monkeypatch.setattr(
        api_models, "lacking", lambda spec: (("A", "[]", "B"), ("C",)) if spec.type == "AWS::EC2::VPC" else ()
    )
    (tmp_path / "p.yaml").write_text("id: p\ntitle: x\nseverity: low\nresource: AWS::EC2::VPC\nassert: A[].B == `[]`\n")
    done = run("policy", "lint", "-p", str(tmp_path / "p.yaml"))
    assert "note: botocore 1.9.100 is too old to know A[].B of AWS::EC2::VPC: where it collects" in done.err
    assert " C of " not in done.err
