"""The documentation is true: what it shows is run, and what it lists is complete.

A `console` block is run, in order with the policies of `yaml` blocks and the files of named `yaml` and `json` blocks of
its page; its output must come out as shown, but for spaces at the ends of lines. Blocks that need AWS or the demo are
`sh` or `text`.
"""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import boto3
import commands_page
import pytest
import stillframe
import typer
import yaml
from builders import compared, nine, shipped, write_snapshot
from stillframe.engine import exit_codes
from stillframe.engine.authoring.function_page import with_tables
from stillframe.engine.commands.app import app_for
from stillframe.engine.documents.reader import schema as schema_of
from stillframe.engine.findings.batch import finding_record
from stillframe.engine.functions.table import FUNCTIONS
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.language import interpret
from stillframe.engine.language.parser import parse
from stillframe.engine.loading.config import config_schema
from stillframe.engine.loading.pack_files import shipped_packs
from stillframe.engine.loading.pack_reader import pack_schema
from stillframe.engine.loading.policies import load_policies
from stillframe.engine.model.cause import Cause, why_record
from stillframe.engine.model.change import Change
from stillframe.engine.model.finding import FIELDS, Status
from stillframe.engine.model.policy import Severity
from stillframe.engine.packs.report import Outcome
from stillframe.engine.reports.formats import FORMATS
from stillframe.engine.reports.report import DIFFERENCE_FIELDS
from stillframe.engine.testing.examples import TIME, fixture, run_tests
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.model import Unknown
from stillframe.snapshot.verify import schema
from together import together

ROOT = Path(__file__).parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
}
# Pages of policies and packs are made by a command, and hold no code that runs.
WRITTEN = [page for page in PAGES if not page.startswith("docs/reference/")]
README, POLICIES, FINDINGS = PAGES["README.md"], PAGES["docs/writing-policies.md"], PAGES["docs/findings.md"]
CUSTOMISING = PAGES["docs/customising.md"]
FUNCTIONS_PAGE = PAGES["docs/functions.md"]
COMMANDS, QUICKSTART, FORMAT = (
    PAGES["docs/reference/commands.md"],
    PAGES["docs/quickstart.md"],
    PAGES["docs/snapshot-format.md"],
)
RESOURCES, FLEETS = PAGES["docs/reference/resources.md"], PAGES["docs/fleets.md"]
RECORDS = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
DIGEST = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab"  # as pages show that of a manifest
BEFORE, AFTER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 8, tzinfo=UTC)
COUNTS = {
    "AWS::CloudTrail::Trail": "trails",
    "AWS::Account": "accounts",
    "AWS::KMS::Key": "KMS keys",
    "AWS::EC2::VPC": "VPCs",
}

# ------------------------------------------------------------------------------------------ reading pages


@dataclass(frozen=True)
class Block:
    """A fenced block. `file` is the path in backticks on the line before it, if there is one."""

    kind: str
    text: str
    file: str | None


def blocks(page: str) -> list[Block]:
    fence = re.compile(
        r"(?:^`(?P<file>[^`\n]+)`\n\n)?^(?P<indent> *)```(?P<kind>\w+)\n(?P<text>.*?)^(?P=indent)```$",
        re.MULTILINE | re.DOTALL,
    )
    return [Block(found["kind"], textwrap.dedent(found["text"]), found["file"]) for found in fence.finditer(page)]


def policies(page: str) -> list[str]:
    return [block.text for block in blocks(page) if block.kind == "yaml" and not block.file]


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Each command of a console block, with the output that it shows."""
    head, *rest = re.split(r"^\$ (.*)\n", block.text, flags=re.MULTILINE)
    assert not head, f"a console block begins with a command: {head!r}"
    yield from zip(rest[::2], rest[1::2], strict=True)


def section(page: str, heading: str) -> str:
    """A page from a heading to the next one of its level or above."""
    level = re.search(rf"^(#+) {re.escape(heading)}$", page, re.MULTILINE)
    assert level, f"no section {heading!r}"
    return re.split(rf"^#{{1,{len(level[1])}}} ", page[level.end() :], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, without their headings; backticks and escapes taken off."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    body = [line for line, below in zip(lines, [*lines[1:], ""], strict=False) if not re.match(r"\|[-|]+\|$", below)]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in body if not re.match(r"\|[-|]+\|$", line)]
    return [[cell.strip().replace(r"\|", "|") for cell in line] for line in cells]


def names(text: str) -> list[str]:
    """What stands in single backticks."""
    return re.findall(r"(?<!`)`([^`]+)`(?!`)", text)


def plain(cell: str) -> str:
    """The code of a cell, without its backticks."""
    marks = re.match(r"`+", cell)
    return cell.strip(marks[0]).strip() if marks else cell


# ------------------------------------------------------------------------------------------- the examples


def trail(account: str, name: str, **config: object) -> dict[str, object]:
    arn = f"arn:aws:cloudtrail:us-east-1:{account}:trail/{name}"
    return {"$account": account, "$name": name, "Name": name, "TrailARN": arn, "HomeRegion": "us-east-1", **config}


def key(name: str, state: str) -> dict[str, object]:
    arn = f"arn:aws:kms:us-east-1:444455556666:key/{name}"
    return {"$account": "444455556666", "KeyId": name, "KeyArn": arn, "Metadata": {"KeyState": state}}


def estate(first: str, second: str) -> dict[str, list[dict[str, object]]]:
    """README's: three encrypted trails; the states of two keys; the third key's account was not collected."""
    return {
        "AWS::CloudTrail::Trail": [
            trail("111122223333", "main", KmsKeyId="arn:aws:kms:us-east-1:444455556666:key/1a2b"),
            trail("222233334444", "payments", KmsKeyId="arn:aws:kms:us-east-1:444455556666:key/3c4d"),
            trail("333344445555", "website", KmsKeyId="arn:aws:kms:us-east-1:999988887777:key/5e6f"),
        ],
        "AWS::KMS::Key": [key("1a2b", first), key("3c4d", second)],
    }


def demo(*, payments: bool) -> dict[str, list[dict[str, object]]]:
    """The trails of the demo's organisation, with account ids that stay."""
    accounts = {
        "acme-org-trail": "123456789012",
        "log-archive": "444455556666",
        "payments": "111122223333",
        "website": "222233334444",
    }
    logging = {"payments": payments}
    return {
        "AWS::CloudTrail::Trail": [
            trail(account, name, Status={"IsLogging": logging.get(name, True)}) for name, account in accounts.items()
        ]
    }


def acme(day: int) -> dict[str, list[dict[str, object]]]:
    """What the recipes ask of: a port that was opened between two nights, and tags that are missing or unread."""
    world, office = [{"CidrIp": "0.0.0.0/0"}], [{"CidrIp": "198.51.100.0/24"}]
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [], "PrefixListIds": []}
    group = {"GroupId": "sg-0a1b", "GroupName": "jump-host", "VpcId": "vpc-1", "OwnerId": "111122223333"}
    tags = {"i-web": {"team": "shop", "env": "prod"}, "i-job": {"team": "shop"}, "i-old": {"$missing": "AccessDenied"}}
    permissions = [{**ssh, "IpRanges": world if day > 1 else office, "UserIdGroupPairs": []}]
    return {
        "AWS::EC2::SecurityGroup": [{**group, "IpPermissions": permissions, "IpPermissionsEgress": []}],
        "AWS::EC2::Instance": [{"InstanceId": name, "$tags": found} for name, found in tags.items()],
    }


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the snapshots that the documentation speaks of."""
    monkeypatch.chdir(tmp_path)
    write_snapshot(tmp_path / "snapshots", estate("Disabled", "Enabled"), BEFORE)
    write_snapshot(tmp_path / "snapshots", estate("Enabled", "PendingDeletion"), AFTER)
    write_snapshot(tmp_path / "demo/snapshots", demo(payments=True), BEFORE)
    write_snapshot(tmp_path / "demo/snapshots", demo(payments=False), AFTER)
    for day in (1, 2, 3):
        write_snapshot(tmp_path / "acme", acme(day), BEFORE.replace(day=day))
    return tmp_path


def save(block: Block) -> None:
    name = block.file or (f"{yaml.safe_load(block.text)['id']}.yaml" if block.kind == "yaml" else None)
    if name:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(block.text)


@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if "```console" in text])
def test_console_blocks_show_what_comes_out(page, workplace, run):
    code = 0
    for block in blocks(PAGES[page]):
        if block.kind in ("yaml", "json"):
            save(block)
        for command, shown in commands(block) if block.kind == "console" else ():
            if command == "echo $?":
                actual = f"{code}\n"
            else:
                program, *arguments = shlex.split(command)
                assert program == "stillframe", f"{command}: not run; mark its block as sh"
                result = run(*arguments)
                code, actual = result.code, result.out + result.err
            # A manifest has the catalogue's digest, so that its own is another with each type.
            actual = re.sub(r"^[0-9a-f]{64}(?=  .*manifest\.json$)", DIGEST, actual, flags=re.MULTILINE)
            assert re.sub(r" +$", "", actual, flags=re.MULTILINE) == shown, f"{page}: {command}"


def test_there_are_console_blocks_where_people_begin():
    assert README.count("```console") == 2
    assert QUICKSTART.count("```console") == 4


@pytest.mark.parametrize(("page", "text"), [(page, text) for page in WRITTEN for text in policies(PAGES[page])])
def test_each_policy_loads_and_its_tests_pass(page, text, tmp_path):
    (tmp_path / "policy.yaml").write_text(text)
    found = load_policies([tmp_path / "policy.yaml"], shipped=False)
    assert len(found) == (text.count("\n  - id:") or 1)
    outcomes = [outcome for policy in found for outcome in run_tests(policy)]
    assert [(outcome.name, outcome.faults) for outcome in outcomes if outcome.faults] == []
    assert any(policy.tests for policy in found) == bool(outcomes)


def test_the_recipes_are_sound_and_are_listed(run):
    folder = ROOT / "docs/recipes"
    assert run("policy", "lint", "-p", folder).err.endswith(": 0 errors, 0 warnings\n")
    assert run("policy", "test", "-p", folder, "--coverage").code == 0
    listed = {
        row[0]: names(row[1])
        for row in rows(section(PAGES["docs/recipes.md"], "Policies to copy"))
        if ".yaml" in row[0]
    }
    kept = {path.name: [each.id for each in load_policies([path], shipped=False)] for path in folder.iterdir()}
    assert {name: sorted(ids) for name, ids in kept.items()} == {
        name.partition("]")[0].strip("["): sorted(ids) for name, ids in listed.items()
    }


def test_the_first_policy_is_short_and_a_page_of_policies_has_tests():
    assert len(policies(README)) == 1
    assert len(policies(README)[0].splitlines()) <= 10
    assert sum("tests:" in text for text in policies(POLICIES)) >= 4


def test_findings_are_as_shown(workplace):
    shown, gap, causes = (json.loads(block.text) for block in blocks(FINDINGS) if block.kind == "json")
    (workplace / "policy.yaml").write_text(policies(README)[0])
    (policy,) = load_policies([workplace / "policy.yaml"], shipped=False)
    found = [finding_record(finding) for finding in evaluate(open_snapshot(workplace / "snapshots"), [policy])]
    assert shown in found
    denied = fixture(
        {"AWS::EC2::VPC": {"$missing": "UnauthorizedOperation: ec2:DescribeVpcs"}, "AWS::EC2::FlowLog": []}
    )
    assert [gap] == [finding_record(finding) for finding in evaluate(denied, shipped("vpc-flow-logs"))]
    for record in (shown, gap):
        assert list(record) == list(FIELDS)
    pictures = [open_snapshot(path) for path in sorted((workplace / "snapshots").glob("2*"))]
    assert causes in [why_record(each.why) for each in compared(*pictures, [policy])]


def test_the_fingerprint_is_made_as_shown(workplace):
    (code,) = (block.text for block in blocks(FINDINGS) if block.kind == "python")
    scope: dict[str, object] = {}
    exec(code, scope)
    for finding in evaluate(open_snapshot(workplace / "snapshots"), nine()):
        record = finding_record(finding)
        assert scope["fingerprint"](record) == record["fingerprint"]


def test_what_programs_do_is_done_as_shown(aws_url, tmp_path, monkeypatch, capsys):
    """Against the stand-in: a profile that has its address, as people have for a stand-in of their own."""
    (tmp_path / "config").write_text(f"[profile audit]\nregion = eu-west-1\nendpoint_url = {aws_url}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    (tmp_path / "credentials").write_text("[audit]\naws_access_key_id = x\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.chdir(tmp_path)
    collecting, reading = (block.text for block in blocks(FLEETS) if block.kind == "python")
    exec(collecting, {})
    (snapshot,) = Path("archive").glob("2*")
    assert capsys.readouterr().out.startswith(f"archive/{snapshot.name} ")
    exec(reading.replace("111122223333", next(snapshot.glob("[0-9]*")).name), {})
    assert re.fullmatch(r"eu-west-1 vpc-\w+ 172.31.0.0/16\n", capsys.readouterr().out)


def test_the_commands_for_fleets_are_understood(aws_url, tmp_path, monkeypatch, run):
    """They begin, at least: of an organisation that has one account, whose role nobody can enter."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_url)
    boto3.client("organizations", region_name="us-east-1").create_organization(FeatureSet="ALL")
    shown = [
        line.partition(" #")[0] for block in blocks(FLEETS) if block.kind == "sh" for line in block.text.splitlines()
    ]
    ours = [shlex.split(line)[1:] for line in shown if line.startswith("stillframe")]
    assert [words[0] for words in ours] == ["collect", "collect", "collect", "collect", "snapshot"]
    for words in ours:
        less = ["--types", "AWS::EC2::VPC"] if words[0] == "collect" and "--types" not in words else []
        done = run(*words, *less)
        assert done.code == 0, (words, done.err)


EXAMPLES = rows(FUNCTIONS_PAGE)


@together("row", EXAMPLES)
def test_each_function_gives_what_its_example_says(row):
    _, example, gives = row
    found = interpret.evaluate(parse(plain(example)), {}, {"snapshot_time": TIME})
    assert found == json.loads(plain(gives))


TRUTHS = rows(section(POLICIES, "How unknown flows"))


@pytest.mark.parametrize(("a", "b", "both", "either", "negated"), TRUTHS)
def test_unknown_flows_as_the_table_says(a, b, both, either, negated):
    truths = {"true": True, "false": False, "unknown": Unknown.because("denied")}
    at = {"a": truths[a], "b": truths[b]}
    for expression, expected in (("a && b", both), ("a || b", either), ("!a", negated)):
        assert interpret.holds(parse(expression), at, {}) == truths[expected], expression


# --------------------------------------------------------------------------------------------- the lists


def test_the_page_of_functions_is_what_their_table_says():
    assert with_tables(FUNCTIONS_PAGE) == FUNCTIONS_PAGE
    aware = {each.name for each in FUNCTIONS.values() if each.aware}
    assert aware <= set(names(section(POLICIES, "How unknown flows")))


def test_every_key_of_a_policy_is_documented():
    parts = schema_of("schema.json")["$defs"]
    properties = parts["policy"]["properties"]

    def documented(heading: str) -> set[str]:
        return {plain(row[0]) for row in rows(section(POLICIES, heading))}

    assert documented("Keys") == {*properties, "x-…"}
    assert documented("Lookups") == parts["lookup"]["properties"].keys()
    assert documented("Rollups") == properties["rollup"]["properties"].keys()
    assert documented("Tests") == parts["test"]["properties"].keys()
    assert parts["param"]["properties"].keys() <= set(names(section(POLICIES, "Parameters")))
    assert properties["remediation"]["properties"].keys() <= set(names(section(POLICIES, "Keys")))
    per, require = (properties["rollup"]["properties"][key] for key in ("per", "require"))
    words, counts = require["oneOf"]
    assert {*per["anyOf"][0]["enum"], *words["enum"]} <= set(names(section(POLICIES, "Rollups")))
    assert all(f"`{name}: " in section(POLICIES, "Rollups") for name in counts["properties"])
    assert set(parts["lookup"]["properties"]["within"]["enum"]) <= set(names(section(POLICIES, "Lookups")))
    assert set(parts["status"]["enum"]) <= set(names(section(POLICIES, "Tests")))


def test_every_key_of_stillframe_yaml_and_of_a_receipt_is_documented(workplace, run):
    def documented(heading: str) -> list[str]:
        return [plain(row[0]) for row in rows(section(CUSTOMISING, heading).partition("\n### ")[0])]

    parts = config_schema()["$defs"]
    assert documented("The file") == list(config_schema()["properties"])
    assert documented("Settings") == list(parts["setting"]["properties"])
    assert documented("Waivers") == list(parts["waiver"]["properties"])
    run("evaluate", "--receipt", "receipt.json")
    assert documented("Receipts") == list(json.loads(Path("receipt.json").read_text()))


def test_every_key_of_a_pack_and_every_status_of_a_control_is_documented():
    page, parts = PAGES["docs/packs.md"], pack_schema()["$defs"]

    def documented(heading: str) -> set[str]:
        return {name for row in rows(section(page, heading)) for name in names(row[0])}

    assert documented("A pack of your own") == pack_schema()["properties"].keys() | parts["control"][
        "properties"
    ].keys() - {
        "number",
        "title",
        "level",
        "severity",
    }
    assert {name.replace(" ", "_") for name in documented("The status of a control")} == set(Outcome)
    assert documented("Attestations") == config_schema()["$defs"]["attestation"]["properties"].keys()
    assert {name for row in rows(page.partition("## ")[0]) for name in names(row[0])} == {
        name.removeprefix("cis-aws-") if name != "cis-aws-1.2.0" else name for name in shipped_packs()
    }


def test_the_reference_of_resource_types_is_what_the_command_prints(run):
    """`stillframe resource list --markdown > docs/reference/resources.md` writes it."""
    assert run("resource", "list", "--markdown").out == RESOURCES


def test_every_permission_is_listed():
    (document,) = (json.loads(block.text) for block in blocks(section(RESOURCES, "Permissions")))
    (statement,) = document["Statement"]
    actions = {call.action for spec in load_catalog().values() for call in spec.calls() if not call.caller}
    assert sorted(statement["Action"]) == statement["Action"]
    assert set(statement["Action"]) == actions - {"sts:GetCallerIdentity"}


def test_every_word_of_the_catalogue_is_documented():
    """What the YAML may say, from the entries themselves: each word is used at least once."""
    documents = [yaml.safe_load(path.read_text()) for path in (ROOT / "snapshot/catalog").glob("*.yaml")]
    types = [entry for document in documents for entry in document["resources"].values()]
    calls = [call for entry in types for call in (entry["list"], *entry.get("attach", {}).values())]
    page = PAGES["docs/catalogue.md"]
    assert {plain(row[0]) for row in rows(section(page, "Words of a type"))} == {word for one in types for word in one}
    words = {word for call in calls for word in call} - {"items"}
    assert {plain(row[0]) for row in rows(section(page, "Words of a call"))} == words


def test_every_exit_code_is_documented():
    page = PAGES["docs/exit-codes.md"]
    codes = {name: code for name, code in vars(exit_codes).items() if name.isupper()}
    before, _, by_command = page.partition("## By command")
    assert {plain(row[1]): int(row[0]) for row in rows(before)} == codes
    assert {plain(row[0]) for row in rows(by_command)} == {" ".join(path) for path in COMMAND_LINE if path}


def test_every_field_and_word_of_a_finding_is_documented():
    assert [plain(row[0]) for row in rows(section(FINDINGS, "Fields"))] == list(FIELDS)
    assert {plain(row[0]) for row in rows(section(FINDINGS, "Statuses"))} == set(Status)
    assert set(Severity) <= set(names(section(FINDINGS, "Fields")))
    documented = [plain(row[0]) for row in rows(section(FINDINGS, "Differences"))]
    extra = len(DIFFERENCE_FIELDS) - len(FIELDS)
    assert documented[:extra] == list(DIFFERENCE_FIELDS[:extra])
    assert documented[extra:] == list(Change)
    causes = [plain(row[0]) for row in rows(section(FINDINGS, "Causes"))]
    assert sorted(causes) == sorted([*Cause, "of", "path", "before`, `after"])


def test_every_field_of_a_snapshot_is_documented():
    def documented(heading: str) -> list[str]:
        return [plain(row[0]) for row in rows(section(FORMAT, heading))]

    account = schema("account")["properties"]
    entry = account["types"]["additionalProperties"]["properties"]
    manifest = schema("manifest")["properties"]
    carried = manifest["types"]["additionalProperties"]["properties"]
    assert documented("`manifest.json`") == [*manifest, *carried]
    assert documented("`ACCOUNT/account.json`") == [*account, *entry]
    assert documented("`ACCOUNT/TYPE.jsonl`") == list(schema("resource")["properties"])


ARCHITECTURE = PAGES["docs/architecture.md"]


def test_the_map_names_what_is_there():
    """Names in parentheses after a path are of that module."""
    assert len(ARCHITECTURE.splitlines()) <= 250
    paths = {name for name in names(ARCHITECTURE) if re.fullmatch(r"[\w.-]+\.py|[\w./-]*/[\w./-]*", name)}
    assert {name for name in paths if not (ROOT / name).exists()} == set()
    for path, inside in re.findall(r"`([\w/]+\.py)` \(([^)]*)\)", ARCHITECTURE):
        tree_ = ast.parse((ROOT / path).read_text())
        defined = {getattr(node, "name", "") for node in ast.walk(tree_)}
        defined |= {node.id for node in ast.walk(tree_) if isinstance(node, ast.Name)}
        assert set(names(inside)) <= defined, path
    for row in rows(section(ARCHITECTURE, "Where to look")):
        assert 1 <= len([name for name in names(row[1]) if name in paths]) <= 3, row[0]


def test_every_room_is_on_a_floor():
    floors = [name for row in rows(section(ARCHITECTURE, "Floors")) for name in names(row[0])]
    there = {f"{path.relative_to(ROOT)}/" for path in ROOT.glob("engine/*/")} - {"engine/__pycache__/"}
    there |= {str(path.relative_to(ROOT)) for path in ROOT.glob("engine/*.py")} - {"engine/__init__.py"}
    there |= {f"{path.relative_to(ROOT)}/" for path in ROOT.glob("snapshot/*/") if (path / "__init__.py").exists()}
    assert sorted(floors) == sorted({*there, "cli.py", "snapshot/"})


def test_every_format_is_documented_with_its_ending():
    documented = [tuple(map(plain, row[:2])) for row in rows(PAGES["docs/reports.md"].partition("\n## ")[0])]
    assert sorted(documented) == sorted((form.ending or "", name) for name, form in FORMATS.items())


def test_the_policies_that_ship_are_in_the_readme():
    documented = [tuple(map(plain, row)) for row in rows(section(README, "The nine policies"))]
    assert documented == [(policy.id, COUNTS[policy.population()], policy.severity.value) for policy in nine()]


def test_the_changelog_knows_this_version():
    assert stillframe.__version__ in PAGES["CHANGELOG.md"]


# ------------------------------------------------------------------------------------- the command line


COMMAND_LINE = dict(commands_page.tree(typer.main.get_command(app_for())))


def options(command) -> set[str]:
    return {name for param in command.params for name in (*param.opts, *param.secondary_opts) if name.startswith("-")}


def test_the_page_of_commands_is_what_they_say():
    """`python tests/commands_page.py > docs/reference/commands.md` writes it."""
    assert "\n".join(commands_page.page()) == COMMANDS


def invocations(text: str) -> Iterator[list[str]]:
    """Each call of stillframe in a shell block."""
    for line in text.splitlines():
        words: list[str] = []
        for word in [*shlex.split(line, comments=True), "&&"]:
            if word in ("&&", "||", "|", ">", ";"):
                if words and words[0].endswith("stillframe"):
                    yield words[1:]
                words = []
            else:
                words.append(word)


@together("page", WRITTEN)
def test_commands_that_are_not_run_exist(page):
    for block in blocks(PAGES[page]):
        for words in invocations(block.text) if block.kind == "sh" else ():
            path = next(tuple(words[:size]) for size in (2, 1, 0) if tuple(words[:size]) in COMMAND_LINE)
            assert path, words
            assert {word for word in words if word.startswith("-") and word != "-"} <= options(COMMAND_LINE[path]), (
                words
            )


@together("page", WRITTEN)
def test_make_targets_exist(page):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = [block.text for block in blocks(PAGES[page]) if block.kind == "sh"] + names(PAGES[page])
    assert {name for text in code for name in re.findall(r"^make ([a-z]+)", text, re.MULTILINE)} <= targets


# ------------------------------------------------------------------------------------------- the pages


def anchors(page: str) -> set[str]:
    prose = re.sub(r"^ *```.*?^ *```$", "", page, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)">', page))


def broken_links(page: str) -> Iterator[str]:
    prose = re.sub(r"^ *```.*?^ *```$", "", PAGES[page], flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)]+)\)", prose):
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        path = os.path.normpath(Path(page).parent / target) if target else page
        if not (ROOT / path).exists() or (anchor and anchor not in anchors(PAGES[path])):
            yield f"{page}: {link}"


@together("page", WRITTEN)
def test_links_lead_somewhere(page):
    assert list(broken_links(page)) == []


def test_pages_that_are_made_lead_somewhere_and_can_be_reached():
    made = PAGES.keys() - set(WRITTEN)
    assert [link for page in made for link in broken_links(page)] == []
    assert made <= reached_pages()


@cache
def reached_pages() -> frozenset[str]:
    reached: set[str] = set()
    queue = ["README.md"]
    while queue:
        current = queue.pop()
        if current in reached or current not in PAGES:
            continue
        reached.add(current)
        links = re.findall(r"\]\(([^)#]+\.md)", PAGES[current])
        queue += [os.path.normpath(Path(current).parent / link) for link in links]
    return frozenset(reached)


@together("page", WRITTEN)
def test_every_page_can_be_reached_from_the_readme(page):
    assert page in reached_pages()


def test_the_site_has_each_page_once_in_its_navigation():
    """`make site` builds it, and fails on links and anchors that lead nowhere."""
    site = runpy.run_path(str(ROOT / "docs/site.py"))

    def leaves(entries) -> list[str]:
        found = (value for entry in entries for value in (entry.values() if isinstance(entry, dict) else [entry]))
        return [leaf for value in found for leaf in (leaves(value) if isinstance(value, list) else [value])]

    assert sorted(leaves(site["navigation"]())) == sorted(PAGES)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_each_record_has_its_four_parts_and_fits_a_page(record):
    text = record.read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Status", "Context", "Decision", "Consequences"]
    assert text.startswith(f"# {record.name[:4]}: ")
    assert len(text.splitlines()) <= 40


def test_the_index_of_records_is_complete():
    shown = [(row[0], row[1]) for row in rows(PAGES["docs/adr/README.md"])]
    expected = []
    for record in RECORDS:
        text = record.read_text()
        title, status = text.splitlines()[0].removeprefix("# "), section(text, "Status").strip().splitlines()[0]
        expected.append((f"[{title}]({record.name})", status))
    assert shown == expected


def test_the_pages_of_policies_and_packs_are_what_the_command_writes(run, tmp_path):
    """`stillframe policy docs` writes them; the page of a policy that is no more is to be removed."""
    run("policy", "docs", "--into", tmp_path)
    for kind in ("policies.md", "policies/*.md", "packs/*.md"):
        made, kept = (
            {path.name: path.read_text() for path in folder.glob(kind)}
            for folder in (tmp_path, ROOT / "docs/reference")
        )
        assert made.keys() == kept.keys()
        assert [name for name in made if made[name] != kept[name]] == []


# --------------------------------------------------------------------------------------------- the words

WORDS = {
    "evaluate": r"judg(e|es|ed|ing|ement|ements)",
    "fail, failure": r"violat(e|es|ed|ion|ions)",
    "unknown": r"not known",
    "fix": r"mend(s|ed|ing|able)?",
    "account, organisation": r"estates?",
    "snapshot": r"pictures?",
}
FORBIDDEN = re.compile(rf"\b({'|'.join(WORDS.values())})\b", re.IGNORECASE)
SAID = {  # where the word is somebody else's, or is spoken of
    "docs/adr/0013-the-engine-has-floors.md",  # says what the words were
    "docs/reference/resources.md",  # AWS's own names
}


def forbidden(text: str) -> list[str]:
    """The words that have another for the same thing: of prose, so without what stands in code."""
    prose = re.sub(r"`+[^`\n]*`+|\]\([^)]*\)|\S+/\S+", "", text)
    return [found[0] for found in FORBIDDEN.finditer(prose)]


@together("page", sorted(PAGES.keys() - SAID))
def test_pages_say_one_word_for_one_thing(page):
    assert forbidden(PAGES[page]) == []


def test_help_says_one_word_for_one_thing():
    for path, command in COMMAND_LINE.items():
        said = [command.help or "", *(getattr(param, "help", None) or "" for param in command.params)]
        assert forbidden(" ".join(said)) == [], path


def spoken(path: Path) -> Iterator[str]:
    """The texts of a module that are shown: what is no docstring, and more than one word."""
    tree = ast.parse(path.read_text())
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield from [node.value] if " " in node.value.strip() else []


def test_messages_and_the_html_page_say_one_word_for_one_thing():
    for path in [*ROOT.glob("engine/**/*.py"), *ROOT.glob("snapshot/**/*.py"), ROOT / "cli.py"]:
        assert [text for text in spoken(path) if forbidden(text)] == [], path
    for path in ROOT.glob("engine/reports/web/*.*"):
        texts = re.findall(r"'[^'\n]*'|`[^`]*`|>[^<\n]+<", path.read_text().replace("'violations'", ""))  # a field
        assert [text for text in texts if FORBIDDEN.search(re.sub(r"\$\{[^}]*\}", "", text))] == [], path
    for path in [*ROOT.glob("policies/**/*.yaml"), *ROOT.glob("policies/*.json")]:
        assert [line for line in path.read_text().splitlines() if forbidden(line)] == [], path
