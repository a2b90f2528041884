"""What functions read of rows that they take as a whole: the table holds, and all that reads the table sees it."""

from __future__ import annotations

import pytest
from stillframe.engine.functions.call import call
from stillframe.engine.functions.table import FUNCTIONS
from stillframe.engine.language.parser import parse
from stillframe.engine.language.paths import reads
from stillframe.snapshot.model import Unknown

ARN = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:a"
METRIC = {"metricNamespace": "N", "metricName": "A", "metricValue": "1"}
FILTER = {"filterPattern": "{ $.a = x }", "metricTransformations": [METRIC]}
WATCHED = {"Namespace": "N", "MetricName": "A", "Statistic": "Sum"}
LIMIT = {"Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}
ALARM = {"AlarmArn": ARN, **WATCHED, **LIMIT, "AlarmActions": ["topic"]}
OTHER = {**ALARM, "MetricName": "B"}
NAMED = {"IpProtocol": "-1", "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [{"PrefixListId": "pl-1"}]}
LISTS = [{"PrefixListId": "pl-1", "Entries": [{"Cidr": "0.0.0.0/0"}]}, {"PrefixListId": "pl-1", "OwnerId": "AWS"}]
CALLS = [
    *(("alarm_patterns", [[FILTER], [alarm], "111122223333", ["topic"]]) for alarm in (ALARM, OTHER)),
    *(("world_reaches", [[NAMED], [each]]) for each in LISTS),
    ("selects_events", [{"EventSelectors": [Unknown.because("denied")]}, {"eventCategory": "Management"}]),
]
ROWS, MEMBERS = (
    {
        (name, at): fields
        for name, each in FUNCTIONS.items()
        for at, argument in enumerate(each.takes)
        if (fields := getattr(argument, which))
    }
    for which in ("rows", "members")
)
READ = {**ROWS, **MEMBERS}


class Noting(dict):
    """A row that notes what is read of it."""

    def __init__(self, row, noted):
        super().__init__(row)
        self.noted = noted

    def __getitem__(self, field):
        self.noted.add(field)
        return super().__getitem__(field)

    def get(self, field, default=None):
        self.noted.add(field)
        return super().get(field, default)


def changed(name, arguments, change):
    """The same arguments with rows and objects that `change` makes of their place and what is there."""

    def argument(place, given):
        if place in MEMBERS:
            return change(place, given)
        return [change(place, row) for row in given] if place in ROWS else given

    return [argument((name, at), given) for at, given in enumerate(arguments)]


def test_functions_read_of_rows_what_the_table_says_and_nothing_else():
    noted = {}
    for name, arguments in CALLS:
        FUNCTIONS[name].run(*changed(name, arguments, lambda place, row: Noting(row, noted.setdefault(place, set()))))
    assert noted == {place: set(fields) for place, fields in READ.items()}


@pytest.mark.parametrize(("name", "arguments"), CALLS)
def test_what_a_function_does_not_read_of_rows_may_be_lost(name, arguments):
    poorer = changed(name, arguments, lambda _, row: {**row, "Other": Unknown.because("lost")})
    assert call(name, poorer, "") == call(name, arguments, "")


@pytest.mark.parametrize(("name", "arguments"), CALLS)
def test_a_field_of_rows_that_is_not_there_is_null_to_a_function(name, arguments):
    full = changed(name, arguments, lambda place, row: {**dict.fromkeys(READ[place]), **row})
    assert call(name, full, "") == call(name, arguments, "")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("world_reaches(@, $lists)", {"$lists[].Entries", "$lists[].OwnerId", "$lists[].PrefixListId"}),
        (
            "world_reaches(@, $lists[?Mine])",
            {"$lists[].Entries", "$lists[].Mine", "$lists[].OwnerId", "$lists[].PrefixListId"},
        ),
        ("selects_events(a, b)", {"a.EventSelectors", "a.AdvancedEventSelectors", "b"}),
        ("selects_events($a || b, `{}`)", {"$a", "b"}),
        ("world_reaches($lists, [@])", {"$lists", "Entries", "OwnerId", "PrefixListId"}),
        (
            "world_reaches($lists, [$params.x, a])",
            {
                "$lists",
                "$params.x.Entries",
                "$params.x.OwnerId",
                "$params.x.PrefixListId",
                "a.Entries",
                "a.OwnerId",
                "a.PrefixListId",
            },
        ),
    ],
)
def test_what_is_read_of_rows_is_seen_in_an_expression(expression, expected):
    assert {".".join(path).replace(".[]", "[]") for path in reads(parse(expression))} == expected
