import pytest

from registry_operator.kube.errors import BadRequest
from registry_operator.testing.fake_api.selector import Selector

BODY = {
    "metadata": {"name": "one", "namespace": "ns", "labels": {"app": "x", "tier": "y"}},
    "spec": {"nodeName": "n"},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("app=x", True),
        ("app==x,tier=y", True),
        ("app=z", False),
        ("app!=z", True),
        ("missing!=z", True),
        ("app in (x, z),tier", True),
        ("app notin (x,z)", False),
        ("missing notin (x)", True),
        ("app", True),
        ("!app", False),
        ("!missing", True),
    ],
)
def test_label_selectors_follow_apimachinery(text: str, expected: bool) -> None:  # noqa: FBT001
    assert Selector(text).matches(BODY) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("metadata.name=one,metadata.namespace=ns", True),
        ("spec.nodeName!=n", False),
        ("status.phase=", True),
        ("spec.nodeName.deeper=x", False),
    ],
)
def test_field_selectors_compare_what_stands_at_a_path(text: str, expected: bool) -> None:  # noqa: FBT001
    assert Selector(fields=text).matches(BODY) is expected


@pytest.mark.parametrize(("labels", "fields"), [("a b c", ""), ("", "a"), ("", "a b=c")])
def test_what_is_no_selector_is_refused(labels: str, fields: str) -> None:
    with pytest.raises(BadRequest):
        Selector(labels, fields)
