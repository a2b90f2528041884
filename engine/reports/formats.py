"""The table of formats: what each is called, and which ending of a file's name chooses it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from msgspec import Struct

from ...snapshot.remote import URL
from ..suggest import suggest
from .report import Context, Report
from .targets import ANNEX, REPORT, STDOUT, OutputError, distinct


class Format(Struct, frozen=True):
    """A format. `made` is the function that begins its report, as module:function, imported when it is used.

    One without an ending is chosen by name alone. One that is a `folder` gives several files, and one with an `annex`
    two. What one `needs` is a function that raises OutputError where it is not there, as module:function.
    """

    ending: str | None
    made: str
    folder: bool = False
    annex: bool = False
    needs: str = ""

    def report(self, context: Context) -> Report:
        made: Report = _function(self.made)(context)
        return made


def _function(named: str) -> Any:
    module, _, function = named.partition(":")
    return getattr(import_module(f".{module}", __package__), function)


FORMATS = {
    "jsonl": Format(".jsonl", "jsonl_csv:json_lines"),
    "json": Format(".json", "jsonl_csv:json_array"),
    "csv": Format(".csv", "jsonl_csv:csv_rows"),
    "html": Format(".html", "html:Page"),
    "pdf": Format(".pdf", "audit:a4", annex=True, needs="chromium:find"),
    "pdf-letter": Format(".letter.pdf", "audit:letter", annex=True, needs="chromium:find"),
    "print": Format(".print.html", "audit:view", annex=True),
    "markdown": Format(".md", "markdown:Comment"),
    "github": Format(None, "github:Annotations"),
    "sarif": Format(".sarif", "sarif:log"),
    "junit": Format(".xml", "junit:Suites"),
    "ocsf": Format(".ocsf.jsonl", "ocsf:events"),
    "ocsf-csv": Format(".ocsf.csv", "ocsf:rows"),
    "controls": Format(".controls.json", "controls:Json"),
    "controls-csv": Format(".controls.csv", "controls:Csv"),
    "controls-markdown": Format(".controls.md", "controls:Markdown"),
    "metrics": Format(".prom", "metrics:Exposition"),
    "asff": Format(".asff", "asff:Requests", folder=True),
    "parts": Format("/", "parts:Parts", folder=True),
}

_ALSO = {".om": "metrics", ".sarif.json": "sarif", ".asff.json": "asff"}  # other endings that people know


class Target(Struct, frozen=True):
    """A file to write, or `-` for standard output, and its format."""

    name: str
    format: Format

    @property
    def files(self) -> Mapping[str, str]:
        """The names of its files, each by what is added to that of the report."""
        names = {REPORT: self.name}
        # No more than an ending that is known goes: `v1.2` has none.
        bare = self.name.removesuffix(".pdf").removesuffix(".html")
        return {**names, ANNEX: bare + ANNEX} if self.format.annex else names


def targets(names: Iterable[str], form: str | None = None, *, compares: bool = False) -> Sequence[Target]:
    """The files that are named, each in the format called `form`, or else in the one that its ending says.

    A format without a file is for standard output. `compares` says that they are of several snapshots. Raises
    OutputError, before any work is done.
    """
    if form is not None and form not in FORMATS:
        raise OutputError(f"{form!r} is no format{suggest(form, FORMATS)}", f"use one of {', '.join(FORMATS)}")
    given = list(names) or ([STDOUT] if form else [])
    found = [Target(name, _in_parts(name, FORMATS[form] if form else _by_ending(name))) for name in given]
    distinct(files(found))
    for target in found:
        _check(target, compares=compares)
    return found


def _check(target: Target, *, compares: bool) -> None:
    """Raise OutputError for what cannot be written so."""
    form, stdout = target.format, target.name == STDOUT
    if form.annex and compares:
        raise OutputError(f"{target.name}: this format is of one snapshot", "write it with evaluate, or nightly -o")
    path = Path(target.name)
    if form.annex and (stdout or (path.exists() and not path.is_file() and not path.is_dir())):
        raise OutputError("this format is two files, the report and its annex", "name it with -o")
    if not form.folder and path.is_dir():
        raise OutputError(f"{target.name}: a folder", "name a file")
    if form.folder and stdout:
        raise OutputError("this format is a folder of files", "name it with -o")
    if not form.folder and Path(target.name).is_dir() and not target.name.endswith("/"):
        raise OutputError(f"{target.name}: a folder", "name a file")
    if target.name.endswith("/") and not form.folder:
        raise OutputError(f"{target.name}: parts are JSON Lines", "write a name without a slash at its end")
    if URL.match(target.name) and form is not FORMATS["parts"]:
        raise OutputError(f"{target.name}: object storage takes findings in parts", f"write {target.name}/")
    if form.needs:
        _function(form.needs)()


def files(targets: Iterable[Target]) -> list[str]:
    """Every file that is to be written."""
    return [name for target in targets for name in target.files.values()]


def printed(targets: Iterable[Target]) -> bool:
    """Whether standard output is one of them, and so is not for people."""
    return any(target.name == STDOUT for target in targets)


def _in_parts(name: str, form: Format) -> Format:
    """The same; of a name that ends with a slash, in parts."""
    return FORMATS["parts"] if name.endswith("/") and form is FORMATS["jsonl"] else form


def _by_ending(name: str) -> Format:
    if name == STDOUT:
        return FORMATS["jsonl"]
    endings = {form.ending: form for form in FORMATS.values() if form.ending}
    endings |= {ending: FORMATS[form] for ending, form in _ALSO.items()}
    fitting = [ending for ending in endings if name.rstrip("/").endswith(ending)]
    if name.endswith("/") and not fitting:
        return FORMATS["jsonl"]
    if not fitting:
        raise OutputError(
            f"{name}: no format is known for {Path(name).suffix or 'this name'}",
            f"use one of {', '.join(endings)}, or --format",
        )
    return endings[max(fitting, key=len)]
