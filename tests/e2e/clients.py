"""Clients that push and pull images until they are told to stop, and remember each that failed.

In flows a port of this machine that leads to the registry's Service; out flow how often it went
well, and the words of what did not. Nothing is tried again, and each request has a connection of
its own, so that a pod that goes or comes with the wrong keys is met by somebody.
"""

import hashlib
import http.client
import json
import os
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_SIZE = 200_000
_SECONDS = 30.0


class RequestError(Exception):
    """A request did not go as it should; the message is for the reader of the test."""


class Client:
    """Speaks to a registry by port `port` of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    def push(self, repository: str, tag: str) -> None:
        """Push an image of one new layer. Raises RequestError."""
        layer = os.urandom(_SIZE)
        blobs = {_CONFIG: self._upload(repository, b"{}"), _LAYER: self._upload(repository, layer)}
        described = {
            kind: {"mediaType": kind, "digest": digest, "size": size}
            for kind, (digest, size) in blobs.items()
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": described[_CONFIG],
            "layers": [described[_LAYER]],
        }
        body = json.dumps(manifest).encode()
        self._ask("PUT", f"/v2/{repository}/manifests/{tag}", 201, body, kind=_MANIFEST)

    def pull(self, repository: str, tag: str) -> None:
        """Fetch an image and check its layer against its digest. Raises RequestError."""
        _, body = self._ask("GET", f"/v2/{repository}/manifests/{tag}", 200, kind=_MANIFEST)
        for layer in json.loads(body)["layers"]:
            _, content = self._ask("GET", f"/v2/{repository}/blobs/{layer['digest']}", 200)
            if _digest(content) != layer["digest"]:
                raise RequestError(f"{layer['digest']} came with other content")

    def _upload(self, repository: str, content: bytes) -> tuple[str, int]:
        location, _ = self._ask("POST", f"/v2/{repository}/blobs/uploads/", 202)
        at, digest = urlsplit(location), _digest(content)
        query = f"{at.query}&digest={digest}" if at.query else f"digest={digest}"
        self._ask("PUT", f"{at.path}?{query}", 201, content)

        return digest, len(content)

    def _ask(
        self, method: str, path: str, expected: int, body: bytes = b"", *, kind: str = ""
    ) -> tuple[str, bytes]:
        """Location and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_SECONDS)
        headers = {"Accept" if method == "GET" else "Content-Type": kind} if kind else {}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise RequestError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()
        if answer.status != expected:
            raise RequestError(f"{method} {path}: {answer.status} {content[:300]!r}")

        return answer.getheader("Location") or "", content


class Load:
    """`number` clients, each of which pushes and pulls without a pause while this is entered."""

    def __init__(self, port: int, *, number: int = 3) -> None:
        self._client = Client(port)
        self._over = threading.Event()
        self._done = [0] * number
        self._failed: list[list[str]] = [[] for _ in range(number)]
        self._threads = [
            threading.Thread(target=self._work, args=(one,), name=f"client {one}")
            for one in range(number)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()

        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    @property
    def done(self) -> int:
        """How many images were pushed and pulled so far."""
        return sum(self._done)

    @property
    def failed(self) -> list[str]:
        """What went wrong so far."""
        return [words for one in self._failed for words in one]

    def _work(self, one: int) -> None:
        repository = f"load/client-{one}"
        while not self._over.is_set():
            try:
                self._client.push(repository, "latest")
                self._client.pull(repository, "latest")
            except RequestError as error:
                self._failed[one].append(str(error))
            else:
                self._done[one] += 1


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
