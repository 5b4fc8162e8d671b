"""The pods' own identity at a cloud: IRSA, GKE's and Azure's workload identity.

In: the specification, the image's release. Out: annotations of the ServiceAccount, what the pods'
template says of them, and findings where a release can't use them. Pure. The cloud's webhook looks
at the ServiceAccount when a pod is made: so pods are made only once it has the annotations, and
anew when they change.

How each release finds credentials: on AWS 2.8 asks environment, files and the node's role, 3.x the
SDK's whole chain with web identity; on Azure 2.8 ends without a key, and 3.0 has
`default_credentials` in name only: it starts, and takes them for a key (registry/storage/driver of
2.8.3, 3.0.0 and 3.1.0).
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b

from registry_operator.api.names import GROUP
from registry_operator.api.registry import RegistrySpec
from registry_operator.distribution.drivers import S3Storage
from registry_operator.distribution.finding import Finding
from registry_operator.distribution.release import Release, Version
from registry_operator.kube.object import Object

ANNOTATION = f"{GROUP}/service-account"
UNSUPPORTED_REASON = "IdentityUnsupported"
_AWS_ROLE = "eks.amazonaws.com/role-arn"
_AZURE_CLIENT = "azure.workload.identity/client-id"
_AZURE_LABEL = "azure.workload.identity/use"
_AWS_SINCE: Version = (3, 0, 0)
_AZURE_SINCE: Version = (3, 1, 0)


def annotations(wanted: RegistrySpec) -> Mapping[str, str]:
    """The annotations that the ServiceAccount shall have."""
    account = wanted.service_account
    given = (account.annotations or {}) if account is not None else {}
    # Ours are the engine's: the CRD refuses them, and waiting for them would never end.
    return {key: value for key, value in given.items() if not key.startswith(f"{GROUP}/")}


def is_on(account: Object, wanted: RegistrySpec) -> bool:
    """Whether the ServiceAccount has its annotations, so that pods may be made."""
    return annotations(wanted).items() <= account.annotations.items()


def pod_annotations(wanted: RegistrySpec) -> dict[str, str]:
    """What makes pods anew when their identity changes; nothing where there is none."""
    told = annotations(wanted)
    if not told:
        return {}
    text = json.dumps(dict(told), sort_keys=True).encode()
    return {ANNOTATION: blake2b(text, digest_size=8).hexdigest()}


def pod_labels(wanted: RegistrySpec) -> dict[str, str]:
    """The label by which Azure's webhook finds pods; the others need none."""
    return {_AZURE_LABEL: "true"} if _AZURE_CLIENT in annotations(wanted) else {}


def findings(wanted: RegistrySpec, release: Release | None) -> Iterator[Finding]:
    """Where the identity that is asked for can't be used: by the release, or at an endpoint."""
    storage = wanted.storage
    if storage is None:
        return
    asks_aws = _AWS_ROLE in annotations(wanted)
    if storage.s3 is not None and not storage.s3.has_keys and asks_aws:
        if storage.s3.endpoint and S3Storage(bucket="", endpoint=storage.s3.endpoint).is_aws:
            yield Finding(
                "storage.s3.endpoint",
                UNSUPPORTED_REASON,
                "is asked for the credentials of the role as well, and S3 has none: remove it, as "
                "the region is enough on AWS",
            )
        yield from _too_old(
            f"serviceAccount.annotations[{_AWS_ROLE}]",
            "is no credential for releases before 3.0.0",
            release=release,
            since=_AWS_SINCE,
            stops=False,
        )
    if storage.azure is not None and storage.azure.secret_ref is None:
        yield from _too_old(
            "storage.azure.secretRef",
            "is missing, without which releases before 3.1.0 open no container",
            release=release,
            since=_AZURE_SINCE,
            stops=True,
        )


def _too_old(
    path: str, what: str, *, release: Release | None, since: Version, stops: bool
) -> Iterator[Finding]:
    """`stops`: one of those before does not start, so the tag must tell that it is none of them."""
    if release is None:
        if stops:
            told = f"{what}, and the image's tag does not tell the release"
            cure = "use a tag such as 3.1.2, or name a Secret in secretRef"
            yield Finding(path, UNSUPPORTED_REASON, f"{told}: {cure}")
    elif release.surely_before(since):
        cure = "use a newer image, or name a Secret in secretRef"
        yield Finding(path, UNSUPPORTED_REASON, f"{what}, and the image is {release}: {cure}")
