"""Patterns: `*` is any text, `?` one character, and all else itself."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import cache


def wild(pattern: str) -> bool:
    """Whether a pattern stands for more than itself."""
    return "*" in pattern or "?" in pattern


def glob(pattern: str, text: str) -> bool:
    """Whether text is what a pattern says: `*` is any text, `?` one character, all else itself."""
    return _matcher(pattern).match(text) is not None if wild(pattern) else pattern == text


@cache
def _matcher(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern.replace("[", "[[]")))
