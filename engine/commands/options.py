"""The options that several commands have, and the rules that some of them add up to."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stillframe.engine.findings.gate import Limits
    from stillframe.engine.model.policy import Policy, Severity
    from stillframe.engine.model.ruleset import Ruleset
    from stillframe.snapshot.cluster import Cluster
    from stillframe.snapshot.model import Snapshot

ARCHIVE = "snapshots"
CONFIG = Path("stillframe.yaml")
STRANGERS = 1_000_000  # steps: a second, about, for each resource
TOGETHER = 200  # policies of a stranger that may take as much each; of more, each has its part of what these may take
# Where an archive or a snapshot is: text, for it may be a URL, of which a path would lose a slash.
SnapshotPath = Annotated[
    str, typer.Argument(help="A snapshot's folder, or an archive: its latest snapshot; or a URL.", metavar="SNAPSHOT")
]
Archive = Annotated[
    str, typer.Argument(help="The archive: a folder, or a URL such as s3://BUCKET/PREFIX.", metavar="ARCHIVE")
]
Earlier = Annotated[str, typer.Argument(help="The earlier snapshot.", metavar="OLD")]
Policies = Annotated[
    list[Path] | None,
    typer.Option(
        "--policies", "-p", help="Policy file or folder, in place of the pack logging; repeatable.", metavar="PATH"
    ),
]


def pack_names(incomplete: str) -> list[str]:
    from stillframe.engine.loading.pack_files import shipped_packs

    return [name for name in shipped_packs() if name.startswith(incomplete)]


Packs = Annotated[
    list[str] | None,
    typer.Option(
        "--pack",
        help="Evaluate this pack; logging if not given; repeatable.",
        metavar="PACK",
        autocompletion=pack_names,
    ),
]
# Of the commands that show, check or test policies, and evaluate nothing.
EveryPolicies = Annotated[
    list[Path] | None,
    typer.Option(
        "--policies", "-p", help="Policy file or folder, in place of all that ship; repeatable.", metavar="PATH"
    ),
]
EveryPacks = Annotated[
    list[str] | None,
    typer.Option(
        "--pack",
        help="Only the policies of this pack; repeatable.",
        metavar="PACK",
        autocompletion=pack_names,
    ),
]
EveryShipped = Annotated[bool, typer.Option("--shipped", help="Every policy that ships as well.")]
Shipped = Annotated[bool, typer.Option("--shipped", help="Evaluate every policy that ships as well.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="What to evaluate, and how; ./stillframe.yaml if it is there.", metavar="FILE"),
]
Catalogue = Annotated[
    list[Path] | None,
    typer.Option(help="File or folder of resource types of your own; repeatable.", metavar="PATH"),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="A policy's parameter: POLICY.PARAMETER=VALUE; repeatable.", metavar="SETTING"),
]
Budget = Annotated[
    int | None,
    typer.Option(min=1, help="Steps that a policy may take for one resource; more is an error.", metavar="STEPS"),
]
Untrusted = Annotated[
    bool,
    typer.Option("--untrusted", help="The policies are a stranger's: leave ./stillframe.yaml alone; a small budget."),
]
Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        help="Write a report to FILE, in the format of its ending; - for standard output; repeatable.",
        metavar="FILE",
    ),
]
FormatName = Annotated[
    str | None,
    typer.Option(
        "--format", help="The format of every -o, whatever its name; alone, of standard output.", metavar="FORMAT"
    ),
]
ReceiptFile = Annotated[
    str | None, typer.Option(help="Write what the evaluation was made of to this file, as JSON.", metavar="FILE")
]
FailOn = Annotated[
    str,
    typer.Option(
        help="Exit 1 for failures at or above: critical, high, medium, low, informational; or never.",
        metavar="SEVERITY",
    ),
]
AllowUnknown = Annotated[
    bool, typer.Option("--allow-unknown", help="Exit 0, not 4, where something is unknown but nothing fails.")
]
MaxUnknown = Annotated[
    str | None,
    typer.Option("--max-unknown", help="How many may be unknown before the exit code is 4: N, or N%.", metavar="N"),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="Only what fits KEY=PATTERN: policy, severity, framework, control, account, unit, region, type or tag; "
        "repeatable.",
        metavar="KEY=PATTERN",
    ),
]
Except = Annotated[
    list[str] | None, typer.Option("--except", help="All but what fits KEY=PATTERN; repeatable.", metavar="KEY=PATTERN")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print evidence and remediation with each finding.")]
Show = Annotated[int, typer.Option(min=0, help="How many findings to print, worst first; 0 for all.", metavar="NUMBER")]

Exact = Annotated[
    bool, typer.Option("--exact", help="Evaluate with the reference interpreter alone: slower, and the same findings.")
]
Workers = Annotated[int, typer.Option(min=1, max=256, help="Processes that evaluate at once.", metavar="NUMBER")]
ClusterAddress = Annotated[
    str | None,
    typer.Option(
        "--cluster", help="Work on a Dask cluster: tcp://HOST:8786; or local[:N], on processes here.", metavar="ADDRESS"
    ),
]

UseCache = Annotated[
    bool, typer.Option("--cache/--no-cache", help="Reuse findings whose policy and resources have not changed.")
]

Statuses = Annotated[
    str,
    typer.Option(
        "--status", help="Write only findings with these statuses, with commas; all if not given.", metavar="STATUSES"
    ),
]


def kept(wanted: bool) -> Path | None:
    """The folder of what was found before: the user's own, so that no archive brings one. None if it is not wanted."""
    from stillframe.snapshot.files import user_folder

    return user_folder("XDG_CACHE_HOME", "~/.cache") if wanted else None


@contextmanager
def cluster_at(address: str | None, say: Callable[[str], None] | None = None) -> "Iterator[Cluster | None]":
    """The cluster at an address while the block runs, if there is an address; where it is, is said."""
    if address is None:
        yield None
        return
    from stillframe.snapshot.cluster import reach

    cluster = reach(address)
    try:
        (say or partial(typer.secho, err=True, dim=True))(cluster.says())
        yield cluster
    finally:
        cluster.close()


def names(text: str) -> list[str]:
    """What stands between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def limits(fail_on: str, most: str | None, *, allow_unknown: bool) -> "Limits":
    """From which severity failures count, and how many may be unknown."""
    from stillframe.engine.findings.gate import Limits, most_unknown

    least = severity(fail_on)
    if most is not None and allow_unknown:
        raise typer.BadParameter("--max-unknown and --allow-unknown exclude each other")
    return (
        most_unknown(most, least) if most is not None else Limits(fail_on=least, unknown=None if allow_unknown else 0)
    )


def severity(name: str) -> "Severity | None":
    """The severity of that name; None for `never`."""
    from stillframe.engine.model.policy import Severity
    from stillframe.engine.suggest import suggest

    if name == "never":
        return None
    if name not in list(Severity):
        raise typer.BadParameter(f"{name!r} is no severity{suggest(name, list(Severity))}", param_hint="--fail-on")
    return Severity(name)


def config_file(named: Path | None, *, untrusted: bool = False) -> Path | None:
    """The stillframe.yaml that is in force: the one that was named, or the one that is here."""
    return named or (CONFIG if os.path.lexists(CONFIG) and not untrusted else None)


@dataclass(frozen=True)
class Types:
    """Resource types of one's own: of files, and those that snapshots carry.

    Where they are `checked`, AWS's models say of what kinds their values are, and what is wrong with them.
    """

    named: Sequence[Path] | None = None
    snapshots: "Sequence[Snapshot]" = ()
    checked: bool = False

    @classmethod
    def of(cls, *snapshots: "Snapshot") -> "Types":
        return cls(snapshots=snapshots)

    def use(self, config: Path | None = None, *, untrusted: bool = False, read: bool = False) -> None:
        """Put them in use, and no others. Of a snapshot's and another's, the later has the word.

        Raises ConfigError for what is wrong with them in stillframe.yaml, unless all of that is `read` later.
        """
        from stillframe.snapshot import own_types

        paths = [*_catalogue_of(config_file(config, untrusted=untrusted), read=read), *(self.named or ())]
        carried = [each.types for each in sorted(self.snapshots, key=lambda each: each.id, reverse=True) if each.types]
        own_types.use({})  # what was in use before says nothing of these
        if paths:
            from stillframe.engine.commands.own_types import read_types

            own_types.use(read_types(paths, checked=self.checked), *carried)
        elif carried:
            own_types.use({}, *carried)


def _catalogue_of(config: Path | None, *, read: bool) -> list[Path]:
    from stillframe.engine.documents.named_files import read_named

    if config is None:
        return []
    with suppress(OSError):
        if b"catalogue" not in read_named(config):
            return []
    from stillframe.engine.errors import ConfigError, Problem
    from stillframe.engine.loading.config import open_config

    problems: list[Problem] = []
    reader = open_config(config, problems)
    if reader and not read:
        reader.check_places("catalogue")
    if problems and not read:
        raise ConfigError(problems)
    return reader.catalogue() if reader else []


def rules(
    config: Path | None,
    policies: list[Path] | None,
    settings: list[str] | None = None,
    *,
    packs: list[str] | None = None,
    shipped: bool = False,
    every: bool = False,
    budget: int | None = None,
    untrusted: bool = False,
    types: Types = Types(),
) -> "Ruleset":
    """What to evaluate with. Where a stranger's files may lie around, only what was named is read."""
    from stillframe.engine.loading.ruleset import load_rules

    types.use(config, untrusted=untrusted, read=True)
    budget = budget or (STRANGERS if untrusted else None)
    return load_rules(
        config_file(config, untrusted=untrusted),
        policies or (),
        packs=packs or (),
        shipped=shipped,
        every=every,
        settings=settings or (),
        budget=budget,
        together=budget * TOGETHER if budget and untrusted else None,
    )


def written(
    config: Path | None,
    policies: list[Path] | None,
    name: str = "",
    packs: list[str] | None = None,
    *,
    shipped: bool = False,
    untrusted: bool = False,
    types: Types = Types(),
) -> "list[Policy]":
    """Policies as they are written, in force or not: every one, if none are named; the one of that id, if it is."""
    from stillframe.engine.loading.policies import pick

    ruleset = rules(config, policies, packs=packs, shipped=shipped, every=True, untrusted=untrusted, types=types)
    found = list(ruleset.written)
    return [pick(found, name)] if name else found
