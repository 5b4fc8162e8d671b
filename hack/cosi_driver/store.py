"""Buckets and accounts of a SeaweedFS, by its S3 API and the IAM API on the same port.

In flow names and keys; out flows the store as asked. Everything may be asked twice: what is there
already, or is gone already, is as good as done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Protocol

from hack.cluster.aws import Keys

_POLICY = "bucket"
# Patterns where SeaweedFS knows no finer name; none of them makes, deletes or lists buckets.
ALL = ("s3:Get*", "s3:Put*", "s3:List*", "s3:DeleteObject", "s3:AbortMultipartUpload")
LIST = ("s3:List*",)
_CODE = re.compile(r"<Code>(\w+)</Code>")


class Answering(Protocol):
    """Who speaks to the store for us."""

    def s3(self, method: str, path: str) -> tuple[int, str]:
        """Status and body of a request about buckets."""

    def iam(self, action: str, **values: str) -> tuple[int, str]:
        """Status and body of an action about users."""


class StoreError(Exception):
    """The store refused; the message says what, and the store's code, but nothing that it held."""


class Store:
    """The store that `client` speaks to, as an administrator."""

    def __init__(self, client: Answering) -> None:
        self._client = client

    def has_bucket(self, name: str) -> bool:
        """Whether there is a bucket `name`."""
        return self._s3("HEAD", name, {200, 404}) == 200

    def make_bucket(self, name: str) -> None:
        """Makes bucket `name`, unless it is there."""
        self._s3("PUT", name, {200, 409})

    def delete_bucket(self, name: str) -> None:
        """Deletes bucket `name` and all that is in it, unless it is gone."""
        self._s3("DELETE", name, {204, 404})

    def make_account(
        self,
        name: str,
        keys: Keys,
        *,
        bucket: str,
        actions: Sequence[str] = ALL,
        folders: Sequence[str] = (),
    ) -> None:
        """Makes an account that may do `actions` in `bucket`, and nothing else, by `keys`.

        With `folders`, such as `a/b`: it may list the bucket, and do `actions` below those only.
        The keys come last: whoever has them can do what was granted.
        """
        self._iam("CreateUser", {409}, UserName=name)
        document = json.dumps(policy(bucket, actions, folders))
        self._iam("PutUserPolicy", UserName=name, PolicyName=_POLICY, PolicyDocument=document)
        pair = {"AccessKeyId": keys.access, "SecretAccessKey": keys.secret}
        self._iam("CreateAccessKey", {409}, UserName=name, **pair)

    def delete_account(self, name: str, access: str) -> None:
        """Deletes an account and its access key, unless they are gone."""
        self._iam("DeleteAccessKey", {404}, UserName=name, AccessKeyId=access)
        self._iam("DeleteUser", {404}, UserName=name)

    def _s3(self, method: str, bucket: str, expected: Collection[int]) -> int:
        status, text = self._client.s3(method, f"/{bucket}")
        if status not in expected:
            raise StoreError(f"{method} of bucket {bucket}: {_told(status, text)}")

        return status

    def _iam(self, action: str, also: Collection[int] = (), /, **values: str) -> None:
        status, text = self._client.iam(action, **values)
        if status != 200 and status not in also:
            raise StoreError(f"{action} of {values['UserName']}: {_told(status, text)}")


def policy(
    bucket: str, actions: Sequence[str] = ALL, folders: Sequence[str] = ()
) -> dict[str, object]:
    """What an account may do, in one bucket; if not told otherwise, all that a registry does."""
    whole = f"arn:aws:s3:::{bucket}"
    everywhere = _allow(LIST if folders else actions, [whole, f"{whole}/*"])
    below = [_allow(actions, [f"{whole}/{folder}/*" for folder in folders])] if folders else []

    return {"Version": "2012-10-17", "Statement": [*below, everywhere]}


def _allow(actions: Sequence[str], resources: Sequence[str]) -> dict[str, object]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _told(status: int, text: str) -> str:
    found = _CODE.search(text)

    return f"{status} {found[1]}" if found else str(status)
