"""Arithmetic in place of chance: the same numbers on any machine and in any year."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from math import gcd

_MASK = 2**64 - 1
_GOLDEN = 0.6180339887498949


def scaled(count: int, scale: float) -> int:
    """A share of a count, and at least one."""
    return max(1, round(count * scale))


def mixed(number: int, salt: int = 0) -> int:
    """A number of 64 bits that looks like chance. Different numbers below 2**40 give different results."""
    z = (number + (salt << 40) + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def digits(number: int, salt: int = 0) -> str:
    """17 hexadecimal digits, as in the ids of EC2."""
    return f"0{mixed(number, salt):016x}"


def uuid(number: int, salt: int = 0) -> str:
    """An id as KMS makes them."""
    text = f"{mixed(number, salt):016x}{mixed(number, salt + 1):016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def place(index: int, whole: int, salt: int) -> int:
    """Where an index of `range(whole)` stands in an order of its own for each salt: a permutation."""
    return (index * _stride(whole, salt) + salt) % whole


def picked(index: int, part: int, whole: int, salt: int) -> bool:
    """Whether an index is among `part` of `whole`: of all of them exactly so many are, spread evenly."""
    return place(index, whole, salt) < part


@cache
def _stride(whole: int, salt: int) -> int:
    stride = int(whole * ((salt + 1) * _GOLDEN % 1)) + 1
    while gcd(stride, whole) != 1:
        stride += 1
    return stride


class Shares:
    """Totals divided among accounts, some of which are larger than others: `of(total, account)` is a range."""

    def __init__(self, weights: Sequence[int]) -> None:
        self._ends = (0, *accumulate(weights))

    def of(self, total: int, index: int) -> range:
        start, end, whole = self._ends[index], self._ends[index + 1], self._ends[-1]
        return range(total * start // whole, total * end // whole)
