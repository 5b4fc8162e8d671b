"""The rights that are declared: what is committed, what is enough, and nothing that is never used."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import controllers
from controllers.kinds import (
    AUTOSCALER,
    BUCKET,
    BUCKET_ACCESS,
    BUCKET_CLAIM,
    CONFIG_MAP,
    PERSISTENT_VOLUME_CLAIM,
    POD_DISRUPTION_BUDGET,
    REGISTRY,
    REPLICA_SET,
    SECRET,
    SERVICE,
)
from hack.generate.rbac import cluster_role
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import (
    CERTIFICATES,
    CLAIM,
    COSI,
    NAMED_CLAIM,
    NAMESPACE,
    S3,
    TRUSTING,
    a_config_map,
    a_registry,
    a_secret,
)
from registry_operator.testing.claims import a_bucket, a_bucket_info, a_volume_claim
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import RegistryStage

ROLE = Path(__file__).parents[3] / "config" / "rbac" / "role.yaml"
Right = tuple[str, str, str]

MADE = ObjectKey(NAMESPACE, "made-data")
# Asked by admission plugins, never by a request: see rights.py.
BY_ADMISSION = {
    ("registry-operator.dev", "registries/finalizers", "update"),
    ("", "services", "delete"),
    ("", "serviceaccounts", "delete"),
}


def declared() -> set[Right]:
    return {
        (group, resource, verb)
        for groups, resources, verbs in controllers.rules()
        for group in groups
        for resource in resources
        for verb in verbs
    }


def test_the_committed_role_is_what_the_controllers_declare() -> None:
    assert yaml.safe_load(ROLE.read_text()) == cluster_role(controllers.rules())


def test_nothing_is_granted_by_wildcard() -> None:
    assert not [right for right in declared() if "*" in right]


def rights_of(request: Request) -> Iterator[Right]:
    """What RBAC asks for a request (k8s.io/apiserver pkg/endpoints/request/requestinfo.go)."""
    parts = request.path.strip("/").split("/")
    group, parts = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    if parts[0] == "namespaces":
        parts = parts[2:]
    resource, *rest = parts
    name = rest[0] if rest else ""
    if rest[1:]:
        resource = f"{resource}/{rest[1]}"
    verbs = {"POST": "create", "PATCH": "patch", "DELETE": "delete", "PUT": "update"}
    if request.method != "GET":
        verb = verbs[request.method]
    else:
        watches = ("watch", "true") in request.query
        verb = "get" if name else "watch" if watches else "list"
    yield group, resource, verb
    applies = (request.content_type or "").startswith("application/apply")
    if applies and "/" not in resource:
        # An apply that makes the object is a create too (KEP-555).
        yield group, resource, "create"


async def on_volumes(stage: RegistryStage) -> None:
    """One on a claim of its own, which goes with it, and one on a user's."""
    theirs = a_volume_claim(a_registry())
    theirs["metadata"] = {"namespace": NAMESPACE, "name": "theirs"}
    stage.api.put(PERSISTENT_VOLUME_CLAIM, theirs)
    stage.create("made", storage=CLAIM, deletionPolicy="Delete")
    stage.create("named", storage=NAMED_CLAIM)
    await stage.settle()
    assert stage.told("Available", name="named") == ("True", "Serving")
    stage.api.delete(REGISTRY, ObjectKey(NAMESPACE, "made"))
    await stage.settle()
    assert "made" not in stage.names(REGISTRY)
    assert "deletionTimestamp" in str(stage.api.get(PERSISTENT_VOLUME_CLAIM, MADE)) or (
        stage.api.get(PERSISTENT_VOLUME_CLAIM, MADE) is None
    )


async def of_several(stage: RegistryStage) -> None:
    """One whose pods are several, as an autoscaler says, and no more."""
    stage.api.put(SECRET, a_secret("s3-keys", {"accessKey": "A", "secretKey": "B"}))
    stage.create("several", storage=S3, autoscaling={"maxReplicas": 3})
    await stage.settle()
    assert stage.names(AUTOSCALER) == stage.names(POD_DISRUPTION_BUDGET) == ["several"]
    stage.change(lambda spec: spec.pop("autoscaling"), "several")
    await stage.settle()
    assert stage.names(AUTOSCALER) == stage.names(POD_DISRUPTION_BUDGET) == []


@pytest.mark.virtual
async def test_a_whole_life_uses_exactly_these_rights(clock: VirtualClock) -> None:
    stage = RegistryStage(clock, cosi=True)
    key = ObjectKey(NAMESPACE, "images")
    stage.create_template(storage=COSI)
    async with stage.running():
        stage.create(template="base", storage=None, deletionPolicy="Delete")
        await stage.settle()
        stage.api.change(BUCKET_CLAIM, key, lambda b: b.update(status={"bucketReady": True}))
        stage.api.put(SECRET, a_secret("images-bucket", {"BucketInfo": a_bucket_info()}))
        stage.api.change(BUCKET_ACCESS, key, lambda b: b.update(status={"accessGranted": True}))
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        forgotten = stage.api.change(
            BUCKET_CLAIM,
            key,
            lambda b: b.update(status={"bucketReady": False, "bucketName": "bucket-images"}),
        )
        stage.api.put(BUCKET, a_bucket(forgotten))
        await stage.settle(90)
        assert stage.told() == ("True", "Ready")
        (first,) = stage.names(REPLICA_SET)
        stage.change(lambda spec: spec.update(config={"log": {"level": "debug"}}))
        await stage.settle()
        stage.api.delete(REPLICA_SET, ObjectKey(NAMESPACE, first))
        await stage.settle()
        assert stage.configs() == [stage.current_config]
        stage.api.delete(SERVICE, key)
        await stage.settle()
    # An Event that an earlier process told is gone on with.
    async with stage.running():
        stage.api.delete(SERVICE, key)
        await stage.settle()
        stage.api.delete(REGISTRY, key)
        await stage.settle()
        assert stage.names(BUCKET_CLAIM) == []
        stage.create("trusting", storage=TRUSTING)
        stage.api.put(CONFIG_MAP, a_config_map("store-ca", CERTIFICATES))
        await stage.settle()
        assert stage.told(name="trusting") == ("True", "Ready")
        stage.create("untold", image="registry:latest")
        await stage.settle()
        assert stage.status("untold")["version"] == "3.1.2"
        await on_volumes(stage)
        await of_several(stage)

    used = {right for request in stage.api.requests for right in rights_of(request)}

    assert used - declared() == set()
    assert declared() - used == BY_ADMISSION
