"""The pages of policies and packs, written to a folder: the documentation's own, and those of anybody's policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...snapshot.errors import ArgumentError
from ..model.pack import Pack
from ..model.policy import Policy
from ..packs.page import as_page as pack_page
from .policy_page import as_index
from .policy_page import as_page as policy_page

POLICIES, PACKS, INDEX = "policies", "packs", "policies.md"


def pages(policies: Sequence[Policy], packs: Sequence[Pack]) -> Iterator[tuple[str, str]]:
    """Each page's path below the folder, and its text."""
    there = {policy.id for policy in policies}

    def link(policy: str) -> str:
        return f"[{policy}](../{POLICIES}/{policy}.md)" if policy in there else f"`{policy}`"

    yield INDEX, _text(as_index(policies))
    for policy in policies:
        yield f"{POLICIES}/{policy.id}.md", _text(policy_page(policy, {pack.key: pack.name for pack in packs}))
    for pack in packs:
        yield f"{PACKS}/{pack.name}.md", _text(pack_page(pack, link))


def write_pages(folder: Path, policies: Sequence[Policy], packs: Sequence[Pack]) -> int:
    """Write every page, and remove none; how many there are. Raises ArgumentError."""
    made = dict(pages(policies, packs))
    try:
        for name in (POLICIES, PACKS):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise ArgumentError(f"{error.filename}: cannot be written ({error.strerror})", "name another folder") from None
    return len(made)


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"
