"""What account ids, regions and partitions look like: names from answers become folders, hosts and ARNs."""

from __future__ import annotations

import re

ACCOUNT_ID = re.compile(r"[0-9]{12}\Z")
REGION = re.compile(r"[a-z][a-z0-9-]{0,40}\Z")  # and partitions
