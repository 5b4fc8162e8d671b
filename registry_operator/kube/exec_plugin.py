"""Credential plugins: programs that hand out tokens or certificates (client.authentication.k8s.io).

In flows the `exec` part of a kubeconfig user; out flows an identity with its end, or PluginFailed
that says what to install. Both outputs are read at the same time and the run has an end: a plugin
that talks much or hangs stops nobody.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from registry_operator.kube.credentials import Identity
from registry_operator.kube.errors import KubeError

_VERSIONS: Final = frozenset(
    {
        "client.authentication.k8s.io/v1",
        "client.authentication.k8s.io/v1beta1",
    }
)
_LONGEST_REASON: Final = 256


class PluginFailed(KubeError):  # noqa: N818 - says what happened, as the API's own reasons do
    """The plugin gave no credentials."""


@dataclass(frozen=True, slots=True)
class PluginAnswer:
    """`expires_at` is None for an identity that is good until it is refused."""

    identity: Identity
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """How to run it; `timeout` is in seconds.

    `cluster` is told to it if its kubeconfig asks for that.
    """

    command: str
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    api_version: str = "client.authentication.k8s.io/v1"
    install_hint: str = ""
    cluster: Mapping[str, Any] | None = None
    timeout: float = 60.0

    @classmethod
    def of(
        cls, config: Mapping[str, Any], *, folder: Path, cluster: Mapping[str, Any] | None = None
    ) -> "ExecPlugin":
        """Read the `exec` part of a user; a relative command with a slash is relative to `folder`.

        Raises ValueError for what cannot work.
        """
        version = str(config.get("apiVersion", ""))
        if version not in _VERSIONS:
            known = " or ".join(sorted(_VERSIONS))
            raise ValueError(f"exec plugin: apiVersion {version!r} is not {known}")
        command = str(config.get("command", ""))
        if not command:
            raise ValueError("exec plugin: 'command' is missing")
        if config.get("interactiveMode") == "Always":
            raise ValueError(f"exec plugin {command}: it wants a terminal, which we do not have")
        if "/" in command:
            command = str(folder / command)
        environment = tuple((str(e["name"]), str(e["value"])) for e in config.get("env") or ())
        return cls(
            command=command,
            arguments=tuple(str(argument) for argument in config.get("args") or ()),
            environment=environment,
            api_version=version,
            install_hint=str(config.get("installHint") or ""),
            cluster=cluster if config.get("provideClusterInfo") else None,
        )

    async def run(self) -> PluginAnswer:
        """Run it once. Raises PluginFailed."""
        try:
            process = await asyncio.create_subprocess_exec(
                self.command,
                *self.arguments,
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise self._failed(str(error)) from error
        try:
            async with asyncio.timeout(self.timeout):
                output, complaint = await process.communicate()
        except TimeoutError as error:
            raise self._failed(f"no answer in {self.timeout:.0f} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            said = complaint.decode("utf-8", "replace").strip()[:_LONGEST_REASON]
            raise self._failed(f"exit code {process.returncode}: {said}")
        return self._answer(output)

    def _environment(self) -> dict[str, str]:
        spec: dict[str, Any] = {"interactive": False}
        if self.cluster is not None:
            spec["cluster"] = self.cluster
        info = {"apiVersion": self.api_version, "kind": "ExecCredential", "spec": spec}
        asked = {"KUBERNETES_EXEC_INFO": orjson.dumps(info).decode()}
        return {**os.environ, **dict(self.environment), **asked}

    def _answer(self, output: bytes) -> PluginAnswer:
        # No message here quotes the output: it holds the credentials.
        try:
            answer = orjson.loads(output)
            status = answer["status"]
            identity = Identity(
                token=status.get("token"),
                certificate=status.get("clientCertificateData"),
                key=status.get("clientKeyData"),
            )
            expires = status.get("expirationTimestamp")
            expires_at = datetime.fromisoformat(expires).astimezone(UTC) if expires else None
            version = answer.get("apiVersion")
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
            raise self._failed("its output is no ExecCredential") from None
        if version != self.api_version:
            raise self._failed(f"it answered apiVersion {version!r}, not {self.api_version}")
        if not identity.token and not (identity.certificate and identity.key):
            raise self._failed("it gave neither a token nor a certificate with its key")
        return PluginAnswer(identity, expires_at)

    def _failed(self, reason: str) -> PluginFailed:
        hint = f" ({self.install_hint})" if self.install_hint else ""
        return PluginFailed(f"{self.command}: {reason}{hint}")
