"""What this user began here: the plans of unfinished snapshots by their digests, and the accounts that are complete.

It lies in the user's own folder, and not beside the snapshot: whoever has an archive could write a plan into it, with
the roles to assume, and accounts that nobody collected.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct, field

from ..files import is_own, user_folder


class Journal(Struct):
    """The accounts of one plan that are complete, with the digests of their files."""

    path: Path
    done: dict[str, str] = field(default_factory=dict)

    def note(self, account: str, digest: str) -> None:
        """Remember that an account is complete. Where that cannot be written, it is collected again if need be."""
        self.done[account] = digest
        with suppress(OSError):
            _append(self.path, f"{account} {digest}\n")

    def end(self) -> None:
        """Forget a plan whose snapshot is finished, or given up."""
        with suppress(OSError):
            self.path.unlink()


def begin(plan: str) -> Journal:
    """The journal of a new plan, by its digest."""
    journal = Journal(_folder() / plan)
    with suppress(OSError):
        journal.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if is_own(journal.path.parent):
            _append(journal.path, "")
    return journal


def find(plan: str) -> Journal | None:
    """The journal of a plan; None where this user did not make it here."""
    path = _folder() / plan
    try:
        text = path.read_text("ascii") if is_own(path.parent) else None
    except (OSError, UnicodeDecodeError):
        return None
    return None if text is None else Journal(path, dict(_pairs(text)))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():  # the last may be half of one
        account, _, digest = line.partition(" ")
        if len(digest) == 64:
            yield account, digest


def _append(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o600), "a", encoding="ascii") as file:
        file.write(text)


def _folder() -> Path:
    return user_folder("XDG_STATE_HOME", "~/.local/state") / "plans"
