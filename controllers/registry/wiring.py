"""The wiring of Registries: which event wakes which reconciler.

In: controllers, and the stores that they read. Out: nothing; from then on changes wake them.
`TRIGGERS` is all of it but for three things that concern others than their owner: places that are
shared, pods that are changed, pods that ask an image. What template changes wake is in
template_users.py.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from types import MappingProxyType

from controllers.registry import (
    autoscaler,
    bucket_access,
    bucket_claim,
    child,
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
    version_probe,
    volume_claim,
)
from controllers.registry.gather import Gatherer
from controllers.registry.places import Places
from controllers.registry.prover import Prover
from controllers.registry.stores import Stores
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.change import Change
from registry_operator.runtime.controller import Controller
from registry_operator.runtime.predicate import intent_changed, others_changed
from registry_operator.runtime.referenced import Referenced
from registry_operator.runtime.store import Store

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

_LOOKS_AT_STATUS = frozenset(_STORAGE)
_SHARES_A_PLACE = (
    configuration.KIND.name,
    deployment.KIND.name,
    bucket_access.KIND.name,
    reporter.NAME,
)
# Of pods these look at none but those that ask an image for its release.
_ASKS = (version_probe.KIND.name, configuration.KIND.name, deployment.KIND.name)
STATUS_DELAY = 0.2
"""Seconds by which a status comes later, so that it tells of all that happened meanwhile."""


def connect(
    controllers: Mapping[str, Controller],
    stores: Stores,
    gatherer: Gatherer,
    prover: Prover,
    *,
    writes: Mapping[str, Resource],
) -> None:
    """Lets changes wake the controllers, by their names; `writes`: which kind each writes."""
    for name, controller in controllers.items():
        _connect(name, controller, stores, gatherer, writes=writes.get(name))
    _follow_places(gatherer.places, controllers, stores)
    _follow_changes(prover, controllers, stores)
    _follow_answers(controllers, stores)


def _connect(
    name: str,
    controller: Controller,
    stores: Stores,
    gatherer: Gatherer,
    *,
    writes: Resource | None,
) -> None:
    """Lets the Registry and the stores of `TRIGGERS` wake one controller.

    To begin with, every Registry does so itself. `writes`: the kind that the controller writes.
    """
    after = STATUS_DELAY if name == reporter.NAME else 0.0
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
        if store.resource == writes:
            when = _of_others(when)
        belongs_to = gatherer.claims.concerned if store is stores.bucket_claims else child.owner_key
        controller.watch(store, belongs_to, when=when, after=after, recount=False)
        if trigger in _COSI:
            store.on_availability(lambda _available: wake(controller, stores.registries.keys()))


def _follow_places(places: Places, controllers: Mapping[str, Controller], stores: Stores) -> None:
    """Lets who comes to a place, or leaves it, wake those whom that concerns."""
    for name in _SHARES_A_PLACE:
        controllers[name].watch(places, _self_key, recount=False)
        controllers[name].watch(
            stores.deployments, places.used_by, when=intent_changed, recount=False
        )
    for store in (stores.deployments, stores.pods):
        controllers[deployment.KIND.name].watch(store, places.left_by, recount=False)


def _follow_changes(prover: Prover, controllers: Mapping[str, Controller], stores: Stores) -> None:
    """Lets what becomes of pods wake whoever decides about them, as long as they are changed."""
    for store in (stores.deployments, stores.pods):
        controllers[deployment.KIND.name].watch(store, prover.changing, recount=False)


def _follow_answers(controllers: Mapping[str, Controller], stores: Stores) -> None:
    """Lets a pod that asks an image wake who waits for the answer."""
    for name in _ASKS:
        controllers[name].watch(stores.pods, child.asked_for, recount=False)


def _predicate(name: str, trigger: str) -> Callable[[Change], bool]:
    looks_at_status = name == reporter.NAME or trigger in _LOOKS_AT_STATUS
    return _always if looks_at_status else intent_changed


def _of_others(when: Callable[[Change], bool]) -> Callable[[Change], bool]:
    return lambda change: others_changed(change) and when(change)


def wake(controller: Controller, keys: Iterable[ObjectKey]) -> None:
    for key in keys:
        controller.enqueue(key)


def _always(_change: Change) -> bool:
    return True


def _self_key(owner: Object) -> tuple[ObjectKey, ...]:
    return (owner.key,)
