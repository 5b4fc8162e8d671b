"""No behaviour of the list is lost: each is tested, or declined with a reason, and never both."""

from tests.conformance.rows import ROWS, rows, unmarked


def test_every_row_of_the_list_is_there_once() -> None:
    assert [row.number for row in rows()] == [*ROWS]


def test_each_row_is_either_tested_or_declined() -> None:
    both_or_none = [row.number for row in rows() if bool(row.tests) == bool(row.declined)]

    assert both_or_none == []


def test_a_row_is_declined_once_and_for_a_reason() -> None:
    declined = [row.declined for row in rows() if row.declined]

    assert all(len(reasons) == 1 and reasons[0].reason.endswith(".") for reasons in declined)


def test_what_differs_in_part_is_a_part_of_what_is_tested() -> None:
    assert [row.number for row in rows() if row.difference and not row.tests] == []


def test_every_test_names_its_origin() -> None:
    assert unmarked() == []


def test_every_origin_names_a_file_and_a_test() -> None:
    sources = {origin.source for row in rows() for origin in row.origins}

    assert {source for source in sources if " :: " not in source} == set()
