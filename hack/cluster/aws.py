"""Requests in the way of Amazon's services: S3 and IAM of the cluster's store, signed by its keys.

In flow an endpoint, a region and keys; out flow answers. Requests are few and small (a bucket, a
user, a form), so that a signature of Version 4 over them is all that is needed of Amazon's SDK.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

FORM = "application/x-www-form-urlencoded"
_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """An access key and its secret; `repr` shows only the first."""

    access: str
    secret: str

    def __repr__(self) -> str:
        return f"Keys(access={self.access!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request without query; `service` is `s3` or `iam`, and a body is a form."""

    method: str
    path: str
    service: str = "s3"
    form: bytes = b""


class Client:
    """Whoever has `keys`, at the store that serves at `endpoint`."""

    def __init__(
        self,
        endpoint: str,
        region: str,
        keys: Keys,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.endpoint = endpoint
        self.region = region
        self.keys = keys
        self._host = urlsplit(endpoint).netloc
        self._now = now

    def s3(self, method: str, path: str) -> tuple[int, str]:
        """Status and body of a request about buckets. Raises OSError when there is no answer."""
        return self._send(Request(method=method, path=path))

    def iam(self, action: str, **values: str) -> tuple[int, str]:
        """Status and body of an action about users. Raises OSError when there is no answer."""
        form = urlencode({"Action": action, "Version": "2010-05-08", **values}).encode()

        return self._send(Request(method="POST", path="/", service="iam", form=form))

    def _send(self, request: Request) -> tuple[int, str]:
        headers = signed_headers(
            request, self.keys, host=self._host, region=self.region, now=self._now()
        )
        connection = http.client.HTTPConnection(self._host, timeout=_SECONDS)
        try:
            connection.request(request.method, request.path, request.form or None, dict(headers))
            answer = connection.getresponse()

            return answer.status, answer.read().decode()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()


def signed_headers(
    request: Request, keys: Keys, *, host: str, region: str, now: datetime
) -> Mapping[str, str]:
    """The headers of Signature Version 4 for a request.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    """
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    content = hashlib.sha256(request.form).hexdigest()
    headers = {"content-type": FORM} if request.form else {}
    headers |= {"host": host, "x-amz-content-sha256": content, "x-amz-date": stamp}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"{request.method}\n{request.path}\n\n{lines}\n{names}\n{content}"
    scope = f"{day}/{region}/{request.service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    key = f"AWS4{keys.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")

    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={keys.access}/{scope}"
    authorization = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"

    return headers | {"authorization": authorization}
