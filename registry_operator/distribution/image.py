"""References to container images, taken apart.

Text as users write it in `spec.image` flows in, its parts flow out: the tag tells the release
(release.py). Nothing is completed: a reference without a host stays without, because which host it
means is the nodes' configuration.

Grammar: https://github.com/distribution/reference (reference.go); what a host is follows its rule
for familiar names.
"""

import re
from dataclasses import dataclass
from typing import Self

DEFAULT_TAG = "latest"

_PART = r"[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:[.]{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]{{1,5}})?")
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[+._-][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_SHA256_LENGTH = 64


class ImageReferenceError(ValueError):
    """A text is no image reference: the message says which part is wrong and how it should look."""


@dataclass(frozen=True, slots=True)
class ImageReference:
    """`[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]`; absent parts are None."""

    repository: str
    host: str | None = None
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The parts of `text`; raises ImageReferenceError."""
        _refuse_slips(text)
        rest, at, digest = text.partition("@")
        if at and not _is_digest(digest):
            raise ImageReferenceError(
                f"{digest!r} after the @ is no digest: write sha256: and 64 hexadecimal digits"
            )

        name, tag = _split_tag(rest)
        host, repository = _split_host(name)
        if host is not None and not _HOST.fullmatch(host):
            raise ImageReferenceError(f"{host!r} is no HOST or HOST:PORT")

        if not _REPOSITORY.fullmatch(repository):
            raise ImageReferenceError(_repository_message(repository))

        return cls(repository=repository, host=host, tag=tag, digest=digest if at else None)

    def __str__(self) -> str:
        return (
            (f"{self.host}/" if self.host is not None else "")
            + self.repository
            + (f":{self.tag}" if self.tag is not None else "")
            + (f"@{self.digest}" if self.digest is not None else "")
        )

    @property
    def effective_tag(self) -> str | None:
        """The tag that nodes pull: `latest` when nothing is said, None when only a digest is."""
        return self.tag or (DEFAULT_TAG if self.digest is None else None)


def _refuse_slips(text: str) -> None:
    if not text:
        raise ImageReferenceError("an image reference is empty: write for example registry:3.1.2")

    if "://" in text:
        raise ImageReferenceError(f"{text!r} is a URL: leave out {text[: text.index('://') + 3]!r}")

    if any(character.isspace() for character in text):
        raise ImageReferenceError(f"{text!r} holds white space: remove it")


def _split_tag(rest: str) -> tuple[str, str | None]:
    """A colon after the last slash begins the tag; one before it begins a port."""
    colon = rest.rfind(":")
    if colon <= rest.rfind("/") or rest.endswith("]"):
        return rest, None

    tag = rest[colon + 1 :]
    if not _TAG.fullmatch(tag):
        raise ImageReferenceError(
            f"{tag!r} after the colon is no tag: use at most 128 letters, digits, _, . and -, not "
            "beginning with . or -"
        )

    return rest[:colon], tag


def _split_host(name: str) -> tuple[str | None, str]:
    first, slash, rest = name.partition("/")
    is_host = bool(slash) and (
        "." in first or ":" in first or first == "localhost" or first != first.lower()
    )

    return (first, rest) if is_host else (None, name)


def _is_digest(digest: str) -> bool:
    if not _DIGEST.fullmatch(digest):
        return False

    algorithm, _, value = digest.partition(":")
    return algorithm != "sha256" or len(value) == _SHA256_LENGTH


def _repository_message(repository: str) -> str:
    if repository != repository.lower():
        return f"{repository!r} must be lower-case"

    return (
        f"{repository!r} is no repository: use lower-case letters and digits, separated by single "
        ". or _, by __ or by hyphens, in parts separated by /"
    )
