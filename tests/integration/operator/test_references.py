"""What a Registry refers to, before a real API server: certificates, and an identity of its own."""

import json
from functools import partial
from typing import Any

import pytest

from controllers.kinds import CONFIG_MAP, DEPLOYMENT, REGISTRY, SECRET, SERVICE_ACCOUNT
from hack.world import World

pytestmark = pytest.mark.integration

_ROLE = "eks.amazonaws.com/role-arn"
_PEM = "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n"


def a_spec(world: World, **s3: Any) -> dict[str, Any]:
    bucket = {"bucket": world.namespace[:63], "endpoint": "https://127.0.0.1:9", **s3}
    return {"storage": {"s3": bucket}}


def pods_of(world: World) -> dict[str, Any]:
    deployment = world.get(DEPLOYMENT, "images") or {}
    found: dict[str, Any] = deployment["spec"]["template"]
    return found


def configuration_of(world: World) -> str:
    name: str = pods_of(world)["spec"]["volumes"][0]["secret"]["secretName"]
    return name


def test_certificates_are_waited_for_and_followed(world: World) -> None:
    bundle = {"configMapRef": {"name": "store-ca"}}
    world.create_registry("images", a_spec(world, caBundle=bundle))
    world.until(
        lambda: world.condition("images", "StorageReady").get("reason") == "CaBundleNotFound",
        about="the ConfigMap is asked for",
    )

    world.create(CONFIG_MAP, {"metadata": {"name": "store-ca"}, "data": {"ca.crt": _PEM}})
    world.until(lambda: world.is_ready("images"), about="ready with it", seconds=40)
    before = configuration_of(world)
    secret = world.get(SECRET, before)
    assert secret is not None
    assert secret["data"].keys() == {"config.yml", "ca.crt"}

    world.patch(CONFIG_MAP, "store-ca", {"data": {"ca.crt": _PEM * 2}})
    world.until(lambda: configuration_of(world) != before, about="pods are made anew", seconds=60)


def test_secrets_that_name_a_bucket_are_waited_for_each_and_followed(world: World) -> None:
    s3 = {
        "bucketName": {"name": "place", "key": "bucket"},
        "region": {"name": "place", "key": "region"},
        "endpointURL": {"name": "place", "key": "endpoint"},
        "accessKey": {"name": "keys", "key": "id"},
        "secretKey": {"name": "keys", "key": "secret"},
    }
    place = {"bucket": "hush-images", "region": "eu-1", "endpoint": "https://127.0.0.1:9"}
    world.create_registry("images", {"storage": {"s3": s3}})

    def is_asked_for(name: str) -> bool:
        message: str = world.condition("images", "StorageReady").get("message", "")
        return f"Secret {name} " in message

    for name, data in (("place", place), ("keys", {"id": "A", "secret": "B"})):
        world.until(partial(is_asked_for, name), about=f"Secret {name} is asked for")
        world.create(SECRET, {"metadata": {"name": name}, "stringData": data})
    world.until(lambda: world.is_ready("images"), about="ready with both", seconds=40)
    before = configuration_of(world)

    world.patch(SECRET, "place", {"stringData": {"bucket": "hush-others"}})
    world.until(lambda: configuration_of(world) != before, about="pods are made anew", seconds=60)
    assert "hush" not in json.dumps(
        [world.get(REGISTRY, "images"), world.get(DEPLOYMENT, "images")]
    )


def test_pods_are_made_for_the_identity_that_the_service_account_has(world: World) -> None:
    def wanted(role: str) -> dict[str, Any]:
        return {**a_spec(world), "serviceAccount": {"annotations": {_ROLE: role}}}

    world.create_registry("images", wanted("arn:aws:iam::1:role/one"))
    world.until(lambda: world.is_ready("images"), about="ready", seconds=40)
    account = world.get(SERVICE_ACCOUNT, "images")
    assert account is not None
    assert account["metadata"]["annotations"][_ROLE] == "arn:aws:iam::1:role/one"
    before = pods_of(world)

    world.patch(REGISTRY, "images", {"spec": wanted("arn:aws:iam::1:role/two")})
    world.until(lambda: pods_of(world) != before, about="pods are made anew", seconds=60)
    world.patch(REGISTRY, "images", {"spec": {"serviceAccount": None}})
    world.until(
        lambda: (
            _ROLE
            not in (world.get(SERVICE_ACCOUNT, "images") or {})["metadata"].get("annotations", {})
        ),
        about="the annotation goes with the wish",
    )


def test_a_role_with_an_image_that_can_not_use_it_is_told(world: World) -> None:
    annotations = {"annotations": {_ROLE: "arn:aws:iam::1:role/one"}}
    spec = {**a_spec(world), "image": "registry:2.8.3", "serviceAccount": annotations}
    world.create_registry("images", spec)

    world.until(
        lambda: (
            world.condition("images", "ConfigurationValid").get("reason") == "IdentityUnsupported"
        ),
        about="the image is named",
    )
    assert world.get(DEPLOYMENT, "images") is None
