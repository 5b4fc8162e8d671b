"""The operator before a simulated API server: for sizes and speeds that a real one cannot give.

In flows how many Registries there shall be; out flow processes, one for the server and one for the
operator, so that what the server costs is not counted, and what was written.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hack.bench import usage
from hack.bench.apiserver import KUBECONFIG
from hack.bench.bare import BareClient, a_client
from hack.bench.contender import Ours, ours
from hack.bench.plan import Plan
from hack.cluster.audit import Request
from hack.cluster.error import ClusterError
from hack.cluster.process import Command, Supervisor
from hack.operator import ROOT, free_port
from hack.progress import progress
from registry_operator.settings import NAME

_SERVER = "apiserver"
_PATIENCE = 600.0


@dataclass(frozen=True)
class Simulation:
    """A simulated API server with a world at rest, and our operator, which may run or not."""

    port: int
    folder: Path
    ours: Ours

    def writes(self, *, since: int = 0) -> list[Request]:
        """What the operator wrote after so many writes of anybody."""
        return [one for one in self.everything(since=since) if one.user == NAME]

    def everything(self, *, since: int = 0) -> list[Request]:
        """What anybody wrote after so many writes."""
        return [Request(**one) for one in json.loads(self._ask("GET", f"writes?since={since}"))]

    def expire(self) -> None:
        """Ends every watch by 410, so that everything is listed anew."""
        self._ask("POST", "expire")

    def heat(self, path: str, *, rate: int, seconds: float) -> int:
        """Changes the object at `path` so many times a second; how many times it was."""
        answer = json.loads(self._ask("POST", f"hot?path={path}&rate={rate}&seconds={seconds}"))
        told: int = answer["told"]
        return told

    def is_through(self, registries: int) -> bool:
        """Whether every controller has looked at every Registry."""
        return progress(self.ours.process.metrics()).is_through(registries)

    def await_through(self, registries: int) -> None:
        """Waits until every controller has looked at every Registry. Raises ClusterError."""
        usage.until_done(self.ours.pid, lambda: self.is_through(registries))

    def rest(self, *, quiet: float = 2.0) -> int:
        """Waits until the operator writes nothing for `quiet` seconds; how many writes so far."""
        while True:
            mark = len(self.everything())
            time.sleep(quiet)
            if not self.writes(since=mark):
                return mark

    @asynccontextmanager
    async def author(self) -> AsyncIterator[BareClient]:
        """Somebody else who writes."""
        async with a_client(self.folder / KUBECONFIG) as client:
            yield client

    def _ask(self, method: str, path: str) -> bytes:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=60, context=context
        )
        try:
            connection.request(method, f"/bench/{path}")
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise ClusterError(f"/bench/{path}", f"{answer.status} {body[:200].decode()}")

        return body


@contextmanager
def a_simulation(name: str, plan: Plan, *, turns: Path | None = None) -> Iterator[Simulation]:
    """A server with `plan.registries` at rest; the operator is not started. All ends at the end."""
    with tempfile.TemporaryDirectory(prefix="registry-operator-bench-") as text:
        folder = Path(text)
        supervisor = Supervisor(run=folder, log=folder, mark=text)
        port = free_port()
        arguments = [
            *(sys.executable, "-m", "hack.bench.apiserver", "--folder", text),
            *("--registries", str(plan.registries), "--port", str(port)),
        ]
        environment = {"PYTHONPATH": str(ROOT)}
        supervisor.start(Command(name=_SERVER, arguments=arguments, environment=environment))
        try:
            kubeconfig = folder / KUBECONFIG
            supervisor.await_ready(_SERVER, kubeconfig.exists, seconds=_PATIENCE)
            profile = plan.profile_of(f"{name}-{plan.registries}")
            operator = ours(folder, kubeconfig, turns=turns, profile=profile)
            try:
                yield Simulation(port, folder, operator)
            finally:
                operator.stop()
        finally:
            supervisor.stop(_SERVER)
