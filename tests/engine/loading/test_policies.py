"""Loading policies: every fault at once, each with its line, its column and what to write instead."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from stillframe.engine.errors import EvaluationError, PolicyError
from stillframe.engine.language.template import parse_template
from stillframe.engine.linting.lint import lint
from stillframe.engine.linting.resource_types import config_types
from stillframe.engine.loading.policies import apply_settings, load_policies, parse_policy
from stillframe.engine.testing.coverage import cover
from stillframe.engine.testing.mutants import mutants
from stillframe.snapshot import ArgumentError
from stillframe.snapshot.collector.api_models import output_type

SOUND = """\
id: keys
title: Keys rotate
severity: low
resource: AWS::KMS::Key
assert: Rotation.KeyRotationEnabled
"""


def faults(folder: Path, *texts: str | bytes) -> str:
    for number, text in enumerate(texts):
        (folder / f"p{number}.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PolicyError) as error:
        load_policies([folder], shipped=False)
    return str(error.value).replace(f"{folder}/", "")


def test_five_lines_are_a_policy(tmp_path):
    (tmp_path / "keys.yaml").write_text(SOUND)
    (policy,) = load_policies([tmp_path / "keys.yaml"], shipped=False)
    assert (policy.id, policy.population()) == ("keys", "AWS::KMS::Key")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("severity:", "severty:", "p0.yaml:3:1: unknown key 'severty'; did you mean severity?"),
        ("severity: low\n", "", "p0.yaml:1:1: missing 'severity'"),
        ("low", "lwo", "p0.yaml:3:11: 'lwo' is none of critical, high, medium, low, informational; did you mean low?"),
        (
            "AWS::KMS::Key",
            "AWS::KMS::Keys",
            "p0.yaml:4:11: unknown resource type AWS::KMS::Keys; did you mean AWS::KMS::Key?",
        ),
        ("id: keys", "id: Keys", "p0.yaml:1:5: 'Keys' is no id"),
        (
            "Rotation.KeyRotationEnabled",
            "lenght(Rotation)",
            "p0.yaml:5:9: unknown function lenght(); did you mean length?",
        ),
        ("Rotation.KeyRotationEnabled", "$parms.x", "p0.yaml:5:9: unknown variable $parms; did you mean $params?"),
        ("Rotation.KeyRotationEnabled", "'Rotation['", "p0.yaml:5:19: not JMESPath"),
        ("Rotation.KeyRotationEnabled", "[?a]", "p0.yaml:5:9: assert takes an expression"),
        ("Rotation.KeyRotationEnabled", "{a: b}", "p0.yaml:5:9: assert takes an expression"),
        ("Rotation.KeyRotationEnabled", "", "p0.yaml:5:8: assert takes an expression"),
        ("Rotation.KeyRotationEnabled", "A\nmessage: '{{ a '", "p0.yaml:6:11: a {{ without its }}"),
        ("Rotation.KeyRotationEnabled", "A\nmessage: '{{ $x }}'", "p0.yaml:6:14: unknown variable $x"),
        ("Rotation.KeyRotationEnabled", "A\nwhere: [?a]", "write the expression after `>-`, or in quotes"),
        ("Rotation.KeyRotationEnabled", "A\nlookup: {x: {from: AWS::EC2::VPCs}}", "did you mean AWS::EC2::VPC?"),
        (
            "Rotation.KeyRotationEnabled",
            "A\nlookup: {x: {from: AWS::EC2::VPC, match: {'a[': b}}}",
            "p0.yaml:6:46: not JMESPath",
        ),
        ("Rotation.KeyRotationEnabled", "A\nlookup: {account: {from: AWS::EC2::VPC}}", "cannot be a name here"),
        (
            "Rotation.KeyRotationEnabled",
            "A\nlookup: {x: {from: AWS::EC2::VPC, match: {VpcId: b}, one: true, refers: true}}",
            "`one` says already that it exists",
        ),
        (
            "Rotation.KeyRotationEnabled",
            "A\nlookup: {x: {from: AWS::EC2::VPC, match: {VpcId: {in: B}, c: {contains: D}}}}",
            "p0.yaml:6:42: only one key may be `in` a list, or a list that `contains`",
        ),
        (
            "Rotation.KeyRotationEnabled",
            "A\nlookup: {x: {from: AWS::EC2::VPC, match: {VpcId: {holds: B}}}}",
            "p0.yaml:6:50: match takes an expression after `>-`, or in quotes; {in: LIST}, or {contains: VALUE}",
        ),
        (
            "Rotation.KeyRotationEnabled",
            "A\nlookup: {x: {from: AWS::EC2::VPC, refers: true}}",
            "without `match` nothing is referred to",
        ),
        (
            "Rotation.KeyRotationEnabled",
            "A\nlookup: {x: {from: AWS::EC2::VPC, wihtin: region}}",
            "did you mean within?",
        ),
        (
            "Rotation.KeyRotationEnabled",
            "A\nparams: {n: {type: integer, default: x, description: d}}",
            "the default does not fit",
        ),
        ("Rotation.KeyRotationEnabled", "A\nrollup: {per: acount, require: all}", "did you mean account?"),
        (
            "Rotation.KeyRotationEnabled",
            "A\nrollup: {per: organization, require: all}",
            "6:15: per takes account, organisation, region, unit or an expression, such as $tags.service; did you mean",
        ),
        (
            "Rotation.KeyRotationEnabled",
            "A\nrollup: {per: unit, within: account, require: all}",
            "6:21: per unit says it already: leave `within` out",
        ),
        (
            "Rotation.KeyRotationEnabled",
            "A\nrollup: {per: [a], require: all}",
            "6:15: per takes account, organisation, region, unit or an exp",
        ),
        ("Rotation.KeyRotationEnabled", "A\nrollup: {per: 'a[', require: all}", "6:18: not JMESPath"),
        (
            "Rotation.KeyRotationEnabled",
            "A\nrollup: {per: $tag.a, require: all}",
            "unknown variable $tag; did you mean",
        ),
        (
            "Rotation.KeyRotationEnabled",
            "A\nlet: {b: $x.Name}\nlookup: {x: {from: AWS::EC2::VPC, one: true}}\nrollup: {per: $b, require: all}",
            "p0.yaml:8:15: which group a resource is of cannot rest on a lookup: x",
        ),
        (
            "Rotation.KeyRotationEnabled",
            "A\nrollup: {per: account, require: all}\nmessage: '{{ $tags }}'",
            "unknown variable $tags",
        ),
        (
            "Rotation.KeyRotationEnabled",
            "A\ntests: [{name: a, given: {}, expect: passed}]",
            "'passed' is neither a status",
        ),
        (
            "Rotation.KeyRotationEnabled",
            "A\ntests: [{name: a, given: {AWS::X::Y: []}, expect: pass}]",
            "unknown resource type AWS::X::Y",
        ),
        ("Rotation.KeyRotationEnabled", "!A", "an expression that begins with ! goes after `>-`, or in quotes"),
        (
            "Rotation.KeyRotationEnabled",
            "A\ntests: [{name: a, given: {}, expect: none, params: {x: 1}}]",
            "6:53: no parameter x",
        ),
        ("Rotation.KeyRotationEnabled", "A\ntests: [{name: a, given: {}, expect: none, time: soon}]", "does not match"),
        (
            "Rotation.KeyRotationEnabled",
            "A\ntests: [{name: a, given: {AWS::KMS::Key: [{A: {$missing: 1}}]}, expect: none}]",
            "p0.yaml:6:43: a $missing marker must stand alone",
        ),
        ("Rotation.KeyRotationEnabled", "A\nreferences: ['http://x']", "does not match"),
    ],
)
def test_a_fault_says_where_and_what_instead(tmp_path, old, new, expected):
    assert expected in faults(tmp_path, SOUND.replace(old, new, 1))


def test_all_faults_of_all_files_are_shown_at_once(tmp_path):
    found = faults(tmp_path, SOUND.replace("low", "lwo").replace("title", "titel"), "- a list", b"\xff", SOUND, SOUND)
    assert [line.split(":")[0] for line in found.splitlines()] == [
        "p0.yaml",
        "p0.yaml",
        "p0.yaml",
        "p1.yaml",
        "p2.yaml",
        "p4.yaml",
    ]
    assert "id 'keys' is already in" in found


def test_a_folder_without_policies_and_an_absent_file_are_faults(tmp_path):
    assert "no policies here" in faults(tmp_path)
    with pytest.raises(PolicyError, match="cannot be read: No such file"):
        load_policies([tmp_path / "absent.yaml"], shipped=False)


def test_a_setting_may_be_text_that_looks_like_a_number(tmp_path):
    (tmp_path / "p.yaml").write_text(SOUND + "params: {account: {type: string, default: '', description: d}}\n")
    (policy,) = apply_settings(load_policies([tmp_path], shipped=False), ["keys.account=383107644153"])
    assert policy.params == {"account": "383107644153"}


def test_settings_change_parameters():
    policies = apply_settings(
        load_policies(), ["vpc-flow-logs.traffic_type=ALL", "cloudtrail-kms-encryption.accept_bucket_key=true"]
    )
    by_id = {policy.id: policy for policy in policies}
    assert by_id["vpc-flow-logs"].params == {"traffic_type": "ALL"}
    assert by_id["cloudtrail-kms-encryption"].params == {"accept_bucket_key": True}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("vpc-flow-logs", "does not set a parameter"),
        ("vpc-flow-log.traffic_type=ALL", "unknown policy vpc-flow-log; did you mean vpc-flow-logs?"),
        ("vpc-flow-logs.trafic_type=ALL", "no parameter trafic_type; did you mean traffic_type?"),
        ("vpc-flow-logs.traffic_type=SOME", "is not one of"),
        ("vpc-flow-logs.traffic_type=[", "not YAML"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(setting, message):
    with pytest.raises(ArgumentError) as error:
        apply_settings(load_policies(), [setting])
    assert message in str(error.value)


# ------------------------------------------------------------------------------------------- extending one

BASE = """\
# keys in general
id: keys
title: Keys rotate
severity: low
frameworks: {a: ["1"]}
params:
  days: {type: integer, default: 90, description: The longest time}

# what it asks
resource: AWS::KMS::Key
where: Metadata.KeyManager == 'CUSTOMER' # not AWS's
assert:
- Rotation.KeyRotationEnabled
- Rotation.RotationPeriodInDays <= $params.days
message: >-
  Key {{ KeyId }}
  does not rotate
tests: [{name: none, given: {AWS::KMS::Key: []}, expect: none}]
"""
OTHER = "id: other\ntitle: Keys rotate faster\nextends: keys\nseverity: high\n"


def extending(folder: Path, text: str = OTHER, base: str = BASE) -> Path:
    (folder / "keys.yaml").write_text(base)
    (folder / "other.yaml").write_text(text)
    return folder / "other.yaml"


def test_a_policy_takes_what_it_does_not_say_from_the_one_it_extends(tmp_path):
    (policy,) = load_policies([extending(tmp_path)], shipped=False)
    assert (policy.id, policy.title, policy.severity) == ("other", "Keys rotate faster", "high")
    assert (policy.resource, policy.params, len(policy.assertions)) == ("AWS::KMS::Key", {"days": 90}, 2)
    assert policy.message.parts[-1] == " does not rotate"
    assert (policy.frameworks, policy.tests) == ({}, ())
    assert policy.extends.keys == {"params", "resource", "where", "assert", "message"}


def test_the_text_of_a_policy_that_extends_another_is_whole(tmp_path):
    (policy,) = load_policies([extending(tmp_path)], shipped=False)
    again = parse_policy("whole.yaml", policy.text)
    assert (again.extends, again.where.text) == (None, policy.where.text)
    assert policy.text.splitlines()[2] == "# extends: keys"
    assert "# what it asks" not in policy.text


def test_a_policy_of_the_same_folder_comes_before_one_that_ships(tmp_path):
    text = OTHER.replace("extends: keys", "extends: vpc-flow-logs")
    assert load_policies([extending(tmp_path, text)], shipped=False)[0].resource == "AWS::EC2::VPC"
    (tmp_path / "company-base.yaml").write_text(BASE.replace("id: keys", "id: vpc-flow-logs  # ours"))
    assert load_policies([tmp_path / "other.yaml"], shipped=False)[0].resource == "AWS::KMS::Key"


@pytest.mark.parametrize(
    ("text", "base", "expected"),
    [
        (OTHER + "sevrity: low\n", BASE, "other.yaml:5:1: unknown key 'sevrity'; did you mean severity?"),
        (OTHER + "where: '$days'\n", BASE, "other.yaml:5:9: unknown variable $days"),
        (
            OTHER + "params:\n  hours: {default: 1, description: d}\nmessage: '{{ $prams }}'\n",
            BASE,
            "other.yaml:7:14: unknown variable $prams; did you mean $params?",
        ),
        (
            OTHER,
            BASE.replace("AWS::KMS::Key\n", "AWS::KMS::Kay\n"),
            "other.yaml:3:1: in what it takes from keys: unknown resource type AWS::KMS::Kay",
        ),
        (OTHER, BASE.replace("where: ", "where: *x #"), "other.yaml:3:1: in what it takes from keys: not YAML"),
        (OTHER, "{id: keys}", "other.yaml:3:1: extends: keys has keys that do not begin a line, as in {id: …}"),
        (OTHER, BASE + "? severity\n: high\n", "other.yaml:3:1: extends: keys has keys that do not begin a line"),
        (OTHER.replace("extends: ", "extends:\n  "), BASE, "other.yaml:3:1: extends begins a line, with the id of"),
        ("{id: other, title: t, extends: keys}", BASE, "other.yaml:1:23: extends begins a line, with the id of"),
        (
            OTHER + "x-p: {q: &p 9}\n",
            BASE.replace("default: 90", "default: *p") + "x-p: &p 90\n",
            "other.yaml:3:1: extends: x-p stands here and in keys, whose keys use it: give this one another name",
        ),
        (
            OTHER + "x-q: {q: &p 9}\n",
            BASE.replace("default: 90", "default: *p") + "x-p: &p 90\n",
            "other.yaml:3:1: extends: the anchor &p stands here and in keys, whose keys use it",
        ),
        (
            OTHER.replace("title: ", "title: &d "),
            BASE.replace("title: ", "title: &d ") + "description: *d\n",
            "other.yaml:3:1: extends: the anchor &d stands here and in keys",
        ),
        (OTHER.replace("extends: keys", "extends: keyz"), BASE, "other.yaml:3:1: extends: no policy keyz beside it"),
        (OTHER, BASE.replace("id: keys", "id: keyz"), "or that ships; did you mean keyz?"),
        (OTHER.replace("extends: keys", "extends: ../keys"), BASE, "extends: no policy ../keys beside it"),
        (
            OTHER,
            BASE + "extends: other\n",
            "other.yaml:3:1: extends: other extends keys extends other: that has no",
        ),
        (
            OTHER,
            BASE + "extends: gone\n",
            "other.yaml:3:1: extends: keys extends gone, and there is no policy gone",
        ),
        (OTHER.replace("extends: keys", "extends: other"), BASE, "extends: other extends other: that has no end"),
        (OTHER, BASE + "message: again\n", "other.yaml:3:1: in what it takes from keys: "),
    ],
)
def test_faults_of_a_policy_that_extends_another_have_a_place_in_its_file(tmp_path, text, base, expected):
    with pytest.raises(PolicyError) as error:
        load_policies([extending(tmp_path, text, base)], shipped=False)
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("text", "base"),
    [
        (OTHER.replace("extends:", "extends :"), BASE),
        (OTHER.replace("extends:", '"extends":'), BASE),
        (OTHER + "...\n", "---\n" + BASE + "...\n"),
        (OTHER, BASE.replace("id:", '"id":').replace("where:", "'where' :")),
        (OTHER + "x-p: &p 90\n", BASE.replace("default: 90", "default: *p") + "x-p: &p 90\n"),
    ],
)
def test_a_policy_that_extends_another_is_the_same_however_its_keys_are_written(tmp_path, text, base):
    (policy,) = load_policies([extending(tmp_path, text, base)], shipped=False)
    assert (policy.severity, policy.where is None, policy.params) == ("high", False, {"days": 90})
    assert policy.extends.bases[0].keys >= {"id", "where", "params"}


def sourced(folder: Path, **texts: str) -> list[Path]:
    """A folder for each policy, called as it is."""
    for name, text in texts.items():
        (folder / name).mkdir()
        (folder / name / f"{name}.yaml").write_text(text)
    return [folder / name for name in texts]


THIRD = "id: third\ntitle: Keys rotate fastest\nextends: other\nmessage: no\n"


def test_policies_extend_each_other_across_the_sources_that_are_named_over_several_levels(tmp_path):
    paths = sourced(tmp_path, third=THIRD, keys=BASE, other=OTHER)
    found = {policy.id: policy for policy in load_policies(paths, shipped=False)}
    third = found["third"]
    assert (third.severity, third.params, third.message.parts) == ("high", {"days": 90}, ("no",))
    assert [(base.id, "severity" in base.keys) for base in third.extends.bases] == [("other", True), ("keys", True)]
    assert load_policies(paths[:1], shipped=False, among=paths[1:])[0].text == third.text
    with pytest.raises(PolicyError, match="extends: no policy other beside it, in what is named"):
        load_policies(paths[:2], shipped=False)


def test_an_id_in_two_sources_is_an_error_with_both_places(tmp_path):
    one, two = sourced(tmp_path, keys=BASE, again=BASE)
    with pytest.raises(PolicyError) as error:
        load_policies([one, two], shipped=False)
    assert str(error.value) == f"{two}/again.yaml:1:1: id 'keys' is already in {one}/keys.yaml"


def test_of_two_policies_with_one_id_neither_is_extended_in_silence(tmp_path):
    other, keys, again = sourced(tmp_path, other=OTHER, keys=BASE, again=BASE.replace("severity: ", "severity:  "))
    with pytest.raises(PolicyError) as error:
        load_policies([other, keys], shipped=False, among=[again])
    assert f"extends: {keys}/keys.yaml and {again}/again.yaml are both keys, and differ" in str(error.value)
    load_policies([other, keys], shipped=False, among=[keys])
    for each in (keys / "keys.yaml", again / "again.yaml"):
        (other / each.name).write_bytes(each.read_bytes())
    with pytest.raises(PolicyError) as error:
        load_policies([other / "other.yaml"], shipped=False)
    assert f"extends: {other}/again.yaml and {other}/keys.yaml are both keys, and differ" in str(error.value)


def test_of_what_no_source_names_nothing_is_read(tmp_path):
    """Neither through a link, nor by an id that looks like a path."""
    keys, other = sourced(tmp_path, keys=BASE, other=OTHER)
    (other / "link.yaml").symlink_to(keys / "keys.yaml")
    with pytest.raises(PolicyError, match="no policy keys beside it"):
        load_policies([other / "other.yaml"], shipped=False)


def test_a_chain_of_policies_has_a_most(tmp_path):
    texts = {f"p{n}": OTHER.replace("id: other", f"id: p{n}").replace("keys", f"p{n + 1}") for n in range(17)}
    with pytest.raises(PolicyError, match="more than 16 policies extend each other"):
        load_policies(sourced(tmp_path, **texts, p17=BASE.replace("id: keys", "id: p17")), shipped=False)


def test_what_is_taken_is_covered_mutated_and_linted_where_it_was_written(tmp_path):
    (policy,) = load_policies([extending(tmp_path, OTHER + "where: Enabled\n")], shipped=False)
    assert {gap.text for gap in cover(policy).gaps.left} == {"Enabled"}
    assert {mutant.was for mutant in mutants(policy)} == {"Enabled"}
    taken = [each for each in lint(policy, config_types(output_type)) if "keys" in each.message]
    assert taken == []
    (policy,) = load_policies([extending(tmp_path, base=BASE.replace("KeyManager", "KeyManger"))], shipped=False)
    assert [(each.line, each.message[:60]) for each in lint(policy, config_types(output_type)) if each.line == 3] == [
        (3, "in what it takes from keys: KeyMetadata has no field KeyManger"[:60])
    ]


SHORT = "id: p\ntitle: t\nseverity: low\nresource: AWS::EC2::VPC\nassert: a\nlookup:\n  a: {from: AWS::EC2::VPC}\n"
LOOKUP = "  l{0}: {{from: AWS::EC2::VPX}}\n"


@pytest.mark.parametrize("lines", ["k{0}: 1\n", "k: {0}\n", "? !x {0}\n: 1\n", LOOKUP])
def test_of_many_faults_the_first_are_told_and_soon(tmp_path, lines):
    (tmp_path / "p.yaml").write_text(SHORT + "".join(lines.format(number) for number in range(20_000)))
    begun = time.process_time()
    with pytest.raises(PolicyError) as caught:
        load_policies([tmp_path / "p.yaml"], shipped=False)
    assert len(caught.value.problems) <= 101
    assert caught.value.problems[0].message == "has more faults than these, which are the first 100"
    assert time.process_time() - begun < 20


@pytest.mark.parametrize("text", ["{{" + " " * 20_000, "{{" * 20_000])
def test_a_text_that_never_closes_is_read_once(text):
    begun = time.process_time()
    with pytest.raises(EvaluationError, match="without its"):
        parse_template(text)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("assertion", ["a == '" + "x" * 50_000 + "'", "length(`[" + "1," * 25_000 + "1]`) > `1`"])
def test_an_expression_that_is_too_long_is_a_fault(assertion):
    with pytest.raises(PolicyError, match="longer than 50,000 characters"):
        parse_policy("p.yaml", f'id: p\ntitle: t\nseverity: low\nresource: AWS::EC2::VPC\nassert: "{assertion}"\n')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("policys: []\n", "unknown key 'policys'; did you mean policies?"),
        (SOUND + "extnds: other\n", "unknown key 'extnds'; did you mean extends?"),
        (
            SOUND + "tests: [{name: n, given: {}, expect: unkown}]\n",
            "'unkown' is neither a status nor a mapping of resource ids to statuses; did you mean unknown?",
        ),
    ],
)
def test_a_word_that_was_mistyped_is_guessed(tmp_path, text, said):
    (tmp_path / "p.yaml").write_text(text)
    assert said in faults(tmp_path)
