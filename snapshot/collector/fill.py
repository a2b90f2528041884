"""Collect only what is not known from elsewhere, into a snapshot that holds both."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from msgspec.structs import replace

from ..format import timestamp
from ..model import Collected
from ..remote import Place
from .collect import prepare
from .plan import Known
from .unfinished import agree, begin, take_up
from .write import Writer


class Filling(Known, Writer, Protocol):
    """What knows a part as of a moment, and writes the whole. Its `digest` is that of all it knows, and what counts."""

    moment: datetime
    digest: str

    def onto(self, writer: Writer) -> None:
        """Write by this writer, which may have some accounts already."""
        ...


def fill(whole: Filling, into: Place, *, resume: bool = False, **options: Any) -> Collected:
    """Ask AWS for what is lacking; or go on so with a snapshot that was left unfinished, `into` which it is then.

    `options` are those of `collect.prepare`. Raises ArgumentError or CollectError; UnfinishedError where it can be gone
    on with.
    """
    order = prepare(**options)
    kept = replace(order.kept, captured_at=timestamp(whole.moment), filling=whole.digest)
    order = replace(order, kept=kept, plan=replace(order.plan, known=whole))
    if not resume:
        with begin(into, kept) as writer:
            whole.onto(writer)
            return order.take(whole)
    with take_up(into) as left:
        agree(left, kept)
        whole.onto(left.go_on())
        return order.take(whole)
