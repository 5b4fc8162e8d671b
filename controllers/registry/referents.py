"""What a Registry refers to by name, as far as our caches know it.

In: the stores, the Registry and what holds of it. Out: credentials, the store's certificate
authorities, the claim of a volume; of each whether it was looked for yet, and why it can't be read.
Which names those are is said in references.py. The caches hold what is declared to them here.
"""

from controllers.registry import references, volume
from controllers.registry.inputs import Credentials, Referent
from controllers.registry.stores import Stores
from registry_operator.api.registry import RegistrySpec
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.referenced import Referenced


def declare(stores: Stores, owner: Object, spec: RegistrySpec | None) -> None:
    """Have the caches hold what a Registry refers to."""
    storage, key = spec.storage if spec is not None else None, owner.key
    stores.referenced_secrets.refer(key, references.secrets_of(owner, storage))
    stores.referenced_config_maps.refer(key, references.config_maps_of(owner, storage))
    stores.referenced_volume_claims.refer(key, references.volume_claims_of(owner, storage))


def drop(stores: Stores, key: ObjectKey) -> None:
    """Let go what a Registry referred to."""
    for held in stores.referenced().values():
        held.refer(key, ())


def credentials(stores: Stores, owner: Object, spec: RegistrySpec | None) -> Credentials:
    """The Secrets that hold the keys of the store."""
    keys = references.credentials_keys(owner, spec.storage) if spec else ()
    held = stores.referenced_secrets
    failures = ((key.name, held.failure(key)) for key in keys)
    found = ((key.name, held.get(key)) for key in keys)
    return Credentials(
        known=all(held.known(key) for key in keys),
        unreadable={name: failure.message for name, failure in failures if failure is not None},
        secrets={name: secret for name, secret in found if secret is not None},
    )


def certificates(stores: Stores, owner: Object, spec: RegistrySpec | None) -> Referent:
    """The ConfigMap or Secret that holds the certificate authorities of the store."""
    named = references.certificates_key(owner, spec.storage) if spec else None
    if named is None:
        return Referent(known=True)
    key, in_config_map = named
    return _referent(
        stores.referenced_config_maps if in_config_map else stores.referenced_secrets, key
    )


def volume_claim(stores: Stores, owner: Object, spec: RegistrySpec | None) -> Referent:
    """The claim of the volume that holds the images: our own, or one that the user names."""
    key = volume.claim_key(owner, spec.storage) if spec else None
    if spec is None or key is None:
        return Referent(known=True)
    if not references.volume_claims_of(owner, spec.storage):
        return Referent(known=True, found=stores.volume_claims.get(key))
    return _referent(stores.referenced_volume_claims, key)


def _referent(held: Referenced, key: ObjectKey) -> Referent:
    failure = held.failure(key)
    return Referent(
        known=held.known(key), problem=failure.message if failure else "", found=held.get(key)
    )
