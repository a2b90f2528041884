"""An archive in a browser: what is answered, and to whom."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from reported import prepare
from stillframe.engine.commands import run_serve
from stillframe.engine.commands.run_serve import Server, serve

OLD, NEW = "2026-01-01T00-00-00Z", "2026-01-08T00-00-00Z"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    prepare(folder)
    (folder / "archive/2026-01-09T00-00-00Z").mkdir()
    before = {path: path.read_bytes() for path in (folder / "archive").rglob("*") if path.is_file()}
    options = ["-c", str(folder / "stillframe.yaml"), "--no-cache"]
    server, made = serve(str(folder / "archive"), options, 0)
    with made, server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()
    assert {path: path.read_bytes() for path in (folder / "archive").rglob("*") if path.is_file()} == before
    assert not Path(made.name).exists()


def asked(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, str, Any]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, answer.headers


def below(server: Server, path: str) -> str:
    return f"/{server.secret}/{path}"


def test_the_list_has_each_snapshot_and_what_can_be_opened(server):
    status, body, headers = asked(server, below(server, ""))
    assert status == 200
    assert [body.count(f'href="evaluate?new={name}"') for name in (OLD, NEW)] == [1, 1]
    assert "<td>2026-01-09T00-00-00Z<td>unfinished" in body
    assert f'name="old" value="{OLD}" aria-label="old {OLD}" checked' in body
    assert f'name="new" value="{NEW}" aria-label="new {NEW}" checked' in body
    assert "default-src 'none'; style-src 'sha256-" in body
    assert (headers["X-Frame-Options"], headers["Cache-Control"]) == ("DENY", "no-store")


@pytest.mark.parametrize(
    ("path", "has"),
    [
        (f"evaluate?new={NEW}", '"before":null'),
        (f"diff?old={NEW}&new={OLD}", f'"before":{{"id":"{OLD}"'),
        ("trend", NEW),
    ],
)
def test_pages_are_those_that_the_commands_write_and_are_made_once(path, has, server, monkeypatch):
    status, body, _ = asked(server, below(server, path))
    assert (status, has in body) == (200, True)
    monkeypatch.setattr(run_serve.subprocess, "run", None)  # again it is not asked
    assert asked(server, below(server, path))[:2] == (status, body)


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/wrong/", "//", "/etc/passwd"),
        *("SECRET", "SECRET/evaluate", "SECRET/../../etc/passwd", "SECRET/%2e%2e/x", f"SECRET/{NEW}"),
        *("SECRET/evaluate?new=../archive", "SECRET/evaluate?new=2026-01-09T00-00-00Z", "SECRET/evaluate?new=-o"),
        *(f"SECRET/evaluate?new={NEW}&new={OLD}", f"SECRET/diff?new={NEW}", "SECRET/diff?old=/&new=/"),
        "SECRET/evaluate?new=2026-01-08T00-00-00Z%00",
    ],
)
def test_whatever_else_is_asked_is_not_here(path, server, monkeypatch):
    monkeypatch.setattr(run_serve.subprocess, "run", None)
    path = path.replace("SECRET", f"/{server.secret}")
    if path == f"/{server.secret}":  # without its slash it is the list, whose links would lead nowhere
        path += "x"
    assert asked(server, path)[0] == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "0.0.0.0:{port}", ""]
)
def test_another_name_that_leads_here_is_refused(host, server):
    assert asked(server, below(server, ""), Host=host.format(port=server.server_port))[0] == 403
    assert asked(server, below(server, ""), Host=f"localhost:{server.server_port}")[0] == 200


def test_what_is_no_address_is_refused(server, capfd):
    """It ended the thread, and a traceback was printed."""
    assert asked(server, "http://[/", Host=f"localhost:{server.server_port}")[0] == 400
    assert capfd.readouterr().err == ""


def test_a_page_from_elsewhere_is_refused_and_nothing_is_taken(server):
    assert asked(server, below(server, ""), **{"Sec-Fetch-Site": "cross-site"})[0] == 404
    assert asked(server, below(server, ""), "POST")[0] == 501
    assert server.server_address[0] == "127.0.0.1"


def test_what_cannot_be_evaluated_says_why(tmp_path):
    prepare(tmp_path)
    (tmp_path / "wrong.yaml").write_text("id: <b>\n")
    pages = run_serve.Pages(str(tmp_path / "archive"), ["-p", str(tmp_path / "wrong.yaml")], tmp_path)
    status, body = pages.answer("evaluate", {"new": NEW})
    assert status == 500
    assert b"wrong.yaml:1" in body
    assert b"<b>" not in body


def test_the_command_ends_with_ctrl_c_and_names_what_it_cannot_do(run, tmp_path, monkeypatch, server):
    prepare(tmp_path)
    monkeypatch.chdir(tmp_path)

    def stop(_: Server) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)

    monkeypatch.setattr(Server, "serve_forever", stop)
    done = run("serve", "archive", "-p", "keys.yaml", "--port", "0")
    assert (done.code, done.err.strip()) == (0, "")
    assert done.out.startswith("archive is at http://127.0.0.1:")
    taken = run("serve", "archive", "--port", str(server.server_port))
    assert taken.code == 2
    assert "name another with --port" in taken.err
    assert run("serve", "nowhere", "--port", "0").code == 2


def test_what_a_stranger_sent_is_served_as_such(run, tmp_path, monkeypatch):
    prepare(tmp_path)
    given: list[str] = []

    def served(_: str, options: list[str], __: int) -> None:
        given.extend(options)
        raise OSError(0, "seen")

    monkeypatch.setattr(run_serve, "serve", served)
    run("serve", tmp_path / "archive", "--untrusted")
    assert given == ["--untrusted"]
