"""The scopes of stillframe.yaml: what a value can never be is a fault, as such an entry would never do anything."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..documents.reader import Reader
from ..documents.yaml12 import Path
from ..model.glob import glob, wild
from ..model.policy import base
from ..model.regions import never
from ..suggest import suggest
from .shipped import shipped_files

ACCOUNT = "is not an account id: 12 digits, in quotes"


def check_scope(reader: Reader, at: Path, entry: Mapping[str, Any]) -> None:
    """Note what no region is called, and what is no account; what a JSON Schema can say is said by it."""
    for path, region in _each(at, entry, "region"):
        if isinstance(region, str) and (fault := never(region)):
            reader.fault(path, fault)
    for path, account in _each(at, entry, "account"):
        if isinstance(account, float):  # 123456789012.0 is an integer to JSON Schema
            reader.fault(path, f"{account!r} {ACCOUNT}")


def _each(at: Path, entry: Mapping[str, Any], key: str) -> Iterator[tuple[Path, Any]]:
    given = entry.get(key)
    if isinstance(given, list):
        yield from (((*at, key, number), each) for number, each in enumerate(given))
    else:
        yield (*at, key), given


def no_policy(name: str, known: Collection[str]) -> str:
    """Why a name or a pattern is of no policy that is known or ships; empty where it is of one."""
    if not wild(name) and base(name) in known:
        return ""
    every = {*known, *shipped_files()}
    if wild(name) and any(glob(base(name), each) for each in every):
        return ""
    return f"unknown policy {name}{suggest(name, every)}" if not wild(name) else f"no policy is called {name}"
