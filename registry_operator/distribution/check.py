"""One synthetic check of one registry process: a small image is pushed, pulled and deleted.

In: where to ask, and a nonce that the image is made of (sample.py). Out: a result that says which
step failed, never an exception for what the registry does. Kubernetes knows that a process answers
`/`; only who pushes and pulls knows that a client is served: the registry's own check of its store
passes on a folder that is full, only read or gone.

The manifest is pushed by digest, so no tag is there at any time. What is deleted is links only: the
bytes stay in the store until garbage is collected, about 2 KiB for each nonce. Who checks again and
again takes its nonces in turn from a few, then no more than those stay.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urljoin, urlsplit

from registry_operator.distribution.client import (
    Answer,
    Client,
    Request,
    UnansweredError,
    connected,
)
from registry_operator.distribution.sample import (
    MANIFEST_TYPE,
    Content,
    Sample,
    digest_of,
    sample_of,
)

RESERVED: Final = "registry-operator.dev/health-check"
"""The repository that checks use.

Its first part is the domain of our API group, which is nobody else's to name images after; a mirror
that names repositories after hosts has none of this path, as no image is published there. Should
somebody use it nevertheless: a check deletes by digest, and only what it made itself.
"""

AUTHENTICATED: Final = "authentication is asked for"
READ_ONLY: Final = "read-only"
DELETION_OFF: Final = "deletion is off"
REDIRECTED: Final = "blobs are redirected to the store"

_SECONDS = 20.0
_CLEANUP_SECONDS = 5.0
_LONGEST_MESSAGE = 300
_CODE = re.compile(rb'"code"\s*:\s*"([A-Z_]{1,40})"')
_PLAIN = re.compile(r"/[!-~]*")


@dataclass(frozen=True, slots=True)
class Check:
    """What is asked: plain HTTP at a host and port, for at most some seconds.

    `writes`: whether the registry should take pushes. `prefix` is the configuration's
    `http.prefix`. After `seconds` there are a few more to clean up.
    """

    host: str
    port: int = 5000
    writes: bool = True
    repository: str = RESERVED
    prefix: str = "/"
    seconds: float = _SECONDS


class Verdict(StrEnum):
    """How a check ended. UNREACHABLE says nothing about the registry: no answer ever began."""

    PASSED = "Passed"
    FAILED = "Failed"
    UNREACHABLE = "Unreachable"


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found.

    `step` is the one that failed: `/`, `/v2/`, `push`, `pull` or `delete`. `limited` says why less
    than all was checked.
    """

    verdict: Verdict
    step: str
    message: str
    seconds: float
    limited: str = ""


class _Fault(Exception):  # noqa: N818 - the registry's, not ours
    """A step was not answered as it should be."""


async def perform(check: Check, *, nonce: bytes, clock: Callable[[], float]) -> Result:
    """Checks once. `clock` tells seconds; a nonce is used by one check at a time."""
    begun = clock()
    async with connected(check.host, check.port) as client:
        run = _Run(check, client, sample_of(nonce))
        client.allow(check.seconds)
        verdict, message = Verdict.PASSED, ""
        try:
            await run.steps()
        except _Fault as fault:
            verdict = Verdict.FAILED if client.answered else Verdict.UNREACHABLE
            message = str(fault)[:_LONGEST_MESSAGE]
        seconds = clock() - begun
        if verdict is not Verdict.PASSED:
            client.allow(_CLEANUP_SECONDS)
            await run.clean_up()
    step = run.step if verdict is not Verdict.PASSED else ""
    return Result(verdict, step, message, seconds, ", ".join(run.limits))


class _Run:
    """The steps of one check, and how far they came."""

    def __init__(self, check: Check, client: Client, sample: Sample) -> None:
        self._writes = check.writes
        self._client = client
        self._sample = sample
        base = check.prefix.strip("/")
        self._api = f"/{base}/v2/" if base else "/v2/"
        self._repository = f"{self._api}{check.repository}"
        self._left: list[str] = []
        self.step = ""
        self.limits: list[str] = []

    async def steps(self) -> None:
        """All of them, or as many as the registry is for."""
        self.step = "/"
        # Never behind authentication, and never below the prefix.
        await self._ask("GET /", Request("GET", "/"), 200)
        self.step = "/v2/"
        answer = await self._ask("GET /v2/", Request("GET", self._api), 200, 401)
        if answer.status == 401:
            self.limits.append(AUTHENTICATED)
        elif not self._writes:
            self.limits.append(READ_ONLY)
        elif await self._push():
            await self._pull()
            await self._delete()

    async def clean_up(self) -> None:
        """Deletes what was left behind, as well as can be."""
        for target in reversed(self._left):
            try:
                await self._client.ask(Request("DELETE", target))
            except UnansweredError:
                return

    async def _push(self) -> bool:
        """Whether the registry takes pushes of anybody."""
        self.step = "push"
        for content in (self._sample.config, self._sample.blob):
            request = Request("POST", f"{self._repository}/blobs/uploads/")
            begun = await self._ask("POST of an upload", request, 202, 401, 405)
            if begun.status != 202:
                self.limits.append(AUTHENTICATED if begun.status == 401 else READ_ONLY)
                return False
            await self._upload(begun.location, content)
        self._left.append(self._manifest())
        request = Request(
            *("PUT", self._manifest()),
            body=self._sample.manifest.data,
            headers={"Content-Type": MANIFEST_TYPE},
        )
        await self._ask("PUT of the manifest", request, 201)
        return True

    async def _upload(self, location: str, content: Content) -> None:
        self._left.append(self._blob(content))
        request = Request(
            *("PUT", f"{self._target_of(location)}digest={content.digest}"),
            body=content.data,
            headers={"Content-Type": "application/octet-stream"},
        )
        await self._ask("PUT of a blob", request, 201)

    def _target_of(self, location: str) -> str:
        """Where an upload goes on, up to a further parameter: always at the address asked.

        The host in it is what clients are told (`http.host`, or what we asked for), and the image
        is the user's: the operator goes to no address that it names.
        """
        try:
            url = urlsplit(urljoin(f"{self._repository}/blobs/uploads/", location))
        except ValueError:
            url = urlsplit("")
        target = f"{url.path}?{url.query}&" if url.query else f"{url.path}?"
        if not location or not _PLAIN.fullmatch(target):
            raise _Fault("POST of an upload was answered without a Location to go on at")
        return target

    async def _pull(self) -> None:
        self.step = "pull"
        manifest = self._sample.manifest
        request = Request(
            *("GET", self._manifest()),
            headers={"Accept": MANIFEST_TYPE},
            longest=len(manifest.data),
        )
        found = await self._ask("GET of the manifest", request, 200)
        _compare("the manifest", manifest, found)
        for content in (self._sample.config, self._sample.blob):
            request = Request("GET", self._blob(content), longest=len(content.data))
            found = await self._ask("GET of a blob", request, 200, 302, 307)
            if found.status == 200:
                _compare("the blob", content, found)
            elif REDIRECTED not in self.limits:
                # Clients go there; the operator goes to no address that an image names.
                self.limits.append(REDIRECTED)

    async def _delete(self) -> None:
        self.step = "delete"
        request = Request("DELETE", self._manifest())
        answer = await self._ask("DELETE of the manifest", request, 202, 405)
        if answer.status == 405:
            self.limits.append(DELETION_OFF)
            return
        for content in (self._sample.blob, self._sample.config):
            request = Request("DELETE", self._blob(content))
            # Once no manifest refers to a blob, a collection of garbage may be faster.
            await self._ask("DELETE of a blob", request, 202, 404)

    async def _ask(self, what: str, request: Request, *due: int) -> Answer:
        try:
            answer = await self._client.ask(request)
        except UnansweredError as error:
            raise _Fault(f"{what}: {error}") from error
        if answer.status not in due:
            code = _CODE.search(answer.body)
            named = f" ({code[1].decode()})" if code else ""
            raise _Fault(f"{what} was answered {answer.status}{named}, where {due[0]} was due")
        return answer

    def _manifest(self) -> str:
        return f"{self._repository}/manifests/{self._sample.manifest.digest}"

    def _blob(self, content: Content) -> str:
        return f"{self._repository}/blobs/{content.digest}"


def _compare(what: str, pushed: Content, pulled: Answer) -> None:
    if len(pulled.body) < len(pushed.data):
        came, due = len(pulled.body), len(pushed.data)
        raise _Fault(f"{what} that was pulled is cut off: {came} of {due} bytes came")
    if digest_of(pulled.body) != pushed.digest:
        raise _Fault(f"{what} that was pulled is not the one that was pushed")
    if pulled.digest and pulled.digest != pushed.digest:
        raise _Fault(f"{what} was pulled with the digest of another in its header")
