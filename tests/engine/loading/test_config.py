"""stillframe.yaml: what it changes, and every wrong input with its line, its column and what to write instead."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from builders import nine, shipped
from stillframe.engine.assess import notes
from stillframe.engine.errors import ConfigError, PolicyError
from stillframe.engine.loading.config import config_schema
from stillframe.engine.loading.ruleset import load_rules
from stillframe.engine.model.finding import Kind
from stillframe.engine.model.policy import Severity

OWN = "id: own\ntitle: t\nseverity: low\nresource: AWS::KMS::Key\nassert: KeyId\n"
WITH_PARAMS = OWN + "params: {account: {type: string, default: '', description: d}}\n"
PACK = """
framework: one
version: "1"
title: One
sections:
  - title: All
    controls:
      - {number: "1", title: a, policies: [vpc-flow-logs]}
      - {number: "2", title: b, policies: [{vpc-flow-logs: {traffic_type: ALL}}]}
"""
WAIVER = """\
waivers:
  - policy: vpc-flow-logs
    account: "111122223333"
    reason: sandbox
    owner: cloud team
    expires: 2026-06-30
"""


@pytest.fixture
def config(tmp_path):
    """Write a stillframe.yaml beside a folder with one policy; gives its path."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "own.yaml").write_text(OWN)
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "one-1.yaml").write_text(PACK)

    def write(text: str | bytes) -> Path:
        path = tmp_path / "stillframe.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def faults(path: Path, **options) -> list[str]:
    with pytest.raises(PolicyError) as error:
        load_rules(path, **options)
    return [str(problem).replace(f"{path.parent}/", "") for problem in error.value.problems]


def ids(rules) -> set[str]:
    return {policy.id for policy in rules.policies}


def by_id(rules):
    return {policy.id: policy for policy in rules.policies}


NINE = {policy.id for policy in nine()}
SHIPPED = {policy.id for policy in shipped()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", NINE),
        ("# nothing yet\n", NINE),
        ("{}", NINE),
        ("policies: [policies]", NINE | {"own"}),
        ("policies: [policies/own.yaml]", NINE | {"own"}),
        ("policies: [policies]\nshipped: true", SHIPPED | {"own"}),
        ("packs: [logging]", NINE),
        ("packs: []\npolicies: [policies]", {"own"}),
        ("packs: [packs/one-1.yaml]", {"vpc-flow-logs", "vpc-flow-logs@one-1"}),
        ("packs: [packs/one-1.yaml, logging]\nshipped: false", NINE | {"vpc-flow-logs@one-1"}),
        ("policies: [policies]\nshipped: false", {"own"}),
        ("policies: [.]\nshipped: false", {"own"}),
        ("policies: [policies]\nsettings: {own: {enabled: true}}", NINE | {"own"}),
        ("settings: {vpc-flow-logs: {enabled: false, reason: r}}", NINE - {"vpc-flow-logs"}),
        ("packs: [packs/one-1.yaml]\nsettings: {vpc-flow-logs: {enabled: false, reason: r}}", set()),
        ("packs: [packs/one-1.yaml]\nsettings: {vpc-flow-logs@one-1: {enabled: false, reason: r}}", {"vpc-flow-logs"}),
    ],
)
def test_it_names_the_policies_that_are_in_force(config, text, expected):
    assert ids(load_rules(config(text))) == expected


def test_without_it_the_nine_are_in_force():
    assert len(NINE) == 9
    assert NINE < SHIPPED


def test_policies_of_the_command_line_take_the_place_of_those_it_names(config, tmp_path):
    path = config("policies: [policies]\nsettings: {own: {severity: high}}")
    (tmp_path / "other.yaml").write_text(OWN.replace("own", "other"))
    other = [tmp_path / "other.yaml"]
    assert ids(load_rules(path, other)) == {"other"}
    assert ids(load_rules(path, other, shipped=True)) == SHIPPED | {"other"}
    assert by_id(load_rules(path, [tmp_path / "policies"]))["own"].severity is Severity.HIGH


def test_the_shipped_policies_are_there_where_the_command_line_asks(config):
    assert ids(load_rules(config("policies: [policies]\nshipped: false"), shipped=True)) == SHIPPED | {"own"}


def test_it_changes_parameters_and_severity(config):
    changed = by_id(
        load_rules(config("settings: {vpc-flow-logs: {params: {traffic_type: ALL}, severity: critical, reason: r}}"))
    )
    assert changed["vpc-flow-logs"].params == {"traffic_type": "ALL"}
    assert changed["vpc-flow-logs"].severity is Severity.CRITICAL
    assert changed["kms-key-rotation"].severity is Severity.MEDIUM


def test_the_command_line_has_the_last_word_on_parameters(config):
    path = config("settings: {vpc-flow-logs: {params: {traffic_type: ALL}}}")
    rules = load_rules(path, settings=["vpc-flow-logs.traffic_type=ACCEPT"])
    assert by_id(rules)["vpc-flow-logs"].params == {"traffic_type": "ACCEPT"}


def test_policies_are_kept_as_they_are_written(config):
    rules = load_rules(
        config("settings: {vpc-flow-logs: {severity: low}, kms-key-rotation: {enabled: false, reason: by hand}}")
    )
    written = {policy.id: policy for policy in rules.written}
    assert written.keys() == NINE
    assert written["vpc-flow-logs"].severity is Severity.MEDIUM
    assert [note.rpartition("/")[2] for note in notes(rules)] == [
        "stillframe.yaml:1: kms-key-rotation is disabled: by hand"
    ]


def test_a_waiver_says_all_that_it_says(config):
    (waiver,) = load_rules(config(WAIVER + "    kind: mitigated\n    resource: vpc-*\n    region: us-east-1\n")).waivers
    assert waiver.policy == "vpc-flow-logs"
    assert waiver.scope.record() == {"account": "111122223333", "region": "us-east-1", "resource": "vpc-*"}
    assert (waiver.waived.kind, waiver.waived.owner) == (Kind.MITIGATED, "cloud team")
    assert (waiver.waived.reason, waiver.waived.expires) == ("sandbox", "2026-06-30")
    assert waiver.place.endswith("stillframe.yaml:2")


@pytest.mark.parametrize(
    ("written", "read"), [('"012345670123"', "012345670123"), ("012345670123", "012345670123"), ("123456789012",) * 2]
)
def test_an_account_may_be_written_as_a_number(config, written, read):
    (waiver,) = load_rules(config(WAIVER.replace('"111122223333"', written))).waivers
    assert waiver.scope.account == (read,)


DAY = "is not a day: YYYY-MM-DD"
ACCOUNT = "is not an account id: 12 digits, in quotes"
WRONG = [
    ("polices: []", "1:1: unknown key 'polices'; did you mean policies?"),
    ("policies: policies", "1:11: 'policies' is not of type 'array'"),
    ("policies: [1]", "1:12: 1 is not of type 'string': put it in quotes"),
    ("policies: [polices]", "1:12: polices: no such file or folder"),
    ("shipped: no", "1:10: 'no' is not of type 'boolean'"),
    ("shipped: false", "1:1: without the shipped policies there are none: name some in `policies`"),
    (
        "- a",
        "1:1: stillframe.yaml is a mapping; there are attestations, catalogue, packs, policies, priorities",
    ),
    ("just text", "1:1: stillframe.yaml is a mapping"),
    ("a: [", "2:1: not YAML"),
    ("shipped: true\nshipped: true", "2:1: duplicate key 'shipped'"),
    (b"\xff", "1:1: not UTF-8 text"),
    ("settings:\n  vpc-flow-log: {severity: low}", "2:3: unknown policy vpc-flow-log; did you mean vpc-flow-logs?"),
    ("settings: {own: {severity: low}}", "1:12: unknown policy own"),
    ("priorities: {accounts: {a: 0}}", "1:28: 0 is less than or equal to the minimum of 0"),
    ("settings: {'kmss-*': {severity: low}}", "1:12: no policy is called kmss-*"),
    ("settings: {vpc-flow-logs: [{severity: lwo}]}", "1:39: 'lwo' is none of critical, high"),
    ("settings: {vpc-flow-logs: []}", "1:27: [] should be non-empty"),
    ("settings: {vpc-flow-logs: {severty: low}}", "1:28: unknown key 'severty'; did you mean severity?"),
    ("settings: {vpc-flow-logs: {severity: lwo}}", "1:38: 'lwo' is none of critical, high"),
    ("settings: {vpc-flow-logs: }", "1:27: None is not of type 'object'"),
    ("settings: {vpc-flow-logs: {}}", "1:27: nothing is set here"),
    ("settings: {vpc-flow-logs: {enabled: false}}", "1:27: missing 'reason'"),
    ("settings: {vpc-flow-logs: {enabled: false, reason: ' '}}", "1:52: there must be words here"),
    ("settings: {vpc-flow-logs: {enabled: 0, reason: r}}", "1:37: 0 is not of type 'boolean'"),
    (
        "settings: {vpc-flow-logs: {params: {trafic_type: ALL}}}",
        "1:37: vpc-flow-logs has no parameter trafic_type; did you mean traffic_type?",
    ),
    (
        "settings: {vpc-flow-logs: {params: {traffic_type: SOME}}}",
        "1:51: parameter traffic_type: 'SOME' is not one of ['ALL', 'ACCEPT', 'REJECT']",
    ),
    (WAIVER.replace("    expires: 2026-06-30\n", ""), "2:5: missing 'expires'"),
    (WAIVER.replace("    reason: sandbox\n", ""), "2:5: missing 'reason'"),
    (WAIVER.replace("    owner: cloud team\n", ""), "2:5: missing 'owner'"),
    (WAIVER.replace("cloud team", '""'), "5:12: there must be words here"),
    (WAIVER.replace("cloud team", "42"), "5:12: 42 is not of type 'string': put it in quotes"),
    (WAIVER.replace("vpc-flow-logs", "vpc-flow-log"), "2:13: unknown policy vpc-flow-log; did you mean vpc-flow-logs?"),
    (WAIVER + "    knid: accepted\n", "7:5: unknown key 'knid'; did you mean kind?"),
    (WAIVER.replace('    account: "111122223333"\n', ""), "2:5: name an account, a region or a resource"),
    (WAIVER.replace("2026-06-30", "30.06.2026"), f"6:14: '30.06.2026' {DAY}"),
    (WAIVER.replace("2026-06-30", "2026-02-30"), f"6:14: '2026-02-30' {DAY}"),
    (WAIVER.replace("2026-06-30", "2026-W01-1"), f"6:14: '2026-W01-1' {DAY}"),
    (WAIVER.replace("2026-06-30", '"2026-06-30\\n"'), f"6:14: '2026-06-30\\n' {DAY}"),
    (WAIVER.replace("2026-06-30", "20260630"), f"6:14: 20260630 {DAY}"),
    (WAIVER.replace("2026-06-30", "never"), f"6:14: 'never' {DAY}"),
    (WAIVER.replace("2026-06-30", ""), f"6:13: None {DAY}"),
    (WAIVER.replace('"111122223333"', "12345670123"), f"3:14: 12345670123 {ACCOUNT}"),
    (WAIVER.replace('"111122223333"', "123456789012.0"), f"3:14: 123456789012.0 {ACCOUNT}"),
    (WAIVER.replace('"111122223333"', "1234-5678-9012"), f"3:14: '1234-5678-9012' {ACCOUNT}"),
    (WAIVER.replace('"111122223333"', '"*"'), f"3:14: '*' {ACCOUNT}"),
    (WAIVER + "    resource: 111122223333\n", "7:15: 111122223333 is not of type 'string', 'array': put it in quotes"),
    (WAIVER + "    resource: ''\n", "7:15: there must be words here"),
    (WAIVER + "    kind: acepted\n", "7:11: 'acepted' is none of accepted, mitigated; did you mean accepted?"),
    (WAIVER + "    evidence: sha256:123\n", "7:15: 'sha256:123' is neither a mapping of paths to values nor sha256:"),
    (WAIVER + "    evidence: [a]\n", "7:15: ['a'] is neither"),
    (WAIVER.replace("vpc-flow-logs", "[vpc-flow-logs]"), "2:13: ['vpc-flow-logs'] is not of type 'string'"),
    ("waivers: {}", "1:10: {} is not of type 'array'"),
    ("waivers: [a]", "1:11: 'a' is not of type 'object'"),
]


@pytest.mark.parametrize(("text", "expected"), WRONG, ids=[expected for _, expected in WRONG])
def test_a_fault_says_where_and_what_instead(config, text, expected):
    (fault,) = faults(config(text))
    assert fault.startswith(f"stillframe.yaml:{expected}")


def test_all_faults_of_all_files_are_shown_at_once(config, tmp_path):
    (tmp_path / "policies" / "broken.yaml").write_text("id: x\ntitel: y\n")
    text = "policies: [policies, absent]\nsettings: {vpc-flow-logs: {severty: low}}\n" + WAIVER
    found = faults(config(text.replace("2026-06-30", "soon").replace("vpc-flow-logs", "unknown-or-broken")))
    assert [fault.partition(": ")[0] for fault in found] == [
        "policies/broken.yaml:1:1",
        "policies/broken.yaml:2:1",
        "stillframe.yaml:1:22",
        "stillframe.yaml:2:32",
        "stillframe.yaml:8:14",
    ]


def test_ids_and_keys_are_complained_of_together(config):
    text = "settings: {vpc-flow-log: {severty: low}}\n" + WAIVER.replace("vpc-flow-logs", "vpc-flow-log")
    assert len(faults(config(text))) == 3


def test_a_parameter_that_is_text_wants_quotes_around_a_number(config, tmp_path):
    (tmp_path / "policies" / "own.yaml").write_text(WITH_PARAMS)
    text = "policies: [policies]\nsettings: {own: {params: {account: 383107644153}}}"
    assert faults(config(text)) == [
        "stillframe.yaml:2:36: parameter account: 383107644153 is not of type 'string': put it in quotes"
    ]


SETTINGS = [
    ("{'kms-*': {severity: low}}", {"kms-key-rotation": "low", "vpc-flow-logs": "medium"}),
    ("{'*': {severity: low}}", dict.fromkeys(NINE, "low")),
    ("{kms-key-rotation: {severity: high}, 'kms-*': {severity: low}}", {"kms-key-rotation": "high"}),
    ("{'*': {severity: low}, 'kms-*': {severity: high}}", {"kms-key-rotation": "high", "vpc-flow-logs": "low"}),
    ("{kms-key-rotation: [{severity: high}, {effort: large}, {severity: low}]}", {"kms-key-rotation": "low"}),
    ("{'kms-*': {enabled: false, reason: r}, kms-key-rotation: {severity: low}}", {"kms-key-rotation": None}),
    ("{'*': {enabled: false, reason: r}, kms-key-rotation: {enabled: true}}", {"kms-key-rotation": "medium"}),
]


@pytest.mark.parametrize(("text", "expected"), SETTINGS, ids=[text for text, _ in SETTINGS])
def test_settings_are_of_patterns_and_what_is_more_exact_has_more_weight(config, text, expected):
    rules = load_rules(config(f"settings: {text}"))
    found = {policy.id: policy.severity.value for policy in rules.policies}
    assert {name: found.get(name) for name in expected} == expected


def test_a_pattern_sets_the_parameters_of_those_that_have_them(config, tmp_path):
    (tmp_path / "policies" / "own.yaml").write_text(WITH_PARAMS)
    rules = by_id(load_rules(config("policies: [policies]\nsettings: {'*': {params: {traffic_type: ALL}}}")))
    assert rules["vpc-flow-logs"].params == {"traffic_type": "ALL"}
    assert rules["own"].params == {"account": ""}
    (fault,) = faults(config("settings: {'*': {params: {trafic_type: ALL}}}"))
    assert fault.startswith("stillframe.yaml:1:27:")
    assert "has no parameter trafic_type" in fault


X = "{type: string, default: X, description: d}"
EXTENDS = "id: own\ntitle: t\nextends: vpc-flow-logs\n"
REACH = [
    ("", "severity: low, params: {traffic_type: ALL}", ("low", "ALL")),
    ("severity: high\n", "severity: low, params: {traffic_type: ALL}", ("high", "ALL")),
    ('"severity": high\n', "severity: low, params: {traffic_type: ALL}", ("high", "ALL")),
    ("severity : high\n", "severity: low, params: {traffic_type: ALL}", ("high", "ALL")),
    (
        "params: {traffic_type: {type: string, default: X, description: d}}\n",
        "params: {traffic_type: ALL}",
        ("medium", "X"),
    ),
    ("", "enabled: false, reason: the other is asked", ("medium", "REJECT")),
]


@pytest.mark.parametrize(("own", "setting", "expected"), REACH, ids=[f"{a}{b}" for a, b, _ in REACH])
def test_settings_reach_policies_that_extend_but_for_what_these_say(config, tmp_path, own, setting, expected):
    (tmp_path / "policies" / "own.yaml").write_text(EXTENDS + own)
    found = by_id(load_rules(config(f"policies: [policies]\nsettings: {{vpc-flow-logs: {{{setting}}}}}")))["own"]
    assert (found.severity.value, found.params["traffic_type"]) == expected


@pytest.mark.parametrize(
    ("middle", "setting", "expected"),
    [
        ("", "vpc-flow-logs: {severity: low}", "low"),
        ("severity: high\n", "vpc-flow-logs: {severity: low}", "high"),
        ("severity: high\n", "middle: {severity: low}", "low"),
        ("", "middle: {severity: critical}, vpc-flow-logs: {severity: low}", "critical"),
        ("", "vpc-flow-logs: {severity: low}, middle: {severity: critical}", "critical"),
    ],
)
def test_settings_reach_over_several_levels_and_the_nearest_has_most_weight(
    config, tmp_path, middle, setting, expected
):
    (tmp_path / "policies" / "middle.yaml").write_text(EXTENDS.replace("id: own", "id: middle") + middle)
    (tmp_path / "policies" / "own.yaml").write_text(EXTENDS.replace("vpc-flow-logs", "middle"))
    rules = load_rules(config(f"policies: [policies]\nsettings: {{{setting}}}"))
    assert by_id(rules)["own"].severity.value == expected


def test_policies_that_one_setting_disables_share_a_note(config):
    rules = load_rules(
        config("settings: {'cloudtrail-*': {enabled: false, reason: r}, kms-key-rotation: {enabled: false, reason: k}}")
    )
    assert [note.rpartition("/")[2].partition(": ")[2] for note in notes(rules)] == [
        ", ".join(sorted(name for name in NINE if name.startswith("cloudtrail"))[:4]) + " and 2 more are disabled: r",
        "kms-key-rotation is disabled: k",
    ]


def test_settings_may_share_parts(config):
    text = "settings:\n  kms-key-rotation: &low {severity: low}\n  vpc-flow-logs: {<<: *low}\n"
    assert by_id(load_rules(config(text)))["vpc-flow-logs"].severity is Severity.LOW
    whole = "settings:\n  <<: {vpc-flow-logs: {enabled: false, reason: r}}\n"
    assert "vpc-flow-logs" not in ids(load_rules(config(whole)))


def test_a_fault_of_a_policy_alone_points_to_the_manual_of_policies(config, tmp_path):
    (tmp_path / "policies" / "own.yaml").write_text("id: x\n")
    path = config("policies: [policies]")
    with pytest.raises(PolicyError) as error:
        load_rules(path)
    assert "writing-policies" in error.value.help
    with pytest.raises(ConfigError) as error:
        load_rules(config("x: 1"))
    assert "customising" in error.value.help


def test_a_file_that_is_named_must_be_there(tmp_path):
    assert faults(tmp_path / "absent.yaml") == ["absent.yaml: cannot be read: No such file or directory"]
    assert faults(tmp_path) == [f"{tmp_path.name}: cannot be read: Is a directory"]


def test_an_id_that_ships_cannot_be_used_again(config, tmp_path):
    (tmp_path / "policies" / "own.yaml").write_text(OWN.replace("own", "vpc-flow-logs"))
    (fault,) = faults(config("policies: [policies]"))
    assert "id 'vpc-flow-logs' is already in" in fault


def test_every_part_of_the_schema_is_described():
    jsonschema.Draft202012Validator.check_schema(config_schema())
    for part in (config_schema(), *config_schema()["$defs"].values()):
        for name, entry in part.get("properties", {}).items():
            assert "description" in entry, name
    assert json.loads(json.dumps(config_schema())) == config_schema()


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("eu-westt-1", "no region is called eu-westt-1; did you mean eu-west-1?"),
        ("eu-wset-*", "no region is called eu-wset-*"),
        ("EU-west-1", "no region is called EU-west-1; did you mean eu-west-1?"),
        ("Global", "did you mean global?"),
        ("us-east-1a", "did you mean us-east-1?"),
    ],
)
def test_a_region_that_none_is_called_is_an_error(config, region, said):
    with pytest.raises(ConfigError) as caught:
        load_rules(config(f"{WAIVER}    region: {region}\n"))
    assert said in str(caught.value)


SCOPED = """\
waivers:
  - policy: {policy}
    {scope}
    reason: sandbox
    owner: cloud team
    expires: 2026-06-30
"""


@pytest.mark.parametrize(
    ("policy", "scope", "said"),
    [
        ("'vpc-*'", "account: ['111122223333', 444455556666]", ""),
        ("'kms-*'", "unit: [Root/Sandbox, ou-1]", ""),  # of a policy that ships, in force or not
        ("'*'", "account_tag: env=dev", ""),
        ("vpc-flow-logs", "tag: [env=dev, temporary]", ""),
        ("'vcp-*'", "resource: '*'", "2:13: no policy is called vcp-*"),
        (
            "vpc-flow-logs",
            "account: ['111122223333', '4444']",
            "3:31: '4444' is not an account id: 12 digits, in quotes",
        ),
        ("vpc-flow-logs", "account: []", "3:14: [] is not an account id"),
        (
            "vpc-flow-logs",
            "region: [eu-*, eu-westt-1]",
            "3:20: no region is called eu-westt-1; did you mean eu-west-1?",
        ),
        ("vpc-flow-logs", "tag: {env: dev}", "3:10: a tag is written NAME=VALUE, or NAME: env=dev"),
        (
            "vpc-flow-logs",
            "account_tag: {env: dev, team: }",
            "3:18: a tag is written NAME=VALUE, or NAME: env=dev, team",
        ),
        ("vpc-flow-logs", "account-tag: env=dev", "3:5: unknown key 'account-tag'; did you mean account_tag?"),
    ],
)
def test_a_waiver_may_name_more_than_an_id(config, policy, scope, said):
    path = config(SCOPED.format(policy=policy, scope=scope))
    if said:
        assert f"stillframe.yaml:{said}" in " ".join(faults(path))
    else:
        (waiver,) = load_rules(path).waivers
        assert waiver.means("vpc-flow-logs") is (policy != "'kms-*'")


@pytest.mark.parametrize("scope", ["account: '111122223333'", "unit: Prod", "account_tag: env=dev"])
def test_a_waiver_of_some_accounts_is_not_of_a_policy_that_speaks_of_all(config, tmp_path, scope):
    wide = OWN.replace("id: own", "id: own-wide") + "rollup: {per: organisation, require: all}\n"
    (tmp_path / "wide.yaml").write_text(wide)
    path = config("policies: [wide.yaml]\n" + SCOPED.format(policy="own-wide", scope=scope))
    said = "own-wide speaks of all accounts: its findings are of none; say which by `resource`"
    assert said in " ".join(faults(path))


@pytest.mark.parametrize(
    "region", ["eu-*", "global", "*", "us-gov-west-1", "eu-west-?", "eusc-de-east-1", "mx-central-1"]
)
def test_a_region_that_one_may_be_called_is_none(config, region):
    (waiver,) = load_rules(config(f"{WAIVER}    region: '{region}'\n")).waivers
    assert waiver.scope.region == (region,)


def test_a_waiver_covers_the_regions_of_its_pattern(config):
    (waiver,) = load_rules(config(f"{WAIVER}    region: 'eu-*'\n")).waivers
    assert [waiver.meets((waiver.policy, "111122223333", each)) for each in ("eu-west-1", "us-east-1")] == [
        True,
        False,
    ]
