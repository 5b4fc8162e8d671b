"""What happens in a simulation, and when: plain data that can be printed, kept and made smaller.

In flow JSON or the steps of a generator; out flow `Plan`s. A plan and the code it runs against
decide everything: running it again gives the same run.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """At `at` (virtual seconds) do `do`, with these JSON arguments."""

    at: float
    do: str
    using: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        words = " ".join(f"{name}={json.dumps(value)}" for name, value in self.using.items())
        return f"{self.at:8.3f}s {self.do} {words}".rstrip()


@dataclass(frozen=True, slots=True)
class Plan:
    """`seed` decides what the steps leave open: orders, delays, shares of trouble."""

    seed: int
    steps: tuple[Step, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    def only(self, places: Collection[int]) -> "Plan":
        """Return the plan with just the steps at these places."""
        kept = frozenset(places)
        steps = tuple(step for place, step in enumerate(self.steps) if place in kept)
        return replace(self, steps=steps)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        steps = [asdict(step) for step in self.steps]
        return {"seed": self.seed, "options": dict(self.options), "steps": steps}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Plan":
        """Read what `to_json` wrote."""
        steps = tuple(Step(one["at"], one["do"], one["using"]) for one in data["steps"])
        return cls(data["seed"], steps, data.get("options", {}))

    def __str__(self) -> str:
        options = " ".join(f"{name}={value}" for name, value in self.options.items())
        return "\n".join([f"seed {self.seed} {options}".rstrip(), *map(str, self.steps)])
