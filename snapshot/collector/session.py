"""Credentials and assumed roles: the way into an account."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.loaders import Loader
from botocore.parsers import ResponseParserError
from msgspec import Struct

from ..error_kinds import EXPIRED, REGION_OFF, code_of, kind_of
from ..errors import ArgumentError, CollectError
from ..names import ACCOUNT_ID, REGION
from .clients import Clients, Sender, sending

# Where calls that answer for a whole account are sent, by partition.
HOME_REGION = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-eusc": "eusc-de-east-1",
}
ORGANIZATION_ROLE = "OrganizationAccountAccessRole"  # what AWS Organizations makes in accounts it creates
EARLY = 300  # seconds before credentials expire at which they are renewed
FRESH = 30  # seconds for which they are not renewed again, whatever AWS says

# Service models are large JSON files: one loader reads each once, not once per session.
_LOADER = Loader(include_default_search_paths=True)


class Caller(Struct, frozen=True, kw_only=True):
    """Whose credentials these are."""

    account: str
    partition: str

    @property
    def home(self) -> str:
        return HOME_REGION.get(self.partition, "us-east-1")


class Role:
    """The credentials of a role, assumed when they are first needed, and again before they expire.

    `through` are the credentials that assume it: those of another role, or None for the session's own. It gives what
    botocore asks of credentials, and raises what botocore raises.
    """

    def __init__(
        self, clients: Clients, arn: str, *, region: str, external_id: str | None = None, through: Role | None = None
    ) -> None:
        self._clients = clients
        self._region = region
        self._through = through
        self._request = {"RoleArn": arn, "RoleSessionName": "stillframe"}
        if external_id is not None:
            self._request["ExternalId"] = external_id
        self._lock = threading.Lock()
        self._frozen: ReadOnlyCredentials | None = None
        self._until, self._since = 0.0, -float(FRESH)

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        with self._lock:
            if self._frozen is None or (time.time() > self._until - EARLY and not self._fresh()):
                self._frozen = self._assume()
            return self._frozen

    def renew(self) -> bool:
        """Assume it again although it is not time yet; False where that does not help."""
        with self._lock:
            try:
                if not self._fresh():
                    self._frozen = self._assume()
            except (BotoCoreError, ClientError, ResponseParserError, KeyError):
                return False
            return True

    def _fresh(self) -> bool:
        return time.monotonic() < self._since + FRESH

    def _assume(self) -> ReadOnlyCredentials:
        with sending(Sender(credentials=self._through)):
            found = self._clients("sts", self._region).assume_role(**self._request)["Credentials"]
        self._until, self._since = _seconds(found["Expiration"]), time.monotonic()
        return ReadOnlyCredentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])


def open_session(profile: str | None = None, session: boto3.Session | None = None) -> boto3.Session:
    """The session of the environment or of a profile, or the one that is given, made ready.

    Raises ArgumentError or CollectError.
    """
    if session is not None and not isinstance(session, boto3.Session):
        raise ArgumentError(f"session: {session!r} is none of boto3's", "write boto3.Session(profile_name='NAME')")
    try:
        return _shared(session or boto3.Session(profile_name=profile))
    except ProfileNotFound as error:
        raise CollectError(str(error), "`aws configure list-profiles` lists them") from None


def identify(clients: Clients) -> Caller:
    """Who is calling. Raises CollectError where there are no credentials, or none that AWS takes."""
    region = clients.session.region_name or "us-east-1"
    try:
        identity = clients("sts", region).get_caller_identity()
        account, partition = identity["Account"], identity["Arn"].split(":")[1]
        if not (ACCOUNT_ID.match(account) and REGION.match(partition)):
            raise ResponseParserError(f"an account {account!r} of {partition!r}")
        return Caller(account=account, partition=partition)
    except (BotoCoreError, ClientError, ResponseParserError, KeyError, IndexError, ValueError) as error:
        raise _explain(error) from error


def way_in(
    clients: Clients, caller: Caller, roles: Sequence[str], external_id: str | None = None
) -> Callable[[str], Role]:
    """The way into accounts through roles: the last is in each account itself, those before it lead there.

    A role is named by its ARN, or by its name where it is in the account, or else in the caller's.
    """
    *hubs, last = roles

    def role(name: str, account: str, through: Role | None) -> Role:
        arn = name if name.startswith("arn:") else f"arn:{caller.partition}:iam::{account}:role/{name}"
        region = clients.session.region_name or caller.home
        return Role(clients, arn, region=region, external_id=external_id, through=through)

    through: Role | None = None
    for hub in hubs:
        through = role(hub, caller.account, through)
    return lambda account: role(last, account, through)


def _seconds(moment: Any) -> float:
    found = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _shared(session: boto3.Session) -> boto3.Session:
    session._session.register_component("data_loader", _LOADER)  # noqa: SLF001 - boto3 offers no other way
    return session


def _explain(error: Exception) -> CollectError:
    code = code_of(error)
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return CollectError("no AWS credentials", "set AWS_PROFILE or pass --profile; `stillframe demo` needs none")
    if kind_of(code) is EXPIRED:
        return CollectError(
            f"the AWS credentials have expired ({code})", "renew them (`aws sso login`, say) and try again"
        )
    if kind_of(code) is REGION_OFF:
        return CollectError(
            f"AWS does not accept these credentials ({code})", "check the profile, the key and its secret"
        )
    if isinstance(error, ClientError):
        return CollectError(f"AWS refused to say who is calling: {error}", "check the credentials and the profile")
    if isinstance(error, (ResponseParserError, KeyError, IndexError)):
        return CollectError("what answers there is not AWS", "check --endpoint-url, and any proxy on the way")
    return CollectError(f"AWS cannot be reached: {error}", "check the network, the region and --endpoint-url")
