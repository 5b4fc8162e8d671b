"""Deployments and their kin: defaults, rewriting, what cannot be changed."""

from typing import Any

import pytest

from registry_operator.kube.errors import BadRequest, Invalid
from tests.behaviour.bodies import (
    ACCOUNTS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    LEASES,
    REPLICA_SETS,
    SLICES,
    a_container,
    a_deployment,
)
from tests.behaviour.server import Body, Server


async def pod_of(server: Server, **pod: Any) -> Body:
    """What the server makes of a pod template."""
    body = a_deployment(server)
    body["spec"]["template"]["spec"] |= pod
    created = await server.client.create(DEPLOYMENTS, body)
    spec: Body = created.body()["spec"]["template"]["spec"]
    return spec


async def container_of(server: Server, **container: Any) -> Body:
    made: Body = (await pod_of(server, containers=[a_container(**container)]))["containers"][0]
    return made


async def test_a_deployment_is_completed(server: Server) -> None:
    body = a_deployment(server)
    del body["spec"]["replicas"]
    spec = (await server.client.create(DEPLOYMENTS, body)).body()["spec"]

    assert {name: value for name, value in spec.items() if name != "template"} == {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "x"}},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
        },
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    }


async def test_a_strategy_that_is_said_is_kept(server: Server) -> None:
    body = a_deployment(server, strategy={"type": "Recreate"}, replicas=0)
    spec = (await server.client.create(DEPLOYMENTS, body)).body()["spec"]

    assert spec["strategy"] == {"type": "Recreate"}
    assert spec["replicas"] == 0


async def test_a_strategy_that_was_applied_gives_way_to_another(server: Server) -> None:
    rolling = {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
    }
    for strategy in (rolling, {"type": "Recreate"}, rolling):
        body = a_deployment(server, strategy=strategy)
        after = await server.client.apply(DEPLOYMENTS, body, field_manager="us")
        assert after.body()["spec"]["strategy"] == strategy


async def test_a_pod_is_completed(server: Server) -> None:
    pod = await pod_of(server, serviceAccountName="a", hostNetwork=False, nodeSelector={})

    assert {name: value for name, value in pod.items() if name != "containers"} == {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "serviceAccount": "a",
        "serviceAccountName": "a",
        "terminationGracePeriodSeconds": 30,
    }


async def test_a_container_is_completed(server: Server) -> None:
    container = await container_of(
        server,
        ports=[{"containerPort": 5000}],
        command=[],
        env=[
            {"name": "A", "value": ""},
            {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
    )

    assert container == {
        "name": "main",
        "image": "a:1",
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": 5000, "protocol": "TCP"}],
        "env": [
            {"name": "A"},
            {
                "name": "B",
                "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}},
            },
        ],
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("a", "Always"),
        ("a:latest", "Always"),
        ("a:1", "IfNotPresent"),
        ("host:5000/a", "Always"),
        ("host:5000/a:1", "IfNotPresent"),
        (f"a@sha256:{'0' * 64}", "IfNotPresent"),
    ],
)
async def test_an_image_that_may_move_is_always_pulled(
    server: Server, image: str, policy: str
) -> None:
    assert (await container_of(server, image=image))["imagePullPolicy"] == policy


async def test_probes_are_completed(server: Server) -> None:
    container = await container_of(
        server,
        livenessProbe={"httpGet": {"port": 5000}},
        readinessProbe={"tcpSocket": {"port": "http"}, "periodSeconds": 3},
    )

    assert container["livenessProbe"] == {
        "httpGet": {"path": "/", "port": 5000, "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    assert container["readinessProbe"] == {
        "tcpSocket": {"port": "http"},
        "timeoutSeconds": 1,
        "periodSeconds": 3,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


async def test_volumes_are_completed(server: Server) -> None:
    token = {"serviceAccountToken": {"path": "x"}}
    pod = await pod_of(
        server,
        volumes=[
            {"name": "s", "secret": {"secretName": "x"}},
            {"name": "c", "configMap": {"name": "x", "defaultMode": 0o400}},
            {"name": "e", "emptyDir": {}},
            {"name": "p", "projected": {"sources": [token]}},
            {"name": "h", "hostPath": {"path": "/x"}},
        ],
    )

    assert pod["volumes"] == [
        {"name": "s", "secret": {"secretName": "x", "defaultMode": 0o644}},
        {"name": "c", "configMap": {"name": "x", "defaultMode": 0o400}},
        {"name": "e", "emptyDir": {}},
        {
            "name": "p",
            "projected": {
                "sources": [{"serviceAccountToken": {"path": "x", "expirationSeconds": 3600}}],
                "defaultMode": 0o644,
            },
        },
        {"name": "h", "hostPath": {"path": "/x", "type": ""}},
    ]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1000m", "1"),
        ("0.5", "500m"),
        (2, "2"),
        ("1024Mi", "1Gi"),
        ("0.5Gi", "512Mi"),
        ("1500Mi", "1500Mi"),
        ("1e3", "1e3"),
        ("1000e3", "1e6"),
        ("1000k", "1M"),
        ("0", "0"),
        ("1.5", "1500m"),
        ("1.5Gi", "1536Mi"),
    ],
)
async def test_quantities_are_rewritten(server: Server, sent: str | int, kept: str) -> None:
    container = await container_of(server, resources={"limits": {"cpu": sent}})

    assert container["resources"]["limits"]["cpu"] == kept


async def test_a_patch_to_a_value_of_another_type_is_invalid(server: Server) -> None:
    await server.client.create(DEPLOYMENTS, a_deployment(server))
    with pytest.raises(Invalid) as raised:
        await server.client.patch(
            DEPLOYMENTS, server.key(), {"spec": {"replicas": "x"}}, kind="merge"
        )

    assert [cause.field for cause in raised.value.causes] == ["patch"]


async def test_fields_that_a_kind_does_not_know_are_dropped(server: Server) -> None:
    container = await container_of(server, unknown=1)

    assert "unknown" not in container


async def test_a_value_of_another_type_is_refused(server: Server) -> None:
    with pytest.raises(BadRequest, match="cannot be handled as a Deployment"):
        await server.client.create(DEPLOYMENTS, a_deployment(server, replicas="x"))


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"replicas": -1}, {"spec.replicas"}),
        ({"selector": {"matchLabels": {"app": "y"}}}, {"spec.template.metadata.labels"}),
        ({"template": {}}, {"spec.template.metadata.labels", "spec.template.spec.containers"}),
    ],
)
async def test_a_deployment_that_cannot_work_is_refused(
    server: Server, spec: Body, fields: set[str]
) -> None:
    with pytest.raises(Invalid) as raised:
        await server.client.create(DEPLOYMENTS, a_deployment(server, **spec))

    assert {cause.field for cause in raised.value.causes} == fields


async def test_the_selector_cannot_be_changed(server: Server) -> None:
    await server.client.create(DEPLOYMENTS, a_deployment(server))
    labels = {"app": "y"}
    patch = {
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}},
        }
    }
    with pytest.raises(Invalid, match="field is immutable") as raised:
        await server.client.patch(DEPLOYMENTS, server.key(), patch, kind="merge")

    assert [cause.field for cause in raised.value.causes] == ["spec.selector"]


async def test_spec_and_annotations_move_the_generation_of_a_deployment(server: Server) -> None:
    await server.client.create(DEPLOYMENTS, a_deployment(server))
    generations = []
    for patch in (
        {"spec": {"replicas": 2}},
        {"metadata": {"labels": {"a": "b"}}},
        {"metadata": {"annotations": {"a": "b"}}},
    ):
        after = await server.client.patch(DEPLOYMENTS, server.key(), patch, kind="merge")
        generations.append(after.generation)

    assert generations == [2, 2, 3]


async def test_a_replica_set_is_completed_and_counts_its_spec(server: Server) -> None:
    body = a_deployment(server)
    del body["spec"]["replicas"]
    created = await server.client.create(REPLICA_SETS, body)
    annotated = {"metadata": {"annotations": {"a": "b"}}}
    after = await server.client.patch(REPLICA_SETS, server.key(), annotated, kind="merge")

    assert created.body()["spec"]["replicas"] == 1
    assert created.body()["status"] == {"replicas": 0}
    assert (created.generation, after.generation) == (1, 1)


async def test_kinds_without_a_desired_state_have_no_generation(server: Server) -> None:
    for resource in (CONFIG_MAPS, LEASES, ACCOUNTS):
        created = await server.client.create(resource, {"metadata": server.metadata()})
        assert created.generation == 0


async def test_an_endpoint_slice_says_of_which_addresses(server: Server) -> None:
    body = {
        "metadata": server.metadata(),
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}],
        "ports": [{"port": 5000}],
    }
    created = await server.client.create(SLICES, body)
    assert created.body()["ports"] == [{"name": "", "port": 5000, "protocol": "TCP"}]
    assert created.generation == 1

    with pytest.raises(Invalid) as raised:
        await server.client.create(SLICES, {"metadata": server.metadata("two"), "endpoints": []})
    assert "addressType" in {cause.field for cause in raised.value.causes}
