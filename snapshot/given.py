"""What a program gives to our functions: held to its kind where it enters, as the command line does for people."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from .errors import ArgumentError
from .remote import URL, Place, Remote, remote_of


def path_of(given: object) -> Path:
    """A local path that is given as one, or as text. Raises ArgumentError."""
    place = os.fspath(given) if isinstance(given, str | os.PathLike) else None
    if not isinstance(place, str) or not place or "\0" in place:
        raise ArgumentError(f"{given!r} is no path", "name a file or folder, as text or as a Path")
    if URL.match(place):  # also one that became a path, and so lost a slash
        raise ArgumentError(f"{place}: a URL, where a local path belongs", f"`./{place}` is a local one")
    return Path(place)


def place_of(given: object) -> Place:
    """Where an archive is: a local path as above, or the URL of a place in an object store, as text."""
    if isinstance(given, Remote):
        return given
    return (remote_of(given) if isinstance(given, str) else None) or path_of(given)


def paths_of(given: object) -> list[Path]:
    """The same for a list of them."""
    if isinstance(given, str | bytes | os.PathLike) or not isinstance(given, Iterable):
        raise ArgumentError(f"{given!r} is no list of paths", "write one path as [PATH]")
    return [path_of(each) for each in given]


def check_names(**given: object) -> None:
    """Raise ArgumentError for what is no list of names, by the name of the argument: one name alone is none."""
    for argument, names in given.items():
        many = isinstance(names, Collection) and not isinstance(names, str | bytes | Mapping)
        if not many or not all(isinstance(name, str) and name for name in names):  # type: ignore[attr-defined]
            raise ArgumentError(f"{argument}: {names!r} is no list of names", "write one name as ['NAME']")


def check_numbers(**given: object) -> None:
    """Raise ArgumentError for what is no number above zero, by the name of the argument."""
    for argument, number in given.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < float("inf"):
            raise ArgumentError(f"{argument}: {number!r} is no number above zero")
