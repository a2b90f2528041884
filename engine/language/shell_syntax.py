"""Whether a command is whole, as sh reads it: then it cannot break the script that it becomes a part of.

Simple commands, lists and pipelines of them, ( ), { }, if, for, while and until, quotes, $NAME, ${NAME} and $( ), as
POSIX has them: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html. Shells differ in much of the
rest, or it is hard to see where it ends: that is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ..errors import EvaluationError

VALUE = "\0"  # stands for what a template puts in
_DEPTH = 20
_ENDS = frozenset({"then", "elif", "else", "fi", "do", "done", "}", "esac", "in"})
_REFUSED = frozenset({"case", "function", "select", "time", "coproc", "[[", "]]"})
_PLAIN = re.compile(r"[^ \t\n;&|<>()'\"`\\$]+")
_GOES_ON = r"(?<![^ \t\n])\\\n"  # a line that goes on, where that joins no two parts of a word or sign
_BLANK = re.compile(rf"(?:[ \t]|{_GOES_ON})*(?:#[^\n]*)?")
_LINES = re.compile(rf"(?:[ \t\n]|{_GOES_ON}|#[^\n]*)*")
_EXPANSION = re.compile(
    r"\$(?:\{[A-Za-z_][A-Za-z0-9_]*(?::?[-=?+][A-Za-z0-9_ .,:/-]*)?\}|[A-Za-z_][A-Za-z0-9_]*|[0-9#?*@$!-])"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_REDIRECTION = re.compile(r"(?:>>|<>|[<>]&?)(?![<>&|])[ \t]*")


def check_command(text: str) -> None:
    """Raises EvaluationError, with its place, for a text that is no whole command."""
    reader = _Reader(text)
    reader.commands(0)
    if reader.at < len(text):
        raise reader.fault(f"{reader.word_here() or text[reader.at]} is not wanted here")


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def fault(self, what: str, at: int | None = None) -> EvaluationError:
        error = EvaluationError(f"no command of sh: {what}")
        return error.moved(self.at if at is None else at)

    def commands(self, depth: int) -> None:
        """A list, as far as one goes: at least one command."""
        if depth > _DEPTH:
            raise self.fault(f"nested more than {_DEPTH} deep")
        self._skip(_LINES)
        self._and_or(depth)
        while True:
            self._skip(_BLANK)
            if not self._take(";") and not self._here("\n"):
                return
            self._skip(_LINES)
            if self.at == len(self.text) or self._here(")") or self.word_here() in _ENDS:
                return
            self._and_or(depth)

    def _and_or(self, depth: int) -> None:
        piped = False
        while True:
            if self.word_here() == "!" and not piped:
                self.at += 1
                self._skip(_BLANK)
            self._command(depth)
            self._skip(_BLANK)
            if self._here("&") and not self._here("&&"):
                raise self.fault("a & sends it to the background")
            joined = self._take("&&") or self._take("||")
            piped = not joined and self._take("|")
            if not (joined or piped):
                return
            self._skip(_LINES)

    def _command(self, depth: int) -> None:
        start, word = self.at, self.word_here()
        if word in _REFUSED or self._here("(("):
            raise self.fault(f"{word or '(('} is not understood here")
        if self._take("("):
            self.commands(depth + 1)
            self._close(")", "(", start)
        elif word == "{":
            self._compound(depth, start, "{", "}")
        elif word == "if":
            self._compound(depth, start, "if", "then")
            ended: tuple[str, ...] = ("elif", "else", "fi")
            while (met := self._compound(depth, start, "", *ended)) != "fi":
                if met == "elif":
                    self._compound(depth, start, "", "then")
                ended = ended if met == "elif" else ("fi",)
        elif word in ("while", "until"):
            self._compound(depth, start, word, "do")
            self._compound(depth, start, "", "done")
        elif word == "for":
            self._for(depth, start)
        else:
            self._simple(depth)
            return
        while self._redirected(depth):
            pass

    def _compound(self, depth: int, start: int, begins: str, *ends: str) -> str:
        """Commands up to a word that ends them, which is given."""
        self.at += len(begins)
        self.commands(depth + 1)
        return self._close(ends, begins or self._at(start), start)

    def _for(self, depth: int, start: int) -> None:
        self.at += len("for")
        self._skip(_BLANK)
        name = self.word_here()
        if not _NAME.fullmatch(name) or name in _ENDS:
            raise self.fault("for without a name")
        self.at += len(name)
        self._skip(_BLANK)
        self._close(("in",), "for", start)
        self._skip(_BLANK)
        while self._word(depth):
            self._skip(_BLANK)
        if not self._take(";") and not self._here("\n"):
            raise self.fault("for without do", start)
        self._skip(_LINES)
        self._close(("do",), "for", start)
        self._compound(depth, start, "", "done")

    def _simple(self, depth: int) -> None:
        if self.word_here() in {*_ENDS, "!"}:
            raise self.fault(f"{self.word_here()} where a command is wanted")
        found = named = False
        while True:
            if not named and self._here(VALUE):
                raise self.fault("a value stands where the name of a command does")
            start = self.at
            if not named and "[" in self.word_here()[1:]:
                raise self.fault("a command whose name has [ in it, which some shells take for a list")
            if self._word(depth):
                named = named or not _ASSIGNED.match(self.text, start)
            elif not self._redirected(depth):
                break
            found = True
            self._skip(_BLANK)
        if not found:
            raise self.fault(
                "a command is wanted" if self.at == len(self.text) else f"{self._at(self.at)} is not wanted here"
            )

    def _redirected(self, depth: int) -> bool:
        self._skip(_BLANK)
        if self._here("<<"):
            raise self.fault("<< begins a here-document: write it to a file, or quote it")
        met = _REDIRECTION.match(self.text, self.at)
        if not met:
            return False
        self.at = met.end()
        start = self.at
        if not self._word(depth) or (
            self.text[start : self.at].isdigit() and self.text[self.at : self.at + 1] in ("<", ">")
        ):
            raise self.fault("a file is wanted", start)
        return True

    def _word(self, depth: int) -> bool:
        start = self.at
        if self._here("#"):
            return False
        while self.at < len(self.text):
            plain = _PLAIN.match(self.text, self.at)
            if plain:
                self.at = plain.end()
            elif self._here("'"):
                self._quoted(self.text.find("'", self.at + 1))
            elif self._here("\\\n"):
                raise self.fault("a \\ that ends a line wants a blank before it")
            elif self._here("\\"):
                self._escape()
            elif not (self._double(depth) or self._expansion(depth)):
                break
        return self.at > start

    def _double(self, depth: int) -> bool:
        start = self.at
        if not self._take('"'):
            return False
        while not self._take('"'):
            if self.at == len(self.text):
                raise self.fault("a quote that does not end", start)
            if self._here("\\"):
                self._escape()
            elif not self._expansion(depth):
                self.at += 1
        return True

    def _expansion(self, depth: int) -> bool:
        start = self.at
        if self._here("`"):
            raise self.fault("write $( ) in place of `")
        if not self._here("$"):
            return False
        if self._here("$((") or self._here("$["):
            raise self.fault("arithmetic is not understood here")
        if self._take("$("):
            self.commands(depth + 1)
            self._close(")", "$(", start)
            return True
        met = _EXPANSION.match(self.text, self.at)
        if not met:
            raise self.fault("a $ without the name of a variable: quote it by '")
        self.at = met.end()
        return True

    def _quoted(self, end: int) -> None:
        if end < 0:
            raise self.fault("a quote that does not end")
        self.at = end + 1

    def _escape(self) -> None:
        if self.at + 1 == len(self.text):
            raise self.fault("a \\ at the end")
        self.at += 2

    def _close(self, ends: Collection[str], opened: str, start: int) -> str:
        """What ends something that began at `start`, which is given: a reserved word, or a parenthesis."""
        self._skip(_LINES if ends == ")" else _BLANK)
        met = ")" if self._here(")") else self.word_here()
        if met not in ends or not met:
            raise self.fault(f"{opened} without its {' or '.join(ends)}", start)
        self.at += len(met)
        return met

    def word_here(self) -> str:
        """The word that begins here, if it is all plain."""
        met = _PLAIN.match(self.text, self.at)
        ends = met and (met.end() == len(self.text) or self.text[met.end()] in " \t\n;&|<>()")
        return met[0] if met and ends else ""

    def _at(self, place: int) -> str:
        met = _PLAIN.match(self.text, place)
        return met[0] if met else self.text[place : place + 1].strip() or "the end of the line"

    def _here(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def _take(self, text: str) -> bool:
        if self._here(text):
            self.at += len(text)
            return True
        return False

    def _skip(self, what: re.Pattern[str]) -> None:
        met = what.match(self.text, self.at)
        self.at = met.end() if met else self.at
