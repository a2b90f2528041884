"""Answers that were recorded: what is kept of them, what is made of them, and what is wrong with files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as some
from stillframe.snapshot import list_snapshots, open_snapshot
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.collector.reading import kept_of
from stillframe.snapshot.collector.record import _hide, presentable
from stillframe.snapshot.collector.recorded import import_recorded
from stillframe.snapshot.collector.recording import REDACTED, key_of, model_of, place_of
from stillframe.snapshot.errors import ArgumentError, CollectError, SnapshotError
from stillframe.snapshot.prune import parse_keep, prune
from stillframe.snapshot.verify import verify, verify_archive
from together import together

A = "111122223333"
EAST = "us-east-1"
REGIONS = {"Regions": [{"RegionName": EAST, "OptInStatus": "opt-in-not-required", "Endpoint": "ec2.us-east-1"}]}
VPC = {"VpcId": "vpc-1", "State": "available", "OwnerId": A, "CidrBlock": "10.0.0.0/16", "IsDefault": False}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recording that somebody wrote by hand: regions and a VPC."""
    found = tmp_path / "answers"
    write(found, "recording.json", {"captured_at": "2026-01-01T00:00:00Z"})
    write(found, f"{A}/{EAST}/ec2/describe-regions/AllRegions=true.json", REGIONS)
    write(found, f"{A}/{EAST}/ec2/describe-vpcs.json", {"Vpcs": [VPC]})
    return found


def write(folder: Path, name: str, what: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(what if isinstance(what, str) else json.dumps(what))
    return path


def taken(folder: Path, kinds: tuple[str, ...] = ("AWS::EC2::VPC",)) -> tuple[Any, tuple[str, ...]]:
    archive = folder.parent / "archive"
    shutil.rmtree(archive, ignore_errors=True)
    done = import_recorded(folder, archive, types=kinds)
    assert list(verify(done.collected.path)) == []
    return open_snapshot(done.collected.path).account(A), done.problems


def vpcs(account: Any) -> list[Any]:
    return [(found.id, found.region, found.config["CidrBlock"]) for found in account.read("AWS::EC2::VPC")]


def test_what_somebody_wrote_by_hand_is_imported(folder):
    account, problems = taken(folder)
    assert vpcs(account) == [("vpc-1", EAST, "10.0.0.0/16")]
    assert account.coverage["AWS::EC2::VPC"].read == [EAST]
    assert problems == ()


def test_what_was_not_recorded_is_unknown_and_says_so(folder):
    account, _ = taken(folder, ("AWS::EC2::VPC", "AWS::EC2::FlowLog"))
    assert account.coverage["AWS::EC2::FlowLog"].missing == {EAST: "NotRecorded: ec2:DescribeFlowLogs"}
    (region,) = account.read("AWS::Region")
    assert str(region.config["EbsEncryption"]) == "NotRecorded: ec2:GetEbsEncryptionByDefault"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("ec2/describe-vpcs.json", '{"Vpcs": [{"VpcId": "vp', "is no JSON, or is cut off"),
        ("ec2/describe-vpcs.json", "", "is empty: where AWS answered with nothing, write {}"),
        ("ec2/describe-vpcs.json", "[]", "is no answer: a JSON object"),
        ("ec2/describe-vpcs.json", "[" * 500, "is no JSON, or is cut off"),
        ("ec2/describe-vpcs.json", '{"Vpcs": ' + "[" * 200 + "]" * 200 + "}", "is no answer: a JSON object"),
        ("ec2/describe-vpcs.json", '{"Vpc": []}', "there is no Vpc: did you mean Vpcs?"),
        ("ec2/describe-vpcs.json", '{"Vpcs": [{"VpcIdd": "vpc-1"}]}', "there is no Vpcs[].VpcIdd: did you mean VpcId?"),
        ("ec2/describe-vpcs.json", '{"Vpcs": {}}', "Vpcs is no list"),
        ("ec2/describe-vpcs.json", '{"Vpcs": [{"IsDefault": "false"}]}', "Vpcs[].IsDefault is no boolean"),
        ("ec2/describe-vpcs.json", '{"Vpcs": [], "NextToken": "abc"}', "is cut off, or begins in the middle"),
        ("ec2/describe-vpcs.json", '{"Vpcs": [], "IsTruncated": true}', "is cut off, or begins in the middle"),
        ("ec2/describe-vpcs.json", '{"Vpcs": [], "Marker": "abc"}', "is cut off, or begins in the middle"),
        ("ec2/describe-vpcs.json", '{"Error": {"Message": "what?"}}', "is an error without its Code"),
        ("ec2/describe-vpcs.json", '{"Error": {"Code": "ExpiredToken"}}', "the credentials had expired: ask again"),
        (
            "ec2/describe-vpcs.json",
            "An error occurred (AccessDenied) when calling the ListUsers operation: no",
            "is what ListUsers said",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named_once_and_leaves_unknown_what_it_was_to_tell(folder, name, text, says):
    path = write(folder, f"{A}/{EAST}/{name}", text)
    account, problems = taken(folder)
    (problem,) = problems
    assert problem.startswith(f"{path}: ")
    assert says in problem
    assert account.coverage["AWS::EC2::VPC"].missing == {EAST: "NotRecorded: ec2:DescribeVpcs"}
    assert [found.id for found in account.read("AWS::Region")] == [EAST]  # the rest is kept


def test_a_name_that_is_no_utf8_is_named_and_the_rest_is_kept(folder):
    path = write(folder, os.fsdecode(f"{A}/{EAST}/ec2/describe-vpcs/x=".encode() + b"\xff.json"), "{}")
    account, (problem,) = taken(folder)
    assert vpcs(account) == [("vpc-1", EAST, "10.0.0.0/16")]
    assert problem.startswith(f"{path}: nobody asks for it")


def test_an_error_that_is_said_again_and_again_is_read_once(folder):
    """What ends in no colon took the square of its length: an hour for 4 MB."""
    said = "An error occurred (x) when calling the DescribeVpcs operation"
    write(folder, f"{A}/{EAST}/ec2/describe-vpcs.json", said * 70_000)
    account, (problem,) = taken(folder)
    assert "is no JSON, or is cut off" in problem
    assert account.coverage["AWS::EC2::VPC"].missing == {EAST: "NotRecorded: ec2:DescribeVpcs"}


@pytest.mark.parametrize("halves", [("vpc-\ud800",), ("vpc-\ud800", "vpc-\ud801")])
def test_a_list_with_half_a_character_in_an_id_is_no_list(folder, halves):
    """Two such ids would be written alike."""
    write(folder, f"{A}/{EAST}/ec2/describe-vpcs.json", {"Vpcs": [{**VPC, "VpcId": each} for each in halves]})
    account, _ = taken(folder)
    assert account.coverage["AWS::EC2::VPC"].missing == {EAST: "UnexpectedAnswer: ec2:DescribeVpcs"}


def test_an_account_of_more_regions_than_there_can_be_is_asked_in_none(folder):
    many = [{**REGIONS["Regions"][0], "RegionName": f"us-x-{number}"} for number in range(300)]
    write(folder, f"{A}/{EAST}/ec2/describe-regions/AllRegions=true.json", {"Regions": many})
    with pytest.raises(CollectError, match="no answer there tells of a resource"):
        taken(folder)


def test_facts_that_are_none_are_said_to_be_where_they_are(folder):
    about = {"captured_at": "2026-01-01T00:00:00Z", "facts": {A: {"Tags": {"$missing": 5}}}}
    write(folder, "recording.json", about)
    with pytest.raises(SnapshotError, match=rf"recording\.json: facts of {A}: "):
        taken(folder)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (f"{A}/{EAST}/ec2/desribe-vpcs.json", "there is no operation of ec2 desribe-vpcs: did you mean describe-vpcs?"),
        (f"{A}/{EAST}/ecw/describe-vpcs.json", "there is no service ecw: did you mean"),
        (f"{A}/EU West/ec2/describe-vpcs.json", "EU West is no region"),
        ("12345/us-east-1/ec2/describe-vpcs.json", "12345 is no account: 12 digits"),
        (f"{A}/{EAST}/ec2/describe-vpcs.txt", "its name does not end in .json"),
        ("README.json", "stands where no answer does"),
        (
            f"{A}/{EAST}/ec2/describe-vpcs/DryRun=true.json",
            "nobody asks for it, but for DescribeVpcs without parameters",
        ),
        (f"{A}/eu-west-1/ec2/describe-vpcs.json", "nobody asks for it"),
    ],
)
def test_a_file_of_another_name_is_named(folder, name, says):
    there = folder / A / EAST / "ec2" / "describe-vpcs.json"
    there.unlink()
    path = write(folder, name, {"Vpcs": [VPC]})
    account, problems = taken(folder)
    assert problems[0].startswith(f"{path}: ")
    assert says in problems[0]
    assert len(problems) == 1
    assert not vpcs(account)
    assert account.coverage["AWS::EC2::VPC"].missing == {EAST: "NotRecorded: ec2:DescribeVpcs"}


def test_of_two_files_for_one_call_none_counts(folder):
    write(folder, f"{A}/{EAST}/s3/list-buckets.json", {"Buckets": [{"Name": "logs", "BucketRegion": EAST}]})
    write(folder, f"{A}/{EAST}/s3/get-bucket-policy/Bucket=logs.json", {"Policy": "{}"})
    write(folder, f"{A}/{EAST}/s3/get-bucket-policy/Bucket=lo%67s.json", {"Policy": "[]"})
    account, problems = taken(folder, ("AWS::S3::Bucket",))
    assert [problem for problem in problems if "none of them counts" in problem]
    (bucket,) = account.read("AWS::S3::Bucket")
    assert str(bucket.config["Policy"]) == "NotRecorded: s3:GetBucketPolicy"


def test_answers_that_tell_of_no_resource_are_an_error_and_leave_no_snapshot(folder):
    write(folder, f"{A}/{EAST}/ec2/describe-regions/AllRegions=true.json", "{")
    with pytest.raises(CollectError, match=r"no answer there tells of a resource; .*AllRegions=true.json: is no JSON"):
        taken(folder)
    assert not [*(folder.parent / "archive").glob("*")]


def test_a_link_is_not_followed(folder, tmp_path):
    there = folder / A / EAST / "ec2" / "describe-vpcs.json"
    there.rename(tmp_path / "elsewhere.json")
    there.symlink_to(tmp_path / "elsewhere.json")
    account, problems = taken(folder)
    assert problems == (f"{there}: is a link",)
    assert not vpcs(account)


def test_what_the_aws_command_line_said_of_an_error_is_the_error(folder):
    write(
        folder,
        f"{A}/{EAST}/ec2/describe-vpcs.json",
        "\nAn error occurred (UnauthorizedOperation) when calling the DescribeVpcs operation: No.\n",
    )
    account, problems = taken(folder)
    assert account.coverage["AWS::EC2::VPC"].missing == {EAST: "UnauthorizedOperation: ec2:DescribeVpcs"}
    assert problems == ()


def test_an_error_that_means_not_configured_is_that(folder):
    write(folder, f"{A}/{EAST}/s3/list-buckets.json", {"Buckets": [{"Name": "logs", "BucketRegion": EAST}]})
    said = {"Error": {"Code": "NoSuchBucketPolicy", "Message": "The bucket policy does not exist"}}
    write(folder, f"{A}/{EAST}/s3/get-bucket-policy/Bucket=logs.json", said)
    account, _ = taken(folder, ("AWS::S3::Bucket",))
    (bucket,) = account.read("AWS::S3::Bucket")
    assert bucket.config["Policy"] is None
    assert str(bucket.config["Encryption"]) == "NotRecorded: s3:GetEncryptionConfiguration"


def test_a_recording_says_when_or_it_is_said(folder, tmp_path, run):
    (folder / "recording.json").unlink()
    with pytest.raises(ArgumentError, match="nothing says of when"):
        taken(folder)
    done = run("import", "recorded", folder, "--as-of", "2026-03-01T00:00:00Z", "--into", tmp_path / "past")
    assert done.code == 0
    assert (tmp_path / "past" / "2026-03-01T00-00-00Z").is_dir()


def test_the_same_answers_make_one_snapshot_and_others_one_of_a_later_second(folder, tmp_path, place, run):
    for into in (tmp_path / "past", place):

        def took(into=into) -> tuple[str, bool]:
            done = import_recorded(folder, into, types=["AWS::EC2::VPC"])
            return done.collected.path.name, done.written

        write(folder, f"{A}/{EAST}/ec2/describe-vpcs.json", {"Vpcs": [VPC]})
        assert [took(), took()] == [("2026-01-01T00-00-00Z", True), ("2026-01-01T00-00-00Z", False)]
        write(folder, f"{A}/{EAST}/ec2/describe-vpcs.json", {"Vpcs": []})
        assert [took(), took()] == [("2026-01-01T00-00-01Z", True), ("2026-01-01T00-00-01Z", False)]
        write(folder, f"{A}/{EAST}/ec2/describe-vpcs.json", {"Vpcs": [VPC]})
        prune(into, parse_keep("1"))
        assert took() == ("2026-01-01T00-00-00Z", False)
        assert [entry.id for entry in list_snapshots(into)] == ["2026-01-01T00-00-01Z"]
        assert [*verify_archive(into)] == []
    again = run("import", "recorded", folder, "--types", "AWS::EC2::VPC", "--into", tmp_path / "past")
    assert (again.code, "2026-01-01T00-00-00Z was there, and is pruned" in again.err) == (0, True), again.err
    write(folder, f"{A}/{EAST}/ec2/describe-vpcs.json", {"Vpcs": []})
    again = run("import", "recorded", folder, "--types", "AWS::EC2::VPC", "--into", tmp_path / "past")
    assert (again.code, "2026-01-01T00-00-01Z is there already" in again.err) == (0, True), again.err


@pytest.mark.parametrize(
    "said",
    [
        {"captured_at": "yesterday"},
        {"captured_at": "2026-13-01T00:00:00Z"},
        {"captured_at": "2026-01-01T00:00:00Z", "facts": {A: 5}},
        {"captured_at": "2026-01-01T00:00:00Z", "facts": {A: [1]}},
    ],
)
def test_what_a_recording_says_of_itself_is_held_to_its_form(folder, said):
    write(folder, "recording.json", said)
    with pytest.raises(SnapshotError, match=r"recording\.json") as caught:
        taken(folder)
    assert caught.value.help
    assert not list(folder.glob("../*/2*"))


def test_a_folder_without_answers_is_an_error_and_leaves_no_snapshot(tmp_path):
    write(tmp_path / "none", "notes.txt", "")
    with pytest.raises(CollectError, match=r"no recorded answer there; .*notes.txt"):
        import_recorded(tmp_path / "none", tmp_path / "archive")
    assert not (tmp_path / "archive").exists()


def test_a_script_records_what_is_lacking(folder, tmp_path, run, monkeypatch):
    """With a program in the place of `aws` that knows one answer to all that is asked, and says so."""
    script, programs = tmp_path / "lacking.sh", tmp_path / "programs"
    taking = ("import", "recorded", folder, "--types", "AWS::EC2::VPC,AWS::KMS::Key", "--into", tmp_path / "archive")
    assert "NotRecorded: kms:ListKeys" in run(*taking, "--script", script).err
    programs.mkdir()
    (programs / "aws").write_text(
        f"#!{sys.executable}\nprint('An error occurred (AccessDenied) when calling the '\n"
        "    + ''.join(map(str.title, __import__('sys').argv[2].split('-'))) + ' operation: no')\n"
    )
    (programs / "aws").chmod(0o755)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}"}
    subprocess.run(["sh", script], cwd=folder, env=environment, check=True)
    again = run(*taking, "--script", script)
    assert "AccessDenied: kms:ListKeys" in again.err
    assert "NotRecorded: kms:ListKeys" not in again.err


# ------------------------------------------------------------------------------------------------- what is recorded


def test_names_of_files_tell_parameters_apart_and_are_names():
    names = some.dictionaries(some.sampled_from(["Name", "Arn"]), some.text() | some.integers() | some.booleans())

    @given(names, names)
    def check(one, other):
        place = place_of(A, EAST, "s3", "GetBucketPolicy", one)
        name = place.rpartition("/")[2]
        assert place.count("/") <= 4
        assert len(name.encode()) < 256
        assert not set(name) & set('\\/:*?"<>|\0')
        if texts(one) != texts(other):
            assert place != place_of(A, EAST, "s3", "GetBucketPolicy", other)
            assert key_of(A, EAST, "s3", "", one) != key_of(A, EAST, "s3", "", other)

    check()


def texts(parameters: dict[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in parameters.items()}


def call(kind: str, name: str) -> Any:
    spec = load_catalog()[kind]
    return spec.attach[name] if name else spec.list


SECRET = "hunter2hunter2"


@pytest.mark.parametrize(
    ("kind", "name", "answer"),
    [
        (
            "AWS::Lambda::Function",
            "",
            {"Functions": [{"FunctionName": "f", "Environment": {"Variables": {"K": SECRET}}}]},
        ),
        (
            "AWS::ECS::TaskDefinition",
            "Definition",
            {"taskDefinition": {"containerDefinitions": [{"environment": [{"name": "N", "value": SECRET}]}]}},
        ),
        ("AWS::CodeBuild::Project", "", {"projects": ["p"], "nextToken": SECRET}),
        (
            "AWS::IAM::VirtualMFADevice",
            "",
            {"VirtualMFADevices": [{"QRCodePNG": SECRET.encode()}]},
        ),
        ("AWS::SNS::Topic", "Subscriptions", {"Subscriptions": [{"Endpoint": SECRET, "Protocol": "https"}]}),
    ],
)
def test_no_secret_is_recorded(kind, name, answer):
    written = json.dumps(presentable(call(kind, name), answer), default=str)
    assert SECRET not in written
    assert written != "{}"


@pytest.mark.parametrize("path", [(), ("[]",), ("a",), ("*",), ("b", "[]", "c")])
def test_wherever_a_secret_is_it_is_replaced(path):
    answer = {"a": SECRET, "b": [{"c": SECRET}], "d": {"a": SECRET, "b": [{"c": SECRET}]}, "e": 1}
    found = json.dumps(_hide(answer, path))
    hidden = {(): 4, ("[]",): 4, ("a",): 2, ("b", "[]", "c"): 2}
    assert found.count(REDACTED) == hidden.get(path, found.count(REDACTED))
    assert path not in ((), ("[]",), ("*",)) or SECRET not in found


def test_of_projects_the_secrets_that_are_not_read_are_not_recorded():
    attached = next(
        each
        for each in load_catalog()["AWS::CodeBuild::Project"].attach.values()
        if each.operation == "BatchGetProjects"
    )
    project = {
        "arn": "arn:aws:codebuild:us-east-1:111122223333:project/p",
        "environment": {"environmentVariables": [{"name": "PASSWORD", "type": "PLAINTEXT", "value": SECRET}]},
        "source": {"type": "GITHUB", "location": "https://github.com/o/r", "auth": {"resource": SECRET}},
    }
    found = presentable(attached, {"projects": [project]})
    assert SECRET not in json.dumps(found)
    assert jmespath.search(attached.result, found) == jmespath.search(attached.result, {"projects": [project]})


@together("kind", load_catalog())
def test_an_expression_gives_the_same_of_what_is_kept(kind):
    """Of answers that are made up by AWS's models, all lists of two items."""
    for call in load_catalog()[kind].calls():
        shape = model_of(call.service).operation_model(call.operation).output_shape
        answer = made_up(shape, call.operation)
        for expression in filter(None, (call.result, call.until)):
            whole, kept = (jmespath.search(expression, each) for each in (answer, kept_of(answer, [expression])))
            assert whole == kept, expression


def made_up(shape: Any, name: str, above: tuple[str, ...] = (), number: int = 0) -> Any:
    match shape.type_name:
        case "structure":
            inside = (*above, shape.name)
            return {
                key: made_up(each, key, inside, number)
                for key, each in shape.members.items()
                if each.name not in inside
            }
        case "list":
            return [made_up(shape.member, name, above, at) for at in range(2)] if shape.member.name not in above else []
        case "map":
            return {f"key{number}": made_up(shape.value, name, above, number)}
        case "string":
            return shape.enum[number % len(shape.enum)] if shape.enum else f"{name}{number}"
        case "boolean":
            return bool(number)
        case "blob":
            return b"text"
        case _:
            return number


EXPRESSIONS = (
    *(
        "a",
        "a.b",
        "a[0]",
        "a[-1]",
        "a[1:2]",
        "a[]",
        "a[].b",
        "a[*].b[]",
        "a[?b == `1`].c",
        "a.*.b",
        "{X: a, Y: b}",
        "[a, b][]",
    ),
    *(
        "a || b",
        "a && b",
        "!a",
        "length(a)",
        "a | [0]",
        "sort_by(a, &b)[0].c",
        "keys(@)",
        "a[?contains(b, 'x')] | [0].c",
        "@",
    ),
    *("{X: a.b}.X", "a[].{B: b, C: c}", "not_null(a, b)", "a[?!(b)].c", "[a, b]"),
)
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers(0, 2) | some.sampled_from(["x", "y", ""]),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(some.dictionaries(some.sampled_from("abc"), VALUES), some.sampled_from(EXPRESSIONS))
def test_whatever_an_expression_reads_is_kept(answer, expression):
    try:
        whole = jmespath.search(expression, answer)
    except jmespath.exceptions.JMESPathError:
        return
    assert jmespath.search(expression, kept_of(answer, [expression])) == whole


# ------------------------------------------------------------------------------------------ recorded, then imported


def test_an_organisation_is_recorded_and_imported_without_credentials(aws_url, run, tmp_path, monkeypatch):
    organizations = boto3.client("organizations", endpoint_url=aws_url)
    organizations.create_organization(FeatureSet="ALL")
    organizations.create_account(AccountName="payments", Email="payments@example.com")
    scope = ("--org", "--regions", EAST, "--types", "AWS::EC2::VPC,AWS::KMS::Key", "--endpoint-url", aws_url)
    answers, live = tmp_path / "answers", tmp_path / "live"
    assert run("collect", *scope, "--record", answers, "--into", live).code == 0
    again = run("collect", *scope, "--record", answers, "--into", live)
    assert (again.code, "there is something in it" in again.err) == (3, True)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    done = run("import", "recorded", answers, "--into", tmp_path / "imported")
    assert done.code == 0
    assert "not used" not in done.err
    ((first,), (second,)) = ([*archive.glob("2*")] for archive in (live, tmp_path / "imported"))
    files = [path.relative_to(first) for path in first.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert len(files) > 6
    assert [path for path in files if (first / path).read_bytes() != (second / path).read_bytes()] == []
    one, other = (json.loads((path / "manifest.json").read_bytes()) for path in (first, second))
    assert one["accounts"] == other["accounts"]
    assert one["captured_at"] == other["captured_at"]
    assert other["scope"]["source"] == "recorded"
    assert "DEMO" not in "".join(path.read_text() for path in answers.rglob("*.json"))
