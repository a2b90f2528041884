"""To tell through AWS: a message of SNS, events of EventBridge, and findings of Security Hub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ..errors import CollectError
from ..format import encode
from .clients import Clients
from .session import identify, way_in

SOURCE = "stillframe"
_AT_ONCE = 10  # events that one call takes


def message(session: boto3.Session, topic: str, title: str, body: str, endpoint_url: str | None = None) -> None:
    """Publish a message to a topic of SNS. Raises CollectError."""
    region = topic.split(":")[3] if topic.count(":") == 5 else None
    client = session.client("sns", region_name=region, endpoint_url=endpoint_url)
    subject = title.encode("ascii", "replace").decode()[:100]
    _tried(topic, lambda: client.publish(TopicArn=topic, Subject=subject, Message=f"{title}\n\n{body}"[:200_000]))


def events(
    session: boto3.Session, bus: str, found: Iterable[tuple[str, Mapping[str, Any]]], endpoint_url: str | None = None
) -> None:
    """Put events on a bus of EventBridge: pairs of what happened and its record. Raises CollectError."""
    client, left = session.client("events", endpoint_url=endpoint_url), iter(found)
    while some := list(islice(left, _AT_ONCE)):
        entries = [
            {"Source": SOURCE, "DetailType": kind, "EventBusName": bus, "Detail": encode(record).decode()}
            for kind, record in some
        ]
        answer = _tried(bus, partial(client.put_events, Entries=entries))
        if answer.get("FailedEntryCount"):
            codes = sorted({str(each.get("ErrorCode")) for each in answer["Entries"] if each.get("ErrorCode")})
            raise CollectError(f"{bus}: {answer['FailedEntryCount']} events were not taken ({', '.join(codes)})")


def import_findings(
    session: boto3.Session,
    requests: Iterable[tuple[str, str, Sequence[Mapping[str, Any]]]],
    role: str,
    endpoint_url: str | None = None,
) -> int:
    """Import findings of an account and a region into its Security Hub; gives how many. Raises CollectError.

    Security Hub takes an account's findings from that account alone: others than the caller's are entered by `role`.
    """
    clients = Clients(session, endpoint_url)
    caller = identify(clients)
    enter = way_in(clients, caller, [role])
    taken = 0
    for account, region, findings in requests:
        keys = {} if account == caller.account else _keys(enter(account), account)
        client = session.client("securityhub", region_name=region, endpoint_url=endpoint_url, **keys)
        answer = _tried(
            account, lambda client=client, found=findings: client.batch_import_findings(Findings=list(found))
        )
        if answer.get("FailedCount"):
            codes = sorted({str(each.get("ErrorCode")) for each in answer.get("FailedFindings", ())})
            raise CollectError(
                f"{account} {region}: {answer['FailedCount']} findings were not taken ({', '.join(codes)})"
            )
        taken += answer.get("SuccessCount", 0)
    return taken


def _keys(role: Any, account: str) -> dict[str, str]:
    found = _tried(account, role.get_frozen_credentials)
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    return dict(zip(names, found[:3], strict=True))


def _tried(what: str, call: Any) -> Any:
    try:
        return call()
    except (BotoCoreError, ClientError) as error:
        raise CollectError(f"{what}: {error}", "check its name, and what the credentials may do") from None
