"""Write down what AWS answers, as far as it is read, with no secret in it: `collect --record`."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from ..catalog import Call, Steps, load_catalog
from ..error_kinds import EXPIRED, code_of, kind_of
from ..errors import CollectError
from ..files import write_file, writing
from ..format import encode, timestamp
from ..model import Json
from .call import Answer
from .decode import change
from .kept import Kept
from .pages import Page, whole_answer
from .reading import kept_of
from .recording import ABOUT, REDACTED, Recording, about, place_of

_IN_URL = re.compile(r"(?<=://)[^/@\s\"']*(?=@)")  # a name, or a name and a password


class Recorder:
    """Asks AWS, and writes each answer to a folder. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, kept: Kept) -> None:
        """Write down who is asked, and when. Raises CollectError where the folder has anything but this recording."""
        said = Recording(
            captured_at=kept.captured_at,
            partition=kept.scope["partition"],
            organization=kept.scope["accounts"] == "organization",
            accounts=kept.accounts,
            facts=kept.facts,
            regions=kept.regions,
            types=kept.types,
            attached=kept.attached,
        )
        whole = json.loads(encode({name: getattr(said, name) for name in said.__struct_fields__}))
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if any(self._folder.iterdir()) and about(self._folder) != msgspec.convert(whole, Recording):
                raise CollectError(
                    f"{self._folder}: there is something in it", "record into an empty folder, or a new one"
                )
        _write(self._folder / ABOUT, whole)

    def answers(self, account: str, region: str) -> Answer:
        """What asks AWS of an account in a region."""

        def answer(client: Any, call: Call, given: Mapping[str, Json], deadline: float) -> Page:
            try:
                found = whole_answer(client, call, given, deadline)
            except Exception as error:
                if kind_of(code_of(error)) is not EXPIRED:  # which says nothing of the account
                    said = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
                    why = {"Code": code_of(error), "Message": said.get("Message", "")}
                    self._keep(account, region, call, given, {"Error": why})
                raise
            self._keep(account, region, call, given, presentable(call, found))
            return found

        return answer

    def _keep(self, account: str, region: str, call: Call, given: Mapping[str, Json], answer: Json) -> None:
        path = self._folder / place_of(account, region, call.service, call.operation, given)
        _write(path, answer)


def presentable(call: Call, answer: Page) -> Json:
    """What of an answer is read, with no secret in it."""
    reads, hidden = _uses().get((call.service, call.operation), ({call.result}, ()))
    found = kept_of(answer, reads)
    for steps in hidden:
        found = _hide(found, steps)
    return found


@cache
def _uses() -> Mapping[tuple[str, str], tuple[set[str], set[Steps]]]:
    """What is read of the answers to each operation, and the paths of what is secret in that."""
    found: dict[tuple[str, str], tuple[set[str], set[Steps]]] = {}

    def note(call: Call, secrets: Iterable[Steps]) -> None:
        reads, hidden = found.setdefault((call.service, call.operation), (set(), set()))
        reads.add(call.result)
        if call.until:
            reads.add(call.until)
        hidden.update(secrets)

    for spec in load_catalog().values():
        listed = [steps for steps in spec.redact if steps[0] not in spec.attach]
        for call in filter(None, (spec.list, spec.list.of, spec.list.after)):
            note(call, listed)
        for name, call in spec.attach.items():
            note(call, [steps[1:] for steps in spec.redact if steps[0] == name])
            if call.after:
                note(call.after, ())
    return found


def _hide(value: Json, steps: Steps) -> Json:
    """The same value with what stands at a path replaced, wherever that path begins."""
    while steps[:1] == ("[]",):
        steps = steps[1:]
    match value:
        case str() | bytes() if not steps:  # all of it is secret
            return REDACTED
        case list():
            return [_hide(each, steps) for each in value]
        case dict():
            found = {key: _hide(each, steps) for key, each in value.items()}
            return (
                change(found, steps, lambda _: REDACTED) if steps and (steps[0] in found or steps[0] == "*") else found
            )
        case _:
            return value


def _write(path: Path, value: Json) -> None:
    text = json.dumps(value, indent=1, sort_keys=True, default=_plain)
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_name(f".{os.urandom(8).hex()}")
        write_file(partial, _IN_URL.sub(REDACTED, text).encode() + b"\n")
        partial.replace(path)


def _plain(value: Any) -> str:
    return timestamp(value) if isinstance(value, datetime) else base64.b64encode(bytes(value)).decode()
