"""Credentials, assumed roles and clients: the way into an account."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import stillframe
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)
from botocore.loaders import Loader
from botocore.parsers import ResponseParserError

from .errors import CollectError

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
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
JSON = frozenset({"json", "rest-json"})  # what botocore calls the protocols of services that answer in it
REJECTED = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"})

# Service models are large JSON files: one loader reads each once, not once per account.
_LOADER = Loader(include_default_search_paths=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose credentials these are."""

    account: str
    partition: str

    @property
    def home(self) -> str:
        return HOME_REGION.get(self.partition, "us-east-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An account to collect: `enter()` gives a session inside it, or raises botocore's errors."""

    account: str
    name: str | None
    enter: Callable[[], boto3.Session]


class Clients:
    """The clients of one session, made when first asked for. Safe to share between threads."""

    def __init__(self, session: boto3.Session, endpoint_url: str | None, connections: int) -> None:
        self._session = session
        self._endpoint_url = endpoint_url
        self._config = Config(
            retries={"mode": "standard", "max_attempts": 5},
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=connections,
            user_agent_extra=f"stillframe/{stillframe.__version__}",
        )
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}

    def __call__(self, service: str, region: str) -> Any:
        with self._lock:  # boto3 sessions are not thread-safe while they make clients
            client = self._clients.get((service, region))
            if client is None:
                client = self._clients[service, region] = self._session.client(
                    service,
                    region_name=region,
                    endpoint_url=self._endpoint_url,
                    config=self._config,
                )
                client.meta.events.register("before-parse", _refuse_pages_for_people)
                if self._endpoint_url and service == "s3control":
                    client.meta.events.register("before-sign.s3-control", _same_host(self._endpoint_url))
            return client


def open_session(profile: str | None = None) -> boto3.Session:
    """The session of the environment or of a profile. Raises CollectError."""
    try:
        return _shared(boto3.Session(profile_name=profile))
    except ProfileNotFound as error:
        raise CollectError(str(error), "`aws configure list-profiles` lists them") from None


def identify(session: boto3.Session, endpoint_url: str | None = None) -> Caller:
    """Who is calling. Raises CollectError where there are no credentials, or none that AWS takes."""
    region = session.region_name or "us-east-1"
    try:
        identity = Clients(session, endpoint_url, 1)("sts", region).get_caller_identity()
    except (BotoCoreError, ClientError, ResponseParserError, KeyError, ValueError) as error:
        raise _explain(error) from error
    return Caller(account=identity["Account"], partition=identity["Arn"].split(":")[1])


def organization_accounts(session: boto3.Session, caller: Caller, endpoint_url: str | None) -> list[dict[str, Any]]:
    """Every account of the organisation, as organizations:ListAccounts describes it. Raises CollectError."""
    client = Clients(session, endpoint_url, 1)("organizations", caller.home)
    try:
        return list(client.get_paginator("list_accounts").paginate().build_full_result()["Accounts"])
    except (BotoCoreError, ClientError, ResponseParserError, KeyError) as error:
        raise CollectError(
            f"cannot list the accounts of the organisation: {error}",
            "use credentials of the management account or a delegated administrator, or name accounts with --accounts",
        ) from error


def assume(session: boto3.Session, caller: Caller, account: str, role: str, endpoint_url: str | None) -> boto3.Session:
    """A session in another account. Raises botocore's ClientError or BotoCoreError."""
    sts = Clients(session, endpoint_url, 1)("sts", session.region_name or caller.home)
    answer = sts.assume_role(RoleArn=f"arn:{caller.partition}:iam::{account}:role/{role}", RoleSessionName="stillframe")
    credentials = answer["Credentials"]
    return _shared(
        boto3.Session(
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            region_name=session.region_name,
        )
    )


def _shared(session: boto3.Session) -> boto3.Session:
    session._session.register_component("data_loader", _LOADER)  # noqa: SLF001 - boto3 offers no other way
    return session


def _refuse_pages_for_people(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    # A proxy's page, or half an answer: botocore reads much of that as an answer with nothing in it.
    if response_dict["status_code"] >= 300:
        return
    body = response_dict["body"].strip()
    page = body[:9].lower().startswith((b"<html", b"<!doctype"))
    json = body[:1] + body[-1:] in (b"{}", b"[]", b"")
    if page or (not json and operation_model.service_model.resolved_protocol in JSON):
        raise ResponseParserError("the answer is not AWS's")


def _same_host(endpoint_url: str) -> Callable[..., None]:
    # S3 Control puts the account id in front of the host, which no local endpoint resolves. The id is also
    # in a header, so the plain host serves as well.
    def rewrite(request: Any, **_: Any) -> None:
        path = request.url.split("/", 3)[3]
        request.url = f"{endpoint_url.rstrip('/')}/{path}"

    return rewrite


def _explain(error: Exception) -> CollectError:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return CollectError("no AWS credentials", "set AWS_PROFILE or pass --profile; `stillframe demo` needs none")
    if code in EXPIRED or isinstance(error, TokenRetrievalError):
        return CollectError(
            f"the AWS credentials have expired ({code or error})",
            "renew them (`aws sso login`, say) and try again",
        )
    if code in REJECTED:
        return CollectError(
            f"AWS does not accept these credentials ({code})", "check the profile, the key and its secret"
        )
    if isinstance(error, ClientError):
        return CollectError(f"AWS refused to say who is calling: {error}", "check the credentials and the profile")
    if isinstance(error, (ResponseParserError, KeyError)):
        return CollectError("what answers there is not AWS", "check --endpoint-url, and any proxy on the way")
    return CollectError(f"AWS cannot be reached: {error}", "check the network, the region and --endpoint-url")
