"""Every format against its own schema, read by others' libraries, and held to what was accepted.

The golden files are one judgement and one comparison in each format. To accept what is written now, run
`python -m pytest tests/engine/reports/test_formats.py --update-golden`.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
import stillframe
from botocore.validate import ParamValidator
from builders import write_snapshot
from jsonschema import Draft202012Validator
from junitparser import Error, Failure, JUnitXml, Skipped
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from prometheus_client import parser as prometheus_parser
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from reported import POLICY, A, key, prepare, records, write_report
from stillframe.engine.loading.policies import parse_policy
from stillframe.engine.reports import asff, markdown
from stillframe.engine.reports.formats import FORMATS
from stillframe.engine.reports.report import Lines, Totals
from stillframe.engine.reports.text import one_line
from stillframe.snapshot.catalog import load_catalog

HERE = Path(__file__).parents[2]
GOLDEN, SCHEMAS = HERE / "golden" / "reports", HERE / "schemas"
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stillframe, "__version__", "0.0.0")
    prepare(tmp_path)
    return tmp_path


@pytest.fixture
def written(workplace: Path) -> Callable[[str, str], Path]:
    return partial(write_report, workplace)


KINDS = ("findings", "differences")
CONTROLS = {"controls", "controls-csv", "controls-markdown"}  # of packs: tests/engine/commands/test_packs.py
OTHERS = {"html", *CONTROLS}
TEXTS = [name for name, form in FORMATS.items() if not (form.folder or form.annex or name in OTHERS)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", TEXTS)
def test_each_format_is_written_as_it_was_accepted(kind, form, written, request):
    found, golden = written(kind, form).read_bytes(), GOLDEN / f"{kind}{FORMATS[form].ending or '.github.txt'}"
    if request.config.getoption("--update-golden"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_bytes(found)
    assert found == golden.read_bytes()


# --------------------------------------------------------------------------------------------- metrics


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parse", [prometheus_parser.text_string_to_metric_families, openmetrics])
def test_metrics_are_read_by_prometheus_with_every_finding_counted(kind, parse, written):
    text = written(kind, "metrics").read_text()
    found = {family.name: family.samples for family in parse(text)}
    counts = Counter(each["status"] for each in records(written("findings", "jsonl"))) if kind == "findings" else None
    told: Counter[str] = Counter()
    for sample in found["stillframe_findings"]:
        told[sample.labels["status"]] += int(sample.value)
    assert counts is None or +told == counts
    [taken] = found["stillframe_snapshot_timestamp_seconds"]
    assert datetime.fromtimestamp(taken.value, UTC).year == 2026
    assert ("stillframe_changes" in found) is (kind == "differences")


# ------------------------------------------------------------------------------------------------ OCSF


@cache
def ocsf(version: str) -> Draft202012Validator:
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version)).get_class_schema("compliance_finding", ["cloud"])
    return Draft202012Validator(closed(schema))


def closed(schema: Any) -> Any:
    """A schema that refuses what it does not name: a field of a later version, or a slip of ours."""
    if isinstance(schema, dict):
        more = {"additionalProperties": False} if schema.get("properties") else {}
        return {**{name: closed(part) for name, part in schema.items()}, **more}
    return [closed(part) for part in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", ["1.5.0", "1.6.0", "1.7.0", "1.8.0"])
def test_events_are_compliance_findings_of_ocsf(kind, version, written):
    for event in records(written(kind, "ocsf")):
        assert event["metadata"].pop("version") == "1.5.0"
        event["metadata"]["version"] = version
        assert [fault.message for fault in ocsf(version).iter_errors(event)] == []
        assert event["type_uid"] == 200300 + event["activity_id"]


def test_a_slip_in_an_event_would_be_noticed(written):
    event = records(written("findings", "ocsf"))[0]
    for place, name, value in (
        (event, "colour", "red"),
        (event["compliance"], "status_id", 7),
        (event["finding_info"], "uid", 5),
    ):
        before = place.get(name)
        place[name] = value
        assert list(ocsf("1.5.0").iter_errors(event))
        place[name] = before


def test_times_are_milliseconds_and_uids_are_fingerprints(written):
    events, found = records(written("findings", "ocsf")), records(written("findings", "jsonl"))
    assert {event["time"] for event in events} == {datetime.fromisoformat("2026-01-08T00:00:00Z").timestamp() * 1000}
    assert [event["finding_info"]["uid"] for event in events] == [record["fingerprint"] for record in found]


def test_what_is_not_known_is_no_pass_in_any_event(written):
    said = {
        (found["status"], event["compliance"]["status"])
        for found, event in zip(
            records(written("findings", "jsonl")), records(written("findings", "ocsf")), strict=True
        )
    }
    assert said == {
        ("fail", "Fail"),
        ("pass", "Pass"),
        ("unknown", "Unknown"),
        ("error", "Unknown"),
        ("not_applicable", "Not Applicable"),
    }


def test_a_comparison_says_what_became_of_each_finding(written):
    became = {
        event["metadata"]["event_code"]: (event["activity_name"], event["status"])
        for event in records(written("differences", "ocsf"))
        if event["cloud"]["account"]["uid"] == A
    }
    assert became == {
        "new": ("Update", "New"),
        "resolved": ("Close", "Resolved"),
        "persisting": ("Update", "New"),
        "unknown": ("Update", "New"),
        "known": ("Close", "Resolved"),
        "appeared": ("Create", "New"),
        "vanished": ("Close", "Resolved"),
    }


def test_rows_have_the_values_that_the_events_have_at_their_headings(written):
    with written("findings", "ocsf-csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    events = records(written("findings", "ocsf"))
    assert [row["finding_info.uid"] for row in rows] == [event["finding_info"]["uid"] for event in events]
    assert [row["compliance.status"] for row in rows] == [event["compliance"]["status"] for event in events]
    assert [row["cloud.account.uid"] for row in rows] == [event["cloud"]["account"]["uid"] for event in events]
    assert [json.loads(row["resources[0].data"] or "{}") for row in rows] == [
        event["resources"][0]["data"] for event in events
    ]


@pytest.mark.parametrize("form", ["csv", "ocsf-csv"])
@pytest.mark.parametrize("start", FORMULAS)
def test_no_cell_of_any_table_begins_like_a_formula(form, start, run, tmp_path):
    Path(tmp_path, "keys.yaml").write_text(POLICY)
    path = write_snapshot(
        tmp_path / "archive", {"AWS::KMS::Key": [key(A, f"{start}1+1", False, shown=f"{start}cmd()")]}
    )
    run("evaluate", path, "-p", tmp_path / "keys.yaml", "-o", tmp_path / "out", "--format", form)
    with (tmp_path / "out").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert any("cmd()" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(FORMULAS)]


# ----------------------------------------------------------------------------------------------- SARIF


@pytest.mark.parametrize("kind", KINDS)
def test_a_log_is_sarif(kind, written):
    from sarif_pydantic import Sarif

    path = written(kind, "sarif")
    schema = Draft202012Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text()))
    assert [fault.message for fault in schema.iter_errors(json.loads(path.read_text()))] == []
    (run,) = Sarif.model_validate_json(path.read_text()).runs
    assert run.tool.driver.name == "Stillframe"
    found = records(written(kind, "jsonl"))
    assert [result.rule_id for result in run.results] == [record["policy"] for record in found]
    rules = [rule.id for rule in run.tool.driver.rules]
    assert [rules[result.rule_index] for result in run.results] == [record["policy"] for record in found]


def test_results_have_the_kind_of_their_status_and_only_failures_a_level(written):
    (run,) = json.loads(written("findings", "sarif").read_text())["runs"]
    told = {(result["properties"]["status"], result["kind"], result["level"]) for result in run["results"]}
    assert told == {
        ("fail", "fail", "error"),
        ("pass", "pass", "none"),
        ("unknown", "open", "none"),
        ("error", "open", "none"),
        ("not_applicable", "notApplicable", "none"),
    }
    (suppressed,) = [result for result in run["results"] if "suppressions" in result]
    assert "It goes, soon" in suppressed["suppressions"][0]["justification"]


def test_a_log_says_what_is_new_against_the_baseline(written):
    (run,) = json.loads(written("differences", "sarif").read_text())["runs"]
    states = Counter(result["baselineState"] for result in run["results"])
    assert states == {"unchanged": 2, "updated": 3, "absent": 1, "new": 2}


# ----------------------------------------------------------------------------------------------- JUnit


@pytest.mark.parametrize("kind", KINDS)
def test_suites_are_junit(kind, written):
    import xmlschema

    path = written(kind, "junit")
    xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").validate(path)
    suites, found = list(JUnitXml.fromfile(str(path))), records(written(kind, "jsonl"))
    assert [suite.tests for suite in suites] == [len(list(suite)) for suite in suites]
    still = [case.name for suite in suites for case in suite if case.name == "unknown in both"]
    assert len(still) == (2 if kind == "differences" else 0)  # of which a comparison has no lines
    assert sum(suite.tests for suite in suites) == len(found) + len(still)
    for suite in suites:
        told = Counter(type(result) for case in suite for result in case.result)
        assert (suite.failures, suite.errors, suite.skipped) == (told[Failure], told[Error], told[Skipped])


def test_a_gap_is_an_error_and_what_is_waived_is_skipped(written):
    said: dict[str, list[str]] = {}
    for suite in JUnitXml.fromfile(str(written("findings", "junit"))):
        for case in suite:
            named = re.sub(r"^arn.*?/|[ (].*", "", case.name)
            said[named] = [type(result).__name__ for result in case.result]
    assert said == {
        "stays": ["Failure"],
        "mended": [],
        "broken": ["Failure"],
        "unread": ["Error"],
        "known": [],
        "wrong": ["Error"],
        "skip": ["Skipped"],
        "fine": [],
        "came": [],
        "borne": ["Skipped"],
        "AWS::S3::Bucket": ["Error"],
    }


# ------------------------------------------------------------------------------------------------ ASFF


@cache
def security_hub() -> Any:
    return botocore.session.get_session().get_service_model("securityhub")


@pytest.mark.parametrize("kind", KINDS)
def test_requests_are_what_security_hub_takes(kind, written):
    shape = security_hub().operation_model("BatchImportFindings").input_shape
    seen: list[str] = []
    for path in sorted(written(kind, "asff").iterdir()):
        request = json.loads(path.read_text())
        assert not ParamValidator().validate(request, shape).has_errors()
        assert {finding["AwsAccountId"] for finding in request["Findings"]} == {path.name[:12]}
        assert {finding["Region"] for finding in request["Findings"]} == {path.name[13:-10]}
        for finding in request["Findings"]:
            assert finding["Compliance"]["Status"] in security_hub().shape_for("ComplianceStatus").enum
            assert finding["Workflow"]["Status"] in security_hub().shape_for("WorkflowStatus").enum
            assert finding["RecordState"] in security_hub().shape_for("RecordState").enum
            assert finding["Severity"]["Label"] in security_hub().shape_for("SeverityLabel").enum
            assert len(json.dumps(finding).encode()) < 240_000
            seen.append(finding["Id"])
    assert sorted(seen) == sorted(record["fingerprint"] for record in records(written(kind, "jsonl")))


def test_no_request_has_more_than_a_hundred_findings_and_an_old_folder_goes(run, tmp_path):
    Path(tmp_path, "keys.yaml").write_text(POLICY)
    out = tmp_path / "out.asff"
    for number in (250, 150):
        keys = [key(A, f"{number}-{each}", False) for each in range(number)]
        path = write_snapshot(tmp_path / str(number), {"AWS::KMS::Key": keys})
        run("evaluate", path, "-p", tmp_path / "keys.yaml", "-o", out)
    sizes = {each.name: len(json.loads(each.read_text())["Findings"]) for each in out.iterdir()}
    assert sizes == {f"{A}-us-east-1-0001.json": 100, f"{A}-us-east-1-0002.json": 50}
    assert out.stat().st_mode & 0o777 == 0o700
    (out / "notes.txt").write_text("mine")
    refused = run("evaluate", path, "-p", tmp_path / "keys.yaml", "-o", out)
    assert (refused.code, "holds other things" in refused.err) == (2, True)
    assert (out / "notes.txt").exists()


@pytest.mark.parametrize(
    ("part", "region"), [("aws", "us-east-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")]
)
def test_what_an_account_has_once_goes_where_its_partition_keeps_it(part, region):
    arn = f"arn:{part}:iam::{A}:user/me"
    line = json.loads((GOLDEN / "findings.jsonl").read_text().splitlines()[1]) | {"region": "global", "resource": arn}
    context = SimpleNamespace(policies=[parse_policy("keys.yaml", POLICY)], snapshot=SimpleNamespace(captured_at="T"))
    requests = asff.Requests(context)
    assert list(requests.add(Lines(json.dumps(line).encode()))) == []
    ((name, request),) = requests.end(Totals(rows=()))
    assert name == f"{A}-{region}-0001.json"
    (finding,) = json.loads(request)["Findings"]
    assert finding["ProductArn"] == f"arn:{part}:securityhub:{region}:{A}:product/{A}/default"


def test_types_are_spelled_as_security_hub_spells_them():
    known = {*security_hub().shape_for("ResourceDetails").members, "AwsAccount"}
    assert set(asff.TYPES.values()) <= known
    spelled = {kind.replace("::", "").lower(): kind for kind in load_catalog()}
    missed = [name for name in known if spelled.get(name.lower()) and name not in asff.TYPES.values()]
    assert missed == []
    assert asff._type("AWS::ElasticLoadBalancingV2::LoadBalancer") == "AwsElbv2LoadBalancer"
    assert asff._type("AWS::Config::ConfigurationRecorder") == "Other"


# --------------------------------------------------------------------------------- Markdown and GitHub


@pytest.mark.parametrize("kind", KINDS)
def test_a_comment_has_no_markup_of_a_snapshot(kind, written):
    page = written(kind, "markdown").read_text()
    assert "onerror" in page
    outside = re.sub(r"\\[^|]", "", page)
    outside = re.sub(r"(`+)(?:(?!`).|(?!\1)`+)*?(?<!`)\1(?!`)", "", outside)
    assert "onerror" not in outside
    assert "@all" not in outside
    assert set(re.findall(r"<[^>]*>", outside)) <= {
        *("<details>", "</details>", "<summary>", "</summary>", "<br>", "<code>", "</code>")
    }


def test_a_comment_stays_short_whatever_there_is_to_say(run, tmp_path):
    for number in range(200):
        text = POLICY.replace("id: keys", f"id: keys-{number}")
        Path(tmp_path, f"keys-{number}.yaml").write_text(text)
    keys = [key(A, "k" * 900 + str(each), False) for each in range(30)]
    path = write_snapshot(tmp_path / "archive", {"AWS::KMS::Key": keys})
    run("evaluate", path, "-p", tmp_path, "-o", tmp_path / "c.md")
    page = (tmp_path / "c.md").read_text()
    assert len(page) <= markdown.MOST + 1000
    assert "More is left out" in page
    assert page.count("<details>") == page.count("</details>") > 3


@pytest.mark.parametrize("text", ["`", "``x`", "a|b", "", " ", "`|`\n"])
def test_code_holds_any_text(text):
    made = markdown.code(text)
    assert "\n" not in made
    ticks = re.match("`+", made)[0]
    assert made.endswith(ticks)
    assert ticks not in made[len(ticks) : -len(ticks)]


def test_annotations_are_a_line_each_and_none_comes_from_a_name(written):
    lines = written("findings", "github").read_text().splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::warning"]
    assert not any("\x1b" in line for line in lines)


# ------------------------------------------------------------------------------------------- the table


def test_a_format_alone_goes_to_standard_output(run, workplace):
    result = run("evaluate", "archive", "--format", "sarif", "--no-cache")
    assert json.loads(result.out)["version"] == "2.1.0"
    assert "Population" in result.err


def test_the_longest_ending_chooses_and_a_format_overrules_it(run, workplace):
    run("evaluate", "archive", "-o", "a.ocsf.jsonl", "-o", "a.jsonl")
    assert records(Path("a.ocsf.jsonl"))[0]["class_uid"] == 2003
    assert "policy" in records(Path("a.jsonl"))[0]
    run("evaluate", "archive", "-o", "b.txt", "--format", "ocsf")
    assert Path("b.txt").read_bytes() == Path("a.ocsf.jsonl").read_bytes()


def test_endings_that_people_know_from_elsewhere_mean_the_same(run, workplace):
    run("evaluate", "archive", "-o", "a.sarif", "-o", "b.sarif.json", "-o", "a.asff", "-o", "b.asff.json/")
    assert Path("a.sarif").read_bytes() == Path("b.sarif.json").read_bytes()
    assert [path.name for path in Path("a.asff").iterdir()] == [path.name for path in Path("b.asff.json").iterdir()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "sarfi"], "did you mean sarif?"),
        (["--format", "asff"], "this format is a folder of files"),
        (["-o", "x.docx"], "no format is known for .docx"),
        (["-o", "absent/x.asff"], "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is_judged(arguments, message, run, workplace):
    result = run("evaluate", "archive", *arguments)
    assert (result.code, message in result.err) == (2, True), result.err


def test_no_file_is_left_where_a_run_breaks(run, workplace, monkeypatch):
    monkeypatch.setattr("stillframe.engine.reports.write.Reports.end", lambda *_: 1 / 0)
    run("evaluate", "archive", "-o", "a.asff", "-o", "a.sarif")
    assert not [path.name for path in workplace.iterdir() if "a." in path.name]


def test_text_on_one_line_has_nothing_that_xml_or_a_terminal_minds():
    everything = "".join(map(chr, range(0x110000)))
    shown = one_line(everything)
    assert len(shown.splitlines()) == 1
    assert not re.search("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff\u202e]", shown)
