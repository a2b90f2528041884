"""What changed between two packs, most often two versions of a framework.

Controls of both are the same where their titles are: titles are words of our own, and stay from version to version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from ..model.pack import Control, Pack
from .page import asked
from .report import Answer, PackReport


class Changed(Struct, frozen=True, kw_only=True):
    """A control that is in one pack only, or not the same in both; `what` says how. Answers, if there is a snapshot."""

    old: Control | None
    new: Control | None
    what: Sequence[str]
    before: Answer | None = None
    after: Answer | None = None

    @property
    def differs(self) -> bool:
        """Whether its status is not the same by both packs."""
        return _status(self.before) != _status(self.after)

    @property
    def title(self) -> str:
        control = self.new or self.old
        return control.title if control else ""


def compare(
    old: Pack, new: Pack, before: PackReport | None = None, after: PackReport | None = None
) -> Iterator[Changed]:
    """Every control that differs: those of the newer pack in its order, then those that are gone.

    With reports of one snapshot, also every control whose status differs.
    """
    earlier, later = _by_title(old), _by_title(new)
    answers = _answers(before), _answers(after)
    for title in (*later, *(title for title in earlier if title not in later)):
        was, now = earlier.get(title), later.get(title)
        what = list(_differences(was, now))
        said = answers[0].get(title), answers[1].get(title)
        changed = Changed(old=was, new=now, what=what, before=said[0], after=said[1])
        if what or changed.differs:
            yield changed


def _by_title(pack: Pack) -> Mapping[str, Control]:
    return {control.title: control for control in pack.controls()}


def _answers(report: PackReport | None) -> Mapping[str, Answer]:
    return {answer.control.title: answer for answer in report.answers()} if report else {}


def _status(answer: Answer | None) -> str:
    return answer.status.value if answer else ""


def _differences(old: Control | None, new: Control | None) -> Iterator[str]:
    if old is None:
        yield "added"
    elif new is None:
        yield "removed"
    else:
        if old.number != new.number:
            yield "renumbered"
        for name in ("level", "assessment", "severity"):
            was, now = getattr(old, name), getattr(new, name)
            if was != now:
                yield f"{name} {was or 'none'} → {now or 'none'}"
        if _said(old) != _said(new):
            yield f"{_said(old)} → {_said(new)}"


def _said(control: Control) -> str:
    """What answers a control, in one line."""
    return ", ".join(map(asked, control.asks)) or ("manual" if control.manual else "unanswered")
