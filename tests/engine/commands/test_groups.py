"""Options that several commands have together are said once, and each command has them."""

from __future__ import annotations

from dataclasses import fields
from inspect import signature

import pytest
from stillframe.engine.commands.authoring import explain
from stillframe.engine.commands.comparing import diff
from stillframe.engine.commands.customising import waive
from stillframe.engine.commands.evaluating import evaluate
from stillframe.engine.commands.groups import By, Choice, Counted, Work
from stillframe.engine.commands.history import backtest, trend
from stillframe.engine.commands.remediating import remediate
from stillframe.engine.commands.serving import serve

BY, ALL = (By,), (Choice, Work)
COMMANDS = {
    **dict.fromkeys((evaluate, diff), (*BY, *ALL, Counted)),
    **dict.fromkeys((trend, remediate), (*BY, *ALL)),
    **dict.fromkeys((explain, serve, waive), BY),
    backtest: ALL,
}


@pytest.mark.parametrize(("command", "groups"), COMMANDS.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_a_command_has_the_options_of_its_groups_and_says_none_itself(command, groups):
    options, said = signature(command).parameters, signature(command.__wrapped__).parameters
    for group in groups:
        for each in (one for one in fields(group) if one.init):
            assert (options[each.name].annotation, options[each.name].default) == (each.type, each.default)
            assert each.name not in said


def test_what_is_given_reaches_the_command_as_its_group(run, tmp_path):
    found = run("evaluate", tmp_path, "--only", "sort=a")
    assert found.code == 2
    assert "sort" in found.err
    found = run("diff", tmp_path, tmp_path, "--max-unknown", "3", "--allow-unknown")
    assert found.code == 2
    assert "exclude each other" in found.err
