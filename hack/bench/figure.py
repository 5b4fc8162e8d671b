"""One figure: what was measured, what it is compared with, and whether the targets hold.

In flow numbers; out flows one JSON line, and for the plots a record with the samples behind it.
Targets are limits or multiples of a baseline that was measured in the same run: ratios travel
between machines, seconds do not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

FLOOR = "bare client"
KOPF = "kopf"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a figure is compared with, in the figure's unit."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bound; with `of` it is a multiple of the baseline of that name."""

    bound: float
    at_least: bool = False
    of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`name` says what in words that stay the same, so that runs can be compared.

    `registries` is how many there were, None where that does not matter. `samples` are what value
    and baselines were made of, by whose they are; in the figure's unit.
    """

    name: str
    value: float
    unit: str
    registries: int | None = None
    baselines: Sequence[Baseline] = ()
    targets: Sequence[Target] = ()
    samples: Mapping[str, Sequence[float]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def holds(self) -> bool | None:
        """Whether every target is reached; None where there is none."""
        if not self.targets:
            return None
        return all(map(self._reached, self.targets))

    def line(self) -> str:
        """The figure as a line of JSON."""
        return json.dumps(self._told())

    def record(self) -> dict[str, Any]:
        """The same with the samples, for a file of results."""
        samples = {name: list(map(_rounded, values)) for name, values in self.samples.items()}
        return self._told() | ({"samples": samples} if samples else {})

    def _told(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "registries": self.registries,
            "value": _rounded(self.value),
            "unit": self.unit,
            "baselines": {
                one.name: {"value": _rounded(one.value), "ratio": self._ratio(one)}
                for one in self.baselines
            },
            "target": " and ".join(map(self._worded, self.targets)) or None,
            "holds": self.holds,
        }

    def _reached(self, target: Target) -> bool:
        bound = self._bound(target)
        return self.value >= bound if target.at_least else self.value <= bound

    def _bound(self, target: Target) -> float:
        if not target.of:
            return target.bound
        for baseline in self.baselines:
            if baseline.name == target.of:
                return target.bound * baseline.value
        raise ValueError(f"{self.name}: a multiple of {target.of}, which was not measured")

    def _worded(self, target: Target) -> str:
        sign = ">=" if target.at_least else "<="
        if not target.of:
            return f"{sign} {target.bound:g}"
        return f"{sign} {target.bound:g} x {target.of} ({_rounded(self._bound(target)):g})"

    def _ratio(self, baseline: Baseline) -> float | None:
        return _rounded(self.value / baseline.value) if baseline.value else None


def _rounded(value: float) -> float:
    return round(value) if abs(value) >= 1000 else float(f"{value:.4g}")
