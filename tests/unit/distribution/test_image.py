"""Image references, taken apart."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_operator.distribution.image import ImageReference, ImageReferenceError

_SHA = "sha256:" + "ab" * 32
_ALPHANUMERIC = string.ascii_lowercase + string.digits

parts = st.lists(st.text(_ALPHANUMERIC, min_size=1, max_size=8), min_size=1, max_size=3).flatmap(
    lambda words: st.sampled_from([".", "_", "__", "-", "--"]).map(lambda by: by.join(words))
)
hosts = st.one_of(
    st.just("localhost"),
    st.sampled_from(["registry.example.com", "10.0.0.1", "[::1]", "Upper"]),
    st.integers(1, 65535).map(lambda port: f"host:{port}"),
)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)
references = st.builds(
    ImageReference,
    # A first part that reads as a host would be one.
    repository=st.lists(parts, min_size=1, max_size=3)
    .map("/".join)
    .filter(lambda name: "." not in name.split("/")[0] and not name.startswith("localhost/")),
    host=st.none() | hosts,
    tag=st.none() | tags,
    digest=st.none() | st.just(_SHA),
)


@given(references)
def test_what_is_written_is_read_back(reference: ImageReference) -> None:
    assert ImageReference.parse(str(reference)) == reference


def _read_back(text: str) -> str | None:
    try:
        return str(ImageReference.parse(text))
    except ImageReferenceError:
        return None


@given(st.text(max_size=40))
def test_any_text_is_taken_whole_or_refused(text: str) -> None:
    assert _read_back(text) in {text, None}


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "digest"),
    [
        ("registry", None, "registry", None, None),
        ("registry:2", None, "registry", "2", None),
        ("library/registry:3.1.2", None, "library/registry", "3.1.2", None),
        ("localhost/registry", "localhost", "registry", None, None),
        ("localhost:5000/a/b:t", "localhost:5000", "a/b", "t", None),
        ("example.com/registry", "example.com", "registry", None, None),
        ("[fd00::1]:5000/registry:3", "[fd00::1]:5000", "registry", "3", None),
        (f"registry@{_SHA}", None, "registry", None, _SHA),
        (f"registry:3@{_SHA}", None, "registry", "3", _SHA),
    ],
)
def test_parts_are_told_apart(
    text: str, host: str | None, repository: str, tag: str | None, digest: str | None
) -> None:
    reference = ImageReference.parse(text)

    assert reference == ImageReference(repository, host, tag, digest)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("https://example.com/registry", "leave out 'https://'"),
        ("docker://registry", "leave out 'docker://'"),
        ("registry: 2", "white space"),
        ("Registry:2", "must be lower-case"),
        ("registry:", "no tag"),
        ("registry:-1", "no tag"),
        (f"registry:{'a' * 129}", "no tag"),
        ("registry@sha256:ab", "no digest"),
        ("registry@", "no digest"),
        ("a//b", "no repository"),
        ("a..b", "no repository"),
        ("-host.example.com/a", "no HOST"),
        ("host:port/a", "no HOST"),
        (":5000/a", "no HOST"),
    ],
)
def test_an_error_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ImageReferenceError, match=message):
        ImageReference.parse(text)


def test_the_tag_that_nodes_pull_is_latest_unless_a_digest_says_otherwise() -> None:
    assert ImageReference.parse("registry").effective_tag == "latest"
    assert ImageReference.parse("registry:2").effective_tag == "2"
    assert ImageReference.parse(f"registry@{_SHA}").effective_tag is None
