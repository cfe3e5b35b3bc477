"""A time-stamping authority (RFC 3161) on loopback, which is as honest as a test wants it to be."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from asn1crypto import keys, tsp, x509
from cryptography.hazmat.primitives import serialization
from pyhanko.sign.timestamps import DummyTimeStamper

from tests.proof.certificates import Authority, Person

REPLY = "application/timestamp-reply"
Answer = Callable[[bytes], tuple[str, bytes]]
"""From the octets of a request to the kind and the octets of an answer."""


def stamping(authority: Authority, person: Person, at: datetime | None = None) -> Answer:
    """The answers of an authority whose clock says ``at`` (None: what the machine's says)."""
    private = person.key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    root = authority.certificate.public_bytes(serialization.Encoding.DER)
    own = person.certificate.public_bytes(serialization.Encoding.DER)
    embedded: Any = [x509.Certificate.load(root)]
    stamper = DummyTimeStamper(
        x509.Certificate.load(own),
        keys.PrivateKeyInfo.load(private),
        certs_to_embed=embedded,
        fixed_dt=at,
    )

    def answer(request: bytes) -> tuple[str, bytes]:
        response = stamper.request_tsa_response(tsp.TimeStampReq.load(request))
        return REPLY, response.dump()

    return answer


def refusing(_: bytes) -> tuple[str, bytes]:
    """An authority that stamps nothing for us."""
    status = tsp.PKIStatusInfo({"status": "rejection", "status_string": ["no contract"]})
    return REPLY, tsp.TimeStampResp({"status": status}).dump()


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """The address at which somebody answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kind, body = answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsa"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
