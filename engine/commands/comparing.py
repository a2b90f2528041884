"""The commands that compare: snapshots, policies, and both. `cli` puts them among the others."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stillframe.engine.commands.groups import Choice, Counted, Work, grouped
from stillframe.engine.commands.options import (
    ARCHIVE,
    Budget,
    Catalogue,
    Config,
    Exact,
    FormatName,
    Outputs,
    Packs,
    Policies,
    Settings,
    Shipped,
    Show,
    Types,
    Untrusted,
    Verbose,
    rules,
)

if TYPE_CHECKING:
    from stillframe.snapshot import Snapshot

_OLD = "Evaluate the old snapshot with this instead: "
OldPolicies = Annotated[list[Path] | None, typer.Option("--old-policies", help=f"{_OLD}policies; repeatable.")]
OldPacks = Annotated[list[str] | None, typer.Option("--old-pack", help=f"{_OLD}a pack; repeatable.", metavar="PACK")]
OldConfig = Annotated[Path | None, typer.Option("--old-config", help=f"{_OLD}a stillframe.yaml.", metavar="FILE")]
OldSettings = Annotated[
    list[str] | None, typer.Option("--old-set", help=f"{_OLD}a parameter; repeatable.", metavar="SETTING")
]


@grouped
def diff(
    old: Annotated[
        str, typer.Argument(help="The earlier snapshot; with --previous the later one, or an archive.", metavar="OLD")
    ] = ARCHIVE,
    new: Annotated[
        str,
        typer.Argument(help="The later snapshot; the same, to compare policies.", metavar="NEW", show_default=False),
    ] = "",
    previous: Annotated[
        bool, typer.Option("--previous", help="Compare one snapshot with the finished one before it, if there is any.")
    ] = False,
    policies: Policies = None,
    packs: Packs = None,
    shipped: Shipped = False,
    config: Config = None,
    catalogue: Catalogue = None,
    settings: Settings = None,
    old_policies: OldPolicies = None,
    old_packs: OldPacks = None,
    old_config: OldConfig = None,
    old_settings: OldSettings = None,
    output: Outputs = None,
    form: FormatName = None,
    counted: Counted = Counted(),
    choice: Choice = Choice(),
    show: Show = 100,
    verbose: Verbose = False,
    exact: Exact = False,
    budget: Budget = None,
    untrusted: Untrusted = False,
    work: Work = Work(),
) -> None:
    """Compare two snapshots, or two sets of policies, and say why findings changed: exit 1 for new failures."""
    from stillframe.engine.commands.run_diff import run_diff
    from stillframe.engine.console import console
    from stillframe.engine.reports.formats import printed, targets

    written, within = targets(output or (), form), counted.limits()
    chosen = choice.selection()
    pictures = _pair(old, new, previous=previous)
    by = partial(rules, budget=budget, untrusted=untrusted, types=Types(catalogue, pictures))
    ruleset = by(config, policies, settings, packs=packs, shipped=shipped)
    sources = (old_policies, old_packs, False) if old_policies or old_packs else (policies, packs, shipped)
    others = old_config or config, sources[0], old_settings or settings
    given = old_policies or old_packs or old_config or old_settings
    before = by(*others, packs=sources[1], shipped=sources[2]) if given else None
    found = run_diff(
        *pictures,
        ruleset,
        console(),
        console(stderr=True),
        old_ruleset=before,
        targets=written,
        keep=0 if printed(written) else show or sys.maxsize,
        verbose=verbose,
        limits=within,
        chosen=chosen,
        method=work.method(exact=exact),
    )
    raise typer.Exit(found.code)


def _pair(old: str, new: str, *, previous: bool) -> "tuple[Snapshot, Snapshot]":
    """The earlier snapshot and the later one. Raises BadParameter or ArgumentError."""
    from stillframe.snapshot import ArgumentError, open_snapshot, snapshot_before

    if previous and new:
        raise typer.BadParameter("--previous takes one snapshot, or an archive", param_hint="NEW")
    if not previous and not new:
        raise typer.BadParameter("name the later snapshot, too; or say --previous", param_hint="NEW")
    if previous:
        later = open_snapshot(old)
        before = snapshot_before(later.path or old)
        if before is None:
            typer.echo(f"{later.id} is the first snapshot of its archive: nothing is new", err=True)
        return open_snapshot(before) if before else later, later
    pair = open_snapshot(old), open_snapshot(new)
    if pair[0].captured_at > pair[1].captured_at:
        raise ArgumentError(
            f"{pair[0].id} is later than {pair[1].id}: what is new would be called resolved",
            "name the earlier snapshot first",
        )
    return pair
