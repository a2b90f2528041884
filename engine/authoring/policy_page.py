"""A policy as a page of Markdown: what it asks, why, how it evaluates, what may be set, how to fix, and its examples.

`docs/reference/policies` holds the pages of those that ship.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from typing import Any

from ..documents.yaml12 import load
from ..loading.policy_reader import schema_of
from ..loading.several import SHARED, Anchors
from ..model.policy import Policy

_RULE = ("resource", "where", "lookup", "assert", "rollup")


def as_page(policy: Policy, packs: Mapping[str, str]) -> Iterator[str]:
    """Lines of one page. `packs` says which frameworks have a page of their own, and what it is called."""
    yield f"# {policy.id}"
    yield from ("", f"**{policy.title}.** Severity: {policy.severity}. It counts `{policy.population()}`.")
    for heading, text in (("", policy.description), ("Why", policy.rationale)):
        if text:
            yield from ([""] if not heading else ["", f"## {heading}", ""])
            yield text.strip()
    yield from ("", "## What is evaluated", "", "```text", *_rule(policy.text), "```")
    given = load(policy.text.encode()).value
    if policy.params:
        yield from _params(given["params"])
    if policy.remediation:
        yield from ("", "## How to fix it", "", policy.remediation.strip())
    if policy.remediation_cli:
        yield from ("", "```text", given["remediation"]["cli"].strip(), "```")
    if policy.fill or policy.each:
        yield from ("", "| To be set | What it is |", "|---|---|")
        yield from (f"| `{name}` | {_cell(what)} |" for name, what in policy.fill.items())
        yield from (f"| `{name}` | {_cell(what)}; for each failure |" for name, what in policy.each.items())
    if policy.frameworks:
        yield from ("", "## Controls", "", "| Framework | Controls |", "|---|---|")
        for name, controls in policy.frameworks.items():
            shown = f"[{name}](../packs/{packs[name]}.md)" if name in packs else name
            yield f"| {shown} | {', '.join(controls)} |"
    if policy.tests:
        yield from ("", "## Examples", "", "| Example | Comes out as |", "|---|---|")
        yield from (
            f"| {_cell(test['name'] + _settings(test))} | {_expected(test['expect'])} |" for test in policy.tests
        )
    if policy.references:
        yield from ("", "## Read more", "", *(f"- <{reference}>" for reference in policy.references))


def as_index(policies: Collection[Policy]) -> Iterator[str]:
    """Lines of the index: a table per service."""
    yield "# Policies"
    yield from ("", "By service. A pack is a choice of them.")
    services = sorted(policies, key=lambda policy: (_service(policy), policy.id))
    for service, found in groupby(services, _service):
        yield from ("", f"## {service}", "", "| Policy | Severity | Counts | What is true where it passes |")
        yield "|---|---|---|---|"
        for policy in found:
            shown = f"[{policy.id}](policies/{policy.id}.md)"
            yield f"| {shown} | {policy.severity} | `{policy.population()}` | {_cell(policy.title)} |"


def _service(policy: Policy) -> str:
    """The folder that its file is in."""
    return policy.source.split("/")[-2] if "/" in policy.source else "policies"


def _rule(text: str) -> Iterator[str]:
    """The lines of a policy's file that say what is evaluated, as they are written."""
    parts = {part.partition(":")[0]: part for part in re.split(r"^(?=[a-z][\w-]*:)", text, flags=re.MULTILINE)}
    anchors = Anchors({key: part for key, part in parts.items() if key.startswith(SHARED)})
    used = anchors.used("".join(part for key, part in parts.items() if key in _RULE))
    for key, part in parts.items():
        if key in _RULE or key in used:
            yield from (line.rstrip() for line in part.strip("\n").splitlines())


def _params(declared: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## Parameters", "", "| Parameter | Default | Values | Meaning |", "|---|---|---|---|")
    for name, entry in declared.items():
        cells = (f"`{name}`", f"`{_plain(entry['default'])}`", _values(schema_of(entry)), entry["description"])
        yield f"| {' | '.join(map(_cell, cells))} |"


def _values(allowed: Mapping[str, Any]) -> str:
    """What a parameter may be: `integer, minimum 1`, or the values there are to choose from."""
    named = {"enum": "", "type": "", "items": "each "}
    shown = []
    for key, value in allowed.items():
        text = (
            _values(value)
            if isinstance(value, dict)
            else ", ".join(map(_plain, value if isinstance(value, list) else [value]))
        )
        shown.append(f"{named.get(key, f'{key} ')}{text}")
    return ", ".join(shown)


def _settings(test: Mapping[str, Any]) -> str:
    params = ", ".join(f"{name}: {_plain(value)}" for name, value in test.get("params", {}).items())
    return f" ({params})" if params else ""


def _expected(expect: str | Mapping[str, str]) -> str:
    found = [expect] if isinstance(expect, str) else sorted(set(expect.values()))
    return ", ".join(status.replace("_", " ") for status in found)


def _plain(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
