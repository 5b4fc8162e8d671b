"""core/v1 shapes that go into the pod template as they are."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from registry_operator.api.scheduling import Affinity, Tolerations, TopologySpreadConstraints

_AFFINITY = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {
                    "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
                    "matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n"]}],
                }
            ]
        },
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "preference": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}
        ],
    },
    "podAntiAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {
                "weight": 100,
                "podAffinityTerm": {
                    "topologyKey": "kubernetes.io/hostname",
                    "labelSelector": {"matchLabels": {"a": "b"}},
                    "namespaceSelector": {},
                    "namespaces": ["x"],
                    "matchLabelKeys": ["pod-template-hash"],
                },
            }
        ]
    },
    "podAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {
                "topologyKey": "zone",
                "labelSelector": {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]},
            }
        ]
    },
}


def test_affinity_comes_out_as_it_went_in() -> None:
    assert Affinity.model_validate(_AFFINITY, extra="forbid").wire() == _AFFINITY


@pytest.mark.parametrize(
    "affinity",
    [
        {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}},
        {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}},
        {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0}]}},
    ],
)
def test_a_half_affinity_is_refused(affinity: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Affinity.model_validate(affinity)


def test_tolerations_and_spread_come_out_as_they_went_in() -> None:
    tolerations = [
        {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
    ]
    spread = [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]

    read = TypeAdapter(Tolerations).validate_python(tolerations)
    read_spread = TypeAdapter(TopologySpreadConstraints).validate_python(spread)

    assert [one.wire() for one in read] == tolerations
    assert [one.wire() for one in read_spread] == spread


def test_a_skew_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(TopologySpreadConstraints).validate_python(
            [{"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]
        )
