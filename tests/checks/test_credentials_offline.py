"""Nothing is fetched while checking, whatever a file asks for; the server shows that it would be heard."""

import contextlib
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import c2pa
import pytest

from doctored.checks.credentials import OFFLINE, CredentialsCheck
from doctored.picture import decode
from provenance import Authority, plain, sign, trust
from provenance_credentials import MADE


class Listener:
    """A server on this machine that answers nothing and remembers every request."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                heard.append(self.path)
                self.send_response(404)
                self.end_headers()

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.thread.join()


@pytest.fixture(scope="module")
def pictures(listener) -> dict[str, bytes]:
    signer = authority.issue("Toy Caller", ocsp_url=f"{listener.url}/ocsp")
    make = {"remote only": {"embeds": False}, "embedded too": {}}
    return {
        name: sign(plain("JPEG"), "JPEG", signer, MADE, remote_url=f"{listener.url}/manifest", **how)
        for name, how in make.items()
    }


authority = Authority("Toy Caller's House")


def read_as_the_sdk_would(data: bytes, settings: dict[str, Any]) -> None:
    settings = {**settings, "trust": {"user_anchors": trust(authority.certificate).pem}}
    with c2pa.Context.from_dict(settings) as context, contextlib.suppress(c2pa.C2paError):
        c2pa.Reader("image/jpeg", io.BytesIO(data), context=context).close()


def test_the_sdk_left_alone_fetches_a_manifest(listener, pictures):
    listener.heard.clear()
    read_as_the_sdk_would(pictures["remote only"], {})
    assert listener.heard == ["/manifest"]


def test_the_sdk_asked_to_looks_for_a_certificates_state(listener, pictures):
    listener.heard.clear()
    read_as_the_sdk_would(pictures["embedded too"], {"verify": {"ocsp_fetch": True}})
    assert any(path.startswith("/ocsp") or len(path) > 50 for path in listener.heard)


@pytest.mark.parametrize("name", ["remote only", "embedded too"])
def test_the_check_fetches_nothing(listener, pictures, name):
    listener.heard.clear()
    findings = CredentialsCheck(trust(authority.certificate)).run(decode(pictures[name]))
    assert [one.code for one in findings] in (["credential_not_checked"], ["credential_says_generated"])
    assert listener.heard == []


def test_each_of_the_two_locks_holds_alone(listener, pictures):
    listener.heard.clear()
    for data in pictures.values():
        read_as_the_sdk_would(data, {"verify": OFFLINE["verify"]})
        read_as_the_sdk_would(data, {"core": OFFLINE["core"], "verify": {"ocsp_fetch": True}})
    assert listener.heard == []
