"""Write reports: every target at once, from one stream of findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from .formats import Target
from .report import Context, Lines, Report, Totals
from .targets import Write, whole, whole_folder


class Reports:
    """The reports that are being written."""

    def __init__(self, sinks: Sequence[tuple[Report, Write]]) -> None:
        self._sinks = sinks

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


@contextmanager
def reports(targets: Sequence[Target], context: Context) -> Iterator[Reports]:
    """Open every target. Call `end` before leaving. Raises OutputError for what cannot be written."""
    with ExitStack() as stack:
        sinks = []
        for target in targets:
            report, write = target.format.report(context), stack.enter_context(_opened(target))
            for piece in report.begin():
                write(piece)
            sinks.append((report, write))
        yield Reports(sinks)


@contextmanager
def _opened(target: Target) -> Iterator[Write]:
    if target.format.folder:
        with whole_folder(target.name) as write:
            yield write
    else:
        with whole(target.name) as file:
            yield file.write
