"""Messages as Slack, Teams and mail take them: by their own protocols, from servers that stand for theirs."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from peers import Chat, Mail, called, running
from stillframe.engine.model.finding import Finding, Status
from stillframe.engine.model.policy import Severity
from stillframe.engine.telling.channels import Tell, channel
from stillframe.engine.telling.issues import NotToldError
from stillframe.engine.telling.news import News

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what Apprise imports
TEAMS = "prod-1.westeurope.logic.azure.com"
ADDRESSES = {
    "slack": "slack://T1234ABCD/B1234ABCD/abcdefghijklmnopqrstuvwx",
    "teams": f"workflows://{TEAMS}:443/{'6' * 32}/{'S' * 43}/",
}
PATHS = {"slack": "/services/T1234ABCD/B1234ABCD/abcdefghijklmnopqrstuvwx", "teams": f"/workflows/{'6' * 32}/triggers/"}
# What a name in an account may hold → what it would be, were it let.
MARKUP = {"slack": "<!channel>", "teams": "[mend](https://evil.example)"}
FINDING = Finding(
    policy="keys-rotate",
    status=Status.FAIL,
    severity=Severity.HIGH,
    account="111122223333",
    region="us-east-1",
    type="AWS::KMS::Key",
    resource="key-0",
    name=None,
    message=f"Key {' '.join(MARKUP.values())} is never rotated",
    remediation=None,
    evidence={},
)
NEWS = News(snapshot="2026-01-01T00-00-00Z", failing=[FINDING])


@pytest.fixture
def chat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    server = Chat()
    called(server, ["hooks.slack.com", TEAMS], tmp_path, monkeypatch)
    with running(server):
        yield server


def at(address: str, monkeypatch: pytest.MonkeyPatch) -> Tell:
    monkeypatch.setenv("CHANNEL_URL", address)
    return channel("CHANNEL_URL", lambda *_: None)


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_chat_has_what_is_new_and_no_name_of_an_account_is_markup_there(name, chat, monkeypatch):
    tell = at(ADDRESSES[name], monkeypatch)
    assert tell(NEWS) == {FINDING.fingerprint: ""}
    [(path, body)] = chat.taken
    assert path.startswith(PATHS[name])
    assert "Stillframe: 1 new failure" in body
    assert "is never rotated" in body
    assert MARKUP[name] not in body


@pytest.mark.parametrize(("name", "answer"), [("slack", (403, b"invalid_token")), ("teams", (500, b""))])
def test_what_a_chat_refuses_is_not_told(name, answer, chat, monkeypatch):
    chat.answer = answer
    with pytest.raises(NotToldError, match="not taken"):
        at(ADDRESSES[name], monkeypatch)(NEWS)


def test_mail_has_the_sender_whom_it_is_for_and_what_is_new(monkeypatch):
    with running(Mail()) as mail:
        server = f"127.0.0.1:{mail.server_address[1]}"
        tell = at(f"mailto://{server}/?from=nightly@acme.example&to=security@acme.example", monkeypatch)
        mail.code = 550
        with pytest.raises(NotToldError, match="not taken"):
            tell(NEWS)
        assert mail.taken == []
        mail.code = 250
        tell(NEWS)
    [(sender, to, text)] = mail.taken
    assert (sender, to) == ("FROM:<nightly@acme.example>", ["TO:<security@acme.example>"])
    message = message_from_bytes(text, policy=policy.default)
    assert message["Subject"] == "Stillframe: 1 new failure"
    quiet = FINDING.message.replace("](", "]\u200b(")  # for any channel, as some read text so
    assert quiet in " ".join(message.get_content().split())
