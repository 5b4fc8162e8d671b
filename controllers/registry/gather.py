"""Gathers the snapshot of one Registry from the stores: reads only memory, decides nothing.

A Registry is merged with its template and parsed once per resourceVersion, not once per reconciler;
and who looks at the same Registry before anything of it changed, as ten reconcilers do after a
start, is shown the same objects. What a Registry refers to by its template is declared to the
caches here, as nobody else merges the two.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from controllers.registry import (
    bucket,
    canary,
    child,
    configuration,
    http_secret,
    referents,
    template,
)
from controllers.registry.budget import Budgets
from controllers.registry.claims import Claims
from controllers.registry.comparison import Worse
from controllers.registry.health import HealthProber
from controllers.registry.inputs import (
    Children,
    CosiObjects,
    RegistryInputs,
)
from controllers.registry.origin import Origin, origin_of
from controllers.registry.places import Places
from controllers.registry.planner import Planner
from controllers.registry.prover import Prover
from controllers.registry.releases import Recollections
from controllers.registry.served import Served
from controllers.registry.sharing import Neighbour, is_there
from controllers.registry.stores import Stores
from controllers.registry.template import Specification, Template
from controllers.registry.uploads import UploadsProber
from registry_operator.api.registry import RegistrySpec
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.change import Change, Removed
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.intent import Body
from registry_operator.runtime.owned import OWNER_INDEX


def unasked(_owner: Object) -> Served | None:
    """Nothing is known of clients where nobody asks as one."""
    return None


def uncompared(_owner: Object) -> Worse | None:
    """Nothing is known of the clients of new pods where nobody asks those."""
    return None


@dataclass(frozen=True)
class _Parsed:
    resource_version: str
    template: Template | None
    specification: Specification
    origin: Origin | None


class Gatherer:
    """Makes snapshots; holds what was parsed, planned and seen last, and what is counted of all."""

    def __init__(  # noqa: PLR0913 - each collaborator is named once, where the operator is composed
        self,
        stores: Stores,
        *,
        health: HealthProber,
        uploads: UploadsProber,
        prover: Prover,
        served: Callable[[Object], Served | None] = unasked,
        worse: Callable[[Object], Worse | None] = uncompared,
        random_secret: Callable[[], str],
        allows_host_path: bool,
        clock: Clock,
    ) -> None:
        self._stores = stores
        self._health = health
        self._uploads = uploads
        self._prover = prover
        self._served = served
        self._worse = worse
        self._random_secret = random_secret
        self._allows_host_path = allows_host_path
        self._parsed: dict[ObjectKey, _Parsed] = {}
        self._planner = Planner()
        self._recollections = Recollections(clock)
        self.places = Places(stores.registries, stores.templates, stores.deployments)
        self.budgets = Budgets(stores.registries, stores.templates, stores.deployments)
        self.claims = Claims()
        self._seen: dict[ObjectKey, Children] = {}
        for store in stores.plain():
            store.subscribe(self._on_change)

    def gather(self, key: ObjectKey) -> RegistryInputs | None:
        """The snapshot of one Registry; None when there is no such Registry."""
        stores = self._stores
        owner = stores.registries.get(key)
        if owner is None:
            self._parsed.pop(key, None)
            self._planner.forget(key)
            self._recollections.forget(key)
            self.claims.name(key, None)
            return None
        parsed = self._parse(owner)
        children = self._seen.get(key) or self._look(owner)
        pods = (*children.pods, *children.canary_pods)
        answers = (self._health.of(pod) or self._uploads.of(pod) for pod in pods)
        spec = parsed.specification.spec
        if parsed.template is not None:
            # What a Registry refers to may have changed with its template.
            self.declare_references(owner)
        return RegistryInputs(
            owner=owner,
            spec=spec,
            refusal=parsed.specification.refusal,
            template=parsed.template,
            origin=parsed.origin,
            admission=self.budgets.admission(owner),
            children=children,
            cosi=self._cosi(owner, spec),
            credentials=referents.credentials(stores, owner, spec),
            certificates=referents.certificates(stores, owner, spec),
            volume_claim=referents.volume_claim(stores, owner, spec),
            allows_host_path=self._allows_host_path,
            place=self.places.of(owner),
            takes_place=self.places.takes(owner.key, self.places.of(owner)),
            neighbours=self._neighbours(owner),
            recollection=self._recollections.of(owner, children.deployment),
            health=tuple(answer for answer in answers if answer is not None),
            proofs=self._prover.of(key, pods),
            worse=self._worse(owner) if spec is not None and spec.upgrade.compare_traffic else None,
            served=self._served(owner),
            random_secret=self._random_secret,
            planner=self._planner.plan,
            templater=self._planner.template,
        )

    @contextmanager
    def announced(self, inputs: RegistryInputs, deployments: Sequence[Body]) -> Iterator[None]:
        """While what was decided of the Deployments of a Registry is written."""
        with (
            self.places.announced(inputs, deployments),
            self.budgets.announced(inputs, deployments),
        ):
            yield

    def outdated(self, name: str) -> list[ObjectKey]:
        """The Registries that were last seen with another state of this template."""
        now = template.look_up(name, self._stores.templates)
        users = self._stores.registries.keys_by_index(template.INDEX, name)
        parsed = ((key, self._parsed.get(key)) for key in users)
        return [key for key, known in parsed if known is not None and known.template != now]

    def without_template(self) -> list[ObjectKey]:
        """The Registries whose template could not be read when they were last seen."""
        return [
            key
            for key, known in self._parsed.items()
            if known.template is not None and known.template.unreadable
        ]

    def declare_references(self, owner: Object) -> None:
        """Have the caches hold what a Registry refers to."""
        referents.declare(self._stores, owner, self._parse(owner).specification.spec)

    def drop_references(self, key: ObjectKey) -> None:
        """Let go what a Registry referred to."""
        referents.drop(self._stores, key)

    def _parse(self, owner: Object) -> _Parsed:
        known = self._parsed.get(owner.key)
        is_known = known is not None and known.resource_version == owner.resource_version
        if known is not None and is_known and known.template is None:
            return known
        below = template.template_of(owner, self._stores.templates)
        if known is None or not is_known or known.template != below:
            specification = template.specify(owner, below)
            origin = origin_of(owner, below)
            known = _Parsed(owner.resource_version, below, specification, origin)
            self._parsed[owner.key] = known
        return known

    def _on_change(self, change: Change) -> None:
        """Forgets who may look different now: whatever he has bears his name or his label."""
        for obj in (change.old, None if isinstance(change, Removed) else change.new):
            if obj is not None:
                for key in (obj.key, *child.owner_key(obj)):
                    self._seen.pop(key, None)

    def _look(self, owner: Object) -> Children:
        children = self._seen[owner.key] = self._children(owner)
        return children

    def _children(self, owner: Object) -> Children:
        stores, index = self._stores, str(owner.key)
        secrets = {secret.key: secret for secret in stores.secrets.by_index(OWNER_INDEX, index)}
        pods = tuple(stores.pods.by_index(OWNER_INDEX, index))
        return Children(
            service_account=_own(owner, stores.service_accounts.get(child.key(owner))),
            http_secret=_own(owner, secrets.get(http_secret.secret_key(owner))),
            configurations=tuple(
                secret
                for secret in secrets.values()
                if configuration.is_configuration(owner, secret) and _own(owner, secret)
            ),
            deployment=self._deployment_of(owner),
            canary=_own(owner, stores.deployments.get(canary.key(owner))),
            replica_sets=tuple(stores.replica_sets.by_index(OWNER_INDEX, index)),
            pods=tuple(pod for pod in pods if child.is_serving(pod)),
            canary_pods=tuple(pod for pod in pods if child.is_canary(pod)),
            version_probes=tuple(
                pod for pod in pods if child.is_version_probe(pod) and _own(owner, pod)
            ),
            service=_own(owner, stores.services.get(child.key(owner))),
            endpoint_slices=tuple(stores.endpoint_slices.by_index(OWNER_INDEX, index)),
            autoscaler=_own(owner, stores.autoscalers.get(child.key(owner))),
        )

    def _cosi(self, owner: Object, spec: RegistrySpec | None) -> CosiObjects:
        storage = spec.storage if spec is not None else None
        claims, accesses = self._stores.bucket_claims, self._stores.bucket_accesses
        key, named = bucket.claim_key(owner, storage), bucket.is_named(storage)
        self.claims.name(owner.key, key if named else None)
        claim = claims.get(key)
        return CosiObjects(
            served=all(store.available and store.synced for store in (claims, accesses)),
            # One of the Registry's name that is not its own is somebody else's.
            claim=claim if claim and (named or bucket.is_ours(owner, claim)) else None,
            access=accesses.get(bucket.access_key(owner)),
        )

    def _neighbours(self, owner: Object) -> tuple[Neighbour, ...]:
        place = self.places.of(owner)
        beside = (
            Neighbour(
                other,
                self.places.takes(other.key, place) or is_there(self._deployment_of(other), place),
            )
            for other in self.places.writers_beside(owner)
        )
        return tuple(one for one in beside if one.is_there or self.places.of(one.registry) == place)

    def _deployment_of(self, owner: Object) -> Object | None:
        return _own(owner, self._stores.deployments.get(child.key(owner)))


def _own(owner: Object, found: Object | None) -> Object | None:
    """What was found under a child's name, unless it is another's.

    Where a Registry was made anew under its name, the children of the one before may still be there
    as far as our caches have heard: nothing may be built on them, nor told of them.
    """
    controller = found.controller() if found is not None else None
    return None if controller is not None and controller.uid != owner.uid else found
