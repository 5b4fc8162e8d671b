"""Which fields of the pods a change is about, in the user's words.

In: the template that served before, as the server holds it, and the one that is wanted. Out: names.
Pure. Our words are compared with the server's (runtime/diff.py), so what the server filled in is no
change; nor is what is merely not asked for any more, as nobody can tell that from a default.
"""

import re
from collections.abc import Mapping
from typing import Any

from controllers.registry import revision
from controllers.registry.configuration import VOLUME
from registry_operator.runtime.diff import differences

_MOST = 16
_CONFIGURATION = f"spec.volumes[{VOLUME}]"
# In front of a field's name: where in the template of the pods it is.
_WHERE = re.compile(r"^spec\.(containers\[[^\]]*\]\.)?")
_NAME = re.compile(r"^\w*")


def between(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """The names, sorted: `image`, `configuration`, `resources`, `metadata`, ….

    Both templates bear their revisions, which are no field of the user's.
    """
    found = differences(wanted, before)
    mark = f"metadata.annotations.{revision.ANNOTATION}"
    return sorted({_name(path) for path in found if path != mark})[:_MOST]


def _name(path: str) -> str:
    if path.startswith(_CONFIGURATION):
        return "configuration"
    found = _NAME.match(_WHERE.sub("", path))
    assert found is not None, "an empty name matches anything"
    return found[0]
