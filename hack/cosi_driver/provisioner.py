"""What COSI asks of a driver, decided: buckets made and deleted, access granted and revoked.

In flow requests of the proto; out flow responses, or a `RefusedError`. Nothing is remembered: an
account's keys follow from its name and the driver's own secret, so that a grant which is asked for
again, by a sidecar that lost the first answer, hands out the keys that the Secret may hold already.
A grant never answers ALREADY_EXISTS: the sidecar ends when it hears that.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable

from grpc import StatusCode

from hack.cluster.aws import Keys
from hack.cosi_driver.proto import cosi_pb2 as pb
from hack.cosi_driver.rpc import Function, RefusedError
from hack.cosi_driver.store import Store, StoreError

NAME = "seaweedfs.registry-operator.dev"
# The controller says that a claim is not ready after it made the Bucket: a driver that answers
# sooner lets the sidecar say that it is ready before, and the claim is never ready again.
SECONDS_AT_LEAST = 0.3


class Provisioner:
    """The driver of `store`, which serves users at `endpoint` in `region`."""

    def __init__(
        self,
        store: Store,
        *,
        endpoint: str,
        region: str,
        secret: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._endpoint = endpoint
        self._region = region
        self._secret = secret.encode()
        self._sleep = sleep

    def identity(self) -> dict[str, Function]:
        """The methods of service Identity."""
        return {"DriverGetInfo": self.get_info}

    def provisioner(self) -> dict[str, Function]:
        """The methods of service Provisioner."""
        return {
            "DriverCreateBucket": _told(self.create_bucket),
            "DriverDeleteBucket": _told(self.delete_bucket),
            "DriverGrantBucketAccess": _told(self.grant_access),
            "DriverRevokeBucketAccess": _told(self.revoke_access),
        }

    def get_info(self, _request: pb.DriverGetInfoRequest) -> pb.DriverGetInfoResponse:
        """The driver's name, by which classes ask for it."""
        return pb.DriverGetInfoResponse(name=NAME)

    def create_bucket(self, request: pb.DriverCreateBucketRequest) -> pb.DriverCreateBucketResponse:
        """A bucket of that name."""
        _required(name=request.name)
        _without(request.parameters)
        self._sleep(SECONDS_AT_LEAST)
        self._store.make_bucket(request.name)
        protocol = pb.Protocol(s3=pb.S3(region=self._region, signature_version=pb.S3V4))

        return pb.DriverCreateBucketResponse(bucket_id=request.name, bucket_info=protocol)

    def delete_bucket(self, request: pb.DriverDeleteBucketRequest) -> pb.DriverDeleteBucketResponse:
        """No bucket of that name any more."""
        _required(bucket_id=request.bucket_id)
        self._store.delete_bucket(request.bucket_id)

        return pb.DriverDeleteBucketResponse()

    def grant_access(
        self, request: pb.DriverGrantBucketAccessRequest
    ) -> pb.DriverGrantBucketAccessResponse:
        """Keys for one bucket."""
        _required(bucket_id=request.bucket_id, name=request.name)
        _without(request.parameters)
        if request.authentication_type != pb.Key:
            raise RefusedError(StatusCode.INVALID_ARGUMENT, "authenticationType must be Key")
        if not self._store.has_bucket(request.bucket_id):
            raise RefusedError(StatusCode.NOT_FOUND, f"there is no bucket {request.bucket_id}")

        keys = self._keys(request.name)
        self._store.make_account(request.name, keys, bucket=request.bucket_id)
        secrets = {
            "endpoint": self._endpoint,
            "region": self._region,
            "accessKeyID": keys.access,
            "accessSecretKey": keys.secret,
        }

        return pb.DriverGrantBucketAccessResponse(
            account_id=request.name, credentials={"s3": pb.CredentialDetails(secrets=secrets)}
        )

    def revoke_access(
        self, request: pb.DriverRevokeBucketAccessRequest
    ) -> pb.DriverRevokeBucketAccessResponse:
        """Keys that reach nothing any more."""
        _required(account_id=request.account_id)
        self._store.delete_account(request.account_id, self._keys(request.account_id).access)

        return pb.DriverRevokeBucketAccessResponse()

    def _keys(self, account: str) -> Keys:
        access, secret = (
            hmac.digest(self._secret, f"cosi/{part}/{account}".encode(), "sha256").hex()
            for part in ("access", "secret")
        )

        return Keys(access=access[:20].upper(), secret=secret[:40])


def _told(function: Function) -> Function:
    """The same with refusals of the store as refusals of the call."""

    def call(request: object) -> object:
        try:
            return function(request)
        except StoreError as error:
            raise RefusedError(StatusCode.INTERNAL, str(error)) from error

    return call


def _required(**fields: str) -> None:
    for name, value in fields.items():
        if not value:
            raise RefusedError(StatusCode.INVALID_ARGUMENT, f"{name} is missing")


def _without(parameters: object) -> None:
    """Refuses parameters of a class: there are none, and a misspelt wish is better refused."""
    if parameters:
        raise RefusedError(StatusCode.INVALID_ARGUMENT, "this driver knows no parameters")
