"""The commands about what to evaluate with: policies, waivers, and their schemas. `cli` puts them among the others."""

from pathlib import Path
from typing import Annotated

import typer
from stillframe.engine.commands.groups import By, grouped
from stillframe.engine.commands.options import (
    ARCHIVE,
    Config,
    EveryPacks,
    EveryPolicies,
    EveryShipped,
    SnapshotPath,
    Types,
    rules,
    written,
)


def policy_list(
    policies: EveryPolicies = None,
    packs: EveryPacks = None,
    shipped: EveryShipped = False,
    config: Config = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print an index, as Markdown.")] = False,
) -> None:
    """List policies: id, severity, what is evaluated, title."""
    from stillframe.engine import exit_codes
    from stillframe.engine.assess import notes
    from stillframe.engine.authoring.policy_page import as_index
    from stillframe.engine.console import console
    from stillframe.engine.loading.pack_files import DEFAULT
    from stillframe.engine.printable import show
    from stillframe.engine.terminal.findings import print_notes, print_policies

    chosen = rules(config, policies, packs=packs, shipped=shipped, every=True)
    if markdown:
        show("\n".join([*as_index(chosen.policies), ""]))
        return
    if chosen.policies:
        print_policies(console(), chosen.policies)
    told = [] if chosen.policies else ["no policy is in force"]
    told += (
        [f"nothing is named, so these are all that ship: evaluate takes the pack {DEFAULT}"] if chosen.instead else []
    )
    print_notes(console(stderr=True), [*told, *notes(chosen)])
    raise typer.Exit(exit_codes.OK if chosen.policies else exit_codes.NOTHING)


def policy_show(
    policy: Annotated[str, typer.Argument(help="The policy's id.", metavar="POLICY")],
    policies: EveryPolicies = None,
    packs: EveryPacks = None,
    shipped: EveryShipped = False,
    config: Config = None,
) -> None:
    """Print a policy as it was written."""
    from stillframe.engine.printable import show

    (chosen,) = written(config, policies, policy, packs, shipped=shipped)
    show(chosen.text)


def docs(
    into: Annotated[Path, typer.Option(help="The folder to write to.", metavar="FOLDER")] = Path("docs"),
    policies: EveryPolicies = None,
    packs: EveryPacks = None,
    shipped: EveryShipped = False,
    config: Config = None,
) -> None:
    """Write a page per policy and per pack, and an index, as Markdown."""
    from stillframe.engine.authoring.pages import write_pages
    from stillframe.engine.console import counted
    from stillframe.engine.loading.pack_files import load_packs, shipped_packs

    chosen = rules(config, policies, packs=packs, shipped=shipped, every=True)
    named = load_packs(packs or ([] if policies else list(shipped_packs())))
    written = write_pages(into, chosen.written, named)
    typer.echo(f"{counted(written, 'page')} written to {into}", err=True)


@grouped
def waive(
    owner: Annotated[str, typer.Option(help="Who answers for the failures.", metavar="WHO")],
    reason: Annotated[str, typer.Option(help="Why they are borne.", metavar="TEXT")],
    expires: Annotated[str, typer.Option(help="The last day of the waivers: YYYY-MM-DD.", metavar="DAY")],
    snapshot: SnapshotPath = ARCHIVE,
    policy: Annotated[str, typer.Option(help="Only what this policy says.", metavar="ID")] = "",
    account: Annotated[str, typer.Option(help="Only what is in this account.", metavar="ID")] = "",
    bind: Annotated[bool, typer.Option("--bind", help="Bind each waiver to the evidence as it is now.")] = False,
    by: By = By(),
) -> None:
    """Draft a waiver for each failure that has none, as YAML for stillframe.yaml."""
    from stillframe.engine.assess import wide
    from stillframe.engine.authoring.waivers import check_terms, draft, open_failures
    from stillframe.engine.console import counted
    from stillframe.engine.printable import show
    from stillframe.snapshot import open_snapshot

    opened = open_snapshot(snapshot)
    check_terms(opened, owner=owner, reason=reason, expires=expires)
    ruleset = by.rules(Types.of(opened))
    found = list(open_failures(opened, ruleset, policy=policy, account=account))
    for line in draft(found, owner=owner, reason=reason, expires=expires, bind=bind, wide=wide(ruleset.policies)):
        show(f"{line}\n")
    typer.echo(f"{counted(len(found), 'waiver')} drafted", err=True)


def schema(
    config: Annotated[bool, typer.Option("--config", help="Print that of stillframe.yaml instead.")] = False,
    pack: Annotated[bool, typer.Option("--pack", help="Print that of a pack instead.")] = False,
) -> None:
    """Print the JSON Schema of a policy, for editors and other programs."""
    from stillframe.engine.documents.reader import schema_text

    typer.echo(schema_text("config.schema.json" if config else "pack.schema.json" if pack else "schema.json"), nl=False)
