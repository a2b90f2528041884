"""Run the benchmarks: `python -m bench`, `make bench`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from .cis import cis
from .cluster import cluster
from .floor import floor
from .incremental import incremental
from .rounds import BenchError
from .run import Settings, dense, full, startup, tenth
from .scaling import scaling
from .snapshots import CACHE
from .tables import Table, machine, on_terminal, write

PARTS: Mapping[str, Callable[[Settings], Table]] = {
    "startup": startup,
    "tenth": tenth,
    "full": full,
    "dense": dense,
    "floor": floor,
    "scaling": scaling,
    "cluster": cluster,
    "incremental": incremental,
    "cis": cis,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure Stillframe beside other ways to judge."
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="a smoke test: small snapshots, one run")
    parser.add_argument("--runs", type=int, default=5, help="runs of each contender (default: 5)")
    parser.add_argument(
        "--slow-runs", type=int, default=2, help="runs of the slow ones (default: 2); 0 leaves them out"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    default = Path(tempfile.gettempdir()) / "stillframe-bench"
    parser.add_argument("--into", type=Path, default=default, help=f"where snapshots are kept (default: {default})")
    options = parser.parse_args()
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"no such part: {', '.join(unknown)}; choose from {', '.join(PARTS)}")
    os.environ["XDG_CACHE_HOME"] = str(options.into / CACHE)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # installed modules were compiled once, not at each start
    out, err = Console(), Console(stderr=True)
    runs, slow = (1, 1) if options.quick else (options.runs, options.slow_runs)
    with err.status("") as status:
        say = status.update if err.is_terminal else err.print
        settings = Settings(into=options.into, runs=runs, slow_runs=slow, quick=options.quick, say=say)
        settings.into.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in options.parts or PARTS:
            try:
                table = PARTS[part](settings)
            except BenchError as error:
                sys.exit(f"error: {error}")
            out.print(on_terminal(table), "")
            if options.write:
                write(table)
    out.print(machine())


if __name__ == "__main__":
    main()
