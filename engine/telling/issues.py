"""Issues of GitHub and Jira: one for each failure, opened when it is new and closed when it is over."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from ...snapshot.errors import StillframeError
from ...snapshot.format import encode
from ..model.finding import Finding
from ..printable import printable
from .news import News

_GONE = 410  # of HTTP
MOST = 50  # issues that one night opens: the others are opened the next time
_MARK = "stillframe"
Ask = Callable[..., Any]


class NotToldError(StillframeError):
    """A channel that could not be told: it will be, the next time. `told` is what it was told before it failed."""

    told: Mapping[str, str] = {}


class GoneError(NotToldError):
    """What is to be closed was deleted."""


def github(repository: str, token: str, news: News) -> dict[str, str]:
    """Open and close issues of a repository."""
    base = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    ask = _asking(f"{base}/repos/{repository}", f"Bearer {token}")

    def made(found: Finding) -> str:
        text = "\n".join(f"    {line}" for line in _text(found))  # indented, it is neither markup nor a mention
        return str(ask("POST", "/issues", {"title": _title(found), "body": text, "labels": [_MARK]})["number"])

    def close(name: str) -> None:
        ask("PATCH", f"/issues/{name}", {"state": "closed", "state_reason": "completed"})

    return _kept(news, made, close)


def jira(project: str, url: str, user: str, token: str, news: News) -> dict[str, str]:
    """Open issues of a project, and close them by the first transition to a status that is done."""
    basic = base64.b64encode(f"{user}:{token}".encode()).decode()
    ask = _asking(f"{url.rstrip('/')}/rest/api/2/issue", f"Basic {basic}")

    def made(found: Finding) -> str:
        text = "{noformat}\n" + "\n".join(_text(found)).replace("{noformat}", "(noformat)") + "\n{noformat}"
        fields = {"project": {"key": project}, "issuetype": {"name": os.environ.get("JIRA_ISSUE_TYPE", "Task")}}
        return str(
            ask("POST", "", {"fields": {**fields, "summary": _title(found), "description": text, "labels": [_MARK]}})[
                "key"
            ]
        )

    def close(name: str) -> None:
        ways = ask("GET", f"/{name}/transitions")["transitions"]
        done = [each["id"] for each in ways if each["to"]["statusCategory"]["key"] == "done"]
        if not done and ask("GET", f"/{name}?fields=status")["fields"]["status"]["statusCategory"]["key"] == "done":
            return  # somebody closed it
        if not done:
            raise NotToldError(
                f"{name}: no transition leads to a status that is done", "close it, and check the workflow"
            )
        ask("POST", f"/{name}/transitions", {"transition": {"id": done[0]}})

    return _kept(news, made, close)


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
    if urlsplit(base).scheme not in ("https", "http"):
        raise NotToldError(f"{base}: no address", "write https://…")
    headers = {"Authorization": authorization, "Accept": "application/json", "Content-Type": "application/json"}

    def ask(method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        try:
            with urlopen(Request(base + path, data, headers, method=method), timeout=30) as answer:  # noqa: S310 - checked
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            error.close()
            kind = GoneError if error.code == _GONE else NotToldError
            raise kind(f"{base}{path}: {error.code} {error.reason}", "check the token") from None
        except Exception as error:
            raise NotToldError(f"{base}{path}: {error}", "check the address, and the network") from None

    return ask
