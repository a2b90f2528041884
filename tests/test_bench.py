"""The benchmark's snapshots hold what they say, and every contender finds the same in them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from stillframe.engine.compiler.join_key import Decoder
from stillframe.engine.judging.evaluate import evaluate
from stillframe.snapshot import open_snapshot

from bench import dense, fleet, floor
from bench.run import DENSE, NINE, load, types

SCALE = 0.003  # three accounts


@pytest.fixture(scope="module", params=["nine", "dense"])
def workload(request, tmp_path_factory) -> tuple[Path, Path, dict]:
    """A snapshot, the folder of its policies, and the verdicts of ours."""
    archive = tmp_path_factory.mktemp("bench")
    nine = request.param == "nine"
    path = fleet.build(fleet.Fleet(scale=SCALE), archive) if nine else dense.build(60, archive)
    policies = NINE if nine else DENSE
    judged = evaluate(open_snapshot(path), load(policies))
    return path, policies, {(found.policy, *found.identity): found.status.value for found in judged}


def test_the_fleet_fails_as_often_as_it_was_made_to(workload):
    _, policies, verdicts = workload
    failed = Counter(policy for (policy, *_), status in verdicts.items() if status == "fail")
    judged = Counter(policy for (policy, *_), status in verdicts.items() if status != "not_applicable")
    if policies == NINE:
        assert {policy: (failed[policy], judged[policy]) for policy in judged} == fleet.expected(SCALE)
    else:
        assert len(judged) == 20
        assert 0.1 < failed.total() / judged.total() < 0.2
    assert set(verdicts.values()) == {"pass", "fail", "not_applicable"}


@pytest.mark.parametrize("name", ["jmespath", "duckdb", "duckdb_long"])
def test_contenders_agree_with_us(workload, tmp_path, name):
    pytest.importorskip("orjson")
    pytest.importorskip(name.partition("_")[0])
    from bench.contenders import __main__ as contenders

    path, policies, verdicts = workload
    contenders.contender(name)(path, policies, types(policies), tmp_path / "out.jsonl")
    rows = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    identity = ("policy", "account", "policy", "region", "type", "resource")
    assert {tuple(row[field] for field in identity): row["status"] for row in rows} == verdicts


@pytest.mark.parametrize("step", floor.STEPS)
def test_a_step_of_the_floor_reads_every_file_and_writes_as_much_as_it_is_told(workload, tmp_path, monkeypatch, step):
    path, policies, _ = workload
    decoded, together = [], Decoder.together

    def noting(self, data):
        decoded.append(together(self, data))
        return decoded[-1]

    monkeypatch.setattr(Decoder, "together", noting)
    floor.main(step, str(path), str(policies), "5000", str(tmp_path / "out"))
    lines = sum(len(path.read_bytes().splitlines()) for path in files_of(path, types(policies)))
    assert sum(map(len, decoded)) == (lines if step in ("decode", "write") else 0)
    assert (tmp_path / "out").exists() is (step == "write")
    if step == "write":
        assert (tmp_path / "out").stat().st_size == 5000


def files_of(snapshot: Path, kinds: list[str]) -> list[Path]:
    names = [f"{kind.replace('::', '-')}.jsonl" for kind in kinds]
    return [path for path in snapshot.glob("*/*.jsonl") if path.name in names]


def test_the_fleet_is_the_same_every_time_and_a_change_is_small(tmp_path):
    def digests(**differences) -> tuple[str, dict[str, str]]:
        path = fleet.build(fleet.Fleet(scale=SCALE / 2, **differences), tmp_path / str(len(list(tmp_path.iterdir()))))
        data = (path / "manifest.json").read_bytes()
        return data, json.loads(data)["accounts"]

    (first, accounts), (second, _), (_, changed) = digests(), digests(), digests(changed=0.5)
    assert first == second
    assert sum(accounts[account] != changed[account] for account in accounts) == 1
