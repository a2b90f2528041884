"""A page as PDF: printed by a Chromium that is installed, without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .targets import NotMadeError, OutputError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
_PLACES = (  # where systems put it that have no path for programs
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_OPTIONS = (
    *("--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND"),
    *("--proxy-server=http://127.0.0.1:9", "--proxy-bypass-list=<-loopback>"),
    *("--disable-breakpad", "--disable-crash-reporter"),
    *("--no-pdf-header-footer", "--generate-pdf-document-outline"),
)
_LONGEST = 600  # seconds
_DATES = re.compile(rb"/(CreationDate|ModDate) \(D:\d{14}\+00'00'\)")
_OTHERWISE = "install Chromium, or write report.print.html and print it in any browser"


def find() -> str:
    """The browser. Raises OutputError where there is none."""
    found = next(filter(None, map(shutil.which, (*_NAMES, *_PLACES))), None)
    if found is None:
        raise OutputError("a PDF is printed by Chromium, Chrome or Edge, and none is installed here", _OTHERWISE)
    return found


def printed(page: bytes, time: str) -> bytes:
    """An HTML page as PDF, dated at a time (ISO-8601, UTC, to the second). Raises NotMadeError.

    The same page gives the same bytes by the same Chromium with the same fonts.
    """
    browser = find()
    with tempfile.TemporaryDirectory(prefix="stillframe-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder, "page.html"), Path(folder, "page.pdf")
        source.write_bytes(page)
        # It refuses to run as root in a sandbox. The page is ours, and has no script.
        root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
        named = f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}", source.as_uri()
        try:
            done = subprocess.run(  # noqa: S603 - it was found above
                [browser, *_OPTIONS, *root, *named],
                check=False,
                capture_output=True,
                timeout=_LONGEST,
                env=_surroundings(folder),
            )
        except subprocess.TimeoutExpired:
            raise NotMadeError(f"{browser} printed nothing within {_LONGEST} seconds", _OTHERWISE) from None
        except OSError as error:
            raise NotMadeError(f"{browser} cannot be run ({error.strerror})", _OTHERWISE) from None
        data = target.read_bytes() if target.is_file() else b""
        if done.returncode or not _is_whole(data):
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            what = "no whole document" if data else "nothing"
            raise NotMadeError(f"{browser} printed {what}{': ' + said[-1] if said else ''}", _OTHERWISE)
        return _dated(data, time)


def _surroundings(folder: str) -> dict[str, str]:
    """What the browser is told of where it runs: what it keeps goes with the folder, and it has no use for keys."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), folder)


def _is_whole(data: bytes) -> bool:
    return data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF")


def _dated(data: bytes, time: str) -> bytes:
    """A document dated as what it tells of: it would say when it was printed, and nothing else differs."""
    digits = re.sub(r"\D", "", time)[:14].ljust(14, "0").encode()
    return _DATES.sub(lambda found: b"/%b (D:%b+00'00')" % (found[1], digits), data, count=2)
