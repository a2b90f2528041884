"""Lint policies: every expression, template, join and fixture against AWS's API models.

Errors are what the models contradict; they cannot be disabled. Warnings are what can go wrong: a policy may
disable one by its code, with the reason, and a disable that disables nothing is reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

from msgspec import Struct

from ...snapshot.catalog import ACCOUNT_TYPE, load_catalog
from ...snapshot.types import ANY, NULL, Kind, Type, struct
from ..documents.yaml12 import Document, Path, Place, load
from ..judging.dependencies import fields
from ..language.infer import Complaint, infer
from ..language.narrow import truths
from ..language.node import walk
from ..language.parser import Expression, parse
from ..language.template import parse_template
from ..loading.policies import load_params
from ..model.policy import Policy, wanted_in
from ..model.setting import some
from .controls import Controls, check_controls, controls_of
from .fixture_types import check_rows
from .resource_types import row_type, variable_types

ERROR, WARNING = "error", "warning"
MOST = 100  # complaints about a policy
# Code → how bad it is. Each has a page in docs/lint/.
CODES: Mapping[str, str] = {
    "bad-argument": ERROR,
    "bad-comparison": ERROR,
    "bad-fixture": ERROR,
    "loose-reference": WARNING,
    "not-a-list": ERROR,
    "not-in-enum": WARNING,
    "nullable-argument": WARNING,
    "one-spelling": WARNING,
    "unknown-control": WARNING,
    "unknown-field": ERROR,
    "untested": WARNING,
    "unused": WARNING,
    "unused-ignore": WARNING,
}
NEEDED = ("pass", "fail", "unknown")  # what the examples of a tested policy expect at least

_ROLLUP = struct({}, "the text of a rollup, which names $failed, $account and the like,")


class Diagnostic(Struct, frozen=True, kw_only=True, order=True):
    """One complaint about a policy file. Lines and columns count from 1."""

    path: str
    line: int
    column: int
    code: str
    message: str

    @property
    def level(self) -> str:
        return CODES[self.code]


class _Site(Struct, frozen=True, kw_only=True):
    """An expression in a policy: where it stands, how far into its text it begins, and what it is evaluated on.

    `sure` are the paths that the policy's `where` makes sure of.
    """

    path: Path
    offset: int
    expression: Expression
    at: Type
    variables: Mapping[str, Type]
    key: bool = False
    sure: frozenset[str] = frozenset()

    def infer(self) -> tuple[Type, list[Complaint]]:
        return infer(self.expression, self.at, self.variables, self.sure)


def lint(policy: Policy, config_type: Callable[[str], Type], controls: Controls = controls_of()) -> list[Diagnostic]:
    """Every complaint about one policy, by line and column, but no more than MOST.

    `config_type` gives the type of a resource type, `controls` those that packs have.
    """
    document = load(policy.text.encode())
    ignored = document.value.get("lint", {}).get("ignore", {})
    found = list[Diagnostic]()
    idle = set(ignored)
    for code, place, message, source in chain(
        _complaints(policy, document, config_type), _of_packs(policy, document, controls)
    ):
        idle.discard(code if CODES[code] == WARNING else "")
        if code not in ignored or CODES[code] == ERROR:
            found.append(_diagnostic(policy, place(), code, message, source))
        if len(found) == MOST:
            return sorted(set(found))
    for code in idle:
        message = f"nothing here is {code}: remove it"
        found.append(_at(policy, document.keys["lint", "ignore", code], "unused-ignore", message))
    return sorted(set(found))


def _diagnostic(policy: Policy, place: Place, code: str, message: str, source: str) -> Diagnostic:
    if source != policy.source:
        return Diagnostic(path=source, line=place[0], column=place[1], code=code, message=message)
    if policy.extends and place[0] > policy.extends.lines:
        place, message = (policy.extends.at, 1), f"in what it takes from {policy.extends.id}: {message}"
    return _at(policy, place, code, message)


def _at(policy: Policy, place: Place, code: str, message: str) -> Diagnostic:
    line, column = policy.placed(place)
    return Diagnostic(path=policy.source, line=line, column=column, code=code, message=message)


def _itself(place: Place) -> Place:
    return place


def _complaints(
    policy: Policy, document: Document, config_type: Callable[[str], Type]
) -> Iterator[tuple[str, Callable[[], Place], str, str]]:
    """Each complaint: its code, where it is, which takes a while to say, its message, and in which file."""
    sites = list[_Site]()
    found: dict[tuple[Path, int, bool, str, str], list[str]] = {}
    faces = policy.by_type() if _reads_fields(policy) else policy.by_type()[:1]
    for face in faces:
        sites = list(_sites(face, document.value, config_type))
        said = [
            (site.path, max(site.offset + each.at, 0), site.key, each.code, each.message)
            for site in sites
            for each in site.infer()[1]
        ]
        said += [(path, 0, False, code, message) for path, code, message in _joins(sites)]
        for complaint in dict.fromkeys(said):
            found.setdefault(complaint, []).append(face.resource)
    for (path, offset, key, code, message), kinds in found.items():
        known = len(kinds) == len(faces) or any(kind in message for kind in kinds)
        told = message if known else f"of {', '.join(kinds)}: {message}"
        yield code, partial(document.locate, path, offset, key=key), told, policy.source
    fixtures = {policy.source: document, **{path: load(text.encode()) for path, text in policy.beside.items()}}
    read = {*policy.kinds(), ACCOUNT_TYPE}
    for source, holder in fixtures.items():
        for number, test in enumerate(holder.value.get("tests", ())):
            for kind, rows in test["given"].items():
                at: Path = ("tests", number, "given", kind)
                if kind not in read and at in holder.keys:
                    message = f"nothing here reads {kind}: it reads {some(sorted({*policy.kinds()}))}"
                    yield "unused", partial(_itself, holder.keys[at]), message, source
                for fault in check_rows(rows, config_type(kind), at, holder):
                    yield fault.code, partial(_itself, fault.place), fault.message, source
    for path, code, message in (*_references(document.value, sites), *_unused(policy, document.value, sites)):
        yield code, partial(_itself, document.keys.get(path, (1, 1))), message, policy.source


def _of_packs(
    policy: Policy, document: Document, controls: Controls
) -> Iterator[tuple[str, Callable[[], Place], str, str]]:
    for path, message in check_controls(document, controls):
        yield "unknown-control", partial(_itself, document.place(path)), message, policy.source


def _reads_fields(policy: Policy) -> bool:
    """Whether the types that a policy is about matter to its expressions."""
    return len(policy.subjects()) == 1 or not fields(policy, texts=True).keys().isdisjoint(policy.subjects())


def _sites(policy: Policy, given: Mapping[str, Any], config_type: Callable[[str], Type]) -> Iterator[_Site]:
    config = config_type(policy.resource)
    variables = variable_types(policy, load_params(policy), config_type)

    asks = truths(policy.where.tree) if policy.where else frozenset()
    of_variables = frozenset(path for path in asks if path.startswith("$"))
    early = bool(policy.where and policy.where.variables() & policy.lookups.keys())  # then lookups come before it holds
    joined_where = (frozenset[str](), frozenset[str]()) if early else (asks, of_variables)

    def site(path: Path, text: str, at: Type = config, sure: frozenset[str] = asks) -> _Site:
        return _Site(path=path, offset=0, expression=parse(text), at=at, variables=variables, sure=sure)

    def texts(path: Path, text: str, at: Type = config, sure: frozenset[str] = asks) -> Iterator[_Site]:
        for start, expression in parse_template(text).holes():
            yield _Site(path=path, offset=start, expression=expression, at=at, variables=variables, sure=sure)

    asked = policy.where.variables() if policy.where else frozenset()
    for name, named in given.get("let", {}).items():
        yield site(("let", name), named, sure=frozenset() if early or name in asked else asks)
    if "where" in given:
        yield site(("where",), given["where"], sure=frozenset())
    if policy.rollup and policy.rollup.by:
        yield site(("rollup", "per"), given["rollup"]["per"])
    for name, lookup in given.get("lookup", {}).items():
        at = ("lookup", name)
        row = row_type(config_type(lookup["from"]))
        for theirs, ours in lookup.get("match", {}).items():
            joined: Path = (*at, "match", theirs)
            dollar = theirs.startswith("$")  # a field of their row: parsed as `@.$account`
            expression = parse(f"@.{theirs}" if dollar else theirs)
            yield _Site(path=joined, offset=-2 if dollar else 0, expression=expression, at=row, variables={}, key=True)
            inside = wanted_in(ours)
            yield site((*joined, *inside), ours[inside[0]] if inside else ours, sure=joined_where[0])
        if "where" in lookup:
            yield site((*at, "where"), lookup["where"], row, joined_where[1])
    asserted = given["assert"] if isinstance(given["assert"], list) else [given["assert"]]
    for number, entry in enumerate(asserted):
        path: Path = ("assert", number) if isinstance(given["assert"], list) else ("assert",)
        if isinstance(entry, dict):
            yield site((*path, "that"), entry["that"])
            yield from texts((*path, "message"), entry["message"])
        else:
            yield site(path, entry)
    worded = _ROLLUP if policy.rollup else config
    told = frozenset[str]() if policy.rollup else asks
    yield from texts(("message",), given.get("message", ""), worded, told)
    yield from texts(("remediation", "cli"), given.get("remediation", {}).get("cli", ""), worded, told)


def _joins(sites: list[_Site]) -> Iterator[tuple[Path, str, str]]:
    """Joins whose two sides can never be equal."""
    theirs = {site.path: site for site in sites if site.key}
    for site in sites:
        listed = site.path[-1] if site.path[-1] in ("in", "contains") else ""
        other = theirs.get(site.path[:-1] if listed else site.path)
        if other and not site.key:
            left, right = (each.infer()[0] for each in (other, site))
            if listed == "contains" and left.kind not in (Kind.ARRAY, Kind.ANY, Kind.NULL):
                yield other.path, "not-a-list", f"{left} on their side is no list that could contain something"
                continue
            left, right = left.item if listed == "contains" else left, right.item if listed == "in" else right
            if left.kind is not right.kind and not {left, right} & {ANY, NULL} and "any" not in (left.kind, right.kind):
                yield site.path, "bad-comparison", f"{left} on their side is never equal to {right} on ours"


def _references(given: Mapping[str, Any], sites: list[_Site]) -> Iterator[tuple[Path, str, str]]:
    """Lookups by what identifies the other resource that do not say whether it exists."""
    compared = {pair for site in sites if site.path[-1] not in ("message", "cli") for pair in _columns(site.expression)}
    for name, lookup in given.get("lookup", {}).items():
        at, kind = ("lookup", name), lookup["from"]
        if {"one", "refers"} & lookup.keys():
            continue
        for theirs, wanted in lookup.get("match", {}).items():
            if _identifies(kind, theirs) and "contains" not in wanted_in(wanted):
                answer = "say `refers: true` if one that we name exists, `refers: false` if it need not"
                yield (*at, "match", theirs), "loose-reference", f"{theirs} identifies an {kind}: {answer}"
        for field in sorted(field for each, field in compared if each == name and "match" not in lookup):
            if _identifies(kind, field):
                answer = "`match` it, and say `refers: true` if one that we name exists"
                yield at, "loose-reference", f"${name}[].{field} identifies each {kind}: {answer}"


def _columns(expression: Expression) -> Iterator[tuple[str, str]]:
    """Lists of one field of all that a lookup found: its name, and the field's."""
    for node in walk(expression.tree):
        if node.type == "projection" and node.children[1].type == "field":
            base = node.children[0]
            of = base.children[0] if len(base.children) == 1 else base  # such as [] after it
            if of.type == "variable":
                yield of.value, node.children[1].value


def _identifies(kind: str, theirs: str) -> bool:
    spec, own = load_catalog()[kind], kind.rpartition(":")[2]
    return theirs in ("$id", "$name", spec.id, spec.name) or bool(
        re.fullmatch(rf"({own})?(arn|id|identifier|name)", theirs, re.IGNORECASE)
    )


def _unused(policy: Policy, given: Mapping[str, Any], sites: list[_Site]) -> Iterator[tuple[Path, str, str]]:
    text = " ".join([*(site.expression.text for site in sites), str(given.get("rollup", ""))])
    read = {name for site in sites for name in site.expression.variables()}
    for key, named in (("lookup", policy.lookups), ("let", policy.lets)):
        for name in named.keys() - read:
            yield (key, name), "unused", f"${name} is never read"
    for name in given.get("params", {}):
        if not re.search(rf"\$params\.{re.escape(name)}\b", text):
            yield ("params", name), "unused", f"$params.{name} is never read"
    expected = {status for test in policy.tests for status in _statuses(test["expect"])}
    if missing := [status for status in NEEDED if status not in expected]:
        yield ("id",), "untested", f"no example expects {' or '.join(missing)}"


def _statuses(expect: Any) -> list[str]:
    return [expect] if isinstance(expect, str) else list(expect.values())
