"""Writing generated files, and telling when they drifted."""

from pathlib import Path

from hack.generate.file import GeneratedFile, drift, write

_FILE = GeneratedFile(Path("a", "b.yaml"), "one\ntwo\n")


def test_a_missing_file_is_written_with_its_folders(tmp_path: Path) -> None:
    assert write(tmp_path, [_FILE]) == [_FILE.path]
    assert (tmp_path / "a" / "b.yaml").read_text() == _FILE.text


def test_a_file_that_is_right_is_not_touched(tmp_path: Path) -> None:
    write(tmp_path, [_FILE])
    before = (tmp_path / _FILE.path).stat().st_mtime_ns

    assert write(tmp_path, [_FILE]) == []
    assert (tmp_path / _FILE.path).stat().st_mtime_ns == before


def test_there_is_no_drift_after_writing(tmp_path: Path) -> None:
    write(tmp_path, [_FILE])

    assert drift(tmp_path, [_FILE]) == ""


def test_drift_is_shown_as_a_difference(tmp_path: Path) -> None:
    write(tmp_path, [_FILE])

    shown = drift(tmp_path, [GeneratedFile(_FILE.path, "one\nthree\n")])

    assert "--- a/a/b.yaml" in shown
    assert "-two\n+three\n" in shown


def test_a_missing_file_is_drift(tmp_path: Path) -> None:
    assert "+one" in drift(tmp_path, [_FILE])
