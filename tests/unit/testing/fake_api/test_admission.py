"""What stands in the way of writes, on order."""

import pytest

from registry_operator.kube.client import Client
from registry_operator.kube.errors import Forbidden
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.fake_api.admission import Quota
from registry_operator.testing.fake_api.refusals import denied_by_webhook
from registry_operator.testing.virtual_loop import VirtualClock

pytestmark = pytest.mark.virtual

SECRETS = Resource("", "v1", "Secret", "secrets")


@pytest.fixture
def api() -> FakeApi:
    return FakeApi([SECRETS], clock=VirtualClock())


def a_secret(name: str, namespace: str = "ns") -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": namespace}}


async def test_a_quota_counts_what_is_there_and_forgives_what_goes(api: FakeApi) -> None:
    client = Client(api)
    await client.create(SECRETS, a_secret("before"))
    api.admit(Quota(api, SECRETS, "ns", name="q", most=1))
    await client.create(SECRETS, a_secret("one"))
    with pytest.raises(Forbidden, match="used: count/secrets=2, limited: count/secrets=2"):
        await client.create(SECRETS, a_secret("two"))
    await client.create(SECRETS, a_secret("two", "elsewhere"))
    await client.delete(SECRETS, ObjectKey("ns", "before"))

    await client.create(SECRETS, a_secret("two"))


async def test_a_mutating_admission_changes_what_is_stored_and_nothing_else(api: FakeApi) -> None:
    def label(verb: str, resource: Resource, body: dict[str, object]) -> None:
        metadata = body["metadata"]
        assert isinstance(metadata, dict)
        metadata["labels"] = {"by": f"{verb} of {resource.kind}".replace(" ", "-")}

    api.admit(label)
    client = Client(api)
    created = await client.create(SECRETS, a_secret("one"))
    assert created.labels == {"by": "create-of-Secret"}
    patch = {"data": {"a": "YQ=="}}
    patched = await client.patch(SECRETS, created.key, patch, kind="merge")

    assert patched.labels == {"by": "update-of-Secret"}
    assert created.labels == {"by": "create-of-Secret"}


async def test_a_webhook_may_refuse_with_its_own_words(api: FakeApi) -> None:
    def refuse(_verb: str, _resource: Resource, _body: dict[str, object]) -> None:
        raise denied_by_webhook("policy.example.org", "not on Fridays")

    api.admit(refuse)
    with pytest.raises(Forbidden, match="not on Fridays") as raised:
        await Client(api).create(SECRETS, a_secret("one"))

    assert raised.value.is_admission_denied
    assert api.objects(SECRETS) == []
