"""A resource type of one's own, by YAML alone: from its file to findings in an archive that has the file no more."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
import yaml
from stillframe.engine.execution import judge
from stillframe.snapshot import SnapshotError, open_snapshot, own_types
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.layout import MANIFEST
from stillframe.snapshot.names import CARRIED
from stillframe.snapshot.verify import verify

CHANNEL = "AWS::IVS::Channel"
ENTRY = """\
service: ivs
resources:
  AWS::IVS::Channel:
    list: {call: ListChannels, items: channels, page_size: 50}
    id: arn
    name: name
    tags: tags
    attach:
      Channel: {call: GetChannel, with: {arn: arn}, result: channel}
    always: [arn, authorized, Channel.insecureIngest]
    redact: [Channel.srt.passphrase]
"""
POLICY = """\
id: channel-authorized
title: Playback of the channel is authorized
severity: high
resource: AWS::IVS::Channel
lookup: {mates: {from: AWS::IVS::Channel, match: {Channel.type: type}, within: snapshot}}
assert: authorized && !(Channel.insecureIngest) && length($mates) > `0`
message: Anybody may watch {{ name }}
"""
CONFIG = "catalogue: [types]\npolicies: [policies]\nshipped: false\n"
# An extension of a type that ships.
TRAIL = """\
service: cloudtrail
resources:
  AWS::CloudTrail::Trail:
    attach: {Details: {call: GetTrail, with: {Name: TrailARN}, result: Trail}}
    always: [Details.IsMultiRegionTrail]
"""


@pytest.fixture(autouse=True)
def nothing_stays_in_use():
    yield
    own_types.use({})


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for folder in ("types", "policies"):
        Path(folder).mkdir()
    Path("types/ivs.yaml").write_text(ENTRY)
    Path("policies/channel.yaml").write_text(POLICY)
    Path("stillframe.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def collected(place, once, request, run):
    """Two snapshots of a stand-in: of three channels, and when one of them is authorized."""

    def make(folder: Path) -> Path:
        take(request.getfixturevalue("aws_url"), run)
        return Path(shutil.move("snapshots", folder))

    shutil.copytree(once("own-types", make), "snapshots")
    return sorted(Path("snapshots").glob("2*"))


def take(url: str, run) -> None:
    ivs = boto3.client("ivs", endpoint_url=url, region_name="us-east-1")
    arns = [
        ivs.create_channel(name=name, authorized=name == "good", type="STANDARD", tags={"team": "web"})["channel"][
            "arn"
        ]
        for name in ("good", "bad", "worse")
    ]
    arguments = ("collect", "--endpoint-url", url, "--types", CHANNEL)
    result = run(*arguments)
    assert result.code == 0, result.err
    ivs.update_channel(arn=arns[1], authorized=True)
    result = run(*arguments)
    assert result.code == 0, result.err


def findings(run, *arguments: object) -> dict[str, str]:
    result = run("evaluate", *arguments, "-o", "found.jsonl", "--no-cache")
    assert result.code in (0, 1, 4), result.err
    records = [json.loads(line) for line in Path("found.jsonl").read_text().splitlines()]
    return {record["name"] or record["resource"]: record["status"] for record in records}


def test_it_is_collected_judged_and_compared(collected, run):
    first, second = collected
    assert findings(run, first) == {"good": "pass", "bad": "fail", "worse": "fail"}
    assert findings(run, second) == {"good": "pass", "bad": "pass", "worse": "fail"}
    result = run("diff", first, second)
    assert "resolved" in result.out
    assert "authorized false → true" in result.out
    drift = run("drift", first, second)
    assert CHANNEL in drift.out
    assert run("query", second, CHANNEL, "authorized").out.count("true") == 2
    assert list(verify(second)) == []


def test_the_archive_is_judged_without_the_file_to_the_same_bytes_by_every_path(collected, run, tmp_path, monkeypatch):
    """In a folder and a process without a catalogue: by one worker, by several, and by the interpreter."""
    _, second = collected
    run("evaluate", second, "-o", "with.jsonl", "--no-cache")
    expected = Path("with.jsonl").read_bytes()
    bare = tmp_path / "bare"
    shutil.copytree("snapshots", bare / "snapshots")
    shutil.copytree("policies", bare / "policies")
    monkeypatch.chdir(bare)
    monkeypatch.setattr(judge, "_are_few", lambda *_: False)
    command = ["evaluate", "snapshots", "-p", "policies", "-o", "found.jsonl", "--no-cache"]
    for options in ([], ["--exact"]):
        own_types.use({})
        assert run(*command, *options).code == 1
        assert Path("found.jsonl").read_bytes() == expected
        Path("found.jsonl").unlink()
    script = (
        "from stillframe.engine.execution import judge; judge._are_few = lambda *_: False; "
        "from stillframe.cli import main; main()"
    )
    found = subprocess.run([sys.executable, "-c", script, *command, "--workers", "2"], capture_output=True, text=True)
    assert found.returncode == 1, found.stderr
    assert Path("found.jsonl").read_bytes() == expected


def test_what_is_lost_is_unknown_in_an_archive_without_the_file(collected, run):
    """`always`, what is attached, and kinds: as for types that ship, by what the snapshot carries alone."""
    _, second = collected
    (file,) = second.glob("*/AWS-IVS-Channel.jsonl")
    Path("stillframe.yaml").unlink()
    whole = [json.loads(line) for line in file.read_text().splitlines()]
    for harm in (
        lambda config: config.pop("authorized"),
        lambda config: config.pop("Channel"),
        lambda config: config["Channel"].pop("insecureIngest"),
        lambda config: config.update(authorized="false"),
        lambda config: config["Channel"].update(insecureIngest="no"),
    ):
        rows = json.loads(json.dumps(whole))
        for each in rows:
            harm(each["config"])
        rewrite(second, file, rows)
        found = findings(run, second, "-p", "policies")
        assert found["good"] == "unknown", found
        assert "pass" not in found.values()


def rewrite(snapshot: Path, file: Path, rows: list[dict]) -> None:
    """A file of an account with other lines, and the digests that fit."""
    from stillframe.snapshot.format import digest

    def write(path: Path, data: bytes) -> str:
        path.unlink()  # it may be linked to that of another snapshot
        path.write_bytes(data)
        return digest(data)

    lines = b"".join(json.dumps(row, sort_keys=True, separators=(",", ":")).encode() + b"\n" for row in rows)
    account = json.loads((file.parent / "account.json").read_text())
    account["types"][CHANNEL]["sha256"] = write(file, lines)
    manifest = json.loads((snapshot / MANIFEST).read_text())
    manifest["accounts"][account["account"]] = write(file.parent / "account.json", json.dumps(account).encode())
    write(snapshot / MANIFEST, json.dumps(manifest).encode())


def test_a_field_that_a_snapshot_was_collected_without_is_no_null(collected, run):
    """A policy of later, on an archive of before: without the entry an error, with it unknown; never a pass."""
    _, second = collected
    later = POLICY.replace("assert: authorized", 'assert: "!(Stages.x)" #').replace("lookup", "# lookup")
    Path("policies/channel.yaml").write_text(later)
    bare = run("evaluate", second, "-p", "policies", "--untrusted")
    assert bare.code == 2
    assert "reads Stages.x of AWS::IVS::Channel" in bare.err
    Path("types/ivs.yaml").write_text(ENTRY.replace("attach:\n", "attach:\n      Stages: {call: GetChannel}\n"))
    assert set(findings(run, second).values()) == {"unknown"}


def test_a_stranger_s_snapshot_makes_no_call_and_changes_nothing_that_ships(collected, run):
    _, second = collected
    manifest = json.loads((second / MANIFEST).read_text())
    carried = manifest["types"][CHANNEL]
    trail = {"service": "cloudtrail", "iam": "cloudtrail", "kinds": {}, "entry": carried["entry"]}
    manifest["types"]["AWS::CloudTrail::Trail"] = trail
    (second / MANIFEST).write_text(json.dumps(manifest))
    own_types.use({}, open_snapshot(second).types)
    ours = load_catalog()["AWS::CloudTrail::Trail"]
    shipped = load_catalog().shipped("AWS::CloudTrail::Trail")
    assert (ours.list, ours.id, ours.tags) == (shipped.list, shipped.id, shipped.tags)
    assert set(shipped.always) <= set(ours.always)
    assert own_types.carried([CHANNEL]) == {}, "a collector would ask by it"


@pytest.mark.parametrize(
    "harm",
    [
        lambda each: each.update(entry={}),
        lambda each: each["entry"].update(attach={"../x": {"call": "GetChannel"}}),
        lambda each: each["entry"].update(volatile=[5]),
        lambda each: each.update(kinds={"a": 3}),
        lambda each: each.update(kinds={"a": ["s", "s"]}),
        lambda each: each.update(kinds={"a": True}),
        lambda each: each.update(more=1),
        lambda each: each["entry"].update(always=["a." * 2]),
        lambda each: each["entry"].update(name="x" * (2 << 20)),
    ],
)
def test_what_is_no_entry_is_refused(collected, harm):
    path = collected[1] / MANIFEST
    manifest = json.loads(path.read_text())
    harm(manifest["types"][CHANNEL])
    path.write_text(json.dumps(manifest))
    with pytest.raises(SnapshotError):
        open_snapshot(path.parent)


@pytest.mark.parametrize("entry", [{"always": ["Name"]}, {"volatile": ["Name"], "redact": ["Name"], "json": ["Name"]}])
def test_an_entry_that_adds_nothing_to_what_ships_changes_nothing(collected, entry):
    """A snapshot may carry what no file may say."""
    path = collected[1] / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["types"]["AWS::CloudTrail::Trail"] = {"service": "x", "iam": "x", "entry": entry, "kinds": {}}
    path.write_text(json.dumps(manifest))
    own_types.use({}, open_snapshot(path.parent).types)
    catalog = load_catalog()
    assert catalog["AWS::CloudTrail::Trail"] == catalog.shipped("AWS::CloudTrail::Trail")


def test_a_snapshot_carries_no_more_types_than_there_are(collected):
    path = collected[1] / MANIFEST
    manifest = json.loads(path.read_text())
    entry = manifest["types"][CHANNEL]
    manifest["types"] |= {f"X::Y::Z{number}": entry for number in range(CARRIED)}
    path.write_text(json.dumps(manifest))
    with pytest.raises(SnapshotError, match=f"length <= {CARRIED}"):
        open_snapshot(path.parent)


def test_a_type_that_ships_is_added_to(place, aws_url, run):
    boto3.client("s3", endpoint_url=aws_url, region_name="us-east-1").create_bucket(Bucket="logs")
    cloudtrail = boto3.client("cloudtrail", endpoint_url=aws_url, region_name="us-east-1")
    cloudtrail.create_trail(Name="main", S3BucketName="logs", IsMultiRegionTrail=True)
    Path("types/ivs.yaml").write_text(TRAIL)
    Path("policies/channel.yaml").write_text(
        "id: multi\ntitle: t\nseverity: low\nresource: AWS::CloudTrail::Trail\nassert: Details.IsMultiRegionTrail\n"
    )
    arguments = ("--endpoint-url", aws_url, "--types", "AWS::CloudTrail::Trail")
    assert run("collect", *arguments).code == 0
    assert findings(run) == {"main": "pass"}
    shutil.rmtree("types")
    assert findings(run, "-p", "policies", "--untrusted") == {"main": "pass"}


# ------------------------------------------------------------------------------------------------- what is wrong


def fault(run, text: str) -> str:
    Path("types/ivs.yaml").write_text(text)
    result = run("policy", "lint")
    assert result.code == 2, result.out + result.err
    return result.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("service: ivs", "service: ivss", "1:10: boto3 has no service ivss; did you mean ivs?"),
        ("ListChannels", "ListChanels", "4:18: ivs has no call ListChanels; did you mean ListChannels?"),
        ("GetChannel,", "DeleteChannel,", "DeleteChannel may change something"),
        ("items: channels", "items: chanels", "has no field chanels; did you mean channels?"),
        ("items: channels", "items: nextToken", "the items are a list, and AWS sends string here"),
        ("id: arn", "id: arm", "5:9: AWS::IVS::Channel has no field arm; did you mean arn?"),
        ("id: arn", "id: authorized", "the id is text, and AWS sends boolean here"),
        ("tags: tags", "tags: name", "tags are a map"),
        ("with: {arn: arn}", "with: {arm: arn}", "GetChannel takes no arm; did you mean arn?"),
        ("with: {arn: arn}", "with: {arn: arm}", "has no field arm; did you mean arn?"),
        ("with: {arn: arn}, ", "", "GetChannel needs arn"),
        ("result: channel", "result: chanel", "has no field chanel; did you mean channel?"),
        ("authorized, ", "autorized, ", "has no field autorized; did you mean authorized?"),
        ("Channel.insecureIngest", "Channel.insecureIngst", "10:39: Channel has no field insecureIngst"),
        ("[Channel.srt.passphrase]", "[Channel.srt]\n    json: [authorized]", "a JSON document is text"),
        ("[Channel.srt.passphrase]", "[Channel.name]", "AWS's model calls Channel.srt.passphrase a secret"),
        ("    id: arn\n", "", "missing 'id'"),
        ("attach:", "atach:", "unknown key 'atach'; did you mean attach?"),
        ("items: channels", "items: 'channels[?arm]'", "no field arm"),
        ("items: channels", "items: unique(channels)", "the collector has no function unique"),
        ("result: channel", "result: channel, absent: [AccessDenied]", "AccessDenied does not say that there is noth"),
        ("result: channel", "result: channel, absent: [ResourceNotFound]", "did you mean ResourceNotFoundException?"),
        ("page_size: 50", "params: {filter: x}", "ListChannels takes no filter"),
        ("id: arn", f"id: 'arn {'| [@, @] ' * 40}| to_string(@)'", "5:9: too much is made of an answer"),
    ],
)
def test_a_fault_says_where_and_what_was_meant(place, run, old, new, said):
    assert ENTRY.count(old) >= 1
    assert said in fault(run, ENTRY.replace(old, new, 1))


def test_every_field_that_lacks_a_letter_is_caught(place, run):
    """Each name in the entry that AWS's models know, without one letter of it: at its line, and nothing collects."""
    names = ["ListChannels", "channels", "GetChannel", "channel}", "authorized", "insecureIngest", "passphrase", "srt"]
    names += ["arn}", ": name\n", ": tags\n", "id: arn"]
    for name in names:
        at = ENTRY.index(name) + (name.startswith(": ") and 2) + (name.startswith("id: ") and 4)
        for offset, letter in enumerate(name[len(name) - len(name.lstrip(": ")) :].removeprefix("id: ").rstrip("}\n")):
            assert letter == ENTRY[at + offset]
            text = ENTRY[: at + offset] + ENTRY[at + offset + 1 :]
            line = text[:at].count("\n") + 1
            assert f"types/ivs.yaml:{line}:" in fault(run, text), text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TRAIL.replace("    attach", "    id: Name\n    attach"), "AWS::CloudTrail::Trail ships: say only"),
        (TRAIL.replace("Details", "Status"), "AWS::CloudTrail::Trail has a field Status"),
        (TRAIL.replace("Details", "S3BucketName"), "has a field S3BucketName"),
        (TRAIL.replace("[Details.", "[Detail."), "is not attached here; did you mean Details?"),
    ],
)
def test_nothing_takes_the_place_of_what_ships(place, run, text, said):
    assert said in fault(run, text)


def test_two_entries_for_one_type_are_an_error_with_both_places(place, run):
    Path("types/more.yaml").write_text(ENTRY)
    assert "AWS::IVS::Channel is already in types/ivs.yaml:3:3" in fault(run, ENTRY)


# ------------------------------------------------------------------------------------------- drafts, and answers


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("ivs", "ListChannels"),
        ("lexv2-models", "ListBots"),
        ("iotsitewise", "ListPortals"),
        ("location", "ListMaps"),
        ("codeartifact", "ListDomains"),
        ("mediaconvert", "ListQueues"),
        ("resiliencehub", "ListApps"),
        ("iot", "ListThings"),
        ("fis", "ListExperimentTemplates"),
        ("frauddetector", "GetDetectors"),
        ("quicksight", "ListDataSources"),
    ],
)
def test_a_draft_is_an_entry_without_a_fault_that_makes_resources_of_answers(
    tmp_path, monkeypatch, run, service, operation
):
    monkeypatch.chdir(tmp_path)
    drafted = run("resource", "new", service, operation, "-o", "drafted.yaml")
    assert drafted.code == 0, drafted.err
    assert "to complete" not in drafted.err
    (kind,) = yaml.safe_load(Path("drafted.yaml").read_text())["resources"]
    tested = run("resource", "test", kind, "--catalogue", "drafted.yaml")
    assert (tested.code, tested.err) == (0, "1 resource, 0 unknown\n")
    assert json.loads(tested.out)["type"] == kind


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ivz", "ListChannels"], "boto3 has no service ivz; did you mean ivs?"),
        (["ivs", "ListChanels"], "ivs has no call ListChanels; did you mean ListChannels?"),
        (["kms", "ListKeys"], "AWS::KMS::Key ships"),
        (["ivs", "GetChannel"], "the answer of GetChannel has no list"),
    ],
)
def test_what_cannot_be_drafted_is_said(run, arguments, said):
    result = run("resource", "new", *arguments)
    assert result.code == 2
    assert said in result.err


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"ListChannels": {"channels": [{"arn": "a", "authorized": True}]}}, "there is no answer to GetChannel"),
        ({"ListChannels": {}}, "ListChannels lists nothing: UnexpectedAnswer"),
        ({"ListChannels": {"channels": [{"arn": "a"}]}, "GetChannel": {"channel": {}}}, "has no authorized"),
        ({"ListChannels": {"channels": [{}]}, "GetChannel": {"channel": {}}}, "it has no id: arn"),
        ([], "not a mapping of operations"),
    ],
)
def test_answers_that_leave_a_gap_are_told(place, run, answers, said):
    Path("answers.json").write_text(json.dumps(answers))
    result = run("resource", "test", CHANNEL, "--answers", "answers.json")
    assert result.code in (1, 2)
    assert said in result.err


def test_the_page_about_it_shows_what_is_collected_here():
    page = (Path(__file__).parents[3] / "docs/own-types.md").read_text()
    assert ENTRY.replace(", page_size: 50", "") in page
