"""What `--help` prints: no names of types, what most people want first, and every other option in a group."""

from __future__ import annotations

import pytest
import typer
from commands_page import tree
from stillframe.engine.commands.app import app_for
from stillframe.engine.commands.help import FEW, FIRST, GROUPS

COMMANDS = {path: command for path, command in tree(typer.main.get_command(app_for())) if path}


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_names_no_type_and_each_option_once(path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    command = COMMANDS[path]
    command.get_help(command.make_context(path[-1], [], resilient_parsing=True))
    shown = capsys.readouterr().out
    options = [each.opts[0] for each in COMMANDS[path].params if each.opts[0].startswith("-")]
    assert not [word for word in ("<str>", "<int", "<path>", "<float", "<bool>", "<list") if word in shown]
    lines = [line.strip("│* ").split(" ")[0] for line in shown.splitlines()]
    assert {name: lines.count(name) for name in options} == dict.fromkeys(options, 1)


def test_of_many_options_five_stand_first_and_each_other_has_a_group():
    many = {path[-1]: command for path, command in COMMANDS.items() if len(names(command)) > FEW}
    assert many.keys() == FIRST.keys()
    for name, command in many.items():
        there = names(command)
        assert [each for each in FIRST[name] if each not in there] == []
        assert [each for each in there if each not in FIRST[name] and each not in GROUPS] == [], name


def names(command):
    return [each.opts[0] for each in command.params if each.opts[0].startswith("-")]


def test_the_first_five_are_the_first_that_are_shown(run):
    shown = [line.strip("│ ").split(" ")[0] for line in run("evaluate", "--help").out.splitlines()]
    assert [each for each in shown if each.startswith("--")][:5] == [*FIRST["evaluate"]]


@pytest.mark.parametrize("command", ["list", "show", "lint", "test", "docs"])
def test_what_evaluates_nothing_does_not_say_that_it_does(run, command):
    """These take all that ships where nothing is named, not the pack `logging`."""
    text = " ".join(run("policy", command, "--help").out.split())
    assert "in place of all that ship" in text.replace("│ │ ", "")
    assert "Evaluate" not in text
    assert "logging" not in text
