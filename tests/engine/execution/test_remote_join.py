"""Lookups across a snapshot, and the files behind them: where the quick way could differ from the exact path."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from estates import ACCOUNTS, CATALOG, ONCE, ONE, OTHER, REGIONS, Types, compact, write_estate
from msgspec.structs import replace
from stillframe.engine.compiler import join_key
from stillframe.engine.execution import cache, tasks
from stillframe.engine.execution import exact as exactly
from stillframe.engine.execution import judge as run
from stillframe.engine.execution.judge import judge
from stillframe.engine.language.parser import parse
from stillframe.engine.language.template import Template
from stillframe.engine.model.policy import Assertion, Lookup, Policy, Require, Rollup, Severity, Within
from stillframe.snapshot import open_snapshot, remote, resource_file
from stillframe.snapshot.catalog import steps
from stillframe.snapshot.errors import StillframeError

A, B = ACCOUNTS[:2]
KEPT = "kept"  # beside the snapshot
WAYS = ({"exact": True}, {}, {"cache": KEPT}, {"cache": KEPT})


@pytest.fixture(autouse=True)
def catalogue(monkeypatch) -> Iterator[None]:
    for module in (resource_file, join_key):
        monkeypatch.setattr(module, "load_catalog", lambda: CATALOG)
    join_key._key_reader.cache_clear()
    yield
    join_key._key_reader.cache_clear()


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "2026-01-01T00-00-00Z"


def line(kind: str, account: str, identity: str, config: Mapping[str, Any]) -> bytes:
    record = {"type": kind, "id": identity, "account": account, "region": "eu-west-1", "name": None, "config": config}
    return compact({**record, "tags": {}})


def having(one: Sequence[bytes] = (), other: Sequence[bytes] = ()) -> dict[str, Any]:
    """An account with some resources of two types."""
    types = {kind: {"read": ["global"] if kind == ONCE else list(REGIONS), "missing": {}} for kind in CATALOG}
    lines = {**{kind: [] for kind in CATALOG}, ONE: list(one), OTHER: list(other)}
    return {"name": None, "regions": list(REGIONS), "types": types, "lines": lines}


def policy(identity: str, that: str, theirs: Sequence[str] = (), ours: Sequence[str] = (), **given: Any) -> Policy:
    lookup = Lookup(
        source=OTHER,
        theirs=tuple(map(parse, theirs)),
        ours=tuple(map(parse, ours)),
        where=None,
        within=Within.SNAPSHOT,
        one=False,
    )
    fields = {"resource": ONE, "where": None, "rollup": None, "params": {}, "message": None, "remediation_cli": None}
    return Policy(
        id=identity,
        title="it holds",
        severity=Severity.HIGH,
        assertions=(Assertion(that=parse(that), message=None),),
        lookups={"r": lookup} if theirs else {},
        frameworks={},
        source="p.yaml",
        text=f"{identity} {that} {theirs} {ours}",
        **{**fields, **given},
    )


def judged(path: Path, policies: Sequence[Policy], **method: Any) -> Any:
    try:
        kept = path.parent / KEPT if method.pop("cache", None) else None
        return list(judge(open_snapshot(path), policies, run.Method(few=0, cache=kept, **method)))
    except StillframeError as error:
        return type(error)


def statuses(path: Path, policies: Sequence[Policy], **method: Any) -> list[tuple[str, dict[str, int]]]:
    return [(each.policy, dict(each.counts)) for each in judged(path, policies, **method)]


def same(path: Path, *policies: Policy) -> Any:
    expected, *others = (judged(path, policies, **method) for method in WAYS)
    assert others == [expected] * len(others)
    return expected


def replaced(path: Path, data: bytes, count: int) -> None:
    """Have other bytes in one file, with digests that are right."""
    (path / A / f"{OTHER.replace('::', '-')}.jsonl").write_bytes(data)
    for file, entries, name, values in (
        (path / A / "account.json", "types", OTHER, {"count": count}),
        (path / "manifest.json", "accounts", A, None),
    ):
        content = json.loads(file.read_bytes())
        if values is None:
            content[entries][name] = hashlib.sha256((path / A / "account.json").read_bytes()).hexdigest()
        else:
            content[entries][name] |= {**values, "sha256": hashlib.sha256(data).hexdigest()}
        file.write_bytes(compact(content))


THREE = [line(OTHER, A, identity, {"a": 1}) for identity in "ijk"]


@pytest.mark.parametrize("within", Within)
def test_what_is_referred_to_is_known_where_it_is_there_be_it_kept_or_not(path, monkeypatch, within):
    """A row that `where` refuses needs no exact path; a key without a row does."""
    exact = []
    judge_exactly = exactly.judge
    monkeypatch.setattr(exactly, "judge", lambda *given: exact.append(given[1].id) or judge_exactly(*given))
    ones = [line(ONE, A, each, {"a": {"i": 1, "j": 1, "k": [1, 9]}[each], "b": None, "c": None}) for each in "ijk"]
    write_estate(path, {A: having(ones, [line(OTHER, A, "x", {"a": 1, "b": 2})])})
    given = policy("p", "!$r", ["a"], ["a"])
    refers = replace(given.lookups["r"], within=within, refers=True, among=0, where=parse("b == `1`"))
    listed = replace(refers, ours=(parse("a[] || [a]"),))
    (found,) = same(path, replace(given, lookups={"r": listed}))
    assert found.counts == {"pass": 2, "unknown": 1}
    assert exact == ["k"] * 2  # once by each way of three that is compiled, and once remembered


@pytest.mark.parametrize(
    ("data", "count", "is_right"),
    [
        (b"\n".join(THREE) + b"\n", 3, True),
        (b"\n".join(THREE), 3, True),
        (b"\r\n".join(THREE) + b"\r\n", 3, True),
        (b" " + THREE[0] + b" \n", 1, True),
        (THREE[0] + THREE[1] + b"\n\n", 2, False),
        (THREE[0] + b"\n\n" + THREE[1] + b"\n", 3, False),
        (THREE[0] + b"\n\n" + THREE[1] + b"\n", 2, False),
        (THREE[0].replace(b'"config":{', b'"config":\n{') + b"\n" + THREE[1] + THREE[2] + b"\n", 3, False),
        (
            THREE[0].replace(b'"config":{}', b'"config":{}').replace(b",", b",\n", 1) + b"\n" + THREE[1] + b"\n",
            2,
            False,
        ),
        (b"\n", 1, False),
        (THREE[0] + b"\n\n", 2, False),
    ],
)
@pytest.mark.parametrize("together", [1, 1 << 20])
def test_a_line_is_a_record(path, monkeypatch, data, count, is_right, together):
    monkeypatch.setattr("stillframe.snapshot.model.TOGETHER", together)
    write_estate(path, {A: having(other=THREE)})
    replaced(path, data, count)
    assert isinstance(same(path, policy("p", "a == `1`", resource=OTHER)), list) is is_right


def test_what_is_said_of_all_accounts_is_said_by_one_of_them_and_anew_where_another_changes(path):
    every = policy("p", "a == `1`", rollup=Rollup(per=Within.SNAPSHOT, require=Require.ALL))
    groups = Rollup(per=Within.SNAPSHOT, require=Require.ALL, by=parse("b"))
    for last, expected in ((1, {"pass": 1}), (2, {"fail": 1}), (1, {"pass": 1})):
        shutil.rmtree(path, ignore_errors=True)
        lines = {A: [line(ONE, A, "i", {"a": 1, "b": "x"})], B: [line(ONE, B, "j", {"a": last, "b": "x"})]}
        write_estate(path, {account: having(given) for account, given in lines.items()})
        for each in (every, replace(every, rollup=groups, text="by b")):
            (found,) = same(path, each)
            assert (found.account, found.counts) == (A, expected)
            assert judged(path, [each], workers=2) == [found]


def test_targets_with_other_fields_are_others(path):
    write_estate(
        path,
        {
            A: having(one=[line(ONE, A, "i", {"a": "x"})]),
            B: having(other=[line(OTHER, B, "i", {"a": ["x"], "b": "x"})]),
        },
    )
    one = policy("p", "length($r) == `0`", ["a [0]"], ["a"])
    two = policy("q", "length($r) == `0`", ["a", "[0]"], ["a", "a"])
    same(path, one, two)
    assert statuses(path, [one, two]) == statuses(path, [one]) + statuses(path, [two])


@pytest.mark.parametrize("theirs", ["split(a, ':')[0]", "not_null(a, b)", "length(a)", "to_number(a)", "map(&a, c)"])
@pytest.mark.parametrize("value", ["x:y", 5, None, {"$missing": "denied"}])
@pytest.mark.parametrize("where", [None, "a == 'never'"])
def test_rows_may_be_found_by_what_functions_make_of_them(path, theirs, value, where):
    """Where a row has no such value, whoever looks gets the error, and nobody else."""
    write_estate(
        path,
        {
            A: having(one=[line(ONE, A, "i", {"a": "x"})]),
            B: having(other=[line(OTHER, B, "i", {"a": value, "b": "x", "c": []})]),
        },
    )
    same(path, policy("p", "length($r) == `0`", [theirs], ["a"], where=parse(where) if where else None))


def test_what_rows_are_found_by_may_change_with_time(tmp_path):
    estate = {
        A: having(one=[line(ONE, A, "i", {"a": 1})]),
        B: having(other=[line(OTHER, B, "i", {"a": "2025-12-31T00:00:00Z"})]),
    }
    found = []
    for day in ("2026-01-01", "2026-01-02"):
        path = write_estate(tmp_path / f"{day}T00-00-00Z", estate)
        manifest = json.loads((path / "manifest.json").read_bytes())
        (path / "manifest.json").write_bytes(compact({**manifest, "id": path.name, "captured_at": f"{day}T00:00:00Z"}))
        found.append(same(path, policy("p", "length($r) == `0`", ["days_since(a)"], ["a"])))
    assert [dict(batch.counts) for batches in found for batch in batches] == [{"fail": 1}, {"pass": 1}]


ABSENT = {
    A: having(one=[line(ONE, A, "i", {"a": "x", "b": {"c": 1}, "c": []})]),
    B: having(other=[line(OTHER, B, "i", {"z": "x"})]),
}


def test_another_catalogue_may_say_that_a_field_was_lost(path, monkeypatch):
    """A row without the field is no row of ours; where AWS always sends it, it may be anybody's."""
    given = policy("p", "length($r) == `0`", ["a"], ["a"])
    write_estate(path, ABSENT)
    assert [dict(batch.counts) for batch in same(path, given)] == [{"pass": 1}]
    changed = Types({**CATALOG, OTHER: replace(CATALOG[OTHER], always=(steps("a"),))})
    for module in (resource_file, join_key):
        monkeypatch.setattr(module, "load_catalog", lambda: changed)
    monkeypatch.setattr(cache, "catalog_digest", lambda: "another")
    join_key._key_reader.cache_clear()
    assert [dict(batch.counts) for batch in same(path, given)] == [{"unknown": 1}]


def test_what_killed_runs_left_half_written_is_removed_after_a_day(path):
    write_estate(path, ABSENT)
    folder = path.parent / KEPT
    folder.mkdir(mode=0o700)
    for name, hours in ((".old", 25), (".new", 23)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - hours * 3600,) * 2)
    judged(path, [policy("p", "length($r) == `0`", ["a"], ["a"])], cache=KEPT)
    assert [file.name for file in folder.glob(".*")] == [".new"]


@pytest.mark.parametrize("name", ["_FORMAT", "catalog_digest", "kinds_digest"])
def test_another_version_believes_nothing_of_what_is_kept(path, monkeypatch, name):
    given = policy("p", "length($r) == `0`", ["a"], ["a"])
    write_estate(path, ABSENT)
    same(path, given)
    files = [file.name for file in (path.parent / KEPT).iterdir()]
    noted, whole = [], tasks.judge_account
    monkeypatch.setattr(tasks, "judge_account", lambda *given: noted.append(given) or whole(*given))
    judged(path, [given], cache=KEPT)
    assert noted == []
    monkeypatch.setattr(cache, name, "another" if name.isupper() else lambda: "another")
    judged(path, [given], cache=KEPT)
    assert len(noted) == len(ABSENT)
    assert [file.name for file in (path.parent / KEPT).iterdir()] == files


@pytest.mark.parametrize("method", [{}, {"cache": KEPT}])
def test_files_are_read_few_times_whatever_is_unknown(tmp_path, monkeypatch, method):
    """One row with an unknown key in each account could be anybody's: it is asked for once, not by every key."""
    reads, whole = [], remote.read_file

    def noting(path, *most):
        reads.append(path)
        return whole(path, *most)

    monkeypatch.setattr(remote, "read_file", noting)
    numbers = []
    for accounts in (8, 16):
        estate = {
            (name := f"{number:012}"): having(
                one=[line(ONE, name, f"i{each}", {"a": f"{number}-{each}"}) for each in range(9)],
                other=[line(OTHER, name, "i", {"a": {"$missing": "denied"}})],
            )
            for number in range(accounts)
        }
        shutil.rmtree(tmp_path / KEPT, ignore_errors=True)
        path = write_estate(tmp_path / "2026-01-01T00-00-00Z", estate)
        reads.clear()
        found = judged(path, [policy("p", "length($r) == `0`", ["a"], ["a"])], **method)
        numbers.append(len(reads))
        assert {status for batch in found for status in batch.counts} == {"unknown"}
    assert numbers[1] <= 2 * numbers[0] + 8


def test_many_rows_of_one_account_are_asked_for_in_time_that_grows_with_them(tmp_path, monkeypatch):
    """What an account has for others is put in order once, not for every key."""
    from stillframe.engine.execution import key_digests

    tables, whole = [], key_digests.Offer.table
    monkeypatch.setattr(key_digests.Offer, "table", lambda self: tables.append(self) or whole(self))
    estate = {
        A: having(one=[line(ONE, A, f"i{each:03}", {"a": str(each)}) for each in range(200)]),
        B: having(other=[line(OTHER, B, f"i{each:03}", {"a": str(each)}) for each in range(200)]),
    }
    path = write_estate(tmp_path / "2026-01-01T00-00-00Z", estate)
    same(path, policy("p", "length($r) == `1`", ["a"], ["a"]))
    assert len(tables) <= 4


ALIKE = [
    {},
    *({"a": value} for value in (None, {}, {"b": None}, {"b": {}}, {"b": []}, {"c": 1}, [], "b")),
    *(
        {"a": {"b": value}}
        for value in (0, False, 1, True, 1.0, 10**30, "", "1", "x", [None], [1], {"c": None}, {"c": 1})
    ),
]


@pytest.mark.parametrize(
    "that",
    [
        "a.[b]",
        "a.{x: b}",
        "a.[b, c]",
        "a.b",
        "a.b.c",
        "a.b.[c]",
        "a.b == `1`",
        "!(a.[b])",
        "a == `{}`",
        "b",
        "a.b[0]",
        "a.b || a",
        "not_null(a.b, a) == `{}`",
    ],
)
@pytest.mark.parametrize("through", [None, Within.REGION, Within.ACCOUNT, Within.SNAPSHOT])
def test_what_is_remembered_of_one_record_is_not_said_of_another(path, that, through):
    """Records that are alike but for null, an object without fields, and what Python takes for equal."""
    configs = [ALIKE[number % len(ALIKE)] for number in range(2 * len(ALIKE))]
    rows = [line(OTHER, A, f"i{number:03}", {"k": number, **each}) for number, each in enumerate(configs)]
    ones = [line(ONE, A, f"i{number:03}", {"k": number, "a": 1, "b": None}) for number in range(len(configs))]
    write_estate(path, {A: having(one=ones, other=rows)})
    text = template(that if through is None else f"$r[].[{that}]")
    if through is None:
        given = policy("p", that, resource=OTHER, message=text)
    else:
        given = policy("p", f"$r[?{that}]", ["k"], ["k"], message=text)
        given = replace(given, lookups={"r": replace(given.lookups["r"], within=through)})
    judged_alike(path, given)


def judged_alike(path: Path, given: Policy) -> Any:
    """The same, of a snapshot that no path refuses."""
    found = same(path, given)
    assert isinstance(found, list)
    return found


def template(hole: str) -> Template:
    return Template(("", parse(hole), ""), (0,))


@pytest.mark.parametrize(
    "that", ["$id != 'i'", "$name", "$region == 'eu-west-1'", "$account == '1'", "$tags.a", "$tags"]
)
@pytest.mark.parametrize("row", [False, True])
def test_what_is_remembered_of_one_record_is_not_said_of_its_namesake_elsewhere(path, that, row):
    """Records whose configs are the same, in two accounts and two regions, of two names and with other tags."""
    estate = {
        account: having(
            one=[line(ONE, account, "i", {"a": 1, "b": None})],
            other=[
                compact(
                    {**json.loads(line(OTHER, account, identity, {"a": 1})), "region": at, "name": name, "tags": tags}
                )
                for at in REGIONS
                for identity, name, tags in (("i", "n", {}), ("j", None, {"a": "b"}), ("k", None, {"a": ""}))
            ],
        )
        for account in (A, B)
    }
    write_estate(path, estate)
    if row:
        of_rows = that.replace("$", "@.$", 1)
        judged_alike(
            path, policy("p", f"length($r[?{of_rows}]) == `1`", ["a"], ["a"], message=template(f"$r[?{of_rows}].$id"))
        )
    else:
        judged_alike(path, policy("p", that, resource=OTHER, message=template(that.partition(" ")[0])))


@pytest.mark.parametrize("within", Within)
@pytest.mark.parametrize("where", [None, "b == `1`", "b == $params.n"])
@pytest.mark.parametrize("refers", [False, True])
def test_a_row_that_is_not_plain_hides_no_other(path, within, where, refers):
    """Each of ours finds its own row, no row, a row of which something is unknown, or one of an unknown key."""
    rows = [{"a": "x", "b": 1}, {"a": "y", "b": {"$missing": "denied"}}, {"a": "z", "b": 2}, {"a": None, "b": 1}]
    for lost in ([], [{"a": {"$missing": "denied"}, "b": 1}]):
        other = [line(OTHER, A, f"i{number}", each) for number, each in enumerate([*rows, *lost])]
        ones = [
            line(ONE, A, f"i{number}", {"a": each, "b": None})
            for number, each in enumerate(["absent", None, "x", "y", "z"])
        ]
        write_estate(path, {A: having(one=ones, other=other), B: having()})
        for that in ("length($r) == `1`", "!$r"):
            given = policy("p", that, ["a"], ["a"], params={"n": 1})
            lookup = replace(given.lookups["r"], within=within, refers=refers, where=parse(where) if where else None)
            judged_alike(path, replace(given, lookups={"r": lookup}))


@pytest.mark.parametrize("within", Within)
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"read": ["eu-west-1"]},
        {"read": ["eu-west-1"], "missing": {"us-east-1": "denied"}},
        {"read": [], "missing": {"*": "denied"}},
        {"read": ["global"]},
        {"read": ["us-east-1"]},
        {"read": ["eu-west-1", "global"]},
    ],
)
@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("where", ["eu-west-1", "global"])
def test_a_lookup_knows_what_of_its_rows_was_not_listed(path, within, change, one, where):
    record = {**json.loads(line(OTHER, A, "i", {"a": "x"})), "region": where}
    rows = [compact(record)] if "eu-west-1" in change.get("read", REGIONS) else []
    ones = [line(ONE, A, f"i{each}", {"a": each, "b": None}) for each in ["x", "y"]]
    account = having(one=ones, other=rows)
    account["types"][OTHER] |= change
    write_estate(path, {A: account, B: having()})
    for that in ("$r", "!$r") if not one else ("$r.a == 'x'", "!($r.a)"):
        given = policy("p", that, ["a"], ["a"])
        judged_alike(path, replace(given, lookups={"r": replace(given.lookups["r"], within=within, one=one)}))


@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("account", [A, B, "999999999999", None])
def test_a_row_of_an_account_that_is_not_in_the_snapshot_may_be_there(path, account, one):
    ones = [line(ONE, A, "i", {"a": "x", "b": account})]
    write_estate(path, {A: having(one=ones, other=[line(OTHER, A, "i", {"a": "x"})]), B: having()})
    given = policy("p", "!$r" if not one else "$r.a", ["a", "@.$account"], ["a", "b"])
    found = judged_alike(path, replace(given, lookups={"r": replace(given.lookups["r"], one=one)}))
    expected = {A: "pass" if one else "fail", "999999999999": "unknown"}.get(account, "unknown" if one else "pass")
    assert [dict(batch.counts) for batch in found] == [{expected: 1}]


@pytest.mark.parametrize("that", ["b", "b == `{}`", "c", "c == `[{}]`", "length(c) == `1`", "c[].a", "b.c", "a", "@"])
@pytest.mark.parametrize(
    "config",
    [
        {"a": 1, "b": {}},
        {"a": 1, "b": {"d": 1}, "c": []},
        {"a": 1, "b": {"c": None}, "c": [{}]},
        {"a": 1, "b": None, "c": [{"a": 1}, {"b": 1}]},
        {"a": 1, "b": [{}], "c": {"a": 1}},
        {"b": 1, "c": [[{}], 7, None]},
    ],
)
def test_what_aws_always_sends_is_missed_however_deep_it_is(path, that, config):
    whole = {"a": 1, "b": {"c": 1}, "c": [{"a": 1}]}
    write_estate(path, {A: having(one=[line(ONE, A, "i", config), line(ONE, A, "j", whole)])})
    judged_alike(path, policy("p", that, message=template(that)))
