"""Languages of texts, and the kinds of texts that some languages tell apart.

A language is taken apart letter by letter: Brzozowski, Derivatives of Regular Expressions, 1964. Letters are those of
printable ASCII, and one for all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ..errors import EvaluationError
from .budget import Work

STATES = 2000  # how many may be looked at, and how long a sequence may be, so that nothing takes long
LONGEST = 1024
OTHER = "\N{LATIN SMALL LETTER O WITH STROKE}"  # stands for every letter that is not ASCII
LETTERS = frozenset(map(chr, range(32, 127))) | {OTHER}

# ("letters", some), ("sequence", languages), ("either", languages) or ("many", one). Tuples, since they are compared
# and hashed a great deal.
Language = tuple[str, Any]
NEVER: Language = ("either", frozenset())  # no text at all
EMPTY: Language = ("sequence", ())  # the text of no letters
ANYTHING: Language = ("many", ("letters", LETTERS))


def texts_like(parts: Sequence[str]) -> Language:
    """Texts that are these parts, with any text between them."""
    pieces: list[Language] = []
    for number, part in enumerate(parts):
        pieces += [ANYTHING] if number else []
        pieces += [("letters", frozenset({letter if letter in LETTERS else OTHER})) for letter in part]
    return sequence(pieces)


def sequence(pieces: Sequence[Language]) -> Language:
    """Texts of one language after the other. Raises EvaluationError for too many."""
    flat = [inner for piece in pieces for inner in (piece[1] if piece[0] == "sequence" else [piece])]
    if len(flat) > LONGEST:
        raise EvaluationError("too long a text in a filter pattern")
    return NEVER if NEVER in flat else flat[0] if len(flat) == 1 else ("sequence", tuple(flat))


def either(languages: Sequence[Language]) -> Language:
    """Texts of any of some languages."""
    flat = frozenset(inner for each in languages for inner in (each[1] if each[0] == "either" else [each]))
    return ANYTHING if ANYTHING in flat else next(iter(flat)) if len(flat) == 1 else ("either", flat)


def kinds(languages: Sequence[Language], work: Work) -> list[str]:
    """A text for each combination of these languages that a text can be of. Raises EvaluationError for too many."""
    start = tuple(languages)
    reached = {start: ""}
    found: dict[tuple[bool, ...], str] = {}
    letters = _representatives(languages)
    for state in (queue := [start]):
        found.setdefault(tuple(map(_may_end, state)), reached[state])
        work.do(len(letters) * len(state))
        for letter in letters:
            after = tuple(_after(each, letter) for each in state)
            if after not in reached:
                if len(reached) >= STATES:
                    raise EvaluationError("too many kinds of texts in a filter pattern")
                reached[after] = reached[state] + letter
                queue.append(after)
    return list(found.values())


def _representatives(languages: Sequence[Language]) -> list[str]:
    """Letters of which each stands for all that no language tells from it."""
    told = sorted(frozenset[frozenset[str]]().union(*map(_told, languages)), key=sorted)
    return list({tuple(letter in each for each in told): letter for letter in sorted(LETTERS)}.values())


@lru_cache(maxsize=4096)
def _told(language: Language) -> frozenset[frozenset[str]]:
    """The sets of letters that a language tells from all others."""
    name, of = language
    if name == "letters":
        return frozenset({of})
    return frozenset[frozenset[str]]().union(*map(_told, [of] if name == "many" else of))


@lru_cache(maxsize=65536)
def _may_end(language: Language) -> bool:
    """Whether the text of no letters is one of a language."""
    name, of = language
    if name == "sequence":
        return all(map(_may_end, of))
    return name == "many" or (name == "either" and any(map(_may_end, of)))


@lru_cache(maxsize=65536)
def _after(language: Language, letter: str) -> Language:
    """What may follow a letter that a text of a language begins with."""
    name, of = language
    if name == "letters":
        return EMPTY if letter in of else NEVER
    if name == "either":
        return either([_after(each, letter) for each in of])
    if name == "many":
        return sequence([_after(of, letter), language])
    found = []
    for number, piece in enumerate(of):
        found.append(sequence([_after(piece, letter), *of[number + 1 :]]))
        if not _may_end(piece):
            break
    return either(found)
