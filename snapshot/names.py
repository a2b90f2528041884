"""What account ids, regions, partitions and times look like: from answers they become folders, hosts and ARNs."""

from __future__ import annotations

import re
from datetime import datetime

ACCOUNT_ID = re.compile(r"[0-9]{12}\Z")
REGION = re.compile(r"[a-z][a-z0-9-]{0,40}\Z")  # and partitions
HALVES = re.compile("[\ud800-\udfff]")  # of characters, which JSON may hold and UTF-8 cannot
CARRIED = 2_000  # types of somebody's own in a snapshot: CloudFormation has fewer in all
REGIONS = 200  # that an account may have: AWS has 34 in its largest partition, and each may be a finding of each policy


def has_halves(text: str) -> bool:
    """Whether a text holds half of a character: two such texts may be written alike."""
    return not text.isascii() and HALVES.search(text) is not None


def moment_of(text: str) -> datetime | None:
    """A time as snapshots write it, or a snapshot's id; None where there is no such time, as in month 13."""
    try:
        return datetime.fromisoformat(text[:10] + text[10:].replace("-", ":"))
    except ValueError:
        return None


def id_at(captured_at: str) -> str:
    """The id of the snapshot of a time, as snapshots write it: without a fraction, and colons are dashes."""
    return captured_at.partition(".")[0].replace(":", "-").rstrip("Z") + "Z"
