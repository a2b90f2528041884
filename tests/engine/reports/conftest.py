"""A browser, and the reports that it opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from paged import ARGUMENTS, CHROMIUM
from reported import prepare, write_report


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def tabs(browser: Any) -> tuple[list[Any], list[str]]:
    """Pages that are opened again and again, as another takes a second of a processor, and what was wrong in any."""
    return [], []


@pytest.fixture
def opened(browser: Any, tabs: tuple[list[Any], list[str]]) -> Iterator[Callable[..., Any]]:
    """Opens a report, and sees to it that nothing is asked for, complained of or run that is not its own."""
    pages, faults = tabs
    free = list(pages)
    faults.clear()

    def opened(path: Path, address: str = "", *, viewport: Any = None, **media: str) -> Any:
        if not free:
            free.append(tab(browser, faults))
            pages.append(free[0])
        page = free.pop(0)
        page.set_viewport_size(viewport or {"width": 1280, "height": 720})
        page.emulate_media(**{"media": "null", "color_scheme": "null", "reduced_motion": "null", **media})
        page.goto(f"file://{path}{address}")
        page.wait_for_selector("[data-ready=true]", state="attached", timeout=20_000)
        return page

    yield opened
    for page in pages:
        page.goto("about:blank")
    assert faults == []


def tab(browser: Any, faults: list[str]) -> Any:
    page = browser.new_page()
    page.set_default_timeout(10_000)
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    page.on("request", lambda request: request.url.startswith(("file:", "about:")) or faults.append(request.url))
    return page


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    folder = tmp_path_factory.mktemp("reports")
    prepare(folder)
    return cache(partial(write_report, folder))
