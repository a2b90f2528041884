"""Pack files: what they may hold, every wrong input with its place, and policies as packs ask for them."""

from __future__ import annotations

import pytest
from builders import shipped
from stillframe.engine.errors import PackError
from stillframe.engine.loading.pack_files import load_packs
from stillframe.engine.loading.pack_policies import resolve
from stillframe.engine.loading.ruleset import load_rules
from stillframe.engine.packs.diff import compare
from stillframe.engine.packs.report import spoken

HEAD = 'framework: one\nversion: "1"\ntitle: One\nsections:\n  - title: All\n    controls:\n'
FLOW = shipped("vpc-flow-logs")[0]


@pytest.fixture
def write(tmp_path):
    """Write a pack with these lines of controls; gives its path."""

    def write(*controls: str, head: str = HEAD, name: str = "one-1.yaml") -> str:
        (tmp_path / name).write_text(head + "".join(f"      - {{{control}}}\n" for control in controls))
        return str(tmp_path / name)

    return write


def faults(path, **options):
    with pytest.raises(PackError) as error:
        load_rules(packs=[path])
    assert "docs/packs.md" in error.value.help
    return [str(problem).rpartition("/")[2] for problem in error.value.problems]


WRONG = [
    ("number: 1.1, title: a, manual: m", "one-1.yaml:7:18: 1.1 is not of type 'string': put it in quotes"),
    ('number: "1", title: a', "one-1.yaml:7:9: say what answers it: `policies`, `manual` or `unanswered`"),
    (
        'number: "1", title: a, manual: m, unanswered: u',
        "one-1.yaml:7:9: what is unanswered has neither policies nor anything manual",
    ),
    ('number: "1", title: a, manul: m', "one-1.yaml:7:33: unknown key 'manul'; did you mean manual?"),
    ('number: "1", title: a, manual: m, level: 3', "one-1.yaml:7:51: 3 is greater than the maximum of 2"),
    ('number: "1", title: a, policies: [vpc-flow-log]', "unknown policy vpc-flow-log; did you mean vpc-flow-logs?"),
    (
        'number: "1", title: a, policies: [{vpc-flow-logs: {trafic_type: ALL}}]',
        "vpc-flow-logs has no parameter trafic_type; did you mean traffic_type?",
    ),
    (
        'number: "1", title: a, policies: [{vpc-flow-logs: {traffic_type: SOME}}]',
        "parameter traffic_type: 'SOME' is not one of ['ALL', 'ACCEPT', 'REJECT']",
    ),
]


@pytest.mark.parametrize(("control", "expected"), WRONG, ids=[expected for _, expected in WRONG])
def test_a_fault_says_where_and_what_instead(write, control, expected):
    found = faults(write(control))
    assert any(expected in fault for fault in found), found


def test_a_control_is_there_once_and_a_pack_is_called_as_its_file(write):
    assert (
        "this control is there twice"
        in faults(write('number: "1", title: a, manual: m', 'number: "1", title: b, manual: m'))[0]
    )
    assert "its file is called one-1.yaml" in faults(write('number: "1", title: a, manual: m', name="two.yaml"))[0]
    assert "a pack is a mapping" in faults(write(head="- a\n"))[0]
    assert "cannot be read" in faults("absent.yaml")[0]


def test_one_name_is_one_pack(write, tmp_path):
    path = write('number: "1", title: a, manual: m')
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "one-1.yaml").write_text((tmp_path / "one-1.yaml").read_text())
    with pytest.raises(PackError, match="the pack one-1 is already in"):
        load_packs([path, str(tmp_path / "more" / "one-1.yaml")])


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("vpc-flow-logs", {"vpc-flow-logs"}),
        ("vpc-flow-logs: {traffic_type: REJECT}", {"vpc-flow-logs"}),  # as it is written
        ("vpc-flow-logs: {traffic_type: ALL}", {"vpc-flow-logs@one-1"}),
    ],
)
def test_a_policy_that_is_asked_otherwise_has_an_id_of_its_own(write, asked, ids):
    (pack,) = load_packs(
        [
            write(
                f'number: "1", title: a, policies: [{{{asked}}}]'
                if ":" in asked
                else f'number: "1", title: a, policies: [{asked}]'
            )
        ]
    )
    resolved, found = resolve(pack, {FLOW.id: FLOW}, [])
    assert found.keys() == ids == {ask.policy for ask in resolved.asks()}


def test_a_pack_asks_a_policy_in_two_ways_at_most(write):
    controls = [
        f'number: "{number}", title: t{number}, policies: [{{vpc-flow-logs: {{traffic_type: {value}}}}}]'
        for number, value in enumerate(["ALL", "REJECT", "ACCEPT"])
    ]
    assert faults(write(*controls)) == ["one-1.yaml:9:1: control 2: vpc-flow-logs is asked with other parameters above"]


def test_findings_of_two_packs_never_meet(write):
    path = write('number: "1", title: a, policies: [{vpc-flow-logs: {traffic_type: ALL}}]')
    alone = load_rules(packs=[path])
    both = load_rules(packs=[path, "logging"])
    assert {policy.id for policy in alone.policies} == {"vpc-flow-logs@one-1"}
    assert {policy.id for policy in both.policies} > {"vpc-flow-logs", "vpc-flow-logs@one-1"}
    params = {policy.id: policy.params for policy in both.policies}
    assert params["vpc-flow-logs"] != params["vpc-flow-logs@one-1"]
    assert load_rules(packs=[path], settings=["vpc-flow-logs.traffic_type=ACCEPT"]).policies[0].params == {
        "traffic_type": "ACCEPT"
    }


def test_reports_speak_of_the_packs_that_were_named(write):
    path = write('number: "7", title: a, policies: [vpc-flow-logs]', 'number: "8", title: b, policies: [vpc-flow-logs]')
    rules = load_rules(packs=[path])
    (policy,) = spoken(rules)
    assert policy.frameworks == {"one-1": ("7", "8")}
    assert spoken(load_rules())[0].frameworks["cis-aws-5.0.0"]


def test_only_the_files_of_a_pack_are_read(write, monkeypatch):
    from stillframe.engine.loading import policies

    read = []
    original = policies.read_policy
    monkeypatch.setattr(policies, "read_policy", lambda source, *rest: read.append(source) or original(source, *rest))
    load_rules()
    assert len(read) == 9
    read.clear()
    load_rules(packs=[write('number: "1", title: a, policies: [vpc-flow-logs]')])
    assert read == ["policies/ec2/vpc-flow-logs.yaml"]


def test_a_comparison_names_every_difference(write):
    old = write(
        'number: "1", title: a, level: 1, policies: [vpc-flow-logs]',
        'number: "2", title: b, manual: m',
        'number: "3", title: same, manual: m',
        'number: "4", title: gone, manual: m',
    )
    head = HEAD.replace('"1"', '"2"')
    new = write(
        'number: "1", title: new, manual: m',
        'number: "2", title: a, level: 2, assessment: manual, policies: [{vpc-flow-logs: {traffic_type: ALL}}]',
        'number: "5", title: b, unanswered: u',
        'number: "3", title: same, manual: m',
        head=head,
        name="one-2.yaml",
    )
    found = [(changed.title, list(changed.what)) for changed in compare(*load_packs([old, new]))]
    assert found == [
        ("new", ["added"]),
        (
            "a",
            [
                "renumbered",
                "level 1 → 2",
                "assessment automated → manual",
                "vpc-flow-logs → vpc-flow-logs traffic_type=ALL",
            ],
        ),
        ("b", ["renumbered", "manual → unanswered"]),
        ("gone", ["removed"]),
    ]


def test_a_pack_that_is_no_yaml_is_a_fault_of_its_file(tmp_path):
    (tmp_path / "one-1.yaml").write_text("framework: [")
    (fault,) = faults(str(tmp_path / "one-1.yaml"))
    assert fault.startswith("one-1.yaml:2:1: not YAML")
