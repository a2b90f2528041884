"""The policies as SQL, with one thread. Its rows have the verdict and whom it is about, and no message or evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import duckdb

SQL = Path(__file__).parent / "sql"
DENSE = Path(__file__).parent.parent / "policies"
LENGTHS = {"dense": 423, "nine": 776}  # of our lines, on average
REST = ", repeat('x', {} - 106 - length(concat(policy, account, region, resource))) AS rest"


def run(
    snapshot: Path,
    policies: Path,
    types: Sequence[str],  # noqa: ARG001 - one signature
    out: Path,
    long: bool = False,
) -> None:
    name = "dense" if policies.resolve() == DENSE.resolve() else "nine"
    script = (SQL / f"{name}.sql").read_text().replace("/* REST */", REST.format(LENGTHS[name]) if long else "")
    time = json.loads((snapshot / "manifest.json").read_bytes())["captured_at"]
    for word, value in (("SNAPSHOT", str(snapshot)), ("OUT", str(out)), ("TIME", time.rstrip("Z"))):
        script = script.replace(f"'{word}", "'" + value.replace("'", "''"))
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1; SET preserve_insertion_order = false")
        connection.execute(script)
