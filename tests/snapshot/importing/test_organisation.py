"""A made-up organisation over days: every day comes out as a live collection would have found it, or not known."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest
from builders import shipped
from config_items import Encoder, deliver, items
from config_organisation import BEGUN, REGIONS, days, quarter_of, resources_of, state
from config_organisation import statuses as found_in
from stillframe.engine.loading.pack_files import load_packs
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.importing.aws_config import import_aws_config, import_days

SIZE = {"accounts": 2, "regions": 2, "resources": 32}
POLICIES = shipped(*{ask.policy for pack in load_packs(["logging", "cis-aws-5.0.0"]) for ask in pack.asks()})
DECIDED = ("pass", "fail")


def statuses(snapshot):
    return found_in(snapshot, POLICIES)


# Of the tenth day, on which something changes every six hours, and of those around it: a quarter, and a moment in it.
MOMENTS = [(39, 17.9), *((40 + quarter, 6 * quarter + 0.5) for quarter in range(3)), (43, 17.9), (47, 17.9)]


@pytest.mark.parametrize("every", [1, 30])  # days between two whole files
def test_every_moment_comes_out_as_it_was_and_the_day_of_a_change_is_found(tmp_path, every):
    assert list(days(tmp_path / "bucket", 12, every=every, **SIZE)) == list(range(12))
    at = {BEGUN + timedelta(days=quarter // 4, hours=hours): quarter for quarter, hours in MOMENTS}
    done = [*import_days([tmp_path / "bucket"], tmp_path / "into", at, regions=REGIONS[:2])]
    changed, seen, before = Counter(), Counter(), {}
    for (moment, quarter), each in zip(at.items(), done, strict=True):
        assert (each.problems, quarter_of(moment)) == ((), quarter)
        now = state(quarter // 4, quarter=quarter % 4, **SIZE)
        live, imported = statuses(now), statuses(open_snapshot(each.path))
        # A recorder for each region, and all but the accounts themselves.
        assert each.resources == len(resources_of(now)) + SIZE["accounts"] * (SIZE["regions"] - 1)
        for identity, status in imported.items():
            seen[status] += 1
            if status in DECIDED:
                assert status == live.get(identity), (quarter, identity)
                changed[quarter] += before.get(identity, status) != status
        before = imported
    assert {quarter for quarter, number in changed.items() if number} == {40, 41, 42, 43}
    assert min(seen["pass"], seen["fail"]) > 300


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
