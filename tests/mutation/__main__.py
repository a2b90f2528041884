"""Mutation testing of the engine: does a test fail for every small mistake that could be in it?

    .venv/bin/python tests/mutation                         # every mutant of every group: hours
    .venv/bin/python tests/mutation --sample 40             # some of each group, by --seed
    .venv/bin/python tests/mutation --module engine/judging/rollup.py

A mutant is killed by the first of its group's tests that fails, that takes many times as long, or that cannot be
imported. Those that survive are printed as they are found, and excused in groups.yaml, where nothing can tell them
from the original. It tests the checkout that is installed in the environment of the Python that runs it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from itertools import accumulate
from pathlib import Path

import yaml
from child import Seen, judge, survey, warm_up
from mutant import Mutant, mutants

HERE = Path(__file__).parent
ENOUGH = 15.0  # seconds of tests for one mutant, as they take while they are watched
COLUMNS = ("mutants", "killed", "timeout", "excused", "survived")


def main() -> int:
    options = _options()
    spec = importlib.util.find_spec("stillframe")
    assert spec, "install the checkout first"
    os.chdir(root := Path(spec.origin).parent)
    warm_up()
    data = yaml.safe_load(options.groups.read_text())
    excuses = {(path, *map(str, each[:-1])) for path, entries in data["excuses"].items() for each in entries}
    totals: dict[str, Counter[str]] = {}
    met: set[tuple[str, ...]] = set()
    for name, group in data["groups"].items():
        chosen = _chosen(root, name, group["modules"], options)
        if chosen:
            totals[name] = counts = Counter()
            for mutant, became in _outcomes(root, chosen, group["tests"]):
                outcome = "excused" if became == "survived" and mutant.key in excuses else became
                if became == "survived":
                    met.add(mutant.key)
                if outcome == "survived" or options.verbose:
                    print(_shown(mutant, outcome), flush=True)
                counts.update([outcome, "mutants"])
            print(_table({name: counts}), flush=True)
    print(_table(totals))
    for excuse in () if options.sample or options.module else sorted(excuses - met):
        print(f"nothing needs this excuse: {excuse}")
    return any(counts["survived"] for counts in totals.values())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", action="append", help="only these, as patterns: engine/packs/*.py")
    parser.add_argument("--sample", type=int, help="so many of each group")
    parser.add_argument("--seed", default="1", help="which sample (default: %(default)s)")
    parser.add_argument("--groups", type=Path, default=HERE / "groups.yaml", help="what to mutate, and what excuses it")
    parser.add_argument("--verbose", action="store_true", help="show those that were killed, too")
    return parser.parse_args()


def _chosen(root: Path, name: str, patterns: Sequence[str], options: argparse.Namespace) -> list[Mutant]:
    wanted = options.module or ["*"]
    paths = [str(path.relative_to(root)) for pattern in patterns for path in sorted(root.glob(pattern))]
    found = [mutant for path in paths if any(fnmatch(path, each) for each in wanted) for mutant in mutants(root, path)]
    if options.sample is None or options.sample >= len(found):
        return found
    picked = random.Random(f"{options.seed} {name}").sample(range(len(found)), options.sample)
    return [found[at] for at in sorted(picked)]


def _outcomes(root: Path, chosen: Sequence[Mutant], tests: Sequence[str]) -> Iterator[tuple[Mutant, str]]:
    files = [str(path.relative_to(root)) for pattern in tests for path in sorted(root.glob(pattern))]
    with tempfile.TemporaryDirectory() as scratch:
        seen = survey(files, {str(root / mutant.path) for mutant in chosen}, Path(scratch))
        for mutant in chosen:
            yield mutant, judge(_module(mutant.path), mutant.code(), _relevant(mutant, root, seen), Path(scratch))


def _module(path: str) -> str:
    return ".".join(("stillframe", *Path(path).with_suffix("").parts)).removesuffix(".__init__")


def _relevant(mutant: Mutant, root: Path, seen: Mapping[str, Seen]) -> dict[str, float]:
    """The tests to run, each with its seconds, the quickest first: those that were seen on the lines.

    Where none was, since a fixture, a cache, an import or another process ran them, those that were seen in the module,
    or else all. Whoever takes longest comes too late.
    """
    path, lines = str(root / mutant.path), set(mutant.lines)
    there = [test for test, each in seen.items() if path in each.lines]
    found = [test for test in there if not lines.isdisjoint(seen[test].lines[path])]
    by_time = sorted(found or there or seen, key=lambda test: seen[test].seconds)
    until = accumulate(seen[test].seconds for test in by_time)
    return {test: seen[test].seconds for test, spent in zip(by_time, until, strict=True) if spent < ENOUGH}


def _shown(mutant: Mutant, outcome: str) -> str:
    return f"{mutant.path}:{mutant.lines.start} {mutant.function} {outcome}\n  - {mutant.before}\n  + {mutant.after}"


def _table(totals: Mapping[str, Counter[str]]) -> str:
    every = sum(totals.values(), Counter())
    rows = [f"{'':12}" + "".join(f"{column:>10}" for column in (*COLUMNS, "score"))]
    for name, counts in (*totals.items(), ("all", every)):
        caught, told = counts["killed"] + counts["timeout"], counts["mutants"] - counts["excused"]
        score = f"{100 * caught / told:9.1f}%" if told else ""
        rows.append(f"{name:12}" + "".join(f"{counts[column]:>10}" for column in COLUMNS) + score)
    return "\n".join(rows)


if __name__ == "__main__":
    started = time.monotonic()
    code = main()
    print(f"{time.monotonic() - started:.0f} s")
    sys.exit(code)
