"""Packs by name: those that ship, and those of files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from ...snapshot.errors import ArgumentError
from ...snapshot.files import packaged
from ..documents.named_files import read_below, read_named
from ..errors import PackError, Problem
from ..model.pack import Pack
from ..suggest import suggest, unreadable
from .pack_bases import whole
from .pack_reader import read_pack

DEFAULT = "logging"


def shipped_packs() -> Mapping[str, Path]:
    """The packs that ship: name → file. None of them is read."""
    there = packaged("policies", "packs").iterdir()
    return {file.name.removesuffix(".yaml"): file for file in sorted(there, key=lambda file: file.name)}


def names_file(name: str) -> bool:
    """Whether a pack is named by its file."""
    return name.endswith((".yaml", ".yml"))


def find_packs(names: Sequence[str], problems: list[Problem]) -> list[Pack]:
    """Packs by name, or by the path of a file. Raises ArgumentError for a name that is unknown."""
    there = shipped_packs()
    found: dict[str, Pack] = {}
    at_fault = len(problems)
    for name in dict.fromkeys(names):
        if name in there:
            pack = _shipped(name, problems)
        elif names_file(name):
            pack = _of_file(Path(name), problems)
        else:
            hint = "`stillframe pack list` lists them; a pack of your own is named by its file, which ends in .yaml"
            raise ArgumentError(f"unknown pack {name}{suggest(name, there)}", hint)
        if pack and found.setdefault(pack.name, pack) is not pack:
            message = f"the pack {pack.name} is already in {found[pack.name].source}"
            problems.append(Problem(path=pack.source, line=1, column=1, message=message))
    if len(problems) > at_fault or not any(pack.extends for pack in found.values()):
        return list(found.values())

    def find(pack: Pack, name: str) -> Pack | None:
        return _base(pack, name, found, problems)

    return [whole(pack, find, problems) for pack in found.values()]


def load_packs(names: Sequence[str]) -> list[Pack]:
    """Packs by name or file. Raises ArgumentError, and PackError with every fault found in any of them."""
    problems: list[Problem] = []
    found = find_packs(names, problems)
    if problems:
        raise PackError(problems)
    return found


def _shipped(name: str, problems: list[Problem]) -> Pack | None:
    return read_pack(f"policies/packs/{name}.yaml", shipped_packs()[name].read_bytes(), problems)


def _base(pack: Pack, name: str, named: Mapping[str, Pack], problems: list[Problem]) -> Pack | None:
    """The pack that another builds on: one beside it, one that was named, or one that ships."""
    file = Path(pack.source).with_name(f"{name}.yaml")
    if file.exists():
        beside, other = _of_file(file, problems, read=partial(read_below, folder=file.parent)), named.get(name)
        if beside and other and beside.text != other.text:
            message = f"extends: {file} and {other.source} are both {name}, and differ: name only one, or rename it"
            problems.append(Problem(path=pack.source, line=1, column=1, message=message))
        return beside
    if name in named or name in shipped_packs():
        return named.get(name) or _shipped(name, problems)
    known = suggest(name, {*named, *shipped_packs()})
    message = f"extends: no pack {name} beside it, that is named, or that ships{known}"
    problems.append(Problem(path=pack.source, line=1, column=1, message=message))
    return None


def _of_file(path: Path, problems: list[Problem], read: Callable[[Path], bytes] = read_named) -> Pack | None:
    try:
        return read_pack(str(path), read(path), problems)
    except OSError as error:
        problems.append(Problem(path=str(path), line=0, column=0, message=unreadable(path, error)))
        return None
