"""What people see of packs on a terminal."""

from __future__ import annotations

import io
import re

import pytest
from msgspec.structs import replace
from rich.console import Console
from stillframe.engine.findings.counts import Row
from stillframe.engine.model.attestation import Attestation, Said
from stillframe.engine.model.finding import Status
from stillframe.engine.model.pack import Ask, Control, Pack, Section
from stillframe.engine.model.policy import Severity
from stillframe.engine.packs.attestations import Attestations
from stillframe.engine.packs.report import report
from stillframe.engine.terminal.packs import print_pack, print_packs, print_reports

DIM, RED, GREEN, YELLOW, MAGENTA, CYAN = (f"\x1b[{code}m" for code in (2, 31, 32, 33, 35, 36))


def control(name: str, **more) -> Control:
    return Control(number=name, title=name, asks=() if more else (Ask(policy=name, params={}),), **more)


CONTROLS = (
    *map(control, ("fails", "waived", "passes", "elsewhere", "gone", "dark")),
    control("looked", manual="look"),
    control("said", manual="look"),
    control("open", unanswered="no type"),
)
PACK = Pack(
    name="p-1",
    framework="p",
    version="1",
    title="P",
    key="p-1",
    sections=(Section(number="1", title="All", controls=CONTROLS),),
    source="p-1.yaml",
    text="",
)
ROWS = [
    Row(policy=policy, title="t", severity=Severity.LOW, counts={status: 1}, waived=policy == "waived", worth=1)
    for policy, status in {
        "fails": Status.FAIL,
        "waived": Status.FAIL,
        "passes": Status.PASS,
        "elsewhere": Status.NOT_APPLICABLE,
        "dark": Status.UNKNOWN,
    }.items()
]
SAID = Attestation(
    pack="p-1",
    control="said",
    status=Said.PASS,
    who="Ada",
    when="2026-06-01",
    expires="2026-12-31",
    evidence="https://wiki/1",
    place="stillframe.yaml:3",
)


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=200)


@pytest.mark.parametrize(
    ("name", "shown"),
    {
        "fails": f"{RED}fail",
        "dark": f"{YELLOW}unknown",
        "waived": f"{DIM}waived",
        "open": f"{MAGENTA}unanswered",
        "gone": f"{MAGENTA}left out",
        "looked": f"{CYAN}manual",
        "said": f"{GREEN}attested",
        "passes": f"{GREEN}pass",
        "elsewhere": f"{DIM}not applicable",
    }.items(),
)
def test_a_status_has_a_colour_by_what_it_asks_for(console, name, shown):
    print_reports(console, [report(PACK, ROWS, {}, Attestations([SAID], "2026-06-15T12:00:00Z"))])
    (line,) = (line for line in console.file.getvalue().splitlines() if line.startswith(f"{name} "))
    assert re.search(rf" {re.escape(shown)} *\x1b\[0m", line)


def test_each_number_of_a_pack_stands_below_what_it_counts(console):
    print_packs(console, [PACK])
    heads, line = re.sub(r"\x1b\[\d+m", "", console.file.getvalue()).splitlines()
    ends = {name: heads.index(name) + len(name) for name in ("Controls", "By policies", "By people", "Unanswered")}
    assert {name: line[:end].split()[-1] for name, end in ends.items()} == {
        "Controls": "9",
        "By policies": "6",
        "By people": "2",
        "Unanswered": "1",
    }


def test_a_control_shows_its_level_or_how_severe_it_is(console):
    leveled, severe = control("leveled", manual="look", level=2), control("severe", manual="x", severity=Severity.HIGH)
    print_pack(console, replace(PACK, sections=(Section(number="1", title="All", controls=(leveled, severe)),)))
    lines = [re.sub(r"\x1b\[\d+m", "", line).split() for line in console.file.getvalue().splitlines()]
    assert [line[:2] for line in lines[-2:]] == [["leveled", "2"], ["severe", "high"]]
