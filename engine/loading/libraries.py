"""Libraries: policies, packs and resource types of an installed Python package, whose code is never run.

`python:NAME` is what a distribution calls so under the entry points `stillframe.policies`: a package, of which the key
that names it says the folder. So pip or uv installs, pins and locks what others share.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path

from ..documents.named_files import held, yaml_files
from ..suggest import suggest

GROUP = "stillframe.policies"
_PREFIX = "python:"
FOLDERS: Mapping[str, str] = {"policies": "policies", "packs": "packs", "catalogue": "types"}  # by key


def names_library(name: str) -> bool:
    """Whether a source is a library, or something in one."""
    return name.startswith(_PREFIX)


def library(name: str, key: str) -> Path:
    """The folder of a library for a key, or what `python:NAME/PATH` means below it. Raises OSError."""
    wanted, _, inside = name.removeprefix(_PREFIX).partition("/")
    root = _package(wanted)
    folder = root / FOLDERS[key]
    if not folder.is_dir():
        raise OSError(errno.ENOENT, f"the library {wanted} has no folder {FOLDERS[key]}: {folder} is not there")
    path = folder / inside if inside else folder
    if key == "packs" and inside and not inside.endswith((".yaml", ".yml")):
        path = folder / f"{inside}.yaml"
    held(path, root)
    if not path.exists():
        there = [each.relative_to(folder).as_posix() for each in yaml_files(folder)]
        raise OSError(errno.ENOENT, f"the library {wanted} has no {FOLDERS[key]}/{inside}{suggest(inside, there)}")
    return path


def packs_of(name: str) -> list[str]:
    """The files of a library's packs, or of the one that is named. Raises OSError."""
    path = library(name, "packs")
    return [str(each) for each in yaml_files(path)] if path.is_dir() else [str(path)]


def _package(name: str) -> Path:
    """The folder of a library's package, by the metadata of its distribution."""
    from importlib.metadata import entry_points  # which takes long to import, and few need

    found = entry_points(group=GROUP)
    those = {(entry.value, entry.dist.name if entry.dist else ""): entry for entry in found if entry.name == name}
    if not those:
        hint = (
            suggest(name, {entry.name for entry in found}) or f"; none is: install one that has an entry point {GROUP}"
        )
        raise OSError(errno.ENOENT, f"no library {name} is installed beside stillframe{hint}")
    if len(those) > 1:
        raise OSError(
            errno.EEXIST, f"two packages are the library {name}: {', '.join(sorted(dist for _, dist in those))}"
        )
    ((value, dist),) = those
    top, *rest = value.split(".")
    for place in _folders(top) if value.replace(".", "").isidentifier() else ():
        if (root := Path(place, *rest)).is_dir():
            return root
    raise OSError(errno.ENOENT, f"{dist} says that the library {name} is the package {value}, which is not there")


def _folders(top: str) -> list[str]:
    """The folders of a package, which is found and not imported."""
    from importlib.util import find_spec

    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return []
    return list(spec.submodule_search_locations or ()) if spec else []
