"""The stores that a Registry's world is read from: which there are, and what each caches.

In: an `Operator` of the runtime. Out: `Stores`. Children are cached by label, BucketClaims all, as
Registries may name those of users, other people's Secrets, ConfigMaps and PersistentVolumeClaims as
metadata only, and in full only where a Registry refers to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from controllers.kinds import (
    AUTOSCALER,
    BUCKET_ACCESS,
    BUCKET_CLAIM,
    CONFIG_MAP,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    REGISTRY,
    REGISTRY_TEMPLATE,
    REPLICA_SET,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
)
from controllers.registry import sharing, template
from registry_operator.api.names import LABEL_REGISTRY
from registry_operator.kube.resource import Resource
from registry_operator.runtime.index import IndexFunc
from registry_operator.runtime.operator import Operator
from registry_operator.runtime.owned import OWNER_INDEX
from registry_operator.runtime.ownership import by_owner_label
from registry_operator.runtime.referenced import Referenced
from registry_operator.runtime.store import Store


@dataclass(frozen=True)
class Stores:
    """One store of each kind; of some a second one, of what Registries refer to."""

    registries: Store
    templates: Store
    deployments: Store
    replica_sets: Store
    pods: Store
    secrets: Store
    volume_claims: Store
    services: Store
    service_accounts: Store
    endpoint_slices: Store
    pod_disruption_budgets: Store
    autoscalers: Store
    bucket_claims: Store
    bucket_accesses: Store
    referenced_secrets: Referenced
    referenced_config_maps: Referenced
    referenced_volume_claims: Referenced

    def of(self, resource: Resource) -> Store:
        """The store of the children of a kind."""
        return next(store for store in self.plain() if store.resource == resource)

    def plain(self) -> list[Store]:
        """Those that hold whatever they cache in full."""
        found = (getattr(self, field.name) for field in fields(self))
        return [store for store in found if isinstance(store, Store)]

    def referenced(self) -> dict[str, Referenced]:
        """Those that hold what Registries refer to, by their names."""
        found = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: store for name, store in found if isinstance(store, Referenced)}


def declare(operator: Operator, namespace: str | None) -> Stores:
    """Declares them to the operator's cache; `namespace` None means all namespaces."""
    cache = operator.cache

    def children(
        resource: Resource,
        *,
        optional: bool = False,
        label: str | None = LABEL_REGISTRY,
        indexes: Mapping[str, IndexFunc] = MappingProxyType({}),
    ) -> Store:
        return cache.declare(
            resource,
            namespace=namespace,
            label_selector=label,
            indexes={OWNER_INDEX: by_owner_label(LABEL_REGISTRY), **indexes},
            optional=optional,
        )

    def referenced(resource: Resource) -> Referenced:
        others = cache.declare(resource, namespace=namespace, metadata_only=True)
        return Referenced(operator.client, others, clock=operator.clock, metrics=operator.metrics)

    return Stores(
        registries=cache.declare(
            REGISTRY, namespace=namespace, indexes={template.INDEX: template.by_template}
        ),
        # Optional, as an operator for one namespace may not be allowed to read what all share.
        templates=cache.declare(REGISTRY_TEMPLATE, optional=True),
        deployments=children(DEPLOYMENT, indexes={sharing.INDEX: sharing.by_place}),
        replica_sets=children(REPLICA_SET),
        pods=children(POD),
        secrets=children(SECRET),
        volume_claims=children(PERSISTENT_VOLUME_CLAIM),
        services=children(SERVICE),
        service_accounts=children(SERVICE_ACCOUNT),
        endpoint_slices=children(ENDPOINT_SLICE),
        pod_disruption_budgets=children(POD_DISRUPTION_BUDGET),
        autoscalers=children(AUTOSCALER),
        bucket_claims=children(BUCKET_CLAIM, optional=True, label=None),
        bucket_accesses=children(BUCKET_ACCESS, optional=True),
        referenced_secrets=referenced(SECRET),
        referenced_config_maps=referenced(CONFIG_MAP),
        referenced_volume_claims=referenced(PERSISTENT_VOLUME_CLAIM),
    )
