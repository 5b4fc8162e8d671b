"""The Service: the client port and nothing else."""

from typing import Any

import pytest

from controllers.registry.service import desired
from registry_operator.api.names import selector_labels
from registry_operator.testing.builders import a_registry
from tests.unit.controllers.registry.snapshots import a_snapshot, body_of


def a_service(**fields: Any) -> dict[str, Any]:
    return body_of(desired(a_snapshot(a_registry(service=fields))))


def test_by_default_it_is_a_cluster_ip_on_port_5000() -> None:
    assert body_of(desired(a_snapshot()))["spec"] == {
        "type": "ClusterIP",
        "selector": dict(selector_labels("images")),
        "ports": [
            {
                "name": "http",
                "port": 5000,
                "protocol": "TCP",
                "targetPort": "http",
                "appProtocol": "http",
            }
        ],
    }


def test_the_debug_port_is_never_on_it() -> None:
    for fields in ({}, {"port": 80}, {"type": "LoadBalancer"}, {"port": 5001}):
        (port,) = a_service(**fields)["spec"]["ports"]

        assert port["targetPort"] == "http"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"type": "NodePort", "nodePort": 31000}, {"type": "NodePort"}),
        ({"type": "LoadBalancer", "loadBalancerClass": "a/b"}, {"loadBalancerClass": "a/b"}),
        (
            {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]},
            {"loadBalancerSourceRanges": ["10.0.0.0/8"]},
        ),
        (
            {"type": "NodePort", "externalTrafficPolicy": "Local"},
            {"externalTrafficPolicy": "Local"},
        ),
        ({"internalTrafficPolicy": "Local"}, {"internalTrafficPolicy": "Local"}),
        ({"trafficDistribution": "PreferSameZone"}, {"trafficDistribution": "PreferSameZone"}),
        ({"sessionAffinity": "ClientIP"}, {"sessionAffinity": "ClientIP"}),
    ],
)
def test_what_the_user_says_is_passed_on(fields: dict[str, Any], told: dict[str, Any]) -> None:
    spec = a_service(**fields)["spec"]

    assert told.items() <= spec.items()
    assert spec["ports"][0].get("nodePort") == fields.get("nodePort")


def test_labels_and_annotations_are_added() -> None:
    metadata = a_service(labels={"a": "b"}, annotations={"c": "d"})["metadata"]

    assert metadata["labels"] == {"a": "b"}
    assert metadata["annotations"] == {"c": "d"}
