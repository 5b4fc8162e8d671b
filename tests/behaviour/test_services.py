"""Services and Secrets: what the server gives, and what it never takes back."""

import base64
from typing import Any

import pytest

from registry_operator.kube.errors import ApiError, Invalid
from tests.behaviour.bodies import CONFIG_MAPS, SECRETS, SERVICES, a_config_map, a_service
from tests.behaviour.server import Body, Server


async def spec_of(server: Server, *ports: Body, **spec: Any) -> Body:
    created = await server.client.create(SERVICES, a_service(server, *ports, **spec))
    made: Body = created.body()["spec"]
    return made


async def changed(server: Server, **spec: Any) -> Body:
    patch = {"spec": spec}
    after = await server.client.patch(SERVICES, server.key(), patch, kind="merge")
    made: Body = after.body()["spec"]
    return made


async def test_a_service_is_completed_and_given_an_address(server: Server) -> None:
    spec = await spec_of(server)
    address = spec["clusterIP"]

    assert address.startswith("10.")
    assert spec == {
        "selector": {"app": "x"},
        "ports": [{"port": 5000, "protocol": "TCP", "targetPort": 5000}],
        "type": "ClusterIP",
        "clusterIP": address,
        "clusterIPs": [address],
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
    }
    assert (await server.body(SERVICES))["status"] == {"loadBalancer": {}}


async def test_no_two_services_have_one_address(server: Server) -> None:
    one = await spec_of(server)
    two = (await server.client.create(SERVICES, a_service(server, name="two"))).body()["spec"]

    assert one["clusterIP"] != two["clusterIP"]


async def test_an_address_stays_whatever_else_changes(server: Server) -> None:
    before = await spec_of(server)
    after = await changed(server, ports=[{"port": 6000}])
    replaced = await server.client.update(SERVICES, a_service(server, {"port": 7000}))

    assert after["clusterIP"] == before["clusterIP"]
    assert after["ports"] == [{"port": 6000, "protocol": "TCP", "targetPort": 6000}]
    assert replaced.body()["spec"]["clusterIP"] == before["clusterIP"]
    assert replaced.generation == 0


async def test_an_address_cannot_be_changed(server: Server) -> None:
    await spec_of(server)
    with pytest.raises(Invalid, match="may not change once set"):
        await changed(server, clusterIP="10.96.0.200", clusterIPs=["10.96.0.200"])


async def test_a_headless_service_has_none(server: Server) -> None:
    spec = await spec_of(server, clusterIP="None")

    assert (spec["clusterIP"], spec["clusterIPs"]) == ("None", ["None"])


async def test_node_ports_are_given_kept_and_taken_back(server: Server) -> None:
    ports = ({"port": 5000, "name": "a"}, {"port": 5001, "name": "b"})
    spec = await spec_of(server, *ports, type="NodePort")
    given = [port["nodePort"] for port in spec["ports"]]
    assert len(set(given)) == 2
    assert all(30000 <= number < 32768 for number in given)
    assert spec["externalTrafficPolicy"] == "Cluster"

    kept = await server.client.update(SERVICES, a_service(server, *ports, type="NodePort"))
    assert [port["nodePort"] for port in kept.body()["spec"]["ports"]] == given

    internal = await changed(server, type="ClusterIP")
    assert [port.get("nodePort") for port in internal["ports"]] == [None, None]
    assert "externalTrafficPolicy" not in internal


async def test_a_load_balancer_has_node_ports_too(server: Server) -> None:
    spec = await spec_of(server, type="LoadBalancer")

    assert spec["ports"][0]["nodePort"]
    assert spec["allocateLoadBalancerNodePorts"] is True
    assert spec["externalTrafficPolicy"] == "Cluster"


async def test_a_node_port_that_is_taken_or_out_of_range_is_refused(server: Server) -> None:
    spec = await spec_of(server, type="NodePort")
    for number, told in ((spec["ports"][0]["nodePort"], "already allocated"), (80, "valid range")):
        port = {"port": 5000, "nodePort": number}
        body = a_service(server, port, name="two", type="NodePort")
        with pytest.raises(Invalid, match=told) as raised:
            await server.client.create(SERVICES, body)
        assert [cause.field for cause in raised.value.causes] == ["spec.ports[0].nodePort"]


async def test_an_external_name_has_no_address(server: Server) -> None:
    body = {
        "metadata": server.metadata(),
        "spec": {"type": "ExternalName", "externalName": "example.org"},
    }
    created = await server.client.create(SERVICES, body)

    assert created.body()["spec"] == {
        "type": "ExternalName",
        "externalName": "example.org",
        "sessionAffinity": "None",
    }


@pytest.mark.parametrize(
    ("ports", "field"),
    [
        ([], "spec.ports"),
        ([{"port": 1}, {"port": 2}], "spec.ports[0].name"),
        ([{"port": 1, "name": "a"}, {"port": 2, "name": "a"}], "spec.ports[1].name"),
        ([{"port": 1, "name": "a"}, {"port": 1, "name": "b"}], "spec.ports[1]"),
    ],
)
async def test_ports_that_cannot_be_told_apart_are_refused(
    server: Server, ports: list[Body], field: str
) -> None:
    body = a_service(server)
    body["spec"]["ports"] = ports
    with pytest.raises(Invalid) as raised:
        await server.client.create(SERVICES, body)

    assert field in {cause.field for cause in raised.value.causes}


async def test_a_moved_port_comes_back_beside_the_one_it_was_moved_to(server: Server) -> None:
    """Which is invalid under one name: why the operator replaces the list then."""
    ours = a_service(server, {"port": 80, "name": "http"})
    await server.client.apply(SERVICES, ours, field_manager="us")
    await changed(server, ports=[{"port": 81, "name": "http"}])
    with pytest.raises(Invalid, match="Duplicate value"):
        await server.client.apply(SERVICES, ours, field_manager="us")


async def test_a_service_is_named_as_a_host_is(server: Server) -> None:
    with pytest.raises(Invalid) as raised:
        await server.client.create(SERVICES, a_service(server, name="a.b"))

    assert [cause.field for cause in raised.value.causes] == ["metadata.name"]


async def test_text_of_a_secret_is_kept_encoded(server: Server) -> None:
    body = {"metadata": server.metadata(), "stringData": {"k": "v"}, "data": {"l": "dw=="}}
    created = (await server.client.create(SECRETS, body)).body()

    assert created["data"] == {"k": base64.b64encode(b"v").decode(), "l": "dw=="}
    assert "stringData" not in created
    assert created["type"] == "Opaque"


async def test_an_apply_of_text_changes_nothing_twice(server: Server) -> None:
    body = {"metadata": server.metadata(), "stringData": {"k": "v"}}
    first = await server.client.apply(SECRETS, body, field_manager="us")
    again = await server.client.apply(SECRETS, body, field_manager="us")

    assert again.resource_version == first.resource_version


async def test_the_type_of_a_secret_cannot_be_changed(server: Server) -> None:
    await server.client.create(SECRETS, {"metadata": server.metadata()})
    with pytest.raises(ApiError) as raised:
        await server.client.patch(SECRETS, server.key(), {"type": "other"}, kind="merge")

    assert raised.value.status == 422
    assert [cause.field for cause in raised.value.causes] == ["type"]


@pytest.mark.parametrize("resource", [SECRETS, CONFIG_MAPS])
async def test_what_is_declared_immutable_stays(server: Server, resource: Any) -> None:
    body = a_config_map(server) | {"data": {"a": "YQ=="}, "immutable": True}
    await server.client.create(resource, body)
    for patch, field in (({"data": {"a": "Yg=="}}, "data"), ({"immutable": False}, "immutable")):
        with pytest.raises(Invalid) as raised:
            await server.client.patch(resource, server.key(), patch, kind="merge")
        assert [cause.field for cause in raised.value.causes] == [field]
    labelled = {"metadata": {"labels": {"a": "b"}}}
    assert (await server.client.patch(resource, server.key(), labelled, kind="merge")).labels["a"]


@pytest.mark.parametrize("resource", [SECRETS, CONFIG_MAPS])
async def test_a_key_is_the_name_of_a_file(server: Server, resource: Any) -> None:
    with pytest.raises(Invalid) as raised:
        await server.client.create(
            resource, {"metadata": server.metadata(), "data": {"a b": "YQ=="}}
        )

    assert [cause.field for cause in raised.value.causes] == ["data[a b]"]
