"""Answers that end: a body that comes a byte at a time, or never stops, is no answer.

What libraries call a read timeout is the time between two pieces. So each read of a socket is given what is left of the
time for the whole answer.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from functools import cache
from typing import Any

BYTES = 1 << 28  # of one answer: AWS's largest, a page of a list, have a few megabytes


class _Body(io.RawIOBase):
    """The bytes of an answer, for as long as there is time for them. Raises TimeoutError when there is not."""

    def __init__(self, raw: Any, sock: socket.socket, seconds: float) -> None:
        self._raw, self._socket = raw, sock
        self._end, self._left = time.monotonic() + seconds, BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = self._end - time.monotonic()
        if seconds <= 0 or self._left <= 0:
            raise TimeoutError("the answer does not end")
        self._socket.settimeout(min(seconds, self._socket.gettimeout() or seconds))
        found: int | None = self._raw.readinto(buffer)
        self._left -= found or 0
        return found

    def close(self) -> None:
        self._raw.close()
        super().close()


@cache
def timed(pool: Any, seconds: float) -> Any:
    """A class of connection pools whose answers take no longer than some seconds each."""

    class Response(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *rest: Any, **named: Any) -> None:
            super().__init__(sock, *rest, **named)
            self.fp: Any = io.BufferedReader(_Body(self.fp.detach(), sock, seconds))

    connection = type("Connection", (pool.ConnectionCls,), {"response_class": Response})
    return type("Pool", (pool,), {"ConnectionCls": connection})
