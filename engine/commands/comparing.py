"""The commands that compare: snapshots, policies, and both. `cli` puts them among the others."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from stillframe.engine.commands.groups import Choice, Counted, Work, grouped
from stillframe.engine.commands.options import (
    Budget,
    Catalogue,
    Config,
    Earlier,
    Exact,
    FormatName,
    Outputs,
    Packs,
    Policies,
    Settings,
    Shipped,
    Types,
    Untrusted,
    Verbose,
    rules,
)

_OLD = "Evaluate the old snapshot with this instead: "
OldPolicies = Annotated[list[Path] | None, typer.Option("--old-policies", help=f"{_OLD}policies; repeatable.")]
OldPacks = Annotated[list[str] | None, typer.Option("--old-pack", help=f"{_OLD}a pack; repeatable.", metavar="PACK")]
OldConfig = Annotated[Path | None, typer.Option("--old-config", help=f"{_OLD}a stillframe.yaml.", metavar="FILE")]
OldSettings = Annotated[
    list[str] | None, typer.Option("--old-set", help=f"{_OLD}a parameter; repeatable.", metavar="SETTING")
]


@grouped
def diff(
    old: Earlier,
    new: Annotated[str, typer.Argument(help="The later snapshot; the same, to compare policies.")],
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
    from stillframe.snapshot import open_snapshot

    written, within = targets(output or (), form), counted.limits()
    chosen = choice.selection()
    pictures = open_snapshot(old), open_snapshot(new)
    by = partial(rules, budget=budget, untrusted=untrusted, types=Types(catalogue, pictures))
    ruleset = by(config, policies, settings, packs=packs, shipped=shipped)
    sources = (old_policies, old_packs, False) if old_policies or old_packs else (policies, packs, shipped)
    others = old_config or config, sources[0], old_settings or settings
    given = old_policies or old_packs or old_config or old_settings
    before = by(*others, packs=sources[1], shipped=sources[2]) if given else None
    code = run_diff(
        *pictures,
        ruleset,
        console(),
        console(stderr=True),
        old_ruleset=before,
        targets=written,
        printing=not printed(written),
        verbose=verbose,
        limits=within,
        chosen=chosen,
        method=work.method(exact=exact),
    )
    raise typer.Exit(code)
