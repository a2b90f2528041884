"""Clients, and what each of their requests goes through: whose credentials sign it, and what is done where it fails.

One client serves every account: making one for each account, service and region would cost more than its calls do,
with its models, its connections and their TLS. So each request says on whose behalf it is sent. And the clients of a
service share all that is not of their region, which is nearly everything: see `regional.py`.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import boto3
import stillframe
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from msgspec import Struct

from ..catalog import ResourceType
from ..error_kinds import EXPIRED, SERVER, THROTTLED, TRANSPORT, Kind, code_of, kind_of, kind_of_response
from .answers import refuse_what_is_none
from .client_sharing import Service, bound_answers, share_tls
from .lacking import Lacking
from .rate_limit import Lane

DEADLINE = 300.0  # seconds for a request with all that is tried again
ATTEMPTS = 8  # where the network or AWS fails; how often AWS may throttle is up to the deadline
SHORTEST, LONGEST = 0.1, 20.0  # seconds before something is tried again


class Credentials(Protocol):
    """What signs requests, as botocore asks for it; `renew` says whether they could be renewed before their time."""

    def get_frozen_credentials(self) -> Any: ...

    def renew(self) -> bool: ...


class Sender(Struct, frozen=True, kw_only=True):
    """On whose behalf a request is sent, and in which lane. Without credentials it is the session's own."""

    credentials: Credentials | None = None
    lane: Lane | None = None
    failed: Callable[[str], None] = lambda _: None  # told the kind of each answer that is an error


_SENDER: ContextVar[Sender] = ContextVar("sender", default=Sender())  # noqa: B039 - it is frozen


@contextmanager
def sending(sender: Sender) -> Iterator[None]:
    """What this thread sends in the block is sent on somebody's behalf."""
    token = _SENDER.set(sender)
    try:
        yield
    finally:
        _SENDER.reset(token)


class Clients:
    """The clients of one session, by service and region: made when first asked for, and kept.

    Safe to share between threads.
    """

    def __init__(
        self,
        session: boto3.Session,
        endpoint_url: str | None = None,
        connections: int = 1,
        deadline: float = DEADLINE,
    ) -> None:
        self.session = session
        self.endpoint_url = endpoint_url
        self.deadline = deadline
        self._config = Config(
            retries={"mode": "standard", "total_max_attempts": 1},  # what is tried again is decided here
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=connections,
            account_id_endpoint_mode="disabled",  # hosts that begin with an account id: whose would it be?
            user_agent_extra=f"stillframe/{stillframe.__version__}",
        )
        self._lock = threading.Lock()
        self._services: dict[str, Service] = {}
        self._tls: Any = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._lacking: dict[str, Lacking] = {}

    def __call__(self, service: str, region: str) -> Any:
        with self._lock:  # boto3 sessions are not thread-safe while they make clients
            client = self._clients.get((service, region))
            if client is None:
                client = self._clients[service, region] = self._make(service, region)
            return client

    def lacking(self, spec: ResourceType, region: str) -> Lacking:
        """What this botocore is too old to know of a resource type, by the models that the clients have."""
        if spec.type not in self._lacking:  # two threads may both find out: it is the same
            found = Lacking(spec, lambda call: self(call.service, call.region or region).meta.service_model)
            self._lacking[spec.type] = found
        return self._lacking[spec.type]

    def serves(self, service: str, region: str) -> bool:
        """Whether AWS offers a service in a region, as far as this botocore knows: what it does not know, it does."""
        partition = self.session.get_partition_for_region(region)
        known = self.session.get_available_regions(service, partition)
        return region in known or not known

    def _make(self, service: str, region: str) -> Any:
        client = self.session.client(service, region_name=region, endpoint_url=self.endpoint_url, config=self._config)
        self._tls = share_tls(client, self._tls)
        bound_answers(client, self.deadline)
        known = self._services.get(service)
        if known and known.shared:
            known.join(client)
            return client
        events = client.meta.events
        events.register("before-sign", _sign_as_sender)
        events.register("before-parse", refuse_what_is_none)
        events.register("needs-retry", self._again)
        if self.endpoint_url and service == "s3control":
            events.register("before-sign.s3-control", same_host(self.endpoint_url))
        self._services[service] = Service(client)
        return client

    def _again(
        self,
        response: Any,
        caught_exception: Exception | None,
        request_dict: dict[str, Any],
        operation: Any,
        **_: Any,
    ) -> float | None:
        """The seconds after which a request is sent again; None where its answer stands."""
        sender, now = _SENDER.get(), time.monotonic()
        kind = kind_of(code_of(caught_exception)) if caught_exception else _kind(response)
        if kind is None:
            if sender.lane:
                sender.lane.answered()
            return None
        sender.failed(kind.name)
        tried = request_dict["context"].setdefault("stillframe", _Tried(since=now))
        if kind is THROTTLED and sender.lane:
            sender.lane.throttled(now)
        if kind is EXPIRED:
            return 0 if tried.count(kind) == 1 and sender.credentials and sender.credentials.renew() else None
        if not kind.retry or (kind in (TRANSPORT, SERVER) and tried.count(kind) >= ATTEMPTS):
            return None
        if isinstance(caught_exception, EndpointConnectionError):
            service = operation.service_model.service_name
            if not self.serves(service, request_dict["context"]["client_region"]):
                return None  # there is no such host
        wait = tried.wait()
        return None if tried.over(now, self.deadline) else wait


class _Tried:
    """How often one request was tried, and for how long."""

    def __init__(self, since: float) -> None:
        self._since = since
        self._waited = 0.0
        self._kinds: dict[str, int] = {}

    def count(self, kind: Kind) -> int:
        self._kinds[kind.name] = self._kinds.get(kind.name, 0) + 1
        return self._kinds[kind.name]

    def wait(self) -> float:
        self._kinds["wait"] = number = self._kinds.get("wait", -1) + 1
        wait: float = min(LONGEST, SHORTEST * 2.0**number) * random.uniform(0.5, 1)  # noqa: S311 - no secret
        self._waited += wait
        return wait

    def over(self, now: float, deadline: float) -> bool:
        return max(now - self._since, self._waited) > deadline


def _kind(response: tuple[Any, dict[str, Any]]) -> Kind | None:
    http, parsed = response
    return kind_of_response(http.status_code, parsed)


def _sign_as_sender(request: Any, **_: Any) -> None:
    credentials = _SENDER.get().credentials
    if credentials is not None:
        request.context["signing"] = {**request.context.get("signing", {}), "request_credentials": credentials}


def same_host(endpoint_url: str) -> Callable[..., None]:
    """A handler that leaves the host of S3 Control alone.

    It puts the account id in front of the host, which no local endpoint resolves. The id is also in a header, so the
    plain host serves as well.
    """

    def rewrite(request: Any, **_: Any) -> None:
        path = request.url.split("/", 3)[3]
        request.url = f"{endpoint_url.rstrip('/')}/{path}"

    return rewrite
