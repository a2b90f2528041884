"""Clients of one service in many regions, for little more than the price of one.

A client of boto3 costs a quarter of a megabyte, as it copies every event hook, and more with its first calls, for which
it reads the service's models anew and, over TLS, the certificate authorities. None of that is of its region. So boto3
makes each client, as it alone knows where a service is and how it is signed there; and of what is not of the region,
it is then given that of the first client of the service.
"""

# ruff: noqa: SLF001 - botocore offers no other way
from __future__ import annotations

import weakref
from typing import Any

from botocore.client import ClientMeta

from .timed import timed

_OF_RULES = ("_provider", "_param_definitions", "_service_model", "_event_emitter", "_instance_cache")


class Service:
    """What the clients of a service share: that of the first of them, which must have all of its hooks."""

    def __init__(self, first: Any) -> None:
        self._first = first
        self._signers = {first.meta.region_name: first._request_signer}
        model, events, rules = first.meta.service_model, first.meta.events, first._ruleset_resolver
        self.shared = all(hasattr(rules, name) for name in (*_OF_RULES, "_builtins"))
        if self.shared and ("Bucket" in rules._param_definitions or model.endpoint_discovery_operation is not None):
            self.shared = False  # buckets are followed to their regions, and endpoints found, by hooks of one client
        if self.shared:
            event = f"request-created.{model.service_id.hyphenize()}"
            events.unregister(event, first._request_signer.handler)
            events.register(event, self._sign)

    def join(self, client: Any) -> None:
        """Give a new client of another region what is shared."""
        first, meta, events = self._first, client.meta, self._first.meta.events
        client.__class__ = type(first)
        client.meta = ClientMeta(
            events,
            meta.config,
            meta.endpoint_url,
            first.meta.service_model,
            first.meta.method_to_api_mapping,
            meta.partition,
        )
        for name in _OF_RULES:
            setattr(client._ruleset_resolver, name, getattr(first._ruleset_resolver, name))
        client._endpoint._event_emitter = events
        client._request_signer._event_emitter = weakref.proxy(events)
        self._signers[meta.region_name] = client._request_signer

    def _sign(self, request: Any, operation_name: str, **_: Any) -> None:
        self._signers[request.context["client_region"]].sign(operation_name, request)


def share_tls(client: Any, context: Any) -> Any:
    """Have a client use a TLS context, or if there is none yet, return its own for others to use."""
    http = client._endpoint.http_session
    context = context or http._manager.connection_pool_kw["ssl_context"]
    http._manager.connection_pool_kw["ssl_context"] = context
    http._get_ssl_context = lambda: context  # for connections through a proxy, made later
    return context


def bound_answers(client: Any, seconds: float) -> None:
    """Have each answer to a client end within some seconds."""
    http = client._endpoint.http_session
    http._pool_classes_by_scheme = {
        scheme: timed(pool, seconds) for scheme, pool in http._pool_classes_by_scheme.items()
    }
    http._manager.pool_classes_by_scheme = http._pool_classes_by_scheme
