"""The addresses and node ports that the server gives to Services.

In flow Services that are about to be stored; out flow the same with addresses, or an Invalid where
what was asked for is taken. Addresses are given one after the other and never twice.
"""

import itertools
from typing import Any, Final

from registry_operator.kube.errors import Cause
from registry_operator.kube.resource import Resource
from registry_operator.testing.fake_api.refusals import invalid
from registry_operator.testing.fake_api.schema.model import Body
from registry_operator.testing.fake_api.storage import Change, Storage

SERVICES: Final = Resource("", "v1", "Service", "services")
_PORTS: Final = range(30_000, 32_768)
_WITH_NODE_PORTS: Final = frozenset({"NodePort", "LoadBalancer"})
_ADDRESSES: Final = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")


class Addresses:
    """What is given away of one server's addresses and node ports."""

    def __init__(self, storage: Storage) -> None:
        self._numbers = itertools.count(1)
        self._ports: dict[int, str] = {}
        storage.subscribe(self._notice)

    def give(self, new: Body, old: Body | None) -> None:
        """Complete the spec of a Service in place. Raises Invalid."""
        spec, before = new["spec"], (old or {}).get("spec", {})
        if spec["type"] == "ExternalName":
            for name in _ADDRESSES:
                spec.pop(name, None)
            return
        address = spec.get("clusterIP") or before.get("clusterIP") or self._address()
        spec["clusterIP"] = address
        spec.setdefault("clusterIPs", [address])
        spec.setdefault("ipFamilies", before.get("ipFamilies", ["IPv4"]))
        spec.setdefault("ipFamilyPolicy", before.get("ipFamilyPolicy", "SingleStack"))
        if spec["type"] not in _WITH_NODE_PORTS:
            spec["ports"] = [_without_node_port(port) for port in spec.get("ports") or []]
            return
        known = {_named(port): port.get("nodePort") for port in before.get("ports") or []}
        mine = {port for port in known.values() if port}
        spec["ports"] = [
            self._with_node_port(new, index, port, known=known.get(_named(port)), mine=mine)
            for index, port in enumerate(spec.get("ports") or [])
        ]

    def _address(self) -> str:
        number = next(self._numbers)
        return f"10.96.{number // 250}.{number % 250 + 1}"

    def _with_node_port(
        self, service: Body, index: int, port: Body, *, known: int | None, mine: set[int]
    ) -> Body:
        wanted = port.get("nodePort") or known
        if wanted is None:
            wanted = next(number for number in _PORTS if number not in self._ports)
            self._ports[wanted] = ""
        elif wanted not in mine and (wanted in self._ports or wanted not in _PORTS):
            what = "provided port is already allocated"
            if wanted not in _PORTS:
                what = (
                    "provided port is not in the valid range. The range of valid ports is"
                    f" {_PORTS.start}-{_PORTS.stop - 1}"
                )
            cause = Cause(
                "FieldValueInvalid",
                f"Invalid value: {wanted}: {what}",
                f"spec.ports[{index}].nodePort",
            )
            raise invalid(SERVICES, service["metadata"]["name"], [cause])
        return port | {"nodePort": wanted}

    def _notice(self, change: Change) -> None:
        if change.resource != SERVICES:
            return
        uid = change.new["metadata"]["uid"]
        for number in _node_ports(change.old):
            if self._ports.get(number) == uid:
                del self._ports[number]
        if change.kind != "DELETED":
            self._ports.update(dict.fromkeys(_node_ports(change.new), uid))


def _named(port: Body) -> tuple[Any, ...]:
    return port.get("port"), port.get("protocol", "TCP")


def _without_node_port(port: Body) -> Body:
    return {name: value for name, value in port.items() if name != "nodePort"}


def _node_ports(service: Body | None) -> list[int]:
    ports = (service or {}).get("spec", {}).get("ports") or []
    return [port["nodePort"] for port in ports if port.get("nodePort")]
