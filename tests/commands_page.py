"""The page of commands, from the commands: `python tests/commands_page.py > docs/reference/commands.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import typer
from stillframe.engine.commands.app import app_for

_HEAD = """# Commands

As each prints by `--help`; it is written by `python tests/commands_page.py`. What they have in common is on the page
[Evaluating](../evaluating.md).
"""
_COMMON = ("evaluate",)
_MARKS = str.maketrans({"|": "\\|", "<": "&lt;", "*": "\\*"})


def tree(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each command, with the words that call it; groups have none of their own."""
    children: Mapping[str, Any] = getattr(command, "commands", {})
    if not children or not path:
        yield path, command
    for name, child in children.items():
        yield from tree(child, (*path, name))


def page() -> Iterator[str]:
    """The lines of the page."""
    yield _HEAD
    commands = dict(tree(typer.main.get_command(app_for())))
    common = {_row(param) for param in commands[_COMMON].params}
    for path, command in commands.items():
        yield f"## {' '.join(('stillframe', *path))}\n"
        if path:
            yield f"{command.help.strip()}\n".translate(_MARKS)
        rows = {_row(param): _names(param) for param in command.params}
        own = [row for row in rows if path == _COMMON or row not in common]
        if own:
            yield "\n".join(("| Argument or option | Meaning |", "|---|---|", *own, ""))
        if same := [f"`{re.findall('[^` ]+', names)[0]}`" for row, names in rows.items() if row not in own]:
            yield f"As for `evaluate`: {', '.join(same)}.\n"


def _names(param: Any) -> str:
    if not param.opts[0].startswith("-"):
        return f"`{param.metavar or param.name.upper()}`"
    name = param.metavar or ("N" if isinstance(param.default, int) else "VALUE")
    value = "" if param.is_flag else f" {name.replace('|', ' or ')}"
    return ", ".join(f"`{each}{value}`" for each in [*param.opts, *param.secondary_opts])


def _row(param: Any) -> str:
    told = [f"{(getattr(param, 'help', '') or 'A snapshot or an archive').rstrip('.')}."]
    if param.required:
        told.append("Required.")
    elif param.default not in (None, False, "", (), []) and not callable(param.default):
        told.append(f"Default: `{param.opts[0] if param.default is True else param.default}`.")
    return f"| {_names(param)} | {' '.join(filter(None, told)).translate(_MARKS)} |"


if __name__ == "__main__":
    print("\n".join(page()), end="")
