"""Who looks after volumes beside the operator: users with claims of their own, administrators.

In flow steps of a plan; out flow changes of the world. As in actors.py: a step whose object is not
there, or that the API server refuses, does nothing.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from controllers.kinds import PERSISTENT_VOLUME_CLAIM
from registry_operator.kube.errors import ApiError
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import NAMESPACE
from registry_operator.testing.claims import a_claim, a_storage_class
from registry_operator.testing.fake_api.kinds.claims import CLASSES

if TYPE_CHECKING:
    from tests.simulation.world import World

Body = dict[str, Any]


class Stewards:
    """Carries out steps about volumes; what lasts is undone by `until`."""

    def __init__(self, world: "World", until: Callable[[float, Callable[[], None]], None]) -> None:
        self._world = world
        self._api = world.api
        self._until = until

    def claim(self, name: str, spec: Body | None) -> None:
        """A claim of a user: made, or taken away."""
        is_there = self._api.get(PERSISTENT_VOLUME_CLAIM, _key(name)) is not None
        if spec is None and is_there:
            self._api.delete(PERSISTENT_VOLUME_CLAIM, _key(name))
        elif spec is not None and not is_there:
            self._api.put(PERSISTENT_VOLUME_CLAIM, a_claim(name, **spec))

    def grow(self, name: str, size: str) -> None:
        """Somebody asks for more by hand, also of a claim that is not his."""

        def mutate(body: Body) -> None:
            body["spec"]["resources"]["requests"]["storage"] = size

        with suppress(ApiError):
            self._api.change(PERSISTENT_VOLUME_CLAIM, _key(name), mutate)

    def storage_class(self, name: str, *, grows: bool) -> None:
        """An administrator says whether volumes of a class may grow."""
        self._api.put(CLASSES, a_storage_class(name, grows=grows))

    def volumes_down(self, lasts: float) -> None:
        """Nobody binds claims, makes volumes larger or lets claims go."""
        volumes = self._world.volumes
        volumes.is_down = True
        self._until(lasts, lambda: setattr(volumes, "is_down", False))


def _key(name: str) -> ObjectKey:
    return ObjectKey(NAMESPACE, name)
