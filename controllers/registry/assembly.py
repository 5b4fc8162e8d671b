"""Puts the Registry controllers together: which stores, which reconcilers, which event wakes which.

In: an `Operator` of the runtime. Out: its declarations made. `TRIGGERS` is the whole wiring: a
reconciler runs for a Registry when the Registry changes, or an object in one of the named stores
that belongs to it; and when its template does (template_users.py). What the stores cache is in
stores.py.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from types import MappingProxyType

from controllers.kinds import (
    BUCKET_ACCESS,
    BUCKET_CLAIM,
    PERSISTENT_VOLUME_CLAIM,
    REGISTRY,
)
from controllers.registry import (
    autoscaler,
    bucket_access,
    bucket_claim,
    child,
    client_checks,
    configuration,
    deployment,
    guardian,
    http_secret,
    mender,
    pod_disruption_budget,
    referrers,
    reporter,
    service,
    service_account,
    template_users,
    version_probe,
    volume_claim,
)
from controllers.registry.checking import Checker
from controllers.registry.client_checks import Records
from controllers.registry.gather import Gatherer, unasked
from controllers.registry.guardian import Guardian
from controllers.registry.health import HealthProber
from controllers.registry.inputs import RegistryInputs
from controllers.registry.mender import Mender
from controllers.registry.places import Places
from controllers.registry.prover import Prover
from controllers.registry.reporter import StatusReporter
from controllers.registry.rounds import Asker
from controllers.registry.stores import Stores, declare
from controllers.registry.uploads import UploadsProber
from registry_operator.api.names import ANNOTATION_INTENT, child_labels
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.change import Change
from registry_operator.runtime.controller import Controller
from registry_operator.runtime.operator import Operator
from registry_operator.runtime.owned_kind import OwnedKind, unannounced
from registry_operator.runtime.ownership import Identity
from registry_operator.runtime.predicate import intent_changed, others_changed
from registry_operator.runtime.referenced import Referenced
from registry_operator.runtime.store import Store

KINDS: tuple[OwnedKind[RegistryInputs], ...] = (
    service_account.KIND,
    http_secret.KIND,
    version_probe.KIND,
    configuration.KIND,
    deployment.KIND,
    service.KIND,
    bucket_claim.KIND,
    bucket_access.KIND,
    volume_claim.KIND,
    pod_disruption_budget.KIND,
    autoscaler.KIND,
)
"""Every kind that a Registry owns, one module each."""

IDENTITY = Identity(
    owner=REGISTRY,
    labels=lambda owner: child_labels(owner.name),
    annotation=ANNOTATION_INTENT,
)

_IDENTITIES: Mapping[str, Identity] = MappingProxyType(
    {version_probe.KIND.name: replace(IDENTITY, labels=version_probe.labels)}
)
"""Of kinds that no Service must take for what serves."""

_COSI = ("bucket_claims", "bucket_accesses")
_REFERENCED = ("referenced_secrets", "referenced_config_maps", "referenced_volume_claims")
_STORAGE = (*_REFERENCED, *_COSI, "volume_claims")
TRIGGERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        service_account.KIND.name: ("service_accounts",),
        http_secret.KIND.name: ("secrets",),
        version_probe.KIND.name: ("service_accounts", "deployments"),
        configuration.KIND.name: (
            "secrets",
            "deployments",
            "replica_sets",
            *_STORAGE,
        ),
        deployment.KIND.name: (
            "deployments",
            "secrets",
            "service_accounts",
            "autoscalers",
            *_STORAGE,
        ),
        service.KIND.name: ("services",),
        # Of Deployments: whether the images are elsewhere.
        bucket_claim.KIND.name: (*_COSI, "deployments"),
        bucket_access.KIND.name: (*_COSI, "deployments", "referenced_secrets"),
        volume_claim.KIND.name: ("volume_claims", "deployments"),
        pod_disruption_budget.KIND.name: ("pod_disruption_budgets",),
        autoscaler.KIND.name: ("autoscalers", "deployments"),
        guardian.NAME: (*_COSI, "volume_claims"),
        mender.NAME: _COSI,
        reporter.NAME: tuple(
            field.name for field in fields(Stores) if field.name not in {"registries", "templates"}
        ),
    }
)
"""Which stores wake which reconciler, besides the Registry itself and its template."""

_STATUS_DELAY = 0.2
_LOOKS_AT_STATUS = frozenset(_STORAGE)
_SHARES_A_PLACE = (
    configuration.KIND.name,
    deployment.KIND.name,
    bucket_access.KIND.name,
    reporter.NAME,
)
# Of pods these look at none but those that ask an image for its release.
_ASKS = (version_probe.KIND.name, configuration.KIND.name, deployment.KIND.name)
_WRITES: Mapping[str, Resource] = {kind.name: kind.resource for kind in KINDS}


def install(  # noqa: PLR0913 - each collaborator is named once, where the operator is composed
    operator: Operator,
    *,
    namespace: str | None,
    asker: Asker,
    checker: Checker,
    random_secret: Callable[[], str],
    allows_host_path: bool = False,
    client_check: Checker | None = None,
) -> Gatherer:
    """Declares everything about Registries to the operator.

    `namespace` limits it to one namespace, None means all. `random_secret` makes the value of a
    new `http.secret`. `allows_host_path`: whether Registries may use folders of nodes.
    `checker` tries the pods of a change; `client_check` asks through Services whether clients are
    served, None: nobody asks.
    """
    stores = declare(operator, namespace)
    controllers: dict[str, Controller] = {}

    def changed(pod: Object) -> None:
        _wake(controllers[reporter.NAME], child.owner_key(pod))

    def tried(pod: Object) -> None:
        for name in (deployment.KIND.name, reporter.NAME):
            _wake(controllers[name], child.owner_key(pod))

    prover = Prover(
        stores.pods, stores.deployments, checker=checker, clock=operator.clock, changed=tried
    )
    health = HealthProber(stores.pods, asker=asker, clock=operator.clock, changed=changed)
    uploads = UploadsProber(stores.pods, asker=asker, clock=operator.clock, changed=changed)
    records = Records()
    gatherer = Gatherer(
        stores,
        health=health,
        uploads=uploads,
        prover=prover,
        served=records.of if client_check is not None else unasked,
        random_secret=random_secret,
        allows_host_path=allows_host_path,
    )
    referrers.declare(stores, gatherer)
    places = gatherer.places
    announced = {deployment.KIND.name: places.announced}
    for kind in KINDS:
        controllers[kind.name] = operator.owned(
            kind,
            identity=_IDENTITIES.get(kind.name, IDENTITY),
            store=stores.of(kind.resource),
            gather=gatherer.gather,
            basis=lambda inputs: inputs.basis,
            announced=announced.get(kind.name, unannounced),
        )
    controllers[guardian.NAME] = _guardian(operator, stores, gatherer)
    controllers[mender.NAME] = _mender(operator, stores, gatherer)
    controllers[reporter.NAME] = _reporter(operator, stores, gatherer)
    if client_check is not None:
        client_checks.install(
            *(operator, stores, client_check),
            gather=gatherer.gather,
            records=records,
            changed=controllers[reporter.NAME].enqueue,
        )
    for name, controller in controllers.items():
        _connect(name, controller, stores, gatherer)
    _follow_places(places, controllers, stores)
    _follow_changes(prover, controllers[deployment.KIND.name], stores)
    for name in _ASKS:
        controllers[name].watch(stores.pods, child.asked_for, recount=False)
    template_users.follow(operator, stores.templates, gatherer, controllers.values())
    operator.outcomes.subscribe(
        # Later, as what is written now may be followed by more, and what failed may heal.
        lambda key: controllers[reporter.NAME].enqueue(key, after=_STATUS_DELAY)
    )
    for name, referenced in stores.referenced().items():
        operator.run_beside(referenced)
        operator.describe(name.replace("_", " "), referenced.stats)
    operator.run_beside(health)
    operator.run_beside(uploads)
    operator.run_beside(prover)
    return gatherer


def _follow_places(places: Places, controllers: Mapping[str, Controller], stores: Stores) -> None:
    """Lets who comes to a place, or leaves it, wake those whom that concerns."""
    for name in _SHARES_A_PLACE:
        controllers[name].watch(places, _self_key, recount=False)
        controllers[name].watch(
            stores.deployments, places.used_by, when=intent_changed, recount=False
        )
    for store in (stores.deployments, stores.pods):
        controllers[deployment.KIND.name].watch(store, places.left_by, recount=False)


def _follow_changes(prover: Prover, controller: Controller, stores: Stores) -> None:
    """Lets what becomes of pods wake whoever decides about them, as long as they are changed."""
    for store in (stores.deployments, stores.pods):
        controller.watch(store, prover.changing, recount=False)


def _guardian(operator: Operator, stores: Stores, gatherer: Gatherer) -> Controller:
    work = Guardian(
        client=operator.client,
        stores={
            BUCKET_CLAIM.kind: stores.bucket_claims,
            BUCKET_ACCESS.kind: stores.bucket_accesses,
            PERSISTENT_VOLUME_CLAIM.kind: stores.volume_claims,
        },
        registries=stores.registries,
        gather=gatherer.gather,
        applier=operator.applier(guardian.NAME),
        outcomes=operator.outcomes,
        clock=operator.clock,
        field_manager=operator.field_manager(guardian.NAME),
    )
    return operator.controller(guardian.NAME, work.reconcile)


def _mender(operator: Operator, stores: Stores, gatherer: Gatherer) -> Controller:
    work = Mender(
        client=operator.client,
        claims=stores.bucket_claims,
        gather=gatherer.gather,
        outcomes=operator.outcomes,
        clock=operator.clock,
        field_manager=operator.field_manager(mender.NAME),
    )
    return operator.controller(mender.NAME, work.reconcile)


def _reporter(operator: Operator, stores: Stores, gatherer: Gatherer) -> Controller:
    work = StatusReporter(
        client=operator.client,
        registries=stores.registries,
        gather=gatherer.gather,
        outcomes=operator.outcomes,
        reconcilers=[*(kind.name for kind in KINDS), guardian.NAME, mender.NAME],
        field_manager=operator.field_manager(reporter.NAME),
        recorder=operator.recorder,
        clock=operator.clock,
    )
    return operator.controller(reporter.NAME, work.reconcile)


def _connect(name: str, controller: Controller, stores: Stores, gatherer: Gatherer) -> None:
    """Lets the Registry and the stores of `TRIGGERS` wake one controller.

    To begin with, every Registry does so itself.
    """
    after = _STATUS_DELAY if name == reporter.NAME else 0.0
    # The only one that writes a status need not look at it afterwards.
    concerned = others_changed if name == reporter.NAME else intent_changed
    controller.watch(stores.registries, _self_key, when=concerned, after=after)
    for trigger in TRIGGERS[name]:
        when = _predicate(name, trigger)
        source: Store | Referenced = getattr(stores, trigger)
        if isinstance(source, Referenced):
            referrers.wake(controller, source, when=when, after=after)
            continue
        store = source
        if store.resource == _WRITES.get(name):
            when = _of_others(when)
        belongs_to = gatherer.claims.concerned if store is stores.bucket_claims else child.owner_key
        controller.watch(store, belongs_to, when=when, after=after, recount=False)
        if trigger in _COSI:
            store.on_availability(lambda _available: _wake(controller, stores.registries.keys()))


def _predicate(name: str, trigger: str) -> Callable[[Change], bool]:
    looks_at_status = name == reporter.NAME or trigger in _LOOKS_AT_STATUS
    return _always if looks_at_status else intent_changed


def _of_others(when: Callable[[Change], bool]) -> Callable[[Change], bool]:
    return lambda change: others_changed(change) and when(change)


def _wake(controller: Controller, keys: Iterable[ObjectKey]) -> None:
    for key in keys:
        controller.enqueue(key)


def _always(_change: Change) -> bool:
    return True


def _self_key(owner: Object) -> tuple[ObjectKey, ...]:
    return (owner.key,)
