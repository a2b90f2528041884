"""What the demo shows without its stand-in."""

from __future__ import annotations

from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.collector.demo import ATTACHED, TYPES, types
from stillframe.snapshot.verify import verify_archive


def test_what_aws_config_recorded_names_the_days_of_failures(tmp_path, run):
    for _ in range(2):  # what is there already stays
        done = run("demo", "--import", "--into", tmp_path)
        assert done.code == 0, done.err
        assert "key/cards first failed on 2025-12-04, and last on 2025-12-09" in done.out
        assert "vpc-2 first failed on 2025-12-07, and still does" in done.out
    assert [*verify_archive(tmp_path / "past")] == []
    assert len([*(tmp_path / "past").glob("2*")]) == 14


def test_what_the_demo_leaves_out_is_marked_as_not_asked():
    found = types()
    for kind, spec in found.items():
        assert spec.attach.keys() == load_catalog()[kind].attach.keys()
        asked = {name for name, call in spec.attach.items() if call.asked}
        assert asked == ({*ATTACHED[kind]} if kind in ATTACHED else {*spec.attach}), kind
    assert {*found} == {*TYPES, *ATTACHED}
