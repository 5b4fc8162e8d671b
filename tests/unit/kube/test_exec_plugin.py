import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from registry_operator.kube.exec_plugin import ExecPlugin, PluginFailed

V1 = "client.authentication.k8s.io/v1"


def answering(status: dict[str, Any], *, version: str = V1) -> str:
    body = {"apiVersion": version, "kind": "ExecCredential", "status": status}
    return f"cat <<'END'\n{orjson.dumps(body).decode()}\nEND\n"


def a_plugin(script: str, **settings: Any) -> ExecPlugin:
    return ExecPlugin(command="/bin/sh", arguments=("-c", script), **settings)


async def test_a_token_comes_with_its_end() -> None:
    script = answering({"token": "t", "expirationTimestamp": "2026-11-23T08:00:00+02:00"})
    answer = await a_plugin(script).run()

    assert answer.identity.token == "t"
    assert answer.expires_at == datetime(2026, 11, 23, 6, tzinfo=UTC)


async def test_a_certificate_comes_with_its_key() -> None:
    script = answering({"clientCertificateData": "c", "clientKeyData": "k"})
    answer = await a_plugin(script).run()

    assert (answer.identity.certificate, answer.identity.key) == ("c", "k")
    assert answer.expires_at is None


async def test_the_plugin_is_told_what_it_may_know() -> None:
    status = '{"token": "\'"$MINE $(echo $KUBERNETES_EXEC_INFO | tr -d \\")"\'"}'
    script = f'echo \'{{"apiVersion": "{V1}", "status": {status}}}\''
    cluster = {"server": "https://x"}
    answer = await a_plugin(script, environment=(("MINE", "yes"),), cluster=cluster).run()

    assert answer.identity.token == (
        f"yes {{apiVersion:{V1},kind:ExecCredential,"
        "spec:{interactive:false,cluster:{server:https://x}}}"
    )


async def test_much_talk_on_both_outputs_blocks_nobody() -> None:
    script = "head -c 3000000 /dev/zero >&2; " + answering({"token": "t"})

    assert (await a_plugin(script).run()).identity.token == "t"


async def test_a_hanging_plugin_is_ended() -> None:
    script = "echo $$ > /dev/null; exec sleep 60"

    with pytest.raises(PluginFailed, match="no answer in 0 s"):
        await a_plugin(script, timeout=0.1).run()


async def test_a_failing_plugin_says_why_and_how_to_install_it() -> None:
    with pytest.raises(PluginFailed, match=r"exit code 3: log in first \(get it there\)"):
        await a_plugin("echo log in first >&2; exit 3", install_hint="get it there").run()


async def test_a_missing_plugin_says_so() -> None:
    with pytest.raises(PluginFailed, match="No such file"):
        await ExecPlugin(command="/does/not/exist").run()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo hunter2", "no ExecCredential"),
        ("echo '[\"hunter2\"]'", "no ExecCredential"),
        ("echo '{\"hunter2\": 1}'", "no ExecCredential"),
        (answering({"token": "hunter2", "expirationTimestamp": "soon"}), "no ExecCredential"),
        (answering({"token": "hunter2"}, version="v0"), "it answered apiVersion 'v0'"),
        (answering({"clientKeyData": "hunter2"}), "neither a token nor a certificate"),
    ],
)
async def test_an_answer_that_cannot_be_used_is_never_quoted(script: str, message: str) -> None:
    with pytest.raises(PluginFailed, match=message) as raised:
        await a_plugin(script).run()
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_the_kubeconfig_is_read(tmp_path: Path) -> None:
    config = {
        "apiVersion": V1,
        "command": "bin/plugin",
        "args": ["get", 1],
        "env": [{"name": "A", "value": "b"}],
        "installHint": "get it there",
        "provideClusterInfo": True,
    }
    plugin = ExecPlugin.of(config, folder=tmp_path, cluster={"server": "x"})

    assert plugin == ExecPlugin(
        command=os.fspath(tmp_path / "bin/plugin"),
        arguments=("get", "1"),
        environment=(("A", "b"),),
        install_hint="get it there",
        cluster={"server": "x"},
    )


def test_a_command_without_a_slash_is_found_by_the_path(tmp_path: Path) -> None:
    config = {"apiVersion": V1, "command": "plugin"}
    plugin = ExecPlugin.of(config, folder=tmp_path, cluster={"server": "x"})

    assert (plugin.command, plugin.cluster) == ("plugin", None)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"command": "x"}, "apiVersion ''"),
        ({"apiVersion": "client.authentication.k8s.io/v1alpha1"}, "v1alpha1"),
        ({"apiVersion": V1}, "'command' is missing"),
        ({"apiVersion": V1, "command": "x", "interactiveMode": "Always"}, "wants a terminal"),
    ],
)
def test_what_cannot_work_is_refused(config: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        ExecPlugin.of(config, folder=tmp_path)
