"""The baseline: parse every line that the policies need, and do nothing with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson

from .files import accounts, lines


def run(snapshot: Path, policies: Path, types: Sequence[str], out: Path) -> None:  # noqa: ARG001 - one signature
    for account in accounts(snapshot):
        for kind in types:
            for line in lines(account, kind):
                orjson.loads(line)
