"""Which policy another extends, by its id: one in the same folder, one of a source that was named, or one that ships.

That may extend one itself, and so on. Of nothing else a line is read: an id is no path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from ..errors import EvaluationError
from ..model.policy import Base, Extends
from ..suggest import suggest
from .extends import extend, extended, identity_of, keys_of
from .shipped import shipped_files

MOST = 16  # levels
Near = Callable[[], "Mapping[str, Document]"]  # what lies beside a policy, by id


class Document(Struct, frozen=True):
    """The text of a policy, what lies beside it, and its file; and that of `another`, which has the id as well."""

    data: bytes
    near: Near | None = None
    path: str = ""
    another: str = ""


def by_id(documents: Iterable[Document]) -> Mapping[str, Document]:
    """Documents by the ids that they give themselves: of one id the first, which knows of another that differs."""
    found: dict[str, Document] = {}
    for each in documents:
        name = identity_of(each.data) or ""
        first = found.setdefault(name, each)
        if first.data != each.data and not first.another:
            found[name] = replace(first, another=each.path)
    return found


class Bases(Struct, frozen=True):
    """Where policies are looked for, after what lies beside: in the sources that were named, and in what ships."""

    named: Callable[[], Mapping[str, Document]]

    def whole(self, document: Document) -> tuple[bytes, Extends | None]:
        """A policy with all that it takes from others.

        Raises EvaluationError where there is no such other, or two, and UnicodeDecodeError where one is no text.
        """
        return self._whole(document, (identity_of(document.data) or "",))

    def _whole(self, document: Document, chain: tuple[str, ...]) -> tuple[bytes, Extends | None]:
        named = extended(document.data)
        if named is None:
            return document.data, None
        identity, _ = named
        if identity in chain:
            raise EvaluationError(f"{' extends '.join((*chain[chain.index(identity) :], identity))}: that has no end")
        if len(chain) > MOST:
            raise EvaluationError(f"more than {MOST} policies extend each other")
        found = self._find(identity, document, chain)
        if found.another:
            both = f"{found.path} and {found.another} are both {identity}, and differ"
            raise EvaluationError(f"{both}: give one another id, or name only one")
        base, further = self._whole(found, (*chain, identity))
        whole, extends = extend(document.data, base)
        bases = (Base(id=identity, keys=keys_of(found.data)), *(further.bases if further else ()))
        return whole, replace(extends, bases=bases)

    def _find(self, identity: str, document: Document, chain: tuple[str, ...]) -> Document:
        try:
            beside = document.near() if document.near else {}
        except OSError as error:
            raise EvaluationError(f"what is beside this one cannot be read: {error.strerror}") from None
        if identity in beside:
            return replace(beside[identity], near=document.near)
        if (elsewhere := self.named().get(identity)) is not None:
            return elsewhere
        shipped = shipped_files()
        if identity in shipped:
            return Document(shipped[identity].read_bytes())
        inside = f"{chain[-1]} extends {identity}, and there is " if len(chain) > 1 else ""
        known = suggest(identity, {*shipped, *beside, *self.named()})
        raise EvaluationError(f"{inside}no policy {identity} beside it, in what is named, or that ships{known}")
