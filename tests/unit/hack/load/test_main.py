"""The command: its table, its exit code, its file."""

import json
from pathlib import Path

import pytest
from aiohttp import web

from hack.load.__main__ import main
from tests.unit.hack.load.server import RegistryServer
from tests.unit.hack.load.test_load_thread import in_a_thread


def test_a_load_without_a_failure_is_a_success_and_is_told_as_table_and_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.json"
    with in_a_thread(RegistryServer()) as address:
        where = f"{address.host}:{address.port}"
        code = main(["run", where, "--seconds", "0.5", "--rate", "100", "--json", str(out)])

    shown = capsys.readouterr().out
    report = json.loads(out.read_text())
    assert code == 0
    assert "get blob" in shown
    assert f"{report['requests']} requests" in shown
    assert report["failed"] == 0


def test_a_request_that_failed_makes_the_command_fail_and_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def no_tags(request: web.Request) -> web.Response | None:
        return web.Response(status=502) if "/tags/" in request.path else None

    with in_a_thread(RegistryServer(no_tags)) as address:
        where = f"{address.host}:{address.port}"
        code = main(["run", where, "--seconds", "0.5", "--rate", "200"])

    assert code == 1
    assert "list tags: status: GET /v2/load/" in capsys.readouterr().out


def test_an_address_of_somebody_else_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "1.1.1.1:443"])

    assert "private networks only" in capsys.readouterr().err
