"""Settings: what flags and environment mean together."""

import pytest

from registry_operator import __version__
from registry_operator.runtime.operator import Address
from registry_operator.settings import NAME, RunSettings, parse_address, pod_namespace


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":8080", Address("", 8080)),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("[::1]:8080", Address("::1", 8080)),
        ("localhost:65535", Address("localhost", 65535)),
    ],
)
def test_an_address_is_host_and_port(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "8080", ":", ":x", ":65536", ":-1", "host:", "host:80:x"])
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is no address such as :8080") as raised:
        parse_address(text)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:8082", Address("localhost", 8082)),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("[::1]:8082", Address("::1", 8082)),
        ("0", None),
    ],
)
def test_the_state_is_served_on_loopback_or_nowhere(text: str, address: Address | None) -> None:
    assert RunSettings(debug_bind_address=text).for_runtime(own_namespace="x").debug == address


@pytest.mark.parametrize("text", [":8082", "0.0.0.0:8082", "[::]:8082", "10.0.0.1:8082", "host:1"])
def test_an_address_that_others_could_reach_is_refused_for_the_state(text: str) -> None:
    with pytest.raises(ValueError, match="is not loopback"):
        RunSettings(debug_bind_address=text).for_runtime(own_namespace="x")


def test_the_state_tells_the_settings_and_the_version() -> None:
    about = RunSettings(namespace="team-a").for_runtime(own_namespace="x").about

    assert (about.name, about.version) == (NAME, __version__)
    assert about.settings["namespace"] == "team-a"


def test_without_election_nobody_is_asked() -> None:
    settings = RunSettings().for_runtime(own_namespace="system")

    assert settings.election is None
    assert settings.name == NAME
    assert (settings.metrics, settings.probes) == (Address("", 8080), Address("", 8081))


@pytest.mark.parametrize(("told", "namespace"), [(None, "system"), ("leases", "leases")])
def test_the_lease_is_in_the_pods_namespace_unless_told_otherwise(
    told: str | None, namespace: str
) -> None:
    settings = RunSettings(leader_elect=True, leader_election_namespace=told)
    election = settings.for_runtime(own_namespace="system").election

    assert election is not None
    assert (election.namespace, election.name) == (namespace, NAME)


def test_the_times_of_the_election_are_those_of_client_go_unless_told_otherwise() -> None:
    by_default = RunSettings(leader_elect=True).for_runtime(own_namespace="x").election
    told = RunSettings(leader_elect=True, lease_duration=6, renew_deadline=4.0, retry_period=1.5)
    as_told = told.for_runtime(own_namespace="x").election

    assert by_default is not None
    assert (by_default.lease, by_default.renew, by_default.retry) == (15, 10, 2)
    assert as_told is not None
    assert (as_told.lease, as_told.renew, as_told.retry) == (6, 4, 1.5)


@pytest.mark.parametrize(
    "times",
    [
        {"lease_duration": 10},
        {"renew_deadline": 15.0},
        {"retry_period": 9.0},
        {"renew_deadline": 2.4, "retry_period": 2.0},
    ],
)
def test_times_that_could_make_two_leaders_are_refused_by_name(times: dict[str, float]) -> None:
    settings = RunSettings(leader_elect=True, **times)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="--lease-duration, --renew-deadline, --retry-period: "):
        settings.for_runtime(own_namespace="x")


def test_every_process_has_an_identity_of_its_own() -> None:
    settings = RunSettings(leader_elect=True)
    elections = [settings.for_runtime(own_namespace="x").election for _ in range(2)]

    assert len({one.identity for one in elections if one}) == 2


def test_the_pods_namespace_comes_from_the_downward_api() -> None:
    assert pod_namespace({"POD_NAMESPACE": "system"}) == "system"
    assert pod_namespace({"POD_NAMESPACE": ""}) is None
    assert pod_namespace({}) is None
