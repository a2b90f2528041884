"""Diagnostics for people, for programs and for GitHub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec
from rich.console import Console
from rich.text import Text

from ..console import counted, safe
from ..errors import Problem
from ..linting.lint import ERROR, MOST, Diagnostic
from ..printable import printable

_STYLES = {ERROR: "bold red"}


def as_text(console: Console, found: Sequence[Diagnostic], texts: Mapping[str, str]) -> None:
    """Each diagnostic with its source line and a caret. `texts` maps a path to the file's text."""
    lines = {path: text.splitlines() for path, text in texts.items()}
    for each in found:
        head = Text(f"{printable(each.path)}:{each.line}:{each.column}: ")
        head.append(f"{each.level}[{each.code}]", _STYLES.get(each.level, "yellow"))
        head.append(f": {printable(each.message)}")
        console.print(head, soft_wrap=True)
        line = "".join(lines[each.path][each.line - 1 : each.line])
        problem = Problem(path=each.path, line=each.line, column=each.column, message=each.message, source=line)
        shown, caret = problem.excerpt() or ("", "^")
        console.print(safe(f"    {shown}", "dim"), soft_wrap=True)
        console.print(Text(f"    {caret}", "green"), soft_wrap=True)


def as_json(console: Console, found: Sequence[Diagnostic], texts: Mapping[str, str]) -> None:
    """One JSON array."""
    records = [
        {
            "path": each.path,
            "line": each.line,
            "column": each.column,
            "level": each.level,
            "code": each.code,
            "message": each.message,
        }
        for each in found
    ]
    console.out(msgspec.json.format(msgspec.json.encode(records), indent=1).decode(), highlight=False)


def as_github(console: Console, found: Sequence[Diagnostic], texts: Mapping[str, str]) -> None:
    """GitHub workflow commands, which become annotations on a pull request."""
    for each in found:
        place = f"file={_property(each.path)},line={each.line},col={each.column},title={each.code}"
        console.out(f"::{each.level} {place}::{_data(each.message)}", highlight=False)


def summary(found: Sequence[Diagnostic], policies: int) -> str:
    errors = sum(each.level == ERROR for each in found)
    checked = "1 policy" if policies == 1 else f"{policies:,} policies"
    said = f"{checked}: {counted(errors, 'error')}, {counted(len(found) - errors, 'warning')}"
    cut = any(number >= MOST for number in Counter(each.path for each in found).values())
    return f"{said}; of a policy no more than {MOST} are told" if cut else said


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: Mapping[str, Callable[[Console, Sequence[Diagnostic], Mapping[str, str]], None]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
}
