"""Issues of GitHub and Jira: one for each failure, opened when it is new and closed when it is over."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import msgspec

from ...snapshot.errors import StillframeError
from ...snapshot.format import encode
from ..model.finding import Finding
from ..printable import printable
from .news import News

_GONE = 410  # of HTTP
MOST = 50  # issues that one night opens: the others are opened the next time
_MARK = "stillframe"  # a label: without it nothing is closed
_LONGEST = 1 << 20  # bytes of an answer
Ask = Callable[..., Any]


class NotToldError(StillframeError):
    """A channel that could not be told: it will be, the next time. `told` is what it was told before it failed."""

    told: Mapping[str, str] = {}


class GoneError(NotToldError):
    """What is to be closed was deleted, or was never opened here."""


class _Stay(HTTPRedirectHandler):
    """Follows no redirect: the token would go along, to whatever host it names."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = build_opener(_Stay)


class _Label(msgspec.Struct):
    name: str


class _Issue(msgspec.Struct):
    """Of GitHub."""

    number: int
    labels: list[_Label] = []


class _Made(msgspec.Struct):
    """Of Jira."""

    key: str


class _Status(msgspec.Struct):
    category: _Made = msgspec.field(name="statusCategory")


class _Fields(msgspec.Struct):
    status: _Status
    labels: list[str] = []


class _Seen(msgspec.Struct):
    fields: _Fields


class _Way(msgspec.Struct):
    id: str
    to: _Status


class _Ways(msgspec.Struct):
    transitions: list[_Way]


def github(repository: str, token: str, news: News) -> dict[str, str]:
    """Open and close issues of a repository."""
    base = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    ask = _asking(f"{base}/repos/{repository}", f"Bearer {token}")

    def made(found: Finding) -> str:
        text = "\n".join(f"    {line}" for line in _text(found))  # indented, it is neither markup nor a mention
        return str(ask("POST", "/issues", _Issue, {"title": _title(found), "body": text, "labels": [_MARK]}).number)

    def close(name: str) -> None:
        _ours(name, re.fullmatch("[0-9]+", name))
        _ours(name, _Label(_MARK) in ask("GET", f"/issues/{name}", _Issue).labels)
        ask("PATCH", f"/issues/{name}", None, {"state": "closed", "state_reason": "completed"})

    return _kept(news, made, close)


def jira(project: str, url: str, user: str, token: str, news: News) -> dict[str, str]:
    """Open issues of a project, and close them by the first transition to a status that is done."""
    basic = base64.b64encode(f"{user}:{token}".encode()).decode()
    ask = _asking(f"{url.rstrip('/')}/rest/api/2/issue", f"Basic {basic}")

    def made(found: Finding) -> str:
        text = re.sub(r"(?i)\{(?=noformat)", "(", "\n".join(_text(found)))
        fields = {
            "project": {"key": project},
            "issuetype": {"name": os.environ.get("JIRA_ISSUE_TYPE", "Task")},
            "summary": _title(found),
            "description": f"{{noformat}}\n{text}\n{{noformat}}",
            "labels": [_MARK],
        }
        key: str = ask("POST", "", _Made, {"fields": fields}).key
        return key

    def close(name: str) -> None:
        _ours(name, re.fullmatch(f"{project}-[0-9]+", name))
        seen = ask("GET", f"/{name}?fields=status,labels", _Seen).fields
        _ours(name, _MARK in seen.labels)
        done = [each.id for each in ask("GET", f"/{name}/transitions", _Ways).transitions if _is_done(each.to)]
        if not done and _is_done(seen.status):
            return  # somebody closed it
        if not done:
            raise NotToldError(
                f"{name}: no transition leads to a status that is done", "close it, and check the workflow"
            )
        ask("POST", f"/{name}/transitions", None, {"transition": {"id": done[0]}})

    return _kept(news, made, close)


def _is_done(status: _Status) -> bool:
    return status.category.key == "done"


def _ours(name: str, known: object) -> None:
    """Raise GoneError where an issue is none that was opened here: what was told is a file that others may write."""
    if not known:
        raise GoneError(f"{name}: no issue that was opened here")


def _kept(news: News, made: Callable[[Finding], str], close: Callable[[str], None]) -> dict[str, str]:
    """The names of issues that were opened; then those of what is over are closed, each that can be.

    Raises NotToldError, when all that could be done is done.
    """
    opened: dict[str, str] = {}
    failed: list[NotToldError] = []
    try:
        for found in sorted(news.failing, key=lambda each: each.severity.rank)[:MOST]:
            opened[found.fingerprint] = made(found)
    except NotToldError as error:
        failed.append(error)
    for name in filter(None, news.over.values()):
        try:
            close(name)
        except GoneError:
            continue
        except NotToldError as error:
            failed.append(error)
    if failed:
        failed[0].told = opened
        raise failed[0]
    return opened


def _title(found: Finding) -> str:
    return printable(f"{found.severity}: {found.policy} {found.account} {found.name or found.resource}")[:250]


def _text(found: Finding) -> Iterator[str]:
    yield printable(found.message)
    yield printable(f"{found.account} {found.region} {found.type} {found.resource}")
    yield from (printable(f"{path} = {encode(value).decode()}") for path, value in found.evidence.items())
    if found.remediation:
        yield printable(found.remediation)
    yield f"fingerprint {found.fingerprint}"


def _asking(base: str, authorization: str) -> Ask:
    """What asks a server, and gives its answer in the shape that is named. Raises NotToldError."""
    if urlsplit(base).scheme not in ("https", "http"):
        raise NotToldError(f"{base}: no address", "write https://…")
    headers = {"Authorization": authorization, "Accept": "application/json", "Content-Type": "application/json"}

    def ask(method: str, path: str, shape: type | None, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        try:
            with _OPENER.open(Request(base + path, data, headers, method=method), timeout=30) as answer:  # noqa: S310 - checked
                return msgspec.json.decode(answer.read(_LONGEST), type=shape) if shape else None
        except HTTPError as error:
            error.close()
            kind = GoneError if error.code == _GONE else NotToldError
            raise kind(f"{base}{path}: {error.code} {error.reason}", "check the token, and the address") from None
        except Exception as error:
            raise NotToldError(f"{base}{path}: {error}", "check the address, and the network") from None

    return ask
