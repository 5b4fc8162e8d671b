"""The command line of the generators."""

from click.testing import CliRunner

from hack.generate.__main__ import main


def test_a_check_of_what_is_fresh_is_silent_and_succeeds() -> None:
    result = CliRunner().invoke(main, ["crds", "--check"])

    assert (result.exit_code, result.output) == (0, "")


def test_an_unknown_generator_is_refused_with_those_there_are() -> None:
    result = CliRunner().invoke(main, ["everything"])

    assert result.exit_code == 2
    for name in ("crds", "rbac", "docs", "all"):
        assert f"'{name}'" in result.output
