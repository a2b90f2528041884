"""One policy on many types: which they are, what is said of each, and both paths."""

from __future__ import annotations

import pytest
from builders import write_snapshot
from stillframe.engine.assess import assess
from stillframe.engine.errors import PolicyError
from stillframe.engine.execution.judge import Method, judge
from stillframe.engine.linting.lint import lint
from stillframe.engine.linting.resource_types import config_types
from stillframe.engine.loading.policies import apply_settings, parse_policy
from stillframe.engine.model.ruleset import Ruleset
from stillframe.engine.testing.examples import run_tests
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import UNLIKE, load_catalog
from stillframe.snapshot.collector.api_models import output_type

TYPES = config_types(output_type)
NAMED = """\
id: named
title: It has a name
severity: low
resource: {}
assert: $name || $tags.Name
message: "{{{{ $type }}}} {{{{ $id }}}} has none"
"""
INSTANCES, VOLUMES = "AWS::EC2::Instance", "AWS::EC2::Volume"


def worded(types: str, that: str, message: str) -> str:
    head = NAMED.format(types).partition("assert")[0]
    return f'{head}assert: {that}\nmessage: "{message}"\n'


def named(types: str, **more: str):
    return parse_policy("p.yaml", NAMED.format(types) + "".join(f"{key}: {value}\n" for key, value in more.items()))


@pytest.mark.parametrize(
    ("written", "types"),
    [
        (INSTANCES, ()),
        (f"[{INSTANCES}]", ()),
        (f"[{VOLUMES}, {INSTANCES}]", (INSTANCES, VOLUMES)),
        ("AWS::EC2::Vol*", ()),
        (f"['AWS::EC2::Vol*', {VOLUMES}, {INSTANCES}]", (INSTANCES, VOLUMES)),
    ],
)
def test_types_are_a_name_a_list_or_a_pattern(written, types):
    policy = named(written)
    assert policy.types == types
    assert policy.subjects() == (types or (policy.resource,))


def test_a_star_is_every_resource_and_where_tags_are_read_every_one_that_has_them():
    policy = parse_policy("p.yaml", NAMED.format('"*"').replace(" || $tags.Name", ""))
    assert set(policy.types) == load_catalog().keys() - UNLIKE
    tagged = {kind for kind, spec in load_catalog().items() if spec.tags is not None}
    assert set(named('"*"').types) == tagged - UNLIKE
    told = '"*"', "$name", "{{ $tags.Name }} has none"  # words decide nothing
    assert parse_policy("p.yaml", worded(*told)).types == policy.types
    trail = "AWS::CloudTrail::Trail"  # which is named, though nobody collects its tags
    assert set(named(f'["*", {trail}]').types) == (tagged - UNLIKE) | {trail}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("AWS::EC2::Instanc", "p.yaml:4:11: unknown resource type AWS::EC2::Instanc; did you mean AWS::EC2::Instance?"),
        (f"[{INSTANCES}, AWS::EC2::Volum]", "p.yaml:4:32: unknown resource type AWS::EC2::Volum; did you mean"),
        ("'AWS::ECC::*'", "p.yaml:4:11: no resource type is like AWS::ECC::*"),
        ("[]", "p.yaml:4:11: "),
        ("3", "p.yaml:4:11: resource takes a type, or a list of them"),
    ],
)
def test_a_type_that_there_is_not_is_refused(written, said):
    with pytest.raises(PolicyError) as error:
        named(written)
    assert said in str(error.value)


def test_lint_names_the_types_that_lack_a_field():
    policy = parse_policy("p.yaml", NAMED.format(f"[{INSTANCES}, {VOLUMES}]").replace("$tags.Name", "Encrypted || Sie"))
    found = [each.message for each in lint(policy, TYPES) if each.code == "unknown-field"]
    assert sorted(found) == [
        "AWS::EC2::Instance has no field Encrypted",
        "AWS::EC2::Instance has no field Sie",
        "AWS::EC2::Volume has no field Sie; did you mean Size?",
    ]
    policy = parse_policy("p.yaml", NAMED.format(f"[{INSTANCES}, {VOLUMES}]").replace("$tags.Name", "State == 'x'"))
    (found,) = [each for each in lint(policy, TYPES) if each.code == "bad-comparison"]
    assert found.message.startswith("of AWS::EC2::Instance: ")


GIVEN = {
    INSTANCES: [{"InstanceId": "i-1", "$name": "web"}, {"InstanceId": "i-2", "$name": None, "$tags": {}}],
    VOLUMES: [{"VolumeId": "i-2", "$name": None, "$tags": {}}, {"VolumeId": "vol-2", "$tags": {"$missing": "denied"}}],
    "AWS::EC2::Snapshot": {"$missing": "UnauthorizedOperation: ec2:DescribeSnapshots"},
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_snapshot(tmp_path_factory.mktemp("s"), GIVEN)


@pytest.mark.parametrize("exact", [True, False])
def test_findings_have_their_own_type_and_what_was_not_read_is_unknown(path, exact):
    policy = named(f"[{INSTANCES}, {VOLUMES}, AWS::EC2::Snapshot, AWS::S3::Bucket]")
    batches = judge(open_snapshot(path), [policy], Method(exact=exact, few=0))
    found = [(each.type, each.resource, each.status.value) for batch in batches for each in batch.findings()]
    assert found == [
        ("AWS::EC2::Snapshot", "AWS::EC2::Snapshot", "unknown"),
        ("AWS::S3::Bucket", "AWS::S3::Bucket", "unknown"),
        (INSTANCES, "i-1", "pass"),
        (INSTANCES, "i-2", "fail"),
        (VOLUMES, "i-2", "fail"),
        (VOLUMES, "vol-2", "unknown"),
    ]


@pytest.mark.parametrize("exact", [True, False])
def test_a_rollup_folds_all_types_and_says_which_is_which(path, exact):
    text = NAMED.format(f"[{INSTANCES}, {VOLUMES}]").partition("message")[0]
    policy = parse_policy("p.yaml", f"{text}rollup: {{per: account, require: all}}\n")
    (finding,) = [
        each for batch in judge(open_snapshot(path), [policy], Method(exact=exact, few=0)) for each in batch.findings()
    ]
    assert (finding.type, finding.status.value) == ("AWS::Account", "fail")
    assert list(finding.evidence) == [f"{INSTANCES} us-east-1 i-2", f"{VOLUMES} us-east-1 i-2"]


def test_an_example_is_about_the_types_that_it_gives():
    tests = f"[{{name: a, given: {{{VOLUMES}: [{{VolumeId: v, $name: data}}]}}, expect: pass}}]"
    (outcome,) = run_tests(named('"*"', tests=tests))
    assert outcome.faults == ()


def test_many_types_of_which_parameters_ask_nothing_are_not_read(path):
    params = "{owners: {type: array, default: [], description: who}}"
    policy = named('"*"', where="$params.owners && $tags", params=params)
    snapshot = open_snapshot(path)
    idle = assess(snapshot, Ruleset(policies=[policy]))
    assert list(idle) == []
    assert "named asks nothing, until its parameters are set" in idle.notes()
    (asked,) = apply_settings([policy], ["named.owners=[a]"])
    assert len(list(assess(snapshot, Ruleset(policies=[asked])))) == 1


@pytest.mark.parametrize(("require", "status"), [("all", "unknown"), ("any", "fail"), ("{at_least: 1}", "fail")])
def test_a_rollup_is_asked_whatever_its_parameters_are_as_over_nothing_it_does_not_pass(path, require, status):
    text = NAMED.format(f"[{INSTANCES}, {VOLUMES}]").partition("message")[0]
    more = "where: $params.on\nparams: {on: {type: boolean, default: false, description: d}}\n"
    policy = parse_policy("p.yaml", f"{text}{more}rollup: {{per: account, require: {require}}}\n")
    assessment = assess(open_snapshot(path), Ruleset(policies=[policy]))
    (found,) = [each for batch in assessment for each in batch.findings()]
    assert found.status.value == status
    assert not [note for note in assessment.notes() if "asks nothing" in note]
