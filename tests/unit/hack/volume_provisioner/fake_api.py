"""Claims, volumes and classes in memory, as far as the provisioner speaks to the API server."""

from __future__ import annotations

import json
from typing import Any

from hack.cluster.api import Answer
from hack.volume_provisioner.claim import Claim
from tests.unit.hack.volume_provisioner.bodies import CLASSES

_VOLUMES = "/api/v1/persistentvolumes"


class FakeApi:
    """What there is, by name, and every write; `refuses` answers 403 to a method, `down` nothing."""

    def __init__(self) -> None:
        self.claims: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self.writes: list[str] = []
        self.refuses = ""
        self.down = False

    def put(self, claim: Claim) -> None:
        """Somebody else's write of a claim."""
        self.claims[claim.name] = json.loads(json.dumps(claim.body))

    def request(
        self, method: str, path: str, body: Any = None, *, content: str = "application/json"
    ) -> Answer:
        """One request."""
        if self.down:
            raise ConnectionRefusedError("connection refused")
        if method == self.refuses:
            return Answer(403, "forbidden")
        if method == "GET":
            return Answer(200, json.dumps({"items": self._items(path)}))

        self.writes.append(f"{method} {path.rpartition('/api/v1/')[2]}")
        body = json.loads(json.dumps(body))
        if method == "POST":
            kept = self.volumes if path == _VOLUMES else self.events
            return self._create(kept, body)

        return self._patch(path, body) if method == "PATCH" else self._delete(path)

    def _items(self, path: str) -> list[dict[str, Any]]:
        kinds = {
            "persistentvolumeclaims": list(self.claims.values()),
            "persistentvolumes": list(self.volumes.values()),
            "storageclasses": CLASSES,
        }

        return kinds[path.rpartition("/")[2]]

    @staticmethod
    def _create(kept: dict[str, dict[str, Any]], body: dict[str, Any]) -> Answer:
        name = body["metadata"]["name"]
        if name in kept:
            return Answer(409, "AlreadyExists")

        body["metadata"]["uid"] = f"uid-of-{name}"
        kept[name] = body

        return Answer(201, json.dumps(body))

    def _patch(self, path: str, body: dict[str, Any]) -> Answer:
        if path.startswith(f"{_VOLUMES}/"):
            return self._merge(self.volumes, path.rpartition("/")[2], body, "spec")

        return self._merge(self.claims, path.split("/")[-2], body, "status")

    @staticmethod
    def _merge(
        kept: dict[str, dict[str, Any]], name: str, body: dict[str, Any], part: str
    ) -> Answer:
        if name not in kept:
            return Answer(404, "NotFound")
        if (
            body.get("metadata", {}).get("uid", kept[name]["metadata"]["uid"])
            != (kept[name]["metadata"]["uid"])
        ):
            return Answer(409, "Conflict")

        kept[name].setdefault(part, {}).update(body[part])

        return Answer(200, "{}")

    def _delete(self, path: str) -> Answer:
        found = self.volumes.pop(path.rpartition("/")[2], None)

        return Answer(404 if found is None else 200, "{}")
