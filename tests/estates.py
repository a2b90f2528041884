"""Random snapshots as files: records that say a, b and c, spelled as anybody may spell JSON, and with gaps."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from expressions import DATA, FIELDS, SCALARS
from hypothesis import strategies as st
from msgspec.structs import replace
from stillframe.snapshot.catalog import ResourceType, load_catalog, steps

ACCOUNTS = ("111111111111", "222222222222", "333333333333")
REGIONS = ("eu-west-1", "us-east-1")
IDS = ("i", "j", "k", "arn:aws:x")


def _type(name: str, *always: str, scope: str = "region") -> ResourceType:
    model = load_catalog()["AWS::KMS::Key"]
    return replace(model, type=name, scope=scope, always=tuple(map(steps, always)))


ONE, OTHER, ONCE = "Test::Some::One", "Test::Some::Other", "Test::Some::Once"


class Types(dict):
    """A catalogue of nothing but these, none of them of somebody's own."""

    own_data = b""


CATALOG = Types(
    {spec.type: spec for spec in (_type(ONE, "a", "b.c", "c[].a"), _type(OTHER), _type(ONCE, "b", scope="account"))}
)


# ---------------------------------------------------------------------------------------------------- values


def nested(levels: int, kind: str) -> Any:
    """A value that is many levels deep."""
    found: Any = 1
    for _ in range(levels):
        found = [found] if kind == "list" else {"a": found}
    return found


DEEP = st.builds(nested, st.sampled_from([60, 150]), st.sampled_from(["list", "object"]))
MARKERS = st.sampled_from(["denied", "lost; denied"]).map(lambda cause: {"$missing": cause})
ODD_SCALARS = st.one_of(
    SCALARS,
    st.sampled_from([10**30, -(2**64), 1e300, -0.0, 0.1, 1e16, 2**53 + 1, 123456789.123456789]),
    st.sampled_from(["\0", '"', "\\", "\u2028", "𝄞", "\x7f", "$id", "{}", "missing", "a b", "i", "1", *ACCOUNTS]),
)
ODD_FIELDS = st.one_of(FIELDS, FIELDS, st.sampled_from(["$id", "$account", "$$missing", "missing", "é", "", "A"]))


def _grown(leaves: st.SearchStrategy[Any], fields: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(fields, inner, max_size=3)),
        max_leaves=8,
    )


HIDDEN = _grown(st.one_of(SCALARS, SCALARS, SCALARS, MARKERS), FIELDS)
ODD = st.one_of(_grown(st.one_of(ODD_SCALARS, ODD_SCALARS, MARKERS), ODD_FIELDS), DEEP)
PLAIN, UNKNOWN, WILD = "plain", "unknown", "wild"
VALUES = {PLAIN: DATA, UNKNOWN: HIDDEN, WILD: ODD}


def whole(config: dict[str, Any]) -> dict[str, Any]:
    """A config that has what the types above always have."""
    config.setdefault("a", 1)
    config.setdefault("b", None)
    if isinstance(config["b"], dict) and "$missing" not in config["b"]:
        config["b"].setdefault("c", "b")
    for item in config["c"] if isinstance(config.get("c"), list) else ():
        if isinstance(item, dict) and "$missing" not in item:
            item.setdefault("a", None)
    return config


@st.composite
def configs(draw: st.DrawFn, mood: str) -> dict[str, Any]:
    """A record's config. In a plain mood all of it is known, and all is there that always is."""
    config = draw(st.dictionaries(FIELDS if mood == PLAIN else ODD_FIELDS, VALUES[mood], max_size=3))
    return whole(config) if mood == PLAIN or draw(st.booleans()) else config


# -------------------------------------------------------------------------------------------------- spelling


TWICE = (None, "a", [{}], {"a": 1})  # what a key may have said before


def spelled(value: Any, chance: Random) -> str:
    """JSON for a value, as somebody else might write it: spaces, escapes, keys in any order and twice."""
    gap = chance.choice(["", "", " ", "\t "])
    match value:
        case dict():
            items = list(value.items())
            chance.shuffle(items)
            if items and chance.random() < 0.15:
                # Of what a record has beside its config, a wrong kind is refused by whoever reads it, and only then.
                again = ("config", {"a": 1}) if "config" in value else (items[-1][0], chance.choice(TWICE))
                items.insert(0, again)
            inside = [f"{gap}{spelled(key, chance)}{gap}:{gap}{spelled(item, chance)}" for key, item in items]
            return "{" + ",".join(inside) + gap + "}"
        case list():
            return "[" + ",".join(gap + spelled(item, chance) for item in value) + gap + "]"
        case str():
            text = json.dumps(value, ensure_ascii=chance.random() < 0.5)
            if value.isalnum() and value.isascii() and chance.random() < 0.1:
                text = '"' + "".join(f"\\u{ord(char):04{chance.choice('xX')}}" for char in value) + '"'
            return text.replace("$", "\\u0024") if chance.random() < 0.05 else text
        case _:
            return json.dumps(value)


def compact(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


@st.composite
def lines(draw: st.DrawFn, kind: str, account: str, mood: str, *, most: int = 3) -> list[bytes]:
    """The lines of one type in one account, in order."""
    regions = (*REGIONS, "global") if mood != PLAIN or kind == ONCE else REGIONS
    places = draw(st.sets(st.tuples(st.sampled_from(regions), st.sampled_from(IDS)), max_size=most))
    found = []
    for region, identity in sorted(places):
        record = {
            "type": kind,
            "id": identity,
            "account": account,
            "region": region,
            "name": draw(st.sampled_from([None, "a", "é"])),
            "config": draw(configs(mood)),
        }
        tags = draw(st.sampled_from([{}, {"a": "b"}, {"a": "", "b": "x", "$$missing": "y"}, None]))
        if tags is not None:
            record["tags"] = tags
        seed = draw(st.integers(0, 2**16)) if mood == WILD else 0
        found.append(spelled(record, Random(seed)).encode() if seed else compact(record))
    return found


# -------------------------------------------------------------------------------------------------- accounts


@st.composite
def coverages(draw: st.DrawFn, kind: str, mood: str) -> dict[str, Any] | None:
    """Where a type was read and where not; None where nobody asked."""
    places = ["global"] if kind == ONCE else list(REGIONS)
    if mood == PLAIN:
        return {"read": places, "missing": {}}
    return draw(
        st.sampled_from(
            [
                {"read": places, "missing": {}},
                {"read": places, "missing": {}},
                {"read": places[:1], "missing": dict.fromkeys(places[1:], "throttled")},
                {"read": places[:1], "missing": {}},
                {"read": [], "missing": {"*": "denied"}},
                None,
            ]
        )
    )


Estate = Mapping[str, Mapping[str, Any]]  # account → its file as it is written, with `lines` by type beside it


@st.composite
def estates(draw: st.DrawFn, mood: str, accounts: int = 3) -> dict[str, dict[str, Any]]:
    """The accounts of a snapshot."""
    found = {}
    for account in ACCOUNTS[: draw(st.integers(1, accounts))]:
        covered = {kind: draw(coverages(kind, mood)) for kind in CATALOG}
        known = mood == PLAIN or draw(st.integers(0, 4)) > 0
        found[account] = {
            "name": draw(st.sampled_from([None, "main"])),
            "regions": list(REGIONS) if known else {"$missing": "denied: ec2:DescribeRegions"},
            "types": {kind: coverage for kind, coverage in covered.items() if coverage},
            "lines": {
                kind: draw(lines(kind, account, mood)) if coverage["read"] else []
                for kind, coverage in covered.items()
                if coverage
            },
        }
    return found


def write_estate(folder: Path, estate: Estate) -> Path:
    """Write a snapshot's files, with right digests, over those of before."""
    shutil.rmtree(folder, ignore_errors=True)
    digests = {}
    for account, given in estate.items():
        (folder / account).mkdir(parents=True)
        types = {
            kind: {**coverage, **_written(folder / account, kind, given["lines"][kind])}
            for kind, coverage in given["types"].items()
        }
        entry = {"format": 1, "account": account, "name": given["name"], "regions": given["regions"], "types": types}
        (folder / account / "account.json").write_bytes(compact(entry))
        digests[account] = _digest(compact(entry))
    manifest = {
        "format": 1,
        "id": "2026-01-01T00-00-00Z",
        "captured_at": "2026-01-01T00:00:00Z",
        "tool": "test",
        "catalog": _digest(b""),
        "scope": {},
        "accounts": digests,
    }
    (folder / "manifest.json").write_bytes(compact(manifest))
    return folder


def _written(folder: Path, kind: str, lines: Iterable[bytes]) -> dict[str, Any]:
    data = b"".join(line + b"\n" for line in lines)
    if data:
        (folder / f"{kind.replace('::', '-')}.jsonl").write_bytes(data)
    return {"count": data.count(b"\n"), "sha256": _digest(data) if data else None}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# ---------------------------------------------------------------------------------------------------- crowds


def crowd(mood: str, seed: int, size: int) -> dict[str, dict[str, Any]]:
    """An estate with many records that differ little, without the time that drawing each would take."""
    chance = Random(seed)
    places = [(account, kind) for account in ACCOUNTS[: chance.randint(1, 3)] for kind in CATALOG]
    found: dict[str, dict[str, Any]] = {}
    for account, kind in places:
        regions = ["global"] if kind == ONCE else list(REGIONS)
        gap = mood != PLAIN and chance.random() < 0.1
        coverage = {"read": regions[gap:], "missing": dict.fromkeys(regions[:gap], "throttled")}
        entry = found.setdefault(
            account, {"name": chance.choice([None, "main"]), "regions": list(REGIONS), "types": {}, "lines": {}}
        )
        entry["types"][kind] = coverage
        entry["lines"][kind] = [
            _someone(kind, account, region, f"{identity}{number or ''}", mood, chance)
            for region in sorted(coverage["read"])
            for identity, number in sorted(
                ((each, number) for number in range(size) for each in IDS), key=lambda each: f"{each[0]}{each[1] or ''}"
            )
        ]
    return found


def _someone(kind: str, account: str, region: str, identity: str, mood: str, chance: Random) -> bytes:
    fields = ["a", "b", "c"] + ([] if mood == PLAIN else ["$$missing", "$id"])
    config = {name: _something(mood, chance, 2) for name in fields if chance.random() < 0.7}
    tagged = mood == PLAIN or chance.random() < 0.9
    record = {
        "type": kind,
        "id": identity,
        "account": account,
        "region": region,
        "name": chance.choice([None, "a", "é"]),
        "config": whole(config) if mood == PLAIN else config,
        **({"tags": chance.choice([{}, {"a": "b"}, {"a": "", "b": "x"}])} if tagged else {}),
    }
    if mood != WILD or chance.random() < 0.5:
        return compact(record)
    parts = [
        f'"{name}":{spelled(value, chance) if name == "config" else json.dumps(value)}'
        for name, value in record.items()
    ]
    return f"{{{','.join(parts)}}}".encode()


_SOME = (None, True, False, 0, 1, 1.0, 0.0, 3, "", "a", "b", "1", [], {})
_ODD = (-0.0, 1e16, 2**53 + 1, 10**30, "é", "$id", "𝄞", '"\\', 1180591620717411303424)


def _something(mood: str, chance: Random, depth: int) -> Any:
    luck = chance.random()
    if mood != PLAIN and luck < 0.03:
        return {"$missing": chance.choice(["denied", "lost; denied"])}
    if depth and luck < 0.45:
        if chance.random() < 0.5:
            return [_something(mood, chance, depth - 1) for _ in range(chance.randint(0, 3))]
        return {name: _something(mood, chance, depth - 1) for name in "abc" if chance.random() < 0.6}
    return chance.choice(_ODD if mood == WILD and luck > 0.95 else _SOME)


def kinded(estate: Estate, table: Mapping[str, Any], chance: Random) -> Estate:
    """The same with configs whose values are mostly of the kinds that a table has, and every tenth time are not."""
    for entry in estate.values():
        for kind, lines in entry["lines"].items():
            for number, line in enumerate(lines):
                record = json.loads(line)
                record["config"] = {
                    name: _of_kind(each, (table[kind],), chance)
                    for name, each in table[kind].items()
                    if chance.random() < 0.9
                }
                lines[number] = compact(record)
    return estate


def _of_kind(entry: Any, around: tuple[Any, ...], chance: Random) -> Any:
    luck = chance.random()
    if luck < 0.06:
        return _something(PLAIN, chance, 2)
    if luck < 0.1:
        return {"$missing": "denied"} if luck < 0.07 else None
    match entry:
        case "s":
            return chance.choice(["", "a", "b", "x", "é"])
        case "n":
            return chance.choice([0, 1, 3, 1.5, 1.0, 2**70])
        case "b":
            return luck < 0.5
        case int():
            return _of_kind(around[entry], around[entry + 1 :], chance)
        case [item]:
            return [_of_kind(item, around, chance) for _ in range(chance.randint(0, 3))]
        case {"*": item}:
            return {name: _of_kind(item, around, chance) for name in "abc" if chance.random() < 0.6}
    return {name: _of_kind(each, (entry, *around), chance) for name, each in entry.items() if chance.random() < 0.8}
