"""The one exception of the local cluster: what failed, why, and what the reader can do about it."""

from __future__ import annotations


class ClusterError(Exception):
    """Something that the local cluster needs is missing or failed.

    `what` is the component or step, `why` the reason (last lines of its output, when there are
    any), `cure` what to do.
    """

    def __init__(self, what: str, why: str, *, cure: str = "") -> None:
        self.what, self.why, self.cure = what, why.strip(), cure
        text = f"{what}: {self.why}"
        super().__init__(f"{text}\n  what to do: {cure}" if cure else text)
