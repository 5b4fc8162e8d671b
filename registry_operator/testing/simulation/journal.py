"""What happened in a simulation, in order, one line each; and a digest to compare runs by.

In flow short lines of fact; out flow the last of them, for people, and the digest of all of them,
for whoever wants to know whether two runs were the same.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Sequence


class Journal:
    """Keeps the last `length` lines, and a digest of all."""

    def __init__(self, *, length: int = 4_000) -> None:
        self._lines: deque[str] = deque(maxlen=length)
        self._digest = hashlib.blake2b(digest_size=8)
        self._count = 0

    def note(self, line: str) -> None:
        """Write down what happened now."""
        stamped = f"{asyncio.get_running_loop().time():10.4f} {line}"
        self._lines.append(stamped)
        self._digest.update(stamped.encode() + b"\n")
        self._count += 1

    def tail(self, count: int = 200) -> Sequence[str]:
        """Return the last lines."""
        return list(self._lines)[-count:]

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that are the same for the same run."""
        return self._digest.hexdigest()

    def __len__(self) -> int:
        return self._count
