"""What AWS Config lacks is asked of AWS: the verdicts are those of a live collection, at a part of the calls."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from builders import shipped
from config_items import Encoder, deliver, items, recorder_item
from config_organisation import state
from stillframe.engine.judging.dependencies import deciding, needed
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.loading.pack_files import load_packs
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.archive import read_manifest
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.choice import choose
from stillframe.snapshot.collector.anew import begin_anew
from stillframe.snapshot.collector.collect import Watch, collect
from stillframe.snapshot.collector.demo import LOG_BUCKET, Organisation
from stillframe.snapshot.collector.write import AccountData, row
from stillframe.snapshot.errors import CollectError
from stillframe.snapshot.importing.aws_config import import_aws_config
from stillframe.snapshot.importing.filling import filling
from stillframe.snapshot.model import EVERYWHERE, GLOBAL, Coverage, Resource, Unknown
from stillframe.snapshot.verify import verify

PACKS = ("logging", "cis-aws-5.0.0")
POLICIES = shipped(*{ask.policy for pack in load_packs(PACKS) for ask in pack.asks()})
ACCOUNT, EAST, WEST = "111122223333", "us-east-1", "eu-west-1"
KEY, USER, VPC, BUCKET = "AWS::KMS::Key", "AWS::IAM::User", "AWS::EC2::VPC", "AWS::S3::Bucket"


def statuses(path, policies=POLICIES):
    return {each.identity: each.status.value for each in evaluate(open_snapshot(path), policies)}


# ------------------------------------------------------------------------------------------------ on the stand-in


@pytest.fixture
def organisation(aws_url):
    place = Organisation(aws_url)
    place.build()
    buckets, iam = (place.client(place.log_archive, service) for service in ("s3", "iam"))
    for number in range(12):
        buckets.create_bucket(Bucket=f"acme-{number}", **({"ACL": "public-read"} if number % 3 == 0 else {}))
    iam.update_account_password_policy(MinimumPasswordLength=14, PasswordReusePrevention=24)
    iam.create_user(UserName="ada")
    iam.create_login_profile(UserName="ada", Password="correct horse battery staple")
    return place


def test_an_import_that_is_filled_decides_as_a_live_collection_does(organisation, aws_url, tmp_path, run):
    place, calls, now = organisation, [], datetime.now(UTC)
    how = {"endpoint_url": aws_url, "accounts": [place.log_archive, place.payments], "reads": needed(POLICIES)}
    live = collect(tmp_path / "live", watch=Watch(call=lambda: calls.append(1)), workers=4, **how).path
    deliver(tmp_path, items(open_snapshot(live), Encoder(1), now - timedelta(hours=3)), now)

    packs = [word for name in PACKS for word in ("--pack", name)]
    logs, into = tmp_path / "AWSLogs", tmp_path / "filled"
    done = run("import", "aws-config", logs, "--fill", "--endpoint-url", aws_url, *packs, "--into", into)
    assert (done.code, "not used" in done.err) == (0, False), done.err
    expected, found = (
        {each: status for each, status in statuses(path).items() if "accessanalyzer-all-regions" not in each}
        for path in (live, into)
    )  # the stand-in cannot list analyzers, of which AWS Config would have recorded that there are none
    assert expected == found
    assert [*verify(next(into.glob("2*")))] == []
    assert set(expected.values()) >= {"pass", "fail", "not_applicable", "unknown"}

    asked = int(re.search(r"and (\d+) calls of AWS", done.err)[1])
    assert asked < len(calls) * 0.6, (asked, len(calls))
    shown = run("snapshot", "show", into).out
    assert "imported from AWS Config, and filled by AWS itself" in shown
    assert read_manifest(next(into.glob("2*"))).scope["skipped"] == {}
    assert re.search(rf"{place.log_archive}: .*AWS::S3::Bucket \(.*Policy.* recorded\).* by AWS itself, 20", shown)
    assert re.search(rf"{place.log_archive} us-east-1: its snapshot of 20.*, of that day", shown)
    assert VPC not in open_snapshot(into).account(place.log_archive).filled

    # What is new since is there, what is gone is not, and what AWS Config knows of the rest stays.
    store = place.client(place.log_archive, "s3")
    store.delete_bucket(Bucket="acme-1")
    store.create_bucket(Bucket="acme-new", ACL="public-read")
    later = run("import", "aws-config", logs, "--fill", "--endpoint-url", aws_url, *packs, "--into", into)
    assert later.code == 0, later.err
    there = {each.id: each for each in open_snapshot(into).account(place.log_archive).read(BUCKET)}
    assert {*there} == {LOG_BUCKET, "acme-new", *(f"acme-{number}" for number in range(12) if number != 1)}
    assert not any(isinstance(there["acme-new"].config[name], Unknown) for name in ("Acl", "Policy", "Ownership"))


# ------------------------------------------------------------------------------- by answers that are made up here


def vpc(number, region=EAST):
    return {"VpcId": f"vpc-{number}", "OwnerId": ACCOUNT, "IsDefault": False, "State": "available", "$region": region}


def key(number, manager="CUSTOMER", region=EAST):
    arn = f"arn:aws:kms:{region}:{ACCOUNT}:key/{number}"
    metadata = {"KeyManager": manager, "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS"}
    rotation = {"KeyRotationEnabled": True}
    return {"KeyArn": arn, "KeyId": str(number), "Metadata": metadata, "Rotation": rotation, "$region": region}


GIVEN = {VPC: [vpc(1), vpc(2, WEST)], KEY: [key(1), key(2, region=WEST)]}
COUNTS = {VPC: [("VpcId",), ("OwnerId",)], KEY: [("Metadata", "KeyManager"), ("Rotation", "KeyRotationEnabled")]}
TYPES = choose((), COUNTS)


def files(folder, at=None, given=GIVEN):
    now = at or datetime.now(UTC)
    found = items(fixture(given), Encoder(), now - timedelta(hours=1))
    for region in (EAST, WEST):
        own = found.setdefault((ACCOUNT, region), [])
        own[:] = [
            *(each for each in own if "Recorder" not in each["resourceType"]),
            recorder_item(ACCOUNT, region, now),
        ]
    deliver(folder, found, now)
    return folder


def rows(kind, *configs):
    """Resources as AWS lists them now."""
    spec = load_catalog()[kind]
    for config in configs:
        region, own = config["$region"], {name: each for name, each in config.items() if name != "$region"}
        identity = own["KeyArn"] if kind == KEY else own["VpcId"]
        yield row(Resource(type=spec.type, id=identity, account=ACCOUNT, region=region, name=None, tags={}, config=own))


def answered(into, whole, coverage, resources=None, regions=(EAST, WEST)):
    """Finish a filling by what a collection of these types found; by type, where it had to be asked."""
    whole.onto(begin_anew(into, whole.moment, 1))
    asked = {kind: [*whole.lacking(ACCOUNT, TYPES[kind], sorted(regions), regions)] for kind in coverage}
    whole.add(AccountData(id=ACCOUNT, name="Acme", regions=regions, coverage=coverage, resources={**(resources or {})}))
    return asked, open_snapshot(whole.finish({"types": sorted(coverage)})).account(ACCOUNT)


def test_nothing_is_asked_of_what_is_whole(tmp_path):
    with filling([files(tmp_path)], COUNTS) as whole:
        asked, account = answered(tmp_path / "into", whole, {VPC: Coverage(read=[], missing={})})
    assert asked == {VPC: []}
    assert [each.id for each in account.read(VPC)] == ["vpc-2", "vpc-1"]
    assert (account.gaps(VPC), account.regions, account.name) == ({}, (WEST, EAST), "Acme")


def test_a_region_without_a_file_is_asked_as_a_whole(tmp_path):
    regions, south = (EAST, WEST, "ap-south-1"), "ap-south-1"
    with filling([files(tmp_path)], COUNTS) as whole:
        asked, account = answered(
            tmp_path / "into",
            whole,
            {VPC: Coverage(read=[south], missing={})},
            {VPC: [*rows(VPC, vpc(3, south))]},
            regions,
        )
    assert asked == {VPC: [south]}
    assert [each.id for each in account.read(VPC)] == ["vpc-3", "vpc-2", "vpc-1"]
    assert account.gaps(VPC) == {}


def test_a_type_that_is_recorded_in_part_is_listed_and_what_is_known_is_not_asked_again(tmp_path):
    with filling([files(tmp_path)], COUNTS) as whole:
        spec, both = TYPES[KEY], [EAST, WEST]
        assert [*whole.lacking(ACCOUNT, spec, both, both)] == both
        known = whole.attached(ACCOUNT, spec, EAST, key(1)["KeyArn"])
        assert known["Rotation"]["KeyRotationEnabled"] is True
        assert known["Metadata"]["KeyManager"] == "CUSTOMER"
        assert whole.attached(ACCOUNT, spec, WEST, key(1)["KeyArn"]) == {}
        assert whole.attached(ACCOUNT, spec, EAST, "another") == {}
        ours = rows(KEY, key(1), key(9, "AWS"))
        _, account = answered(tmp_path / "into", whole, {KEY: Coverage(read=both, missing={})}, {KEY: [*ours]})
    assert [each.config["KeyId"] for each in account.read(KEY)] == ["1", "9"]
    assert account.gaps(KEY) == {}


DENIED = "AccessDenied: kms:ListKeys"


@pytest.mark.parametrize(
    ("coverage", "listed", "there", "gaps"),
    [
        # Of what it could not list AWS Config's stays, and that there is no more is not known anywhere.
        (Coverage(read=[EAST], missing={WEST: DENIED}), [key(1)], ["2", "1"], {EVERYWHERE}),
        (Coverage(read=[EAST], missing={WEST: DENIED}), [key(1), key(2, region=WEST)], ["2", "1"], {EVERYWHERE}),
        (Coverage(read=[], missing={EAST: DENIED, WEST: DENIED}), [], ["2", "1"], {EVERYWHERE}),
        (Coverage(read=[], missing={EVERYWHERE: DENIED}), [], ["2", "1"], {EVERYWHERE}),
    ],
)
def test_what_could_not_be_listed_is_as_it_was_with_the_cause(tmp_path, coverage, listed, there, gaps):
    with filling([files(tmp_path)], COUNTS) as whole:
        _, account = answered(tmp_path / "into", whole, {KEY: coverage}, {KEY: [*rows(KEY, *listed)]})
        path = next((tmp_path / "into").glob("2*"))
    assert [each.config["KeyId"] for each in account.read(KEY)] == there
    assert {*account.gaps(KEY)} >= gaps
    assert all(DENIED in str(gap) for gap in account.gaps(KEY).values())
    assert [*verify(path)] == []


def test_where_aws_answers_nothing_no_finding_is_decided_otherwise(tmp_path):
    size, now, reads = {"accounts": 2, "regions": 2, "resources": 32}, datetime.now(UTC), needed(POLICIES)
    deliver(tmp_path, items(state(3, **size), Encoder(), now - timedelta(hours=1)), now)
    alone = import_aws_config([tmp_path / "AWSLogs"], tmp_path / "alone", regions=(EAST, WEST)).path
    counts = {kind: {path for policy in POLICIES for path in deciding(policy).get(kind, ())} for kind in reads}
    with filling([tmp_path / "AWSLogs"], counts) as whole:
        whole.onto(begin_anew(tmp_path / "into", whole.moment, 1))
        for account in whole.accounts:
            denied = {}
            for kind, spec in choose((), reads).items():
                places = [GLOBAL] if spec.scope == "account" else [WEST, EAST]
                denied[kind] = dict.fromkeys(whole.lacking(account, spec, places, [WEST, EAST]), DENIED)
            coverage = {kind: Coverage(read=[], missing=missing) for kind, missing in denied.items()}
            whole.add(AccountData(id=account, name=None, regions=(EAST, WEST), coverage=coverage, resources={}))
        path = whole.finish({"types": []})
    found = statuses(path)
    assert found == statuses(alone)
    assert {*found.values()} >= {"pass", "fail", "unknown"}


def test_an_account_that_could_not_be_entered_is_as_it_was_imported(tmp_path):
    denied = Unknown.because("AccessDenied: sts:AssumeRole")
    with filling([files(tmp_path)], COUNTS) as whole:
        whole.onto(begin_anew(tmp_path / "into", whole.moment, 1))
        everywhere = Coverage(read=[], missing={EVERYWHERE: str(denied)})
        whole.add(AccountData(id=ACCOUNT, name=None, regions=denied, coverage={KEY: everywhere}, resources={}))
        account = open_snapshot(whole.finish({"types": [KEY]})).account(ACCOUNT)
    assert [each.config["KeyId"] for each in account.read(KEY)] == ["2", "1"]
    assert "in part" in str(account.gap(KEY, EAST))
    assert str(denied) in str(account.gap(KEY, EAST))
    assert isinstance(account.regions, Unknown)


def test_what_is_too_old_is_not_filled(tmp_path):
    now = datetime.now(UTC)
    old = files(tmp_path / "old", now - timedelta(days=3))
    with pytest.raises(CollectError, match="not what it was like then"), filling([old], COUNTS):
        pass
    one = {(ACCOUNT, EAST): [recorder_item(ACCOUNT, EAST, now)]}
    deliver(tmp_path / "new", one, now)
    with filling([old, tmp_path / "new"], COUNTS) as whole:
        asked, account = answered(tmp_path / "into", whole, {VPC: Coverage(read=[WEST], missing={})})
        assert [problem for problem in whole.problems() if f"{ACCOUNT} {WEST}: " in problem]
    assert asked == {VPC: [WEST]}
    assert [*account.read(VPC)] == []


@pytest.mark.parametrize(
    ("whole", "item", "why"),
    [
        (timedelta(days=-30), timedelta(hours=-1), "more than 2 days old"),
        (timedelta(hours=-1), timedelta(days=300), "a time to come"),
        (timedelta(days=300), None, "a time to come"),
    ],
)
def test_a_region_is_as_fresh_as_its_whole_file_and_no_file_is_of_a_time_to_come(tmp_path, whole, item, why):
    now = datetime.now(UTC).replace(microsecond=0)
    old = files(tmp_path / "old", now + whole)
    if item:
        found = items(fixture({KEY: [key(1)]}), Encoder(), now + item)[ACCOUNT, EAST]
        deliver(
            old,
            {(ACCOUNT, EAST): [each for each in found if each["resourceType"] == KEY]},
            now + item,
            "ConfigHistory",
            KEY,
        )
    deliver(tmp_path / "new", {(ACCOUNT, "eu-north-1"): [recorder_item(ACCOUNT, "eu-north-1", now)]}, now)
    with filling([old, tmp_path / "new"], COUNTS) as filled:
        asked, account = answered(tmp_path / "into", filled, {VPC: Coverage(read=[EAST], missing={})})
        assert [each for each in filled.problems() if each.startswith(f"{ACCOUNT} {EAST}: ") and why in each]
    assert EAST in asked[VPC]
    assert [each.id for each in account.read(VPC) if each.region == EAST] == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--fill", "--as-of", "2026-01-01"], "leave out --as-of and --every"),
        (["--fill", "--every", "day", "2026-01-01..2026-01-02"], "leave out --as-of and --every"),
        (["--fill", "--regions", "us-east-1"], "leave out --regions"),
        (["--resume"], "--resume completes what --fill began"),
        (["--role", "audit"], "--role is about asking AWS: add --fill"),
        (["--pack", "logging"], "--pack is about asking AWS: add --fill"),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path, run, given, says):
    done = run("import", "aws-config", tmp_path, *given, "--into", tmp_path / "into")
    assert done.code == 2
    assert re.search(says, " ".join(done.err.replace("│", " ").split()))
