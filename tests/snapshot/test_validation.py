"""JSON Schemas open no connection, whatever they refer to."""

from __future__ import annotations

import socket

import pytest
from stillframe.snapshot.validation import validator


def test_nothing_is_retrieved():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        with pytest.raises(Exception, match="Unresolvable"):
            list(validator({"$ref": f"http://127.0.0.1:{port}/schema"}).iter_errors(1))
        with pytest.raises(TimeoutError):
            server.accept()
