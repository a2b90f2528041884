"""Write reports: every target at once, from one stream of findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import IO

from msgspec import Struct

from ..model.finding import Status
from .formats import Target
from .parts import Part, Parts, WritesParts
from .report import Context, Lines, Report, Totals
from .targets import Folder, NotMadeError, Write, whole, whole_folder


class _Sink(Struct):
    """A report that is being written. Its `fault` is why it could not be made: it costs no other report."""

    report: Report
    write: Write
    folder: Folder | None = None
    fault: NotMadeError | None = None

    def end(self, totals: Totals) -> None:
        try:
            for piece in self.report.end(totals):
                self.write(piece)
        except NotMadeError as error:
            self.fault = error


class Reports:
    """The reports that are being written."""

    def __init__(self, sinks: Sequence[_Sink]) -> None:
        self._sinks = sinks
        self._folders = [each.folder for each in sinks if each.folder]

    def apart(self, statuses: frozenset[Status] | None) -> WritesParts | None:
        """What writes parts elsewhere, if nothing but a folder of them is asked for; then `include` each."""
        if [type(each.report) for each in self._sinks] != [Parts]:
            return None
        return WritesParts(self._folders[0].place, statuses)

    def include(self, part: Part) -> None:
        """A part that was written elsewhere, the next in order."""
        [report] = [each.report for each in self._sinks]
        assert isinstance(report, Parts)  # noqa: S101 - of which `apart` made sure
        report.parts.append(part)
        self._folders[0].names.add(part.name)

    def add(self, data: bytes) -> None:
        """Findings, or differences, as JSON Lines."""
        lines = Lines(data)
        for sink in self._sinks if data else ():
            for piece in sink.report.add(lines):
                sink.write(piece)

    def end(self, totals: Totals) -> None:
        """All that is left to write."""
        for sink in self._sinks:
            sink.end(totals)

    def check(self) -> None:
        """Raise the NotMadeError of a report that could not be made, when all others are there."""
        for fault in (each.fault for each in self._sinks if each.fault):
            raise fault


def _into(files: Mapping[str, IO[bytes]], piece: tuple[str, bytes]) -> None:
    files[piece[0]].write(piece[1])


@contextmanager
def reports(targets: Sequence[Target], context: Context) -> Iterator[Reports]:
    """Open every target. Call `end` before leaving, and `check` then. Raises OutputError for what cannot be written."""
    with ExitStack() as stack:
        yield Reports([stack.enter_context(_sink(target, context)) for target in targets])


@contextmanager
def _sink(target: Target, context: Context) -> Iterator[_Sink]:
    """A target: where its report could not be made, the files that were there before stay, and no other is lost."""
    sink: _Sink | None = None
    try:
        with ExitStack() as stack:
            sink = _opened(target, context, stack)
            for piece in sink.report.begin():
                sink.write(piece)
            yield sink
            if sink.fault:
                raise sink.fault
    except NotMadeError as error:
        if sink is None or error is not sink.fault:
            raise


def _opened(target: Target, context: Context, stack: ExitStack) -> _Sink:
    report = target.format.report(context)
    if target.format.folder:
        folder = stack.enter_context(whole_folder(target.name))
        return _Sink(report, folder.write, folder)
    if target.format.annex:
        files = {part: stack.enter_context(whole(name)) for part, name in target.files.items()}
        return _Sink(report, partial(_into, files))
    return _Sink(report, stack.enter_context(whole(target.name)).write)
