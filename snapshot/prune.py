"""Remove old snapshots from an archive, so that what is left is still a chain."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

from .abandoned import DAY, abandoned, holding
from .chain import PRUNED, hold, links
from .errors import ArgumentError
from .files import folder_at, read_file, write_file, writing
from .given import place_of
from .layout import MANIFEST
from .prune_objects import prune_objects
from .remote import Place, Remote

Keep = Mapping[str, int]

# What two snapshots have in common where the later one stands for both.
PERIODS: dict[str, Callable[[str], object]] = {
    "last": lambda name: name,
    "daily": lambda name: name[:10],
    "weekly": lambda name: date.fromisoformat(name[:10]).isocalendar()[:2],
    "monthly": lambda name: name[:7],
    "yearly": lambda name: name[:4],
}
_RULE = re.compile(rf"(?:({'|'.join(PERIODS)})=)?([1-9][0-9]*)\Z")


def parse_keep(text: str) -> Keep:
    """`7`, or `daily=7,weekly=5,monthly=12`: how many of each to keep. Raises ArgumentError."""
    found = {}
    for part in text.split(","):
        rule = _RULE.match(part.strip())
        if rule is None:
            raise ArgumentError(
                f"--keep {part.strip() or text!r} is no rule", f"a number, or {', '.join(PERIODS)}=NUMBER, with commas"
            )
        found[rule[1] or "last"] = int(rule[2])
    return found


def kept(ids: Iterable[str], keep: Keep) -> set[str]:
    """The snapshots that some rule keeps: the latest of each of the last so many periods that have one."""
    newest = sorted(ids, reverse=True)
    chosen = set(newest[:1])  # whatever the rules say: policies are evaluated over it
    for period, number in keep.items():
        of = PERIODS[period]
        latest: dict[object, str] = {}
        for name in newest:
            latest.setdefault(of(name), name)
        chosen.update(list(latest.values())[:number])
    return chosen


def prune(
    archive: Place | str, keep: Keep, *, dry_run: bool = False, idle: timedelta = DAY
) -> tuple[list[str], list[str]]:
    """Remove the snapshots that no rule keeps; gives those that stay, and those that went. Raises CollectError.

    A manifest stays, in `pruned/`, with its signatures: the next snapshot names its digest. What is unfinished goes
    where nobody holds it and nothing was written into it for as long as `idle`. What cannot be read is left alone.
    """
    archive = place_of(archive)
    if isinstance(archive, Remote):
        staying, going = _chosen(archive, keep)
        left = abandoned(archive, idle) if dry_run else prune_objects(archive, going, idle)
        return staying, sorted([*going, *left])
    with writing(archive), hold(archive):
        staying, going = _chosen(archive, keep)
        left = abandoned(archive, idle)
        for name in going if not dry_run else ():
            _remove(archive, name)
        if not dry_run:
            left = [name for name in left if _abandon(archive, name)]
            # Also of one who was stopped; and findings of an earlier version, which nobody believes any more.
            for gone in (*archive.glob(".pruned-*"), archive / ".cache"):
                if folder_at(gone):
                    shutil.rmtree(gone)
    return staying, sorted([*going, *left])


def _chosen(archive: Place, keep: Keep) -> tuple[list[str], list[str]]:
    """The snapshots that stay, and those that go."""
    names = {name for name, link in links(archive).items() if not link.pruned}
    staying = kept(names, keep)
    return sorted(staying), sorted(names - staying)


def _remove(archive: Path, name: str) -> None:
    (archive / PRUNED).mkdir(mode=0o700, exist_ok=True)
    for path in sorted((archive / name).glob(f"{MANIFEST}*")):  # and its signatures
        suffix = path.name.removeprefix(MANIFEST)
        write_file(archive / PRUNED / f"{name}.json{suffix}", read_file(path))
    # Under another name it is no snapshot: nobody sees half of one.
    (archive / name).rename(archive / f".pruned-{name}")


def _abandon(archive: Path, name: str) -> bool:
    """Take an unfinished snapshot away, unless somebody began to complete it."""
    with holding(archive / name) as free:
        if free:
            (archive / name).rename(archive / f".pruned-{name}")
        return free
