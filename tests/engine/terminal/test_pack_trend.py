"""What people see of a pack through time: each section's share, at dates that fit a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from stillframe.engine.history.trend import Point
from stillframe.engine.model.pack import Control, Pack, Section
from stillframe.engine.packs.report import Answer, Outcome, PackReport
from stillframe.engine.terminal.history import _spread, print_pack_trend

CONTROLS = tuple(Control(number=str(number), title=f"c{number}") for number in range(3))
SECTION = Section(number="1", title="Logs", controls=CONTROLS)
PACK = Pack(name="own", framework="own", version="", title="Ours", key="own", sections=(SECTION,), source="", text="")


def point(day: int, *outcomes: str) -> Point:
    answers = [Answer(control=control, status=Outcome(each)) for control, each in zip(CONTROLS, outcomes, strict=True)]
    report = PackReport(pack=PACK, sections=[(SECTION, answers)])
    return Point(snapshot=f"s{day}", captured_at=f"2026-01-{day:02}T00:00:00Z", rows=(), packs=[report])


def lines(*points: Point) -> list[list[str]]:
    console = Console(file=io.StringIO(), width=200)
    print_pack_trend(console, points)
    return [line.split() for line in console.file.getvalue().splitlines()]


def test_a_section_has_the_share_of_what_is_decided_and_says_what_is_not():
    title, head, whole, section = lines(
        point(1, "unknown", "manual", "unknown"), point(2, "pass", "fail", "pass"), point(3, "pass", "pass", "unknown")
    )
    assert " ".join(title) == "Ours: of the controls that are decided those that pass"
    assert head[-5:] == ["2026-01-01", "2026-01-02", "2026-01-03", "Decided", "Unknown"]
    told = ["·▆█", "–", "66", "%", "100", "%", "0", "→", "2", "2", "→", "1"]
    assert whole == ["All", "sections", *told]
    assert section == ["1", "Logs", *told]


def test_nothing_rounds_up_to_a_hundred():
    many = tuple(Control(number=str(number), title=f"c{number}") for number in range(300))
    answers = [Answer(control=each, status=Outcome.FAIL if each is many[0] else Outcome.PASS) for each in many]
    report = PackReport(pack=PACK, sections=[(SECTION, answers)])
    shown = lines(Point(snapshot="s", captured_at="2026-01-01T00:00:00Z", rows=(), packs=[report]))
    assert "99" in shown[-1]
    assert "100" not in shown[-1]


@pytest.mark.parametrize(
    ("number", "dates"),
    [(1, [0]), (2, [0, 1]), (5, [0, 1, 2, 3, 4]), (9, [0, 2, 4, 6, 8]), (365, [0, 91, 182, 273, 364])],
)
def test_dates_are_the_first_the_last_and_some_between(number, dates):
    assert _spread(number) == dates


def test_without_packs_there_is_nothing():
    assert lines(Point(snapshot="s", captured_at="2026-01-01T00:00:00Z", rows=())) == []
