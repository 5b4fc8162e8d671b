"""The operator as a process, watched from inside: its state, its dump, its figures; no secret."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from controllers.kinds import SECRET
from hack.operator import OperatorProcess
from hack.world import World

pytestmark = pytest.mark.integration

SENTINEL = "do-not-tell"
COLLECTED_BY_DASHBOARDS = (
    "controller_runtime_reconcile_total",
    "controller_runtime_reconcile_time_seconds_bucket",
    "controller_runtime_active_workers",
    "workqueue_depth",
    "workqueue_queue_duration_seconds_bucket",
    "workqueue_unfinished_work_seconds",
    "rest_client_requests_total",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "registry_operator_cached_bytes",
    "registry_operator_event_loop_stalls_total",
    "registry_operator_build_info",
)


def a_bucket(world: World) -> dict[str, Any]:
    """A storage that no Registry of another test has, as its namespace may go slowly."""
    said = {
        "bucket": "images",
        "region": "eu-1",
        "endpoint": "http://127.0.0.1:9",
        "secretRef": {"name": "s3-keys"},
        "rootDirectory": world.namespace,
    }
    return {"storage": {"s3": said}}


def command(operator: OperatorProcess, *arguments: str) -> str:
    """What `registry-operator state` prints."""
    address = f"127.0.0.1:{operator.debug_port}"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "registry_operator", "state"),
            *("--debug-bind-address", address, *arguments),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout


def waiting_of(operator: OperatorProcess, key: str) -> dict[str, str]:
    """The reason that each controller waits for about the key."""
    state = json.loads(command(operator, key, "--output", "json"))
    return {
        controller["name"]: one["waits_for"]["reason"]
        for controller in state["controllers"]
        for one in controller["keys"]
        if one["waits_for"]
    }


def until(true: Callable[[], bool], *, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_the_state_says_why_a_registry_is_not_ready(
    world: World, operator: OperatorProcess
) -> None:
    key = f"{world.namespace}/images"
    world.create_registry("images", a_bucket(world))
    missing = {"configuration": "SecretNotFound", "deployment": "SecretNotFound"}
    until(lambda: waiting_of(operator, key) == missing)

    table = command(operator, key)
    assert "SecretNotFound" in table
    assert "deployments.apps" in table
    world.create(SECRET, a_secret())
    until(lambda: waiting_of(operator, key) == {})


def a_secret() -> dict[str, Any]:
    data = {"accessKey": f"{SENTINEL}-access", "secretKey": f"{SENTINEL}-secret"}
    return {"metadata": {"name": "s3-keys"}, "stringData": data}


def in_base64(secret: dict[str, Any]) -> list[str]:
    return [base64.b64encode(value.encode()).decode() for value in secret["stringData"].values()]


def test_the_state_is_served_on_loopback_with_every_kind_and_no_secret(
    world: World, operator: OperatorProcess
) -> None:
    world.create(SECRET, a_secret())
    world.create_registry("images", a_bucket(world))
    key = f"{world.namespace}/images"
    until(lambda: bool(world.children("images")))
    url = f"http://127.0.0.1:{operator.debug_port}/debug/state"
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    kinds = {cache["kind"]: cache for cache in json.loads(text)["caches"]}

    assert waiting_of(operator, key) == {}
    assert kinds["registries.registry-operator.dev"]["synced"]
    assert kinds["secrets"]["objects"] > 0
    assert not [word for word in (SENTINEL, *in_base64(a_secret())) if word in text]


def test_sigusr1_writes_stacks_and_state_into_the_log_and_the_operator_goes_on(
    world: World, operator: OperatorProcess
) -> None:
    assert operator.pid is not None
    before = operator.pid
    mark = operator.log.stat().st_size
    os.kill(operator.pid, signal.SIGUSR1)

    def told() -> str:
        return operator.log.read_bytes()[mark:].decode()

    until(lambda: '"state told"' in told())
    lines = [json.loads(line) for line in told().splitlines() if line.startswith("{")]
    events = [line["event"] for line in lines]

    assert "(most recent call first):" in told()
    assert events.count("state of the operator") == 1
    assert events.count("state of a controller") == 15
    world.create_registry("images", {"storage": {"emptyDir": {}}})
    world.until(lambda: world.is_ready("images"), about="images ready", seconds=40)
    assert operator.pid == before


@pytest.mark.parametrize("name", COLLECTED_BY_DASHBOARDS)
def test_what_dashboards_ask_for_is_there(operator: OperatorProcess, name: str) -> None:
    lines = operator.metrics().splitlines()

    assert [line for line in lines if line.startswith((f"{name}{{", f"{name} "))]
