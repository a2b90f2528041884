"""The program is put together for what was typed."""

from __future__ import annotations

import commands_page
import pytest
import typer
from stillframe.engine.commands.app import COMMANDS, GROUPS, app_for


def told(*arguments: str) -> dict[tuple[str, ...], tuple[str, list[tuple[str, ...]]]]:
    """Each command, with what it says and the options it has."""
    tree = commands_page.tree(typer.main.get_command(app_for(arguments)))
    return {path: (command.help, [tuple(each.opts) for each in command.params]) for path, command in tree if path}


@pytest.fixture(scope="module")
def everything():
    return told()


@pytest.mark.parametrize("name", [*COMMANDS, *GROUPS])
def test_one_command_alone_is_what_it_is_among_all(name, everything):
    assert told(name) == {path: each for path, each in everything.items() if path[0] == name} != {}


@pytest.mark.parametrize("first", ["--help", "evalute", ""])
def test_whatever_is_no_command_has_all_of_them(first, everything):
    assert told(first) == everything
    assert {path[0] for path in everything} == {*COMMANDS, *GROUPS}
