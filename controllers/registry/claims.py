"""Which Registries name which BucketClaim of a user, as those who look at it.

In: what each Registry comes to with its template (gather.py). Out: whom the change of a claim
concerns. A user's claim bears no label of ours, so nothing on it tells. Complete whenever it
matters: who has not been gathered yet has decided nothing either.
"""

from controllers.registry import child
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey


class Claims:
    """Claims by who names them, and the other way round; not thread-safe, one event loop."""

    def __init__(self) -> None:
        self._named: dict[ObjectKey, ObjectKey] = {}
        self._users: dict[ObjectKey, set[ObjectKey]] = {}

    def __len__(self) -> int:
        return len(self._named)

    def name(self, registry: ObjectKey, claim: ObjectKey | None) -> None:
        """This Registry names this claim from now on, and no other; None: none."""
        before = self._named.get(registry)
        if before == claim:
            return
        if before is not None:
            del self._named[registry]
            self._users[before].discard(registry)
            if not self._users[before]:
                del self._users[before]
        if claim is not None:
            self._named[registry] = claim
            self._users.setdefault(claim, set()).add(registry)

    def concerned(self, claim: Object) -> tuple[ObjectKey, ...]:
        """The Registries that look at a claim: whose it is by its label, and who name it."""
        return tuple(sorted({*child.owner_key(claim), *self._users.get(claim.key, ())}))
