"""Folding: what is not known, or could not be listed, is never lost in a verdict on many."""

from __future__ import annotations

import time
from itertools import product
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from stillframe.engine.judging.rollup import Item, Place, fold, fold_all
from stillframe.engine.language.parser import parse
from stillframe.engine.model.finding import Status
from stillframe.engine.model.policy import Bound, Count, Require, Rollup, Within
from stillframe.snapshot.model import Account, Coverage, Unknown


def at_least(number):
    return Count(bound=Bound.AT_LEAST, number=number)


def at_most(number):
    return Count(bound=Bound.AT_MOST, number=number)


def share(number):
    return Count(bound=Bound.SHARE, number=number)


A, KIND = "111122223333", "AWS::EC2::VPC"
EAST, WEST = "us-east-1", "eu-west-1"
PASS, FAIL, UNKNOWN, ERROR, NOT_APPLICABLE = (
    Status.PASS,
    Status.FAIL,
    Status.UNKNOWN,
    Status.ERROR,
    Status.NOT_APPLICABLE,
)


def account(missing=(), regions=(WEST, EAST)) -> Account:
    coverage = Coverage(read={EAST, WEST} - {*missing}, missing=dict.fromkeys(missing, "denied"))
    return Account(id=A, name=None, regions=regions, coverage={KIND: coverage}, read=lambda kind: [])


def item(status: Status, region: str = EAST, name: str = "vpc-1", message: str = "m") -> Item:
    said = {"status": status, "message": message, "evidence": {"saw": name}}
    return Item(resource=None, type=KIND, region=region, id=name, **said)


def folded(items, per=Within.ACCOUNT, require=Require.ALL, **estate) -> list:
    policy = SimpleNamespace(rollup=Rollup(per=per, require=require), subjects=lambda: (KIND,), unsure=None)
    return list(fold(policy, account(**estate), items))


@pytest.mark.parametrize(
    ("require", "statuses", "missing", "expected"),
    [
        (Require.ALL, [PASS], [WEST], UNKNOWN),
        (Require.ALL, [FAIL], [WEST], FAIL),
        (Require.ALL, [], [WEST], UNKNOWN),
        (Require.ANY, [PASS], [WEST], PASS),
        (Require.ANY, [FAIL], [WEST], UNKNOWN),
        (Require.ANY, [], [WEST], UNKNOWN),
        (Require.ALL, [PASS, ERROR], [], ERROR),
        (Require.ALL, [FAIL, ERROR], [], FAIL),
        (Require.ALL, [UNKNOWN, ERROR], [], ERROR),
        (Require.ANY, [FAIL, ERROR], [], ERROR),
        (Require.ANY, [PASS, ERROR], [], PASS),
        (Require.ALL, [NOT_APPLICABLE], [], UNKNOWN),
        (Require.ANY, [NOT_APPLICABLE], [], FAIL),
    ],
)
def test_a_gap_and_an_error_count_as_not_known(require, statuses, missing, expected):
    (one,) = folded([item(each) for each in statuses], require=require, missing=missing)
    assert one.status is expected


def test_a_failure_over_nothing_says_so():
    (one,) = folded([], require=Require.ANY)
    assert (one.status, one.message) == (FAIL, "there is nothing to evaluate")


def test_each_region_is_folded_by_itself_and_has_its_own_gap():
    items = [item(PASS), item(FAIL, WEST), item(PASS, WEST)]
    found = folded(items, per=Within.REGION)
    assert [(one.region, one.subject, one.status) for one in found] == [(WEST, WEST, FAIL), (EAST, EAST, PASS)]
    found = folded([item(PASS)], per=Within.REGION, missing=[WEST])
    assert [(one.status, one.message) for one in found] == [(UNKNOWN, "denied"), (PASS, "")]


def test_what_was_found_in_a_region_that_is_not_enabled_is_not_lost():
    found = folded([item(PASS), item(FAIL, WEST)], per=Within.REGION, regions=(EAST,))
    assert [(one.region, one.status) for one in found] == [(WEST, FAIL), (EAST, PASS)]


def test_a_message_names_some_causes_and_counts_the_rest():
    regions = tuple(f"eu-north-{number}" for number in range(1, 15))
    (one,) = folded([], regions=regions)
    assert one.message.count("was not collected from") == 10
    assert one.message.endswith("; and 4 more")


def grouped(items, require, missing=()) -> list:
    """What is said of groups: items are a status and a group, which is unknown where it is None."""
    rollup = Rollup(per=Within.ACCOUNT, require=require, by=parse("team"))
    policy = SimpleNamespace(rollup=rollup, subjects=lambda: (KIND,), params={}, unsure=None)
    placed = {f"vpc-{number}": group for number, (_, group) in enumerate(items)}
    given = [item(status, name=name) for (status, _), name in zip(items, placed, strict=True)]
    found = fold(policy, account(missing), given, lambda each: placed[each.id] or Unknown.because("denied"))
    return [(one.subject, one.status) for one in found]


ACCOUNT = "AWS::Account"


@pytest.mark.parametrize(
    ("require", "items", "expected"),
    [
        (Require.ALL, [(PASS, "b"), (FAIL, "a"), (PASS, "a")], [("a", FAIL), ("b", PASS)]),
        (Require.ANY, [(PASS, "b"), (FAIL, "a"), (PASS, "a")], [("a", PASS), ("b", PASS)]),
        (Require.ALL, [(UNKNOWN, "a"), (NOT_APPLICABLE, "c"), (ERROR, "b")], [("a", UNKNOWN), ("b", ERROR)]),
        (Require.ALL, [], []),
        # What may be of any group leaves open what it could change, and only that.
        (Require.ALL, [(PASS, "a"), (FAIL, None)], [("a", UNKNOWN), (ACCOUNT, UNKNOWN)]),
        (Require.ALL, [(PASS, "a"), (PASS, None)], [("a", PASS), (ACCOUNT, UNKNOWN)]),
        (Require.ALL, [(FAIL, "a"), (PASS, None)], [("a", FAIL), (ACCOUNT, UNKNOWN)]),
        (Require.ALL, [(PASS, "a"), (UNKNOWN, None)], [("a", UNKNOWN), (ACCOUNT, UNKNOWN)]),
        (Require.ANY, [(FAIL, "a"), (PASS, None)], [("a", UNKNOWN), (ACCOUNT, UNKNOWN)]),
        (Require.ANY, [(FAIL, "a"), (FAIL, None)], [("a", FAIL), (ACCOUNT, UNKNOWN)]),
        (Require.ANY, [(PASS, "a"), (ERROR, None)], [("a", PASS), (ACCOUNT, UNKNOWN)]),
        (at_least(1), [(PASS, "a"), (FAIL, "b"), (PASS, None)], [("a", PASS), ("b", UNKNOWN), (ACCOUNT, UNKNOWN)]),
        (at_least(2), [(PASS, "a"), (FAIL, "b"), (PASS, None)], [("a", UNKNOWN), ("b", FAIL), (ACCOUNT, UNKNOWN)]),
        (at_least(1), [(FAIL, "a"), (FAIL, None)], [("a", FAIL), (ACCOUNT, UNKNOWN)]),
        (at_most(1), [(PASS, "a"), (FAIL, "b"), (PASS, None)], [("a", UNKNOWN), ("b", PASS), (ACCOUNT, UNKNOWN)]),
        (share(0.5), [(PASS, "a"), (FAIL, "b"), (FAIL, None)], [("a", PASS), ("b", UNKNOWN), (ACCOUNT, UNKNOWN)]),
        (share(0.6), [(PASS, "a"), (FAIL, None)], [("a", UNKNOWN), (ACCOUNT, UNKNOWN)]),
        (Require.ALL, [(NOT_APPLICABLE, None)], []),
    ],
)
def test_each_group_is_folded_by_itself_and_what_may_be_of_any_is_lost_in_none(require, items, expected):
    assert grouped(items, require) == expected


def test_a_place_that_was_not_read_may_have_more_of_each_group_and_other_groups():
    items = [(PASS, "a"), (FAIL, "b")]
    assert grouped(items, Require.ALL, [WEST]) == [("a", UNKNOWN), ("b", FAIL), (ACCOUNT, UNKNOWN)]
    assert grouped(items, Require.ANY, [WEST]) == [("a", PASS), ("b", UNKNOWN), (ACCOUNT, UNKNOWN)]
    assert grouped([], Require.ANY, [WEST]) == [(ACCOUNT, UNKNOWN)]


@given(
    st.sampled_from([Require.ALL, Require.ANY, at_least(1), at_least(2), at_most(1), share(0.5), share(0.7)]),
    st.lists(st.tuples(st.sampled_from([PASS, FAIL]), st.sampled_from(["a", "b", None])), max_size=6),
)
def test_a_verdict_on_a_group_holds_wherever_those_belong_whose_group_is_unknown(require, items):
    """All ways to place them give what is said, or nothing is said."""
    said = dict(grouped(items, require))
    lost = [number for number, (_, group) in enumerate(items) if group is None]
    ways: dict[str, set[Status]] = {}
    for chosen in product("abc", repeat=len(lost)):
        placed = dict(zip(lost, chosen, strict=True))
        for name, status in grouped([(it[0], placed.get(n, it[1])) for n, it in enumerate(items)], require):
            ways.setdefault(name, set()).add(status)
    for name in {group for _, group in items if group}:
        if said[name] is not UNKNOWN:
            assert ways[name] == {said[name]}
    if lost:  # there may be a group that nobody has seen
        assert said[ACCOUNT] is UNKNOWN


DENIED = Unknown.because("denied")


@pytest.mark.parametrize(
    ("require", "items", "places", "expected"),
    [
        (Require.ANY, [(PASS, "a"), (FAIL, "b")], [("a", None), ("b", None)], [("a", PASS), ("b", FAIL)]),
        (Require.ANY, [], [("a", None)], [("a", FAIL)]),
        (Require.ALL, [], [("a", None)], [("a", UNKNOWN)]),
        # A list that was not read leaves open the unit of its account alone.
        (Require.ANY, [(FAIL, "b")], [("a", DENIED), ("b", None)], [("a", UNKNOWN), ("b", FAIL)]),
        (Require.ANY, [(FAIL, "a")], [("a", None), ("a", DENIED)], [("a", UNKNOWN)]),
        # Where the unit is unknown, it leaves open all units.
        (Require.ANY, [(FAIL, "a")], [("a", None), (None, DENIED)], [("a", UNKNOWN), (ACCOUNT, UNKNOWN)]),
        (Require.ANY, [(FAIL, "a"), (PASS, None)], [("a", None), (None, None)], [("a", UNKNOWN), (ACCOUNT, UNKNOWN)]),
        (Require.ANY, [(FAIL, "a"), (FAIL, None)], [("a", None), (None, None)], [("a", FAIL), (ACCOUNT, UNKNOWN)]),
        (Require.ANY, [(FAIL, "a")], [("a", None), (None, None)], [("a", FAIL), (ACCOUNT, UNKNOWN)]),
    ],
)
def test_each_unit_is_folded_over_its_accounts(require, items, places, expected):
    policy = SimpleNamespace(rollup=Rollup(per=Within.SNAPSHOT, require=require, unit=True), params={}, unsure=None)
    placed = [(item(status), unit or Unknown.because("no unit")) for status, unit in items]
    known = [Place(group=unit or Unknown.because("no unit"), gap=gap) for unit, gap in places]
    assert [(one.subject, one.status) for one in fold_all(policy, placed, known)] == expected


@pytest.mark.parametrize(
    ("require", "statuses", "gap", "expected"),
    [
        (Require.ANY, [FAIL, PASS], None, PASS),
        (Require.ANY, [FAIL], DENIED, UNKNOWN),
        (Require.ANY, [], None, FAIL),
        (Require.ALL, [PASS], DENIED, UNKNOWN),
        (Require.ALL, [FAIL], DENIED, FAIL),
        (Require.ALL, [], None, UNKNOWN),
    ],
)
def test_the_organisation_is_folded_over_all_accounts(require, statuses, gap, expected):
    policy = SimpleNamespace(rollup=Rollup(per=Within.SNAPSHOT, require=require), params={}, unsure=None)
    places = [Place(group="organisation", gap=None), Place(group="organisation", gap=gap)]
    (one,) = fold_all(policy, [(item(each), "organisation") for each in statuses], places)
    assert (one.subject, one.region, one.status) == ("organisation", "*", expected)


@pytest.mark.parametrize("require", Require)
def test_where_the_regions_are_not_known_there_is_one_unknown_finding_and_no_silence(require):
    (one,) = folded([item(FAIL)], per=Within.REGION, require=require, regions=Unknown.because("ec2:DescribeRegions"))
    assert (one.status, one.region, one.message) == (UNKNOWN, "*", "ec2:DescribeRegions")


@pytest.mark.parametrize(
    ("statuses", "deciding"),
    [
        ([PASS, FAIL, UNKNOWN], ["us-east-1 vpc-1"]),
        ([PASS, UNKNOWN, ERROR], ["us-east-1 vpc-1", "us-east-1 vpc-2"]),
        ([PASS, PASS], ["us-east-1 vpc-0", "us-east-1 vpc-1"]),
    ],
)
def test_the_evidence_is_of_those_that_decided(statuses, deciding):
    (one,) = folded([item(each, name=f"vpc-{n}") for n, each in enumerate(statuses)])
    assert list(one.evidence) == deciding


def test_texts_may_name_what_failed_and_what_is_not_known():
    (one,) = folded([item(each, name=each.value) for each in Status])
    assert [each.id for each in one.failed] == ["fail"]
    assert [each.id for each in one.unknown] == ["unknown"]


@pytest.mark.parametrize(
    ("name", "label"),
    [("vpc-1", "us-east-1 vpc-1"), ("arn:aws:x", "arn:aws:x"), (EAST, EAST), ("x:arn:", "us-east-1 x:arn:")],
)
def test_a_resource_is_named_with_its_region_unless_its_id_tells_it(name, label):
    (one,) = folded([item(FAIL, name=name), item(FAIL, name=name)])
    assert one.message == f"m ({label}, {label})"


TRAIL = f"arn:aws:cloudtrail:{EAST}:{A}:trail/x"
OTHER = "444455556666"


@pytest.mark.parametrize(
    ("name", "places", "labels"),
    [
        (TRAIL, [(A, EAST)], [TRAIL]),
        (TRAIL, [(A, EAST), (OTHER, EAST)], [f"{A} {EAST} {TRAIL}", f"{OTHER} {EAST} {TRAIL}"]),
        (TRAIL, [(OTHER, EAST)], [f"{OTHER} {EAST} {TRAIL}"]),
        (TRAIL, [("", EAST), ("", WEST)], [f"{EAST} {TRAIL}", f"{WEST} {TRAIL}"]),
        ("arn:aws:s3:::b", [(A, EAST)], ["arn:aws:s3:::b"]),
    ],
)
def test_no_evidence_is_lost_where_several_places_have_one_arn(name, places, labels):
    items = [replace(item(FAIL, region, name), account=account) for account, region in places]
    (one,) = folded(items)
    assert list(one.evidence) == labels


def test_many_regions_and_many_rows_are_folded_in_one_pass():
    regions = tuple(f"eu-north-{number:05}" for number in range(5_000))
    begun = time.process_time()
    found = folded([item(PASS, region) for region in regions], per=Within.REGION, regions=regions)
    assert len(found) == len(regions)
    assert time.process_time() - begun < 1  # each row for each region took 25,000,000 looks
