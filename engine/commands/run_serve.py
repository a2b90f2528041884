"""An archive in a browser of this machine: its snapshots, and the pages that `evaluate`, `diff` and `trend` write.

It listens on the loopback address alone, never writes the archive, and answers only below a secret path and by its own
name: other users of the machine reach the address as well, and a page from elsewhere may have any name lead here. Of
what is asked nothing becomes a path: it is looked up among the snapshots there are.
"""

from __future__ import annotations

import hmac
import secrets
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from ...snapshot.archive import Entry, list_snapshots
from ..console import counted
from ..exit_codes import FAILURES, NOTHING, OK, UNKNOWN

HOST = "127.0.0.1"
_KEPT = 20  # pages; one of a fleet is 15 MB
_STYLE = """:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 760px; margin: 40px auto; padding: 0 16px }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: 6px 10px; border-bottom: 1px solid #8885 }
pre { white-space: pre-wrap }
button { font: inherit; padding: 4px 14px; margin: 14px 0 }"""
_ALLOWED = f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; form-action 'self'"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Type": "text/html; charset=utf-8",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PAGE = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>{{title}}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; {_ALLOWED}">
<style>{_STYLE.replace("{", "{{").replace("}", "}}")}</style><main><h1>{{title}}</h1>{{body}}</main></html>"""


@dataclass(slots=True)
class Pages:
    """The pages of an archive, each written when it is first asked for: by the command, with these options."""

    archive: str
    options: Sequence[str]
    folder: Path
    _written: dict[tuple[str, ...], Path] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def snapshots(self) -> Mapping[str, Entry]:
        return {entry.id: entry for entry in list_snapshots(self.archive)}

    def answer(self, path: str, asked: Mapping[str, str]) -> tuple[HTTPStatus, bytes]:
        """What stands at a path below the secret one."""
        there = self.snapshots()
        finished = {name: str(entry.path) for name, entry in there.items() if entry.accounts is not None}
        chosen = [finished.get(asked.get(key, "")) for key in ("old", "new")]
        if path == "":
            return HTTPStatus.OK, _listed(self.archive, there)
        if path == "trend" and finished:
            return self._page("trend", self.archive, *finished)
        if path == "evaluate" and chosen[1]:
            return self._page("evaluate", chosen[1])
        if path == "diff" and chosen[0] and chosen[1]:
            return self._page("diff", *sorted([chosen[0], chosen[1]]))
        return HTTPStatus.NOT_FOUND, _told("Not here", "There is no such page, or no such finished snapshot.")

    def _page(self, command: str, *named: str) -> tuple[HTTPStatus, bytes]:
        key = (command, *named)
        with self._lock:  # one at a time: each takes all that it can get
            if key not in self._written:
                target = self.folder / f"{len(self._written)}-{secrets.token_hex(4)}.html"
                snapshots = named[:1] if command == "trend" else named
                call = [sys.executable, "-P", "-m", "stillframe", command, *snapshots, *self.options, "-o", str(target)]
                done = subprocess.run(call, capture_output=True, check=False)
                if done.returncode not in (OK, FAILURES, NOTHING, UNKNOWN) or not target.exists():
                    said = done.stderr.decode("utf-8", "replace")
                    return HTTPStatus.INTERNAL_SERVER_ERROR, _told("This could not be evaluated", said)
                if len(self._written) >= _KEPT:
                    self._written.pop(next(iter(self._written))).unlink()
                self._written[key] = target
            return HTTPStatus.OK, self._written[key].read_bytes()


def _told(title: str, text: str) -> bytes:
    return _PAGE.format(title=escape(title), body=f"<pre>{escape(text)}</pre>").encode("utf-8", "replace")


def _listed(archive: str, there: Mapping[str, Entry]) -> bytes:
    """The snapshots, the newest first, and what to do with them."""
    rows = []
    newest = [name for name, entry in there.items() if entry.accounts is not None][::-1]
    for name, entry in list(there.items())[::-1]:
        if entry.accounts is None:
            rows.append(f"<tr><td>{name}<td>unfinished<td><td>")
            continue
        radios = "".join(
            f'<td><input type="radio" name="{side}" value="{name}" aria-label="{side} {name}"'
            f"{' checked' if name in newest[at : at + 1] else ''}>"
            for at, side in ((1, "old"), (0, "new"))
        )
        rows.append(f'<tr><td><a href="evaluate?new={name}">{name}</a><td>{counted(entry.accounts, "account")}{radios}')
    head = "<tr><th>Snapshot<th>Holds<th>Earlier<th>Later"
    form = f'<form action="diff"><table>{head}{"".join(rows)}</table><button>What changed</button></form>'
    body = f'{form}<p><a href="trend">How it went, over all of them</a></p>'
    return _PAGE.format(title=escape(archive), body=body).encode("utf-8", "replace")


class Server(ThreadingHTTPServer):
    """The server, and the address to open."""

    daemon_threads = True

    def __init__(self, pages: Pages, port: int) -> None:
        self.secret = secrets.token_urlsafe(16)
        self.pages = pages
        super().__init__((HOST, port), _Handler)

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(f"{name}:{self.server_port}" for name in (HOST, "localhost"))

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_port}/{self.secret}/"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 60  # of who connects and says nothing

    def do_GET(self) -> None:
        try:
            asked = urlsplit(self.path)
        except ValueError:  # such as a host with an open bracket
            self._send(HTTPStatus.BAD_REQUEST, _told("Not an address", "Open the address that was printed."))
            return
        secret, _, path = asked.path.removeprefix("/").partition("/")
        mine = hmac.compare_digest(secret.encode(), self.server.secret.encode())
        if self.headers.get_all("Host", []) not in ([host] for host in self.server.hosts):
            self._send(HTTPStatus.FORBIDDEN, _told("Not for this name", "Open the address that was printed."))
        elif not mine or self.headers.get("Sec-Fetch-Site") == "cross-site":
            self._send(HTTPStatus.NOT_FOUND, _told("Not here", "Open the address that was printed."))
        else:
            given = {name: values[0] for name, values in parse_qs(asked.query).items() if len(values) == 1}
            self._send(*self.server.pages.answer(path, given))

    def _send(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: what is asked holds the secret path."""


def serve(archive: str, options: Sequence[str], port: int) -> tuple[Server, TemporaryDirectory[str]]:
    """A server that is ready, and the folder of what it writes. Raises OSError where the port is taken."""
    folder = TemporaryDirectory(prefix="stillframe-")
    try:
        return Server(Pages(archive, options, Path(folder.name)), port), folder
    except OSError:
        folder.cleanup()
        raise
