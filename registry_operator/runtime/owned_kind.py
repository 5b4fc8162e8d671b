"""What the domain declares of one owned kind: a pure function, and a few facts.

In: nothing. Out: declarations that the engine (owned.py) and the generator of rights take, and what
holds for an operator that does not say what its decisions are made on, or who hears of them.
"""

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from registry_operator.kube.object import Object
from registry_operator.kube.resource import Resource
from registry_operator.runtime.intent import Body
from registry_operator.runtime.outcome import After, Blocked, Stalled

OWNER_INDEX = "owner"
Desired = Sequence[Body] | Blocked | Stalled | After
"""Bodies, why there are none now, or that it is to be decided later, and nothing is done before."""


class Inputs(Protocol):
    """What the engine itself reads of a snapshot."""

    @property
    def owner(self) -> Object:
        """The custom resource that the snapshot is about."""
        ...

    @property
    def hold(self) -> str | None:
        """Why nothing may be written for this owner (a CamelCase reason); None: go on."""
        ...


I_contra = TypeVar("I_contra", bound=Inputs, contravariant=True)


@dataclass(frozen=True)
class OwnedKind(Generic[I_contra]):
    """One owned kind, as the domain declares it.

    Attributes:
        name: of the reconciler; also the suffix of its field manager.
        resource: the kind of the children.
        desired: pure; the bodies that shall exist (with namespace, name and own labels), or why
            that can't be said now.
        may_prune: pure; whether a child that is no longer desired may be deleted now. None: what
            was once desired is never deleted but with its owner.
        outlives_owner: children hold data and carry no owner reference.
        create_only: made once; of an existing child only labels and owner are restored.
    """

    name: str
    resource: Resource
    desired: Callable[[I_contra], Desired]
    may_prune: Callable[[I_contra, Object], bool] | None = None
    outlives_owner: bool = False
    create_only: bool = False


def generation_of(inputs: Inputs) -> Hashable:
    """The basis of a decision that the owner alone has a say in."""
    return inputs.owner.generation


def unannounced(_inputs: Inputs, _bodies: Sequence[Body]) -> AbstractContextManager[None]:
    """For decisions that concern nobody else."""
    return nullcontext()
