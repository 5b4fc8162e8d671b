"""What a check of the user's input found: values, so that all findings are told at once."""

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """Whether a finding stops the roll-out (ERROR) or is only told (WARNING)."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong in the user's input.

    `path` is relative to what was checked (`http.addr`, `notifications.endpoints[0].url`); `reason`
    is a CamelCase word of the condition; `message` says what is wrong and how to cure it, without
    repeating the path.
    """

    path: str
    reason: str
    message: str
    severity: Severity = Severity.ERROR
