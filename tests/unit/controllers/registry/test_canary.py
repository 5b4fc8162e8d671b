"""The canary."""

from typing import Any

from controllers.registry import canary, revision
from controllers.registry.inputs import Referent
from controllers.registry.pod_template import render
from controllers.registry.service import desired as service
from registry_operator.testing.builders import CLAIM, S3, a_registry, an_object
from registry_operator.testing.claims import a_volume_claim
from tests.unit.controllers.registry.changing import NEW, template_of
from tests.unit.controllers.registry.snapshots import body_of, holding, serving

KEYS = holding(accessKey="a", secretKey="s")


def body(storage: Any) -> dict[str, Any]:
    registry = a_registry(image=NEW, storage=storage)
    claim = Referent(known=True, found=an_object(a_volume_claim(registry)))
    inputs = serving(registry, credentials=KEYS, volume_claim=claim)
    return canary.body(inputs, render(inputs))


def volumes(of: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one for one in of["spec"]["template"]["spec"]["volumes"]}


def test_it_is_one_pod_of_the_template_that_is_wanted() -> None:
    found = body({"emptyDir": {}})

    assert found["spec"]["replicas"] == 1
    assert found["spec"]["template"]["spec"] == template_of(NEW, storage={"emptyDir": {}})["spec"]
    assert found["metadata"]["annotations"][revision.ANNOTATION] == revision.of_template(
        found["spec"]["template"]
    )


def test_the_service_does_not_send_clients_to_it() -> None:
    selector = body_of(service(serving(a_registry())))["spec"]["selector"]
    labels = body({"emptyDir": {}})["spec"]["template"]["metadata"]["labels"]

    assert not selector.items() <= labels.items()
    assert selector.keys() <= labels.keys()


def test_its_own_selector_takes_its_pod_and_none_that_serves() -> None:
    found = body({"emptyDir": {}})
    selector = found["spec"]["selector"]["matchLabels"]

    assert selector.items() <= found["spec"]["template"]["metadata"]["labels"].items()
    assert not selector.items() <= template_of(NEW)["metadata"]["labels"].items()


def test_where_one_pod_alone_may_write_it_has_an_empty_volume_of_its_own() -> None:
    assert volumes(body(dict(CLAIM)))["data"] == {"name": "data", "emptyDir": {}}


def test_a_bucket_it_shares() -> None:
    assert body(dict(S3))["spec"]["template"]["spec"]["volumes"][0]["secret"]
