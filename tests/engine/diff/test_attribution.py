"""Why a finding changed: every cause, alone and with others; and that a diff read backwards is the diff backwards."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from builders import compared, nine, write_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from stillframe.engine.diff.counterfactual import Part, Scene
from stillframe.engine.diff.diff import Unchanged, diff, newly_failing
from stillframe.engine.diff.replay import Side
from stillframe.engine.diff.states import STATES
from stillframe.engine.findings.batch import batches
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.loading.policies import override, parse_policy
from stillframe.engine.model.cause import why_lines, why_record
from stillframe.engine.model.finding import Kind, Status, Waived
from stillframe.engine.model.policy import Severity
from stillframe.engine.testing.examples import TIME, fixture
from stillframe.snapshot import open_snapshot, remote
from stillframe.snapshot.model import Unknown

A, B = "111122223333", "444455556666"
DENIED = {"$missing": "AccessDenied: kms:GetKeyRotationStatus"}
LIST_DENIED = {"$missing": "AccessDenied: kms:ListKeys"}
TERMS = Waived(kind=Kind.ACCEPTED, reason="r", owner="o", expires="2026-06-30")
LATER = "2027-01-01T00:00:00Z"

KEYS = parse_policy(
    "keys.yaml",
    """\
id: keys
title: Keys are rotated
severity: low
params: {days: {type: integer, default: 365, description: The longest period}}
resource: AWS::KMS::Key
where: Metadata.KeyManager == 'CUSTOMER'
assert: Rotation.KeyRotationEnabled && Rotation.RotationPeriodInDays <= $params.days
""",
)
FLOWS = parse_policy(
    "flows.yaml",
    """\
id: flows
title: VPCs have flow logs
severity: low
resource: AWS::EC2::VPC
lookup:
  logs: {from: AWS::EC2::FlowLog, match: {ResourceId: VpcId}, where: FlowLogStatus == 'ACTIVE'}
assert: length($logs) > `0`
""",
)
BUCKETS = parse_policy(
    "buckets.yaml",
    """\
id: buckets
title: Buckets of trails are logged
severity: low
resource: AWS::CloudTrail::Trail
lookup:
  bucket: {from: AWS::S3::Bucket, match: {Name: S3BucketName}, within: snapshot, one: true}
assert: $bucket.Logging.TargetBucket
""",
)
OWNERS = parse_policy(
    "owners.yaml",
    """\
id: owners
title: The owner has no such key
severity: low
resource: AWS::EC2::VPC
lookup:
  theirs: {from: AWS::KMS::Key, match: {$account: OwnerId, KeyId: VpcId}, within: snapshot}
assert: length($theirs) == `0`
""",
)
REFERS = parse_policy(
    "refers.yaml",
    """\
id: refers
title: Trails write to buckets that are logged
severity: low
resource: AWS::CloudTrail::Trail
lookup:
  buckets: {from: AWS::S3::Bucket, match: {Name: S3BucketName}, within: snapshot, refers: true}
assert: all($buckets, &Logging.TargetBucket)
""",
)
AGES = parse_policy(
    "ages.yaml",
    """\
id: ages
title: Keys are young
severity: low
resource: AWS::KMS::Key
assert: days_since(Metadata.CreationDate) < `400`
""",
)
MULTI = parse_policy(
    "multi.yaml",
    """\
id: multi
title: Some trail is multi-region
severity: low
resource: AWS::CloudTrail::Trail
assert: IsMultiRegionTrail
rollup: {per: account, require: any}
""",
)
TEAMS = parse_policy("teams.yaml", MULTI.text.replace("multi", "teams", 1).replace("per: account", "per: Name"))
EVERYWHERE = parse_policy("all.yaml", MULTI.text.replace("multi", "all", 1).replace("account", "organisation"))
EVERY_TEAM = parse_policy(
    "every.yaml", TEAMS.text.replace("teams", "every", 1).replace("Name,", "Name, within: organisation,")
)
UNITS = parse_policy("units.yaml", MULTI.text.replace("multi", "units", 1).replace("account", "unit"))
STRICT = override(KEYS, {"days": 90})
NAMED = parse_policy("keys.yaml", KEYS.text.replace("assert: ", "assert: Description && "))


def key(enabled=True, days=365, manager="CUSTOMER", name="1", **extra):
    metadata = {"KeyManager": manager, "KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS", "KeyState": "Enabled"}
    rotation = enabled if isinstance(enabled, dict) else {"KeyRotationEnabled": enabled, "RotationPeriodInDays": days}
    arn = f"arn:aws:kms:us-east-1:{A}:key/{name}"
    metadata |= extra.pop("metadata", {})
    return {"KeyId": name, "KeyArn": arn, "Metadata": metadata, "Rotation": rotation, **extra}


OTHER = key(name="0")


def keys(*found):
    return {"AWS::KMS::Key": [OTHER, *found]}


def named(*given):
    trails = [
        {"TrailARN": f"arn:aws:cloudtrail:us-east-1:{A}:trail/t{n}", "Name": name, "IsMultiRegionTrail": multi}
        for n, (name, multi) in enumerate(given)
    ]
    return {"AWS::CloudTrail::Trail": trails}


def apart(*given):
    """Trails of several accounts, by their names."""
    found = named(*given)["AWS::CloudTrail::Trail"]
    return {
        "AWS::CloudTrail::Trail": [{"$account": account, **each} for account, each in zip((A, B), found, strict=False)]
    }


def units(*paths):
    rows = [
        {"$account": account, "AccountId": account, "OrganizationalUnits": [{"Name": name, "Id": name}]}
        for account, name in zip((A, B), paths, strict=True)
    ]
    return {"AWS::Account": rows}


TRAIL_OF_A = f"arn:aws:cloudtrail:us-east-1:{A}:trail/t0"
TRAIL_OF_B = f"arn:aws:cloudtrail:us-east-1:{A}:trail/t1"


def vpc(*logs, **more):
    flow_logs = [
        {"FlowLogId": f"fl-{n}", "ResourceId": "vpc-1", "FlowLogStatus": state} for n, state in enumerate(logs)
    ]
    return {"AWS::EC2::VPC": [{"VpcId": "vpc-1", "OwnerId": A}], "AWS::EC2::FlowLog": flow_logs, **more}


def trail(bucket="logs", targets=(("logs", "x"), ("other", None)), multi=(True,)):
    trails = [
        {
            "Name": f"t{number}",
            "TrailARN": f"arn:aws:cloudtrail:us-east-1:{A}:trail/t{number}",
            "HomeRegion": "us-east-1",
            "S3BucketName": bucket,
            "IsMultiRegionTrail": each,
        }
        for number, each in enumerate(multi)
    ]
    buckets = [{"Name": n, "$account": B, "Logging": {"TargetBucket": t} if t else None} for n, t in targets]
    return {"AWS::CloudTrail::Trail": trails, "AWS::S3::Bucket": buckets}


AGED = key(metadata={"CreationDate": "2025-06-01T00:00:00Z"})
OLD_AGED = key(metadata={"CreationDate": "2024-06-01T00:00:00Z"})

# What it shows: the snapshots, their policies (or one), and the causes: (cause, alone, what changed).
ENABLED = "Rotation.KeyRotationEnabled"
FIELDS = [ENABLED, "Rotation.RotationPeriodInDays"]
CASES = {
    "a field": (keys(key()), keys(key(False)), KEYS, "new", [("configuration", True, [ENABLED])]),
    "a field is mended": (keys(key(False)), keys(key()), KEYS, "resolved", [("configuration", True, [ENABLED])]),
    "a field of where": (
        keys(key(False, manager="AWS")),
        keys(key(False)),
        KEYS,
        "new",
        [("configuration", True, ["Metadata.KeyManager"])],
    ),
    "a field that the policy does not read is no cause": (
        keys(key(Description="a")),
        keys(key(False, Description="b")),
        KEYS,
        "new",
        [("configuration", True, [ENABLED])],
    ),
    "a joined resource has another field": (
        vpc("ACTIVE"),
        vpc("ERROR"),
        FLOWS,
        "new",
        [("configuration", True, [("fl-0", "FlowLogStatus")])],
    ),
    "a joined resource appears": (vpc(), vpc("ACTIVE"), FLOWS, "resolved", [("configuration", True, [("fl-0", None)])]),
    "a joined resource vanishes": (vpc("ACTIVE"), vpc(), FLOWS, "new", [("configuration", True, [("fl-0", None)])]),
    "a joined resource in another account": (
        trail(),
        trail(targets=(("logs", None),)),
        BUCKETS,
        "new",
        [("configuration", True, [("logs", "Logging.TargetBucket")])],
    ),
    "what is referred to vanishes": (
        trail(targets=(("logs", None), ("other", None))),
        trail(targets=(("other", None),)),
        REFERS,
        "unknown",
        [("configuration", True, [("logs", None)])],
    ),
    "what is referred to is there": (
        trail(targets=(("other", None),)),
        trail(),
        REFERS,
        "known",
        [("configuration", True, [("logs", None)])],
    ),
    "what is joined with": (trail(), trail("other"), BUCKETS, "new", [("configuration", True, ["S3BucketName"])]),
    "an attached call is denied": (keys(key(False)), keys(key(DENIED)), KEYS, "unknown", [("coverage", True, FIELDS)]),
    "an attached call works again": (keys(key(DENIED)), keys(key()), KEYS, "known", [("coverage", True, FIELDS)]),
    "a denied call shows a failure": (keys(key(DENIED)), keys(key(False)), KEYS, "new", [("coverage", True, FIELDS)]),
    "a list is denied": (
        keys(key(False)),
        {"AWS::KMS::Key": LIST_DENIED},
        KEYS,
        "unknown",
        [("coverage", True, [("AWS::KMS::Key", None)])],
    ),
    "a list can be read again": (
        {"AWS::KMS::Key": LIST_DENIED},
        keys(key(False)),
        KEYS,
        "new",
        [("coverage", True, [("AWS::KMS::Key", None)])],
    ),
    "a list was not collected": (
        {"AWS::EC2::VPC": [{"VpcId": "vpc-1"}]},
        keys(key(False)),
        KEYS,
        "new",
        [("coverage", True, [("AWS::KMS::Key", None)])],
    ),
    "an account was not collected": (
        {"AWS::KMS::Key": [{**OTHER, "$account": B}]},
        keys(key(False)),
        KEYS,
        "new",
        [("coverage", True, [("AWS::KMS::Key", None)])],
    ),
    "another account was not collected, where there is nothing to join": (
        {"AWS::EC2::VPC": [{"VpcId": "vpc-1", "OwnerId": B}], **keys()},
        {"AWS::EC2::VPC": [{"VpcId": "vpc-1", "OwnerId": B}], "AWS::KMS::Key": [OTHER, {**OTHER, "$account": B}]},
        OWNERS,
        "known",
        [("coverage", True, [("AWS::KMS::Key", None)])],
    ),
    "a joined list is denied": (
        vpc(),
        vpc(**{"AWS::EC2::FlowLog": {"$missing": "denied"}}),
        FLOWS,
        "unknown",
        [("coverage", True, [("AWS::EC2::FlowLog", None)])],
    ),
    "a joined list is denied, and so a joined resource is not seen": (
        vpc("ACTIVE"),
        vpc(**{"AWS::EC2::FlowLog": {"$missing": "denied"}}),
        FLOWS,
        "unknown",
        [("coverage", True, [("AWS::EC2::FlowLog", None), ("fl-0", None)])],
    ),
    "a resource appears and fails": (keys(), keys(key(False)), KEYS, "new", [("resource", True, [None])]),
    "a resource appears and passes": (keys(), keys(key()), KEYS, "appeared", [("resource", True, [None])]),
    "a resource appears and is not known": (keys(), keys(key(DENIED)), KEYS, "unknown", [("resource", True, [None])]),
    "a resource vanishes": (keys(key(False)), keys(), KEYS, "vanished", [("resource", True, [None])]),
    "a parameter": (keys(key()), keys(key()), (KEYS, STRICT), "new", [("policy", True, ["params.days"])]),
    "an expression": (
        keys(key()),
        keys(key()),
        (KEYS, NAMED),
        "new",
        [("policy", True, ["assert"])],
    ),
    "a policy is new": (keys(key(False)), keys(key(False)), (None, KEYS), "new", [("policy", True, [None])]),
    "a policy is gone": (keys(key(False)), keys(key(False)), (KEYS, None), "vanished", [("policy", True, [None])]),
    "time": (keys(AGED), (keys(AGED), LATER), AGES, "new", [("time", True, ["$snapshot_time"])]),
    # ------------------------------------------------------------------------------------ several at once
    "a field, under a parameter that does not matter": (
        keys(key(days=30)),
        keys(key(False, days=30)),
        (KEYS, STRICT),
        "new",
        [("configuration", True, [ENABLED])],
    ),
    "a parameter, beside a field that does not matter": (
        keys(key(days=300)),
        keys(key(days=200)),
        (KEYS, STRICT),
        "new",
        [("policy", True, ["params.days"])],
    ),
    "a field or a parameter: either is enough": (
        keys(key(days=300)),
        keys(key(False, days=300)),
        (KEYS, STRICT),
        "new",
        [("configuration", True, [ENABLED]), ("policy", True, ["params.days"])],
    ),
    "a field and a parameter: it takes both": (
        keys(key(days=30)),
        keys(key(days=200)),
        (KEYS, STRICT),
        "new",
        [("configuration", False, ["Rotation.RotationPeriodInDays"]), ("policy", False, ["params.days"])],
    ),
    "a resource and a policy: it takes both": (
        keys(),
        keys(key(False)),
        (None, KEYS),
        "new",
        [("resource", False, [None]), ("policy", False, [None])],
    ),
    "a resource, under another parameter": (
        keys(),
        keys(key(False)),
        (KEYS, STRICT),
        "new",
        [("resource", True, [None])],
    ),
    "a resource that fails only by the new parameter": (
        keys(),
        keys(key(days=200)),
        (KEYS, STRICT),
        "new",
        [("resource", False, [None]), ("policy", False, ["params.days"])],
    ),
    "a denied call, beside a field that does not matter": (
        keys(key(False)),
        keys(key(DENIED, metadata={"KeyManager": "CUSTOMER", "KeySpec": "RSA_2048"}, Description="b")),
        KEYS,
        "unknown",
        [("coverage", True, FIELDS)],
    ),
    "a denied call decides, though where has changed as well": (
        keys(key(False, manager="AWS")),
        keys(key(DENIED)),
        KEYS,
        "unknown",
        [("configuration", False, ["Metadata.KeyManager"]), ("coverage", False, FIELDS)],
    ),
    "a denied call, under another parameter": (
        keys(key(False)),
        keys(key(DENIED)),
        (KEYS, STRICT),
        "unknown",
        [("coverage", True, FIELDS)],
    ),
    "time or a field: either is enough": (
        keys(AGED),
        (keys(OLD_AGED), LATER),
        AGES,
        "new",
        [("configuration", True, ["Metadata.CreationDate"]), ("time", True, ["$snapshot_time"])],
    ),
    "a rollup: the trail that passed": (
        trail(multi=(False, True)),
        trail(multi=(False, False)),
        MULTI,
        "new",
        [("configuration", True, [(f"arn:aws:cloudtrail:us-east-1:{A}:trail/t1", "IsMultiRegionTrail")])],
    ),
    "a rollup: the trail that passed is gone": (
        trail(multi=(False, True)),
        trail(multi=(False,)),
        MULTI,
        "new",
        [("configuration", True, [(f"arn:aws:cloudtrail:us-east-1:{A}:trail/t1", None)])],
    ),
    "a rollup: the list is denied": (
        trail(multi=(False,)),
        {"AWS::CloudTrail::Trail": {"$missing": "denied"}},
        MULTI,
        "unknown",
        [("coverage", True, [("AWS::CloudTrail::Trail", None), (f"arn:aws:cloudtrail:us-east-1:{A}:trail/t0", None)])],
    ),
    "a group: the trail that passed": (
        named(("pay", True), ("sell", True)),
        named(("pay", False), ("sell", True)),
        TEAMS,
        "new",
        [("configuration", True, [(f"arn:aws:cloudtrail:us-east-1:{A}:trail/t0", "IsMultiRegionTrail")])],
    ),
    "a group: the trail that passed is another's": (
        named(("pay", False), ("pay", True), ("sell", True)),
        named(("pay", False), ("sell", True), ("sell", True)),
        TEAMS,
        "new",
        [("configuration", True, [(f"arn:aws:cloudtrail:us-east-1:{A}:trail/t1", "Name")])],
    ),
    "a group: nobody knows of which its only trail is": (
        named(("pay", False), ("sell", True)),
        named(({"$missing": "lost"}, False), ("sell", True)),
        TEAMS,
        "unknown",
        [("coverage", True, [(f"arn:aws:cloudtrail:us-east-1:{A}:trail/t0", "Name")])],
    ),
    "a group: nothing is of it": (
        named(("pay", False), ("sell", True)),
        named(("sell", True)),
        TEAMS,
        "vanished",
        [("resource", True, [None])],
    ),
    "the organisation: the trail that passed, in another account": (
        apart(("a", False), ("b", True)),
        apart(("a", False), ("b", False)),
        EVERYWHERE,
        "new",
        [("configuration", True, [(TRAIL_OF_B, "IsMultiRegionTrail")])],
    ),
    "the organisation: the list is denied in another account": (
        apart(("a", False), ("b", False)),
        {**apart(("a", False)), "AWS::CloudTrail::Trail": {"$missing": "denied"}},
        EVERYWHERE,
        "unknown",
        [("coverage", True, [("AWS::CloudTrail::Trail", None), (TRAIL_OF_A, None), (TRAIL_OF_B, None)])],
    ),
    "a group of the organisation: the trail that passed, in another account": (
        apart(("a", False), ("a", True)),
        apart(("a", False), ("a", False)),
        EVERY_TEAM,
        "new",
        [("configuration", True, [(TRAIL_OF_B, "IsMultiRegionTrail")])],
    ),
}


def sides(case):
    old, new, policies, *_ = CASES[case]
    pictures = [fixture(*each) if isinstance(each, tuple) else fixture(each) for each in (old, new)]
    pair = policies if isinstance(policies, tuple) else (policies, policies)
    return pictures, [[policy] if policy else [] for policy in pair]


def told(whys):
    return [
        (why.cause.value, why.alone, [(_name(each.of), each.path) if each.of else each.path for each in why.details])
        for why in whys
    ]


def _name(place):
    return place.resource or place.type


@pytest.mark.parametrize("case", CASES)
def test_a_change_has_the_causes_that_were_enough(case):
    (old, new), (before, after) = sides(case)
    *_, change, causes = CASES[case]
    found = compared(old, new, after, before)
    (one,) = [each for each in found if each.finding.resource not in (OTHER["KeyArn"], each.finding.type, B)]
    assert one.change.value == change
    said = told(one.why)
    assert [cause for cause, *_ in said] == [cause for cause, *_ in causes]
    assert [alone for _, alone, _ in said] == [alone for _, alone, _ in causes]
    for (*_, details), (*_, expected) in zip(said, causes, strict=True):
        assert {*map(str, details)} == {*map(str, expected)}
    assert all(" → " in line for line in why_lines(one.why))


def test_a_unit_changes_by_an_account_that_is_in_another():
    old, new = (fixture({**apart(("a", False), ("b", True)), **units(*paths)}) for paths in (("x", "x"), ("x", "y")))
    found = {each.finding.resource: each for each in compared(old, new, [UNITS])}
    assert {name: each.change.value for name, each in found.items()} == {"x": "new", "y": "appeared"}
    assert told(found["x"].why) == [("configuration", True, [(B, "OrganizationalUnits")])]


@pytest.mark.parametrize("case", CASES)
def test_snapshots_in_files_have_the_same_causes(case, tmp_path):
    pictures, (before, after) = sides(case)
    written = [
        open_snapshot(write_snapshot(tmp_path / str(n), picture, datetime.fromisoformat(picture.captured_at)))
        for n, picture in enumerate(pictures)
    ]
    assert compared(*written, after, before) == compared(*pictures, after, before)


def test_what_a_cause_says_of_values():
    (old, new), _ = sides("an attached call is denied")
    (one,) = [each for each in compared(old, new, [KEYS]) if each.why]
    assert why_record(one.why) == [
        {
            "cause": "coverage",
            "alone": True,
            "details": [
                {"of": None, "path": ENABLED, "before": False, "after": Unknown.because(DENIED["$missing"])},
                {"of": None, "path": FIELDS[1], "before": 365, "after": Unknown.because(DENIED["$missing"])},
            ],
        }
    ]


VOLATILE = parse_policy(
    "late.yaml",
    """\
id: late
title: t
severity: low
resource: AWS::CloudTrail::Trail
assert: Status.IsLogging && !(Status.LatestDeliveryAttemptTime)
""",
)


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        ({"IsLogging": True}, {"IsLogging": False}, ["Status.IsLogging"]),
        (
            {"IsLogging": True, "LatestDeliveryTime": "a"},
            {"IsLogging": False, "LatestDeliveryTime": "b"},
            ["Status.IsLogging"],
        ),
        # Only what changes by itself could have decided here.
        (
            {"IsLogging": True},
            {"IsLogging": True, "LatestDeliveryAttemptTime": "x"},
            ["Status.LatestDeliveryAttemptTime"],
        ),
        ({"IsLogging": True}, {"IsLogging": False, "LatestDeliveryAttemptTime": "x"}, ["Status.IsLogging"]),
    ],
)
def test_a_volatile_field_is_a_cause_only_where_nothing_else_is(old, new, paths):
    pictures = []
    for status in (old, new):
        given = trail()
        given["AWS::CloudTrail::Trail"][0]["Status"] = status
        pictures.append(fixture(given))
    (one,) = compared(*pictures, [VOLATILE])
    assert told(one.why) == [("configuration", True, paths)]


# --------------------------------------------------------------------------------------------------- estates


@pytest.mark.parametrize("policy", nine(), ids=lambda policy: policy.id)
def test_an_estate_that_is_all_old_or_all_new_comes_out_as_its_snapshot_did(policy):
    """What is put to the test is made of the rows that a policy came by: it must be as good as the real estate."""
    pictures = [fixture(test["given"], test.get("time", TIME)) for test in policy.tests if not test.get("params")]
    changes = 0
    for old, new in zip(pictures, pictures[1:] + pictures[:1], strict=True):
        before, after = Side(old, [policy]), Side(new, [policy])
        for each in compared(old, new, [policy]):
            if each.change.value != "persisting":
                scene = Scene(before, after, each.finding)
                assert scene.state(()) is (STATES[each.before.status] if each.before else before.without(each.after))
                assert scene.state([*Part]) is (STATES[each.after.status] if each.after else after.without(each.before))
                assert each.why
                changes += 1
    assert changes


def test_equal_snapshots_are_not_read_again(run, tmp_path, monkeypatch):
    path, policy = write_snapshot(tmp_path / "s", keys(key(False))), tmp_path / "keys.yaml"
    policy.write_text(KEYS.text)
    command = ("diff", path, path, "-p", policy, "--workers", "2")  # alone, one does not keep what is so little
    assert run(*command).code == 0
    opened: list[str] = []
    read = remote.read_file
    monkeypatch.setattr(remote, "read_file", lambda file, *most: opened.append(Path(file).name) or read(file, *most))
    assert run(*command).code == 0
    assert opened == ["manifest.json", "manifest.json"]


# ------------------------------------------------------------------------------------------- waivers and severity


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, TERMS, [("waiver", True, ["waiver"])]),
        (TERMS, None, [("waiver", True, ["waiver"])]),
        (TERMS, TERMS, []),
        (TERMS, replace(TERMS, reason="another"), []),
    ],
)
def test_a_waiver_that_begins_or_ends(before, after, expected):
    picture = fixture(keys(key(False)))
    found = [replace(each, waived=None) for each in evaluate(picture, [KEYS])]
    side = Side(picture, [KEYS])
    marked = [
        list(batches([replace(each, waived=waived if each.status is Status.FAIL else None) for each in found]))
        for waived in (before, after)
    ]
    (changed,) = diff(side, side, *marked)
    (one,) = changed.differences() if isinstance(changed, Unchanged) else [changed]
    assert one.change.value == "persisting"
    assert told(one.why) == expected
    assert newly_failing(one, Severity.LOW) is (before is not None and after is None)


def test_a_waiver_and_a_severity_may_change_at_once():
    picture, harsher = fixture(keys(key(False))), replace(KEYS, severity=Severity.HIGH)
    waived = [replace(each, waived=TERMS if each.status is Status.FAIL else None) for each in evaluate(picture, [KEYS])]
    sides = Side(picture, [KEYS]), Side(picture, [harsher])
    (one,) = diff(*sides, batches(waived), batches(evaluate(picture, [harsher])))
    assert told(one.why) == [("waiver", True, ["waiver"]), ("policy", True, ["severity"])]


def test_another_severity_is_told_and_counts():
    picture = fixture(keys(key(False)))
    (one,) = compared(picture, picture, [replace(KEYS, severity=Severity.HIGH)], [KEYS])
    assert (one.change.value, told(one.why)) == ("persisting", [("policy", True, ["severity"])])
    assert newly_failing(one, Severity.HIGH)
    assert not newly_failing(one, Severity.LOW)


# ------------------------------------------------------------------------------------------------- properties

ROTATIONS = st.one_of(
    st.builds(
        key, enabled=st.booleans(), days=st.sampled_from([30, 200]), manager=st.sampled_from(["AWS", "CUSTOMER"])
    ),
    st.just(key(DENIED)),
    st.none(),
)
ESTATES = st.one_of(
    st.lists(ROTATIONS, max_size=3).map(
        lambda found: keys(
            *({**each, "KeyArn": f"{each['KeyArn']}{number}"} for number, each in enumerate(found) if each)
        )
    ),
    st.just({"AWS::KMS::Key": LIST_DENIED}),
    st.just({"AWS::KMS::Key": [{**OTHER, "$account": B}]}),
)
TIMES = st.sampled_from(["2026-01-01T00:00:00Z", LATER])
RULES = st.sampled_from([[KEYS], [STRICT], [NAMED], []])


def backwards(found):
    """Differences read backwards, but for what is only enough in one direction."""
    return {
        each.finding.identity: (
            each.after and each.after.status,
            each.before and each.before.status,
            {why.cause: why.mirrored().details for why in each.why},
        )
        for each in found
    }


@settings(max_examples=80)
@given(ESTATES, ESTATES, TIMES, TIMES)
def test_a_diff_read_backwards_is_the_diff_backwards(one, other, then, now):
    before, after = fixture(one, then), fixture(other, now)
    forth, back = compared(before, after, [KEYS, AGES]), compared(after, before, [KEYS, AGES])
    mirror = backwards(back)
    assert [each.finding.identity for each in forth] == [*mirror]
    for each in forth:
        old, new, causes = mirror[each.finding.identity]
        assert (each.before and each.before.status, each.after and each.after.status) == (old, new)
        said = {why.cause: why.details for why in each.why}
        # Of several causes one may be enough to come here, and not enough to go back.
        assert said == causes or (said.keys() & causes.keys() and len({*said, *causes}) > 1)
        assert all(causes[cause] == details for cause, details in said.items() if cause in causes)


@settings(max_examples=30)
@given(ESTATES, TIMES, RULES)
def test_a_snapshot_does_not_differ_from_itself(given, time, rules):
    picture = fixture(given, time)
    found = compared(picture, picture, rules)
    assert {(each.change.value, each.why) for each in found} <= {("persisting", ())}


@settings(max_examples=60)
@given(ESTATES, ESTATES, TIMES, RULES, RULES)
def test_new_and_persisting_are_the_failures_of_now_and_every_change_has_a_cause(one, other, time, old, new):
    before, after = fixture(one), fixture(other, time)
    found = compared(before, after, new, old)
    failing = [each.finding.identity for each in found if each.change.value in ("new", "persisting")]
    assert failing == [each.identity for each in evaluate(after, new) if each.status is Status.FAIL]
    assert all(each.why for each in found if each.change.value != "persisting")
    assert all(
        each.change.value != "resolved" or each.after.status in (Status.PASS, Status.NOT_APPLICABLE) for each in found
    )
