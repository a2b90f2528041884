"""The structure of the product by its imports: rooms, arrows, cycles and sizes. `python tests/rooms.py` prints it.

A room is a folder of modules, or a module of the engine that lies beside its folders.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import grimp

ROOT = Path(__file__).parent.parent
PACKAGE = "stillframe"
Arrow = tuple[str, str]


def arrows() -> Mapping[Arrow, Sequence[str]]:
    """Each arrow from one room to another, and the imports that make it."""
    graph = grimp.build_graph(PACKAGE, include_external_packages=False, cache_dir=None)
    folders = {each for each in graph.modules if graph.find_children(each)}
    found: dict[Arrow, list[str]] = {}
    for module in sorted(graph.modules - {PACKAGE}):
        for other in sorted(graph.find_modules_directly_imported_by(module) - {PACKAGE}):
            arrow = _room(module, folders), _room(other, folders)
            if arrow[0] != arrow[1]:
                found.setdefault(arrow, []).append(f"{module} imports {other}")
    return found


def _room(module: str, folders: Iterable[str]) -> str:
    room = module if module in folders else module.rpartition(".")[0]
    return (module if room in (PACKAGE, f"{PACKAGE}.engine") else room).removeprefix(f"{PACKAGE}.")


def cycles(found: Iterable[Arrow]) -> list[list[str]]:
    """The groups of rooms of which each leads to each other."""
    leads: dict[str, set[str]] = {}
    for start, end in found:
        leads.setdefault(start, set()).add(end)
        leads.setdefault(end, set())
    for middle, further in leads.items():
        for ends in leads.values():
            ends.update(further if middle in ends else ())
    groups = {frozenset(end for end in ends if start in leads[end]) for start, ends in leads.items() if start in ends}
    return sorted(map(sorted, groups))


def modules() -> list[Path]:
    """Every module of the product and of its benchmarks."""
    found = [path for top in ("bench", "engine", "snapshot") for path in ROOT.glob(f"{top}/**/*.py")]
    return [*found, ROOT / "cli.py"]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """The functions of a module, with their lengths in lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def main() -> None:
    found = arrows()
    rooms = {room for arrow in found for room in arrow}
    print(f"{len(rooms)} rooms, {len(found)} arrows, {len(cycles(found))} cycles")
    for cycle in cycles(found):
        print("cycle:", *cycle)
    product = [path for path in modules() if path.relative_to(ROOT).parts[0] != "bench"]
    lines = [len(path.read_text().splitlines()) for path in product]
    lengths = [length for path in product for _, length in functions(path)]
    print(f"{len(product)} modules, {sum(lines):,} lines; a module has {median(lines):.0f}, at most {max(lines)}")
    print(f"{len(lengths):,} functions; one has {median(lengths):.0f} lines, at most {max(lengths)}")


if __name__ == "__main__":
    main()
