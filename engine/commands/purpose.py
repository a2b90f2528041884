"""What a collection is for: the options that say which types it asks, and how much of each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from stillframe.engine.commands.options import Catalogue, Config, Types, names, pack_names, rules

if TYPE_CHECKING:
    from stillframe.engine.model.policy import Policy
    from stillframe.snapshot.catalog import Steps
    from stillframe.snapshot.choice import Reads

INVENTORY, SECURITY = "@inventory", "@security"  # groups of resource types


def type_names(incomplete: str) -> list[str]:
    from stillframe.snapshot.catalog import load_catalog

    before, comma, word = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in (INVENTORY, SECURITY, *load_catalog()) if name.startswith(word)]


TypeNames = Annotated[
    str,
    typer.Option(
        help="Resource types to collect, with commas: names, patterns such as AWS::S3::*, @inventory for all types "
        "without what is attached, @security for those that shipped policies read; all if not given.",
        metavar="TYPES",
        autocompletion=type_names,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """Which types to collect; and policies, of which no more is collected than they read."""

    types: TypeNames = ""
    packs: Annotated[
        list[str] | None,
        typer.Option(
            "--pack",
            help="Collect only what this pack reads; repeatable.",
            metavar="PACK",
            autocompletion=pack_names,
        ),
    ] = None
    policies: Annotated[
        list[Path] | None,
        typer.Option("--policies", "-p", help="Collect only what these policies read; repeatable.", metavar="PATH"),
    ] = None
    shipped: Annotated[bool, typer.Option("--shipped", help="Collect only what the policies that ship read.")] = False
    needed: Annotated[
        bool, typer.Option("--needed", help="Collect only what `evaluate` reads by default, or by stillframe.yaml.")
    ] = False
    catalogue: Catalogue = None
    config: Config = None

    def asked(self) -> "tuple[list[str], Reads]":
        """The types to ask as a whole; and those to ask in part, each with the fields that count."""
        return self._asked(self._for())

    def counts(self) -> "tuple[list[str], Reads, Mapping[str, Collection[Steps]]]":
        """The same, and of those in part the paths that decide."""
        from stillframe.engine.judging.dependencies import deciding

        policies = self._for()
        types, reads = self._asked(policies)
        found: dict[str, set[Any]] = {kind: set() for kind in reads}
        for policy in policies or ():
            for kind, paths in deciding(policy).items():
                found.setdefault(kind, set()).update(paths)
        return types, reads, found

    def _for(self) -> "list[Policy] | None":
        """The policies for which is collected; None if it is for none. Types of one's own are in use from then on."""
        own = Types(self.catalogue, checked=True)
        if not (self.packs or self.policies or self.shipped or self.needed):
            own.use(self.config)
            return None
        from stillframe.engine.judging.dependencies import is_idle

        asked = rules(self.config, self.policies, packs=self.packs, shipped=self.shipped, types=own).policies
        return [policy for policy in asked if not is_idle(policy)]

    def _asked(self, policies: "list[Policy] | None") -> "tuple[list[str], Reads]":
        reads: dict[str, Collection[str]] = {}
        if policies is not None:
            from stillframe.engine.judging.dependencies import needed
            from stillframe.snapshot.choice import ALWAYS

            reads |= {**ALWAYS, **needed(policies)}
        named = names(self.types)
        if INVENTORY in named:
            from stillframe.snapshot.catalog import load_catalog
            from stillframe.snapshot.choice import TAGS

            reads = {kind: (*reads.get(kind, ()), TAGS) for kind in load_catalog()}
        return [each for name in named for each in _whole(name)], reads


def _whole(name: str) -> list[str]:
    """The types of a name that are asked as a whole."""
    if name != SECURITY:
        return [] if name == INVENTORY else [name]
    from stillframe.engine.judging.dependencies import is_idle, needed
    from stillframe.engine.loading.policies import load_policies

    return list(needed(policy for policy in load_policies() if not is_idle(policy)))
