"""What stands in the way of a write beside its schema: policies and quotas, on order.

In flow writes that are otherwise in order; out flows an error of the shape that a cluster answers
with. `FakeApi.admit` takes any function of this signature; these are the usual ones.
"""

from collections.abc import Callable
from typing import Any, Protocol

from registry_operator.kube.errors import Invalid
from registry_operator.kube.resource import Resource
from registry_operator.testing.fake_api.refusals import over_quota

Body = dict[str, Any]

# Verb ("create", "update", "delete"), kind and body. May raise an ApiError to refuse, or change the
# body as a mutating webhook does.
Admission = Callable[[str, Resource, Body], None]


class _Counted(Protocol):
    def objects(self, resource: Resource, namespace: str = "") -> list[Body]: ...


def denies(resource: Resource, namespace: str, *, policy: str, message: str) -> Admission:
    """A ValidatingAdmissionPolicy that refuses every write of a kind in a namespace."""

    def admission(verb: str, kind: Resource, body: Body) -> None:
        if verb == "delete" or kind != resource or _namespace(body) != namespace:
            return
        name = body["metadata"]["name"]
        told = (
            f"ValidatingAdmissionPolicy '{policy}' with binding '{policy}' denied request:"
            f" {message}"
        )
        raise Invalid(
            422,
            reason="Invalid",
            message=f'{resource} "{name}" is forbidden: {told}',
            details={"name": name, "kind": resource.plural, "causes": [{"message": told}]},
        )

    return admission


class Quota:
    """A ResourceQuota on the number of objects of a kind in a namespace.

    It allows `most` more than there are when it is made.
    """

    def __init__(
        self, api: _Counted, resource: Resource, namespace: str, *, name: str, most: int
    ) -> None:
        self._api = api
        self._resource = resource
        self._namespace = namespace
        self._name = name
        self._most = most + self._used

    def __call__(self, verb: str, resource: Resource, body: Body) -> None:
        is_meant = resource == self._resource and _namespace(body) == self._namespace
        if verb != "create" or not is_meant or self._used < self._most:
            return
        what = f"count/{resource}"
        told = f"requested: {what}=1, used: {what}={self._used}, limited: {what}={self._most}"
        raise over_quota(resource, body["metadata"]["name"], quota=self._name, what=told)

    @property
    def _used(self) -> int:
        return len(self._api.objects(self._resource, self._namespace))


def _namespace(body: Body) -> str:
    return str(body["metadata"].get("namespace", ""))
