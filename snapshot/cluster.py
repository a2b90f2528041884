"""Work on other machines, by a Dask scheduler: calls of functions, whose results come in order.

It knows neither policies nor AWS. What a worker is given says where things are and never how to be let in: a worker
reads archives and assumes roles by credentials of its own. One that is not of the very same program is refused.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import stillframe
from msgspec import Struct
from msgspec.structs import fields

from .errors import ArgumentError, StillframeError
from .files import packaged

AHEAD = 4  # calls given out before the first result is taken, for each worker
PATIENCE = 60  # seconds that there may be no worker: some clusters begin them when there is work
SCHEDULER = 5  # seconds in which a scheduler answers
_ADDRESS = re.compile(r"(?:tcp|tls)://.+:[0-9]+\Z|local(?::([1-9][0-9]{0,2}))?\Z")

_INSTALL = "install the same Stillframe on every worker: pip install '.[dask]', or one container image"


class ClusterError(StillframeError):
    """A cluster that is not there, that is gone, or whose workers cannot be used."""


class Program(Struct, frozen=True):
    """What a worker must be the same by: its version, and digests of what decides."""

    version: str
    program: str
    catalogue: str
    policies: str

    def differs(self, other: Program) -> list[str]:
        """What differs, for people."""
        pairs = ((each.name, getattr(self, each.name), getattr(other, each.name)) for each in fields(Program))
        return [f"{name} {here[:12]}, not {there[:12]}" for name, here, there in pairs if here != there]


@cache
def this_program() -> Program:
    """The program that runs here."""
    code, data = (".py",), (".yaml", ".json")
    return Program(
        version=stillframe.__version__,
        program=_digest(code, "engine", "snapshot"),
        catalogue=_digest(data, "snapshot"),
        policies=_digest(data, "policies"),
    )


def _digest(endings: tuple[str, ...], *folders: str) -> str:
    found = hashlib.sha256()
    for folder in folders:
        root = packaged(folder)
        for path in sorted(path for path in root.rglob("*") if path.suffix in endings):
            text = path.read_bytes()
            found.update(b"%s %d\n%s" % (path.relative_to(root).as_posix().encode(), len(text), text))
    return found.hexdigest()


def check_program(expected: Program, where: str) -> None:
    """Raise ClusterError where the program that runs here is not the one that is expected."""
    if differs := this_program().differs(expected):
        raise ClusterError(
            f"{where} is not of the same Stillframe: {'; '.join(differs)}",
            _INSTALL,
        )


def worker() -> str:
    """The address of the worker that this runs on."""
    from distributed import get_worker

    return str(get_worker().address)


class Cluster:
    """A scheduler that was reached. `call` begins a call whose result stays there; `each` gives results in order."""

    def __init__(self, address: str, client: Any, own: Any = None) -> None:
        self.address, self._client, self._own = address, client, own

    def __reduce__(self) -> Any:
        raise TypeError("a cluster is no argument of a call on it")

    def call(self, function: Callable[..., Any], *given: Any) -> Any:
        """Begin a call. What it gives may be an argument of other calls, and is made again where it is lost."""
        with self._asking():
            return self._client.submit(function, *given, pure=False)

    def each(self, function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """The result of each call. Some are under way before they are asked for."""
        waiting, begun = iter(calls), deque[Any]()
        try:
            while True:
                room = AHEAD * max(1, self.workers()) - len(begun)
                begun += [self.call(function, *given) for _, given in zip(range(room), waiting, strict=False)]
                if not begun:
                    return
                yield self.result(begun[0])
                begun.popleft().release()
        finally:
            for each in begun:
                with suppress(Exception):  # there is nobody to tell that nothing is waited for
                    each.cancel()

    def result(self, begun: Any) -> Any:
        """What a call gave. Raises what it raised, or ClusterError."""
        alone = 0
        while not begun.done():
            with self._asking():
                try:
                    begun.exception(timeout=SCHEDULER)
                except TimeoutError:
                    alone = 0 if self.workers() else alone + SCHEDULER
            if alone >= PATIENCE:
                raise ClusterError(f"{self.address}: no worker is left", "begin some: dask worker ADDRESS")
        with self._asking():
            return begun.result()

    def workers(self) -> int:
        """How many there are now."""
        with self._asking():
            return len(self._client.nthreads())

    def says(self) -> str:
        """A line for people."""
        number = self.workers()
        dashboard = "" if self._own else f"; dashboard: {self._client.dashboard_link}"
        return f"{self.address}: {number} worker{'s' * (number != 1)}{dashboard}"

    def close(self) -> None:
        for each in (self._client, self._own):
            if each is not None:
                with suppress(Exception):  # it may be gone
                    each.close()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Say of a cluster that fails what happened. Raises ClusterError."""
        from concurrent.futures import CancelledError

        from distributed import KilledWorker

        try:
            yield
        except KilledWorker:
            raise ClusterError(
                f"{self.address}: one worker after the other ended in the middle of the same work",
                "if memory ran out, give each worker more",
            ) from None
        except (CancelledError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # of the call itself, such as a full disk
                raise
            raise ClusterError(
                f"{self.address}: the scheduler is gone ({type(error).__name__})", "begin it, and evaluate again"
            ) from None
        except ImportError as error:
            raise ClusterError(f"{self.address}: a worker lacks a module ({error})", _INSTALL) from None


def reach(address: str) -> Cluster:
    """The cluster at an address, `tcp://HOST:8786`, or workers of this machine, `local[:N]`; its workers are looked at.

    Raises ArgumentError or ClusterError.
    """
    found = _ADDRESS.match(address)
    if found is None:
        raise ArgumentError(f"{address!r} is no cluster", "write tcp://HOST:8786, or local:N for N processes")
    distributed = _distributed()
    own = _own(int(found[1] or os.cpu_count() or 1)) if address.startswith("local") else None
    try:
        client = distributed.Client(own or address, timeout=SCHEDULER, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise ClusterError(
            f"{address}: no scheduler answers there ({type(error).__name__})",
            "begin one: dask scheduler; or evaluate here, without --cluster",
        ) from None
    cluster = Cluster(address, client, own)
    try:
        _look_at(cluster, client)
    except BaseException:
        cluster.close()
        raise
    return cluster


def _own(number: int) -> Any:
    """Processes of this machine, for whoever has the key of this run: others reach its ports, too. Raises ClusterError.

    What Dask tells of itself by HTTP would be told to them as well.
    """
    import dask

    distributed = _distributed()
    try:
        key = distributed.Security.temporary()
    except ImportError:
        raise ClusterError("a cluster needs the package cryptography", "pip install '.[dask]'") from None
    with dask.config.set({"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}):
        return distributed.LocalCluster(
            n_workers=number,
            threads_per_worker=1,
            host="127.0.0.1",
            protocol="tls",
            security=key,
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=50,
        )


@cache
def _distributed() -> Any:
    try:
        import dask

        dask.config.set({"logging": {"distributed": "critical", "distributed.client": "critical"}})  # we say it
        import distributed
    except ImportError:
        raise ClusterError("a cluster needs the package distributed", "pip install '.[dask]'") from None
    return distributed


def _look_at(cluster: Cluster, client: Any) -> None:
    """Wait for a worker, and refuse those of another program. Raises ClusterError."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise ClusterError(f"{cluster.address}: it has no worker", "begin some: dask worker ADDRESS") from None
    for worker, found in client.run(this_program, on_error="return").items():
        if isinstance(found, ImportError | AttributeError):
            raise ClusterError(f"worker {worker} has no such Stillframe ({found})", _INSTALL)
        if isinstance(found, Exception):
            raise ClusterError(f"worker {worker} cannot be used ({type(found).__name__}: {found})", _INSTALL)
        if differs := found.differs(this_program()):
            raise ClusterError(f"worker {worker} is not of the same Stillframe: {'; '.join(differs)}", _INSTALL)
