"""Writes the status of a custom resource: the whole of it, by server-side apply.

In: the object as it was read, the new status. Out: one write, and its answer in the store, so that
what was just written is not compared with what was before it.
"""

from collections.abc import Mapping
from typing import Any

from registry_operator.kube.client import Client
from registry_operator.kube.errors import NotFound
from registry_operator.kube.object import Object
from registry_operator.runtime.store import Store


async def write_status(
    client: Client, store: Store, obj: Object, status: Mapping[str, Any], *, field_manager: str
) -> bool:
    """Whether there was still an object to write to, of the same uid.

    Raises:
        KubeError: the write failed; a retry is due.
    """
    resource = store.resource
    metadata = {"name": obj.name, "uid": obj.uid}
    if resource.namespaced:
        metadata["namespace"] = obj.namespace
    body = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": metadata,
        "status": status,
    }
    try:
        written = await client.apply(
            resource,
            body,
            field_manager=field_manager,
            subresource="status",
            without_managed_fields=True,
        )
    except NotFound:
        return False
    store.wrote(written)
    return True
