"""PersistentVolumeClaims: protected from the first, kept as they were made, grown once bound.

Nobody binds them here: a test says that they are bound, as those who bind claims do.
"""

from typing import Any

import pytest

from registry_operator.kube.errors import Forbidden, Invalid
from registry_operator.kube.resource import ObjectKey
from tests.behaviour.bodies import CLAIMS, CLASSES, a_claim
from tests.behaviour.server import Body, Server, eventually

PROTECTION = "kubernetes.io/pvc-protection"
GROWS = "only dynamically provisioned pvc can be resized and the storageclass that provisions"


def sized(size: str, **more: Any) -> Body:
    return {"spec": {"resources": {"requests": {"storage": size}, **more}}}


async def change(server: Server, patch: Body) -> Body:
    return (await server.client.patch(CLAIMS, server.key(), patch, kind="merge")).body()


async def create(server: Server, **spec: Any) -> Body:
    return (await server.client.create(CLAIMS, a_claim(server, **spec))).body()


async def bind(server: Server, capacity: str = "1Gi") -> None:
    status = {"phase": "Bound", "capacity": {"storage": capacity}}
    await server.client.patch(
        CLAIMS, server.key(), {"status": status}, kind="merge", subresource="status"
    )


async def a_class(server: Server, *, grows: bool | None) -> str:
    """A StorageClass of the test's own, by the name of its namespace."""
    body: Body = {"metadata": {"name": server.namespace}, "provisioner": "example.org/none"}
    if grows is not None:
        body["allowVolumeExpansion"] = grows
    return (await server.client.create(CLASSES, body)).name


async def grown(server: Server, size: str) -> None:
    """Grow the claim; what the server knows of classes may be a moment old."""

    async def is_allowed() -> bool:
        try:
            await change(server, sized(size))
        except Forbidden:
            return False
        return True

    await eventually(is_allowed)


async def test_a_claim_is_completed(server: Server) -> None:
    created = await create(server)

    assert created["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "volumeMode": "Filesystem",
    }
    assert created["status"] == {"phase": "Pending"}
    assert "generation" not in created["metadata"]


async def test_a_class_is_completed(server: Server) -> None:
    name = await a_class(server, grows=None)
    found = await server.client.list(CLASSES)
    body = next(one.body() for one in found.items if one.name == name)

    assert (body["reclaimPolicy"], body["volumeBindingMode"]) == ("Delete", "Immediate")
    assert "allowVolumeExpansion" not in body


async def test_a_claim_is_protected_from_the_first(server: Server) -> None:
    created = await create(server)

    assert created["metadata"]["finalizers"] == [PROTECTION]


async def test_no_apply_takes_the_protection_away(server: Server) -> None:
    await server.client.apply(CLAIMS, a_claim(server), field_manager="us")
    labelled = a_claim(server)
    labelled["metadata"]["labels"] = {"a": "b"}
    after = await server.client.apply(CLAIMS, labelled, field_manager="us", force=True)

    assert after.labels == {"a": "b"}
    assert list(after.metadata.finalizers) == [PROTECTION]


async def test_a_deleted_claim_stays_until_its_protection_is_taken_away(server: Server) -> None:
    await create(server)
    await server.client.delete(CLAIMS, server.key())
    assert (await server.body(CLAIMS))["metadata"]["deletionTimestamp"]

    await change(server, {"metadata": {"finalizers": None}})
    assert not await server.exists(CLAIMS, server.key())


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"accessModes": []}, "spec.accessModes"),
        ({"resources": {}}, "spec.resources[storage]"),
    ],
)
async def test_a_claim_says_how_it_is_mounted_and_how_large_it_is(
    server: Server, spec: Body, field: str
) -> None:
    with pytest.raises(Invalid) as raised:
        await create(server, **spec)

    assert [cause.field for cause in raised.value.causes] == [field]


@pytest.mark.parametrize(
    "spec",
    [
        {"accessModes": ["ReadWriteMany"]},
        {"storageClassName": "other"},
        {"selector": {"matchLabels": {"a": "b"}}},
        {"resources": {"limits": {"storage": "5Gi"}}},
        {"volumeName": "other"},
    ],
)
@pytest.mark.parametrize("is_bound", [False, True])
async def test_a_claim_stays_as_it_was_made(server: Server, spec: Body, *, is_bound: bool) -> None:
    await create(server, storageClassName="one", volumeName="one")
    if is_bound:
        await bind(server)
    with pytest.raises(Invalid, match="spec is immutable after creation except") as raised:
        await change(server, {"spec": spec})

    assert [cause.field for cause in raised.value.causes] == ["spec"]


async def test_a_volume_of_files_becomes_no_device(server: Server) -> None:
    await create(server)
    with pytest.raises(Invalid) as raised:
        await change(server, {"spec": {"volumeMode": "Block"}})

    assert {cause.field for cause in raised.value.causes} == {"spec", "volumeMode"}


async def test_volume_and_class_may_be_named_later_once(server: Server) -> None:
    """As those who bind claims do, and who makes a class the default."""
    await create(server)
    await change(server, {"spec": {"storageClassName": "one"}})
    after = await change(server, {"spec": {"volumeName": "one"}})

    assert (after["spec"]["storageClassName"], after["spec"]["volumeName"]) == ("one", "one")
    with pytest.raises(Invalid):
        await change(server, {"spec": {"volumeName": "two"}})


async def test_a_claim_that_is_not_bound_keeps_its_size(server: Server) -> None:
    name = await a_class(server, grows=True)
    await create(server, storageClassName=name)
    with pytest.raises(Invalid, match="spec is immutable after creation except"):
        await change(server, sized("2Gi"))


async def test_a_bound_claim_grows_where_its_class_lets_it(server: Server) -> None:
    name = await a_class(server, grows=True)
    await create(server, storageClassName=name)
    await bind(server)
    await grown(server, "2Gi")

    after = await server.body(CLAIMS)
    assert after["spec"]["resources"]["requests"]["storage"] == "2Gi"
    assert after["status"]["capacity"]["storage"] == "1Gi"


@pytest.mark.parametrize("grows", [None, False])
async def test_a_bound_claim_does_not_grow_where_its_class_does_not_let_it(
    server: Server, *, grows: bool | None
) -> None:
    name = await a_class(server, grows=grows)
    await create(server, storageClassName=name)
    await bind(server)
    with pytest.raises(Forbidden, match=GROWS) as raised:
        await change(server, sized("2Gi"))
    assert raised.value.message.startswith('persistentvolumeclaims "one" is forbidden: only ')
    assert raised.value.is_admission_denied

    await server.client.patch(
        CLASSES, ObjectKey("", name), {"allowVolumeExpansion": True}, kind="merge"
    )
    await grown(server, "2Gi")


@pytest.mark.parametrize("spec", [{}, {"storageClassName": ""}, {"storageClassName": "none"}])
async def test_a_bound_claim_without_a_class_does_not_grow(server: Server, spec: Body) -> None:
    await create(server, **spec)
    await bind(server)
    with pytest.raises(Forbidden, match=GROWS):
        await change(server, sized("2Gi"))


async def test_a_class_may_be_told_to_let_volumes_grow_and_keeps_the_rest(server: Server) -> None:
    name = await a_class(server, grows=False)
    with pytest.raises(Invalid) as raised:
        await server.client.patch(
            CLASSES,
            ObjectKey("", name),
            {"provisioner": "example.org/other"},
            kind="merge",
        )

    assert {cause.field for cause in raised.value.causes} == {"provisioner"}


async def test_a_volume_does_not_shrink(server: Server) -> None:
    await create(server, resources={"requests": {"storage": "2Gi"}})
    await bind(server, "2Gi")
    with pytest.raises(Invalid, match=r"can not be less than status\.capacity") as raised:
        await change(server, sized("1Gi"))

    assert [cause.field for cause in raised.value.causes] == ["spec.resources.requests.storage"]


async def test_what_did_not_grow_yet_may_be_asked_for_less_but_not_for_what_there_is(
    server: Server,
) -> None:
    name = await a_class(server, grows=True)
    await create(server, storageClassName=name)
    await bind(server)
    await grown(server, "3Gi")
    after = await change(server, sized("2Gi"))
    assert after["spec"]["resources"]["requests"]["storage"] == "2Gi"

    with pytest.raises(Invalid, match=r"can not be less than status\.capacity"):
        await change(server, sized("1Gi"))


async def test_a_size_of_another_spelling_is_the_same(server: Server) -> None:
    await create(server)
    await bind(server)
    before = await server.body(CLAIMS)
    after = await change(server, sized("1024Mi"))

    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
