"""Two Registries on one folder of one bucket, before a real API server: who is told, who goes on."""

from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, REGISTRY, SECRET
from hack.world import World

pytestmark = pytest.mark.integration


def in_folder(world: World, folder: str) -> dict[str, Any]:
    return {
        "storage": {
            "s3": {
                "bucket": world.namespace[:63],
                "endpoint": "http://127.0.0.1:9",
                "secretRef": {"name": "s3-keys"},
                "rootDirectory": folder,
            }
        }
    }


def reason_of(world: World, name: str) -> tuple[str, str]:
    told = world.condition(name, "StorageReady")
    return told.get("status", ""), told.get("reason", "")


def two_on_one_folder(world: World) -> None:
    keys = {"metadata": {"name": "s3-keys"}, "stringData": {"accessKey": "a", "secretKey": "b"}}
    world.create(SECRET, keys)
    world.create_registry("old", in_folder(world, "shared"))
    world.until(lambda: world.is_ready("old"), about="the older is ready", seconds=40)
    world.create_registry("young", in_folder(world, "shared"))
    world.until(
        lambda: reason_of(world, "young") == ("False", "BucketShared"), about="the younger is told"
    )


def test_the_younger_one_is_told_and_goes_on_in_a_folder_of_its_own(world: World) -> None:
    two_on_one_folder(world)

    assert world.get(DEPLOYMENT, "young") is None
    message = world.condition("young", "Stalled")["message"]
    assert f"Registry {world.namespace}/old, which has pods there" in message
    assert "set spec.storage.s3.rootDirectory" in message
    assert world.is_ready("old")

    world.patch(REGISTRY, "young", {"spec": in_folder(world, "young")})
    world.until(lambda: world.is_ready("young"), about="the younger is ready", seconds=40)


def test_the_younger_one_takes_over_when_the_older_goes(world: World) -> None:
    two_on_one_folder(world)

    world.delete(REGISTRY, "old")
    world.until(lambda: world.is_ready("young"), about="the younger is ready", seconds=40)

    assert world.get(DEPLOYMENT, "old") is None
    assert world.get(DEPLOYMENT, "young") is not None
    assert reason_of(world, "young") == ("True", "StorageInUse")


def test_who_only_reads_shares(world: World) -> None:
    two_on_one_folder(world)
    reads = {"storage": {"maintenance": {"readonly": {"enabled": True}}}}

    world.patch(REGISTRY, "young", {"spec": {"config": reads}})

    world.until(lambda: world.is_ready("young"), about="the reader is ready", seconds=40)
    assert world.is_ready("old")
