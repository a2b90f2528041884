"""Parameters from files: tables and lists that people keep beside stillframe.yaml."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from ...snapshot.format import digest
from ..documents.named_files import read_below
from ..documents.yaml12 import YamlError, load
from ..suggest import suggest

_KEYS = frozenset({"file", "column"})
_ENDINGS = (".csv", ".json", ".yaml", ".yml")


def names_file(value: Any) -> bool:
    """Whether a value stands in a file: {file: NAME}, of a table perhaps with a `column`."""
    return isinstance(value, dict) and isinstance(value.get("file"), str) and value.keys() <= _KEYS


class ParamFiles(Struct):
    """The files below a folder that values were read of, each with its digest."""

    folder: Path
    digests: dict[str, str] = field(default_factory=dict)

    def values(self, named: Mapping[str, Any]) -> list[Any]:
        """What a file says; of a column as text, and with its numbers as such. Raises ValueError."""
        name, column = named["file"], named.get("column")
        if not name.endswith(_ENDINGS):
            raise ValueError(f"{name!r} is no file of a value: its name ends in {', '.join(_ENDINGS)}")
        try:
            data = read_below(self.folder / name, self.folder)
        except OSError as error:
            raise ValueError(f"{self.folder / name}: {error.strerror}") from None
        self.digests[name] = digest(data)
        try:
            if name.endswith(".csv"):
                rows = list(_rows(data.decode("utf-8-sig"), column))
                return [rows] if rows and isinstance(rows[0], dict) else [rows, list(map(_plain, rows))]
            if column is not None:
                raise ValueError("only a table, whose name ends in .csv, has columns")
            return [load(data).value]
        except YamlError as error:
            (line, place, text), *_ = error.places
            raise ValueError(f"{name}:{line}:{place}: {text}") from None
        except (ValueError, UnicodeDecodeError) as error:
            raise ValueError(f"{name}: {error}") from None


def _rows(text: str, column: Any) -> Iterator[Any]:
    """Each row of a table: the text in a column, or in the only one, or else all of it by the names of columns."""
    import csv  # which few need

    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        head = next(reader, [])
        if len(set(head)) < len(head) or not all(head):
            raise ValueError("the first line names the columns, each by a name of its own")
        if column is not None and column not in head:
            raise ValueError(f"there is no column {column}{suggest(str(column), head)}")
        chosen = head.index(column) if column is not None else 0 if len(head) == 1 else None
        for row in filter(None, reader):
            if len(row) != len(head):
                raise ValueError(f"line {reader.line_num} has {len(row)} values, where there are {len(head)} columns")
            yield dict(zip(head, row, strict=True)) if chosen is None else row[chosen]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None


def _plain(text: str) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, int | float) and math.isfinite(found) else text
