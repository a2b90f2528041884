"""One call: its pages, what it waits for, what an error means, and what is no answer at all."""

from __future__ import annotations

from types import SimpleNamespace

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from stillframe.snapshot.catalog import Call, load_catalog
from stillframe.snapshot.collector import call as calls
from stillframe.snapshot.collector.call import ask
from stillframe.snapshot.collector.clients import Clients
from stillframe.snapshot.model import Unknown

DENIED = Unknown.because("AccessDenied: a:Other")


class Client:
    """A client of one operation, `ListThings`, which answers with these one after the other."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.given = []

        operation = SimpleNamespace(input_shape=SimpleNamespace(members={"Of": None}))
        self.meta = SimpleNamespace(service_model=SimpleNamespace(operation_model=lambda _: operation))

    def can_paginate(self, _):
        return False

    def list_things(self, **given):
        self.given.append(given)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def a_call(**changes) -> Call:
    return Call(**{"service": "a", "operation": "ListThings", "action": "a:ListThings", **changes})


def refused(code, message="") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "ListThings")


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch):
    monkeypatch.setattr(calls, "time", SimpleNamespace(sleep=lambda _: None))


def test_pages_that_botocore_does_not_know_are_joined():
    client = Client({"Items": [1], "NextToken": "two"}, {"Items": [2], "NextToken": "three"}, {"Items": [3]})
    assert ask(client, a_call(result="Items", params={"Of": "x"})) == [1, 2, 3]
    assert client.given == [{"Of": "x"}, {"Of": "x", "NextToken": "two"}, {"Of": "x", "NextToken": "three"}]


@pytest.mark.parametrize("how", [{"params": {"IncludeNew": True}}, {"arguments": {"IncludeNew": "Id"}}])
def test_a_call_with_a_parameter_that_botocore_is_too_old_to_know_is_unknown_and_not_made(how):
    client = Client({"Items": [1]})
    assert ask(client, a_call(**how), {"Id": "x"}) == Unknown.because("UnknownParameterError: a:ListThings")
    assert client.given == []


def test_a_call_that_botocore_is_too_old_to_know_is_unknown():
    client = boto3.Session("x", "x", region_name="us-east-1").client("sts")
    for how in ({}, {"params": {"Of": 1}}):
        assert ask(client, a_call(**how)) == Unknown.because("OperationNotFoundError: a:ListThings")


def test_a_page_that_names_itself_as_the_next_is_no_end():
    client = Client({"Items": [1], "NextToken": "two"}, {"Items": [2], "NextToken": "two"})
    assert ask(client, a_call(result="Items")) == Unknown.because("UnexpectedAnswer: a:ListThings")


@pytest.mark.parametrize(
    ("code", "message", "absent", "means"),
    [
        ("NotThere", "", ["NotThere"], None),
        ("NotThere", "", ["Other"], Unknown.because("NotThere: a:ListThings")),
        ("Denied", "Macie is not enabled.", ["Denied: Macie is not enabled"], None),
        ("Denied", "You may not", ["Denied: Macie is not enabled"], Unknown.because("Denied: a:ListThings")),
        ("Other", "Macie is not enabled", ["Denied: Macie is not enabled"], Unknown.because("Other: a:ListThings")),
    ],
)
def test_an_error_means_absent_by_its_code_and_if_need_be_its_message(code, message, absent, means):
    assert ask(Client(refused(code, message)), a_call(absent=tuple(absent))) == means


def test_what_is_still_being_made_is_waited_for():
    after = a_call(until="State == 'COMPLETE'")
    client = Client({"State": "STARTED"}, {"State": "INPROGRESS"}, {"State": "COMPLETE"}, {"Items": [1]})
    assert ask(client, a_call(result="Items", after=after)) == [1]


def test_what_is_never_made_is_unknown():
    after = a_call(until="State == 'COMPLETE'", action="a:Make")
    assert ask(Client(*[{"State": "STARTED"}] * 99), a_call(after=after)) == Unknown.because("NotReady: a:Make")


def test_a_call_that_does_not_apply_is_not_made():
    client = Client({"Items": [1]})
    call = a_call(when="Kind == 'manual'", result="Items")
    assert ask(client, call, {"Kind": "automated"}) is None
    assert ask(client, call, {"Kind": "manual"}) == [1]


@pytest.mark.parametrize(
    "changes", [{"when": "Organization.MasterAccountId == AccountId"}, {"arguments": {"Arn": "Organization.Arn"}}]
)
def test_a_call_that_needs_what_is_not_known_is_unknown_for_the_same_reason(changes):
    assert ask(Client(), a_call(**changes), {"AccountId": "1", "Organization": DENIED}) == DENIED


def test_an_answer_in_csv_becomes_its_rows():
    assert ask(Client({"Content": b"user\na\n"}), a_call(result="Content", columns=("user",))) == [{"user": "a"}]


class Body:
    """A body as urllib3 gives it to botocore."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()

    def stream(self, **_):
        yield self._text


@pytest.mark.parametrize("kind", ["AWS::SQS::Queue", "AWS::CloudFront::Distribution"])  # JSON and XML
@pytest.mark.parametrize("text", ["<html><body>Sign in</body></html>", "<!DOCTYPE html><html></html>", '<{"Queue'])
def test_a_page_for_people_is_no_empty_list(kind, text):
    session = boto3.Session("x", "x", region_name="us-east-1")
    listing = load_catalog()[kind].list
    assert listing.optional, "an answer without a list is an empty one"
    session.events.register("before-send", lambda request, **_: AWSResponse(request.url, 200, {}, Body(text)))
    client = Clients(session)(listing.service, "us-east-1")
    assert ask(client, listing) == Unknown.because(f"ResponseParserError: {listing.action}")


def test_an_answer_without_a_list_is_an_empty_one_where_aws_sends_none():
    session = boto3.Session("x", "x", region_name="us-east-1")
    session.events.register("before-send", lambda request, **_: AWSResponse(request.url, 200, {}, Body("{}")))
    assert ask(Clients(session)("sqs", "us-east-1"), load_catalog()["AWS::SQS::Queue"].list) is None
