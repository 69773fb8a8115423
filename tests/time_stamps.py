"""A time-stamping authority on this machine (RFC 3161), for as long as a picture is being signed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

if TYPE_CHECKING:
    from provenance import Signer

INTEGER, OCTETS, NULL, TIME, SEQUENCE, SET = 0x02, 0x04, 0x05, 0x18, 0x30, 0x31
CONTEXT_0 = 0xA0
SHA256 = bytes.fromhex("0609608648016503040201")
ECDSA_SHA256 = bytes.fromhex("06082a8648ce3d040302")
SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
TIME_STAMP_INFO = bytes.fromhex("060b2a864886f70d0109100104")
CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
POLICY = bytes.fromhex("06042a030405")  # 1.2.3.4.5, which says nothing


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(length)]) + length + body


def parts_of(body: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Tag, content and the whole of each element."""
    place = 0
    while place < len(body):
        size, start = body[place + 1], place + 2
        if size & 128:
            start += size & 127
            size = int.from_bytes(body[place + 2 : start], "big")
        yield body[place], body[start : start + size], body[place : start + size]
        place = start + size


def number(value: int) -> bytes:
    return der(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def digest(data: bytes) -> bytes:
    made = hashes.Hash(hashes.SHA256())
    made.update(data)
    return made.finalize()


def answer(request: bytes, signer: "Signer") -> bytes:
    """The TimeStampResp for a TimeStampReq (RFC 3161, §2.4; CMS is RFC 5652, §5)."""
    ((_, body, _),) = parts_of(request)
    elements = list(parts_of(body))
    imprint = elements[1][2]
    nonce = b"".join(whole for tag, _, whole in elements[2:] if tag == INTEGER)
    now = datetime.now(UTC).strftime("%Y%m%d%H%M%SZ").encode()
    info = der(SEQUENCE, number(1), POLICY, imprint, number(7), der(TIME, now), nonce)
    certificates = [one.public_bytes(Encoding.DER) for one in signer.certificates]
    algorithm = der(SEQUENCE, SHA256)
    attributes = [
        der(SEQUENCE, CONTENT_TYPE, der(SET, TIME_STAMP_INFO)),
        der(SEQUENCE, MESSAGE_DIGEST, der(SET, der(OCTETS, digest(info)))),
    ]
    signature = signer.key.sign(der(SET, *attributes), ec.ECDSA(hashes.SHA256()))
    leaf = signer.certificates[0]
    signer_info = der(
        SEQUENCE,
        number(1),
        der(SEQUENCE, leaf.issuer.public_bytes(), number(leaf.serial_number)),
        algorithm,
        der(CONTEXT_0, *attributes),
        der(SEQUENCE, ECDSA_SHA256),
        der(OCTETS, signature),
    )
    signed = der(
        SEQUENCE,
        number(3),
        der(SET, algorithm),
        der(SEQUENCE, TIME_STAMP_INFO, der(CONTEXT_0, der(OCTETS, info))),
        der(CONTEXT_0, *certificates),
        der(SET, signer_info),
    )
    token = der(SEQUENCE, SIGNED_DATA, der(CONTEXT_0, signed))
    return der(SEQUENCE, der(SEQUENCE, number(0)), token)


@contextmanager
def time_stamping(signer: "Signer") -> Iterator[str]:
    """The address of an authority that signs with `signer`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = answer(self.rfile.read(int(self.headers["Content-Length"])), signer)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
