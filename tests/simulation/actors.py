"""Everybody but the operator: users, vandals, the cluster, and trouble, each step by its name.

In flow steps of a plan; out flow changes of the world, as somebody other than the operator makes
them. A step whose object is not there does nothing, so that any part of a plan is a plan. What
lasts is undone after its time, or by `peace`.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from controllers.kinds import BUCKET_CLAIM, REGISTRY, REGISTRY_TEMPLATE, SECRET
from registry_operator.api.names import ANNOTATION_INTENT, GROUP
from registry_operator.kube.errors import ApiError, Forbidden, InternalError, Invalid
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.builders import (
    NAMESPACE,
    a_registry,
    a_secret,
    a_template,
    own_folder,
)
from registry_operator.testing.claims import a_users_claim
from registry_operator.testing.fake_api import Change
from registry_operator.testing.simulation.plan import Step
from registry_operator.testing.simulation.weather import Trouble
from tests.simulation.damage import DAMAGES, KINDS, foreign
from tests.simulation.stewards import Stewards

if TYPE_CHECKING:
    from tests.simulation.world import World

Body = dict[str, Any]

_INSISTS_SECONDS = 0.1
TEMPLATE = ObjectKey("", "base")
KEYS = {"accessKey": "AKIA", "secretKey": "do-not-tell-s3"}


class Actors:
    """Carries out steps in a world."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._api = world.api
        self._undo: dict[int, Callable[[], None]] = {}
        self._timers: list[asyncio.TimerHandle] = []
        self._next = 0
        self._stewards = Stewards(world, self._for)
        self.refused: set[str] = set()
        self.unwell: set[str] = set()

    def do(self, step: Step) -> None:
        """Carry out one step."""
        what = step.do.replace("-", "_")
        act = getattr(self, f"_{what}", None) or getattr(self._stewards, what)
        act(**step.using)

    def peace(self) -> None:
        """Undo whatever still lasts."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for undo in list(self._undo.values()):
            undo()
        self._undo.clear()
        for candidate in self._world.candidates:
            if candidate.process is not None:
                candidate.process.spare()

    def _for(self, lasts: float, undo: Callable[[], None]) -> None:
        self._next += 1
        number = self._next
        self._undo[number] = undo
        self._timers.append(asyncio.get_running_loop().call_later(lasts, self._over, number))

    def _over(self, number: int) -> None:
        self._undo.pop(number)()

    # Users

    def _create(self, name: str, spec: Body) -> None:
        if self._api.get(REGISTRY, _key(name)) is not None:
            return
        body = a_registry(name, storage=None)
        # Which release ran before is another in each world, and so would be what is refused.
        body["spec"] = {"upgrade": {"policy": "Any"}} | _at_home(name, spec)
        del body["metadata"]["uid"], body["metadata"]["generation"]
        self._api.put(REGISTRY, body)

    def _change(self, name: str, spec: Body) -> None:
        found = self._api.get(REGISTRY, _key(name))
        if found is not None:
            self._api.change(
                REGISTRY, _key(name), lambda body: body["spec"].update(_at_home(name, spec))
            )

    def _template(self, spec: Body | None) -> None:
        """The one template: made, changed in part, or taken away."""
        is_there = self._api.get(REGISTRY_TEMPLATE, TEMPLATE) is not None
        if spec is None and is_there:
            self._api.delete(REGISTRY_TEMPLATE, TEMPLATE)
        elif spec is not None and is_there:
            self._api.change(REGISTRY_TEMPLATE, TEMPLATE, lambda body: body["spec"].update(spec))
        elif spec is not None:
            self._api.put(REGISTRY_TEMPLATE, a_template(TEMPLATE.name, **spec))

    def _use(self, name: str, template: str | None) -> None:
        """A Registry takes a template up, and leaves its image to it, or lets it go."""

        def take(body: Body) -> None:
            body["template"] = template
            body["spec"].pop("image", None)

        if self._api.get(REGISTRY, _key(name)) is not None:
            drop: Callable[[Body], Any] = lambda body: body.pop("template", None)  # noqa: E731
            self._api.change(REGISTRY, _key(name), take if template else drop)

    def _touch(self, name: str, value: str) -> None:
        if self._api.get(REGISTRY, _key(name)) is not None:
            label = {"example.org/touched": value}
            self._api.change(
                REGISTRY, _key(name), lambda body: body["metadata"].update(labels=label)
            )

    def _annotate(self, name: str, key: str, value: str | None) -> None:
        """A word of the user, of our group; None takes it back."""

        def say(body: Body) -> None:
            annotations = body["metadata"].setdefault("annotations", {})
            annotations.pop(f"{GROUP}/{key}", None)
            if value is not None:
                annotations[f"{GROUP}/{key}"] = value

        if self._api.get(REGISTRY, _key(name)) is not None:
            self._api.change(REGISTRY, _key(name), say)

    def _delete(self, name: str, propagation: str) -> None:
        if self._api.get(REGISTRY, _key(name)) is not None:
            self._api.delete(REGISTRY, _key(name), propagation=propagation)

    def _secret(self, name: str, data: Mapping[str, str] | None) -> None:
        if data is not None:
            body = a_secret(name, data)
            del body["metadata"]["uid"]
            self._api.put(SECRET, body)
        elif self._api.get(SECRET, _key(name)) is not None:
            self._api.delete(SECRET, _key(name))

    def _bucket_claim(self, name: str, *, is_there: bool) -> None:
        """A user claims a bucket himself, for Registries to use, or gives it back."""
        found = self._api.get(BUCKET_CLAIM, _key(name))
        if is_there and found is None:
            body = a_users_claim(name)
            del body["metadata"]["uid"], body["status"]
            self._api.put(BUCKET_CLAIM, body)
        elif not is_there and found is not None:
            self._api.delete(BUCKET_CLAIM, _key(name))

    def _squat(self, kind: str, name: str, lasts: float) -> None:
        """Somebody else has an object of a name that a Registry needs."""
        resource = KINDS[kind]
        if self._api.get(resource, _key(name)) is not None:
            return
        self._api.put(resource, foreign(resource, name))
        self._for(lasts, lambda: self._leave(resource, name))

    def _leave(self, resource: Resource, name: str) -> None:
        found = self._api.get(resource, _key(name))
        if found is not None and found["metadata"].get("labels") == {"example.org/mine": "yes"}:
            self._api.delete(resource, _key(name))

    # Vandals

    def _destroy(self, kind: str, name: str) -> None:
        if self._api.get(KINDS[kind], _key(name)) is not None:
            self._api.delete(KINDS[kind], _key(name))

    def _damage(self, name: str, what: str) -> None:
        kind, damage = DAMAGES[what]
        found = self._api.get(KINDS[kind], _key(name))
        if found is not None and found["metadata"].get("annotations", {}).get(ANNOTATION_INTENT):
            self._api.change(KINDS[kind], _key(name), damage)

    def _rival(self, name: str, what: str, lasts: float) -> None:
        """Somebody who insists: does the same damage again whenever it is repaired."""
        kind, _ = DAMAGES[what]

        def insist(change: Change) -> None:
            is_it = change.resource == KINDS[kind] and change.new["metadata"]["name"] == name
            if is_it and self._world.is_operators_turn():
                loop = asyncio.get_running_loop()
                loop.call_later(_INSISTS_SECONDS, self._damage, name, what)

        self._damage(name, what)
        self._for(lasts, self._api.subscribe(insist))

    # The cluster

    def _sicken(self, name: str, lasts: float) -> None:
        """Pods of a Registry are not ready."""
        self.unwell.add(name)
        self._world.cluster.look_again()
        self._for(lasts, lambda: self._heal(name))

    def _heal(self, name: str) -> None:
        self.unwell.discard(name)
        self._world.cluster.look_again()

    def _refuse(self, kind: str, why: str, lasts: float) -> None:
        """A quota or a webhook refuses every write of a kind."""
        refusal = f"{kind}/{why}"
        self.refused.add(refusal)
        self._for(lasts, lambda: self.refused.discard(refusal))

    def admit(self, verb: str, resource: Resource, body: Body) -> None:
        """What the API server asks before each write."""
        if verb != "delete" and self._world.is_operators_turn():
            for refusal in self.refused:
                kind, _, why = refusal.partition("/")
                if kind == resource.plural:
                    self._world.learn_refusal(_REASONS[why])
                    raise _refusal(why, resource, body)

    def _cosi_down(self, lasts: float) -> None:
        self._world.cosi.is_down = True
        self._for(lasts, lambda: setattr(self._world.cosi, "is_down", False))

    def _compact(self) -> None:
        self._api.compact()

    # Trouble

    def _trouble(self, what: Any, on: Any, share: float, who: str, lasts: float) -> None:
        weather = self._world.weather
        trouble = Trouble(what, on, share, who)
        weather.troubles.append(trouble)
        self._for(lasts, lambda: _discard(weather.troubles, trouble))

    def _lag(self, kind: str, seconds: float, lasts: float) -> None:
        """Watches of one kind tell late, so that kinds are seen in another order."""
        lags = self._world.weather.lags
        lags[kind] = seconds
        self._for(lasts, lambda: _forget(lags, kind))

    def _watches(self, how: str, kind: str, who: str) -> None:
        self._world.network.break_watches(how, kind, who)

    def _cut(self, who: str, lasts: float) -> None:
        """A partition between one operator and the API server with its Lease."""
        self._world.weather.cut.add(who)
        self._world.network.break_watches("stall", who=who)
        self._for(lasts, lambda: self._world.weather.cut.discard(who))

    def _crash(self, who: str, steps: int) -> None:
        candidate = self._world.candidate(who)
        if candidate is not None and candidate.process is not None:
            candidate.process.kill_after(steps)

    def _pause(self, who: str, lasts: float, steps: int = 0) -> None:
        """Now, or when it has had so many turns: then it is at work."""
        candidate = self._world.candidate(who)
        process = candidate.process if candidate is not None else None
        if process is None or process.is_paused:
            return
        if steps:
            process.pause_after(steps, lambda: self._for(lasts, process.resume))
        else:
            process.pause()
            self._for(lasts, process.resume)

    def _roll(self, who: str) -> None:
        """The operator is told to stop, and started anew: a rolling update of itself."""
        candidate = self._world.candidate(who)
        if candidate is not None:
            candidate.stop()

    def _clock(self, who: str, seconds: float) -> None:
        candidate = self._world.candidate(who)
        if candidate is not None:
            candidate.clock.skew += timedelta(seconds=seconds)


_REASONS = {
    "quota": "QuotaExceeded",
    "webhook": "AdmissionDenied",
    "down": "WriteFailed",
    "quoting": "Rejected",
}


def _at_home(name: str, spec: Body) -> Body:
    """The wish, in a folder of the Registry's own: users know that one bucket has one writer.

    Here and not in the plan, so that seeds go on meaning what they meant.
    """
    storage = spec.get("storage")
    return {**spec, "storage": own_folder(storage, name)} if storage else dict(spec)


def _key(name: str) -> ObjectKey:
    return ObjectKey(NAMESPACE, name)


def _forget(lags: dict[str, float], kind: str) -> None:
    lags.pop(kind, None)


def _discard(troubles: list[Trouble], trouble: Trouble) -> None:
    if trouble in troubles:
        troubles.remove(trouble)


def _refusal(why: str, resource: Resource, body: Body) -> ApiError:
    if why == "quoting":
        message = f"{resource.kind} is invalid: data: Invalid value: {body.get('data')}"
        return Invalid(422, reason="Invalid", message=message)
    if why == "quota":
        message = f"{resource.plural} is forbidden: exceeded quota: small, requested: 1, used: 0"
        return Forbidden(403, reason="Forbidden", message=message)
    if why == "webhook":
        message = 'admission webhook "policy.example.org" denied the request: not today'
        return Forbidden(403, reason="Forbidden", message=message)
    message = 'failed calling webhook "policy.example.org": connection refused'
    return InternalError(500, reason="InternalError", message=message)
