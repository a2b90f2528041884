"""The policies, run by stock jmespath.py: expressions compiled once, lookups as dictionaries, orjson on both sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
from jmespath.exceptions import JMESPathError
from jmespath.visitor import Options

from .compiled import Compiled, Lookup, Path_, Policy, load
from .files import accounts, lines
from .functions import Ours, holds

Row = dict[str, Any]
Index = Mapping[tuple[Any, ...], list[Row]]
_NEAR = {"region": ("$account", "$region"), "account": ("$account",), "snapshot": ()}


@dataclass(slots=True)
class Reader:
    """The rows of one account after another. Rows that lookups reach from everywhere are kept."""

    snapshot: Path
    options: Options
    far: Mapping[str, Mapping[str, list[Row]]]
    account: Path = Path()
    near: dict[str, list[Row]] = field(default_factory=dict)
    indexes: dict[tuple[str, str], Index] = field(default_factory=dict)
    far_indexes: dict[tuple[str, str], Index] = field(default_factory=dict)

    def enter(self, account: Path) -> None:
        self.account = account
        self.near.clear()
        self.indexes.clear()

    def rows(self, kind: str) -> list[Row]:
        if kind in self.far:
            return self.far[kind][self.account.name]
        if kind not in self.near:
            self.near[kind] = [_row(line) for line in lines(self.account, kind)]
        return self.near[kind]

    def index(self, policy: Policy, lookup: Lookup) -> Index:
        everywhere, key = lookup.within == "snapshot", (policy.id, lookup.name)
        indexes = self.far_indexes if everywhere else self.indexes
        if key not in indexes:
            rows = chain.from_iterable(self.far[lookup.source].values()) if everywhere else self.rows(lookup.source)
            indexes[key] = _index(policy, lookup, rows, self.options)
        return indexes[key]


def run(snapshot: Path, policies: Path, types: Sequence[str], out: Path) -> None:  # noqa: ARG001 - one signature
    judged_by = load(policies)
    now = orjson.loads((snapshot / "manifest.json").read_bytes())["captured_at"]
    options = Options(custom_functions=Ours(now))
    far = {lookup.source for policy in judged_by for lookup in policy.lookups if lookup.within == "snapshot"}
    kept = {
        kind: {account.name: [_row(line) for line in lines(account, kind)] for account in accounts(snapshot)}
        for kind in far
    }
    reader = Reader(snapshot, options, kept)
    with out.open("wb") as file:
        for account in accounts(snapshot):
            reader.enter(account)
            for policy in judged_by:
                for finding in _findings(policy, reader, options):
                    file.write(orjson.dumps(finding) + b"\n")


def _row(line: bytes) -> Row:
    """A resource as expressions see it: its fields, and its variables beside them."""
    found = orjson.loads(line)
    row: Row = found["config"]
    row["$account"], row["$region"], row["$id"] = found["account"], found["region"], found["id"]
    row["$name"], row["$tags"] = found["name"], found.get("tags")
    return row


def _index(policy: Policy, lookup: Lookup, rows: Iterable[Row], options: Options) -> Index:
    index: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    keys = (*_NEAR[lookup.within], *lookup.theirs)
    for row in rows:
        if lookup.where is None or holds(lookup.where.search({**row, "$params": policy.params}, options)):
            index[tuple(row.get(key) for key in keys)].append(row)
    return index


def _findings(policy: Policy, reader: Reader, options: Options) -> Iterator[Row]:
    rows = reader.rows(policy.resource)
    for row in rows:
        row["$params"] = policy.params
        _look_up(policy, row, reader, options)
    judged = [(row, *_judge(policy, row, options)) for row in rows]
    if policy.require:
        yield _folded(policy, reader.account.name, judged, options)
    else:
        for row, status, message, evidence in judged:
            identity = (row["$account"], row["$region"], policy.resource, row["$id"])
            yield _finding(policy, status, identity, message, evidence)


def _look_up(policy: Policy, row: Row, reader: Reader, options: Options) -> None:
    for lookup in policy.lookups:
        ours = [expression.search(row, options) for expression in lookup.ours]
        key = (*(row[name] for name in _NEAR[lookup.within]), *ours)
        found = reader.index(policy, lookup).get(key, [])
        row[lookup.name] = (found[0] if found else None) if lookup.one else found


def _judge(policy: Policy, row: Row, options: Options) -> tuple[str, str, Row]:
    try:
        if policy.where and not holds(policy.where.search(row, options)):
            return "not_applicable", "", _evidence((policy.where,), row)
        failed = [entry for entry in policy.assertions if not holds(entry[0].search(row, options))]
    except JMESPathError as error:
        return "error", str(error), {}
    if failed:
        messages = dict.fromkeys(_rendered(message, row, options) for _, message in failed)
        return "fail", "; ".join(messages), _evidence([that for that, _ in failed], row)
    return "pass", policy.title, _evidence([that for that, _ in policy.assertions], row)


def _rendered(template: tuple[Any, ...], row: Row, options: Options) -> str:
    return "".join(part if isinstance(part, str) else _text(part(row, options)) for part in template)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _evidence(expressions: Iterable[Compiled], row: Row) -> Row:
    return {".".join(path): _get(row, path) for expression in expressions for path in expression.paths}


def _get(at: Any, path: Path_) -> Any:
    for step in path:
        at = at.get(step) if isinstance(at, dict) else None
    return [_brief(item) for item in at] if isinstance(at, list) else _brief(at)


def _brief(found: Any) -> Any:
    """A joined resource is shown by its id."""
    return found["$id"] if isinstance(found, dict) and "$id" in found else found


def _folded(policy: Policy, account: str, judged: Sequence[tuple[Row, str, str, Row]], options: Options) -> Row:
    passed = [entry for entry in judged if entry[1] == "pass"]
    failed = [entry for entry in judged if entry[1] == "fail"]
    fails = bool(failed) if policy.require == "all" else not passed
    deciding = failed if fails else passed
    message = policy.title
    if fails:
        reasons = "; ".join(dict.fromkeys(entry[2] for entry in failed))
        message = _rendered(policy.message, {"$account": account}, options) if policy.message else reasons
    evidence = {row["$id"]: shown for row, _, _, shown in deciding}
    status = "fail" if fails else "pass" if passed else "unknown"
    return _finding(policy, status, (account, "global", "AWS::Account", account), message, evidence)


def _finding(policy: Policy, status: str, identity: tuple[str, str, str, str], message: str, evidence: Row) -> Row:
    account, region, kind, resource = identity
    return {
        "policy": policy.id,
        "status": status,
        "account": account,
        "region": region,
        "type": kind,
        "resource": resource,
        "message": message,
        "evidence": evidence,
    }
