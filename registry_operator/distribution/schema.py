"""The schema of the registry's configuration, as data.

The registry itself reads YAML loosely: unknown keys are dropped without a word, and some wrong
values make it panic. So this table says what there is, of what type, since and until when, and
which keys are the operator's own, with the cure that a user reads. passthrough.py walks it; nothing
else knows the keys.

Source: configuration.go and the drivers of github.com/distribution/distribution, 2.8.3, 3.0.0,
3.1.2; the cases that refuse to start were tried on the programs (tests/integration/distribution).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType

from registry_operator.distribution.release import Version


class Type(Enum):
    """What a value may be; the value of each member is how a user is told."""

    OBJECT = "an object"
    LIST = "a list"
    MAP = "an object of named values"
    STRING = "a string"
    INTEGER = "a whole number"
    BOOLEAN = "true or false, without quotes"
    DURATION = 'a duration in quotes, such as "90s" or "24h"'
    REGEXP = "a regular expression without look-around and back-references (RE2)"
    ANY = "anything but null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of the configuration.

    `keys` are those of an OBJECT, `item` is that of a LIST or MAP. `owner` is not empty when the
    operator sets the key: how to get what is wanted instead. `driver` names the storage driver
    without which the key must not be there. `since` and `until` are the first release that has it
    and the first that has it no more; `fatal_before` says that earlier releases do not start with
    it, instead of dropping it. `required` keys must be there when the object is.
    """

    type: Type
    keys: Mapping[str, "Key"] = field(default_factory=dict)
    item: "Key | None" = None
    owner: str = ""
    driver: str = ""
    since: Version | None = None
    until: Version | None = None
    fatal_before: bool = False
    values: tuple[str, ...] = ()
    minimum: int | None = None
    required: tuple[str, ...] = ()


_STRING, _BOOLEAN = Key(type=Type.STRING), Key(type=Type.BOOLEAN)
_DURATION = Key(type=Type.DURATION)
_NATURAL, _POSITIVE = Key(type=Type.INTEGER, minimum=0), Key(type=Type.INTEGER, minimum=1)
_STRINGS = Key(type=Type.LIST, item=_STRING)
_REGEXPS = Key(type=Type.LIST, item=Key(type=Type.REGEXP))
_HEADERS = Key(type=Type.MAP, item=_STRINGS)
_V3, _V31 = (3, 0, 0), (3, 1, 0)


def _object(keys: Mapping[str, Key], *, required: tuple[str, ...] = ()) -> Key:
    return Key(type=Type.OBJECT, keys=MappingProxyType(dict(keys)), required=required)


def _list(item: Key) -> Key:
    return Key(type=Type.LIST, item=item)


def _one_of(*values: str) -> Key:
    return Key(type=Type.STRING, values=values)


def _owned(cure: str) -> Key:
    return Key(type=Type.ANY, owner=cure)


def _since(version: Version, key: Key, *, fatal_before: bool = False) -> Key:
    return replace(key, since=version, fatal_before=fatal_before)


_ENABLED = _object({"enabled": _BOOLEAN})
_DRIVER = _owned("the storage driver follows from spec.storage")
_NO_FILES = "it needs a file in the pod, which the operator does not mount"

_LOG = _object(
    {
        "accesslog": _object({"disabled": _BOOLEAN}),
        "level": _one_of("error", "warn", "info", "debug"),
        "formatter": _one_of("text", "json", "logstash"),
        "fields": Key(type=Type.MAP, item=Key(type=Type.ANY)),
        "reportcaller": _since(_V3, _BOOLEAN),
        "hooks": _list(
            _object(
                {
                    "disabled": _BOOLEAN,
                    "type": _one_of("mail"),
                    "levels": _STRINGS,
                    "options": _object(
                        {
                            "smtp": _object(
                                {
                                    "addr": _STRING,
                                    "username": _STRING,
                                    "password": _STRING,
                                    "insecure": _BOOLEAN,
                                }
                            ),
                            "from": _STRING,
                            "to": _STRINGS,
                        }
                    ),
                },
                required=("type",),
            )
        ),
    }
)

_BUCKET = _owned("set it in spec.storage")
_S3 = replace(
    _object(
        {
            **dict.fromkeys(("bucket", "region", "regionendpoint", "forcepathstyle"), _BUCKET),
            **dict.fromkeys(("accesskey", "secretkey", "sessiontoken"), _BUCKET),
            "secure": _owned("it follows from the URL in spec.storage"),
            "encrypt": _BOOLEAN,
            "keyid": _STRING,
            "skipverify": _BOOLEAN,
            "v4auth": _BOOLEAN,
            "chunksize": Key(type=Type.INTEGER, minimum=5 << 20),
            "multipartcopychunksize": Key(type=Type.INTEGER, minimum=5 << 20),
            "multipartcopymaxconcurrency": _POSITIVE,
            "multipartcopythresholdsize": _NATURAL,
            "rootdirectory": _STRING,
            "storageclass": _STRING,
            "useragent": _STRING,
            "objectacl": _STRING,
            "usedualstack": _BOOLEAN,
            "accelerate": _BOOLEAN,
            "loglevel": _since(_V3, _STRING),
            "usefipsendpoint": _since(_V31, _BOOLEAN),
            "redirectendpoint": _since((3, 1, 2), _STRING),
        }
    ),
    driver="s3",
)
_FILESYSTEM = replace(
    _object(
        {
            "rootdirectory": _owned("it follows from spec.storage"),
            "maxthreads": Key(type=Type.INTEGER, minimum=25),
        }
    ),
    driver="filesystem",
)
_STORAGE = _object(
    {
        "s3": _S3,
        "filesystem": _FILESYSTEM,
        **dict.fromkeys(("s3aws", "inmemory", "azure", "gcs", "oss", "swift"), _DRIVER),
        "delete": _ENABLED,
        "redirect": _object({"disable": _BOOLEAN}),
        "cache": _owned("the operator caches where only one pod deletes, and nowhere else"),
        "tag": _since(_V3, _object({"concurrencylimit": _NATURAL}), fatal_before=True),
        "maintenance": _object(
            {
                "uploadpurging": _object(
                    {
                        "enabled": _BOOLEAN,
                        "age": _DURATION,
                        "interval": _DURATION,
                        "dryrun": _BOOLEAN,
                    }
                ),
                "readonly": _ENABLED,
            }
        ),
    }
)

_HTTP = _object(
    {
        "addr": _owned("choose the port that clients see in spec.service.port"),
        "net": _owned("the registry listens on TCP"),
        "secret": _owned("the operator makes one secret for all pods and keeps it"),
        "debug": _owned("the operator uses it for probes and metrics"),
        "draintimeout": _owned("the operator drains for 60s, within the pods' grace period"),
        "tls": _owned(f"{_NO_FILES}: terminate TLS in front of the Service"),
        "host": _STRING,
        "prefix": _STRING,
        "relativeurls": _BOOLEAN,
        "headers": _HEADERS,
        "http2": _object({"disabled": _BOOLEAN}),
        "h2c": _since(_V3, _ENABLED),
    }
)

_CHECK = {"interval": _DURATION, "threshold": _POSITIVE}
_HEALTH = _object(
    {
        "storagedriver": _object({"enabled": _BOOLEAN, **_CHECK}),
        "file": _list(_object({"file": _STRING, **_CHECK}, required=("file",))),
        "http": _list(
            _object(
                {
                    "uri": _STRING,
                    "headers": _HEADERS,
                    "statuscode": _POSITIVE,
                    "timeout": _DURATION,
                    **_CHECK,
                },
                required=("uri",),
            )
        ),
        "tcp": _list(
            _object({"addr": _STRING, "timeout": _DURATION, **_CHECK}, required=("addr",))
        ),
    }
)

_NOTIFICATIONS = _object(
    {
        "events": _object({"includereferences": _BOOLEAN}),
        "endpoints": _list(
            _object(
                {
                    "name": _STRING,
                    "disabled": _BOOLEAN,
                    "url": _STRING,
                    "headers": _HEADERS,
                    "timeout": _DURATION,
                    "threshold": _POSITIVE,
                    "backoff": _DURATION,
                    "ignoredmediatypes": _STRINGS,
                    "ignore": _object({"mediatypes": _STRINGS, "actions": _STRINGS}),
                },
                required=("name", "url"),
            )
        ),
    }
)

_MANIFESTS = _object(
    {
        "urls": _object({"allow": _REGEXPS, "deny": _REGEXPS}),
        "indexes": _since(
            _V3,
            _object(
                {
                    "platforms": _one_of("all", "none", "list"),
                    "platformlist": _list(
                        _object(
                            {"architecture": _STRING, "os": _STRING},
                            required=("architecture", "os"),
                        )
                    ),
                }
            ),
        ),
    }
)

ROOT = _object(
    {
        "version": _owned("the operator writes it"),
        "log": _LOG,
        "loglevel": _owned("use log.level"),
        "storage": _STORAGE,
        "http": _HTTP,
        "health": _HEALTH,
        "notifications": _NOTIFICATIONS,
        "validation": _object({"disabled": _BOOLEAN, "manifests": _MANIFESTS}),
        "policy": _object({"repository": _object({"classes": _STRINGS})}),
        "catalog": _object({"maxentries": _POSITIVE}),
        "tags": _since(_V31, _object({"maxtags": _NATURAL})),
        "auth": _owned(f"{_NO_FILES}: put an authenticating proxy in front of the Service"),
        "middleware": _owned("the operator does not support middleware"),
        "redis": _owned("the operator does not support Redis yet"),
        "proxy": _owned("a Registry is not a pull-through cache"),
        "compatibility": replace(_object({"schema1": _ENABLED}), until=_V3),
    }
)
"""The whole file."""
