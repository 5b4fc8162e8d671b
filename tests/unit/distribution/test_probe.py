"""How the program's own word of its release is found in what it wrote."""

import json

import pytest

from registry_operator.distribution.probe import CONFIGURATION, version_in

FATAL = '{"level":"fatal","msg":"listen tcp: address nowhere:0:0: too many colons in address"}'


@pytest.mark.parametrize(
    ("lines", "version"),
    [
        ('{"go.version":"go1.26.8","level":"info","version":"v3.1.2"}\n' + FATAL, "v3.1.2"),
        ('{"level":"info","version":"2.8.2+ds1"}', "2.8.2+ds1"),
        ('{"version":"v3.0.0-rc.3"}', "v3.0.0-rc.3"),
        ('{"version":"something"}\n{"version":"v3.1.1+unknown"}', "v3.1.1+unknown"),
        (FATAL, ""),
        ("", ""),
        ('{"version":"1.27.0"}', ""),
        ('{"version":"v3.1.2', ""),
        ('{"version":"3.' + "1" * 80 + '"}', ""),
        ('{"version":"3.1.2-<script>"}', ""),
    ],
)
def test_a_version_is_what_reads_as_a_release(lines: str, version: str) -> None:
    assert version_in(lines) == version


def test_the_configuration_keeps_nothing_and_can_be_served_nowhere() -> None:
    told = json.loads(CONFIGURATION)

    assert "inmemory" in told["storage"]
    assert told["http"]["addr"].count(":") > 1
