"""Tests of all together fail as each alone would."""

from __future__ import annotations

import pytest
from together import together


def test_each_that_fails_is_told_by_its_name():
    @together("number", range(5))
    def odd(number, rest):
        assert number % 2 == rest

    with pytest.raises(ExceptionGroup, match="3 of 5") as told:
        odd(rest=1)
    assert [error.__notes__ for error in told.value.exceptions] == [["number: 0"], ["number: 2"], ["number: 4"]]


def test_all_that_hold_hold():
    @together("number", range(0, 5, 2))
    def even(number):
        assert number % 2 == 0

    even()


def test_none_is_no_test():
    with pytest.raises(AssertionError, match="nothing to test"):
        together("number", [])(print)
