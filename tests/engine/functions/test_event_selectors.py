"""What a trail records is what its selectors take together, however they are written."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stillframe.engine.errors import EvaluationError
from stillframe.engine.functions.event_selectors import EVENTS, selects_events
from stillframe.snapshot.model import Unknown

READ = {
    "eventCategory": "Data",
    "resources.type": "AWS::S3::Object",
    "resources.ARN": "arn:aws:s3:::*",
    "readOnly": "true",
}
MANAGEMENT = {"eventCategory": "Management"}
DENIED = Unknown.because("AccessDenied: cloudtrail:GetEventSelectors")


def field(name, **operators):
    return {"Field": name, **operators}


def advanced(*selectors):
    return {"AdvancedEventSelectors": [{"Name": "x", "FieldSelectors": list(fields)} for fields in selectors]}


def objects(*fields):
    """A selector of data events of S3."""
    return (field("eventCategory", Equals=["Data"]), field("resources.type", Equals=["AWS::S3::Object"]), *fields)


def managed(*fields):
    return (field("eventCategory", Equals=["Management"]), *fields)


def basic(**more):
    return {
        "EventSelectors": [
            {
                "ReadWriteType": "All",
                "IncludeManagementEvents": True,
                "ExcludeManagementEventSources": [],
                "DataResources": [],
                **more,
            }
        ]
    }


@pytest.mark.parametrize(
    ("operators", "whole"),
    [
        ({"StartsWith": ["arn:aws:s3:::"]}, True),
        ({"StartsWith": ["arn:aws:s3"]}, True),
        ({"StartsWith": ["arn:"]}, True),
        ({"StartsWith": ["arn:aws-cn:s3:::"]}, True),
        ({"StartsWith": ["arn:aws-us-gov:s3"]}, True),
        ({"StartsWith": ["arn:aws:s3:::acme/", "arn:aws:s3:::"]}, True),
        ({"StartsWith": ["arn:aws:s3:::acme/"]}, False),
        ({"StartsWith": ["arn:aws:lambda:"]}, False),
        ({"StartsWith": []}, False),
        ({"Equals": ["arn:aws:s3:::"]}, False),
        ({"Equals": ["arn:aws:s3:::acme/key"]}, False),
        ({"EndsWith": ["/"]}, False),
        ({"NotEquals": ["arn:aws:s3:::"]}, True),  # no object is called so
        ({"NotEquals": ["arn:aws:s3:::acme/key"]}, False),
        ({"NotStartsWith": ["arn:aws:s3:::acme/"]}, False),
        ({"NotStartsWith": ["arn:aws:s3:::"]}, False),
        ({"NotStartsWith": ["arn:aws:lambda:"]}, True),
        ({"NotEndsWith": [".log"]}, False),
        ({"StartsWith": ["arn:aws:s3:::"], "NotStartsWith": ["arn:aws:s3:::acme/"]}, False),
        ({"StartsWith": ["arn:aws:s3:::acme/"], "EndsWith": ["/"]}, False),
        ({"StartsWith": ["arn:aws:s3:::"], "EndsWith": ["/"]}, True),
        ({}, False),
    ],
)
def test_a_resource_is_left_out_or_not(operators, whole):
    assert selects_events(advanced(objects(field("resources.ARN", **operators))), READ) is whole


@pytest.mark.parametrize(
    ("fields", "whole"),
    [
        ([], True),
        ([field("readOnly", Equals=["true"])], True),
        ([field("readOnly", Equals=["true", "false"])], True),
        ([field("readOnly", Equals=["false"])], False),
        ([field("readOnly", NotEquals=["false"])], False),
        ([field("eventName", Equals=["GetObject"])], False),
        ([field("eventName", NotEquals=["GetObject"])], False),
        ([field("eventSource", Equals=["s3.amazonaws.com"])], False),
        ([field("userIdentity.arn", NotStartsWith=["arn:aws:sts::111122223333:assumed-role/backup/"])], False),
        ([field("vpcEndpointId", NotEquals=["vpce-1"])], False),
    ],
)
def test_other_fields_leave_events_out(fields, whole):
    assert selects_events(advanced(objects(*fields)), READ) is whole


@pytest.mark.parametrize(
    ("selectors", "whole"),
    [
        (advanced(managed()), True),
        (advanced(managed(field("readOnly", Equals=["true"]))), False),
        (advanced(managed(field("readOnly", Equals=["true"])), managed(field("readOnly", Equals=["false"]))), True),
        (advanced(managed(field("eventSource", NotEquals=["kms.amazonaws.com"]))), False),
        (
            advanced(
                managed(field("eventSource", NotEquals=["kms.amazonaws.com"])),
                managed(field("eventSource", Equals=["kms.amazonaws.com"])),
            ),
            True,
        ),
        (
            advanced(
                managed(field("eventSource", NotEquals=["kms.amazonaws.com"])),
                managed(field("eventSource", Equals=["kms.amazonaws.com"]), field("readOnly", Equals=["false"])),
            ),
            False,
        ),
        (advanced(objects()), False),
        (advanced((field("eventName", Equals=["Management"]),)), False),
        (basic(), True),
        (basic(ReadWriteType="ReadOnly"), False),
        (
            {
                "EventSelectors": [
                    *basic(ReadWriteType="ReadOnly")["EventSelectors"],
                    *basic(ReadWriteType="WriteOnly")["EventSelectors"],
                ]
            },
            True,
        ),
        (basic(IncludeManagementEvents=False), False),
        (basic(ExcludeManagementEventSources=["kms.amazonaws.com"]), False),
        (basic(ReadWriteType="Some"), False),
        ({"EventSelectors": [], "AdvancedEventSelectors": None}, False),
        ({}, False),
    ],
)
def test_management_events(selectors, whole):
    assert selects_events(selectors, MANAGEMENT) is whole


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        ({"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}, True),
        ({"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::"]}, True),
        ({"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::acme/"]}, False),
        ({"Type": "AWS::S3::Object", "Values": []}, False),
        ({"Type": "AWS::S3::Object"}, False),
        ({"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]}, False),
    ],
)
def test_data_resources_of_basic_selectors(data, whole):
    assert selects_events(basic(DataResources=[data]), READ) is whole
    assert selects_events(basic(DataResources=[data], ReadWriteType="WriteOnly"), READ) is False


def test_what_is_not_known_decides_nothing_and_what_is_known_does():
    assert selects_events(DENIED, READ) == DENIED
    assert selects_events({"AdvancedEventSelectors": DENIED}, READ) == DENIED
    assert selects_events(advanced(managed(field("eventSource", NotEquals=DENIED))), MANAGEMENT) == DENIED
    whole = advanced(managed())
    assert selects_events({"AdvancedEventSelectors": [DENIED, *whole["AdvancedEventSelectors"]]}, MANAGEMENT) is True
    assert selects_events(basic(IncludeManagementEvents=DENIED), MANAGEMENT) == DENIED
    assert selects_events(basic(ExcludeManagementEventSources=DENIED), MANAGEMENT) == DENIED
    assert selects_events(basic(DataResources=DENIED), READ) == DENIED
    assert selects_events(basic(DataResources=DENIED), MANAGEMENT) is True
    assert selects_events(whole, {"eventCategory": DENIED}) == DENIED


def test_an_operator_that_is_not_known_leaves_it_open():
    found = selects_events(advanced(managed(field("eventSource", Matches=["kms"]))), MANAGEMENT)
    assert found == Unknown.because("an event selector with Matches")


def test_the_very_text_that_an_event_begins_with_may_be_left_out():
    event = {"eventCategory": "Management", "eventName": "Get*"}
    assert selects_events(advanced(managed(field("eventName", NotEquals=["Get"]))), event) is False
    assert selects_events(advanced(managed(field("eventName", NotEquals=["Got"]))), event) is True


def test_too_many_kinds_of_events_are_not_tried():
    many = [str(number) for number in range(150)]
    found = selects_events(advanced(managed(field("a", NotEquals=many), field("b", NotEquals=many))), MANAGEMENT)
    assert found == Unknown.because(f"selects_events(): more than {EVENTS} kinds of events")


@pytest.mark.parametrize(("selectors", "event"), [(None, MANAGEMENT), ([], MANAGEMENT), ({}, []), ({}, {"a": 1})])
def test_arguments_of_the_wrong_kind_are_an_error(selectors, event):
    with pytest.raises(EvaluationError, match="selects_events"):
        selects_events(selectors, event)


OPERATORS = {"Equals": str.__eq__, "StartsWith": str.startswith, "EndsWith": str.endswith}
SHORT = ["".join(each) for size in range(3) for each in product("ab", repeat=size)]
# Every text that a selector of such texts can tell from others: c stands in none of them. No name is without letters.
TOLD = sorted({*SHORT[1:], *(first + "c" + last for first in SHORT for last in SHORT)})
MATCHES = st.dictionaries(
    st.sampled_from([*OPERATORS, *(f"Not{name}" for name in OPERATORS)]),
    st.lists(st.sampled_from(SHORT), min_size=1, max_size=2),
    min_size=1,
)
READS = st.sampled_from(["true", "false"])
SELECTORS = st.lists(st.tuples(MATCHES | st.none(), READS | st.none()), max_size=4)


def taken(matches, reads, event):
    """Whether a selector takes an event, by the documentation."""
    name, read = event
    wanted = [OPERATORS[each](name, text) for each in OPERATORS for text in (matches or {}).get(each, ())]
    left = [OPERATORS[each](name, text) for each in OPERATORS for text in (matches or {}).get(f"Not{each}", ())]
    asked = any(each in OPERATORS for each in matches or ())
    return not any(left) and (any(wanted) or not asked) and reads in (read, None)


@given(SELECTORS)
def test_they_record_everything_if_and_only_if_no_event_is_left_out(selectors):
    def fields(matches, reads):
        yield from [field("eventName", **matches)] if matches else []
        yield from [field("readOnly", Equals=[reads])] if reads else []

    events = product(TOLD, ["true", "false"])
    whole = all(any(taken(*each, event) for each in selectors) for event in events)
    assert selects_events(advanced(*(fields(*each) for each in selectors)), {}) is whole
