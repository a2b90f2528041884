"""The shape of the code, held by tests: what the import contracts cannot see."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import rooms
from stillframe.engine.language.node import walk
from stillframe.engine.model.policy import Policy

ROOT = rooms.ROOT


@pytest.mark.parametrize(
    "name", ["stillframe.engine", "stillframe.snapshot", "stillframe.cli", "stillframe.engine.reports.formats"]
)
def test_importing_it_does_not_import_boto3(name):
    script = f"import sys, {name}; sys.exit(any(module in sys.modules for module in ('boto3', 'botocore', 'moto')))"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


HEAVY = {"boto3", "botocore", "jmespath", "jsonschema", "msgspec", "re2", "rich", "yaml"}
STILLFRAME = "from stillframe.cli import main as app"
BARE = """import typer
app = typer.Typer()
@app.command()
def command(version: bool = typer.Option(False, "--version", is_eager=True, callback=lambda given: given and exit())):
    pass
"""


def packages(app: str, *arguments: object) -> set[str]:
    """What a command line of its own process imports."""
    script = f"""{app}
import sys
sys.argv = {["app", *map(str, arguments)]}
try:
    app()
finally:
    print(*{{name.partition(".")[0] for name in sys.modules}}, file=sys.stderr)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "Traceback" not in result.stderr
    return set(result.stderr.splitlines()[-1].split())


def test_importing_the_command_line_imports_nothing_heavy():
    assert not packages(f"{STILLFRAME}\napp = lambda: None") & HEAVY


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_what_an_empty_command_line_does(option):
    ours, bare = packages(STILLFRAME, option), packages(BARE, option)
    assert not (ours - bare) & {*HEAVY, "pydantic"}


def test_judging_by_sound_policies_imports_no_aws_client_and_no_jsonschema(tmp_path):
    from builders import write_snapshot

    config = tmp_path / "stillframe.yaml"
    config.write_text(
        "settings: {vpc-flow-logs: {params: {traffic_type: ALL}}}\n"
        "waivers: [{policy: vpc-flow-logs, region: '*', reason: a, owner: b, expires: 2026-02-01}]\n"
    )
    path = write_snapshot(tmp_path / "snapshots", {"AWS::KMS::Key": []})
    setting = "cloudtrail-kms-encryption.accept_bucket_key=true"
    found = packages(STILLFRAME, "evaluate", path, "--config", config, "--set", setting)
    assert "yaml" in found
    assert not found & {"boto3", "botocore", "jsonschema", "moto"}


CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
CLOCKS |= {"process_time", "thread_time", "localtime", "gmtime", "ctime", "strftime", "clock_gettime"}


def telling() -> Iterator[Policy]:
    """Policies that between them have each kind of node, and call each function, that any has. One on every type that
    there is takes as long as all others."""
    from builders import shipped

    seen: set[object] = {"literal"}
    for policy in shipped():
        nodes = [node for asked in policy.expressions() for node in walk(asked.tree)]
        parts = {node.value if node.type == "function_expression" else node.type for node in nodes}
        if not parts <= seen and len(policy.types) < 10:
            seen |= parts
            yield policy


def test_evaluating_opens_no_socket_and_reads_no_clock(tmp_path):
    """Whatever it is imported as: each call of a function that is written in C is seen."""
    from builders import write_snapshot

    asked: dict[str, list[str]] = {}
    for policy in telling():
        for number, example in enumerate(policy.tests[:3]):
            path = write_snapshot(tmp_path / f"{policy.id}-{number}", example["given"])
            asked.setdefault(policy.id, []).append(str(path))
    script = f"""
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from stillframe.engine.execution.judge import Method, judge
from stillframe.engine.loading.policies import load_policies
from stillframe.snapshot import open_snapshot
asked = {asked!r}
policies = {{policy.id: policy for policy in load_policies() if policy.id in asked}}
def watch(frame, event, called):
    if event != "c_call":
        return
    owner = getattr(called, "__self__", None)
    of = owner.__name__ if hasattr(owner, "__name__") else type(owner).__name__
    if (of in ("time", "datetime", "date") and called.__name__ in {CLOCKS!r}) or of in ("socket", "_socket"):
        sys.setprofile(None)
        raise AssertionError(f"{{of}}.{{called.__name__}}")
def found(policy, path, exact, how):
    snapshot = open_snapshot(Path(path))
    sys.setprofile(how)
    found = list(judge(snapshot, [policies[policy]], Method(exact=exact, few=0)))
    sys.setprofile(None)
    return found
places = [(policy, path) for policy in asked for path in asked[policy]]
found(*places[0], False, None)  # which imports the compiler
for exact in (True, False):
    print(sum(bool(found(*place, exact, watch)) for place in places) > 0.8 * len(places))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout.split() == ["True", "True"], result.stderr


def test_no_module_of_the_engine_names_a_clock():
    """`collecting.py` and `log.py` show when and how long; `watch.py` asks how old files are that a run has read."""
    timed = {ROOT / "engine" / name for name in ("terminal/collecting.py", "terminal/log.py", "watch.py")}
    for path in ROOT.glob("engine/**/*.py"):
        if path not in timed:
            for node in ast.walk(ast.parse(path.read_text())):
                imported = isinstance(node, ast.Import | ast.ImportFrom) and any(
                    "time" in (each.name, getattr(node, "module", None)) for each in node.names
                )
                called = isinstance(node, ast.Attribute) and node.attr in CLOCKS - {"time"}
                wrong = imported or called
                assert not wrong, f"{path}:{node.lineno}"


def test_modules_and_functions_stay_small():
    """Whatever room they are in: nobody has to name it. A long module is a table, or has a seam."""
    long = {path: lines for path in rooms.modules() if (lines := len(path.read_text().splitlines())) > 360}
    assert not long
    long = {f"{path}: {name}" for path in rooms.modules() for name, lines in rooms.functions(path) if lines > 60}
    assert not {each for each in long if "bench/" not in each}


def test_rooms_form_no_cycle():
    assert rooms.cycles(rooms.arrows()) == []
    assert rooms.cycles([("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]) == [["a", "b", "c"]]


def test_every_room_says_what_it_is():
    for path in (path for path in rooms.modules() if "bench" not in path.parts or path.name == "__main__.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), path


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """What a module imports: a module, and a name from it."""
    package = ["stillframe", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((module, each.name) for each in node.names)


STEPS = {"judge": "engine.execution.judge", "Waivers": "engine.findings.waivers", "Tally": "engine.findings.counts"}


def test_only_one_function_judges_waives_and_counts():
    """Put together by hand, these steps drift apart."""
    for path in rooms.modules():
        taken = {name for module, name in imports(path) if module == f"stillframe.{STEPS.get(name)}"}
        calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        composed = taken & {node.func.id for node in calls if isinstance(node.func, ast.Name)}
        assert not composed or path == ROOT / "engine" / "assess.py", path
        assert composed == STEPS.keys() or not composed, path


def test_no_python_knows_a_service():
    """What a service's calls are is in the catalogue; only the way in (STS, Organizations) is code."""
    for path in ROOT.glob("snapshot/**/*.py"):
        if path.name not in ("demo.py", "session.py", "targets.py"):
            source = path.read_text().lower()
            assert not any(f'"{name}"' in source for name in ("cloudtrail", "kms", "s3", "ec2")), path


def test_the_import_contracts_hold():
    result = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--config", "pyproject.toml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout
    assert "4 kept, 0 broken" in result.stdout


def test_the_root_holds_nothing_but_the_command_line():
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py", "cli.py"}


def test_only_the_command_line_knows_its_commands():
    for path in (path for path in rooms.modules() if path.parent.name != "commands" and path.name != "cli.py"):
        assert not [module for module, name in imports(path) if "commands" in (*module.split("."), name)], path


def test_each_format_of_reports_names_a_function_that_is_there():
    """By text, which no type checker follows."""
    from stillframe.engine.reports.formats import FORMATS

    for form in FORMATS.values():
        module, _, function = form.made.partition(":")
        assert hasattr(import_module(f"stillframe.engine.reports.{module}"), function), form.made
