"""Policies as stock jmespath.py can run them.

jmespath.py has no variables. So a resource's variables stand beside its fields, under names that begin with `$`, and
`$bucket.Name` is written `"$bucket".Name`. That does for policies that name no variable inside a filter or an
&expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jmespath
import yaml

Path_ = tuple[str, ...]
_VARIABLE, _HOLE = re.compile(r'"?\$(\w+)"?'), re.compile(r"\{\{\s*(.*?)\s*\}\}")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression, and the paths that it reads of a resource: what is shown as evidence."""

    search: Any
    paths: tuple[Path_, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    name: str
    source: str
    within: str
    one: bool
    theirs: tuple[str, ...]
    ours: tuple[Compiled, ...]
    where: Compiled | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    id: str
    title: str
    resource: str
    where: Compiled | None
    lookups: tuple[Lookup, ...]
    assertions: tuple[tuple[Compiled, Any], ...]
    message: Any
    require: str | None
    params: Mapping[str, Any]


def load(policies: Path) -> list[Policy]:
    """The policies of a folder, or of a pack that lies beside their folders."""
    return [_policy(yaml.load(path.read_text(), _LOADER)) for path in _files(policies)]  # noqa: S506


def _files(policies: Path) -> list[Path]:
    if policies.is_dir():
        return sorted(policies.glob("*.yaml"))
    asked = set(re.findall(r"policies: \[(.*)\]", policies.read_text()))
    found = [path for path in policies.parents[1].glob("*/*.yaml") if path.stem in asked]
    return sorted(found, key=lambda path: path.stem)


def _policy(document: Mapping[str, Any]) -> Policy:
    asserted = document["assert"] if isinstance(document["assert"], list) else [document["assert"]]
    entries = [entry if isinstance(entry, dict) else {"that": entry} for entry in asserted]
    message = template(document.get("message", f"not so: {document['title']}"))
    return Policy(
        id=document["id"],
        title=document["title"],
        resource=document["resource"],
        where=compiled(document["where"]) if "where" in document else None,
        lookups=tuple(_lookup(name, entry) for name, entry in document.get("lookup", {}).items()),
        assertions=tuple(
            (compiled(entry["that"]), template(entry["message"]) if "message" in entry else message)
            for entry in entries
        ),
        message=message if "message" in document else None,
        require=document["rollup"]["require"] if "rollup" in document else None,
        params={name: param["default"] for name, param in document.get("params", {}).items()},
    )


def _lookup(name: str, entry: Mapping[str, Any]) -> Lookup:
    match = entry.get("match", {})
    return Lookup(
        name=f"${name}",
        source=entry["from"],
        within=entry.get("within", "region"),
        one=entry.get("one", False),
        theirs=tuple(match),
        ours=tuple(compiled(expression) for expression in match.values()),
        where=compiled(entry["where"]) if "where" in entry else None,
    )


def compiled(expression: str) -> Compiled:
    parsed = jmespath.compile(_VARIABLE.sub(r'"$\1"', expression))
    return Compiled(parsed.search, tuple(sorted(set(_paths(parsed.parsed)))))


def template(text: str) -> tuple[Any, ...]:
    """Literal text and expressions in turn."""
    parts = _HOLE.split(text)
    return tuple(compiled(part).search if number % 2 else part for number, part in enumerate(parts))


def _paths(node: Mapping[str, Any]) -> Iterator[Path_]:
    path = _chain(node)
    if path:
        yield path
        return
    # Inside a projection or an &expression the current node is another: what stands before it is shown whole.
    inner = node["type"] in ("projection", "filter_projection", "value_projection")
    for child in node["children"][:1] if inner else node["children"]:
        if isinstance(child, dict) and child["type"] != "expref":
            yield from _paths(child)


def _chain(node: Mapping[str, Any]) -> Path_:
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] == "subexpression":
        chains = [_chain(child) for child in node["children"]]
        return tuple(step for chain in chains for step in chain) if all(chains) else ()
    return ()
