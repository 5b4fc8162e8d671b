"""Whether to repeat a refused request, decided purely.

In flow the request, the answer and how often we tried; out flows the seconds to wait, or None.
Only answers that carry Retry-After are repeated, as client-go does: 429 always, since the server
did not act; 503 only where acting twice ends like acting once.
"""

from dataclasses import dataclass

from registry_operator.kube.exchange import Request, Response
from registry_operator.kube.refusal import parse_retry_after


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`tries` counts the first one.

    A server that asks for more than `longest_wait` seconds is not waited for.
    """

    tries: int = 5
    longest_wait: float = 30.0

    def delay(self, request: Request, response: Response, *, tried: int) -> float | None:
        """Return the seconds to wait before the next try, None to hand the answer on."""
        may_repeat = response.status == 429 or (response.status == 503 and request.is_idempotent)
        wait = parse_retry_after(response.headers.get("retry-after"))
        if not may_repeat or tried >= self.tries or wait is None or wait > self.longest_wait:
            return None
        return wait
