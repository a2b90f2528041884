"""Folding: what is not known, or could not be listed, is never lost in a verdict on many."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from stillframe.engine.judging.rollup import Item, fold
from stillframe.engine.model.finding import Status
from stillframe.engine.model.policy import Require, Rollup, Within
from stillframe.snapshot.model import Account, Coverage, Unknown

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
    policy = SimpleNamespace(rollup=Rollup(per=per, require=require), subjects=lambda: (KIND,))
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


def test_many_regions_and_many_rows_are_folded_in_one_pass():
    regions = tuple(f"eu-north-{number:05}" for number in range(5_000))
    begun = time.process_time()
    found = folded([item(PASS, region) for region in regions], per=Within.REGION, regions=regions)
    assert len(found) == len(regions)
    assert time.process_time() - begun < 1  # each row for each region took 25,000,000 looks
