"""The proof of least privilege: what the operator was allowed, against what it did.

In flow the rules of its roles and the requests that the API server recorded; out flow requests
that no rule allowed and rights that no request used. Both fail a run: the first means that
something does not work, the second that the operator is trusted with more than it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hack.cluster.audit import Request


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """A verb on a resource, written `group/resource[/subresource]` (core's without group)."""

    resource: str
    verb: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


def granted(rules: Iterable[Mapping[str, Any]]) -> frozenset[Right]:
    """Every right that the rules of a role give, one by one."""
    return frozenset(
        Right(f"{group}/{resource}" if group else resource, verb)
        for rule in rules
        for group in rule.get("apiGroups", ())
        for resource in rule.get("resources", ())
        for verb in rule["verbs"]
    )


def granted_by_files(files: Sequence[Path]) -> frozenset[Right]:
    """Every right that the roles in YAML files give."""
    documents = (
        document for path in files for document in yaml.safe_load_all(path.read_text()) if document
    )

    return granted(rule for document in documents for rule in document["rules"])


def used(requests: Iterable[Request]) -> frozenset[Right]:
    """Every right that was asked for, granted or not.

    A server-side apply that made an object (201) was asked for `create` too, without a record.
    """
    return frozenset(
        Right(request.resource, verb)
        for request in requests
        for verb in ((request.verb, "create") if request.code == 201 else (request.verb,))
    )


def unused(roles: frozenset[Right], requests: Iterable[Request]) -> list[Right]:
    """Rights that the roles give and no request used."""
    return sorted(roles - used(requests))


def forbidden(requests: Iterable[Request]) -> list[Right]:
    """Rights that requests needed and RBAC did not give; what admission refused is not meant."""
    return sorted(used(request for request in requests if not request.authorized))
