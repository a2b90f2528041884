"""Accounts that another machine collects: what a worker of a cluster is told, what it does, and what it tells back.

It is told names of roles, and assumes them by credentials of its own.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any

from msgspec import Struct, field

from ..catalog import ResourceType
from ..cluster import ClusterError, Program, check_program, this_program, worker
from ..errors import CollectError
from ..own_types import InUse, apply, in_use
from .account import Visit
from .clients import Clients
from .plan import Plan
from .rate_limit import Lanes
from .scheduler import Work
from .session import Caller, identify, open_session
from .targets import Target, entered
from .write import Pen, Written


class Errand(Struct, frozen=True, kw_only=True):
    """All that a worker has to know to collect accounts."""

    types: Mapping[str, ResourceType]
    regions: frozenset[str] | None
    organization: bool
    workers: int
    caller: Caller
    roles: Sequence[str]
    external_id: str | None
    endpoint_url: str | None
    deadline: float
    pen: Pen
    own: InUse = field(default_factory=in_use)
    program: Program = field(default_factory=this_program)
    name: str = field(default_factory=lambda: token_hex(8))


class Done(Struct, frozen=True, kw_only=True):
    """What came of an account. Nothing was `written` where credentials expired; `for_all` who have the caller's."""

    account: str
    written: Written | None = None
    resources: int = 0
    gaps: Mapping[str, int] = field(default_factory=dict)
    expired: str = ""
    for_all: bool = False


class Came(Struct):
    """What came of an errand: its accounts, how many calls were made, and what kinds of errors they met."""

    done: list[Done] = field(default_factory=list)
    calls: int = 0
    errors: Counter[str] = field(default_factory=Counter)


Facts = tuple[str, str | None, Mapping[str, Any]]  # of an account: its id, its name, and what its organisation says

_at_work = threading.Lock()  # a process has one catalogue
_clients: dict[str, Clients] = {}  # of the last errand


def visit(errand: Errand, accounts: Sequence[Facts]) -> Came:
    """Collect accounts, all at once, on a worker. Raises ClusterError where it cannot do so as the caller would."""
    with _at_work:
        check_program(errand.program, f"worker {worker()}")
        if in_use() != errand.own:
            apply(errand.own)
        if errand.name not in _clients:
            _clients.clear()
            _clients[errand.name] = _own_clients(errand)
        return _visit(errand, accounts, _clients[errand.name])


def _visit(errand: Errand, accounts: Sequence[Facts], clients: Clients) -> Came:
    came, lock, callers, work = Came(), threading.Lock(), Lanes(-1), Work(errand.workers)

    def call() -> None:
        with lock:
            came.calls += 1

    def error(kind: str) -> None:
        with lock:
            came.errors[kind] += 1

    plan = Plan(
        types=errand.types,
        regions=errand.regions,
        organization=errand.organization,
        workers=errand.workers,
        on_call=call,
        on_error=error,
    )
    targets = [Target(account=account, name=name, facts=facts) for account, name, facts in accounts]
    try:
        for rank, target in enumerate(entered(clients, errand.caller, targets, errand.roles, errand.external_id), 1):

            def end(visit: Visit) -> None:
                came.done.append(_done(errand, visit))

            Visit(target, errand.caller.home, plan, clients, work, rank=rank, callers=callers, done=end).begin()
        work.wait()
    finally:
        work.stop()
    return came


def _done(errand: Errand, visit: Visit) -> Done:
    if visit.expired:
        return Done(account=visit.target.account, expired=visit.expired, for_all=visit.with_callers_credentials)
    data = visit.data()
    resources = sum(map(len, data.resources.values()))
    return Done(account=data.id, written=errand.pen.write(data), resources=resources, gaps=visit.gaps)


def _own_clients(errand: Errand) -> Clients:
    """Clients with the worker's own credentials, which must be of the caller's account."""
    clients = Clients(open_session(), errand.endpoint_url, errand.workers, errand.deadline)
    try:
        caller = identify(clients)
    except CollectError as error:
        raise ClusterError(f"worker {worker()}: {error}", "each worker has its own credentials") from None
    if caller != errand.caller:
        raise ClusterError(
            f"worker {worker()} has credentials of account {caller.account}, not {errand.caller.account}",
            "give every worker credentials of the same account",
        )
    return clients
