"""The files of the policies that ship."""

from __future__ import annotations

from pathlib import Path

from ...snapshot.files import packaged
from .example_files import holds_tests

PACKS = "packs"  # a folder of this name holds packs, no policies


def shipped_files() -> dict[str, Path]:
    """The files of the shipped policies, by id: a file's name is its policy's. None of them is read."""
    return {name.removesuffix(".yaml"): file for name, file in policy_files().items() if not holds_tests(name)}


def policy_files() -> dict[str, Path]:
    """The same with those of their tests, by name."""
    services = [folder for folder in packaged("policies").iterdir() if folder.is_dir()]
    there = (file for folder in services if folder.name != PACKS for file in folder.iterdir())
    return {file.name: file for file in sorted(there, key=lambda file: file.name) if file.name.endswith(".yaml")}
