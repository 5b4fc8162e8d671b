"""What pip is told on this machine reaches a build: merged as pip does, and nothing else of it."""

from __future__ import annotations

import configparser
from pathlib import Path

from hack.images.pip import configuration_files, read_settings


def _home(tmp_path: Path, text: str) -> Path:
    file = tmp_path / ".config" / "pip" / "pip.conf"
    file.parent.mkdir(parents=True)
    file.write_text(text)

    return tmp_path


def _values(text: str) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    parser.read_string(text)

    return dict(parser["global"])


def test_settings_come_from_the_users_file(tmp_path: Path) -> None:
    home = _home(tmp_path, "[global]\nindex-url = https://index.example/simple\n")

    settings = read_settings({}, home=home)

    assert _values(settings.text)["index-url"] == "https://index.example/simple"


def test_a_variable_wins_over_a_file_and_install_over_global(tmp_path: Path) -> None:
    home = _home(tmp_path, "[global]\ntimeout = 1\nretries = 1\n[install]\nretries = 2\n")

    values = _values(read_settings({"PIP_TIMEOUT": "9"}, home=home).text)

    assert (values["timeout"], values["retries"]) == ("9", "2")


def test_a_list_is_written_on_one_line(tmp_path: Path) -> None:
    home = _home(
        tmp_path, "[global]\nextra-index-url =\n  https://a.example\n  https://b.example\n"
    )

    values = _values(read_settings({}, home=home).text)

    assert values["extra-index-url"] == "https://a.example https://b.example"


def test_settings_that_are_the_hosts_own_are_left_out(tmp_path: Path) -> None:
    environ = {
        "PIP_TARGET": "/somewhere",
        "PIP_USER": "1",
        "PIP_NO_INDEX": "1",
        "HOME": "/home/someone",
    }

    values = _values(read_settings(environ, home=tmp_path).text)

    assert {"no-index"} == values.keys() & {"target", "user", "home", "no-index"}


def test_local_paths_that_exist_are_named_for_mounting(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    environ = {"PIP_FIND_LINKS": f"{wheels} /no/such/folder https://links.example/"}

    assert wheels in read_settings(environ, home=tmp_path).paths
    assert Path("/no/such/folder") not in read_settings(environ, home=tmp_path).paths


def test_a_password_in_an_address_is_not_in_the_repr(tmp_path: Path) -> None:
    settings = read_settings({"PIP_INDEX_URL": "https://me:hunter2@index.example"}, home=tmp_path)

    assert "hunter2" in settings.text
    assert "hunter2" not in repr(settings)


def test_the_null_device_as_configuration_turns_files_off(tmp_path: Path) -> None:
    home = _home(tmp_path, "[global]\ntimeout = 1\n")

    assert home / ".config/pip/pip.conf" in configuration_files({}, home=home)
    assert configuration_files({"PIP_CONFIG_FILE": "/dev/null"}, home=home) == []
