"""How AWS Config has a resource type: the block `config` of its catalogue entry, which `docs/catalogue.md` explains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field


class ConfigRule(Struct, frozen=True, kw_only=True):
    """What of an item of AWS Config a resource is made of.

    `fields` are paths of the resource, each with the path in the item. `fold` says that the rest of its
    `configuration` has the API's names, but for `names`, where null drops one. `words` are values that differ, by path,
    and `values` expressions over what stands at a path. `absent` are paths whose key it leaves out where nothing is
    set, each with the day since which it does: where any other key is not there, nobody knows the value.
    `only` is a condition on the item: one that does not meet it is of another type, or none any more. `where` has such
    conditions by path, without which it is not known what a value belongs to. Of several items with one id the `latest`
    counts, by the number with which the text at that path ends.
    `part` is what AWS Config leaves out of a type, `once` says that it records the type in one region for all, and
    `since` is a day on which it recorded the type.
    """

    type: str
    fields: Mapping[str, str] = field(default_factory=dict)
    fold: bool = True
    names: Mapping[str, str | None] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    only: str | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    latest: str | None = None
    part: str | None = None
    once: bool = False
    since: str = "2023-01-01"


def config_rule(kind: str, block: Mapping[str, Any]) -> ConfigRule:
    """The rule of a block. Raises TypeError for a word that is none, ValueError for a value that a word cannot have."""
    given = {"type": block.get("as", kind), **{name: value for name, value in block.items() if name != "as"}}
    for name in ("absent", "since"):  # YAML reads a day as a date
        match given.get(name):
            case None:
                pass
            case dict() as days:
                given[name] = {path: str(day) for path, day in days.items()}
            case day:
                given[name] = str(day)
    return ConfigRule(**given)
