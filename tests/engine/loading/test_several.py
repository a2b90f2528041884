"""Several policies in one file: each is what it would be in a file of its own, and every fault is where it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stillframe.engine.documents.yaml12 import load
from stillframe.engine.errors import PolicyError
from stillframe.engine.linting.lint import lint
from stillframe.engine.linting.resource_types import config_types
from stillframe.engine.loading import several
from stillframe.engine.loading.policies import load_policies, parse_policy
from stillframe.engine.loading.several import policies_of
from stillframe.engine.testing.coverage import cover
from stillframe.engine.testing.examples import run_tests
from stillframe.snapshot.collector.api_models import output_type

KEYS = """\
id: keys
title: Keys rotate
severity: low
resource: AWS::KMS::Key
assert: Rotation.KeyRotationEnabled
"""
FILE = """\
x-key: &key
  KeyId: "1"
  Rotation: {KeyRotationEnabled: true}

policies:
  # What rotates
  - id: keys
    title: Keys rotate
    severity: low
    resource: AWS::KMS::Key
    assert: Rotation.KeyRotationEnabled
    description: |
      # no comment
    tests:
      - name: it does
        given: &given {AWS::KMS::Key: [*key]}
        expect: pass

  # What is a VPC
  - id: vpcs
    title: No default VPC is left
    severity: low
    resource: AWS::EC2::VPC
    assert: "!IsDefault"
    tests:
      - name: none
        given: &given {AWS::EC2::VPC: []}
        expect: none
  - {id: faster, title: Keys rotate faster, severity: high, resource: AWS::KMS::Key,
     assert: Rotation.KeyRotationEnabled}
x-other: 1
"""


def loaded(folder, text=FILE):
    (folder / "p.yaml").write_text(text)
    return {policy.id: policy for policy in load_policies([folder], shipped=False)}


def faults(folder, text):
    with pytest.raises(PolicyError) as error:
        loaded(folder, text)
    return str(error.value).replace(f"{folder}/", "")


ONE = """\
x-d: &d
  severity: hihg
policies:
  - id: a
    title: A
    <<: *d
    resource: AWS::KMS::Key
    assert: KeyId
  - id: b
    title: B
    <<: *d
    resource: AWS::KMS::Key
    assert: KeyId
  - id: c
    title: C
    extends: a
  - id: d
    title: D
    extends: a
  - id: e
    title: E
    extends: d
    exposure: pubilc
"""


def test_one_fault_of_what_several_share_or_take_is_told_once(tmp_path):
    (tmp_path / "p.yaml").write_text(ONE)
    with pytest.raises(PolicyError) as caught:
        load_policies([tmp_path / "p.yaml"], shipped=False)
    assert [each.message.partition(";")[0] for each in caught.value.problems] == [
        "'hihg' is none of critical, high, medium, low, informational",
        "'pubilc' is none of internal, public",
    ]


def test_in_braces_a_policy_uses_no_shared_key(tmp_path):
    inside = "{<<: *a, id: v, title: t, assert: VpcId}"
    text = f"x-a: &a {{severity: low, resource: AWS::EC2::VPC}}\npolicies:\n  - {inside}\n"
    assert "p.yaml:3:5: a policy in braces uses no x- key: write it with each key on a line" in faults(tmp_path, text)
    whole = text.replace("<<: *a", "severity: low, resource: AWS::EC2::VPC")
    assert list(loaded(tmp_path, whole)) == ["v"]


def test_each_is_a_policy_of_its_own_with_the_anchors_that_it_uses(tmp_path):
    found = loaded(tmp_path)
    assert list(found) == ["faster", "keys", "vpcs"]
    assert found["vpcs"].text.splitlines()[:2] == ["# What is a VPC", "id: vpcs"]
    assert found["keys"].text.startswith('x-key: &key\n  KeyId: "1"\n')
    assert found["keys"].description == "# no comment\n"
    assert [outcome.faults for policy in found.values() for outcome in run_tests(policy)] == [(), ()]
    for policy in found.values():  # what `policy show` prints is a policy
        assert parse_policy(policy.source, policy.text).assertions == policy.assertions


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "severity: low\n    resource: AWS::EC2",
            "severity: lwo\n    resource: AWS::EC2",
            "p.yaml:22:15: 'lwo' is none",
        ),
        ("title: Keys rotate\n", "titel: Keys rotate\n", "p.yaml:8:5: unknown key 'titel'; did you mean title?"),
        ("severity: high", "severity: hgih", "p.yaml:29:55: 'hgih' is none"),
        ("assert: Rotation.KeyRotationEnabled}", "assert: 'Rotation['}", "p.yaml:30:24: not JMESPath"),
        ('"!IsDefault"', '"!IsDefault"\n    extends: nothing', "p.yaml:25:5: extends: no policy nothing beside"),
        ("AWS::EC2::VPC: []", "AWS::EC2::VPC: [*given]", "p.yaml:27:16: an alias that contains itself"),
        ("given: &given {AWS::EC2::VPC: []}", "given: *given", "p.yaml:27:16: no anchor of this policy: what several"),
        ("*key", "*kye", "p.yaml:16:40: no anchor of this policy"),
        ("id: vpcs", "id: keys", "p.yaml:20:9: id 'keys' is already in p.yaml:7"),
        ("x-other: 1", "other: 1", "p.yaml:31:1: unknown key 'other' beside policies: others begin with x-"),
        ("x-other: 1", "x-key: 1", "p.yaml:31:1: duplicate key 'x-key'"),
        ("  - {id: faster, ", "  - *given\n  - {id: f, ", "p.yaml:29:5: a policy cannot be an alias of another"),
        ("  - {id: faster, ", "  - faster\n  - {id: f, ", "p.yaml:29:5: a policy is a mapping with id"),
        ("  - {id: faster, ", "  -\n  - {id: f, ", "a policy is a mapping with id"),
        ("x-other: 1", "x-other: [", "p.yaml:32:1: not YAML"),
        ("x-key: &key", "? [a]\n: &key", "p.yaml:1:3: a key must be plain text"),
        ("x-other: 1", "x-other: 1\n---\na: b", "not YAML: "),
        (FILE, "policies: []\n", "p.yaml:1:11: policies is a list: write each policy after a dash"),
        (FILE, "policies: {a: b}\n", "p.yaml:1:11: policies is a list"),
        (FILE, "policies: [{id: a}]\n", "p.yaml:1:11: policies is a list: write each policy after a dash, on lines"),
        (FILE, "policies:\n" + "  - {id: a}\n" * 1001, "p.yaml:1002:5: there are more than 1,000 policies"),
    ],
)
def test_a_fault_is_where_it_stands_in_the_file(tmp_path, old, new, expected):
    assert expected in faults(tmp_path, FILE.replace(old, new, 1))


def test_what_all_policies_are_with_what_they_share_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(several, "MOST", 1000)
    text = f"x-a: &a {'b' * 99}\npolicies:\n" + "".join(f"  - {{id: p{number}, title: *a}}\n" for number in range(9))
    assert "p.yaml:10:5: with the x- keys that they use, the policies of this file are larger than 1000" in faults(
        tmp_path, text
    )


def test_its_tests_are_in_itself(tmp_path):
    (tmp_path / "p.test.yaml").write_text("tests: []\n")
    assert (
        faults(tmp_path, FILE)
        == "p.test.yaml: these tests are of no one policy: p.yaml has several, and each holds its own"
    )


def test_what_lint_and_coverage_say_is_where_it_stands_in_the_file(tmp_path):
    found = loaded(
        tmp_path, FILE.replace("    assert: Rotation.KeyRotationEnabled\n", "    assert: Rotation.Enabeld\n")
    )
    complaints = lint(found["keys"], config_types(output_type))
    assert [(each.line, each.column, each.code) for each in complaints][-1] == (11, 22, "unknown-field")
    assert found["keys"].files() == {str(tmp_path / "p.yaml"): (tmp_path / "p.yaml").read_text()}
    assert [str(gap.place) for gap in cover(found["vpcs"]).gaps.left] == [f"{tmp_path / 'p.yaml'}:24:15"] * 2


def test_one_extends_another_of_the_same_file_or_of_a_file_of_several(tmp_path):
    text = FILE + "policies:\n"
    (tmp_path / "more.yaml").write_text("id: more\ntitle: More\nextends: vpcs\nwhere: IsDefault\n")
    text = FILE.replace("  - {id: faster", "  - id: mine\n    title: Mine\n    extends: keys\n  - {id: faster")
    found = loaded(tmp_path, text)
    assert (found["mine"].resource, found["more"].resource) == ("AWS::KMS::Key", "AWS::EC2::VPC")
    assert "x-key" not in found["mine"].text  # of which only examples read, that are not taken


def test_what_is_taken_brings_the_anchors_that_it_uses(tmp_path):
    shared = "x-which: &which Rotation.KeyRotationEnabled\n" + KEYS.replace("Rotation.KeyRotationEnabled", "*which")
    (tmp_path / "base.yaml").write_text(shared)
    found = loaded(tmp_path, "id: other\ntitle: Other\nextends: keys\n")
    assert found["other"].assertions == found["keys"].assertions


def test_a_policy_alone_may_have_keys_for_anchors_and_no_other_ones(tmp_path):
    (tmp_path / "p.test.yaml").write_text("x-a: &a pass\ntests: [{name: a, given: {}, expect: *a}]\n")
    assert (
        loaded(tmp_path, f"x-low: &low low\n{KEYS.replace('severity: low', 'severity: *low')}")["keys"].severity
        == "low"
    )
    assert faults(tmp_path, f"x-low: low\nxlow: low\n{KEYS}").startswith("p.yaml:2:1: unknown key 'xlow'; there")


def test_hidden_files_are_no_policies(tmp_path):
    (tmp_path / ".pre-commit-config.yaml").write_text("repos: []\n")
    assert list(loaded(tmp_path, KEYS)) == ["keys"]


@pytest.mark.parametrize("text", ['"a\n  # b"', "'a\u2028  # b'", '["a\n\n  # b"]'])
def test_a_line_that_ends_a_quoted_text_is_no_comment(text):
    whole = f"x-a: &a {text}\npolicies:\n  - id: *a\n    more: {text}\n  # c\n  - id: b\n".encode()
    found = [load(part).value for part, _ in policies_of("p.yaml", whole, [])]
    value = load(f"- {text}".encode()).value[0]
    assert found == [{"x-a": value, "id": value, "more": value}, {"id": "b"}]


TEXT = st.text(st.sampled_from("ab #:-\n\t'\"é\u2028"), max_size=8)
DATA = st.recursive(
    TEXT, lambda inside: st.lists(inside, max_size=3) | st.dictionaries(TEXT, inside, max_size=3), max_leaves=6
)


@given(
    st.lists(st.dictionaries(TEXT, DATA, min_size=1, max_size=3), min_size=1, max_size=3), st.integers(0, 4), st.data()
)
def test_an_item_is_what_the_same_lines_are_alone(items, margin, data):
    """However they are written: in blocks or flow, quoted or folded; and each place is that in the file."""
    import yaml

    texts = [
        yaml.dump(item, default_flow_style=data.draw(st.sampled_from([True, False, None])), allow_unicode=True, width=9)
        for item in items
    ]
    indented = [text.rstrip("\n").replace("\n", "\n" + " " * (margin + 2)) for text in texts]
    margins = "".join(f"{' ' * margin}- {text}\n" for text in indented)
    whole = f"policies:\n{margins}".encode()
    found = list(policies_of("p.yaml", whole, []))
    assert [load(part).value for part, _ in found] == load(whole).value["policies"]
    file = load(whole)
    for number, (part, item) in enumerate(found):
        for path, place in load(part).places.values.items():
            assert item.placed(place) == file.place(("policies", number, *path))
