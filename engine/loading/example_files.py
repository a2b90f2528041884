"""Files of tests: what `x.test.yaml` holds belongs to the policy `x.yaml` beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..documents.named_files import read_below
from ..errors import Problem

Beside = tuple[str, bytes]  # the name of a file of tests, and what it holds

_MARK = ".test"


def holds_tests(name: str) -> bool:
    """Whether a YAML file is one of tests, not a policy, by its name."""
    return Path(name).stem.endswith(_MARK)


def tests_name(name: str) -> str:
    """`x.yaml` → `x.test.yaml`."""
    return f"{Path(name).stem}{_MARK}{Path(name).suffix}"


def beside_of(policy: Path, folder: Path) -> Beside | None:
    """The file of tests beside a policy's file, if there is one, which is below a folder. Raises OSError."""
    file = policy.with_name(tests_name(policy.name))
    try:
        return (str(file), read_below(file, folder)) if os.path.lexists(file) else None
    except OSError as error:
        raise OSError(error.errno, f"{file.name} beside it: {error.strerror}") from None


def misplaced(file: Path, *, named: bool) -> Problem | None:
    """What is wrong with a file of tests being here: `named` as a policy, or without its policy beside it."""
    policy = file.with_name(file.stem.removesuffix(_MARK) + file.suffix)
    if named:
        message = f"these are tests, not a policy: name {policy.name}, and they are run with it"
    elif not policy.is_file():
        message = f"these tests have no policy: there is no {policy.name} beside them"
    else:
        return None
    return Problem(path=str(file), line=0, column=0, message=message)


def tests_schema(policy_schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON Schema of a file of tests: the `tests` of a policy, alone."""
    return {
        "type": "object",
        "additionalProperties": False,
        "patternProperties": policy_schema["patternProperties"],
        "required": ["tests"],
        "properties": {"tests": policy_schema["properties"]["tests"]},
        "$defs": policy_schema["$defs"],
    }
