"""Which events make alarms go off: the metric, its dimensions, what a filter sees, and whether an alarm ever does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from builders import shipped, write_snapshot
from stillframe.engine.errors import EvaluationError
from stillframe.engine.execution.judge import Method, judge
from stillframe.engine.functions.filter_cover import filter_covers
from stillframe.engine.functions.metric_alarm import alarm_patterns
from stillframe.engine.testing.examples import cases
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.model import Unknown

ACCOUNT = "111122223333"
METRIC = {"metricNamespace": "CIS", "metricName": "Root", "metricValue": "1"}
FILTER = {"filterPattern": "{ $.a = x }", "metricTransformations": [METRIC]}
ALARM = {
    "AlarmArn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:root",
    "Namespace": "CIS",
    "MetricName": "Root",
    "Statistic": "Sum",
    "Period": 300,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}
UNKNOWN = "unknown"


def goes_off(row: dict[str, Any], alarm: dict[str, Any], account: str = ACCOUNT) -> object:
    """Whether every event that the filter is for makes the alarm go off."""
    found = filter_covers(alarm_patterns([row], [alarm], account), "{ $.a = x }", account)
    return UNKNOWN if isinstance(found, Unknown) else found


@pytest.mark.parametrize(
    ("metric", "alarm", "expected"),
    [
        ({}, {}, True),
        ({}, {"Namespace": "Other"}, False),
        ({}, {"MetricName": "root"}, False),
        # What the filter counts
        ({"metricValue": "0"}, {}, False),
        ({"metricValue": "0.0"}, {}, False),
        ({"metricValue": "0"}, {"Threshold": 0.0}, True),
        ({"metricValue": "0", "defaultValue": 0.0}, {"Threshold": 0.0}, False),
        ({"metricValue": "0"}, {"Statistic": "SampleCount"}, True),
        ({"metricValue": "0"}, {"Threshold": None, "ComparisonOperator": None, "Statistic": None}, False),
        ({"metricValue": "1"}, {"Threshold": None, "ComparisonOperator": None, "Statistic": None}, True),
        ({"metricValue": "1"}, {"Threshold": None, "ComparisonOperator": None}, UNKNOWN),
        ({"metricValue": "1"}, {"Threshold": None, "Statistic": None}, UNKNOWN),
        ({"metricValue": "1"}, {"ComparisonOperator": None, "Statistic": None}, UNKNOWN),
        ({"metricValue": "-1"}, {}, False),
        ({"metricValue": "-1"}, {"ComparisonOperator": "LessThanThreshold", "Threshold": 0.0}, True),
        ({"metricValue": "5e-1"}, {}, True),
        ({"metricValue": "$.size"}, {}, UNKNOWN),
        ({"metricValue": "$size"}, {}, UNKNOWN),
        # How much it takes is for people to say, but it must be possible
        ({}, {"Threshold": 1e6}, True),
        ({}, {"Threshold": 1e6, "Statistic": "Average"}, False),
        ({}, {"Threshold": 1.0, "Statistic": "Average"}, True),
        ({}, {"Threshold": 1.0, "Statistic": "Maximum", "ComparisonOperator": "GreaterThanThreshold"}, False),
        ({}, {"Threshold": 1.0, "Statistic": "Minimum"}, True),
        ({"metricValue": "10"}, {"Threshold": 1.0, "Statistic": "Maximum"}, True),
        ({}, {"Threshold": 0.0, "ComparisonOperator": "LessThanOrEqualToThreshold"}, False),
        ({}, {"EvaluationPeriods": 5, "DatapointsToAlarm": 3}, True),
        ({}, {"Statistic": None, "ExtendedStatistic": "p99"}, True),
        ({}, {"Statistic": None, "ExtendedStatistic": "p99", "Threshold": 2.0}, False),
        ({}, {"Statistic": None, "ExtendedStatistic": "TM(10%:90%)"}, True),
        ({}, {"Statistic": None, "ExtendedStatistic": "TS(10%:90%)", "Threshold": 5.0}, True),
        ({}, {"Statistic": None, "ExtendedStatistic": "IQM", "Threshold": 5.0}, False),
        ({}, {"Statistic": None, "ExtendedStatistic": "PR(1:10)"}, UNKNOWN),
        (
            {},
            {"ComparisonOperator": "GreaterThanUpperThreshold", "Threshold": None, "ThresholdMetricId": "ad"},
            UNKNOWN,
        ),
        # Only a change of state tells somebody
        ({}, {"TreatMissingData": "breaching"}, False),
        ({}, {"TreatMissingData": "notBreaching"}, True),
        ({}, {"TreatMissingData": "ignore"}, True),
        ({"defaultValue": 0.0}, {"TreatMissingData": "breaching"}, True),
        ({"defaultValue": 0.0}, {}, True),
        ({"defaultValue": 1.0}, {}, False),
        ({"defaultValue": 1.0}, {"Threshold": 1e6}, UNKNOWN),
        ({"defaultValue": 0.0}, {"ComparisonOperator": "LessThanThreshold"}, False),
        ({"defaultValue": 0.0}, {"Statistic": "SampleCount"}, False),
        # Units
        ({}, {"Unit": "Count"}, False),
        ({}, {"Unit": "None"}, True),
        ({"unit": "Count"}, {}, True),
        ({"unit": "Count"}, {"Unit": "Count"}, True),
        ({"unit": "Count"}, {"Unit": "None"}, False),
    ],
)
def test_an_alarm_goes_off_for_what_a_filter_counts(metric, alarm, expected):
    row = {**FILTER, "metricTransformations": [{**METRIC, **metric}]}
    assert goes_off(row, {**ALARM, **alarm}) is expected


def named(**values: str) -> list[dict[str, str]]:
    return [{"Name": name.replace("aws_", "@aws."), "Value": value} for name, value in values.items()]


@pytest.mark.parametrize(
    ("sent", "system", "watched", "expected"),
    [
        (None, None, [], True),
        ({}, [], None, True),
        ({"Account": "$.recipientAccountId"}, None, named(Account=ACCOUNT), True),
        ({"Account": "$.recipientAccountId"}, None, named(Account="444455556666"), False),
        ({"Account": "$.recipientAccountId"}, None, named(account=ACCOUNT), False),
        ({"Account": "$.recipientAccountId"}, None, [], False),
        ({}, None, named(Account=ACCOUNT), False),
        ({"Account": "$.recipientAccountId", "A": "$.a"}, None, named(Account=ACCOUNT), False),
        ({"Account": "$.recipientAccountId", "A": "$.a"}, None, named(A="x", Account=ACCOUNT), True),
        ({"A": "$.a"}, None, named(A="x"), True),
        ({"A": "$.a"}, None, named(A="y"), False),
        ({"A": "$.a"}, None, named(A="*"), UNKNOWN),
        ({"B": "$.b"}, None, named(B="x"), False),
        ({}, ["@aws.account"], [], False),
        ({}, ["@aws.account"], named(aws_account=ACCOUNT), True),
        ({}, ["@aws.account"], named(aws_account="444455556666"), False),
        ({}, ["@aws.region"], named(aws_region="us-east-1"), False),
        ({}, ["@aws.account", "@aws.region"], named(aws_account=ACCOUNT), False),
        ({"A": "$.a"}, ["@aws.account"], named(aws_account=ACCOUNT, A="x"), True),
        ({"A": "$.a"}, ["@aws.account"], named(A="x"), False),
    ],
)
def test_filter_and_alarm_have_the_same_dimensions(sent, system, watched, expected):
    row = {**FILTER, "metricTransformations": [{**METRIC, "dimensions": sent}], "emitSystemFieldDimensions": system}
    assert goes_off(row, {**ALARM, "Dimensions": watched}) is expected


def test_alarms_on_each_value_of_a_dimension_may_do_it_together():
    row = {**FILTER, "metricTransformations": [{**METRIC, "dimensions": {"B": "$.b"}}]}
    alarms = [{**ALARM, "Dimensions": named(B=value)} for value in ("x", "y")]
    assert filter_covers(alarm_patterns([row], alarms, ACCOUNT), "{ $.a = x && ($.b = x || $.b = y) }", ACCOUNT) is True
    assert filter_covers(alarm_patterns([row], alarms, ACCOUNT), "{ $.a = x && $.b EXISTS }", ACCOUNT) is False


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (None, True),
        ("", True),
        (f'@aws.account = "{ACCOUNT}"', True),
        (f"@aws.account = '{ACCOUNT}'", True),
        (f'@aws.account IN ["444455556666", "{ACCOUNT}"]', True),
        (f'@aws.account in ["{ACCOUNT}"]', True),
        ('@aws.account != "444455556666"', True),
        ('@aws.account NOT IN ["444455556666", "777788889999"]', True),
        ('@aws.account = "444455556666"', False),
        ('@aws.account IN ["444455556666"]', False),
        (f'@aws.account != "{ACCOUNT}"', False),
        (f'@aws.account NOT IN ["{ACCOUNT}"]', False),
        ("@aws.account IN []", UNKNOWN),
        ('@aws.region = "us-east-1"', False),
        ('@aws.region IN ["us-east-1", "eu-west-1"]', False),
        ('@aws.region NOT IN ["us-east-1"]', False),
        (f'@aws.account = "{ACCOUNT}" AND @aws.region = "us-east-1"', False),
        (f'@aws.account = "{ACCOUNT}" OR @aws.region = "us-east-1"', True),
        (f'(@aws.region = "us-east-1" OR @aws.account = "{ACCOUNT}") AND @aws.account != "444455556666"', True),
        ('@aws.region = "us-*"', UNKNOWN),
        ('@aws.zone = "x"', UNKNOWN),
        ("anything", UNKNOWN),
        ('@aws.account = "1" AND', UNKNOWN),
    ],
)
def test_what_a_filter_does_not_see_sets_off_nothing(criteria, expected):
    assert goes_off({**FILTER, "fieldSelectionCriteria": criteria}, ALARM) is expected
    assert goes_off({**FILTER, "filterPattern": "", "fieldSelectionCriteria": criteria}, ALARM) is expected


def test_whose_the_events_of_another_account_are_is_not_known():
    row = {**FILTER, "fieldSelectionCriteria": f'@aws.account = "{ACCOUNT}"'}
    assert goes_off(row, ALARM, "444455556666") is UNKNOWN


def stat(**changes: Any) -> dict[str, Any]:
    metric = {"Namespace": "CIS", "MetricName": "Root", "Dimensions": []}
    return {"Id": "a", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum"}, **changes}


@pytest.mark.parametrize(
    ("alarm", "expected"),
    [
        ({"Metrics": [stat()]}, True),
        ({"Metrics": [stat(AccountId=ACCOUNT)]}, True),
        ({"Metrics": [stat(AccountId="444455556666")]}, False),
        ({"Metrics": [stat()], "Threshold": -1.0}, True),
        ({"Metrics": [stat()], "ComparisonOperator": "LessThanThreshold"}, False),
        ({"Metrics": [stat(ReturnData=False), {"Id": "b", "Expression": "FILL(a, 0)"}]}, UNKNOWN),
        ({"Metrics": [{"Id": "b", "Expression": 'SELECT SUM(Root) FROM "CIS"'}]}, UNKNOWN),
        ({"Metrics": [{"Id": "b", "Expression": 'SELECT SUM(Other) FROM "CIS"'}]}, False),
        ({"EvaluationCriteria": {"PromQLCriteria": {"Query": 'sum({"Root"}) > 0'}}}, UNKNOWN),
        ({"EvaluationCriteria": {"PromQLCriteria": {"Query": 'sum({"Other"}) > 0'}}}, False),
    ],
)
def test_an_alarm_may_watch_the_metric_by_a_query(alarm, expected):
    assert goes_off(FILTER, {**ALARM, "Namespace": None, "MetricName": None, "Statistic": None, **alarm}) is expected


def cause(alarm: dict[str, Any]) -> str:
    """Why nobody knows whether an alarm goes off, or "" where somebody does."""
    gaps = [found for found in alarm_patterns([FILTER], [alarm], ACCOUNT) if isinstance(found, Unknown)]
    return "".join(cause for gap in gaps for cause in gap.causes)


@pytest.mark.parametrize("lost", ["Namespace", "MetricName", "Statistic", "ComparisonOperator", "Threshold"])
def test_what_every_alarm_on_a_metric_has_is_unknown_where_it_was_lost(lost):
    rest = {name: value for name, value in ALARM.items() if name != lost}
    assert cause(rest) == f"{ALARM['AlarmArn']}: the alarm has no {lost}"
    assert cause({**ALARM, lost: None}) == cause(rest)


@pytest.mark.parametrize(
    ("query", "lost"),
    [
        ({"MetricStat": {"Metric": {"Namespace": "CIS"}, "Period": 300, "Stat": "Sum"}}, "MetricName"),
        ({"MetricStat": {"Metric": {"MetricName": "Root"}, "Period": 300, "Stat": "Sum"}}, "Namespace"),
        ({"MetricStat": {"Metric": {"Namespace": "CIS", "MetricName": "Root"}, "Period": 300}}, "Stat"),
        ({"MetricStat": None}, "Expression"),
        (None, "MetricName"),
    ],
)
def test_what_every_query_of_an_alarm_has_is_unknown_where_it_was_lost(query, lost):
    rest = {name: value for name, value in ALARM.items() if name not in ("Namespace", "MetricName", "Statistic")}
    queries = query and [{"Id": "a", **query}]
    assert cause({**rest, "Metrics": queries}) == f"{ALARM['AlarmArn']}: the alarm has no {lost}"


@pytest.mark.parametrize(
    "known",
    [
        {"Namespace": "Other", "MetricName": None},
        {"Namespace": None, "MetricName": "Other"},
        {"Unit": "Count", "Threshold": None},
    ],
)
def test_what_was_lost_does_not_matter_where_the_rest_decides(known):
    assert alarm_patterns([FILTER], [{**ALARM, **known}], ACCOUNT) == []


(ROOT,) = shipped("monitoring-root-usage")
CHAIN = cases(ROOT)[0].test["given"]
(WHOLE,) = CHAIN["AWS::CloudWatch::Alarm"]
# The name is read by nobody, and an alarm without actions tells nobody.
LOSSES = dict.fromkeys(WHOLE, "unknown") | {"AlarmName": "pass", "AlarmActions": "fail"}


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(("lost", "expected"), LOSSES.items())
def test_the_chain_is_unknown_on_both_paths_where_its_alarm_lost_something(tmp_path, lost, expected, exact):
    rest = {name: value for name, value in WHOLE.items() if name != lost}
    path = write_snapshot(tmp_path, {**CHAIN, "AWS::CloudWatch::Alarm": [rest]})
    (batch,) = judge(open_snapshot(path), [ROOT], Method(exact=exact, few=0))
    (found,) = (json.loads(line) for line in batch.lines())
    assert found["status"] == expected
    if expected == "unknown":
        assert f"has no {lost}" in found["message"]


def test_what_is_not_known_of_filter_or_alarm_may_be_anything():
    lost = Unknown.because("lost")
    assert alarm_patterns(lost, [ALARM], ACCOUNT) == [lost]
    assert alarm_patterns([FILTER], lost, ACCOUNT) == [lost]
    assert alarm_patterns([FILTER, lost], [ALARM], ACCOUNT) == ["{ $.a = x }", lost]
    assert alarm_patterns([FILTER], [ALARM, lost], ACCOUNT) == ["{ $.a = x }", lost]
    assert alarm_patterns([FILTER], [{**ALARM, "Threshold": lost}], ACCOUNT) == [lost]
    assert alarm_patterns(
        [{**FILTER, "metricTransformations": [{**METRIC, "metricValue": lost}]}], [ALARM], ACCOUNT
    ) == [lost]
    assert alarm_patterns([{**FILTER, "applyOnTransformedLogs": True}], [ALARM], ACCOUNT)[0].causes
    assert alarm_patterns([], [], ACCOUNT) == []


LOST = Unknown.because("lost")


@pytest.mark.parametrize(
    ("has", "actions", "expected"),
    [
        (["a", "b"], ["b"], ["{ $.a = x }"]),
        (["a"], ["b"], []),
        ([], ["b"], []),
        (None, ["b"], []),
        (["a"], [], []),
        (["a"], [LOST], [LOST]),
        (["a"], ["a", LOST], ["{ $.a = x }"]),
        (["a"], LOST, [LOST]),
        ([], LOST, []),
        (LOST, ["a"], [LOST]),
        (["b", LOST], ["a"], [LOST]),
        (["a", LOST], ["a"], ["{ $.a = x }"]),
    ],
)
def test_an_alarm_counts_that_has_one_of_the_actions(has, actions, expected):
    assert alarm_patterns([FILTER], [{**ALARM, "AlarmActions": has}], ACCOUNT, actions) == expected
    other = {**ALARM, "AlarmActions": has, "Namespace": "Other"}
    assert alarm_patterns([FILTER], [other], ACCOUNT, actions) == []


def test_an_alarm_that_nobody_knows_may_have_any_action():
    assert alarm_patterns([FILTER], [LOST], ACCOUNT, ["a"]) == [LOST]


@pytest.mark.parametrize("arguments", [(None, []), ([], None), ([FILTER], ["x"]), (["x"], [ALARM])])
def test_what_is_no_list_of_rows_is_an_error(arguments):
    with pytest.raises(EvaluationError, match="alarm_patterns"):
        alarm_patterns(*arguments, ACCOUNT)
