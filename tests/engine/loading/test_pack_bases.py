"""Packs that build on others: what they take, in which order, and every fault with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from stillframe.engine.errors import PackError
from stillframe.engine.loading.pack_files import find_packs, load_packs
from stillframe.engine.loading.ruleset import load_rules
from stillframe.snapshot.format import digest

BASE = """\
framework: base
version: "1"
title: Base
sections:
  - title: Logs
    number: "1"
    controls:
      - {number: "1.1", title: a, policies: [vpc-flow-logs]}
      - {number: "1.2", title: b, manual: look}
  - title: Keys
    controls:
      - {number: "2.1", title: c, policies: [kms-key-rotation]}
"""
OURS = """\
framework: ours
title: Ours
extends: base-1
sections:
  - title: Logs
    number: "1"
    controls:
      - {number: "1.2", title: B, policies: [cloudtrail-multi-region]}
      - {number: "1.3", title: d, manual: look}
  - title: More
    controls:
      - {number: "2.1", title: C, unanswered: not yet}
      - {number: "3.1", title: e, manual: look}
"""
TOP = "framework: top\ntitle: Top\nextends: ours\n"


@pytest.fixture
def place(tmp_path):
    def write(**texts: str) -> Path:
        for name, text in texts.items():
            (tmp_path / f"{name.replace('_', '-')}.yaml").write_text(text)
        return tmp_path

    return write


def controls(pack) -> list[tuple[str, list[str]]]:
    return [(section.title, [f"{each.number}{each.title}" for each in section.controls]) for section in pack.sections]


def test_a_pack_takes_the_place_of_some_controls_and_adds_others(place):
    folder = place(base_1=BASE, ours=OURS, top=TOP)
    (ours,), (top,) = (load_packs([str(folder / name)]) for name in ("ours.yaml", "top.yaml"))
    expected = [("Logs", ["1.1a", "1.2B", "1.3d"]), ("Keys", ["2.1C"]), ("More", ["3.1e"])]
    assert controls(ours) == controls(top) == expected
    assert top.bases == {"ours": digest(OURS.encode()), "base-1": digest(BASE.encode())}
    assert {policy.id for policy in load_rules(packs=[str(folder / "top.yaml")]).policies} == {
        "vpc-flow-logs",
        "cloudtrail-multi-region",
    }


def test_a_pack_builds_on_one_that_ships_or_is_named(place, tmp_path):
    (pack,) = load_packs([str(place(cis="framework: cis\ntitle: t\nextends: cis-aws-5.0.0\n") / "cis.yaml")])
    (shipped,) = load_packs(["cis-aws-5.0.0"])
    assert controls(pack) == controls(shipped)
    (tmp_path / "else").mkdir()
    elsewhere = tmp_path / "else" / "base-1.yaml"
    elsewhere.write_text(BASE)
    (ours, _) = load_packs([str(place(ours=OURS) / "ours.yaml"), str(elsewhere)])
    assert len(list(ours.controls())) == 5


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"ours": OURS}, "ours.yaml:1:1: extends: no pack base-1 beside it, that is named, or that ships"),
        ({"ours": OURS.replace("base-1", "cis-aws-5.0")}, "did you mean cis-aws-5.0.0?"),
        ({"ours": OURS.replace("base-1", "ours")}, "ours.yaml:1:1: ours extends ours: that has no end"),
        ({"ours": OURS, "base_1": BASE + "extends: ours\n"}, "base-1.yaml:1:1: ours extends base-1 extends ours: that"),
        ({"ours": OURS, "base_1": BASE.replace("title: b", "titel: b")}, "base-1.yaml:9:"),
        ({"ours": OURS.replace("base-1", "../base-1")}, "ours.yaml:3:10: '../base-1' does not match"),
        ({"ours": "framework: ours\ntitle: t\n"}, "ours.yaml:1:1: a pack has `sections`, or `extends` another"),
        (
            {"ours": OURS, "base_1": BASE.replace("[vpc-flow-logs]", "[vpc-flow-log]")},
            "base-1.yaml:8:1: control 1.1: unknown policy vpc-flow-log; did you mean vpc-flow-logs?",
        ),
    ],
)
def test_a_fault_of_a_pack_or_of_its_base_has_its_place(place, texts, said):
    with pytest.raises(PackError) as caught:
        load_rules(packs=[str(place(**texts) / "ours.yaml")])
    assert said in str(caught.value)


def test_of_two_packs_with_one_name_neither_is_built_on_in_silence(place, tmp_path):
    (tmp_path / "else").mkdir()
    elsewhere = tmp_path / "else" / "base-1.yaml"
    folder = place(ours=OURS, base_1=BASE)
    for text, fault in ((BASE, False), (BASE.replace("manual: look", "manual: see"), True)):
        elsewhere.write_text(text)
        problems = []
        find_packs([str(folder / "ours.yaml"), str(elsewhere)], problems)
        said = f"extends: {folder}/base-1.yaml and {elsewhere} are both base-1, and differ"
        assert [each.message.startswith(said) for each in problems] == [True] * fault


def test_a_link_beside_a_pack_that_leads_out_is_not_read(place, tmp_path):
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "base-1.yaml").write_text(BASE)
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "ours.yaml").write_text(OURS)
    (inside / "base-1.yaml").symlink_to(tmp_path / "else" / "base-1.yaml")
    with pytest.raises(PackError, match="it leads out of"):
        load_packs([str(inside / "ours.yaml")])
