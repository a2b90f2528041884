"""Write reports: every target at once, from one stream of findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import IO

from ..model.finding import Status
from .formats import Target
from .parts import Part, Parts, WritesParts
from .report import Context, Lines, Report, Totals
from .targets import Folder, Write, whole, whole_folder


class Reports:
    """The reports that are being written."""

    def __init__(self, sinks: Sequence[tuple[Report, Write]], folders: Sequence[Folder]) -> None:
        self._sinks, self._folders = sinks, folders

    def apart(self, statuses: frozenset[Status] | None) -> WritesParts | None:
        """What writes parts elsewhere, if nothing but a folder of them is asked for; then `include` each."""
        if [type(report) for report, _ in self._sinks] != [Parts]:
            return None
        return WritesParts(self._folders[0].place, statuses)

    def include(self, part: Part) -> None:
        """A part that was written elsewhere, the next in order."""
        [(report, _)] = self._sinks
        assert isinstance(report, Parts)  # noqa: S101 - of which `apart` made sure
        report.parts.append(part)
        self._folders[0].names.add(part.name)

    def add(self, data: bytes) -> None:
        """Findings, or differences, as JSON Lines."""
        lines = Lines(data)
        for report, write in self._sinks if data else ():
            for piece in report.add(lines):
                write(piece)

    def end(self, totals: Totals) -> None:
        """All that is left to write."""
        for report, write in self._sinks:
            for piece in report.end(totals):
                write(piece)


def _into(files: Mapping[str, IO[bytes]], piece: tuple[str, bytes]) -> None:
    files[piece[0]].write(piece[1])


@contextmanager
def reports(targets: Sequence[Target], context: Context) -> Iterator[Reports]:
    """Open every target. Call `end` before leaving. Raises OutputError for what cannot be written."""
    with ExitStack() as stack:
        sinks: list[tuple[Report, Write]] = []
        folders: list[Folder] = []
        for target in targets:
            report = target.format.report(context)
            if target.format.folder:
                folders.append(stack.enter_context(whole_folder(target.name)))
                write: Write = folders[-1].write
            elif target.format.annex:
                write = partial(_into, {part: stack.enter_context(whole(name)) for part, name in target.files.items()})
            else:
                write = stack.enter_context(whole(target.name)).write
            for piece in report.begin():
                write(piece)
            sinks.append((report, write))
        yield Reports(sinks, folders)
