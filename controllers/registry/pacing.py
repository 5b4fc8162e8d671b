"""Which changes of a status are told at once, and how long the others wait for the next one.

In: the status as it stands and as it should be, the outcomes, the time. Out: seconds to wait. Each
step of a rollout is a true change, yet none of them helps anybody who waits for the last one, and a
write for each is what the cluster's own controllers have to compete with. So a turn of `Ready`, any
trouble and every new generation, a template's included, are told at once, progress after some
seconds of what it is then. The more Registries progress at the same time, the longer: a fleet that
moves as one is watched as one. While few do, a turn of a change of the pods (Canary, Rolling, …) is
told at once, as somebody looks on.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from controllers.registry.reasons import Gravity, gravity_of
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcomes import Recorded

# At most one status a second tells of progress, and no Registry waits for longer than two minutes.
_SHORTEST: Final = 5.0
_EACH: Final = 1.0
_LONGEST: Final = 120.0
_FEW: Final = 5

# What a reconciler waits for while another of the same Registry is about to do it.
_PASSING: Final = frozenset(
    {
        "WaitingForConfiguration",
        "WaitingForIdentity",
        "WaitingForFinalizer",
        "WaitingForAutoscaler",
        "SecretNotRead",
    }
)
_GRAVE: Final = frozenset({Gravity.TROUBLE, Gravity.STALL})


def is_news(
    before: Mapping[str, Any], after: Mapping[str, Any], outcomes: Iterable[Recorded]
) -> bool:
    """Whether to tell at once: Ready turned, trouble came or went, a new generation was seen.

    Not while reconcilers of the Registry only wait for each other.
    """
    if _gist(before) == _gist(after):
        return False
    return not any(getattr(one.outcome, "reason", "") in _PASSING for one in outcomes)


def _gist(status: Mapping[str, Any]) -> tuple[object, ...]:
    conditions = status.get("conditions") or ()
    ready = next((one["status"] for one in conditions if one["type"] == "Ready"), None)
    troubles = {
        (one["type"], one["reason"])
        for one in conditions
        if one["status"] != "True" and gravity_of(one["reason"]) in _GRAVE
    }
    return status.get("observedGeneration"), status.get("template"), ready, troubles


def is_turn(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a change of the pods began, came to another phase, or ended."""
    return _phase(before) != _phase(after)


def _phase(status: Mapping[str, Any]) -> str:
    return str((status.get("upgrade") or {}).get("phase", ""))


class Pacer:
    """The Registries of whom something is held back. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._since: dict[ObjectKey, float] = {}
        # The last of a fleet waits as long as all did.
        self._most = 0
        self._most_at = 0.0

    def __len__(self) -> int:
        return len(self._since)

    def wait(self, key: ObjectKey, *, now: float, turns: bool = False) -> float:
        """How long to hold back what is held back of this Registry, at first or still; 0: tell.

        `turns`: it is a turn, which waits only where many Registries progress.
        """
        since = self._since.setdefault(key, now)
        if len(self._since) >= self._most or now - self._most_at > _LONGEST:
            self._most, self._most_at = len(self._since), now
        if turns and self._most <= _FEW:
            return 0.0
        patience = min(max(_SHORTEST, _EACH * self._most), _LONGEST)
        return max(0.0, since + patience - now)

    def told(self, key: ObjectKey) -> None:
        """Nothing is held back of this Registry any more."""
        self._since.pop(key, None)
