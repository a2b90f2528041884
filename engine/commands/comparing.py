"""The commands that compare: snapshots, policies, and both. `cli` puts them among the others."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stillframe.engine.commands.groups import By, Choice, Counted, Work, grouped
from stillframe.engine.commands.options import (
    ARCHIVE,
    Budget,
    Catalogue,
    Exact,
    FormatName,
    Outputs,
    Show,
    Types,
    Untrusted,
    Verbose,
)

if TYPE_CHECKING:
    from stillframe.snapshot import Snapshot

_OLD = "Evaluate the old snapshot with this instead: "
OldPolicies = Annotated[
    list[Path] | None, typer.Option("--old-policies", help=f"{_OLD}policies; repeatable.", metavar="PATH")
]
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
    by: By = By(),
    catalogue: Catalogue = None,
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

    written, within = targets(output or (), form, compares=True), counted.limits()
    chosen = choice.selection()
    pictures = _pair(old, new, previous=previous)
    sided = partial(By.rules, types=Types(catalogue, pictures), budget=budget, untrusted=untrusted)
    was = replace(by, config=old_config or by.config, settings=old_settings or by.settings)
    if old_policies or old_packs:
        was = replace(was, policies=old_policies, packs=old_packs, shipped=False)
    ruleset = sided(by)
    before = sided(was) if old_policies or old_packs or old_config or old_settings else None
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
