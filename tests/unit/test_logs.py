"""What the operator logs, and what never gets there: tried in a process of its own."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import logging
import structlog
from registry_operator import logs
from registry_operator.kube.object import Object

logs.configure(level={level!r}, as_json={as_json})
log = structlog.get_logger("test")
secret = Object.of({{"metadata": {{"name": "x", "namespace": "y"}}, "data": {{"k": "do-not-tell"}}}})

def fail(body, text):
    raise RuntimeError("went wrong")

log.debug("read", object=secret)
log.info("told", key="y/x")
for name in ("kubernetes_asyncio.client.rest", "aiohttp.client", "asyncio"):
    logging.getLogger(name).debug("response body: %s", secret.raw)
    logging.getLogger(name).info("response body: %s", secret.raw)
logging.getLogger("somebody").warning("a warning of a library")
try:
    fail(secret.body(), "do-not-" + "tell")
except RuntimeError:
    log.exception("failed")
"""


def output(*, level: str, as_json: bool) -> str:
    program = PROGRAM.format(level=level, as_json=as_json)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("as_json", [True, False])
def test_a_secrets_body_never_reaches_a_log_even_with_a_traceback_at_debug(
    as_json: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    text = output(level="debug", as_json=as_json)

    assert "went wrong" in text
    assert "do-not-tell" not in text
    assert "response body" not in text
    assert "a warning of a library" in text


def test_json_is_one_object_a_line_with_level_and_time() -> None:
    lines = [
        line for line in output(level="info", as_json=True).splitlines() if "library" not in line
    ]
    entries = [json.loads(line) for line in lines]

    assert [entry["event"] for entry in entries] == ["told", "failed"]
    assert entries[0]["level"] == "info"
    assert entries[0]["key"] == "y/x"
    assert entries[0]["timestamp"].endswith("Z")
    assert entries[1]["exception"][0]["exc_value"] == "went wrong"


def test_an_object_is_logged_by_its_name() -> None:
    assert "<Object y/x resourceVersion=>" in output(level="debug", as_json=False)


def test_the_level_is_kept() -> None:
    text = output(level="error", as_json=True)

    assert "told" not in text
    assert "failed" in text
