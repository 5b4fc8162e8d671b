"""How the registry program is made to say which release it is, where nothing else tells.

Out flows a configuration with which every release starts, writes its release into its first log
lines, and ends with an error, as it can't listen at the address. In flow those lines, out flows the
version. `registry --version` says it too, but ends well: and of a container that ends well
Kubernetes keeps no word in the pod's status, so that its log would have to be read.

Tried on 2.8.2, 3.0.0 and 3.1.2 (tests/integration/distribution/test_probe.py).
"""

import json
import re
from typing import Final

from registry_operator.distribution.release import release_of_tag

CONFIGURATION: Final = json.dumps(
    {
        "version": "0.1",
        "log": {"level": "info", "formatter": "json", "accesslog": {"disabled": True}},
        "storage": {
            "inmemory": {},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        # Nobody can listen there, and nobody is asked what it means.
        "http": {"addr": "nowhere:0:0", "secret": "none"},
    }
)
"""The whole file; JSON is YAML. Nothing in it is secret."""

_VERSION = re.compile(r'"version":"([0-9A-Za-z.+_~-]{1,64})"')


def version_in(lines: str) -> str:
    """The version that the log lines tell, as the program writes it; "" when they tell none."""
    found = (match[1] for match in _VERSION.finditer(lines))
    return next((version for version in found if release_of_tag(version) is not None), "")
