"""AWS stand-ins that begin at once: forks of one process that has imported and read what moto does at first."""

from __future__ import annotations

import logging
import os
import selectors
import socket
import sys
import threading
from contextlib import suppress
from functools import cache
from types import ModuleType
from typing import Any

HOST = "127.0.0.1"
SERVICES = ("cloudtrail", "config", "ec2", "iam", "kms", "organizations", "s3", "s3control", "sts")  # most ask these


def moto() -> Any:
    """The program of moto's server, to which each of the services has been something new already."""
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # which cost seconds, and nobody reads
    sys.modules.setdefault("rfc3987_syntax", ModuleType("rfc3987_syntax"))  # as in conftest.py
    from cryptography.hazmat.primitives.asymmetric import rsa
    from moto import backends
    from moto.core import responses
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.test import Client

    # With each request it lists its folder and a class's methods, and with each key of KMS it looks for prime numbers.
    modules = list(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules
    responses.method_names_from_class = cache(responses.method_names_from_class)
    rsa.generate_private_key = cache(rsa.generate_private_key)
    program = DomainDispatcherApplication(create_backend_app)
    for service in SERVICES:
        signed = f"AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{service}/aws4_request"
        with suppress(Exception):  # it knows no such action
            Client(program).post("/", headers={"Authorization": signed}, data={"Action": "Nothing"})
    return program


def serve(program: Any, user: socket.socket) -> None:
    """A stand-in for as long as its user keeps the connection, which is told its URL."""
    from werkzeug.serving import make_server

    server = make_server(HOST, 0, program, threaded=True)

    def end() -> None:
        user.recv(1)
        os._exit(0)

    threading.Thread(target=end, daemon=True).start()
    user.sendall(f"http://{HOST}:{server.port}".encode())
    server.serve_forever()


def main() -> None:
    """Fork a stand-in for whoever connects to the port that is printed, until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    program = moto()
    with socket.create_server((HOST, 0)) as listener, selectors.DefaultSelector() as ready:
        ready.register(listener, selectors.EVENT_READ)
        ready.register(sys.stdin, selectors.EVENT_READ)
        print(listener.getsockname()[1], flush=True)
        while all(key.fileobj is listener for key, _ in ready.select()):
            user, _ = listener.accept()
            if not os.fork():
                listener.close()
                serve(program, user)
            user.close()
    while True:  # what they took of the processor is counted where somebody waits for them
        try:
            os.wait()
        except ChildProcessError:
            return


if __name__ == "__main__":
    main()
