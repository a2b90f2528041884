"""How many random examples a test tries: few with all the others, and as many as STILLFRAME_EXAMPLES says."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

LONG = int(os.environ.get("STILLFRAME_EXAMPLES", "0"))


def often(examples: int, **more: Any) -> settings:
    return settings(**{"max_examples": LONG or examples, "suppress_health_check": list(HealthCheck), **more})
