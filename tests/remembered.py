"""What an AWS answered once, for collections that break one call after the other: what none of them breaks is not asked
again."""

from __future__ import annotations

import pickle
from typing import Any

from stillframe.snapshot.catalog import Call
from stillframe.snapshot.collector.call import Answer
from stillframe.snapshot.collector.pages import Page
from stillframe.snapshot.collector.plan import Answers, ask_aws


class Memory:
    """Answers, and errors, by account, region, call and parameters. Safe to share between threads."""

    def __init__(self, asked: Answers = ask_aws) -> None:
        self._asked = asked
        self._kept: dict[tuple[str, ...], bytes] = {}

    def but(self, service: str = "", operation: str = "") -> Answers:
        """As a plan takes them: from memory where they are there; by AWS of the operation that is named, always."""

        def answers(account: str, region: str) -> Answer:
            ask = self._asked(account, region)

            def answer(client: Any, call: Call, params: Any, deadline: float) -> Page:
                named = (call.service, call.operation)
                if call.until or named == (service, operation):  # the first is asked until it says that it is ready
                    return ask(client, call, params, deadline)
                key = (account, region, *named, repr(sorted(params.items())))
                if key not in self._kept:
                    self._kept[key] = pickle.dumps(outcome(ask, client, call, params, deadline))
                found = pickle.loads(self._kept[key])  # a copy, as the collector changes what it has
                if isinstance(found, Exception):
                    raise found
                return found

            return answer

        return answers


def outcome(ask: Answer, *given: Any) -> Page | Exception:
    try:
        return ask(*given)
    except Exception as error:
        return error
