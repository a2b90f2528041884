"""Packs by name: those that ship, and those of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...snapshot.errors import ArgumentError
from ...snapshot.files import packaged
from ..documents.named_files import read_named
from ..errors import PackError, Problem
from ..model.pack import Pack
from ..suggest import suggest
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
    for name in dict.fromkeys(names):
        if name in there:
            pack = read_pack(f"policies/packs/{name}.yaml", there[name].read_bytes(), problems)
        elif names_file(name):
            pack = _of_file(Path(name), problems)
        else:
            hint = "`stillframe pack list` lists them; a pack of your own is named by its file, which ends in .yaml"
            raise ArgumentError(f"unknown pack {name}{suggest(name, there)}", hint)
        if pack and found.setdefault(pack.name, pack) is not pack:
            message = f"the pack {pack.name} is already in {found[pack.name].source}"
            problems.append(Problem(path=pack.source, line=1, column=1, message=message))
    return list(found.values())


def load_packs(names: Sequence[str]) -> list[Pack]:
    """Packs by name or file. Raises ArgumentError, and PackError with every fault found in any of them."""
    problems: list[Problem] = []
    found = find_packs(names, problems)
    if problems:
        raise PackError(problems)
    return found


def _of_file(path: Path, problems: list[Problem]) -> Pack | None:
    try:
        return read_pack(str(path), read_named(path), problems)
    except OSError as error:
        problems.append(Problem(path=str(path), line=0, column=0, message=f"cannot be read: {error.strerror}"))
        return None
