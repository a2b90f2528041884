"""The collector before an endpoint that means harm, over every call of the catalogue: no empty list is made of it.

A sample of the calls and harms runs with the other tests; `--sweep` tries them all.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from answering import CATALOG, Answer, gather, has_pages
from builders import CALLER
from fuzz.watch import outside, watched
from hostile import CALLS, HARMS, LOOPS, answer
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import Call
from stillframe.snapshot.model import Unknown
from stillframe.snapshot.verify import verify

EMPTY = "an empty document"  # in which AWS may say "none"; what it always says is then unknown, by the catalogue
NOTHING = (None, {}, [{}], {"LocationConstraint": None})


@cache
def cases() -> list[tuple[Call, str, int]]:
    """Each call, harm and page. Which calls have pages says a client of each service, which takes seconds to make."""
    return [
        (call, harm, page)
        for call in CALLS
        for harm in (*HARMS, *(LOOPS if has_pages(call) else ()))
        for page in ((0, 1) if has_pages(call) else (0,))
    ]


def wrong(call: Call, harm: str, page: int) -> str | None:
    """What a harm was taken for, if not for what it is."""
    found = answer(call, {**HARMS, **LOOPS}[harm], page)
    if isinstance(found, Unknown) or found == answer(call):
        return None
    if (harm, page) == (EMPTY, 0) and found in NOTHING and (found is not None or call.optional):
        return None
    return f"{call.service}:{call.operation}, page {page + 1}: {harm} was taken for {found!r:.60}"


def test_an_endpoint_that_harms_a_page_makes_its_value_unknown(request):
    tried = cases() if request.config.getoption("--sweep") else cases()[::97]
    assert [fault for case in tried if (fault := wrong(*case))] == []
    print(len(CALLS), "calls,", len(tried), "harms")


def test_without_a_harm_every_call_is_answered():
    assert [call.operation for call in CALLS[:: 1 + len(CALLS) // 40] if isinstance(answer(call), Unknown)] == []


@pytest.mark.parametrize("text", ["/../../PWN", "1111222233334", "x\0y", "\x1b[31m", "", "a" * 5000])
def test_whatever_answers_say_nothing_is_written_outside_the_archive(text, tmp_path, request):
    class Hostile(Answer):
        def text(self, shape: Any, path: str, name: str) -> str | bytes | None:
            found = super().text(shape, path, name)
            plain = isinstance(found, str) and not re.match(r"page-2|\{|\d{12}\Z", found)
            return text if plain and not getattr(shape, "enum", ()) else found

    def respond(model: Any, params: Any, **_: Any) -> Any:
        made = Hostile(model.name, last="page-2" in str(params)).of(model.output_shape, "")
        return SimpleNamespace(status_code=200, raw=None), made

    kinds = (
        list(CATALOG) if request.config.getoption("--sweep") else [*list(CATALOG)[::9], "AWS::Account", "AWS::Region"]
    )
    with watched() as seen:
        done = gather(tmp_path, respond, types={kind: CATALOG[kind] for kind in sorted(kinds)})
    assert not outside([each for each in seen if each[0] == "write"], [tmp_path])
    assert open_snapshot(done.path).accounts == (CALLER.account,)
    assert [fault for fault in verify(done.path) if "MalformedValue" not in fault] == []
    assert Counter(path.parent.name for path in done.path.rglob("*.jsonl")).keys() <= {CALLER.account}
