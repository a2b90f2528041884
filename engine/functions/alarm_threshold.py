"""Whether an alarm of CloudWatch can go off for what a metric filter counts.

How much it takes is for people to say. But it must be possible: some number of events must be enough, and where there
are none, the alarm must not be in its alarm state, because only a change of state tells somebody.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from ..errors import EvaluationError

_COMPARISON = ("ComparisonOperator", "Threshold", "Statistic", "ExtendedStatistic", "Metrics", "EvaluationCriteria")
_OF_CIS: Mapping[str, Any] = {"ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": 1.0, "Stat": "Sum"}
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}
# The least and the most that a statistic can be of one or more data points, each of the same value.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
_REACHED: Mapping[str, Callable[[float], Sequence[float]]] = {
    r"Sum|ts.*": lambda value: (value, value and value * inf),
    r"SampleCount|tc.*": lambda _: (1, inf),
    r"Average|Minimum|Maximum|p\d.*|tm.*|wm.*|iqm": lambda value: (value,),
}


def goes_off(metric: Mapping[str, Any], watched: Mapping[str, Any], alarm: Mapping[str, Any]) -> bool:
    """Whether events of a metric filter can change an alarm to its alarm state. Raises EvaluationError if it may be."""
    if (watched.get("Unit") or metric.get("unit") or "None") != (metric.get("unit") or "None"):
        return False  # "stuck in the INSUFFICIENT DATA state", PutMetricAlarm
    alarm, watched = ({**alarm, **_OF_CIS}, _OF_CIS) if says_nothing(alarm) else (alarm, watched)
    sign = required(alarm, "ComparisonOperator")
    if sign not in _COMPARE:
        raise EvaluationError("whether the alarm goes off depends on what it learns")
    threshold, statistic = required(alarm, "Threshold"), str(required(watched, "Stat"))

    def alarming(value: float) -> set[bool]:
        return {_COMPARE[sign](reached, threshold) for reached in _reached(statistic, value)}

    if True not in alarming(_number(str(metric["metricValue"]))):
        return False
    if metric.get("defaultValue") is None:
        return alarm.get("TreatMissingData") != "breaching"
    at_rest = alarming(float(metric["defaultValue"]))
    if len(at_rest) > 1:
        raise EvaluationError("whether the alarm goes off without an event depends on how many others there are")
    return at_rest == {False}


def says_nothing(alarm: Mapping[str, Any]) -> bool:
    """Whether an alarm says nothing at all of how it compares: it is short for a sum of at least one, as CIS has it.

    AWS sends all of it. So where only some of it is there, the rest was lost.
    """
    return all(alarm.get(field) is None for field in _COMPARISON)


def required(row: Mapping[str, Any], field: str) -> Any:
    """What PutMetricAlarm takes no such alarm, or query of one, without. Raises EvaluationError where it was lost."""
    if row.get(field) is None:
        raise EvaluationError(f"the alarm has no {field}")
    return row[field]


def _reached(statistic: str, value: float) -> Sequence[float]:
    for names, reached in _REACHED.items():
        if re.fullmatch(names, statistic, re.IGNORECASE):
            return reached(value)
    raise EvaluationError(f"what the alarm's statistic {statistic} comes to is unknown")


def _number(value: str) -> float:
    if not re.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", value.strip(), re.ASCII):
        raise EvaluationError(f"the filter counts what an event has in {value}")
    return float(value)
