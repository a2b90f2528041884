"""The whole of an answer, whatever number of pages it has: each is held to what the first must be.

A page that is lost, or is something else, would read as the end of a list.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from botocore import xform_name

from ..catalog import Call
from ..model import Json
from ..resource import compiled

Page = dict[str, Any]
TOKENS = ("NextToken", "nextToken", "NextMarker", "Marker", "position")
# How pages announce another.
_MORE = re.compile(r"istruncated|truncated|hasmore.*|next(page)?(token|marker)", re.IGNORECASE)
PAGES = 100  # a second of a request's deadline: no service answers so quickly for long
REQUESTS = 10  # deadlines of a request, for a call with all its pages


class UnexpectedAnswer(Exception):  # noqa: N818 - the name is what a snapshot says
    """A page that is none, or that announces another and does not name it."""


class TooManyPages(Exception):  # noqa: N818 - likewise
    """Pages without an end."""


def whole_answer(client: Any, call: Call, params: Mapping[str, Json], deadline: float) -> Page:
    """All pages as one, or the first where no other counts. Raises what botocore raises, UnexpectedAnswer and
    TooManyPages."""
    method = xform_name(call.operation)
    if call.first:
        page = {name: part for name, part in getattr(client, method)(**params).items() if name != "ResponseMetadata"}
        if announces_more(page) and compiled(call.result).search(page) == []:  # what counts is on another
            raise UnexpectedAnswer
        return page
    if client.can_paginate(method):
        config = {"PageSize": call.page_size} if call.page_size else {}
        iterator = client.get_paginator(method).paginate(**params, PaginationConfig=config)
        lists, pages = [key.expression for key in iterator.result_keys], _bounded(iterator, deadline)
    else:
        pages = _bounded(_named(getattr(client, method), params), deadline)
        found = dict.fromkeys(each for page in pages for each in page)
        lists = [name for name in found if _is_list(pages, name) or (name == call.result and _is_map(pages, name))]
    if announces_more(pages[-1]) or (len(pages) > 1 and not all(_is_page(page, call, lists) for page in pages)):
        raise UnexpectedAnswer
    whole = pages[0]
    for page in pages[1:]:
        for path in lists:
            _join(whole, page, path.split("."))
    whole.pop("ResponseMetadata", None)
    return whole


def _named(method: Any, params: Mapping[str, Json]) -> Iterator[Page]:
    """The pages of an operation of which botocore does not know that it has any: each names the next."""
    page, seen = method(**params), set[str]()
    yield page
    while token := next((name for name in TOKENS if page.get(name)), None):
        if page[token] in seen:
            raise UnexpectedAnswer
        seen.add(page[token])
        page = method(**params, **{token: page[token]})
        yield page


def _bounded(pages: Iterable[Page], deadline: float) -> list[Page]:
    end, found = time.monotonic() + REQUESTS * deadline, list[Page]()
    for page in pages:
        if len(found) >= PAGES * deadline or time.monotonic() > end:
            raise TooManyPages
        found.append(dict(page))
    return found


def _is_page(page: Page, call: Call, lists: Sequence[str]) -> bool:
    """Whether one of several pages has what pages have; an empty list is there, and is empty."""
    there = any(compiled(path).search(page) is not None for path in lists)
    return there and (call.optional or compiled(call.result).search(page) is not None)


def announces_more(page: Page) -> bool:
    """Whether a page says that it is not the last."""
    inner = (each for each in page.values() if isinstance(each, dict))
    return any(
        value is True or (isinstance(value, str) and value != "")
        for each in (page, *inner)
        for name, value in each.items()
        if _MORE.fullmatch(name)
    )


def _is_list(pages: Sequence[Page], name: str) -> bool:
    return any(isinstance(page.get(name), list) for page in pages)


def _is_map(pages: Sequence[Page], name: str) -> bool:
    """Whether it is a map of texts, as tags are: of what holds more, a page would take the place of another."""
    found = [page[name] for page in pages if name in page]
    return all(isinstance(each, dict) and all(isinstance(text, str) for text in each.values()) for each in found)


def _join(whole: Page, page: Page, steps: Sequence[str]) -> None:
    """Add what a page has at a path to what is there."""
    *outer, last = steps
    for step in outer:
        whole, page = whole.setdefault(step, {}), page.get(step) or {}
    found = page.get(last)
    if isinstance(found, list):
        whole[last] = (whole.get(last) or []) + found
    elif isinstance(found, dict):
        whole[last] = {**(whole.get(last) or {}), **found}
