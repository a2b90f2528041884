"""Attestations: what somebody says of a control that no policy answers, until a day.

The only time is the snapshot's: what was said after it was taken, or has expired when it was, says nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from ..model.attestation import Attestation
from ..model.waiver import is_over


class Attestations(Struct):
    """The attestations of one evaluation, and which of them answered a control."""

    given: Sequence[Attestation]
    captured_at: str
    _used: set[int] = field(default_factory=set)

    def of(self, pack: str, control: str) -> Attestation | None:
        """What is said of a control that leaves something to be said: the first that is in force."""
        for number, each in enumerate(self.given):
            if (each.pack, each.control) == (pack, control) and not self._lapse(each):
                self._used.add(number)
                return each
        return None

    def reports(self, packs: Sequence[str]) -> Iterator[str]:
        """A line for each attestation of some packs that answers nothing. Ask when all controls were looked at."""
        for number, each in enumerate(self.given):
            if each.pack in packs and number not in self._used:
                why = self._lapse(each) or "is unused: the control is answered without it"
                yield f"{each.place}: attestation of {each.pack} {each.control} {why}"

    def _lapse(self, attestation: Attestation) -> str:
        """Why it does not speak of this snapshot; empty where it does."""
        if is_over(attestation.expires, self.captured_at):
            return f"expired on {attestation.expires}"
        if attestation.when > self.captured_at[: len(attestation.when)]:
            return f"is unused: it was given on {attestation.when}, after this snapshot"
        return ""
