"""Snapshots of one Registry and its world, made of bodies."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from controllers.registry.inputs import Children, CosiObjects, Credentials, RegistryInputs
from controllers.registry.releases import ANNOTATION, IMAGE_ANNOTATION, Recollection
from controllers.registry.template import Template, specify
from registry_operator.api.names import LABEL_COMPONENT, VERSION_PROBE
from registry_operator.api.registry import DEFAULT_IMAGE
from registry_operator.kube.object import Object
from registry_operator.runtime.owned import Desired
from registry_operator.testing.builders import (
    COSI,
    a_child_secret,
    a_deployment,
    a_registry,
    a_secret,
    a_service,
    a_service_account,
    an_endpoint_slice,
    an_object,
)
from registry_operator.testing.claims import a_bucket_access, a_bucket_claim, a_bucket_info

Body = Mapping[str, Any]
ABSENT = Credentials(known=True)
UNKNOWN = Credentials(known=False)


def a_snapshot(
    registry: Body | None = None,
    *,
    children: Children | None = None,
    cosi: CosiObjects | None = None,
    credentials: Credentials = ABSENT,
    template: Template | None = None,
    recollection: Recollection | None = None,
    **rest: Any,
) -> RegistryInputs:
    """What the gatherer makes of a Registry whose world is empty, but for what is named."""
    owner = an_object(registry or a_registry())
    specification = specify(owner, template)
    children = children or Children()
    return RegistryInputs(
        owner=owner,
        spec=specification.spec,
        refusal=specification.refusal,
        template=template,
        children=children,
        recollection=recollection or Recollection(_told_by(children.deployment)),
        cosi=cosi or CosiObjects(served=False),
        credentials=credentials,
        random_secret=lambda: "random",
        **rest,
    )


def _told_by(deployment: Object | None) -> str:
    return deployment.annotations.get(ANNOTATION, "") if deployment is not None else ""


def asked(image: str, version: str = "") -> Object:
    """A pod that asked an image for its release; without `version` in vain."""
    lines = f'{{"level":"info","version":"{version}"}}'
    ended = {"exitCode": 1, "message": lines if version else "no word"}
    return an_object(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "namespace": "team-a",
                "name": "images-version-0",
                "labels": {LABEL_COMPONENT: VERSION_PROBE},
                "annotations": {IMAGE_ANNOTATION: image},
            },
            "status": {
                "phase": "Failed",
                "containerStatuses": [{"name": "registry", "state": {"terminated": ended}}],
            },
        }
    )


def holding(**data: str) -> Credentials:
    """Credentials in a Secret `s3-keys` of these values."""
    return having({"s3-keys": data})


def having(secrets: Mapping[str, Mapping[str, str]]) -> Credentials:
    """Credentials in Secrets of these names and values."""
    found = {name: an_object(a_secret(name, data)) for name, data in secrets.items()}
    return Credentials(known=True, secrets=found)


def granted(registry: Body, **changed: Any) -> RegistryInputs:
    """A Registry whose bucket COSI has granted."""
    snapshot = a_snapshot(
        registry,
        cosi=CosiObjects(
            served=True,
            claim=an_object(a_bucket_claim(registry)),
            access=an_object(a_bucket_access(registry)),
        ),
        credentials=having({"images-bucket": {"BucketInfo": a_bucket_info()}}),
    )
    return replace(snapshot, **changed)


def a_cosi_registry(**fields: Any) -> dict[str, Any]:
    return a_registry(storage=COSI, **fields)


def serving(
    registry: Body | None = None, *, pods: Sequence[Body] = (), **rest: Any
) -> RegistryInputs:
    """A Registry all of whose children are as they should be; `rest` replaces some of them."""
    registry = registry or a_registry()
    given = ("health", "cosi", "credentials", "certificates", "volume_claim", "served")
    outside = {name: rest.pop(name) for name in given if name in rest}
    bare = a_snapshot(registry, **outside)
    config = getattr(bare.configuration, "secret_name", "images-config-0")
    children = Children(
        service_account=an_object(a_service_account(registry)),
        http_secret=an_object(a_child_secret(registry, "images-http-secret")),
        configurations=(an_object(a_child_secret(registry, config)),),
        deployment=an_object(
            a_deployment(
                registry, config=config, image=registry["spec"].get("image", DEFAULT_IMAGE)
            )
        ),
        pods=tuple(an_object(pod) for pod in pods),
        service=an_object(a_service(registry)),
        endpoint_slices=(an_object(an_endpoint_slice(registry)),),
    )
    return a_snapshot(registry, children=replace(children, **rest), **outside)


def body_of(desired: Desired) -> dict[str, Any]:
    """The one desired body."""
    assert not hasattr(desired, "reason"), desired
    (body,) = desired
    return dict(body)


def objects(*bodies: Body) -> tuple[Object, ...]:
    return tuple(an_object(body) for body in bodies)
