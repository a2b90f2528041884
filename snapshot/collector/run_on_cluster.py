"""Many accounts, some of them on each worker of a cluster, into one snapshot, which is finished here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..cluster import Cluster, ClusterError
from ..errors import StillframeError, UnfinishedError
from ..model import Collected
from .errand import Errand, visit
from .run import Tally, begun, ended
from .targets import Target
from .write import Writer

TOGETHER = 4  # accounts: while one has little left to ask, the others do


def run_on_cluster(
    cluster: Cluster,
    errand: Errand,
    targets: Sequence[Target],
    writer: Writer,
    *,
    scope: Mapping[str, Any],
    tally: Tally,
    on_call: Callable[[], None],
    on_error: Callable[[str], None],
) -> Collected:
    """Collect every target that the snapshot does not have yet, and finish it. Raises as `run` does."""
    begun(writer, tally)
    left = [(each.account, each.name, each.facts) for each in targets if each.account not in writer.done]
    together = [left[start : start + TOGETHER] for start in range(0, len(left), TOGETHER)]
    try:
        sent = cluster.call(_given, errand)
        for came in cluster.each(visit, ((sent, accounts) for accounts in together)):
            for _ in range(came.calls):
                on_call()
            for kind in came.errors.elements():
                on_error(kind)
            for done in came.done:
                if done.written is None:
                    tally.expired.add(done.expired)
                else:
                    writer.settle(done.written)
                    tally.add(done.account, done.resources, done.gaps)
            if any(done.for_all for done in came.done):  # all that follow have the same credentials
                break
    except BaseException as error:
        with suppress(StillframeError):  # what stopped it is what people should hear of
            writer.pause()
        if isinstance(error, ClusterError):
            raise UnfinishedError(str(error), f"{error.help}; and complete the snapshot with --resume") from error
        raise
    return ended(tally, writer, len(targets), scope)


def _given(errand: Errand) -> Errand:
    return errand
