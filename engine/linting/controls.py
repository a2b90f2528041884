"""The controls that policies say they answer, against the packs that have them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache

from ..documents.yaml12 import Document, Path
from ..loading.pack_files import load_packs, shipped_packs
from ..model.pack import Pack
from ..suggest import suggest

Controls = Callable[[str], Collection[str]]  # of a pack, by its name; none where there is no such pack


def controls_of(packs: Sequence[Pack] = ()) -> Controls:
    """The controls of these packs, and of those that ship, which are read when they are asked for."""
    named = {pack.name: pack for pack in packs}

    @cache
    def controls(name: str) -> Collection[str]:
        if name not in named and name not in shipped_packs():
            return ()
        pack = named.get(name) or load_packs([name])[0]
        return {control.number for control in pack.controls()}

    return controls


def check_controls(document: Document, controls: Controls) -> Iterator[tuple[Path, str]]:
    """Each control that its pack has not: where it stands, and what is wrong."""
    for framework, numbers in document.value.get("frameworks", {}).items():
        there = controls(framework)
        for at, number in enumerate(numbers if there else ()):
            if number not in there:
                yield ("frameworks", framework, at), f"{framework} has no control {number}{suggest(number, there)}"
