"""The frozen snapshot of the world for one Registry: everything that a decision may look at.

In: the stores (by `Gatherer`, see gather.py). Out: what the pure functions of this package take.
Nothing in here changes while a decision is made, and nothing in here does I/O. What is derived at
some cost (the configuration) is derived once per snapshot.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from controllers.registry import moving, releases
from controllers.registry.comparison import Worse
from controllers.registry.configuration import Configuration, plan_configuration
from controllers.registry.health import PodHealth
from controllers.registry.origin import Origin
from controllers.registry.pod_template import plan_template
from controllers.registry.proof import Proof
from controllers.registry.releases import Answer, Recollection
from controllers.registry.served import Served
from controllers.registry.sharing import Neighbour
from controllers.registry.storage import StoragePlan, plan_storage
from controllers.registry.template import Template
from controllers.registry.upgrade import decide
from controllers.registry.upgrade_plan import ADMITTED, Admission, Plan
from registry_operator.api.registry import RegistrySpec
from registry_operator.kube.object import Object
from registry_operator.runtime.outcome import Blocked, Stalled


@dataclass(frozen=True, slots=True)
class CosiObjects:
    """What COSI made of our claim, or of the one that is named, and of our access to it.

    `served`: whether the cluster has the kinds at all.
    """

    served: bool
    claim: Object | None = None
    access: Object | None = None


@dataclass(frozen=True, slots=True)
class Children:
    """The observed children and what the cluster's own controllers made of them.

    `pods` are those that clients are sent to; `canary` is the Deployment of the others.
    `version_probes` serve nobody: they ask an image for its release.
    """

    service_account: Object | None = None
    http_secret: Object | None = None
    configurations: tuple[Object, ...] = ()
    deployment: Object | None = None
    canary: Object | None = None
    replica_sets: tuple[Object, ...] = ()
    pods: tuple[Object, ...] = ()
    canary_pods: tuple[Object, ...] = ()
    version_probes: tuple[Object, ...] = ()
    service: Object | None = None
    endpoint_slices: tuple[Object, ...] = ()
    autoscaler: Object | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """The Secrets that hold the storage credentials, by name; a storage may name several.

    `known`: whether all were looked for yet; `unreadable`: why one can't be read, if so.
    """

    known: bool
    unreadable: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Referent:
    """An object that a Registry refers to, as far as it is known.

    `known`: whether it was looked for yet; `problem`: why it can't be read, "" when it can.
    """

    known: bool
    problem: str = ""
    found: Object | None = field(default=None, repr=False)


@dataclass(frozen=True)
class RegistryInputs:
    """One Registry and its world.

    Attributes:
        owner: the custom resource as the server holds it.
        spec: what holds, its template's included; None when nothing does (`refusal` says why).
        template: the RegistryTemplate that it names.
        origin: what it and its template say of the pods; None without a template.
        admission: whether it may begin a change that is owed to its template.
        certificates: the ConfigMap or Secret that holds the store's certificate authorities.
        volume_claim: the PersistentVolumeClaim that holds its images.
        allows_host_path: whether folders of nodes may be used.
        place: where it keeps its images, if it names that itself (sharing.py).
        takes_place: whether its pods are on their way there.
        recollection: what the Deployment remembers of images, or did a moment ago.
        neighbours: the other Registries that write there.
        health: what pods say of themselves, or show; proofs: what was found by trying them.
        worse: what clients of new pods are served worse with, while pods are replaced.
        served: what is held of clients being served; None when nothing is known.
        random_secret: makes a fresh random secret; injected, so that deciding stays pure.
        planner: plans the configuration, templater the template of the pods; injected, so that
            they may remember what they made.
    """

    owner: Object
    spec: RegistrySpec | None
    refusal: Blocked | Stalled | None = None
    template: Template | None = None
    origin: Origin | None = None
    admission: Admission = ADMITTED
    children: Children = Children()
    cosi: CosiObjects = CosiObjects(served=False)
    credentials: Credentials = Credentials(known=False)
    certificates: Referent = Referent(known=True)
    volume_claim: Referent = Referent(known=True)
    allows_host_path: bool = False
    place: str | None = None
    takes_place: bool = False
    recollection: Recollection = releases.NO_RECOLLECTION
    neighbours: tuple[Neighbour, ...] = ()
    health: tuple[PodHealth, ...] = ()
    proofs: tuple[Proof, ...] = ()
    worse: Worse | None = None
    served: Served | None = None
    random_secret: Callable[[], str] = field(default=str, repr=False)
    planner: "Callable[[RegistryInputs], Configuration | Blocked | Stalled]" = field(
        default=plan_configuration, repr=False
    )
    templater: "Callable[[RegistryInputs], Mapping[str, Any] | Blocked | Stalled]" = field(
        default=plan_template, repr=False
    )

    @property
    def basis(self) -> tuple[int, tuple[str, int] | None]:
        """The generations that decide what is wanted: the Registry's and its template's."""
        return self.owner.generation, self.template.version if self.template else None

    @property
    def hold(self) -> str | None:
        """Why nothing may be written now; None: go on."""
        if self.owner.is_deleting:
            return "Terminating"
        if self.spec is None:
            assert self.refusal is not None
            return self.refusal.reason
        return "Paused" if self.spec.paused else None

    @property
    def wanted(self) -> RegistrySpec:
        """The specification, where a caller has made sure that there is one."""
        assert self.spec is not None
        return self.spec

    @cached_property
    def answer(self) -> Answer | None:
        """What is known of the image's release; None while the image is being asked."""
        return releases.answer_of(self)

    @cached_property
    def storage(self) -> StoragePlan | Blocked | Stalled:
        """The storage to configure, or why that can't be said now."""
        return self.immovable or plan_storage(self)

    @cached_property
    def immovable(self) -> Stalled | None:
        """Why the images stay where they are, though other storage is asked for."""
        return moving.refusal(self)

    @property
    def told_health(self) -> tuple[PodHealth, ...]:
        """What pods say, as far as it may be told.

        Where a Secret says where the bucket is, the store's words are secret too.
        """
        storage = self.spec.storage if self.spec is not None else None
        if storage is not None and storage.s3 is not None and storage.s3.is_hidden:
            return tuple(answer.discreet for answer in self.health)
        return self.health

    @cached_property
    def pod_template(self) -> Mapping[str, Any] | Blocked | Stalled:
        """The template of the pods that is wanted, or what it waits for."""
        return self.templater(self)

    @cached_property
    def upgrade(self) -> Plan | Blocked | Stalled:
        """What the pods shall be now, and what becomes of what is wanted."""
        return decide(self)

    @cached_property
    def configuration(self) -> Configuration | Blocked | Stalled:
        """The configuration to run with, or why there is none now."""
        return self.planner(self)
