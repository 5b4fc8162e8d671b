"""What stands in the way of a write beside its schema: policies and quotas."""

import pytest

from registry_operator.kube.errors import ApiError, Forbidden
from tests.behaviour.bodies import CONFIG_MAPS, SECRETS, a_config_map
from tests.behaviour.server import Server


async def test_what_a_policy_refuses_is_told_in_its_words(server: Server) -> None:
    await server.levers.deny(CONFIG_MAPS, server.namespace, message="nothing of that here")
    with pytest.raises(ApiError, match="denied request: nothing of that here") as raised:
        await server.client.create(CONFIG_MAPS, a_config_map(server))
    assert raised.value.is_admission_denied
    assert (raised.value.status, raised.value.reason) == (422, "Invalid")
    with pytest.raises(ApiError) as raised:
        await server.client.apply(CONFIG_MAPS, a_config_map(server), field_manager="us")

    assert raised.value.is_admission_denied
    assert not await server.exists(CONFIG_MAPS, server.key())
    await server.client.create(SECRETS, {"metadata": server.metadata()})


@pytest.mark.usefixtures("controllers")
async def test_what_a_quota_refuses_is_told_in_numbers(server: Server) -> None:
    await server.levers.limit(SECRETS, server.namespace, most=1)
    await server.client.create(SECRETS, {"metadata": server.metadata()})
    with pytest.raises(Forbidden) as raised:
        await server.client.apply(SECRETS, {"metadata": server.metadata("two")}, field_manager="us")

    assert raised.value.is_quota_exceeded
    assert raised.value.message == (
        'secrets "two" is forbidden: exceeded quota: behaviour, requested: count/secrets=1, used:'
        " count/secrets=1, limited: count/secrets=1"
    )
    patch = {"metadata": {"labels": {"a": "b"}}}
    await server.client.patch(SECRETS, server.key(), patch, kind="merge")
