"""Collect only what is not known from elsewhere, into a snapshot that somebody else writes."""

from __future__ import annotations

from typing import Any, Protocol

from msgspec.structs import replace

from ..errors import CollectError, UnfinishedError
from ..model import Collected
from .collect import prepare
from .plan import Known
from .write import Writer


class Filling(Known, Writer, Protocol):
    """What knows a part, and writes the whole."""


def fill(whole: Filling, **options: Any) -> Collected:
    """Ask AWS for what is lacking: `options` are those of `collect.prepare`. Raises ArgumentError or CollectError."""
    order = prepare(**options)
    try:
        return replace(order, plan=replace(order.plan, known=whole)).take(whole)
    except UnfinishedError as error:
        raise CollectError(str(error), "renew the credentials, and begin again") from None
