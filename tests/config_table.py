"""What an import of AWS Config decides of each policy, by the policy's own examples: a table for docs/aws-config.md.

    python tests/config_table.py

Of every example that a live collection decides, the same state is imported, from files that our encoder makes.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from builders import shipped
from config_items import Encoder, deliver, items
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.loading.pack_files import load_packs
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.importing.aws_config import import_aws_config
from stillframe.snapshot.resource import id_of

TIME = datetime(2026, 1, 1, tzinfo=UTC)
DECIDED = ("pass", "fail")
PACKS = {"logging": "logging", "cis-aws-5.0.0": "CIS 5.0.0", "aws-fsbp": "Security Hub"}


def encodable(given) -> bool:
    """Whether all of it has what identifies it, as AWS's has."""
    return not any(
        isinstance(rows, list) and any(id_of(load_catalog()[kind], row) is None or "$id" in row for row in rows)
        for kind, rows in given.items()
        if load_catalog()[kind].config and kind != "AWS::Account"
    )


def counts(policy, folder: Path) -> tuple[int, int]:
    """Of how many findings that a live collection decides the import decides as many, and of how many in all."""
    same = whole = 0
    for number, test in enumerate(policy.tests):
        if "params" in test or not encodable(test["given"]):
            continue
        live = fixture(test["given"])
        into = folder / f"{policy.id}-{number}"
        paths = deliver(into, items(live, Encoder(), TIME), TIME)
        regions = {region for identity in live.accounts for region in live.account(identity).regions}
        found = evaluate(open_snapshot(import_aws_config(paths, into / "into", regions=regions).path), [policy])
        statuses = {each.identity: each.status.value for each in found}
        decided = [each for each in evaluate(live, [policy]) if each.status.value in DECIDED]
        whole += len(decided)
        same += sum(statuses.get(each.identity) == each.status.value for each in decided)
    return same, whole


def word(same: int, whole: int) -> str:
    return "decided" if same == whole else "partly" if same else "unknown"


def rows(folder: Path) -> Iterator[str]:
    """Lines of Markdown: each policy of the three packs, those that stay unknown by name alone."""
    packs = {title: {*members(name)} for name, title in PACKS.items()}
    found = defaultdict(list)
    for policy in shipped():
        where = [title for title, ids in packs.items() if policy.id in ids]
        if where:
            same, whole = counts(policy, folder)
            found[word(same, whole)].append((policy.id, ", ".join(where), f"{same} of {whole}"))
    yield from ("| Policy | Packs | By an import | Findings of its examples |", "|---|---|---|--:|")
    for answer in ("decided", "partly"):
        for each in found[answer]:
            yield f"| `{each[0]}` | {each[1]} | {answer} | {each[2]} |"
    yield from ("", "Unknown are " + ", ".join(f"`{each[0]}`" for each in found["unknown"]) + ".")


def members(name: str) -> set[str]:
    """The policies of a pack that ships."""
    return {ask.policy for pack in load_packs([name]) for ask in pack.asks()}


if __name__ == "__main__":
    os.fsync = lambda _: None  # nothing of it is kept
    with tempfile.TemporaryDirectory() as place:
        print(*rows(Path(place)), sep="\n")
