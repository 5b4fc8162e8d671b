"""A SeaweedFS in memory, as far as the driver speaks to it."""

from __future__ import annotations

import json
from typing import Any

OK = (200, "")


class FakeStore:
    """Buckets and users by name; `down` answers nothing, `refuses` answers 403 to an action."""

    def __init__(self) -> None:
        self.buckets: set[str] = set()
        self.users: dict[str, dict[str, Any]] = {}
        self.down = False
        self.refuses = ""

    def keys(self, user: str) -> dict[str, str]:
        keys: dict[str, str] = self.users[user]["keys"]
        return keys

    def policy(self, user: str) -> Any:
        return json.loads(self.users[user]["policies"]["bucket"])

    def s3(self, method: str, path: str) -> tuple[int, str]:
        self._answer()
        name, there = path[1:], path[1:] in self.buckets
        if self.refuses == method:
            return _error(403, "AccessDenied")
        if method == "PUT":
            self.buckets.add(name)
            return _error(409, "BucketAlreadyExists") if there else OK
        if not there:
            return _error(404, "NoSuchBucket")
        if method == "DELETE":
            self.buckets.remove(name)
            return 204, ""

        return OK

    def iam(self, action: str, **values: str) -> tuple[int, str]:
        self._answer()
        if self.refuses == action:
            return _error(403, "AccessDenied")

        answer: tuple[int, str] = getattr(self, f"_{action}")(values)
        return answer

    def _answer(self) -> None:
        if self.down:
            raise ConnectionRefusedError("connection refused")

    def _CreateUser(self, values: dict[str, str]) -> tuple[int, str]:  # noqa: N802 - IAM's names
        if values["UserName"] in self.users:
            return _error(409, "EntityAlreadyExists")
        self.users[values["UserName"]] = {"policies": {}, "keys": {}}
        return OK

    def _PutUserPolicy(self, values: dict[str, str]) -> tuple[int, str]:  # noqa: N802 - as above
        user = self.users[values["UserName"]]
        user["policies"][values["PolicyName"]] = values["PolicyDocument"]
        return OK

    def _CreateAccessKey(self, values: dict[str, str]) -> tuple[int, str]:  # noqa: N802 - as above
        if any(values["AccessKeyId"] in user["keys"] for user in self.users.values()):
            return _error(409, "EntityAlreadyExists")
        self.keys(values["UserName"])[values["AccessKeyId"]] = values["SecretAccessKey"]
        return OK

    def _DeleteAccessKey(self, values: dict[str, str]) -> tuple[int, str]:  # noqa: N802 - as above
        if values["UserName"] in self.users:
            self.keys(values["UserName"]).pop(values["AccessKeyId"], None)
        return OK

    def _DeleteUser(self, values: dict[str, str]) -> tuple[int, str]:  # noqa: N802 - as above
        if self.users.pop(values["UserName"], None) is None:
            return _error(404, "NoSuchEntity")
        return OK


def _error(status: int, code: str) -> tuple[int, str]:
    return status, f"<Error><Code>{code}</Code><Message>very-secret</Message></Error>"
