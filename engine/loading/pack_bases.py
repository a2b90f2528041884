"""Packs that build on another: what one does not answer otherwise is answered as there."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from ...snapshot.format import digest
from ..errors import Problem
from ..model.pack import Control, Pack, Section

Find = Callable[[Pack, str], Pack | None]  # the pack that one means by a name


def whole(pack: Pack, find: Find, problems: list[Problem], chain: tuple[str, ...] = ()) -> Pack:
    """A pack with all that it takes from those that it builds on. What there is not, or has no end, is a problem."""
    if not pack.extends:
        return pack
    chain = (*chain, pack.name)
    if pack.extends in chain:
        end = " extends ".join((*chain[chain.index(pack.extends) :], pack.extends))
        problems.append(Problem(path=pack.source, line=1, column=1, message=f"{end}: that has no end"))
        return pack
    base = find(pack, pack.extends)
    if base is None:
        return pack
    return _built(pack, whole(base, find, problems, chain))


def _built(pack: Pack, base: Pack) -> Pack:
    """The base's controls in its order, of which those are the pack's own that it has; its others stand at the end.

    Where a section has number and title of the base's, that is the end of this one.
    """
    own, there = {each.number: each for each in pack.controls()}, {each.number for each in base.controls()}
    more = {(each.number, each.title): _others(each, there) for each in pack.sections}

    def section(given: Section) -> Section:
        taken = tuple(own.get(each.number) or _from(base, each) for each in given.controls)
        return replace(given, controls=(*taken, *more.pop((given.number, given.title), ())))

    sections = [section(each) for each in base.sections]
    sections += [
        replace(each, controls=left) for each in pack.sections if (left := more.get((each.number, each.title)))
    ]
    return replace(pack, sections=tuple(sections), bases={base.name: digest(base.text.encode()), **base.bases})


def _others(section: Section, there: set[str]) -> tuple[Control, ...]:
    return tuple(each for each in section.controls if each.number not in there)


def _from(base: Pack, control: Control) -> Control:
    return control if control.source else replace(control, source=base.source)
