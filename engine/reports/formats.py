"""The table of formats: what each is called, and which ending of a file's name chooses it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path

from msgspec import Struct

from ...snapshot.remote import URL
from ..suggest import suggest
from .report import Context, Report
from .targets import STDOUT, OutputError, distinct


class Format(Struct, frozen=True):
    """A format. `made` is the function that begins its report, as module:function, imported when it is used.

    One without an ending is chosen by name alone. One that is a `folder` gives several files.
    """

    ending: str | None
    made: str
    folder: bool = False

    def report(self, context: Context) -> Report:
        module, _, function = self.made.partition(":")
        made: Report = getattr(import_module(f".{module}", __package__), function)(context)
        return made


FORMATS = {
    "jsonl": Format(".jsonl", "jsonl_csv:json_lines"),
    "json": Format(".json", "jsonl_csv:json_array"),
    "csv": Format(".csv", "jsonl_csv:csv_rows"),
    "html": Format(".html", "html:Page"),
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


def targets(names: Iterable[str], form: str | None = None) -> Sequence[Target]:
    """The files that are named, each in the format called `form`, or else in the one that its ending says.

    A format without a file is for standard output. Raises OutputError, before any work is done.
    """
    if form is not None and form not in FORMATS:
        raise OutputError(f"{form!r} is no format{suggest(form, FORMATS)}", f"use one of {', '.join(FORMATS)}")
    given = list(names) or ([STDOUT] if form else [])
    distinct(given)
    found = [Target(name, _in_parts(name, FORMATS[form] if form else _by_ending(name))) for name in given]
    for target in found:
        if target.format.folder and target.name == STDOUT:
            raise OutputError("this format is a folder of files", "name it with -o")
        if target.name.endswith("/") and not target.format.folder:
            raise OutputError(f"{target.name}: parts are JSON Lines", "write a name without a slash at its end")
        if URL.match(target.name) and target.format is not FORMATS["parts"]:
            raise OutputError(f"{target.name}: object storage takes findings in parts", f"write {target.name}/")
    return found


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
