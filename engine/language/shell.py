"""How a shell reads the command of a policy: where its quotes are, and which variables a person has to set."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .parser import Expression
from .template import Template

_VARIABLE = re.compile(r"\$\{?([A-Z][A-Z0-9_]*)(?::\?\})?")


def quotable(template: Template) -> bool:
    """Whether every value of a template stands where a shell takes what is quoted for one word."""
    within = ""
    for part in template.parts:
        if isinstance(part, Expression):
            if within:
                return False
        else:
            within = _after(part, within)
    return True


def variables(template: Template) -> Iterator[tuple[str, bool]]:
    """The variables in capitals, and whether each is `"${NAME:?}"`: one word whatever it is, and never empty."""
    within = ""
    for part in template.parts:
        if isinstance(part, str):
            for found in _VARIABLE.finditer(part):
                here = _after(part[: found.start()], within)
                if here not in ("'", "\\", "#"):
                    yield found[1], here == '"' and found[0].endswith(":?}")
            within = _after(part, within)


def _after(text: str, within: str) -> str:
    """Within what a shell is at the end of a text: a quote, a backslash, a comment or nothing."""
    escaped = False
    for character in text:
        if escaped or (within == "" and character == "\\") or (within == '"' and character == "\\"):
            escaped = not escaped
        elif within:
            within = "" if character == ("\n" if within == "#" else within) else within
        elif character in "'\"`#":
            within = character
    return "\\" if escaped else within
