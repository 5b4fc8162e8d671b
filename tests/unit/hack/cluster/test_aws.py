"""Signed requests: what a signature covers, and that no secret travels."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hack.cluster.aws import Client, Keys, Request, signed_headers

NOW = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
KEYS = Keys(access="AK", secret="very-secret")


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(409)
        self.end_headers()
        self.wfile.write(b" ".join([self.headers["content-type"].encode(), body]))

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def headers(request: Request) -> dict[str, str]:
    return dict(signed_headers(request, KEYS, host="s3:8333", region="us-east-1", now=NOW))


def test_a_signed_request_names_key_and_scope_but_never_the_secret() -> None:
    signed = headers(Request(method="GET", path="/"))

    assert signed["x-amz-date"] == "20261123T010203Z"
    assert "Credential=AK/20261123/us-east-1/s3/aws4_request" in signed["authorization"]
    assert "very-secret" not in repr(signed) + repr(KEYS)


def test_signatures_differ_by_what_they_sign() -> None:
    signatures = {
        headers(Request(method=method, path=path, service=service, form=form))["authorization"]
        for method in ("GET", "PUT")
        for path in ("/", "/bucket")
        for service in ("s3", "iam")
        for form in (b"", b"Action=CreateUser")
    }

    assert len(signatures) == 16


def test_an_action_about_users_travels_as_a_form_and_any_status_is_an_answer(endpoint: str) -> None:
    client = Client(endpoint, "us-east-1", KEYS, now=lambda: NOW)

    status, text = client.iam("CreateUser", UserName="a b")

    assert status == 409
    assert text == (
        "application/x-www-form-urlencoded Action=CreateUser&Version=2010-05-08&UserName=a+b"
    )


def test_nobody_there_is_an_error_of_the_operating_system() -> None:
    client = Client("http://127.0.0.1:1", "us-east-1", KEYS)

    with pytest.raises(OSError, match="refused"):
        client.s3("GET", "/")
