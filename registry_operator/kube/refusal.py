"""Reading the body and the headers of a refusal, before anybody may see them.

In flow bytes that a server or a proxy sent, and what was asked; out flow the fields of a meta/v1
Status, without what would quote a Secret that we sent.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

_LONGEST_BODY: Final = 256


def cut(body: bytes) -> str:
    """Return the beginning of a body that is no Status, on one line."""
    return " ".join(body.decode("utf-8", "replace").split())[:_LONGEST_BODY]


def status_fields(body: bytes) -> dict[str, Any] | None:
    """Decode a meta/v1 Status; None when the body is something else."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) and fields.get("kind") == "Status" else None


def quotes_secret(status: int, *, method: str, path: str, structured: bool) -> bool:
    """Whether the answer may quote a Secret: it refuses what one holds, or is no Status at all."""
    writes_secret = method in {"POST", "PUT", "PATCH"} and "/secrets" in path
    return writes_secret and (not structured or status in {400, 422})


def scrubbed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of a Status the reason and the paths of the fields, nothing of their values."""
    details = fields.get("details") or {}
    causes = [{"field": c.get("field", "")} for c in details.get("causes") or ()]
    named = ", ".join(c["field"] for c in causes if c["field"])
    message = (
        f"refused fields: {named}" if named else "the answer is withheld: it may quote a Secret"
    )
    return {"reason": fields.get("reason", ""), "message": message, "details": {"causes": causes}}


def parse_retry_after(value: str | None) -> float | None:
    """Read the seconds of a Retry-After header (RFC 9110 10.2.3).

    The date form, which no API server sends, is None.
    """
    if value is None or not (value.isascii() and value.strip().isdigit()):
        return None
    return float(value)
