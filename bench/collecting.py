"""Collecting, measured: many accounts of a stand-in through a network that takes its time.

    python -m bench.collecting            # 200 accounts × 17 regions: calls, calls made twice, memory, time
    python -m bench.collecting whole      # every resource type in a few accounts: memory
    python -m bench.collecting latency    # the wall time beside the least that it could be

A proxy stands between, which asks the stand-in once for each call and gives every account its own answer. It waits
30 ms before each, as a network does. Every row is a process of its own, which counts its own memory and CPU.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.collector import clients, demo
from stillframe.snapshot.collector.clients import Clients
from stillframe.snapshot.collector.collect import collect

from bench.proxy import proxy, told

LATENCY = 0.03
BY_HAND = 40  # calls of each thread that does nothing else
AGAIN = ("GetCallerIdentity", "GenerateCredentialReport")  # to see who is calling, and until it is ready
WARM = 2  # accounts: the stand-in answers once for all


def main(part: str = "fleet", *options: str) -> None:
    if part == "one":
        print(json.dumps(one(*options)))
        return
    with demo.stand_in() as url, tempfile.TemporaryDirectory() as folder:
        for label, row in PARTS[part](url, Path(folder)):
            print(f"{label}: " + ", ".join(f"{name} {value}" for name, value in row.items()), flush=True)


def fleet(url: str, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for accounts in (50, 200):
        yield f"{accounts} accounts", measured(url, folder, accounts, workers=16)


def whole(url: str, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for accounts in (4, 8):
        yield f"{accounts} accounts, every type", measured(url, folder, accounts, workers=16, every=True)


def latency(url: str, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for workers in (2, 4, 8, 16):
        yield f"{workers} at once", measured(url, folder, 16, workers=workers)


def measured(url: str, folder: Path, accounts: int, *, workers: int, every: bool = False) -> dict[str, Any]:
    """One collection in a process of its own, after one that lets the proxy hear every answer."""
    log = folder / f"{accounts}-{workers}.log"
    with proxy(url, log, replay=True, latency=LATENCY) as front:
        kind = "every" if every else "some"
        run(front, WARM, workers, kind)
        before = len(told(log))
        row = run(front, accounts, workers, kind)
        asked = [(account, call) for _, account, call in told(log)[before : -workers * BY_HAND - 1]]
        asked = [one for one in asked if not any(call in one[1] for call in AGAIN)]
    twice = sum(number - 1 for number in Counter(asked).values())
    least = len(asked) * LATENCY / workers
    return {
        "calls": f"{len(asked):,}",
        "made twice": twice,
        "wall": f"{row['wall']:.1f} s",
        "of the least": f"{row['wall'] / least:.2f}",
        "of as many calls by hand": f"{row['wall'] / (row['by_hand'] * len(asked) / workers):.2f}",
        "CPU a call": f"{row['cpu'] / len(asked) * 1000:.1f} ms",
        "memory": f"{row['memory']:.0f} MB",
    }


def run(front: str, accounts: int, workers: int, kind: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.collecting", "one", front, str(accounts), str(workers), kind]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found


def one(front: str, accounts: str, workers: str, kind: str) -> dict[str, float]:
    clients.ATTEMPTS = 1  # what the stand-in does not know it answers with 500
    named = [f"{100_000_000_000 + number * 7_919:012}" for number in range(int(accounts))]
    catalog = load_catalog() if kind == "every" else demo.types()
    with tempfile.TemporaryDirectory() as archive:
        begun, cpu = time.monotonic(), time.process_time()
        collect(
            archive,
            session=demo.session(),
            accounts=named,
            catalog=catalog,
            endpoint_url=front,
            workers=int(workers),
        )
        wall, cpu = time.monotonic() - begun, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": wall, "cpu": cpu, "memory": memory, "by_hand": by_hand(front, int(workers))}


def by_hand(front: str, workers: int) -> float:
    """Seconds for a call of a thread that does nothing but call, where so many do: what the machine can send."""
    client = Clients(demo.session(), front, workers)("kms", demo.HOME)
    client.list_keys()
    threads = [threading.Thread(target=lambda: [client.list_keys() for _ in range(BY_HAND)]) for _ in range(workers)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.monotonic() - begun) / BY_HAND


Part = Callable[[str, Path], Iterator[tuple[str, dict[str, Any]]]]
PARTS: dict[str, Part] = {"fleet": fleet, "whole": whole, "latency": latency}

if __name__ == "__main__":
    main(*sys.argv[1:])
