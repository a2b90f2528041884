"""Servers that stand for others': HTTPS under names of theirs, and one that takes mail."""

from __future__ import annotations

import datetime as dt
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@contextmanager
def running(server: Any) -> Iterator[Any]:
    """A server that answers while the block runs."""
    with server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def called(server: HTTPServer, names: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a server speak TLS and be found under these names, by a certificate of its own that is trusted here."""
    certificate, key = _certificate(names, folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    where, find = server.server_address[:2], socket.getaddrinfo

    def found(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        return find(*(where if host in names else (host, port)), *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("NO_PROXY", "*")


def _certificate(names: list[str], folder: Path) -> tuple[Path, Path]:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files = folder / "certificate.pem", folder / "key.pem"
    for file, data in zip(files, (made.public_bytes(serialization.Encoding.PEM), private), strict=True):
        file.write_bytes(data)
    return files


class Chat(ThreadingHTTPServer):
    """A server that takes messages as JSON: each as its path, and its body as text."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Message)
        self.taken: list[tuple[str, str]] = []
        self.answer = 200, b"ok"


class _Message(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        code, said = self.server.answer
        self.server.taken.append((self.path, self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self.send_response(code)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


class Mail(socketserver.ThreadingTCPServer):
    """A server that takes mail: each as who it is from, whom it is for, and its text."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Letter)
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.code = 250  # what it answers to a recipient


class _Letter(socketserver.StreamRequestHandler):
    server: Mail

    def handle(self) -> None:
        sender, to = "", []
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "MAIL":
                    sender = rest
                case "RCPT":
                    to.append(rest)
                    self._say(f"{self.server.code} so")
                    continue
                case "DATA":
                    self._say("354 go on")
                    self.server.taken.append((sender, to, b"".join(iter(self.rfile.readline, b".\r\n"))))
                case "QUIT":
                    self._say("221 bye")
                    return
            self._say("250 so")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
