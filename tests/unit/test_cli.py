"""The commands: what they print, what they teach, and how they end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from registry_operator import __version__
from registry_operator.cli import main
from tests.unit.test_rendering import REGISTRY, TEMPLATE

CRDS = Path(__file__).parents[2] / "crds"


def invoke(*arguments: str, **environment: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, [*arguments], env=environment)
    return result.exit_code, result.output


def test_the_version_is_printed() -> None:
    assert invoke("version") == (0, f"{__version__}\n")


def test_the_crds_are_those_that_are_committed() -> None:
    code, text = invoke("crds")
    names = yaml.safe_load((CRDS / "kustomization.yaml").read_text())["resources"]
    committed = [yaml.safe_load((CRDS / name).read_text()) for name in names]

    assert code == 0
    assert list(yaml.safe_load_all(text)) == committed


def test_a_registry_is_rendered_with_its_template(tmp_path: Path) -> None:
    file = tmp_path / "both.yaml"
    file.write_text(f"{TEMPLATE}---\n{REGISTRY}")
    code, text = invoke("render", "-f", str(file))

    assert code == 0
    assert "replicas: 5  # registry\n" in text
    assert "image: registry:2  # template base\n" in text
    code, text = invoke("render", "-f", str(file), "-o", "json")
    assert json.loads(text)[0]["sources"]["image"] == "template"


def test_a_spec_that_cannot_hold_is_rendered_and_ends_with_1(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(TEMPLATE + "---\n" + REGISTRY.replace("5}", "5, size: 2}"))
    code, text = invoke("render", "-f", str(file))

    assert code == 1
    assert "Error: team-a/images: spec.size (set by: registry): " in text


def test_a_template_that_cannot_be_had_is_an_error_of_one_line(tmp_path: Path) -> None:
    file = tmp_path / "alone.yaml"
    file.write_text(REGISTRY)
    code, text = invoke("render", "-f", str(file), "--kubeconfig", str(tmp_path / "none"))

    assert code == 1
    assert text.startswith("Error: ")
    assert text.count("\n") == 1


def test_help_teaches_the_first_steps() -> None:
    code, text = invoke("--help")

    assert code == 0
    assert "crds | kubectl apply --server-side -f -" in " ".join(text.split())


@pytest.mark.parametrize(
    ("flag", "variable"),
    [
        ("--kubeconfig", "KUBECONFIG"),
        ("--namespace", "NAMESPACE"),
        ("--workers", "WORKERS"),
        ("--leader-elect", "LEADER_ELECT"),
        ("--leader-election-namespace", "LEADER_ELECTION_NAMESPACE"),
        ("--lease-duration", "LEASE_DURATION"),
        ("--renew-deadline", "RENEW_DEADLINE"),
        ("--retry-period", "RETRY_PERIOD"),
        ("--metrics-bind-address", "METRICS_BIND_ADDRESS"),
        ("--health-probe-bind-address", "HEALTH_PROBE_BIND_ADDRESS"),
        ("--debug-bind-address", "DEBUG_BIND_ADDRESS"),
        ("--slow-reconcile-after", "SLOW_RECONCILE_AFTER"),
        ("--log-format", "LOG_FORMAT"),
        ("--log-level", "LOG_LEVEL"),
    ],
)
def test_every_flag_is_told_with_its_variable(flag: str, variable: str) -> None:
    code, text = invoke("run", "--help")

    assert code == 0
    assert flag in text
    assert f"REGISTRY_OPERATOR_{variable}" in text


@pytest.mark.parametrize(
    ("arguments", "environment", "word"),
    [
        (("--workers", "0"), {}, "--workers"),
        (("--lease-duration", "15s"), {}, "--lease-duration"),
        (("--renew-deadline", "0.5"), {}, "--renew-deadline"),
        (("--retry-period", "0"), {}, "--retry-period"),
        ((), {"REGISTRY_OPERATOR_WORKERS": "many"}, "--workers"),
        (("--log-format", "xml"), {}, "--log-format"),
        (("--log-level", "loud"), {}, "--log-level"),
    ],
)
def test_a_flag_that_makes_no_sense_is_refused_by_name(
    arguments: tuple[str, ...], environment: dict[str, str], word: str
) -> None:
    code, text = invoke("run", *arguments, **environment)

    assert code == 2
    assert word in text


KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: u, user: {token: do-not-tell}}]
"""


def process(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    config = folder / "config"
    config.write_text(KUBECONFIG)
    command = (sys.executable, "-m", "registry_operator", "run", "--kubeconfig", str(config))
    addresses = ("metrics", "health-probe", "debug")
    local = [part for which in addresses for part in (f"--{which}-bind-address", "127.0.0.1:0")]
    return subprocess.Popen(
        (*command, *local, *arguments), stderr=subprocess.PIPE, text=True, env={**os.environ}
    )


def test_a_stop_before_the_cluster_was_ever_reached_is_orderly(tmp_path: Path) -> None:
    with process(tmp_path, "--log-level", "debug") as running:
        assert running.stderr is not None
        told = ""
        while '"starting"' not in told:
            told += running.stderr.readline()
        time.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        _, rest = running.communicate(timeout=30)

    assert running.returncode == 0, rest
    assert '"stopped"' in rest
    assert "do-not-tell" not in told + rest


def test_a_running_operator_shows_its_state_to_the_command_and_by_signal(tmp_path: Path) -> None:
    with process(tmp_path) as running:
        assert running.stderr is not None
        told = ""
        while '"serving state"' not in told:
            line = running.stderr.readline()
            assert line, told
            told += line
        address = f"127.0.0.1:{json.loads(line)['port']}"
        code, table = invoke("state", "--debug-bind-address", address)
        _, whole = invoke(
            "state",
            "team-a/images",
            "--output",
            "json",
            REGISTRY_OPERATOR_DEBUG_BIND_ADDRESS=address,
        )
        running.send_signal(signal.SIGUSR1)
        while '"state told"' not in told:
            line = running.stderr.readline()
            assert line, told
            told += line
        running.send_signal(signal.SIGTERM)
        _, rest = running.communicate(timeout=30)

    assert running.returncode == 0, rest
    assert (code, table.splitlines()[0].split(",")[0]) == (0, f"registry-operator {__version__}")
    assert "deployments.apps" in table
    assert json.loads(whole)["version"] == __version__
    assert "most recent call first" in told
    assert "do-not-tell" not in told + rest + table + whole


def test_the_state_of_nobody_is_an_error_that_says_what_to_look_at() -> None:
    code, text = invoke("state", REGISTRY_OPERATOR_DEBUG_BIND_ADDRESS="0")

    assert code == 1
    assert "the state is turned off" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--metrics-bind-address", "8080"), ["ValueError", "is no address such as :8080"]),
        (("--debug-bind-address", "0.0.0.0:0"), ["ValueError", "is not loopback"]),
        (("--context", "nowhere"), ["nowhere"]),
        (
            ("--leader-elect", "--lease-duration", "10"),
            ["ValueError", "--lease-duration", "lease > renew", "10 s, 10.0 s, 2.0 s"],
        ),
    ],
)
def test_what_cannot_work_ends_with_one_line_and_status_1(
    tmp_path: Path, arguments: tuple[str, ...], words: list[str]
) -> None:
    with process(tmp_path, *arguments) as running:
        _, told = running.communicate(timeout=30)

    assert running.returncode == 1
    assert "Traceback" not in told
    assert len(told.splitlines()) == 1
    for word in words:
        assert word in told


def test_the_module_runs_the_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "registry_operator", "version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    assert done.stdout == f"{__version__}\n"
