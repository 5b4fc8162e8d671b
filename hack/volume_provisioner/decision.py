"""What is due for claims and volumes, decided purely.

In flows what there is (`Seen`); out flow steps, each of which may be taken twice, or be cut off
anywhere and decided again.

    claim asks us        ──▶ Provision, or Refuse
    claim wants more     ──▶ Grow
    volume lost its claim ─▶ Remove
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from hack.volume_provisioner.claim import Body, Claim
from hack.volume_provisioner.volume import PROVISIONED_BY, PROVISIONERS, refusal
from registry_operator.runtime.quantity import parse_quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that decisions rest on; `nodes` are the ones that have a folder."""

    claims: Sequence[Claim]
    volumes: Sequence[Body]
    classes: Sequence[Body]
    nodes: Collection[str]


@dataclass(frozen=True, slots=True)
class Provision:
    """Make a volume for `claim`."""

    claim: Claim
    storage_class: Body


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell the user of `claim` why there is no volume for it."""

    claim: Claim
    why: str


@dataclass(frozen=True, slots=True)
class Grow:
    """Let `claim` have what it wants; its `volume` grows first, or is empty when it has grown."""

    claim: Claim
    volume: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove `volume` and what is in it."""

    volume: Body


Step = Provision | Refuse | Grow | Remove


def decide(seen: Seen) -> list[Step]:
    """All steps that are due."""
    return [*_supply(seen), *_growth(seen), *_removal(seen)]


def _supply(seen: Seen) -> Iterator[Provision | Refuse]:
    classes = {one["metadata"]["name"]: one for one in seen.classes}
    made = {volume["metadata"]["name"] for volume in seen.volumes}
    for claim in seen.claims:
        storage_class = classes.get(claim.class_name)
        if (
            storage_class is None
            or claim.volume_name in made
            or not _is_asked(claim, storage_class)
        ):
            continue

        why = refusal(claim, storage_class, nodes=seen.nodes)
        yield Refuse(claim, why) if why else Provision(claim, storage_class)


def _is_asked(claim: Claim, storage_class: Body) -> bool:
    provisioner = storage_class["provisioner"]
    if not claim.is_open or provisioner not in PROVISIONERS or claim.asks != provisioner:
        return False

    return storage_class.get("volumeBindingMode") != "WaitForFirstConsumer" or bool(claim.node)


def _growth(seen: Seen) -> Iterator[Grow]:
    ours = {volume["metadata"]["name"]: volume for volume in seen.volumes if _is_ours(volume)}
    for claim in seen.claims:
        volume = ours.get(claim.bound_to)
        if volume is None or not claim.has or not _is_more(claim.wanted, claim.has):
            continue

        has_grown = not _is_more(claim.wanted, volume["spec"]["capacity"]["storage"])
        yield Grow(claim, "" if has_grown else claim.bound_to)


def _removal(seen: Seen) -> Iterator[Remove]:
    for volume in seen.volumes:
        is_released = volume.get("status", {}).get("phase") == "Released"
        goes = volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
        if is_released and goes and _is_ours(volume):
            yield Remove(volume)


def _is_ours(volume: Body) -> bool:
    return volume["metadata"].get("annotations", {}).get(PROVISIONED_BY) in PROVISIONERS


def _is_more(one: str, other: str) -> bool:
    return parse_quantity(one) > parse_quantity(other)
