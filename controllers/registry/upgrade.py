"""How the pods come to the template that is wanted: one tries it, then all, or none does.

In: the snapshot. Out: a `Plan` (upgrade_plan.py): what the Deployment of the pods shall ask for
now, whether one pod beside it tries what is wanted (canary.py), and what is remembered of it. Pure.
What is remembered stands on the Deployment itself, in the very write that acts on it: so an
operator that is killed at any moment goes on where it was.

    wanted = deployed                        its roll-out goes on; it failed: what was healthy again
    wanted ≠ deployed, failed before         what was healthy stays, until the user says otherwise
    wanted ≠ deployed, refused, held back    the same
    wanted ≠ deployed, not its turn          the same, as others of its template change first
    wanted ≠ deployed, not tried             the same, and a canary tries it
    wanted ≠ deployed, a canary stands it    it is deployed

Where nothing has ever been healthy and pods are in trouble there is nothing to protect: what is
wanted is deployed at once.
Why it is so: docs/adr/0016-one-pod-tries-every-change.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from controllers.registry import failure, observed, revision, scaling
from controllers.registry.comparison import Worse
from controllers.registry.failure import Evidence, Failure
from controllers.registry.origin import template_behind
from controllers.registry.pods import find_trouble
from controllers.registry.release_move import Advice, advise
from controllers.registry.upgrade_plan import HEALTHY, Phase, Plan, Template
from registry_operator.api.upgrade import ABORT, RETRY, Upgrade
from registry_operator.kube.object import Object
from registry_operator.runtime.outcome import Blocked, Stalled

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs


def decide(inputs: "RegistryInputs") -> Plan | Blocked | Stalled:
    """The plan for now, or why there can't be one."""
    wanted = inputs.pod_template
    if isinstance(wanted, (Blocked, Stalled)):
        return wanted
    deployment = inputs.children.deployment
    deployed = revision.of(deployment)
    if deployment is None or not deployed:
        return Plan(wanted, wanted)
    change = _Change(inputs, deployment, wanted)
    if change.wanted_revision == deployed:
        return change.under_way()
    if not change.protects:
        return Plan(wanted, wanted, healthy=change.remembered)
    return change.ahead()


@dataclass(frozen=True)
class _Change:
    """From what the Deployment asks for to what is wanted."""

    inputs: "RegistryInputs"
    deployment: Object
    wanted: Template

    @property
    def wanted_revision(self) -> str:
        return revision.of_template(self.wanted)

    @property
    def deployed(self) -> str:
        return revision.of(self.deployment)

    @property
    def remembered(self) -> str:
        return self.deployment.annotations.get(HEALTHY, "")

    @property
    def base(self) -> str:
        """What is gone back to: what was healthy last, or what runs where nothing else is known."""
        return self.remembered or self.deployed

    @property
    def _known_good(self) -> str:
        if self.remembered:
            return self.remembered
        return self.deployed if observed.was_rolled_out(self.deployment) else ""

    @property
    def settings(self) -> Upgrade:
        return self.inputs.wanted.upgrade

    @property
    def protects(self) -> bool:
        """Whether there are pods that have served, or may have: all but those in trouble at first.

        What our cache has not heard of yet may have happened.
        """
        if not self._replicas:
            return False
        if self.remembered or observed.was_rolled_out(self.deployment):
            return True
        children = self.inputs.children
        return find_trouble(children.pods, self.deployment, self.inputs.told_health) is None

    @property
    def _replicas(self) -> int:
        return scaling.asked_of(self.deployment)

    @property
    def failed(self) -> Failure | None:
        """That what is wanted has failed before."""
        known = failure.read(self.deployment)
        if known is None or known.revision != self.wanted_revision:
            return None
        return known if known.retry == self._retry else None

    @property
    def is_aborted(self) -> bool:
        return self.inputs.owner.annotations.get(ABORT) == "true"

    @property
    def _retry(self) -> str:
        return self.inputs.owner.annotations.get(RETRY, "")

    def under_way(self) -> Plan:
        """Pods are replaced, or all have been."""
        if self.remembered in {"", self.deployed}:
            return Plan(self.wanted, self.wanted, healthy=self.remembered)
        failed = self.failed or self._failure_of_pods()
        if self._kept is not None:
            if failed is not None and self.settings.rollback:
                return self._back(Phase.ROLLING_BACK, failed, _taken_back(failed))
            if self.is_aborted:
                return self._back(Phase.ABORTED, None, _ABORTED)
        return self._complete() or self._rolling(failed)

    def _complete(self) -> Plan | None:
        """All pods are new, stood their check, serve no worse; or there are none: it is open."""
        if not self._rollout.complete:
            return None
        if not self._replicas:
            return Plan(self.wanted, self.wanted, healthy=self.base)
        if self._is_proven() and self.inputs.worse is None:
            return Plan(self.wanted, self.wanted, healthy=self.deployed)
        return None

    def _rolling(self, failed: Failure | None) -> Plan:
        message = self._rollout.message
        if failed is not None:
            message = _left(failed, may_return=self._kept is not None)
        if self.settings.paused:
            return self._forward(Phase.PAUSED, f"{_PAUSED}; {message}", stops=True)
        return self._forward(Phase.ROLLING, message)

    def ahead(self) -> Plan:
        """What is wanted is not deployed yet."""
        failed = self.failed
        if failed is not None:
            back = self.deployed == self.base and self._rollout.complete
            phase = Phase.ROLLED_BACK if back else Phase.ROLLING_BACK
            return self._back(phase, failed, _taken_back(failed))
        waits = self._waits() or self._turn()
        if waits is not None:
            return self._back(waits[0], None, waits[1])
        if not self.settings.canary or self._canary_stands():
            return self._forward(Phase.ROLLING, "pods are about to be replaced")
        failed = self._failure_of_canary()
        if failed is not None:
            return self._back(Phase.ROLLED_BACK, failed, _taken_back(failed))
        return self._back(Phase.CANARY, None, self._canary_message())

    def _waits(self) -> tuple[Phase, str] | None:
        """Who holds the change back, and by what words."""
        refusal = self._advice.refusal
        held = (
            (self.is_aborted, Phase.ABORTED, _ABORTED),
            (bool(refusal), Phase.REFUSED, refusal),
            (self.settings.paused, Phase.PAUSED, _PAUSED),
        )
        return next(((phase, words) for is_so, phase, words in held if is_so), None)

    def _turn(self) -> tuple[Phase, str] | None:
        """That others of the same template change before; who has begun is not asked again."""
        admission = self.inputs.admission
        if not self._shared or admission.is_given:
            return None
        return Phase.WAITING, (
            f"waits for its turn: of the Registries of RegistryTemplate {self._shared} "
            f"{admission.bound} may change or have failed at a time (spec.rollout.maxUnavailable); "
            "its status counts them"
        )

    @cached_property
    def _shared(self) -> str:
        """The template that the change is owed to."""
        return template_behind(self.deployment, self.inputs.template, self.inputs.origin)

    @cached_property
    def _advice(self) -> Advice:
        """On the move to another release, if it is one."""
        return advise(self.inputs, self._kept or self.wanted)

    def _forward(self, phase: Phase, message: str, *, stops: bool = False) -> Plan:
        return Plan(
            self.wanted,
            self.wanted,
            phase,
            before=self._kept,
            healthy=self._known_good,
            message=message,
            stops=stops,
            shared=self._shared,
        )

    def _back(self, phase: Phase, failed: Failure | None, message: str) -> Plan:
        kept = self._kept or self.deployment.body()["spec"]["template"]
        return Plan(
            self.wanted,
            kept,
            phase,
            before=kept,
            healthy=self.remembered,
            failure=failed,
            message=message,
            shared=self._shared,
        )

    @cached_property
    def _rollout(self) -> observed.Rollout:
        return observed.rollout(self.deployment, self.inputs.children.pods)

    @cached_property
    def _kept(self) -> Template | None:
        """What was healthy last, if the cluster still has it."""
        return revision.held(self.deployment, self.inputs.children.replica_sets, self.base)

    def _failure_of_pods(self) -> Failure | None:
        inputs = self.inputs
        return self._failure(inputs.children.pods, self.deployment, worse=inputs.worse)

    def _failure_of_canary(self) -> Failure | None:
        children = self.inputs.children
        if revision.of(children.canary) != self.wanted_revision:
            return None
        return self._failure(children.canary_pods, children.canary)

    def _failure(
        self, pods: Sequence[Object], deployment: Object | None, *, worse: Worse | None = None
    ) -> Failure | None:
        seen = Evidence(pods, deployment, self.inputs.proofs, self.inputs.told_health, worse)
        return failure.find(self.wanted_revision, seen, retry=self._retry)

    @cached_property
    def _standing(self) -> frozenset[str]:
        """The pods that stood their check, by uid."""
        return frozenset(proof.pod for proof in self.inputs.proofs if proof.stands)

    def _canary_stands(self) -> bool:
        pods = _of(self.wanted_revision, self.inputs.children.canary_pods)
        return any(pod.uid in self._standing for pod in pods)

    def _canary_message(self) -> str:
        children, proofs = self.inputs.children, self.inputs.proofs
        pods = {pod.uid for pod in children.canary_pods}
        found = [proof.message for proof in proofs if proof.pod in pods and proof.message]
        trouble = find_trouble(children.canary_pods, children.canary, self.inputs.told_health)
        told = [trouble.message] if trouble is not None else found[:1]
        told += [self._advice.words] if self._advice.words else []
        return "; ".join(("one pod, to which no client is sent, tries it first", *told))

    def _is_proven(self) -> bool:
        living = [pod for pod in self.inputs.children.pods if not pod.is_deleting]
        new = _of(self.deployed, living)
        return len(new) >= self._replicas and all(pod.uid in self._standing for pod in new)


_ABORTED = f"{ABORT} is set: the pods stay as they were; remove the annotation to try it"
_PAUSED = "spec.upgrade.paused is true"


def _of(wanted: str, pods: Sequence[Object]) -> list[Object]:
    return [pod for pod in pods if revision.of(pod) == wanted]


def _taken_back(failed: Failure) -> str:
    return (
        f"{failed.reason}: {failed.message}; the pods stay as they were: correct the "
        f"specification, or have it tried again by another value of the annotation {RETRY}"
    )


def _left(failed: Failure, *, may_return: bool) -> str:
    why = (
        "spec.upgrade.rollback is false"
        if may_return
        else "nobody has the ReplicaSet any more to go back to"
    )
    return f"{failed.reason}: {failed.message}; {why}, so the pods stay as they are"
