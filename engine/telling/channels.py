"""The channels there are: what each is named by, and what tells it. Secrets come from the environment alone."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

from ...snapshot.errors import ArgumentError
from ..suggest import suggest
from .issues import NotToldError, github, jira
from .news import News

# Gives the failures that it told of, by fingerprint, with its own name for each. Raises NotToldError.
Tell = Callable[[News], dict[str, str]]
KINDS = ("sns", "eventbridge", "securityhub", "github", "jira")
_NOUNS = {
    "sns": "ARN of a topic, such as arn:aws:sns:eu-west-1:111122223333:nights",
    "eventbridge": "name or ARN of a bus",
    "securityhub": "name or ARN of a role",
    "github": "OWNER/REPOSITORY",
    "jira": "key of a project",
}
# What of AWS a channel may name: that it is there, only the night's own call can tell.
_PLACES = {
    "sns": r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[\w-]+(\.fifo)?",
    "eventbridge": r"(arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[\w./-]+",
    "securityhub": r"(arn:[a-z-]+:iam::[0-9]{12}:role/)?[\w+=,.@/-]+",
}
# Some services take what they show as text for a mention of everybody, or for a link that is called something else.
_QUIET = {"@": "@\u200b", "](": "]\u200b("}
_HELP = (
    "write the name of a variable that holds an address of Apprise, such as SLACK_URL; or sns:TOPIC-ARN, "
    "eventbridge:BUS, securityhub:ROLE, github:OWNER/REPOSITORY or jira:PROJECT"
)


def channel(text: str, through_aws: Callable[[str, str, News], None]) -> Tell:
    """The channel that a text names; `through_aws` tells a kind of channel at an address. Raises ArgumentError."""
    kind, _, address = text.partition(":")
    if re.fullmatch(r"[A-Z][A-Z0-9_]*", text):
        return partial(_apprise, _heard_at(text, secret(text)))
    if kind in _PLACES and re.fullmatch(_PLACES[kind], address):
        return partial(_published, partial(through_aws, kind, address))
    if kind == "github" and re.fullmatch(r"[\w.-]+/[\w.-]+", address):
        return partial(github, address, secret("GITHUB_TOKEN"))
    if kind == "jira" and re.fullmatch(r"[A-Z][A-Z0-9_]*", address):
        return partial(jira, address, secret("JIRA_URL"), secret("JIRA_USER"), secret("JIRA_TOKEN"))
    # What follows may be a secret that somebody wrote here: it is not said again.
    if kind in KINDS:
        raise ArgumentError(f"--notify {kind}:…: what follows is no {_NOUNS[kind]}", _HELP)
    hint = suggest(kind, KINDS) if address and not address.startswith("//") else ""
    raise ArgumentError(f"--notify {kind}{':…' if address else ''}: no channel{hint}", _HELP)


def secret(variable: str) -> str:
    """What a variable of the environment holds. Raises ArgumentError."""
    if not (found := os.environ.get(variable)):
        raise ArgumentError(f"--notify: the variable {variable} is not set", "export it; no option takes a secret")
    return found


def _heard_at(variable: str, url: str) -> Any:
    """Apprise with one address. Raises ArgumentError, before anything is collected."""
    try:
        import apprise
    except ImportError:
        raise ArgumentError(
            f"--notify {variable}: messages need the package apprise", "install the extra: pip install '.[notify]'"
        ) from None
    one = apprise.Apprise()
    if not one.add(url):
        raise ArgumentError(
            f"--notify {variable}: it holds no address that Apprise knows", "its documentation lists them"
        )
    return one


def _apprise(one: Any, news: News) -> dict[str, str]:
    import apprise

    body = reduce(lambda text, pair: text.replace(*pair), _QUIET.items(), news.body)
    if not one.notify(title=news.title, body=body, body_format=apprise.NotifyFormat.TEXT):
        raise NotToldError("the message was not taken", "check the address, and the network")
    return _all(news)


def _published(publish: Callable[[News], None], news: News) -> dict[str, str]:
    publish(news)
    return _all(news)


def _all(news: News) -> dict[str, str]:
    return dict.fromkeys((each.fingerprint for each in news.failing), "")
