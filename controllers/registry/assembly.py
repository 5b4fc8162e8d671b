"""Puts the Registry controllers together: which reconcilers there are, and what each is given.

In: an `Operator` of the runtime. Out: its declarations made. Which event wakes which reconciler is
in wiring.py, what the stores cache in stores.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

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
    wiring,
)
from controllers.registry.checking import Checker
from controllers.registry.client_checks import Records
from controllers.registry.gather import Gatherer, unasked, uncompared
from controllers.registry.guardian import Guardian
from controllers.registry.health import HealthProber
from controllers.registry.inputs import RegistryInputs
from controllers.registry.live_traffic import TrafficProber
from controllers.registry.mender import Mender
from controllers.registry.prover import Prover
from controllers.registry.reporter import StatusReporter
from controllers.registry.rounds import Asker
from controllers.registry.stores import Stores, declare
from controllers.registry.uploads import UploadsProber
from registry_operator.api.names import ANNOTATION_INTENT, child_labels
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.controller import Controller
from registry_operator.runtime.operator import Operator
from registry_operator.runtime.owned_kind import OwnedKind, unannounced
from registry_operator.runtime.ownership import Identity

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


def install(  # noqa: PLR0913 - each collaborator is named once, where the operator is composed
    operator: Operator,
    *,
    namespace: str | None,
    asker: Asker,
    checker: Checker,
    random_secret: Callable[[], str],
    allows_host_path: bool = False,
    client_check: Checker | None = None,
    compares_traffic: bool = False,
) -> Gatherer:
    """Declares everything about Registries to the operator.

    `namespace` limits it to one namespace, None means all. `random_secret` makes the value of a
    new `http.secret`. `allows_host_path`: whether Registries may use folders of nodes.
    `checker` tries the pods of a change; `client_check` asks through Services whether clients are
    served, None: nobody asks. `compares_traffic`: whether the pods of a change are asked what they
    counted.
    """
    stores = declare(operator, namespace)
    controllers: dict[str, Controller] = {}

    probers = _probers(operator, stores, controllers, asker=asker, checker=checker)
    prover = probers.prover
    records = Records()
    gatherer = Gatherer(
        stores,
        health=probers.health,
        uploads=probers.uploads,
        prover=prover,
        served=records.of if client_check is not None else unasked,
        worse=probers.traffic.of if compares_traffic else uncompared,
        random_secret=random_secret,
        allows_host_path=allows_host_path,
        clock=operator.clock,
    )
    referrers.declare(stores, gatherer)
    controllers |= _reconcilers(operator, stores, gatherer)
    if client_check is not None:
        client_checks.install(
            *(operator, stores, client_check),
            gather=gatherer.gather,
            records=records,
            changed=controllers[reporter.NAME].enqueue,
        )
    writes = {kind.name: kind.resource for kind in KINDS}
    wiring.connect(controllers, stores, gatherer, prover, writes=writes)
    gatherer.budgets.on_room(controllers[deployment.KIND.name].enqueue)
    operator.describe("registries changed by their templates", gatherer.budgets.stats)
    template_users.follow(operator, stores.templates, gatherer, controllers.values())
    operator.outcomes.subscribe(
        # Later, as what is written now may be followed by more, and what failed may heal.
        lambda key: controllers[reporter.NAME].enqueue(key, after=wiring.STATUS_DELAY)
    )
    for name, referenced in stores.referenced().items():
        operator.run_beside(referenced)
        operator.describe(name.replace("_", " "), referenced.stats)
    for prober in (probers.health, probers.uploads, prover):
        operator.run_beside(prober)
    if compares_traffic:
        operator.run_beside(probers.traffic)
    return gatherer


class _Probers(NamedTuple):
    health: HealthProber
    uploads: UploadsProber
    prover: Prover
    traffic: TrafficProber


def _probers(
    operator: Operator,
    stores: Stores,
    controllers: Mapping[str, Controller],
    *,
    asker: Asker,
    checker: Checker,
) -> _Probers:
    """Those who ask pods; what they find out wakes who decides by it."""
    pods, deployments, clock = stores.pods, stores.deployments, operator.clock

    def told(pod: Object) -> None:
        wiring.wake(controllers[reporter.NAME], child.owner_key(pod))

    def judged(*owners: ObjectKey) -> None:
        for name in (deployment.KIND.name, reporter.NAME):
            wiring.wake(controllers[name], owners)

    def tried(pod: Object) -> None:
        judged(*child.owner_key(pod))

    return _Probers(
        HealthProber(pods, asker=asker, clock=clock, changed=told),
        UploadsProber(pods, asker=asker, clock=clock, changed=told),
        Prover(pods, deployments, checker=checker, clock=clock, changed=tried),
        TrafficProber(pods, deployments, asker=asker, clock=clock, changed=judged),
    )


def _reconcilers(operator: Operator, stores: Stores, gatherer: Gatherer) -> dict[str, Controller]:
    """One for each owned kind, and those that do something else, by their names."""
    announced = {deployment.KIND.name: gatherer.announced}
    controllers = {
        kind.name: operator.owned(
            kind,
            identity=_IDENTITIES.get(kind.name, IDENTITY),
            store=stores.of(kind.resource),
            gather=gatherer.gather,
            basis=lambda inputs: inputs.basis,
            announced=announced.get(kind.name, unannounced),
        )
        for kind in KINDS
    }
    controllers[guardian.NAME] = _guardian(operator, stores, gatherer)
    controllers[mender.NAME] = _mender(operator, stores, gatherer)
    controllers[reporter.NAME] = _reporter(operator, stores, gatherer)
    return controllers


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
