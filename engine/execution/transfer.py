"""Findings on their way from one process to another: a file in memory is quicker than a pipe, of which each byte is
copied four times and waited for.

A process that works writes the findings of one task from the start of its file, and says over the pipe how long they
are. The next task is given to it after they have been read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from ..findings.batch import Batch
from .tasks import Judged

NO_SPOOL = -1  # where there is no such file, findings go over the pipe

Sent = tuple[Judged, list[int]]  # findings without their text, and the lengths of it


def spooled(found: Iterable[Judged], spool: int) -> list[Sent]:
    """Write the text of findings, each as it is made."""
    sent, start = list[Sent](), 0
    for judged in found:
        batches, lengths = list[tuple[str, Batch | None]](), list[int]()
        for policy, batch in judged.batches:
            length = len(batch.data) if batch and spool != NO_SPOOL else 0
            if batch and length:
                _write(spool, batch.data, start)
            start += length
            batches.append((policy, _with(batch, b"") if batch and length else batch))
            lengths.append(length)
        sent.append((replace(judged, batches=batches), lengths))
    return sent


def read_back(sent: Iterable[Sent], spool: int) -> list[Judged]:
    """The findings with their text."""
    found, start = [], 0
    for judged, lengths in sent:
        batches = []
        for (policy, batch), length in zip(judged.batches, lengths, strict=True):
            batches.append((policy, _with(batch, _read(spool, length, start)) if batch and length else batch))
            start += length
        found.append(replace(judged, batches=batches))
    return found


def _with(batch: Batch, data: bytes) -> Batch:
    return msgspec.structs.replace(batch, data=data)


def _write(spool: int, data: bytes, start: int) -> None:
    left = memoryview(data)
    while left:
        written = os.pwrite(spool, left, start)
        left, start = left[written:], start + written


def _read(spool: int, length: int, start: int) -> bytes:
    data = os.pread(spool, length, start)
    while len(data) < length:
        data += os.pread(spool, length - len(data), start + len(data))
    return data
