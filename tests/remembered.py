"""What an AWS answered once, for collections that break one call after the other: what none of them breaks is not asked
again."""

from __future__ import annotations

import pickle
from typing import Any

from stillframe.snapshot.catalog import Call
from stillframe.snapshot.collector.call import Answer
from stillframe.snapshot.collector.pages import Page, whole_answer
from stillframe.snapshot.collector.plan import Answers


class Memory:
    """Answers, and errors, by account, region, call and parameters. Safe to share between threads."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], bytes] = {}

    def but(self, service: str = "", operation: str = "") -> Answers:
        """As a plan takes them: from memory where they are there; by AWS of the operation that is named, always."""

        def answers(account: str, region: str) -> Answer:
            def answer(client: Any, call: Call, params: Any, deadline: float) -> Page:
                if (call.service, call.operation) == (service, operation):
                    return whole_answer(client, call, params, deadline)
                key = (account, region, call.service, call.operation, repr(sorted(params.items())))
                if key not in self._kept:
                    self._kept[key] = pickle.dumps(outcome(client, call, params, deadline))
                found = pickle.loads(self._kept[key])  # a copy, as the collector changes what it has
                if isinstance(found, Exception):
                    raise found
                return found

            return answer

        return answers


def outcome(*given: Any) -> Page | Exception:
    try:
        return whole_answer(*given)
    except Exception as error:
        return error
