"""Values of Secrets that the storage needs: read out of the snapshot, or what of them is missing.

In: the snapshot, a Secret's name, the keys of its data. Out: texts, trimmed, as editors and tools
end files by a line break; or where something is missing, by field and with the cure. Pure. No
message repeats a value.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from controllers.registry import child
from registry_operator.runtime.outcome import Blocked

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs


def values(
    inputs: "RegistryInputs", secret: str, keys: Sequence[str], *, field: str, named_by: str
) -> list[str] | Blocked:
    """The values of a user's Secret under these keys, or which of them it lacks.

    `field` of the specification refers to the Secret, and `named_by` to the keys.
    """
    where = f"Secret {secret} ({field})"
    data = data_of(inputs, secret, where=where, cure="create it")
    if isinstance(data, Blocked):
        return data
    missing = [name for name in keys if not data.get(name, "").strip()]
    if missing:
        return Blocked(
            "SecretIncomplete",
            f"{where} has no value under {' and '.join(missing)}: add it, or name the right "
            f"keys in {named_by}",
        )
    return [data[name].strip() for name in keys]


def data_of(
    inputs: "RegistryInputs", secret: str, *, where: str, cure: str
) -> Mapping[str, str] | Blocked:
    """The data of a Secret, or why it is not at hand; `where` is what a message calls it."""
    held = inputs.credentials
    if secret in held.unreadable:
        return Blocked("SecretUnreadable", f"{where} can't be read: {held.unreadable[secret]}")
    if not held.known:
        return Blocked("SecretNotRead", f"{where} is being read")
    if secret not in held.secrets:
        return Blocked(
            "SecretNotFound",
            f"{where} does not exist in namespace {inputs.owner.namespace}: {cure}",
        )
    return child.decoded(held.secrets[secret])
