"""The schema of the registry's configuration, as data.

The registry itself reads YAML loosely: unknown keys are dropped without a word, and some wrong
values make it panic. So this table says what there is, of what type, since and until when, and
which keys are the operator's own, with the cure that a user reads. passthrough.py walks it; nothing
else knows the keys.

Source: configuration.go and the drivers of github.com/distribution/distribution, 2.8.3, 3.0.0,
3.1.2; the cases that refuse to start were tried on the programs (tests/integration/distribution).
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from registry_operator.distribution.key import Key, Type, list_of, object_of, one_of, owned, since
from registry_operator.distribution.release import Version

_STRING, _BOOLEAN = Key(type=Type.STRING), Key(type=Type.BOOLEAN)
_DURATION = Key(type=Type.DURATION)
_NATURAL, _POSITIVE = Key(type=Type.INTEGER, minimum=0), Key(type=Type.INTEGER, minimum=1)
_STRINGS = Key(type=Type.LIST, item=_STRING)
_REGEXPS = Key(type=Type.LIST, item=Key(type=Type.REGEXP))
_HEADERS = Key(type=Type.MAP, item=_STRINGS)
_V3, _V31 = (3, 0, 0), (3, 1, 0)


_ENABLED = object_of({"enabled": _BOOLEAN})
_DRIVER = owned("the storage driver follows from spec.storage")
_NO_FILES = "it needs a file in the pod, which the operator does not mount"

_LOG = object_of(
    {
        "accesslog": object_of({"disabled": _BOOLEAN}),
        "level": one_of("error", "warn", "info", "debug"),
        "formatter": one_of("text", "json", "logstash"),
        "fields": Key(type=Type.MAP, item=Key(type=Type.ANY)),
        "reportcaller": since(_V3, _BOOLEAN),
        "hooks": list_of(
            object_of(
                {
                    "disabled": _BOOLEAN,
                    "type": one_of("mail"),
                    "levels": _STRINGS,
                    "options": object_of(
                        {
                            "smtp": object_of(
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

_BUCKET = owned("set it in spec.storage")
_PART = Key(type=Type.INTEGER, minimum=5 << 20, maximum=5 << 30)
_STORAGE_CLASSES: Mapping[str, Version | None] = MappingProxyType(
    {
        **dict.fromkeys(("NONE", "STANDARD", "REDUCED_REDUNDANCY"), None),
        **dict.fromkeys(("STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING"), _V3),
        **dict.fromkeys(("OUTPOSTS", "GLACIER_IR"), _V3),
        "EXPRESS_ONEZONE": _V31,
    }
)
_S3 = replace(
    object_of(
        {
            **dict.fromkeys(("bucket", "region", "regionendpoint", "forcepathstyle"), _BUCKET),
            **dict.fromkeys(("accesskey", "secretkey", "sessiontoken"), _BUCKET),
            "secure": owned("it follows from the URL in spec.storage"),
            "encrypt": _BOOLEAN,
            "keyid": _STRING,
            "skipverify": _BOOLEAN,
            "v4auth": _BOOLEAN,
            "chunksize": _PART,
            "multipartcopychunksize": _PART,
            "multipartcopymaxconcurrency": _POSITIVE,
            "multipartcopythresholdsize": Key(type=Type.INTEGER, minimum=0, maximum=5 << 30),
            "rootdirectory": _STRING,
            "storageclass": Key(type=Type.STRING, values_since=_STORAGE_CLASSES),
            "useragent": _STRING,
            "objectacl": _STRING,
            "usedualstack": since(_V3, _BOOLEAN),
            "accelerate": since(_V3, _BOOLEAN),
            "loglevel": since(_V3, _STRING),
            "usefipsendpoint": since(_V31, _BOOLEAN),
            "redirectendpoint": since((3, 1, 2), _STRING),
        }
    ),
    driver="s3",
)
_GCS = replace(
    object_of(
        {
            **dict.fromkeys(("bucket", "keyfile", "credentials"), _BUCKET),
            "rootdirectory": _STRING,
            "chunksize": Key(type=Type.INTEGER, minimum=256 << 10),
            "maxconcurrency": Key(type=Type.INTEGER, minimum=25),
            "useragent": since(_V3, _STRING),
        }
    ),
    driver="gcs",
)
_AZURE = replace(
    object_of(
        {
            **dict.fromkeys(("accountname", "accountkey", "container", "credentials"), _BUCKET),
            "connectionstring": _BUCKET,
            "serviceurl": since(_V3, _STRING),
            "realm": _STRING,
            "rootdirectory": since(_V3, _STRING),
            "max_retries": since(_V3, _POSITIVE),
            "retry_delay": since(_V3, _DURATION),
            "skipverify": since(_V3, _BOOLEAN),
        }
    ),
    driver="azure",
)
_FILESYSTEM = replace(
    object_of(
        {
            "rootdirectory": owned("it follows from spec.storage"),
            "maxthreads": Key(type=Type.INTEGER, minimum=25),
        }
    ),
    driver="filesystem",
)
_STORAGE = object_of(
    {
        "s3": _S3,
        "gcs": _GCS,
        "azure": _AZURE,
        "filesystem": _FILESYSTEM,
        **dict.fromkeys(("s3aws", "inmemory", "oss", "swift"), _DRIVER),
        "delete": _ENABLED,
        "redirect": object_of({"disable": _BOOLEAN}),
        "cache": owned("the operator caches where only one pod deletes, and nowhere else"),
        "tag": since(_V3, object_of({"concurrencylimit": _NATURAL}), fatal_before=True),
        "maintenance": object_of(
            {
                "uploadpurging": object_of(
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

_HTTP = object_of(
    {
        "addr": owned("choose the port that clients see in spec.service.port"),
        "net": owned("the registry listens on TCP"),
        "secret": owned("the operator makes one secret for all pods and keeps it"),
        "debug": owned("the operator uses it for probes and metrics"),
        "draintimeout": owned("the operator drains for 60s, within the pods' grace period"),
        "tls": owned(f"{_NO_FILES}: terminate TLS in front of the Service"),
        "host": _STRING,
        "prefix": _STRING,
        "relativeurls": _BOOLEAN,
        "headers": _HEADERS,
        "http2": object_of({"disabled": _BOOLEAN}),
        "h2c": since(_V3, _ENABLED),
    }
)

_CHECK = {"interval": _DURATION, "threshold": _POSITIVE}
_HEALTH = object_of(
    {
        "storagedriver": object_of({"enabled": _BOOLEAN, **_CHECK}),
        "file": list_of(object_of({"file": _STRING, **_CHECK}, required=("file",))),
        "http": list_of(
            object_of(
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
        "tcp": list_of(
            object_of({"addr": _STRING, "timeout": _DURATION, **_CHECK}, required=("addr",))
        ),
    }
)

_NOTIFICATIONS = object_of(
    {
        "events": object_of({"includereferences": _BOOLEAN}),
        "endpoints": list_of(
            object_of(
                {
                    "name": _STRING,
                    "disabled": _BOOLEAN,
                    "url": _STRING,
                    "headers": _HEADERS,
                    "timeout": _DURATION,
                    "threshold": _POSITIVE,
                    "backoff": _DURATION,
                    "ignoredmediatypes": _STRINGS,
                    "ignore": object_of({"mediatypes": _STRINGS, "actions": _STRINGS}),
                },
                required=("name", "url"),
            )
        ),
    }
)

_MANIFESTS = object_of(
    {
        "urls": object_of({"allow": _REGEXPS, "deny": _REGEXPS}),
        "indexes": since(
            _V3,
            object_of(
                {
                    "platforms": one_of("all", "none", "list"),
                    "platformlist": list_of(
                        object_of(
                            {"architecture": _STRING, "os": _STRING},
                            required=("architecture", "os"),
                        )
                    ),
                }
            ),
        ),
    }
)

_REPORTING = object_of(
    {
        "bugsnag": object_of({"apikey": _STRING, "releasestage": _STRING, "endpoint": _STRING}),
        "newrelic": object_of({"licensekey": _STRING, "name": _STRING, "verbose": _BOOLEAN}),
    }
)

ROOT = object_of(
    {
        "version": owned("the operator writes it"),
        "log": _LOG,
        "loglevel": owned("use log.level"),
        "storage": _STORAGE,
        "http": _HTTP,
        "health": _HEALTH,
        "notifications": _NOTIFICATIONS,
        "validation": object_of({"disabled": _BOOLEAN, "manifests": _MANIFESTS}),
        "policy": object_of({"repository": object_of({"classes": _STRINGS})}),
        "catalog": object_of({"maxentries": _POSITIVE}),
        "tags": since(_V31, object_of({"maxtags": _NATURAL})),
        "auth": owned(f"{_NO_FILES}: put an authenticating proxy in front of the Service"),
        "middleware": owned("the operator does not support middleware"),
        "redis": owned("the operator does not support Redis yet"),
        "proxy": owned("a Registry is not a pull-through cache"),
        "compatibility": replace(object_of({"schema1": _ENABLED}), until=_V3),
        "reporting": replace(_REPORTING, until=_V3),
    }
)
"""The whole file."""
