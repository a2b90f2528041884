"""The commands about packs. `cli` puts them among the others."""

from typing import Annotated

import typer
from stillframe.engine.commands.options import Config, Types, rules

pack_app = typer.Typer(help="List, show and compare packs.", no_args_is_help=True)

PackName = Annotated[str, typer.Argument(help="The pack's name, or its file.", metavar="PACK")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@pack_app.command("list")
def pack_list() -> None:
    """List the packs that ship: how many controls each has, and what answers them."""
    from stillframe.engine.console import console
    from stillframe.engine.loading.pack_files import load_packs, shipped_packs
    from stillframe.engine.terminal.packs import print_packs

    print_packs(console(), load_packs(list(shipped_packs())))


@pack_app.command("show")
def pack_show(
    pack: PackName,
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a page, as Markdown.")] = False,
) -> None:
    """Show a pack: its sections and controls, and what answers each."""
    from stillframe.engine.console import console
    from stillframe.engine.loading.pack_files import load_packs
    from stillframe.engine.packs.page import as_json, as_page
    from stillframe.engine.printable import show
    from stillframe.engine.terminal.packs import print_pack

    (found,) = load_packs([pack])
    if json or markdown:
        show(f"{as_json(found)}\n" if json else "\n".join([*as_page(found), ""]))
        return
    print_pack(console(), found)


@pack_app.command("diff")
def pack_diff(
    old: Annotated[str, typer.Argument(help="The earlier pack.", metavar="OLD")],
    new: Annotated[str, typer.Argument(help="The later pack.", metavar="NEW")],
    snapshot: Annotated[
        str | None,
        typer.Argument(help="What the change means for this snapshot, or an archive's latest.", metavar="SNAPSHOT"),
    ] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Show what changed between two packs, and what that means for a snapshot."""
    from stillframe.engine.commands.run_pack_diff import run_pack_diff
    from stillframe.engine.console import console
    from stillframe.engine.loading.pack_files import load_packs
    from stillframe.snapshot import open_snapshot

    earlier, later = load_packs([old, new])
    opened = open_snapshot(snapshot) if snapshot else None
    ruleset = rules(config, None, packs=[old, new], types=Types.of(*([opened] if opened else [])))
    run_pack_diff(earlier, later, ruleset, opened, console(), json=json)
