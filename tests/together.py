"""One test of all of what is given, where hundreds that take a moment each would cost more than what they test."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any


def together(argument: str, given: Iterable[Any], name: Callable[[Any], str] = str) -> Callable[..., Any]:
    """As `parametrize`, but that it is one test, which tells every one of `given` that fails. Nothing that a test is
    given beside it is new for each."""
    every = list(given)

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        def all_of_them(**fixtures: Any) -> None:
            wrong: list[Exception] = []
            for each in every:
                try:
                    test(**{argument: each}, **fixtures)
                except Exception as error:
                    error.add_note(f"{argument}: {name(each)}")
                    wrong.append(error)
            if wrong:
                raise ExceptionGroup(f"{len(wrong)} of {len(every)}", wrong)

        assert every, "nothing to test"
        wanted = inspect.signature(test)
        others = [each for each in wanted.parameters.values() if each.name != argument]
        all_of_them.__name__, all_of_them.__doc__ = test.__name__, test.__doc__
        all_of_them.__signature__ = wanted.replace(parameters=others)  # type: ignore[attr-defined]
        return all_of_them

    return decorate
