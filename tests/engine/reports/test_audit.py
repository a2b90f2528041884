"""The auditor's report: that it holds every gap and every failing control, whole; as a page, as PDF, and its annex."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from builders import TIME, write_snapshot
from hypothesis import given
from hypothesis import strategies as st
from paged import failing_browser, in_a_browser
from reported import CONFIG, A, B, estate, key, prepare, records
from stillframe.engine.commands.nightly import _evaluate
from stillframe.engine.loading.ruleset import load_rules
from stillframe.engine.reports.audit_controls import _level, _values
from stillframe.engine.reports.chromium import printed
from stillframe.engine.reports.formats import targets
from stillframe.engine.reports.markup import join
from stillframe.engine.reports.text import one_line
from stillframe.snapshot import open_snapshot

LATER = "archive/2026-01-08T00-00-00Z"
PACK = """\
framework: ours
version: "1"
title: Our baseline
sections:
  - title: Keys
    number: "1"
    controls:
      - {number: "1.1", title: Every key rotates, level: 1, policies: [keys]}
      - {number: "1.2", title: Old keys rotate, level: 2, policies: [keys], manual: Who may turn it off}
      - {number: "1.3", title: Somebody reads the logs, manual: Who reads them is not in the configuration.}
      - {number: "1.4", title: Nobody has looked yet, manual: The cellar}
      - {number: "1.5", title: Buckets have names, policies: [buckets]}
"""
ATTESTED = """\
packs: [packs/ours-1.yaml]
attestations:
  - {pack: ours-1, control: "1.3", status: pass, who: Security operations, when: 2026-01-02,
     evidence: "https://wiki.example/log-review", expires: 2026-06-30}
"""
GAPS = ("AccessDenied: kms:GetKeyRotationStatus", "AccessDenied: s3:ListBuckets")


class Reader(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.parts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    @property
    def text(self) -> str:
        return bare("".join(self.parts))


def bare(text: str) -> str:
    """Text without blanks, which lines and pages break at, nor ligatures, which some fonts have."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    prepare(tmp_path)
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs/ours-1.yaml").write_text(PACK)
    (tmp_path / "stillframe.yaml").write_text(CONFIG + ATTESTED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def held(text: str) -> None:
    """Everything that an auditor must find stands in a report's text: of each finding, control, waiver, attestation."""
    for record in records(Path("all.jsonl")):
        if record["status"] == "fail":
            shown = (record["resource"], record["message"], *record["evidence"])
            assert all(bare(one_line(each)) in text for each in shown), record
    said = ("1.1Everykeyrotates", "1.2Oldkeysrotate", "1.5Bucketshavenames", "Whomayturnitoff", "Thecellar")
    assert all(each in text for each in (*said, *map(bare, GAPS)))
    for who in ("mitigated by platform until 2027-01-01: It goes, soon", "Security operations", "2026-06-30"):
        assert bare(who) in text
    digests = (open_snapshot(LATER).digest, *(hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in FILES))
    assert all(each in text for each in digests)
    assert "Signature" in text
    assert "…" not in text


def table(name: str) -> list[dict[str, str]]:
    with Path(name).open(newline="") as file:
        return list(csv.DictReader(file))


FILES = ("receipt.json", "stillframe.yaml", "packs/ours-1.yaml", "keys.yaml", "buckets.yaml")


def test_the_page_holds_every_gap_and_failure_with_who_answers_and_the_digests_of_all(run, place):
    done = run("evaluate", LATER, "-o", "r.print.html", "-o", "all.jsonl", "--receipt", "receipt.json")
    assert done.code == 1, done.err
    reader = Reader(Path("r.print.html").read_text())
    held(reader.text)
    assert hashlib.sha256(Path("r.print.annex.csv").read_bytes()).hexdigest() in reader.text
    assert not reader.elements & {"script", "img", "iframe", "link", "object", "form"}
    assert "itstextanditsfindingsstandunder1.1" in reader.text
    run("evaluate", LATER, "-o", "again.print.html")
    assert Path("again.print.html").read_bytes() == Path("r.print.html").read_bytes()


def test_the_annex_has_every_finding_that_fails_or_is_unknown_and_every_place_that_was_not_read(run, place):
    run("evaluate", LATER, "-o", "r.print.html", "-o", "all.jsonl", "-o", "all.csv")
    rows = table("r.print.annex.csv")
    expected = [each for each in table("all.csv") if each["status"] in FOUND]
    found = [each for each in rows if each["kind"] == "finding"]
    assert [{name: each[name] for name in SAME} for each in found] == [
        {name: each[name] for name in SAME} for each in expected
    ]
    assert {json.loads(each["waiver"])["owner"] for each in expected if each["waiver"]} == {
        each["owner"] for each in found if each["owner"]
    }
    assert [int(each["row"]) for each in rows] == [*range(1, len(rows) + 1)]
    lost = {(each["account"], each["type"], each["message"]) for each in rows if each["kind"] == "not read"}
    assert {(A, "AWS::KMS::Key", GAPS[0]), (A, "AWS::S3::Bucket", GAPS[1]), (B, "AWS::S3::Bucket", GAPS[1])} <= lost


FOUND = ("fail", "unknown", "error")
SAME = ("policy", "status", "account", "region", "type", "resource", "name", "message", "evidence", "fingerprint")


def test_where_there_is_too_much_it_says_how_much_and_where_it_is(run, place):
    """Many failures of one policy, and one whose evidence is long: counted, and whole in the annex."""
    keys = [key(A, f"k{at}", rotation=False) for at in range(300)]
    path = write_snapshot(place / "many", {"AWS::KMS::Key": keys}, TIME)
    Path("none.yaml").write_text("waivers: []\n")
    run("evaluate", path, "-p", "keys.yaml", "-c", "none.yaml", "-o", "r.print.html")
    text = Reader(Path("r.print.html").read_text()).text
    assert "200of300standhere;theannexhasallofkeys" in text
    assert text.count("oftheannexKeyk") == 200


def test_what_was_not_collected_is_one_row_for_all_places(run, place):
    path = write_snapshot(place / "part", {"AWS::KMS::Key": estate(later=True)["AWS::KMS::Key"]}, TIME)
    Path("topics.yaml").write_text(TOPICS)
    Path("none.yaml").write_text("waivers: []\n")
    run("evaluate", path, "-p", "topics.yaml", "-c", "none.yaml", "-o", "r.print.html")
    text = Reader(Path("r.print.html").read_text()).text
    assert "AWS::SNS::Topicitwasnotcollected1ineachof2accounts2" in text


TOPICS = """
id: topics
title: Topics have names
severity: low
resource: AWS::SNS::Topic
assert: TopicArn
"""


def test_evidence_is_whole_or_in_the_annex_with_how_much_of_it():
    told = join(_values({"a": "1", "b": "2" * 900, "c": "3"}, 7))
    assert told == "<span><b>a</b> 1 </span><i>2 values in row 7 of the annex alone</i>"


def test_evidence_that_is_one_long_value_stands_there_in_part():
    told = join(_values({"a": "1" * 1500}, 7))
    assert f"{'1' * 300} </span>" in told
    assert "1" * 301 not in told
    assert "the first 300 of its 1,500 letters; row 7 of the annex has all" in told


@given(st.lists(st.integers(0, 400), max_size=90))
def test_of_few_findings_all_stand_there_and_of_many_at_most_so_many_or_one_of_each(sizes):
    level, most = _level(sizes, 200), 200
    shown = [min(size, level) for size in sizes]
    assert sum(shown) <= most or level == 1
    more = [min(size, level + 1) for size in sizes]
    assert more == shown or sum(more) > most


@in_a_browser
def test_a_pdf_is_printed_of_it_on_either_paper_and_the_same_bytes_twice(run, place):
    pypdf = pytest.importorskip("pypdf")
    done = run("evaluate", LATER, "-o", "r.pdf", "-o", "r.letter.pdf", "-o", "all.jsonl", "--receipt", "receipt.json")
    assert done.code == 1, done.err
    for name, size in (("r.pdf", (595, 842)), ("r.letter.pdf", (612, 792))):
        found = pypdf.PdfReader(name)
        held(bare("".join(page.extract_text() for page in found.pages)))
        assert all((round(float(w)), round(float(h))) == size for *_, w, h in (page.mediabox for page in found.pages))
        assert found.metadata["/CreationDate"] == found.metadata["/ModDate"] == "D:20260108000000+00'00'"
    run("evaluate", LATER, "-o", "again.pdf")
    assert Path("again.pdf").read_bytes() == Path("r.pdf").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("evaluate", LATER, "-o", "-", "--format", "print"), "two files"),
        (("evaluate", LATER, "-o", "r.print.html", "--status", "fail"), "an auditor's report has all"),
        (("evaluate", LATER, "-o", "r.print.html", "--receipt", "r.print.annex.csv"), "named twice"),
        (("evaluate", LATER, "-o", "/dev/null", "--format", "print"), "two files"),
        (("evaluate", LATER, "-o", "packs", "--format", "print"), "packs: a folder"),
        (("evaluate", LATER, "-o", "r.pdf"), "Chromium, Chrome or Edge, and none is installed"),
        (("diff", "archive/2026-01-01T00-00-00Z", LATER, "-o", "r.print.html"), "of one snapshot"),
        (("trend", "archive", "-o", "r.print.html"), "of one snapshot"),
    ],
)
def test_what_it_cannot_be_is_said_before_anything_is_evaluated(arguments, message, run, place, monkeypatch):
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setattr("stillframe.engine.assess.judge", lambda *_: 1 / 0)
    done = run(*arguments)
    assert (done.code, message in done.err) == (2, True), done.err
    assert not list(place.glob("r.*"))


def test_a_part_says_that_it_is_one_and_has_no_receipt(run, place):
    run("evaluate", LATER, "-o", "r.print.html", "--only", "policy=keys")
    text = Reader(Path("r.print.html").read_text()).text
    assert "none:apartwasevaluated" in text
    assert "policy=keys" in text
    assert "partofanevaluationof2AWSaccounts" in text
    assert "Bucketshavenames,notapplicable" not in text


@pytest.mark.parametrize("only", ["--only account=" + A, "--only type=AWS::KMS::Key", "--except region=us-east-1"])
def test_of_what_is_outside_a_part_nothing_is_counted(only, run, place):
    done = run("evaluate", LATER, "-o", "r.print.html", "-o", "all.jsonl", *only.split())
    assert done.code <= 4, done.err
    text = Reader(Path("r.print.html").read_text()).text
    assert f"thisisapart:{bare(only)}." in text
    applied = sum(bool(each["waiver"]) for each in records(Path("all.jsonl")))
    assert f"Itgoes,soon{'applied' if applied else 'nothinginthispart'}{applied}" in text
    if "account" in only:
        assert "evaluationof1of2AWSaccounts" in text
        assert re.search(B + "[^0-9]*[0-9]*notevaluated", text)
        assert '"accounts":2,"evaluated":1' in html(run, only)
        assert {each["account"] for each in table("r.print.annex.csv")} == {A}
    if "type" in only:
        assert "1.5Bucketshavenamesleftout" in text
    if "region" in only:
        assert "1.1Everykeyrotatesleftout" in text
        assert "Nothingfailsinthispart." in text


def html(run: Any, only: str) -> str:
    run("evaluate", LATER, "-o", "r.html", *only.split())
    return Path("r.html").read_text()


def test_the_rows_of_controls_have_who_attested_them_when_and_by_what(run, place):
    run("evaluate", LATER, "-o", "c.controls.csv")
    [found] = [each for each in table("c.controls.csv") if each["status"] == "attested"]
    told = {name: found[f"attested_{name}"] for name in ("by", "on", "until", "evidence")}
    evidence = "https://wiki.example/log-review"
    assert told == {"by": "Security operations", "on": "2026-01-02", "until": "2026-06-30", "evidence": evidence}


def test_parameters_that_differ_by_place_stand_with_their_places(run, place):
    settings = f'settings:\n  keys:\n    - {{account: "{A}", params: {{longest: 7}}}}\n'
    Path("stillframe.yaml").write_text(CONFIG + ATTESTED + settings)
    done = run("evaluate", LATER, "-o", "r.print.html")
    assert done.code == 1, done.err
    text = Reader(Path("r.print.html").read_text()).text
    assert f"in{A}:longest=7" in text
    assert f"in{B}:longest=365" in text


@pytest.mark.parametrize(
    "does", ["exit 3", "printf '%%PDF-1.4' > \"$T\"; exit 0", "printf '%%PDF-%%%%EOF' > \"$T\"; exit 1"]
)
def test_a_browser_that_fails_costs_the_pdf_alone_and_the_one_of_before_stays(does, run, place, monkeypatch):
    failing_browser(place, does, monkeypatch)
    Path("r.pdf").write_text("before")
    done = run("evaluate", LATER, "-o", "a.jsonl", "-o", "r.pdf", "-o", "b.html", "--receipt", "receipt.json")
    assert (done.code, "chromium printed" in done.err) == (2, True), done.err
    assert Path("r.pdf").read_text() == "before"
    assert all(Path(name).stat().st_size for name in ("a.jsonl", "b.html", "receipt.json"))
    assert not Path("r.annex.csv").exists()


def test_a_browser_that_fails_does_not_end_a_night(place, monkeypatch):
    failing_browser(place, "exit 1", monkeypatch)
    said, snapshot, rules = [], open_snapshot(LATER), load_rules(place / "stillframe.yaml")
    told = _evaluate(snapshot, rules, targets(["r.pdf", "a.jsonl"]), lambda *words: said.append(" ".join(words)))
    assert told == ", not all written"
    assert "chromium printed nothing" in said[-1]
    assert Path("a.jsonl").stat().st_size


def test_a_browser_has_its_folder_for_home_and_no_keys(place, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    failing_browser(place, f'env > "{place}/env"; printf "%%PDF-1.4 %%%%EOF" > "$T"', monkeypatch)
    assert printed(b"page", "2026-01-08T00:00:00Z").startswith(b"%PDF-1.4")
    found = dict(line.partition("=")[::2] for line in (place / "env").read_text().splitlines())
    assert "AWS_SECRET_ACCESS_KEY" not in found
    assert len({found[name] for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}) == 1
    assert not Path(found["HOME"]).exists()


@pytest.mark.parametrize(
    ("name", "annex"),
    [
        ("r.pdf", "r.annex.csv"),
        ("r.print.html", "r.print.annex.csv"),
        ("v1.2", "v1.2.annex.csv"),
        ("v1.2.pdf", "v1.2.annex.csv"),
    ],
)
def test_an_annex_is_called_as_its_report(name, annex, monkeypatch):
    assert targets([name], "print")[0].files["" + ".annex.csv"] == annex
