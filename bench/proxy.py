"""A proxy before the stand-in that behaves as networks and AWS do: slow, full of errors, and out of breath.

    python bench/proxy.py UPSTREAM --latency 0.03 --throttled 0.3 --broken 0.1 --reset 0.05 --log FILE

It prints its port. `--replay` asks the stand-in once for each call, whoever's account it is for, and answers every
other account with the same text and its own id in it: so a fleet costs the stand-in one account.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ID = re.compile(rb"arn(?:%3A|:)aws(?:%3A|:)iam(?:%3A|:){2}(\d{12})", re.IGNORECASE)
KEY = re.compile(rb"<AccessKeyId>([^<]+)<")
XML = "<Code>{}</Code><Message>Rate exceeded</Message>"
THROTTLED = {
    "json": (400, '{"__type": "ThrottlingException", "message": "Rate exceeded"}'),
    "query": (400, f"<ErrorResponse><Error>{XML.format('Throttling')}</Error></ErrorResponse>"),
    "ec2": (503, f"<Response><Errors><Error>{XML.format('RequestLimitExceeded')}</Error></Errors></Response>"),
    "s3": (503, f"<Error>{XML.format('SlowDown')}</Error>"),
    "rest": (429, '{"message": "Too Many Requests"}'),
}
BROKEN = (500, "")


class Request:
    """One request, and the call that it is."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.head, self.body = head, body
        line, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = line.split(" ")
        pairs = (each.partition(":") for each in lines if each)
        self.headers = {name.lower(): value.strip() for name, _, value in pairs}
        scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/", self.headers.get("authorization", ""))
        self.key, self.region, self.service = scope.groups() if scope else ("", "", "")

    @property
    def call(self) -> str:
        """What is asked, in which region, of whatever account."""
        text = unquote(self.body.decode("latin-1"))
        target = self.headers.get("x-amz-target", "")
        return f"{self.service} {self.region} {self.method} {self.path} {target} {text}"

    @property
    def protocol(self) -> str:
        if "x-amz-target" in self.headers:
            return "json"
        if self.service in ("ec2", "s3"):
            return self.service
        return "query" if "x-www-form-urlencoded" in self.headers.get("content-type", "") else "rest"


class Proxy:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.upstream = urlsplit(options.upstream)
        self.random = random.Random(options.seed)
        self.accounts: dict[str, bytes] = {}
        self.answers: dict[str, asyncio.Future[tuple[int, list[bytes], bytes]]] = {}
        self.log = Path(options.log).open("a") if options.log else None  # noqa: SIM115 - for as long as it runs
        self.first = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await read(reader):
                fate = self.random.random()
                await asyncio.sleep(self.options.latency)
                if fate < self.options.throttled:
                    self.tell(request, "throttled")
                    answer = plain(*THROTTLED[request.protocol])
                elif (fate := fate - self.options.throttled) < self.options.broken:
                    self.tell(request, "broken")
                    answer = plain(*BROKEN)
                elif (fate := fate - self.options.broken) < self.options.reset:
                    self.tell(request, "reset")
                    if fate > self.options.reset / 2:
                        await self.answer(request)  # AWS did it, but nobody hears of it
                    writer.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                    return
                else:
                    answer = await self.answer(request)
                    self.tell(request, "answered")
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def tell(self, request: Request, fate: str) -> None:
        if self.log:
            account = self.accounts.get(request.key, b"").decode()
            print(json.dumps([fate, account or request.key, request.call]), file=self.log, flush=True)

    async def answer(self, request: Request) -> bytes:
        if not self.options.replay or b"AssumeRole" in request.body:
            status, headers, body = await self.ask(request)
        else:
            if request.call not in self.answers:
                self.answers[request.call] = asyncio.ensure_future(self.ask(request))
                self.first = self.first or self.accounts.get(request.key, b"")
            status, headers, body = await self.answers[request.call]
            account = self.accounts.get(request.key, self.first)
            body = body.replace(self.first, account) if self.first else body
        made, entered = KEY.search(body), ID.search(request.body)
        if b"AssumeRole" in request.body and made and entered:
            self.accounts[made[1].decode()] = entered[1]
        head = b"\r\n".join([f"HTTP/1.1 {status} x".encode(), *headers, f"Content-Length: {len(body)}".encode()])
        return head + b"\r\n\r\n" + (b"" if request.method == "HEAD" else body)

    async def ask(self, request: Request) -> tuple[int, list[bytes], bytes]:
        reader, writer = await asyncio.open_connection(self.upstream.hostname, self.upstream.port)
        writer.write(request.head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + b"\r\n\r\n" + request.body)
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        writer.close()
        line, *headers = head.split(b"\r\n")
        dropped = (b"connection:", b"content-length:", b"transfer-encoding:", b"date:")
        return int(line.split(b" ")[1]), [each for each in headers if not each.lower().startswith(dropped)], body


async def read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
    except asyncio.IncompleteReadError:
        return None
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    return Request(head, await reader.readexactly(int(length[1])) if length else b"")


def plain(status: int, text: str) -> bytes:
    return f"HTTP/1.1 {status} x\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


@contextmanager
def proxy(upstream: str, log: Path | None = None, *, replay: bool = False, **faults: float) -> Iterator[str]:
    """Run a proxy for as long as the block lasts; gives its URL."""
    command = [sys.executable, __file__, upstream, *(f"--{name}={value}" for name, value in faults.items())]
    command += [*([f"--log={log}"] if log else []), *(["--replay"] if replay else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip() if process.stdout else ''}"
        finally:
            process.terminate()


def told(log: Path) -> list[tuple[str, str, str]]:
    """What became of each request: its fate, the account it was for, the call."""
    return [tuple(json.loads(line)) for line in log.read_text().splitlines()]


async def main(options: argparse.Namespace) -> Any:
    server = await asyncio.start_server(Proxy(options).serve, "127.0.0.1", 0, limit=2**24)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("upstream")
    for name in ("latency", "throttled", "broken", "reset"):
        parser.add_argument(f"--{name}", type=float, default=0.0)
    parser.add_argument("--seed", type=float, default=1)
    parser.add_argument("--log")
    parser.add_argument("--replay", action="store_true")
    asyncio.run(main(parser.parse_args()))
