"""The configuration of a Registry: a Secret per content, named by its digest.

In: the specification, the storage plan, the release of the image (releases.py). Out: one immutable
Secret to run with now; older ones stay as long as a ReplicaSet or the Deployment refers to them, so
that a rollback finds the configuration that its pods were made for.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from controllers.kinds import SECRET
from controllers.registry import child, options, scaling
from controllers.registry.options import driver_of
from registry_operator.api.registry import RegistrySpec
from registry_operator.distribution import passthrough
from registry_operator.distribution.configuration import Settings, render, to_yaml
from registry_operator.distribution.finding import Finding, Severity
from registry_operator.distribution.image import ImageReference
from registry_operator.distribution.release import Release, recommendation
from registry_operator.kube.object import Object
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.runtime.owned import Desired, OwnedKind

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

FILE = "config.yml"
VOLUME = "config"
_SUFFIX = "config"
_DIGEST_LENGTH = 10
_ASKING = "the image's tag does not tell the release, and the image has yet to answer"


@dataclass(frozen=True)
class Configuration:
    """A configuration ready to run with: the Secret's name, the file, the release it is for.

    `files` are those that the configuration refers to and that lie beside it. `problem`: why it is
    for any release, where the image was asked in vain.
    """

    secret_name: str
    text: str = field(repr=False)
    release: Release | None
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    problem: str = ""


def plan_configuration(inputs: "RegistryInputs") -> Configuration | Blocked | Stalled:
    """The configuration to run with, or what in the specification or the storage stands against."""
    wanted = inputs.wanted
    try:
        ImageReference.parse(wanted.image)
    except ValueError as error:
        return Stalled("ImageInvalid", f"spec.image: {error}")
    answer = inputs.answer
    if answer is None:
        return Blocked("ReleaseNotRead", _ASKING)
    release = answer.release
    advice = recommendation(release) if release else None
    if advice is not None and advice.severity is Severity.ERROR:
        return Stalled(advice.reason, f"spec.image: {advice.message}")
    extra = wanted.config or {}
    findings = [
        *_below("spec.config", passthrough.check(extra, release, driver=driver_of(wanted.storage))),
        *_below("spec", options.findings(wanted, release)),
    ]
    if findings:
        told = "; ".join(f"{found.path} {found.message}" for found in findings)
        return Stalled(findings[0].reason, told)
    storage = inputs.storage
    if isinstance(storage, (Blocked, Stalled)):
        return storage
    settings = Settings(storage=storage.driver, replicas=scaling.most(wanted), extra=extra)
    text = to_yaml(render(settings, release=release))
    name = _secret_name(inputs.owner, text, storage.files)
    return Configuration(name, text, release, storage.files, answer.problem)


def _below(path: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    return (replace(found, path=f"{path}.{found.path}") for found in findings)


def _secret_name(owner: Object, text: str, files: Mapping[str, str]) -> str:
    content = blake2b(text.encode(), digest_size=16)
    for name, beside in sorted(files.items()):
        content.update(f"\0{name}\0{beside}".encode())
    return child.name(owner, f"{_SUFFIX}-{content.hexdigest()[:_DIGEST_LENGTH]}")


def desired(inputs: "RegistryInputs") -> Desired:
    """The Secret of the current configuration."""
    current = inputs.configuration
    if isinstance(current, (Blocked, Stalled)):
        return current
    return (
        {
            "metadata": {"namespace": inputs.owner.namespace, "name": current.secret_name},
            "type": "Opaque",
            "immutable": True,
            "data": {
                name: child.encoded(text)
                for name, text in {FILE: current.text, **current.files}.items()
            },
        },
    )


def may_prune(inputs: "RegistryInputs", secret: Object) -> bool:
    """Whether a configuration that is no longer current is also no longer referred to."""
    if not is_configuration(inputs.owner, secret):
        return False
    children = inputs.children
    users = (children.deployment, *children.replica_sets)
    referred = {name for user in users if user is not None for name in _referred(user)}
    return secret.name not in referred


def http_prefix(wanted: RegistrySpec) -> str:
    """Below which path the registry serves: `http.prefix` of `spec.config`, or the root."""
    http = (wanted.config or {}).get("http")
    prefix = http.get("prefix") if isinstance(http, Mapping) else None
    return prefix if isinstance(prefix, str) and prefix else "/"


def is_configuration(owner: Object, secret: Object) -> bool:
    """Whether a Secret of ours is a configuration of this Registry."""
    return secret.name.startswith(child.name(owner, f"{_SUFFIX}-"))


def _referred(workload: Object) -> list[str]:
    pod: dict[str, Any] = workload.body()["spec"]["template"]["spec"]
    return [
        volume["secret"]["secretName"] for volume in pod.get("volumes", ()) if "secret" in volume
    ]


KIND = OwnedKind(name="configuration", resource=SECRET, desired=desired, may_prune=may_prune)
