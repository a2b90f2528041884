"""Answers of several pages, and what only looks like one: nothing that is lost may read as the end of a list."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import botocore.session
import pytest
from msgspec.structs import replace
from stillframe.snapshot.catalog import Call, load_catalog
from stillframe.snapshot.collector import clients as making
from stillframe.snapshot.collector import timed
from stillframe.snapshot.collector.answers import _is_text, _roots
from stillframe.snapshot.collector.call import ask
from stillframe.snapshot.collector.clients import Clients
from stillframe.snapshot.collector.decode import ANSWER
from stillframe.snapshot.collector.write import row
from stillframe.snapshot.format import too_deep
from stillframe.snapshot.model import Resource, Unknown

Answer = Callable[[BaseHTTPRequestHandler, int], None]


class Handler(BaseHTTPRequestHandler):
    """Answers its nth request as a function does, and one that is sent again as before."""

    protocol_version = "HTTP/1.1"
    answer: Answer
    seen: dict[tuple[str, bytes], int]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        type(self).answer(self, self.seen.setdefault((self.path, body), len(self.seen)))

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@cache
def endpoint() -> str:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.handle_error = True, lambda *_: None  # who is asked gives up first
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


@cache
def clients(deadline: float) -> Clients:
    return Clients(boto3.Session("testing", "testing", region_name="us-east-1"), endpoint(), deadline=deadline)


def whole(text: str, status: int = 200) -> Answer:
    def send(request: BaseHTTPRequestHandler, _: int) -> None:
        data = text.encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    return send


def pages(*texts: str) -> Answer:
    return lambda request, number: whole(texts[min(number, len(texts) - 1)])(request, number)


def asked(answer: Answer, call: Call, deadline: float = 5) -> object:
    Handler.answer, Handler.seen = staticmethod(answer), {}
    return ask(clients(deadline)(call.service, "us-east-1"), call, deadline=deadline)


def a_call(service: str, operation: str, result: str, **rest: object) -> Call:
    return Call(service=service, operation=operation, action=f"{service}:{operation}", result=result, **rest)


KEYS = a_call("kms", "ListKeys", "Keys")
VPCS = a_call("ec2", "DescribeVpcs", "Vpcs")
TOPICS = a_call("sns", "ListTopics", "Topics")
QUEUES = a_call("sqs", "ListQueues", "QueueUrls", optional=True, page_size=1)
BUCKETS = a_call("s3", "ListBuckets", "Buckets")
LOGGING = a_call("s3", "GetBucketLogging", "LoggingEnabled", params={"Bucket": "acme-logs"}, optional=True)
POINTS = a_call("s3control", "ListAccessPoints", "AccessPointList", params={"AccountId": "111122223333"})
USERS = a_call("iam", "ListUsers", "Users")

_VPC = "<DescribeVpcsResponse><vpcSet>{}</vpcSet>{}</DescribeVpcsResponse>"
_TOPIC = "<ListTopicsResponse><ListTopicsResult><Topics>{}</Topics>{}</ListTopicsResult></ListTopicsResponse>"
_USER = (
    "<ListUsersResponse><ListUsersResult><Users/><IsTruncated>true</IsTruncated></ListUsersResult></ListUsersResponse>"
)
_BUCKET = "<ListAllMyBucketsResult><Buckets>{}</Buckets>{}</ListAllMyBucketsResult>"
FIRST = {
    "json": '{"Keys": [{"KeyId": "k1"}], "Truncated": true, "NextMarker": "two"}',
    "ec2": _VPC.format("<item><vpcId>v1</vpcId></item>", "<nextToken>two</nextToken>"),
    "query": _TOPIC.format("<member><TopicArn>t1</TopicArn></member>", "<NextToken>two</NextToken>"),
    "optional": '{"QueueUrls": ["q1"], "NextToken": "two"}',
    "rest-xml": _BUCKET.format("<Bucket><Name>b1</Name></Bucket>", "<ContinuationToken>two</ContinuationToken>"),
}
LAST = {
    "json": '{"Keys": [{"KeyId": "k2"}], "Truncated": false}',
    "ec2": _VPC.format("<item><vpcId>v2</vpcId></item>", ""),
    "query": _TOPIC.format("<member><TopicArn>t2</TopicArn></member>", ""),
    "optional": '{"QueueUrls": ["q2"]}',
    "rest-xml": _BUCKET.format("<Bucket><Name>b2</Name></Bucket>", ""),
}
CALLS = {"json": KEYS, "ec2": VPCS, "query": TOPICS, "optional": QUEUES, "rest-xml": BUCKETS}
NO_PAGES = (
    "<html><body>Please sign in</body></html>",
    "<!DOCTYPE html><p>Please sign in</p>",
    "<foo/>",
    "<Error><Code>InternalError</Code></Error>",
    "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>",
    "{}",
    "[]",
    "null",
    '{"__type": "InternalFailure", "message": "sorry"}',
    "",
)


@pytest.mark.parametrize("protocol", CALLS)
def test_pages_are_joined(protocol):
    found = asked(pages(FIRST[protocol], LAST[protocol]), CALLS[protocol])
    assert isinstance(found, list)
    assert len(found) == 2


@pytest.mark.parametrize("protocol", CALLS)
def test_where_the_first_page_counts_no_other_is_asked_for_and_none_is_unknown(protocol):
    call = replace(CALLS[protocol], first=True, optional=False)
    found = asked(pages(FIRST[protocol], "<another/>"), call)
    assert isinstance(found, list)
    assert (len(found), len(Handler.seen)) == (1, 1)
    for none in NO_PAGES:
        assert isinstance(asked(pages(none), call), Unknown), none


def test_a_first_page_of_nothing_that_names_another_does_not_say_that_there_is_nothing():
    call = a_call("logs", "DescribeLogStreams", "logStreams", params={"logGroupName": "a"}, first=True)
    assert isinstance(asked(pages('{"logStreams": [], "nextToken": "two"}'), call), Unknown)
    assert asked(pages('{"logStreams": []}'), call) == []


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("protocol", CALLS)
def test_a_page_that_is_none_is_not_the_end_of_a_list(protocol, place, monkeypatch):
    monkeypatch.setattr(making, "ATTEMPTS", 1)  # what S3 sends in place of a document botocore asks for again
    for no_page in NO_PAGES:
        texts = [FIRST[protocol], FIRST[protocol].replace("two", "three"), LAST[protocol]]
        texts[place] = no_page
        found = asked(pages(*texts), CALLS[protocol])
        if protocol == "optional" and (place, no_page) == (0, "{}"):
            assert found is None  # so AWS says that there is none
        else:
            assert isinstance(found, Unknown), (no_page, found)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (KEYS, '{"Keys": [], "Truncated": true}'),
        (USERS, _USER),
        (
            a_call("cloudfront", "ListDistributions", "DistributionList.Items", optional=True),
            "<DistributionList><IsTruncated>true</IsTruncated></DistributionList>",
        ),
        (
            a_call("cloudfront", "ListFunctions", "FunctionList.Items", optional=True),
            "<FunctionList><Quantity>0</Quantity><NextMarker>two</NextMarker></FunctionList>",
        ),
        (
            a_call("firehose", "ListDeliveryStreams", "DeliveryStreamNames"),
            '{"DeliveryStreamNames": [], "HasMoreDeliveryStreams": true}',
        ),
        (a_call("lightsail", "GetBuckets", "buckets"), '{"buckets": [], "nextPageToken": "two"}'),
    ],
)
def test_more_that_is_announced_and_not_named_is_unknown(call, text):
    assert asked(whole(text), call) == Unknown.because(f"UnexpectedAnswer: {call.action}")


def test_a_map_of_texts_has_pages_as_a_list_has():
    tags = a_call("backup", "ListTags", "Tags", params={"ResourceArn": "arn:aws:backup:us-east-1:1:backup-vault:a"})
    first = '{"Tags": {"a": "1"}, "NextToken": "two"}'
    assert asked(pages(first, '{"Tags": {"b": "2"}}'), tags) == {"a": "1", "b": "2"}
    assert isinstance(asked(pages(first, '{"Tags": {"b": {"c": "2"}}}'), tags), Unknown)


OTHERS = (
    "<Tagging/>",
    "<VersioningConfiguration/>",
    "<BucketLoggingStatus><Message>Please sign in</Message></BucketLoggingStatus>",
    "<BucketLoggingStatus><!-- --><RequestId/><LoggingPlan><On/></LoggingPlan></BucketLoggingStatus>",
)


@pytest.mark.parametrize("text", [*NO_PAGES, *OTHERS])
def test_another_document_does_not_say_that_something_is_not_configured(text, monkeypatch):
    monkeypatch.setattr(making, "ATTEMPTS", 1)
    assert isinstance(asked(whole(text), LOGGING), Unknown)
    assert asked(whole("<BucketLoggingStatus/>"), LOGGING) is None
    assert asked(whole("<BucketLoggingStatus><RequestId>1</RequestId></BucketLoggingStatus>"), LOGGING) is None
    more = "<BucketLoggingStatus><LoggingPlan/><LoggingEnabled><TargetBucket>b</TargetBucket></LoggingEnabled>{}"
    assert asked(whole(f"{more.format('')}</BucketLoggingStatus>"), LOGGING) == {"TargetBucket": "b"}


@pytest.mark.parametrize("ahead", ["<!---->", "<??>", "<!--", " "])
def test_what_stands_before_the_root_is_read_once(ahead, monkeypatch):
    monkeypatch.setattr(making, "ATTEMPTS", 1)
    begun = time.process_time()
    assert isinstance(asked(whole(ahead * 10_000 + "&"), LOGGING), Unknown)
    assert time.process_time() - begun < 2


TAGS = a_call("sqs", "ListQueueTags", "Tags", params={"QueueUrl": "q"}, optional=True)


@pytest.mark.parametrize(
    "text",
    ['{"Tags": {"team": "web"}', '{"Tags": {"team": "w\neb"}}', '{"QueueUrls": []}', '{"Keys": [], "__type": "a#B"}'],
)
def test_json_that_is_cut_or_anothers_does_not_say_that_there_is_none(text):
    assert asked(whole(text), TAGS) == Unknown.because("ResponseParserError: sqs:ListQueueTags")
    assert asked(whole("{}"), TAGS) is None


CLUSTER = a_call("emr", "DescribeCluster", "Cluster", params={"ClusterId": "j"})


def test_an_answer_that_is_too_deep_for_a_line_is_unknown():
    deep = Unknown.because("ResponseParserError: kms:ListKeys")
    for levels, found in ((ANSWER - 1, []), (ANSWER, deep), (9_000, deep), (100_000, deep)):
        assert asked(whole(f'{{"Keys": [], "Else": {"[" * levels}{"]" * levels}}}'), KEYS) == found
    for levels, known in ((ANSWER // 2 - 1, True), (ANSWER // 2, False), (9_000, False)):
        nested = '{"Configurations": [' * levels + "]}" * levels
        found = asked(whole(f'{{"Cluster": {nested}}}'), CLUSTER)
        assert isinstance(found, Unknown) is not known
        config = {"Cluster": found}
        (_, _, line) = row(Resource(type="T", id="j", account="1", region="r", name=None, tags={}, config=config))
        assert not too_deep(line)
        assert (b"Configurations" in line) is known


@pytest.mark.parametrize("root", ["ListAccessPointsResult", "ListAccessPointsResponse"])
def test_a_root_may_have_either_of_two_names(root):
    assert asked(whole(f"<{root}><AccessPointList/></{root}>"), POINTS) == []


def test_of_every_answer_in_xml_the_root_is_known():
    loader = botocore.session.Session()
    unknown = []
    for call in (call for spec in load_catalog().values() for call in spec.calls()):
        model = loader.get_service_model(call.service)
        operation = model.operation_model(call.operation)
        if model.resolved_protocol == "rest-xml" and not (_is_text(operation) or _roots(operation)):
            unknown.append(call.operation)
    assert unknown == [], "add them to snapshot/collector/roots.yaml"


def test_pages_without_an_end_end():
    def endless(request: BaseHTTPRequestHandler, number: int) -> None:
        whole(f'{{"Keys": [{{"KeyId": "{number}"}}], "Truncated": true, "NextMarker": "{number}"}}')(request, number)

    assert asked(endless, KEYS, deadline=0.5) == Unknown.because("TooManyPages: kms:ListKeys")


def test_bytes_that_come_one_at_a_time_end(monkeypatch):
    monkeypatch.setattr(making, "ATTEMPTS", 1)

    def slow(request: BaseHTTPRequestHandler, _: int) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        try:
            for _ in range(200):
                request.wfile.write(b" ")
                time.sleep(0.05)
        except OSError:
            pass

    begun = time.monotonic()
    assert asked(slow, KEYS, deadline=0.5) == Unknown.because("ReadTimeoutError: kms:ListKeys")
    assert time.monotonic() - begun < 5


def test_heads_that_come_one_at_a_time_end(monkeypatch):
    monkeypatch.setattr(making, "ATTEMPTS", 1)

    def slow(request: BaseHTTPRequestHandler, _: int) -> None:
        try:
            request.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for _ in range(200):
                request.wfile.write(b"X: y\r\n")
                time.sleep(0.05)
        except OSError:
            pass

    begun = time.monotonic()
    assert asked(slow, KEYS, deadline=0.5) == Unknown.because("ReadTimeoutError: kms:ListKeys")
    assert time.monotonic() - begun < 5


def test_an_answer_of_too_many_bytes_ends(monkeypatch):
    monkeypatch.setattr(making, "ATTEMPTS", 1)
    monkeypatch.setattr(timed, "BYTES", 1 << 16)
    assert isinstance(asked(whole('{"Keys": [' + " " * (1 << 18) + "]}"), KEYS), Unknown)
