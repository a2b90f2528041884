"""The HTML report, as a browser shows it. These need Chromium, and are skipped where there is none."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
from builders import write_snapshot
from hypothesis import given
from hypothesis import strategies as st
from paged import CONTRAST, chosen, described, in_a_browser, shown, tick
from reported import HOSTILE, A, prepare, records
from stillframe.engine.findings.counts import Tally
from stillframe.engine.reports.columns import _pattern
from stillframe.engine.reports.html import Page
from stillframe.engine.reports.report import Context, Lines, Totals


@in_a_browser
@pytest.mark.parametrize("kind", ["findings", "differences"])
def test_every_finding_is_shown_with_all_that_is_known_of_it(kind, written, opened):
    found, page = records(written(kind, "jsonl")), opened(written(kind, "html"))
    assert shown(page) == len(found)
    for record in found:
        page.goto(f"{page.url.partition('#')[0]}#{record['fingerprint']}")
        page.wait_for_selector(f"dialog[open]:has(pre:text-is('{record['fingerprint']}'))")
        facts = described(page)
        assert (facts["Resource"], facts["Region"], facts["Type"]) == (
            record["resource"].replace("\x00", "\ufffd"),
            record["region"],
            record["type"],
        )
        assert facts.get("Name") == record["name"]
        if record["message"]:
            assert record["message"] in page.locator("dialog .message, dialog h2").all_text_contents()
        if record["remediation"]:
            assert record["remediation"] in page.locator("dialog code").all_text_contents()
        assert page.locator("dialog dl.evidence > dt").all_text_contents() == list(record["evidence"])
        if record.get("why"):
            assert record["why"][0]["cause"] in page.locator("dialog .why").inner_text()
        if record["waiver"]:
            assert record["waiver"]["reason"] in page.locator("dialog .note").text_content()


@in_a_browser
def test_no_name_of_a_snapshot_becomes_markup_or_runs(written, opened):
    page = opened(written("findings", "html"))
    assert page.locator("img, iframe, object, embed, link, base").count() == 0
    page.locator(".view .row", has_text="onerror").first.click()
    page.wait_for_selector("dialog[open]")
    assert described(page)["Name"] == HOSTILE.replace("\ud800", "\ufffd")
    assert page.locator("img, iframe, object, embed, base").count() == 0
    assert page.locator("script").count() == page.locator("script[id], body > script:last-of-type").count()


@in_a_browser
def test_the_browser_itself_refuses_whatever_else_were_in_the_page(written, browser, tmp_path):
    path = tmp_path / "changed.html"
    foreign = (
        "<img src=x onerror='window.ran=1'><script>window.ran=1</script><a id=x href='javascript:window.ran=1'>x</a>"
    )
    foreign += "<style>body{display:none}</style><script src='https://example.com/x.js'></script>"
    path.write_text(written("findings", "html").read_text().replace("<main", f"{foreign}<main"))
    context = browser.new_context()
    page, asked = context.new_page(), []
    page.on("requestfinished", lambda request: asked.append(request.url))
    page.goto(f"file://{path}")
    page.wait_for_selector("[data-ready=true]", state="attached")
    page.locator("#x").click()
    for sink in ("document.body.innerHTML = '<b>x</b>'", "eval('window.ran=1')", "setTimeout('window.ran=1')"):
        tried = f"try {{ {sink}; done('nothing') }} catch (fault) {{ done(`${{fault}}`) }}"
        told = page.evaluate(f"() => new Promise((done) => setTimeout(() => {{ {tried} }}))")
        assert "rusted" in told or "Content Security" in told
    assert page.evaluate("window.ran") is None
    assert page.locator("main").is_visible()
    assert [url for url in asked if not url.startswith("file:")] == []
    context.close()


@in_a_browser
def test_findings_are_filtered_searched_and_sorted(written, opened):
    found, page = records(written("findings", "jsonl")), opened(written("findings", "html"))
    failing = [record for record in found if record["status"] == "fail" and not record["waiver"]]
    tick(page, "status", "fail")
    assert shown(page) == len(failing)
    tick(page, "status", "gap")  # several values of one filter
    gaps = sum(record["status"] in ("unknown", "error") for record in found)
    assert (shown(page), chosen(page)) == (len(failing) + gaps, ["Status: Failures", "Status: Unknown"])
    page.get_by_role("button", name="Remove Status: Failures").click()
    assert shown(page) == gaps
    page.get_by_role("button", name="Reset").click()
    page.fill("#search", "KEY/mended us-east-1")
    assert shown(page) == 1
    page.fill("#search", "nowhere")
    assert (shown(page), page.locator(".counter").inner_text()) == (0, f"0 of {len(found)} findings")
    page.fill("#search", "")
    page.get_by_role("columnheader", name="Resource").locator("button").click()
    page.get_by_role("columnheader", name="Resource").locator("button").click()
    assert page.locator("[aria-sort=descending]").inner_text() == "Resource"
    page.locator(".view").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    assert described(page)["Resource"] == max(record["resource"] for record in found)


@in_a_browser
def test_filters_and_findings_have_addresses(written, opened):
    found, path = records(written("findings", "jsonl")), written("findings", "html")
    page = opened(path, f"#status=fail&account={A}")
    assert shown(page) == sum(each["status"] == "fail" and each["account"] == A for each in found)
    tick(page, "status", "pass")
    assert "status=fail&status=pass" in page.url
    assert shown(opened(path, "#q=100%")) == 0  # which is no escape
    lost = opened(path, f"#{'0' * 40}")
    assert "No finding here" in lost.get_by_role("alert").inner_text()


@in_a_browser
def test_the_keyboard_does_all(written, opened):
    page = opened(written("findings", "html"))
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.locator(".view").focus()
    page.keyboard.press("End")
    assert page.locator(".view").get_attribute("aria-activedescendant") == f"row-{shown(page) - 1}"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    assert page.evaluate("document.activeElement.id") == "detail-title"
    page.get_by_role("button", name="Next").click()
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.locator(".view").get_attribute("aria-activedescendant") == "row-2"
    assert page.evaluate("document.activeElement.className") == "view few" or page.evaluate(
        "document.activeElement.classList.contains('view')"
    )


@in_a_browser
def test_the_summary_is_the_one_of_the_terminal(written, opened, run, monkeypatch):
    page = opened(written("findings", "html"))
    monkeypatch.chdir(written("findings", "html").parent)
    told = run("evaluate", "archive", "--no-cache").err
    rows = page.locator("#policies tbody tr")
    cells = [[cell.split("\n")[0] for cell in row.locator("td").all_inner_texts()] for row in rows.all()]
    assert [cell[2:4] + cell[-1:] for cell in cells] == [
        [line.split()[2], line.split()[3], line.split()[-1]]
        for line in told.splitlines()
        if line[:4] in ("keys", "buck")
    ]
    page.locator("#policies").get_by_role("button", name="Keys rotate | <b>always</b>", exact=True).click()
    assert chosen(page) == ["Policy: keys"]


@in_a_browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_nothing_is_wider_than_the_screen_and_all_can_be_read(scheme, width, written, opened):
    page = opened(
        written("differences", "html"),
        viewport={"width": width, "height": 844},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".rows .row").first.click()
    page.wait_for_selector("dialog[open]")
    assert page.evaluate("document.querySelector('dialog').scrollWidth") <= width
    worst = page.evaluate(CONTRAST)
    assert worst["ratio"] >= 4.5, worst


@in_a_browser
def test_a_page_of_an_archive_shows_how_it_went(written, opened, run, tmp_path, monkeypatch):
    monkeypatch.chdir(written("findings", "html").parent)
    page = tmp_path / "trend.html"
    series = tmp_path / "series.jsonl"
    assert run("trend", "archive", "-o", page, "--series", series).code == 0
    page = opened(page)
    numbers = [each["violations"] for each in records(series) if each["policy"] == "keys"]
    row = page.locator("#trend tbody tr", has_text="Keys rotate")
    assert row.locator("td").nth(2).inner_text() == " → ".join(map(str, numbers))
    assert row.locator("polyline").count() == 1
    assert page.locator("#trend .chart rect").count() == 2 * 5
    assert shown(page) == len(records(written("findings", "jsonl")))


@in_a_browser
@pytest.mark.parametrize("chosen_here", [False, True], ids=["the system's", "chosen"])
def test_dark_stays_on_the_screen(chosen_here, written, opened):
    """Of neither the system nor the page's own button anything comes onto paper."""
    page = opened(written("findings", "html"), color_scheme="light" if chosen_here else "dark")
    if chosen_here:
        page.locator("#theme").click()
    paper = "['--paper', '--ink', '--critical', '--good-ink'].map((name) => style.getPropertyValue(name))"
    asked = (
        f"() => {{ const style = getComputedStyle(document.documentElement); return [style.colorScheme, ...{paper}] }}"
    )
    assert page.evaluate(asked)[0] == "dark"
    page.emulate_media(media="print")
    light = opened(written("findings", "html"), color_scheme="light")
    assert light.evaluate(asked)[0] == "light"
    light.emulate_media(media="print")
    assert page.evaluate(asked) == light.evaluate(asked)


@in_a_browser
def test_paper_has_rows_and_no_controls(written, opened):
    page = opened(written("findings", "html"))
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".rows .row").count() == shown(page)
    assert not any(each.is_visible() for each in page.locator(".tools").all())
    assert page.pdf()[:5] == b"%PDF-"


@in_a_browser
def test_paper_has_every_policy(run, tmp_path, opened):
    snapshot = write_snapshot(tmp_path / "archive", {"AWS::EC2::VPC": [{"VpcId": "vpc-1"}]})
    said = "title: T, severity: low, resource: AWS::EC2::VPC, assert: VpcId"
    lines = "".join(f"  - {{id: p{number}, {said}}}\n" for number in range(62))
    (tmp_path / "p.yaml").write_text(f"policies:\n{lines}")
    (tmp_path / "c.yaml").write_text("waivers: []")
    run("evaluate", snapshot, "-p", tmp_path / "p.yaml", "-c", tmp_path / "c.yaml", "-o", tmp_path / "r.html")
    page = opened(tmp_path / "r.html")
    assert page.locator("#policies tbody tr").count() == 20
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#policies tbody tr").count() == 62


@in_a_browser
def test_many_findings_open_and_filter_at_once(opened, tmp_path):
    """Some of what docs/reports.md speaks of; `python -m bench.report` has it all, and measures the time."""
    (tmp_path / "many.html").write_bytes(many(20_000))
    assert (tmp_path / "many.html").stat().st_size < 400_000
    page = opened(tmp_path / "many.html")
    page.fill("#search", "vpc-000000000000001")
    assert shown(page) == 0x100
    assert page.locator(".rows .row").count() < 40
    page.fill("#search", "")
    page.locator(".view").focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    assert described(page)["Resource"] == f"vpc-{19_999:017x}"


def many(number: int) -> bytes:
    """A report of that many findings of one policy."""
    from builders import shipped

    line = (
        '{{"policy":"vpc-flow-logs","status":"fail","severity":"medium","account":"{account:012}","region":"us-east-1",'
        '"type":"AWS::EC2::VPC","resource":"{vpc}","name":null,"fingerprint":"{account:040x}",'
        '"message":"VPC {vpc} has no active flow log for REJECT traffic","evidence":{{"$flow_logs[].FlowLogId":[]}},'
        '"remediation":"aws ec2 create-flow-logs --resource-ids {vpc}","waiver":null}}\n'
    )
    policies = shipped("vpc-flow-logs")
    page = Page(
        Context(snapshot=SimpleNamespace(id="s", captured_at="2026-01-01T00:00:00Z", accounts=()), policies=policies)
    )
    lines = (line.format(account=each // 500, vpc=f"vpc-{each:017x}") for each in range(number))
    data = "".join(lines).encode()
    return b"".join([*page.begin(), *page.add(Lines(data)), *page.end(Totals(rows=Tally(policies).rows()))])


# ------------------------------------------------------------------------------------- without a browser


def restored(pattern: str, parts: list[str]) -> str:
    """What `restored` of data.js does."""
    return re.sub(
        "[\x01-\x05]|\x06(.)",
        lambda found: chr(ord(found[1]) - 48) if found[1] else parts[ord(found[0]) - 1],
        pattern,
        flags=re.DOTALL,
    )


PIECES = st.text(st.sampled_from("ab/\x00\x01\x02\x05\x06\x07é0123456"), max_size=12)


@given(st.lists(PIECES, min_size=5, max_size=5), st.lists(PIECES, max_size=4))
def test_a_pattern_gives_its_text_again(parts, others):
    text = "".join(piece for pair in zip([*parts, *others], [*others, *parts], strict=False) for piece in pair)
    pattern = _pattern([(part, chr(1 + number)) for number, part in enumerate(parts) if len(part) >= 2], text)
    assert "\x00" not in pattern
    assert restored(pattern, parts) == text


def test_the_page_has_no_markup_but_its_own(written):
    text = written("findings", "html").read_text()
    assert HOSTILE.split("\x1b")[0] not in text
    assert "onerror" not in text.replace(text[text.rindex("<script>") :], "").replace(data_of(text), "")
    assert not re.search(r"""\s(on\w+|style)=["']""", text)


def data_of(text: str) -> str:
    """The JSON in a page; it stands alone, and cannot end its element."""
    (data,) = re.findall(r'<script type="application/json" id="report">(.*?)</script>', text)
    json.loads(data)
    assert "<" not in data
    return data


PACK = """\
framework: own
title: Our <b>pack</b>
sections:
  - title: Keys
    number: "1"
    controls:
      - {number: "1.1", title: Keys rotate | <i>always</i>, policies: [keys]}
      - {number: "1.2", title: Somebody looks, manual: It is a thing of people.}
"""


@in_a_browser
def test_the_controls_of_a_pack_are_shown_with_what_is_behind_them(opened, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prepare(tmp_path)
    (tmp_path / "own.yaml").write_text(PACK)
    run("evaluate", "archive", "-p", "keys.yaml", "--pack", "own.yaml", "-o", "page.html", "--no-cache")
    page = opened(tmp_path / "page.html")
    assert page.locator("#pack-0 h2").inner_text() == "Our <b>pack</b>"
    assert page.locator("#pack-0 .scored p").all_inner_texts() == [
        "0 %",
        "0 of 1 decided control pass",
        "Of 2 controls not in it: 1 manual.",
    ]
    cells = [row.locator("td").all_inner_texts() for row in page.locator("#pack-0 tbody tr").all()]
    assert [row[:3] for row in cells] == [
        ["1.1", "Keys rotate | <i>always</i>", "fail"],
        ["1.2", "Somebody looks", "manual"],
    ]
    assert cells[1][-1] == "It is a thing of people."
    page.locator("#pack-0 button").click()
    assert chosen(page) == ["Control: own 1.1"]
    run("evaluate", "archive", "-o", "page.html", "--no-cache")
    assert opened(tmp_path / "page.html").locator("#pack-0").count() == 0
