"""The workloads: who takes part in each, and what is measured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from stillframe.engine.loading.ruleset import load_rules
from stillframe.engine.model.policy import Policy

from . import verdicts
from .fleet import expected
from .rounds import BenchError, Contender, interleaved
from .snapshots import dense_of, fleet_of, ten_of
from .tables import Table, contest

HERE = Path(__file__).parent
NINE, DENSE = HERE.parent / "policies/packs/logging.yaml", HERE / "policies"  # a pack, and a folder
STILLFRAME = str(Path(sys.executable).with_name("stillframe"))
QUIET = ("--show", "1", "--fail-on", "never")
OURS, BASELINE, FAILURES = "stillframe", "orjson", "stillframe --status fail"
WAYS: Sequence[tuple[str, tuple[str, ...]]] = (
    (OURS, ("--no-cache", "--workers", "1")),
    ("stillframe, 2 workers", ("--no-cache", "--workers", "2")),
    (FAILURES, ("--no-cache", "--workers", "1", "--status", "fail")),
    ("stillframe --exact", ("--no-cache", "--workers", "1", "--exact")),
)
OTHERS = (BASELINE, "duckdb", "duckdb_long", "jmespath")
SLOW = frozenset({"stillframe --exact", "jmespath"})  # where there is more than a little to judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How much to measure. A quick run is a smoke test: its numbers mean little."""

    into: Path
    runs: int = 5
    slow_runs: int = 2
    quick: bool = False
    say: Callable[[str], None] = lambda _: None

    def scale(self, scale: float) -> float:
        return scale / 50 if self.quick else scale


def tenth(settings: Settings) -> Table:
    return _nine(replace(settings, slow_runs=settings.runs), "tenth", settings.scale(0.1))


def full(settings: Settings) -> Table:
    return _nine(settings, "full", settings.scale(1.0))


def _nine(settings: Settings, name: str, scale: float) -> Table:
    settings.say(f"the fleet at scale {scale:g}")
    snapshot = fleet_of(settings.into, scale)
    study = {policy: violations for policy, (violations, _) in expected(scale).items()}
    accounts = len(list(snapshot.iterdir())) - 1
    title = f"The nine policies that ship, over {accounts:,} accounts and {round(650_000 * scale):,} resources:"
    return _contest(settings, name, title, snapshot, NINE, study)


def dense(settings: Settings) -> Table:
    instances = 2_000 if settings.quick else 100_000
    settings.say(f"{instances} instances")
    snapshot = dense_of(settings.into, instances)
    title = f"Twenty policies over {instances:,} EC2 instances, {20 * instances:,} findings:"
    return _contest(settings, "dense", title, snapshot, DENSE, None)


def _contest(
    settings: Settings, name: str, title: str, snapshot: Path, policies: Path, study: dict[str, int] | None
) -> Table:
    taking_part = [each for each in contenders(settings, snapshot, policies) if each.runs]
    reference: list[verdicts.Verdicts] = []

    def check(contender: Contender) -> None:
        if contender.out is None:
            return
        found = verdicts.read(contender.out)
        if not reference:
            _as_studied(found, study)
            reference.append(found)
        expected = reference[0].failures() if contender.name == FAILURES else reference[0]
        same = contender.command[0] == STILLFRAME and contender.name != FAILURES
        verdicts.agree(contender.name, found, expected, to_the_byte=same)

    warm(snapshot, types(policies))
    taken = interleaved(taking_part, first=check, say=settings.say)
    return contest(name, title, taking_part, taken, OURS, BASELINE)


def contenders(settings: Settings, snapshot: Path, policies: Path) -> Iterator[Contender]:
    for name, options in WAYS:
        out = settings.into / "ours.jsonl"
        command = (STILLFRAME, "evaluate", str(snapshot), "-o", str(out), *QUIET, *options)
        command += () if policies == NINE else ("-p", str(policies))
        yield Contender(name=name, command=command, runs=_runs(settings, name), out=out)
    for name in OTHERS:
        out = settings.into / f"{name}.jsonl"
        command = (sys.executable, "-m", "bench.contenders", name, "--snapshot", str(snapshot))
        command += ("--policies", str(policies), "--types", ",".join(types(policies)), "--out", str(out))
        written = None if name == BASELINE else out
        yield Contender(name=name, command=command, runs=_runs(settings, name), out=written)


def _runs(settings: Settings, name: str) -> int:
    return settings.slow_runs if name in SLOW else settings.runs


def startup(settings: Settings) -> Table:
    snapshot = str(ten_of(settings.into))
    runs = 3 if settings.quick else 15
    commands = {
        "an empty typer app, --help": (sys.executable, str(HERE / "empty.py"), "--help"),
        "an empty typer app, a command with an argument": (sys.executable, str(HERE / "empty.py"), "it", "nothing"),
        "stillframe --help": (STILLFRAME, "--help"),
        "stillframe --version": (STILLFRAME, "--version"),
        "stillframe evaluate, ten resources": (STILLFRAME, "evaluate", snapshot, *QUIET, "--no-cache"),
    }
    contenders = [Contender(name=name, command=command, runs=runs) for name, command in commands.items()]
    taken = interleaved(contenders, say=settings.say)
    empty = taken[contenders[0].name].cpu
    rows = [(name, f"{usage.cpu * 1000:.0f}", f"{usage.cpu / empty:.2f}") for name, usage in taken.items()]
    columns = ("", "CPU, ms", "× the empty app")
    return Table(name="startup", title=f"Start-up, medians of {runs} runs:", columns=columns, rows=rows)


def load(policies: Path) -> Sequence[Policy]:
    """The policies of a folder, or of a pack's file."""
    return load_rules(packs=[str(policies)]).policies if policies.is_file() else load_rules(paths=[policies]).policies


def types(policies: Path) -> list[str]:
    """The resource types that policies read: what they judge, and what they look up."""
    return sorted({kind for policy in load(policies) for kind in policy.kinds()})


def _as_studied(found: verdicts.Verdicts, study: dict[str, int] | None) -> None:
    for policy, violations in (study or {}).items():
        if found.counts[policy, "fail"] != violations:
            raise BenchError(f"{policy}: {found.counts[policy, 'fail']} violations, where {violations} were made")
    if unknown := sum(count for (_, status), count in found.counts.items() if status in ("unknown", "error")):
        raise BenchError(f"{unknown} verdicts are unknown, where everything was made to be known")


def warm(snapshot: Path, kinds: Sequence[str]) -> None:
    """Read every file once, so that no run but this one waits for the disk."""
    for kind in kinds:
        for path in snapshot.glob(f"*/{kind.replace('::', '-')}.jsonl"):
            with suppress(OSError):
                path.read_bytes()
