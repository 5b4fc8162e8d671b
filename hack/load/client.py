"""Pushes and pulls as clients of registries do, by the OCI distribution specification.

In flow images and names; out flow requests, each with what makes its answer right: the status, the
digest that it names, and the content itself. Every step follows from the last, so that the first
failure ends the whole (`RequestError`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode

from hack.load.content import INDEX, MANIFEST, Content, Image, Index, digest
from hack.load.failure import Kind, RequestError
from hack.load.wire import Answer, Request, Wire

_CHUNKS = 2
_BYTES = "application/octet-stream"
_RANGE = (100, 299)


class Client:
    """One client on its way; `due` is when its first request should be sent."""

    def __init__(self, wire: Wire, *, due: float | None = None) -> None:
        self._wire = wire
        self._due = due

    async def push_image(self, repository: str, tag: str, image: Image) -> None:
        """Push each blob whole, then the manifest: six requests."""
        await self._look(repository, image.layer)
        await self._upload(repository, image.config)
        await self._upload(repository, image.layer)
        await self._put(repository, tag, image.manifest)

    async def push_index(self, repository: str, tag: str, index: Index, *, origin: str) -> None:
        """Push two images and their index: ten requests, or one more.

        The first layer goes in chunks; the second is mounted from the repository `origin`.
        """
        one, two = index.images
        await self._upload(repository, one.config)
        await self._upload_in_chunks(repository, one.layer)
        await self._mount(repository, two.layer, origin=origin)
        for image in index.images:
            await self._put(repository, image.manifest.digest, image.manifest)
        await self._put(repository, tag, index.manifest)

    async def pull_image(self, repository: str, tag: str, image: Image) -> None:
        """Ask what the tag is, then fetch everything by digest: four requests."""
        await self._head_manifest(repository, tag, image.manifest)
        await self._get_manifest(repository, image.manifest.digest, image.manifest)
        for blob in (image.config, image.layer):
            await self._get_blob(repository, blob)

    async def pull_index(self, repository: str, tag: str, index: Index, *, number: int) -> None:
        """Fetch an index, one of its images, and a part of the layer: four requests."""
        image = index.images[number]
        await self._get_manifest(repository, tag, index.manifest)
        await self._get_manifest(repository, image.manifest.digest, image.manifest)
        await self._head_blob(repository, image.layer)
        await self._get_part(repository, image.layer)

    async def list_tags(self, repository: str, least: frozenset[str]) -> None:
        """List the tags, of which `least` must be there: one request."""

        def check(answer: Answer) -> None:
            if not least <= _tags(answer.body):
                raise RequestError(Kind.WRONG, f"tags of {repository} lack some that were pushed")

        await self._ask("list tags", "GET", f"{_at(repository)}/tags/list", [200], check=check)

    async def _look(self, repository: str, blob: Content) -> None:
        """Whether a blob is there already, as clients ask before they push."""
        await self._ask("look for blob", "HEAD", _blob(repository, blob), [200, 404])

    async def _upload(self, repository: str, blob: Content) -> None:
        await self._put_blob(await self._start(repository), blob)

    async def _put_blob(self, location: str, blob: Content) -> None:
        url = _with(location, digest=blob.digest)
        content = {"Content-Type": _BYTES}
        await self._ask("put blob", "PUT", url, [201], body=blob.body, headers=content)

    async def _upload_in_chunks(self, repository: str, blob: Content) -> None:
        location = await self._start(repository)
        size = -(-len(blob.body) // _CHUNKS)
        for first in range(0, len(blob.body), size):
            chunk = blob.body[first : first + size]
            headers = {
                "Content-Type": _BYTES,
                "Content-Range": f"{first}-{first + len(chunk) - 1}",
            }
            answer = await self._ask(
                "patch chunk", "PATCH", location, [202], body=chunk, headers=headers
            )
            location = _location(answer)
        await self._ask("finish chunks", "PUT", _with(location, digest=blob.digest), [201])

    async def _mount(self, repository: str, blob: Content, *, origin: str) -> None:
        url = _with(_uploads(repository), mount=blob.digest, **{"from": origin})
        answer = await self._ask("mount blob", "POST", url, [201, 202])
        # A registry may decline, and has then started an upload.
        if answer.status == 202:
            await self._put_blob(_location(answer), blob)

    async def _start(self, repository: str) -> str:
        return _location(await self._ask("start upload", "POST", _uploads(repository), [202]))

    async def _put(self, repository: str, reference: str, manifest: Content) -> None:
        operation = "put index" if manifest.kind == INDEX else "put manifest"
        headers = {"Content-Type": manifest.kind}
        url = _manifest(repository, reference)
        await self._ask(operation, "PUT", url, [201], body=manifest.body, headers=headers)

    async def _head_manifest(self, repository: str, tag: str, manifest: Content) -> None:
        def check(answer: Answer) -> None:
            named = answer.headers.get("Docker-Content-Digest")
            if named != manifest.digest:
                raise RequestError(Kind.DIGEST, f"{repository}:{tag} is said to be {named}")

        url = _manifest(repository, tag)
        await self._ask("head manifest", "HEAD", url, [200], headers=_ACCEPT, check=check)

    async def _get_manifest(self, repository: str, reference: str, manifest: Content) -> None:
        by = "digest" if reference.startswith("sha256:") else "tag"
        url = _manifest(repository, reference)
        check = _is(manifest.body, of=f"{repository}:{reference}")
        operation = f"get manifest by {by}"
        await self._ask(operation, "GET", url, [200], headers=_ACCEPT, check=check)

    async def _head_blob(self, repository: str, blob: Content) -> None:
        def check(answer: Answer) -> None:
            size = answer.headers.get("Content-Length")
            if size != str(len(blob.body)):
                raise RequestError(Kind.WRONG, f"{blob.digest} is said to have {size} bytes")

        await self._ask("head blob", "HEAD", _blob(repository, blob), [200], check=check)

    async def _get_blob(self, repository: str, blob: Content) -> None:
        check = _is(blob.body, of=blob.digest)
        await self._ask("get blob", "GET", _blob(repository, blob), [200], check=check)

    async def _get_part(self, repository: str, blob: Content) -> None:
        first, last = _RANGE
        check = _is(blob.body[first : last + 1], of=f"a part of {blob.digest}")
        headers = {"Range": f"bytes={first}-{last}"}
        url = _blob(repository, blob)
        await self._ask("get part of blob", "GET", url, [206], headers=headers, check=check)

    async def _ask(
        self,
        operation: str,
        method: str,
        url: str,
        right: Sequence[int],
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        check: Callable[[Answer], None] = lambda _: None,
    ) -> Answer:
        due, self._due = self._due, None
        request = Request(
            operation=operation,
            method=method,
            url=url,
            right=frozenset(right),
            body=body,
            headers=headers or {},
            check=check,
        )
        return await self._wire.ask(request, due=due)


_ACCEPT = {"Accept": f"{MANIFEST}, {INDEX}"}


def _is(content: bytes, *, of: str) -> Callable[[Answer], None]:
    """A check that an answer is this very content."""

    def check(answer: Answer) -> None:
        if answer.body != content:
            sizes = f"{len(answer.body)} bytes for {len(content)}"
            raise RequestError(Kind.DIGEST, f"{of} came as {digest(answer.body)}, {sizes}")

    return check


def _tags(body: bytes) -> set[str]:
    try:
        return set(json.loads(body)["tags"])
    except (ValueError, KeyError, TypeError):
        raise RequestError(Kind.WRONG, "a list of tags that is none") from None


def _location(answer: Answer) -> str:
    """Where an upload goes on."""
    location = answer.headers.get("Location")
    if not location:
        raise RequestError(Kind.WRONG, "an upload without a Location")
    return location


def _with(url: str, **query: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _at(repository: str) -> str:
    return f"/v2/{repository}"


def _uploads(repository: str) -> str:
    return f"{_at(repository)}/blobs/uploads/"


def _blob(repository: str, blob: Content) -> str:
    return f"{_at(repository)}/blobs/{blob.digest}"


def _manifest(repository: str, reference: str) -> str:
    return f"{_at(repository)}/manifests/{reference}"
