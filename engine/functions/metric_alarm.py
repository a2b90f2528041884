"""Which events make alarms of CloudWatch go off, by the metric filters that count them.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from .alarm_threshold import goes_off, required, says_nothing
from .arguments import kind, text
from .filter_cover import ACCOUNT, narrowed
from .filter_pattern import quoted
from .lists import contains
from .text import arn
from .unknowns import Truth, kleene_all, kleene_any, unknown_in

Row = Mapping[str, Any]

# System fields of log events. What CloudTrail itself delivers to a log group of the account is the account's own.
_SYSTEM = {"@aws.account": f"$.{ACCOUNT}", "@aws.region": '$["@aws.region"]'}


def alarm_patterns(filters: Json, alarms: Json, account: Json, *actions: Json) -> Json:
    """Filter patterns of the events of an account that make some alarm go off, by some metric filter.

    A filter and an alarm make one pattern if the alarm watches the metric, with the same dimensions, and can go off.
    Where nobody can say, an item is unknown. With a list of actions, only alarms that have one of them count.
    """
    for argument in (filters, alarms, account):
        if isinstance(argument, Unknown):
            return [argument]
    if not isinstance(filters, list) or not isinstance(alarms, list):
        raise EvaluationError(f"alarm_patterns() takes two lists, not {kind(filters)} and {kind(alarms)}")
    found: list[Json] = []
    for each in filters:
        for alarm in alarms:
            told = kleene_all([_has_one(alarm, listed) for listed in actions])
            gap = unknown_in([_row(each), _watching(alarm)])
            try:
                patterns = [gap] if gap is not None else [*_patterns(each, alarm, account)]
                found += patterns if told is True else [told] if patterns and told is not False else []
            except (LookupError, TypeError, AttributeError):
                raise EvaluationError("alarm_patterns() takes metric filters and alarms as AWS sends them") from None
    return found


def _row(row: Json) -> Json:
    if not isinstance(row, dict | Unknown):
        raise EvaluationError(f"alarm_patterns() takes lists of objects, not of {kind(row)}")
    return row


def _watching(alarm: Json) -> Json:
    """An alarm without what it does: that matters only where it watches the metric of a filter."""
    return {**alarm, "AlarmActions": None} if isinstance(alarm, dict) else _row(alarm)


def _has_one(alarm: Json, actions: Json) -> Truth:
    """Whether one of the actions is an alarm's."""
    if isinstance(alarm, Unknown):
        return alarm
    mine = _row(alarm).get("AlarmActions")
    if isinstance(mine, Unknown):
        return mine
    return kleene_any([each if isinstance(each, Unknown) else contains(actions, each) for each in mine or []])


def _patterns(row: Row, alarm: Row, account: Json) -> Iterator[Json]:
    for metric in row["metricTransformations"] or []:
        try:
            watched = _watched(alarm, metric)
            dimensions = watched and _dimensions(row, metric, watched)
            if watched and dimensions is not None and goes_off(metric, watched, alarm):
                yield _narrowed(row, dimensions, own=_account(alarm) == account)
        except EvaluationError as error:
            yield Unknown.because(f"{alarm['AlarmArn']}: {error}")


def _watched(alarm: Row, metric: Row) -> Row | None:
    """The metric of a filter, as an alarm watches it: by name, by queries or by criteria, of which each has one."""
    queries, criteria = alarm.get("Metrics") or [], alarm.get("EvaluationCriteria")
    if not queries and not criteria:
        if not _named(alarm, metric):
            return None
        statistic = alarm.get("ExtendedStatistic") or (None if says_nothing(alarm) else required(alarm, "Statistic"))
        return {"Stat": statistic, "Unit": alarm.get("Unit"), "Dimensions": alarm.get("Dimensions")}
    mine = [
        {**query["MetricStat"], **query["MetricStat"]["Metric"]}
        for query in queries
        if query.get("MetricStat") and _named(query["MetricStat"]["Metric"], metric)
        if query.get("AccountId") in (None, _account(alarm))
    ]
    if mine and len(queries) == 1:
        return mine[0]
    texts = [criteria, *(required(query, "Expression") for query in queries if not query.get("MetricStat"))]
    if mine or any(str(metric["metricName"]) in str(text) for text in texts):
        raise EvaluationError("the alarm calculates with the metric of a filter")
    return None


def _named(stat: Row, metric: Row) -> bool:
    wanted = {"MetricName": metric["metricName"], "Namespace": metric["metricNamespace"]}
    if any(stat.get(field) not in (None, value) for field, value in wanted.items()):
        return False
    return all(required(stat, field) for field in wanted)


def _account(alarm: Row) -> Json:
    return (arn(alarm["AlarmArn"]) or {}).get("account")


def _dimensions(row: Row, metric: Row, watched: Row) -> Mapping[str, str] | None:
    """Fields of events, and the values that make an event one of the metric; None if it is another metric.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension: each combination
    of dimensions is a metric of its own.
    """
    sent = {**(metric.get("dimensions") or {}), **{name: name for name in row.get("emitSystemFieldDimensions") or []}}
    wanted = {each["Name"]: each["Value"] for each in watched.get("Dimensions") or []}
    return {field: wanted[name] for name, field in sent.items()} if sent.keys() == wanted.keys() else None


def _narrowed(row: Row, dimensions: Mapping[str, str], *, own: bool) -> str:
    """The pattern of those events that the filter sees, and sends to the metric with these dimensions."""
    if row.get("applyOnTransformedLogs"):
        raise EvaluationError("the filter looks at log events as a transformer may have changed them")
    pattern = text("alarm_patterns", row["filterPattern"])
    tests = [_test(field, "=", value, own=own) for field, value in dimensions.items()]
    if criteria := row.get("fieldSelectionCriteria"):
        tests.append(_selection(criteria, own=own))
    return narrowed(pattern, tests) if not pattern.strip() or pattern.strip().startswith("{") else pattern


def _test(field: str, sign: str, value: str, *, own: bool) -> str:
    if "*" in value:
        raise EvaluationError(f"a * in the value of {field}")
    if field == "@aws.account" and not own:
        raise EvaluationError("whose events of an organisation's trail @aws.account names is not documented")
    return f"{_SYSTEM.get(field, field)} {sign} {quoted(value)}"


_COMPARISON = re.compile(
    r"""\s*(?:(?P<field>@aws\.(?:account|region))\s*
        (?:(?P<sign>!?=)\s*(?P<value>"[^"]*"|'[^']*') | (?P<not>NOT\s+)?IN\s*\[(?P<values>[^\]]*)\])
      | (?P<word>AND|OR|[()])) \s*""",
    re.VERBOSE | re.IGNORECASE,
)
_WORDS = {"AND": "&&", "OR": "||"}


def _selection(criteria: str, *, own: bool) -> str:
    """Criteria that select events by system fields, as a part of a filter pattern."""
    written, at = [], 0
    while at < len(criteria):
        found = _COMPARISON.match(criteria, at)
        if not found:
            raise EvaluationError(f"no selection of events: {criteria}")
        at = found.end()
        if found["word"]:
            written.append(_WORDS.get(found["word"].upper(), found["word"]))
            continue
        sign = found["sign"] or ("!=" if found["not"] else "=")
        values = re.findall(r""""([^"]*)"|'([^']*)'""", found["value"] or found["values"])
        tests = [_test(found["field"].lower(), sign, one or other, own=own) for one, other in values]
        written.append(f"({(' && ' if sign == '!=' else ' || ').join(tests)})")
    return f"({' '.join(written)})"
