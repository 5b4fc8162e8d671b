"""What the registry's counters say of its volume, and what is made of them."""

from collections.abc import Mapping
from typing import Any

import pytest

from controllers.registry.uploads import (
    Look,
    Uploads,
    UploadsProber,
    is_asked,
    judge,
    message,
    parse,
)
from registry_operator.testing.builders import CLAIM, a_pod, a_registry, an_object, deleting
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry.prober_stage import ProberStage
from tests.unit.controllers.registry_stage import RegistryStage

OWNER = a_registry()
ON_CLAIM: Mapping[str, Any] = {"persistentVolumeClaim": {"claimName": "images-data"}}
BEGUN = ("202", "blob_upload", "post")
NOT_BEGUN = ("500", "blob_upload", "post")
MOUNTED = ("201", "blob_upload", "post")
STORED = ("201", "blob_upload_chunk", "put")
TAGGED = ("201", "manifest", "put")
NOT_TAGGED = ("500", "manifest", "put")
BROKEN_OFF = ("500", "blob_upload_chunk", "patch")


def answer(*counted: tuple[tuple[str, str, str], object]) -> bytes:
    """What the registry answers when asked for its metrics; each is counted so often."""
    lines = [
        "# HELP go_goroutines Number of goroutines that currently exist.",
        'registry_http_in_flight_requests{handler="manifest"} 0',
        *(
            f'registry_http_requests_total{{code="{code}",handler="{handler}",method="{method}"}} '
            f"{count}"
            for (code, handler, method), count in counted
        ),
    ]
    return "\n".join((*lines, "")).encode()


def on_volume(
    name: str = "p",
    *,
    source: Mapping[str, Any] = ON_CLAIM,
    read_only: bool = False,
    **fields: Any,
) -> dict[str, Any]:
    """A ready pod that mounts the volume with the images."""
    mount = {"name": "data", "mountPath": "/var/lib/registry"}
    spec = {
        "containers": [
            {
                "name": "registry",
                "volumeMounts": [
                    {"name": "config", "mountPath": "/etc/distribution", "readOnly": True},
                    {**mount, "readOnly": True} if read_only else mount,
                ],
            }
        ],
        "volumes": [{"name": "config", "secret": {"secretName": "c"}}, {"name": "data", **source}],
    }
    return {**a_pod(OWNER, name, **{"ready": True, **fields}), "spec": spec}


@pytest.mark.parametrize(
    ("counted", "uploads"),
    [
        ([], Uploads()),
        ([(NOT_BEGUN, 3)], Uploads(failed=3)),
        ([(NOT_TAGGED, 1), (NOT_BEGUN, 2)], Uploads(failed=3)),
        ([(("503", "blob_upload", "post"), 1)], Uploads(failed=1)),
        ([(STORED, 2), (TAGGED, 1), (MOUNTED, 4)], Uploads(finished=7)),
        ([(NOT_BEGUN, "1.234567e+06"), (STORED, "1e+06")], Uploads(1_234_567, 1_000_000)),
        ([(BEGUN, 9), (("202", "blob_upload_chunk", "patch"), 9)], Uploads()),
        ([(BROKEN_OFF, 9), (("500", "blob_upload_chunk", "put"), 9)], Uploads()),
        ([(("404", "blob_upload", "post"), 9), (("500", "manifest", "get"), 9)], Uploads()),
        ([(NOT_BEGUN, "NaN"), (NOT_BEGUN, "+Inf"), (NOT_BEGUN, "-1")], Uploads()),
        ([(NOT_BEGUN, "9" * 400), (NOT_BEGUN, "1.2.3e+10"), (NOT_BEGUN, "")], Uploads()),
    ],
)
def test_what_is_counted_is_what_no_client_does_by_itself(
    counted: list[tuple[tuple[str, str, str], object]], uploads: Uploads
) -> None:
    assert parse(answer(*counted)) == uploads


def test_the_order_of_labels_does_not_matter() -> None:
    line = b'registry_http_requests_total{method="post",more="x",handler="blob_upload",code="500"}'

    assert parse(answer() + line + b" 2\n") == Uploads(failed=2)


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"404 page not found\n",
        b"{}",
        b"<html>\n",
        b"\x1f\x8b\xff\n",
        b"go_goroutines 10\n",
        answer((STORED, 10))[:-2],
        answer((STORED, 10))[:-1],
    ],
)
def test_an_answer_that_is_cut_off_or_not_the_registrys_says_nothing(wrong: bytes) -> None:
    assert parse(wrong) is None


@pytest.mark.parametrize(
    ("looks", "fails"),
    [
        ([Uploads()], False),
        ([Uploads(failed=1)], True),
        ([Uploads(failed=1, finished=1)], False),
        ([Uploads(failed=1, finished=1), Uploads(failed=2, finished=1)], True),
        ([Uploads(finished=5), Uploads(failed=1, finished=5)], True),
        ([Uploads(finished=5), Uploads(failed=1, finished=6)], False),
        ([Uploads(failed=1), Uploads(failed=1)], True),
        ([Uploads(failed=1), Uploads(failed=2), Uploads(failed=2, finished=1)], False),
        ([Uploads(failed=1), Uploads(failed=1, finished=1), Uploads(failed=1, finished=1)], False),
    ],
)
def test_writes_fail_while_uploads_fail_and_none_is_finished(
    looks: list[Uploads],
    fails: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    held = Look()
    for uploads in looks:
        held = judge(held, uploads)

    assert held == Look(looks[-1], fails=fails)


def test_a_process_that_began_anew_counts_from_zero_and_what_was_held_stays() -> None:
    sound = Look(Uploads(failed=5, finished=9))
    failing = Look(Uploads(failed=5, finished=9), fails=True)

    assert judge(sound, Uploads(failed=2)).fails
    assert judge(failing, Uploads()).fails
    assert not judge(failing, Uploads(finished=1)).fails


@pytest.mark.parametrize(
    ("pod", "asked"),
    [
        (on_volume(), True),
        (on_volume(source={"emptyDir": {}}), True),
        (on_volume(source={"hostPath": {"path": "/srv"}}), True),
        (on_volume(ready=False), False),
        (on_volume(phase="Pending"), False),
        (deleting(on_volume()), False),
        (on_volume(read_only=True), False),
        (on_volume(source={"persistentVolumeClaim": {"claimName": "x", "readOnly": True}}), False),
        ({**on_volume(), "spec": {"containers": [{"name": "registry"}]}}, False),
        (a_pod(OWNER, ready=True), False),
    ],
)
def test_only_a_ready_pod_that_writes_to_a_volume_is_asked(
    pod: dict[str, Any],
    asked: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert is_asked(an_object(pod)) is asked


def test_the_message_names_both_causes_and_their_cures() -> None:
    told = message(an_object(on_volume()))

    assert "PersistentVolumeClaim images-data" in told
    assert "kubelet_volume_stats_available_bytes" in told
    assert "spec.storage.persistentVolumeClaimTemplate" in told
    assert "collect garbage" in told
    assert "65532" in told
    assert "fsGroup" in told
    assert "until a push succeeds" in told


def test_the_message_names_no_claim_where_there_is_none() -> None:
    told = message(an_object(on_volume(source={"emptyDir": {}})))

    assert "its volume" in told
    assert "laim" not in told


Watch = ProberStage[UploadsProber]


@pytest.fixture
async def watch(clock: VirtualClock) -> Watch:
    return Watch(clock, UploadsProber, pod=on_volume, answer=answer())


FAILING = answer((NOT_BEGUN, 1))


@pytest.mark.virtual
class TestProber:
    async def test_a_ready_pod_is_asked_calmly_and_a_failure_told_once(self, watch: Watch) -> None:
        watch.answer = FAILING
        async with watch.running():
            pod = watch.show()
            await watch.clock.sleep(299)
            found = watch.prober.of(pod)

        assert watch.asked == ["10.0.0.7/metrics"] * 10
        assert watch.told == ["p"]
        assert found is not None
        assert (found.pod, found.reason) == (pod.uid, "VolumeNotWritten")

    async def test_nobody_is_asked_where_there_is_nobody_to_ask(self, watch: Watch) -> None:
        async with watch.running():
            watch.show(ready=False)
            watch.show("q", read_only=True)
            await watch.clock.sleep(600)

        assert watch.asked == []

    async def test_it_heals_with_the_next_upload_that_is_finished(self, watch: Watch) -> None:
        async with watch.running():
            pod = watch.show()
            await watch.look(FAILING)
            await watch.look(answer((NOT_BEGUN, 1), (BEGUN, 1)))
            assert watch.prober.of(pod) is not None
            await watch.look(answer((NOT_BEGUN, 1), (BEGUN, 1), (STORED, 1)))
            assert watch.prober.of(pod) is None

        assert watch.told == ["p"] * 2

    @pytest.mark.parametrize("said", [TimeoutError(), ConnectionRefusedError(), b"not found\n"])
    async def test_no_answer_or_a_wrong_one_changes_nothing(
        self, watch: Watch, said: bytes | Exception
    ) -> None:
        async with watch.running():
            pod = watch.show()
            await watch.look(said)
            assert watch.prober.of(pod) is None
            await watch.look(FAILING)
            await watch.look(said)
            assert watch.prober.of(pod) is not None

        assert watch.told == ["p"]

    async def test_what_is_held_of_a_pod_is_kept_back_while_it_is_unready_and_dropped_with_it(
        self, watch: Watch
    ) -> None:
        async with watch.running():
            watch.show()
            await watch.look(FAILING)
            assert watch.prober.of(watch.show(ready=False)) is None
            pod = watch.show()
            assert watch.prober.of(pod) is not None
            watch.writer.remove(pod)
            watch.show()
            assert watch.prober.of(pod) is None

    async def test_each_pod_is_judged_by_itself(self, watch: Watch) -> None:
        async with watch.running():
            first = watch.show()
            await watch.look(FAILING)
            second = watch.show("q")
            await watch.look(answer())

        assert watch.prober.of(first) is not None
        assert watch.prober.of(second) is None


@pytest.mark.virtual
async def test_a_registry_whose_pushes_fail_is_told_so_while_it_serves_until_one_succeeds(
    clock: VirtualClock,
) -> None:
    stage = RegistryStage(clock)
    async with stage.running():
        stage.create(storage=CLAIM)
        await stage.settle(60)
        assert stage.told() == ("True", "Ready")

        stage.counters = answer((NOT_BEGUN, 1))
        await stage.settle(60)
        assert stage.told("StorageReady") == ("False", "VolumeNotWritten")
        assert stage.told() == ("False", "VolumeNotWritten")
        assert stage.told("Available") == ("True", "Serving")
        assert "PersistentVolumeClaim images-data" in stage.message("StorageReady")

        stage.new_writes()
        for failed in range(2, 12):
            stage.counters = answer((NOT_BEGUN, failed))
            await stage.settle(30)
        assert stage.new_writes() == []

        stage.counters = answer((NOT_BEGUN, 11), (STORED, 1))
        await stage.settle(60)
        assert stage.told() == ("True", "Ready")
        assert stage.told("StorageReady") == ("True", "StorageInUse")
