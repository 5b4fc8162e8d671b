"""The registry's own configuration file, for the release that will read it.

Settings flow in: the storage with its credentials (drivers.py), and the user's checked extras
(passthrough.py).
Out flows the whole file. Where releases differ and the release is not known, the block that works
on every one is written. Every string is quoted and every duration is a string, because the registry
reads YAML loosely: an unquoted 0o17 is a number and the integer 60 is sixty nanoseconds to it.

`http.secret` is not here: pods get it as REGISTRY_HTTP_SECRET. Source: configuration.md and
configuration.go of github.com/distribution/distribution, 2.8.3 and 3.1.2, tried on the programs
(tests/integration/distribution).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from registry_operator.distribution.drivers import S3Storage, Storage, is_read_only, is_shared
from registry_operator.distribution.passthrough import merge
from registry_operator.distribution.release import Release

_PLAIN_KEY = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[a-z][a-z0-9]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is decided by the specification; neither keys nor extras are shown by repr.

    `extra` has passed `passthrough.check`. Addresses are HOST:PORT, `drain_timeout` is a Go
    duration.
    """

    storage: Storage
    replicas: int = 1
    address: str = ":5000"
    debug_address: str = ":5001"
    drain_timeout: str = "60s"
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


def render(settings: Settings, *, release: Release | None) -> dict[str, Any]:
    """The whole configuration, valid for `release`, or for every release when that is None."""
    base = {
        "version": "0.1",
        "log": {"level": "info", "formatter": "json", "accesslog": {"disabled": True}},
        "storage": {
            **settings.storage.parameters(),
            "delete": {"enabled": True},
            "redirect": {"disable": not settings.storage.clients_reach},
            "maintenance": _maintenance(settings.storage, release),
        },
        "http": {
            "addr": settings.address,
            "draintimeout": settings.drain_timeout,
            "headers": {"X-Content-Type-Options": ["nosniff"]},
            "debug": {
                "addr": settings.debug_address,
                "prometheus": {"enabled": True, "path": "/metrics"},
            },
        },
        "health": {"storagedriver": {"enabled": True, "interval": "10s", "threshold": 3}},
    }
    merged = merge(base, settings.extra)
    if _may_cache(settings, deletes=merged["storage"]["delete"]["enabled"]):
        merged["storage"]["cache"] = {"blobdescriptor": "inmemory"}

    return merged


def to_yaml(configuration: Mapping[str, Any]) -> str:
    """The file: keys sorted, strings quoted, the same text for the same content."""
    return _to_yaml(json.dumps(configuration, sort_keys=True))


@lru_cache(maxsize=256)
def _to_yaml(content: str) -> str:
    """Once for all Registries of one content: writing YAML is the dearest part of a decision."""
    text: str = yaml.dump(
        json.loads(content),
        Dumper=_Dumper,
        sort_keys=True,
        default_flow_style=False,
        allow_unicode=True,
        width=1 << 20,
    )
    return text


def _maintenance(storage: Storage, release: Release | None) -> dict[str, Any]:
    """Uploads that nobody goes on with are cleared away, where that can be done."""
    if is_read_only(storage):
        return {"readonly": {"enabled": True}, "uploadpurging": _upload_purging(enabled=False)}

    # 2.8 crashes on folder markers in a bucket (#4713).
    crashes = isinstance(storage, S3Storage) and (release is None or release.family == "2.8")

    return {"uploadpurging": _upload_purging(enabled=not crashes)}


def _upload_purging(*, enabled: bool) -> dict[str, Any]:
    """All four keys, or it panics."""
    return {"enabled": enabled, "age": "168h", "interval": "24h", "dryrun": False}


def _may_cache(settings: Settings, *, deletes: bool) -> bool:
    """Whether a process may remember which blobs exist.

    Not where another one deletes them: it would go on answering for blobs that are gone. A bucket
    is shared even by one replica, while its pod is being replaced; so for buckets the answer, and
    with it the pods, does not change by scaling.
    """
    if not deletes:
        return True

    return not is_shared(settings.storage) and settings.replicas <= 1


class _Dumper(yaml.CSafeDumper):
    """YAML in which a string can be nothing but a string.

    libyaml's emitter: the same text as PyYAML's own, in a fifth of the time, which was a tenth of
    what a new Registry cost.
    """

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- the registry's reader is spared anchors
        return True


def _represent_string(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


def _represent_mapping(dumper: _Dumper, mapping: dict[str, Any]) -> yaml.MappingNode:
    node = dumper.represent_mapping("tag:yaml.org,2002:map", mapping)
    for key, _ in node.value:
        if _PLAIN_KEY.fullmatch(key.value):
            key.style = None

    return node


_Dumper.add_representer(str, _represent_string)
_Dumper.add_representer(dict, _represent_mapping)
