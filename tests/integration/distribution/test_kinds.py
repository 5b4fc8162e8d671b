"""Every kind of storage that a Registry can ask for, planned by the operator, and a program starts.

Google's and Azure's are in test_drivers.py, as far as a program goes without them.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from controllers.registry.inputs import Referent, RegistryInputs
from controllers.registry.storage import DATA_DIRECTORY, StoragePlan
from hack.cluster.aws import Keys
from registry_operator.api.storage import Kind
from registry_operator.distribution.configuration import Settings, render
from registry_operator.distribution.release import Release
from registry_operator.testing.builders import (
    CLAIM,
    COSI,
    EMPTY_DIR,
    NAMED_CLAIM,
    a_registry,
    an_object,
)
from registry_operator.testing.claims import a_bucket_info, a_volume_claim
from tests.integration.distribution.programs import CAN_MOUNT, request, started, with_mounts
from tests.integration.distribution.stores import seaweedfs
from tests.unit.controllers.registry.snapshots import a_snapshot, granted, having, holding

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not CAN_MOUNT, reason="mounting needs root"),
]

_BUCKET, _KEY, _SECRET = "bucket-1", "AKIAEXAMPLE", "wJalrXUtnFEMI"
_FRESH = f"mount -t tmpfs tmpfs /var/lib && mkdir {DATA_DIRECTORY}"


def _s3(store: str) -> RegistryInputs:
    said = {"bucket": _BUCKET, "endpoint": store, "secretRef": {"name": "s3-keys"}}
    keys = holding(accessKey=_KEY, secretKey=_SECRET)
    return a_snapshot(a_registry(storage={"s3": said}), credentials=keys)


def _cosi(store: str) -> RegistryInputs:
    info = a_bucket_info(access_key=_KEY, secret_key=_SECRET)
    info = info.replace("http://s3.example.com:9000", store)
    return granted(
        a_registry(storage=COSI), credentials=having({"images-bucket": {"BucketInfo": info}})
    )


def _on(storage: Any, **modes: Any) -> Callable[[str], RegistryInputs]:
    def inputs(_store: str) -> RegistryInputs:
        registry = a_registry(storage=storage)
        claim = Referent(known=True, found=an_object(a_volume_claim(registry, **modes)))
        return a_snapshot(registry, volume_claim=claim, allows_host_path=True)

    return inputs


KINDS: dict[str, Callable[[str], RegistryInputs]] = {
    "s3": _s3,
    "bucket": _cosi,
    "emptyDir": _on(EMPTY_DIR),
    "ephemeral": _on(
        {"ephemeral": {"volumeClaimTemplate": {"spec": CLAIM["persistentVolumeClaimTemplate"]}}}
    ),
    "hostPath": _on({"hostPath": {"path": "/srv/images"}}),
    "persistentVolumeClaim": _on(NAMED_CLAIM),
    "persistentVolumeClaim, read only": _on(
        {"persistentVolumeClaim": {"claimName": "theirs", "readOnly": True}}
    ),
    "persistentVolumeClaimTemplate": _on(CLAIM),
    "persistentVolumeClaimTemplate, shared": _on(
        {**CLAIM, "shareVolume": True}, accessModes=["ReadWriteMany"]
    ),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an S3 store with one bucket."""
    folder = tmp_path_factory.mktemp("s3")
    with seaweedfs(folder, keys=Keys(access=_KEY, secret=_SECRET), bucket=_BUCKET) as url:
        yield url


def test_every_kind_is_tried() -> None:
    elsewhere = {"gcs", "azure"}

    assert {name.partition(",")[0] for name in KINDS} | elsewhere == set(get_args(Kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_program_starts_on_what_is_planned_for_it(
    kind: str, release: Release, binary: Path, store: str, tmp_path: Path
) -> None:
    plan = KINDS[kind](store).storage
    assert isinstance(plan, StoragePlan), plan

    def configure(address: str, debug_address: str) -> dict[str, Any]:
        settings = Settings(storage=plan.driver, address=address, debug_address=debug_address)
        return render(settings, release=release)

    program = with_mounts(binary, tmp_path / "run", mounts=_FRESH)
    with started(program, configure, tmp_path) as registry:
        assert registry.wait(), registry.log.read_text()
        assert request("GET", f"{registry.url}/v2/").status == 200
        upload = request("POST", f"{registry.url}/v2/team/images/blobs/uploads/")
        assert upload.status == (405 if "read only" in kind else 202), registry.log.read_text()
