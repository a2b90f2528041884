"""What a policy may have for a command: what is accepted is a whole command to a shell, whatever stands around it."""

import shutil
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stillframe.engine.errors import EvaluationError, PolicyError
from stillframe.engine.language.shell import quotable
from stillframe.engine.language.shell_syntax import VALUE, check_command
from stillframe.engine.language.template import parse_template
from stillframe.engine.loading.policies import parse_policy
from stillframe.engine.remediation.script import minded

SHELLS = [path for name in ("sh", "dash", "bash", "ksh") if (path := shutil.which(name))]
PIECES = st.sampled_from(
    [
        *(
            "aws x",
            "echo",
            "a",
            "a=1",
            "a=",
            "x{y",
            "-",
            "!",
            "[ a = b ]",
            "#",
            "# it's",
            "\\",
            "\\\n",
            "\n",
            " ",
            " ",
            " ",
        ),
        *(";", "&&", "||", "|", "&", ";;", "(", ")", "{", "}", "((", "))", "if", "then", "elif", "else", "fi"),
        *("for", "x in", "in", "do", "done", "while", "until", "case", "esac", "function", "f()", "time", "[[", "]]"),
        *("'", '"', "'a b'", '"$a"', "`", "$", "$a", "${A:?}", "${a", "${A:-x}", "$(", "$((", "$[", "$'", "~", "*"),
        *(
            "<",
            ">",
            ">>",
            "2>&1",
            "<<E",
            "<<<",
            "<&",
            ">|",
            "&>",
            "<>",
            "1",
            VALUE,
            "a" + VALUE,
            "select",
            "coproc",
            "E",
        ),
    ]
)


def wrong(script: str) -> list[str]:
    """The shells that refuse a script."""
    return [
        shell
        for shell in SHELLS
        if subprocess.run([shell, "-n"], input=script.encode(), capture_output=True).returncode
    ]


def accepted(text: str) -> bool:
    try:
        check_command(text)
        return quotable(parse_template(text.replace(VALUE, "{{ x }}")))
    except EvaluationError:
        return False


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=12).flatmap(lambda found: st.sampled_from(["", " "]).map(lambda by: by.join(found))))
@example("if a; then b; elif c; then d; else e; fi | f && (g; { h; }) > x 2>&1")
@example("a && b # c")
@example("a && b;")
@example("a >2>&1")
@example("in\\\n # it")
@example("a " + VALUE + " && b=" + VALUE + " c")
@example("if a; then b; else c; elif d; then e; fi")
def test_what_is_accepted_stands_alone(text):
    if accepted(text):
        command = text.replace(VALUE, "'if\n('")
        body = "\n".join(["if x; then", *minded(command), "fi", "echo end"])
        assert wrong(body) == []


@pytest.mark.parametrize(
    ("text", "cause", "at"),
    [
        ("aws x (", "( is not wanted here", 6),
        ("aws $(list", "$( without its )", 4),
        ("aws 'x", "a quote that does not end", 4),
        ('aws "x $(y "z)"', "$( without its )", 7),
        ("cat <<E\nx\nE", "<< begins a here-document", 4),
        ("if a; then b", "if without its elif or else or fi", 0),
        ("{ a; } }", "} is not wanted here", 7),
        ("a; done", "done is not wanted here", 3),
        ("a &", "background", 2),
        ("echo[[", "a command whose name has [ in it", 0),
        ("]]", "]] is not understood here", 0),
        ("echo `a`", "in place of `", 5),
        ("a \\", "a \\ at the end", 2),
        ("a &&", "a command is wanted", 4),
        ("", "a command is wanted", 0),
        (VALUE + " x", "the name of a command", 0),
        ("case a in b) c;; esac", "case is not understood", 0),
    ],
)
def test_what_is_not_whole_is_refused_with_its_place(text, cause, at):
    with pytest.raises(EvaluationError, match="no command of sh") as refused:
        check_command(text)
    assert cause in str(refused.value)
    assert refused.value.at == at


def test_a_policy_says_where_its_command_breaks_off():
    text = """
id: p
title: P
severity: low
resource: AWS::EC2::VPC
assert: IsDefault
remediation:
  text: x
  cli: aws ec2 x {{ VpcId }} "$(y
"""
    with pytest.raises(PolicyError, match=r"p.yaml:9:31: no command of sh: \$\( without its \)"):
        parse_policy("p.yaml", text)
