import orjson
import pytest

from hack.bench.recording import Recording, record
from hack.bench.sample import SIZE, a_deployment
from registry_operator.kube.object import Object


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record()


def test_every_child_is_written_once_and_the_status_last(recording: Recording) -> None:
    kinds = [request.path.split("/")[-2] for request in recording.writes[:-1]]

    assert sorted(kinds) == ["deployments", "secrets", "secrets", "serviceaccounts", "services"]
    assert recording.writes[-1].path.endswith("/status")
    assert recording.children == 5


def test_a_recorded_write_can_be_repeated(recording: Recording) -> None:
    bodies = [orjson.loads(request.body or b"") for request in recording.writes]

    assert all("resourceVersion" not in body["metadata"] for body in bodies)


def test_a_recording_retold_is_about_the_other_registry_only(recording: Recording) -> None:
    retold = recording.retold(namespace="team-b", name="copies", uid="its-uid")

    for request in retold:
        body = orjson.loads(request.body or b"")
        assert body["metadata"]["namespace"] == "team-b"
        assert body["metadata"]["name"].startswith("copies")
        assert recording.uid not in (request.body or b"").decode()
    owner = orjson.loads(retold[0].body or b"")["metadata"]["ownerReferences"][0]
    assert (owner["name"], owner["uid"]) == ("copies", "its-uid")


def test_a_sample_has_its_size_without_managed_fields(recording: Recording) -> None:
    raw = a_deployment(recording, 7)

    assert len(raw) > SIZE
    assert Object.decode(raw, without_managed_fields=True).size == SIZE
