"""What the site of the documentation is made of: the pages as they lie in the repository, by the paths of
docs/README.md. MkDocs calls it, as mkdocs.yml says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
HOME = "docs/README.md"
# Pages that are not listed one by one: beside the page that leads to them.
BELOW = {
    "docs/adr/README.md": "docs/adr",
    "docs/lint/README.md": "docs/lint",
    "docs/packs.md": "docs/reference/packs",
    "docs/reference/policies.md": "docs/reference/policies",
}
_PAGE = re.compile(r"\[([^\]]+)\]\(([^)#]+\.md)\)")
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)([^)#\s]+)\)")


def pages() -> list[str]:
    """Every page, by its path."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def navigation() -> list[dict[str, Any]]:
    """The headings of docs/README.md, each with the pages that are linked below it."""
    text = (ROOT / HOME).read_text("utf-8")
    home: list[Any] = [{"Stillframe": "README.md"}, {"Documentation": HOME}]
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    first = [{"Start": [*home, *_entries(parts[0])]}]
    return first + [{title: list(_entries(body))} for title, body in zip(parts[1::2], parts[2::2], strict=True)]


def _entries(text: str) -> Iterator[Any]:
    for title, link in _PAGE.findall(text):
        path = (ROOT / "docs" / link).resolve().relative_to(ROOT).as_posix()
        name = title[0].upper() + title[1:]
        if path in BELOW:
            rest = [each for each in pages() if each != path and Path(each).parent == Path(BELOW[path])]
            yield {name: [path, *rest]}
        else:
            yield {name: path}


def on_config(config: Any) -> Any:
    config.nav = navigation()
    return config


def on_files(files: Any, config: Any) -> Any:
    """What the theme has, the pages, and the pictures and files that they link to."""
    from mkdocs.structure.files import File, Files

    theme = [file for file in files if file.src_dir != config.docs_dir]

    linked = (target for page in pages() for _, target in _links(page, (ROOT / page).read_text("utf-8")))
    paths = sorted({*pages(), *(path for path in linked if (ROOT / path).suffix)})
    return Files([*theme, *(File(path, str(ROOT), config.site_dir, use_directory_urls=True) for path in paths)])


def on_page_markdown(text: str, page: Any, **_: Any) -> str:
    """A page without links to folders and to what else is only in the repository: their text stays."""
    for link, target in _links(page.file.src_uri, text):
        if not (ROOT / target).suffix:
            text = text.replace(link, _LINK.sub(r"\1", link))
    return text


def _links(page: str, text: str) -> Iterator[tuple[str, str]]:
    """Each link of a page to something in the repository: as it is written, and its path."""
    for found in _LINK.finditer(text):
        path = ((ROOT / page).parent / found[2]).resolve()
        if path.exists() and path.is_relative_to(ROOT):
            yield found[0], path.relative_to(ROOT).as_posix()
