"""Regular expressions in filter patterns of CloudWatch Logs, as languages.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html: no more than that page has, and
groups in parentheses, which CloudWatch Logs refuses.
"""

from __future__ import annotations

import re

from ..errors import EvaluationError
from .automaton import ANYTHING, EMPTY, LETTERS, Language, either, sequence

REPEATS = 100  # how often a quantifier may ask for something


def texts_with(text: str) -> Language:
    """Texts in which a regular expression is found. Raises EvaluationError for one that has more to it than we know."""
    return _Reader(text).search()


_WORD = frozenset(letter for letter in LETTERS if letter.isascii() and (letter.isalnum() or letter == "_"))
_CLASSES = {"d": frozenset("0123456789"), "w": _WORD, "s": frozenset(" ")}
_CLASSES |= {name.upper(): LETTERS - letters for name, letters in _CLASSES.items()}
_QUANTIFIER = re.compile(r"\{(\d{1,3})(?:(,)(\d{1,3})?)?\}", re.ASCII)


class _Reader:
    """Reads a regular expression: `|` of pieces, each of which may be repeated."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def search(self) -> Language:
        found = []
        while True:
            start = EMPTY if self._take("^") else ANYTHING
            inner = self._pieces()
            end = EMPTY if self._take("$") else ANYTHING
            found.append(sequence([start, inner, end]))
            if not self._take("|"):
                break
        if self._at < len(self._text):
            raise self._fault()
        return either(found)

    def _alternatives(self) -> Language:
        found = [self._pieces()]
        while self._take("|"):
            found.append(self._pieces())
        return either(found)

    def _pieces(self) -> Language:
        found: list[Language] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)$":
            found.append(self._repeated(self._piece()))
        return sequence(found)

    def _repeated(self, piece: Language) -> Language:
        if self._take("*"):
            return "many", piece
        if self._take("+"):
            return sequence([piece, ("many", piece)])
        if self._take("?"):
            return either([piece, EMPTY])
        if counted := _QUANTIFIER.match(self._text, self._at):
            self._at = counted.end()
            least = int(counted[1])
            most = int(counted[3]) if counted[3] else None if counted[2] else least
            return self._counted(piece, least, most)
        return piece

    def _counted(self, piece: Language, least: int, most: int | None) -> Language:
        if max(least, most or 0) > REPEATS or (most is not None and most < least):
            raise self._fault()
        more: list[Language] = [("many", piece)] if most is None else [either([piece, EMPTY])] * (most - least)
        return sequence([piece] * least + more)

    def _piece(self) -> Language:
        letter = self._next()
        if letter == "(":
            inner = self._alternatives()
            if not self._take(")"):
                raise self._fault()
            return inner
        if letter == "[":
            return "letters", self._class()
        if letter == ".":
            return "letters", LETTERS
        if letter == "\\":
            return "letters", self._escaped()
        if letter in "*+?{}^]" or letter not in LETTERS:
            raise self._fault()
        return "letters", frozenset({letter})

    def _class(self) -> frozenset[str]:
        negated = self._take("^")
        letters: set[str] = set()
        while not self._take("]"):
            first = self._member()
            if self._text[self._at : self._at + 1] == "-" and self._text[self._at + 1 : self._at + 2] not in ("", "]"):
                self._at += 1
                last = self._member()
                if len(first) != 1 or len(last) != 1 or max(first) > max(last):
                    raise self._fault()
                letters.update(letter for letter in LETTERS if max(first) <= letter <= max(last))
            else:
                letters |= first
        if not letters:
            raise self._fault()
        return LETTERS - letters if negated else frozenset(letters)

    def _member(self) -> frozenset[str]:
        letter = self._next()
        if letter == "[" or letter not in LETTERS:
            raise self._fault()
        return self._escaped() if letter == "\\" else frozenset({letter})

    def _escaped(self) -> frozenset[str]:
        letter = self._next()
        if letter in _CLASSES:
            return _CLASSES[letter]
        if letter.isalnum() or letter not in LETTERS:
            raise self._fault()
        return frozenset({letter})

    def _next(self) -> str:
        letter = self._text[self._at : self._at + 1]
        if not letter:
            raise self._fault()
        self._at += 1
        return letter

    def _take(self, letter: str) -> bool:
        taken = self._text.startswith(letter, self._at)
        self._at += taken
        return taken

    def _fault(self) -> EvaluationError:
        return EvaluationError(f"no regular expression of filter patterns: %{self._text}%")
