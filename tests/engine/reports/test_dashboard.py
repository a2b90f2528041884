"""The HTML report as a dashboard: scores, where it fails, filters, and what is saved of them. These need Chromium."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import TIME, write_snapshot
from paged import chosen, described, in_a_browser, shown, tick
from reported import HOSTILE, A, B, key, records

pytestmark = in_a_browser
C = "777788889999"
UNITS = {A: ["Root", "Workloads", "Production"], B: ["Root", "Workloads"], C: None}
ROTATE = """\
id: rotate
title: Keys rotate
severity: high
resource: AWS::KMS::Key
assert: Rotation.KeyRotationEnabled
remediation: {text: Turn rotation on., cli: "aws kms enable-key-rotation --key-id {{ KeyId }}"}
"""
DESCRIBED = """\
id: described
title: Keys say what they are for
severity: low
resource: AWS::KMS::Key
lookup:
  buckets: {from: AWS::S3::Bucket, match: {Name: Description}}
assert: length(Description) > `1` || length($buckets) > `0`
"""
MONITORED = """\
id: monitored
title: Volumes are encrypted
severity: medium
resource: AWS::EC2::Volume
assert: Encrypted
"""
PACK = """\
framework: own
title: Ours
sections:
  - title: Keys
    number: "1"
    controls:
      - {number: "1.1", title: Keys are kept well, policies: [rotate, described]}
      - {number: "1.2", title: Somebody looks, manual: It is a thing of people.}
  - title: Volumes
    number: "2"
    controls:
      - {number: "2.1", title: Volumes are encrypted, policies: [monitored]}
"""


def estate(*, later: bool) -> dict[str, Any]:
    def tagged(account: str, name: str, rotation: Any, tags: Any, description: str = "fine") -> dict[str, Any]:
        return {**key(account, name, rotation, description), "$tags": tags}

    return {
        "AWS::Account": [
            {
                "$account": each,
                "AccountId": each,
                "OrganizationalUnits": units and [{"Id": n, "Name": n} for n in units],
            }
            for each, units in UNITS.items()
        ],
        "AWS::KMS::Key": [
            tagged(A, "one", later, {"env": "prod", "team": HOSTILE}),
            tagged(A, "two", True, {"env": "dev"}),
            tagged(B, "three", False, {"$missing": "AccessDenied: kms:ListResourceTags"}, description="x"),
            tagged(B, "bucket-user", False, {}, description="b"),
            tagged(C, "four", True, {"env": "prod"}),
        ],
        "AWS::S3::Bucket": [{"$account": B, "Name": "b"}],
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dashboard")
    for name, text in (("rotate", ROTATE), ("described", DESCRIBED), ("monitored", MONITORED), ("own", PACK)):
        (folder / f"{name}.yaml").write_text(text)
    write_snapshot(folder / "archive", estate(later=False), TIME)
    write_snapshot(folder / "archive", estate(later=True), TIME.replace(day=8))
    return folder


BY = ("-p", "rotate.yaml", "-p", "described.yaml", "-p", "monitored.yaml", "--pack", "own.yaml", "--no-cache")


@pytest.fixture
def wrote(made: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write a page by a command, once for each."""
    monkeypatch.chdir(made)

    def wrote(name: str, *arguments: str) -> Path:
        if not (made / name).exists():
            run(*arguments, *BY, "-o", name)
        return made / name

    return wrote


@pytest.fixture
def page(wrote: Callable[..., Path], opened: Callable[..., Any]) -> Any:
    return opened(wrote("page.html", "evaluate", "archive"), reduced_motion="reduce")


def test_what_is_unknown_comes_first_where_it_is_much(page):
    assert [each.get_attribute("id") for each in page.locator("section").all()][:3] == ["unknown", "fix", "pack-0"]
    assert page.locator("#unknown h2").inner_text() == "Why 1 of 3 controls and 3 findings are unknown"
    assert page.locator("#unknown li p").all_inner_texts() == [
        "1 control: type not collected – a collection for these policies asks for it",
        "AWS::EC2::Volume",
    ]
    assert page.locator("#unknown code").inner_text() == "stillframe collect --pack own.yaml"
    assert page.locator("#fix .what span").all_inner_texts()[:2] == ["high", "2 failures in 1 account"]


def test_a_score_is_of_what_is_decided_and_says_what_is_not(page):
    assert page.locator("#pack-0 .scored p").all_inner_texts() == [
        "0 %",
        "0 of 1 decided control pass",
        "Of 3 controls not in it: 1 unknown, 1 manual.",
    ]
    said = [each.inner_text().split("\n") for each in page.locator("#pack-0 summary").all()]
    assert [[line for line in each if line] for each in said] == [
        ["1 Keys", "0 %", "1 fail, 1 manual"],
        ["2 Volumes", "–", "1 unknown"],
    ]


def test_a_control_of_two_policies_leads_to_the_findings_of_both(page):
    page.locator("#pack-0 tbody").get_by_role("button", name="Keys are kept well").click()
    assert chosen(page) == ["Control: own 1.1"]
    assert shown(page) == 10  # five keys, by two policies
    assert "control=own+1.1" in page.url


def heat(page: Any) -> dict[str, list[str]]:
    rows = page.locator("#where tbody tr").all()
    return {
        row.locator("th button").inner_text(): [
            " ".join(cell.split()) for cell in row.locator("td.heat").all_inner_texts()
        ]
        for row in rows
    }


def test_accounts_units_and_regions_show_how_many_controls_of_each_section_fail_there(page):
    assert heat(page) == {B: ["1", "1?"], A: ["0", "1?"], C: ["0", "1?"]}
    page.get_by_role("button", name="Units").click()
    assert heat(page) == {
        "Root/Workloads": ["1", "1?"],
        "Root/Workloads/Production": ["0", "1?"],
        "Unit unknown": ["0", "1?"],
    }
    page.get_by_role("button", name="Regions").click()
    assert heat(page)["us-east-1"][0] == "1"
    page.get_by_role("button", name="Types").click()
    assert heat(page)["AWS::EC2::Volume"] == ["–", "1?"]
    page.get_by_role("button", name="Accounts").click()
    page.fill("#where-search", "production")
    assert list(heat(page)) == [A]
    page.fill("#where-search", B)
    page.locator("#where td.heat button").first.click()
    assert chosen(page) == ["Status: Failures", "Status: Unknown", "Control: own: 1 Keys", f"Account: {B}"]
    assert shown(page) == 3


def test_on_a_phone_each_number_stands_below_its_heading_and_nothing_is_wider_than_the_screen(made, wrote, opened, run):
    run("evaluate", "archive", "-p", "rotate.yaml", "-p", "described.yaml", "--no-cache", "-o", "plain.html")
    page = opened(made / "plain.html", viewport={"width": 360, "height": 800})
    assert page.locator("#where td.zero").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    head, row = (page.locator(f"#where {part} tr").first.locator("> :visible") for part in ("thead", "tbody"))
    places = [[each.bounding_box()["x"] for each in cells.all()] for cells in (head, row)]
    assert places[0] == places[1]


def test_without_a_pack_it_is_by_severity(wrote, opened, made, run):
    run("evaluate", "archive", "-p", "rotate.yaml", "-p", "described.yaml", "--no-cache", "-o", "plain.html")
    page = opened(made / "plain.html")
    assert heat(page)[B] == ["2", "1"]  # of high and low, which are all there are
    assert page.locator("[id^=pack-]").count() == 0


def test_passes_that_are_not_in_the_page_are_not_shown_as_passing(wrote, opened):
    page = opened(wrote("failing.html", "evaluate", "archive", "--status", "fail,unknown"))
    assert page.locator("#where .heat-0").count() == 0
    assert "Passes are not in this page." in page.locator("#where .legend").inner_text()


def test_a_resource_whose_tags_are_unknown_may_have_any(page):
    tick(page, "tag", "env=prod")
    assert shown(page) == 3 * 2 + 3  # of three keys, one of them with tags unread; and the volumes of three accounts
    tick(page, "type", "AWS::KMS::Key")
    tick(page, "policy", "rotate")
    assert shown(page) == 3
    tick(page, "tag", "env=prod", "env=dev")
    assert chosen(page) == ["Policy: rotate", "Type: AWS::KMS::Key", "Tag: env=dev"]
    assert shown(page) == 2
    page.get_by_role("button", name="Reset").click()
    page.locator("#filter-tag").click()
    page.locator("#choices-tag input[type=search]").fill("nobody=has this")
    page.keyboard.press("Enter")
    assert chosen(page) == ["Tag: nobody=has this"]
    assert shown(page) == 2 + 3


def test_a_unit_is_all_that_is_below_it_and_an_account_whose_unit_is_unknown_may_be_in_any(page):
    def accounts() -> set[str]:
        return {row.locator(".account").inner_text() for row in page.locator(".rows .row").all()}

    tick(page, "unit", "Root/Workloads/Production")
    assert accounts() == {A, C}
    tick(page, "unit", "Root/Workloads/Production", "Root/Workloads")
    assert accounts() == {A, B, C}
    page.goto(f"{page.url.partition('#')[0]}#unit=Root%2FWorkloads&account={A}&tag=env%3Dprod&type=AWS::KMS::Key")
    page.locator("#findings .chip").nth(3).wait_for()
    assert shown(page) == 2
    page.get_by_role("button", name="Units").click()
    page.locator("#where").get_by_role("button", name="Unit unknown", exact=True).click()
    assert chosen(page) == [f"Account: {C}"]


def test_a_finding_shows_tags_unit_and_what_it_is_related_to(page, made, run, monkeypatch):
    page.fill("#search", "key/one keys say")
    page.locator(".rows .row").click()
    page.wait_for_selector("dialog[open]")
    assert described(page)["Unit"] == "Root/Workloads/Production"
    shown_tags = page.locator("dialog button.badge").all_text_contents()
    assert shown_tags == ["env=prod", f"team={HOSTILE}".replace("\ud800", "\ufffd"), "own 1.1"]
    assert "$buckets AWS::S3::Bucket where Name = Description" in page.locator("dialog").inner_text()
    explain = page.locator("dialog code", has_text="policy explain").inner_text()
    monkeypatch.chdir(made)
    told = run(*explain.split()[1:], "-p", "described.yaml")
    assert (told.code, explain.split()[-1] in told.out) == (0, True)
    page.locator("dialog .beside button").click()
    page.wait_for_selector("#detail-title:text-is('Keys rotate')")
    page.locator("dialog button.badge", has_text="env=prod").click()
    assert chosen(page) == ["Tag: env=prod"]


def saved(page: Any) -> list[dict[str, str]]:
    with page.expect_download() as download:
        page.locator("#export").click()
    return rows_of(Path(download.value.path()))


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))


def test_what_is_saved_is_what_the_csv_has_and_the_page_knows(page, wrote):
    written = rows_of(wrote("page.csv", "evaluate", "archive"))
    rows = saved(page)
    order = lambda row: (row["account"], row["policy"], row["region"], row["resource"])  # noqa: E731
    same = [name for name in rows[0] if name in written[0]]
    assert {"policy", "status", "fingerprint", "message", "evidence", "remediation", "name"} <= set(same)
    assert [[row[name] for name in same] for row in sorted(rows, key=order)] == [
        [row[name] for name in same] for row in sorted(written, key=order)
    ]
    one = next(row for row in rows if row["resource"].endswith("key/one"))
    assert (one["controls"], one["unit"]) == ("own 1.1", "Root/Workloads/Production")
    assert json.loads(one["tags"])["env"] == "prod"


def test_what_is_saved_is_filtered(page):
    tick(page, "account", B)
    tick(page, "status", "fail")
    rows = saved(page)
    assert {(row["account"], row["status"]) for row in rows} == {(B, "fail")}
    assert len(rows) == shown(page) == 3


def test_a_comparison_is_saved_with_what_became_of_each(written, opened):
    page = opened(written("differences", "html"))
    found = {record["fingerprint"]: record for record in records(written("differences", "jsonl"))}
    rows = saved(page)
    assert {(row["fingerprint"], row["change"], row["before"], row["after"]) for row in rows} == {
        (mark, record["change"], record["before"] or "", record["after"] or "") for mark, record in found.items()
    }


def test_a_trend_of_a_pack_shows_each_section_through_time_with_axis_and_dates(wrote, opened):
    page = opened(wrote("trend.html", "trend", "archive"))
    assert page.locator("#trend figure").nth(1).locator(".axis span").all_inner_texts() == ["100", "50", "0"]
    assert page.locator("#trend figure").nth(1).locator(".dates span").all_inner_texts() == ["1 Jan 2026", "8 Jan 2026"]
    rows = page.locator("#trend .scroll").first.locator("tbody tr")
    assert [row.locator("th").inner_text() for row in rows.all()] == ["All sections", "1 Keys", "2 Volumes"]
    assert rows.nth(1).locator("td").nth(0).inner_text() == "0 %"


@pytest.mark.parametrize("kind", ["page", "trend", "differences"])
def test_axe_finds_nothing(kind, wrote, written, opened):
    Axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe  # noqa: N806 - a class
    paths = {
        "page": lambda: wrote("page.html", "evaluate", "archive"),
        "trend": lambda: wrote("trend.html", "trend", "archive"),
        "differences": lambda: written("differences", "html"),
    }
    page = opened(paths[kind](), color_scheme="light", reduced_motion="reduce")

    def faults(part: str) -> list[str]:
        """By every rule in the light; in the dark nothing but colours differs."""
        found = Axe().run(page, context=part).response["violations"]
        page.emulate_media(color_scheme="dark")
        found += Axe().run(page, context=part, options={"runOnly": ["color-contrast"]}).response["violations"]
        page.emulate_media(color_scheme="light")
        return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]

    assert faults("html") == []
    page.locator("#filter-status").click()
    assert faults("#choices-status") == []
    page.keyboard.press("Escape")
    page.locator(".rows .row").first.click()
    page.wait_for_selector("dialog[open]")
    assert faults("dialog") == []
