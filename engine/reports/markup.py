"""Markup as a text of its own kind: what is not markup already is escaped, so no name of a snapshot becomes any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from .text import one_line


class Markup(str):
    """Text in which every element is ours."""

    __slots__ = ()


Inside = str | None


def element(name: str, *inside: Inside, of: str = "", at: str = "") -> Markup:
    """An element `of` a class, `at` an address, with what is inside; None is nothing."""
    named = "".join(f' {key}="{escape(value)}"' for key, value in (("class", of), ("id", at)) if value)
    return Markup(f"<{name}{named}>{join(inside)}</{name}>")


def join(parts: Iterable[Inside], between: str = "") -> Markup:
    """Parts one after the other, each as markup."""
    return Markup(between.join(each if isinstance(each, Markup) else _text(each) for each in parts if each))


def paragraphs(text: str) -> Markup:
    """A text of several paragraphs, with code between backticks, as people write it."""
    return join(element("p", coded(each)) for each in text.split("\n\n") if each.strip())


def coded(text: str) -> Markup:
    """A paragraph in which what stands between backticks is code."""
    parts = " ".join(text.split()).split("`")
    return join(element("code", each) if number % 2 else each for number, each in enumerate(parts))


def link(to: str, text: str) -> Markup:
    """A link within the document, or to a web page."""
    return Markup(f'<a href="{escape(one_line(to))}">{_text(text)}</a>')


_KINDS = {"#": "number", "*": "long", "=": "whole"}


def table(headings: Sequence[str], rows: Iterable[Iterable[Inside]], of: str = "") -> Markup:
    """A table. A heading ends with # above numbers, with * above texts that may break anywhere, with = nowhere."""
    kinds = [_KINDS.get(each[-1:], "") for each in headings]

    def cells(name: str, row: Iterable[Inside]) -> Markup:
        return join(element(name, cell, of=kind) for cell, kind in zip(row, kinds, strict=True))

    head = element("thead", element("tr", cells("th", [each.rstrip("#*=") for each in headings])))
    return element("table", head, element("tbody", *(element("tr", cells("td", row)) for row in rows)), of=of)


def facts(pairs: Iterable[tuple[str, Inside]]) -> Markup:
    """Names with their values; without those that have none."""
    return element("dl", *(element("div", element("dt", name), element("dd", value)) for name, value in pairs if value))


def _text(text: str) -> str:
    return escape(one_line(text))
