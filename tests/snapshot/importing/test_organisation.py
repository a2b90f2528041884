"""A made-up organisation over days: every day comes out as a live collection would have found it, or not known."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest
from builders import shipped
from config_items import Encoder, deliver, items
from config_organisation import BEGUN, REGIONS, days, state
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.loading.pack_files import load_packs
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.importing.aws_config import import_aws_config, import_days

SIZE = {"accounts": 2, "regions": 2, "resources": 32}
POLICIES = shipped(*{ask.policy for pack in load_packs(["logging", "cis-aws-5.0.0"]) for ask in pack.asks()})
DECIDED = ("pass", "fail")


def statuses(snapshot):
    return {each.identity: each.status.value for each in evaluate(snapshot, POLICIES)}


def test_every_day_comes_out_as_it_was_and_the_day_of_a_change_is_found(tmp_path):
    assert list(days(tmp_path / "bucket", 12, **SIZE)) == list(range(12))
    moments = [BEGUN + timedelta(days=day, hours=1) for day in range(12)]
    done = [*import_days([tmp_path / "bucket"], tmp_path / "into", moments, regions=REGIONS[:2])]
    changed, seen, before = Counter(), Counter(), {}
    for day, each in enumerate(done):
        assert each.problems == ()
        live, imported = statuses(state(day, **SIZE)), statuses(open_snapshot(each.path))
        assert each.resources == 2 * (SIZE["resources"] + SIZE["regions"])  # which have a recorder each
        for identity, status in imported.items():
            seen[status] += 1
            if status in DECIDED:
                assert status == live.get(identity), (day, identity)
                changed[day] += before.get(identity, status) != status
        before = imported
    assert {day for day, number in changed.items() if number} == {10}
    assert min(seen["pass"], seen["fail"]) > 500


@pytest.mark.parametrize("how", [{"api": True}, {"query": True}], ids=["history", "query"])
def test_answers_of_the_api_come_out_as_it_was_too(tmp_path, how):
    found = items(state(0, **SIZE), Encoder(**how), BEGUN)
    rows = [json.dumps(each) if "query" in how else each for own in found.values() for each in own]
    name = "Results" if "query" in how else "configurationItems"
    (tmp_path / "answer.json").write_text(json.dumps({name: rows}))
    done = import_aws_config([tmp_path / "answer.json"], tmp_path / "into", regions=REGIONS[:2])
    assert done.problems == ()
    live, imported = statuses(state(0, **SIZE)), statuses(open_snapshot(done.path))
    decided = {identity: status for identity, status in imported.items() if status in DECIDED}
    assert decided.items() <= live.items()
    assert len(decided) > 50


@pytest.mark.parametrize("harm", ["deleted", "cut"])
def test_whatever_file_of_an_import_is_lost_nothing_passes_for_it(tmp_path, harm):
    """Of one file for each region. Where there are older ones, a region is as old as the last of them, and says so."""
    paths = deliver(tmp_path / "whole", items(state(3, **SIZE), Encoder(), BEGUN), BEGUN)

    def judged(folder, given):
        return statuses(open_snapshot(import_aws_config(given, folder, regions=REGIONS[:2]).path))

    whole, changed = judged(tmp_path / "into", paths), 0
    assert len(paths) == 4
    for number, lost in enumerate(paths):
        cut = tmp_path / f"cut-{number}" / lost.name
        cut.parent.mkdir()
        cut.write_bytes(lost.read_bytes()[: lost.stat().st_size // 2])
        left = [path for path in paths if path != lost] + ([cut] if harm == "cut" else [])
        found = judged(tmp_path / f"{number}", left)
        assert [each for each, status in found.items() if status == "pass" != whole.get(each)] == []
        changed += found != whole
    assert changed == 4
