"""The HTML report in a browser: how it is opened, and what its tests ask of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync"]
in_a_browser = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here: apt-get install chromium")


def failing_browser(folder: Path, does: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is called like a browser, and does that; `$T` is where it is to print."""
    (folder / "bin").mkdir()
    program = folder / "bin/chromium"
    program.write_text(f"#!/bin/sh\nfor each; do case $each in --print-to-pdf=*) T=${{each#*=}};; esac; done\n{does}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}/bin:/usr/bin:/bin")


def shown(page: Any) -> int:
    """How many findings the table says it has."""
    return int(page.locator(".view").get_attribute("aria-rowcount")) - 1


def described(page: Any) -> dict[str, str]:
    """What the open finding says of itself."""
    names, values = page.locator("dialog dl:not(.evidence) > dt"), page.locator("dialog dl:not(.evidence) > dd")
    return dict(zip(names.all_inner_texts(), values.all_text_contents(), strict=True))


def tick(page: Any, key: str, *values: str) -> None:
    """Tick some values of a filter."""
    page.locator(f"#filter-{key}").click()
    for value in values:
        page.locator(f"#choices-{key} input[type=checkbox][value='{value}']").click()
    page.keyboard.press("Escape")


def chosen(page: Any) -> list[str]:
    """The filters that are in force, as they are shown."""
    return page.locator("#findings .chip").all_inner_texts()


# The least contrast of any text with what is behind it.
CONTRAST = """() => {
  const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (...colours) => {
    probe.clearRect(0, 0, 1, 1);
    for (const colour of colours) { probe.fillStyle = colour; probe.fillRect(0, 0, 1, 1); }
    return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const light = (parts) => parts.map((part) => linear(part / 255))
    .reduce((total, part, number) => total + part * [0.2126, 0.7152, 0.0722][number], 0);
  let worst = { ratio: 21 };
  for (const element of document.querySelectorAll('main *, .top *, dialog *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.disabled || element.closest('.hidden')) continue;
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(getComputedStyle(at).backgroundColor);
    const [behind, text] = [light(rgb(...layers)), light(rgb(...layers, getComputedStyle(element).color))];
    const ratio = (Math.max(behind, text) + 0.05) / (Math.min(behind, text) + 0.05);
    if (ratio < worst.ratio) worst = { ratio, text: element.textContent, of: element.className };
  }
  return worst;
}"""
