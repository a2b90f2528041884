"""Text that a terminal does not act on: what others chose is spelled out where it could move, hide or reorder text."""

from __future__ import annotations

import codecs
import sys
import unicodedata
from typing import IO, cast

# Control, format (which reorders text), surrogate, private and unassigned characters, and line separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str) -> str:
    """A line with every character that a terminal might act on spelled out, as in `\\x1b`."""
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in _UNSAFE else char for char in text
    )


def harmless(text: str) -> str:
    """Lines with every such character but their ends and tabs spelled out as JSON does, so that JSON stays JSON."""
    return "".join(
        char if char in "\n\t" or unicodedata.category(char) not in _UNSAFE else _spelled(char)
        for char in text.replace("\r\n", "\n")
    )


def _spelled(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


class Screen:
    """Standard output as a file of bytes, where it is a terminal."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def write(self, data: bytes) -> int:
        sys.stdout.write(harmless(self._decode(data)))
        return len(data)

    def writelines(self, lines: list[bytes]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        sys.stdout.flush()


def standard_output() -> IO[bytes]:
    """Where the bytes of a report go that has no file: as they are, but for a terminal."""
    return cast("IO[bytes]", Screen()) if sys.stdout.isatty() else sys.stdout.buffer


def show(text: str) -> None:
    """Print text that others wrote: as it is, but for a terminal."""
    sys.stdout.write(harmless(text) if sys.stdout.isatty() else text)
