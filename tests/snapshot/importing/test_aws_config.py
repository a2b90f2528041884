"""Files and answers of AWS Config as they come: whole, broken, late, of several accounts, and of days past."""

from __future__ import annotations

import copy
import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest
from builders import shipped
from config_items import Encoder, deliver, file_name, items, recorder_item, soon
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import list_snapshots, open_snapshot
from stillframe.snapshot.archive import read_manifest
from stillframe.snapshot.collector.anew import begin_anew
from stillframe.snapshot.collector.collect import resume
from stillframe.snapshot.collector.write import AccountData
from stillframe.snapshot.collector.write_objects import begin_without_plan
from stillframe.snapshot.errors import ArgumentError, CollectError
from stillframe.snapshot.importing.aws_config import import_aws_config, import_days
from stillframe.snapshot.importing.moments import moment, moments
from stillframe.snapshot.verify import verify, verify_archive

TIME = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT, REGION = "111122223333", "us-east-1"
HERE = (ACCOUNT, REGION)
VPC = {"VpcId": "vpc-1", "OwnerId": ACCOUNT, "IsDefault": False, "State": "available", "Tags": []}
LOG = {"FlowLogId": "fl-1", "FlowLogStatus": "ACTIVE", "ResourceId": "vpc-1", "TrafficType": "ALL", "Tags": []}
GROUP = {
    "GroupId": "sg-1",
    "GroupName": "web",
    "OwnerId": ACCOUNT,
    "VpcId": "vpc-1",
    "IpPermissions": [
        {
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
            "Ipv6Ranges": [],
            "PrefixListIds": [],
            "UserIdGroupPairs": [],
        }
    ],
    "IpPermissionsEgress": [],
    "Tags": [],
}
GIVEN = {"AWS::EC2::VPC": [VPC], "AWS::EC2::FlowLog": [LOG], "AWS::EC2::SecurityGroup": [GROUP]}


def recorded(given=GIVEN, at=TIME, **how):
    return items(fixture(given), Encoder(**how), at - timedelta(days=1))


def imported(tmp_path, *paths, **how):
    how.setdefault("regions", [REGION])
    done = import_aws_config(paths or [tmp_path], tmp_path / "into", **how)
    assert [*verify(done.path)] == []
    return done


def statuses(path, *policies):
    found = evaluate(open_snapshot(path), shipped(*policies))
    return {(each.policy, each.resource): each.status.value for each in found}


def flow_logs(path):
    return statuses(path, "vpc-flow-logs")


def test_a_file_as_delivered_becomes_a_snapshot_that_can_be_judged(tmp_path):
    deliver(tmp_path, recorded(), TIME)
    done = imported(tmp_path)
    assert done.path.name == "2026-01-01T00-00-00Z"
    assert flow_logs(done.path) == {("vpc-flow-logs", "vpc-1"): "pass"}


def test_the_manifest_says_from_what_and_how_old(tmp_path):
    deliver(tmp_path, recorded(), TIME)
    scope = read_manifest(imported(tmp_path).path).scope
    assert scope["source"] == "aws-config"
    assert scope["accounts"][ACCOUNT][REGION] == {
        "file": file_name(*HERE, TIME),
        "later": 0,
        "latest": "2025-12-31T00:00:00Z",
        "snapshot": "2026-01-01T00:00:00Z",
    }


# ------------------------------------------------------------------------------------- what counts as "none"

NO_LOGS = {**GIVEN, "AWS::EC2::FlowLog": []}


def recorder(**group):
    return recorder_item(*HERE, TIME - timedelta(days=2), **group)


def with_recorder(given, *recorders):
    found = recorded(given)
    found[HERE] = [each for each in found[HERE] if not each["resourceType"].endswith("Recorder")] + [*recorders]
    return found


EXCLUDING = {"AllSupported": False, "RecordingStrategy": {"UseOnly": "EXCLUSION_BY_RESOURCE_TYPES"}}
STOPPED = recorder()
STOPPED["configuration"]["Recording"] = False


@pytest.mark.parametrize(
    ("recorders", "expected"),
    [
        ([recorder()], "fail"),
        ([recorder(AllSupported=False, ResourceTypes=["AWS::EC2::FlowLog", "AWS::EC2::VPC"])], "fail"),
        ([recorder(AllSupported=False, ResourceTypes=["AWS::EC2::VPC"])], "unknown"),
        ([recorder(**EXCLUDING, ExclusionByResourceTypes={"ResourceTypes": ["AWS::EC2::Host"]})], "fail"),
        ([recorder(**EXCLUDING, ExclusionByResourceTypes={"ResourceTypes": ["AWS::EC2::FlowLog"]})], "unknown"),
        ([recorder(**EXCLUDING)], "unknown"),  # what it excludes was lost
        ([{**recorder(), "configuration": {"Name": "default", "Recording": True}}], "unknown"),
        ([], "unknown"),
    ],
)
def test_only_the_recorder_turns_absence_into_none(tmp_path, recorders, expected):
    deliver(tmp_path, with_recorder(NO_LOGS, *recorders), TIME)
    assert flow_logs(imported(tmp_path).path)["vpc-flow-logs", "vpc-1"] == expected


def test_of_a_recorder_that_stopped_nothing_else_is_believed(tmp_path):
    deliver(tmp_path, with_recorder(GIVEN, STOPPED), TIME)
    assert flow_logs(imported(tmp_path).path) == {("vpc-flow-logs", "AWS::EC2::VPC"): "unknown"}


def test_of_recorders_that_stopped_everywhere_nobody_can_say_that_there_is_no_user(tmp_path):
    deliver(tmp_path, with_recorder(GIVEN, STOPPED), TIME)
    found = statuses(imported(tmp_path).path, "iam-support-role", "iam-user-no-direct-policies")
    assert {*found.values()} == {"unknown"}


def test_what_was_found_and_not_recorded_is_not_gone(tmp_path):
    found = recorded()
    log = next(each for each in found[HERE] if each["resourceType"] == "AWS::EC2::FlowLog")
    log |= {"configurationItemStatus": "ResourceNotRecorded", "configuration": None}
    deliver(tmp_path, found, TIME)
    assert flow_logs(imported(tmp_path).path)["vpc-flow-logs", "vpc-1"] == "unknown"


@pytest.mark.parametrize(("region", "at"), [("me-central-1", TIME), (REGION, TIME.replace(year=2019))])
def test_a_type_that_config_may_not_have_known_is_not_absent(tmp_path, region, at):
    given = {kind: [{**row, "$region": region} for row in rows] for kind, rows in NO_LOGS.items()}
    found = {key: rows for key, rows in items(fixture(given), Encoder(), at).items() if key[1] == region}
    deliver(tmp_path, found, at)
    assert flow_logs(imported(tmp_path, regions=[region]).path)["vpc-flow-logs", "vpc-1"] == "unknown"


def test_without_the_regions_it_is_not_known_that_there_are_no_others(tmp_path):
    deliver(tmp_path, recorded(), TIME)
    found = flow_logs(imported(tmp_path, regions=[]).path)
    assert found == {("vpc-flow-logs", "vpc-1"): "pass", ("vpc-flow-logs", "AWS::EC2::VPC"): "unknown"}


def test_a_region_that_was_named_and_has_no_file_is_not_known(tmp_path):
    deliver(tmp_path, recorded(), TIME)
    found = flow_logs(imported(tmp_path, regions=[REGION, "eu-west-1"]).path)
    assert found["vpc-flow-logs", "AWS::EC2::VPC"] == "unknown"


# ----------------------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("name", "how"),
    [("configurationItems", {"api": True}), ("baseConfigurationItems", {"api": True}), ("Results", {"query": True})],
)
def test_answers_of_its_api_count_for_what_there_is_and_not_for_what_there_is_not(tmp_path, name, how):
    found = recorded(**how)[HERE]
    rows = [json.dumps(each) for each in found] if name == "Results" else found
    (tmp_path / "answer.json").write_text(json.dumps({name: rows}))
    done = imported(tmp_path)
    assert done.problems == ()
    assert flow_logs(done.path) == {
        ("vpc-flow-logs", "vpc-1"): "pass",
        ("vpc-flow-logs", "AWS::EC2::VPC"): "unknown",
    }


def test_a_query_that_selected_too_little_is_refused_with_what_it_must_select(tmp_path):
    row = json.dumps({"resourceId": "vpc-1", "configuration": {}})
    (tmp_path / "answer.json").write_text(json.dumps({"Results": [row, row]}))
    with pytest.raises(CollectError, match=r"item 1 and 1 more: without resourceType, accountId, awsRegion.*select"):
        imported(tmp_path)


# --------------------------------------------------------------------------------------------------- days past


def test_history_is_laid_over_the_last_snapshot_up_to_a_moment(tmp_path):
    deliver(tmp_path, recorded(NO_LOGS), TIME)
    made, gone = soon(TIME, 60), soon(TIME, 600)
    log = items(fixture(GIVEN), Encoder(), made)[HERE]
    log = [each for each in log if each["resourceType"] == "AWS::EC2::FlowLog"]
    deliver(tmp_path, {HERE: log}, soon(made), "ConfigHistory")
    lost = [{**each, "configuration": None, "configurationItemStatus": "ResourceDeleted"} for each in log]
    for each in lost:
        each["configurationItemCaptureTime"] = gone.isoformat()
    deliver(tmp_path, {HERE: lost}, soon(gone), "ConfigHistory")
    later = [("fail", TIME), ("pass", made), ("pass", soon(gone, -1)), ("fail", gone), ("fail", soon(gone, 999))]
    for expected, at in later:
        done = imported(tmp_path, tmp_path / "AWSLogs", as_of=at)
        assert (at, flow_logs(done.path)["vpc-flow-logs", "vpc-1"]) == (at, expected)


def test_without_a_moment_a_snapshot_is_of_its_latest_item(tmp_path):
    deliver(tmp_path, recorded(), TIME)
    at, [log] = soon(TIME, 60 * 38), [each for each in recorded()[HERE] if each["resourceType"] == "AWS::EC2::FlowLog"]
    gone = {"configurationItemStatus": "ResourceDeleted", "configurationItemCaptureTime": at.isoformat()}
    deliver(tmp_path, {HERE: [{**log, **gone, "configuration": None}]}, soon(at), "ConfigHistory", log["resourceType"])
    done = imported(tmp_path, tmp_path / "AWSLogs")
    assert (done.path.name, flow_logs(done.path)["vpc-flow-logs", "vpc-1"]) == ("2026-01-02T14-00-00Z", "fail")
    said = read_manifest(done.path)
    assert said.captured_at == said.scope["accounts"][ACCOUNT][REGION]["latest"]


def test_after_a_history_file_that_is_damaged_its_type_is_not_believed(tmp_path):
    deliver(tmp_path, recorded(), TIME)
    (path,) = deliver(tmp_path, recorded(NO_LOGS), soon(TIME), "ConfigHistory")  # by its name, of VPCs
    path.write_bytes(path.read_bytes()[:-20])
    assert flow_logs(imported(tmp_path).path) == {("vpc-flow-logs", "AWS::EC2::VPC"): "unknown"}


def test_history_alone_never_says_that_there_is_nothing_else(tmp_path):
    deliver(tmp_path, recorded(), soon(TIME), "ConfigHistory")
    assert flow_logs(imported(tmp_path).path)["vpc-flow-logs", "AWS::EC2::VPC"] == "unknown"


def test_a_snapshot_a_day_shares_what_did_not_change(tmp_path):
    for day in range(3):
        deliver(tmp_path, recorded(), TIME + timedelta(days=day))
    deliver(tmp_path, recorded(NO_LOGS), TIME + timedelta(days=3))
    days = moments("day", "2026-01-01..2026-01-04")
    done = [*import_days([tmp_path / "AWSLogs"], tmp_path / "into", days, regions=[REGION])]
    assert [flow_logs(each.path)["vpc-flow-logs", "vpc-1"] for each in done] == ["pass", "pass", "pass", "fail"]
    files = [(each.path / ACCOUNT / "AWS-EC2-VPC.jsonl").stat().st_ino for each in done]
    assert len({*files}) == 1
    assert [*verify_archive(tmp_path / "into")] == []
    again = [*import_days([tmp_path / "AWSLogs"], tmp_path / "into", moments("day", "2026-01-01..2026-01-04"))]
    assert [each.written for each in again] == [False] * 4
    assert len(list_snapshots(tmp_path / "into")) == 4


def test_an_archive_may_be_in_an_object_store(tmp_path, place):
    deliver(tmp_path, recorded(), TIME)
    days = [TIME + timedelta(hours=1), TIME + timedelta(days=1)]
    there, here = ([*import_days([tmp_path], into, days, regions=[REGION])] for into in (place, tmp_path / "into"))
    assert flow_logs(there[1].path) == {("vpc-flow-logs", "vpc-1"): "pass"}
    assert [open_snapshot(each.path).digests for each in there] == [open_snapshot(each.path).digests for each in here]
    assert [each.written for each in import_days([tmp_path], place, days, regions=[REGION])] == [False, False]
    assert [*verify_archive(place)] == []

    # One that was stopped is no snapshot, and nobody takes it for a collection to complete.
    begin_without_plan(place, TIME + timedelta(days=2), 1)
    assert [each.accounts for each in list_snapshots(place)] == [1, 1, None]
    with pytest.raises(CollectError, match="keeps no plan"):
        resume(place)


def test_an_import_that_was_stopped_is_begun_anew_under_its_own_moment(tmp_path, place):
    deliver(tmp_path, recorded(), TIME)
    at = TIME + timedelta(days=1)
    for into in (tmp_path / "into", place):
        stopped = begin_anew(into, at, 1)
        stopped.add(AccountData(id=ACCOUNT, name=None, regions=[], coverage={}, resources={}))
        path = stopped.path
        del stopped
        assert [each.path for each in import_days([tmp_path / "AWSLogs"], into, [at], regions=[REGION])] == [path]
        assert [entry.id for entry in list_snapshots(into)] == [path.name]
        assert flow_logs(path) == {("vpc-flow-logs", "vpc-1"): "pass"}
        assert [*verify_archive(into)] == []


def test_nothing_is_imported_as_of_a_time_to_come(tmp_path):
    at = datetime.now(UTC) + timedelta(days=2)
    deliver(tmp_path, recorded(at=at), at)
    with pytest.raises(ArgumentError, match="still to come"):
        imported(tmp_path, tmp_path / "AWSLogs", as_of=at)
    with pytest.raises(CollectError, match=r"ConfigSnapshot.*still to come"):
        imported(tmp_path, tmp_path / "AWSLogs")
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("what", ["ConfigSnapshot", "ConfigHistory", "an item"])
def test_what_is_of_a_time_to_come_is_named_and_the_rest_is_kept(tmp_path, what):
    """The last whole file that is not counts; of what else it tells, nobody knows what is true."""
    now, ahead = datetime.now(UTC), datetime.now(UTC) + timedelta(days=2)
    found = recorded({"AWS::EC2::VPC": GIVEN["AWS::EC2::VPC"]}, at=now)
    deliver(tmp_path, found, now)
    (name,) = found
    region = "eu-west-1" if what == "ConfigSnapshot" else REGION
    late = [each | {"configurationItemCaptureTime": ahead.isoformat()} for each in found[name]]
    if what == "an item":
        late = [each for each in late if each["resourceType"] == "AWS::EC2::VPC"]
        (path,) = deliver(tmp_path, {name: late}, now + timedelta(minutes=1), "ConfigHistory")
    else:
        path, *_ = deliver(tmp_path, {(ACCOUNT, region): late, name: late}, ahead, what)
    done = imported(tmp_path, tmp_path / "AWSLogs", regions=[REGION, region])
    assert all("still to come" in each for each in done.problems)
    assert done.problems[0].startswith(f"{path}: ")
    account = open_snapshot(done.path).account(ACCOUNT)
    assert account.gap("AWS::EC2::VPC", region) is not None
    assert account.gap("AWS::EC2::FlowLog" if region == REGION else "AWS::EC2::VPC", REGION) is None


@pytest.mark.parametrize("into", ["AWSLogs", "AWSLogs/past"])
def test_an_archive_below_what_is_read_is_refused(tmp_path, run, into):
    deliver(tmp_path, recorded(), TIME)
    done = run("import", "aws-config", tmp_path / "AWSLogs", "--into", tmp_path / into)
    assert (done.code, "which is read" in done.err) == (2, True)
    assert not [*tmp_path.rglob("manifest.json")]


def test_the_moment_of_an_import_never_moves(tmp_path):
    deliver(tmp_path, recorded(), TIME)
    into, files = tmp_path / "into", [tmp_path / "AWSLogs"]
    under_way = begin_anew(into, TIME, 1)
    with pytest.raises(CollectError, match="at work"):
        import_aws_config(files, into, as_of=TIME)
    assert [entry.id for entry in list_snapshots(into)] == [under_way.path.name]
    under_way.discard()
    path = import_aws_config(files, into, as_of=TIME).path
    with pytest.raises(CollectError, match="there is a snapshot of that moment already"):
        begin_anew(into, TIME, 1)
    (path / "manifest.json").rename(path / ".plan.json")
    with pytest.raises(CollectError, match="unfinished collection"):
        import_aws_config(files, into, as_of=TIME)
    assert [*path.glob(ACCOUNT)]


def test_a_day_is_its_end():
    assert moment("2026-01-31") == datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
    assert [each.day for each in moments("week", "2026-01-01..2026-01-20")] == [1, 8, 15]
    for wrong in (("hour", "2026-01-01..2026-01-02"), ("day", "2026-01-01"), ("day", "2026-01-02..2026-01-01")):
        with pytest.raises(ArgumentError):
            [*moments(*wrong)]


# ------------------------------------------------------------------------------------------------ broken files


def written(tmp_path):
    (path,) = deliver(tmp_path, recorded(), TIME)
    return path


def cut_off(data):
    return gzip.compress(data)[: len(gzip.compress(data)) // 2]


def bomb(data):
    document = json.loads(data)
    document["configurationItems"] += [{**document["configurationItems"][0], "x": " " * (1 << 20)}] * 70
    return gzip.compress(json.dumps(document).encode())


BROKEN = {
    "a packed file that is cut off": (cut_off, "is cut off"),
    "JSON that is cut off": (lambda data: gzip.compress(data[: len(data) * 2 // 3]), "is cut off, or no JSON"),
    "no JSON after the items": (lambda data: gzip.compress(data + b"]"), "no JSON from there on"),
    "a bomb": (bomb, "unpacks to more than"),
    "another file": (lambda data: b'{"Records": [{"eventVersion": "1.08"}]}', "no list of configuration items"),
    "no text": (lambda data: b"\xff\xfa\xf0", "is no UTF-8"),
    "nothing": (lambda data: b"", "no list of configuration items"),
    "nested": (lambda data: b'{"configurationItems": [' + b"[" * 100_000, "nested too deep"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_file_is_said_once_and_never_stands_for_none(tmp_path, how):
    path = written(tmp_path)
    harm, message = BROKEN[how]
    data = gzip.decompress(path.read_bytes())
    path.write_bytes(harm(data))
    other = "eu-west-1"
    deliver(tmp_path, {(ACCOUNT, other): [recorder_item(ACCOUNT, other, TIME)]}, TIME)
    done = imported(tmp_path, regions=[REGION, other])
    assert len(done.problems) == 1
    assert message in done.problems[0]
    assert str(path) in done.problems[0]
    assert flow_logs(done.path)["vpc-flow-logs", "AWS::EC2::VPC"] == "unknown"
    assert "fail" not in flow_logs(done.path).values()


def test_items_of_other_accounts_and_broken_ones_are_left_out_and_counted(tmp_path):
    found = recorded()
    other = {**copy.deepcopy(found[HERE][0]), "awsAccountId": "999988887777"}
    found[HERE] += [other, other, {"resourceType": "AWS::EC2::VPC"}, "text"]
    deliver(tmp_path, found, TIME)
    done = imported(tmp_path)
    assert next(each.split(": item ")[1] for each in done.problems).startswith("5 and 1 more: of another account")
    assert done.accounts == 1
    assert flow_logs(done.path)["vpc-flow-logs", "vpc-1"] == "pass"
    assert flow_logs(done.path)["vpc-flow-logs", "AWS::EC2::VPC"] == "unknown"  # an item that cannot be used may be one


def test_an_item_that_cannot_be_told_apart_leaves_its_type_unknown(tmp_path):
    found = recorded()
    next(each for each in found[HERE] if each["resourceType"] == "AWS::EC2::FlowLog")["configuration"] = {}
    deliver(tmp_path, found, TIME)
    assert flow_logs(imported(tmp_path).path)["vpc-flow-logs", "vpc-1"] == "unknown"


def test_urls_and_what_is_not_there_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match="no URL of an archive"):
        imported(tmp_path, "ftp://bucket/AWSLogs")
    with pytest.raises(CollectError, match=r"no \.json"):
        imported(tmp_path)
    written(tmp_path)
    with pytest.raises(ArgumentError, match="is no region"):
        [*import_days([tmp_path], tmp_path / "into", [TIME], regions=["US East"])]


# -------------------------------------------------------------------------------------------- deleted in turn

READ = ["vpc-flow-logs", "ec2-security-group-no-ssh", "s3-bucket-https-only", "cloudtrail-bucket-not-public"]
READ += ["cloudtrail-bucket-access-logging", "cloudtrail-kms-encryption", "kms-key-rotation", "iam-no-admin-policies"]
READ += ["s3-bucket-block-public-access", "s3-bucket-encryption", "rds-instance-not-public", "iam-support-role"]


def keys(value, at=()):
    """The place of each key, and of each item of a list, in a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in pairs:
        yield (*at, name)
        yield from keys(each, (*at, name))


def without(value, at):
    found = copy.deepcopy(value)
    holder = found
    for step in at[:-1]:
        holder = holder[step]
    del holder[at[-1]]
    return found


@pytest.mark.parametrize("policy", READ)
def test_whatever_key_of_an_import_is_lost_nothing_passes_for_it(tmp_path, policy):
    (rules,) = shipped(policy)
    given = next(test["given"] for test in rules.tests if test["expect"] in ("fail", "pass") and "params" not in test)
    found = items(fixture(given), Encoder(), TIME)
    regions = [region for _, region in found]
    number = 0

    def judged(some):
        nonlocal number
        number += 1
        folder = tmp_path / str(number)
        deliver(folder, some, TIME)
        done = import_aws_config([folder], folder / "into", regions=regions)
        return {each.identity: each.status.value for each in evaluate(open_snapshot(done.path), [rules])}

    whole = judged(found)
    for place, rows in found.items():
        for at in keys(rows):
            if len(at) == 1 and rows[at[0]]["resourceType"] == rules.resource:
                continue  # whoever takes out all of a resource that nobody names leaves no trace of it
            for identity, status in judged({**found, place: without(rows, at)}).items():
                assert status != "pass" or whole.get(identity) == "pass", (at, identity)
