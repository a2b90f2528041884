"""Start one contender; only what it needs itself is imported."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

NAMES = ("orjson", "jmespath", "duckdb", "duckdb_long")
Run = Callable[[Path, Path, Sequence[str], Path], None]  # snapshot, policies, the types they read, file to write


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.contenders")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--snapshot", type=Path, required=True)
    parser.add_argument("--policies", type=Path, required=True)
    parser.add_argument("--types", required=True, help="the resource types that the policies read, with commas")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    contender(options.name)(options.snapshot, options.policies, options.types.split(","), options.out)


def contender(name: str) -> Run:
    run: Run = import_module(f".with_{name}", __package__).run
    return run


if __name__ == "__main__":
    main()
