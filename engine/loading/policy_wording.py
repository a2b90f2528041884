"""What to say of a policy that does not fit its schema, where the schema's own words help nobody."""

from __future__ import annotations

import re
from typing import Any

from ...snapshot.nearest import nearest


def wording(path: tuple[str | int, ...], error: Any) -> str:
    if error.validator == "maxLength":
        return f"there are more than {error.validator_value:,} characters"
    if error.validator == "pattern" and path == ("id",):
        return f"{error.instance!r} is no id: lower case, digits and hyphens{_as_id(error.instance)}"
    if path == ("rollup", "per"):
        return "per takes account, organisation, region, unit or an expression, such as $tags.service"
    return _expected(path, error) if error.validator == "oneOf" else f"{error.message}{_quoting(error)}"


def _near(error: Any) -> str:
    """The word that may have been meant, of those that one of the alternatives takes."""
    words = [word for each in error.context if each.validator == "enum" for word in each.validator_value]
    near = nearest(error.instance, words) if isinstance(error.instance, str) else None
    return f"; did you mean {near}?" if near else ""


def _quoting(error: Any) -> str:
    # Plain YAML makes lists of [?…], mappings of {…} and null of &…: an expression there needs a block scalar.
    expression = error.schema.get("description", "").startswith(("A JMESPath", "Which", "Their", "Text with"))
    return ": write the expression after `>-`, or in quotes" if error.validator == "type" and expression else ""


def _as_id(name: str) -> str:
    words = re.findall(r"[A-Z]*[a-z0-9]+|[A-Z]+", name)
    return f", such as {'-'.join(words).lower()}" if words else ""


def _expected(path: tuple[str | int, ...], error: Any) -> str:
    if path[:1] == ("assert",):
        return (
            "assert takes an expression, or a list of expressions or of {that, message}:"
            " write an expression after `>-`, or in quotes"
        )
    if path == ("resource",):
        return "resource takes a type, or a list of them"
    if path[:2] == ("rollup", "require"):
        return "require takes all, any, or one of at_least: N, at_most: N and share: 0.9, with a number or $params.NAME"
    if "match" in path:
        return "match takes an expression after `>-`, or in quotes; {in: LIST}, or {contains: VALUE}"
    if path[:1] == ("excuse",):
        return "an excuse has either never: true or false, or becomes: what no example tells it from"
    if path[-1:] == ("expect",):
        return f"{error.instance!r} is neither a status nor a mapping of resource ids to statuses{_near(error)}"
    return "a list of resources is wanted here, or {$missing: cause}"
