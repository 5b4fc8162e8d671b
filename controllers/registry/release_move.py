"""What is to be said of the move from the release that runs to that of the image that is wanted.

In: the snapshot, the template that runs. Out: why the move is not made, and what to know of it.
Pure; the knowledge is in registry_operator.distribution.upgrade. A change that keeps the image is
no move.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from controllers.registry import releases
from controllers.registry.configuration import Configuration
from registry_operator.distribution.exposure import uses_of
from registry_operator.distribution.finding import Finding, Severity
from registry_operator.distribution.upgrade import Move, judge

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs


@dataclass(frozen=True, slots=True)
class Advice:
    """Why a move is not made ("" when it may be), and what its user should know of it."""

    refusal: str = ""
    words: str = ""


def advise(inputs: "RegistryInputs", before: Mapping[str, Any]) -> Advice:
    """On the move from the image of a template to that of the specification."""
    plan = inputs.configuration
    image = before["spec"]["containers"][0]["image"]
    if image == inputs.wanted.image or not isinstance(plan, Configuration):
        return Advice()
    configuration = yaml.load(plan.text, Loader=yaml.CSafeLoader)
    running = releases.of_image(image, inputs.children.deployment)
    move = Move(running, plan.release)
    found = judge(move, uses=uses_of(configuration), configuration=configuration)
    errors = [one for one in found if one.severity is Severity.ERROR]
    refused = errors if inputs.wanted.upgrade.policy == "Supported" else []
    return Advice(_words(refused), _words([one for one in found if one not in refused]))


def _words(found: list[Finding]) -> str:
    return "; ".join(f"{one.reason}: {one.message}" for one in found)
