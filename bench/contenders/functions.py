"""The functions of Stillframe that the policies use and jmespath.py lacks, in plain Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any

from jmespath.functions import Functions, signature

_ANY: dict[str, list[str]] = {"types": []}
_TEXT, _LIST, _EXPRESSION = {"types": ["string"]}, {"types": ["array"]}, {"types": ["expref"]}
_FIXING = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceip", "aws:sourcevpce", "aws:principalorgid")
_compiled = lru_cache(re.compile)
declared: Callable[..., Callable[[Any], Any]] = signature


def holds(value: Any) -> bool:
    """JMESPath's truth, in which 0 is true."""
    return not (value is None or value is False or value in ("", [], {}))


class Ours(Functions):  # type: ignore[misc]  # jmespath.py has no types
    """jmespath.py's functions and ours. It needs the snapshot's time."""

    def __init__(self, now: str) -> None:
        self.now = datetime.fromisoformat(now)

    @declared(_LIST, _EXPRESSION)
    def _func_all(self, items: list[Any], test: Any) -> bool:
        return all(holds(test.visit(test.expression, item)) for item in items)

    @declared(_LIST, _EXPRESSION)
    def _func_any(self, items: list[Any], test: Any) -> bool:
        return any(holds(test.visit(test.expression, item)) for item in items)

    @declared(_TEXT)
    def _func_arn(self, text: str) -> dict[str, str] | None:
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn":
            return None
        return dict(zip(("partition", "service", "region", "account", "resource"), parts[1:], strict=True))

    @declared(_TEXT)
    def _func_days_since(self, moment: str) -> float:
        then = datetime.fromisoformat(moment)
        return (self.now - (then if then.tzinfo else then.replace(tzinfo=self.now.tzinfo))).total_seconds() / 86_400

    @declared(_ANY)
    def _func_is_public_policy(self, policy: Any) -> bool:
        return any(
            statement["Effect"] == "Allow"
            and "*" in str(statement.get("Principal"))
            and not any(key.lower() in _FIXING for keys in statement.get("Condition", {}).values() for key in keys)
            for statement in (policy or {}).get("Statement", ())
        )

    @declared(_ANY, {"types": [], "variadic": True})
    def _func_known(self, *values: Any) -> Any:
        return next((value for value in values if value is not None), None)

    @declared(_TEXT)
    def _func_lower(self, text: str) -> str:
        return text.lower()

    @declared(_TEXT, _TEXT)
    def _func_matches(self, text: str, pattern: str) -> bool:
        return _compiled(pattern).search(text) is not None

    @declared(_ANY, _ANY)
    def _func_selects_events(self, selectors: dict[str, Any], _: Any) -> bool:
        """All management events: nothing else is asked for."""
        simple = {
            each["ReadWriteType"]
            for each in selectors.get("EventSelectors") or ()
            if each["IncludeManagementEvents"] and not each["ExcludeManagementEventSources"]
        }
        advanced = [
            {field["Field"]: field.get("Equals") for field in each["FieldSelectors"]}
            for each in selectors.get("AdvancedEventSelectors") or ()
        ]
        whole = [
            fields.get("readOnly") or ["true", "false"]
            for fields in advanced
            if fields.get("eventCategory") == ["Management"] and fields.keys() <= {"eventCategory", "readOnly"}
        ]
        return "All" in simple or {"ReadOnly", "WriteOnly"} <= simple or {"true", "false"} <= set(chain(*whole))

    @declared(_TEXT, _TEXT)
    def _func_split(self, text: str, separator: str) -> list[str]:
        return text.split(separator)
