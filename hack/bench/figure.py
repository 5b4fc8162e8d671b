"""One figure: what was measured, what it is compared with, and whether the target holds.

In flow numbers; out flows one JSON line. Targets are limits or multiples of a baseline that was
measured in the same run: ratios travel between machines, seconds do not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a figure is compared with, in the figure's unit."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bound; with `times_baseline` it is a multiple of the baseline."""

    bound: float
    at_least: bool = False
    times_baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`figure` says what in words that stay the same, so that runs can be compared."""

    figure: str
    value: float
    unit: str
    baseline: Baseline | None = None
    target: Target | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        bound = self._bound(self.target)
        return self.value >= bound if self.target.at_least else self.value <= bound

    def line(self) -> str:
        """The figure as a line of JSON."""
        return json.dumps(
            {
                "figure": self.figure,
                "value": _rounded(self.value),
                "unit": self.unit,
                "baseline": self.baseline
                and {"name": self.baseline.name, "value": _rounded(self.baseline.value)},
                "target": self.target and self._told(self.target),
                "holds": self.holds,
            }
        )

    def _bound(self, target: Target) -> float:
        if not target.times_baseline:
            return target.bound
        if self.baseline is None:
            raise ValueError(f"{self.figure}: a multiple of a baseline that is not there")
        return target.bound * self.baseline.value

    def _told(self, target: Target) -> str:
        sign = ">=" if target.at_least else "<="
        multiple = f" ({target.bound:g} x baseline)" if target.times_baseline else ""
        return f"{sign} {_rounded(self._bound(target)):g}{multiple}"


def _rounded(value: float) -> float:
    return round(value) if abs(value) >= 1000 else float(f"{value:.4g}")
