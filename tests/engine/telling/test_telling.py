"""What people are told of a night: once, of everything that is new, and of nothing that is only out of sight."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from builders import TIME, write_snapshot
from stillframe.engine.commands.nightly import _tell
from stillframe.engine.commands.telling import Telling
from stillframe.engine.execution.judge import Method
from stillframe.engine.findings.gate import Limits
from stillframe.engine.findings.selection import Selection, selection
from stillframe.engine.loading.ruleset import load_rules
from stillframe.engine.model.policy import Severity
from stillframe.engine.telling.channels import channel
from stillframe.engine.telling.told import TOLD
from stillframe.engine.terminal.log import Log
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import ArgumentError, CollectError, open_snapshot

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what Apprise imports
ACCOUNT = "111122223333"
KEYS = """
id: keys-rotate
title: Keys are rotated
severity: high
resource: AWS::KMS::Key
assert: Rotation.KeyRotationEnabled
message: Key {{ KeyId }} is never rotated
"""


def key(number: int, state: Any) -> dict[str, Any]:
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/key-{number}"
    return {"KeyId": f"key-{number}", "KeyArn": arn, "Rotation": {"KeyRotationEnabled": state}}


DENIED = {"$missing": "AccessDenied: kms:GetKeyRotationStatus"}


class Server(ThreadingHTTPServer):
    """A server of others: what it was asked, and what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, Any]] = []
        self.code = 201
        self.codes: dict[str, int] = {}  # of some methods
        self.broken = ""  # the method that gets no answer
        self.says: dict[str, Any] = {}  # what is said otherwise, or as well
        self.leads = ""  # where it sends whoever asks
        self.keys: list[str | None] = []  # by which it was asked
        self.url = f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, json.loads(body or b"null")))
        self.server.keys.append(self.headers.get("Authorization"))
        if self.server.broken == self.command:
            return  # and the connection ends
        if self.server.leads:
            self.send_response(302)
            self.send_header("Location", self.server.leads)
            self.end_headers()
            return
        number = len(self.server.asked)
        begun, done = (
            {"id": name, "to": {"statusCategory": {"key": key}}} for name, key in (("1", "new"), ("31", "done"))
        )
        fields = {"status": begun["to"], "labels": ["stillframe"]}
        labels = [{"name": "stillframe"}]
        answer = {"number": number, "key": f"SEC-{number}", "labels": labels, "fields": fields}
        answer |= {"transitions": [begun, done], **self.server.says}
        self.send_response(self.server.codes.get(self.command, self.server.code))
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    do_POST = do_PATCH = do_GET = answer  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def peer() -> Iterator[Server]:
    with Server() as found:
        threading.Thread(target=found.serve_forever, args=(0.02,), daemon=True).start()
        yield found
        found.shutdown()


@pytest.fixture
def night(tmp_path, capsys) -> Callable[..., str]:
    """Nights of an archive: `night(channel, True, False)` has two keys, of which the second is not rotated."""
    (tmp_path / "keys.yaml").write_text(KEYS)
    ruleset = load_rules(None, [tmp_path / "keys.yaml"])
    days = iter(range(1, 28))

    def tell(name: str, *states: Any, gap: str = "", chosen: Selection = Selection(), **how: Any) -> str:
        more = {"KeyId": how["called"]} if "called" in how else {}
        found = [{**key(n, each), **more} for n, each in enumerate(states)]
        given = {"AWS::KMS::Key": {"$missing": gap} if gap else found}
        path = write_snapshot(tmp_path / "archive", fixture(given), TIME.replace(day=next(days)))
        telling = Telling(tmp_path / "archive", boto3.Session, how.get("endpoint"), Log(), [name])
        capsys.readouterr()
        with telling.faults():
            if how.get("fault"):
                raise CollectError(how["fault"])
            how = {"limits": Limits(fail_on=Severity.HIGH), "chosen": chosen, "method": Method()}
            failed = _tell(telling, open_snapshot(path), ruleset, "the first night", **how)
        return capsys.readouterr().err + failed

    return tell


def told(server: Server) -> list[Any]:
    found, server.asked[:] = [body for *_, body in server.asked], []
    return found


@pytest.fixture
def hook(peer, monkeypatch) -> Server:
    monkeypatch.setenv("HOOK_URL", f"json://{peer.url}/hook")
    return peer


def test_a_channel_hears_how_much_there_is_and_then_what_is_new_once(hook, night):
    night("HOOK_URL", True, False)
    [first] = told(hook)
    assert first["title"] == "Stillframe: the first night"
    night("HOOK_URL", True, False)
    assert told(hook) == []
    night("HOOK_URL", False, False, DENIED)
    [new] = told(hook)
    assert new["title"] == "Stillframe: 1 new failure, 1 newly unknown"
    assert "fail high keys-rotate 111122223333 us-east-1" in new["message"]
    assert "Key key-0 is never rotated" in new["message"]
    assert "key-1" not in new["message"]
    night("HOOK_URL", False, False, DENIED)
    assert told(hook) == []
    night("HOOK_URL", True, False, True)
    [over] = told(hook)
    assert over["title"] == "Stillframe: 1 resolved"
    assert "- resolved keys-rotate 111122223333 arn:aws:kms:us-east-1:111122223333:key/key-0" in over["message"]


def test_what_is_out_of_sight_is_not_over_and_not_new_when_it_is_seen_again(hook, night):
    for states in ((True,), (False,)):
        night("HOOK_URL", *states)
    told(hook)
    night("HOOK_URL", DENIED)
    assert [each["title"] for each in told(hook)] == ["Stillframe: 1 newly unknown"]
    night("HOOK_URL", gap="AccessDenied: kms:ListKeys")
    assert all("resolved" not in each["title"] for each in told(hook))
    night("HOOK_URL", False)
    assert told(hook) == []
    night("HOOK_URL", False, chosen=selection(but=[f"account={ACCOUNT}"]))
    assert told(hook) == []  # what is not chosen is not over
    night("HOOK_URL", True)
    assert [each["title"] for each in told(hook)] == ["Stillframe: 1 resolved"]


def test_what_could_not_be_told_is_told_the_next_night(hook, night):
    night("HOOK_URL", True)
    told(hook)
    hook.code = 500
    assert "1 channel not told" in night("HOOK_URL", False)
    told(hook)
    hook.code = 200
    night("HOOK_URL", False)
    assert [each["title"] for each in told(hook)] == ["Stillframe: 1 new failure"]


def test_a_night_that_did_not_work_is_told_once(hook, night):
    night("HOOK_URL", True)
    told(hook)
    for _ in range(2):
        with pytest.raises(CollectError):
            night("HOOK_URL", True, fault="no AWS credentials")
    [fault] = told(hook)
    assert (fault["title"], fault["message"]) == ("Stillframe: the night did not work", "no AWS credentials")
    night("HOOK_URL", True)
    [again] = told(hook)
    assert again["title"] == "Stillframe: the night works again"
    assert again["message"].startswith("It works again, after: no AWS credentials")
    night("HOOK_URL", True)
    assert told(hook) == []
    with pytest.raises(CollectError):
        night("HOOK_URL", True, fault="no AWS credentials")
    assert len(told(hook)) == 1


@pytest.mark.parametrize("tracker", ["github", "jira"])
def test_an_issue_is_opened_for_each_new_failure_and_closed_when_it_is_over(peer, night, monkeypatch, tracker):
    for name, value in {
        "GITHUB_TOKEN": "t",
        "GITHUB_API_URL": f"http://{peer.url}",
        "JIRA_URL": f"http://{peer.url}",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("JIRA_USER", "u")
    monkeypatch.setenv("JIRA_TOKEN", "t")
    name = {"github": "github:acme/findings", "jira": "jira:SEC"}[tracker]
    night(name, True, False)
    assert peer.asked == []  # what was there before is not opened
    night(name, False, False)
    [(method, path, body)] = peer.asked
    assert (method, path) == ("POST", {"github": "/repos/acme/findings/issues", "jira": "/rest/api/2/issue"}[tracker])
    assert "high: keys-rotate 111122223333" in json.dumps(body)
    night(name, False, False)
    assert len(peer.asked) == 1
    night(name, True, False)
    closed = [(method, path, body) for method, path, body in peer.asked[1:] if method != "GET"]
    if tracker == "github":
        assert closed == [("PATCH", "/repos/acme/findings/issues/1", {"state": "closed", "state_reason": "completed"})]
    else:
        assert closed[-1] == ("POST", "/rest/api/2/issue/SEC-1/transitions", {"transition": {"id": "31"}})


@pytest.fixture
def issues(peer, monkeypatch) -> str:
    monkeypatch.setenv("GITHUB_TOKEN", "t")
    monkeypatch.setenv("GITHUB_API_URL", f"http://{peer.url}")
    return "github:acme/findings"


def methods(peer: Server) -> list[str]:
    found, peer.asked[:] = [method for method, *_ in peer.asked], []
    return found


def test_an_issue_that_was_deleted_is_closed_and_one_that_cannot_be_keeps_none_from_being_opened(peer, night, issues):
    night(issues, True, True)
    night(issues, False, True)
    assert methods(peer) == ["POST"]
    peer.codes["PATCH"] = 403
    assert "1 channel not told" in night(issues, True, False)
    assert methods(peer) == ["POST", "GET", "PATCH"]
    peer.codes["PATCH"] = 410
    assert "not told" not in night(issues, True, False)
    assert methods(peer) == ["GET", "PATCH"]  # again, and what was opened is not opened twice
    night(issues, True, False)
    assert methods(peer) == []


TRACKERS = {"github": "github:acme/findings", "jira": "jira:SEC"}


@pytest.fixture(params=TRACKERS)
def tracker(request, issues, peer, monkeypatch) -> str:
    for name, value in {"JIRA_URL": f"http://{peer.url}", "JIRA_USER": "u", "JIRA_TOKEN": "t"}.items():
        monkeypatch.setenv(name, value)
    return TRACKERS[request.param]


@pytest.mark.parametrize("name", ["../../../other/repository/issues/7", "OTHER-7", "1?x=", "1\n", "7", "SEC-7"])
def test_an_issue_that_was_not_opened_here_is_not_closed(peer, night, tracker, tmp_path, name):
    """What was told is a file of the archive: who may write that may name any issue there is."""
    night(tracker, True)
    night(tracker, False)
    path = tmp_path / "archive" / TOLD
    told = json.loads(path.read_text())
    [known] = told["channels"][tracker]["failing"].values()
    known["name"] = name
    path.write_text(json.dumps(told))
    peer.asked.clear()
    peer.says = {"labels": [{"name": "theirs"}], "fields": {"status": {"statusCategory": {"key": "new"}}, "labels": []}}
    assert "not told" not in night(tracker, True)
    asked = [(method, path.partition("?fields")[0]) for method, path, _ in peer.asked]
    own = {"/repos/acme/findings/issues/7", "/rest/api/2/issue/SEC-7"}
    assert set(asked) <= {("GET", path) for path in own}


@pytest.mark.parametrize("says", [{"number": None, "key": None}, {"number": "1", "key": 1}, {"number": [], "key": {}}])
def test_an_answer_that_names_no_issue_is_none(peer, night, tracker, says):
    night(tracker, True)
    peer.says = says
    assert "1 channel not told" in night(tracker, False)
    peer.says = {}
    assert "not told" not in night(tracker, False)


def test_nobody_is_followed_elsewhere_with_the_token(peer, night, tracker):
    night(tracker, True)
    with Server() as elsewhere:
        threading.Thread(target=elsewhere.serve_forever, args=(0.02,), daemon=True).start()
        peer.leads = f"http://{elsewhere.url}/"
        assert "1 channel not told" in night(tracker, False)
        elsewhere.shutdown()
    assert (len(peer.keys), elsewhere.keys) == (1, [])


def test_what_people_chose_mentions_nobody_and_hides_no_address(hook, night):
    """Of the services that Apprise knows, some read what is to be shown as text."""
    name = "@everyone [here](https://evil.example)"
    night("HOOK_URL", True)
    told(hook)
    night("HOOK_URL", False, called=name)
    [message] = told(hook)
    assert "everyone" in message["message"]
    assert "@everyone" not in message["message"]
    assert "](http" not in message["message"]


def test_a_line_of_the_log_cannot_act_on_a_terminal(capsys):
    for form in ("text", "json"):
        Log(form)("told", "\x9b31m \u202e \x1b", more="\x9b")
    assert not set(capsys.readouterr().err) & set("\x9b\u202e\x1b")


def test_a_connection_that_ends_and_a_state_that_is_none_lose_no_night(peer, night, issues, tmp_path):
    night(issues, True)
    peer.broken = "POST"
    assert "1 channel not told" in night(issues, False)
    peer.broken = ""
    assert "not told" not in night(issues, False)
    (tmp_path / "archive/.told.json").write_text("{")
    assert "nobody told" in night(issues, False)


def test_a_topic_and_a_bus_are_told(aws_url, night):
    session, made = boto3.Session(region_name="us-east-1"), {"endpoint_url": aws_url}
    sqs, sns, events = (session.client(name, **made) for name in ("sqs", "sns", "events"))
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    events.create_event_bus(Name="b")
    events.put_rule(Name="r", EventBusName="b", EventPattern=json.dumps({"source": ["stillframe"]}))
    events.put_targets(Rule="r", EventBusName="b", Targets=[{"Id": "1", "Arn": arn}])

    def heard() -> list[Any]:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(each["Body"]) for each in found]

    for name, kind in ((f"sns:{topic}", None), ("eventbridge:b", "Finding fails")):
        assert "not told" not in night(name, True, endpoint=aws_url)
        heard()
        night(name, False, endpoint=aws_url)
        [message] = heard()
        assert "Key key-0 is never rotated" in json.dumps(message)
        assert message.get("detail-type") == kind


def test_security_hub_of_each_account_has_what_is_now(aws_url, night):
    names = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/reader", "RoleSessionName": "test"}
    keys = boto3.client("sts", endpoint_url=aws_url).assume_role(**names)["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name="us-east-1")
    hub = session.client("securityhub", endpoint_url=aws_url)
    hub.enable_security_hub()

    def statuses() -> dict[str, str]:
        found = hub.get_findings()["Findings"]
        return {each["Resources"][0]["Id"][-5:]: each["Compliance"]["Status"] for each in found}

    assert "2 findings imported" in night("securityhub:reader", True, False, endpoint=aws_url)
    assert statuses() == {"key-0": "PASSED", "key-1": "FAILED"}
    assert "1 finding imported" in night("securityhub:reader", True, True, endpoint=aws_url)
    assert statuses() == {"key-0": "PASSED", "key-1": "PASSED"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ABSENT_URL", "the variable ABSENT_URL is not set"),
        ("https://hooks.slack.com/services/T0/B0/secret", "no channel"),
        ("githb:acme/findings", "did you mean github?"),
        ("github:acme", "no OWNER/REPOSITORY"),
        ("sns:secret", "no ARN of a topic"),
        ("sns:arn:aws:sns:eu-west-1:secret", "no ARN of a topic"),
        ("eventbridge:a secret", "no name or ARN of a bus"),
        ("securityhub:", "no name or ARN of a role"),
        ("ODD_URL", "ODD_URL: it holds no address that Apprise knows"),
    ],
)
def test_a_channel_that_is_none_is_an_error_that_repeats_no_secret(text, said, monkeypatch):
    monkeypatch.setenv("ODD_URL", "nowhere://secret")
    with pytest.raises(ArgumentError, match=said.replace("?", r"\?")) as error:
        channel(text, lambda *_: None)
    assert "secret" not in str(error.value)


def test_a_channel_is_refused_before_anything_is_collected(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HOOK_URL", "json://localhost/hook")
    monkeypatch.setitem(sys.modules, "apprise", None)  # not installed
    for name, said in (("sns:foo", "no ARN of a topic"), ("HOOK_URL", "messages need the package apprise")):
        found = run("nightly", tmp_path / "archive", "--notify", name)
        assert (found.code, said in found.err) == (2, True), found.err
    assert not (tmp_path / "archive").exists()


def test_no_secret_is_written_down(hook, night, tmp_path, monkeypatch):
    monkeypatch.setenv("HOOK_URL", f"json://user:hidden@{hook.url}/hook")
    assert "hidden" not in night("HOOK_URL", False)
    assert "hidden" not in (Path(tmp_path) / "archive" / TOLD).read_text()
