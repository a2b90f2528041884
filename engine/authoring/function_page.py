"""The page of functions: its tables are written from the table of functions, and its text by people.

`python -m stillframe.engine.authoring.function_page docs/functions.md` brings them up to date.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from jmespath.functions import Functions

from ...snapshot.errors import ArgumentError
from ..functions.function import Function
from ..functions.table import FUNCTIONS

_HEAD = "| Function | Example | Gives |\n|---|---|---|\n"
_TABLE = re.compile(rf"(?<=^## )(?P<section>.+)\n\n{re.escape(_HEAD)}(?:\|.*\n)*", re.MULTILINE)


def with_tables(page: str) -> str:
    """The page with the tables of today. Raises ArgumentError where it has no table for a section of functions."""
    there = {found["section"] for found in _TABLE.finditer(page)}
    for each in FUNCTIONS.values():
        if each.section not in there:
            raise ArgumentError(f"no table for {each.name}()", f"begin one below a heading {each.section}")
    return _TABLE.sub(lambda found: f"{found['section']}\n\n{_HEAD}{''.join(_rows(found['section']))}", page)


def _rows(section: str) -> Iterator[str]:
    for each in FUNCTIONS.values():
        if each.section == section:
            expression, gives = each.example
            yield f"| {_said(each)} | {_code(expression)} | {_code(json.dumps(gives, ensure_ascii=False))} |\n"


def _said(function: Function) -> str:
    mark = "" if function.name in Functions.FUNCTION_TABLE else " †"
    return f"`{function.call}`{mark}{f': {function.says}' if function.says else ''}"


def _code(text: str) -> str:
    ticks = "``" if "`" in text else "`"
    return f"{ticks}{text}{ticks}".replace("|", "\\|")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(with_tables(Path(name).read_text("utf-8")), "utf-8")
